//! What there is to close of one meter: read from the store, decided by the core.

use anyhow::Context as _;
use common::id::DeviceId;
use common::profile::Library;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::billing::check::{self, Past, check};
use crate::billing::consumption::{Registers, Served};
use crate::billing::hold::Hold;
use crate::billing::invoice::{DailyUse, DocumentKind, EarlierPeriod, Invoice, Period, SCHEMA};
use crate::billing::loss::{LostReadings, lost_of_meter};
use crate::billing::period::{
    PeriodError, first_period, period_after, period_containing, plan_of, plan_on, send_at,
    start_of_day,
};
use crate::billing::segment::Boundary;
use crate::billing::{
    self, CloseError, EARLIER_PERIODS, Statement, close_period, decisive_instants, earlier_periods,
};
use crate::currency::Currency;
use crate::extras;
use crate::metered;
use crate::plan::Plan;
use crate::site::{Meter, Mounting, Zone};
use crate::store::invoices::HeldInvoice;
use crate::store::issuing::Issue;
use crate::store::{StoreResult, Transaction};

/// The most periods of a meter that one run closes: ten years.
const PERIODS_MAX: usize = 120;
/// Invoices that a period is compared with: a year of monthly ones, and the one before it.
const PAST_MAX: i64 = 14;
/// Longer than from the end of a period to its send hour.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(48);

/// A period that can be billed.
pub(crate) struct Closed {
    pub(crate) period: Period,
    pub(crate) zone: String,
    pub(crate) currency: Currency,
    pub(crate) statement: Statement,
    pub(crate) daily: Vec<DailyUse>,
    pub(crate) losses: Vec<LostReadings>,
}

/// What becomes of a period.
pub(crate) enum Outcome {
    Issue(Box<Closed>),
    Hold(Period, Hold),
}

impl Closed {
    /// The document that says it.
    pub(crate) fn invoice(
        &self,
        meter: &Meter,
        site: &str,
        earlier: Vec<EarlierPeriod>,
        issue: Issue,
        now: Timestamp,
    ) -> Invoice {
        let statement = &self.statement;
        Invoice {
            schema: SCHEMA.to_owned(),
            id: issue.id,
            number: issue.number,
            kind: DocumentKind::Invoice,
            corrects: None,
            account: meter.account,
            issuer: issue.issuer,
            contact: issue.contact,
            site: site.to_owned(),
            meter: meter.id,
            meter_label: meter.label.clone(),
            medium: meter.medium,
            locale: meter.locale,
            zone: self.zone.clone(),
            period: self.period,
            unit: meter.unit,
            currency: self.currency,
            plans: statement.plans.clone(),
            segments: statement.segments.clone(),
            extras: statement.extras.clone(),
            measured: statement.charge.measured,
            minimum: statement.charge.minimum,
            billed: statement.charge.billed,
            lines: statement.charge.lines.clone(),
            total: statement.charge.total,
            simulated: statement.simulated,
            losses: self.losses.clone(),
            findings: statement.findings.clone(),
            issued_at: now,
            daily: self.daily.clone(),
            earlier,
        }
    }
}

impl Outcome {
    fn period(&self) -> &Period {
        match self {
            Self::Issue(closed) => &closed.period,
            Self::Hold(period, _) => period,
        }
    }

    /// The register with which the period's bill ends.
    fn closing(&self) -> Option<&Boundary> {
        match self {
            Self::Issue(closed) => Some(&closed.statement.segments.last().closing),
            Self::Hold(..) => None,
        }
    }

    /// Whether the period is held already, for the same reason.
    fn is_among(&self, held: &[HeldInvoice]) -> bool {
        let Self::Hold(period, hold) = self else {
            return false;
        };
        let reason = hold.to_json();
        held.iter().any(|held| {
            held.from == period.from && held.until == period.until && held.reason == reason
        })
    }
}

/// What is to be written about a meter.
pub(super) struct Work {
    pub(super) site: String,
    /// How many documents of the meter were issued when it was read.
    pub(super) documents: i64,
    /// In the order of the periods.
    pub(super) outcomes: Vec<Outcome>,
    /// First days of held periods that are none any more.
    pub(super) forgotten: Vec<Date>,
    /// When the meter is to be looked at again.
    pub(super) next_close_at: Timestamp,
    /// Whether the store says all that already.
    pub(super) is_written: bool,
}

/// The periods before a closed one that stand, those included that the transaction has just
/// issued.
pub(crate) async fn earlier(
    writer: &mut Transaction,
    meter: &Meter,
    closed: &Closed,
) -> StoreResult<Vec<EarlierPeriod>> {
    let limit = i64::try_from(EARLIER_PERIODS).unwrap_or(i64::MAX);
    let from = closed.period.from;
    let before = writer.invoices_before(meter.account, meter.id, from, limit);
    let before = before.await?;
    Ok(earlier_periods(
        &closed.period,
        meter.unit,
        closed.currency,
        &before,
    ))
}

