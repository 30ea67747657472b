//! The bill: pure rules from registers and plans to an invoice, or to the reason why there
//! is none.

pub mod charge;
pub mod consumption;
pub mod hold;
pub mod invoice;
pub mod loss;
pub mod period;

#[cfg(test)]
mod tests;

use common::reading::ClockTrust;
use common::unit::Unit;
use rust_decimal::Decimal;

use self::charge::{Charge, PeriodTerms, charge};
use self::consumption::{DayStart, Taken, mounting_at, register_at, stretch};
use self::hold::Hold;
use self::invoice::{Boundary, EarlierPeriod, Invoice, Period};
use self::period::{PeriodError, plan_of, start_of_day};
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
    /// The register at the start.
    pub opening: Boundary,
    /// The register at the end.
    pub closing: Boundary,
    /// Registers in between, where the price changed.
    pub switches: Vec<Boundary>,
    /// The currency.
    pub currency: Currency,
    /// The minimum of the period.
    pub minimum: Decimal,
    /// The price at the end of the period.
    pub price: Decimal,
    /// Quantities, lines and total.
    pub charge: Charge,
    /// Whether a reading that decides it was invented by a simulation.
    pub simulated: bool,
}

/// The starts of day whose registers decide a period: its two ends, and where the price
/// changes in between.
///
/// # Errors
/// When there is no plan.
pub fn decisive_starts(period: &Period, plans: &[Plan]) -> Result<Vec<DayStart>, PeriodError> {
    let terms = PeriodTerms::of(period, plans).ok_or(PeriodError::NoPlan)?;
    let zone = &plan_of(period, plans)?.zone;
    let mut starts = vec![DayStart {
        date: period.from,
        at: period.starts_at,
    }];
    for (date, _) in terms.changes {
        let at = start_of_day(date, zone)?;
        starts.push(DayStart { date, at });
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
    let terms = PeriodTerms::of(period, plans).ok_or(PeriodError::NoPlan)?;
    let starts = decisive_starts(period, plans)?;
    let mut boundaries = Vec::new();
    for start in &starts {
        boundaries.push(register_at(*start, mountings, readings)?);
    }
    one_point(&starts, mountings)?;
    let mut stretches = Vec::new();
    for (before, after) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        stretches.push(stretch(before, after, unit)?);
    }
    let charge = charge(period, &stretches, &terms)?;
    let simulated = boundaries
        .iter()
        .any(|boundary| boundary.clock == ClockTrust::Simulated);
    let mut switches = boundaries.into_iter();
    let (Some(opening), Some(closing)) = (switches.next(), switches.next_back()) else {
        return Err(PeriodError::NoPlan.into());
    };
    Ok(Statement {
        opening,
        closing,
        switches: switches.collect(),
        currency: terms.currency,
        minimum: terms.minimum,
        price: terms.last_price(),
        charge,
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
