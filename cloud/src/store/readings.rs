//! The readings: kept once, never changed.

#[cfg(test)]
mod tests;

use common::id::{AccountId, DeviceId, Epoch, GatewayId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use jiff::Timestamp;
use jiff::civil::Date;

use super::{Row, StoreError, StoreResult, Transaction};
use crate::billing::consumption::Taken;

/// A reading with the gateway that sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReading {
    /// The gateway that read it.
    pub gateway: GatewayId,
    /// The life of its buffer.
    pub epoch: Epoch,
    /// The reading.
    pub reading: Reading,
}

impl From<KeptReading> for Taken {
    fn from(kept: KeptReading) -> Self {
        Self {
            gateway: kept.gateway,
            epoch: kept.epoch,
            reading: kept.reading,
        }
    }
}

/// The most readings that are looked through around an instant: one a second for ten
/// minutes before and after it.
const READINGS_NEAR_MAX: i64 = 1_201;

macro_rules! reading_columns {
    () => {
        "gateway_id, epoch, seq, at_ms, clock, device_id, point, count, decimals, unit, \
         suspect, raw, profile, closes"
    };
}

fn quantity(row: &Row) -> StoreResult<Option<Quantity>> {
    let Some(count) = row.optional_int(7)? else {
        return Ok(None);
    };
    Quantity::from_count(count, row.number(8)?, row.parsed(9)?)
        .map(Some)
        .map_err(|error| StoreError::Content(format!("a reading: {error}")))
}

fn kept(row: &Row) -> StoreResult<KeptReading> {
    let closes = match row.optional_text(13)? {
        Some(_) => Some(row.parsed(13)?),
        None => None,
    };
    let reading = Reading {
        seq: row.number(2)?,
        at: row.instant(3)?,
        clock: row.coded(4, ClockTrust::from_code)?,
        device: DeviceId(row.int(5)?),
        point: row.text(6)?.to_owned(),
        quantity: quantity(row)?,
        suspect: row.optional_text(10)?.map(str::to_owned),
        raw: row.text(11)?.to_owned(),
        profile: row.text(12)?.to_owned(),
        closes,
    };
    Ok(KeptReading {
        gateway: GatewayId(row.int(0)?),
        epoch: Epoch(row.int(1)?),
        reading,
    })
}

impl Transaction {
    /// The newest good reading of a device's point.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn last_reading(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
    ) -> StoreResult<Option<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms DESC, epoch DESC, seq DESC LIMIT 1"
        );
        let values = [account.into(), device.into(), point.into()];
        let found = self.query_one(sql, &values).await?;
        found.as_ref().map(kept).transpose()
    }

    /// The closing readings of a device's point for the dates from `from` to `until`, both
    /// included, by date; a date may have several or none.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn closing_readings(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        from: Date,
        until: Date,
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND closes >= $4 AND closes <= $5 ORDER BY closes, at_ms, epoch, seq"
        );
        let values = [
            account.into(),
            device.into(),
            point.into(),
            from.into(),
            until.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }

    /// The first closing reading of a device's point.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn first_closing(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
    ) -> StoreResult<Option<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND closes IS NOT NULL AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY closes, at_ms, epoch, seq LIMIT 1"
        );
        let values = [account.into(), device.into(), point.into()];
        let found = self.query_one(sql, &values).await?;
        found.as_ref().map(kept).transpose()
    }

    /// Up to `limit` readings of a device's point, by time, after the last one of the page
    /// before.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn readings_page(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        after: Option<&KeptReading>,
        limit: i64,
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND (at_ms, epoch, seq) > ($4, $5, $6) ORDER BY at_ms, epoch, seq LIMIT $7"
        );
        let (at, epoch, seq) = after.map_or((i64::MIN, 0, 0), |last| {
            let seq = i64::try_from(last.reading.seq).unwrap_or(i64::MAX);
            (last.reading.at.as_millisecond(), last.epoch.0, seq)
        });
        let values = [
            account.into(),
            device.into(),
            point.into(),
            at.into(),
            epoch.into(),
            seq.into(),
            limit.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }

    /// The good reading of a device's point nearest before an instant, for the running
    /// period.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn reading_before(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        at: Timestamp,
    ) -> StoreResult<Option<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND at_ms <= $4 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms DESC, epoch DESC, seq DESC LIMIT 1"
        );
        let values = [account.into(), device.into(), point.into(), at.into()];
        let found = self.query_one(sql, &values).await?;
        found.as_ref().map(kept).transpose()
    }

    /// The good readings of a device's point from one instant to another, both included, by
    /// time; at most [`READINGS_NEAR_MAX`].
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn good_readings(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND at_ms >= $4 AND at_ms <= $5 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms, epoch, seq LIMIT $6"
        );
        let values = [
            account.into(),
            device.into(),
            point.into(),
            from.into(),
            until.into(),
            READINGS_NEAR_MAX.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }

    /// The first `limit` good closing readings of a device's point for `from` or later, by
    /// date.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn first_closings(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        from: Date,
        limit: i64,
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND closes >= $4 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY closes, at_ms, epoch, seq LIMIT $5"
        );
        let values = [
            account.into(),
            device.into(),
            point.into(),
            from.into(),
            limit.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }
}
