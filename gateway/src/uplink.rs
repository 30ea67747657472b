//! The uplink: sends what the buffer holds to the cloud and fetches the list of devices.
//! The only user of reqwest in this program.
//!
//! Promises: readings go in order, in contiguous batches, each again until it is
//! acknowledged; nothing is acknowledged here that the cloud has not settled, but a reading
//! that it refuses alone while it takes all else. A restart of either side is harmless. A
//! list of devices that cannot be understood changes nothing: the last good one stays.
//! What to do after each answer is decided in [`decide`].

pub mod client;
pub mod commands;
pub mod decide;
pub mod key;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use common::fail_point::fail_point;
use common::reading::Reading;
use common::sync::{
    BATCH_READINGS_MAX, Batch, BatchReply, BufferReport, DeviceList, GatewayReport, Loss,
    PROTOCOL_VERSION, Rejection, RejectionCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use self::client::{Client, Packed, pack};
use self::commands::Commands;
use self::decide::{Answer, Course, Fresh, Next, Ours, Sent};
use crate::buffer::{BufferError, BufferHandle, Outgoing, Sealing};
use crate::clock::Clock;
use crate::config::SyncConfig;
use crate::devices;
use crate::identity::Identity;

/// Program and version, as it introduces itself.
pub const SOFTWARE: &str = concat!("enervue-gateway ", env!("CARGO_PKG_VERSION"));
/// How long a refused token, or a list of devices that was refused here, is left alone before
/// it is tried again, in case it was the cloud's mistake.
const REVOKED_PERIOD: Duration = Duration::from_secs(600);
/// So many readings that wait are a backlog.
const BACKLOG_MIN: u64 = BATCH_READINGS_MAX as u64;
/// How often what the buffer holds is counted while there is a backlog.
const COUNT_PERIOD: Duration = Duration::from_secs(5);
/// How often a gateway under a test clock looks whether it has something new to say.
const TEST_CLOCK_PERIOD: Duration = Duration::from_millis(50);

/// How it stands between this gateway and the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has enrolled this gateway.
    #[default]
    NotEnrolled,
    /// Enrolled, and not heard from the cloud since the start.
    Connecting,
    /// The cloud took the last batch.
    Connected,
    /// The last batch came to nothing; it will be tried again.
    Failing,
    /// The cloud no longer accepts the token.
    Revoked,
}

/// What [`Uplink`] tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UplinkStatus {
    /// How it stands.
    pub standing: Standing,
    /// The cloud's address.
    pub url: Option<String>,
    /// The account the gateway belongs to.
    pub account: Option<String>,
    /// The site it stands on.
    pub site: Option<String>,
    /// When the cloud last took a batch.
    pub last_sync_at: Option<Timestamp>,
    /// What is wrong now, in one sentence.
    pub error: Option<String>,
    /// The version of the list of devices in force.
    pub devices_version: Option<String>,
}

/// What the uplink works with.
pub struct Uplink {
    /// What is to be sent.
    pub buffer: BufferHandle,
    /// What time it is.
    pub clock: Clock,
    /// How often it looks.
    pub periods: SyncConfig,
    /// Where the identity is; it may appear, or change, while the gateway runs.
    pub identity_file: PathBuf,
    /// Where the last list of devices is kept.
    pub data_dir: PathBuf,
    /// How the gateway is; `waiting` and `devices_version` are filled in here.
    pub report: Box<dyn Fn() -> GatewayReport + Send + Sync>,
    /// The list of devices that the cloud gave, for whoever reads them; `None` while the
    /// gateway is not enrolled.
    pub devices: watch::Sender<Option<DeviceList>>,
    /// How the uplink is.
    pub status: watch::Sender<UplinkStatus>,
    /// What the cloud asks for.
    pub commands: Commands,
}

impl std::fmt::Debug for Uplink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uplink").finish_non_exhaustive()
    }
}

/// What a batch told the cloud, by which one sees whether there is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    at: Instant,
    settled_through: Timestamp,
    left: u64,
}

/// Why the cloud is no longer spoken to.
enum Served {
    /// It accepts this gateway no more.
    Refused,
    /// It has not said yet who this gateway is.
    Later,
    /// This gateway has other credentials now.
    Anew,
}

/// One enrolment's worth of sending.
struct Session<'a> {
    uplink: &'a Uplink,
    identity: &'a Identity,
    client: Client,
    course: Course,
    told: Option<Told>,
    /// What the buffer held when it was last counted.
    held: Option<(Instant, BufferReport)>,
    /// A list of devices that was not put into force, and since when.
    refused: Option<RefusedList>,
}

/// A list of devices that cannot be put into force.
struct RefusedList {
    version: String,
    at: Instant,
    why: String,
}

