//! What a consumption costs: prices, the minimum, and the only rounding of the product.
//!
//! Each line is rounded once, to the currency's digits, halves away from zero; the total is
//! the sum of the lines.

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::consumption::Stretch;
use super::hold::Hold;
use super::invoice::{Line, LineKind, Period};
use super::period::plan_on;
use crate::currency::Currency;
use crate::plan::Plan;

/// The terms of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodTerms {
    /// The currency of the period; a new one counts from the next period.
    pub currency: Currency,
    /// The least that is billed; a new one counts from the next period.
    pub minimum: Decimal,
    /// The price at the start of the period.
    pub price: Decimal,
    /// The dates within the period at which the price changes, and to what.
    pub changes: Vec<(Date, Decimal)>,
}

impl PeriodTerms {
    /// What `plans`, in the order of their dates, say about `period`.
    #[must_use]
    pub fn of(period: &Period, plans: &[Plan]) -> Option<Self> {
        let start = plan_on(period.from, plans)?;
        let mut last = start.price;
        let mut changes = Vec::new();
        let within = plans
            .iter()
            .filter(|plan| period.from < plan.effective_from && plan.effective_from < period.until)
            .filter(|plan| plan.effective_from > start.effective_from)
            .filter(|plan| plan.currency == start.currency);
        for plan in within {
            if plan.price != last {
                changes.push((plan.effective_from, plan.price));
                last = plan.price;
            }
        }
        Some(Self {
            currency: start.currency,
            minimum: start.minimum,
            price: start.price,
            changes,
        })
    }

    /// The price at the end of the period.
    #[must_use]
    pub fn last_price(&self) -> Decimal {
        self.changes.last().map_or(self.price, |(_, price)| *price)
    }

    fn price_from(&self, date: Date) -> Decimal {
        let change = self.changes.iter().rfind(|(from, _)| *from <= date);
        change.map_or(self.price, |(_, price)| *price)
    }
}

/// A consumption with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What went through the meter.
    pub measured: Decimal,
    /// What is billed: that, or the minimum if it is more.
    pub billed: Decimal,
    /// What is charged, line by line.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Decimal,
}

/// Charges the stretches of a period, which lie between the changes of the price.
///
/// # Errors
/// When a number has too many digits to be exact.
pub fn charge(period: &Period, stretches: &[Stretch], terms: &PeriodTerms) -> Result<Charge, Hold> {
    let digits = terms.currency.digits();
    let mut lines = Vec::new();
    let mut measured = Decimal::ZERO;
    for stretch in stretches {
        let price = terms.price_from(stretch.from);
        measured = exact_sum(measured, stretch.quantity)?;
        lines.push(Line {
            kind: LineKind::Consumption,
            from: stretch.from,
            until: stretch.until,
            quantity: stretch.quantity,
            price,
            amount: amount(stretch.quantity, price, digits)?,
        });
    }
    if terms.minimum > measured {
        let quantity = exact_sum(terms.minimum, -measured)?;
        let price = terms.last_price();
        lines.push(Line {
            kind: LineKind::Minimum,
            from: period.from,
            until: period.until,
            quantity,
            price,
            amount: amount(quantity, price, digits)?,
        });
    }
    let mut total = Decimal::ZERO;
    for line in &lines {
        total = exact_sum(total, line.amount)?;
    }
    Ok(Charge {
        measured,
        billed: measured.max(terms.minimum),
        lines,
        total,
    })
}

fn amount(quantity: Decimal, price: Decimal, digits: u32) -> Result<Decimal, Hold> {
    let (quantity, price) = (quantity.normalize(), price.normalize());
    let product = quantity.checked_mul(price).ok_or(Hold::TooManyDigits)?;
    // A product that does not fit loses digits before it is rounded.
    if !product.is_zero() && product.scale() < quantity.scale().saturating_add(price.scale()) {
        return Err(Hold::TooManyDigits);
    }
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
