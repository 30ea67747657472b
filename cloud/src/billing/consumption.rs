//! What went through a meter: differences of its register at the instants that decide.
//!
//! A believed reading within ten minutes of an instant stands for it. Where there is none, the
//! straight line between two readings at most two hours apart does, with how far it can be
//! wrong; else the instant waits, or is estimated where the plan says so. No reading stands for
//! another device's: where the device was exchanged, the use is counted on both. A missing one
//! is a [`Hold`] or an unknown day, never zero.

mod power;
#[cfg(test)]
mod tests;
mod traced;

use common::id::{Epoch, GatewayId};
use common::profile::Point;
use common::reading::Reading;
use common::sync::CLOSING_TOLERANCE_SECONDS;
use common::unit::Unit;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use self::traced::{Placed, Traced};
use super::charge::exact_product;
use super::finding::Finding;
use super::hold::Hold;
use super::invoice::{DailyUse, Period};
use super::period::{PeriodError, start_of_day};
use super::segment::{Boundary, Evidence, Segment};
use super::trace::{Counter, Trace};
use crate::site::{Mounting, Zone};

/// How far from an instant a reading still stands for it.
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(CLOSING_TOLERANCE_SECONDS);
/// How far apart two readings may be for the line between them to stand for an instant (the
/// linear interpolation of gaps up to two hours, CPUC PSWG3 msgs 00129 and 00130), and how far
/// from an exchange the last reading of a device may be.
pub const INTERPOLATED_MAX: SignedDuration = SignedDuration::from_hours(2);

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

/// An instant that decides, and the date on which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// The date.
    pub date: Date,
    /// The instant.
    pub at: Timestamp,
}

/// A mounting with what is known of its device.
#[derive(Debug, Clone)]
pub struct Served {
    /// The mounting.
    pub mounting: Mounting,
    /// The point of the device's profile, if this program has the profile.
    pub point: Option<Point>,
    /// The number on the device's plate; empty when nobody wrote it down.
    pub serial_number: String,
}

/// What is done about an instant that no reading is near to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// It is waited for.
    Wait,
    /// It is estimated.
    Estimate,
}

/// The mounting that serves a meter at an instant.
#[must_use]
pub fn mounting_at(at: Timestamp, mountings: &[Mounting]) -> Option<&Mounting> {
    mountings
        .iter()
        .find(|mounting| mounting.from <= at && mounting.until.is_none_or(|until| at < until))
}

/// Whether a reading of that instant tells of the register that a mounting counted with. A
/// device that was exchanged or set anew may have been anything before and after; one that went
/// on counting under other terms was the same.
fn is_within(at: Timestamp, mounting: &Mounting, all: &[Served]) -> bool {
    let goes_on = |before: &Mounting, after: &Mounting| {
        before.until == Some(after.from)
            && (before.device, &before.point) == (after.device, &after.point)
            && before.closing.is_none()
            && after.opening.is_none()
    };
    let mut others = all.iter().map(|one| &one.mounting);
    let begins = at >= mounting.from || others.clone().any(|before| goes_on(before, mounting));
    let ends = mounting.until.is_none_or(|until| at <= until)
        || others.any(|after| goes_on(mounting, after));
    begins && ends
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

/// The registers of a meter over time, across all its devices.
#[derive(Debug)]
pub struct Registers<'a> {
    traced: Vec<Traced<'a>>,
    zone: &'a Zone,
    unit: Unit,
}

