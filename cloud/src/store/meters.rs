//! The meters: registering them with their device, and what is known of each.

#[cfg(test)]
mod tests;

use common::id::{AccountId, DeviceId, GatewayId, MeterId, PersonId, SiteId};
use common::locale::Locale;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::plans::Owner;
use super::sites::zone;
use super::{Row, StoreError, StoreResult, Transaction, new_id};
use crate::plan::Plan;
use crate::plan::terms::{Terms, Version};
use crate::site::{CONNEKTOR_DEVICES_MAX, GatewayKind, Meter, Mounting, Zone};

macro_rules! meter_columns {
    () => {
        "meter.account_id, meter.meter_id, meter.site_id, meter.label, meter.medium, \
         meter.unit, meter.locale, meter.zone, meter.created_ms, meter.last_good_ms"
    };
}

pub(super) fn meter(row: &Row) -> StoreResult<Meter> {
    Ok(Meter {
        account: AccountId(row.int(0)?),
        id: MeterId(row.int(1)?),
        site: SiteId(row.int(2)?),
        label: row.text(3)?.to_owned(),
        medium: row.parsed(4)?,
        unit: row.parsed(5)?,
        locale: row.parsed(6)?,
        zone: zone(row, 7)?,
        created_at: row.instant(8)?,
        last_good_at: row.instant(9)?,
    })
}

/// A device that is about to be put on a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The gateway that reads it.
    pub gateway: GatewayId,
    /// The gateway's bus on which it is.
    pub bus: String,
    /// Its Modbus unit id.
    pub unit_id: u8,
    /// The profile that decodes it; the caller has seen that there is one.
    pub profile: String,
    /// The number on its plate, or nothing.
    pub serial_number: String,
    /// Seconds between two readings of its billing counters.
    pub poll_period_s: u32,
}

/// A meter that is about to be registered, with its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeter {
    /// What people call it.
    pub label: String,
    /// What it measures.
    pub medium: Medium,
    /// The unit in which it is billed.
    pub unit: Unit,
    /// The language and region of its invoices.
    pub locale: Locale,
    /// The zone whose midnights end its days.
    pub zone: Zone,
    /// The gateway that reads its device.
    pub gateway: GatewayId,
    /// The gateway's bus on which the device is.
    pub bus: String,
    /// The device's Modbus unit id.
    pub unit_id: u8,
    /// The profile that decodes it; the caller has seen that there is one.
    pub profile: String,
    /// The profile's billing point that counts for this meter.
    pub point: String,
    /// The number on the device's plate, or nothing.
    pub serial_number: String,
    /// Seconds between two readings of the billing counters.
    pub poll_period_s: u32,
    /// From when on the device serves the meter.
    pub mounted_at: Timestamp,
    /// What its register is multiplied by.
    pub multiplier: Decimal,
    /// Its first billing terms.
    pub plan: Plan,
    /// When its first period is looked at.
    pub next_close_at: Timestamp,
}

