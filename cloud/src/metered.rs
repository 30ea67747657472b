//! What the rules of the bill need to know of a meter's registers: the mountings with the
//! points that were read, and of the many readings those that decide.
//!
//! The readings supplied are as many as the days and the breaks of the span, not as many as
//! were taken; the trace of a register is the same from them as from all.

use common::id::{AccountId, MeterId};
use common::profile::Library;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::billing::consumption::{self, Instant, Served, Taken};
use crate::billing::hold::Hold;
use crate::billing::invoice::Period;
use crate::billing::segment::Boundary;
use crate::billing::trace::Counter;
use crate::site::{Meter, Mounting, Zone};
use crate::store::{StoreResult, Transaction};

/// Closing readings that are looked through for the one with which a meter begins: those of
/// some weeks, or of some days where prices depend on the hour.
const FIRST_CLOSINGS_MAX: i64 = 100;
/// How long before a period its readings are looked at: an estimate asks four weeks back.
const HISTORY_DAYS: i64 = 35;
const HISTORY: SignedDuration = SignedDuration::from_hours(24 * HISTORY_DAYS);
/// How long after it: what came back by then was an excursion.
const AFTERWARDS_DAYS: i64 = 2;
const AFTERWARDS: SignedDuration = SignedDuration::from_hours(24 * AFTERWARDS_DAYS);

/// How far from an exchange an instant may be for both devices' readings to matter.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The mountings of a meter with what is known of their devices.
pub(crate) async fn served(
    reader: &mut Transaction,
    profiles: &Library,
    account: AccountId,
    meter: MeterId,
) -> StoreResult<Vec<Served>> {
    let mut served = Vec::new();
    for mounting in reader.mountings(account, meter).await? {
        let device = reader.device(account, mounting.device).await?;
        let profile = device.as_ref().and_then(|one| profiles.get(&one.profile));
        let points = profile.map(|profile| &profile.points);
        let point = points.and_then(|all| all.iter().find(|one| one.id == mounting.point));
        served.push(Served {
            point: point.cloned(),
            serial_number: device.map(|one| one.serial_number).unwrap_or_default(),
            mounting,
        });
    }
    Ok(served)
}

/// The first date that starts with a closing reading since a meter was mounted, by the days of a
/// zone.
pub(crate) async fn first_date(
    reader: &mut Transaction,
    account: AccountId,
    mountings: &[Mounting],
    zone: &Zone,
) -> StoreResult<Result<Date, Hold>> {
    let mut closings: Vec<Taken> = Vec::new();
    for mounting in mountings {
        let (device, point) = (mounting.device, &mounting.point);
        // The zone in which they are closed may be behind.
        let day = zone.rules().to_datetime(mounting.from).date();
        let day = day.yesterday().unwrap_or(day);
        let found = reader.first_closings(account, device, point, day, FIRST_CLOSINGS_MAX);
        closings.extend(found.await?.into_iter().map(Taken::from));
    }
    closings.sort_by_key(|taken| (taken.reading.closes, taken.reading.at));
    Ok(consumption::first_date(mountings, &closings, zone))
}

/// The registers with which the bills beside a period ended and began, where they adjoin. They
/// stand, whatever was read since: so nothing is billed twice, and nothing falls between two
/// bills.
pub(crate) async fn billed(
    reader: &mut Transaction,
    meter: &Meter,
    period: &Period,
) -> StoreResult<Vec<Boundary>> {
    let (account, id) = (meter.account, meter.id);
    let before = reader.invoices_before(account, id, period.from, 1).await?;
    let after = reader.invoices_after(account, id, period.until, 1).await?;
    let before = before
        .iter()
        .filter(|one| one.period.ends_at == period.starts_at);
    let after = after
        .iter()
        .filter(|one| one.period.starts_at == period.ends_at);
    let openings = before.map(|before| before.closing().clone());
    Ok(openings
        .chain(after.map(|after| after.opening().clone()))
        .collect())
}

/// The readings that decide a period, and those by which they are judged: its starts of day
/// and those of the weeks before, what lies around each of the `instants` that decide, and both
/// sides of every break of the register.
pub(crate) async fn readings(
    reader: &mut Transaction,
    account: AccountId,
    served: &[Served],
    period: &Period,
    instants: &[Instant],
) -> StoreResult<Vec<Taken>> {
    let mut found = looked_at(reader, account, served, period, instants).await?;
    let (from, until) = (period.starts_at - HISTORY, period.ends_at + AFTERWARDS);
    for served in served
        .iter()
        .filter(|one| serves_within(&one.mounting, from, until))
    {
        let mounting = &served.mounting;
        let own = found
            .iter()
            .filter(|taken| taken.reading.device == mounting.device);
        let registers = own.filter_map(|taken| taken.reading.quantity);
        let Some(lowest) = registers.min_by_key(|register| register.value()) else {
            continue;
        };
        let counter = Counter::of(mounting, served.point.as_ref());
        let steady = counter.steady(lowest.value(), lowest.unit());
        let (device, point) = (mounting.device, &mounting.point);
        let breaks = reader.breaks_between(account, device, point, (from, until), &steady);
        found.extend(breaks.await?.into_iter().map(Taken::from));
    }
    Ok(found)
}

/// The readings that decide a period, without the breaks in between: for a look at a period that
/// runs, whose cost does not grow with how often a meter is read.
pub(crate) async fn looked_at(
    reader: &mut Transaction,
    account: AccountId,
    served: &[Served],
    period: &Period,
    instants: &[Instant],
) -> StoreResult<Vec<Taken>> {
    let first_day = period.from.saturating_sub(HISTORY_DAYS.days());
    let last_day = period.until.saturating_add(AFTERWARDS_DAYS.days());
    let mut found = Vec::new();
    for served in served {
        let mounting = &served.mounting;
        let (device, point) = (mounting.device, &mounting.point);
        let closings = reader.closing_readings(account, device, point, first_day, last_day);
        found.extend(closings.await?);
        let near = |instant: &&Instant| serves_within(mounting, instant.at - DAY, instant.at + DAY);
        for instant in instants.iter().filter(near) {
            let around = reader.readings_around(account, device, point, instant.at);
            found.extend(around.await?);
        }
    }
    Ok(found.into_iter().map(Taken::from).collect())
}

fn serves_within(mounting: &Mounting, from: Timestamp, until: Timestamp) -> bool {
    mounting.from <= until && mounting.until.is_none_or(|ended| ended >= from)
}
