//! Settling: the cursor, what the cloud refused, and what is deleted once it is old.

use super::{Buffer, BufferError, Cursor, keep_cursor, note_rejection, number, room, sql, stored};
use common::fail_point::fail_point;
use common::sync::{Rejection, RejectionCode};
use jiff::Timestamp;

/// The most readings one [`Buffer::prune`] deletes, so that it never holds the disk long.
const PRUNE_ROWS_MAX: i64 = 20_000;
const MILLISECONDS_A_DAY: i64 = 24 * 60 * 60 * 1000;

impl Buffer {
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
        self.with_room(|buffer| buffer.try_acknowledge(through, rejected, now))
    }

    fn try_acknowledge(
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
        let (before, mut cursor) = (self.cursor, self.cursor);
        if through > before.through {
            // A clock that was set back makes no day end twice.
            let day = day(now).max(before.day);
            cursor = Cursor {
                through,
                day,
                ..before
            };
        }
        let ended = (cursor.day != before.day && before.through > 0).then_some(before);
        if ended.is_none() && rejected.is_empty() {
            self.cursor_kept &= cursor == before;
            self.cursor = cursor;
            return Ok(());
        }
        let transaction = self.connection.transaction().map_err(&noting)?;
        for rejection in rejected.iter().filter(|r| r.seq <= last) {
            note_rejection(&transaction, rejection).map_err(&noting)?;
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
        keep_cursor(&transaction, self.life, cursor).map_err(&noting)?;
        fail_point("buffer-acknowledge-before-commit");
        transaction.commit().map_err(&noting)?;
        fail_point("buffer-acknowledge-after-commit");
        (self.cursor, self.cursor_kept) = (cursor, true);
        Ok(())
    }

    /// Deletes readings that were acknowledged more than `keep_days` days before `now`, a
    /// bounded number of them, and tells how many went.
    ///
    /// # Errors
    /// When the disk refuses; then none is deleted.
    pub fn prune(&mut self, keep_days: u32, now: Timestamp) -> Result<u64, BufferError> {
        let deleted = self.with_room(|buffer| buffer.try_prune(keep_days, now))?;
        self.make_ballast();
        Ok(deleted)
    }

    fn try_prune(&mut self, keep_days: u32, now: Timestamp) -> Result<u64, BufferError> {
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
            ended.unwrap_or(0).min(stored(self.cursor.through))
        };
        // Before what it allows: the last number may be known from the cursor alone.
        if !self.cursor_kept {
            keep_cursor(&transaction, self.life, self.cursor).map_err(&pruning)?;
        }
        let deleted = room::delete_settled(&transaction, number(through), PRUNE_ROWS_MAX)
            .map_err(&pruning)?;
        // The youngest of the old days stays: it still says how far one may delete.
        transaction
            .execute(
                "DELETE FROM acknowledged_on WHERE day <
                 (SELECT max(day) FROM acknowledged_on WHERE day < ?1)",
                [old],
            )
            .map_err(&pruning)?;
        fail_point("buffer-prune-before-commit");
        transaction.commit().map_err(&pruning)?;
        fail_point("buffer-prune-after-commit");
        self.cursor_kept = true;
        Ok(deleted)
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
}

/// The UTC day of an instant, counted from 1970.
fn day(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(MILLISECONDS_A_DAY)
}
