//! Power cuts, as far as a kill can be one: gateway and cloud are killed ten times each
//! while they read, keep and send. Every reading that the gateway committed is in the cloud
//! exactly once, with the same content.

use std::time::Duration;

use tests::gateway::{Bus, Gateway};
use tests::oracle::{self, Difference};
use tests::portal::{self, NewMeter};
use tests::process::{PATIENCE, wait_for};
use tests::world::{BUS, World};

const KILLS: u64 = 10;
/// A year of hours: enough to be sending for as long as the kills take.
const HISTORY: (&str, &str) = ("2025-11-01", "2026-11-01");

fn meter(unit_id: u8) -> NewMeter<'static> {
    NewMeter {
        label: "Local",
        counter: "eastron-sdm630/energy_import/kWh".to_owned(),
        unit_id,
        bus: BUS,
        locale: "en-US",
        zone: "America/Tijuana",
        from: "2025-11-01",
        cutoff_day: 31,
        price: "0.2",
        currency: "USD",
        minimum: "0",
        send_hour: 7,
        recipients: &[],
    }
}

fn simulated(unit_id: u8) -> String {
    format!(
        "[[line.meter]]\nprofile = 'eastron-sdm630'\nunit_id = {unit_id}\n\
         since = '2025-10-01T00:00:00Z'\nopening = '{unit_id}000'\nper_day = '31.4'\n"
    )
}

/// Moments that are neither all alike nor left to chance; most are longer than a gateway
/// needs to commit its first sweep.
fn moment(round: u64) -> Duration {
    Duration::from_millis(50 + (round * 7_919) % 2_500)
}

/// The newest number in the buffer, and how far the cloud has acknowledged, as soon as the
/// gateway can say it.
async fn cursor(gateway: &Gateway) -> (u64, u64) {
    let mut told = None;
    let tells = async || {
        let finished = gateway.command(&["buffer", "status", "--json"]).await?;
        told = serde_json::from_str::<serde_json::Value>(&finished.stdout).ok();
        Ok(told.is_some())
    };
    wait_for("the buffer's status", PATIENCE, tells)
        .await
        .unwrap();
    let status = told.unwrap();
    let number = |member: &str| status[member].as_u64().unwrap();
    (number("last_seq"), number("acknowledged_through"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_committed_reading_is_in_the_cloud_exactly_once() {
    let mut world = World::start(None).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    let units = 1..=6;
    for unit_id in units.clone() {
        portal::add_meter(&world.integrator, &added.path, &meter(unit_id))
            .await
            .unwrap();
    }
    let meters: String = units.map(simulated).collect();
    let line = world.line(&meters).await.unwrap();
    let bus = Bus {
        name: BUS,
        port: line.port().to_owned(),
        more: "",
    };
    // Gauges every second: there is always something to commit.
    let poll = "[poll]\ngauge_period_s = 1\n";
    let mut gateway = world.gateway_on(poll, &[bus], &added.code).await.unwrap();
    line.history(&gateway, HISTORY.0, HISTORY.1).await.unwrap();
    let (before, _) = cursor(&gateway).await;
    assert!(before > 50_000, "{before}");

    gateway.start().unwrap();
    for round in 0..KILLS {
        tokio::time::sleep(moment(round)).await;
        gateway.kill();
        gateway.start().unwrap();
        tokio::time::sleep(moment(round + KILLS)).await;
        world.cloud.kill();
        world.cloud.start().await.unwrap();
    }

    // What is read now must arrive like everything before.
    let (read_while_killed, _) = cursor(&gateway).await;
    assert!(
        read_while_killed > before,
        "nothing was read between the kills"
    );
    let goes_on = async || Ok(cursor(&gateway).await.0 > read_while_killed + 20);
    wait_for("new readings after the kills", PATIENCE, goes_on)
        .await
        .unwrap();
    let all_there = async || {
        let (last, acknowledged) = cursor(&gateway).await;
        Ok(acknowledged >= last - 50)
    };
    wait_for("the backlog to be sent", PATIENCE * 2, all_there)
        .await
        .unwrap();
    // Nothing new from here on; the rest is sent while the line is silent.
    drop(line);
    let settled = async || {
        let (last, acknowledged) = cursor(&gateway).await;
        Ok(acknowledged == last)
    };
    wait_for("the last reading to be acknowledged", PATIENCE, settled)
        .await
        .unwrap();
    gateway.stop().await.unwrap();
    world.cloud.stop().await.unwrap();

    let committed = oracle::gateway_readings(&gateway.buffer()).unwrap();
    let kept = oracle::cloud_readings(&world.cloud.database()).unwrap();
    let mut difference = oracle::compare(&committed, &kept);
    difference.rejected = oracle::rejected(&world.cloud.database()).unwrap();
    assert_eq!(difference, Difference::default());
    let exported = gateway
        .command(&["buffer", "export", "--json"])
        .await
        .unwrap()
        .ok()
        .unwrap();
    let exported = exported
        .lines()
        .filter(|line| line.contains("\"seq\""))
        .count();
    assert_eq!((exported, committed.len()), (kept.len(), kept.len()));
}
