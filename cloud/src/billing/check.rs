//! Validation: what to look at before a bill goes out. Each check compares what a period
//! rests on with a threshold of [`Checks`] and flags it; none of them changes a bill.
//!
//! What is not known is never flagged as if it were zero: a check that lacks its figures
//! says nothing. It lacks the readings that were set apart: the trace of a register finds
//! those ([`Finding::SetApart`]).

mod history;
mod still;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

pub use self::history::Past;
use super::consumption::Taken;
use super::finding::Finding;
use super::invoice::{DailyUse, Period};
use super::period::start_of_day;
use super::segment::Segments;
use crate::plan::Checks;
use crate::site::Zone;
use common::unit::Unit;

/// Fewer known days have no third-highest worth the name: after a weekend, Monday would be a
/// spike. A week has each kind of day.
const SPIKE_DAYS_MIN: usize = 7;

/// A period with all that the checks look at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The period.
    pub period: &'a Period,
    /// The unit of its quantities.
    pub unit: Unit,
    /// The zone that counts its days.
    pub zone: &'a Zone,
    /// The thresholds.
    pub checks: &'a Checks,
    /// What the devices counted.
    pub segments: &'a Segments,
    /// The days that are over.
    pub daily: &'a [DailyUse],
    /// The readings that were looked at, in any order.
    pub readings: &'a [Taken],
    /// The periods before that one, the newest first: a year of them or more.
    pub past: &'a [Past],
}

/// Everything that is worth a look, always in the same order.
#[must_use]
pub fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(subject.missing());
    findings.extend(subject.duplicate());
    findings.extend(subject.negative());
    findings.extend(subject.spike());
    findings.extend(subject.high_or_low());
    findings.extend(subject.still());
    findings.extend(subject.sum());
    findings.extend(subject.unit_changed());
    findings.extend(subject.multiplier_changed());
    findings.extend(subject.long_estimated());
    findings
}

/// A number of days, periods or instants as a finding says it.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a threshold is switched on.
fn is_on(percent: Decimal) -> bool {
    !percent.is_zero()
}

