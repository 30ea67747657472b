//! One reading as a row, and back. What was stored reads back the same, or is an error.
//!
//! What the readings of a point have in common is kept once, as a *kind*; the rest is some
//! 35 bytes a reading.

use std::collections::BTreeMap;
use std::str::FromStr;

use common::id::DeviceId;
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::unit::Unit;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{BufferError, LastValues, number, sql};
use crate::reading::NewReading;

pub(super) fn insert(
    transaction: &Transaction<'_>,
    seq: i64,
    reading: &NewReading,
) -> Result<(), rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO entry (seq, at_ms, kind, count, suspect, raw, closes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        seq,
        reading.at.as_millisecond(),
        kind(transaction, reading)?,
        reading.quantity.map(Quantity::count),
        reading.suspect,
        reading.raw,
        reading.closes.map(|date| date.to_string()),
    ])?;
    Ok(())
}

/// The number of the reading's kind, which is new when its device, point, profile, clock or
/// unit is.
fn kind(transaction: &Transaction<'_>, reading: &NewReading) -> Result<i64, rusqlite::Error> {
    let is = params![
        reading.device.0,
        reading.point,
        reading.profile,
        reading.clock.code(),
        reading.quantity.map(|quantity| quantity.unit().code()),
        reading.quantity.map(Quantity::decimals),
    ];
    let mut known = transaction.prepare_cached(
        "SELECT id FROM kind WHERE device = ?1 AND point = ?2 AND profile = ?3 AND clock = ?4
         AND unit IS ?5 AND decimals IS ?6",
    )?;
    if let Some(id) = known.query_row(is, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    transaction.execute(
        "INSERT INTO kind (device, point, profile, clock, unit, decimals)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        is,
    )?;
    Ok(transaction.last_insert_rowid())
}

pub(super) fn select_after(
    connection: &Connection,
    seq: i64,
    max: usize,
) -> Result<Vec<Reading>, BufferError> {
    let reading = sql("read readings");
    let mut statement = connection
        .prepare_cached(
            "SELECT seq, at_ms, clock, device, point, count, decimals, unit,
                    suspect, raw, profile, closes
             FROM reading WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )
        .map_err(&reading)?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = statement.query([seq, limit]).map_err(&reading)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        found.push(decode(row)?);
    }
    Ok(found)
}

pub(super) fn select_closings(
    connection: &Connection,
) -> Result<BTreeMap<DeviceId, Date>, BufferError> {
    let reading = sql("read closing readings");
    let mut statement = connection
        .prepare_cached(
            "SELECT device, max(closes), max(seq) FROM reading
             WHERE closes IS NOT NULL AND count IS NOT NULL GROUP BY device",
        )
        .map_err(&reading)?;
    let mut rows = statement.query([]).map_err(&reading)?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let device = DeviceId(row.get(0).map_err(&reading)?);
        let closes: String = row.get(1).map_err(&reading)?;
        let seq = row.get(2).map_err(&reading)?;
        let date = closes
            .parse()
            .map_err(|error: jiff::Error| BufferError::Row {
                seq,
                why: error.to_string(),
            })?;
        found.insert(device, date);
    }
    Ok(found)
}

/// The last value of each point among the readings after number `seq` and the closing ones.
pub(super) fn select_last_values(
    connection: &Connection,
    seq: i64,
) -> Result<LastValues, BufferError> {
    let reading = sql("read the last values");
    let mut statement = connection
        .prepare_cached(
            "SELECT device, point, max(seq) AS seq, at_ms, count, decimals, unit FROM
             (SELECT * FROM reading WHERE seq > ?1 AND count IS NOT NULL UNION ALL
              SELECT * FROM reading WHERE closes IS NOT NULL AND count IS NOT NULL)
             GROUP BY device, point",
        )
        .map_err(&reading)?;
    let mut rows = statement.query([seq]).map_err(&reading)?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let last = || -> Result<_, rusqlite::Error> {
            let amount = (row.get("count")?, row.get("decimals")?, row.get("unit")?);
            let at = Timestamp::from_millisecond(row.get("at_ms")?).ok();
            let key = (DeviceId(row.get("device")?), row.get("point")?);
            Ok((key, at.zip(quantity(&amount).flatten())))
        };
        let (key, value) = last().map_err(&reading)?;
        let seq = row.get("seq").map_err(&reading)?;
        let why = "its value is not what was stored".to_owned();
        found.insert(key, value.ok_or(BufferError::Row { seq, why })?);
    }
    Ok(found)
}

fn decode(row: &Row<'_>) -> Result<Reading, BufferError> {
    let seq: i64 = row.get("seq").map_err(sql("read a reading"))?;
    let damaged = |why: String| BufferError::Row { seq, why };
    members(row, seq)
        .map_err(|error| damaged(error.to_string()))?
        .ok_or_else(|| damaged("a member is not what was stored".to_owned()))
}

/// `None` when a member cannot be what [`insert`] stored.
fn members(row: &Row<'_>, seq: i64) -> Result<Option<Reading>, rusqlite::Error> {
    let clock: String = row.get("clock")?;
    let closes: Option<String> = row.get("closes")?;
    let amount: (Option<i64>, Option<u8>, Option<String>) =
        (row.get("count")?, row.get("decimals")?, row.get("unit")?);
    let read = || {
        Some((
            Timestamp::from_millisecond(row.get("at_ms").ok()?).ok()?,
            ClockTrust::from_code(&clock)?,
            quantity(&amount)?,
            closes.as_deref().map(Date::from_str).transpose().ok()?,
        ))
    };
    let Some((at, clock, quantity, closes)) = read() else {
        return Ok(None);
    };
    Ok(Some(Reading {
        seq: number(seq),
        at,
        clock,
        device: DeviceId(row.get("device")?),
        point: row.get("point")?,
        quantity,
        suspect: row.get("suspect")?,
        raw: row.get("raw")?,
        profile: row.get("profile")?,
        closes,
        since_boot: None,
        seal: None,
    }))
}

/// `None` when the three columns do not make a quantity, `Some(None)` when there is none.
#[expect(
    clippy::option_option,
    reason = "the outer says damaged, the inner absent"
)]
fn quantity(amount: &(Option<i64>, Option<u8>, Option<String>)) -> Option<Option<Quantity>> {
    match amount {
        (None, None, None) => Some(None),
        (Some(count), Some(decimals), Some(unit)) => {
            let unit = Unit::from_str(unit).ok()?;
            Quantity::from_count(*count, *decimals, unit).ok().map(Some)
        }
        _ => None,
    }
}
