//! The bytes of a batch: unpacked within bounds, and read so that one reading that cannot be
//! understood does not take the others with it.

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use common::id::Epoch;
use common::reading::Reading;
use common::sync::{
    BATCH_BYTES_MAX, BATCH_READINGS_MAX, Batch, GatewayReport, Loss, PROTOCOL_VERSION, Rejection,
    RejectionCode,
};
use serde::Deserialize;

use crate::api::error::Refusal;

/// The largest window, as a power of two, that unpacking may hold in memory: 8 MB.
const WINDOW_LOG_MAX: u32 = 23;
/// The largest number that a reading can have, 2^48: a thousand a second for 8,900 years, and
/// sums of them stay exact.
const NUMBER_MAX: u64 = 1 << 48;
/// The most characters of the reason why a reading cannot be read.
const REASON_CHARACTERS_MAX: usize = 300;

/// A batch that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// See [`Batch::epoch`].
    pub(super) epoch: Epoch,
    /// The readings that can be understood.
    pub(super) readings: Vec<Reading>,
    /// Those that cannot.
    pub(super) unread: Vec<Unread>,
    /// See [`Batch::losses`].
    pub(super) losses: Vec<Loss>,
    /// See [`Batch::report`].
    pub(super) report: GatewayReport,
}

/// A reading that has a number and nothing else that can be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// What came, as JSON.
    pub(super) content: String,
    /// Its number, and why it cannot be read.
    pub(super) rejection: Rejection,
}

impl Sent {
    /// The first and the last number, or nothing in a batch without readings.
    ///
    /// # Errors
    /// When the numbers do not rise by one from at least 1.
    pub(super) fn numbers(&self) -> Result<Option<(u64, u64)>, Refusal> {
        let good = self.readings.iter().map(|reading| reading.seq);
        let unread = self.unread.iter().map(|unread| unread.rejection.seq);
        let single = good.chain(unread).map(|seq| (seq, seq));
        let lost = self.losses.iter().map(|loss| (loss.first, loss.last));
        let mut runs: Vec<(u64, u64)> = single.chain(lost).collect();
        runs.sort_unstable();
        let (Some((first, _)), Some((_, last))) = (runs.first(), runs.last()) else {
            return Ok(None);
        };
        let rising = runs.iter().all(|(first, last)| first <= last);
        let contiguous = runs.windows(2).all(|pair| match pair {
            [(_, end), (next, _)] => end.checked_add(1) == Some(*next),
            _ => false,
        });
        if !rising || !contiguous || *first == 0 || *last > NUMBER_MAX {
            return Err(Refusal::Garbled(format!(
                "readings and losses {first} to {last} do not rise by one from at least 1"
            )));
        }
        Ok(Some((*first, *last)))
    }
}

/// The batch in the body of a request.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Sent, Refusal> {
    let content_type = text(headers.get(CONTENT_TYPE));
    if !content_type.starts_with("application/json") {
        return Err(Refusal::Media(format!(
            "the batch is '{content_type}' instead of application/json"
        )));
    }
    let sent = match text(headers.get(CONTENT_ENCODING)) {
        "" | "identity" => parse(body)?,
        "zstd" => parse(&unpack(body)?)?,
        other => {
            let message = format!("the batch is packed by '{other}'");
            return Err(Refusal::Media(message));
        }
    };
    let losses = sent.losses.len();
    if sent.readings.len() + sent.unread.len() + losses > BATCH_READINGS_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(sent)
}

fn text(value: Option<&axum::http::HeaderValue>) -> &str {
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Never holds more than the limit, whatever the packed bytes promise.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, Refusal> {
    let garbled = |error: std::io::Error| Refusal::Garbled(format!("zstd: {error}"));
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(garbled)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(garbled)?;
    let limit = u64::try_from(BATCH_BYTES_MAX).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    decoder
        .take(limit.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(garbled)?;
    if plain.len() > BATCH_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(plain)
}

/// A batch whose readings are looked at one by one.
#[derive(Deserialize)]
struct Loose {
    protocol: u32,
    epoch: Epoch,
    readings: Vec<serde_json::Value>,
    #[serde(default)]
    losses: Vec<Loss>,
    report: GatewayReport,
}

fn parse(plain: &[u8]) -> Result<Sent, Refusal> {
    // Nearly always all is well, and one pass is enough.
    if let Ok(batch) = serde_json::from_slice::<Batch>(plain) {
        check_protocol(batch.protocol)?;
        return Ok(Sent {
            epoch: batch.epoch,
            readings: batch.readings,
            unread: Vec::new(),
            losses: batch.losses,
            report: batch.report,
        });
    }
    let loose: Loose = serde_json::from_slice(plain)
        .map_err(|error| Refusal::Garbled(format!("the batch cannot be read: {error}")))?;
    check_protocol(loose.protocol)?;
    let mut sent = Sent {
        epoch: loose.epoch,
        readings: Vec::new(),
        unread: Vec::new(),
        losses: loose.losses,
        report: loose.report,
    };
    for value in loose.readings {
        match Reading::deserialize(&value) {
            Ok(reading) => sent.readings.push(reading),
            Err(error) => {
                let seq = value.get("seq").and_then(serde_json::Value::as_u64);
                let Some(seq) = seq else {
                    let message = format!("a reading has no number: {error}");
                    return Err(Refusal::Garbled(message));
                };
                // The message may quote what came.
                let reason = format!("it cannot be read: {error}")
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(REASON_CHARACTERS_MAX)
                    .collect();
                sent.unread.push(Unread {
                    content: value.to_string(),
                    rejection: Rejection {
                        seq,
                        code: RejectionCode::Unacceptable,
                        reason,
                    },
                });
            }
        }
    }
    Ok(sent)
}

fn check_protocol(protocol: u32) -> Result<(), Refusal> {
    if protocol == PROTOCOL_VERSION {
        Ok(())
    } else {
        Err(Refusal::Protocol(protocol.to_string()))
    }
}