impl Subject<'_> {
    /// Whether the last register is the one at the end of the period, not only the newest.
    fn is_over(&self) -> bool {
        self.segments.last().closing.at == self.period.ends_at
    }

    fn missing(&self) -> Option<Finding> {
        let mut without = self.daily.iter().filter(|day| day.register.is_none());
        let first = without.next()?.date;
        let (last, days) = without.fold((first, 1), |(_, days), day| (day.date, days + 1));
        let threshold = u32::from(self.checks.missing_days);
        (threshold > 0 && days >= threshold).then_some(Finding::Missing {
            from: first,
            until: last,
            days,
        })
    }

    fn duplicate(&self) -> Option<Finding> {
        let mut seen = BTreeMap::new();
        for taken in self.readings.iter().filter(|taken| taken.reading.is_good()) {
            let reading = &taken.reading;
            let register = reading.quantity.map(|one| one.value());
            seen.entry((reading.at, reading.device, &reading.point))
                .or_insert_with(BTreeMap::new)
                .insert((taken.gateway, taken.epoch, reading.seq), register);
        }
        seen.retain(|_, readings| readings.len() > 1);
        let ((at, ..), _) = seen.first_key_value()?;
        let differ = seen.values().any(|readings| {
            let mut registers = readings.values();
            let first = registers.next();
            registers.any(|register| Some(register) != first)
        });
        Some(Finding::Duplicate {
            at: *at,
            instants: count(seen.len()),
            differ,
        })
    }

    fn negative(&self) -> Option<Finding> {
        let below = |quantity: &Decimal| *quantity < Decimal::ZERO;
        let of_segment = self
            .segments
            .iter()
            .find(|segment| below(&segment.quantity));
        let of_segment = of_segment
            .map(|segment| (segment.opening.date, segment.closing.date, segment.quantity));
        let of_day = self.daily.iter().find_map(|day| {
            let used = day.quantity.filter(below)?;
            Some((day.date, day.date.tomorrow().ok()?, used))
        });
        let (from, until, quantity) = of_segment.or(of_day)?;
        Some(Finding::Negative {
            from,
            until,
            quantity,
            unit: self.unit,
        })
    }

    /// The highest day against the third-highest. When that is zero, there is nothing to compare
    /// with.
    fn spike(&self) -> Option<Finding> {
        let known = self.daily.iter();
        let known = known.filter_map(|day| Some((day.quantity?, day.date)));
        let mut days: Vec<(Decimal, Date)> = known.collect();
        if days.len() < SPIKE_DAYS_MIN {
            return None;
        }
        days.sort_by_key(|(quantity, _)| std::cmp::Reverse(*quantity));
        let ((highest, date), (third, _)) = (*days.first()?, *days.get(2)?);
        let percent = self.checks.spike_percent;
        let above = exceeds(highest, third, percent)?;
        let compared = is_on(percent) && third > Decimal::ZERO;
        (compared && above).then_some(Finding::Spike {
            from: start_of_day(date, self.zone).ok()?,
            until: start_of_day(date.tomorrow().ok()?, self.zone).ok()?,
            highest,
            third,
            unit: self.unit,
        })
    }

    /// The days against the registers at both ends. Where some are missing, the others together
    /// cannot be more than the registers say. No device of ours counts shorter intervals by
    /// itself: those computed from one register would agree with it by construction.
    fn sum(&self) -> Option<Finding> {
        let percent = self.checks.sum_percent;
        if !is_on(percent) || !self.is_over() {
            return None;
        }
        let total = |mut quantities: Box<dyn Iterator<Item = Decimal> + '_>| {
            quantities.try_fold(Decimal::ZERO, Decimal::checked_add)
        };
        let segments = self.segments.iter().map(|segment| segment.quantity);
        let registers = total(Box::new(segments))?;
        let days = self.daily.iter().filter_map(|day| day.quantity);
        let days = total(Box::new(days))?;
        let all_days = self.daily.iter().all(|day| day.quantity.is_some());
        let apart = days.checked_sub(registers)?;
        let apart = if all_days { apart.abs() } else { apart };
        exceeds(apart, registers.abs(), percent)?.then_some(Finding::SumDiffers {
            parts: days,
            registers,
            unit: self.unit,
        })
    }

    fn unit_changed(&self) -> Option<Finding> {
        let mut good: Vec<_> = self
            .readings
            .iter()
            .filter(|taken| taken.reading.is_good())
            .filter_map(|taken| {
                let reading = &taken.reading;
                let point = (reading.device, &reading.point);
                Some((point, reading.at, reading.quantity?.unit()))
            })
            .collect();
        good.sort_by_key(|(point, at, _)| (*point, *at));
        let pairs = good.iter().zip(good.iter().skip(1));
        let of_register = pairs
            .filter(|((point, ..), (next, ..))| point == next)
            .find(|((.., before), (.., after))| before != after)
            .map(|((.., before), (_, at, after))| {
                let date = self.zone.rules().to_datetime(*at).date();
                (date, *before, *after)
            });
        let of_bill = self
            .past
            .first()
            .filter(|past| past.unit != self.unit)
            .map(|past| (self.period.from, past.unit, self.unit));
        let (date, before, after) = of_register.or(of_bill)?;
        Some(Finding::UnitChanged {
            date,
            before,
            after,
        })
    }

    fn multiplier_changed(&self) -> Option<Finding> {
        let before = self.past.first().map(|past| past.multiplier);
        let mut before = before.unwrap_or(self.segments.first().multiplier);
        for segment in self.segments.iter() {
            if segment.multiplier != before {
                return Some(Finding::MultiplierChanged {
                    date: segment.opening.date,
                    before,
                    after: segment.multiplier,
                });
            }
            before = segment.multiplier;
        }
        None
    }
}

/// Whether a figure is more than so much of a hundred of another; nothing when it cannot be
/// computed.
fn exceeds(figure: Decimal, other: Decimal, percent: Decimal) -> Option<bool> {
    let figure = figure.checked_mul(Decimal::ONE_HUNDRED)?;
    Some(figure > other.checked_mul(percent)?)
}
