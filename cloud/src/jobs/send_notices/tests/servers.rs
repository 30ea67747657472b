//! An SMTP server and a Bot API on a port of this machine, which keep what they are given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail: its recipients, and all of its text.
type Taken = (Vec<String>, String);

pub(super) struct Smtp {
    pub(super) port: u16,
    state: Arc<Mutex<SmtpState>>,
    serving: JoinHandle<()>,
}

struct SmtpState {
    mails: Vec<Taken>,
    recipient_reply: String,
}

impl Smtp {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(SmtpState {
            mails: Vec::new(),
            recipient_reply: "250 ok".to_owned(),
        }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // The client may hang up whenever it likes.
                drop(tokio::spawn(talk(stream, Arc::clone(&shared))));
            }
        });
        Self {
            port,
            state,
            serving,
        }
    }

    pub(super) fn mails(&self) -> Vec<Taken> {
        self.state.lock().unwrap().mails.clone()
    }

    pub(super) fn reply_to_recipients(&self, reply: &str) {
        self.state.lock().unwrap().recipient_reply = reply.to_owned();
    }

    pub(super) async fn stop(&self) {
        self.serving.abort();
        while !self.serving.is_finished() {
            tokio::task::yield_now().await;
        }
    }
}

async fn talk(stream: TcpStream, state: Arc<Mutex<SmtpState>>) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut recipients = Vec::new();
    writing.write_all(b"220 test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "RCPT" => {
                let reply = state.lock().unwrap().recipient_reply.clone();
                recipients.push(line["RCPT TO:".len()..].to_owned());
                reply
            }
            "DATA" => {
                writing.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                let taken = (std::mem::take(&mut recipients), mail);
                state.lock().unwrap().mails.push(taken);
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
        writing.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

pub(super) struct Bot {
    pub(super) port: u16,
    state: Arc<Mutex<BotState>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct BotState {
    calls: Vec<(String, String)>,
    failure: Option<(u16, String)>,
    updates: Vec<Value>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bot {
    pub(super) async fn start() -> Self {
        let state = Arc::new(Mutex::new(BotState::default()));
        let router = Router::new()
            .route("/{token}/{method}", axum::routing::post(called))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            port,
            state,
            serving,
        }
    }

    /// Method and body of each call that sent something.
    pub(super) fn calls(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().calls.clone()
    }

    pub(super) fn fail(&self, status: u16, body: &str) {
        self.state.lock().unwrap().failure = Some((status, body.to_owned()));
    }

    /// Somebody writes to the bot; what it answers.
    pub(super) async fn hear(&self, kind: &str, chat: i64, text: &str) -> String {
        let before = self.calls().len();
        {
            let mut state = self.state.lock().unwrap();
            let id = state.updates.len() + 1;
            state.updates.push(update(id, kind, chat, text));
        }
        loop {
            if let Some((_, body)) = self.calls().get(before) {
                let body: Value = serde_json::from_str(body).unwrap();
                assert_eq!(body["chat_id"].as_i64(), Some(chat));
                return body["text"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn update(id: usize, kind: &str, chat: i64, text: &str) -> Value {
    let mut place = json!({"id": chat, "type": kind});
    if kind == "group" {
        place["title"] = "Group".into();
    } else {
        place["first_name"] = "Ana".into();
    }
    json!({
        "update_id": id,
        "message": {
            "message_id": id,
            "date": 1_793_545_200,
            "chat": place,
            "from": {"id": chat, "is_bot": false, "first_name": "Ana", "language_code": "es-MX"},
            "text": text,
        },
    })
}

async fn called(
    State(state): State<Arc<Mutex<BotState>>>,
    Path((token, method)): Path<(String, String)>,
    body: Bytes,
) -> (StatusCode, String) {
    assert_eq!(token, "bot123:SECRET");
    let method = method.to_ascii_lowercase();
    let body = String::from_utf8_lossy(&body).into_owned();
    let answer = match method.as_str() {
        "getme" => json!({
            "id": 123, "is_bot": true, "first_name": "Enervue", "username": "enervue_bot",
            "can_join_groups": false, "can_read_all_group_messages": false,
            "supports_inline_queries": false, "can_connect_to_business": false,
            "has_main_web_app": false,
        }),
        "getupdates" => news(&state, &body).await,
        _ => {
            let mut state = state.lock().unwrap();
            state.calls.push((method, body));
            if let Some((status, body)) = &state.failure {
                return (StatusCode::from_u16(*status).unwrap(), body.clone());
            }
            let chat = json!({"id": 77, "type": "private", "first_name": "Ana"});
            json!({"message_id": 1, "date": 1_793_545_200, "chat": chat, "text": "sent"})
        }
    };
    (
        StatusCode::OK,
        json!({"ok": true, "result": answer}).to_string(),
    )
}

/// The updates from the asked number on, as soon as there are any.
async fn news(state: &Mutex<BotState>, body: &str) -> Value {
    let asked: Value = serde_json::from_str(body).unwrap();
    let offset = asked["offset"].as_i64().unwrap_or(0);
    for _ in 0..200 {
        let updates: Vec<Value> = state
            .lock()
            .unwrap()
            .updates
            .iter()
            .filter(|update| update["update_id"].as_i64() >= Some(offset))
            .cloned()
            .collect();
        if !updates.is_empty() {
            return updates.into();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    json!([])
}
