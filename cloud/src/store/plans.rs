//! The billing terms: what sites, named plans and meters say, version by version.

use std::collections::btree_map::Entry;

use common::id::{AccountId, MeterId, PersonId, PlanId, SiteId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, StoreError, StoreResult, Transaction, Value, new_id};
use crate::plan::Plan;
use crate::plan::terms::{Levels, Resolved, Terms, Version};

/// Whose terms they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A building's: they hold for all its meters.
    Site(SiteId),
    /// A named plan's: they hold for the meters that follow it.
    Plan(PlanId),
    /// A meter's own.
    Meter(MeterId),
}

impl Owner {
    fn key(self) -> [Value; 2] {
        match self {
            Self::Site(id) => ["site".into(), id.into()],
            Self::Plan(id) => ["plan".into(), id.into()],
            Self::Meter(id) => ["meter".into(), id.into()],
        }
    }
}

/// Billing terms with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPlan {
    /// Its identity.
    pub id: PlanId,
    /// What people call it.
    pub name: String,
}

fn version(row: &Row) -> StoreResult<Version> {
    Ok(Version {
        effective_from: row.parsed(0)?,
        terms: row.json(1)?,
    })
}

fn named(row: &Row) -> StoreResult<NamedPlan> {
    Ok(NamedPlan {
        id: PlanId(row.int(0)?),
        name: row.text(1)?.to_owned(),
    })
}

