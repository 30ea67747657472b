//! A point: one quantity of a device, and from which registers it comes.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Register;
use crate::unit::Unit;

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

/// One quantity of a device: its value is
/// `value × scale × Π scale_by × 10^pow10 + wraps × modulus`.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its name, e.g. `energy_import`.
    pub id: String,
    /// What it is for.
    pub role: Role,
    /// The most that it can count in an hour, in its unit.
    pub max_rate: Option<Decimal>,
    /// Whether it only ever rises, but for its rollover and a reset.
    pub monotonic: bool,
    pub(super) stated_rollover: Option<Rollover>,
    pub(super) rollover_verified: bool,
    pub(super) value: Value,
    pub(super) scale: Decimal,
    pub(super) scale_by: Vec<Register>,
    pub(super) pow10: Option<Pow10>,
    pub(super) wraps: Option<Wraps>,
    pub(super) unit: UnitRule,
    pub(super) decimals: Option<u32>,
    pub(super) must_match: Option<MustMatch>,
}

impl Point {
    /// The units in which the point may come: one, or those of its unit register, each once
    /// and in the order of their codes.
    #[must_use]
    pub fn units(&self) -> Vec<Unit> {
        match &self.unit {
            UnitRule::Fixed(unit) => vec![*unit],
            UnitRule::Register { map, .. } => {
                let mut seen = BTreeSet::new();
                let units = map.values().copied();
                units.filter(|unit| seen.insert(*unit)).collect()
            }
        }
    }

    /// Where its counter starts again from zero, if that was seen on a meter. What a document
    /// merely says decides no bill, so there is no way to it but [`Self::rollover_text`].
    #[must_use]
    pub fn rollover(&self) -> Option<Rollover> {
        self.stated_rollover.filter(|_| self.rollover_verified)
    }

    /// What is said of its rollover, for people.
    #[must_use]
    pub fn rollover_text(&self) -> Option<String> {
        let stated = match self.stated_rollover? {
            Rollover::Value(value) => value.to_string(),
            Rollover::Raw(count) => format!("{count} counts"),
        };
        let doubt = if self.rollover_verified {
            ""
        } else {
            " (not seen on a meter)"
        };
        Some(stated + doubt)
    }

    /// The registers that make up its number and must come in one reply.
    pub(super) fn number_registers(&self) -> Vec<&Register> {
        let mut registers = self.value.registers();
        registers.extend(self.wraps.as_ref().map(|wraps| &wraps.register));
        registers
    }

    /// The registers whose words make its value, in the order in which the raw words of a
    /// reading stand: number, ratios, multiplier, unit.
    pub(super) fn own_registers(&self) -> Vec<&Register> {
        let mut registers = self.number_registers();
        registers.extend(&self.scale_by);
        registers.extend(self.pow10.as_ref().map(|pow10| &pow10.register));
        if let UnitRule::Register { register, .. } = &self.unit {
            registers.push(register);
        }
        registers
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
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    From(Register),
    Sum(Vec<Addend>),
    Digits { base: u32, low_first: Vec<Register> },
}

/// One register of a sum and how much its count weighs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Addend {
    pub register: Register,
    pub weight: Decimal,
}

impl Value {
    pub(super) fn registers(&self) -> Vec<&Register> {
        match self {
            Self::From(register) => vec![register],
            Self::Sum(addends) => addends.iter().map(|addend| &addend.register).collect(),
            Self::Digits { low_first, .. } => low_first.iter().collect(),
        }
    }

    /// How many decimals its number has when all its registers are integers.
    pub(super) fn decimals(&self) -> u32 {
        match self {
            Self::Sum(addends) => {
                let decimals = addends.iter().map(|addend| addend.weight.scale());
                decimals.max().unwrap_or(0)
            }
            _ => 0,
        }
    }
}

/// A factor of ten to the power of a register's number, or what a map says of it, plus an
/// offset.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pow10 {
    pub register: Register,
    pub map: Option<BTreeMap<i64, i64>>,
    pub offset: i64,
}

/// How often the counter has started again from zero, as the device itself counts it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wraps {
    pub register: Register,
    pub modulus: Decimal,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum UnitRule {
    Fixed(Unit),
    Register {
        register: Register,
        map: BTreeMap<i64, Unit>,
    },
}

/// Another point whose value this one must confirm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MustMatch {
    pub point: String,
    pub tolerance_pct: Decimal,
}
