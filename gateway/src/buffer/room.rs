//! Room: how much the readings may take, what gives way when they take more, and what is
//! done when the disk has none.
//!
//! First go readings that the cloud has, then gauges, other counters, billing counters and
//! closing readings, the oldest of each first. One step looks at a bounded number of rows:
//! each weight has a place up to which all of it has gone, so that whoever drops n rows looks
//! at each row of the log once a weight, however long the log is. After a start the places
//! are found anew, a bounded step at a time.
//!
//! A file of its own size, the ballast, is held for the moment in which the disk is full: it
//! is given up so that dropping and acknowledging can be written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use common::fail_point::fail_point;
use common::sync::{LossReason, Weight};
use rusqlite::{Transaction, params};

use super::loss::{self, Lost};
use super::{Buffer, BufferError, keep_cursor, sql, stored};
use crate::config::BufferConfig;

/// Bytes of the ballast: hundreds of commits.
const BALLAST_BYTES: usize = 1024 * 1024;
/// What must be free beside the ballast before it is made anew.
const FREE_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// The most rows that one step looks at.
const SCAN_ROWS_MAX: usize = 4_000;
/// The most rows that one step lets go.
const DROP_ROWS_MAX: usize = 1_000;
/// The fewest: some pages' worth.
const DROP_ROWS_MIN: usize = 50;
/// Bytes of a reading on the disk, about.
const ROW_BYTES: u64 = 64;
/// With less free on the disk an error of it is for want of room.
const NO_ROOM_BYTES: u64 = 64 * 1024;
/// Steps after one append: more than it brings, so that the bound is reached and kept.
const STEPS_MAX: usize = 32;
/// Steps when the disk is full: until some room is free.
const RELIEF_STEPS_MAX: usize = 64;
/// The part of the bound that is kept free for the next appends.
const RESERVE_PART: u64 = 64;
/// What is kept free in the file while the disk is full: as much as the pollers may have
/// waiting for it.
const FULL_RESERVE_BYTES: u64 = 512 * 1024;
/// The most that is kept free of a small file, as a part of it.
const SMALL_RESERVE_PART: u64 = 8;
/// The most bytes of a log of changes that is kept on the disk when it is empty.
pub(super) const LOG_BYTES_MAX: i64 = 512 * 1024;

/// The bound, and how the disk is.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) bytes_max: u64,
    /// How large the file is while the disk is full.
    full_at: Option<u64>,
    /// Up to where all readings of a weight have gone.
    gone: BTreeMap<Weight, u64>,
    pub(super) ballast: PathBuf,
}

impl Room {
    pub(super) fn new(path: &Path, config: &BufferConfig) -> Self {
        Self {
            bytes_max: u64::from(config.max_mib) * 1024 * 1024,
            full_at: None,
            gone: BTreeMap::new(),
            ballast: path.with_extension("ballast"),
        }
    }

    /// After the cursor went back, or the database changed.
    pub(super) fn forget(&mut self) {
        self.gone.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        self.full_at.is_some()
    }

    fn bound(&self) -> u64 {
        let by_config = self.bytes_max - self.bytes_max / RESERVE_PART;
        let by_disk = self.full_at.map_or(u64::MAX, |full| {
            let reserve = (full / RESERVE_PART).max(FULL_RESERVE_BYTES);
            // A small file is mostly what every buffer has.
            full - reserve.min(full / SMALL_RESERVE_PART)
        });
        by_config.min(by_disk)
    }
}

/// Bytes that are free on the disk on which `path` is.
fn free_beside(path: &Path) -> Option<u64> {
    let folder = path.parent()?;
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let free = rustix::fs::statvfs(folder).ok()?;
    Some(free.f_bavail.saturating_mul(free.f_frsize))
}

