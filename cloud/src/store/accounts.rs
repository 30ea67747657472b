//! The integrators' accounts.

use common::id::AccountId;
use jiff::Timestamp;

use super::{Row, StoreResult, Transaction, new_id};
use crate::account::Account;

fn account(row: &Row) -> StoreResult<Account> {
    Ok(Account {
        id: AccountId(row.int(0)?),
        name: row.text(1)?.to_owned(),
        contact: row.text(2)?.to_owned(),
    })
}

impl Transaction {
    /// Adds an account, whose first invoice will have number 1.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_account(&mut self, name: &str, now: Timestamp) -> StoreResult<Account> {
        let id = AccountId(new_id(now));
        self.execute(
            "INSERT INTO account (account_id, name, contact, next_invoice_number, created_ms) \
             VALUES ($1, $2, '', 1, $3)",
            &[id.into(), name.into(), now.into()],
        )
        .await?;
        Ok(Account {
            id,
            name: name.to_owned(),
            contact: String::new(),
        })
    }

    /// The account of that identity.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn account(&mut self, id: AccountId) -> StoreResult<Option<Account>> {
        let found = self
            .query_one(
                "SELECT account_id, name, contact FROM account WHERE account_id = $1",
                &[id.into()],
            )
            .await?;
        found.as_ref().map(account).transpose()
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn accounts(&mut self) -> StoreResult<Vec<Account>> {
        let rows = self
            .query(
                "SELECT account_id, name, contact FROM account ORDER BY name, account_id",
                &[],
            )
            .await?;
        rows.iter().map(account).collect()
    }

    /// Gives an account the name and contact that `changed` has; invoices that were issued keep
    /// the old ones.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_account(&mut self, changed: &Account) -> StoreResult<()> {
        self.execute(
            "UPDATE account SET name = $2, contact = $3 WHERE account_id = $1",
            &[
                changed.id.into(),
                changed.name.as_str().into(),
                changed.contact.as_str().into(),
            ],
        )
        .await?;
        Ok(())
    }
}
