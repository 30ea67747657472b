//! The links on paper: who has the token sees one invoice, without names.

use common::id::{AccountId, InvoiceId};
use jiff::Timestamp;

use super::{StoreResult, Transaction};
use crate::secret;

impl Transaction {
    /// Makes an invoice's link.
    ///
    /// # Errors
    /// When the engine cannot.
    pub(super) async fn add_invoice_link(
        &mut self,
        account: AccountId,
        id: InvoiceId,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO invoice_link (token, account_id, invoice_id, created_ms) \
             VALUES ($1, $2, $3, $4)",
            &[
                secret::paper_token().as_str().into(),
                account.into(),
                id.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// The token of an invoice's link, unless it was revoked.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoice_link(
        &mut self,
        account: AccountId,
        id: InvoiceId,
    ) -> StoreResult<Option<String>> {
        let found = self
            .query_one(
                "SELECT token FROM invoice_link \
                 WHERE account_id = $1 AND invoice_id = $2 AND revoked_ms IS NULL",
                &[account.into(), id.into()],
            )
            .await?;
        found.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// The invoice whose link has that token, unless it was revoked.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn invoice_of_link(
        &mut self,
        token: &str,
    ) -> StoreResult<Option<(AccountId, InvoiceId)>> {
        let found = self
            .query_one(
                "SELECT account_id, invoice_id FROM invoice_link \
                 WHERE token = $1 AND revoked_ms IS NULL",
                &[token.into()],
            )
            .await?;
        found
            .map(|row| Ok((AccountId(row.int(0)?), InvoiceId(row.int(1)?))))
            .transpose()
    }

    /// Ends an invoice's link for ever.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn revoke_invoice_link(
        &mut self,
        account: AccountId,
        id: InvoiceId,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE invoice_link SET revoked_ms = $3 \
             WHERE account_id = $1 AND invoice_id = $2 AND revoked_ms IS NULL",
            &[account.into(), id.into(), now.into()],
        )
        .await?;
        Ok(())
    }
}
