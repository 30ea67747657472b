//! The buffer: every reading, on disk, until the cloud has it for good. The only user of
//! rusqlite in this program.
//!
//! A log with a cursor. [`Buffer::append`] numbers readings 1, 2, 3, … within an *epoch*,
//! one life of the database, in the transaction that stores them; [`Buffer::acknowledge`]
//! moves the cursor, forwards only; [`Buffer::prune`] deletes what was acknowledged long
//! enough ago and nothing else. Numbers are never reused: the last one is known from the log
//! or, when all of it is gone, from the cursor. When a call has returned, its effect survives
//! a power cut (WAL, `synchronous` FULL, asserted).
//!
//! Flash memory wears out by what is written to it, so a sweep of the meters is one commit of
//! narrow rows on one small page, and the cursor has no commit of its
//! own: it goes to the disk with the next append, prune or close. A power cut in between
//! makes the cloud get some readings again, which counts them once.
//!
//! One process writes, under a lock file, and nobody reads beside it: the daemon is asked for
//! what it holds. Others read while none writes ([`Buffer::open_to_read`]). A damaged database
//! is set aside under another name, never deleted, and a new epoch begins. Lacks: a bound on
//! the size.

mod handle;
mod open;
mod row;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use common::id::{DeviceId, Epoch};
use common::quantity::Quantity;
use common::reading::Reading;
use common::sync::{Rejection, RejectionCode};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, params};

pub use handle::BufferHandle;

use crate::reading::NewReading;

/// The most readings one [`Buffer::prune`] deletes, so that it never holds the disk long.
const PRUNE_ROWS_MAX: i64 = 20_000;
/// Among how many readings the last value of a point is looked for; 0.1 s of reading.
const LAST_VALUES_ROWS_MAX: i64 = 100_000;
const MILLISECONDS_A_DAY: i64 = 24 * 60 * 60 * 1000;

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
    /// A row cannot be read back.
    #[error("reading {seq} in the buffer is damaged: {why}")]
    Row {
        /// Its number.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
    /// The buffer's thread has ended.
    #[error("the buffer is closed")]
    Closed,
}

/// The last value of each point of each device, and when it was read.
pub type LastValues = BTreeMap<(DeviceId, String), (Timestamp, Quantity)>;

/// What [`Buffer::status`] tells.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BufferStatus {
    /// This life of the buffer.
    pub epoch: Epoch,
    /// The last number given.
    pub last_seq: u64,
    /// Up to where the cloud has acknowledged.
    pub acknowledged_through: u64,
    /// Readings not acknowledged yet.
    pub waiting: u64,
    /// Readings held, acknowledged ones included.
    pub kept: u64,
    /// Readings that the cloud refused for good.
    pub rejected: u64,
    /// The instant of the oldest reading held.
    pub oldest_at: Option<Timestamp>,
    /// A damaged database that was set aside when this one was opened.
    pub set_aside: Option<PathBuf>,
}

/// How far the cloud has acknowledged, and on which UTC day it last did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    through: u64,
    day: i64,
}

/// The buffer, for one thread. [`BufferHandle`] is its async face.
#[derive(Debug)]
pub struct Buffer {
    connection: Connection,
    epoch: Epoch,
    cursor: Cursor,
    /// Whether the disk knows the cursor too.
    cursor_kept: bool,
    set_aside: Option<PathBuf>,
    /// Held alone by the writer, shared by those who only read.
    lock: Option<File>,
}

fn sql(doing: &'static str) -> impl Fn(rusqlite::Error) -> BufferError {
    move |source| BufferError::Sql { doing, source }
}