impl Transaction {
    /// Adds a named plan, which says nothing yet.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_plan(
        &mut self,
        account: AccountId,
        name: &str,
        now: Timestamp,
    ) -> StoreResult<NamedPlan> {
        let added = NamedPlan {
            id: PlanId(new_id(now)),
            name: name.to_owned(),
        };
        self.execute(
            "INSERT INTO plan (account_id, plan_id, name, created_ms) VALUES ($1, $2, $3, $4)",
            &[account.into(), added.id.into(), name.into(), now.into()],
        )
        .await?;
        Ok(added)
    }

    /// Gives a named plan another name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn rename_plan(
        &mut self,
        account: AccountId,
        id: PlanId,
        name: &str,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE plan SET name = $3 WHERE account_id = $1 AND plan_id = $2",
            &[account.into(), id.into(), name.into()],
        )
        .await?;
        Ok(())
    }

    /// The named plans of an account, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn named_plans(&mut self, account: AccountId) -> StoreResult<Vec<NamedPlan>> {
        let rows = self
            .query(
                "SELECT plan_id, name FROM plan WHERE account_id = $1 ORDER BY name, plan_id",
                &[account.into()],
            )
            .await?;
        rows.iter().map(named).collect()
    }

    /// What somebody says of billing terms, by date.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn terms(&mut self, account: AccountId, owner: Owner) -> StoreResult<Vec<Version>> {
        let [level, id] = owner.key();
        let rows = self
            .query(
                "SELECT effective_from, terms FROM terms WHERE account_id = $1 AND level = $2 \
                 AND owner_id = $3 ORDER BY effective_from",
                &[account.into(), level, id],
            )
            .await?;
        rows.iter().map(version).collect()
    }

    /// Something that is another after every change of an account's terms.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn terms_revision(&mut self, account: AccountId) -> StoreResult<String> {
        let row = self
            .query_one(
                "SELECT COUNT(*), COALESCE(MAX(created_ms), 0) FROM terms WHERE account_id = $1",
                &[account.into()],
            )
            .await?;
        let row = row.ok_or_else(|| StoreError::Content("nothing was counted".to_owned()))?;
        Ok(format!("{}-{}", row.int(0)?, row.int(1)?))
    }

    /// Adds a version of somebody's terms; one that counts from the same date is replaced.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_terms(
        &mut self,
        account: AccountId,
        owner: Owner,
        version: &Version,
        by: Option<PersonId>,
        now: Timestamp,
    ) -> StoreResult<()> {
        let [level, id] = owner.key();
        let terms = serde_json::to_string(&version.terms)
            .map_err(|error| StoreError::Content(format!("terms are no JSON: {error}")))?;
        self.execute(
            "INSERT INTO terms (account_id, level, owner_id, effective_from, terms, \
             changed_by, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (account_id, level, owner_id, effective_from) DO UPDATE \
             SET terms = excluded.terms, changed_by = excluded.changed_by, \
             created_ms = excluded.created_ms",
            &[
                account.into(),
                level,
                id,
                version.effective_from.into(),
                terms.into(),
                by.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes a version of somebody's terms back.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_terms(
        &mut self,
        account: AccountId,
        owner: Owner,
        effective_from: Date,
    ) -> StoreResult<()> {
        let [level, id] = owner.key();
        self.execute(
            "DELETE FROM terms WHERE account_id = $1 AND level = $2 AND owner_id = $3 \
             AND effective_from = $4",
            &[account.into(), level, id, effective_from.into()],
        )
        .await?;
        Ok(())
    }

    /// All that is said about the meters of a building: by it, and by the plans that it follows
    /// at any time.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn levels_of_site(
        &mut self,
        account: AccountId,
        site: SiteId,
    ) -> StoreResult<Levels> {
        let mut levels = Levels {
            site: self.terms(account, Owner::Site(site)).await?,
            ..Levels::default()
        };
        self.read_followed(account, &mut levels).await?;
        Ok(levels)
    }

    /// Reads the plans that are followed and not there yet.
    async fn read_followed(&mut self, account: AccountId, levels: &mut Levels) -> StoreResult<()> {
        let versions = levels.site.iter().chain(&levels.meter);
        for id in versions.filter_map(|version| version.terms.plan) {
            if let Entry::Vacant(unread) = levels.plans.entry(id) {
                unread.insert(self.terms(account, Owner::Plan(id)).await?);
            }
        }
        Ok(())
    }

    /// All that is said about a meter: by its site, by the plans that either follows at any
    /// time, and by itself.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn levels(&mut self, account: AccountId, meter: MeterId) -> StoreResult<Levels> {
        let site = self
            .query_one(
                "SELECT site_id FROM meter WHERE account_id = $1 AND meter_id = $2",
                &[account.into(), meter.into()],
            )
            .await?;
        let mut levels = match site {
            Some(row) => self.levels_of_site(account, SiteId(row.int(0)?)).await?,
            None => Levels::default(),
        };
        levels.meter = self.terms(account, Owner::Meter(meter)).await?;
        self.read_followed(account, &mut levels).await?;
        Ok(levels)
    }

    /// Every version of a meter's plan, by the date from which it counts, with where each of
    /// its terms comes from.
    ///
    /// # Errors
    /// When the engine cannot, or a term is open.
    pub async fn resolved_plans(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Vec<Resolved>> {
        let levels = self.levels(account, meter).await?;
        levels
            .resolve()
            .map_err(|error| StoreError::Content(format!("the terms of meter {meter}: {error}")))
    }

    /// Every version of a meter's plan, by the date from which it counts.
    ///
    /// # Errors
    /// When the engine cannot, or a term is open.
    pub async fn plans(&mut self, account: AccountId, meter: MeterId) -> StoreResult<Vec<Plan>> {
        let resolved = self.resolved_plans(account, meter).await?;
        Ok(resolved.into_iter().map(|one| one.plan).collect())
    }

    /// Says all terms of a meter at the meter itself.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_plan(
        &mut self,
        account: AccountId,
        meter: MeterId,
        plan: &Plan,
        by: Option<PersonId>,
        now: Timestamp,
    ) -> StoreResult<()> {
        let version = Version {
            effective_from: plan.effective_from,
            terms: Terms::of(plan),
        };
        self.set_terms(account, Owner::Meter(meter), &version, by, now)
            .await
    }
}