/// Deletes the oldest readings up to `through`, at most `max`, with all that belongs to
/// them; tells how many readings went.
pub(super) fn delete_settled(
    transaction: &Transaction<'_>,
    through: u64,
    max: i64,
) -> Result<u64, rusqlite::Error> {
    let last: Option<i64> = transaction.query_row(
        "SELECT max(seq) FROM (SELECT seq FROM entry WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
        params![stored(through), max],
        |row| row.get(0),
    )?;
    let Some(last) = last else {
        return Ok(0);
    };
    let deleted = transaction.execute("DELETE FROM entry WHERE seq <= ?1", [last])?;
    transaction.execute("DELETE FROM seal WHERE seq <= ?1", [last])?;
    transaction.execute("DELETE FROM loss WHERE last <= ?1", [last])?;
    Ok(u64::try_from(deleted).unwrap_or(0))
}

impl Buffer {
    /// What the readings take on the disk, in bytes.
    pub(super) fn bytes(&self) -> Result<u64, BufferError> {
        self.pages().map(|(all, free)| all.saturating_sub(free))
    }

    /// How large the database is with what is in its log, and how much of that is free.
    fn pages(&self) -> Result<(u64, u64), BufferError> {
        let asking = sql("ask how large the buffer is");
        let ask = |name| {
            let value = self
                .connection
                .pragma_query_value(None, name, |row| row.get(0));
            value.map_err(&asking)
        };
        let (pages, free, size): (i64, i64, i64) = (
            ask("page_count")?,
            ask("freelist_count")?,
            ask("page_size")?,
        );
        let bytes = |pages: i64| super::number(pages.saturating_mul(size));
        Ok((bytes(pages), bytes(free)))
    }

    /// Lets go what is too much, a bounded part of it.
    pub(super) fn keep_bound(&mut self) -> Result<(), BufferError> {
        if self.room.is_full() {
            // As soon as the disk has room again, nothing more goes on its account.
            self.make_ballast();
        }
        for _ in 0..STEPS_MAX {
            if !self.step()? {
                break;
            }
        }
        Ok(())
    }

    /// Lets go of about as many readings as are too much, a bounded number; tells whether
    /// there were too many.
    fn step(&mut self) -> Result<bool, BufferError> {
        let surplus = self.bytes()?.saturating_sub(self.room.bound());
        if surplus == 0 {
            return Ok(false);
        }
        let rows = usize::try_from(surplus / ROW_BYTES).unwrap_or(usize::MAX);
        self.give_way(rows.clamp(DROP_ROWS_MIN, DROP_ROWS_MAX))?;
        Ok(true)
    }

    /// Lets go of at most `max` readings, those that matter least, and tells how many went.
    /// None is no sign that none is left: a step looks at a bounded number of rows.
    pub(super) fn give_way(&mut self, max: usize) -> Result<u64, BufferError> {
        let dropping = sql("let readings go");
        let limit = i64::try_from(max).unwrap_or(i64::MAX);
        let transaction = self.connection.transaction().map_err(&dropping)?;
        if !self.cursor_kept {
            keep_cursor(&transaction, self.life, self.cursor).map_err(&dropping)?;
        }
        let deleted =
            delete_settled(&transaction, self.cursor.through, limit).map_err(&dropping)?;
        fail_point("buffer-drop-before-commit");
        transaction.commit().map_err(&dropping)?;
        self.cursor_kept = true;
        if deleted > 0 {
            return Ok(deleted);
        }
        for weight in [
            Weight::Gauge,
            Weight::Counter,
            Weight::Billing,
            Weight::Closing,
        ] {
            let (dropped, is_end) = self.drop_of(weight, max)?;
            if dropped > 0 || !is_end {
                return Ok(dropped);
            }
        }
        Ok(0)
    }

