//! A batch of readings becomes rows, once, and is acknowledged after the commit.
//!
//! Everything in it is settled together: readings are kept, or set apart with a reason;
//! numbers without readings are noted as lost; seals are checked against the chains; the
//! cursor moves. A token that was revoked meanwhile keeps nothing.

mod body;
mod seals;
#[cfg(test)]
mod tests;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use common::digest::public_key;
use common::fail_point::fail_point;
use common::profile::Library;
use common::reading::Reading;
use common::sync::{BatchReply, HeldReading, Loss, Rejection, RejectionCode};
use jiff::Timestamp;

use self::body::{Sent, Unread};
use super::error::Refusal;
use super::{Api, caller, devices, token_hash};
use crate::ingest::{Known, newest_good};
use crate::run::App;
use crate::store::gateways::GatewayKey;
use crate::store::readings::Stream;
use crate::store::{StoreError, StoreResult, Transaction};

pub(super) async fn batch(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<BatchReply>, Refusal> {
    let app = &api.app;
    let _place = api.batches.try_acquire().map_err(|_| Refusal::Busy)?;
    // Whoever has no token is sent away before anything is unpacked.
    let mut reader = app.store.read().await?;
    caller(&mut reader, &headers).await?;
    reader.commit().await?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        _ => Refusal::Cut,
    })?;
    let sent = body::read(&headers, &body)?;
    Ok(Json(settle(app, &headers, sent).await?))
}

/// Settles a batch that was read, and acknowledges it when that is durable.
async fn settle(app: &App, headers: &HeaderMap, sent: Sent) -> Result<BatchReply, Refusal> {
    let now = app.clock.now();
    let (settled_through, waiting) = (sent.report.settled_through, sent.report.waiting);
    let came = sent.readings.len() + sent.unread.len();
    let lost = sent.losses.iter().map(size).fold(0, u64::saturating_add);

    let mut transaction = app.store.write().await?;
    // The token may have been revoked while the batch was read.
    let key = caller(&mut transaction, headers).await?;
    let token = token_hash(headers)?;
    transaction.end_replaced_tokens(key, &token, now).await?;
    let reply = take(&mut transaction, key, sent, &app.profiles, now).await?;
    fail_point("batch-before-commit");
    transaction.commit().await?;
    fail_point("batch-after-commit");
    app.metrics.batch(came, reply.rejected.len(), lost);
    // What came with this batch waits no more.
    let settled = u64::try_from(came).unwrap_or(u64::MAX).saturating_add(lost);
    let waiting = waiting.saturating_sub(settled);
    app.contacts.heard(key.gateway, settled_through, waiting);
    Ok(reply)
}

/// How many numbers a loss spans.
fn size(loss: &Loss) -> u64 {
    loss.last.saturating_sub(loss.first).saturating_add(1)
}

/// Does in `transaction` all that a batch brings about.
async fn take(
    transaction: &mut Transaction,
    key: GatewayKey,
    sent: Sent,
    profiles: &Library,
    now: Timestamp,
) -> Result<BatchReply, Refusal> {
    let stream = Stream {
        key,
        epoch: sent.epoch,
    };
    let cursor = transaction.hold_cursor(stream).await?;
    let mut through = cursor.through;
    if let Some((first, last)) = sent.numbers()? {
        let expected = through.saturating_add(1);
        if first > expected {
            return Err(Refusal::Hole { first, expected });
        }
        through = through.max(last);
    }
    let rejected = keep(
        transaction,
        stream,
        sent.readings,
        sent.unread,
        profiles,
        now,
    )
    .await?;
    note_losses(transaction, stream, &sent.losses, cursor.through, now).await?;
    let conflicts = rejected.iter().any(|r| r.code == RejectionCode::Conflict);
    if (conflicts || cursor.is_superseded) && transaction.note_doubled(key, now).await? {
        tracing::error!(
            gateway.id = %key.gateway, account.id = %key.account, epoch = %sent.epoch,
            "two buffers speak with the key of one gateway: a copy of its disk, or an old image"
        );
    }
    transaction.move_cursor(stream, through).await?;
    transaction.save_report(key, &sent.report, now).await?;
    let served = transaction.served_devices(key.account, key.gateway).await?;
    let terms = transaction.terms_revision(key.account).await?;
    let last_kept = transaction.last_kept(stream).await?;
    Ok(BatchReply {
        acknowledged_through: through,
        rejected,
        devices_version: devices::version(&served, &terms, now),
        last_kept: last_kept.map(|kept| HeldReading {
            seq: kept.reading.seq,
            digest: kept.reading.digest(),
        }),
        now: Some(now),
    })
}