impl<'a> Registers<'a> {
    /// The registers of a meter that `served` served, by what is read, in any order; the use is
    /// counted in `unit`, days in `zone`.
    #[must_use]
    pub fn new(served: &'a [Served], readings: &[Taken], unit: Unit, zone: &'a Zone) -> Self {
        let traced = served.iter().map(|one| {
            let mounting = &one.mounting;
            let own: Vec<Taken> = readings
                .iter()
                .filter(|taken| taken.reading.device == mounting.device)
                .filter(|taken| taken.reading.point == mounting.point)
                .filter(|taken| is_within(taken.reading.at, mounting, served))
                .cloned()
                .collect();
            let counter = Counter::of(mounting, one.point.as_ref());
            let trace = Trace::of(&own, &counter);
            Traced {
                served: one,
                counter,
                trace,
            }
        });
        Self {
            traced: traced.collect(),
            zone,
            unit,
        }
    }

    /// What went through between each two of `instants`, which are in order; cut where the
    /// device was exchanged, too. What was `billed` stands for its instant, whatever was read
    /// since.
    ///
    /// # Errors
    /// With why something cannot be known.
    pub fn segments(
        &self,
        instants: &[Instant],
        billed: &[Boundary],
        late: Late,
    ) -> Result<Vec<Segment>, Hold> {
        let (Some(first), Some(last)) = (instants.first(), instants.last()) else {
            return Ok(Vec::new());
        };
        let mut segments = Vec::new();
        let mut covered = *first;
        for traced in &self.traced {
            let mounting = &traced.served.mounting;
            let until = mounting.until.map_or(last.at, |until| until.min(last.at));
            if mounting.from >= last.at || until <= first.at {
                continue;
            }
            let from = mounting.from.max(first.at);
            if from > covered.at {
                return Err(Hold::NoDevice { date: covered.date });
            }
            let mut stops: Vec<Instant> = vec![self.instant(from, instants)];
            let inside = |instant: &&Instant| from < instant.at && instant.at < until;
            stops.extend(instants.iter().filter(inside));
            stops.push(self.instant(until, instants));
            segments.extend(self.along(traced, &stops, instants, billed, late)?);
            covered = self.instant(until, instants);
        }
        match covered.at < last.at || segments.is_empty() {
            true => Err(Hold::NoDevice { date: covered.date }),
            false => Ok(segments),
        }
    }

    fn instant(&self, at: Timestamp, instants: &[Instant]) -> Instant {
        let known = instants.iter().find(|instant| instant.at == at);
        known.copied().unwrap_or_else(|| Instant {
            date: self.zone.rules().to_datetime(at).date(),
            at,
        })
    }

    /// The segments of one mounting between its stops.
    fn along(
        &self,
        traced: &Traced<'_>,
        stops: &[Instant],
        instants: &[Instant],
        billed: &[Boundary],
        late: Late,
    ) -> Result<Vec<Segment>, Hold> {
        let mut placed: Vec<Placed> = Vec::new();
        for stop in stops {
            let is_first = placed.is_empty();
            let standing = billed.iter().find(|billed| {
                let device = Some(traced.served.mounting.device);
                billed.at == stop.at && billed.device() == device
            });
            let mut next = match standing {
                Some(billed) => Placed {
                    boundary: billed.clone(),
                    rollovers: traced.rollovers_at(billed.at),
                },
                None => traced.at(*stop, is_first, instants, late, self.zone)?,
            };
            if let Some(before) = placed.last() {
                traced.stand(&mut next, before);
            }
            placed.push(next);
        }
        let pairs = placed.iter().zip(placed.iter().skip(1));
        pairs
            .map(|(from, until)| traced.segment(from, until, self.unit))
            .collect()
    }

