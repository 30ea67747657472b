//! Explanation: why a bill differs from another one of its meter, in parts that add up.
//!
//! **The rule.** Both bills are taken as they were issued; the difference of their totals is
//! that of their lines, and is parted by what a line charges for. Only consumption is parted
//! further, into use and price, by what both would cost under *one* version of the terms, by
//! the same [`charge`] that makes bills:
//!
//! - *use* is what this period's registers cost under those terms, less what those of the
//!   other one cost under them: the price stands still and use changes;
//! - *price* is the rest of the difference of the consumption lines: both uses stand still,
//!   and the price of each changes from or to those terms.
//!
//! Those terms are the last ones of the other bill. Where they cannot price this period,
//! because they changed their price at hours at which nobody read this time, they are this
//! bill's first ones; where those cannot price the other one either, use and price are one
//! part and said to be. Where units cost more the more are used, what that does is part of
//! use; so is a shift to other hours, and a longer period.
//!
//! Every amount is a sum of lines that were rounded as a bill rounds them, so the parts add up
//! to the difference to the last digit, and there is no rest.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use common::id::InvoiceId;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::charge::{Extras, UtilityPrice, charge, exact_sum, exact_total};
use super::hold::Hold;
use super::invoice::{DocumentKind, Invoice, Line, LineKind};
use crate::plan::Plan;
use crate::plan::tariff::{Minimum, Rate};

/// Why two bills are not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// One of them is a credit.
    #[error("a credit gives back an invoice and explains itself: compare invoices")]
    Credit,
    /// They are of two units.
    #[error("the bills are in two units, so their uses cannot be compared")]
    Unit,
    /// They are in two currencies.
    #[error("the bills are in two currencies, so their amounts cannot be compared")]
    Currency,
    /// A sum has too many digits to be exact.
    #[error("an amount has too many digits to be exact")]
    TooManyDigits,
}

impl From<Hold> for ExplainError {
    fn from(_: Hold) -> Self {
        Self::TooManyDigits
    }
}

/// Which bill another is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The one before it.
    Last,
    /// That of the same days a year before.
    YearAgo,
}

/// What makes two bills differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// More or less went through, or at other hours.
    Use,
    /// A unit costs more or less.
    Price,
    /// Both, where they cannot be told apart.
    UseAndPrice,
    /// What is missing to a minimum.
    Minimum,
    /// The highest power.
    Demand,
    /// The share of the common area.
    CommonArea,
    /// What is due besides.
    Fees,
    /// What was added or taken off once.
    Adjustments,
    /// Taxes.
    Taxes,
}

/// A part of the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it comes from.
    pub cause: Cause,
    /// How much more; negative for less.
    pub amount: Decimal,
}

/// The price of as many units before and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Before.
    pub before: Decimal,
    /// Now.
    pub now: Decimal,
    /// Of so many units.
    pub per: Decimal,
}

/// Another tariff than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    /// From when on, where that is later than the start of the other bill.
    pub on: Option<Date>,
    /// The prices, where each unit cost the same before and does now.
    pub prices: Option<Prices>,
}

/// Why a bill differs from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The other bill.
    pub before: InvoiceId,
    /// Its number.
    pub before_number: u64,
    /// Its first day.
    pub before_from: Date,
    /// The day after its last.
    pub before_until: Date,
    /// What was measured in it.
    pub before_measured: Decimal,
    /// What it came to.
    pub before_total: Decimal,
    /// How much more this one comes to: the sum of the parts.
    pub difference: Decimal,
    /// Use first, and of the others those that are not nothing.
    pub parts: Vec<Part>,
    /// When the price changed meanwhile.
    pub price_changes: Vec<PriceChange>,
}

/// Says why `now` differs from `before`.
///
/// # Errors
/// When they cannot be compared.
pub fn explain(now: &Invoice, before: &Invoice) -> Result<Explanation, ExplainError> {
    if now.kind == DocumentKind::Credit || before.kind == DocumentKind::Credit {
        return Err(ExplainError::Credit);
    }
    if now.unit != before.unit {
        return Err(ExplainError::Unit);
    }
    if now.currency != before.currency {
        return Err(ExplainError::Currency);
    }
    Ok(Explanation {
        before: before.id,
        before_number: before.number,
        before_from: before.period.from,
        before_until: before.period.until,
        before_measured: before.measured,
        before_total: before.total,
        difference: exact_sum(now.total, -before.total)?,
        parts: parts(now, before)?,
        price_changes: price_changes(now, before),
    })
}

