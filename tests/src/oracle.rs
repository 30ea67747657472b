//! The oracle: what the line served against what the gateway committed, and that against
//! what the cloud keeps, row by row.
//!
//! It opens the databases read-only, beside the programs that own them. Rows are compared by
//! epoch and number; where a buffer begins a new epoch and rows go along under new numbers,
//! by what was read.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row};

use crate::postgres;

/// A reading's content, without its key.
pub type Content = Vec<String>;
/// Epoch and number.
pub type Key = (i64, i64);

/// How the two sides differ; all empty when every reading is there exactly once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Committed on the gateway, not in the cloud.
    pub missing: Vec<Key>,
    /// In the cloud, never committed on the gateway.
    pub invented: Vec<Key>,
    /// On both sides, with other content.
    pub altered: Vec<Key>,
    /// Set apart by the cloud.
    pub rejected: Vec<Key>,
}

/// Opens a database that somebody else owns.
///
/// # Errors
/// When it is not there.
pub fn open(database: &Path) -> anyhow::Result<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| database.display().to_string())
}

/// The readings in the cloud's database.
///
/// # Errors
/// When it cannot be read.
pub fn cloud_readings(database: &Path) -> anyhow::Result<BTreeMap<Key, Content>> {
    let connection = open(database)?;
    let mut statement = connection.prepare(
        "SELECT epoch, seq, device_id, point, at_ms, clock, count, decimals, unit, suspect, raw,
                profile, closes FROM reading",
    )?;
    let rows = statement.query_map([], keyed)?;
    rows.collect::<Result<_, _>>()
        .context("the cloud's readings")
}

/// The readings in a cloud's database on PostgreSQL.
///
/// # Errors
/// When the server refuses.
pub async fn server_readings(url: &str) -> anyhow::Result<BTreeMap<Key, Content>> {
    let sql = "SELECT epoch, seq, device_id, point, at_ms, clock, count, decimals, unit, suspect,
                      raw, profile, closes FROM reading";
    let rows = postgres::query(url, sql).await?;
    let keyed = rows.into_iter().map(|mut row| {
        let content = row.split_off(2.min(row.len()));
        let mut key = row.iter().map(|field| field.parse());
        match (key.next(), key.next()) {
            (Some(epoch), Some(seq)) => Ok(((epoch?, seq?), content)),
            _ => bail!("a row without a key: {content:?}"),
        }
    });
    keyed.collect()
}

/// The readings in every buffer that lies in a gateway's data folder, those that were set
/// aside too.
///
/// # Errors
/// When one cannot be read.
pub fn folder_readings(data: &Path) -> anyhow::Result<Vec<BTreeMap<Key, Content>>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = [".lock", "-wal", "-shm", ".ballast"];
        if name.starts_with("buffer.db") && !beside.iter().any(|end| name.ends_with(end)) {
            found.push(gateway_readings(&path)?);
        }
    }
    Ok(found)
}

/// How often each content is there.
#[must_use]
pub fn contents<'a>(
    readings: impl IntoIterator<Item = &'a BTreeMap<Key, Content>>,
) -> BTreeMap<&'a Content, usize> {
    let mut found = BTreeMap::new();
    for content in readings.into_iter().flat_map(BTreeMap::values) {
        *found.entry(content).or_default() += 1;
    }
    found
}

/// Readings that are there under two numbers.
#[must_use]
pub fn doubled(readings: &BTreeMap<Key, Content>) -> usize {
    let contents = contents([readings]);
    contents.values().map(|count| count - 1).sum()
}

/// A counter of the simulated line that rises steadily, in the unit of its point.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Since when.
    pub since: Timestamp,
    /// What it held then.
    pub opening: f64,
    /// What it rises by in a day.
    pub per_day: f64,
}

impl Served {
    /// How far a value read at an instant is from what the line served then.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "days of a test")]
    fn far_from(self, at_ms: i64, value: f64) -> f64 {
        let days = (at_ms - self.since.as_millisecond()) as f64 / 86_400_000.0;
        (value - self.opening - days * self.per_day).abs()
    }
}

