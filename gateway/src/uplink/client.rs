//! HTTP to the cloud: one address, one token, bounded answers, no redirects. Plain HTTP only
//! to this machine itself.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use common::id::CommandId;
use common::sync::{
    BATCH_BYTES_MAX, BATCH_PATH, Batch, BatchReply, COMMANDS_PATH, COMMANDS_WAIT_SECONDS_MAX,
    CommandList, CommandResult, DEVICES_PATH, DeviceList, ENROL_PATH, EnrolReply, EnrolRequest,
    KEY_PATH, KeyReply, KeyRequest, Problem,
};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::decide::Answer;
use crate::clock::Clock;
use crate::devices::LIST_BYTES_MAX;
use crate::identity::Identity;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A batch over a poor mobile line takes a while.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The cloud may hold a request for commands open for 25 s; more silence is a dead line.
const READ_TIMEOUT: Duration = Duration::from_secs(35);
/// After so long without traffic the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// The most bytes of any answer but a list of devices and those to batches.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The most bytes of the answer to a batch, in which each reading may be refused at length.
const BATCH_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Below this, packing costs more than it saves.
const PACK_BYTES_MIN: usize = 1_024;
/// zstd's level: packs readings to a tenth in a few milliseconds on a Pi.
const PACK_LEVEL: i32 = 3;
/// Characters of a foreign answer that are shown.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// What went wrong between here and the cloud.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The address is none that may be used.
    #[error("'{url}' is not the address of a cloud: {why}")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The connection failed or broke.
    #[error("cannot reach the cloud: {0}")]
    Unreachable(String),
    /// The cloud said no.
    #[error("the cloud answered {status}: {}", .problem.error)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, and what to do.
        problem: Problem,
    },
    /// The answer is not what the protocol says.
    #[error("the cloud's answer cannot be understood: {0}")]
    Garbled(String),
}

/// The address of a cloud: `https://…`, or `http://` to this machine.
///
/// # Errors
/// When it is anything else.
pub fn check_address(url: &str) -> Result<Url, UplinkError> {
    let wrong = |why| UplinkError::Address {
        url: url.chars().take(SHOWN_CHARACTERS_MAX).collect(),
        why,
    };
    let parsed = Url::parse(url).map_err(|_| wrong("write it like https://cloud.example.com"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("it must not hold a password"));
    }
    let host = parsed.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<std::net::IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match parsed.scheme() {
        "https" if !host.is_empty() => Ok(parsed),
        "http" if loopback => Ok(parsed),
        "http" => Err(wrong(
            "plain http is only for this machine itself; use https",
        )),
        _ => Err(wrong("write it like https://cloud.example.com")),
    }
}

/// Speaks the sync protocol with one cloud.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
}

impl Client {
    /// A client of the cloud at `url`, which judges its certificate by `clock`.
    /// [`crate::tls::install`] must have been called.
    ///
    /// # Errors
    /// When the address may not be used or TLS cannot be set up.
    pub fn new(url: &str, clock: &Clock) -> Result<Self, UplinkError> {
        let url = check_address(url)?;
        let tls = crate::tls::client(clock.clone());
        let tls = tls.map_err(|error| UplinkError::Unreachable(error.to_string()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(super::SOFTWARE)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(TIMEOUT)
            .tcp_keepalive(KEEPALIVE)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(unreachable)?;
        Ok(Self { http, url })
    }

    /// Exchanges a one-use code for an identity.
    ///
    /// # Errors
    /// When the cloud cannot be reached or refuses.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UplinkError> {
        let sending = self.http.post(self.at(ENROL_PATH)).json(request);
        receive(sending, ANSWER_BYTES_MAX).await
    }

    /// The devices that `identity` shall read.
    ///
    /// # Errors
    /// When the cloud cannot be reached or refuses.
    pub async fn devices(&self, identity: &Identity) -> Result<DeviceList, UplinkError> {
        let asking = self.http.get(self.at(DEVICES_PATH));
        receive(asking.bearer_auth(identity.token.reveal()), LIST_BYTES_MAX).await
    }

    /// What the cloud wants done; waits for it until [`COMMANDS_WAIT_SECONDS_MAX`].
    ///
    /// # Errors
    /// When the cloud cannot be reached or refuses.
    pub async fn commands(&self, identity: &Identity) -> Result<CommandList, UplinkError> {
        let mut url = self.at(COMMANDS_PATH);
        url.set_query(Some(&format!("wait_s={COMMANDS_WAIT_SECONDS_MAX}")));
        let asking = self.http.get(url).bearer_auth(identity.token.reveal());
        receive(asking, ANSWER_BYTES_MAX).await
    }

    /// Tells what came of a command.
    ///
    /// # Errors
    /// When the cloud cannot be reached or refuses.
    pub async fn answer(
        &self,
        identity: &Identity,
        command: CommandId,
        result: &CommandResult,
    ) -> Result<(), UplinkError> {
        let sending = self
            .http
            .post(self.at(&format!("{COMMANDS_PATH}/{command}")));
        let sending = sending.bearer_auth(identity.token.reveal()).json(result);
        let response = sending.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(()),
            _ => understand::<serde::de::IgnoredAny>(response, ANSWER_BYTES_MAX)
                .await
                .map(|_| ()),
        }
    }

