//! Why the buffer could not do what it was asked. Pure.

use std::path::PathBuf;

/// Why the buffer could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BufferError {
    /// Another process has the same buffer open.
    #[error("{0} is in use by another process (is the daemon running?)")]
    InUse(PathBuf),
    /// A file operation failed.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was tried, e.g. `open`.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `SQLite` refused.
    #[error("cannot {doing}: {source}")]
    Sql {
        /// What was tried.
        doing: &'static str,
        /// What it said.
        source: rusqlite::Error,
    },
    /// The database engine is not the one we rely on.
    #[error("the database engine cannot be trusted with readings: {0}")]
    Engine(String),
    /// A newer program wrote the buffer.
    #[error("the buffer has format {found}, this program knows up to {known}: update it")]
    Newer {
        /// The format found.
        found: i64,
        /// The newest format known.
        known: i64,
    },
    /// The cloud acknowledged what was never stored here.
    #[error(
        "the cloud acknowledged reading {through}, but this buffer has only {last}: \
         it may be an old copy of the disk"
    )]
    NeverStored {
        /// The number acknowledged.
        through: u64,
        /// The last number given.
        last: u64,
    },
    /// The buffer's thread has ended.
    #[error("the buffer is closed")]
    Closed,
}

impl BufferError {
    /// Whether the disk has no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is(rusqlite::ErrorCode::DiskFull)
    }

    /// Whether the disk refused in a way that may be for want of room: a quota, or what a
    /// file system says when it comes to write what it had taken.
    pub(super) fn is_io(&self) -> bool {
        self.is(rusqlite::ErrorCode::SystemIoFailure)
    }

    fn is(&self, code: rusqlite::ErrorCode) -> bool {
        matches!(self, Self::Sql { source, .. } if source.sqlite_error_code() == Some(code))
    }
}

pub(super) fn sql(doing: &'static str) -> impl Fn(rusqlite::Error) -> BufferError {
    move |source| BufferError::Sql { doing, source }
}
