//! The utility's bills of the sites.

#[cfg(test)]
mod tests;

use common::id::{AccountId, PersonId, SiteId, UtilityBillId};
use common::unit::Medium;
use jiff::Timestamp;

use super::{Row, StoreResult, Transaction, Value, new_id};
use crate::billing::utility::UtilityBill;

fn bill(row: &Row) -> StoreResult<UtilityBill> {
    Ok(UtilityBill {
        id: UtilityBillId(row.int(0)?),
        medium: row.parsed(1)?,
        from: row.parsed(2)?,
        until: row.parsed(3)?,
        quantity: row.parsed(4)?,
        unit: row.parsed(5)?,
        amount: row.parsed(6)?,
        currency: row.parsed(7)?,
        note: row.text(8)?.to_owned(),
    })
}

/// What a bill says, in the order of its columns after the medium.
fn said(bill: &UtilityBill) -> [Value; 7] {
    [
        bill.from.into(),
        bill.until.into(),
        bill.quantity.into(),
        bill.unit.code().into(),
        bill.amount.into(),
        bill.currency.code().into(),
        bill.note.as_str().into(),
    ]
}

impl Transaction {
    /// Keeps a utility's bill; its identity is made here.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_utility_bill(
        &mut self,
        account: AccountId,
        site: SiteId,
        new: &UtilityBill,
        by: PersonId,
        now: Timestamp,
    ) -> StoreResult<UtilityBillId> {
        let id = UtilityBillId(new_id(now));
        let mut values = vec![
            account.into(),
            id.into(),
            site.into(),
            new.medium.code().into(),
        ];
        values.extend(said(new));
        values.extend([by.into(), now.into()]);
        self.execute(
            "INSERT INTO utility_bill (account_id, utility_bill_id, site_id, medium, bill_from, \
             bill_until, quantity, unit, amount, currency, note, entered_by, entered_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &values,
        )
        .await?;
        Ok(id)
    }

    /// Gives a bill of a site the days, the figures and the note that `changed` has. Invoices
    /// that are issued stay as they are.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_utility_bill(
        &mut self,
        account: AccountId,
        site: SiteId,
        changed: &UtilityBill,
        by: PersonId,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut values = vec![account.into(), site.into(), changed.id.into()];
        values.extend(said(changed));
        values.extend([by.into(), now.into()]);
        self.execute(
            "UPDATE utility_bill SET bill_from = $4, bill_until = $5, quantity = $6, unit = $7, \
             amount = $8, currency = $9, note = $10, entered_by = $11, entered_ms = $12 \
             WHERE account_id = $1 AND site_id = $2 AND utility_bill_id = $3",
            &values,
        )
        .await?;
        Ok(())
    }

    /// Takes a bill of a site away; returns whether it was there.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_utility_bill(
        &mut self,
        account: AccountId,
        site: SiteId,
        id: UtilityBillId,
    ) -> StoreResult<bool> {
        let removed = self
            .execute(
                "DELETE FROM utility_bill \
                 WHERE account_id = $1 AND site_id = $2 AND utility_bill_id = $3",
                &[account.into(), site.into(), id.into()],
            )
            .await?;
        Ok(removed > 0)
    }

    /// The bills of a site, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn utility_bills(
        &mut self,
        account: AccountId,
        site: SiteId,
    ) -> StoreResult<Vec<UtilityBill>> {
        let rows = self
            .query(
                "SELECT utility_bill_id, medium, bill_from, bill_until, quantity, unit, amount, \
                 currency, note FROM utility_bill WHERE account_id = $1 AND site_id = $2 \
                 ORDER BY bill_from DESC, medium, utility_bill_id",
                &[account.into(), site.into()],
            )
            .await?;
        rows.iter().map(bill).collect()
    }

    /// The bills of a site for a medium, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn utility_bills_of(
        &mut self,
        account: AccountId,
        site: SiteId,
        medium: Medium,
    ) -> StoreResult<Vec<UtilityBill>> {
        let mut bills = self.utility_bills(account, site).await?;
        bills.retain(|bill| bill.medium == medium);
        Ok(bills)
    }
}
