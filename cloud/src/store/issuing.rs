//! What an invoice rests on, and its proof.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use common::id::{AccountId, InvoiceId};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::gateways::GatewayKey;
use super::readings::Stream;
use super::{StoreError, StoreResult, Transaction};
use crate::billing::consumption::Taken;
use crate::billing::invoice::Invoice;
use crate::billing::segment::{Basis, Boundary, Evidence as Rest};
use crate::proof::{Evidence, Export, Proof, SealKey};

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

impl Transaction {
    /// Gathers the readings that an invoice rests on, with the chain of seals between them.
    /// A link that is not in the meter's chain seals nothing: the invoice does not name it.
    ///
    /// # Errors
    /// When the engine cannot.
    pub(super) async fn gather_evidence(&mut self, invoice: &mut Invoice) -> StoreResult<Evidence> {
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
