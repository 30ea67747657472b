//! Stories of sites, gateways and meters.

use common::locale::Language;
use jiff::ToSpan;
use jiff::civil::date;
use rust_decimal::Decimal;

use super::super::gateways::GatewayKey;
use super::super::testing::{new_meter, on_both_engines, start, world};
use super::RegisterError;
use crate::account::NewPerson;
use crate::plan::Plan;
use crate::plan::tariff::Tariff;
use crate::site::{Assignment, Delivery, GatewayKind, Zone};
use crate::store::plans::Owner;

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_meter_has_its_device_its_mounting_and_its_plan() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let new = new_meter(&world, 7);
        let added = t
            .register_meter(world.account, &new, None, start())
            .await
            .unwrap();
        let found = t.meter(world.account, added.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&added));
        let (device, mounting) = t
            .device_of_meter(world.account, added.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((device.unit_id, device.bus.as_str()), (7, "main"));
        assert_eq!(mounting.point, "energy_import");
        assert_eq!(
            t.plans(world.account, added.id).await.unwrap(),
            std::slice::from_ref(&new.plan)
        );
        let served = t
            .served_devices(world.account, world.gateway)
            .await
            .unwrap();
        assert_eq!(served.len(), 1);
        assert_eq!(
            (served[0].device.id, served[0].label.as_str()),
            (device.id, "Local 7")
        );
        let next = t.next_close(world.account, added.id).await.unwrap();
        assert_eq!(next, Some(new.next_close_at));
        assert_eq!(t.meters_to_close(start(), 9).await.unwrap(), []);
        let due = t.meters_to_close(new.next_close_at, 9).await.unwrap();
        assert_eq!(due, std::slice::from_ref(&added));
        // Another account finds nothing under the same identity.
        let other = t.add_account("Other", start()).await.unwrap().id;
        assert_eq!(t.meter(other, added.id).await.unwrap(), None);
        assert_eq!(t.device(other, device.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_on_a_bus_is_free_again_when_its_device_is_removed() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let new = new_meter(&world, 1);
        let first = t
            .register_meter(world.account, &new, None, start())
            .await
            .unwrap();
        let taken = t.register_meter(world.account, &new, None, start()).await;
        let error = taken.unwrap_err();
        assert!(matches!(error, RegisterError::PlaceTaken { .. }), "{error}");
        // A refusal leaves the transaction usable on both engines.
        let (device, _) = t
            .device_of_meter(world.account, first.id)
            .await
            .unwrap()
            .unwrap();
        let later = start() + 1.hour();
        t.remove_device(world.account, device.id, later)
            .await
            .unwrap();
        let current = t.device_of_meter(world.account, first.id).await.unwrap();
        assert_eq!(current, None);
        let mountings = t.mountings(world.account, first.id).await.unwrap();
        assert_eq!(mountings[0].until, Some(later));
        t.register_meter(world.account, &new, None, later)
            .await
            .unwrap();
        let all = t
            .all_devices_of_gateway(world.account, world.gateway)
            .await
            .unwrap();
        assert_eq!(all.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connektor_card_takes_six_devices() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Connektor).await;
        for unit_id in 1..=6 {
            let new = new_meter(&world, unit_id);
            t.register_meter(world.account, &new, None, start())
                .await
                .unwrap();
        }
        let seventh = new_meter(&world, 7);
        let error = t
            .register_meter(world.account, &seventh, None, start())
            .await
            .unwrap_err();
        assert!(matches!(error, RegisterError::ConnektorFull(_)), "{error}");
        let foreign = t.add_account("Other", start()).await.unwrap().id;
        let error = t
            .register_meter(foreign, &seventh, None, start())
            .await
            .unwrap_err();
        assert!(matches!(error, RegisterError::NoGateway), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_has_a_version_for_each_date() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let new = new_meter(&world, 1);
        let meter = t
            .register_meter(world.account, &new, None, start())
            .await
            .unwrap()
            .id;
        let later = |price: i64| Plan {
            effective_from: date(2026, 12, 1),
            tariff: Tariff::flat(Decimal::new(price, 2)),
            ..new.plan.clone()
        };
        for price in [400, 425] {
            t.set_plan(world.account, meter, &later(price), None, start())
                .await
                .unwrap();
        }
        let plans = t.plans(world.account, meter).await.unwrap();
        assert_eq!(plans, [new.plan.clone(), later(425)]);
        t.remove_terms(world.account, Owner::Meter(meter), date(2026, 12, 1))
            .await
            .unwrap();
        assert_eq!(t.plans(world.account, meter).await.unwrap(), [new.plan]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_is_seen_by_those_it_is_assigned_to() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let account = world.account;
        let mut meters = Vec::new();
        for unit_id in [1, 2] {
            let new = new_meter(&world, unit_id);
            meters.push(
                t.register_meter(account, &new, None, start())
                    .await
                    .unwrap(),
            );
        }
        let person = NewPerson::new("ana@example.com", "Ana", Language::Es, false).unwrap();
        let person = t.add_person(&person, start()).await.unwrap();
        for delivery in [Delivery::Email, Delivery::Both] {
            let assignment = Assignment {
                meter: meters[1].id,
                person: person.id,
                delivery,
            };
            t.set_assignment(account, &assignment).await.unwrap();
        }
        let seen = t.meters_assigned_to(account, person.id).await.unwrap();
        assert_eq!(seen, [meters[1].clone()]);
        let who = t.assignments_of_meter(account, meters[1].id).await.unwrap();
        assert_eq!((&who[0].0, who[0].1.delivery), (&person, Delivery::Both));
        assert_eq!(
            t.assignments_of_person(account, person.id)
                .await
                .unwrap()
                .len(),
            1
        );
        t.remove_assignment(account, meters[1].id, person.id)
            .await
            .unwrap();
        assert_eq!(t.meters_assigned_to(account, person.id).await.unwrap(), []);
        assert_eq!(t.meters(account).await.unwrap().len(), 2);
        assert_eq!(
            t.meters_of_site(account, world.site).await.unwrap().len(),
            2
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_good_reading_only_moves_forward() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let mut meter = t
            .register_meter(world.account, &new_meter(&world, 1), None, start())
            .await
            .unwrap();
        let later = start() + 1.hour();
        for at in [later, start()] {
            t.raise_last_good(world.account, meter.id, at)
                .await
                .unwrap();
        }
        "Local 1 bis".clone_into(&mut meter.label);
        meter.zone = Zone::new("Europe/Madrid").unwrap();
        meter.locale = "en-US".parse().unwrap();
        t.change_meter(&meter).await.unwrap();
        meter.last_good_at = later;
        assert_eq!(
            t.meter(world.account, meter.id).await.unwrap(),
            Some(meter.clone())
        );
        assert_eq!(t.silent_meters(later, None, 9).await.unwrap(), []);
        let silent = t.silent_meters(later + 1.second(), None, 9).await.unwrap();
        assert_eq!(silent, [meter]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_let_in_once_by_its_newest_code() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let key = GatewayKey {
            account: world.account,
            gateway: world.gateway,
        };
        let now = start();
        let end = now + 15.minutes();
        t.add_enrolment_code("old", key, end).await.unwrap();
        t.add_enrolment_code("new", key, end).await.unwrap();
        assert_eq!(t.use_enrolment_code("old", now).await.unwrap(), None);
        assert_eq!(t.use_enrolment_code("new", end).await.unwrap(), None);
        assert_eq!(t.use_enrolment_code("new", now).await.unwrap(), Some(key));
        assert_eq!(t.use_enrolment_code("new", now).await.unwrap(), None);
        for token in ["t1", "t2"] {
            t.enrol(key, token, "key", "pi", now).await.unwrap();
        }
        assert_eq!(t.gateway_of_token("t1").await.unwrap(), None);
        assert_eq!(t.gateway_of_token("t2").await.unwrap(), Some(key));
        let gateway = t.gateway(key.account, key.gateway).await.unwrap().unwrap();
        assert_eq!(gateway.enrolled_at, Some(now));
        assert_eq!(t.enrolled_gateways().await.unwrap(), [gateway]);
        t.revoke_tokens(key, now).await.unwrap();
        assert_eq!(t.gateway_of_token("t2").await.unwrap(), None);
    })
    .await;
}
