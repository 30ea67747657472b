//! The test clock: one file that all programs of a world read.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;

/// The file that holds the instant at which the world stands.
#[derive(Debug, Clone)]
pub struct TestClock {
    file: PathBuf,
}

impl TestClock {
    /// A clock in `folder` that stands at `instant`.
    ///
    /// # Errors
    /// When the file cannot be written or `instant` is none.
    pub fn new(folder: &Path, instant: &str) -> anyhow::Result<Self> {
        let clock = Self {
            file: folder.join("clock"),
        };
        clock.set(instant.parse().with_context(|| instant.to_owned())?)?;
        Ok(clock)
    }

    /// The file, for `--test-clock`.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Puts it to `instant` in one step, so that nobody reads half of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&self, instant: Timestamp) -> anyhow::Result<()> {
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, format!("{instant}\n"))?;
        std::fs::rename(&beside, &self.file)?;
        Ok(())
    }

    /// Where it stands.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn now(&self) -> anyhow::Result<Timestamp> {
        let text = std::fs::read_to_string(&self.file)?;
        text.trim().parse().context("the test clock's file")
    }
}

/// The real time of day.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the harness's one look at the clock"
)]
pub fn real_now() -> Timestamp {
    Timestamp::now()
}
