//! The invoices: held ones, which may still become invoices, and issued ones, which never
//! change.

#[cfg(test)]
mod tests;

use common::id::{AccountId, InvoiceId, MeterId};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, StoreError, StoreResult, Transaction, new_id};
use crate::billing::invoice::{Invoice, Period};
use crate::proof::sign;

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

/// What an invoice gets when it is issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its identity.
    pub id: InvoiceId,
    /// Its number in the account, one more than the last.
    pub number: u64,
    /// The account's name.
    pub issuer: String,
    /// Whom to ask.
    pub contact: String,
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
                "INSERT INTO invoice (account_id, meter_id, period_from, period_until, \
                 invoice_id, state, reason, created_ms) \
                 VALUES ($1, $2, $3, $4, $5, 'held', $6, $7) \
                 ON CONFLICT (account_id, meter_id, period_from) DO UPDATE \
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

    /// Issues the invoice that `make` writes, under the account's next number, unless the
    /// period's invoice was issued before: with the readings that it rests on, signed by
    /// `key`, and with a link for paper. A number is taken only if the transaction is
    /// committed, so that there are no gaps.
    ///
    /// # Errors
    /// When the engine cannot, or there is no such account.
    pub async fn issue_invoice(
        &mut self,
        account: AccountId,
        meter: MeterId,
        period: &Period,
        now: Timestamp,
        key: &SigningKey,
        make: impl FnOnce(Issue) -> Invoice,
    ) -> StoreResult<Option<Invoice>> {
        // Holds the account's row: whoever issues at the same time waits here.
        let taken = self
            .query_one(
                "UPDATE account SET next_invoice_number = next_invoice_number + 1 \
                 WHERE account_id = $1 AND NOT EXISTS (SELECT 1 FROM invoice \
                 WHERE invoice.account_id = $1 AND invoice.meter_id = $2 \
                 AND invoice.period_from = $3 AND invoice.state = 'issued') \
                 RETURNING next_invoice_number - 1, name, contact",
                &[account.into(), meter.into(), period.from.into()],
            )
            .await?;
        let Some(taken) = taken else {
            return Ok(None);
        };
        let before = self
            .query_one(
                "SELECT invoice_id FROM invoice \
                 WHERE account_id = $1 AND meter_id = $2 AND period_from = $3",
                &[account.into(), meter.into(), period.from.into()],
            )
            .await?;
        let id = before.map_or(Ok(new_id(now)), |row| row.int(0))?;
        let mut invoice = make(Issue {
            id: InvoiceId(id),
            number: taken.number(0)?,
            issuer: taken.text(1)?.to_owned(),
            contact: taken.text(2)?.to_owned(),
        });
        self.write_issued(&mut invoice, now, key).await?;
        self.add_invoice_link(account, invoice.id, now).await?;
        Ok(Some(invoice))
    }

    async fn write_issued(
        &mut self,
        invoice: &mut Invoice,
        now: Timestamp,
        key: &SigningKey,
    ) -> StoreResult<()> {
        let evidence = self.gather_evidence(invoice).await?;
        let fault = |error| StoreError::Content(format!("an invoice is no JSON: {error}"));
        let snapshot = serde_json::to_value(&*invoice).map_err(fault)?;
        let evidence = serde_json::to_value(&evidence).map_err(fault)?;
        let proof = sign(key, &snapshot, &evidence)
            .map_err(|error| StoreError::Content(format!("an invoice: {error}")))?;
        let proof = serde_json::to_string(&proof).map_err(fault)?;
        let number = i64::try_from(invoice.number)
            .map_err(|error| StoreError::Content(format!("an invoice number: {error}")))?;
        let written = self
            .execute(
                "INSERT INTO invoice (account_id, meter_id, period_from, period_until, \
                 invoice_id, state, number, quantity, unit, currency, total, snapshot, \
                 issued_ms, created_ms, evidence, proof) \
                 VALUES ($1, $2, $3, $4, $5, 'issued', $6, $7, $8, $9, $10, $11, $12, $12, \
                 $13, $14) \
                 ON CONFLICT (account_id, meter_id, period_from) DO UPDATE \
                 SET period_until = excluded.period_until, state = 'issued', reason = NULL, \
                 number = excluded.number, quantity = excluded.quantity, \
                 unit = excluded.unit, currency = excluded.currency, total = excluded.total, \
                 snapshot = excluded.snapshot, issued_ms = excluded.issued_ms, \
                 evidence = excluded.evidence, proof = excluded.proof \
                 WHERE invoice.state = 'held'",
                &[
                    invoice.account.into(),
                    invoice.meter.into(),
                    invoice.period.from.into(),
                    invoice.period.until.into(),
                    invoice.id.into(),
                    number.into(),
                    invoice.billed.into(),
                    invoice.unit.code().into(),
                    invoice.currency.code().into(),
                    invoice.total.into(),
                    snapshot.to_string().into(),
                    now.into(),
                    evidence.to_string().into(),
                    proof.into(),
                ],
            )
            .await?;
        if written == 1 {
            Ok(())
        } else {
            // The number goes back with the transaction.
            Err(StoreError::Content(
                "the invoice of this period was issued meanwhile".to_owned(),
            ))
        }
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

    /// The newest `limit` issued invoices of a meter, the newest period first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoices_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
        limit: i64,
    ) -> StoreResult<Vec<Invoice>> {
        let rows = self
            .query(
                "SELECT snapshot FROM invoice \
                 WHERE account_id = $1 AND meter_id = $2 AND state = 'issued' \
                 ORDER BY period_from DESC LIMIT $3",
                &[account.into(), meter.into(), limit.into()],
            )
            .await?;
        rows.iter().map(issued).collect()
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
        let rows = self
            .query(
                "SELECT snapshot FROM invoice \
                 WHERE account_id = $1 AND state = 'issued' AND number < $2 \
                 ORDER BY number DESC LIMIT $3",
                &[account.into(), before.into(), limit.into()],
            )
            .await?;
        rows.iter().map(issued).collect()
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

    /// The newest `limit` issued invoices of a meter whose period ended by the start of
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
        let rows = self
            .query(
                "SELECT snapshot FROM invoice \
                 WHERE account_id = $1 AND meter_id = $2 AND state = 'issued' \
                 AND period_until <= $3 ORDER BY period_from DESC LIMIT $4",
                &[account.into(), meter.into(), date.into(), limit.into()],
            )
            .await?;
        rows.iter().map(issued).collect()
    }

    /// The first days of a meter's issued periods from `date` on.
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
                "SELECT period_from FROM invoice \
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
