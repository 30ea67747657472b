//! The highest power of a period, from registers read within it.
//!
//! What this finds rests on readings that are not sealed: a line that charges it is labelled
//! as detail. Only what is known counts: an interval without readings at both its ends, or in
//! which the register fell, has no power.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::Peak;
use super::amount::{QUANTITY_DECIMALS, rounded};

/// The part of an interval by which a reading may come before its end: a third.
const EARLY_PART: i32 = 3;
/// Seconds of an hour.
const HOUR_SECONDS: i64 = 3_600;

/// A register at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// When it was read.
    pub at: Timestamp,
    /// What it held, times its multiplier, in kilowatt-hours.
    pub energy: Decimal,
}

/// The interval from `from` to `until` with the highest mean power, the first of those; the
/// intervals have so many minutes and begin with `from`. `registers` are in the order of their
/// instants. An end of an interval is the last reading at or before it, at most a third of
/// the interval early; the power is the mean between the two, to 3 decimals.
#[must_use]
pub fn highest(
    registers: &[Register],
    from: Timestamp,
    until: Timestamp,
    interval_minutes: u16,
) -> Option<Peak> {
    let interval = SignedDuration::from_mins(i64::from(interval_minutes.max(1)));
    let early = interval / EARLY_PART;
    let at_end = |end: Timestamp| {
        let read = registers.partition_point(|register| register.at <= end);
        let last = registers.get(read.checked_sub(1)?)?;
        (end.duration_since(last.at) <= early).then_some(last)
    };
    let mut highest: Option<Peak> = None;
    let mut begin = from;
    while let Ok(end) = begin.checked_add(interval) {
        if end > until {
            break;
        }
        let ends = at_end(begin).zip(at_end(end));
        let mean = ends.and_then(|(before, after)| mean(before, after));
        if let Some(peak) = mean {
            let is_higher = highest.as_ref().is_none_or(|most| peak.power > most.power);
            let is_within = peak.from >= from;
            if is_higher && is_within {
                highest = Some(peak);
            }
        }
        begin = end;
    }
    highest
}

fn mean(before: &Register, after: &Register) -> Option<Peak> {
    let seconds = after.at.duration_since(before.at).as_secs();
    let energy = after.energy.checked_sub(before.energy)?;
    if energy < Decimal::ZERO {
        return None;
    }
    let hour = Decimal::from(HOUR_SECONDS);
    let power = rounded(
        energy,
        hour,
        Decimal::from(seconds),
        None,
        QUANTITY_DECIMALS,
    )?;
    Some(Peak {
        from: before.at,
        until: after.at,
        power,
    })
}
