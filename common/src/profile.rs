//! Profiles: the register map of a device model as data, and how its words become values.
//!
//! A profile is a TOML file that carries its own proof: [`Profile::parse`] checks it, and
//! decodes its `[[test]]` vectors before anybody can use it. Arithmetic is decimal; binary
//! floats exist only inside [`Register`], and leave it as the shortest decimal that reads
//! back the same. What cannot be a value (a sentinel, a not-a-number, an
//! all-zero frame, a digit out of range) is suspect with its reason, never a number.
//!
//! No expression language, no scripts, no writes: a key that nothing implements is refused.

mod check;
mod decode;
mod encode;
mod extend;
mod format;
mod library;
mod link;
mod plan;
mod point;
mod register;
mod step;
#[cfg(test)]
mod tests;
mod vector;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::encode::EncodeError;
pub use self::library::{Library, LibraryError};
pub use self::link::{
    Limits, Link, LinkSetting, Merge, Parity, Refresh, UnitIdFormula, UnitIdHint,
};
pub use self::point::{Point, Role, Rollover};
pub use self::register::{Register, Registers};
pub use self::step::usual_rate;
use crate::unit::Medium;

/// The most bytes of a profile's text; the largest shipped one has a tenth of it.
pub const PROFILE_BYTES_MAX: usize = 64 * 1024;
/// The most registers that Modbus carries in one reply (253 bytes of PDU).
pub const REQUEST_REGISTERS_MAX: u16 = 125;

/// Why a text is not a profile, and the line that shows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {reason}", self.whose())]
pub struct ProfileError {
    /// The line, counted from 1.
    pub line: usize,
    /// The profile whose text has that line, when it is not the one that was given but the
    /// one that it extends.
    pub base: Option<String>,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl ProfileError {
    fn whose(&self) -> String {
        let base = self.base.as_ref();
        base.map_or_else(String::new, |id| format!(" of '{id}', which it extends"))
    }
}

/// A device model: how it is reached, what it counts, and where its registers are.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The name by which everything refers to it, e.g. `eastron-sdm630`.
    pub id: String,
    /// The profile of which it says only what differs.
    pub extends: Option<String>,
    /// What the device measures.
    pub medium: Medium,
    /// Who makes it.
    pub vendor: String,
    /// The models that it fits.
    pub models: Vec<String>,
    /// How well it is known.
    pub confidence: Confidence,
    /// Where its facts come from.
    pub sources: Vec<String>,
    /// What has to be set on the device before it answers.
    pub setup: Vec<String>,
    /// The device's link as it leaves the factory.
    pub link: Link,
    /// Where its unit id is found when it is not the factory's.
    pub unit_id_hint: Option<UnitIdHint>,
    /// Whose side multiplies by the ratio of a current transformer, where that is a question.
    pub ct: Option<CurrentTransformers>,
    /// What may be asked of it at once, and how fast.
    pub limits: Limits,
    /// How a device that answers from a cache is brought to answer what is now.
    pub refresh: Option<Refresh>,
    /// How many requests wake the device up; what they bring does not count.
    pub wake: u32,
    /// What it measures.
    pub points: Vec<Point>,
    /// How many test vectors show words and value as a source has them.
    pub worked_vectors: usize,
    /// How many test vectors have words that we computed from the value.
    pub computed_vectors: usize,
    reference: String,
    registers: BTreeMap<String, Register>,
    atomic: Vec<Vec<Register>>,
    rejects: Vec<Reject>,
    flags: Vec<Flag>,
    identity: Vec<Identity>,
    serial: Option<Register>,
}

/// How well a profile is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Two independent sources agree.
    TwoSources,
    /// One source says so.
    OneSource,
    /// Nobody has confirmed it.
    Unverified,
}

impl Confidence {
    /// The word used in profiles, JSON and tables.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TwoSources => "two-sources",
            Self::OneSource => "one-source",
            Self::Unverified => "unverified",
        }
    }
}

/// Whose side multiplies by the ratio of a current transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CurrentTransformers {
    /// The meter: what its registers hold is what was consumed.
    Meter,
    /// The gateway, by ratios that it reads from the meter.
    Registers,
    /// The installer: the ratio is a setting of the device in the portal.
    Site,
}

/// A bit of a status register and what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// What it means, in English.
    pub en: String,
    /// What it means, in Spanish.
    pub es: String,
    /// Whether no value of the device counts while it is set.
    pub invalidates: bool,
    register: Register,
    bit: u32,
}

/// What a register of a device of this model holds.
#[derive(Debug, Clone)]
struct Identity {
    register: Register,
    rule: IdentityRule,
}

#[derive(Debug, Clone)]
enum IdentityRule {
    Between(Decimal, Decimal),
    OneOf(Vec<Decimal>),
    OneOfTexts(Vec<String>),
    StartsWith(String),
}

/// Words that no live device sends.
#[derive(Debug, Clone, PartialEq)]
enum Reject {
    AllZero(Vec<Register>),
    Outside {
        register: Register,
        low: Decimal,
        high: Decimal,
    },
}

impl Reject {
    fn registers(&self) -> &[Register] {
        match self {
            Self::AllZero(registers) => registers,
            Self::Outside { register, .. } => std::slice::from_ref(register),
        }
    }
}

/// The two register tables that can be read. Nothing here can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Holding registers, function code 03.
    Holding,
    /// Input registers, function code 04.
    Input,
}

impl Table {
    /// The Modbus function code that reads it.
    #[must_use]
    pub fn function(self) -> u8 {
        match self {
            Self::Holding => 3,
            Self::Input => 4,
        }
    }
}

/// A run of registers to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// In which table.
    pub table: Table,
    /// The first register, as in the PDU, counted from 0.
    pub address: u16,
    /// How many.
    pub count: u16,
}

/// What a point's words mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The value, or why the words are none.
    pub value: Result<crate::quantity::Quantity, String>,
    /// The words, four hexadecimal digits each, in the order in which the point names their
    /// registers: value, multiplier, unit. `----` is a word that was not read.
    pub raw: String,
}

impl Profile {
    /// The profile that `text` describes, checked and proved by its own test vectors. One
    /// that extends another is read by [`Library::parse`].
    ///
    /// # Errors
    /// With the line and the reason, when the text is not a profile or does not decode its
    /// vectors as they say.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        check::profile(text, None)
    }

    /// Id and start of the text's hash, e.g. `eastron-sdm120@1f2e3d4c`: with it a reading
    /// says by which version it was decoded.
    #[must_use]
    pub fn reference(&self) -> String {
        self.reference.clone()
    }

    /// The point of that id.
    #[must_use]
    pub fn point(&self, id: &str) -> Option<&Point> {
        self.points.iter().find(|point| point.id == id)
    }

    /// The points from which invoices may be made.
    pub fn billing_points(&self) -> impl Iterator<Item = &Point> {
        self.points
            .iter()
            .filter(|point| point.role == Role::Billing)
    }

    /// Every declared register, by name.
    pub fn registers(&self) -> impl Iterator<Item = &Register> {
        self.registers.values()
    }
}

fn reference(id: &str, texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.as_bytes());
    }
    let digest = hash.finalize();
    let start = digest.iter().take(4).map(|byte| format!("{byte:02x}"));
    format!("{id}@{}", start.collect::<String>())
}