/// A number as the database holds it. Numbers start at 1 and would take 300,000 years of a
/// million readings a second to leave the range.
fn stored(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

impl Buffer {
    /// Opens the buffer at `path` to write, making it if there is none. A damaged one is set
    /// aside, loudly, and a new one begun.
    ///
    /// # Errors
    /// When another process writes to it, the disk refuses, or the engine is not to be relied on.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, BufferError> {
        open::open(path, now)
    }

    /// Opens an existing buffer only to read, while no daemon writes to it.
    ///
    /// # Errors
    /// When there is none, it is in use, or it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, BufferError> {
        open::open_to_read(path)
    }

    /// Sets this buffer aside, because the gateway goes to another account; tells where it
    /// is now. The next one opened at the same path begins a new epoch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn leave(self, path: &Path, now: Timestamp) -> Result<PathBuf, BufferError> {
        let lock = self.shut()?;
        let aside = open::set_aside(path, "left", now);
        drop(lock);
        aside
    }

    /// Closes the buffer; the disk knows all of it. One that is dropped instead forgets the
    /// acknowledgements since the last append.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> Result<(), BufferError> {
        self.shut().map(drop)
    }

    /// Closes the database; the lock is still held.
    fn shut(mut self) -> Result<Option<File>, BufferError> {
        let closing = sql("close the buffer");
        if !self.cursor_kept {
            keep_cursor(&self.connection, self.cursor).map_err(&closing)?;
        }
        let lock = self.lock.take();
        self.connection
            .close()
            .map_err(|(_, error)| closing(error))?;
        Ok(lock)
    }

    /// Which life of the buffer numbers the readings.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The damaged database that was set aside at opening, if one was.
    #[must_use]
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Stores `readings` in one transaction and tells their numbers. Instants are kept to
    /// the millisecond. Nothing is stored for an empty slice; its range is empty.
    ///
    /// # Errors
    /// When the disk refuses; then none of them is stored.
    pub fn append(&mut self, readings: &[NewReading]) -> Result<RangeInclusive<u64>, BufferError> {
        let storing = sql("store readings");
        let last = self.last_seq()?;
        let transaction = self.connection.transaction().map_err(&storing)?;
        let mut seq = stored(last);
        for reading in readings {
            seq += 1;
            row::insert(&transaction, seq, reading).map_err(&storing)?;
        }
        if !self.cursor_kept {
            keep_cursor(&transaction, self.cursor).map_err(&storing)?;
        }
        transaction.commit().map_err(&storing)?;
        self.cursor_kept = true;
        Ok(last + 1..=number(seq))
    }

    /// The oldest readings that are not acknowledged, at most `max`, contiguous.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_batch(&self, max: usize) -> Result<Vec<Reading>, BufferError> {
        self.read_after(self.cursor.through, max)
    }

    /// The readings after number `seq`, at most `max`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn read_after(&self, seq: u64, max: usize) -> Result<Vec<Reading>, BufferError> {
        row::select_after(&self.connection, stored(seq), max)
    }

    /// Everything up to `through` is settled: the cloud has it, or refused it for the reason
    /// given. An old or repeated acknowledgement changes nothing. The disk learns of it with
    /// the next append, prune or close; at once when something was refused, and on a new day.
    ///
    /// # Errors
    /// When `through` was never stored here, or the disk refuses.
    pub fn acknowledge(
        &mut self,
        through: u64,
        rejected: &[Rejection],
        now: Timestamp,
    ) -> Result<(), BufferError> {
        let last = self.last_seq()?;
        if through > last {
            return Err(BufferError::NeverStored { through, last });
        }
        let noting = sql("note an acknowledgement");
        let before = self.cursor;
        if through > before.through {
            // A clock that was set back makes no day end twice.
            let day = day(now).max(before.day);
            self.cursor = Cursor { through, day };
            self.cursor_kept = false;
        }
        let ended = (self.cursor.day != before.day && before.through > 0).then_some(before);
        if ended.is_none() && rejected.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction().map_err(&noting)?;
        for rejection in rejected.iter().filter(|r| r.seq <= last) {
            transaction
                .execute(
                    "INSERT INTO rejection (seq, reason) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![stored(rejection.seq), rejection.reason],
                )
                .map_err(&noting)?;
        }
        if let Some(ended) = ended {
            transaction
                .execute(
                    "INSERT INTO acknowledged_on (day, through) VALUES (?1, ?2)
                     ON CONFLICT (day) DO UPDATE SET through = excluded.through",
                    [ended.day, stored(ended.through)],
                )
                .map_err(&noting)?;
        }
        keep_cursor(&transaction, self.cursor).map_err(&noting)?;
        transaction.commit().map_err(&noting)?;
        self.cursor_kept = true;
        Ok(())
    }

    /// Deletes readings that were acknowledged more than `keep_days` days before `now`, a
    /// bounded number of them, and tells how many went.
    ///
    /// # Errors
    /// When the disk refuses; then none is deleted.
    pub fn prune(&mut self, keep_days: u32, now: Timestamp) -> Result<u64, BufferError> {
        let pruning = sql("delete acknowledged readings");
        let old = day(now) - i64::from(keep_days);
        let transaction = self.connection.transaction().map_err(&pruning)?;
        let ended: Option<i64> = transaction
            .query_row(
                "SELECT max(through) FROM acknowledged_on WHERE day < ?1",
                [old],
                |row| row.get(0),
            )
            .map_err(&pruning)?;
        let through = if self.cursor.day < old {
            stored(self.cursor.through)
        } else {
            ended.unwrap_or(0)
        };
        // Before what it allows: the last number may be known from the cursor alone.
        if !self.cursor_kept {
            keep_cursor(&transaction, self.cursor).map_err(&pruning)?;
        }
        let deleted = transaction
            .execute(
                "DELETE FROM entry WHERE seq IN
                 (SELECT seq FROM entry WHERE seq <= ?1 ORDER BY seq LIMIT ?2)
                 AND seq <= (SELECT acknowledged FROM cursor WHERE id = 1)",
                [through, PRUNE_ROWS_MAX],
            )
            .map_err(&pruning)?;
        // The youngest of the old days stays: it still says how far one may delete.
        transaction
            .execute(
                "DELETE FROM acknowledged_on WHERE day <
                 (SELECT max(day) FROM acknowledged_on WHERE day < ?1)",
                [old],
            )
            .map_err(&pruning)?;
        transaction.commit().map_err(&pruning)?;
        self.cursor_kept = true;
        Ok(u64::try_from(deleted).unwrap_or(0))
    }

    /// The last day that each device has a closing reading with a value for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_closings(&self) -> Result<BTreeMap<DeviceId, Date>, BufferError> {
        row::select_closings(&self.connection)
    }

    /// The last value of each point, and when it was read, for whoever judges the next one:
    /// of all closing readings and the latest others, so that a start does not read the log.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_values(&self) -> Result<LastValues, BufferError> {
        let from = stored(self.last_seq()?) - LAST_VALUES_ROWS_MAX;
        row::select_last_values(&self.connection, from)
    }

    /// How many readings are not acknowledged.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting(&self) -> Result<u64, BufferError> {
        Ok(self.last_seq()? - self.cursor.through)
    }

    /// The readings that the cloud refused for good, at most `max`, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn rejections(&self, max: usize) -> Result<Vec<Rejection>, BufferError> {
        let reading = sql("read rejections");
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, reason FROM rejection ORDER BY seq DESC LIMIT ?1")
            .map_err(&reading)?;
        let rows = statement
            .query_map([i64::try_from(max).unwrap_or(i64::MAX)], |row| {
                Ok(Rejection {
                    code: RejectionCode::Unacceptable,
                    seq: number(row.get(0)?),
                    reason: row.get(1)?,
                })
            })
            .map_err(&reading)?;
        rows.collect::<Result<_, _>>().map_err(&reading)
    }

    /// What the buffer holds.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn status(&self) -> Result<BufferStatus, BufferError> {
        let (last_seq, acknowledged_through) = (self.last_seq()?, self.cursor.through);
        // `count(*)` would read the whole log; the numbers held are contiguous.
        let (first, oldest_ms, rejected): (Option<i64>, Option<i64>, i64) = self
            .connection
            .query_row(
                "SELECT (SELECT min(seq) FROM entry),
                        (SELECT at_ms FROM entry ORDER BY seq LIMIT 1),
                        (SELECT count(*) FROM rejection)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .map_err(sql("read the buffer's status"))?;
        Ok(BufferStatus {
            epoch: self.epoch,
            last_seq,
            acknowledged_through,
            waiting: last_seq - acknowledged_through,
            kept: first.map_or(0, |first| (last_seq + 1).saturating_sub(number(first))),
            rejected: number(rejected),
            oldest_at: oldest_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            set_aside: self.set_aside.clone(),
        })
    }

    /// The last number given.
    fn last_seq(&self) -> Result<u64, BufferError> {
        let last: Option<i64> = self
            .connection
            .query_row("SELECT max(seq) FROM entry", [], |row| row.get(0))
            .map_err(sql("read the buffer's last number"))?;
        Ok(last.map_or(0, number).max(self.cursor.through))
    }
}

fn keep_cursor(connection: &Connection, cursor: Cursor) -> Result<(), rusqlite::Error> {
    connection
        .execute(
            "UPDATE cursor SET acknowledged = ?1, acknowledged_on = ?2 WHERE id = 1",
            [stored(cursor.through), cursor.day],
        )
        .map(|_| ())
}

/// The UTC day of an instant, counted from 1970.
fn day(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(MILLISECONDS_A_DAY)
}
