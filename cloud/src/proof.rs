//! The proof of an invoice: what lets anybody check it without us.
//!
//! An export is one JSON document with the invoice's snapshot, the sealed readings that it
//! rests on, a digest of every field of both, and the issuer's signature over the list of
//! those digests. [`check::check`] recomputes all of it, from the words of the devices to the
//! total, and says what differs; the keys that it believes come from outside the document.
//!
//! It proves that nothing has changed since the gateway read the device, that no reading of
//! the chain was left out, and that the amounts are what the stated terms make of the
//! registers. It does not prove that the device is right, that the terms (prices, multiplier,
//! adjustments) were agreed, or that the gateway was connected to what it says.

mod chain;
pub mod check;
mod json;
pub mod listing;
mod recompute;
pub mod report;
#[cfg(test)]
mod tests;
pub mod trust;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::digest::{Digest, Signature};
use common::id::GatewayId;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::listing::{Listing, ListingError};
use crate::billing::consumption::Taken;

/// What the member `schema` of an export says.
pub const SCHEMA: &str = "enervue.invoice-export/1";

/// What an invoice rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The readings: first the meter's chain of seals, from the first link that a boundary
    /// rests on to the last, none left out; then those that are not sealed.
    pub readings: Vec<Taken>,
    /// The keys that sealed them.
    pub keys: Vec<SealKey>,
}

/// A key by which a gateway seals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SealKey {
    /// The gateway.
    pub gateway: GatewayId,
    /// The Ed25519 public key, base64.
    pub public_key: String,
}

/// The issuer's word for an invoice and its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The issuer's Ed25519 public key, base64.
    pub public_key: String,
    /// Its signature of [`Listing::text`].
    pub signature: Signature,
}

/// All of it in one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// [`SCHEMA`].
    pub schema: String,
    /// The snapshot.
    pub invoice: Value,
    /// An [`Evidence`].
    pub evidence: Value,
    /// The digest of each field of the two.
    pub digests: BTreeMap<String, Digest>,
    /// The signature over them.
    pub proof: Proof,
}

/// The issuer's word for a snapshot and its evidence.
///
/// # Errors
/// When one of them cannot be listed.
pub fn sign(key: &SigningKey, invoice: &Value, evidence: &Value) -> Result<Proof, ListingError> {
    let text = Listing::of(invoice, evidence)?.text();
    Ok(Proof {
        public_key: BASE64.encode(key.verifying_key().as_bytes()),
        signature: Signature(key.sign(text.as_bytes()).to_bytes()),
    })
}

impl Export {
    /// The document of a snapshot, its evidence and its proof, as the store keeps them.
    ///
    /// # Errors
    /// When one of them cannot be listed.
    pub fn new(invoice: Value, evidence: Value, proof: Proof) -> Result<Self, ListingError> {
        let digests = Listing::of(&invoice, &evidence)?.into_digests();
        Ok(Self {
            schema: SCHEMA.to_owned(),
            invoice,
            evidence,
            digests,
            proof,
        })
    }
}