    /// Lets go of at most `max` readings of a weight; tells too whether none is left.
    fn drop_of(&mut self, weight: Weight, max: usize) -> Result<(u64, bool), BufferError> {
        let dropping = sql("let readings go");
        let gone = self.room.gone.get(&weight).copied().unwrap_or(0);
        let from = gone.max(self.cursor.through);
        let rows = self.rows_after(from, SCAN_ROWS_MAX)?;
        let is_end = rows.len() < SCAN_ROWS_MAX;
        let (mut looked, mut lost): (u64, Vec<Lost>) = (from, Vec::new());
        let (mut dropped, mut cursor) = (Vec::new(), self.cursor);
        for (seq, row) in rows {
            if dropped.len() >= max {
                break;
            }
            looked = seq;
            let next = match row {
                Some(row) if row.gravity() != weight => continue,
                Some(row) => Lost::of(&row, LossReason::Size),
                None => Lost::unknown(seq, seq, LossReason::Damage),
            };
            dropped.push(seq);
            if !lost.last_mut().is_some_and(|last| last.join(&next)) {
                lost.push(next);
            }
        }
        let count = u64::try_from(dropped.len()).unwrap_or(u64::MAX);
        if count > 0 {
            cursor.lost += count;
            let transaction = self.connection.transaction().map_err(&dropping)?;
            for seq in dropped {
                for text in [
                    "DELETE FROM entry WHERE seq = ?1",
                    "DELETE FROM seal WHERE seq = ?1",
                ] {
                    let deleted = transaction.prepare_cached(text);
                    deleted
                        .and_then(|mut delete| delete.execute([stored(seq)]))
                        .map_err(&dropping)?;
                }
            }
            for lost in lost {
                loss::note(&transaction, lost, cursor.through).map_err(&dropping)?;
            }
            keep_cursor(&transaction, self.life, cursor).map_err(&dropping)?;
            fail_point("buffer-drop-loss-before-commit");
            transaction.commit().map_err(&dropping)?;
            fail_point("buffer-drop-loss-after-commit");
            self.cursor = cursor;
            tracing::warn!(
                count,
                weight = weight.code(),
                "the buffer is full: readings are lost"
            );
        }
        self.room.gone.insert(weight, looked);
        Ok((count, is_end))
    }

    /// Does what writes to the disk; when that has no room, makes some and does it again.
    pub(super) fn with_room<T>(
        &mut self,
        write: impl Fn(&mut Self) -> Result<T, BufferError>,
    ) -> Result<T, BufferError> {
        match write(self) {
            Err(error) if error.is_full() || (error.is_io() && self.has_no_room()) => {
                self.relieve(&error)?;
                write(self)
            }
            other => other,
        }
    }

    fn has_no_room(&self) -> bool {
        free_beside(&self.path).is_some_and(|free| free < NO_ROOM_BYTES)
    }

    /// The disk has no room: gives up the ballast, starts the log of changes again from its
    /// beginning, and lets readings go until the file has pages free for the next ones.
    fn relieve(&mut self, error: &BufferError) -> Result<(), BufferError> {
        tracing::error!(%error, "the disk is full: readings that matter least give way");
        let _ = fs::remove_file(&self.room.ballast);
        self.restart_log();
        // The file does not shrink, and its free pages are ours: however often this is done,
        // no more goes than makes the reserve.
        self.room.full_at = Some(self.pages()?.0.max(1));
        for _ in 0..RELIEF_STEPS_MAX {
            if !self.step()? {
                break;
            }
        }
        self.restart_log();
        Ok(())
    }

    /// Moves the log of changes into the database. The log's file keeps its length: what it
    /// has on a full disk nobody else takes.
    fn restart_log(&self) {
        let emptied = self
            .connection
            .query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        if let Err(error) = emptied {
            tracing::warn!(%error, "the log of changes cannot be emptied");
        }
    }

    /// Makes the ballast, where there is none and room for it.
    pub(super) fn make_ballast(&mut self) {
        let path = &self.room.ballast;
        if path.exists() && !self.room.is_full() {
            return;
        }
        if free_beside(path).is_none_or(|free| free < FREE_BYTES_MIN) {
            return;
        }
        let made = File::create(path).and_then(|mut file| {
            file.write_all(&vec![0x42; BALLAST_BYTES])?;
            file.sync_all()
        });
        match made {
            Ok(()) => {
                let _ = crate::files::give_to_owner_of_directory(path);
                self.room.full_at = None;
            }
            Err(error) => {
                tracing::warn!(%error, "no room can be kept for the moment the disk is full");
                let _ = fs::remove_file(path);
            }
        }
    }
}
