//! The readings: kept once, never changed.

mod near;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use common::id::{AccountId, BootId, DeviceId, Epoch, GatewayId, MeterId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::seal::Seal;
use common::sync::Rejection;
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

pub use self::near::READINGS_OF_PERIOD_MAX;
use super::gateways::GatewayKey;
use super::{Column, Row, StoreError, StoreResult, Transaction, Value};
use crate::billing::consumption::Taken;

/// How much of the hash of what is set apart tells it from others with the same number.
const CONTENT_HASH_BYTES: usize = 16;
/// How much of what is set apart is kept, in characters; an honest reading has 300.
const CONTENT_CHARACTERS_MAX: usize = 4_000;

const COLUMNS: [Column; 22] = [
    Column::Int("account_id"),
    Column::Int("gateway_id"),
    Column::Int("epoch"),
    Column::Int("seq"),
    Column::Int("device_id"),
    Column::Text("point"),
    Column::Int("at_ms"),
    Column::Text("clock"),
    Column::Int("count"),
    Column::Int("decimals"),
    Column::Text("unit"),
    Column::Text("suspect"),
    Column::Text("raw"),
    Column::Text("profile"),
    Column::Text("closes"),
    Column::Int("boot"),
    Column::Int("elapsed_ms"),
    Column::Int("sealed_meter"),
    Column::Int("link"),
    Column::Text("previous"),
    Column::Text("signature"),
    Column::Int("received_ms"),
];

/// Where readings of one life of a gateway's buffer go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The gateway.
    pub key: GatewayKey,
    /// The life of its buffer.
    pub epoch: Epoch,
}

pub(super) fn number(seq: u64) -> StoreResult<i64> {
    i64::try_from(seq).map_err(|error| StoreError::Content(format!("reading {seq}: {error}")))
}

fn values(stream: Stream, reading: &Reading, now: Timestamp) -> StoreResult<Vec<Value>> {
    let quantity = reading.quantity;
    let since_boot = reading.since_boot;
    let elapsed_ms = since_boot
        .map(|since| number(since.elapsed_ms))
        .transpose()?;
    let seal = reading.seal.as_ref();
    Ok(vec![
        stream.key.account.into(),
        stream.key.gateway.into(),
        stream.epoch.into(),
        number(reading.seq)?.into(),
        reading.device.into(),
        reading.point.as_str().into(),
        reading.at.into(),
        reading.clock.code().into(),
        quantity.map(Quantity::count).into(),
        quantity.map(|q| i64::from(q.decimals())).into(),
        quantity.map(|q| q.unit().code()).into(),
        reading.suspect.as_deref().into(),
        reading.raw.as_str().into(),
        reading.profile.as_str().into(),
        reading
            .closes
            .map(|closes| closes.to_string())
            .as_deref()
            .into(),
        since_boot.map(|since| since.boot.0).into(),
        elapsed_ms.into(),
        seal.map(|seal| seal.meter.0).into(),
        seal.map(|seal| number(seal.link)).transpose()?.into(),
        seal.map(|seal| seal.previous.to_string()).as_deref().into(),
        seal.map(|seal| seal.signature.to_string())
            .as_deref()
            .into(),
        now.into(),
    ])
}

/// A reading as it comes back from the store, which keeps milliseconds.
fn stored(reading: &Reading) -> Reading {
    let at = Timestamp::from_millisecond(reading.at.as_millisecond());
    Reading {
        at: at.unwrap_or(reading.at),
        ..reading.clone()
    }
}

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

/// How far a stream is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldCursor {
    /// Everything up to this number is.
    pub through: u64,
    /// Whether another life of the same gateway's buffer was first heard of later.
    pub is_superseded: bool,
}

macro_rules! reading_columns {
    () => {
        "gateway_id, epoch, seq, at_ms, clock, device_id, point, count, decimals, unit, \
         suspect, raw, profile, closes, boot, elapsed_ms, sealed_meter, link, previous, \
         signature"
    };
}

pub(super) use reading_columns;

fn quantity(row: &Row) -> StoreResult<Option<Quantity>> {
    let Some(count) = row.optional_int(7)? else {
        return Ok(None);
    };
    Quantity::from_count(count, row.number(8)?, row.parsed(9)?)
        .map(Some)
        .map_err(|error| StoreError::Content(format!("a reading: {error}")))
}

fn since_boot(row: &Row) -> StoreResult<Option<SinceBoot>> {
    let Some(boot) = row.optional_int(14)? else {
        return Ok(None);
    };
    Ok(Some(SinceBoot {
        boot: BootId(boot),
        elapsed_ms: row.number(15)?,
    }))
}

fn seal(row: &Row) -> StoreResult<Option<Seal>> {
    let Some(meter) = row.optional_int(16)? else {
        return Ok(None);
    };
    Ok(Some(Seal {
        meter: MeterId(meter),
        link: row.number(17)?,
        previous: row.parsed(18)?,
        signature: row.parsed(19)?,
    }))
}

pub(super) fn kept(row: &Row) -> StoreResult<KeptReading> {
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
        since_boot: since_boot(row)?,
        seal: seal(row)?,
    };
    Ok(KeptReading {
        gateway: GatewayId(row.int(0)?),
        epoch: Epoch(row.int(1)?),
        reading,
    })
}

