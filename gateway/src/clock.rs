//! What time it is, and whether to believe it. The only caller of "now" in this program.
//!
//! With `--test-clock FILE` wall time is the instant in that file and stands still until
//! the file changes; periods, back-off and timeouts keep real, monotonic time all the same.
//! Whoever changes the file renames a new one over it. Lacks: dating what was read before
//! the clock was set.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::id::BootId;
use common::reading::ClockTrust;
use common::sync::ClockSource;
use jiff::Timestamp;

/// How often a waiting task looks whether a test clock has moved.
const TEST_CLOCK_PERIOD: Duration = Duration::from_millis(50);
/// How long a waiting task believes the real clock before it looks again: it may be set.
const REAL_CLOCK_PERIOD: Duration = Duration::from_secs(1);
/// Where systemd-timesyncd says that it has set the clock.
const TIMESYNC: &str = "/run/systemd/timesync";
/// Before this program existed no clock that shows it can be right (2026-11-01).
const FLOOR_SECONDS: i64 = 1_793_491_200;

/// The test clock's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("test clock {path}: {why} (write one instant such as 2026-11-24T08:00:00Z into it)")]
pub struct ClockError {
    path: PathBuf,
    why: String,
}

/// The program's clock. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Real,
    Test {
        file: PathBuf,
        /// The last instant read, for a moment in which the file cannot be.
        last: Arc<Mutex<Timestamp>>,
    },
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn real() -> Self {
        Self(Kind::Real)
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

    /// The instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Real => machine_now(),
            Kind::Test { file, last } => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                match read(file) {
                    Ok(now) => *last = now,
                    Err(error) => tracing::warn!(%error, "the test clock stands still"),
                }
                *last
            }
        }
    }

    /// How far [`Self::now`] can be believed. A machine whose clock timesyncd keeps is
    /// believed once that has set it; any other once it shows a time after this program
    /// was written, which a Pi without a battery does not before somebody has set it.
    #[must_use]
    pub fn trust(&self) -> ClockTrust {
        match self.0 {
            Kind::Test { .. } => ClockTrust::Trusted,
            Kind::Real => {
                let directory = Path::new(TIMESYNC);
                let synchronised = directory
                    .is_dir()
                    .then(|| directory.join("synchronized").exists());
                trust_of(self.now(), synchronised)
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
                Kind::Real => left.unsigned_abs().min(REAL_CLOCK_PERIOD),
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
                Kind::Real => REAL_CLOCK_PERIOD,
            };
            tokio::time::sleep(pause).await;
            let now = self.now();
            if now != seen {
                return now;
            }
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

#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

/// `synchronised` is what timesyncd says, if it runs.
fn trust_of(now: Timestamp, synchronised: Option<bool>) -> ClockTrust {
    let after_floor = now.as_second() >= FLOOR_SECONDS;
    if after_floor && synchronised != Some(false) {
        ClockTrust::Trusted
    } else {
        ClockTrust::Untrusted
    }
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
mod tests {
    use super::*;

    #[test]
    fn an_unset_or_unsynchronised_clock_is_not_believed() {
        let (then, now) = ("1970-01-01T00:05:00Z", "2026-11-24T08:00:00Z");
        let table = [
            (then, None, ClockTrust::Untrusted),
            (then, Some(true), ClockTrust::Untrusted),
            (now, None, ClockTrust::Trusted),
            (now, Some(false), ClockTrust::Untrusted),
            (now, Some(true), ClockTrust::Trusted),
        ];
        for (at, synchronised, trust) in table {
            let found = trust_of(at.parse().unwrap(), synchronised);
            assert_eq!(found, trust, "{at} {synchronised:?}");
        }
    }

    #[tokio::test]
    async fn a_test_clock_stands_still_until_its_file_changes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("clock");
        assert!(Clock::test(&file).is_err(), "there is no file");
        fs::write(&file, "yesterday").unwrap();
        assert!(Clock::test(&file).is_err(), "there is no instant");

        let (first, second) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        fs::write(&file, first).unwrap();
        let clock = Clock::test(&file).unwrap();
        assert_eq!(clock.now(), first.parse().unwrap());
        assert_eq!(clock.trust(), ClockTrust::Trusted);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.wait_until(second.parse().unwrap()).await }
        });
        fs::write(&file, "garbage").unwrap();
        assert_eq!(clock.now(), first.parse().unwrap(), "the last good one");
        assert!(!waiting.is_finished());
        let next = directory.path().join("next");
        fs::write(&next, format!("{second}\n")).unwrap();
        fs::rename(&next, &file).unwrap();
        waiting.await.unwrap();
        assert_eq!(clock.moved_from(first.parse().unwrap()).await, clock.now());
    }
}
