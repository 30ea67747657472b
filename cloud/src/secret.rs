//! Secrets that we give out: session tokens, one-time links, enrolment codes, gateway tokens.
//! The databases keep only their hashes; a secret has 128 bits or more, so a plain hash will
//! do, but for the enrolment code, which lives for minutes and works once.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

/// Letters of an enrolment code (Crockford's): what is taken for one of them means it.
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters in each half of an enrolment code: 40 bits together.
const CODE_HALF: usize = 4;

/// A new secret of 256 bits that fits into an address.
#[must_use]
pub fn new() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A new secret of 128 bits: short enough for a QR code on paper.
#[must_use]
pub fn paper_token() -> String {
    let mut bytes = [0_u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a secret: SHA-256, in hexadecimal.
#[must_use]
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A new enrolment code, as people read it to each other: `K7FM-2QPX`.
#[must_use]
pub fn enrolment_code() -> String {
    let mut bytes = [0_u8; 2 * CODE_HALF];
    rand::rng().fill_bytes(&mut bytes);
    let letters: String = bytes
        .iter()
        .filter_map(|byte| CODE_ALPHABET.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    let (first, second) = letters.split_at(CODE_HALF.min(letters.len()));
    format!("{first}-{second}")
}

/// What is kept of an enrolment code; case and marks do not matter.
#[must_use]
pub fn enrolment_code_hash(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let plain = letters.map(|letter| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    });
    hash(&plain.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_their_hashes_are_theirs() {
        let (one, other) = (new(), new());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert_eq!(paper_token().len(), 22);
        assert_ne!(paper_token(), paper_token());
        assert_eq!(
            hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_code_can_be_typed_carelessly() {
        let code = enrolment_code();
        assert_eq!(code.len(), 9, "{code}");
        let careless = format!(" {} ", code.to_lowercase().replace('-', ""));
        assert_eq!(enrolment_code_hash(&code), enrolment_code_hash(&careless));
        assert_eq!(
            enrolment_code_hash("0110-AAAA"),
            enrolment_code_hash("oiLo aaaa")
        );
        assert_ne!(
            enrolment_code_hash("AAAA-AAAA"),
            enrolment_code_hash("AAAA-AAAB")
        );
    }
}
