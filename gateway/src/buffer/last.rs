//! What a start of the daemon asks of the log: the last closing and the last value of each
//! point. Damaged rows are passed over.

use std::collections::BTreeMap;

use common::closes::Closes;
use common::id::DeviceId;
use rusqlite::Connection;

use super::{BufferError, LastValues, row, sql};

pub(super) fn closings(connection: &Connection) -> Result<BTreeMap<DeviceId, Closes>, BufferError> {
    let reading = sql("read closing readings");
    let mut statement = connection
        .prepare_cached(
            "SELECT device, max(closes) FROM reading
             WHERE closes IS NOT NULL AND count IS NOT NULL AND device IS NOT NULL
             GROUP BY device",
        )
        .map_err(&reading)?;
    let mut rows = statement.query([]).map_err(&reading)?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let device = DeviceId(row.get(0).map_err(&reading)?);
        let closes: String = row.get(1).map_err(&reading)?;
        if let Ok(closes) = closes.parse() {
            found.insert(device, closes);
        }
    }
    Ok(found)
}

/// The last value of each point among the readings after number `seq` and the closing ones.
pub(super) fn values(connection: &Connection, seq: i64) -> Result<LastValues, BufferError> {
    let reading = sql("read the last values");
    let columns = row::COLUMNS;
    let text = format!(
        "SELECT {columns}, max(seq) FROM
         (SELECT * FROM reading WHERE seq > ?1 AND count IS NOT NULL UNION ALL
          SELECT * FROM reading WHERE closes IS NOT NULL AND count IS NOT NULL)
         GROUP BY device, point"
    );
    let mut statement = connection.prepare_cached(&text).map_err(&reading)?;
    let mut rows = statement.query([seq]).map_err(&reading)?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let Some(held) = row::decode(row) else {
            continue;
        };
        let reading = held.reading;
        if let Some(quantity) = reading.quantity {
            found.insert((reading.device, reading.point), (reading.at, quantity));
        }
    }
    Ok(found)
}
