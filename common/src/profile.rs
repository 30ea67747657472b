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
mod format;
mod library;
mod plan;
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
pub use self::register::{Register, Registers};
use crate::unit::{Medium, Unit};

/// The most bytes of a profile's text; the largest shipped one has a tenth of it.
pub const PROFILE_BYTES_MAX: usize = 64 * 1024;
/// The most registers that Modbus carries in one reply (253 bytes of PDU).
pub const REQUEST_REGISTERS_MAX: u16 = 125;

/// Why a text is not a profile, and the line that shows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ProfileError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// A device model: how it is reached, what it counts, and where its registers are.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The name by which everything refers to it, e.g. `eastron-sdm630`.
    pub id: String,
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
    /// What may be asked of it at once, and how fast.
    pub limits: Limits,
    /// How a device that answers from a cache is brought to answer what is now.
    pub refresh: Option<Refresh>,
    /// How many requests wake the device up; what they bring does not count.
    pub wake: u32,
    /// What it measures.
    pub points: Vec<Point>,
    /// How many test vectors prove it.
    pub vectors: usize,
    reference: String,
    registers: BTreeMap<String, Register>,
    atomic: Vec<Vec<Register>>,
    all_zero: Vec<Vec<Register>>,
    flags: Vec<Flag>,
    identity: Vec<Identity>,
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

/// The parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    /// No parity bit.
    None,
    /// Even parity.
    Even,
    /// Odd parity.
    Odd,
}

/// The serial link of a device as it leaves the factory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The unit id.
    pub unit_id: u8,
    /// Bits a second.
    pub baud: u32,
    /// The parity.
    pub parity: Parity,
    /// One or two.
    pub stop_bits: u8,
    /// Other links that the model is known to be set to.
    pub alternatives: Vec<LinkSetting>,
}

/// Baud rate, parity and stop bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkSetting {
    /// Bits a second.
    pub baud: u32,
    /// The parity.
    pub parity: Parity,
    /// One or two.
    pub stop_bits: u8,
}

/// What may be asked of a device at once, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most registers in one request.
    pub max_registers: u16,
    /// How many undeclared registers a request may read across.
    pub max_gap: u16,
    /// Whether registers that are close to each other may come in one request.
    pub merge: Merge,
    /// The pause before the next request to this device, in milliseconds.
    pub request_gap_ms: u64,
    /// The pause before a request when another unit was asked before, in milliseconds.
    pub unit_change_gap_ms: u64,
    /// How long its reply may take to begin, in milliseconds.
    pub response_timeout_ms: u64,
    /// How often a failed request is repeated.
    pub retries: u32,
    /// The shortest period at which it may be read, in seconds; it runs on a battery, say.
    pub min_poll_s: u32,
    /// Whether it never sends an exception: its silence may be a wrong address.
    pub no_exceptions: bool,
}

/// Whether registers that are close to each other may come in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Merge {
    /// Yes, across at most `max_gap` undeclared registers.
    Gaps,
    /// No: each register, and each run that must come in one reply, has a request of its own.
    Never,
}

/// Ask, wait, and ask again: the first reply may be what the device knew long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// How long until it has renewed its values, in milliseconds.
    pub wait_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_registers: REQUEST_REGISTERS_MAX,
            max_gap: 0,
            merge: Merge::Gaps,
            request_gap_ms: 0,
            unit_change_gap_ms: 0,
            response_timeout_ms: 1000,
            retries: 2,
            min_poll_s: 0,
            no_exceptions: false,
        }
    }
}

/// What a point is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A counter from which invoices may be made.
    Billing,
    /// Another counter.
    Counter,
    /// A value of the moment: power, voltage, flow.
    Gauge,
    /// The same quantity as another point, read another way, to confirm it.
    Check,
}

impl Role {
    /// The word used in profiles, JSON and tables.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Check => "check",
        }
    }
}

/// One quantity of a device.
#[derive(Debug, Clone)]
pub struct Point {
    /// Its name, e.g. `energy_import`.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// Where its counter starts again from zero, if that is known.
    pub rollover: Option<Rollover>,
    /// Whether the rollover has been seen on a meter; else no bill relies on it.
    pub rollover_verified: bool,
    /// The most that it can count in an hour, in its unit.
    pub max_rate: Option<Decimal>,
    /// Whether it only ever rises, but for its rollover and a reset.
    pub monotonic: bool,
    value: Value,
    scale: Decimal,
    pow10: Option<Pow10>,
    unit: UnitRule,
    decimals: Option<u32>,
    must_match: Option<MustMatch>,
}

impl Point {
    /// The units in which the point may come: one, or those of its unit register.
    #[must_use]
    pub fn units(&self) -> Vec<Unit> {
        match &self.unit {
            UnitRule::Fixed(unit) => vec![*unit],
            UnitRule::Register { map, .. } => map.values().copied().collect(),
        }
    }
}

/// Where a counter starts again from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollover {
    /// At this value in the point's unit.
    Value(Decimal),
    /// At this count of the register, before scale and power of ten.
    Raw(Decimal),
}

/// Where a point's number comes from.
#[derive(Debug, Clone)]
enum Value {
    From(Register),
    Sum(Vec<Register>),
    Digits { base: u32, low_first: Vec<Register> },
}

impl Value {
    fn registers(&self) -> &[Register] {
        match self {
            Self::From(register) => std::slice::from_ref(register),
            Self::Sum(registers)
            | Self::Digits {
                low_first: registers,
                ..
            } => registers,
        }
    }
}

/// A factor of ten to the power of a register's number plus an offset.
#[derive(Debug, Clone)]
struct Pow10 {
    register: Register,
    offset: i64,
}

#[derive(Debug, Clone)]
enum UnitRule {
    Fixed(Unit),
    Register {
        register: Register,
        map: BTreeMap<i64, Unit>,
    },
}

/// Another point whose value this one must confirm.
#[derive(Debug, Clone)]
struct MustMatch {
    point: String,
    tolerance_pct: Decimal,
}

/// A bit of a status register and what it means.
#[derive(Debug, Clone)]
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
    /// The profile that `text` describes, checked and proved by its own test vectors.
    ///
    /// # Errors
    /// With the line and the reason, when the text is not a profile or does not decode its
    /// vectors as they say.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        check::profile(text)
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

fn reference(id: &str, text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let start: String = hash
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{id}@{start}")
}
