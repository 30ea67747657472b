//! Whose terms a page is about, with all that it needs to know of them: the versions, what
//! stands behind them, and the meters for which they count.

use std::collections::BTreeMap;

use common::id::{AccountId, MeterId, PlanId, SiteId};
use common::locale::Locale;
use common::unit::Unit;
use jiff::Timestamp;
use jiff::civil::Date;

use super::super::error::Failure;
use super::super::page::Place;
use super::super::session::SignedIn;
use crate::access::{Action, Object};
use crate::plan::terms::{Held, Level, Levels, Terms, Version};
use crate::site::Meter;
use crate::store::Transaction;
use crate::store::plans::{NamedPlan, Owner};
use crate::text::{Arg, Text};

/// What a path names: `meter`, `site` or `plan`, each with its id, and what stands after it.
pub(crate) type Names = BTreeMap<String, String>;

/// A day that is billed, and the meter for which it is.
#[derive(Debug, Clone)]
pub(super) struct Billed {
    /// The first day that is not.
    pub(super) until: Date,
    /// The label of the meter.
    pub(super) meter: String,
}

/// Somebody whose terms are looked at.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) account: AccountId,
    pub(super) owner: Owner,
    pub(super) name: String,
    /// Where its versions are listed.
    pub(super) path: String,
    /// Where it is at home.
    pub(super) home: String,
    pub(super) place: Place,
    pub(super) locale: Locale,
    /// The zone that its days most likely have; empty where nobody can say.
    pub(super) zone: String,
    /// The unit of its prices, where there is one.
    pub(super) unit: Option<Unit>,
    pub(super) today: Date,
    /// Its versions, by date.
    pub(super) versions: Vec<Version>,
    /// The named plans of the account.
    pub(super) plans: Vec<NamedPlan>,
    /// What stands behind a meter's terms.
    behind: Levels,
    site: String,
    /// The meters for which its terms count.
    pub(super) meters: Vec<Meter>,
    /// The latest day that is billed for one of them.
    pub(super) billed: Option<Billed>,
}

impl Subject {
    /// The one that `names` names, if they may change it.
    pub(super) async fn of(
        transaction: &mut Transaction,
        me: &SignedIn,
        names: &Names,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let mut subject = if let Some(id) = names.get("meter") {
            let meter = me.meter(transaction, id, Action::Manage).await?;
            Self::of_meter(transaction, meter, now).await?
        } else if let Some(id) = names.get("site") {
            let site = me.site(transaction, id, Action::Manage).await?;
            let path = format!("/sites/{}", site.id);
            Self {
                path: format!("{path}/terms"),
                home: path,
                place: Place::Sites,
                zone: site.zone.name().to_owned(),
                today: site.zone.rules().to_datetime(now).date(),
                meters: transaction.meters_of_site(site.account, site.id).await?,
                ..Self::new(site.account, Owner::Site(site.id), site.name, site.locale)
            }
        } else {
            let id = names.get("plan").map_or("", String::as_str);
            Self::of_plan(transaction, me, id, now).await?
        };
        let account = subject.account;
        subject.versions = transaction.terms(account, subject.owner).await?;
        subject.plans = transaction.named_plans(account).await?;
        for plan in &subject.plans {
            let said = transaction.terms(account, Owner::Plan(plan.id)).await?;
            subject.behind.plans.insert(plan.id, said);
        }
        for meter in &subject.meters {
            let Some(until) = transaction.billed_until(account, meter.id).await? else {
                continue;
            };
            if subject.billed.as_ref().is_none_or(|one| one.until < until) {
                let meter = meter.label.clone();
                subject.billed = Some(Billed { until, meter });
            }
        }
        Ok(subject)
    }

    fn new(account: AccountId, owner: Owner, name: String, locale: Locale) -> Self {
        Self {
            account,
            owner,
            name,
            path: String::new(),
            home: String::new(),
            place: Place::Plans,
            locale,
            zone: String::new(),
            unit: None,
            today: Date::ZERO,
            versions: Vec::new(),
            plans: Vec::new(),
            behind: Levels::default(),
            site: String::new(),
            meters: Vec::new(),
            billed: None,
        }
    }

    async fn of_meter(
        transaction: &mut Transaction,
        meter: Meter,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let (account, site) = (meter.account, meter.site);
        let path = format!("/meters/{}", meter.id);
        let behind = Levels {
            site: transaction.terms(account, Owner::Site(site)).await?,
            ..Levels::default()
        };
        let site = transaction.site(account, site).await?;
        Ok(Self {
            path: format!("{path}/terms"),
            home: path,
            place: Place::Meters,
            zone: meter.zone.name().to_owned(),
            unit: Some(meter.unit),
            today: meter.zone.rules().to_datetime(now).date(),
            behind,
            site: site.map_or(String::new(), |site| site.name),
            meters: vec![meter.clone()],
            ..Self::new(account, Owner::Meter(meter.id), meter.label, meter.locale)
        })
    }

