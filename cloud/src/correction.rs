//! Taking an issued invoice back, with or without another in its place.
//!
//! The credit, the invoice in its place and their notices are one transaction: a second click,
//! or another person at the same time, finds the invoice taken back and changes nothing. The new
//! invoice bills the same period, from the readings, terms and devices as they are known now; the
//! registers with which the bills beside it ended and began stand. To change such a register, the
//! later bill is taken back first.

use anyhow::Context as _;
use common::profile::Library;
use ed25519_dalek::SigningKey;
use jiff::Timestamp;

use crate::billing::hold::Hold;
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::jobs::close_periods::notify;
use crate::jobs::close_periods::read::{Closed, Outcome, close_again, earlier};
use crate::site::Meter;
use crate::store::Transaction;

/// What would stand in the place of an invoice.
pub(crate) enum Proposal {
    /// This bill.
    Bill(Box<Closed>),
    /// None: the period cannot be billed as things are.
    Held(Hold),
}

/// What was done.
pub(crate) enum Done {
    /// The invoice was taken back.
    Credited {
        /// By this credit.
        credit: Box<Invoice>,
        /// This invoice is in its place.
        replacement: Option<Box<Invoice>>,
    },
    /// It had been taken back before, or is no invoice.
    Before,
    /// No other can be put in its place; nothing was changed.
    Held(Hold),
}

/// How an invoice is taken back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    /// Why, in somebody's words; it stands on both documents.
    pub(crate) reason: &'a str,
    /// Whether another is put in its place.
    pub(crate) is_replaced: bool,
}

/// What would be billed for an invoice's period now.
pub(crate) async fn propose(
    reader: &mut Transaction,
    profiles: &Library,
    invoice: &Invoice,
    now: Timestamp,
) -> anyhow::Result<Proposal> {
    let meter = meter_of(reader, invoice).await?;
    let outcome = close_again(reader, profiles, &meter, &invoice.period, now).await?;
    Ok(match outcome {
        Outcome::Issue(closed) => Proposal::Bill(closed),
        Outcome::Hold(_, hold) => Proposal::Held(hold),
    })
}

/// Takes an invoice back. The transaction is the caller's to commit.
pub(crate) async fn carry_out(
    writer: &mut Transaction,
    (profiles, issuer): (&Library, &SigningKey),
    invoice: &Invoice,
    order: Order<'_>,
    now: Timestamp,
) -> anyhow::Result<Done> {
    if invoice.kind != DocumentKind::Invoice {
        return Ok(Done::Before);
    }
    let credit = writer.credit_invoice(invoice, order.reason, now, issuer);
    let Some(credit) = credit.await? else {
        return Ok(Done::Before);
    };
    notify(writer, &credit, now).await?;
    if !order.is_replaced {
        return Ok(Done::Credited {
            credit: Box::new(credit),
            replacement: None,
        });
    }
    let meter = meter_of(writer, invoice).await?;
    let closed = match propose(writer, profiles, invoice, now).await? {
        Proposal::Bill(closed) => closed,
        Proposal::Held(hold) => return Ok(Done::Held(hold)),
    };
    let site = writer.site(meter.account, meter.site).await?;
    let site = site.context("the meter's site is missing")?.name;
    let before = earlier(writer, &meter, &closed).await?;
    let replacement = writer
        .replace_invoice(invoice, now, issuer, |issue| Invoice {
            corrects: Some(invoice.correction(order.reason)),
            ..closed.invoice(&meter, &site, before, issue, now)
        })
        .await?;
    let replacement = replacement.context("the invoice was replaced meanwhile")?;
    notify(writer, &replacement, now).await?;
    Ok(Done::Credited {
        credit: Box::new(credit),
        replacement: Some(Box::new(replacement)),
    })
}

async fn meter_of(reader: &mut Transaction, invoice: &Invoice) -> anyhow::Result<Meter> {
    let meter = reader.meter(invoice.account, invoice.meter).await?;
    meter.context("the invoice's meter is missing")
}
