//! Digests and signatures as the wire and the databases write them.

use std::fmt;
use std::str::FromStr;

use crate::written::written;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

/// The text is no digest, signature or key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {wanted}")]
pub struct FormError {
    text: String,
    wanted: &'static str,
}

fn wrong(text: &str, wanted: &'static str) -> FormError {
    let text = text.chars().take(20).collect();
    FormError { text, wanted }
}

/// A SHA-256, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = FormError;
    fn from_str(text: &str) -> Result<Self, FormError> {
        let error = || wrong(text, "64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(error());
        }
        let mut digest = [0; 32];
        for (place, byte) in digest.iter_mut().enumerate() {
            let digits = text.get(2 * place..2 * place + 2).ok_or_else(error)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| error())?;
        }
        Ok(Self(digest))
    }
}

/// An Ed25519 signature, written in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl FromStr for Signature {
    type Err = FormError;
    fn from_str(text: &str) -> Result<Self, FormError> {
        let error = || wrong(text, "64 bytes in base64");
        let bytes = BASE64.decode(text).map_err(|_| error())?;
        bytes.try_into().map(Self).map_err(|_| error())
    }
}

impl Signature {
    /// Whether `key` made it of `text`.
    #[must_use]
    pub fn is_of(&self, key: &VerifyingKey, text: &str) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&self.0);
        key.verify_strict(text.as_bytes(), &signature).is_ok()
    }
}

/// The Ed25519 public key that `text` writes in base64.
///
/// # Errors
/// When it writes none.
pub fn public_key(text: &str) -> Result<VerifyingKey, FormError> {
    let error = || wrong(text, "an Ed25519 public key in base64");
    let bytes = BASE64.decode(text).map_err(|_| error())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| error())?;
    VerifyingKey::from_bytes(&bytes).map_err(|_| error())
}

/// How many groups of four hexadecimal digits a fingerprint has: 128 bits. Of 64, somebody
/// with a hall of machines could make a second key in a few years.
const FINGERPRINT_GROUPS: usize = 8;

/// The short form of a public key by which people compare it: the first 128 bits of its
/// SHA-256, as hexadecimal digits in groups of four, e.g. `1f2e 3d4c 5b6a 7988 …`.
#[must_use]
pub fn fingerprint(key: &VerifyingKey) -> String {
    let digits = Digest::of(key.as_bytes()).to_string();
    let groups = digits.as_bytes().chunks(4).take(FINGERPRINT_GROUPS);
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

written!(Digest, Signature);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_short_form_for_people() {
        // RFC 8032, test 1; its SHA-256 by sha256sum.
        let key = public_key("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").unwrap();
        let short = "21fe 31df a154 a261 626b f854 046f d227";
        assert_eq!(fingerprint(&key), short);
    }

    #[test]
    fn digests_and_signatures_read_back_as_they_were_written() {
        let digest = Digest::of(b"abc");
        let written = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), written);
        assert_eq!(written.parse(), Ok(digest));
        let signature = Signature([7; 64]);
        assert_eq!(signature.to_string().parse(), Ok(signature));
        for text in ["", "ba78", &"g".repeat(64), &"é".repeat(32), "AAAA"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
            assert!(text.parse::<Signature>().is_err(), "{text}");
            assert!(public_key(text).is_err(), "{text}");
        }
    }
}
