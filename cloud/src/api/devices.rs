//! What a gateway shall read.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use common::sync::{CLOSINGS_AHEAD, CLOSINGS_BEHIND, Closing, Device, DeviceList, DeviceMounting};
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};

use super::error::Refusal;
use super::{Api, caller};
use crate::site::Zone;
use crate::store::devices::ServedDevice;

/// Characters of a list's version.
const VERSION_CHARACTERS: usize = 16;

pub(super) async fn devices(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Json<DeviceList>, Refusal> {
    let now = api.app.clock.now();
    let mut transaction = api.app.store.read().await?;
    let key = caller(&mut transaction, &headers).await?;
    let served = transaction.served_devices(key.account, key.gateway).await?;
    Ok(Json(list(served, now)))
}

/// The list of these devices, with the starts of day from `now` on.
fn list(served: Vec<ServedDevice>, now: Timestamp) -> DeviceList {
    let version = version(&served, now);
    let devices = served
        .into_iter()
        .map(|served| Device {
            id: served.device.id,
            label: served.label,
            profile: served.device.profile,
            bus: served.device.bus,
            unit_id: served.device.unit_id,
            poll_period_s: served.device.poll_period_s,
            closings: closings(&served.zone, now),
            mountings: served.mountings,
            zone: served.zone.name().to_owned(),
        })
        .collect();
    DeviceList { version, devices }
}

/// The version of the list of these devices: another when a gateway has to know something
/// new, and every month, so that it never runs out of starts of day.
pub(super) fn version(served: &[ServedDevice], now: Timestamp) -> String {
    let mut hash = Sha256::new();
    let month = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    hash.update(format!("{}-{}\n", month.year(), month.month()));
    for served in served {
        let ServedDevice {
            device,
            label,
            zone,
            mountings,
            ..
        } = served;
        let place = (&device.bus, device.unit_id, device.poll_period_s);
        let zone = zone.name();
        // Debug quotes the texts, so that no two lists read alike.
        hash.update(format!(
            "{} {:?} {place:?} {label:?} {zone:?}\n",
            device.id, device.profile
        ));
        // Not the heads: they move every day, and a gateway has its own.
        for DeviceMounting {
            meter, point, from, ..
        } in mountings
        {
            hash.update(format!("{meter} {point:?} {from}\n"));
        }
    }
    let mut version = String::new();
    for byte in hash.finalize() {
        version.push_str(&format!("{byte:02x}"));
    }
    version.truncate(VERSION_CHARACTERS);
    version
}

/// The starts of day in a zone, those of the last week and the next ones. A start that falls
/// into a change of the clocks is the first instant of that day.
fn closings(zone: &Zone, now: Timestamp) -> Vec<Closing> {
    let today = now.to_zoned_datetime(zone.rules().clone()).date();
    let behind = i32::try_from(CLOSINGS_BEHIND).unwrap_or(0);
    (1 - behind..)
        .map_while(|days: i32| {
            let date = today.checked_add(days.days()).ok()?;
            let start = date.to_zoned_datetime(zone.rules().clone()).ok()?;
            let start = start.start_of_day().ok()?;
            Some(Closing {
                date,
                at: start.timestamp(),
            })
        })
        .take(CLOSINGS_BEHIND + CLOSINGS_AHEAD)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_start_when_the_zone_says_over_changes_of_the_clocks() {
        let now = "2026-10-31T12:00:00Z".parse().unwrap();
        let found = closings(&Zone::new("America/Tijuana").unwrap(), now);
        assert_eq!(found.len(), CLOSINGS_BEHIND + CLOSINGS_AHEAD);
        let first = found.first().map(|closing| closing.at.to_string());
        assert_eq!(first.as_deref(), Some("2026-10-25T07:00:00Z"));
        let ahead = found.iter().skip(CLOSINGS_BEHIND);
        let starts: Vec<String> = ahead.take(3).map(|c| c.at.to_string()).collect();
        // The clocks go back on 1 November at 2:00.
        let expected = [
            "2026-11-01T07:00:00Z",
            "2026-11-02T08:00:00Z",
            "2026-11-03T08:00:00Z",
        ];
        assert_eq!(starts, expected);
        // In Beirut clocks go forward at midnight: the day starts at 1:00.
        let now = "2026-03-27T12:00:00Z".parse().unwrap();
        let found = closings(&Zone::new("Asia/Beirut").unwrap(), now);
        let spring = found
            .iter()
            .find(|c| c.date == jiff::civil::date(2026, 3, 29));
        assert_eq!(spring.unwrap().at.to_string(), "2026-03-28T22:00:00Z");
    }

    #[test]
    fn a_list_is_another_when_a_gateway_must_know_something_new() {
        let zone = Zone::new("America/Tijuana").unwrap();
        let served = ServedDevice {
            device: crate::site::Device {
                account: common::id::AccountId(1),
                id: common::id::DeviceId(2),
                gateway: common::id::GatewayId(3),
                profile: "eastron-sdm120".to_owned(),
                bus: "main".to_owned(),
                unit_id: 4,
                serial_number: "A1".to_owned(),
                poll_period_s: 60,
            },
            meter: common::id::MeterId(5),
            label: "Local 1".to_owned(),
            zone,
            mountings: vec![DeviceMounting {
                meter: common::id::MeterId(5),
                point: "energy_import".to_owned(),
                from: "2026-10-01T12:00:00Z".parse().unwrap(),
                head: common::seal::Head::default(),
            }],
        };
        let now = "2026-10-30T12:00:00Z".parse().unwrap();
        let before = version(std::slice::from_ref(&served), now);
        assert_eq!(before.len(), VERSION_CHARACTERS);
        type Change = fn(&mut ServedDevice);
        let table: [(Change, bool); 8] = [
            (|s| s.device.serial_number.clear(), true),
            (|s| s.mountings[0].head.link = 31, true),
            (|s| s.mountings.clear(), false),
            (|s| s.label.push('b'), false),
            (|s| s.device.unit_id = 5, false),
            (|s| s.device.bus.push('2'), false),
            (|s| s.device.poll_period_s = 30, false),
            (|s| s.zone = Zone::new("Europe/Madrid").unwrap(), false),
        ];
        for (change, same) in table {
            let mut changed = served.clone();
            change(&mut changed);
            assert_eq!(version(&[changed], now) == before, same);
        }
        assert_ne!(version(&[], now), before);
        let november = "2026-11-01T00:00:00Z".parse().unwrap();
        assert_ne!(version(&[served], november), before);
    }
}
