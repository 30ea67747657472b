//! Numbers whose readings are lost, as the gateways said.

use common::id::{AccountId, DeviceId, Epoch, GatewayId};
use common::sync::{Loss, LossReason, Weight};
use jiff::Timestamp;

use super::gateways::GatewayKey;
use super::readings::{Stream, number};
use super::{Row, StoreError, StoreResult, Transaction};

/// The most losses that are listed at once.
const LOSSES_MAX: i64 = 1_000;

/// A loss with the gateway that had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLoss {
    /// The gateway.
    pub gateway: GatewayId,
    /// The life of its buffer.
    pub epoch: Epoch,
    /// What is lost.
    pub loss: Loss,
    /// Whether the gateway's key signed it.
    pub signed: bool,
}

macro_rules! loss_columns {
    () => {
        "gateway_id, epoch, first_seq, last_seq, reason, gravest, from_ms, until_ms, devices, \
         signature, signed"
    };
}

fn kept(row: &Row) -> StoreResult<KeptLoss> {
    let devices = row.text(8)?.split_whitespace().map(|id| {
        id.parse::<DeviceId>()
            .map_err(|error| StoreError::Content(format!("a loss: {error}")))
    });
    let loss = Loss {
        first: row.number(2)?,
        last: row.number(3)?,
        reason: LossReason::from_code(row.text(4)?),
        gravest: row.coded(5, Weight::from_code)?,
        from: row.optional_instant(6)?,
        until: row.optional_instant(7)?,
        devices: devices.collect::<StoreResult<_>>()?,
        signature: row.parsed(9)?,
    };
    Ok(KeptLoss {
        gateway: GatewayId(row.int(0)?),
        epoch: Epoch(row.int(1)?),
        loss,
        signed: row.int(10)? == 1,
    })
}

impl Transaction {
    /// Notes that these numbers are lost; a range with the same beginning is noted once.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn keep_loss(
        &mut self,
        stream: Stream,
        loss: &Loss,
        signed: bool,
        now: Timestamp,
    ) -> StoreResult<()> {
        let devices: Vec<_> = loss.devices.iter().map(ToString::to_string).collect();
        self.execute(
            "INSERT INTO loss (account_id, gateway_id, epoch, first_seq, last_seq, reason, \
             gravest, from_ms, until_ms, devices, signature, signed, received_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             ON CONFLICT DO NOTHING",
            &[
                stream.key.account.into(),
                stream.key.gateway.into(),
                stream.epoch.into(),
                number(loss.first)?.into(),
                number(loss.last)?.into(),
                loss.reason.code().into(),
                loss.gravest.code().into(),
                loss.from.into(),
                loss.until.into(),
                devices.join(" ").as_str().into(),
                loss.signature.to_string().as_str().into(),
                i64::from(signed).into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// The losses of a gateway, the newest first; no more than a thousand.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn gateway_losses(&mut self, key: GatewayKey) -> StoreResult<Vec<KeptLoss>> {
        let sql = concat!(
            "SELECT ",
            loss_columns!(),
            " FROM loss WHERE account_id = $1 AND gateway_id = $2 \
             ORDER BY received_ms DESC, epoch, first_seq DESC LIMIT $3"
        );
        let values = [key.account.into(), key.gateway.into(), LOSSES_MAX.into()];
        let rows = self.query(sql, &values).await?;
        rows.iter().map(kept).collect()
    }

    /// How many readings a gateway has lost in all.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn readings_lost(&mut self, key: GatewayKey) -> StoreResult<i64> {
        let found = self
            .query_one(
                "SELECT CAST(COALESCE(SUM(last_seq - first_seq + 1), 0) AS BIGINT) FROM loss \
                 WHERE account_id = $1 AND gateway_id = $2",
                &[key.account.into(), key.gateway.into()],
            )
            .await?;
        found.map_or(Ok(0), |row| row.int(0))
    }

    /// The losses of billing and closing readings that may lie between two instants of the
    /// gateways that read `devices`, in their order; one without instants may lie anywhere.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn losses_between(
        &mut self,
        account: AccountId,
        devices: &[DeviceId],
        from: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Vec<Loss>> {
        let mut gateways = std::collections::BTreeSet::new();
        for device in devices {
            gateways.extend(self.device(account, *device).await?.map(|d| d.gateway.0));
        }
        let sql = concat!(
            "SELECT ",
            loss_columns!(),
            " FROM loss WHERE account_id = $1 AND gateway_id = $2 \
             AND gravest IN ('billing', 'closing') \
             AND (from_ms IS NULL OR from_ms <= $4) AND (until_ms IS NULL OR until_ms >= $3) \
             ORDER BY epoch, first_seq LIMIT $5"
        );
        let mut losses = Vec::new();
        for gateway in gateways {
            let values = [
                account.into(),
                gateway.into(),
                from.into(),
                until.into(),
                LOSSES_MAX.into(),
            ];
            for row in self.query(sql, &values).await? {
                losses.push(kept(&row)?.loss);
            }
        }
        Ok(losses)
    }
}
