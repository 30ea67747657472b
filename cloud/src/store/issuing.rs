//! Issuing: a document's place, its number, what it rests on, and its proof.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use common::id::{AccountId, InvoiceId, MeterId};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;

use super::gateways::GatewayKey;
use super::readings::Stream;
use super::{StoreError, StoreResult, Transaction, new_id};
use crate::billing::consumption::Taken;
use crate::billing::invoice::{Invoice, Period};
use crate::billing::segment::{Basis, Boundary, Evidence as Rest};
use crate::proof::{Evidence, Export, Proof, SealKey, sign};

/// The most invoices of one number that are told apart.
const SAME_NUMBER_MAX: i64 = 100;

/// The readings that a boundary rests on.
fn readings_of(boundary: &mut Boundary) -> Vec<&mut Rest> {
    match &mut boundary.basis {
        Basis::Read { reading } => vec![reading],
        Basis::Interpolated { before, after, .. } => vec![before, after],
        Basis::Estimated { before, after } => before.iter_mut().chain(after).collect(),
        Basis::Noted { .. } => Vec::new(),
    }
}

/// What a document gets when it is issued.
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

/// A document of a period: one that is issued keeps others from its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    account: AccountId,
    meter: MeterId,
    from: Date,
    kind: &'static str,
    revision: i64,
}