/// Keeps what can be kept and sets the rest apart; tells what was set apart.
async fn keep(
    transaction: &mut Transaction,
    stream: Stream,
    readings: Vec<Reading>,
    unread: Vec<Unread>,
    profiles: &Library,
    now: Timestamp,
) -> StoreResult<Vec<Rejection>> {
    if readings.is_empty() && unread.is_empty() {
        return Ok(Vec::new());
    }
    let GatewayKey { account, gateway } = stream.key;
    let devices = transaction.all_devices_of_gateway(account, gateway).await?;
    let known = Known {
        devices: devices
            .into_iter()
            .map(|device| (device.id, device))
            .collect(),
        profiles,
        now,
    };
    let sorted = known.sort(readings);
    let mut good = sorted.good;
    let mut refused = sorted.refused;
    for taken in transaction.keep_readings(stream, &good, now).await? {
        let seq = taken.seq;
        let reason = "another reading with this number is kept already".to_owned();
        tracing::warn!(gateway.id = %gateway, reading.seq = seq, "a number came twice");
        let code = RejectionCode::Conflict;
        good.retain(|reading| reading.seq != seq);
        refused.push((taken, Rejection { seq, code, reason }));
    }
    let mut rejected = Vec::new();
    for (reading, rejection) in refused {
        let content = serde_json::to_string(&reading)
            .map_err(|error| StoreError::Content(format!("a reading is no JSON: {error}")))?;
        transaction
            .set_apart(stream, &content, &rejection, now)
            .await?;
        rejected.push(rejection);
    }
    for unread in unread {
        transaction
            .set_apart(stream, &unread.content, &unread.rejection, now)
            .await?;
        rejected.push(unread.rejection);
    }
    rejected.sort_by_key(|rejection| rejection.seq);

    let mountings = transaction.mountings_of_gateway(account, gateway).await?;
    seals::check(transaction, stream, &good, &mountings, now).await?;
    for (meter, at) in newest_good(&good, &mountings) {
        transaction.raise_last_good(account, meter, at).await?;
    }
    Ok(rejected)
}

/// Notes what of the losses was not settled before. One that the gateway's key did not sign
/// is noted as such: it blocks nothing.
async fn note_losses(
    transaction: &mut Transaction,
    stream: Stream,
    losses: &[Loss],
    through: u64,
    now: Timestamp,
) -> StoreResult<()> {
    if losses.is_empty() {
        return Ok(());
    }
    let keys = transaction.keys_of_gateway(stream.key).await?;
    for loss in losses.iter().filter(|loss| loss.last > through) {
        let text = loss.text(stream.epoch);
        let mut keys = keys
            .iter()
            .filter_map(|key| public_key(&key.public_key).ok());
        let signed = keys.any(|key| loss.signature.is_of(&key, &text));
        let first = loss.first.max(through.saturating_add(1));
        let left = Loss {
            first,
            ..loss.clone()
        };
        tracing::warn!(
            gateway.id = %stream.key.gateway, first, last = loss.last, signed,
            reason = loss.reason.code(), "readings are lost"
        );
        transaction.keep_loss(stream, &left, signed, now).await?;
    }
    Ok(())
}