    /// The register at an instant.
    ///
    /// # Errors
    /// When no device served then, or nothing is read near enough.
    pub fn register_at(&self, instant: Instant, late: Late) -> Result<Boundary, Hold> {
        let serves = |traced: &&Traced<'_>| {
            let mounting = &traced.served.mounting;
            mounting.from <= instant.at && mounting.until.is_none_or(|until| instant.at < until)
        };
        let traced = self.traced.iter().find(serves);
        let traced = traced.ok_or(Hold::NoDevice { date: instant.date })?;
        let placed = traced.at(instant, true, &[instant], late, self.zone)?;
        Ok(placed.boundary)
    }

    /// What was noticed about the readings between two instants.
    #[must_use]
    pub fn findings(&self, from: Timestamp, until: Timestamp) -> Vec<Finding> {
        let found = self
            .traced
            .iter()
            .map(|traced| traced.trace.findings(from, until));
        found.flatten().collect()
    }

    /// The use of each day of a period; `None` where a register at its start or end is missing
    /// or no difference can be made of the two.
    ///
    /// # Errors
    /// When a day is beyond the calendar.
    pub fn daily(&self, period: &Period) -> Result<Vec<DailyUse>, PeriodError> {
        let instant = |date| {
            // The ends of the period are where it says, also when the zone changed there.
            let at = match date {
                date if date == period.from => period.starts_at,
                date if date == period.until => period.ends_at,
                date => start_of_day(date, self.zone)?,
            };
            Ok(Instant { date, at })
        };
        let mut days = Vec::new();
        let mut opening = instant(period.from)?;
        while opening.date < period.until {
            let next = opening.date.tomorrow();
            let closing = instant(next.map_err(|_| PeriodError::BeyondCalendar(opening.date))?)?;
            let segments = self.segments(&[opening, closing], &[], Late::Wait).ok();
            let register = self.register_at(opening, Late::Wait).ok();
            let is_reckoned = segments.as_ref().is_some_and(|segments| {
                segments
                    .iter()
                    .any(|one| one.opening.is_reckoned() || one.closing.is_reckoned())
            });
            days.push(DailyUse {
                date: opening.date,
                quantity: segments.map(|all| all.iter().map(|one| one.quantity).sum()),
                is_reckoned,
                read_at: register
                    .as_ref()
                    .and_then(|register| Some(register.reading()?.read_at)),
                register: register.map(|register| register.register),
            });
            opening = closing;
        }
        Ok(days)
    }

    /// What went through between each two of `instants` that are over, and from there to the
    /// newest reading, which is no boundary of a bill; nothing where there is no reading yet.
    ///
    /// # Errors
    /// With why something cannot be known.
    pub fn so_far(&self, instants: &[Instant], billed: &[Boundary]) -> Result<Vec<Segment>, Hold> {
        let newest = self
            .traced
            .iter()
            .filter_map(|traced| traced.trace.believed.last());
        let newest = newest.map(|newest| newest.taken.reading.at).max();
        let begun = instants.first().zip(newest);
        let Some((_, newest)) = begun.filter(|(first, newest)| first.at < *newest) else {
            return Ok(Vec::new());
        };
        let is_over = |instant: &&Instant| instant.at < newest;
        let mut stops: Vec<Instant> = instants.iter().filter(is_over).copied().collect();
        stops.push(self.instant(newest, instants));
        self.segments(&stops, billed, Late::Wait)
    }
}

/// The first date that has a closing reading since the meter was mounted: where its first
/// period starts. `closings` are in the order of their dates.
///
/// # Errors
/// When there is none.
pub fn first_date(mountings: &[Mounting], closings: &[Taken], zone: &Zone) -> Result<Date, Hold> {
    let first = mountings.iter().map(|mounting| mounting.from).min();
    let since = first.unwrap_or(Timestamp::UNIX_EPOCH);
    // By its instant: the days of the terms need not be those of the zone it was closed in.
    let begins = |taken: &Taken| {
        let reading = &taken.reading;
        let date = zone.rules().to_datetime(reading.at + TOLERANCE).date();
        let at = start_of_day(date, zone).ok()?;
        let is_near = reading.at.duration_since(at).abs() <= TOLERANCE;
        let mounting = mounting_at(at, mountings)?;
        let is_its = at >= since && mounting.device == reading.device;
        (is_its && is_near && reading.is_good()).then_some(date)
    };
    let first = closings.iter().find_map(begins);
    first.ok_or(Hold::NoFirstReading { since })
}