fn parts(now: &Invoice, before: &Invoice) -> Result<Vec<Part>, ExplainError> {
    let mut amounts: BTreeMap<Cause, Decimal> = BTreeMap::new();
    let mut add = |cause, amount| -> Result<(), ExplainError> {
        let sum = amounts.entry(cause).or_default();
        *sum = exact_sum(*sum, amount)?;
        Ok(())
    };
    let used = use_effect(now, before);
    let is_parted = used.is_some();
    match used {
        Some(used) => {
            add(Cause::Use, used)?;
            add(Cause::Price, -used)?;
        }
        None => add(Cause::UseAndPrice, Decimal::ZERO)?,
    }
    let lines = now.lines.iter().map(|line| (line, line.amount));
    let given_back = before.lines.iter().map(|line| (line, -line.amount));
    for (line, amount) in lines.chain(given_back) {
        add(cause(line, is_parted), amount)?;
    }
    let parts = amounts
        .into_iter()
        .map(|(cause, amount)| Part { cause, amount });
    let is_shown = |part: &Part| {
        !part.amount.is_zero() || matches!(part.cause, Cause::Use | Cause::UseAndPrice)
    };
    Ok(parts.filter(is_shown).collect())
}

/// What a line belongs to; of the consumption what use does not account for is price.
fn cause(line: &Line, is_parted: bool) -> Cause {
    match line.kind {
        LineKind::Consumption if is_parted => Cause::Price,
        LineKind::Consumption => Cause::UseAndPrice,
        LineKind::Minimum | LineKind::MinimumAmount => Cause::Minimum,
        LineKind::Demand => Cause::Demand,
        LineKind::CommonArea => Cause::CommonArea,
        LineKind::Fee => Cause::Fees,
        LineKind::Adjustment => Cause::Adjustments,
        LineKind::Tax => Cause::Taxes,
    }
}

/// What the other use costs more under one version of the terms; nothing where there is none
/// that can price both.
fn use_effect(now: &Invoice, before: &Invoice) -> Option<Decimal> {
    let one = |plan: Option<&Plan>, utility: Option<&UtilityPrice>| {
        let plan = plan?;
        let used = consumption(now, plan, utility)?;
        exact_sum(used, -consumption(before, plan, utility)?).ok()
    };
    one(before.plans.last(), before.extras.utility.as_ref())
        .or_else(|| one(now.plans.first(), now.extras.utility.as_ref()))
}

/// What the use of a bill costs under one version of the terms, without all that is due
/// besides.
fn consumption(bill: &Invoice, plan: &Plan, utility: Option<&UtilityPrice>) -> Option<Decimal> {
    let mut plan = plan.clone();
    plan.tariff.demand = None;
    plan.minimum = Minimum::default();
    plan.fees = Vec::new();
    plan.taxes = Vec::new();
    let extras = Extras {
        utility: utility.cloned(),
        ..Extras::default()
    };
    let charge = charge(&bill.period, &bill.segments, &[plan], &extras).ok()?;
    exact_total(charge.lines.iter().map(|line| line.amount)).ok()
}

/// Where the tariff, or the utility's price, is another than before.
fn price_changes(now: &Invoice, before: &Invoice) -> Vec<PriceChange> {
    let plans: Vec<&Plan> = before.plans.iter().chain(&now.plans).collect();
    let pairs = plans.windows(2).filter_map(|pair| match pair {
        [old, new] if old.tariff != new.tariff => Some((*old, *new)),
        _ => None,
    });
    let change = |(old, new): (&Plan, &Plan)| PriceChange {
        on: Some(new.effective_from).filter(|on| *on > before.period.from),
        prices: prices(old, new),
    };
    let mut changes: Vec<PriceChange> = pairs.map(change).collect();
    let passes_on = |plan: &&Plan| plan.tariff.rate == Rate::PassThrough;
    let is_passed_on = plans.iter().all(passes_on);
    if changes.is_empty() && is_passed_on && now.extras.utility != before.extras.utility {
        changes.push(PriceChange {
            on: None,
            prices: None,
        });
    }
    changes
}

fn prices(old: &Plan, new: &Plan) -> Option<Prices> {
    let per = new.tariff.per;
    let (before, now) = old.flat_price().zip(new.flat_price())?;
    (old.tariff.per == per).then_some(Prices { before, now, per })
}
