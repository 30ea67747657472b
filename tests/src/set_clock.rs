//! A machine's clock that shows something else than it should, as libfaketime lets one program
//! see it: the clocks that nobody can set go on as they are.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Where Debian has its libraries, below a folder for each architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// The clock of one machine, which can be set at any time.
#[derive(Debug, Clone)]
pub struct SetClock {
    file: PathBuf,
    library: PathBuf,
}

impl SetClock {
    /// A clock that is right, kept in `folder`.
    ///
    /// # Errors
    /// When libfaketime is not installed, or the disk refuses.
    pub fn new(folder: &Path) -> anyhow::Result<Self> {
        let folders = std::fs::read_dir(LIBRARIES)?.filter_map(Result::ok);
        let mut libraries = folders.map(|folder| folder.path().join(LIBRARY));
        let library = libraries.find(|library| library.exists());
        let clock = Self {
            file: folder.join("faketime"),
            library: library.context("libfaketime (Debian package faketime)")?,
        };
        clock.set(0)?;
        Ok(clock)
    }

    /// Lets it be `ahead_s` seconds ahead of the truth from now on.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set(&self, ahead_s: i64) -> anyhow::Result<()> {
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, format!("{ahead_s:+}\n"))?;
        std::fs::rename(&beside, &self.file)?;
        Ok(())
    }

    /// The environment of a program that sees it.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let file = self.file.display().to_string();
        let library = self.library.display().to_string();
        let variables = [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        variables.map(owned).to_vec()
    }
}
