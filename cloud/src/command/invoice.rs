//! Invoices for the operator: which there are, one with all that proves it, and by which key
//! they are signed.

use anyhow::{Context as _, bail, ensure};
use common::digest::{fingerprint, public_key};
use common::id::{AccountId, InvoiceId};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::proof::Export;
use crate::store::{Store, Transaction};

/// The most invoices of one list.
const LISTED_MAX: i64 = 1_000;

/// Which invoice is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceName {
    /// Its number or its identity.
    pub invoice: String,
    /// Its account, by name or identity, where several have that number.
    pub account: Option<String>,
}

/// Which invoices are to be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceList {
    /// Those of an account, by name or identity; without it those of all.
    pub account: Option<String>,
    /// The newest of each account.
    pub limit: u16,
}

/// An invoice in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedInvoice {
    /// Its identity.
    pub id: InvoiceId,
    /// Its number.
    pub number: u64,
    /// The account's name when it was issued.
    pub issuer: String,
    /// The meter's label.
    pub meter_label: String,
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// What it asks for.
    pub total: Decimal,
    /// In what.
    pub currency: Currency,
}

/// The key that signs the invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerKey {
    /// The public key, base64.
    pub public_key: String,
    /// Its short form, by which people compare it.
    pub fingerprint: String,
}

/// The accounts that are meant: that one, or all.
async fn accounts(
    reader: &mut Transaction,
    wanted: Option<&str>,
) -> anyhow::Result<Vec<AccountId>> {
    let accounts = reader.accounts().await?;
    let is_meant = |id: AccountId, name: &str| {
        wanted.is_none_or(|wanted| wanted == name || wanted == id.to_string())
    };
    let found: Vec<AccountId> = accounts
        .iter()
        .filter(|account| is_meant(account.id, &account.name))
        .map(|account| account.id)
        .collect();
    if let (Some(wanted), true) = (wanted, found.is_empty()) {
        bail!("there is no account '{wanted}': write its name or its identity");
    }
    Ok(found)
}

/// An invoice with all that proves it.
///
/// # Errors
/// When there is none, several, or the store cannot.
pub async fn invoice_export(store: &Store, name: &InvoiceName) -> anyhow::Result<Export> {
    let mut reader = store.read().await?;
    let wanted = &name.invoice;
    let mut found = match (wanted.parse::<i64>(), wanted.parse::<InvoiceId>()) {
        // An identity may be all digits, but has as many as no number.
        (_, Ok(id)) => {
            let account = reader.account_of_invoice(id).await?;
            account.map(|account| (account, id)).into_iter().collect()
        }
        (Ok(number), _) => reader.invoices_numbered(number).await?,
        (Err(_), Err(_)) => {
            bail!("'{wanted}' is neither the number of an invoice nor its identity")
        }
    };
    if let Some(account) = &name.account {
        let meant = accounts(&mut reader, Some(account)).await?;
        found.retain(|(account, _)| meant.contains(account));
    }
    ensure!(
        found.len() < 2,
        "{} accounts have an invoice {wanted}: say which with --account",
        found.len()
    );
    let (account, id) = found
        .pop()
        .with_context(|| format!("there is no invoice {wanted}: enervue-cloud invoice list"))?;
    let export = reader.invoice_export(account, id).await?;
    export.with_context(|| format!("there is no invoice {wanted}"))
}

/// The newest invoices.
///
/// # Errors
/// When there is no such account, or the store cannot.
pub async fn invoice_list(store: &Store, list: &InvoiceList) -> anyhow::Result<Vec<ListedInvoice>> {
    let mut reader = store.read().await?;
    let limit = i64::from(list.limit).min(LISTED_MAX);
    let mut found = Vec::new();
    for account in accounts(&mut reader, list.account.as_deref()).await? {
        let invoices = reader.invoices(account, None, limit).await?;
        found.extend(invoices.into_iter().map(|invoice| ListedInvoice {
            id: invoice.id,
            number: invoice.number,
            issuer: invoice.issuer,
            meter_label: invoice.meter_label,
            from: invoice.period.from,
            until: invoice.period.until,
            total: invoice.total,
            currency: invoice.currency,
        }));
    }
    Ok(found)
}

/// The key that signs the invoices.
///
/// # Errors
/// When there is none yet, or the store cannot.
pub async fn issuer_key(store: &Store) -> anyhow::Result<IssuerKey> {
    let public_key_text = store.read().await?.issuer_key().await?;
    let public_key_text =
        public_key_text.context("there is no key yet: it is made when the server starts")?;
    let fingerprint = fingerprint(&public_key(&public_key_text)?);
    Ok(IssuerKey {
        public_key: public_key_text,
        fingerprint,
    })
}
