//! The bills that come: for each meter the periods that are over and wait, and the one that
//! runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::id::{AccountId, SiteId};
use common::profile::Library;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::super::meters::display::difference;
use super::super::running::{self, Running};
use super::super::session::SignedIn;
use crate::account::{Membership, Person};
use crate::billing::check::{self, Past};
use crate::billing::finding::{Finding, Severity};
use crate::billing::hold::Hold;
use crate::billing::invoice::Period;
use crate::billing::period::{plan_on, start_of_day};
use crate::billing::readiness::{Facts, Outlook, days_read, outlook};
use crate::currency::Currency;
use crate::format::Format;
use crate::notice;
use crate::plan::Plan;
use crate::site::{Meter, Zone};
use crate::store::invoices::HeldInvoice;
use crate::store::{StoreResult, Transaction};
use crate::text::Text;

/// Invoices that a running period is compared with: a year of monthly ones, and one more.
const PAST_MAX: i64 = 14;

/// A bill that comes.
#[derive(Debug)]
pub(super) struct Coming {
    pub(super) meter: Meter,
    pub(super) site: String,
    pub(super) zone: Zone,
    pub(super) period: Option<Period>,
    /// When it goes out; nothing when that was due and it waits, or when nobody can say.
    pub(super) sends_at: Option<Timestamp>,
    pub(super) outlook: Outlook,
    pub(super) findings: Vec<Finding>,
    /// Days with a closing reading, of how many that are over.
    pub(super) days_read: (usize, usize),
    /// Whether somebody keeps it back.
    pub(super) is_held: bool,
    pub(super) recipients: Vec<String>,
    pub(super) plans: Vec<Plan>,
    /// The running period; nothing for one that is over.
    pub(super) running: Option<Running>,
}

impl Coming {
    /// What it costs so far.
    pub(super) fn cost(&self) -> Option<(Decimal, Currency)> {
        let running = self.running.as_ref()?;
        let plan = plan_on(running.period.from, &self.plans)?;
        Some((running.cost?, plan.currency))
    }

    /// Whether somebody should look at it.
    pub(super) fn wants_a_look(&self) -> bool {
        let warns = |finding: &Finding| finding.severity() == Severity::Warning;
        self.outlook.needs_a_person() || self.findings.iter().any(warns)
    }

    /// Every reason to look at it, the gravest first.
    pub(super) fn reasons(&self, text: Text, format: Format) -> Vec<String> {
        let causes = self.outlook.causes.iter();
        let causes = causes.map(|cause| cause.sentence(text, format, &self.zone));
        let unit = self.meter.unit;
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
        let findings = findings
            .into_iter()
            .map(|finding| finding.sentence(text, format, unit, &self.zone));
        causes.chain(findings).collect()
    }
}

/// What meters of an account share.
pub(super) struct Around {
    profiles: Arc<Library>,
    members: Vec<(Person, Membership)>,
    sites: BTreeMap<SiteId, String>,
}

impl Around {
    pub(super) async fn read(
        transaction: &mut Transaction,
        profiles: &Arc<Library>,
        account: AccountId,
    ) -> StoreResult<Self> {
        let sites = transaction.sites(account).await?;
        Ok(Self {
            profiles: Arc::clone(profiles),
            members: transaction.members(account).await?,
            sites: sites.into_iter().map(|site| (site.id, site.name)).collect(),
        })
    }
}

/// The bills of the first `most` meters that somebody holds, in the order of the meters, and
/// how many meters there are.
pub(super) async fn of_all(
    transaction: &mut Transaction,
    profiles: &Arc<Library>,
    me: &SignedIn,
    now: Timestamp,
    most: usize,
) -> StoreResult<(Vec<Coming>, usize)> {
    let (mut all, mut counted) = (Vec::new(), 0);
    for account in me.actor.held_accounts() {
        let around = Around::read(transaction, profiles, account).await?;
        let meters = transaction.meters(account).await?;
        for meter in meters.iter().take(most.saturating_sub(counted)) {
            all.extend(of_meter(transaction, &around, meter, now).await?);
        }
        counted += meters.len();
    }
    Ok((all, counted))
}

