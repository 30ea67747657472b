//! A new epoch: what is not settled goes along into a database beside, which then takes the
//! place of the old one.
//!
//! Steps, each of which a power cut may follow: the successor is filled at `….new` and
//! closed; the old database is renamed, its log after it; the successor is renamed. Where
//! the buffer is missing, a successor is whole and a log is a stray; where it is there, a
//! successor is half made. [`tidy`] goes on from either.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use common::fail_point::fail_point;
use common::id::{BootId, Epoch};
use common::sync::LossReason;
use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::collections::{BTreeMap, BTreeSet};

use super::dating::{self, keep_anchor};
use super::loss::{self, Lost};
use super::row::{self, Held};
use super::sealing::{self, Chains};
use super::{Buffer, BufferError, Cursor, Life, Origin, keep_cursor, open, sql};
use crate::clock::Anchor;

/// Rows carried over in one transaction.
const PAGE: usize = 1_000;
/// The files that are one database.
const FILES: [&str; 3] = ["", "-wal", "-shm"];

/// The file beside `path` with `suffix` after its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl Fn(std::io::Error) -> BufferError + use<'a> {
    move |source| BufferError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// The checksum of the cursor's row.
pub(super) fn cursor_sum(life: Life, cursor: Cursor) -> i64 {
    let Life {
        epoch,
        began_at,
        origin,
    } = life;
    let Cursor { through, day, lost } = cursor;
    let (began_at, origin) = (began_at.as_millisecond(), origin.code());
    row::sum_of(format!("{epoch} {began_at} {origin} {through} {day} {lost}").as_bytes())
}

/// A new life, of which nothing is known yet.
pub(super) fn new_life(now: Timestamp, origin: Origin) -> Life {
    let began_at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    Life {
        epoch: Epoch(rand::random::<i64>() & i64::MAX),
        began_at,
        origin,
    }
}

/// A database that is filled before it takes the buffer's place.
#[derive(Debug)]
pub(super) struct Successor {
    connection: Connection,
    path: PathBuf,
    life: Life,
    cursor: Cursor,
    /// The number that comes next.
    next: u64,
}

impl Successor {
    pub(super) fn begin(path: &Path, life: Life) -> Result<Self, BufferError> {
        let path = beside(path, ".new");
        remove(&path)?;
        let mut connection = open::connect(&path)?;
        open::migrate(&mut connection, life)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map_err(sql("open the new buffer"))?;
        Ok(Self {
            connection,
            path,
            life,
            cursor: Cursor::default(),
            next: 1,
        })
    }

    /// Takes over the chains and what is known of the starts of the machine.
    pub(super) fn know(
        &mut self,
        chains: &Chains,
        anchors: &BTreeMap<BootId, Anchor>,
    ) -> Result<(), BufferError> {
        let keeping = sql("take over the chains of seals");
        let transaction = self.connection.transaction().map_err(&keeping)?;
        sealing::keep(&transaction, &Chains::new(), chains).map_err(&keeping)?;
        for anchor in anchors.values() {
            keep_anchor(&transaction, anchor).map_err(&keeping)?;
        }
        transaction.commit().map_err(&keeping)
    }

    /// Takes over readings, in order, each under the next number; before each, so many that
    /// are lost.
    pub(super) fn take(&mut self, rows: Vec<(Vec<Lost>, Option<Held>)>) -> Result<(), BufferError> {
        let taking = sql("take over readings");
        let (mut next, mut cursor) = (self.next, self.cursor);
        let transaction = self.connection.transaction().map_err(&taking)?;
        for (losses, row) in rows {
            for lost in losses {
                let lost = lost.numbered(next);
                (next, cursor.lost) = (lost.last + 1, cursor.lost + lost.count());
                loss::note(&transaction, lost, 0).map_err(&taking)?;
            }
            if let Some(mut row) = row {
                row.reading.seq = next;
                row::put(&transaction, &row).map_err(&taking)?;
                next += 1;
            }
        }
        keep_cursor(&transaction, self.life, cursor).map_err(&taking)?;
        transaction.commit().map_err(&taking)?;
        (self.next, self.cursor) = (next, cursor);
        Ok(())
    }

    /// Closes it; the disk knows all of it.
    pub(super) fn finish(self) -> Result<(), BufferError> {
        let closing = sql("close the new buffer");
        self.connection
            .close()
            .map_err(|(_, error)| closing(error))?;
        let syncing = failed("write", &self.path);
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(syncing)
    }
}

