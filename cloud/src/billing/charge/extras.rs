//! What goes into the lines of a period beside its plan and its segments.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What goes into the lines of a period beside its plan and its segments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extras {
    /// What the utility charged for how much, where a plan passes its price through.
    pub utility: Option<UtilityPrice>,
    /// The highest power of the period, where a plan charges it.
    pub peak: Option<Peak>,
    /// The meter's share of what the main meter counted and no submeter did.
    pub common_area: Option<Decimal>,
    /// What somebody added or took off once.
    pub adjustments: Vec<Adjustment>,
}

/// What the utility charged for how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UtilityPrice {
    /// The sum of its bill.
    pub amount: Decimal,
    /// What the main meter measured meanwhile, in the invoice's unit.
    pub quantity: Decimal,
}

/// The highest mean power of an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// When the interval began.
    pub from: Timestamp,
    /// When it ended.
    pub until: Timestamp,
    /// The power, in kilowatts.
    pub power: Decimal,
}

/// An amount that is added, or taken off, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// What it is for.
    pub name: String,
    /// How much; negative for a credit.
    pub amount: Decimal,
    /// Whether taxes are taken of it.
    pub taxed: bool,
}
