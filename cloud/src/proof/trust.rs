//! The keys that somebody believes, as they wrote them down outside the document.

use std::fmt;
use std::str::FromStr;

use common::digest::{FormError, fingerprint, public_key};
use ed25519_dalek::VerifyingKey;

/// The digits of a fingerprint, without its spaces.
const FINGERPRINT_DIGITS: usize = 32;

/// A public key by a name that people compare: its fingerprint, with or without spaces, or
/// the whole key in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    digits: String,
    written: String,
}

/// The text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' names no key: write a fingerprint of eight groups of four hexadecimal digits, or \
     the whole public key in base64"
)]
pub struct KeyNameError(String);

fn digits_of(key: &VerifyingKey) -> String {
    fingerprint(key).replace(' ', "")
}

impl From<&VerifyingKey> for KeyName {
    fn from(key: &VerifyingKey) -> Self {
        Self {
            digits: digits_of(key),
            written: fingerprint(key),
        }
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;
    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let digits: String = text.split_whitespace().collect();
        let written = text.trim().to_owned();
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if digits.len() == FINGERPRINT_DIGITS && is_hexadecimal {
            let digits = digits.to_ascii_lowercase();
            return Ok(Self { digits, written });
        }
        let whole = |key: VerifyingKey| Self {
            digits: digits_of(&key),
            written: written.clone(),
        };
        let named: Result<_, FormError> = public_key(&written).map(whole);
        named.map_err(|_| KeyNameError(text.chars().take(60).collect()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl KeyName {
    /// Whether it names `key`.
    #[must_use]
    pub fn names(&self, key: &VerifyingKey) -> bool {
        self.digits == digits_of(key)
    }
}

/// The keys that are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The issuer's.
    pub issuer: KeyName,
    /// The gateways'.
    pub gateways: Vec<KeyName>,
}

impl Trusted {
    /// Whether `key` is a gateway's that is believed.
    #[must_use]
    pub fn is_gateway(&self, key: &VerifyingKey) -> bool {
        self.gateways.iter().any(|name| name.names(key))
    }
}
