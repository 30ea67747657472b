//! The invoices: held ones, which may still become invoices, and issued ones, which never
//! change.

#[cfg(test)]
mod tests;

use common::id::{AccountId, InvoiceId, MeterId};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, StoreResult, Transaction, Value, new_id};
use crate::billing::invoice::{Invoice, Period};

/// A period that has ended and cannot be billed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldInvoice {
    /// The account.
    pub account: AccountId,
    /// The meter.
    pub meter: MeterId,
    /// The identity that the invoice will have.
    pub id: InvoiceId,
    /// The period's first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// Why it is held.
    pub reason: String,
}

/// Of an invoice: it is issued, and no credit takes it back.
macro_rules! stands {
    () => {
        "kind = 'invoice' AND state = 'issued' AND NOT EXISTS (SELECT 1 FROM invoice AS credit \
         WHERE credit.account_id = invoice.account_id AND credit.meter_id = invoice.meter_id \
         AND credit.period_from = invoice.period_from AND credit.kind = 'credit' \
         AND credit.revision = invoice.revision)"
    };
}

fn held(row: &Row) -> StoreResult<HeldInvoice> {
    Ok(HeldInvoice {
        account: AccountId(row.int(0)?),
        meter: MeterId(row.int(1)?),
        id: InvoiceId(row.int(2)?),
        from: row.parsed(3)?,
        until: row.parsed(4)?,
        reason: row.optional_text(5)?.unwrap_or_default().to_owned(),
    })
}

fn issued(row: &Row) -> StoreResult<Invoice> {
    row.json(0)
}

impl Transaction {
    /// The issued documents that a query of their snapshots finds.
    async fn documents(&mut self, sql: &'static str, of: &[Value]) -> StoreResult<Vec<Invoice>> {
        let rows = self.query(sql, of).await?;
        rows.iter().map(issued).collect()
    }

