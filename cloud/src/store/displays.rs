//! The display checks: what people read off the displays of their meters. None is changed.

#[cfg(test)]
mod tests;

use common::id::{AccountId, DeviceId, MeterId, PersonId};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Row, StoreError, StoreResult, Transaction};
use crate::billing::display::DisplayCheck;

fn check(row: &Row) -> StoreResult<DisplayCheck> {
    let shown = match row.text(5)? {
        "" => None,
        _ => Some(row.parsed(5)?),
    };
    Ok(DisplayCheck {
        person: PersonId(row.int(0)?),
        manages: row.flag(1)?,
        device: DeviceId(row.int(2)?),
        register: row.json(3)?,
        read_at: row.instant(4)?,
        shown,
        answered_at: row.instant(6)?,
        agrees: row.flag(7)?,
    })
}

impl Transaction {
    /// Keeps an answer. The same answer of the same person about the same reading is kept once;
    /// returns whether it was not there.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn keep_display_check(
        &mut self,
        account: AccountId,
        meter: MeterId,
        check: &DisplayCheck,
    ) -> StoreResult<bool> {
        let shown = check.shown.as_ref().map(Decimal::to_string);
        let register = serde_json::to_string(&check.register)
            .map_err(|error| StoreError::Content(format!("a register is no JSON: {error}")))?;
        let changed = self
            .execute(
                "INSERT INTO display_check (account_id, meter_id, person_id, read_ms, shown, \
                 manages, device_id, register, answered_ms, agrees) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
                &[
                    account.into(),
                    meter.into(),
                    check.person.into(),
                    check.read_at.into(),
                    shown.unwrap_or_default().as_str().into(),
                    i64::from(check.manages).into(),
                    check.device.into(),
                    register.as_str().into(),
                    check.answered_at.into(),
                    i64::from(check.agrees).into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// The newest `limit` answers about a meter, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn display_checks(
        &mut self,
        account: AccountId,
        meter: MeterId,
        limit: i64,
    ) -> StoreResult<Vec<DisplayCheck>> {
        let rows = self
            .query(
                "SELECT person_id, manages, device_id, register, read_ms, shown, answered_ms, \
                 agrees FROM display_check WHERE account_id = $1 AND meter_id = $2 \
                 ORDER BY answered_ms DESC, person_id, read_ms, shown LIMIT $3",
                &[account.into(), meter.into(), limit.into()],
            )
            .await?;
        rows.iter().map(check).collect()
    }

    /// How many answers about a meter were given since an instant.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn display_checks_since(
        &mut self,
        account: AccountId,
        meter: MeterId,
        since: Timestamp,
    ) -> StoreResult<i64> {
        let found = self
            .query_one(
                "SELECT CAST(COUNT(*) AS BIGINT) FROM display_check \
                 WHERE account_id = $1 AND meter_id = $2 AND answered_ms >= $3",
                &[account.into(), meter.into(), since.into()],
            )
            .await?;
        found.map_or(Ok(0), |row| row.int(0))
    }
}
