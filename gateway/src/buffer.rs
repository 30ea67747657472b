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
//! is set aside under another name, never deleted, and a new epoch begins. Its size is
//! bounded: what matters least goes first, and is counted.

mod check;
mod dating;
mod epoch;
mod error;
mod handle;
mod last;
mod loss;
mod open;
mod outgoing;
mod room;
mod row;
mod salvage;
mod sealing;
mod settle;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use common::closes::Closes;
use common::fail_point::fail_point;
use common::id::{BootId, DeviceId, Epoch};
use common::quantity::Quantity;
use common::sync::{LossReason, Rejection};
use jiff::Timestamp;
use rusqlite::{Connection, params};

pub use check::BufferCheck;
pub use error::BufferError;
pub use handle::BufferHandle;
pub use loss::Lost;
pub use outgoing::{Held, Outgoing};
pub use sealing::Sealing;
pub use status::{BufferStatus, Origin};

use self::error::sql;
use crate::clock::Anchor;
use crate::config::BufferConfig;
use crate::reading::NewReading;

/// Among how many readings the last value of a point is looked for; 0.1 s of reading.
const LAST_VALUES_ROWS_MAX: i64 = 100_000;

/// The last value of each point of each device, and when it was read.
pub type LastValues = BTreeMap<(DeviceId, String), (Timestamp, Quantity)>;

/// How far the cloud has acknowledged, on which UTC day it last did, and how many readings
/// were lost before it had them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cursor {
    through: u64,
    day: i64,
    lost: u64,
}

/// Which life of the buffer this is, since when, and why it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    epoch: Epoch,
    began_at: Timestamp,
    origin: Origin,
}

/// The buffer, for one thread. [`BufferHandle`] is its async face.
#[derive(Debug)]
pub struct Buffer {
    connection: Connection,
    path: PathBuf,
    life: Life,
    cursor: Cursor,
    /// Whether the disk knows the cursor too.
    cursor_kept: bool,
    set_aside: Option<PathBuf>,
    /// Readings taken over from the database before.
    salvaged: u64,
    /// Rows found damaged since it was opened.
    damaged: u64,
    /// This start of the machine.
    boot: Option<BootId>,
    anchors: BTreeMap<BootId, Anchor>,
    sealing: Option<Sealing>,
    chains: sealing::Chains,
    room: room::Room,
    /// What was lost in memory and has no numbers yet: it begins at 1.
    forgone: Option<Lost>,
    /// Held alone by the writer, shared by those who only read.
    lock: Option<File>,
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
    /// Opens the buffer at `path` to write, making it if there is none, on the start `boot`
    /// of the machine (`None`: its readings are never dated afterwards). A damaged one is set
    /// aside, loudly, and a new one begun with what of it is intact.
    ///
    /// # Errors
    /// When another process writes to it, the disk refuses, or the engine is not to be relied on.
    pub fn open(
        path: &Path,
        config: &BufferConfig,
        now: Timestamp,
        boot: Option<BootId>,
    ) -> Result<Self, BufferError> {
        open::open(path, config, now, boot)
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
        let aside = epoch::set_aside(path, "left", now);
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
            keep_cursor(&self.connection, self.life, self.cursor).map_err(&closing)?;
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
        self.life.epoch
    }

    /// The damaged database that was set aside at opening, if one was.
    #[must_use]
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// By what readings are sealed from now on; `None` seals none.
    pub fn set_sealing(&mut self, sealing: Option<Sealing>) {
        self.sealing = sealing;
    }

    /// Stores `readings` in one transaction and tells their numbers. Instants are kept to
    /// the millisecond; readings of a start of the machine whose anchor is known are dated;
    /// those that are to be links in a chain are sealed. Nothing is stored for an empty
    /// slice; its range is empty. When there is no room, what matters least gives way.
    ///
    /// # Errors
    /// When the disk refuses; then none of them is stored.
    pub fn append(&mut self, readings: &[NewReading]) -> Result<RangeInclusive<u64>, BufferError> {
        let stored = self.with_room(|buffer| buffer.try_append(readings))?;
        if let Err(error) = self.keep_bound() {
            tracing::error!(%error, "the buffer's size cannot be kept within its bound");
        }
        Ok(stored)
    }

