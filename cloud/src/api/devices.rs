//! What a gateway shall read.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use common::closes::Closes;
use common::sync::{
    CLOSINGS_AHEAD, CLOSINGS_BEHIND, CLOSINGS_MAX, Closing, Device, DeviceList, DeviceMounting,
};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};

use super::error::Refusal;
use super::{Api, caller};
use crate::billing::charge::switches;
use crate::plan::Plan;
use crate::site::Zone;
use crate::store::devices::ServedDevice;
use crate::store::{StoreResult, Transaction};

/// Characters of a list's version.
const VERSION_CHARACTERS: usize = 16;
/// For how many days ahead the minutes are sent at which another price begins: a gateway asks
/// every month, and this is two weeks longer. [`CLOSINGS_MAX`] leaves room for eight a day;
/// where a device has more, the last of them get no closing reading before it asks again.
const SWITCH_DAYS: i32 = 45;

pub(super) async fn devices(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Json<DeviceList>, Refusal> {
    let now = api.app.clock.now();
    let mut transaction = api.app.store.read().await?;
    let key = caller(&mut transaction, &headers).await?;
    let served = transaction.served_devices(key.account, key.gateway).await?;
    let terms = transaction.terms_revision(key.account).await?;
    let version = version(&served, &terms, now);
    let mut devices = Vec::new();
    for served in served {
        let plans = plans(&mut transaction, &served).await?;
        devices.push(device(served, &plans, now));
    }
    Ok(Json(DeviceList { version, devices }))
}

/// The plans of each meter that a device serves; none of one whose terms are not settled.
async fn plans(
    transaction: &mut Transaction,
    served: &ServedDevice,
) -> StoreResult<Vec<Vec<Plan>>> {
    let mut all = Vec::new();
    for mounting in &served.mountings {
        let levels = transaction.levels(served.device.account, mounting.meter);
        if let Ok(resolved) = levels.await?.resolve() {
            all.push(resolved.into_iter().map(|one| one.plan).collect());
        }
    }
    Ok(all)
}

fn device(served: ServedDevice, plans: &[Vec<Plan>], now: Timestamp) -> Device {
    Device {
        id: served.device.id,
        label: served.label,
        profile: served.device.profile,
        bus: served.device.bus,
        unit_id: served.device.unit_id,
        poll_period_s: served.device.poll_period_s,
        closings: closings(&served.zone, plans, now),
        mountings: served.mountings,
        zone: served.zone.name().to_owned(),
    }
}

/// The version of the list of these devices: another when a gateway has to know something
/// new, and every month, so that it never runs out of closings. `terms` changes with the terms.
pub(super) fn version(served: &[ServedDevice], terms: &str, now: Timestamp) -> String {
    let mut hash = Sha256::new();
    let month = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    hash.update(format!("{}-{}\n", month.year(), month.month()));
    hash.update(format!("{terms:?}\n"));
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

/// When the counters of a device are read before all else: at the starts of day in its zone,
/// those of the last week and the next ones, and soon at the instants that decide by the plans
/// of its meters.
fn closings(zone: &Zone, plans: &[Vec<Plan>], now: Timestamp) -> Vec<Closing> {
    let today = now.to_zoned_datetime(zone.rules().clone()).date();
    let behind = i32::try_from(CLOSINGS_BEHIND).unwrap_or(0);
    let starts = (1 - behind..).map_while(|days: i32| start(today, days, zone));
    let mut all: BTreeSet<Timestamp> = starts.take(CLOSINGS_BEHIND + CLOSINGS_AHEAD).collect();
    let mut decisive = BTreeSet::new();
    for plans in plans {
        decisive.extend(deciding(plans, now));
    }
    // A minute that the clock of the zone has twice has one name: the first is the one.
    let closing = |at: Timestamp| {
        let closes = Closes::of(at, zone.rules());
        let is_named = closes.at(zone.rules()) == Some(at);
        is_named.then_some(Closing { closes, at })
    };
    let room = CLOSINGS_MAX.saturating_sub(all.len());
    let decisive = decisive.difference(&all).copied().take(room);
    let decisive: Vec<Timestamp> = decisive.collect();
    all.extend(decisive);
    all.into_iter().filter_map(closing).collect()
}

/// The instants that decide by a meter's plans, from today on: where another price begins, and
/// the starts of day in the zone of the terms.
fn deciding(plans: &[Plan], now: Timestamp) -> Vec<Timestamp> {
    let date = |plan: &Plan| plan.zone.rules().to_datetime(now).date();
    let current = plans.iter().rfind(|plan| plan.effective_from <= date(plan));
    let Some(current) = current.or(plans.first()) else {
        return Vec::new();
    };
    let (today, zone) = (date(current), &current.zone);
    let until = today.checked_add(SWITCH_DAYS.days()).unwrap_or(today);
    let mut found = switches(today, until, plans, zone).unwrap_or_default();
    found.extend((0..SWITCH_DAYS).map_while(|days| start(today, days, zone)));
    found
}

/// The start of the day that many days after another. One that falls into a change of the clocks
/// is the first instant of that day.
fn start(day: Date, days: i32, zone: &Zone) -> Option<Timestamp> {
    let date = day.checked_add(days.days()).ok()?;
    let midnight = date.to_zoned_datetime(zone.rules().clone()).ok()?;
    Some(midnight.start_of_day().ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::sample;
    use crate::plan::tariff::{Rate, Switch};

    #[test]
    fn days_start_when_the_zone_says_over_changes_of_the_clocks() {
        let now = "2026-10-31T12:00:00Z".parse().unwrap();
        let found = closings(&Zone::new("America/Tijuana").unwrap(), &[], now);
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
        let found = closings(&Zone::new("Asia/Beirut").unwrap(), &[], now);
        let spring = found
            .iter()
            .find(|c| c.closes == jiff::civil::date(2026, 3, 29).into());
        assert_eq!(spring.unwrap().at.to_string(), "2026-03-28T22:00:00Z");
    }

    fn hourly(zone: &Zone) -> Plan {
        let cycle = crate::plan::Cycle::monthly(31).unwrap();
        let (first, currency) = (jiff::civil::date(2026, 1, 1), "MXN".parse().unwrap());
        let price = sample::number("1");
        let mut plan = Plan::flat(first, zone.clone(), cycle, currency, price);
        plan.tariff.rate = sample::by_hour(&[(0, 0), (18, 1), (22, 0)], ["1", "3"]);
        plan
    }

    #[test]
    fn the_minutes_at_which_another_price_begins_are_closed_for_some_weeks() {
        let zone = Zone::new("America/Tijuana").unwrap();
        let now = "2026-10-31T12:00:00Z".parse().unwrap();
        let found = closings(&zone, &[vec![hourly(&zone)]], now);
        let said = |closing: &Closing| format!("{} {}", closing.closes, closing.at);
        let ahead: Vec<String> = found.iter().skip(6).take(7).map(said).collect();
        let expected = [
            "2026-10-31 2026-10-31T07:00:00Z",
            "2026-10-31T18:00 2026-11-01T01:00:00Z",
            "2026-10-31T22:00 2026-11-01T05:00:00Z",
            "2026-11-01 2026-11-01T07:00:00Z",
            // The clocks went back at two.
            "2026-11-01T18:00 2026-11-02T02:00:00Z",
            "2026-11-01T22:00 2026-11-02T06:00:00Z",
            "2026-11-02 2026-11-02T08:00:00Z",
        ];
        assert_eq!(ahead, expected);
        let switches = found
            .iter()
            .filter(|closing| closing.closes.day().is_none());
        assert_eq!(switches.count(), 2 * 45);
        assert_eq!(found.len(), CLOSINGS_BEHIND + CLOSINGS_AHEAD + 2 * 45);
        assert!(found.is_sorted_by(|one, next| one.closes < next.closes && one.at < next.at));
    }

    #[test]
    fn days_of_terms_in_another_zone_are_closed_too_and_a_list_has_its_measure() {
        let (zone, abroad) = ("America/Tijuana", "America/New_York");
        let (zone, abroad) = (Zone::new(zone).unwrap(), Zone::new(abroad).unwrap());
        let now = "2026-10-31T12:00:00Z".parse().unwrap();
        let found = closings(&zone, &[vec![hourly(&abroad)]], now);
        let midnight = "2026-12-01T05:00:00Z".parse().unwrap();
        let there = found.iter().find(|closing| closing.at == midnight);
        assert_eq!(there.unwrap().closes.to_string(), "2026-11-30T21:00");
        assert!(found.is_sorted_by(|one, next| one.closes < next.closes && one.at < next.at));
        // A price for every hour: twenty-four instants a day.
        let mut each = hourly(&zone);
        if let Rate::TimeOfUse { calendar, .. } = &mut each.tariff.rate {
            let hours = (0..24).map(|hour| Switch {
                at: jiff::civil::time(hour, 0, 0, 0),
                band: usize::from(hour % 2 == 1),
            });
            calendar.seasons[0].workday = hours.collect();
        }
        let found = closings(&zone, &[vec![each]], now);
        assert_eq!(found.len(), CLOSINGS_MAX);
        let soon = "2026-11-09T09:00:00Z".parse().unwrap();
        assert!(
            found.iter().any(|closing| closing.at == soon),
            "the next ones are sent"
        );
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
        let before = version(std::slice::from_ref(&served), "1", now);
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
            assert_eq!(version(&[changed], "1", now) == before, same);
        }
        assert_ne!(version(&[], "1", now), before);
        let november = "2026-11-01T00:00:00Z".parse().unwrap();
        assert_ne!(
            version(std::slice::from_ref(&served), "1", november),
            before
        );
        assert_ne!(version(&[served], "2", now), before);
    }
}
