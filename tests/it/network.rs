//! A bad network: answers that are cut at any byte after the cloud has committed, connections
//! that are dead without a word, one byte at a time, nobody there. Everything arrives once.

use std::time::Duration;

use tests::gateway::{Bus, Gateway};
use tests::oracle::{self, Difference};
use tests::portal::{self, NewMeter};
use tests::process::{PATIENCE, wait_for};
use tests::proxy::{Manners, Proxy};
use tests::world::{BUS, World};

/// Answers that are cut; more by hand.
const CUTS: u64 = 12;
/// An answer to a batch has some 500 bytes, head included.
const ANSWER_BYTES: u64 = 600;
/// A step that meets every byte in the end.
const STEP_BYTES: u64 = 53;

fn cuts() -> u64 {
    let named = std::env::var("ENERVUE_TEST_CUT_ANSWERS").ok();
    named.map_or(CUTS, |text| text.parse().unwrap())
}

fn meter() -> NewMeter<'static> {
    NewMeter {
        label: "Local 101",
        counter: "eastron-sdm120/energy_import/kWh".to_owned(),
        unit_id: 1,
        bus: BUS,
        locale: "en-US",
        zone: "America/Tijuana",
        from: "2026-11-01",
        cutoff_day: 31,
        price: "0.2",
        currency: "USD",
        minimum: "0",
        send_hour: 7,
        recipients: &[],
    }
}

async fn cursor(gateway: &Gateway) -> (u64, u64) {
    let mut told = None;
    wait_for("the buffer's status", PATIENCE, async || {
        let finished = gateway.command(&["buffer", "status", "--json"]).await?;
        told = serde_json::from_str::<serde_json::Value>(&finished.stdout).ok();
        Ok(told.is_some())
    })
    .await
    .unwrap();
    let status = told.unwrap();
    let number = |member: &str| status[member].as_u64().unwrap();
    (number("last_seq"), number("acknowledged_through"))
}

/// Waits until more is acknowledged than when it was called.
async fn goes_on(gateway: &Gateway) {
    let (_, before) = cursor(gateway).await;
    wait_for("the gateway to go on", PATIENCE * 2, async || {
        Ok(cursor(gateway).await.1 > before)
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_network_does_everything_arrives_once() {
    let mut world = World::start(None).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();
    let meters = "[[line.meter]]\nprofile = 'eastron-sdm120'\nunit_id = 1\n\
         since = '2026-01-01T00:00:00Z'\nopening = '1000'\nper_day = '31.4'\n";
    let line = world.line(meters).await.unwrap();
    let bus = Bus {
        name: BUS,
        port: line.port().to_owned(),
        more: "",
    };
    let proxy = Proxy::before(world.cloud.url()).await.unwrap();
    let folder = world.folder().join("gateway");
    let often = "[poll]\ngauge_period_s = 1\n";
    let mut gateway = Gateway::new(&folder, often, &[bus], None).unwrap();
    gateway.enrol(&proxy.url(), &added.code).await.unwrap();
    gateway.poll_every_second().unwrap();
    gateway.start().unwrap();
    goes_on(&gateway).await;

    for round in 0..cuts() {
        let before = proxy.cuts();
        proxy.set(Manners::CutAfter(round * STEP_BYTES % ANSWER_BYTES));
        wait_for("an answer to be cut", PATIENCE, async || {
            Ok(proxy.cuts() > before)
        })
        .await
        .unwrap();
        proxy.set(Manners::Pass);
        goes_on(&gateway).await;
    }
    for manners in [
        Manners::Refuse,
        Manners::HalfOpen,
        Manners::Drip(Duration::from_secs(1)),
    ] {
        proxy.set(manners);
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.set(Manners::Pass);
        goes_on(&gateway).await;
    }

    drop(line);
    wait_for(
        "the last reading to be acknowledged",
        PATIENCE,
        async || {
            let (last, acknowledged) = cursor(&gateway).await;
            Ok(acknowledged == last)
        },
    )
    .await
    .unwrap();
    gateway.stop().await.unwrap();
    world.cloud.stop().await.unwrap();
    let committed = oracle::gateway_readings(&gateway.buffer()).unwrap();
    let kept = oracle::cloud_readings(&world.cloud.database()).unwrap();
    let mut difference = oracle::compare(&committed, &kept);
    difference.rejected = oracle::rejected(&world.cloud.database()).unwrap();
    assert_eq!(difference, Difference::default());
    println!(
        "{} answers cut, {} readings, none lost, none twice",
        proxy.cuts(),
        kept.len()
    );
}
