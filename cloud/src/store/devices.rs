//! The devices, and which meter each serves.

use common::id::{AccountId, DeviceId, GatewayId, MeterId};
use common::quantity::Quantity;
use common::seal::Head;
use common::sync::DeviceMounting;
use jiff::Timestamp;

use super::sites::zone;
use super::{Row, StoreError, StoreResult, Transaction};
use crate::site::{Device, Mounting, Zone};

macro_rules! device_columns {
    () => {
        "device.account_id, device.device_id, device.gateway_id, device.profile, device.bus, \
         device.unit_id, device.serial_number, device.poll_period_s"
    };
}

const DEVICE_COLUMNS: usize = 8;

fn device(row: &Row) -> StoreResult<Device> {
    Ok(Device {
        account: AccountId(row.int(0)?),
        id: DeviceId(row.int(1)?),
        gateway: GatewayId(row.int(2)?),
        profile: row.text(3)?.to_owned(),
        bus: row.text(4)?.to_owned(),
        unit_id: row.number(5)?,
        serial_number: row.text(6)?.to_owned(),
        poll_period_s: row.number(7)?,
    })
}

macro_rules! mounting_columns {
    () => {
        "mounting.meter_id, mounting.device_id, mounting.point, mounting.from_ms, \
         mounting.until_ms, mounting.opening, mounting.closing, mounting.multiplier, \
         mounting.rolls_over_at, mounting.max_rate"
    };
}

/// A mounting whose columns begin at `first`.
fn mounting(row: &Row, first: usize) -> StoreResult<Mounting> {
    Ok(Mounting {
        meter: MeterId(row.int(first)?),
        device: DeviceId(row.int(first + 1)?),
        point: row.text(first + 2)?.to_owned(),
        from: row.instant(first + 3)?,
        until: row.optional_instant(first + 4)?,
        opening: row.optional(first + 5, Row::json)?,
        closing: row.optional(first + 6, Row::json)?,
        multiplier: row.parsed(first + 7)?,
        rolls_over_at: row.optional(first + 8, Row::parsed)?,
        max_rate: row.optional(first + 9, Row::parsed)?,
    })
}

fn noted(quantity: Option<Quantity>) -> StoreResult<Option<String>> {
    quantity
        .map(|quantity| serde_json::to_string(&quantity))
        .transpose()
        .map_err(|error| StoreError::Content(format!("a register is no JSON: {error}")))
}

fn device_mounting(row: &Row) -> StoreResult<DeviceMounting> {
    let head = match row.optional_int(DEVICE_COLUMNS + 5)? {
        Some(_) => Head {
            link: row.number(DEVICE_COLUMNS + 5)?,
            digest: row.parsed(DEVICE_COLUMNS + 6)?,
        },
        None => Head::default(),
    };
    Ok(DeviceMounting {
        meter: MeterId(row.int(DEVICE_COLUMNS + 2)?),
        point: row.text(DEVICE_COLUMNS + 3)?.to_owned(),
        from: row.instant(DEVICE_COLUMNS + 4)?,
        head,
    })
}

/// A device with what its gateway must know of the meter it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedDevice {
    /// The device.
    pub device: Device,
    /// The meter it serves; of two, the one with the smaller identity.
    pub meter: MeterId,
    /// The meter's label.
    pub label: String,
    /// That meter's zone.
    pub zone: Zone,
    /// The meters that its points serve, each with the last link of its chain.
    pub mountings: Vec<DeviceMounting>,
}

