//! One reading as a row, and back. What was stored reads back the same, or is an error: each
//! row carries a checksum of all that it means.
//!
//! What the readings of a point have in common is kept once, as a [`Kind`]; the rest is some
//! 45 bytes a reading. Pure but for the statements at its end.

use std::str::FromStr;

use common::closes::Closes;
use common::id::{BootId, DeviceId, MeterId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::seal::Seal;
use common::sync::Weight;
use common::unit::Unit;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{number, stored};
use crate::reading::NewReading;

/// What the readings of one point have in common, as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) device: i64,
    pub(super) point: String,
    pub(super) profile: String,
    pub(super) clock: String,
    pub(super) boot: Option<i64>,
    pub(super) unit: Option<String>,
    pub(super) decimals: Option<i64>,
    pub(super) weight: String,
}

/// The rest of a reading, as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) elapsed_ms: Option<i64>,
    pub(super) count: Option<i64>,
    pub(super) suspect: Option<String>,
    pub(super) raw: String,
    pub(super) closes: Option<String>,
    pub(super) sum: i64,
}

/// A CRC-32 as the databases hold it: signed, four bytes at most.
pub(super) fn sum_of(bytes: &[u8]) -> i64 {
    i64::from(crc32fast::hash(bytes).cast_signed())
}

/// The checksum of a reading's row; its seal has one of its own.
pub(super) fn sum(reading: &Reading, weight: Weight) -> i64 {
    let text = format!("{} {}\n{}", reading.seq, weight.code(), reading.canonical());
    sum_of(text.as_bytes())
}

/// What a reading is, and how much it matters: a closing reading most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) reading: Reading,
    pub(super) weight: Weight,
}

impl Held {
    pub(super) fn new(reading: &NewReading, seq: u64) -> Self {
        let mut numbered = reading.clone().numbered(seq);
        if let Ok(at) = Timestamp::from_millisecond(numbered.at.as_millisecond()) {
            numbered.at = at;
        }
        Self {
            reading: numbered,
            weight: reading.weight,
        }
    }

    /// What goes last when room is short.
    pub(super) fn gravity(&self) -> Weight {
        match self.reading.closes {
            Some(_) => Weight::Closing,
            None => self.weight,
        }
    }
}

/// The reading that the two parts make, without its seal; `None` when one of them is not
/// what was stored.
pub(super) fn assemble(entry: Entry, kind: &Kind) -> Option<Held> {
    let since_boot = match (kind.boot, entry.elapsed_ms) {
        (Some(boot), Some(elapsed_ms)) => Some(SinceBoot {
            boot: BootId(boot),
            elapsed_ms: u64::try_from(elapsed_ms).ok()?,
        }),
        (None, None) => None,
        _ => return None,
    };
    let quantity = match (entry.count, kind.decimals, &kind.unit) {
        (None, None, None) => None,
        (Some(count), Some(decimals), Some(unit)) => {
            let unit = Unit::from_str(unit).ok()?;
            Some(Quantity::from_count(count, u8::try_from(decimals).ok()?, unit).ok()?)
        }
        _ => return None,
    };
    let closes = entry.closes.as_deref().map(Closes::from_str).transpose();
    let reading = Reading {
        seq: number(entry.seq),
        at: Timestamp::from_millisecond(entry.at_ms).ok()?,
        clock: ClockTrust::from_code(&kind.clock)?,
        since_boot,
        device: DeviceId(kind.device),
        point: kind.point.clone(),
        quantity,
        suspect: entry.suspect,
        raw: entry.raw,
        profile: kind.profile.clone(),
        closes: closes.ok()?,
        seal: None,
    };
    let weight = Weight::from_code(&kind.weight)?;
    let held = Held { reading, weight };
    (sum(&held.reading, weight) == entry.sum).then_some(held)
}

/// The checksum of a seal's row.
pub(super) fn seal_sum(seq: u64, seal: &Seal) -> i64 {
    let Seal {
        meter,
        link,
        previous,
        signature,
    } = seal;
    sum_of(format!("{seq} {meter} {link} {previous} {signature}").as_bytes())
}

