//! Exchanges: a meter's mounting ends and another begins, and the last one is taken back.

use common::id::{AccountId, DeviceId, MeterId, SiteId};
use common::quantity::Quantity;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{StoreResult, Transaction};
use crate::site::{Device, Mounting};

impl Transaction {
    /// The devices that the gateways of a building read, by bus and unit id.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn devices_of_site(
        &mut self,
        account: AccountId,
        site: SiteId,
    ) -> StoreResult<Vec<Device>> {
        let mut devices = Vec::new();
        for gateway in self.gateways_of_site(account, site).await? {
            devices.extend(self.devices_of_gateway(account, gateway.id).await?);
        }
        Ok(devices)
    }

    /// The points of a device that serve a meter now.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn points_in_service(
        &mut self,
        account: AccountId,
        device: DeviceId,
    ) -> StoreResult<Vec<String>> {
        let rows = self
            .query(
                "SELECT point FROM mounting WHERE account_id = $1 AND device_id = $2 \
                 AND until_ms IS NULL ORDER BY point",
                &[account.into(), device.into()],
            )
            .await?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }

    /// Ends a meter's mounting with what its register showed, and frees the place of a device
    /// that serves nothing else. Its readings stay.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn dismount(
        &mut self,
        account: AccountId,
        mounting: &Mounting,
        until: Timestamp,
        closing: Option<Quantity>,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.unmount(account, mounting.meter, until, closing)
            .await?;
        let serves = self.points_in_service(account, mounting.device).await?;
        if serves.is_empty() {
            self.remove_device(account, mounting.device, now).await?;
        }
        Ok(())
    }

    /// Takes the last exchange of a meter back: its mounting never was, and the one before it
    /// goes on. Nothing happens where there is none before it.
    ///
    /// # Errors
    /// When the engine cannot, or another device has the old one's place meanwhile.
    pub async fn undo_exchange(
        &mut self,
        account: AccountId,
        meter: MeterId,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mountings = self.mountings(account, meter).await?;
        let [.., before, last] = mountings.as_slice() else {
            return Ok(());
        };
        self.execute(
            "DELETE FROM mounting WHERE account_id = $1 AND meter_id = $2 AND from_ms = $3",
            &[account.into(), meter.into(), last.from.into()],
        )
        .await?;
        let serves = self.points_in_service(account, last.device).await?;
        if last.device != before.device && serves.is_empty() {
            self.remove_device(account, last.device, now).await?;
        }
        self.execute(
            "UPDATE device SET removed_ms = NULL WHERE account_id = $1 AND device_id = $2",
            &[account.into(), before.device.into()],
        )
        .await?;
        self.execute(
            "UPDATE mounting SET until_ms = NULL, closing = NULL \
             WHERE account_id = $1 AND meter_id = $2 AND from_ms = $3",
            &[account.into(), meter.into(), before.from.into()],
        )
        .await?;
        Ok(())
    }

    /// Says of the register that serves a meter now where it begins again at zero, and the most
    /// that can go through it in an hour.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn state_register(
        &mut self,
        account: AccountId,
        meter: MeterId,
        rolls_over_at: Option<Decimal>,
        max_rate: Option<Decimal>,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE mounting SET rolls_over_at = $3, max_rate = $4 \
             WHERE account_id = $1 AND meter_id = $2 AND until_ms IS NULL",
            &[
                account.into(),
                meter.into(),
                rolls_over_at.into(),
                max_rate.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