impl Transaction {
    /// Up to where a stream is settled; nobody else settles anything in it until this
    /// transaction ends.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn hold_cursor(&mut self, stream: Stream) -> StoreResult<HeldCursor> {
        let (account, gateway) = (stream.key.account, stream.key.gateway);
        let held = self
            .query_one(
                "INSERT INTO sync_cursor (account_id, gateway_id, epoch, acknowledged_through, \
                 place) VALUES ($1, $2, $3, 0, (SELECT COALESCE(MAX(place), 0) + 1 \
                 FROM sync_cursor WHERE account_id = $1 AND gateway_id = $2)) \
                 ON CONFLICT (account_id, gateway_id, epoch) DO UPDATE \
                 SET acknowledged_through = sync_cursor.acknowledged_through \
                 RETURNING acknowledged_through, (SELECT COUNT(*) FROM sync_cursor AS later \
                 WHERE later.account_id = $1 AND later.gateway_id = $2 \
                 AND later.place > sync_cursor.place)",
                &[account.into(), gateway.into(), stream.epoch.into()],
            )
            .await?;
        held.map_or(Ok(HeldCursor::default()), |row| {
            Ok(HeldCursor {
                through: row.number(0)?,
                is_superseded: row.int(1)? > 0,
            })
        })
    }

    /// The last reading of a stream that was kept.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn last_kept(&mut self, stream: Stream) -> StoreResult<Option<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND gateway_id = $2 AND epoch = $3 \
             ORDER BY seq DESC LIMIT 1"
        );
        let values = [
            stream.key.account.into(),
            stream.key.gateway.into(),
            stream.epoch.into(),
        ];
        let found = self.query_one(sql, &values).await?;
        found.as_ref().map(kept).transpose()
    }

    /// Says up to which number everything of a stream is settled; it never goes back.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn move_cursor(&mut self, stream: Stream, through: u64) -> StoreResult<()> {
        self.execute(
            "UPDATE sync_cursor SET acknowledged_through = $4 WHERE account_id = $1 \
             AND gateway_id = $2 AND epoch = $3 AND acknowledged_through < $4",
            &[
                stream.key.account.into(),
                stream.key.gateway.into(),
                stream.epoch.into(),
                number(through)?.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Keeps readings, each once, in the order of their numbers. Returns those whose number
    /// was taken by a reading with other content: that one stays.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn keep_readings(
        &mut self,
        stream: Stream,
        readings: &[Reading],
        now: Timestamp,
    ) -> StoreResult<Vec<Reading>> {
        let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
            return Ok(Vec::new());
        };
        let rows = readings
            .iter()
            .map(|reading| values(stream, reading, now))
            .collect::<StoreResult<Vec<_>>>()?;
        let new = self.insert_new("reading", &COLUMNS, &rows).await?;
        if usize::try_from(new) == Ok(readings.len()) {
            return Ok(Vec::new());
        }
        let there = self.readings_numbered(stream, first.seq, last.seq).await?;
        let there: BTreeMap<u64, Reading> = there
            .into_iter()
            .map(|kept| (kept.reading.seq, kept.reading))
            .collect();
        let differs = |reading: &&Reading| there.get(&reading.seq) != Some(&stored(reading));
        Ok(readings.iter().filter(differs).cloned().collect())
    }

    /// The readings of a stream from one number to another, both included, in their order.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn readings_numbered(
        &mut self,
        stream: Stream,
        first: u64,
        last: u64,
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND gateway_id = $2 AND epoch = $3 \
             AND seq >= $4 AND seq <= $5 ORDER BY seq"
        );
        let values = [
            stream.key.account.into(),
            stream.key.gateway.into(),
            stream.epoch.into(),
            number(first)?.into(),
            number(last)?.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }

    /// Sets a reading apart, as it came, with the reason why it is not kept; each content
    /// once.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_apart(
        &mut self,
        stream: Stream,
        content: &str,
        rejection: &Rejection,
        now: Timestamp,
    ) -> StoreResult<()> {
        let hash = Sha256::digest(content)
            .iter()
            .take(CONTENT_HASH_BYTES)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let content: String = content.chars().take(CONTENT_CHARACTERS_MAX).collect();
        self.execute(
            "INSERT INTO rejected_reading (account_id, gateway_id, epoch, seq, content_hash, \
             content, reason, received_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT DO NOTHING",
            &[
                stream.key.account.into(),
                stream.key.gateway.into(),
                stream.epoch.into(),
                number(rejection.seq)?.into(),
                hash.into(),
                content.into(),
                rejection.reason.as_str().into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// How many readings of a gateway were set apart.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn readings_set_apart(&mut self, key: GatewayKey) -> StoreResult<i64> {
        let found = self
            .query_one(
                "SELECT COUNT(*) FROM rejected_reading WHERE account_id = $1 AND gateway_id = $2",
                &[key.account.into(), key.gateway.into()],
            )
            .await?;
        found.map_or(Ok(0), |row| row.int(0))
    }

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

    /// The closing readings of a device's point from the start of `from` to that of `until`, in
    /// their order; a date may have several or none.
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

    /// The first `limit` good closing readings of a device's point from the start of `from` on,
    /// in their order.
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
