//! The bill: pure rules from registers and plans to an invoice, or to the reason why there
//! is none.

pub mod charge;
pub mod check;
pub mod consumption;
pub mod finding;
pub mod hold;
pub mod invoice;
pub mod loss;
pub mod period;
pub mod readiness;
pub mod segment;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use common::reading::ClockTrust;
use common::unit::Unit;
use rust_decimal::Decimal;

pub(crate) use self::charge::exact_product;
use self::charge::{Charge, Extras, charge, plans_within, switches};
use self::consumption::{DayStart, Taken, mounting_at, register_at, segment};
use self::finding::Finding;
use self::hold::Hold;
use self::invoice::{EarlierPeriod, Invoice, Period};
use self::period::{PeriodError, plan_of};
use self::segment::Segments;
use crate::currency::Currency;
use crate::plan::Plan;
use crate::site::Mounting;

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
pub fn decisive_starts(period: &Period, plans: &[Plan]) -> Result<Vec<DayStart>, PeriodError> {
    let zone = &plan_of(period, plans)?.zone;
    let within = plans_within(period, plans);
    let mut starts = vec![DayStart {
        date: period.from,
        at: period.starts_at,
    }];
    for at in switches(period.from, period.until, &within, zone)? {
        let date = zone.rules().to_datetime(at).date();
        if period.starts_at < at && at < period.ends_at {
            starts.push(DayStart { date, at });
        }
    }
    starts.push(DayStart {
        date: period.until,
        at: period.ends_at,
    });
    Ok(starts)
}

/// Closes a period: `readings` are those near its [`decisive_starts`], in any order.
///
/// # Errors
/// With the reason why it is held.
pub fn close_period(
    period: &Period,
    plans: &[Plan],
    unit: Unit,
    mountings: &[Mounting],
    readings: &[Taken],
) -> Result<Statement, CloseError> {
    let starts = decisive_starts(period, plans)?;
    let mut boundaries = Vec::new();
    for start in &starts {
        boundaries.push(register_at(*start, mountings, readings)?);
    }
    one_point(&starts, mountings)?;
    let mut segments = Vec::new();
    for (before, after) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        let multiplier = mounting_at(before.at, mountings).map(|mounting| mounting.multiplier);
        let multiplier = multiplier.unwrap_or(Decimal::ONE);
        segments.push(segment(before, after, unit, multiplier)?);
    }
    let segments = Segments::try_from(segments).map_err(|_| PeriodError::NoPlan)?;
    let plans = plans_within(period, plans);
    let extras = Extras::default();
    let charge = charge(period, &segments, &plans, &extras)?;
    let simulated = segments.rest_on(ClockTrust::Simulated);
    Ok(Statement {
        plans,
        segments,
        extras,
        charge,
        findings: Vec::new(),
        simulated,
    })
}

/// Whether all boundaries are of one point of one device.
fn one_point(starts: &[DayStart], mountings: &[Mounting]) -> Result<(), Hold> {
    let point = |start: &DayStart| {
        mounting_at(start.at, mountings).map(|mounting| (mounting.device, &mounting.point))
    };
    let pairs = starts.iter().zip(starts.iter().skip(1));
    for (before, after) in pairs {
        if point(before) != point(after) {
            return Err(Hold::DeviceChanged {
                from: before.date,
                until: after.date,
            });
        }
    }
    Ok(())
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