impl Transaction {
    /// Issues the invoice of a period that `make` writes, under the account's next number,
    /// unless one was issued before: with the readings that it rests on, signed by `key`, and
    /// with a link for paper. A number is taken only if the transaction is committed, so that
    /// there are no gaps.
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
        let slot = Slot {
            account,
            meter,
            from: period.from,
            kind: "invoice",
            revision: 1,
        };
        self.issue(slot, now, key, make).await
    }

    /// Takes an issued invoice back, once, by a credit under a number of its own. Nothing when it
    /// was taken back before, or is no invoice.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn credit_invoice(
        &mut self,
        invoice: &Invoice,
        reason: &str,
        now: Timestamp,
        key: &SigningKey,
    ) -> StoreResult<Option<Invoice>> {
        let Some(revision) = self.revision_of(invoice).await? else {
            return Ok(None);
        };
        let slot = Slot {
            account: invoice.account,
            meter: invoice.meter,
            from: invoice.period.from,
            kind: "credit",
            revision,
        };
        let make = |issue: Issue| Invoice {
            issuer: issue.issuer,
            contact: issue.contact,
            ..invoice.credit(issue.id, issue.number, reason, now)
        };
        self.issue(slot, now, key, make).await
    }

    /// Issues the invoice that stands in the place of one that was taken back.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn replace_invoice(
        &mut self,
        before: &Invoice,
        now: Timestamp,
        key: &SigningKey,
        make: impl FnOnce(Issue) -> Invoice,
    ) -> StoreResult<Option<Invoice>> {
        let Some(revision) = self.revision_of(before).await? else {
            return Ok(None);
        };
        let slot = Slot {
            account: before.account,
            meter: before.meter,
            from: before.period.from,
            kind: "invoice",
            revision: revision + 1,
        };
        self.issue(slot, now, key, make).await
    }

    async fn revision_of(&mut self, invoice: &Invoice) -> StoreResult<Option<i64>> {
        let found = self
            .query_one(
                "SELECT revision FROM invoice WHERE account_id = $1 AND invoice_id = $2 \
                 AND kind = 'invoice' AND state = 'issued'",
                &[invoice.account.into(), invoice.id.into()],
            )
            .await?;
        found.map(|row| row.int(0)).transpose()
    }

    /// The credit that takes an invoice back, and the invoice in its place, as far as there are
    /// any.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn corrections_of(
        &mut self,
        invoice: &Invoice,
    ) -> StoreResult<(Option<Invoice>, Option<Invoice>)> {
        let Some(revision) = self.revision_of(invoice).await? else {
            return Ok((None, None));
        };
        let mut found = Vec::new();
        for (kind, revision) in [("credit", revision), ("invoice", revision + 1)] {
            let values = [
                invoice.account.into(),
                invoice.meter.into(),
                invoice.period.from.into(),
                kind.into(),
                revision.into(),
            ];
            let row = self
                .query_one(
                    "SELECT snapshot FROM invoice WHERE account_id = $1 AND meter_id = $2 \
                     AND period_from = $3 AND kind = $4 AND revision = $5 AND state = 'issued'",
                    &values,
                )
                .await?;
            found.push(row.map(|row| row.json(0)).transpose()?);
        }
        let replacement = found.pop().flatten();
        Ok((found.pop().flatten(), replacement))
    }

    async fn issue(
        &mut self,
        slot: Slot,
        now: Timestamp,
        key: &SigningKey,
        make: impl FnOnce(Issue) -> Invoice,
    ) -> StoreResult<Option<Invoice>> {
        // Holds the account's row: whoever issues at the same time waits here, and sees with the
        // next statement what was issued meanwhile.
        let taken = self
            .query_one(
                "UPDATE account SET next_invoice_number = next_invoice_number + 1 \
                 WHERE account_id = $1 RETURNING next_invoice_number - 1, name, contact",
                &[slot.account.into()],
            )
            .await?;
        let taken = taken.ok_or_else(|| {
            StoreError::Content(format!("there is no account {} to issue in", slot.account))
        })?;
        let before = self
            .query_one(
                "SELECT invoice_id, state FROM invoice WHERE account_id = $1 AND meter_id = $2 \
                 AND period_from = $3 AND kind = $4 AND revision = $5",
                &[
                    slot.account.into(),
                    slot.meter.into(),
                    slot.from.into(),
                    slot.kind.into(),
                    slot.revision.into(),
                ],
            )
            .await?;
        let id = match before {
            None => new_id(now),
            Some(row) if row.text(1)? == "issued" => {
                self.give_number_back(slot.account).await?;
                return Ok(None);
            }
            // A held period's invoice has its identity already.
            Some(row) => row.int(0)?,
        };
        let mut invoice = make(Issue {
            id: InvoiceId(id),
            number: taken.number(0)?,
            issuer: taken.text(1)?.to_owned(),
            contact: taken.text(2)?.to_owned(),
        });
        self.write_issued(slot, &mut invoice, now, key).await?;
        self.add_invoice_link(slot.account, invoice.id, now).await?;
        Ok(Some(invoice))
    }

    /// The last number that this transaction took is the next one again.
    async fn give_number_back(&mut self, account: AccountId) -> StoreResult<()> {
        self.execute(
            "UPDATE account SET next_invoice_number = next_invoice_number - 1 \
             WHERE account_id = $1",
            &[account.into()],
        )
        .await?;
        Ok(())
    }

    async fn write_issued(
        &mut self,
        slot: Slot,
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
                "INSERT INTO invoice (account_id, meter_id, period_from, period_until, kind, \
                 revision, invoice_id, state, number, quantity, unit, currency, total, snapshot, \
                 issued_ms, created_ms, evidence, proof) \
                 VALUES ($1, $2, $3, $4, $15, $16, $5, 'issued', $6, $7, $8, $9, $10, $11, $12, \
                 $12, $13, $14) \
                 ON CONFLICT (account_id, meter_id, period_from, kind, revision) DO UPDATE \
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
                    slot.kind.into(),
                    slot.revision.into(),
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

    /// Gathers the readings that an invoice rests on, with the chain of seals between them.
    /// A link that is not in the meter's chain seals nothing: the invoice does not name it.
    ///
    /// # Errors
    /// When the engine cannot.
    async fn gather_evidence(&mut self, invoice: &mut Invoice) -> StoreResult<Evidence> {
        let account = invoice.account;
        let links = invoice.segments.boundaries().flat_map(|boundary| {
            let readings = boundary.basis.readings().into_iter();
            readings.filter_map(|reading| reading.link)
        });
        let links: BTreeSet<u64> = links.collect();
        let mut evidence = Evidence::default();
        if let (Some(first), Some(last)) = (links.first(), links.last()) {
            let chain = self.chain(account, invoice.meter, *first, *last).await?;
            for (kept, public_key) in chain {
                let gateway = kept.gateway;
                let key = SealKey {
                    gateway,
                    public_key,
                };
                if !evidence.keys.contains(&key) {
                    evidence.keys.push(key);
                }
                evidence.readings.push(Taken::from(kept));
            }
        }
        let place = |taken: &Taken| (taken.gateway, taken.epoch, taken.reading.seq);
        let mut there: BTreeSet<_> = evidence.readings.iter().map(place).collect();
        let mut others = Vec::new();
        let sealed = there.clone();
        invoice.segments.for_each_mut(|segment| {
            for boundary in [&mut segment.opening, &mut segment.closing] {
                for reading in readings_of(boundary) {
                    let place = (reading.gateway, reading.epoch, reading.seq);
                    if !sealed.contains(&place) {
                        reading.link = None;
                    }
                    if there.insert(place) {
                        others.push(place);
                    }
                }
            }
        });
        for (gateway, epoch, seq) in others {
            let key = GatewayKey { account, gateway };
            let kept = self
                .readings_numbered(Stream { key, epoch }, seq, seq)
                .await?;
            for mut taken in kept.into_iter().map(Taken::from) {
                taken.reading.seal = None;
                evidence.readings.push(taken);
            }
        }
        Ok(evidence)
    }

    /// An issued invoice with all that proves it, in one document.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoice_export(
        &mut self,
        account: AccountId,
        id: InvoiceId,
    ) -> StoreResult<Option<Export>> {
        let found = self
            .query_one(
                "SELECT snapshot, evidence, proof FROM invoice \
                 WHERE account_id = $1 AND invoice_id = $2 AND state = 'issued'",
                &[account.into(), id.into()],
            )
            .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let (invoice, evidence, proof): (Json, Json, Proof) =
            (row.json(0)?, row.json(1)?, row.json(2)?);
        Export::new(invoice, evidence, proof)
            .map(Some)
            .map_err(|error| StoreError::Content(format!("the invoice {id}: {error}")))
    }

    /// The issued invoices of all accounts that have a number, for the operator.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoices_numbered(
        &mut self,
        number: i64,
    ) -> StoreResult<Vec<(AccountId, InvoiceId)>> {
        let rows = self
            .query(
                "SELECT account_id, invoice_id FROM invoice \
                 WHERE number = $1 AND state = 'issued' ORDER BY account_id LIMIT $2",
                &[number.into(), SAME_NUMBER_MAX.into()],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((AccountId(row.int(0)?), InvoiceId(row.int(1)?))))
            .collect()
    }

    /// The account of an issued invoice, for the operator.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn account_of_invoice(&mut self, id: InvoiceId) -> StoreResult<Option<AccountId>> {
        let found = self
            .query_one(
                "SELECT account_id FROM invoice WHERE invoice_id = $1 AND state = 'issued'",
                &[id.into()],
            )
            .await?;
        found.map(|row| row.int(0).map(AccountId)).transpose()
    }

    /// The public key by which this installation signs; nothing before its first start.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn issuer_key(&mut self) -> StoreResult<Option<String>> {
        let found = self
            .query_one("SELECT public_key FROM issuer_key", &[])
            .await?;
        found.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Makes `public_key` the one by which this installation signs, unless it has one.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn keep_issuer_key(&mut self, public_key: &str, now: Timestamp) -> StoreResult<()> {
        self.execute(
            "INSERT INTO issuer_key (place, public_key, created_ms) VALUES (1, $1, $2) \
             ON CONFLICT (place) DO NOTHING",
            &[public_key.into(), now.into()],
        )
        .await?;
        Ok(())
    }
}
