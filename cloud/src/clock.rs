//! What time it is. The only caller of "now" in this program.
//!
//! With `--test-clock FILE` [`Clock::now`] is the instant in that file and stands still until
//! the file changes. Leases, back-off and timeouts go by [`Clock::real_now`] or by monotonic
//! time all the same.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

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

    /// The instant by which everything is due.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Real => self.real_now(),
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

    /// The instant of the machine, for leases and back-off.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
    pub fn real_now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Whether this is a test clock.
    #[must_use]
    pub fn is_test(&self) -> bool {
        matches!(self.0, Kind::Test { .. })
    }

    /// Sets a test clock for every process that reads its file.
    ///
    /// # Errors
    /// When the file cannot be written. The machine's clock is never set.
    pub fn set(&self, now: Timestamp) -> Result<(), ClockError> {
        let Kind::Test { file, .. } = &self.0 else {
            return Err(ClockError {
                path: PathBuf::from("(none)"),
                why: "this program runs on the machine's clock".to_owned(),
            });
        };
        write(file, now).map_err(|error| ClockError {
            path: file.clone(),
            why: error.to_string(),
        })
    }
}

/// A reader sees the old instant or the new one, never half of it.
fn write(file: &Path, now: Timestamp) -> std::io::Result<()> {
    let mut next = file.as_os_str().to_owned();
    next.push(".next");
    let mut written = fs::File::create(&next)?;
    writeln!(written, "{now}")?;
    drop(written);
    fs::rename(&next, file)
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
    fn a_test_clock_stands_still_until_it_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        assert!(Clock::test(&file).is_err(), "there is no file");
        fs::write(&file, "2026-11-01T06:00:00Z\n").unwrap();
        let clock = Clock::test(&file).unwrap();
        let other = Clock::test(&file).unwrap();
        assert_eq!(clock.now().to_string(), "2026-11-01T06:00:00Z");
        let later = "2026-11-02T07:00:00Z".parse().unwrap();
        clock.set(later).unwrap();
        assert_eq!((clock.now(), other.now()), (later, later));
        fs::write(&file, "garbage").unwrap();
        assert_eq!(clock.now(), later, "the last good one");
        assert!(Clock::real().set(later).is_err());
    }
}