    /// Keeps that a period is held and why. Does nothing once it is issued; returns whether
    /// it is new or the reason changed.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn hold_invoice(
        &mut self,
        account: AccountId,
        meter: MeterId,
        period: &Period,
        reason: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let changed = self
            .execute(
                "INSERT INTO invoice (account_id, meter_id, period_from, period_until, kind, \
                 revision, invoice_id, state, reason, created_ms) \
                 VALUES ($1, $2, $3, $4, 'invoice', 1, $5, 'held', $6, $7) \
                 ON CONFLICT (account_id, meter_id, period_from, kind, revision) DO UPDATE \
                 SET reason = excluded.reason, period_until = excluded.period_until \
                 WHERE invoice.state = 'held' AND (invoice.reason <> excluded.reason \
                 OR invoice.period_until <> excluded.period_until)",
                &[
                    account.into(),
                    meter.into(),
                    period.from.into(),
                    period.until.into(),
                    new_id(now).into(),
                    reason.into(),
                    now.into(),
                ],
            )
            .await?;
        Ok(changed > 0)
    }

    /// An issued invoice of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoice(
        &mut self,
        account: AccountId,
        id: InvoiceId,
    ) -> StoreResult<Option<Invoice>> {
        let found = self
            .query_one(
                "SELECT snapshot FROM invoice \
                 WHERE account_id = $1 AND invoice_id = $2 AND state = 'issued'",
                &[account.into(), id.into()],
            )
            .await?;
        found.as_ref().map(issued).transpose()
    }

    /// The newest `limit` issued documents of a meter, the newest period first and of that the
    /// last one.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoices_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
        limit: i64,
    ) -> StoreResult<Vec<Invoice>> {
        self.documents(
            "SELECT snapshot FROM invoice \
                 WHERE account_id = $1 AND meter_id = $2 AND state = 'issued' \
                 ORDER BY period_from DESC, number DESC LIMIT $3",
            &[account.into(), meter.into(), limit.into()],
        )
        .await
    }

    /// How many documents of a meter are issued. It only grows: another figure than before says
    /// that what its bills stand on may have changed.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn documents_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<i64> {
        let counted = self
            .query_one(
                "SELECT COUNT(*) FROM invoice \
                 WHERE account_id = $1 AND meter_id = $2 AND state = 'issued'",
                &[account.into(), meter.into()],
            )
            .await?;
        counted.map_or(Ok(0), |row| row.int(0))
    }

    /// Up to `limit` issued invoices of an account whose numbers are below `before`, the
    /// highest number first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoices(
        &mut self,
        account: AccountId,
        before: Option<u64>,
        limit: i64,
    ) -> StoreResult<Vec<Invoice>> {
        let before = before.map_or(i64::MAX, |n| i64::try_from(n).unwrap_or(i64::MAX));
        self.documents(
            "SELECT snapshot FROM invoice \
                 WHERE account_id = $1 AND state = 'issued' AND number < $2 \
                 ORDER BY number DESC LIMIT $3",
            &[account.into(), before.into(), limit.into()],
        )
        .await
    }

    /// The day after the last period of a meter that is issued or held.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn billed_until(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Option<Date>> {
        let found = self
            .query_one(
                "SELECT period_until FROM invoice WHERE account_id = $1 AND meter_id = $2 \
                 ORDER BY period_from DESC LIMIT 1",
                &[account.into(), meter.into()],
            )
            .await?;
        found.map(|row| row.parsed(0)).transpose()
    }

    /// The held periods of a meter, the oldest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn held_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Vec<HeldInvoice>> {
        let rows = self
            .query(
                "SELECT account_id, meter_id, invoice_id, period_from, period_until, reason \
                 FROM invoice WHERE account_id = $1 AND meter_id = $2 AND state = 'held' \
                 ORDER BY period_from",
                &[account.into(), meter.into()],
            )
            .await?;
        rows.iter().map(held).collect()
    }

    /// Up to `limit` held periods of all accounts after `after`, in the order of their keys:
    /// late readings may have freed them.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn held_invoices(
        &mut self,
        after: Option<&HeldInvoice>,
        limit: i64,
    ) -> StoreResult<Vec<HeldInvoice>> {
        let (account, meter, from) = after.map_or((i64::MIN, 0, String::new()), |last| {
            (last.account.0, last.meter.0, last.from.to_string())
        });
        let rows = self
            .query(
                "SELECT account_id, meter_id, invoice_id, period_from, period_until, reason \
                 FROM invoice WHERE state = 'held' \
                 AND (account_id, meter_id, period_from) > ($1, $2, $3) \
                 ORDER BY account_id, meter_id, period_from LIMIT $4",
                &[account.into(), meter.into(), from.into(), limit.into()],
            )
            .await?;
        rows.iter().map(held).collect()
    }

    /// The newest `limit` invoices of a meter that stand and whose period ended by the start of
    /// `date`, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoices_before(
        &mut self,
        account: AccountId,
        meter: MeterId,
        date: Date,
        limit: i64,
    ) -> StoreResult<Vec<Invoice>> {
        self.documents(
            concat!(
                "SELECT snapshot FROM invoice WHERE account_id = $1 AND meter_id = $2 \
                     AND period_until <= $3 AND ",
                stands!(),
                " ORDER BY period_from DESC LIMIT $4"
            ),
            &[account.into(), meter.into(), date.into(), limit.into()],
        )
        .await
    }

    /// The first `limit` invoices of a meter that stand and whose period begins with `date` or
    /// later, the oldest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoices_after(
        &mut self,
        account: AccountId,
        meter: MeterId,
        date: Date,
        limit: i64,
    ) -> StoreResult<Vec<Invoice>> {
        self.documents(
            concat!(
                "SELECT snapshot FROM invoice WHERE account_id = $1 AND meter_id = $2 \
                     AND period_from >= $3 AND ",
                stands!(),
                " ORDER BY period_from LIMIT $4"
            ),
            &[account.into(), meter.into(), date.into(), limit.into()],
        )
        .await
    }

    /// The first days of a meter's issued periods from `date` on, those included whose invoice
    /// was taken back.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn issued_since(
        &mut self,
        account: AccountId,
        meter: MeterId,
        date: Date,
    ) -> StoreResult<Vec<Date>> {
        let rows = self
            .query(
                "SELECT DISTINCT period_from FROM invoice \
                 WHERE account_id = $1 AND meter_id = $2 AND state = 'issued' \
                 AND period_from >= $3 ORDER BY period_from",
                &[account.into(), meter.into(), date.into()],
            )
            .await?;
        rows.iter().map(|row| row.parsed(0)).collect()
    }

    /// Forgets a held period that is none any more: the meter's first readings came late, or
    /// its terms changed.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn forget_held(
        &mut self,
        account: AccountId,
        meter: MeterId,
        from: Date,
    ) -> StoreResult<()> {
        self.execute(
            "DELETE FROM invoice WHERE account_id = $1 AND meter_id = $2 \
             AND period_from = $3 AND state = 'held'",
            &[account.into(), meter.into(), from.into()],
        )
        .await?;
        Ok(())
    }
}
