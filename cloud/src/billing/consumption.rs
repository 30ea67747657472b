//! What went through a meter: differences of its register at the starts of days.
//!
//! Only a good reading within ten minutes of an instant stands for it, and no reading
//! stands for another device's. A missing one is a [`Hold`] or an unknown day, never zero.

#[cfg(test)]
mod tests;

use common::id::{Epoch, GatewayId};
use common::reading::Reading;
use common::sync::CLOSING_TOLERANCE_SECONDS;
use common::unit::Unit;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::charge::exact_product;
use super::hold::Hold;
use super::invoice::{DailyUse, Period};
use super::period::{PeriodError, start_of_day};
use super::segment::{Basis, Boundary, Evidence, Segment};
use crate::site::{Mounting, Zone};

/// How far from the start of a day a reading still stands for it.
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(CLOSING_TOLERANCE_SECONDS);

/// A reading with the gateway that took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The gateway.
    pub gateway: GatewayId,
    /// The life of its buffer.
    pub epoch: Epoch,
    /// The reading.
    pub reading: Reading,
}

/// The start of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayStart {
    /// The date.
    pub date: Date,
    /// The instant at which it starts.
    pub at: Timestamp,
}

/// The mounting that serves a meter at an instant.
#[must_use]
pub fn mounting_at(at: Timestamp, mountings: &[Mounting]) -> Option<&Mounting> {
    mountings
        .iter()
        .find(|mounting| mounting.from <= at && mounting.until.is_none_or(|until| at < until))
}

/// The register at the start of a day: the good reading of the mounted device that is
/// nearest to it.
///
/// # Errors
/// When there is no device or no such reading.
pub fn register_at(
    start: DayStart,
    mountings: &[Mounting],
    readings: &[Taken],
) -> Result<Boundary, Hold> {
    let date = start.date;
    let mounting = mounting_at(start.at, mountings).ok_or(Hold::NoDevice { date })?;
    let distance = |taken: &Taken| taken.reading.at.duration_since(start.at).abs();
    readings
        .iter()
        .filter(|taken| taken.reading.device == mounting.device)
        .filter(|taken| taken.reading.point == mounting.point)
        .filter(|taken| taken.reading.is_good() && distance(taken) <= TOLERANCE)
        .min_by_key(|taken| {
            let reading = &taken.reading;
            (
                distance(taken),
                reading.closes != Some(date),
                reading.at,
                taken.epoch,
                reading.seq,
            )
        })
        .and_then(|taken| boundary(start, taken))
        .ok_or(Hold::ReadingMissing { date, at: start.at })
}

fn boundary(start: DayStart, taken: &Taken) -> Option<Boundary> {
    let reading = evidence(taken)?;
    Some(Boundary {
        date: start.date,
        at: start.at,
        register: reading.register,
        basis: Basis::Read { reading },
    })
}

/// A good reading as something that a boundary can rest on.
#[must_use]
pub fn evidence(taken: &Taken) -> Option<Evidence> {
    let reading = &taken.reading;
    Some(Evidence {
        read_at: reading.at,
        register: reading.quantity?,
        raw: reading.raw.clone(),
        profile: reading.profile.clone(),
        clock: reading.clock,
        device: reading.device,
        gateway: taken.gateway,
        epoch: taken.epoch,
        seq: reading.seq,
        link: reading.seal.as_ref().map(|seal| seal.link),
    })
}

/// What went through between two boundaries of one device, in `unit`.
///
/// # Errors
/// When they are not one register that counted up in that unit.
pub fn segment(
    opening: &Boundary,
    closing: &Boundary,
    unit: Unit,
    multiplier: Decimal,
) -> Result<Segment, Hold> {
    let (from, until) = (opening.date, closing.date);
    for boundary in [opening, closing] {
        let read = boundary.register.unit();
        if read != unit {
            let date = boundary.date;
            return Err(Hold::UnitDiffers {
                date,
                billed: unit,
                read,
            });
        }
    }
    let (before, after) = (opening.register, closing.register);
    let used = after.since(before).map_err(|_| Hold::TooManyDigits)?;
    if used.value() < Decimal::ZERO {
        return Err(Hold::RegisterFell {
            from,
            until,
            before,
            after,
        });
    }
    let quantity = exact_product(used.value(), multiplier).ok_or(Hold::TooManyDigits)?;
    Ok(Segment {
        opening: opening.clone(),
        closing: closing.clone(),
        serial_number: String::new(),
        multiplier,
        rollovers: None,
        quantity,
    })
}

/// The first date that has a closing reading since the meter was mounted: where its first
/// period starts. `closings` are in the order of their dates.
///
/// # Errors
/// When there is none.
pub fn first_date(mountings: &[Mounting], closings: &[Taken], zone: &Zone) -> Result<Date, Hold> {
    let first = mountings.iter().map(|mounting| mounting.from).min();
    let since = first.unwrap_or(Timestamp::UNIX_EPOCH);
    closings
        .iter()
        .filter_map(|taken| taken.reading.closes)
        .find(|date| {
            start_of_day(*date, zone).is_ok_and(|at| {
                let start = DayStart { date: *date, at };
                at >= since && register_at(start, mountings, closings).is_ok()
            })
        })
        .ok_or(Hold::NoFirstReading { since })
}

/// The use of each day of a period; `None` where a register at its start or end is missing
/// or no difference can be made of the two.
///
/// # Errors
/// When a day is beyond the calendar.
pub fn daily(
    period: &Period,
    zone: &Zone,
    unit: Unit,
    mountings: &[Mounting],
    readings: &[Taken],
) -> Result<Vec<DailyUse>, PeriodError> {
    let register = |date| {
        // The ends of the period are where it says, also when the zone changed there.
        let at = match date {
            date if date == period.from => period.starts_at,
            date if date == period.until => period.ends_at,
            date => start_of_day(date, zone)?,
        };
        Ok(register_at(DayStart { date, at }, mountings, readings).ok())
    };
    let mut days = Vec::new();
    let mut date = period.from;
    let mut opening = register(date)?;
    while date < period.until {
        let next = date
            .tomorrow()
            .map_err(|_| PeriodError::BeyondCalendar(date))?;
        let closing = register(next)?;
        let used = match (&opening, &closing) {
            (Some(opening), Some(closing)) => used_between(opening, closing, unit, mountings),
            _ => None,
        };
        days.push(DailyUse {
            date,
            quantity: used,
            register: opening.as_ref().map(|opening| opening.register),
            read_at: opening
                .as_ref()
                .and_then(|opening| Some(opening.reading()?.read_at)),
        });
        (date, opening) = (next, closing);
    }
    Ok(days)
}

fn used_between(
    opening: &Boundary,
    closing: &Boundary,
    unit: Unit,
    mountings: &[Mounting],
) -> Option<Decimal> {
    let mounting = mounting_at(opening.at, mountings)?;
    if mounting_at(closing.at, mountings)? != mounting {
        return None;
    }
    let used = segment(opening, closing, unit, mounting.multiplier).ok()?;
    Some(used.quantity)
}
