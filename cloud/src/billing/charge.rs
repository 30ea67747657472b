//! What use costs: from segments and plans to lines and a total. **The order of operations
//! and the one rounding of the product are written here, and only here.**
//!
//! 1. *Measured*: the sum of the segments. Negative only where an estimate was too high: then
//!    it is a credit.
//! 2. *Consumption*: the segments by the version of the tariff that holds at their start.
//!    - *flat* and *pass-through*: one line a version;
//!    - *tiers*: a line for each tier that is reached. A tier ends at its quantity; with
//!      several versions each has its share of that by its days, and a prorated tier of a
//!      period that is shorter than a full one has its share of the full one's days. A credit
//!      has the price of the first tier;
//!    - *time of use*: a line a version and band, the sum of its segments. A segment in which
//!      a price changes has no price: then the register at the change is missing.
//! 3. *Minimum quantity*, prorated where the plan says so: what is missing to it, as the next
//!    units after those measured, by the last version's price: in the tier where they land,
//!    in the band that holds at the end. A credit does not count as less than no use.
//! 4. *Demand*: the peak by the price that holds when it begins.
//! 5. *Common area*: as the next units after those.
//! 6. *Fees*. One that is prorated counts by days, and a new version's from its date; one that
//!    is not is that of the version with which the period begins.
//! 7. *Adjustments that are taxed*.
//! 8. *Minimum amount*, prorated where the plan says so: what is missing to it from lines 2
//!    to 6. An adjustment neither fills it nor is swallowed by it.
//! 9. *Taxes*, in the plan's order, each of all lines before but the fees that it exempts and
//!    the taxes; a compound one of the taxes before it too.
//! 10. *Adjustments that are not taxed*.
//!
//! Minimum, taxes and currency are those of the version with which the period begins: a new
//! one counts from the next period.
//!
//! Each line's amount is quantity × price ÷ per × days ÷ of, rounded once, to the currency's
//! digits, halves away from zero; the total is the sum of the lines. What is computed before
//! a line shows it is rounded in the same way by the same function, so that every line can be
//! checked by what it shows: a passed-through price to 6 decimals, a prorated quantity to 3,
//! a minimum amount to the currency's digits.

mod amount;
mod days;
mod due;
mod extras;
mod peak;
mod rate;
mod stretch;
#[cfg(test)]
mod tests;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

pub use self::amount::{PRICE_DECIMALS, QUANTITY_DECIMALS, rounded};
pub(crate) use self::amount::{exact_product, exact_sum, exact_total};
use self::days::{days_between, full_days, share};
pub use self::extras::{Adjustment, Extras, Peak, UtilityPrice};
pub use self::peak::{Register, highest};
use self::rate::{Units, Version};
pub use self::stretch::switches;
use self::stretch::{Stretch, stretches};
use super::CloseError;
use super::hold::Hold;
use super::invoice::{Line, LineKind, Period};
use super::period::{PeriodError, plan_of, plan_on};
use super::segment::Segments;
use crate::plan::Plan;

/// How far the days of a period's stretches are looked up around it, in days: the zone may
/// have moved by one at its start.
const DAYS_AROUND: i64 = 2;

/// A consumption with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What went through the meter.
    pub measured: Decimal,
    /// The least quantity that is billed, for a period of these days.
    pub minimum: Decimal,
    /// What is billed: what was measured, and what is missing to the minimum.
    pub billed: Decimal,
    /// What is charged, line by line.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Decimal,
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

/// Charges the segments of a period, which lie between the changes of the price: `plans` are
/// those within the period, `extras` what goes into its lines besides.
///
/// # Errors
/// When a price is not known, a register is missing at which it changes, or a number has too
/// many digits to be exact.
pub fn charge(
    period: &Period,
    segments: &Segments,
    plans: &[Plan],
    extras: &Extras,
) -> Result<Charge, CloseError> {
    let start = plans.first().ok_or(PeriodError::NoPlan)?;
    let mut bill = Bill::new(period, plans, extras)?;
    let used = bill.used(segments)?;
    let measured = exact_total(used.iter().map(|version| version.quantity))?;
    for version in &used {
        bill.units(LineKind::Consumption, version.consumption(&bill)?, version)?;
    }
    let minimum = bill.part(
        start.minimum.quantity,
        start.minimum.prorated,
        QUANTITY_DECIMALS,
    )?;
    let missing = exact_sum(minimum, -measured.max(Decimal::ZERO))?.max(Decimal::ZERO);
    let last = used.last().ok_or(PeriodError::NoPlan)?;
    let mut whole = last.clone();
    (whole.from, whole.until) = (period.from, period.until);
    if missing > Decimal::ZERO {
        let next = last.next(&bill, last.quantity, missing)?;
        bill.units(LineKind::Minimum, next, &whole)?;
    }
    bill.demand()?;
    if let Some(quantity) = extras.common_area {
        let before = exact_sum(last.quantity, missing)?;
        let next = last.next(&bill, before, quantity)?;
        bill.units(LineKind::CommonArea, next, &whole)?;
    }
    bill.dues()?;
    Ok(Charge {
        measured,
        minimum,
        billed: exact_sum(measured, missing)?,
        total: bill.total()?,
        lines: bill.lines,
    })
}

