//! A Bot API of our own: what teloxide calls, answered as Telegram would, with the faults
//! that Telegram shows on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::test_clock::real_now;

/// The bot's name, which stands in `/start` links.
pub const BOT_NAME: &str = "enervue_demo_bot";
/// A token in the form that Telegram gives out.
pub const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const LONG_POLL_MAX: Duration = Duration::from_secs(5);

/// A message that the bot sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// When it came, in real time.
    pub arrived_at: Timestamp,
    /// To which chat.
    pub chat: i64,
    /// The text, or the caption of a document.
    pub text: String,
    /// `HTML`, `MarkdownV2` or nothing.
    pub parse_mode: String,
    /// Name and bytes of a document.
    pub document: Option<(String, Vec<u8>)>,
}

/// What the next calls shall meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429, come back after so many seconds.
    TooManyRequests(u32),
    /// 403, the person blocked the bot.
    Blocked,
}

#[derive(Debug, Default)]
struct Kept {
    updates: Vec<Value>,
    messages: Vec<Message>,
    faults: BTreeMap<i64, Vec<Fault>>,
}

/// The server and what passed through it. It serves as long as the runtime lives.
#[derive(Debug, Clone)]
pub struct Telegram {
    url: String,
    kept: Arc<Mutex<Kept>>,
    said: Arc<Notify>,
}

impl Telegram {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// When the system has no port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let telegram = Self {
            url: format!("http://{}", listener.local_addr()?),
            kept: Arc::default(),
            said: Arc::default(),
        };
        let routes = Router::new()
            .route("/{bot}/{method}", any(answer))
            .with_state(telegram.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(telegram)
    }

    /// Its address, for `api_url`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A person writes to the bot.
    pub fn say(&self, chat: i64, name: &str, text: &str) {
        let mut kept = self.kept();
        let number = kept.updates.len() + 1;
        kept.updates.push(json!({
            "update_id": number,
            "message": {
                "message_id": number,
                "date": real_now().as_second(),
                "chat": { "id": chat, "type": "private", "first_name": name },
                "from": { "id": chat, "is_bot": false, "first_name": name },
                "text": text,
                "entities": [{ "type": "bot_command", "offset": 0, "length": 6 }],
            },
        }));
        drop(kept);
        self.said.notify_waiters();
    }

    /// What the person of a chat called themselves.
    #[must_use]
    pub fn name(&self, chat: i64) -> String {
        let kept = self.kept();
        let mut updates = kept.updates.iter().map(|update| &update["message"]["chat"]);
        let found = updates.find(|known| known["id"] == chat);
        let name = found.and_then(|known| known["first_name"].as_str());
        name.unwrap_or("nobody").to_owned()
    }

    /// Every message that the bot sent, the oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.kept().messages.clone()
    }

    /// The messages to one chat, the oldest first.
    #[must_use]
    pub fn to(&self, chat: i64) -> Vec<Message> {
        let messages = self.messages().into_iter();
        messages.filter(|message| message.chat == chat).collect()
    }

    /// Makes the next send to `chat` fail.
    pub fn fail_next(&self, chat: i64, fault: Fault) {
        self.kept().faults.entry(chat).or_default().push(fault);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn updates(&self, arguments: &Arguments) -> Value {
        let offset = arguments.number("offset").unwrap_or(0);
        let wait = arguments.number("timeout").unwrap_or(0);
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(0)).min(LONG_POLL_MAX);
        let said = self.said.notified();
        let fresh = self.updates_from(offset);
        if !fresh.is_empty() || wait.is_zero() {
            return Value::Array(fresh);
        }
        // Nobody said anything in the meantime: an empty list is the right answer.
        let _ = tokio::time::timeout(wait, said).await;
        Value::Array(self.updates_from(offset))
    }

    fn updates_from(&self, offset: i64) -> Vec<Value> {
        let kept = self.kept();
        let all = kept.updates.iter();
        all.filter(|update| update["update_id"].as_i64() >= Some(offset))
            .cloned()
            .collect()
    }

    fn take(&self, arguments: &Arguments) -> Response {
        let Some(chat) = arguments.number("chat_id") else {
            return refused(400, "Bad Request: chat_id is empty", json!({}));
        };
        let mut kept = self.kept();
        let faults = kept.faults.entry(chat).or_default();
        if !faults.is_empty() {
            return match faults.remove(0) {
                Fault::TooManyRequests(seconds) => refused(
                    429,
                    &format!("Too Many Requests: retry after {seconds}"),
                    json!({ "retry_after": seconds }),
                ),
                Fault::Blocked => refused(403, "Forbidden: bot was blocked by the user", json!({})),
            };
        }
        let text = arguments.text("text");
        let caption = arguments.text("caption");
        kept.messages.push(Message {
            arrived_at: real_now(),
            chat,
            text: text.or(caption).unwrap_or_default(),
            parse_mode: arguments.text("parse_mode").unwrap_or_default(),
            document: arguments.file.clone(),
        });
        granted(json!({
            "message_id": kept.messages.len(),
            "date": real_now().as_second(),
            "chat": { "id": chat, "type": "private", "first_name": "?" },
            "text": arguments.text("text").unwrap_or_default(),
        }))
    }
}

