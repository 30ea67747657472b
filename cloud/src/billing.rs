//! The bill: pure rules from registers and plans to an invoice, or to the reason why there
//! is none.

pub mod charge;
pub mod check;
pub mod consumption;
pub mod display;
pub mod estimate;
pub mod explain;
pub mod finding;
pub mod hold;
pub mod invoice;
pub mod loss;
pub mod period;
pub mod readiness;
pub mod reconciliation;
pub mod segment;
pub mod trace;
pub mod utility;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use common::reading::ClockTrust;
use common::unit::Unit;
use jiff::{SignedDuration, Timestamp};

pub(crate) use self::charge::exact_product;
use self::charge::{Charge, Extras, charge, plans_within, switches};
use self::consumption::{Instant, Late, Registers};
use self::finding::Finding;
use self::hold::Hold;
use self::invoice::{EarlierPeriod, Invoice, Period};
use self::period::{PeriodError, plan_of, plan_on, send_at};
use self::segment::{Boundary, Segments};
use crate::currency::Currency;
use crate::plan::Plan;

/// How many earlier periods an invoice shows.
pub const EARLIER_PERIODS: usize = 4;

/// Why a period was not closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// It is held; data may still come.
    #[error("the period is held: {0:?}")]
    Hold(Hold),
    /// The plans say nothing of such a period.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

impl From<Hold> for CloseError {
    fn from(hold: Hold) -> Self {
        Self::Hold(hold)
    }
}

/// What an invoice says of consumption and money, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The versions of the plan that hold within the period.
    pub plans: Vec<Plan>,
    /// What the devices counted.
    pub segments: Segments,
    /// What went into the lines besides.
    pub extras: Extras,
    /// Quantities, lines and total.
    pub charge: Charge,
    /// What was noticed about the readings.
    pub findings: Vec<Finding>,
    /// Whether a reading that decides it was invented by a simulation.
    pub simulated: bool,
}

/// The instants whose registers decide a period: its two ends, and where the price changes in
/// between, at the start of a day or at a switch of the hours.
///
/// # Errors
/// When there is no plan.
pub fn decisive_instants(period: &Period, plans: &[Plan]) -> Result<Vec<Instant>, PeriodError> {
    let zone = &plan_of(period, plans)?.zone;
    let within = plans_within(period, plans);
    let mut instants = vec![Instant {
        date: period.from,
        at: period.starts_at,
    }];
    for at in switches(period.from, period.until, &within, zone)? {
        let date = zone.rules().to_datetime(at).date();
        if period.starts_at < at && at < period.ends_at {
            instants.push(Instant { date, at });
        }
    }
    instants.push(Instant {
        date: period.until,
        at: period.ends_at,
    });
    Ok(instants)
}

/// What a period is closed from, beside its plans.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The registers of its meter.
    pub registers: &'a Registers<'a>,
    /// The registers with which the periods beside it were billed, where they adjoin.
    pub billed: &'a [Boundary],
    /// What is done about an end that no reading is near to.
    pub late: Late,
    /// What goes into its lines beside plan and segments, or why that is not known.
    pub extras: Result<Extras, Hold>,
}

/// What is done about a missing reading of a period by `now`: the plan says how long it is
/// waited for.
///
/// # Errors
/// When there is no plan, or a day is beyond the calendar.
pub fn late(period: &Period, plans: &[Plan], now: Timestamp) -> Result<Late, PeriodError> {
    let plan = plan_on(period.until, plans).ok_or(PeriodError::NoPlan)?;
    let grace = SignedDuration::from_hours(24 * i64::from(plan.missing.grace_days));
    let waits_until = send_at(period, plans)?
        .checked_add(grace)
        .map_err(|_| PeriodError::BeyondCalendar(period.until))?;
    Ok(match plan.missing.estimate && waits_until <= now {
        true => Late::Estimate,
        false => Late::Wait,
    })
}

/// Closes a period.
///
/// # Errors
/// With the reason why it is held.
pub fn close_period(
    period: &Period,
    plans: &[Plan],
    subject: &Subject<'_>,
) -> Result<Statement, CloseError> {
    let instants = decisive_instants(period, plans)?;
    let registers = subject.registers;
    let segments = registers.segments(&instants, subject.billed, subject.late)?;
    let segments = Segments::try_from(segments).map_err(|_| PeriodError::NoPlan)?;
    let plans = plans_within(period, plans);
    // What lies at the meter itself is said first.
    let extras = subject.extras.clone()?;
    let charge = charge(period, &segments, &plans, &extras)?;
    Ok(Statement {
        plans,
        extras,
        charge,
        findings: registers.findings(period.starts_at, period.ends_at),
        simulated: segments.rest_on(ClockTrust::Simulated),
        segments,
    })
}

/// The newest invoices before a period, for comparison; `before` has the newest first. What
/// was billed in another unit or currency cannot be compared.
#[must_use]
pub fn earlier_periods(
    period: &Period,
    unit: Unit,
    currency: Currency,
    before: &[Invoice],
) -> Vec<EarlierPeriod> {
    before
        .iter()
        .filter(|invoice| invoice.period.ends_at <= period.starts_at)
        .filter(|invoice| invoice.unit == unit && invoice.currency == currency)
        .take(EARLIER_PERIODS)
        .map(|invoice| EarlierPeriod {
            from: invoice.period.from,
            until: invoice.period.until,
            measured: invoice.measured,
            total: invoice.total,
        })
        .collect()
}