/// A bill as it is made.
struct Bill<'a> {
    period: &'a Period,
    plans: &'a [Plan],
    extras: &'a Extras,
    stretches: Vec<Stretch>,
    /// The days of the period.
    days: u32,
    /// The days of a full one.
    full_days: u32,
    /// The currency's decimals.
    digits: u32,
    lines: Vec<Line>,
}

impl<'a> Bill<'a> {
    fn new(period: &'a Period, plans: &'a [Plan], extras: &'a Extras) -> Result<Self, PeriodError> {
        let start = plans.first().ok_or(PeriodError::NoPlan)?;
        let beyond = |date: Date| move |_| PeriodError::BeyondCalendar(date);
        let from = period.from.checked_sub(DAYS_AROUND.days());
        let until = period.until.checked_add(DAYS_AROUND.days());
        let from = from.map_err(beyond(period.from))?;
        let until = until.map_err(beyond(period.until))?;
        let zone = &plan_of(period, plans)?.zone;
        Ok(Self {
            period,
            plans,
            extras,
            stretches: stretches(from, until, plans, zone)?,
            days: days_between(period.from, period.until).max(1),
            full_days: full_days(period, start.cycle),
            digits: start.currency.digits(),
            lines: Vec::new(),
        })
    }

    /// The part of what a full period has that this one has, if it shrinks with its days.
    fn part(&self, full: Decimal, is_prorated: bool, decimals: u32) -> Result<Decimal, Hold> {
        match share(self.days, self.full_days) {
            Some(share) if is_prorated => {
                rounded(full, Decimal::ONE, Decimal::ONE, Some(share), decimals)
                    .ok_or(Hold::TooManyDigits)
            }
            _ => Ok(full),
        }
    }

    /// What was used, by the versions of the tariff.
    fn used(&self, segments: &Segments) -> Result<Vec<Version<'a>>, CloseError> {
        let mut used: Vec<Version<'a>> = Vec::new();
        for segment in segments.iter() {
            let (opening, closing) = (&segment.opening, &segment.closing);
            let begun = self.stretches.partition_point(|one| one.at <= opening.at);
            let stretch = self.stretches.get(begun.saturating_sub(1));
            let stretch = stretch.ok_or(PeriodError::NoPlan)?;
            let next = self.stretches.get(begun).map(|next| next.at);
            if let Some(at) = next.filter(|at| *at > opening.at && *at < closing.at) {
                let zone = &plan_of(self.period, self.plans)?.zone;
                let date = zone.rules().to_datetime(at).date();
                return Err(Hold::ReadingMissing { date, at }.into());
            }
            if used.last().map(|version| version.place) != Some(stretch.version) {
                let plan = self.plans.get(stretch.version).ok_or(PeriodError::NoPlan)?;
                used.push(Version::new(stretch.version, plan, opening.date));
            }
            if let Some(version) = used.last_mut() {
                version.add(segment, stretch.band)?;
            }
        }
        Ok(used)
    }

    /// A line of the period, without a share.
    fn line(&self, kind: LineKind, name: &str, quantity: Decimal, price: Decimal) -> Line {
        Line {
            kind,
            name: name.to_owned(),
            from: self.period.from,
            until: self.period.until,
            quantity,
            price,
            per: Decimal::ONE,
            share: None,
            amount: Decimal::ZERO,
            is_detail: false,
        }
    }

    /// Lines of units at their prices, for the days of a version.
    fn units(
        &mut self,
        kind: LineKind,
        units: Vec<Units>,
        version: &Version<'_>,
    ) -> Result<(), Hold> {
        for units in units {
            let mut line = self.line(kind, &units.name, units.quantity, units.price);
            (line.from, line.until) = (version.from, version.until);
            line.per = version.plan.tariff.per;
            self.push(line)?;
        }
        Ok(())
    }

    /// Adds a line with its amount.
    fn push(&mut self, mut line: Line) -> Result<(), Hold> {
        let amount = line.recomputed_amount(self.digits);
        line.amount = amount.ok_or(Hold::TooManyDigits)?;
        self.lines.push(line);
        Ok(())
    }

    fn total(&self) -> Result<Decimal, Hold> {
        // A bill without lines has its currency's digits all the same.
        let nothing = Decimal::new(0, self.digits);
        let amounts = self.lines.iter().map(|line| line.amount);
        exact_total(std::iter::once(nothing).chain(amounts))
    }
}
