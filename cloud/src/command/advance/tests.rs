//! Time that passes at will.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::id::MeterId;
use jiff::{Timestamp, ToSpan};
use tokio::sync::mpsc;

use super::{Advanced, clock_advance};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_FILE};
use crate::run::App;
use crate::site::GatewayKind;
use crate::store::Store;
use crate::store::gateways::GatewayKey;
use crate::store::testing::{World, new_meter, world};

struct Scene {
    app: App,
    world: World,
    meter: MeterId,
}

/// A meter in Tijuana, on a clock that stands on 31 October at noon there. Its gateway
/// is enrolled.
async fn scene(folder: &Path) -> Scene {
    let file = folder.join("clock");
    std::fs::write(&file, "2026-10-31T19:00:00Z").unwrap();
    let clock = Clock::test(&file).unwrap();
    let database = folder.join("enervue.db");
    let store = Store::open(database.to_str().unwrap()).await.unwrap();
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    let now = clock.now();
    let new = new_meter(&world, 1);
    let meter = t.register_meter(world.account, &new, None, now).await;
    let key = GatewayKey {
        account: world.account,
        gateway: world.gateway,
    };
    t.enrol(key, "hash", "key", "pi", now).await.unwrap();
    t.commit().await.unwrap();
    let config = Config::read(DEFAULT_FILE, "", []).unwrap();
    Scene {
        app: App::new(store, clock, config, crate::issuer::tests::key()).unwrap(),
        world,
        meter: meter.unwrap().id,
    }
}

async fn advance(app: &App, to: &str) -> (anyhow::Result<Advanced>, Vec<String>) {
    let (tell, mut told) = mpsc::channel(64);
    let advanced = clock_advance(app, to.parse().unwrap(), &tell).await;
    drop(tell);
    let mut steps = Vec::new();
    while let Some(step) = told.recv().await {
        steps.push(step);
    }
    (advanced, steps)
}

/// A gateway that reads at once what is due, and says so a little later.
fn play_gateway(scene: &Scene, reads: Arc<AtomicBool>) -> tokio::task::JoinHandle<()> {
    let (app, world, meter) = (scene.app.clone(), scene.world.clone(), scene.meter);
    tokio::spawn(async move {
        loop {
            let now = app.clock.now();
            tokio::time::sleep(Duration::from_millis(30)).await;
            if reads.load(Ordering::Relaxed) {
                let mut t = app.store.write().await.unwrap();
                t.raise_last_good(world.account, meter, now).await.unwrap();
                t.commit().await.unwrap();
            }
            app.contacts.heard(world.gateway, now, 0);
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn time_stops_where_something_is_due_and_waits_for_the_readings() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(folder.path()).await;
    let reads = Arc::new(AtomicBool::new(true));
    let gateway = play_gateway(&scene, Arc::clone(&reads));
    let (advanced, steps) = advance(&scene.app, "2026-11-03T00:00:00Z").await;
    let advanced = advanced.unwrap();
    assert_eq!(advanced.not_heard, []);
    assert_eq!(advanced.now.to_string(), "2026-11-03T00:00:00Z");
    // The starts of the days; the first is also when the first period was to be looked at.
    for start in ["2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"] {
        assert!(steps.contains(&start.to_owned()), "{start}: {steps:?}");
    }
    // The day of 25 hours is no silence.
    let mut reader = scene.app.store.read().await.unwrap();
    assert_eq!(reader.open_silences(scene.world.account).await.unwrap(), []);
    drop(reader);

    // Then the meter says no more, and after more than a day it is noticed.
    reads.store(false, Ordering::Relaxed);
    let (advanced, _) = advance(&scene.app, "2026-11-05T09:00:00Z").await;
    advanced.unwrap();
    let mut reader = scene.app.store.read().await.unwrap();
    let open = reader.open_silences(scene.world.account).await.unwrap();
    let since = open.first().unwrap().since;
    let until = scene.app.clock.now() - 24.hours();
    assert!(since < until, "{since}");
    gateway.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_not_heard_is_waited_for_once() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(folder.path()).await;
    let (advanced, steps) = advance(&scene.app, "2026-11-02T09:00:00Z").await;
    assert_eq!(advanced.unwrap().not_heard, [scene.world.gateway]);
    assert!(steps.len() > 2, "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_goes_only_forward() {
    let folder = tempfile::tempdir().unwrap();
    let scene = scene(folder.path()).await;
    let (refused, _) = advance(&scene.app, "2026-10-01T00:00:00Z").await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("2026-10-31T19:00:00Z already"),
        "{refused}"
    );
    let now: Timestamp = scene.app.clock.now();
    assert_eq!(now.to_string(), "2026-10-31T19:00:00Z");
}
