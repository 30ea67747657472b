//! Terms at three levels: what a site, a named plan and a meter say, and what holds of it.
//!
//! Each level has versions by the date from which they count, and each version says as much
//! as somebody wanted to say there. What a meter says stands before what its plan says, and
//! that before what its site says. What a version leaves open its predecessor at the same
//! level does not fill: a version is the whole of what its level says from its date on.

use std::collections::{BTreeMap, BTreeSet};

use common::id::PlanId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::tariff::{Fee, Minimum, Tariff, Tax};
use super::{Checks, Cycle, Missing, Plan, PlanError};
use crate::currency::Currency;
use crate::site::Zone;

/// Where terms are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nowhere: the product's own default.
    Default,
    /// At the site, for all its meters.
    Site,
    /// In a named plan, for all meters that follow it.
    Plan,
    /// At the meter.
    Meter,
}

/// The name of a term, to say where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the members of Terms say it")]
pub enum Term {
    Plan,
    Zone,
    Cycle,
    Currency,
    Tariff,
    Minimum,
    Fees,
    Taxes,
    SendHour,
    Missing,
    Checks,
}

/// What one level says from a date on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The named plan to follow; a plan itself follows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// See [`Plan::begins_period`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begins_period: bool,
    /// See [`Plan::zone`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// See [`Plan::cycle`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Cycle>,
    /// See [`Plan::currency`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// See [`Plan::tariff`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Tariff>,
    /// See [`Plan::minimum`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Minimum>,
    /// See [`Plan::fees`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fees: Option<Vec<Fee>>,
    /// See [`Plan::taxes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<Tax>>,
    /// See [`Plan::send_hour`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_hour: Option<i8>,
    /// See [`Plan::missing`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// See [`Plan::checks`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
}

impl Terms {
    /// All that a plan says.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let plan = plan.clone();
        Self {
            plan: None,
            begins_period: plan.begins_period,
            zone: Some(plan.zone),
            cycle: Some(plan.cycle),
            currency: Some(plan.currency),
            tariff: Some(plan.tariff),
            minimum: Some(plan.minimum),
            fees: Some(plan.fees),
            taxes: Some(plan.taxes),
            send_hour: Some(plan.send_hour),
            missing: Some(plan.missing),
            checks: Some(plan.checks),
        }
    }
}

impl Term {
    /// Every term, in the order in which a form asks for them: what most people set first.
    pub const ALL: [Self; 11] = [
        Self::Plan,
        Self::Tariff,
        Self::Cycle,
        Self::Currency,
        Self::Minimum,
        Self::Fees,
        Self::Taxes,
        Self::SendHour,
        Self::Missing,
        Self::Zone,
        Self::Checks,
    ];
}

/// Takes what is said where nothing is yet; whether it did.
fn fill<T: Clone>(slot: &mut Option<T>, said: Option<&T>) -> bool {
    let takes = slot.is_none() && said.is_some();
    if takes {
        *slot = said.cloned();
    }
    takes
}

impl Terms {
    /// Takes from `other` the terms that are open here; which they were.
    pub(crate) fn filled_from(&mut self, other: &Self) -> Vec<Term> {
        let took = [
            (Term::Plan, fill(&mut self.plan, other.plan.as_ref())),
            (Term::Zone, fill(&mut self.zone, other.zone.as_ref())),
            (Term::Cycle, fill(&mut self.cycle, other.cycle.as_ref())),
            (
                Term::Currency,
                fill(&mut self.currency, other.currency.as_ref()),
            ),
            (Term::Tariff, fill(&mut self.tariff, other.tariff.as_ref())),
            (
                Term::Minimum,
                fill(&mut self.minimum, other.minimum.as_ref()),
            ),
            (Term::Fees, fill(&mut self.fees, other.fees.as_ref())),
            (Term::Taxes, fill(&mut self.taxes, other.taxes.as_ref())),
            (
                Term::SendHour,
                fill(&mut self.send_hour, other.send_hour.as_ref()),
            ),
            (
                Term::Missing,
                fill(&mut self.missing, other.missing.as_ref()),
            ),
            (Term::Checks, fill(&mut self.checks, other.checks.as_ref())),
        ];
        took.into_iter()
            .filter_map(|(term, took)| took.then_some(term))
            .collect()
    }

