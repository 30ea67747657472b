//! The billing terms of the meters, version by version.

use common::id::{AccountId, MeterId, PersonId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::sites::zone;
use super::{Row, StoreError, StoreResult, Transaction};
use crate::plan::{Plan, Terms};

fn plan(row: &Row) -> StoreResult<Plan> {
    let terms = Terms {
        effective_from: row.parsed(0)?,
        zone: zone(row, 1)?,
        cutoff_day: row.int(2)?,
        price: row.parsed(3)?,
        currency: row.parsed(4)?,
        minimum: row.parsed(5)?,
        send_hour: row.int(6)?,
    };
    Plan::new(terms).map_err(|error| StoreError::Content(format!("a plan: {error}")))
}

impl Transaction {
    /// Every version of a meter's plan, by the date from which it counts.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn plans(&mut self, account: AccountId, meter: MeterId) -> StoreResult<Vec<Plan>> {
        let rows = self
            .query(
                "SELECT effective_from, zone, cutoff_day, price, currency, minimum, send_hour \
                 FROM plan WHERE account_id = $1 AND meter_id = $2 ORDER BY effective_from",
                &[account.into(), meter.into()],
            )
            .await?;
        rows.iter().map(plan).collect()
    }

    /// Adds a version of a meter's plan; one that counts from the same date is replaced.
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
        self.execute(
            "INSERT INTO plan (account_id, meter_id, effective_from, zone, cutoff_day, price, \
             currency, minimum, send_hour, changed_by, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (account_id, meter_id, effective_from) DO UPDATE \
             SET zone = excluded.zone, cutoff_day = excluded.cutoff_day, \
             price = excluded.price, currency = excluded.currency, \
             minimum = excluded.minimum, send_hour = excluded.send_hour, \
             changed_by = excluded.changed_by, created_ms = excluded.created_ms",
            &[
                account.into(),
                meter.into(),
                plan.effective_from.into(),
                plan.zone.name().into(),
                i64::from(plan.cutoff_day).into(),
                plan.price.into(),
                plan.currency.code().into(),
                plan.minimum.into(),
                i64::from(plan.send_hour).into(),
                by.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes a version of a meter's plan back.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_plan(
        &mut self,
        account: AccountId,
        meter: MeterId,
        effective_from: Date,
    ) -> StoreResult<()> {
        self.execute(
            "DELETE FROM plan WHERE account_id = $1 AND meter_id = $2 AND effective_from = $3",
            &[account.into(), meter.into(), effective_from.into()],
        )
        .await?;
        Ok(())
    }
}
