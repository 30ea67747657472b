//! The file format of a profile, as serde reads it: shapes only, no meaning.
//!
//! What the keys mean is written for integrators in `common/profiles/README.md`.
//! Names are kept with their place in the text, so that [`super::check`] can say the line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Confidence, CurrentTransformers, Limits, Parity, Refresh, Role, Table, UnitIdHint};
use crate::unit::Medium;

pub(super) type Name = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub schema: Spanned<u32>,
    pub id: Name,
    pub extends: Option<Name>,
    pub kind: Medium,
    pub vendor: String,
    pub models: Vec<String>,
    pub confidence: Confidence,
    pub sources: Spanned<Vec<String>>,
    #[serde(default)]
    pub setup: Vec<String>,
    pub link: Link,
    pub unit_id_hint: Option<UnitIdHint>,
    pub ct: Option<Spanned<CurrentTransformers>>,
    #[serde(default)]
    pub limits: Option<Spanned<Limits>>,
    pub refresh: Option<Spanned<Refresh>>,
    pub wake: Option<Spanned<u32>>,
    #[serde(default)]
    pub defaults: Defaults,
    pub reg: BTreeMap<Name, Register>,
    #[serde(default)]
    pub identify: Vec<Identify>,
    pub serial: Option<Serial>,
    pub point: Vec<Point>,
    #[serde(default)]
    pub group: Vec<Group>,
    #[serde(default)]
    pub reject: Vec<Spanned<Reject>>,
    #[serde(default)]
    pub flag: Vec<Flag>,
    #[serde(default)]
    pub test: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub unit_id: Spanned<u8>,
    pub baud: Spanned<u32>,
    pub parity: Parity,
    pub stop_bits: Spanned<u8>,
    #[serde(default)]
    pub alternatives: Vec<Alternative>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alternative {
    pub baud: Option<Spanned<u32>>,
    pub parity: Option<Parity>,
    pub stop_bits: Option<Spanned<u8>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Defaults {
    pub table: Option<Table>,
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    pub order: Option<Name>,
    pub address_base: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    U16,
    I16,
    U32,
    I32,
    U48,
    U64,
    I64,
    F32,
    F64,
    Bcd16,
    Bcd32,
    Bcd48,
    Bcd64,
    Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    pub address: Spanned<u32>,
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    pub order: Option<Name>,
    pub table: Option<Table>,
    pub bits: Option<Spanned<[u32; 2]>>,
    /// Of a text: how many registers it takes.
    pub length: Option<Spanned<u16>>,
    /// Of a text: how many letters each register holds, one or two.
    pub chars_per_reg: Option<Spanned<u8>>,
    #[serde(default)]
    pub invalid: Vec<Spanned<Pattern>>,
}

/// A bit pattern: an integer, or hexadecimal text for what TOML's integers cannot hold.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Pattern {
    Number(u64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identify {
    pub reg: Name,
    pub between: Option<[toml::Value; 2]>,
    pub one_of: Option<Vec<Expected>>,
    pub equals: Option<Expected>,
    pub starts_with: Option<String>,
}

/// What a register of a known device holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Expected {
    Number(i64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Serial {
    pub reg: Name,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    pub id: Name,
    pub role: Role,
    pub from: Option<Name>,
    pub sum: Option<Vec<Spanned<Addend>>>,
    pub digits: Option<Digits>,
    pub scale: Option<Name>,
    pub scale_by: Option<Vec<Name>>,
    pub pow10: Option<Pow10>,
    pub wraps: Option<Wraps>,
    pub unit: Option<Name>,
    pub unit_from: Option<UnitFrom>,
    pub decimals: Option<Spanned<u32>>,
    pub rollover: Option<Spanned<Rollover>>,
    #[serde(default)]
    pub rollover_verified: bool,
    pub max_rate: Option<Name>,
    pub monotonic: Option<Spanned<bool>>,
    pub must_match: Option<MustMatch>,
}

/// A register of a sum: its name, or with a weight.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Addend {
    Plain(String),
    Weighed(Weighed),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weighed {
    pub reg: String,
    pub weight: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wraps {
    pub reg: Name,
    pub modulus: Name,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Digits {
    pub base: Spanned<u32>,
    pub low_first: Option<Vec<Name>>,
    pub high_first: Option<Vec<Name>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pow10 {
    pub reg: Name,
    #[serde(default)]
    pub offset: i64,
    pub map: Option<BTreeMap<Name, i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitFrom {
    pub reg: Name,
    pub map: BTreeMap<Name, Name>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Rollover {
    Value(String),
    Raw { raw: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MustMatch {
    pub point: Name,
    pub tolerance_pct: Spanned<toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub atomic: Spanned<Vec<Name>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reject {
    pub all_zero: Option<Vec<Name>>,
    pub outside: Option<Outside>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outside {
    pub reg: Name,
    pub between: [toml::Value; 2],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flag {
    pub reg: Name,
    pub bit: Spanned<u32>,
    pub text: Text,
    #[serde(default)]
    pub invalidates: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub en: String,
    pub es: String,
}

/// Words and what a point must make of them: a value with its unit, or a suspicion.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub point: Name,
    pub words: BTreeMap<Name, Vec<u16>>,
    pub value: Option<Name>,
    pub unit: Option<Name>,
    /// A part of the reason why the words are no value.
    pub suspect: Option<String>,
    /// Where words and value stand together.
    pub source: Option<String>,
    /// The words were computed by us from the value, not seen anywhere.
    #[serde(default)]
    pub computed: bool,
}
