//! What each site does with the difference between its main meter and the others, and the
//! periods of which somebody let the bills go all the same.

#[cfg(test)]
mod tests;

use common::id::{AccountId, MeterId, PersonId, SiteId};
use common::unit::Medium;
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, StoreError, StoreResult, Transaction};
use crate::billing::reconciliation::{Limits, Policy};

/// What a site does with the difference, for one medium.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SitePolicy {
    /// The meter that counts all of the site; without one the utility's bill says it.
    pub main_meter: Option<MeterId>,
    /// What is done.
    pub policy: Policy,
    /// When somebody should look.
    pub limits: Limits,
}

fn policy(row: &Row) -> StoreResult<SitePolicy> {
    Ok(SitePolicy {
        main_meter: row.optional_int(0)?.map(MeterId),
        policy: row.json(1)?,
        limits: Limits {
            warn_percent: row.parsed(2)?,
            block_percent: row.parsed(3)?,
        },
    })
}

impl Transaction {
    /// What a site does for a medium, if somebody said so.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn site_policy(
        &mut self,
        account: AccountId,
        site: SiteId,
        medium: Medium,
    ) -> StoreResult<Option<SitePolicy>> {
        let found = self
            .query_one(
                "SELECT main_meter_id, policy, warn_percent, block_percent \
                 FROM site_reconciliation \
                 WHERE account_id = $1 AND site_id = $2 AND medium = $3",
                &[account.into(), site.into(), medium.code().into()],
            )
            .await?;
        found.as_ref().map(policy).transpose()
    }

    /// Says what a site does for a medium. Invoices that are issued stay as they are.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_site_policy(
        &mut self,
        account: AccountId,
        (site, medium): (SiteId, Medium),
        set: &SitePolicy,
        by: PersonId,
        now: Timestamp,
    ) -> StoreResult<()> {
        let policy = serde_json::to_string(&set.policy)
            .map_err(|error| StoreError::Content(format!("a policy is no JSON: {error}")))?;
        self.execute(
            "INSERT INTO site_reconciliation (account_id, site_id, medium, main_meter_id, \
             policy, warn_percent, block_percent, changed_by, changed_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (account_id, site_id, medium) DO UPDATE \
             SET main_meter_id = excluded.main_meter_id, policy = excluded.policy, \
             warn_percent = excluded.warn_percent, block_percent = excluded.block_percent, \
             changed_by = excluded.changed_by, changed_ms = excluded.changed_ms",
            &[
                account.into(),
                site.into(),
                medium.code().into(),
                set.main_meter.into(),
                policy.into(),
                set.limits.warn_percent.into(),
                set.limits.block_percent.into(),
                by.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Lets the bills of a period go, whatever the difference; one that is let go keeps its
    /// first reason.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn release_residual(
        &mut self,
        account: AccountId,
        (site, medium): (SiteId, Medium),
        (from, until): (Date, Date),
        (reason, by): (&str, PersonId),
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO residual_release (account_id, site_id, medium, period_from, \
             period_until, reason, released_by, released_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (account_id, site_id, medium, period_from, period_until) DO NOTHING",
            &[
                account.into(),
                site.into(),
                medium.code().into(),
                from.into(),
                until.into(),
                reason.into(),
                by.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Why somebody let the bills of a period go, if they did.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn residual_release(
        &mut self,
        account: AccountId,
        (site, medium): (SiteId, Medium),
        (from, until): (Date, Date),
    ) -> StoreResult<Option<String>> {
        let found = self
            .query_one(
                "SELECT reason FROM residual_release WHERE account_id = $1 AND site_id = $2 \
                 AND medium = $3 AND period_from = $4 AND period_until = $5",
                &[
                    account.into(),
                    site.into(),
                    medium.code().into(),
                    from.into(),
                    until.into(),
                ],
            )
            .await?;
        found.map(|row| Ok(row.text(0)?.to_owned())).transpose()
    }
}
