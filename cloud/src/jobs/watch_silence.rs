//! Says when a meter has recorded nothing for more than a day, once for each silence, and
//! once that it records again. What counts is the time of the readings.

#[cfg(test)]
mod tests;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

use crate::notice::{self, SilenceContent};
use crate::site::Meter;
use crate::store::notices::Silence;
use crate::store::{Store, Transaction};

/// How long a meter may record nothing.
pub const SILENCE_ALLOWED: SignedDuration = SignedDuration::from_hours(24);
/// Meters and silences taken from the store at once.
const AT_ONCE: i64 = 200;

/// Opens and closes the silences that there are at `now`.
///
/// # Errors
/// When the store cannot be reached.
pub async fn run(store: &Store, now: Timestamp) -> anyhow::Result<()> {
    let since = now
        .checked_sub(SILENCE_ALLOWED)
        .context("before the calendar")?;
    loop {
        let mut reader = store.read().await?;
        let silent = reader.silent_meters(since, AT_ONCE).await?;
        drop(reader);
        let mut opened = false;
        for meter in &silent {
            opened |= open(store, meter, now).await?;
        }
        if !opened {
            break;
        }
    }
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

async fn open(store: &Store, meter: &Meter, now: Timestamp) -> anyhow::Result<bool> {
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
    Ok(is_new)
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
