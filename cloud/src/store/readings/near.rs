//! The readings around an instant, and those on both sides of each break of a register: what
//! the rules of the bill need of the many that were taken.

use common::id::{AccountId, DeviceId};
use common::sync::CLOSING_TOLERANCE_SECONDS;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::{KeptReading, kept, reading_columns};
use crate::billing::trace::Steady;
use crate::store::{StoreResult, Transaction, Value};

const TOLERANCE: SignedDuration = SignedDuration::from_secs(CLOSING_TOLERANCE_SECONDS);
/// The most readings that are looked through around an instant: one a second for ten
/// minutes before and after it.
const READINGS_NEAR_MAX: i64 = 1_201;
/// The most readings on both sides of breaks; a trace of so many runs is not believed.
const BREAKS_MAX: i64 = 2_002;
/// The most readings of a period whose highest power is looked for: a minute apart, for more
/// than a quarter of a year.
pub const READINGS_OF_PERIOD_MAX: usize = 150_000;
/// Bounds are given to the engine in whole parts of the register's unit.
const PARTS_PER_UNIT: i64 = 1_000_000;

/// What the engine compares: the register before, in the register's unit, and the time.
macro_rules! is_break {
    ($before:literal, $after:literal) => {
        concat!(
            "(",
            $before,
            "unit <> ",
            $after,
            "unit OR ",
            $before,
            "register - ",
            $after,
            "register > CAST($6 AS BIGINT) / 1000000.0 OR ",
            $after,
            "register - ",
            $before,
            "register > CAST($7 AS BIGINT) / 1000000.0 + CAST($8 AS BIGINT) / 1000000.0 * (",
            $after,
            "at_ms - ",
            $before,
            "at_ms) / 3600000.0)"
        )
    };
}

/// Whole millionths of a bound, rounded down: too many readings are supplied rather than too
/// few.
fn parts(bound: Decimal) -> i64 {
    let parts = bound.checked_mul(PARTS_PER_UNIT.into());
    let whole = parts.map(|parts| parts.trunc());
    whole
        .and_then(|whole| i64::try_from(whole).ok())
        .unwrap_or(i64::MAX)
}

impl Transaction {
    /// The good readings of a device's point near an instant, by time, with the last one before
    /// those and the first one after them.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn readings_around(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        at: Timestamp,
    ) -> StoreResult<Vec<KeptReading>> {
        let near = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND at_ms >= $4 AND at_ms <= $5 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms, epoch, seq LIMIT $6"
        );
        let before = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND at_ms < $4 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms DESC, epoch DESC, seq DESC LIMIT 1"
        );
        let after = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND at_ms > $4 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms, epoch, seq LIMIT 1"
        );
        let (from, until) = (at - TOLERANCE, at + TOLERANCE);
        let values = |bounds: &[Value]| {
            let of_point = [account.into(), device.into(), point.into()];
            of_point
                .into_iter()
                .chain(bounds.iter().cloned())
                .collect::<Vec<Value>>()
        };
        let mut rows = self.query(before, &values(&[from.into()])).await?;
        let bounds = [from.into(), until.into(), READINGS_NEAR_MAX.into()];
        rows.extend(self.query(near, &values(&bounds)).await?);
        rows.extend(self.query(after, &values(&[until.into()])).await?);
        rows.iter().map(kept).collect()
    }

    /// The good readings of a device's point on both sides of each break between two instants,
    /// by time: where the register fell or jumped by more than `steady` says it may, or its unit
    /// changed. Cost: one walk along the readings between the two.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn breaks_between(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        (from, until): (Timestamp, Timestamp),
        steady: &Steady,
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "WITH scaled AS (SELECT ",
            reading_columns!(),
            ", CAST(count AS DOUBLE PRECISION) / CASE decimals WHEN 0 THEN 1.0 WHEN 1 THEN 10.0 \
             WHEN 2 THEN 100.0 WHEN 3 THEN 1000.0 WHEN 4 THEN 10000.0 WHEN 5 THEN 100000.0 \
             WHEN 6 THEN 1000000.0 WHEN 7 THEN 10000000.0 WHEN 8 THEN 100000000.0 \
             ELSE 1000000000.0 END AS register FROM reading \
             WHERE account_id = $1 AND device_id = $2 AND point = $3 AND at_ms >= $4 \
             AND at_ms <= $5 AND count IS NOT NULL AND clock <> 'untrusted'), \
             walked AS (SELECT scaled.*, \
             LAG(unit) OVER place AS before_unit, LAG(register) OVER place AS before_register, \
             LAG(at_ms) OVER place AS before_at_ms, \
             LEAD(unit) OVER place AS after_unit, LEAD(register) OVER place AS after_register, \
             LEAD(at_ms) OVER place AS after_at_ms FROM scaled \
             WINDOW place AS (ORDER BY at_ms, gateway_id, epoch, seq)) SELECT ",
            reading_columns!(),
            " FROM walked WHERE ",
            is_break!("before_", ""),
            " OR ",
            is_break!("", "after_"),
            " ORDER BY at_ms, gateway_id, epoch, seq LIMIT $9"
        );
        let per_hour = steady.rise_per_hour.map_or(i64::MAX, parts);
        let values = [
            account.into(),
            device.into(),
            point.into(),
            from.into(),
            until.into(),
            parts(steady.fall).into(),
            parts(steady.rise).into(),
            per_hour.into(),
            BREAKS_MAX.into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }

    /// Every good reading of a device's point between two instants, by time, at most
    /// [`READINGS_OF_PERIOD_MAX`] of them. Cost: one row for each.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn readings_between(
        &mut self,
        account: AccountId,
        device: DeviceId,
        point: &str,
        (from, until): (Timestamp, Timestamp),
    ) -> StoreResult<Vec<KeptReading>> {
        let sql = concat!(
            "SELECT ",
            reading_columns!(),
            " FROM reading WHERE account_id = $1 AND device_id = $2 AND point = $3 \
             AND at_ms >= $4 AND at_ms <= $5 AND count IS NOT NULL AND clock <> 'untrusted' \
             ORDER BY at_ms, gateway_id, epoch, seq LIMIT $6"
        );
        let values = [
            account.into(),
            device.into(),
            point.into(),
            from.into(),
            until.into(),
            i64::try_from(READINGS_OF_PERIOD_MAX)
                .unwrap_or(i64::MAX)
                .into(),
        ];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }
}
