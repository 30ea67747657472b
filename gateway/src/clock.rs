//! What time it is, and whether to believe it. The only caller of "now" in this program.
//!
//! The real clock believes what its `keeper` says: the anchor of this start of the machine
//! and the time that has passed since, by a clock that nobody can set. With
//! `--test-clock FILE` wall time is the instant in that file and stands still until the file
//! changes; periods, back-off and timeouts keep real, monotonic time all the same. Whoever
//! changes the file renames a new one over it. Lacks: an ear for time servers other than
//! systemd-timesyncd, which say nowhere what they have done; beside them the cloud is asked.

mod keeper;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::id::BootId;
use common::reading::{ClockTrust, SinceBoot};
use common::sync::{ClockReport, ClockSource};
use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

use self::keeper::{Belief, Keeper, Look, Server};

/// How often a waiting task looks whether a test clock has moved.
const TEST_CLOCK_PERIOD: Duration = Duration::from_millis(50);
/// How often the machine's clock and its time server are looked at at least.
const LOOK_PERIOD: Duration = Duration::from_secs(1);
/// Where systemd-timesyncd says that it runs, and, in the second, that it has set the clock;
/// it touches that whenever it does.
const TIMESYNC: &str = "/run/systemd/timesync";
const TIMESYNC_MARKER: &str = "/run/systemd/timesync/synchronized";
/// Where Linux names each start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Before this program existed no clock that shows it can be right (2026-11-01).
const FLOOR_SECONDS: i64 = 1_793_491_200;

/// The test clock's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("test clock {path}: {why} (write one instant such as 2026-11-24T08:00:00Z into it)")]
pub struct ClockError {
    path: PathBuf,
    why: String,
}

/// The instant as well as it is known, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reckoned {
    /// The instant.
    pub at: Timestamp,
    /// How far that can be believed.
    pub clock: ClockTrust,
    /// The same instant by the clock that cannot be set; a test clock has none.
    pub since_boot: Option<SinceBoot>,
}

impl Reckoned {
    /// The instant, if it can be believed.
    #[must_use]
    pub fn believed(&self) -> Option<Timestamp> {
        (self.clock != ClockTrust::Untrusted).then_some(self.at)
    }

    /// What would have been reckoned so long ago. A test clock stands still.
    #[must_use]
    pub fn ago(self, ago: Duration) -> Self {
        let Some(since) = self.since_boot else {
            return self;
        };
        let signed = SignedDuration::try_from(ago).unwrap_or_default();
        let milliseconds = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        Self {
            at: self.at.checked_sub(signed).unwrap_or(self.at),
            clock: self.clock,
            since_boot: Some(SinceBoot {
                elapsed_ms: since.elapsed_ms.saturating_sub(milliseconds),
                ..since
            }),
        }
    }
}

/// What dates everything of one start of the machine: one moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Which start of the machine.
    pub boot: BootId,
    /// Milliseconds since then.
    pub elapsed_ms: u64,
    /// The instant.
    pub at: Timestamp,
    /// Who said so.
    pub source: ClockSource,
}

/// The program's clock. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Real(Arc<Real>),
    Test {
        file: PathBuf,
        /// The last instant read, for a moment in which the file cannot be.
        last: Arc<Mutex<Timestamp>>,
    },
}

/// The machine's clock and its keeper.
#[derive(Debug)]
struct Real {
    boot: BootId,
    keeper: Mutex<Keeper>,
    anchor: watch::Sender<Option<Anchor>>,
}

