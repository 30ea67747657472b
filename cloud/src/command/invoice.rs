//! Invoices for the operator: which there are, one with all that proves it, why it asks for what
//! it asks, and by which key they are signed.

use anyhow::{Context as _, bail, ensure};
use common::digest::{fingerprint, public_key};
use common::id::{AccountId, InvoiceId};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::billing::explain::{Against, Explanation};
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::currency::Currency;
use crate::document::say::Say;
use crate::explained::{Compared, explained};
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

/// Why an invoice asks for what it asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedInvoice {
    /// The invoice.
    pub invoice: ListedInvoice,
    /// What it was compared with: the last one, and that of a year before.
    pub compared: Vec<ExplainedComparison>,
}

/// A comparison of two invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedComparison {
    /// With which one.
    pub against: Against,
    /// The difference and its parts; nothing where they cannot be compared.
    pub explanation: Option<Explanation>,
    /// With which one, in the invoice's language, as all that follows.
    pub heading: String,
    /// The parts, and the whole difference last.
    pub rows: Vec<ExplainedRow>,
    /// Why there are none.
    pub problem: String,
}

/// A part of a difference, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedRow {
    /// What it comes from.
    pub name: String,
    /// The figures behind it.
    pub how: String,
    /// How much more, with its sign.
    pub amount: String,
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
    let (account, id) = find(&mut reader, name).await?;
    let export = reader.invoice_export(account, id).await?;
    export.with_context(|| format!("there is no invoice {}", name.invoice))
}

/// Why an invoice asks for what it asks.
///
/// # Errors
/// When there is none, several, it is a credit, or the store cannot.
pub async fn invoice_explain(
    store: &Store,
    name: &InvoiceName,
) -> anyhow::Result<ExplainedInvoice> {
    let mut reader = store.read().await?;
    let (account, id) = find(&mut reader, name).await?;
    let invoice = reader.invoice(account, id).await?;
    let invoice = invoice.with_context(|| format!("there is no invoice {}", name.invoice))?;
    ensure!(
        invoice.kind == DocumentKind::Invoice,
        "{} is a credit: it gives back an invoice, line by line; explain that one",
        name.invoice
    );
    let compared = explained(&mut reader, &invoice).await?;
    let say = Say::new(&invoice)?;
    Ok(ExplainedInvoice {
        compared: compared.iter().map(|one| comparison(one, &say)).collect(),
        invoice: listed(&invoice),
    })
}

fn comparison(compared: &Compared, say: &Say<'_>) -> ExplainedComparison {
    let told = compared.told(say);
    let rows = told.rows.into_iter().map(|row| ExplainedRow {
        name: row.name,
        how: row.how,
        amount: row.value,
    });
    ExplainedComparison {
        against: compared.against,
        explanation: compared.explanation.clone().ok(),
        heading: told.heading,
        rows: rows.collect(),
        problem: told.problem,
    }
}

/// The invoice that is meant.
async fn find(
    reader: &mut Transaction,
    name: &InvoiceName,
) -> anyhow::Result<(AccountId, InvoiceId)> {
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
        let meant = accounts(reader, Some(account)).await?;
        found.retain(|(account, _)| meant.contains(account));
    }
    ensure!(
        found.len() < 2,
        "{} accounts have an invoice {wanted}: say which with --account",
        found.len()
    );
    found
        .pop()
        .with_context(|| format!("there is no invoice {wanted}: enervue-cloud invoice list"))
}

fn listed(invoice: &Invoice) -> ListedInvoice {
    ListedInvoice {
        id: invoice.id,
        number: invoice.number,
        issuer: invoice.issuer.clone(),
        meter_label: invoice.meter_label.clone(),
        from: invoice.period.from,
        until: invoice.period.until,
        total: invoice.total,
        currency: invoice.currency,
    }
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
        found.extend(invoices.iter().map(listed));
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