/// The seal that the members make; `None` when they are not what was stored.
pub(super) fn assemble_seal(
    seq: i64,
    (meter, link): (i64, i64),
    previous: &[u8],
    signature: &[u8],
    sum: i64,
) -> Option<Seal> {
    let seal = Seal {
        meter: MeterId(meter),
        link: u64::try_from(link).ok()?,
        previous: common::digest::Digest(previous.try_into().ok()?),
        signature: common::digest::Signature(signature.try_into().ok()?),
    };
    (seal_sum(number(seq), &seal) == sum).then_some(seal)
}

/// The columns of the view that [`decode`] reads.
pub(super) const COLUMNS: &str = "seq, at_ms, elapsed_ms, count, suspect, raw, closes, sum, \
    device, point, profile, clock, boot, unit, decimals, weight";

/// The reading in a row of [`COLUMNS`], without its seal; `None` when it is damaged.
pub(super) fn decode(row: &Row<'_>) -> Option<Held> {
    let read = || -> Result<_, rusqlite::Error> {
        let entry = Entry {
            seq: row.get(0)?,
            at_ms: row.get(1)?,
            elapsed_ms: row.get(2)?,
            count: row.get(3)?,
            suspect: row.get(4)?,
            raw: row.get(5)?,
            closes: row.get(6)?,
            sum: row.get(7)?,
        };
        let kind = Kind {
            device: row.get(8)?,
            point: row.get(9)?,
            profile: row.get(10)?,
            clock: row.get(11)?,
            boot: row.get(12)?,
            unit: row.get(13)?,
            decimals: row.get(14)?,
            weight: row.get(15)?,
        };
        Ok((entry, kind))
    };
    let (entry, kind) = read().ok()?;
    assemble(entry, &kind)
}

/// Stores a reading, or what it has become, with its seal.
pub(super) fn put(transaction: &Transaction<'_>, held: &Held) -> Result<(), rusqlite::Error> {
    let Held { reading, weight } = held;
    let elapsed = reading.since_boot.map(|since| stored(since.elapsed_ms));
    let mut statement = transaction.prepare_cached(
        "INSERT OR REPLACE INTO entry
         (seq, at_ms, elapsed_ms, kind, count, suspect, raw, closes, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        stored(reading.seq),
        reading.at.as_millisecond(),
        elapsed,
        kind(transaction, held)?,
        reading.quantity.map(Quantity::count),
        reading.suspect,
        reading.raw,
        reading.closes.map(|closes| closes.to_string()),
        sum(reading, *weight),
    ])?;
    let Some(seal) = &reading.seal else {
        return Ok(());
    };
    let mut statement = transaction.prepare_cached(
        "INSERT OR REPLACE INTO seal (seq, meter, link, previous, signature, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    statement.execute(params![
        stored(reading.seq),
        seal.meter.0,
        stored(seal.link),
        seal.previous.0,
        seal.signature.0,
        seal_sum(reading.seq, seal),
    ])?;
    Ok(())
}

/// The number of the reading's kind, which is new when something of it is.
fn kind(transaction: &Transaction<'_>, held: &Held) -> Result<i64, rusqlite::Error> {
    let Held { reading, weight } = held;
    let is = params![
        reading.device.0,
        reading.point,
        reading.profile,
        reading.clock.code(),
        reading.since_boot.map(|since| since.boot.0),
        reading.quantity.map(|quantity| quantity.unit().code()),
        reading.quantity.map(Quantity::decimals),
        weight.code(),
    ];
    let mut known = transaction.prepare_cached(
        "SELECT id FROM kind WHERE device = ?1 AND point = ?2 AND profile = ?3 AND clock = ?4
         AND boot IS ?5 AND unit IS ?6 AND decimals IS ?7 AND weight = ?8",
    )?;
    if let Some(id) = known.query_row(is, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    transaction.execute(
        "INSERT INTO kind (device, point, profile, clock, boot, unit, decimals, weight)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        is,
    )?;
    let id = transaction.last_insert_rowid();
    transaction.execute(
        "INSERT OR REPLACE INTO kind_copy SELECT * FROM kind WHERE id = ?1",
        [id],
    )?;
    Ok(id)
}
