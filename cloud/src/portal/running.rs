//! The running period of a meter: what went through so far and what it costs so far.
//!
//! Nothing here is a bill: it is made anew from the readings at every look, by the same
//! rules as an invoice, but without the minimum.

use common::profile::Library;
use common::reading::Reading;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::billing::charge::{Charge, Extras, charge, plans_within};
use crate::billing::consumption::{Instant, Registers, Taken};
use crate::billing::hold::Hold;
use crate::billing::invoice::{DailyUse, Period};
use crate::billing::period::{
    PeriodError, first_period, period_after, period_containing, plan_of, send_at, start_of_day,
};
use crate::billing::segment::{Boundary, Segments};
use crate::billing::{self, decisive_instants};
use crate::extras;
use crate::metered;
use crate::plan::Plan;
use crate::plan::tariff::Minimum;
use crate::site::{Meter, Mounting, Zone};
use crate::store::readings::KeptReading;
use crate::store::{StoreResult, Transaction};

/// Periods that may have ended without having been looked at; beyond it somebody's clock is
/// wrong.
const PERIODS_AHEAD_MAX: usize = 600;

/// A meter's running period.
#[derive(Debug)]
pub(super) struct Running {
    /// The period; its end is in the future.
    pub(super) period: Period,
    /// The zone that counts its days.
    pub(super) zone: Zone,
    /// When its invoice goes out.
    pub(super) sends_at: Timestamp,
    /// What went through so far, if both registers are known.
    pub(super) used: Option<Decimal>,
    /// What that costs.
    pub(super) cost: Option<Decimal>,
    /// The segments and lines so far, if both registers are known.
    pub(super) so_far: Option<(Segments, Charge)>,
    /// Why they are not, as the rules say.
    pub(super) hold: Option<Hold>,
    /// The closing readings of the period.
    pub(super) readings: Vec<Taken>,
    /// The use of each day that is over.
    pub(super) daily: Vec<DailyUse>,
}

/// All that a look at a meter needs.
#[derive(Debug)]
pub(super) struct Look {
    /// Its terms, by date.
    pub(super) plans: Vec<Plan>,
    /// Its last good reading.
    pub(super) last: Option<Reading>,
    /// The running period, unless its terms allow none.
    pub(super) running: Option<Running>,
}

fn taken(kept: KeptReading) -> Taken {
    Taken {
        gateway: kept.gateway,
        epoch: kept.epoch,
        reading: kept.reading,
    }
}

/// Looks at a meter at `now`.
pub(super) async fn look(
    transaction: &mut Transaction,
    profiles: &Library,
    meter: &Meter,
    now: Timestamp,
) -> StoreResult<Look> {
    let plans = transaction.plans(meter.account, meter.id).await?;
    let served = metered::served(transaction, profiles, meter.account, meter.id).await?;
    let mountings: Vec<Mounting> = served.iter().map(|one| one.mounting.clone()).collect();
    let last = match mountings.last() {
        Some(mounting) => {
            let kept = transaction
                .last_reading(meter.account, mounting.device, &mounting.point)
                .await?;
            kept.map(taken)
        }
        None => None,
    };
    let period = running_period(transaction, meter, &plans, &mountings, now).await?;
    let running = match period {
        Ok(period) => {
            let bill = extras::Bill {
                profiles,
                meter,
                served: &served,
                plans: &plans,
                period: &period,
                now,
            };
            describe(transaction, bill).await?.ok()
        }
        Err(_) => None,
    };
    Ok(Look {
        plans,
        last: last.map(|last| last.reading),
        running,
    })
}

async fn running_period(
    transaction: &mut Transaction,
    meter: &Meter,
    plans: &[Plan],
    mountings: &[Mounting],
    now: Timestamp,
) -> StoreResult<Result<Period, PeriodError>> {
    if let Some(date) = transaction.billed_until(meter.account, meter.id).await? {
        return Ok(after(date, meter, plans, now));
    }
    let first = metered::first_date(transaction, meter.account, mountings, &meter.zone).await?;
    if let Ok(date) = first {
        return Ok(first_period(date, plans).and_then(|first| until_now(first, plans, now)));
    }
    Ok(period_containing(now, plans))
}

fn after(
    date: jiff::civil::Date,
    meter: &Meter,
    plans: &[Plan],
    now: Timestamp,
) -> Result<Period, PeriodError> {
    let at = start_of_day(date, &meter.zone)?;
    let billed = Period {
        from: date,
        until: date,
        starts_at: at,
        ends_at: at,
    };
    until_now(period_after(&billed, plans)?, plans, now)
}

/// The period, or the one after it that is not over.
fn until_now(mut period: Period, plans: &[Plan], now: Timestamp) -> Result<Period, PeriodError> {
    for _ in 0..PERIODS_AHEAD_MAX {
        if period.ends_at > now {
            break;
        }
        period = period_after(&period, plans)?;
    }
    Ok(period)
}

async fn describe(
    transaction: &mut Transaction,
    bill: extras::Bill<'_>,
) -> StoreResult<Result<Running, PeriodError>> {
    let (meter, period) = (bill.meter, bill.period);
    let instants = match decisive_instants(period, bill.plans) {
        Ok(instants) => instants,
        Err(error) => return Ok(Err(error)),
    };
    let over = over(&instants, bill.now);
    let account = meter.account;
    let readings = metered::looked_at(transaction, account, bill.served, period, &over).await?;
    let billed = metered::billed(transaction, meter, period).await?;
    let besides = bill.extras_so_far(transaction).await?.extras;
    Ok(reckon(bill, readings, &billed, besides))
}

/// The instants that are over, and now.
fn over(instants: &[Instant], now: Timestamp) -> Vec<Instant> {
    let over = instants.iter().filter(|instant| instant.at < now);
    let last = over
        .clone()
        .next_back()
        .map(|last| Instant { at: now, ..*last });
    over.copied().chain(last).collect()
}

fn reckon(
    bill: extras::Bill<'_>,
    readings: Vec<Taken>,
    billed: &[Boundary],
    besides: Result<Extras, Hold>,
) -> Result<Running, PeriodError> {
    let (period, plans) = (*bill.period, bill.plans);
    let zone = plan_of(&period, plans)?.zone.clone();
    let today = zone.rules().to_datetime(bill.now).date();
    let registers = Registers::new(bill.served, &readings, bill.meter.unit, &zone);
    let mut daily = registers.daily(&period)?;
    daily.retain(|day| day.date < today);
    let segments = registers.so_far(&decisive_instants(&period, plans)?, billed);
    let (segments, hold) = match segments {
        Ok(segments) => (Segments::try_from(segments).ok(), None),
        Err(hold) => (None, Some(hold)),
    };
    let used = segments
        .as_ref()
        .map(|segments| segments.iter().map(|segment| segment.quantity).sum());
    let so_far = segments.zip(besides.as_ref().ok());
    let so_far = so_far.and_then(|(segments, besides)| {
        let mut within = plans_within(&period, plans);
        for plan in &mut within {
            plan.minimum = Minimum::default();
        }
        let charge = charge(&period, &segments, &within, besides).ok()?;
        Some((segments, charge))
    });
    Ok(Running {
        sends_at: send_at(&period, plans)?,
        period,
        used,
        cost: so_far.as_ref().map(|(_, charge)| charge.total),
        so_far,
        // What lies at the meter itself is said first.
        hold: hold.or(besides.err()),
        daily,
        zone,
        readings,
    })
}

/// How many periods a page shows.
pub(super) fn shown_periods() -> i64 {
    i64::try_from(billing::EARLIER_PERIODS).unwrap_or(4)
}
