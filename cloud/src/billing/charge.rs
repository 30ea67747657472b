//! What a consumption costs: prices, the minimum, and the only rounding of the product.
//!
//! Each line is rounded once, to the currency's digits, halves away from zero; the total is
//! the sum of the lines.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::invoice::{Line, LineKind, Period};
use super::period::plan_on;
use super::segment::Segments;
use crate::plan::Plan;

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

/// A consumption with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What went through the meter.
    pub measured: Decimal,
    /// The least quantity that is billed.
    pub minimum: Decimal,
    /// What is billed: that, or the minimum if it is more.
    pub billed: Decimal,
    /// What is charged, line by line.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Decimal,
}

/// The dates within a period at which its price changes.
#[must_use]
pub fn price_changes(plans: &[Plan]) -> Vec<Date> {
    let pairs = plans.iter().zip(plans.iter().skip(1));
    pairs
        .filter(|(before, after)| before.tariff != after.tariff)
        .map(|(_, after)| after.effective_from)
        .collect()
}

/// The versions of a plan that hold within a period, the first from its start on; `plans` are
/// all versions, in the order of their dates. A new currency counts from the next period, and
/// with it all that its version says.
#[must_use]
pub fn plans_within(period: &Period, plans: &[Plan]) -> Vec<Plan> {
    let Some(start) = plan_on(period.from, plans) else {
        return Vec::new();
    };
    let later = plans
        .iter()
        .filter(|plan| period.from < plan.effective_from && plan.effective_from < period.until)
        .filter(|plan| plan.effective_from > start.effective_from)
        .filter(|plan| plan.currency == start.currency);
    std::iter::once(start).chain(later).cloned().collect()
}

/// Charges the segments of a period, which lie between the changes of the price.
///
/// # Errors
/// When a number has too many digits to be exact.
pub fn charge(period: &Period, segments: &Segments, plans: &[Plan]) -> Result<Charge, Hold> {
    let start = plans.first().ok_or(Hold::TooManyDigits)?;
    let digits = start.currency.digits();
    let price_from = |date: Date| {
        let plan = plan_on(date, plans);
        plan.and_then(Plan::flat_price).unwrap_or_default()
    };
    let line = |kind, from, until, quantity: Decimal, price: Decimal| {
        Ok::<_, Hold>(Line {
            kind,
            name: String::new(),
            from,
            until,
            quantity,
            price,
            per: start.tariff.per,
            share: None,
            amount: amount(quantity, price, digits)?,
            is_detail: false,
        })
    };
    let mut lines: Vec<Line> = Vec::new();
    let mut measured = Decimal::ZERO;
    for segment in segments.iter() {
        let (from, until) = (segment.opening.date, segment.closing.date);
        measured = exact_sum(measured, segment.quantity)?;
        let price = price_from(from);
        lines.push(line(
            LineKind::Consumption,
            from,
            until,
            segment.quantity,
            price,
        )?);
    }
    let minimum = start.minimum.quantity;
    if minimum > measured {
        let quantity = exact_sum(minimum, -measured)?;
        let price = plans.last().and_then(Plan::flat_price).unwrap_or_default();
        lines.push(line(
            LineKind::Minimum,
            period.from,
            period.until,
            quantity,
            price,
        )?);
    }
    let mut total = Decimal::ZERO;
    for line in &lines {
        total = exact_sum(total, line.amount)?;
    }
    Ok(Charge {
        measured,
        minimum,
        billed: measured.max(minimum),
        lines,
        total,
    })
}

/// A product without a digit lost; nothing when it has too many.
pub(crate) fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let product = a.checked_mul(b)?;
    // A product that does not fit loses digits.
    let is_whole = product.is_zero() || product.scale() >= a.scale().saturating_add(b.scale());
    is_whole.then_some(product)
}

fn amount(quantity: Decimal, price: Decimal, digits: u32) -> Result<Decimal, Hold> {
    let product = exact_product(quantity, price).ok_or(Hold::TooManyDigits)?;
    let mut rounded =
        product.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(digits);
    Ok(rounded)
}

fn exact_sum(a: Decimal, b: Decimal) -> Result<Decimal, Hold> {
    let sum = a.checked_add(b).ok_or(Hold::TooManyDigits)?;
    if sum.scale() < a.scale().max(b.scale()) {
        return Err(Hold::TooManyDigits);
    }
    Ok(sum)
}