    /// Asks for another key, and the token that goes with it.
    ///
    /// # Errors
    /// When the cloud cannot be reached or refuses.
    pub async fn change_key(
        &self,
        identity: &Identity,
        request: &KeyRequest,
    ) -> Result<KeyReply, UplinkError> {
        let sending = self.http.post(self.at(KEY_PATH)).json(request);
        let sending = sending.bearer_auth(identity.token.reveal());
        receive(sending, ANSWER_BYTES_MAX).await
    }

    /// Sends a batch that [`pack`] made.
    pub async fn send(&self, identity: &Identity, body: Packed) -> Answer {
        let sending = self.http.post(self.at(BATCH_PATH));
        let mut sending = sending
            .bearer_auth(identity.token.reveal())
            .header(CONTENT_TYPE, "application/json");
        if body.zstd {
            sending = sending.header(CONTENT_ENCODING, "zstd");
        }
        let response = match sending.body(body.bytes).send().await {
            Ok(response) => response,
            Err(error) => return Answer::Silent(unreachable(error).to_string()),
        };
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        match understand::<BatchReply>(response, BATCH_ANSWER_BYTES_MAX).await {
            Ok(reply) => Answer::Taken(reply),
            Err(UplinkError::Refused { problem, .. }) => Answer::Refused {
                status,
                retry_after,
                problem,
            },
            Err(other) => Answer::Silent(other.to_string()),
        }
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

/// A batch as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Packed {
    bytes: Vec<u8>,
    zstd: bool,
}

/// Writes and packs a batch; `None` when it is larger than the protocol allows.
#[must_use]
pub fn pack(batch: &Batch) -> Option<Packed> {
    let plain = serde_json::to_vec(batch).ok()?;
    if plain.len() > BATCH_BYTES_MAX {
        return None;
    }
    if plain.len() >= PACK_BYTES_MIN
        && let Ok(bytes) = zstd::bulk::compress(&plain, PACK_LEVEL)
    {
        return Some(Packed { bytes, zstd: true });
    }
    Some(Packed {
        bytes: plain,
        zstd: false,
    })
}

async fn receive<T: DeserializeOwned>(
    request: RequestBuilder,
    bytes_max: usize,
) -> Result<T, UplinkError> {
    let response = request.send().await.map_err(unreachable)?;
    understand(response, bytes_max).await
}

async fn understand<T: DeserializeOwned>(
    mut response: Response,
    bytes_max: usize,
) -> Result<T, UplinkError> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            return Err(UplinkError::Garbled(format!(
                "it is longer than {bytes_max} bytes"
            )));
        }
    }
    if status == StatusCode::OK {
        return serde_json::from_slice(&body)
            .map_err(|error| UplinkError::Garbled(error.to_string()));
    }
    let problem = serde_json::from_slice(&body).unwrap_or_else(|_| foreign(status, &body));
    Err(UplinkError::Refused {
        status: status.as_u16(),
        problem,
    })
}

/// An answer that is not the sync API's: a proxy's, or a captive portal's.
fn foreign(status: StatusCode, body: &[u8]) -> Problem {
    let text = String::from_utf8_lossy(body);
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = text.chars().map(clean).take(SHOWN_CHARACTERS_MAX).collect();
    let shown = shown.trim();
    let name = status.canonical_reason().unwrap_or("an unknown status");
    Problem {
        error: match shown {
            "" => name.to_owned(),
            _ => format!("{name} ({shown})"),
        },
        hint: "check that the address is the cloud's own and nothing stands in between".to_owned(),
        ..Problem::default()
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// An error of the HTTP client with its causes, without the address it names each time.
fn unreachable(error: reqwest::Error) -> UplinkError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    UplinkError::Unreachable(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_only_for_this_machine() {
        for url in [
            "https://cloud.example",
            "https://192.168.1.5:8443/enervue",
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
        ] {
            assert!(check_address(url).is_ok(), "{url}");
        }
        for url in [
            "http://cloud.example",
            "http://192.168.1.5",
            "http://localhost.example",
            "https://user:secret@cloud.example",
            "ftp://localhost",
            "cloud.example",
            "",
        ] {
            assert!(check_address(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_path_before_the_api_is_kept() {
        crate::tls::install();
        for (url, expected) in [
            ("https://a.example", "https://a.example/sync/v1/batch"),
            ("https://a.example/b/", "https://a.example/b/sync/v1/batch"),
        ] {
            assert_eq!(
                Client::new(url, &Clock::real())
                    .unwrap()
                    .at(BATCH_PATH)
                    .as_str(),
                expected
            );
        }
    }
}