/// Removes a database and what belongs to it.
fn remove(path: &Path) -> Result<(), BufferError> {
    for suffix in FILES {
        let file = beside(path, suffix);
        if file.exists() {
            fs::remove_file(&file).map_err(failed("remove", &file))?;
        }
    }
    Ok(())
}

/// Puts the names of the files in a directory on the disk.
fn sync_directory(path: &Path) -> Result<(), BufferError> {
    let Some(directory) = path.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return Ok(());
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed("write", directory))
}

/// Renames the database at `path`, out of the way; tells where it is now.
pub(super) fn set_aside(path: &Path, word: &str, now: Timestamp) -> Result<PathBuf, BufferError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let free = |n: &u32| {
        let aside = beside(path, &format!(".{word}-{stamp}-{n}"));
        let is_free = FILES.iter().all(|suffix| !beside(&aside, suffix).exists());
        is_free.then_some(aside)
    };
    let aside = (1..).find_map(|n| free(&n)).unwrap_or_else(|| path.into());
    for suffix in FILES {
        let from = beside(path, suffix);
        if from.exists() {
            fs::rename(&from, beside(&aside, suffix)).map_err(failed("set aside", &from))?;
            fail_point("buffer-set-aside-between-files");
        }
    }
    sync_directory(path)?;
    Ok(aside)
}

/// Puts the successor in the place of the database, which is set aside under `word`.
pub(super) fn succeed(path: &Path, word: &str, now: Timestamp) -> Result<PathBuf, BufferError> {
    fail_point("buffer-epoch-before-set-aside");
    let aside = set_aside(path, word, now)?;
    fail_point("buffer-epoch-after-set-aside");
    let successor = beside(path, ".new");
    fs::rename(&successor, path).map_err(failed("rename", &successor))?;
    fail_point("buffer-epoch-after-rename");
    sync_directory(path)?;
    Ok(aside)
}

/// Goes on with a change of epoch that a power cut broke off.
pub(super) fn tidy(path: &Path, now: Timestamp) -> Result<(), BufferError> {
    let successor = beside(path, ".new");
    if path.exists() {
        return remove(&successor);
    }
    // A log without its database would be played into the next one.
    if FILES.iter().any(|suffix| beside(path, suffix).exists()) {
        set_aside(path, "stray", now)?;
    }
    if successor.exists() {
        fs::rename(&successor, path).map_err(failed("rename", &successor))?;
        sync_directory(path)?;
    }
    Ok(())
}

impl Buffer {
    /// Begins a new epoch, because this buffer is an old copy of the disk or has a double:
    /// what comes after number `through`, or after its own cursor where that is further, goes
    /// along under new numbers, losses too, and so do `conflicts`, which are not among them.
    /// The old database stays beside.
    ///
    /// # Errors
    /// When the disk refuses; then the old epoch goes on.
    pub fn begin_epoch(
        &mut self,
        now: Timestamp,
        through: u64,
        conflicts: &BTreeSet<u64>,
    ) -> Result<Epoch, BufferError> {
        let life = new_life(now, Origin::Copy);
        let mut successor = Successor::begin(&self.path, life)?;
        successor.know(&self.chains, &self.anchors)?;
        let (mut after, last) = (self.cursor.through.max(through), self.last_seq()?);
        for seq in conflicts.iter().filter(|seq| **seq <= after) {
            successor.take(vec![self.carried(*seq)?])?;
        }
        while after < last {
            let mut page = Vec::new();
            for (seq, row) in self.rows_after(after, PAGE)? {
                let mut losses = self.losses_between(after + 1, seq)?;
                let row = match row {
                    Some(mut row) => {
                        self.put_seals(std::slice::from_mut(&mut row.reading))?;
                        Some(row)
                    }
                    None => {
                        losses.push(Lost::unknown(seq, seq, LossReason::Damage));
                        None
                    }
                };
                page.push((losses, row));
                after = seq;
            }
            if page.is_empty() {
                page.push((self.losses_between(after + 1, last + 1)?, None));
                after = last;
            }
            successor.take(page)?;
        }
        fail_point("buffer-epoch-before-finish");
        successor.finish()?;
        fail_point("buffer-epoch-after-finish");
        let path = self.path.clone();
        self.release()?;
        let aside = succeed(&path, "copy", now)?;
        tracing::error!(
            aside = %aside.display(), epoch = %life.epoch,
            "this buffer is an old copy or has a double: a new epoch begins"
        );
        self.reopen(now)?;
        Ok(self.life.epoch)
    }