/// The bills of a meter: those that wait, the oldest first, then the one that runs.
pub(super) async fn of_meter(
    transaction: &mut Transaction,
    around: &Around,
    meter: &Meter,
    now: Timestamp,
) -> StoreResult<Vec<Coming>> {
    let (account, id) = (meter.account, meter.id);
    let waiting = transaction.held_of_meter(account, id).await?;
    let held = transaction.held_meter(account, id).await?;
    let by_person = held.map(|held| Hold::ByPerson {
        reason: held.reason,
    });
    let recipients = recipients(transaction, around, meter).await?;
    let is_resolved = transaction.levels(account, id).await?.resolve().is_ok();
    let look = if is_resolved {
        Some(running::look(transaction, &around.profiles, meter, now).await?)
    } else {
        None
    };
    let (plans, running) = look.map_or((Vec::new(), None), |look| (look.plans, look.running));
    let display = difference(transaction, account, id).await?;
    let base = |period: Option<Period>, holds: Vec<Hold>| {
        let missing = period
            .and_then(|period| plan_on(period.from, &plans))
            .map(|plan| plan.missing);
        let facts = Facts {
            missing,
            holds,
            last_good_at: meter.last_good_at,
            period: period.as_ref(),
            display: display.as_ref(),
            is_reachable: !recipients.is_empty(),
        };
        Coming {
            site: around.sites.get(&meter.site).cloned().unwrap_or_default(),
            meter: meter.clone(),
            zone: meter.zone.clone(),
            period,
            sends_at: None,
            outlook: outlook(&facts, now),
            findings: Vec::new(),
            days_read: (0, 0),
            is_held: by_person.is_some(),
            recipients: recipients.clone(),
            plans: plans.clone(),
            running: None,
        }
    };
    let mut all = Vec::new();
    for held in &waiting {
        let Some(period) = over(meter, held) else {
            continue;
        };
        // What a person says now stands before what was kept when the job last ran.
        let kept = Hold::from_json(&held.reason);
        let kept = kept.filter(|hold| !matches!(hold, Hold::ByPerson { .. }));
        let holds = by_person.clone().or(kept).into_iter().collect();
        all.push(base(Some(period), holds));
    }
    let Some(running) = running else {
        all.push(base(None, by_person.iter().cloned().collect()));
        return Ok(all);
    };
    let holds = by_person.iter().chain(&running.hold).cloned().collect();
    let mut runs = base(Some(running.period), holds);
    runs.sends_at = Some(running.sends_at);
    runs.zone = running.zone.clone();
    runs.days_read = days_read(&running.daily);
    runs.findings = findings(transaction, meter, &plans, &running).await?;
    runs.running = Some(running);
    all.push(runs);
    Ok(all)
}

/// A period that is over and waits.
fn over(meter: &Meter, held: &HeldInvoice) -> Option<Period> {
    Some(Period {
        from: held.from,
        until: held.until,
        starts_at: start_of_day(held.from, &meter.zone).ok()?,
        ends_at: start_of_day(held.until, &meter.zone).ok()?,
    })
}

/// The names of those who get the invoices of a meter.
async fn recipients(
    transaction: &mut Transaction,
    around: &Around,
    meter: &Meter,
) -> StoreResult<Vec<String>> {
    let assigned = transaction
        .assignments_of_meter(meter.account, meter.id)
        .await?;
    let reached = notice::invoice_recipients(&assigned, &around.members);
    let people = assigned.iter().map(|(person, _)| person);
    let people = people.chain(around.members.iter().map(|(person, _)| person));
    let mut names: Vec<String> = Vec::new();
    for person in people {
        let is_reached = reached.iter().any(|(id, _)| *id == person.id);
        if is_reached && !names.contains(&person.name) {
            names.push(person.name.clone());
        }
    }
    Ok(names)
}

/// What the checks say of the period so far.
async fn findings(
    transaction: &mut Transaction,
    meter: &Meter,
    plans: &[Plan],
    running: &Running,
) -> StoreResult<Vec<Finding>> {
    let Some((segments, _)) = &running.so_far else {
        return Ok(Vec::new());
    };
    let Some(plan) = plan_on(running.period.from, plans) else {
        return Ok(Vec::new());
    };
    let from = running.period.from;
    let past = transaction
        .invoices_before(meter.account, meter.id, from, PAST_MAX)
        .await?;
    let past: Vec<Past> = past.iter().filter_map(Past::of).collect();
    Ok(check::check(&check::Subject {
        period: &running.period,
        unit: meter.unit,
        zone: &running.zone,
        checks: &plan.checks,
        segments,
        daily: &running.daily,
        readings: &running.readings,
        past: &past,
    }))
}