    /// Counts `readings` as lost, which waited for the disk in memory for too long. They get
    /// numbers with the next append, so that the cloud learns of them too; a power cut
    /// before that takes the count with it.
    pub fn forgo(&mut self, readings: &[NewReading]) {
        for reading in readings {
            let seq = self.forgone.as_ref().map_or(1, |lost| lost.last + 1);
            let mut held = row::Held::new(reading, seq);
            dating::date(&self.anchors, &mut held.reading);
            let next = Lost::of(&held, LossReason::Size);
            match &mut self.forgone {
                Some(lost) => drop(lost.join(&next)),
                None => self.forgone = Some(next),
            }
        }
    }

    fn try_append(&mut self, readings: &[NewReading]) -> Result<RangeInclusive<u64>, BufferError> {
        let storing = sql("store readings");
        let (mut last, mut cursor) = (self.last_seq()?, self.cursor);
        let mut chains = self.chains.clone();
        let transaction = self.connection.transaction().map_err(&storing)?;
        if let Some(forgone) = &self.forgone {
            let lost = forgone.clone().numbered(last + 1);
            (last, cursor.lost) = (lost.last, cursor.lost + lost.count());
            loss::note(&transaction, lost, cursor.through).map_err(&storing)?;
        }
        let mut seq = last;
        for reading in readings {
            seq += 1;
            let mut held = row::Held::new(reading, seq);
            dating::date(&self.anchors, &mut held.reading);
            if let Some(sealing) = &self.sealing
                && held.weight == common::sync::Weight::Billing
            {
                sealing::seal(sealing, &mut chains, &mut held.reading);
            }
            row::put(&transaction, &held).map_err(&storing)?;
        }
        sealing::keep(&transaction, &self.chains, &chains).map_err(&storing)?;
        if !self.cursor_kept || self.forgone.is_some() {
            keep_cursor(&transaction, self.life, cursor).map_err(&storing)?;
        }
        fail_point("buffer-append-before-commit");
        transaction.commit().map_err(&storing)?;
        fail_point("buffer-append-after-commit");
        (self.chains, self.cursor, self.cursor_kept) = (chains, cursor, true);
        self.forgone = None;
        Ok(last + 1..=seq)
    }

    /// The last day that each device has a closing reading with a value for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_closings(&self) -> Result<BTreeMap<DeviceId, Closes>, BufferError> {
        last::closings(&self.connection)
    }

    /// The last value of each point, and when it was read, for whoever judges the next one:
    /// of all closing readings and the latest others, so that a start does not read the log.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_values(&self) -> Result<LastValues, BufferError> {
        let from = stored(self.last_seq()?) - LAST_VALUES_ROWS_MAX;
        last::values(&self.connection, from)
    }

    /// How many readings are not acknowledged.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting(&self) -> Result<u64, BufferError> {
        Ok(self.last_seq()? - self.cursor.through)
    }

    /// Up to where the cloud has acknowledged, and the last number given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn progress(&self) -> Result<(u64, u64), BufferError> {
        Ok((self.cursor.through, self.last_seq()?))
    }

    /// The last number given.
    fn last_seq(&self) -> Result<u64, BufferError> {
        let (entry, lost): (i64, i64) = self
            .connection
            .prepare_cached(
                "SELECT coalesce((SELECT max(seq) FROM entry), 0),
                        coalesce((SELECT last FROM loss ORDER BY first DESC LIMIT 1), 0)",
            )
            .and_then(|mut last| last.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(sql("read the buffer's last number"))?;
        Ok(number(entry.max(lost)).max(self.cursor.through))
    }
}

fn note_rejection(connection: &Connection, rejection: &Rejection) -> Result<(), rusqlite::Error> {
    let text = "INSERT INTO rejection (seq, reason) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection
        .execute(text, params![stored(rejection.seq), rejection.reason])
        .map(drop)
}

fn keep_cursor(connection: &Connection, life: Life, cursor: Cursor) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO cursor
             (id, epoch, began_at_ms, origin, acknowledged, acknowledged_on, lost, sum)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            life.epoch.0,
            life.began_at.as_millisecond(),
            life.origin.code(),
            stored(cursor.through),
            cursor.day,
            stored(cursor.lost),
            epoch::cursor_sum(life, cursor),
        ])
        .map(|_| ())
}
