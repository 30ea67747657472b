//! Periods: which days an invoice bills, from the versions of a meter's plan.
//!
//! A period ends in each month, on the cutoff day or on the month's last day if that comes
//! first. The ends are stepped from the months, never from the period before, so a cutoff
//! on the 31st stays there after February. A new cutoff day or zone counts from the next
//! period. One instant ends a period and begins the next; it is the start of the day after
//! the cutoff in the zone of the period that ends. So the periods tile the time line,
//! whatever changes.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;

use super::invoice::Period;
use crate::plan::Plan;
use crate::site::Zone;

/// Months that are looked through for the next end: the one of an instant, its neighbours,
/// and one that a jump of the zone can swallow.
const MONTHS_AROUND: usize = 5;

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

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    /// The month in which `date` is.
    #[must_use]
    pub fn of(date: Date) -> Self {
        Self(date.first_of_month())
    }

    fn next(self) -> Result<Self, PeriodError> {
        day_after(self.0.last_of_month()).map(Self)
    }

    fn previous(self) -> Result<Self, PeriodError> {
        day_before(self.0).map(Self::of)
    }

    /// The day after the cutoff in this month.
    fn boundary_date(self, cutoff_day: i8) -> Result<Date, PeriodError> {
        let last = self.0.last_of_month();
        let cutoff = self.0.with().day(cutoff_day.min(last.day())).build();
        day_after(cutoff.unwrap_or(last))
    }
}

fn day_after(date: Date) -> Result<Date, PeriodError> {
    date.tomorrow()
        .map_err(|_| PeriodError::BeyondCalendar(date))
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

/// The version whose cutoff day and zone count for the period that ends in `month`: it must
/// count from the start of that period or before.
fn plan_ending_in(month: Month, plans: &[Plan]) -> Result<&Plan, PeriodError> {
    let (first, later) = plans.split_first().ok_or(PeriodError::NoPlan)?;
    let before = month.previous()?;
    let mut counts = first;
    for version in later {
        if version.effective_from > before.boundary_date(counts.cycle.cutoff_day().unwrap_or(31))? {
            break;
        }
        counts = version;
    }
    Ok(counts)
}

/// The end of the period that ends in `month`, if the zones of its neighbours allow it.
fn local_boundary(month: Month, plans: &[Plan]) -> Result<(Date, Timestamp), PeriodError> {
    let plan = plan_ending_in(month, plans)?;
    let date = month.boundary_date(plan.cycle.cutoff_day().unwrap_or(31))?;
    Ok((date, start_of_day(date, &plan.zone)?))
}

fn boundary(month: Month, plans: &[Plan]) -> Result<(Date, Timestamp), PeriodError> {
    let (_, earliest) = local_boundary(month.previous()?, plans)?;
    let (date, at) = local_boundary(month, plans)?;
    Ok((date, at.max(earliest)))
}

/// The plan version whose zone counts the days of `period`.
///
/// # Errors
/// When there is no plan.
pub fn plan_of<'a>(period: &Period, plans: &'a [Plan]) -> Result<&'a Plan, PeriodError> {
    plan_ending_in(Month::of(day_before(period.until)?), plans)
}

/// The period that ends in `month`. It is empty in one case: the zone moves so far east in
/// a period of one day that the day is over before it began.
///
/// # Errors
/// When there is no plan, or the month is beyond the calendar.
pub fn period_ending_in(month: Month, plans: &[Plan]) -> Result<Period, PeriodError> {
    let (from, starts_at) = boundary(month.previous()?, plans)?;
    let (until, ends_at) = boundary(month, plans)?;
    Ok(Period {
        from,
        until,
        starts_at,
        ends_at,
    })
}

/// The period in which `instant` is, as if the meter had always been there.
///
/// # Errors
/// When there is no plan, or the instant is beyond the calendar.
pub fn period_containing(instant: Timestamp, plans: &[Plan]) -> Result<Period, PeriodError> {
    let zone = &plans.first().ok_or(PeriodError::NoPlan)?.zone;
    let date = zone.rules().to_datetime(instant).date();
    let mut month = Month::of(date).previous()?;
    for _ in 0..MONTHS_AROUND {
        let period = period_ending_in(month, plans)?;
        if period.starts_at <= instant && instant < period.ends_at {
            return Ok(period);
        }
        month = month.next()?;
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
    let mut month = Month::of(date).previous()?;
    while boundary(month, plans)?.0 <= date {
        month = month.next()?;
    }
    let zone = &plan_ending_in(month, plans)?.zone;
    period_from(date, start_of_day(date, zone)?, plans)
}

fn period_from(from: Date, starts_at: Timestamp, plans: &[Plan]) -> Result<Period, PeriodError> {
    let mut month = Month::of(from).previous()?;
    for _ in 0..MONTHS_AROUND {
        let (until, ends_at) = boundary(month, plans)?;
        if until > from && ends_at > starts_at {
            return Ok(Period {
                from,
                until,
                starts_at,
                ends_at,
            });
        }
        month = month.next()?;
    }
    Err(PeriodError::BeyondCalendar(from))
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