impl Clock {
    /// The machine's clock. Until it is told otherwise it takes the gateway for enrolled.
    #[must_use]
    pub fn real() -> Self {
        let floor = Timestamp::from_second(FLOOR_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(Kind::Real(Arc::new(Real {
            boot: this_boot(),
            keeper: Mutex::new(Keeper::new(floor, since_boot())),
            anchor: watch::Sender::new(None),
        })))
    }

    /// The machine's clock for a command that cannot wait until somebody tells the time: it
    /// is believed as if there were no cloud.
    #[must_use]
    pub fn unasked() -> Self {
        let clock = Self::real();
        clock.set_enrolled(false);
        clock
    }

    /// The clock whose time is the instant in `file`.
    ///
    /// # Errors
    /// When the file holds no instant.
    pub fn test(file: &Path) -> Result<Self, ClockError> {
        let last = Arc::new(Mutex::new(read(file)?));
        let file = file.to_owned();
        Ok(Self(Kind::Test { file, last }))
    }

    /// Which start of the machine this is; under a test clock none.
    #[must_use]
    pub fn boot(&self) -> Option<BootId> {
        match &self.0 {
            Kind::Real(real) => Some(real.boot),
            Kind::Test { .. } => None,
        }
    }

    /// Whether a cloud is there to be asked for the time. Without one, and without a time
    /// server, the machine's clock is believed as it is.
    pub fn set_enrolled(&self, is_enrolled: bool) {
        if let Kind::Real(real) = &self.0 {
            drop(real.change(|keeper, _| keeper.set_enrolled(is_enrolled)));
        }
    }

    /// It is later than `floor`: that has been once already.
    pub fn raise_floor(&self, floor: Timestamp) {
        if let Kind::Real(real) = &self.0 {
            drop(real.change(|keeper, look| keeper.raise_floor(floor, look.elapsed)));
        }
    }

    /// Goes on by the anchor that was kept, if it is one of this start of the machine.
    pub fn take_up(&self, anchor: Anchor) {
        if let Kind::Real(real) = &self.0
            && real.boot == anchor.boot
        {
            let belief = Belief {
                elapsed: Duration::from_millis(anchor.elapsed_ms),
                at: anchor.at,
                source: anchor.source,
            };
            drop(real.change(|keeper, look| keeper.take_up(belief, look)));
        }
    }

    /// The cloud's clock showed `cloud_now` at some time within a round trip that took
    /// `round_trip` and ends now.
    pub fn hear_cloud(&self, cloud_now: Timestamp, round_trip: Duration) {
        if let Kind::Real(real) = &self.0 {
            drop(real.change(|keeper, look| keeper.hear_cloud(cloud_now, round_trip, look)));
        }
    }

    /// The instant as well as it is known.
    #[must_use]
    pub fn reckon(&self) -> Reckoned {
        match &self.0 {
            Kind::Real(real) => {
                let (keeper, look) = real.look();
                Reckoned {
                    at: keeper.reckon(look),
                    clock: trust(&keeper),
                    since_boot: Some(SinceBoot {
                        boot: real.boot,
                        elapsed_ms: milliseconds(look.elapsed),
                    }),
                }
            }
            Kind::Test { file, last } => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                match read(file) {
                    Ok(now) => *last = now,
                    Err(error) => tracing::warn!(%error, "the test clock stands still"),
                }
                Reckoned {
                    at: *last,
                    clock: ClockTrust::Trusted,
                    since_boot: None,
                }
            }
        }
    }

    /// The instant as well as it is known.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.reckon().at
    }

    /// How far [`Self::now`] can be believed.
    #[must_use]
    pub fn trust(&self) -> ClockTrust {
        self.reckon().clock
    }

    /// The earliest that it can be: what is believed, else the floor. For whoever has to tell
    /// what is certainly over.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        match &self.0 {
            Kind::Real(real) => {
                let (keeper, look) = real.look();
                match keeper.belief() {
                    Some(_) => keeper.reckon(look),
                    None => keeper.floor(look.elapsed),
                }
            }
            Kind::Test { .. } => self.now(),
        }
    }

    /// How the clock is, for the report to the cloud.
    #[must_use]
    pub fn report(&self) -> ClockReport {
        match &self.0 {
            Kind::Real(real) => {
                let (keeper, look) = real.look();
                let belief = keeper.belief();
                let ahead = belief.map(|belief| look.wall.duration_since(belief.at(look.elapsed)));
                let ahead_ms = ahead.map_or(0, |ahead| ahead.as_millis());
                ClockReport {
                    trust: trust(&keeper),
                    source: belief.map_or(ClockSource::None, |belief| belief.source),
                    machine_ahead_ms: i64::try_from(ahead_ms).unwrap_or(i64::MAX),
                }
            }
            Kind::Test { .. } => ClockReport {
                trust: ClockTrust::Trusted,
                source: ClockSource::Test,
                machine_ahead_ms: 0,
            },
        }
    }

    /// What is wrong with the clock, in one sentence with what to do.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let Kind::Real(real) = &self.0 else {
            return None;
        };
        let (keeper, _) = real.look();
        let ahead = keeper.contradiction()?.as_secs();
        let (seconds, side) = (
            ahead.unsigned_abs(),
            if ahead < 0 { "behind" } else { "ahead of" },
        );
        Some(format!(
            "the cloud's clock is {seconds} s {side} the time server of this machine, which is \
             believed: see which is wrong with timedatectl timesync-status"
        ))
    }

    /// Waits until it is known what time it is, by somebody who knows. A test clock never
    /// tells. May be dropped.
    pub async fn anchored(&self) -> Anchor {
        let Kind::Real(real) = &self.0 else {
            return std::future::pending().await;
        };
        let mut anchors = real.anchor.subscribe();
        loop {
            drop(real.look());
            if let Some(anchor) = *anchors.borrow_and_update() {
                return anchor;
            }
            tokio::select! {
                _ = anchors.changed() => {}
                () = tokio::time::sleep(LOOK_PERIOD) => {}
            }
        }
    }

    /// Whether this is a test clock.
    #[must_use]
    pub fn is_test(&self) -> bool {
        matches!(self.0, Kind::Test { .. })
    }

    /// Waits until the clock shows `at` or later, however it gets there. May be dropped.
    pub async fn wait_until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(self.now());
            if !left.is_positive() {
                return;
            }
            let pause = match self.0 {
                Kind::Test { .. } => TEST_CLOCK_PERIOD,
                Kind::Real(_) => left.unsigned_abs().min(LOOK_PERIOD),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Waits until a test clock shows another instant than `seen`, and tells it. The real
    /// clock is never waited for: it returns after a second. May be dropped.
    pub async fn moved_from(&self, seen: Timestamp) -> Timestamp {
        loop {
            let pause = match self.0 {
                Kind::Test { .. } => TEST_CLOCK_PERIOD,
                Kind::Real(_) => LOOK_PERIOD,
            };
            tokio::time::sleep(pause).await;
            let now = self.now();
            if now != seen {
                return now;
            }
        }
    }
}

