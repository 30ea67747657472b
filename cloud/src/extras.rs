//! Extras: what goes into a bill from outside the meter's own registers at the ends of its
//! period, as the store knows it: adjustments, the utility's price, the meter's share of what is
//! left over at its site, and the highest power.
//!
//! Promises: what the bill needs and nobody knows is a reason to hold it, never zero. What is
//! left over is shared by what every meter of the site counted between the ends of *this*
//! period: where all are billed by the same dates, the shares of their bills sum to it. Cost: a
//! site that shares or has limits counts each of its meters for each of its bills.

pub(crate) mod site;

use common::profile::Library;
use common::unit::Unit;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::billing::charge::{Extras, Peak, UtilityPrice, exact_total, plans_within};
use crate::billing::consumption::{Registers, Served, Taken};
use crate::billing::finding::Finding;
use crate::billing::hold::Hold;
use crate::billing::invoice::Period;
use crate::billing::period::{PeriodError, plan_of, start_of_day};
use crate::billing::reconciliation::{Reconciliation, Unreconciled, Verdict};
use crate::billing::utility::{UtilityBill, covering};
use crate::plan::Plan;
use crate::plan::tariff::Rate;
use crate::site::{Meter, Zone};
use crate::store::readings::READINGS_OF_PERIOD_MAX;
use crate::store::{StoreError, StoreResult, Transaction};

use self::site::{Compared, Site};

/// The bill of a meter for a period, as it is made.
#[derive(Clone, Copy)]
pub(crate) struct Bill<'a> {
    pub(crate) profiles: &'a Library,
    pub(crate) meter: &'a Meter,
    pub(crate) served: &'a [Served],
    /// All versions of its plan.
    pub(crate) plans: &'a [Plan],
    pub(crate) period: &'a Period,
    pub(crate) now: Timestamp,
}

/// What goes into a bill besides, and what is to be said about it.
pub(crate) struct Found {
    pub(crate) extras: Result<Extras, Hold>,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Bill<'a> {
    /// All that goes into the bill of a period that is over.
    pub(crate) async fn extras(self, reader: &mut Transaction) -> StoreResult<Found> {
        let mut found = self.extras_so_far(reader).await?;
        if let Ok(extras) = &mut found.extras {
            extras.peak = self.peak(reader).await?;
        }
        self.share(reader, &mut found).await?;
        Ok(found)
    }

    /// What is known of it while the period runs: adjustments and price.
    pub(crate) async fn extras_so_far(self, reader: &mut Transaction) -> StoreResult<Found> {
        let (account, id, period) = (self.meter.account, self.meter.id, self.period);
        let adjustments = reader.adjustments_between(account, id, period.from, period.until);
        let mut extras = Extras {
            adjustments: adjustments.await?,
            ..Extras::default()
        };
        let plans = plans_within(period, self.plans);
        let passes_through = |plan: &Plan| plan.tariff.rate == Rate::PassThrough;
        let passing = plans.iter().find(|plan| passes_through(plan));
        let extras = match passing {
            None => Ok(extras),
            Some(plan) => self.price(reader, plan).await?.map(|price| {
                extras.utility = Some(price);
                extras
            }),
        };
        Ok(Found {
            extras,
            findings: Vec::new(),
        })
    }

    /// What the utility charged, and what the main meter measured over the days of its bills;
    /// where there is no main meter, what the bills say themselves.
    async fn price(
        self,
        reader: &mut Transaction,
        plan: &Plan,
    ) -> StoreResult<Result<UtilityPrice, Hold>> {
        let (meter, period) = (self.meter, self.period);
        let bills = reader.utility_bills_of(meter.account, meter.site, meter.medium);
        let bills = bills.await?;
        let bills = match covering(&bills, period.from, period.until, plan.currency) {
            Ok(bills) => bills,
            Err(hold) => return Ok(Err(hold)),
        };
        let site = self.site(reader).await?;
        let mut quantities = Vec::new();
        for bill in &bills {
            let measured = match &site.main_meter {
                None => stated(bill, meter.unit),
                Some(main) => {
                    let period = period_between(bill.from, bill.until, &main.zone)?;
                    let counted = site.count(reader, main, &period).await?;
                    counted.filter(|_| main.unit == meter.unit)
                }
            };
            let Some(measured) = measured else {
                return Ok(Err(Hold::SiteIncomplete { meters: 1 }));
            };
            quantities.push(measured);
        }
        let amounts = exact_total(bills.iter().map(|bill| bill.amount));
        let price = amounts.and_then(|amount| {
            let quantity = exact_total(quantities)?;
            Ok(UtilityPrice { amount, quantity })
        });
        Ok(price)
    }