    /// The terms that are said.
    #[must_use]
    pub fn said(&self) -> BTreeSet<Term> {
        Self::default().filled_from(self).into_iter().collect()
    }
}

impl Terms {
    /// What a plan says beyond what holds anyway: by `held`, or by the product's own defaults.
    #[must_use]
    pub fn beyond(plan: &Plan, held: &Self) -> Self {
        fn beyond<T: PartialEq>(term: &mut Option<T>, held: Option<&T>, default: Option<&T>) {
            if term.as_ref() == held.or(default) {
                *term = None;
            }
        }
        let mut terms = Self::of(plan);
        beyond(&mut terms.zone, held.zone.as_ref(), None);
        beyond(&mut terms.cycle, held.cycle.as_ref(), None);
        beyond(&mut terms.currency, held.currency.as_ref(), None);
        beyond(&mut terms.tariff, held.tariff.as_ref(), None);
        let minimum = Minimum::default();
        beyond(&mut terms.minimum, held.minimum.as_ref(), Some(&minimum));
        beyond(&mut terms.fees, held.fees.as_ref(), Some(&Vec::new()));
        beyond(&mut terms.taxes, held.taxes.as_ref(), Some(&Vec::new()));
        let hour = super::SEND_HOUR_DEFAULT;
        beyond(&mut terms.send_hour, held.send_hour.as_ref(), Some(&hour));
        let missing = Missing::default();
        beyond(&mut terms.missing, held.missing.as_ref(), Some(&missing));
        let checks = Checks::default();
        beyond(&mut terms.checks, held.checks.as_ref(), Some(&checks));
        terms
    }
}

/// Terms with the date from which they count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The first local date.
    pub effective_from: Date,
    /// What is said.
    pub terms: Terms,
}

/// All that is said about a meter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// What its site says, by date.
    pub site: Vec<Version>,
    /// What the named plans say that site or meter follow at any time, by date.
    pub plans: BTreeMap<PlanId, Vec<Version>>,
    /// What the meter itself says, by date.
    pub meter: Vec<Version>,
}

/// What holds of what is said, which need not be all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The terms that somebody says.
    pub terms: Terms,
    /// The level of each of them.
    pub from: BTreeMap<Term, Level>,
}

/// A plan and where each of its terms comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The terms, none of them open.
    pub plan: Plan,
    /// The named plan that is followed.
    pub follows: Option<PlanId>,
    /// The level of each term.
    pub from: BTreeMap<Term, Level>,
}

/// Why terms are not complete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nobody says it, and there is no default.
    #[error("nobody has set the {0:?} that holds on {1}: set it for the site, a plan or the meter")]
    Open(Term, Date),
    /// What was said is out of bounds.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// What a level says on `date`: its last version that counts from then or before.
#[must_use]
pub fn on(date: Date, versions: &[Version]) -> Option<&Terms> {
    let held = versions
        .iter()
        .rfind(|version| version.effective_from <= date);
    held.map(|version| &version.terms)
}

impl Levels {
    /// Whether somebody begins a period on `date`.
    fn begins_period_on(&self, date: Date) -> bool {
        let followed = self.said_on(date).1;
        let plan = followed.and_then(|id| self.plans.get(&id));
        let versions = plan.into_iter().chain([&self.site, &self.meter]).flatten();
        versions
            .filter(|version| version.effective_from == date)
            .any(|version| version.terms.begins_period)
    }

    /// The terms that hold on `date`, the most particular level first.
    fn said_on(&self, date: Date) -> (Vec<(Level, &Terms)>, Option<PlanId>) {
        let meter = on(date, &self.meter);
        let site = on(date, &self.site);
        let follows = meter
            .and_then(|terms| terms.plan)
            .or(site.and_then(|terms| terms.plan));
        let plan = follows
            .and_then(|id| self.plans.get(&id))
            .and_then(|versions| on(date, versions));
        let said = [
            (Level::Meter, meter),
            (Level::Plan, plan),
            (Level::Site, site),
        ];
        let said = said
            .into_iter()
            .filter_map(|(level, terms)| Some((level, terms?)))
            .collect();
        (said, follows)
    }