/// Closes one period again, as the readings, terms and mountings are now.
pub(crate) async fn close_again(
    reader: &mut Transaction,
    profiles: &Library,
    meter: &Meter,
    period: &Period,
    now: Timestamp,
) -> anyhow::Result<Outcome> {
    let subject = Subject::read(reader, profiles, meter).await?;
    subject.close(reader, period, None, now).await
}

/// A meter with all that decides its periods.
struct Subject<'a> {
    profiles: &'a Library,
    meter: &'a Meter,
    plans: Vec<Plan>,
    mountings: Vec<Mounting>,
    served: Vec<Served>,
    /// Why somebody keeps its invoices back.
    held_by_person: Option<Hold>,
}

/// Where the walk along the periods begins.
enum Start {
    At(Period),
    /// Nothing was read yet; the period is the one that would be the first.
    Nowhere(Period, Hold),
}

pub(super) async fn read_work(
    reader: &mut Transaction,
    profiles: &Library,
    meter: &Meter,
    now: Timestamp,
) -> anyhow::Result<Work> {
    let (account, id) = (meter.account, meter.id);
    let subject = Subject::read(reader, profiles, meter).await?;
    let site = reader.site(account, meter.site).await?;
    let held = reader.held_of_meter(account, id).await?;
    let mut work = Work {
        site: site.context("the meter's site is missing")?.name,
        documents: reader.documents_of_meter(account, id).await?,
        outcomes: Vec::new(),
        forgotten: Vec::new(),
        next_close_at: now,
        is_written: false,
    };
    match subject
        .start(reader, held.first().map(|held| held.from))
        .await?
    {
        Start::At(first) => subject.walk(reader, first, now, &mut work).await?,
        Start::Nowhere(period, hold) => {
            if send_at(&period, &subject.plans)? <= now {
                work.outcomes.push(Outcome::Hold(period, hold));
            }
            work.next_close_at = subject.next_send_after(now)?;
        }
    }
    work.forgotten = held
        .iter()
        .map(|held| held.from)
        .filter(|from| {
            !work
                .outcomes
                .iter()
                .any(|outcome| outcome.period().from == *from)
        })
        .collect();
    work.outcomes.retain(|outcome| !outcome.is_among(&held));
    let nothing_new = work.outcomes.is_empty() && work.forgotten.is_empty();
    let next = reader.next_close(account, id).await?;
    work.is_written = nothing_new && next == Some(work.next_close_at);
    Ok(work)
}

/// Why somebody keeps the invoices of a meter back.
pub(super) async fn held_by_person(
    reader: &mut Transaction,
    meter: &Meter,
) -> StoreResult<Option<Hold>> {
    let held = reader.held_meter(meter.account, meter.id).await?;
    Ok(held.map(|held| Hold::ByPerson {
        reason: held.reason,
    }))
}

impl<'a> Subject<'a> {
    async fn read(
        reader: &mut Transaction,
        profiles: &'a Library,
        meter: &'a Meter,
    ) -> StoreResult<Self> {
        let (account, id) = (meter.account, meter.id);
        let served = metered::served(reader, profiles, account, id).await?;
        Ok(Self {
            profiles,
            meter,
            plans: reader.plans(account, id).await?,
            mountings: served.iter().map(|one| one.mounting.clone()).collect(),
            served,
            held_by_person: held_by_person(reader, meter).await?,
        })
    }

    /// After the last issued period before the oldest held one; at the meter's beginning if
    /// there is none.
    async fn start(&self, reader: &mut Transaction, held: Option<Date>) -> anyhow::Result<Start> {
        let (account, id) = (self.meter.account, self.meter.id);
        let before = held.unwrap_or(Date::MAX);
        let last = reader.invoices_before(account, id, before, 1).await?;
        if let Some(last) = last.first() {
            return Ok(Start::At(period_after(&last.period, &self.plans)?));
        }
        let since = self.mountings.iter().map(|mounting| mounting.from).min();
        let since = since.unwrap_or(self.meter.created_at);
        let zone = &plan_of(&period_containing(since, &self.plans)?, &self.plans)?.zone;
        let day = zone.rules().to_datetime(since).date();
        match metered::first_date(reader, account, &self.mountings, zone).await? {
            Ok(date) => Ok(Start::At(first_period(date, &self.plans)?)),
            Err(hold) => Ok(Start::Nowhere(self.nominal_first(since, day, zone)?, hold)),
        }
    }

    fn nominal_first(
        &self,
        since: Timestamp,
        day: Date,
        zone: &Zone,
    ) -> Result<Period, PeriodError> {
        let begun = start_of_day(day, zone)? < since;
        let date = if begun {
            day.tomorrow().unwrap_or(day)
        } else {
            day
        };
        first_period(date, &self.plans)
    }

