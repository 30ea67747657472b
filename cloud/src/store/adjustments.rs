//! What somebody adds to a meter's bill, or takes off it: changed as they like until an invoice
//! of the period is issued, and then never.

use common::id::{AccountId, AdjustmentId, MeterId, PersonId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, StoreResult, Transaction, new_id};
use crate::billing::charge::Adjustment;

/// An adjustment of the period in which its day lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAdjustment {
    /// Its identity.
    pub id: AdjustmentId,
    /// A day of the period on whose bill it stands.
    pub day: Date,
    /// What stands on the bill.
    pub adjustment: Adjustment,
    /// For whoever holds the account; on no bill.
    pub note: String,
    /// Who entered it, or changed it last.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Whether an invoice of its period is issued: then it is not changed any more.
    pub is_billed: bool,
}

/// What somebody wants to add or to take off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdjustment {
    /// A day of the period on whose bill it is to stand.
    pub day: Date,
    /// What is to stand on the bill.
    pub adjustment: Adjustment,
    /// For whoever holds the account; may be empty.
    pub note: String,
}

/// Of a day `$day` of the meter in $1 and $2: an invoice of its period is issued, be it taken
/// back since.
macro_rules! billed {
    ($day:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM invoice WHERE invoice.account_id = $1 \
             AND invoice.meter_id = $2 AND invoice.state = 'issued' \
             AND invoice.period_from <= ",
            $day,
            " AND invoice.period_until > ",
            $day,
            ")"
        )
    };
}

fn kept(row: &Row) -> StoreResult<KeptAdjustment> {
    Ok(KeptAdjustment {
        id: AdjustmentId(row.int(0)?),
        day: row.parsed(1)?,
        adjustment: Adjustment {
            name: row.text(2)?.to_owned(),
            amount: row.parsed(3)?,
            taxed: row.int(4)? != 0,
        },
        note: row.text(5)?.to_owned(),
        by: PersonId(row.int(6)?),
        at: row.instant(7)?,
        is_billed: row.int(8)? != 0,
    })
}

impl Transaction {
    /// Adds an adjustment; nothing when its period is billed already. Holds the account's row,
    /// so that no invoice is issued meanwhile.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_adjustment(
        &mut self,
        account: AccountId,
        meter: MeterId,
        new: &NewAdjustment,
        by: PersonId,
        now: Timestamp,
    ) -> StoreResult<Option<AdjustmentId>> {
        self.hold_issuing(account).await?;
        let id = AdjustmentId(new_id(now));
        let added = self
            .execute(
                concat!(
                    "INSERT INTO adjustment (account_id, meter_id, adjustment_id, day, name, \
                     amount, taxed, note, entered_by, entered_ms) \
                     SELECT account_id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM account \
                     WHERE account_id = $1 AND NOT ",
                    billed!("$4")
                ),
                &[
                    account.into(),
                    meter.into(),
                    id.into(),
                    new.day.into(),
                    new.adjustment.name.as_str().into(),
                    new.adjustment.amount.into(),
                    new.adjustment.taxed.into(),
                    new.note.as_str().into(),
                    by.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok((added > 0).then_some(id))
    }

    /// Changes an adjustment; returns whether it was there and neither its old period nor its
    /// new one is billed.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_adjustment(
        &mut self,
        account: AccountId,
        (meter, id): (MeterId, AdjustmentId),
        new: &NewAdjustment,
        by: PersonId,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.hold_issuing(account).await?;
        let changed = self
            .execute(
                concat!(
                    "UPDATE adjustment SET day = $4, name = $5, amount = $6, taxed = $7, \
                     note = $8, entered_by = $9, entered_ms = $10 \
                     WHERE account_id = $1 AND meter_id = $2 AND adjustment_id = $3 AND NOT ",
                    billed!("adjustment.day"),
                    " AND NOT ",
                    billed!("$4")
                ),
                &[
                    account.into(),
                    meter.into(),
                    id.into(),
                    new.day.into(),
                    new.adjustment.name.as_str().into(),
                    new.adjustment.amount.into(),
                    new.adjustment.taxed.into(),
                    new.note.as_str().into(),
                    by.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// Takes an adjustment away; returns whether it was there and not billed.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_adjustment(
        &mut self,
        account: AccountId,
        meter: MeterId,
        id: AdjustmentId,
    ) -> StoreResult<bool> {
        self.hold_issuing(account).await?;
        let removed = self
            .execute(
                concat!(
                    "DELETE FROM adjustment \
                     WHERE account_id = $1 AND meter_id = $2 AND adjustment_id = $3 AND NOT ",
                    billed!("adjustment.day")
                ),
                &[account.into(), meter.into(), id.into()],
            )
            .await?;
        Ok(removed > 0)
    }

    /// The adjustments of a meter, the newest day first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn adjustments(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Vec<KeptAdjustment>> {
        let rows = self
            .query(
                concat!(
                    "SELECT adjustment_id, day, name, amount, taxed, note, entered_by, \
                     entered_ms, CASE WHEN ",
                    billed!("adjustment.day"),
                    " THEN 1 ELSE 0 END FROM adjustment \
                     WHERE account_id = $1 AND meter_id = $2 \
                     ORDER BY day DESC, adjustment_id DESC"
                ),
                &[account.into(), meter.into()],
            )
            .await?;
        rows.iter().map(kept).collect()
    }

    /// What the adjustments of a meter's days between two dates put on its bill, the oldest
    /// first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn adjustments_between(
        &mut self,
        account: AccountId,
        meter: MeterId,
        from: Date,
        until: Date,
    ) -> StoreResult<Vec<Adjustment>> {
        let rows = self
            .query(
                "SELECT name, amount, taxed FROM adjustment \
                 WHERE account_id = $1 AND meter_id = $2 AND day >= $3 AND day < $4 \
                 ORDER BY day, adjustment_id",
                &[account.into(), meter.into(), from.into(), until.into()],
            )
            .await?;
        let adjustment = |row: &Row| {
            Ok(Adjustment {
                name: row.text(0)?.to_owned(),
                amount: row.parsed(1)?,
                taxed: row.int(2)? != 0,
            })
        };
        rows.iter().map(adjustment).collect()
    }

    /// Nobody issues an invoice of the account before this transaction ends.
    async fn hold_issuing(&mut self, account: AccountId) -> StoreResult<()> {
        self.execute(
            "UPDATE account SET name = name WHERE account_id = $1",
            &[account.into()],
        )
        .await?;
        Ok(())
    }
}