async fn answer(
    State(telegram): State<Telegram>,
    Path((bot, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if bot != format!("bot{TOKEN}") {
        return refused(401, "Unauthorized", json!({}));
    }
    let kind = headers.get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let arguments = Arguments::read(kind, &body);
    match method.to_ascii_lowercase().as_str() {
        "getme" => granted(json!({
            "id": 110_201_543, "is_bot": true, "first_name": "Enervue", "username": BOT_NAME,
            "can_join_groups": false, "can_read_all_group_messages": false,
            "supports_inline_queries": false, "can_connect_to_business": false,
            "has_main_web_app": false, "has_topics_enabled": false,
        })),
        "getupdates" => granted(telegram.updates(&arguments).await),
        "sendmessage" | "senddocument" => telegram.take(&arguments),
        "setmycommands" | "deletewebhook" => granted(json!(true)),
        _ => refused(404, "Not Found", json!({})),
    }
}

fn granted(result: Value) -> Response {
    axum::Json(json!({ "ok": true, "result": result })).into_response()
}

fn refused(code: u16, description: &str, parameters: Value) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({
        "ok": false, "error_code": code, "description": description, "parameters": parameters,
    });
    (status, axum::Json(body)).into_response()
}

/// What a call gave along, as JSON or as a form with a file.
#[derive(Debug, Default)]
struct Arguments {
    values: BTreeMap<String, Value>,
    file: Option<(String, Vec<u8>)>,
}

impl Arguments {
    fn read(kind: &str, body: &[u8]) -> Self {
        match kind.split_once("boundary=") {
            Some((_, boundary)) => Self::from_multipart(boundary.trim_matches('"'), body),
            None => Self {
                values: serde_json::from_slice(body).unwrap_or_default(),
                file: None,
            },
        }
    }

    fn from_multipart(boundary: &str, body: &[u8]) -> Self {
        let mut arguments = Self::default();
        for part in split(body, format!("--{boundary}").as_bytes()) {
            let Some(at) = find(part, b"\r\n\r\n") else {
                continue;
            };
            let (head, content) = part.split_at(at);
            let head = String::from_utf8_lossy(head).into_owned();
            let content = content.get(4..).unwrap_or_default();
            let content = content.strip_suffix(b"\r\n").unwrap_or(content);
            let Some(name) = quoted(&head, " name=\"") else {
                continue;
            };
            match quoted(&head, "filename=\"") {
                Some(file) => arguments.file = Some((file, content.to_vec())),
                None => {
                    let text = String::from_utf8_lossy(content).into_owned();
                    arguments.values.insert(name, Value::String(text));
                }
            }
        }
        arguments
    }

    fn text(&self, name: &str) -> Option<String> {
        self.values.get(name)?.as_str().map(str::to_owned)
    }

    fn number(&self, name: &str) -> Option<i64> {
        let value = self.values.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }
}

fn quoted(head: &str, before: &str) -> Option<String> {
    let (_, after) = head.split_once(before)?;
    Some(after.split('"').next().unwrap_or_default().to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, by) {
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after.get(by.len()..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}
