//! Stretches: from which instant on which price holds.
//!
//! A switch of a calendar is a local time. Where the clock is set back and that time comes
//! twice, the first counts; where it is set forward and that time does not come, the first
//! instant after. So a stretch begins at an instant, and whatever the clock on the wall says
//! until the next one begins, its band holds.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::AmbiguousOffset;

use crate::billing::period::PeriodError;
use crate::plan::Plan;
use crate::plan::tariff::{Rate, Switch};
use crate::site::Zone;

/// From an instant on, one tariff and one of its bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// When it begins.
    pub(super) at: Timestamp,
    /// The place of the first plan with its tariff.
    pub(super) version: usize,
    /// The place of its band, where the price depends on the hour.
    pub(super) band: Option<usize>,
}

/// The instants from the start of `from` to that of `until` at which another price begins to
/// hold: another tariff, or another band of it. `plans` are in the order of their dates.
///
/// # Errors
/// When a date is beyond the calendar.
pub fn switches(
    from: Date,
    until: Date,
    plans: &[Plan],
    zone: &Zone,
) -> Result<Vec<Timestamp>, PeriodError> {
    let before = from.yesterday().unwrap_or(from);
    let start = instant(from.at(0, 0, 0, 0), zone)?;
    let begins = stretches(before, until, plans, zone)?.into_iter().skip(1);
    Ok(begins
        .map(|stretch| stretch.at)
        .filter(|at| *at >= start)
        .collect())
}

/// The stretches of some days; the first begins with the first of them.
pub(super) fn stretches(
    from: Date,
    until: Date,
    plans: &[Plan],
    zone: &Zone,
) -> Result<Vec<Stretch>, PeriodError> {
    let versions = versions(plans);
    let mut all: Vec<Stretch> = Vec::new();
    let mut date = from;
    while date < until {
        let place = plans.iter().rposition(|plan| plan.effective_from <= date);
        let place = place.unwrap_or(0);
        let version = versions.get(place).copied().unwrap_or(0);
        let plan = plans.get(place).ok_or(PeriodError::NoPlan)?;
        for (local, band) in bands_on(date, plan) {
            let at = instant(local, zone)?;
            // What begins at an instant that the clock skips gives way to what begins there.
            while all.last().is_some_and(|last| last.at >= at) {
                all.pop();
            }
            let same = |last: &Stretch| (last.version, last.band) == (version, band);
            if !all.last().is_some_and(same) {
                all.push(Stretch { at, version, band });
            }
        }
        date = date
            .tomorrow()
            .map_err(|_| PeriodError::BeyondCalendar(date))?;
    }
    Ok(all)
}

/// For each plan the place of the first before it that has the same tariff without a break.
fn versions(plans: &[Plan]) -> Vec<usize> {
    let mut versions: Vec<usize> = Vec::new();
    let mut before: Option<(usize, &Plan)> = None;
    for (place, plan) in plans.iter().enumerate() {
        let version = match before {
            Some((version, before)) if before.tariff == plan.tariff => version,
            _ => place,
        };
        before = Some((version, plan));
        versions.push(version);
    }
    versions
}

fn bands_on(date: Date, plan: &Plan) -> Vec<(DateTime, Option<usize>)> {
    let Rate::TimeOfUse { calendar, .. } = &plan.tariff.rate else {
        return vec![(date.at(0, 0, 0, 0), None)];
    };
    let begin = |switch: &Switch| (date.to_datetime(switch.at), Some(switch.band));
    calendar.on(date).iter().map(begin).collect()
}

/// The first instant at which a local time has come.
fn instant(local: DateTime, zone: &Zone) -> Result<Timestamp, PeriodError> {
    let beyond = |_| PeriodError::BeyondCalendar(local.date());
    let rules = zone.rules();
    let ambiguous = rules.to_ambiguous_timestamp(local);
    if !matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return ambiguous.earlier().map_err(beyond);
    }
    // A gap lies between two transitions: by the later offset, a time in it is before.
    let before = ambiguous.earlier().map_err(beyond)?;
    let transition = rules.following(before).next();
    let transition = transition.map(|transition| transition.timestamp());
    transition.ok_or(PeriodError::BeyondCalendar(local.date()))
}
