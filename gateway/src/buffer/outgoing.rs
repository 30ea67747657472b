//! What goes out: the readings and losses that the cloud has not settled, without a gap.
//!
//! A row that is not what was stored becomes a loss here, at whatever reading meets it; it
//! is never sent and stops none of the others.

use std::collections::BTreeMap;

use common::digest::Digest;
use common::id::Epoch;
use common::reading::{ClockTrust, Reading};
use common::seal::Seal;
use common::sync::{HeldReading, Loss, LossReason, Rejection};

use super::loss::{self, Lost};
use super::row::{self, Held as Row};
use super::{Buffer, BufferError, number, sql, stored};

/// What is to be sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The life of the buffer that numbered it.
    pub epoch: Epoch,
    /// Readings, seq rising.
    pub readings: Vec<Reading>,
    /// The numbers between them that are lost.
    pub losses: Vec<Loss>,
}

/// Whether the buffer holds a reading that the cloud holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The same.
    Same,
    /// Another under that number, or never one.
    Other,
    /// It has been deleted since.
    Gone,
}

/// A number and what is under it: `None` when that is damaged.
pub(super) type Found = (u64, Option<Row>);

impl Buffer {
    /// The oldest readings and losses that are not settled, at most `max` of both, without
    /// a gap. Ends before a reading of this start of the machine that may still be dated,
    /// and before a loss that nobody can sign.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_batch(&mut self, max: usize) -> Result<Outgoing, BufferError> {
        loop {
            let (outgoing, damaged) = self.look(max)?;
            if damaged.is_empty() || !self.is_writer() {
                return Ok(outgoing);
            }
            self.lose(damaged)?;
        }
    }

    fn look(&self, max: usize) -> Result<(Outgoing, Vec<Lost>), BufferError> {
        let (through, last) = (self.cursor.through, self.last_seq()?);
        let rows = self.rows_after(through, max)?;
        let losses = loss::after(&self.connection, through, max)?;
        let is_all = (rows.len() < max, losses.len() < max);
        let (mut rows, mut losses) = (rows.into_iter().peekable(), losses.into_iter().peekable());
        let mut outgoing = Outgoing {
            epoch: self.life.epoch,
            readings: Vec::new(),
            losses: Vec::new(),
        };
        let (mut next, mut damaged) = (through + 1, Vec::new());
        while outgoing.readings.len() + outgoing.losses.len() < max && next <= last {
            if let Some(mut lost) = losses.next_if(|lost| lost.first <= next) {
                let Some(sealing) = &self.sealing else { break };
                lost.first = next;
                next = next.max(lost.last + 1);
                outgoing
                    .losses
                    .push(lost.signed(self.life.epoch, &sealing.key));
            } else if let Some((_, row)) = rows.next_if(|(seq, _)| *seq <= next) {
                match row {
                    Some(row) if self.may_be_dated(&row.reading) => break,
                    Some(row) => outgoing.readings.push(row.reading),
                    None => damaged.push(Lost::unknown(next, next, LossReason::Damage)),
                }
                next += 1;
            } else {
                let row = rows.peek().map(|(seq, _)| *seq);
                let lost = losses.peek().map(|lost| lost.first);
                if (row.is_none() && !is_all.0) || (lost.is_none() && !is_all.1) {
                    break;
                }
                let until = row.into_iter().chain(lost).min().unwrap_or(last + 1);
                damaged.push(Lost::unknown(next, until - 1, LossReason::Damage));
                next = until;
            }
        }
        self.put_seals(&mut outgoing.readings)?;
        Ok((outgoing, damaged))
    }

    /// Whether the instant of a reading may still be set right.
    fn may_be_dated(&self, reading: &Reading) -> bool {
        let boot = reading.since_boot.map(|since| since.boot);
        reading.clock == ClockTrust::Untrusted && boot.is_some() && boot == self.boot
    }

    /// The readings after number `seq`, at most `max`, in order; damaged ones are passed
    /// over, and noted as lost.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn read_after(&mut self, seq: u64, max: usize) -> Result<Vec<Reading>, BufferError> {
        let (mut after, mut readings) = (seq, Vec::new());
        while readings.len() < max {
            let found = self.rows_after(after, max - readings.len())?;
            let Some((last, _)) = found.last() else { break };
            after = *last;
            let mut damaged = Vec::new();
            for (seq, row) in found {
                match row {
                    Some(row) => readings.push(row.reading),
                    None => damaged.push(Lost::unknown(seq, seq, LossReason::Damage)),
                }
            }
            if !damaged.is_empty() && self.is_writer() {
                self.lose(damaged)?;
            }
        }
        self.put_seals(&mut readings)?;
        Ok(readings)
    }

    /// The losses after number `seq`, at most `max`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn losses_after(&self, seq: u64, max: usize) -> Result<Vec<Lost>, BufferError> {
        loss::after(&self.connection, seq, max)
    }

    /// Whether the cloud's reading is one of ours.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn holds(&self, theirs: &HeldReading) -> Result<Held, BufferError> {
        if theirs.seq > self.last_seq()? {
            return Ok(Held::Other);
        }
        let found = self.rows_after(theirs.seq.saturating_sub(1), 1)?;
        let digest: Option<Digest> = found
            .into_iter()
            .filter(|(seq, _)| *seq == theirs.seq)
            .find_map(|(_, row)| Some(row?.reading.digest()));
        Ok(match digest {
            None => Held::Gone,
            Some(ours) if ours == theirs.digest => Held::Same,
            Some(_) => Held::Other,
        })
    }

    /// The rows after number `seq`, without seals.
    pub(super) fn rows_after(&self, seq: u64, max: usize) -> Result<Vec<Found>, BufferError> {
        let reading = sql("read readings");
        let columns = row::COLUMNS;
        let text = format!("SELECT {columns} FROM reading WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let mut statement = self.connection.prepare_cached(&text).map_err(&reading)?;
        let limit = i64::try_from(max).unwrap_or(i64::MAX);
        let mut rows = statement.query([stored(seq), limit]).map_err(&reading)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(&reading)? {
            let seq = number(row.get(0).map_err(&reading)?);
            found.push((seq, row::decode(row)));
        }
        Ok(found)
    }

    /// Puts its seal to each of `readings`, which are in order.
    pub(super) fn put_seals(&self, readings: &mut [Reading]) -> Result<(), BufferError> {
        let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
            return Ok(());
        };
        let mut seals =
            seals_between(&self.connection, first.seq, last.seq).map_err(sql("read the seals"))?;
        for reading in readings {
            reading.seal = seals.remove(&reading.seq);
        }
        Ok(())
    }

    fn is_writer(&self) -> bool {
        !self.connection.is_readonly("main").unwrap_or(true)
    }

    /// Gives up a reading that the cloud will never take: the reason is kept, and its number
    /// goes as a loss, so that the sequence has no gap.
    ///
    /// # Errors
    /// When the disk refuses; then the reading stays.
    pub fn give_up(&mut self, rejection: &Rejection) -> Result<(), BufferError> {
        let seq = rejection.seq;
        let mut found = self.rows_after(seq.saturating_sub(1), 1)?.into_iter();
        let lost = match found.next() {
            Some((at, Some(row))) if at == seq => Lost::of(&row, LossReason::Other),
            _ => Lost::unknown(seq, seq, LossReason::Damage),
        };
        self.replace(vec![lost], Some(rejection))
    }

    /// Replaces the rows of `damaged` by losses, loudly.
    pub(super) fn lose(&mut self, damaged: Vec<Lost>) -> Result<(), BufferError> {
        let count: u64 = damaged.iter().map(Lost::count).sum();
        tracing::error!(
            count,
            first = damaged.first().map(|lost| lost.first),
            "readings in the buffer are damaged: counted as lost, the others go on"
        );
        self.replace(damaged, None)?;
        self.damaged += count;
        Ok(())
    }

    /// Replaces rows by losses, and notes for what reason the cloud refused one.
    fn replace(
        &mut self,
        losses: Vec<Lost>,
        rejection: Option<&Rejection>,
    ) -> Result<(), BufferError> {
        let losing = sql("note lost readings");
        let mut cursor = self.cursor;
        let transaction = self.connection.transaction().map_err(&losing)?;
        for lost in losses {
            let (first, last) = (stored(lost.first), stored(lost.last));
            for table in ["entry", "seal"] {
                let text = format!("DELETE FROM {table} WHERE seq BETWEEN ?1 AND ?2");
                transaction.execute(&text, [first, last]).map_err(&losing)?;
            }
            cursor.lost += (lost.last + 1).saturating_sub(lost.first.max(cursor.through + 1));
            loss::note(&transaction, lost, cursor.through).map_err(&losing)?;
        }
        if let Some(rejection) = rejection {
            super::note_rejection(&transaction, rejection).map_err(&losing)?;
        }
        super::keep_cursor(&transaction, self.life, cursor).map_err(&losing)?;
        transaction.commit().map_err(&losing)?;
        (self.cursor, self.cursor_kept) = (cursor, true);
        Ok(())
    }
}

fn seals_between(
    connection: &rusqlite::Connection,
    first: u64,
    last: u64,
) -> Result<BTreeMap<u64, Seal>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, meter, link, previous, signature, sum FROM seal
         WHERE seq BETWEEN ?1 AND ?2",
    )?;
    let mut rows = statement.query([stored(first), stored(last)])?;
    let mut seals = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let read = || -> Result<_, rusqlite::Error> {
            let (previous, signature): (Vec<u8>, Vec<u8>) = (row.get(3)?, row.get(4)?);
            Ok(((row.get(1)?, row.get(2)?), previous, signature, row.get(5)?))
        };
        let seal = read().ok().and_then(|(place, previous, signature, sum)| {
            row::assemble_seal(seq, place, &previous, &signature, sum)
        });
        match seal {
            Some(seal) => drop(seals.insert(number(seq), seal)),
            None => tracing::error!(seq, "the seal of a reading is damaged"),
        }
    }
    Ok(seals)
}