impl Uplink {
    /// Sends, for ever. May be dropped at any time.
    pub async fn run(&self) {
        let period = Duration::from_millis(self.periods.period_ms);
        let mut refused: Option<(Identity, Instant)> = None;
        loop {
            match Identity::load(&self.identity_file) {
                Ok(None) => self.note(|status| *status = UplinkStatus::default()),
                Ok(Some(identity)) => {
                    let again = refused.as_ref().is_none_or(|(who, since)| {
                        *who != identity || since.elapsed() >= REVOKED_PERIOD
                    });
                    if again {
                        let served = self.serve(&identity).await;
                        refused = None;
                        match served {
                            Served::Refused => refused = Some((identity, Instant::now())),
                            Served::Later => {}
                            Served::Anew => continue,
                        }
                    }
                }
                Err(error) => self.fail(Standing::Failing, error.to_string()),
            }
            tokio::time::sleep(period).await;
        }
    }

    /// Speaks as `identity` until the cloud no longer accepts it, or it is to be another.
    async fn serve(&self, identity: &Identity) -> Served {
        let client = match Client::new(&identity.url, &self.clock) {
            Ok(client) => client,
            Err(error) => {
                self.fail(Standing::Failing, error.to_string());
                return Served::Refused;
            }
        };
        match key::settle(identity.clone(), &client, &self.identity_file).await {
            Ok(settled) if settled == *identity => {}
            Ok(_) => return Served::Anew,
            Err(error) => {
                self.fail(Standing::Failing, error.to_string());
                return Served::Later;
            }
        }
        let asker = tokio::select! {
            served = self.sync(client.clone(), identity) => return served,
            asker = self.commands.follow(&client, identity) => asker,
        };
        // Nobody speaks for this gateway while its key changes.
        let changed = key::change(identity.clone(), &client, &self.identity_file).await;
        let served = match &changed {
            Ok(_) => Served::Anew,
            Err(error) => {
                tracing::error!("{error}");
                Served::Later
            }
        };
        self.commands.key_changed(asker, changed).await;
        served
    }

    /// Sends as `identity` until the cloud no longer accepts it, or the file names another.
    async fn sync(&self, client: Client, identity: &Identity) -> Served {
        let copy = devices::last_known(&self.data_dir, identity.gateway);
        let version = Some(copy.version.clone()).filter(|version| !version.is_empty());
        self.note(|status| {
            *status = UplinkStatus {
                standing: Standing::Connecting,
                url: Some(identity.url.clone()),
                account: Some(identity.account_name.clone()),
                site: Some(identity.site_name.clone()),
                devices_version: version,
                ..UplinkStatus::default()
            };
        });
        if let Err(error) = self.buffer.set_sealing(sealing(identity, &copy)).await {
            self.fail(Standing::Failing, error.to_string());
            return Served::Anew;
        }
        self.devices.send_replace(Some(copy));
        let mut looked = Instant::now();
        let mut session = Session {
            uplink: self,
            identity,
            client,
            course: Course::default(),
            told: None,
            held: None,
            refused: None,
        };
        let period = Duration::from_millis(self.periods.period_ms);
        let mut due = Instant::now();
        loop {
            if looked.elapsed() >= period {
                looked = Instant::now();
                let found = Identity::load(&self.identity_file);
                if found.is_ok_and(|found| found.as_ref() != Some(identity)) {
                    return Served::Anew;
                }
            }
            // A long wait does not keep it from seeing another identity.
            let left = due.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                tokio::time::sleep(left.min(period)).await;
                continue;
            }
            let pause = match session.step().await {
                Ok(Step::Again) => continue,
                Ok(Step::Pause(pause)) => pause,
                Ok(Step::End) => return Served::Refused,
                Err(error) => {
                    self.fail(Standing::Failing, error.to_string());
                    Duration::from_millis(self.periods.period_ms)
                }
            };
            due = Instant::now() + pause;
        }
    }

    fn note(&self, change: impl FnOnce(&mut UplinkStatus)) {
        self.status.send_modify(change);
    }

    fn refused(&self, why: &str) {
        let error = format!("the cloud no longer accepts this gateway: {why}");
        self.fail(Standing::Revoked, error);
    }

    /// Says what is wrong, in the log once for each new fault.
    fn fail(&self, standing: Standing, error: String) {
        if self.status.borrow().error.as_ref() != Some(&error) {
            tracing::warn!("{error}");
        }
        self.note(|status| {
            status.standing = standing;
            status.error = Some(error);
        });
    }
}

enum Step {
    Again,
    Pause(Duration),
    End,
}

