//! Closes the periods whose send instant has come: issues their invoices with the notices
//! of them, or keeps why they are held.
//!
//! Running it twice, or on two machines at once, issues an invoice once: the period is its
//! key, and number, snapshot and notices are one transaction. A held period is looked at
//! again on every run, for data that came late.

pub(crate) mod read;
#[cfg(test)]
mod tests;

use anyhow::Context as _;
use common::fail_point::fail_point;
use common::id::{AccountId, MeterId};
use common::profile::Library;
use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};

use self::read::{Closed, Outcome, Work, earlier, held_by_person, read_work};
use crate::billing::hold::Hold;
use crate::billing::invoice::{Invoice, Period};
use crate::notice;
use crate::site::Meter;
use crate::store::{Store, Transaction};

/// Meters taken from the store at once.
const METERS_AT_ONCE: i64 = 100;
/// Held periods taken from the store at once.
const HELD_AT_ONCE: i64 = 200;
/// When a meter that could not be looked at is tried again.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(15);

/// Closes what is due by `now`: `profiles` say how the devices' registers count, `issuer` signs
/// the invoices.
///
/// # Errors
/// When the store cannot be reached.
pub async fn run(
    store: &Store,
    profiles: &Library,
    issuer: &SigningKey,
    now: Timestamp,
) -> anyhow::Result<()> {
    retry_held(store, profiles, issuer, now).await?;
    loop {
        let mut reader = store.read().await?;
        let meters = reader.meters_to_close(now, METERS_AT_ONCE).await?;
        drop(reader);
        if meters.is_empty() {
            return Ok(());
        }
        for meter in &meters {
            close_meter_or_postpone(store, profiles, issuer, meter, now).await?;
        }
    }
}

/// Looks at the held periods again.
async fn retry_held(
    store: &Store,
    profiles: &Library,
    issuer: &SigningKey,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut last = None;
    let mut seen: Option<(AccountId, MeterId)> = None;
    loop {
        let mut reader = store.read().await?;
        let page = reader.held_invoices(last.as_ref(), HELD_AT_ONCE).await?;
        let mut meters = Vec::new();
        for held in &page {
            let key = (held.account, held.meter);
            if seen.replace(key) != Some(key) {
                meters.extend(reader.meter(held.account, held.meter).await?);
            }
        }
        drop(reader);
        for meter in &meters {
            close_meter_or_postpone(store, profiles, issuer, meter, now).await?;
        }
        last = page.last().cloned();
        if last.is_none() {
            return Ok(());
        }
    }
}

/// One meter's trouble does not keep the others from their invoices.
async fn close_meter_or_postpone(
    store: &Store,
    profiles: &Library,
    issuer: &SigningKey,
    meter: &Meter,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Err(error) = close_meter(store, profiles, issuer, meter, now).await else {
        return Ok(());
    };
    let (account, id) = (meter.account, meter.id);
    tracing::error!(%account, meter = %id, error = format!("{error:#}"), "periods not closed");
    let mut writer = store.write().await?;
    if writer.next_close(account, id).await? > Some(now) {
        // Somebody else closed them meanwhile, or they were closed and are held.
        return Ok(());
    }
    let again = now
        .checked_add(AFTER_FAILURE)
        .context("beyond the calendar")?;
    writer.set_next_close(account, id, again).await?;
    writer.commit().await?;
    Ok(())
}

async fn close_meter(
    store: &Store,
    profiles: &Library,
    issuer: &SigningKey,
    meter: &Meter,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut reader = store.read().await?;
    let work = read_work(&mut reader, profiles, meter, now).await?;
    drop(reader);
    match work.is_written {
        true => Ok(()),
        false => write(store, issuer, meter, &work, now).await,
    }
}

/// Writes what was read and decided, all of it or nothing: when somebody issued or took back
/// documents of the meter meanwhile, its bills may stand on other registers, and the next look
/// decides.
async fn write(
    store: &Store,
    issuer: &SigningKey,
    meter: &Meter,
    work: &Work,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (account, id) = (meter.account, meter.id);
    let mut writer = store.write().await?;
    // Somebody may have held it since it was read; the next run sees that.
    let held_meanwhile = held_by_person(&mut writer, meter).await?.is_some();
    let mut documents = work.documents;
    for outcome in &work.outcomes {
        match outcome {
            Outcome::Issue(_) if held_meanwhile => return Ok(()),
            Outcome::Issue(closed) => {
                issue(&mut writer, issuer, meter, work, closed, now).await?;
                if is_adjusted_meanwhile(&mut writer, meter, closed).await? {
                    return Ok(());
                }
                documents = documents.saturating_add(1);
            }
            Outcome::Hold(period, hold) => keep_hold(&mut writer, meter, period, hold, now).await?,
        }
    }
    if documents > work.documents && writer.documents_of_meter(account, id).await? != documents {
        return Ok(());
    }
    for from in &work.forgotten {
        writer.forget_held(account, id, *from).await?;
    }
    writer
        .set_next_close(account, id, work.next_close_at)
        .await?;
    fail_point("invoice-before-commit");
    writer.commit().await?;
    fail_point("invoice-after-commit");
    Ok(())
}

async fn keep_hold(
    writer: &mut Transaction,
    meter: &Meter,
    period: &Period,
    hold: &Hold,
    now: Timestamp,
) -> anyhow::Result<()> {
    let reason = hold.to_json();
    let is_new = writer
        .hold_invoice(meter.account, meter.id, period, &reason, now)
        .await?;
    if is_new {
        let (account, id, from) = (meter.account, meter.id, period.from);
        tracing::warn!(%account, meter = %id, %from, %reason, "the period is held");
    }
    Ok(())
}

/// Whether somebody changed what is added to a bill since it was read. Whoever does holds the
/// account's row, as whoever issues does: what is not seen here was refused there.
async fn is_adjusted_meanwhile(
    writer: &mut Transaction,
    meter: &Meter,
    closed: &Closed,
) -> anyhow::Result<bool> {
    let (account, id, period) = (meter.account, meter.id, &closed.period);
    let found = writer.adjustments_between(account, id, period.from, period.until);
    Ok(found.await? != closed.statement.extras.adjustments)
}

/// Takes the next number, writes the snapshot and the notices of it.
async fn issue(
    writer: &mut Transaction,
    issuer: &SigningKey,
    meter: &Meter,
    work: &Work,
    closed: &Closed,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (account, id, period) = (meter.account, meter.id, &closed.period);
    let earlier = earlier(writer, meter, closed).await?;
    let issued = writer
        .issue_invoice(account, id, period, now, issuer, |issue| {
            closed.invoice(meter, &work.site, earlier, issue, now)
        })
        .await?;
    match issued {
        Some(invoice) => notify(writer, &invoice, now).await,
        None => Ok(()),
    }
}

/// Puts in the notices of a document that was just issued.
pub(crate) async fn notify(
    writer: &mut Transaction,
    invoice: &Invoice,
    now: Timestamp,
) -> anyhow::Result<()> {
    let (account, id) = (invoice.account, invoice.meter);
    let assignments = writer.assignments_of_meter(account, id).await?;
    let members = writer.members(account).await?;
    let recipients = notice::invoice_recipients(&assignments, &members);
    if recipients.is_empty() {
        tracing::warn!(%account, meter = %id, "nobody gets the invoice: no verified channel");
    }
    for (person, channel) in recipients {
        let new = notice::invoice_notice(invoice, person, channel);
        writer.add_notice(&new, now).await?;
    }
    tracing::info!(%account, meter = %id, number = invoice.number, "invoice issued");
    Ok(())
}