impl Real {
    /// The keeper, when it has taken note of what the machine shows now.
    fn look(&self) -> (MutexGuard<'_, Keeper>, Look) {
        self.change(Keeper::look)
    }

    /// Changes what the keeper knows, and tells whoever waits for another anchor.
    fn change(&self, change: impl FnOnce(&mut Keeper, Look)) -> (MutexGuard<'_, Keeper>, Look) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let look = look();
        let before = keeper.belief();
        change(&mut keeper, look);
        let belief = keeper.belief();
        if before != belief {
            self.anchor.send_replace(belief.map(|belief| Anchor {
                boot: self.boot,
                elapsed_ms: milliseconds(belief.elapsed),
                at: belief.at,
                source: belief.source,
            }));
            if let Some(Belief { at, source, .. }) = belief {
                let shown = look.wall;
                tracing::info!(?source, now = %at, %shown, "it is known what time it is");
            }
        }
        (keeper, look)
    }
}

fn trust(keeper: &Keeper) -> ClockTrust {
    match keeper.belief() {
        Some(_) => ClockTrust::Trusted,
        None => ClockTrust::Untrusted,
    }
}

/// What the machine shows now.
fn look() -> Look {
    Look {
        wall: machine_now(),
        elapsed: since_boot(),
        server: time_server(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

/// Time since the machine started, sleep included.
fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    whole + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn time_server() -> Server {
    let touched = fs::metadata(TIMESYNC_MARKER).and_then(|marker| marker.modified());
    match touched.map(Timestamp::try_from) {
        Ok(Ok(at)) => Server::Set(at),
        _ if Path::new(TIMESYNC).is_dir() => Server::Waiting,
        _ => Server::Unknown,
    }
}

/// Which start of the machine this is. Where Linux does not say, each start of the program
/// counts as one, so that nothing is dated by another's clock.
fn this_boot() -> BootId {
    let named = fs::read_to_string(BOOT_ID).ok();
    let named = named.and_then(|text| boot_named(text.trim()));
    named.unwrap_or_else(|| BootId(rand::random::<i64>() & i64::MAX))
}

/// The first half of the random number that Linux makes at each start.
fn boot_named(uuid: &str) -> Option<BootId> {
    let digits: String = uuid.chars().filter(|c| *c != '-').take(16).collect();
    let half = u64::from_str_radix(&digits, 16).ok()?;
    i64::try_from(half & i64::MAX.unsigned_abs())
        .ok()
        .map(BootId)
}

fn read(file: &Path) -> Result<Timestamp, ClockError> {
    let failed = |why: String| ClockError {
        path: file.to_owned(),
        why,
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    text.trim()
        .parse()
        .map_err(|error: jiff::Error| failed(error.to_string()))
}

#[cfg(test)]
mod tests;