    fn next_send_after(&self, now: Timestamp) -> Result<Timestamp, PeriodError> {
        let before = now.checked_sub(LOOK_BACK).unwrap_or(now);
        let mut period = period_containing(before, &self.plans)?;
        loop {
            let sent = send_at(&period, &self.plans)?;
            if sent > now {
                return Ok(sent);
            }
            period = period_after(&period, &self.plans)?;
        }
    }

    async fn walk(
        &self,
        reader: &mut Transaction,
        first: Period,
        now: Timestamp,
        work: &mut Work,
    ) -> anyhow::Result<()> {
        let (account, id) = (self.meter.account, self.meter.id);
        let issued = reader.issued_since(account, id, first.from).await?;
        let (mut period, mut carried) = (first, None);
        work.next_close_at = self.next_send_after(now)?;
        for _ in 0..PERIODS_MAX {
            let sent = send_at(&period, &self.plans)?;
            if sent > now {
                work.next_close_at = sent;
                break;
            }
            if !issued.contains(&period.from) && self.is_served(&period) {
                let outcome = self.close(reader, &period, carried.take(), now).await?;
                carried = outcome.closing().cloned();
                work.outcomes.push(outcome);
            }
            period = period_after(&period, &self.plans)?;
        }
        Ok(())
    }

    /// Whether a device served the meter at any time of the period.
    fn is_served(&self, period: &Period) -> bool {
        self.mountings.iter().any(|mounting| {
            mounting.from < period.ends_at
                && mounting.until.is_none_or(|until| until > period.starts_at)
        })
    }

    /// What becomes of a period. `carried` is the register with which the period before it ends
    /// in the same run.
    async fn close(
        &self,
        reader: &mut Transaction,
        period: &Period,
        carried: Option<Boundary>,
        now: Timestamp,
    ) -> anyhow::Result<Outcome> {
        if let Some(hold) = &self.held_by_person {
            return Ok(Outcome::Hold(*period, hold.clone()));
        }
        let instants = decisive_instants(period, &self.plans)?;
        let readings =
            metered::readings(reader, self.meter.account, &self.served, period, &instants);
        let readings = readings.await?;
        let plan = plan_of(period, &self.plans)?;
        let registers = Registers::new(&self.served, &readings, self.meter.unit, &plan.zone);
        let mut billed = metered::billed(reader, self.meter, period).await?;
        billed.extend(carried);
        let besides = self.bill(period, now).extras(reader).await?;
        let subject = billing::Subject {
            registers: &registers,
            billed: &billed,
            late: billing::late(period, &self.plans, now)?,
            extras: besides.extras,
        };
        let mut statement = match close_period(period, &self.plans, &subject) {
            Ok(statement) => statement,
            Err(CloseError::Hold(hold)) => return Ok(Outcome::Hold(*period, hold)),
            Err(CloseError::Period(error)) => return Err(error.into()),
        };
        let (zone, daily) = (&plan.zone, registers.daily(period)?);
        let past = reader
            .invoices_before(self.meter.account, self.meter.id, period.from, PAST_MAX)
            .await?;
        let past: Vec<Past> = past.iter().filter_map(Past::of).collect();
        statement.findings.extend(besides.findings);
        statement.findings.extend(check(&check::Subject {
            period,
            unit: self.meter.unit,
            zone,
            checks: &plan.checks,
            segments: &statement.segments,
            daily: &daily,
            readings: &readings,
            past: &past,
        }));
        let losses = self.losses(reader, period).await?;
        Ok(Outcome::Issue(Box::new(Closed {
            period: *period,
            zone: plan.zone.name().to_owned(),
            currency: self.currency(period)?,
            statement,
            daily,
            losses,
        })))
    }

    fn bill<'b>(&'b self, period: &'b Period, now: Timestamp) -> extras::Bill<'b> {
        extras::Bill {
            profiles: self.profiles,
            meter: self.meter,
            served: &self.served,
            plans: &self.plans,
            period,
            now,
        }
    }

    fn currency(&self, period: &Period) -> Result<Currency, PeriodError> {
        let plan = plan_on(period.from, &self.plans).ok_or(PeriodError::NoPlan)?;
        Ok(plan.currency)
    }

    /// What was lost between the two ends of a period, as far as it concerns the meter.
    async fn losses(
        &self,
        reader: &mut Transaction,
        period: &Period,
    ) -> StoreResult<Vec<LostReadings>> {
        let (from, until) = (period.starts_at, period.ends_at);
        let devices: Vec<DeviceId> = self.mountings.iter().map(|one| one.device).collect();
        let losses = reader.losses_between(self.meter.account, &devices, from, until);
        Ok(lost_of_meter(&losses.await?, &devices))
    }
}