    /// The one reading with that number, as it goes along.
    fn carried(&self, seq: u64) -> Result<(Vec<Lost>, Option<Held>), BufferError> {
        let mut found = self.rows_after(seq.saturating_sub(1), 1)?.into_iter();
        match found.next() {
            Some((at, Some(mut row))) if at == seq => {
                self.put_seals(std::slice::from_mut(&mut row.reading))?;
                Ok((Vec::new(), Some(row)))
            }
            _ => Ok((vec![Lost::unknown(seq, seq, LossReason::Damage)], None)),
        }
    }

    /// The numbers from `first` up to `until`, as losses: those noted, and what is missing.
    fn losses_between(&self, first: u64, until: u64) -> Result<Vec<Lost>, BufferError> {
        let (mut next, mut found) = (first, Vec::new());
        while next < until {
            let noted = loss::after(&self.connection, next - 1, 1)?
                .into_iter()
                .next();
            let noted = noted.filter(|lost| lost.first < until);
            let begins = noted.as_ref().map_or(until, |lost| lost.first);
            if begins > next {
                found.push(Lost::unknown(next, begins - 1, LossReason::Damage));
            }
            next = begins;
            if let Some(mut lost) = noted {
                lost.first = lost.first.max(first);
                next = lost.last + 1;
                found.push(lost);
            }
        }
        Ok(found)
    }

    /// Moves the cursor back, because the cloud has less than it had: what came after
    /// `through` is sent again. What has been deleted since counts as lost.
    ///
    /// # Errors
    /// When the disk refuses; then the cursor stays.
    pub fn rewind(&mut self, through: u64) -> Result<(), BufferError> {
        if through >= self.cursor.through {
            return Ok(());
        }
        let rewinding = sql("move the cursor back");
        let last = self.last_seq()?;
        let entry = self.rows_after(through, 1)?.first().map(|(seq, _)| *seq);
        let lost = loss::after(&self.connection, through, 1)?;
        let lost = lost.first().map(|lost| lost.first);
        let held = entry.into_iter().chain(lost).min().unwrap_or(last + 1);
        let mut cursor = Cursor {
            through,
            ..self.cursor
        };
        let transaction = self.connection.transaction().map_err(&rewinding)?;
        if held > through + 1 {
            let expired = Lost::unknown(through + 1, held - 1, LossReason::Expired);
            cursor.lost += expired.count();
            loss::note(&transaction, expired, through).map_err(&rewinding)?;
        }
        transaction
            .execute(
                "DELETE FROM acknowledged_on WHERE through > ?1",
                [super::stored(through)],
            )
            .map_err(&rewinding)?;
        keep_cursor(&transaction, self.life, cursor).map_err(&rewinding)?;
        fail_point("buffer-rewind-before-commit");
        transaction.commit().map_err(&rewinding)?;
        (self.cursor, self.cursor_kept) = (cursor, true);
        self.room.forget();
        Ok(())
    }

    /// Closes the database and leaves an empty one in memory in its place.
    fn release(&mut self) -> Result<(), BufferError> {
        let closing = sql("close the buffer");
        let nothing = Connection::open_in_memory().map_err(&closing)?;
        let connection = std::mem::replace(&mut self.connection, nothing);
        connection.close().map_err(|(_, error)| closing(error))
    }

    /// Opens what is at the buffer's path now.
    fn reopen(&mut self, now: Timestamp) -> Result<(), BufferError> {
        let opened = open::establish(&self.path, now)?;
        self.connection = opened.connection;
        (self.life, self.cursor, self.cursor_kept) = (opened.life, opened.cursor, true);
        self.anchors = dating::load(&self.connection)?;
        self.chains = sealing::load(&self.connection)?;
        if opened.set_aside.is_some() {
            (self.set_aside, self.salvaged) = (opened.set_aside, opened.salvaged);
        }
        self.room.forget();
        Ok(())
    }

    /// After an error that says that the database is damaged, begins a new one with what is
    /// intact.
    pub(super) fn heal(&mut self, error: &BufferError) {
        if self.lock.is_none() || !open::is_damage(error) {
            return;
        }
        tracing::error!(%error, "the buffer is damaged while it is in use");
        let now = self.life.began_at;
        let healed = self.release().and_then(|()| self.reopen(now));
        if let Err(error) = healed {
            tracing::error!(%error, "the buffer cannot be opened again");
        }
    }
}
