//! A site for one medium: what its main meter, or the utility's bill, and its other meters
//! counted between the ends of a period.

use common::id::{AccountId, MeterId, SiteId};
use common::profile::Library;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{period_between, unusable};
use crate::billing::charge::exact_total;
use crate::billing::consumption::{Instant, Late, Registers};
use crate::billing::invoice::Period;
use crate::billing::late;
use crate::billing::period::start_of_day;
use crate::billing::reconciliation::{
    Counted, Part, Policy, Reconciliation, Unreconciled, reconcile,
};
use crate::billing::utility::UtilityBill;
use crate::metered;
use crate::site::{Meter, Mounting};
use crate::store::reconciliations::SitePolicy;
use crate::store::{StoreResult, Transaction};

/// A site for one medium.
pub(crate) struct Site<'a> {
    profiles: &'a Library,
    pub(crate) set: Option<SitePolicy>,
    pub(crate) main_meter: Option<Meter>,
    /// The other meters of the medium, by label; also those that count in another unit.
    pub(crate) meters: Vec<Meter>,
    pub(crate) bills: Vec<UtilityBill>,
    /// The meter whose own bill is made: what it is billed is not known yet.
    own: Option<MeterId>,
    /// By when a missing register may be estimated.
    now: Option<Timestamp>,
}

/// What was compared for a period.
pub(crate) struct Compared {
    /// The unit of its figures.
    pub(crate) unit: Unit,
    /// Whether the main meter is the whole; else the utility's bills are.
    pub(crate) by_main_meter: bool,
    /// The days of the bills that touch the period, where they are the whole.
    pub(crate) days: Option<(Date, Date)>,
    /// The meters that took part, with what they counted, where that is known.
    pub(crate) parts: Vec<Part>,
    /// What came of it.
    pub(crate) found: Result<Reconciliation, Unreconciled>,
}

impl Compared {
    /// Whether a meter took part.
    pub(crate) fn has(&self, meter: &Meter) -> bool {
        self.parts.iter().any(|part| part.meter == meter.id)
    }
}

impl<'a> Site<'a> {
    pub(crate) async fn read(
        reader: &mut Transaction,
        profiles: &'a Library,
        (account, site, medium): (AccountId, SiteId, Medium),
    ) -> StoreResult<Self> {
        let set = reader.site_policy(account, site, medium).await?;
        let mut meters = reader.meters_of_site(account, site).await?;
        meters.retain(|meter| meter.medium == medium);
        let main = set.as_ref().and_then(|set| set.main_meter);
        let place = meters.iter().position(|meter| Some(meter.id) == main);
        let main_meter = place.map(|place| meters.remove(place));
        Ok(Self {
            profiles,
            set,
            main_meter,
            meters,
            bills: reader.utility_bills_of(account, site, medium).await?,
            own: None,
            now: None,
        })
    }

    /// For the bill of one of its meters: what it counts is counted anew.
    pub(crate) fn with_own(mut self, meter: &Meter) -> Self {
        self.own = Some(meter.id);
        self
    }

    /// As it is at an instant: what a plan estimates by then is estimated.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// The unit in which it is compared.
    pub(crate) fn unit(&self) -> Option<Unit> {
        let main = self.main_meter.as_ref().map(|main| main.unit);
        let billed = self.bills.first().map(|bill| bill.unit);
        main.or(billed)
            .or(self.meters.first().map(|meter| meter.unit))
    }

    /// Compares the whole with its parts for a period.
    pub(crate) async fn compare(
        &self,
        reader: &mut Transaction,
        period: &Period,
    ) -> StoreResult<Compared> {
        let unit = self.unit().unwrap_or(Unit::KiloWh);
        let (mut whole, mut days) = (None, None);
        let counted = |quantity| Counted {
            starts_at: period.starts_at,
            ends_at: period.ends_at,
            quantity,
        };
        if let Some(main) = &self.main_meter {
            whole = self.count(reader, main, period).await?.map(counted);
        } else if let Some(billed) = self.billed(period, unit)? {
            days = Some((billed.0.from, billed.0.until));
            whole = Some(billed.1);
        }
        let mut parts = Vec::new();
        for meter in self.meters.iter().filter(|meter| meter.unit == unit) {
            if is_there(reader, meter, period).await? {
                let quantity = self.count(reader, meter, period).await?;
                parts.push(Part {
                    meter: meter.id,
                    counted: quantity.map(counted),
                });
            }
        }
        let (policy, limits) = match &self.set {
            Some(set) => (set.policy.clone(), set.limits.clone()),
            None => (Policy::Show, Default::default()),
        };
        let found = reconcile(whole.as_ref(), &parts, &policy, &limits);
        Ok(Compared {
            unit,
            by_main_meter: self.main_meter.is_some(),
            days,
            parts,
            found,
        })
    }

