//! Gateway and cloud are killed, ten times each or `ENERVUE_TEST_KILLS` times, at moments
//! that `ENERVUE_TEST_SEED` draws, while they read, keep and send. Every reading that the
//! gateway committed is one that the line served, and is in the cloud exactly once, with the
//! same content; on SQLite and on PostgreSQL.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::building::{Building, Plan};
use tests::figures::{self, Figure, wanted};
use tests::postgres;
use tests::process::PATIENCE;

/// A year of hours: enough to be sending for as long as a few kills take.
const HISTORY: (&str, &str, u32) = ("2025-11-01", "2026-11-01", 3_600);
/// Longer than a gateway needs to commit its first sweep.
const MOMENT_MAX_MS: u64 = 2_500;

async fn kill_both(building: &mut Building, kills: u64, seed: u64) -> [Vec<Duration>; 2] {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut moment = || Duration::from_millis(chance.random_range(0..MOMENT_MAX_MS));
    let (mut gateway, mut cloud) = (Vec::new(), Vec::new());
    for _ in 0..kills {
        tokio::time::sleep(moment()).await;
        building.gateway.kill();
        let since = Instant::now();
        building.gateway.start().unwrap();
        building.gateway.cursor().await.unwrap();
        gateway.push(since.elapsed());
        tokio::time::sleep(moment()).await;
        building.world.cloud.kill();
        let since = Instant::now();
        building.world.cloud.start().await.unwrap();
        cloud.push(since.elapsed());
    }
    [gateway, cloud]
}

async fn nothing_is_lost(engine: &str, database: Option<String>, seed: u64) {
    let kills = wanted("ENERVUE_TEST_KILLS", 10);
    let plan = Plan {
        database,
        history: Some(HISTORY),
        ..Plan::default()
    };
    let mut building = Building::new(plan).await.unwrap();
    building.gateway.start().unwrap();
    let (before, _) = building.gateway.cursor().await.unwrap();
    assert!(before > 50_000, "{before}");

    let [mut gateway, mut cloud] = kill_both(&mut building, kills, seed).await;

    // What is read now must arrive like everything before.
    let (read_while_killed, _) = building.gateway.cursor().await.unwrap();
    assert!(
        read_while_killed > before,
        "nothing was read between the kills"
    );
    building.reads_on(read_while_killed, 20).await.unwrap();
    building.settle(PATIENCE * 5).await.unwrap();
    let verdict = building.verdict().await.unwrap();
    let measured = format!(
        "seed {seed}; restart of the gateway {}; of the cloud {}",
        figures::times("", &mut gateway),
        figures::times("", &mut cloud)
    );
    let figure = Figure {
        fault: &format!("kill -9 of gateway and cloud each, {engine}"),
        times: gateway.len(),
        kept: verdict.kept,
        lost: verdict.difference.missing.len(),
        doubled: verdict.doubled,
        altered: verdict.difference.altered.len() + verdict.strangers.len(),
        measured,
    };
    figure.note().unwrap();
    assert!(verdict.is_clean(), "seed {seed}: {verdict:?}");
    let exported = building.gateway.command(&["buffer", "export", "--json"]);
    let exported = exported.await.unwrap().ok().unwrap();
    let exported = exported.lines().filter(|line| line.contains("\"seq\""));
    assert_eq!(exported.count(), verdict.kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_committed_reading_is_in_the_cloud_exactly_once() {
    let seed = wanted("ENERVUE_TEST_SEED", 1);
    nothing_is_lost("SQLite", None, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql() {
    let seed = wanted("ENERVUE_TEST_SEED", 1) + 1;
    let database = postgres::shared().await.unwrap();
    nothing_is_lost("PostgreSQL", Some(database), seed).await;
}