impl Transaction {
    /// The devices that a gateway reads, by bus and unit id.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn devices_of_gateway(
        &mut self,
        account: AccountId,
        gateway: GatewayId,
    ) -> StoreResult<Vec<Device>> {
        let sql = concat!(
            "SELECT ",
            device_columns!(),
            " FROM device WHERE account_id = $1 AND gateway_id = $2 AND removed_ms IS NULL \
             ORDER BY bus, unit_id"
        );
        let rows = self.query(sql, &[account.into(), gateway.into()]).await?;
        rows.iter().map(device).collect()
    }

    /// Every device a gateway ever had, removed ones included: their late readings count.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn all_devices_of_gateway(
        &mut self,
        account: AccountId,
        gateway: GatewayId,
    ) -> StoreResult<Vec<Device>> {
        let sql = concat!(
            "SELECT ",
            device_columns!(),
            " FROM device WHERE account_id = $1 AND gateway_id = $2 ORDER BY device_id"
        );
        let rows = self.query(sql, &[account.into(), gateway.into()]).await?;
        rows.iter().map(device).collect()
    }

    /// What a gateway shall read: its devices that serve a meter, by bus and unit id. With
    /// CROSS JOIN SQLite keeps the order, else it begins with all mountings of the account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn served_devices(
        &mut self,
        account: AccountId,
        gateway: GatewayId,
    ) -> StoreResult<Vec<ServedDevice>> {
        let sql = concat!(
            "SELECT ",
            device_columns!(),
            ", meter.label, meter.zone, meter.meter_id, mounting.point, mounting.from_ms, \
             seal.link, seal.digest FROM device CROSS JOIN mounting \
             JOIN meter ON meter.account_id = mounting.account_id \
             AND meter.meter_id = mounting.meter_id \
             LEFT JOIN seal ON seal.account_id = meter.account_id \
             AND seal.meter_id = meter.meter_id AND seal.link = (SELECT MAX(last.link) \
             FROM seal AS last WHERE last.account_id = meter.account_id \
             AND last.meter_id = meter.meter_id) \
             WHERE device.account_id = $1 AND device.gateway_id = $2 \
             AND device.removed_ms IS NULL AND mounting.account_id = device.account_id \
             AND mounting.device_id = device.device_id AND mounting.until_ms IS NULL \
             ORDER BY device.bus, device.unit_id, meter.meter_id"
        );
        let rows = self.query(sql, &[account.into(), gateway.into()]).await?;
        let mut found: Vec<ServedDevice> = Vec::new();
        for row in &rows {
            let served = ServedDevice {
                device: device(row)?,
                meter: MeterId(row.int(DEVICE_COLUMNS + 2)?),
                label: row.text(DEVICE_COLUMNS)?.to_owned(),
                zone: zone(row, DEVICE_COLUMNS + 1)?,
                mountings: vec![device_mounting(row)?],
            };
            match found.last_mut() {
                Some(last) if last.device.id == served.device.id => {
                    last.mountings.extend(served.mountings);
                }
                _ => found.push(served),
            }
        }
        Ok(found)
    }

    /// A device of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn device(
        &mut self,
        account: AccountId,
        id: DeviceId,
    ) -> StoreResult<Option<Device>> {
        let sql = concat!(
            "SELECT ",
            device_columns!(),
            " FROM device WHERE account_id = $1 AND device_id = $2"
        );
        let found = self.query_one(sql, &[account.into(), id.into()]).await?;
        found.as_ref().map(device).transpose()
    }

    /// The device that serves a meter now, with its mounting.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn device_of_meter(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Option<(Device, Mounting)>> {
        let current = self.mountings(account, meter).await?.pop();
        let Some(current) = current.filter(|mounting| mounting.until.is_none()) else {
            return Ok(None);
        };
        let device = self.device(account, current.device).await?;
        Ok(device.map(|device| (device, current)))
    }

    /// Which devices served a meter, the oldest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn mountings(
        &mut self,
        account: AccountId,
        meter: MeterId,
    ) -> StoreResult<Vec<Mounting>> {
        let rows = self
            .query(
                concat!(
                    "SELECT ",
                    mounting_columns!(),
                    " FROM mounting WHERE account_id = $1 AND meter_id = $2 ORDER BY from_ms"
                ),
                &[account.into(), meter.into()],
            )
            .await?;
        rows.iter().map(|row| mounting(row, 0)).collect()
    }

    /// Which meters the devices of a gateway serve or served, for its readings. For the
    /// CROSS JOIN see [`Transaction::served_devices`].
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn mountings_of_gateway(
        &mut self,
        account: AccountId,
        gateway: GatewayId,
    ) -> StoreResult<Vec<Mounting>> {
        let rows = self
            .query(
                concat!(
                    "SELECT ",
                    mounting_columns!(),
                    " FROM device CROSS JOIN mounting \
                     WHERE device.account_id = $1 AND device.gateway_id = $2 \
                     AND mounting.account_id = device.account_id \
                     AND mounting.device_id = device.device_id \
                     ORDER BY mounting.meter_id, mounting.from_ms"
                ),
                &[account.into(), gateway.into()],
            )
            .await?;
        rows.iter().map(|row| mounting(row, 0)).collect()
    }

    /// Lets a device's point serve a meter from an instant on.
    ///
    /// # Errors
    /// When the engine cannot, or the meter has a mounting from that instant.
    pub async fn mount(&mut self, account: AccountId, mounting: &Mounting) -> StoreResult<()> {
        self.execute(
            "INSERT INTO mounting (account_id, meter_id, from_ms, until_ms, device_id, point, \
             opening, closing, multiplier, rolls_over_at, max_rate) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                account.into(),
                mounting.meter.into(),
                mounting.from.into(),
                mounting.until.into(),
                mounting.device.into(),
                mounting.point.as_str().into(),
                noted(mounting.opening)?.into(),
                noted(mounting.closing)?.into(),
                mounting.multiplier.into(),
                mounting.rolls_over_at.into(),
                mounting.max_rate.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Ends the mounting that serves a meter now, with what its register showed, if somebody
    /// read it off.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn unmount(
        &mut self,
        account: AccountId,
        meter: MeterId,
        until: Timestamp,
        closing: Option<Quantity>,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE mounting SET until_ms = $3, closing = $4 \
             WHERE account_id = $1 AND meter_id = $2 AND until_ms IS NULL",
            &[
                account.into(),
                meter.into(),
                until.into(),
                noted(closing)?.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes a device away: its place is free, its mountings end, its readings stay.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_device(
        &mut self,
        account: AccountId,
        id: DeviceId,
        now: Timestamp,
    ) -> StoreResult<()> {
        let values = [account.into(), id.into(), now.into()];
        self.execute(
            "UPDATE device SET removed_ms = $3 \
             WHERE account_id = $1 AND device_id = $2 AND removed_ms IS NULL",
            &values,
        )
        .await?;
        self.execute(
            "UPDATE mounting SET until_ms = $3 \
             WHERE account_id = $1 AND device_id = $2 AND until_ms IS NULL",
            &values,
        )
        .await?;
        Ok(())
    }
}