impl Session<'_> {
    /// How the gateway is. Made before readings are looked for: what it says is settled is
    /// then in the buffer.
    async fn report(&mut self) -> Result<GatewayReport, BufferError> {
        let uplink = self.uplink;
        let mut report = (uplink.report)();
        let (through, last) = uplink.buffer.progress().await?;
        report.waiting = last - through;
        report.buffer = Some(self.held(report.waiting).await?);
        report.devices_version = uplink.status.borrow().devices_version.clone();
        Ok(report)
    }

    /// What the buffer holds. To count it takes longer the more is lost, so it is counted
    /// seldom while there is a backlog.
    async fn held(&mut self, waiting: u64) -> Result<BufferReport, BufferError> {
        match self.held {
            Some((at, held)) if waiting > BACKLOG_MIN && at.elapsed() < COUNT_PERIOD => Ok(held),
            _ => {
                let held = self.uplink.buffer.status().await?.report();
                self.held = Some((Instant::now(), held));
                Ok(held)
            }
        }
    }

    /// Sends one batch, if one is due.
    async fn step(&mut self) -> Result<Step, BufferError> {
        let uplink = self.uplink;
        let report = self.report().await?;
        let told = Told {
            at: Instant::now(),
            settled_through: report.settled_through,
            left: report.waiting,
        };
        let max = self.course.batch_max().min(BATCH_READINGS_MAX);
        let Outgoing {
            epoch,
            readings,
            losses,
        } = uplink.buffer.next_batch(max).await?;
        if readings.is_empty()
            && losses.is_empty()
            && self.course.batch_max() > 0
            && !self.has_news(told)
        {
            return Ok(Step::Pause(self.period()));
        }
        let sent = sent(&readings, &losses);
        let batch = Batch {
            protocol: PROTOCOL_VERSION,
            epoch,
            readings,
            losses,
            report,
        };
        let Some(body) = pack(&batch) else {
            self.course.too_large(sent.readings + sent.losses);
            return Ok(Step::Again);
        };
        drop(batch);
        fail_point("uplink-before-send");
        let answer = self.send(body).await;
        if uplink.buffer.epoch() != epoch {
            // The buffer was mended meanwhile: its numbers are others than those answered.
            self.course = Course::default();
            return Ok(Step::Again);
        }
        let ours = self.ours(&answer).await?;
        let next = self.course.decide(sent, ours, answer, rand::random());
        self.follow(next, told).await
    }

    /// Does what was decided.
    async fn follow(&mut self, next: Next, told: Told) -> Result<Step, BufferError> {
        let uplink = self.uplink;
        match next {
            Next::Again => {}
            Next::Settle(reply) => {
                self.told = Some(told);
                self.settle(reply).await?;
            }
            Next::Rewind(through) => {
                tracing::warn!(through, "the cloud has less than it had: sending again");
                uplink.buffer.rewind(through).await?;
            }
            Next::NewEpoch(fresh) => return self.begin_epoch(fresh).await,
            Next::GiveUp(seq, reason) => {
                tracing::error!(seq, reason, "the cloud will not take this reading");
                let code = RejectionCode::Unacceptable;
                let rejection = Rejection { seq, code, reason };
                uplink.buffer.give_up(rejection).await?;
            }
            Next::Wait(pause, why) => {
                uplink.fail(Standing::Failing, why);
                return Ok(Step::Pause(pause));
            }
            Next::Revoked(why) => {
                uplink.refused(&why);
                return Ok(Step::End);
            }
        }
        Ok(Step::Again)
    }

    /// Begins a new epoch, but first has the heads of the chains that the cloud holds now: an
    /// old copy's own would be gone on from a second time. Without them all stays as it is.
    async fn begin_epoch(&mut self, fresh: Fresh) -> Result<Step, BufferError> {
        let uplink = self.uplink;
        if !self.fetch_devices().await? {
            return Ok(Step::Pause(self.period()));
        }
        tracing::error!("{}: a new epoch begins", fresh.why);
        fail_point("uplink-epoch-before");
        let now = uplink.clock.now();
        let Fresh {
            through, conflicts, ..
        } = fresh;
        uplink.buffer.begin_epoch(now, through, conflicts).await?;
        self.held = None;
        self.course.begun();
        fail_point("uplink-epoch-after");
        Ok(Step::Again)
    }

    /// What the buffer says to `answer`.
    async fn ours(&self, answer: &Answer) -> Result<Ours, BufferError> {
        let buffer = &self.uplink.buffer;
        let (through, last) = buffer.progress().await?;
        let held = match answer {
            Answer::Taken(BatchReply {
                last_kept: Some(theirs),
                ..
            }) => Some(buffer.holds(*theirs).await?),
            _ => None,
        };
        Ok(Ours {
            through,
            last,
            held,
        })
    }

    /// Sends a batch, and sets the clock by the cloud's answer.
    async fn send(&self, body: Packed) -> Answer {
        let sent_at = Instant::now();
        let answer = self.client.send(self.identity, body).await;
        if let Answer::Taken(reply) = &answer
            && let Some(now) = reply.now
        {
            self.uplink.clock.hear_cloud(now, sent_at.elapsed());
        }
        answer
    }

    async fn settle(&mut self, reply: BatchReply) -> Result<(), BufferError> {
        let uplink = self.uplink;
        for rejection in &reply.rejected {
            let Rejection { seq, reason, .. } = rejection;
            tracing::warn!(seq, reason, "the cloud rejected a reading");
        }
        let now = uplink.clock.now();
        fail_point("uplink-before-acknowledge");
        let buffer = &uplink.buffer;
        buffer
            .acknowledge(reply.acknowledged_through, reply.rejected, now)
            .await?;
        uplink.note(|status| {
            status.standing = Standing::Connected;
            status.last_sync_at = Some(now);
            status.error = self.refused.as_ref().map(|refused| refused.why.clone());
        });
        let known = uplink.status.borrow().devices_version.clone();
        let is_refused = self.refused.as_ref().is_some_and(|refused| {
            refused.version == reply.devices_version && refused.at.elapsed() < REVOKED_PERIOD
        });
        if known.as_ref() != Some(&reply.devices_version) && !is_refused {
            self.fetch_devices().await?;
        }
        Ok(())
    }

    /// Puts the cloud's list of devices into force, and tells whether it could. When it could
    /// not the old one stays, and the next batch's reply asks again.
    async fn fetch_devices(&mut self) -> Result<bool, BufferError> {
        let uplink = self.uplink;
        let list = match self.client.devices(self.identity).await {
            Ok(list) => list,
            Err(error) => {
                uplink.fail(
                    Standing::Failing,
                    format!("no new list of devices: {error}"),
                );
                return Ok(false);
            }
        };
        self.refused = None;
        if let Err(fault) = devices::plan::check(&list) {
            let why = format!(
                "the cloud's new list of devices is wrong, the last good one stays in force: \
                 {fault}"
            );
            tracing::warn!("{why}");
            uplink.note(|status| status.error = Some(why.clone()));
            let (version, at) = (list.version, Instant::now());
            self.refused = Some(RefusedList { version, at, why });
            return Ok(false);
        }
        fail_point("uplink-list-before-copy");
        if let Err(error) = devices::save_copy(&uplink.data_dir, self.identity.gateway, &list) {
            tracing::warn!(%error, "the list of devices cannot be kept");
        }
        let count = list.devices.len();
        tracing::info!(version = list.version, count, "a new list of devices");
        uplink.note(|status| status.devices_version = Some(list.version.clone()));
        fail_point("uplink-list-after-copy");
        let sealing = sealing(self.identity, &list);
        uplink.buffer.set_sealing(sealing).await?;
        uplink.devices.send_replace(Some(list));
        Ok(true)
    }

    /// Whether a batch without readings is due: after a while without any, and under a test
    /// clock, whose keeper waits for it, as soon as it would say something else.
    fn has_news(&self, now: Told) -> bool {
        let Some(told) = self.told else { return true };
        let heartbeat = Duration::from_millis(self.uplink.periods.heartbeat_ms);
        let same = (now.settled_through, now.left) == (told.settled_through, told.left);
        now.at.duration_since(told.at) >= heartbeat || (self.uplink.clock.is_test() && !same)
    }

    fn period(&self) -> Duration {
        if self.uplink.clock.is_test() {
            TEST_CLOCK_PERIOD
        } else {
            Duration::from_millis(self.uplink.periods.period_ms)
        }
    }
}

/// What the buffer seals by; `None` when the key is damaged.
#[must_use]
pub fn sealing(identity: &Identity, list: &DeviceList) -> Option<Sealing> {
    Some(Sealing::new(identity.key.signing()?, list))
}

fn sent(readings: &[Reading], losses: &[Loss]) -> Sent {
    let (first, last) = (readings.first(), readings.last());
    let (lost_first, lost_last) = (losses.first(), losses.last());
    let first = first.map(|r| r.seq).into_iter();
    let last = last.map(|r| r.seq).into_iter();
    let first = first.chain(lost_first.map(|l| l.first)).min();
    let last = last.chain(lost_last.map(|l| l.last)).max();
    Sent {
        first: first.unwrap_or(0),
        last: last.unwrap_or(0),
        readings: readings.len(),
        losses: losses.len(),
    }
}
