//! What a check of an invoice comes to.

use common::id::InvoiceId;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::billing::invoice::Invoice;
use crate::currency::Currency;

/// What "identical" says.
pub const PROVES: [&str; 3] = [
    "nothing has changed since the gateway read the device",
    "no sealed reading between the first and the last was left out",
    "quantities, lines and total are what the stated terms make of the registers",
];
/// What it does not say.
pub const DOES_NOT_PROVE: [&str; 4] = [
    "that the device measures right",
    "that the gateway read the device that serves this meter",
    "that the terms (prices, multiplier, adjustments) were agreed",
    "that the readings which are not sealed are true",
];

/// The part of the check that found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The document is no export, or holds what an export does not.
    Form,
    /// The issuer's key is not the one that is believed.
    Issuer,
    /// The issuer did not sign these digests.
    Signature,
    /// A field is not the one that was signed.
    Digest,
    /// A gateway's key is not one that is believed.
    Gateway,
    /// A reading is not what the gateway sealed.
    Seal,
    /// A link of the chain is missing, or another meter's.
    Chain,
    /// The words of the device do not mean the register.
    Decoding,
    /// A boundary is not what its reading says.
    Boundary,
    /// A quantity is not the difference of its registers.
    Quantity,
    /// The amounts are not what the terms make of the quantities.
    Charge,
    /// The period is not the one of the terms.
    Period,
    /// A mark is missing or says too much.
    Mark,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The part of the check that found it.
    pub part: Part,
    /// The field, as a path; empty when it is the document.
    pub field: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// A figure that does not rest on a sealed reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsealed {
    /// Which.
    pub field: String,
    /// What it rests on.
    pub why: String,
}

/// Which invoice was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its identity.
    pub id: InvoiceId,
    /// Its number.
    pub number: u64,
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// What it asks for.
    pub total: Decimal,
    /// In what.
    pub currency: Currency,
}

impl From<&Invoice> for Summary {
    fn from(invoice: &Invoice) -> Self {
        Self {
            id: invoice.id,
            number: invoice.number,
            from: invoice.period.from,
            until: invoice.period.until,
            total: invoice.total,
            currency: invoice.currency,
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Which invoice it is, as far as that could be read.
    pub invoice: Option<Summary>,
    /// The fingerprint of the key that issued it.
    pub issuer: String,
    /// The fingerprints of the keys that sealed its readings.
    pub gateways: Vec<String>,
    /// How many fields were compared with their digests.
    pub fields: usize,
    /// How many sealed readings were checked.
    pub seals: usize,
    /// What is not as it must be.
    pub differences: Vec<Difference>,
    /// What does not rest on sealed readings; nothing when all does.
    pub unsealed: Vec<Unsealed>,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        self.differences.is_empty()
    }

    pub(super) fn differs(&mut self, part: Part, field: impl Into<String>, message: String) {
        self.differences.push(Difference {
            part,
            field: field.into(),
            message,
        });
    }

    pub(super) fn is_unsealed(&mut self, field: String, why: &str) {
        let why = why.to_owned();
        self.unsealed.push(Unsealed { field, why });
    }

    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
