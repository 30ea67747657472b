//! What the buffer tells about itself.

use std::path::PathBuf;

use common::id::Epoch;
use common::sync::BufferReport;
use jiff::Timestamp;
use rusqlite::OptionalExtension as _;

use super::{Buffer, BufferError, number, sql, stored};

/// Why an epoch began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// There was no buffer.
    #[default]
    New,
    /// The database before was damaged.
    Damage,
    /// The buffer was an old copy of the disk, or had a double.
    Copy,
}

impl Origin {
    /// The word in the database.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Damage => "damage",
            Self::Copy => "copy",
        }
    }

    /// Why the epoch began, for people.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Damage => "because the file before was damaged",
            Self::Copy => "because the file before was an old copy or had a double",
        }
    }

    pub(super) fn from_code(code: &str) -> Option<Self> {
        [Self::New, Self::Damage, Self::Copy]
            .into_iter()
            .find(|origin| origin.code() == code)
    }
}

/// What [`Buffer::status`] tells.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BufferStatus {
    /// This life of the buffer.
    pub epoch: Epoch,
    /// When it began.
    pub began_at: Timestamp,
    /// Why it began.
    pub origin: Origin,
    /// The last number given.
    pub last_seq: u64,
    /// Up to where the cloud has acknowledged.
    pub acknowledged_through: u64,
    /// Numbers not acknowledged yet, lost ones included.
    pub waiting: u64,
    /// Readings held, acknowledged ones included.
    pub kept: u64,
    /// Readings that the cloud refused for good.
    pub rejected: u64,
    /// Readings lost in this epoch before the cloud had them.
    pub lost: u64,
    /// Rows found damaged since the buffer was opened.
    pub damaged: u64,
    /// Readings taken over from the database before.
    pub salvaged: u64,
    /// What the readings take on the disk.
    pub bytes: u64,
    /// The most they may take.
    pub bytes_max: u64,
    /// Whether the disk has no room.
    pub disk_full: bool,
    /// The instant of the oldest reading held.
    pub oldest_at: Option<Timestamp>,
    /// The instant of the oldest reading that is not acknowledged.
    pub oldest_waiting_at: Option<Timestamp>,
    /// A damaged database that was set aside when this one was opened.
    pub set_aside: Option<PathBuf>,
}

impl BufferStatus {
    /// What the cloud is told of it.
    #[must_use]
    pub fn report(&self) -> BufferReport {
        BufferReport {
            kept: self.kept,
            bytes: self.bytes,
            bytes_max: self.bytes_max,
            lost: self.lost,
            rejected: self.rejected,
            oldest_waiting_at: self.oldest_waiting_at,
            began_after_damage: self.origin != Origin::New,
        }
    }
}

impl Buffer {
    /// What the buffer holds. Its cost grows with the number of losses, not of readings.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn status(&self) -> Result<BufferStatus, BufferError> {
        let reading = sql("read the buffer's status");
        let (last_seq, acknowledged_through) = (self.last_seq()?, self.cursor.through);
        // `count(*)` would read the whole log; what is no reading is a loss.
        let (first, rejected): (Option<i64>, i64) = self
            .connection
            .query_row(
                "SELECT (SELECT min(seq) FROM entry), (SELECT count(*) FROM rejection)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(&reading)?;
        let kept = match first {
            None => 0,
            Some(first) => {
                let gaps: i64 = self
                    .connection
                    .query_row(
                        "SELECT coalesce(sum(last - first + 1), 0) FROM loss WHERE first > ?1",
                        [first],
                        |row| row.get(0),
                    )
                    .map_err(&reading)?;
                (last_seq + 1).saturating_sub(number(first) + number(gaps))
            }
        };
        Ok(BufferStatus {
            epoch: self.life.epoch,
            began_at: self.life.began_at,
            origin: self.life.origin,
            last_seq,
            acknowledged_through,
            waiting: last_seq - acknowledged_through,
            kept,
            rejected: number(rejected),
            lost: self.cursor.lost,
            damaged: self.damaged,
            salvaged: self.salvaged,
            bytes: self.bytes()?,
            bytes_max: self.room.bytes_max,
            disk_full: self.room.is_full(),
            oldest_at: self.instant_after(0)?,
            oldest_waiting_at: self.instant_after(acknowledged_through)?,
            set_aside: self.set_aside.clone(),
        })
    }

    /// The newest instant among the last readings: the clock cannot be before it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn newest_at(&self) -> Result<Option<Timestamp>, BufferError> {
        let last = self.last_seq()?;
        let rows = self.rows_after(last.saturating_sub(NEWEST_AMONG), usize::MAX)?;
        let believed = rows.into_iter().filter_map(|(_, row)| row).filter(|row| {
            use common::reading::ClockTrust::{Dated, Trusted};
            matches!(row.reading.clock, Trusted | Dated)
        });
        Ok(believed.map(|row| row.reading.at).max())
    }

    fn instant_after(&self, seq: u64) -> Result<Option<Timestamp>, BufferError> {
        let ms: Option<i64> = self
            .connection
            .prepare_cached("SELECT at_ms FROM entry WHERE seq > ?1 ORDER BY seq LIMIT 1")
            .and_then(|mut first| first.query_row([stored(seq)], |row| row.get(0)).optional())
            .map_err(sql("read the oldest reading"))?;
        Ok(ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
    }
}

/// Among how many of the last numbers the newest instant is looked for.
const NEWEST_AMONG: u64 = 10_000;
