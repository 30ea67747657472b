//! Sends what is in the outbox, each channel by itself.
//!
//! A notice is claimed for a while, sent outside of any transaction, and marked. Nothing is
//! lost when a sender dies: its claim runs out and another sends again, which is the only
//! way in which somebody gets a message twice. Pauses and claims go by real time.

mod compose;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use common::fail_point::fail_point;
use jiff::{SignedDuration, Timestamp};

use self::compose::{Composed, compose};
use crate::notice::{Channel, NewNotice, Undelivered};
use crate::run::App;
use crate::store::Transaction;
use crate::store::notices::ClaimedNotice;

/// Notices claimed at once.
const AT_ONCE: i64 = 4;
/// How long sending one may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a claim lasts: longer than sending all that were claimed at once.
const LEASE: SignedDuration = SignedDuration::from_secs(150);
/// The pause after the first failure of a notice; it doubles with each.
const BACK_OFF_FIRST: SignedDuration = SignedDuration::from_secs(10);
/// The longest pause.
const BACK_OFF_MAX: SignedDuration = SignedDuration::from_hours(1);
/// After so many failures, about two days, a notice is given up.
const ATTEMPTS_MAX: u32 = 56;
/// How long a channel on which nothing gets through is left alone.
const CHANNEL_PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// The longest such pause that we let somebody else set; the Bot API may ask for hours.
const CHANNEL_PAUSE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Until when each channel is left alone. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pauses(Arc<Mutex<BTreeMap<&'static str, Instant>>>);

impl Pauses {
    fn is_paused(&self, channel: Channel) -> bool {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = pauses.get(channel.code());
        until.is_some_and(|until| Instant::now() < *until)
    }

    fn pause(&self, channel: Channel, pause: SignedDuration) {
        let pause = Duration::try_from(pause).unwrap_or_default();
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.insert(channel.code(), Instant::now() + pause);
    }
}

/// Sends what is due at `now`, as long as it gets through.
///
/// # Errors
/// When the store cannot be reached.
pub async fn run(app: &App, now: Timestamp) -> anyhow::Result<()> {
    let mail = async {
        match app.mail {
            Some(_) => send_channel(app, Channel::Email, now).await,
            None => Ok(()),
        }
    };
    let telegram = async {
        match app.telegram {
            Some(_) => send_channel(app, Channel::Telegram, now).await,
            None => Ok(()),
        }
    };
    let (mail, telegram) = tokio::join!(mail, telegram);
    mail.and(telegram)
}

async fn send_channel(app: &App, channel: Channel, now: Timestamp) -> anyhow::Result<()> {
    while !app.pauses.is_paused(channel) {
        let real_now = app.clock.real_now();
        let lease_until = real_now.checked_add(LEASE).context("beyond the calendar")?;
        let mut writer = app.store.write().await?;
        let claimed = writer
            .claim_notices(channel, now, real_now, lease_until, AT_ONCE)
            .await?;
        writer.commit().await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for notice in &claimed {
            if app.pauses.is_paused(channel) {
                release(app, notice).await?;
            } else {
                send_one(app, notice).await?;
            }
        }
    }
    Ok(())
}

/// Gives a claim back without a try.
async fn release(app: &App, claimed: &ClaimedNotice) -> anyhow::Result<()> {
    let mut writer = app.store.write().await?;
    writer.release_notice(claimed).await?;
    writer.commit().await?;
    Ok(())
}

async fn send_one(app: &App, claimed: &ClaimedNotice) -> anyhow::Result<()> {
    let new = &claimed.notice.new;
    let sent = match compose(app, &claimed.notice).await? {
        Ok(composed) => hand_over(app, &composed).await,
        Err(why) => Err(why),
    };
    let (account, id) = (new.account, claimed.notice.id);
    let (kind, channel) = (new.kind.code(), new.channel.code());
    match &sent {
        Ok(()) => tracing::info!(%account, notice = %id, kind, channel, "notice sent"),
        Err(why) => tracing::warn!(%account, notice = %id, kind, channel, ?why, "notice not sent"),
    }
    let mut writer = app.store.write().await?;
    match sent {
        Ok(()) => {
            fail_point("send-before-noted");
            writer.notice_sent(claimed, app.clock.now()).await?;
        }
        Err(Undelivered::Never(why)) => {
            writer.notice_failed(claimed, &why).await?;
        }
        Err(Undelivered::Gone(why)) => {
            if writer.notice_failed(claimed, &why).await? {
                fall_back_to_mail(&mut writer, new, app.clock.now()).await?;
            }
        }
        Err(Undelivered::Later(why)) => {
            let pause = back_off(claimed.notice.attempts);
            again_or_never(&mut writer, app, claimed, &why, pause).await?;
        }
        Err(Undelivered::ChannelDown { why, pause }) => {
            let channel_pause = pause.unwrap_or(CHANNEL_PAUSE).min(CHANNEL_PAUSE_MAX);
            app.pauses.pause(new.channel, channel_pause);
            // Kept with the notice too, for whoever has not heard of the channel's pause.
            let pause = back_off(claimed.notice.attempts).max(channel_pause);
            again_or_never(&mut writer, app, claimed, &why, pause).await?;
        }
    }
    writer.commit().await?;
    Ok(())
}

async fn hand_over(app: &App, composed: &Composed) -> Result<(), Undelivered> {
    let sending = async {
        match (composed.channel, &app.mail, &app.telegram, composed.chat) {
            (Channel::Email, Some(mail), _, _) => mail.send(&composed.letter()).await,
            (Channel::Telegram, _, Some(telegram), Some(chat)) => {
                let file = composed.file.as_ref();
                telegram.send(chat, &composed.message, file).await
            }
            _ => Err(Undelivered::Later("the channel is not set up".to_owned())),
        }
    };
    match tokio::time::timeout(SEND_TIMEOUT, sending).await {
        Ok(sent) => sent,
        Err(_) => Err(Undelivered::ChannelDown {
            why: format!("no answer within {} s", SEND_TIMEOUT.as_secs()),
            pause: None,
        }),
    }
}

async fn again_or_never(
    writer: &mut Transaction,
    app: &App,
    claimed: &ClaimedNotice,
    why: &str,
    pause: SignedDuration,
) -> anyhow::Result<()> {
    if claimed.notice.attempts >= ATTEMPTS_MAX {
        writer.notice_failed(claimed, why).await?;
        return Ok(());
    }
    let not_before = app
        .clock
        .real_now()
        .checked_add(pause)
        .context("beyond the calendar")?;
    writer.notice_again(claimed, why, not_before).await?;
    Ok(())
}

/// The pause after so many failures.
fn back_off(attempts: u32) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(20);
    let seconds = BACK_OFF_FIRST.as_secs().saturating_mul(1 << doublings);
    SignedDuration::from_secs(seconds).min(BACK_OFF_MAX)
}

/// The bot was blocked: forget the chat, and send by mail what it should have said.
async fn fall_back_to_mail(
    writer: &mut Transaction,
    new: &NewNotice,
    now: Timestamp,
) -> anyhow::Result<()> {
    writer.unlink_telegram(new.person).await?;
    let person = writer.person(new.person).await?;
    if person.is_some_and(|person| person.email_verified_at.is_some()) {
        let by_mail = NewNotice {
            channel: Channel::Email,
            ..new.clone()
        };
        writer.add_notice(&by_mail, now).await?;
    }
    Ok(())
}
