//! Stories of meters that fall silent, on both engines.

use common::id::AccountId;
use common::sync::{BufferReport, GatewayReport};

use super::*;
use crate::account::{Membership, NewPerson, Role};
use crate::notice::NoticeKind;
use crate::site::GatewayKind;
use crate::store::gateways::GatewayKey;
use crate::store::testing::{World, keep_register, new_meter, on_both_engines, start, world};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn integrator(t: &mut Transaction, world: &World) {
    let language = "en".parse().unwrap();
    let new = NewPerson::new("ivan@example.com", "Iván", language, false).unwrap();
    let person = t.add_person(&new, start()).await.unwrap().id;
    t.verify_email(person, start()).await.unwrap();
    let membership = Membership {
        account: world.account,
        person,
        role: Role::Integrator,
        may_change_settings: true,
    };
    t.set_membership(&membership, start()).await.unwrap();
}

/// What the integrator was told by now, the oldest first.
async fn told(store: &Store, account: AccountId) -> Vec<NoticeKind> {
    let mut t = store.read().await.unwrap();
    let notices = t.notices(account, 99).await.unwrap();
    notices.iter().rev().map(|notice| notice.new.kind).collect()
}

/// What the gateway says at `now`: so much waits, the oldest of it from `oldest`.
async fn heard(store: &Store, world: &World, now: &str, waiting: u64, oldest: Option<&str>) {
    let report = GatewayReport {
        waiting,
        buffer: Some(BufferReport {
            oldest_waiting_at: oldest.map(at),
            ..BufferReport::default()
        }),
        ..GatewayReport::default()
    };
    let key = GatewayKey {
        account: world.account,
        gateway: world.gateway,
    };
    let mut t = store.write().await.unwrap();
    t.save_report(key, &report, at(now)).await.unwrap();
    t.commit().await.unwrap();
}

/// A meter with one reading, and somebody to tell.
async fn read_once(store: &Store) -> World {
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    let new = new_meter(&world, 1);
    let meter = t.register_meter(world.account, &new, None, start()).await;
    integrator(&mut t, &world).await;
    keep_register(&mut t, &world, &meter.unwrap(), "2026-11-10T12:00:00Z", "1").await;
    t.commit().await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_is_not_silent_while_its_gateway_could_not_speak_yet() {
    on_both_engines(async |store| {
        let world = read_once(&store).await;
        heard(&store, &world, "2026-11-10T12:00:10Z", 0, None).await;
        // The cloud was away for two days, and has just started.
        let now = at("2026-11-12T12:00:00Z");
        let unheard = |gateway| gateway == world.gateway;
        run(&store, now, unheard).await.unwrap();
        assert_eq!(told(&store, world.account).await, []);
        // The gateway did not come within its grace: it is gone altogether.
        run(&store, now, |_| false).await.unwrap();
        assert_eq!(told(&store, world.account).await, [NoticeKind::Silent]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_is_not_silent_while_its_readings_may_be_in_the_backlog() {
    on_both_engines(async |store| {
        let world = read_once(&store).await;
        let story = [
            // Two days of backlog; all up to the first of it has come.
            (
                "2026-11-12T12:00:00Z",
                9_000,
                Some("2026-11-10T12:01:00Z"),
                0,
            ),
            (
                "2026-11-12T12:01:00Z",
                5_000,
                Some("2026-11-11T12:00:00Z"),
                0,
            ),
            // A day of it has come, and nothing of this meter was in it.
            (
                "2026-11-12T12:02:00Z",
                4_000,
                Some("2026-11-11T12:00:01Z"),
                1,
            ),
        ];
        for (now, waiting, oldest, expected) in story {
            heard(&store, &world, now, waiting, oldest).await;
            run(&store, at(now), |_| false).await.unwrap();
            assert_eq!(told(&store, world.account).await.len(), expected, "{now}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_went_away_with_its_backlog_is_no_excuse() {
    on_both_engines(async |store| {
        let world = read_once(&store).await;
        let oldest = Some("2026-11-10T12:01:00Z");
        heard(&store, &world, "2026-11-11T12:00:00Z", 9_000, oldest).await;
        for (now, expected) in [("2026-11-11T12:14:59Z", 0), ("2026-11-11T12:15:01Z", 1)] {
            run(&store, at(now), |_| false).await.unwrap();
            assert_eq!(told(&store, world.account).await.len(), expected, "{now}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_told_once_after_a_whole_day_and_its_end_once() {
    on_both_engines(async |store| {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let new = new_meter(&world, 1);
        let meter = t.register_meter(world.account, &new, None, start()).await;
        let meter = meter.unwrap();
        integrator(&mut t, &world).await;
        let account = world.account;
        keep_register(&mut t, &world, &meter, "2026-10-31T20:00:00Z", "1").await;
        t.commit().await.unwrap();

        let told = async |now: &str| {
            run(&store, at(now), |_| false).await.unwrap();
            run(&store, at(now), |_| false).await.unwrap();
            let mut t = store.read().await.unwrap();
            let mut notices = t.notices(account, 99).await.unwrap();
            notices.reverse();
            notices
                .iter()
                .map(|notice| notice.new.kind)
                .collect::<Vec<_>>()
        };
        // 24 elapsed hours, though the clocks went back in between.
        assert_eq!(told("2026-11-01T20:00:00Z").await, []);
        assert_eq!(told("2026-11-01T20:00:01Z").await, [NoticeKind::Silent]);
        assert_eq!(told("2026-11-09T00:00:00Z").await, [NoticeKind::Silent]);

        let mut t = store.write().await.unwrap();
        keep_register(&mut t, &world, &meter, "2026-11-09T00:00:30Z", "2").await;
        t.commit().await.unwrap();
        let both = [NoticeKind::Silent, NoticeKind::Recovered];
        assert_eq!(told("2026-11-09T00:01:00Z").await, both);
        let again = [both, both].concat();
        assert_eq!(told("2026-11-10T00:00:31Z").await, again[..3]);
    })
    .await;
}
