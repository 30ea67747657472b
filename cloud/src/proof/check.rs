//! The check of an export, by nothing but the document, the keys that are believed, and the
//! rules of this program.
//!
//! In this order: form, issuer's key, signature, each digest against its field, the seals and
//! their chain, the registers against readings and words, then all arithmetic anew. It goes
//! on after a difference as long as there is something to look at, so that each is named.

use std::collections::BTreeMap;

use common::digest::{Digest, fingerprint, public_key};
use common::profile::Library;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::chain;
use super::json;
use super::listing::{Listing, ListingError, fields};
use super::recompute;
use super::report::{Part, Report, Summary};
use super::trust::Trusted;
use super::{Evidence, Proof, SCHEMA};
use crate::billing::invoice::{Invoice, SCHEMA as INVOICE_SCHEMA};

/// The most bytes of an export; one of a year of daily readings has a tenth of it.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The members of an export.
const MEMBERS: [&str; 5] = ["schema", "invoice", "evidence", "digests", "proof"];

/// Checks the export that `text` writes.
#[must_use]
pub fn check(text: &str, trusted: &Trusted, library: &Library) -> Report {
    let mut report = Report::default();
    if text.len() > BYTES_MAX {
        let message = format!("it is longer than {BYTES_MAX} bytes: it is no export");
        report.differs(Part::Form, "", message);
        return report;
    }
    match json::parse(text) {
        Ok(document) => check_document(&document, trusted, library, &mut report),
        Err(error) => report.differs(Part::Form, "", format!("it is no JSON: {error}")),
    }
    report
}

fn check_document(document: &Value, trusted: &Trusted, library: &Library, report: &mut Report) {
    let Some(members) = document.as_object() else {
        report.differs(Part::Form, "", "it is no JSON object".to_owned());
        return;
    };
    if !has_form(members, report) {
        return;
    }
    let part = |name: &str| members.get(name).unwrap_or(&Value::Null);
    let (invoice, evidence) = (part("invoice"), part("evidence"));
    let digests: Option<BTreeMap<String, Digest>> = typed("digests", part("digests"), report);
    let proof: Option<Proof> = typed("proof", part("proof"), report);
    if let (Some(digests), Some(proof)) = (&digests, &proof) {
        check_signature(digests, proof, trusted, report);
    }
    match Listing::of(invoice, evidence) {
        Ok(listing) => {
            let found = listing.into_digests();
            report.fields = found.len();
            if let Some(digests) = &digests {
                compare_digests(digests, &found, report);
            }
        }
        Err(error) => {
            report.differs(Part::Form, error.field(), error.to_string());
            return;
        }
    }
    let invoice: Option<Invoice> = typed("invoice", invoice, report);
    let evidence: Option<Evidence> = typed("evidence", evidence, report);
    let (Some(invoice), Some(evidence)) = (invoice, evidence) else {
        return;
    };
    report.invoice = Some(Summary::from(&invoice));
    if invoice.schema != INVOICE_SCHEMA {
        let message = format!("this program knows {INVOICE_SCHEMA}");
        report.differs(Part::Form, "invoice.schema", message);
    }
    let sealed = chain::check(&invoice, &evidence, trusted, report);
    recompute::check(&invoice, &evidence, &sealed, library, report);
}

/// Whether it has the members of an export and no others, in a version that is known.
fn has_form(members: &Map<String, Value>, report: &mut Report) -> bool {
    for name in members.keys().filter(|name| !MEMBERS.contains(&&***name)) {
        let name: String = name.chars().take(40).collect();
        report.differs(Part::Form, name, "an export has no such member".to_owned());
    }
    for name in MEMBERS.iter().filter(|name| !members.contains_key(**name)) {
        report.differs(Part::Form, *name, "it is missing".to_owned());
    }
    if members.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
        let message = format!("it is not {SCHEMA}, which this program knows");
        report.differs(Part::Form, "schema", message);
    }
    report.is_identical()
}

/// A part of the document, if it is that and nothing else: written again it must be the
/// same, so that nothing in it goes unread.
fn typed<T: DeserializeOwned + Serialize>(
    name: &str,
    value: &Value,
    report: &mut Report,
) -> Option<T> {
    let read: T = match serde_json::from_value(value.clone()) {
        Ok(read) => read,
        Err(error) => {
            let message = format!("it cannot be read: {error}");
            report.differs(Part::Form, name, message);
            return None;
        }
    };
    let again = serde_json::to_value(&read).unwrap_or_default();
    if again == *value {
        return Some(read);
    }
    let listed = || Ok::<_, ListingError>((fields(name, value)?, fields(name, &again)?));
    let Ok((found, expected)) = listed() else {
        let message = "it holds what it should not".to_owned();
        report.differs(Part::Form, name, message);
        return Some(read);
    };
    for (field, value) in &found {
        match expected.get(field) {
            None => report.differs(Part::Form, field, "it has no such field".to_owned()),
            Some(other) if other != value => {
                let message = format!("it should be written as: {other}");
                report.differs(Part::Form, field, message);
            }
            Some(_) => {}
        }
    }
    for field in expected.keys().filter(|field| !found.contains_key(*field)) {
        report.differs(Part::Form, field, "it is missing".to_owned());
    }
    Some(read)
}

fn check_signature(
    digests: &BTreeMap<String, Digest>,
    proof: &Proof,
    trusted: &Trusted,
    report: &mut Report,
) {
    let key = match public_key(&proof.public_key) {
        Ok(key) => key,
        Err(error) => {
            report.differs(Part::Issuer, "proof.public_key", error.to_string());
            return;
        }
    };
    report.issuer = fingerprint(&key);
    if !trusted.issuer.names(&key) {
        let (found, wanted) = (&report.issuer, &trusted.issuer);
        let message = format!("the key is {found}, the issuer's is {wanted}");
        report.differs(Part::Issuer, "proof.public_key", message);
    }
    let text = Listing::of_digests(digests.clone()).text();
    if !proof.signature.is_of(&key, &text) {
        let message = "it is not the key's signature of these digests".to_owned();
        report.differs(Part::Signature, "proof.signature", message);
    }
}

fn compare_digests(
    written: &BTreeMap<String, Digest>,
    found: &BTreeMap<String, Digest>,
    report: &mut Report,
) {
    for (field, digest) in found {
        match written.get(field) {
            Some(signed) if signed == digest => {}
            Some(_) => {
                let message = "it is not what was signed".to_owned();
                report.differs(Part::Digest, field, message);
            }
            None => {
                let message = "it was not there when it was signed".to_owned();
                report.differs(Part::Digest, field, message);
            }
        }
    }
    for field in written.keys().filter(|field| !found.contains_key(*field)) {
        let message = "it was there when it was signed".to_owned();
        report.differs(Part::Digest, field, message);
    }
}