    /// What holds on `date` of what is said, whether or not that is all.
    #[must_use]
    pub fn held_on(&self, date: Date) -> Held {
        let mut held = Held::default();
        for (level, terms) in self.said_on(date).0 {
            // Which plan a plan follows says nothing.
            let took = held.terms.filled_from(terms).into_iter();
            held.from.extend(took.map(|term| (term, level)));
        }
        held
    }

    /// Every plan version of the meter, by the date from which it counts, from the first date
    /// on which the meter itself says something. A version that changes nothing is left out.
    ///
    /// # Errors
    /// When a term is open on one of the dates.
    pub fn resolve(&self) -> Result<Vec<Resolved>, ResolveError> {
        let Some(first) = self.meter.first().map(|version| version.effective_from) else {
            return Ok(Vec::new());
        };
        let all = self.plans.values().flatten().chain(&self.site);
        let dates: BTreeSet<Date> = all
            .chain(&self.meter)
            .map(|version| version.effective_from)
            .filter(|date| *date >= first)
            .collect();
        let mut resolved: Vec<Resolved> = Vec::new();
        for date in dates {
            let next = self.resolve_on(date)?;
            let is_same = resolved.last().is_some_and(|last| {
                last.follows == next.follows
                    && last.from == next.from
                    && last.plan.says_the_same_as(&next.plan)
            });
            if !is_same {
                resolved.push(next);
            }
        }
        Ok(resolved)
    }

    fn resolve_on(&self, date: Date) -> Result<Resolved, ResolveError> {
        let (said, follows) = self.said_on(date);
        let mut pick = Pick {
            said: &said,
            from: BTreeMap::new(),
            date,
        };
        let plan = Plan {
            effective_from: date,
            begins_period: self.begins_period_on(date),
            zone: pick.needed(Term::Zone, |terms| terms.zone.clone())?,
            cycle: pick.needed(Term::Cycle, |terms| terms.cycle)?,
            currency: pick.needed(Term::Currency, |terms| terms.currency)?,
            tariff: pick.needed(Term::Tariff, |terms| terms.tariff.clone())?,
            minimum: pick.or_default(Term::Minimum, |terms| terms.minimum.clone()),
            fees: pick.or_default(Term::Fees, |terms| terms.fees.clone()),
            taxes: pick.or_default(Term::Taxes, |terms| terms.taxes.clone()),
            send_hour: pick
                .first(Term::SendHour, |terms| terms.send_hour)
                .unwrap_or(super::SEND_HOUR_DEFAULT),
            missing: pick.or_default(Term::Missing, |terms| terms.missing),
            checks: pick.or_default(Term::Checks, |terms| terms.checks.clone()),
        };
        plan.check()?;
        Ok(Resolved {
            plan,
            follows,
            from: pick.from,
        })
    }
}

/// Takes each term from the first level that says it, and notes which that was.
struct Pick<'a> {
    said: &'a [(Level, &'a Terms)],
    from: BTreeMap<Term, Level>,
    date: Date,
}

impl Pick<'_> {
    fn first<T>(&mut self, term: Term, of: impl Fn(&Terms) -> Option<T>) -> Option<T> {
        let found = self
            .said
            .iter()
            .find_map(|(level, terms)| Some((*level, of(terms)?)));
        let (level, value) = found.map_or((Level::Default, None), |(level, value)| {
            (level, Some(value))
        });
        self.from.insert(term, level);
        value
    }

    fn or_default<T: Default>(&mut self, term: Term, of: impl Fn(&Terms) -> Option<T>) -> T {
        self.first(term, of).unwrap_or_default()
    }

    fn needed<T>(
        &mut self,
        term: Term,
        of: impl Fn(&Terms) -> Option<T>,
    ) -> Result<T, ResolveError> {
        self.first(term, of)
            .ok_or(ResolveError::Open(term, self.date))
    }
}
