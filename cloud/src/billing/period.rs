//! Periods: which days an invoice bills, from the versions of a meter's plan.
//!
//! A period ends on the cutoff of its cycle: on a day of the month, or on the month's last day
//! if that comes first, every so many months; or on a day of the week. The ends are those of
//! the calendar, never stepped from the period before, so a cutoff on the 31st stays there after
//! February. The version of the plan that holds on a period's first day says its cycle and its
//! zone: a new cutoff or zone counts from the next period, unless the new version begins a
//! period of its own, which ends the one before it early. One instant ends a period and begins
//! the next; it is the start of the day after the cutoff in the zone of the period that ends. So
//! the periods tile the time line, whatever changes.

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::invoice::Period;
use crate::plan::Plan;
use crate::site::Zone;

/// How far the dates of an instant are apart in two zones, in days, and one more.
const DAYS_AROUND: i64 = 2;
/// Periods that are looked through around an instant: they have a day at least, but one.
const PERIODS_AROUND: usize = 6;

/// Why there is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The meter has no plan.
    #[error("the meter has no billing terms: give it a plan")]
    NoPlan,
    /// The date is beyond what a calendar holds.
    #[error("{0} is beyond the calendar: correct the date")]
    BeyondCalendar(Date),
}

fn day_before(date: Date) -> Result<Date, PeriodError> {
    date.yesterday()
        .map_err(|_| PeriodError::BeyondCalendar(date))
}

/// The first instant of a day: midnight, or what comes first where midnight is skipped.
///
/// # Errors
/// When the date is beyond the calendar.
pub fn start_of_day(date: Date, zone: &Zone) -> Result<Timestamp, PeriodError> {
    date.to_zoned_datetime(zone.rules().clone())
        .map(|start| start.timestamp())
        .map_err(|_| PeriodError::BeyondCalendar(date))
}

/// The version of the plan that holds on `date`: the last that counts from then or before,
/// or the first of all. `plans` are in the order of their dates.
#[must_use]
pub fn plan_on(date: Date, plans: &[Plan]) -> Option<&Plan> {
    plans
        .iter()
        .rfind(|plan| plan.effective_from <= date)
        .or(plans.first())
}

/// The plan version whose cycle and zone count for `period`: the one that holds when it begins.
///
/// # Errors
/// When there is no plan.
pub fn plan_of<'a>(period: &Period, plans: &'a [Plan]) -> Result<&'a Plan, PeriodError> {
    plan_on(period.from, plans).ok_or(PeriodError::NoPlan)
}

/// The date on which the period ends that begins on `from`: the next boundary of its cycle, or
/// an earlier date on which a version begins a period of its own.
fn end_after(from: Date, plans: &[Plan]) -> Result<Date, PeriodError> {
    let plan = plan_on(from, plans).ok_or(PeriodError::NoPlan)?;
    let boundary = plan.cycle.boundary_after(from);
    let boundary = boundary.ok_or(PeriodError::BeyondCalendar(from))?;
    let cut = plans
        .iter()
        .filter(|later| later.begins_period)
        .map(|later| later.effective_from)
        .find(|date| *date > from);
    Ok(cut.map_or(boundary, |cut| cut.min(boundary)))
}

/// The first day of the period in which `date` is, as if the meter had always been there. Cost:
/// a few steps for each version.
fn start_until(date: Date, plans: &[Plan]) -> Result<Date, PeriodError> {
    let beyond = PeriodError::BeyondCalendar(date);
    let last_boundary = |start: Date| {
        let plan = plan_on(start, plans).ok_or(PeriodError::NoPlan)?;
        let mut later = plans.iter().map(|plan| plan.effective_from);
        let changes = later.find(|changes| *changes > start);
        let until = changes.map_or(date, |changes| changes.min(date));
        plan.cycle.boundary_until(until).ok_or(beyond.clone())
    };
    let first = plans.first().ok_or(PeriodError::NoPlan)?;
    let mut start = last_boundary(first.effective_from.min(date))?;
    loop {
        // Between two changes the periods begin on the boundaries of one cycle.
        start = start.max(last_boundary(start)?);
        let end = end_after(start, plans)?;
        if end > date {
            return Ok(start);
        }
        start = end;
    }
}

/// The period in which `instant` is, as if the meter had always been there.
///
/// # Errors
/// When there is no plan, or the instant is beyond the calendar.
pub fn period_containing(instant: Timestamp, plans: &[Plan]) -> Result<Period, PeriodError> {
    let zone = &plans.first().ok_or(PeriodError::NoPlan)?.zone;
    let date = zone.rules().to_datetime(instant).date();
    let beyond = |_| PeriodError::BeyondCalendar(date);
    let earlier = date.checked_sub(DAYS_AROUND.days()).map_err(beyond)?;
    let from = start_until(earlier, plans)?;
    // One period before it, because that may be a day that another zone swallows.
    let before = start_until(day_before(from)?, plans)?;
    let first = start_until(day_before(before)?, plans)?;
    let zone = &plan_on(first, plans).ok_or(PeriodError::NoPlan)?.zone;
    let mut period = period_from(before, start_of_day(before, zone)?, plans)?;
    for _ in 0..PERIODS_AROUND {
        if period.starts_at <= instant && instant < period.ends_at {
            return Ok(period);
        }
        period = period_after(&period, plans)?;
    }
    Err(PeriodError::BeyondCalendar(date))
}

/// The period after `period`: it begins where that one ends, whatever the plans say now.
///
/// # Errors
/// When there is no plan, or the period is beyond the calendar.
pub fn period_after(period: &Period, plans: &[Plan]) -> Result<Period, PeriodError> {
    period_from(period.until, period.ends_at, plans)
}

/// The first period of a meter: from the start of `date` to the next boundary.
///
/// # Errors
/// When there is no plan, or the date is beyond the calendar.
pub fn first_period(date: Date, plans: &[Plan]) -> Result<Period, PeriodError> {
    let zone = &plan_on(date, plans).ok_or(PeriodError::NoPlan)?.zone;
    period_from(date, start_of_day(date, zone)?, plans)
}

fn period_from(from: Date, starts_at: Timestamp, plans: &[Plan]) -> Result<Period, PeriodError> {
    let zone = &plan_on(from, plans).ok_or(PeriodError::NoPlan)?.zone;
    let mut until = end_after(from, plans)?;
    loop {
        let ends_at = start_of_day(until, zone)?;
        // A day that is over before it began, because the zone moved east, ends no period.
        if ends_at > starts_at {
            return Ok(Period {
                from,
                until,
                starts_at,
                ends_at,
            });
        }
        until = end_after(until, plans)?;
    }
}

/// When the invoice of `period` goes out: at the send hour of the day after the cutoff. An
/// hour that a daylight-saving change skips moves forward.
///
/// # Errors
/// When there is no plan, or the period is beyond the calendar.
pub fn send_at(period: &Period, plans: &[Plan]) -> Result<Timestamp, PeriodError> {
    let zone = &plan_of(period, plans)?.zone;
    let hour = plan_on(period.until, plans).map_or(0, |plan| plan.send_hour);
    let local = period.until.at(hour, 0, 0, 0);
    let sent = local
        .to_zoned_datetime(zone.rules().clone())
        .map_err(|_| PeriodError::BeyondCalendar(period.until))?;
    Ok(sent.timestamp().max(period.ends_at))
}