/// Why a meter could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// There is no such gateway in the account.
    #[error("there is no such gateway in this account")]
    NoGateway,
    /// A Connektor card reads no more devices.
    #[error(
        "the Connektor card '{0}' reads {CONNEKTOR_DEVICES_MAX} devices already: \
         use another card for this meter, or remove a device first"
    )]
    ConnektorFull(String),
    /// Another device has the place.
    #[error(
        "unit id {unit_id} on bus '{bus}' of this gateway has a device already: \
         give this one another unit id, or remove that one first"
    )]
    PlaceTaken {
        /// The bus.
        bus: String,
        /// The unit id.
        unit_id: u8,
    },
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Transaction {
    /// Registers a meter with its device, the mounting between them, and of its first plan what
    /// does not hold by its site anyway.
    ///
    /// # Errors
    /// When there is no such gateway, the card is full, or the place is taken.
    pub async fn register_meter(
        &mut self,
        account: AccountId,
        new: &NewMeter,
        by: Option<PersonId>,
        now: Timestamp,
    ) -> Result<Meter, RegisterError> {
        let site = self.room_for_device(account, new.gateway).await?;
        let new_device = NewDevice {
            gateway: new.gateway,
            bus: new.bus.clone(),
            unit_id: new.unit_id,
            profile: new.profile.clone(),
            serial_number: new.serial_number.clone(),
            poll_period_s: new.poll_period_s,
        };
        let device = self.add_device(account, &new_device, now).await?;
        let added = Meter {
            account,
            id: MeterId(new_id(now)),
            site,
            label: new.label.clone(),
            medium: new.medium,
            unit: new.unit,
            locale: new.locale,
            zone: new.zone.clone(),
            created_at: now,
            last_good_at: now,
        };
        self.execute(
            "INSERT INTO meter (account_id, meter_id, site_id, label, medium, unit, locale, \
             zone, created_ms, last_good_ms, next_close_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
            &[
                account.into(),
                added.id.into(),
                site.into(),
                new.label.as_str().into(),
                new.medium.code().into(),
                new.unit.code().into(),
                new.locale.to_string().into(),
                new.zone.name().into(),
                now.into(),
                new.next_close_at.into(),
            ],
        )
        .await?;
        let mounting = Mounting {
            meter: added.id,
            device,
            point: new.point.clone(),
            from: new.mounted_at,
            until: None,
            opening: None,
            closing: None,
            multiplier: new.multiplier,
            rolls_over_at: None,
            max_rate: None,
        };
        self.mount(account, &mounting).await?;
        let levels = self.levels_of_site(account, site).await?;
        let held = levels.held_on(new.plan.effective_from);
        let version = Version {
            effective_from: new.plan.effective_from,
            terms: Terms::beyond(&new.plan, &held.terms),
        };
        self.set_terms(account, Owner::Meter(added.id), &version, by, now)
            .await?;
        Ok(added)
    }

    /// The building of a gateway that can take another device. Holds the gateway's row, so
    /// that nobody else counts its devices meanwhile.
    async fn room_for_device(
        &mut self,
        account: AccountId,
        gateway: GatewayId,
    ) -> Result<SiteId, RegisterError> {
        let values = [account.into(), gateway.into()];
        let held = self
            .query_one(
                "UPDATE gateway SET kind = kind WHERE account_id = $1 AND gateway_id = $2 \
                 RETURNING site_id, kind, name",
                &values,
            )
            .await?
            .ok_or(RegisterError::NoGateway)?;
        if held.coded(1, GatewayKind::from_code)? == GatewayKind::Connektor {
            let devices = self.devices_of_gateway(account, gateway).await?;
            if devices.len() >= CONNEKTOR_DEVICES_MAX {
                return Err(RegisterError::ConnektorFull(held.text(2)?.to_owned()));
            }
        }
        Ok(SiteId(held.int(0)?))
    }

    /// Puts a device at a free place of a gateway's bus.
    ///
    /// # Errors
    /// When there is no such gateway, the card is full, or the place is taken.
    pub async fn add_device(
        &mut self,
        account: AccountId,
        new: &NewDevice,
        now: Timestamp,
    ) -> Result<DeviceId, RegisterError> {
        self.room_for_device(account, new.gateway).await?;
        let device = DeviceId(new_id(now));
        let added = self
            .execute(
                "INSERT INTO device (account_id, device_id, gateway_id, profile, bus, unit_id, \
                 serial_number, poll_period_s, created_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
                &[
                    account.into(),
                    device.into(),
                    new.gateway.into(),
                    new.profile.as_str().into(),
                    new.bus.as_str().into(),
                    i64::from(new.unit_id).into(),
                    new.serial_number.as_str().into(),
                    i64::from(new.poll_period_s).into(),
                    now.into(),
                ],
            )
            .await?;
        if added == 0 {
            return Err(RegisterError::PlaceTaken {
                bus: new.bus.clone(),
                unit_id: new.unit_id,
            });
        }
        Ok(device)
    }

    /// A meter of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn meter(&mut self, account: AccountId, id: MeterId) -> StoreResult<Option<Meter>> {
        let sql = concat!(
            "SELECT ",
            meter_columns!(),
            " FROM meter WHERE account_id = $1 AND meter_id = $2"
        );
        let found = self.query_one(sql, &[account.into(), id.into()]).await?;
        found.as_ref().map(meter).transpose()
    }

    /// The meters of an account, by label.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn meters(&mut self, account: AccountId) -> StoreResult<Vec<Meter>> {
        let sql = concat!(
            "SELECT ",
            meter_columns!(),
            " FROM meter WHERE account_id = $1 ORDER BY label, meter_id"
        );
        let rows = self.query(sql, &[account.into()]).await?;
        rows.iter().map(meter).collect()
    }

    /// The meters of a building, by label.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn meters_of_site(
        &mut self,
        account: AccountId,
        site: SiteId,
    ) -> StoreResult<Vec<Meter>> {
        let sql = concat!(
            "SELECT ",
            meter_columns!(),
            " FROM meter WHERE account_id = $1 AND site_id = $2 ORDER BY label, meter_id"
        );
        let rows = self.query(sql, &[account.into(), site.into()]).await?;
        rows.iter().map(meter).collect()
    }

    /// The meters of an account that are assigned to a person, by label.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn meters_assigned_to(
        &mut self,
        account: AccountId,
        person: PersonId,
    ) -> StoreResult<Vec<Meter>> {
        let sql = concat!(
            "SELECT ",
            meter_columns!(),
            " FROM assignment JOIN meter ON meter.account_id = assignment.account_id \
             AND meter.meter_id = assignment.meter_id \
             WHERE assignment.account_id = $1 AND assignment.person_id = $2 \
             ORDER BY meter.label, meter.meter_id"
        );
        let rows = self.query(sql, &[account.into(), person.into()]).await?;
        rows.iter().map(meter).collect()
    }

    /// Gives a meter the label, locale and zone that `changed` has.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_meter(&mut self, changed: &Meter) -> StoreResult<()> {
        self.execute(
            "UPDATE meter SET label = $3, locale = $4, zone = $5 \
             WHERE account_id = $1 AND meter_id = $2",
            &[
                changed.account.into(),
                changed.id.into(),
                changed.label.as_str().into(),
                changed.locale.to_string().into(),
                changed.zone.name().into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Moves the instant of a meter's newest good billing reading forward, never back.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn raise_last_good(
        &mut self,
        account: AccountId,
        id: MeterId,
        at: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE meter SET last_good_ms = $3 \
             WHERE account_id = $1 AND meter_id = $2 AND last_good_ms < $3",
            &[account.into(), id.into(), at.into()],
        )
        .await?;
        Ok(())
    }

    /// When a meter's next period is looked at.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn next_close(
        &mut self,
        account: AccountId,
        id: MeterId,
    ) -> StoreResult<Option<Timestamp>> {
        let found = self
            .query_one(
                "SELECT next_close_ms FROM meter WHERE account_id = $1 AND meter_id = $2",
                &[account.into(), id.into()],
            )
            .await?;
        found.map(|row| row.instant(0)).transpose()
    }

    /// Says when a meter's next period is looked at.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn set_next_close(
        &mut self,
        account: AccountId,
        id: MeterId,
        at: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE meter SET next_close_ms = $3 WHERE account_id = $1 AND meter_id = $2",
            &[account.into(), id.into(), at.into()],
        )
        .await?;
        Ok(())
    }

    /// Up to `limit` meters of all accounts whose next period is to be looked at by now.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn meters_to_close(&mut self, now: Timestamp, limit: i64) -> StoreResult<Vec<Meter>> {
        let sql = concat!(
            "SELECT ",
            meter_columns!(),
            " FROM meter WHERE next_close_ms <= $1 \
             ORDER BY next_close_ms, account_id, meter_id LIMIT $2"
        );
        let rows = self.query(sql, &[now.into(), limit.into()]).await?;
        rows.iter().map(meter).collect()
    }

    /// The next instant after `after` at which a period of any meter is to be looked at:
    /// what a test clock stops at.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn next_close_after(&mut self, after: Timestamp) -> StoreResult<Option<Timestamp>> {
        let found = self
            .query_one(
                "SELECT MIN(next_close_ms) FROM meter WHERE next_close_ms > $1",
                &[after.into()],
            )
            .await?;
        found.map_or(Ok(None), |row| row.optional_instant(0))
    }

    /// The zones of all meters, and in each the oldest instant of a newest good reading that
    /// is not before `since`: what a test clock stops at.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn oldest_good_by_zone(
        &mut self,
        since: Timestamp,
    ) -> StoreResult<Vec<(Zone, Option<Timestamp>)>> {
        let rows = self
            .query(
                "SELECT zone, MIN(CASE WHEN last_good_ms >= $1 THEN last_good_ms END) \
                 FROM meter GROUP BY zone ORDER BY zone",
                &[since.into()],
            )
            .await?;
        rows.iter()
            .map(|row| Ok((zone(row, 0)?, row.optional_instant(1)?)))
            .collect()
    }

    /// Up to `limit` meters of all accounts that have a device, whose newest good reading is
    /// older than `since`, and of which no silence is open; the longest silent first, those
    /// after `last`.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn silent_meters(
        &mut self,
        since: Timestamp,
        last: Option<&Meter>,
        limit: i64,
    ) -> StoreResult<Vec<Meter>> {
        let sql = concat!(
            "SELECT ",
            meter_columns!(),
            " FROM meter WHERE last_good_ms < $1 AND NOT EXISTS (SELECT 1 FROM silence \
             WHERE silence.account_id = meter.account_id \
             AND silence.meter_id = meter.meter_id AND silence.recovered_ms IS NULL) \
             AND EXISTS (SELECT 1 FROM mounting WHERE mounting.account_id = meter.account_id \
             AND mounting.meter_id = meter.meter_id AND mounting.until_ms IS NULL) \
             AND (last_good_ms, account_id, meter_id) > ($2, $3, $4) \
             ORDER BY last_good_ms, account_id, meter_id LIMIT $5"
        );
        let [good, account, id] = last.map_or([i64::MIN.into(), 0.into(), 0.into()], |last| {
            [
                last.last_good_at.into(),
                last.account.into(),
                last.id.into(),
            ]
        });
        let rows = self
            .query(sql, &[since.into(), good, account, id, limit.into()])
            .await?;
        rows.iter().map(meter).collect()
    }
}