/// The readings of the billing point `point` that none of the line's counters can have
/// served, or that are another counter's than the device's others.
#[must_use]
pub fn strangers(readings: &BTreeMap<Key, Content>, point: &str, line: &[Served]) -> Vec<Key> {
    // A single-precision register near 20,000, and the time that an answer takes.
    const TOLERANCE: f64 = 0.01;
    let mut counters: BTreeMap<&str, usize> = BTreeMap::new();
    let mut strangers = Vec::new();
    for (key, content) in readings {
        let [device, of, at, _, count, decimals, ..] = content.as_slice() else {
            continue;
        };
        let numbers = (at.parse(), count.parse::<f64>(), decimals.parse::<i32>());
        let (Ok(at), Ok(count), Ok(decimals)) = numbers else {
            continue;
        };
        if of != point {
            continue;
        }
        let value = count / 10_f64.powi(decimals);
        let counter = line.iter().position(|c| c.far_from(at, value) < TOLERANCE);
        match counter {
            Some(counter) if *counters.entry(device).or_insert(counter) == counter => (),
            _ => strangers.push(*key),
        }
    }
    strangers
}

/// The readings in a gateway's buffer.
///
/// # Errors
/// When it cannot be read.
pub fn gateway_readings(buffer: &Path) -> anyhow::Result<BTreeMap<Key, Content>> {
    let connection = open(buffer)?;
    let mut statement = connection.prepare(
        "SELECT epoch, seq, device, point, at_ms, clock, count, decimals, unit, suspect, raw,
                profile, closes FROM reading, cursor",
    )?;
    let rows = statement.query_map([], keyed)?;
    rows.collect::<Result<_, _>>()
        .context("the gateway's readings")
}

/// The numbers of the readings that the cloud set apart.
///
/// # Errors
/// When it cannot be read.
pub fn rejected(database: &Path) -> anyhow::Result<Vec<Key>> {
    let connection = open(database)?;
    let mut statement = connection.prepare("SELECT epoch, seq FROM rejected_reading")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<Result<_, _>>()
        .context("the set apart readings")
}

/// The ranges that the cloud knows to be lost: epoch, first and last number.
///
/// # Errors
/// When its database cannot be read.
pub fn losses(database: &Path) -> anyhow::Result<Vec<(i64, i64, i64)>> {
    let connection = open(database)?;
    let mut statement = connection.prepare("SELECT epoch, first_seq, last_seq FROM loss")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect::<Result<_, _>>().context("the losses")
}

/// How many invoices are issued, and their numbers.
///
/// # Errors
/// When the cloud's database cannot be read.
pub fn invoices(database: &Path) -> anyhow::Result<(usize, Vec<i64>)> {
    let connection = open(database)?;
    // Half an invoice would have a number and no snapshot, or the other way round.
    let sql = "SELECT coalesce(number, -1) FROM invoice
               WHERE number IS NOT NULL AND snapshot IS NOT NULL AND total IS NOT NULL
                  OR (number IS NULL) <> (snapshot IS NULL) ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let numbers = statement.query_map([], |row| row.get(0))?;
    let numbers: Vec<i64> = numbers.collect::<Result<_, _>>()?;
    Ok((numbers.len(), numbers))
}

/// The page at which a table of a database begins.
///
/// # Errors
/// When there is no such table.
pub fn root_page(database: &Path, table: &str) -> anyhow::Result<u64> {
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = ?1";
    let page = open(database)?.query_row(sql, [table], |row| row.get::<_, i64>(0));
    Ok(u64::try_from(page.with_context(|| table.to_owned())?)?)
}

/// The difference between what the gateway committed and what the cloud has.
#[must_use]
pub fn compare(gateway: &BTreeMap<Key, Content>, cloud: &BTreeMap<Key, Content>) -> Difference {
    let missing = gateway.keys().filter(|key| !cloud.contains_key(key));
    let invented = cloud.keys().filter(|key| !gateway.contains_key(key));
    let altered = gateway
        .iter()
        .filter(|(key, content)| cloud.get(key).is_some_and(|other| other != *content))
        .map(|(key, _)| key);
    Difference {
        missing: missing.copied().collect(),
        invented: invented.copied().collect(),
        altered: altered.copied().collect(),
        rejected: Vec::new(),
    }
}

fn keyed(row: &Row<'_>) -> rusqlite::Result<(Key, Content)> {
    let mut content = Vec::new();
    for column in 2..row.as_ref().column_count() {
        let value: rusqlite::types::Value = row.get(column)?;
        content.push(match value {
            rusqlite::types::Value::Null => String::new(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        });
    }
    Ok(((row.get(0)?, row.get(1)?), content))
}
