//! Says when a meter has recorded nothing for more than a day, once for each silence, and
//! once that it records again. What counts is the time of the readings.
//!
//! A meter is not silent while its readings may be on their way: after the cloud itself was
//! away, until its gateway has had the time to speak; and while the gateway sends what it
//! has kept, as far as that has not come. A gateway that is gone altogether is no excuse.
//! The age of a backlog is what the gateway says of it; without that it excuses nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use anyhow::Context as _;
use common::id::GatewayId;
use jiff::{SignedDuration, Timestamp};

use crate::notice::{self, SilenceContent};
use crate::site::{Gateway, Meter};
use crate::store::notices::Silence;
use crate::store::{Store, Transaction};

/// How long a meter may record nothing.
pub const SILENCE_ALLOWED: SignedDuration = SignedDuration::from_hours(24);
/// How long after its start the cloud waits for gateways to speak again: twice the longest
/// pause that ours makes.
pub const GRACE: Duration = Duration::from_secs(10 * 60);
/// How long ago a gateway may have spoken that is still sending.
const HEARD_LATELY: SignedDuration = SignedDuration::from_mins(15);
/// Meters and silences taken from the store at once.
const AT_ONCE: i64 = 200;

/// Opens and closes the silences that there are at `now`. `unheard` says of which gateways
/// nothing can be known yet.
///
/// # Errors
/// When the store cannot be reached.
pub async fn run(
    store: &Store,
    now: Timestamp,
    unheard: impl Fn(GatewayId) -> bool,
) -> anyhow::Result<()> {
    open_silences(store, now, unheard).await?;
    close_silences(store, now).await
}

async fn open_silences(
    store: &Store,
    now: Timestamp,
    unheard: impl Fn(GatewayId) -> bool,
) -> anyhow::Result<()> {
    let since = now
        .checked_sub(SILENCE_ALLOWED)
        .context("before the calendar")?;
    let mut known = BTreeMap::new();
    let mut last: Option<Meter> = None;
    loop {
        let mut reader = store.read().await?;
        let meters = reader.silent_meters(since, last.as_ref(), AT_ONCE).await?;
        let mut silent = Vec::new();
        for meter in &meters {
            let Some((device, _)) = reader.device_of_meter(meter.account, meter.id).await? else {
                continue;
            };
            let place = (device.account, device.gateway);
            if let Entry::Vacant(vacant) = known.entry(place) {
                let gateway = reader.gateway(device.account, device.gateway).await?;
                vacant.insert(gateway);
            }
            let gateway = known.get(&place).and_then(Option::as_ref);
            let waits = gateway
                .is_some_and(|gateway| unheard(gateway.id) || may_bring(gateway, meter, now));
            if !waits {
                silent.push(meter);
            }
        }
        drop(reader);
        for meter in silent {
            open(store, meter, now).await?;
        }
        last = meters.into_iter().last();
        if last.is_none() {
            return Ok(());
        }
    }
}

/// Whether readings of the meter that end its silence may be among those that its gateway
/// is sending.
fn may_bring(gateway: &Gateway, meter: &Meter, now: Timestamp) -> bool {
    let heard = |at: Timestamp| now.duration_since(at) <= HEARD_LATELY;
    let report = gateway.report.as_ref().filter(|report| report.waiting > 0);
    let oldest = report.and_then(|report| report.buffer?.oldest_waiting_at);
    gateway.seen_at.is_some_and(heard)
        && oldest.is_some_and(|at| at.duration_since(meter.last_good_at) <= SILENCE_ALLOWED)
}

async fn close_silences(store: &Store, now: Timestamp) -> anyhow::Result<()> {
    loop {
        let mut reader = store.read().await?;
        let ended = reader.ended_silences(AT_ONCE).await?;
        drop(reader);
        let mut closed = false;
        for silence in &ended {
            closed |= close(store, silence, now).await?;
        }
        if !closed {
            return Ok(());
        }
    }
}

async fn open(store: &Store, meter: &Meter, now: Timestamp) -> anyhow::Result<()> {
    let since = meter.last_good_at;
    let silence = Silence {
        account: meter.account,
        meter: meter.id,
        since,
    };
    let mut writer = store.write().await?;
    let is_new = writer.open_silence(&silence, now).await?;
    if is_new {
        let content = SilenceContent { since, until: None };
        tell(&mut writer, meter, &content, now).await?;
        let (account, id) = (meter.account, meter.id);
        tracing::warn!(%account, meter = %id, %since, "the meter is silent");
    }
    writer.commit().await?;
    Ok(())
}

async fn close(store: &Store, silence: &Silence, now: Timestamp) -> anyhow::Result<bool> {
    let (account, id) = (silence.account, silence.meter);
    let mut writer = store.write().await?;
    let is_over = writer.close_silence(silence, now).await?;
    let meter = writer.meter(account, id).await?;
    if let Some(meter) = meter.filter(|_| is_over) {
        let content = SilenceContent {
            since: silence.since,
            until: Some(meter.last_good_at),
        };
        tell(&mut writer, &meter, &content, now).await?;
        tracing::info!(%account, meter = %id, "the meter records again");
    }
    writer.commit().await?;
    Ok(is_over)
}

async fn tell(
    writer: &mut Transaction,
    meter: &Meter,
    silence: &SilenceContent,
    now: Timestamp,
) -> anyhow::Result<()> {
    let members = writer.members(meter.account).await?;
    for (person, channel) in notice::integrators(&members) {
        let new = notice::silence_notice(meter, silence, person, channel, now);
        writer.add_notice(&new, now).await?;
    }
    Ok(())
}