    async fn of_plan(
        transaction: &mut Transaction,
        me: &SignedIn,
        id: &str,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let id: PlanId = id.parse().map_err(|_| Failure::Absent)?;
        for account in me.actor.held_accounts() {
            let plans = transaction.named_plans(account).await?;
            let Some(plan) = plans.into_iter().find(|plan| plan.id == id) else {
                continue;
            };
            me.require(Action::Manage, &Object::Account(account))?;
            let path = format!("/plans/{id}");
            return Ok(Self {
                path: path.clone(),
                home: path,
                today: jiff::tz::TimeZone::UTC.to_datetime(now).date(),
                meters: followers(transaction, account, id).await?,
                ..Self::new(
                    account,
                    Owner::Plan(id),
                    plan.name,
                    me.person.language.locale(),
                )
            });
        }
        Err(Failure::Absent)
    }

    /// The level at which its terms are said.
    pub(super) fn level(&self) -> Level {
        match self.owner {
            Owner::Site(_) => Level::Site,
            Owner::Plan(_) => Level::Plan,
            Owner::Meter(_) => Level::Meter,
        }
    }

    /// What would hold on `date` if a version said nothing but which plan to follow.
    pub(super) fn behind(&self, follows: Option<PlanId>, date: Date) -> Held {
        if self.level() != Level::Meter {
            return Held::default();
        }
        let mut levels = self.behind.clone();
        let terms = Terms {
            plan: follows,
            ..Terms::default()
        };
        levels.meter = vec![Version {
            effective_from: date,
            terms,
        }];
        levels.held_on(date)
    }

    /// What is said about one of its meters with `versions` in the place of its own.
    pub(super) async fn levels(
        &self,
        transaction: &mut Transaction,
        meter: MeterId,
        versions: Vec<Version>,
    ) -> Result<Levels, Failure> {
        let mut levels = transaction.levels(self.account, meter).await?;
        levels.plans.clone_from(&self.behind.plans);
        match self.owner {
            Owner::Site(_) => levels.site = versions,
            Owner::Meter(_) => levels.meter = versions,
            Owner::Plan(id) => {
                levels.plans.insert(id, versions);
            }
        }
        Ok(levels)
    }

    /// Whether a version that counts from `date` is billed, so that it must stay.
    pub(super) fn is_billed(&self, date: Date) -> bool {
        self.billed.as_ref().is_some_and(|one| date < one.until)
    }

    /// The first day from which new terms may count.
    pub(super) fn first_open_day(&self) -> Date {
        let billed = self.billed.as_ref().map(|one| one.until);
        billed.map_or(self.today, |billed| billed.max(self.today))
    }

    /// The name of a plan of the account.
    pub(super) fn plan_name(&self, id: PlanId) -> String {
        let found = self.plans.iter().find(|plan| plan.id == id);
        found.map_or(String::new(), |plan| plan.name.clone())
    }

    /// From where a term comes, in words.
    pub(super) fn origin(&self, text: Text, level: Level, follows: Option<PlanId>) -> String {
        match level {
            Level::Default => text.get("terms-from-default"),
            Level::Meter => text.get("terms-from-here"),
            Level::Site => {
                let site = match self.owner {
                    Owner::Site(_) => return text.get("terms-from-here"),
                    _ => &self.site,
                };
                text.with("terms-from-site", &[("site", Arg::from(site))])
            }
            Level::Plan if self.level() == Level::Plan => text.get("terms-from-here"),
            Level::Plan => {
                let plan = follows.map_or(String::new(), |id| self.plan_name(id));
                text.with("terms-from-plan", &[("plan", Arg::from(&plan))])
            }
        }
    }
}

/// The meters that follow a plan at some time, by themselves or with their site.
pub(super) async fn followers(
    transaction: &mut Transaction,
    account: AccountId,
    plan: PlanId,
) -> Result<Vec<Meter>, Failure> {
    let names = |versions: &[Version]| versions.iter().any(|one| one.terms.plan == Some(plan));
    let mut by_site: BTreeMap<SiteId, bool> = BTreeMap::new();
    let mut found = Vec::new();
    for meter in transaction.meters(account).await? {
        let site = match by_site.get(&meter.site) {
            Some(follows) => *follows,
            None => {
                let said = transaction.terms(account, Owner::Site(meter.site)).await?;
                let follows = names(&said);
                by_site.insert(meter.site, follows);
                follows
            }
        };
        let own = transaction.terms(account, Owner::Meter(meter.id)).await?;
        if site || names(&own) {
            found.push(meter);
        }
    }
    Ok(found)
}
