//! One gateway's connection: whole requests, and some of whose answers only the first bytes
//! are read.

use common::id::Epoch;
use common::sync::{BATCH_PATH, BatchReply, Problem};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::model::{Answer, Item};

/// A body and how it is described.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) kind: &'static str,
    pub(super) packed: &'static str,
}

impl Body {
    pub(super) fn json(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let (kind, packed) = ("application/json", "");
        Self {
            bytes,
            kind,
            packed,
        }
    }

    /// The same, packed.
    pub(super) fn pack(self) -> Self {
        let bytes = zstd::encode_all(self.bytes.as_slice(), 3).unwrap();
        let packed = "zstd";
        Self {
            bytes,
            packed,
            ..self
        }
    }
}

/// The batch of these items, as JSON.
pub(super) fn batch(epoch: Epoch, items: &[Item]) -> Value {
    let readings: Vec<&Value> = items
        .iter()
        .filter_map(|item| match item {
            Item::Good(_, value) | Item::Poison(_, value) => Some(value),
            Item::Lost(_) => None,
        })
        .collect();
    let losses: Vec<Value> = items
        .iter()
        .filter_map(|item| match item {
            Item::Lost(loss) => Some(serde_json::to_value(loss).unwrap()),
            _ => None,
        })
        .collect();
    json!({
        "protocol": 1,
        "epoch": epoch,
        "readings": readings,
        "losses": losses,
        "report": {
            "at": "2026-11-24T08:00:00Z",
            "software": "model 1",
            "settled_through": "2026-11-24T08:00:00Z",
            "waiting": 0,
        },
    })
}

/// A gateway's way to the cloud.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) client: reqwest::Client,
    pub(super) base: String,
    pub(super) token: String,
}

impl Wire {
    pub(super) async fn send(&self, body: &Body) -> Answer {
        self.send_as(&self.token, body).await
    }

    pub(super) async fn send_as(&self, token: &str, body: &Body) -> Answer {
        let mut request = self
            .client
            .post(format!("{}{BATCH_PATH}", self.base))
            .bearer_auth(token)
            .header("content-type", body.kind)
            .body(body.bytes.clone());
        if !body.packed.is_empty() {
            request = request.header("content-encoding", body.packed);
        }
        let answer = request.send().await.expect("the cloud answers");
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        if status == 200 {
            let reply: BatchReply =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            return reply.into();
        }
        let problem: Problem =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status}: {error}: {text}"));
        assert!(
            !problem.error.is_empty() && !problem.hint.is_empty(),
            "{text}"
        );
        Answer::Refused(status, problem.code, problem.resend_from)
    }

    /// Sends a whole request and hangs up after `bytes` of the answer.
    pub(super) async fn send_and_hang_up(&self, body: &Body, bytes: usize) {
        let address = self.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut request = format!(
            "POST {BATCH_PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {}\r\nContent-Length: {}\r\n",
            self.token,
            body.kind,
            body.bytes.len(),
        );
        if !body.packed.is_empty() {
            request.push_str(&format!("Content-Encoding: {}\r\n", body.packed));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(&body.bytes).await.unwrap();
        let mut read = vec![0; bytes];
        // Less than that many is an answer that is shorter.
        let _ = stream.read_exact(&mut read).await;
    }
}