    /// What the bills that touch a period say together, and between which instants: nothing is
    /// cut out of a bill.
    fn billed(&self, period: &Period, unit: Unit) -> StoreResult<Option<(Period, Counted)>> {
        let zone = match self.meters.first() {
            Some(meter) => &meter.zone,
            None => return Ok(None),
        };
        let touching = self.bills.iter().filter(|bill| bill.unit == unit);
        let touching = touching.filter(|bill| bill.overlaps(period.from, period.until));
        let mut spans = Vec::new();
        let mut quantities = Vec::new();
        for bill in touching {
            spans.push(period_between(bill.from, bill.until, zone)?);
            quantities.push(bill.quantity);
        }
        spans.sort_by_key(|span| span.starts_at);
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
            return Ok(None);
        };
        let has_gap = spans
            .iter()
            .zip(spans.iter().skip(1))
            .any(|(one, next)| one.until != next.from);
        let Some(quantity) = exact_total(quantities).ok().filter(|_| !has_gap) else {
            return Ok(None);
        };
        let counted = Counted {
            starts_at: first.starts_at,
            ends_at: last.ends_at,
            quantity,
        };
        let span = Period {
            from: first.from,
            until: last.until,
            starts_at: first.starts_at,
            ends_at: last.ends_at,
        };
        Ok(Some((span, counted)))
    }

    /// What a meter counted between the ends of a period: as its bill of that period says, where
    /// there is one; else by its registers at the same instants. A meter that began within the
    /// period counts from its first closing reading, as its bill does.
    pub(crate) async fn count(
        &self,
        reader: &mut Transaction,
        meter: &Meter,
        period: &Period,
    ) -> StoreResult<Option<Decimal>> {
        let (account, id) = (meter.account, meter.id);
        if self.own != Some(id) {
            let standing = reader.invoices_after(account, id, period.from, 1).await?;
            let standing = standing.into_iter().find(|one| one.period == *period);
            if let Some(invoice) = standing {
                return Ok(Some(invoice.measured));
            }
        }
        let served = metered::served(reader, self.profiles, account, id).await?;
        let mountings: Vec<Mounting> = served.iter().map(|one| one.mounting.clone()).collect();
        let Some(instants) = ends(reader, meter, &mountings, period).await? else {
            return Ok(None);
        };
        let readings = metered::readings(reader, account, &served, period, &instants).await?;
        let registers = Registers::new(&served, &readings, meter.unit, &meter.zone);
        let billed = metered::billed(reader, meter, period).await?;
        let late = match self.now {
            None => Late::Wait,
            Some(now) => {
                let plans = reader.levels(account, id).await?.resolve();
                let plans = plans.map(|all| all.into_iter().map(|one| one.plan).collect());
                plans
                    .map_or(Ok(Late::Wait), |plans: Vec<_>| late(period, &plans, now))
                    .map_err(unusable)?
            }
        };
        let segments = registers.segments(&instants, &billed, late);
        Ok(segments
            .ok()
            .and_then(|all| exact_total(all.iter().map(|one| one.quantity)).ok()))
    }
}

/// Whether a device served a meter at any time of a period.
async fn is_there(reader: &mut Transaction, meter: &Meter, period: &Period) -> StoreResult<bool> {
    let mountings = reader.mountings(meter.account, meter.id).await?;
    Ok(mountings.iter().any(|mounting| {
        mounting.from < period.ends_at
            && mounting.until.is_none_or(|until| until > period.starts_at)
    }))
}

/// The ends of a period, or of the part of it in which a meter was there; nothing where it was
/// not read yet.
async fn ends(
    reader: &mut Transaction,
    meter: &Meter,
    mountings: &[Mounting],
    period: &Period,
) -> StoreResult<Option<[Instant; 2]>> {
    let mut first = Instant {
        date: period.from,
        at: period.starts_at,
    };
    let begun = mountings.iter().map(|mounting| mounting.from).min();
    if begun.is_none_or(|begun| begun > period.starts_at) {
        let date = metered::first_date(reader, meter.account, mountings, &meter.zone).await?;
        let Ok(date) = date else {
            return Ok(None);
        };
        let at = start_of_day(date, &meter.zone).map_err(unusable)?;
        first = Instant { date, at };
    }
    let mut last = Instant {
        date: period.until,
        at: period.ends_at,
    };
    let ended: Option<Vec<Timestamp>> = mountings.iter().map(|one| one.until).collect();
    let ended = ended.and_then(|all| all.into_iter().max());
    if let Some(at) = ended.filter(|at| *at < period.ends_at) {
        let date = meter.zone.rules().to_datetime(at).date();
        last = Instant { date, at };
    }
    Ok((first.at < last.at).then_some([first, last]))
}
