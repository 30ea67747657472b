//! Holds: the meters whose invoices somebody keeps back, and why.

#[cfg(test)]
mod tests;

use common::id::{AccountId, MeterId, PersonId};
use jiff::Timestamp;

use super::{Row, StoreResult, Transaction};

/// What somebody keeps back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldMeter {
    /// The meter.
    pub meter: MeterId,
    /// Why, in their words.
    pub reason: String,
    /// Who.
    pub by: PersonId,
    /// Since when.
    pub since: Timestamp,
}

fn held(row: &Row) -> StoreResult<HeldMeter> {
    Ok(HeldMeter {
        meter: MeterId(row.int(0)?),
        reason: row.text(1)?.to_owned(),
        by: PersonId(row.int(2)?),
        since: row.instant(3)?,
    })
}

impl Transaction {
    /// Keeps back the invoices of a meter. A meter that is held keeps its first reason;
    /// returns whether it was not.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn hold_meter(&mut self, account: AccountId, held: &HeldMeter) -> StoreResult<bool> {
        let changed = self
            .execute(
                "INSERT INTO billing_hold (account_id, meter_id, reason, held_by, held_ms) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, meter_id) DO NOTHING",
                &[
                    account.into(),
                    held.meter.into(),
                    held.reason.as_str().into(),
                    held.by.into(),
                    held.since.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Lets the invoices of a meter go again; returns whether they were held.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn resume_meter(&mut self, account: AccountId, meter: MeterId) -> StoreResult<bool> {
        let changed = self
            .execute(
                "DELETE FROM billing_hold WHERE account_id = $1 AND meter_id = $2",
                &[account.into(), meter.into()],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Why the invoices of a meter are kept back, if somebody does.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn held_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Option<HeldMeter>> {
        let row = self
            .query_one(
                "SELECT meter_id, reason, held_by, held_ms FROM billing_hold \
                 WHERE account_id = $1 AND meter_id = $2",
                &[account.into(), meter.into()],
            )
            .await?;
        row.as_ref().map(held).transpose()
    }
}
