//! The oracle: what the gateway committed against what the cloud keeps, row by row.
//!
//! It opens both databases read-only, beside the programs that own them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, OpenFlags, Row};

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
