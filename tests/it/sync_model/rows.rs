//! The oracle: what the cloud's database holds of one epoch, read beside the cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use common::id::{Epoch, GatewayId};
use common::reading::Reading;
use rusqlite::{Connection, Row, params};
use tests::oracle::{self, Content};

use super::model::Stream;

/// A second connection to the cloud's database.
#[derive(Debug)]
pub(super) struct Rows {
    connection: Mutex<Connection>,
}

impl Rows {
    pub(super) fn open(database: &Path) -> Self {
        let connection = Mutex::new(oracle::open(database).unwrap());
        Self { connection }
    }

    fn of<T>(
        &self,
        gateway: GatewayId,
        epoch: Epoch,
        columns: &str,
        table: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE account_id = ?1 AND gateway_id = ?2 AND epoch = ?3"
        );
        let connection = self.connection.lock().unwrap();
        let whose = "SELECT account_id FROM gateway WHERE gateway_id = ?1";
        let account: i64 = connection
            .query_row(whose, [gateway.0], |row| row.get(0))
            .unwrap();
        let mut statement = connection.prepare_cached(&sql).unwrap();
        let values = params![account, gateway.0, epoch.0];
        let rows = statement.query_map(values, read).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// How the database differs from the model; nothing when it does not.
    pub(super) fn differ(&self, gateway: GatewayId, stream: &Stream) -> Option<String> {
        let of = |columns, table| {
            self.of(gateway, stream.epoch, columns, table, |row| {
                (0..row.as_ref().column_count())
                    .map(|column| text(row, column))
                    .collect::<rusqlite::Result<Content>>()
            })
        };
        let kept: BTreeMap<String, Content> = of(
            "seq, device_id, point, at_ms, clock, count, decimals, unit, suspect, raw, profile, \
             closes, boot, elapsed_ms",
            "reading",
        )
        .into_iter()
        .map(|mut row| (row.remove(0), row))
        .collect();
        let expected: BTreeMap<String, Content> = stream
            .kept
            .values()
            .map(|reading| (reading.seq.to_string(), content(reading)))
            .collect();
        if kept != expected {
            return Some(format!("kept {kept:?}\nexpected {expected:?}"));
        }
        let apart: BTreeSet<u64> = of("seq", "rejected_reading")
            .into_iter()
            .map(|row| row[0].parse().unwrap())
            .collect();
        if apart != stream.apart {
            return Some(format!("apart {apart:?}\nexpected {:?}", stream.apart));
        }
        let lost: BTreeSet<(u64, u64)> = of("first_seq, last_seq", "reading_loss")
            .into_iter()
            .map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap()))
            .collect();
        if lost != stream.lost {
            return Some(format!("lost {lost:?}\nexpected {:?}", stream.lost));
        }
        let through = of("acknowledged_through", "sync_cursor");
        let through: u64 = through.first().map_or(0, |row| row[0].parse().unwrap());
        (through != stream.through)
            .then(|| format!("acknowledged {through}, expected {}", stream.through))
    }
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let value: rusqlite::types::Value = row.get(column)?;
    Ok(match value {
        rusqlite::types::Value::Null => String::new(),
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    })
}

/// How a reading has to stand in the database, without its number.
fn content(reading: &Reading) -> Content {
    let quantity = reading.quantity;
    let since = reading.since_boot;
    vec![
        reading.device.0.to_string(),
        reading.point.clone(),
        reading.at.as_millisecond().to_string(),
        reading.clock.code().to_owned(),
        quantity.map(|q| q.count().to_string()).unwrap_or_default(),
        quantity
            .map(|q| q.decimals().to_string())
            .unwrap_or_default(),
        quantity
            .map(|q| q.unit().code().to_owned())
            .unwrap_or_default(),
        reading.suspect.clone().unwrap_or_default(),
        reading.raw.clone(),
        reading.profile.clone(),
        reading
            .closes
            .map(|date| date.to_string())
            .unwrap_or_default(),
        since
            .map(|since| since.boot.0.to_string())
            .unwrap_or_default(),
        since
            .map(|since| since.elapsed_ms.to_string())
            .unwrap_or_default(),
    ]
}
