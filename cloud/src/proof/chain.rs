//! The seals of the readings, and the chain that they make.

use std::collections::{BTreeMap, BTreeSet};

use common::digest::{fingerprint, public_key};
use common::id::{Epoch, GatewayId};
use common::seal::{Head, Seal, SealError};
use ed25519_dalek::VerifyingKey;

use super::Evidence;
use super::report::{Part, Report};
use super::trust::Trusted;
use crate::billing::consumption::Taken;
use crate::billing::invoice::Invoice;

/// By what a reading is known.
pub(super) type Place = (GatewayId, Epoch, u64);

/// By what `taken` is known.
pub(super) fn place(taken: &Taken) -> Place {
    (taken.gateway, taken.epoch, taken.reading.seq)
}

type Keys = BTreeMap<GatewayId, Vec<VerifyingKey>>;

/// Checks the seals; tells which readings are what a believed gateway sealed.
pub(super) fn check(
    invoice: &Invoice,
    evidence: &Evidence,
    trusted: &Trusted,
    report: &mut Report,
) -> BTreeSet<Place> {
    let keys = believed(evidence, trusted, report);
    let mut sealed = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut head: Option<Head> = None;
    let mut has_unsealed = false;
    for (number, taken) in evidence.readings.iter().enumerate() {
        let field = format!("evidence.readings[{number}]");
        if !seen.insert(place(taken)) {
            let message = "the reading is there twice".to_owned();
            report.differs(Part::Chain, &field, message);
        }
        let Some(seal) = &taken.reading.seal else {
            has_unsealed = true;
            continue;
        };
        let field = format!("{field}.reading.seal");
        if has_unsealed {
            let message = "the chain goes on behind readings without seals".to_owned();
            report.differs(Part::Chain, &field, message);
        }
        if seal.meter != invoice.meter {
            let message = format!("it seals a reading of the meter {}", seal.meter);
            report.differs(Part::Chain, format!("{field}.meter"), message);
        }
        if is_sealed(seal, taken, &keys, head, &field, report) {
            sealed.insert(place(taken));
        }
        head = Some(seal.head(&taken.reading));
    }
    report.seals = sealed.len();
    sealed
}

/// The keys of the evidence that are believed, by gateway.
fn believed(evidence: &Evidence, trusted: &Trusted, report: &mut Report) -> Keys {
    let mut keys = Keys::new();
    for (number, key) in evidence.keys.iter().enumerate() {
        let field = format!("evidence.keys[{number}].public_key");
        let found = match public_key(&key.public_key) {
            Ok(found) => found,
            Err(error) => {
                report.differs(Part::Gateway, &field, error.to_string());
                continue;
            }
        };
        let name = fingerprint(&found);
        if trusted.is_gateway(&found) {
            keys.entry(key.gateway).or_default().push(found);
        } else {
            let message = format!("the key {name} is none of those that are believed");
            report.differs(Part::Gateway, &field, message);
        }
        if !report.gateways.contains(&name) {
            report.gateways.push(name);
        }
    }
    keys
}

/// Whether a believed key of its gateway sealed the reading as the link after `head`; the
/// first of the evidence begins where it says.
fn is_sealed(
    seal: &Seal,
    taken: &Taken,
    keys: &Keys,
    head: Option<Head>,
    field: &str,
    report: &mut Report,
) -> bool {
    let start = Head {
        link: seal.link.saturating_sub(1),
        digest: seal.previous,
    };
    let keys = keys.get(&taken.gateway).map_or(&[][..], Vec::as_slice);
    let checked = keys
        .iter()
        .map(|key| seal.check(key, head.unwrap_or(start), &taken.reading))
        .find(|checked| *checked != Err(SealError::Signature))
        .unwrap_or(Err(SealError::Signature));
    match checked {
        Ok(_) => true,
        Err(error @ SealError::Signature) => {
            let message = format!("no believed key of its gateway: {error}");
            report.differs(Part::Seal, format!("{field}.signature"), message);
            false
        }
        Err(error @ SealError::Place { .. }) => {
            report.differs(Part::Chain, format!("{field}.link"), error.to_string());
            false
        }
        Err(error @ SealError::Previous(_)) => {
            report.differs(Part::Chain, format!("{field}.previous"), error.to_string());
            false
        }
    }
}
