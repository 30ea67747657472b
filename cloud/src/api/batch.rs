//! A batch of readings becomes rows, once, and is acknowledged after the commit.

mod body;
#[cfg(test)]
mod tests;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use common::profile::Library;
use common::sync::{BatchReply, Rejection, RejectionCode};
use jiff::Timestamp;

use self::body::{Sent, Unread};
use super::error::Refusal;
use super::{Api, caller, devices};
use crate::ingest::{Known, newest_good};
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
    let key = caller(&mut reader, &headers).await?;
    reader.commit().await?;
    let body = body.map_err(|_| Refusal::TooLarge)?;
    let sent = body::read(&headers, &body)?;
    let now = app.clock.now();
    let (settled_through, waiting) = (sent.report.settled_through, sent.report.waiting);
    let taken = sent.readings.len() + sent.unread.len();
    let lost = 0;
    let kept = u64::try_from(sent.readings.len() + sent.unread.len()).unwrap_or(u64::MAX);

    let mut transaction = app.store.write().await?;
    let reply = take(&mut transaction, key, sent, &app.profiles, now).await?;
    transaction.commit().await?;
    app.metrics.batch(taken, reply.rejected.len(), lost);
    // What came with this batch waits no more.
    let waiting = waiting.saturating_sub(kept);
    app.contacts.heard(key.gateway, settled_through, waiting);
    Ok(Json(reply))
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
    let mut through = transaction.hold_cursor(stream).await?;
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
    transaction.move_cursor(stream, through).await?;
    transaction.save_report(key, &sent.report, now).await?;
    let served = transaction.served_devices(key.account, key.gateway).await?;
    Ok(BatchReply {
        acknowledged_through: through,
        rejected,
        devices_version: devices::version(&served, now),
        last_kept: None,
        now: Some(now),
    })
}

/// Keeps what can be kept and sets the rest apart; tells what was set apart.
async fn keep(
    transaction: &mut Transaction,
    stream: Stream,
    readings: Vec<common::reading::Reading>,
    unread: Vec<Unread>,
    profiles: &Library,
    now: Timestamp,
) -> StoreResult<Vec<Rejection>> {
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
    let mut refused = sorted.refused;
    for taken in transaction.keep_readings(stream, &sorted.good, now).await? {
        let seq = taken.seq;
        let reason = "another reading with this number is kept already".to_owned();
        tracing::warn!(gateway.id = %gateway, reading.seq = seq, "a number came twice");
        let code = RejectionCode::Conflict;
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
    for (meter, at) in newest_good(&sorted.good, &mountings) {
        transaction.raise_last_good(account, meter, at).await?;
    }
    Ok(rejected)
}
