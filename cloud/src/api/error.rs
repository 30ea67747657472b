//! How the sync API says no.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use common::sync::{BATCH_BYTES_MAX, BATCH_READINGS_MAX, PROTOCOL_VERSION, Problem, ProblemCode};

use crate::store::StoreError;

/// Seconds after which a gateway may try again when the cloud is busy or a code was guessed
/// too often.
const BUSY_PAUSE_SECONDS: u64 = 5;
const ENROL_PAUSE_SECONDS: u64 = 60;

/// Why a request of a gateway is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No token came along.
    #[error("the request carries no token")]
    NoToken,
    /// The token is not known, or was revoked.
    #[error("the token is not known, or was revoked")]
    UnknownToken,
    /// The code is wrong, used or too old. Which one is nobody's business.
    #[error("the code is not good: it is mistyped, used already, or older than 15 minutes")]
    Code,
    /// Somebody guesses codes.
    #[error("too many tries to enrol")]
    TooManyTries,
    /// Too many batches at once.
    #[error("the cloud is busy")]
    Busy,
    /// Content-Type or Content-Encoding is not ours.
    #[error("{0}")]
    Media(String),
    /// The body is too large, packed or unpacked.
    #[error("the batch is larger than {BATCH_BYTES_MAX} bytes or {BATCH_READINGS_MAX} readings")]
    TooLarge,
    /// The line was too slow, or broke.
    #[error("the batch did not come wholly in time")]
    Cut,
    /// The gateway was never asked that.
    #[error("this gateway was not asked that, or so long ago that nobody waits for the answer")]
    UnknownCommand,
    /// Nobody who may vouches for a new key.
    #[error("the signature is not of a key that the cloud knows of this gateway")]
    Signature,
    /// The body is no message of the protocol.
    #[error("{0}")]
    Garbled(String),
    /// A newer or older program.
    #[error("the gateway speaks protocol {0}, this cloud speaks {PROTOCOL_VERSION}")]
    Protocol(String),
    /// Readings are missing between the last settled one and this batch.
    #[error("the batch begins with reading {first}, and {expected} is expected next")]
    Hole {
        /// The first number in the batch.
        first: u64,
        /// The number that is expected.
        expected: u64,
    },
    /// The store could not.
    #[error("the cloud cannot keep anything at the moment")]
    Store(#[from] StoreError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::Code | Self::Signature => StatusCode::FORBIDDEN,
            Self::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy | Self::Cut | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Media(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownCommand => StatusCode::NOT_FOUND,
            Self::Garbled(_) | Self::Protocol(_) => StatusCode::BAD_REQUEST,
            Self::Hole { .. } => StatusCode::CONFLICT,
        }
    }

    fn code(&self) -> ProblemCode {
        match self {
            Self::NoToken | Self::UnknownToken => ProblemCode::Token,
            Self::TooManyTries | Self::Busy | Self::Cut | Self::Store(_) => ProblemCode::Busy,
            Self::TooLarge => ProblemCode::TooLarge,
            Self::Media(_) | Self::Garbled(_) => ProblemCode::Garbled,
            Self::Protocol(_) => ProblemCode::Protocol,
            Self::Hole { .. } => ProblemCode::Hole,
            Self::Code | Self::Signature | Self::UnknownCommand => ProblemCode::Other,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::NoToken => "send 'Authorization: Bearer' with the token from the enrolment",
            Self::UnknownToken => {
                "enrol the gateway again: the portal shows a new code for it; until then it \
                 keeps its readings"
            }
            Self::Code => "let the portal show a new code, and type it within 15 minutes",
            Self::TooManyTries => "wait a minute, then try once with a new code",
            Self::Busy | Self::Cut | Self::Store(_) => {
                "keep the readings and send them again later"
            }
            Self::Media(_) => "send application/json, plain or with 'Content-Encoding: zstd'",
            Self::TooLarge => "send it in smaller batches",
            Self::Signature => {
                "sign the text of the protocol with the gateway's present key; without that \
                 key, enrol the gateway again"
            }
            Self::UnknownCommand => "drop the answer, and go on with the orders that wait",
            Self::Garbled(_) => "send what the sync protocol describes; the message says where",
            Self::Protocol(_) => "upgrade the older of the two programs",
            Self::Hole { .. } => {
                "send again from the reading that is expected, which resend_from names; what \
                 is not held any more goes as a loss"
            }
        }
    }

    fn pause(&self) -> Option<u64> {
        match self {
            Self::TooManyTries => Some(ENROL_PAUSE_SECONDS),
            Self::Busy | Self::Cut | Self::Store(_) => Some(BUSY_PAUSE_SECONDS),
            _ => None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            tracing::error!(%error, "a gateway's request could not be served");
        }
        let problem = Problem {
            code: self.code(),
            error: self.to_string(),
            hint: self.hint().to_owned(),
            resend_from: match self {
                Self::Hole { expected, .. } => Some(expected),
                _ => None,
            },
            protocols: match self {
                Self::Protocol(_) => vec![PROTOCOL_VERSION],
                _ => Vec::new(),
            },
        };
        let mut response = (self.status(), Json(problem)).into_response();
        if let Some(seconds) = self.pause() {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}
