//! `clock advance`: lets the time of a test clock pass, from one instant at which something
//! is due to the next, doing everything on the way.
//!
//! After each step it waits until every gateway that speaks has read what was due and handed
//! it in, then runs the jobs; meanwhile nobody else runs them, so that nothing is judged
//! before its readings are there. A gateway that is not heard for [`DEAF_AFTER`] of real
//! time is not waited for again until it speaks.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use common::id::GatewayId;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::jobs;
use crate::jobs::watch_silence::SILENCE_ALLOWED;
use crate::run::App;
use crate::site::Zone;

/// How long a gateway may be silent before it is not waited for.
const DEAF_AFTER: Duration = Duration::from_secs(10);
/// How long a gateway that speaks may take for a step: it tries a dead meter for a while.
const STEP_MAX: Duration = Duration::from_secs(300);
/// How often it is looked whether the gateways have come.
const LOOK_PERIOD: Duration = Duration::from_millis(20);
/// A silence that would begin so shortly before a meter's next start of day is not stepped
/// to: with the clock standing still, a meter is read at the starts of its days, and one of
/// them a year comes after 25 hours.
const NEAR_MIDNIGHT: SignedDuration = SignedDuration::from_hours(2);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advanced {
    /// What the clock shows now.
    pub now: Timestamp,
    /// How many steps it took.
    pub steps: u64,
    /// Gateways that were not heard and not waited for.
    pub not_heard: Vec<GatewayId>,
}

/// Gateways that were not heard, and when it was given up to wait for them.
type Deaf = BTreeMap<GatewayId, Instant>;

/// Lets time pass until `to`; `tell` hears of each step.
///
/// # Errors
/// When the server runs on the machine's clock, `to` is past, a gateway that speaks does not
/// come along, or a job fails.
pub async fn clock_advance(
    app: &App,
    to: Timestamp,
    tell: &mpsc::Sender<String>,
) -> anyhow::Result<Advanced> {
    ensure!(
        app.clock.is_test(),
        "the server runs on the machine's clock, which nobody sets: start server and gateways \
         with --test-clock FILE to let time pass at will"
    );
    let _turn = app.turn.lock().await;
    let mut now = app.clock.now();
    ensure!(
        to >= now,
        "the clock shows {now} already: it only goes forward"
    );
    let (mut deaf, mut steps) = (Deaf::new(), 0);
    settle(app, now, &mut deaf).await?;
    while now < to {
        now = next_due(app, now).await?.map_or(to, |due| due.min(to));
        app.clock.set(now)?;
        settle(app, now, &mut deaf).await?;
        steps += 1;
        // If nobody listens, the conversation ends elsewhere.
        let _ = tell.try_send(now.to_string());
    }
    Ok(Advanced {
        now,
        steps,
        not_heard: deaf.into_keys().collect(),
    })
}

/// Waits until all that was due by `at` has been read and handed in, and does the jobs.
async fn settle(app: &App, at: Timestamp, deaf: &mut Deaf) -> anyhow::Result<()> {
    let mut reader = app.store.read().await?;
    let gateways = reader.enrolled_gateways().await?;
    reader.commit().await?;
    let begun = Instant::now();
    for gateway in gateways {
        wait_for(app, gateway.id, at, begun, deaf)
            .await
            .with_context(|| format!("gateway '{}'", gateway.name))?;
    }
    jobs::run_due(app, at).await
}

async fn wait_for(
    app: &App,
    gateway: GatewayId,
    at: Timestamp,
    begun: Instant,
    deaf: &mut Deaf,
) -> anyhow::Result<()> {
    loop {
        let contact = app.contacts.of(gateway);
        let heard_at = contact.map(|contact| contact.heard_at);
        if let Some(given_up) = deaf.get(&gateway) {
            if heard_at.is_none_or(|heard| heard < *given_up) {
                return Ok(());
            }
            deaf.remove(&gateway);
        }
        if contact.is_some_and(|c| c.settled_through >= at && c.waiting == 0) {
            return Ok(());
        }
        let quiet_since = heard_at.map_or(begun, |heard| heard.max(begun));
        if quiet_since.elapsed() >= DEAF_AFTER {
            tracing::warn!(gateway.id = %gateway, "not heard: the clock goes on without it");
            deaf.insert(gateway, Instant::now());
            return Ok(());
        }
        if begun.elapsed() >= STEP_MAX {
            let come = contact.map(|c| (c.settled_through, c.waiting));
            bail!(
                "it speaks, but has not come to {at} within {} s; it has come to {come:?}",
                STEP_MAX.as_secs()
            );
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

/// The next instant after `now` at which anything is due: a start of day somewhere, the end
/// of a period, a notice, a silence.
async fn next_due(app: &App, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    let good_since = now.checked_sub(SILENCE_ALLOWED)?;
    let mut reader = app.store.read().await?;
    let close = reader.next_close_after(now).await?;
    let notice = reader.next_notice_due(now).await?;
    let zones = reader.oldest_good_by_zone(good_since).await?;
    reader.commit().await?;
    let mut due: Vec<Timestamp> = close.into_iter().chain(notice).collect();
    for (zone, oldest_good) in zones {
        let start = next_start_of_day(&zone, now)?;
        due.push(start);
        if let Some(good) = oldest_good {
            // The first instant at which it is more than the time allowed.
            let silence = good
                .checked_add(SILENCE_ALLOWED)?
                .checked_add(1.millisecond())?;
            let left = start.duration_since(silence);
            if silence > now && (left.is_negative() || left > NEAR_MIDNIGHT) {
                due.push(silence);
            }
        }
    }
    Ok(due.into_iter().min())
}

fn next_start_of_day(zone: &Zone, now: Timestamp) -> anyhow::Result<Timestamp> {
    let today = now.to_zoned_datetime(zone.rules().clone()).date();
    let tomorrow = today.tomorrow()?.to_zoned_datetime(zone.rules().clone())?;
    Ok(tomorrow.start_of_day()?.timestamp())
}