    /// The highest power, where a plan charges it; nothing where it is not known.
    async fn peak(self, reader: &mut Transaction) -> StoreResult<Option<Peak>> {
        let plans = plans_within(self.period, self.plans);
        let demand = plans.iter().find_map(|plan| plan.tariff.demand.as_ref());
        let Some(demand) = demand else {
            return Ok(None);
        };
        let (from, until) = (self.period.starts_at, self.period.ends_at);
        let mut readings = Vec::new();
        for served in self.served {
            let mounting = &served.mounting;
            let is_over = mounting.until.is_some_and(|ended| ended <= from);
            if is_over || mounting.from >= until {
                continue;
            }
            let (device, point) = (mounting.device, &mounting.point);
            let found = reader
                .readings_between(self.meter.account, device, point, (from, until))
                .await?;
            // What lies beyond the limit is not known, and with it the highest.
            if found.len() >= READINGS_OF_PERIOD_MAX {
                let meter = self.meter.id;
                tracing::warn!(%meter, most = READINGS_OF_PERIOD_MAX, "too many readings");
                return Ok(None);
            }
            readings.extend(found.into_iter().map(Taken::from));
        }
        let zone = &plan_of(self.period, self.plans).map_err(unusable)?.zone;
        let registers = Registers::new(self.served, &readings, self.meter.unit, zone);
        Ok(registers.peak(from, until, demand.interval_minutes))
    }

    async fn site(self, reader: &mut Transaction) -> StoreResult<Site<'a>> {
        let (site, medium) = (self.meter.site, self.meter.medium);
        let read = Site::read(reader, self.profiles, (self.meter.account, site, medium));
        Ok(read.await?.with_own(self.meter).at(self.now))
    }

    /// The meter's share of what is left over, and what the difference does to the bill.
    async fn share(self, reader: &mut Transaction, found: &mut Found) -> StoreResult<()> {
        let site = self.site(reader).await?;
        let Some(set) = &site.set else {
            return Ok(());
        };
        let is_main = set.main_meter == Some(self.meter.id);
        let is_shared = set.policy.is_shared();
        let limits = &set.limits;
        let is_watched = limits.warn_percent.max(limits.block_percent) > Decimal::ZERO;
        if is_main || !(is_shared || is_watched) {
            return Ok(());
        }
        let compared = site.compare(reader, self.period).await?;
        match &compared.found {
            Ok(reconciled) => {
                let days = (self.period.from, self.period.until);
                let place = (self.meter.site, self.meter.medium);
                let release = reader.residual_release(self.meter.account, place, days);
                let is_released = release.await?.is_some();
                found.take(reconciled, self.meter, compared.unit, is_released);
            }
            Err(error) if is_shared && compared.has(self.meter) => {
                let hold = not_shared(error, &compared, self.period);
                if found.extras.is_ok() {
                    found.extras = hold.map_or(Ok(()), Err).and(found.extras.clone());
                }
            }
            // Nothing rests on it.
            Err(_) => {}
        }
        Ok(())
    }
}

impl Found {
    fn take(&mut self, found: &Reconciliation, meter: &Meter, unit: Unit, is_released: bool) {
        let (whole, parts) = (found.whole, found.parts);
        if found.verdict >= Verdict::Warn {
            self.findings.push(Finding::Residual { whole, parts, unit });
        }
        if found.verdict == Verdict::Block && !is_released {
            self.extras = Err(Hold::ResidualTooHigh { whole, parts, unit });
        }
        if let Ok(extras) = &mut self.extras {
            let share = found.shares.get(&meter.id).copied();
            extras.common_area = share.filter(|share| !share.is_zero());
        }
    }
}

/// Why a share is not known; nothing where there is nothing to share.
fn not_shared(error: &Unreconciled, compared: &Compared, period: &Period) -> Option<Hold> {
    let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
    let (from, until) = compared.days.unwrap_or((period.from, period.until));
    match error {
        Unreconciled::NoWhole if compared.by_main_meter => Some(Hold::SiteIncomplete { meters: 1 }),
        Unreconciled::NoWhole => Some(Hold::UtilityBillMissing { from, until }),
        Unreconciled::Missing(meters) => Some(Hold::SiteIncomplete {
            meters: count(meters.len()),
        }),
        Unreconciled::OtherInstants(_) => Some(Hold::OtherDays { from, until }),
        Unreconciled::NoShares => Some(Hold::NoShares),
        Unreconciled::TooManyDigits => Some(Hold::TooManyDigits),
        Unreconciled::NoParts => None,
    }
}

/// What a bill says was used, if it says so in that unit.
fn stated(bill: &UtilityBill, unit: Unit) -> Option<Decimal> {
    (bill.unit == unit).then_some(bill.quantity)
}

/// The period of the days from one date to the day before another, by a zone's days.
pub(crate) fn period_between(from: Date, until: Date, zone: &Zone) -> StoreResult<Period> {
    let start = |date| start_of_day(date, zone).map_err(unusable);
    Ok(Period {
        from,
        until,
        starts_at: start(from)?,
        ends_at: start(until)?,
    })
}

/// Days and terms were checked when they were entered.
fn unusable(error: PeriodError) -> StoreError {
    StoreError::Content(error.to_string())
}
