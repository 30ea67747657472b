//! A full disk, on either side. The gateway goes on polling, says it, keeps going by what it
//! may drop, and recovers when there is room again; what it lost is counted. The cloud takes
//! nothing that it cannot keep, says when to come again, and the gateway goes on from there.
//! Needs root.

use tests::building::{Building, Plan};
use tests::disk::Disk;
use tests::figures::Figure;
use tests::oracle;
use tests::process::{PATIENCE, wait_for};

/// Room for the databases and their logs, and for little else.
const GATEWAY_DISK_MIB: u64 = 12;
const CLOUD_DISK_MIB: u64 = 16;

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_a_full_disk_goes_on_and_counts_what_it_loses() {
    let plan = Plan {
        disk_mib: Some(GATEWAY_DISK_MIB),
        ..Plan::default()
    };
    let mut building = Building::new(plan).await.unwrap();
    building.gateway.start().unwrap();
    building.reads_on(0, 20).await.unwrap();
    // Nothing leaves the buffer while the disk is full.
    building.world.cloud.kill();
    building.disk.as_ref().unwrap().fill().unwrap();
    let says = async || {
        let log = building.gateway.log();
        Ok(log.contains("full"))
    };
    let said = wait_for(
        "the gateway to say that its disk is full",
        PATIENCE * 2,
        says,
    )
    .await;
    said.unwrap_or_else(|error| panic!("{error:#}\n{}", building.gateway.log()));
    let running = building.gateway.running().unwrap();
    running.still_runs().unwrap();

    building.disk.as_ref().unwrap().free().unwrap();
    let (last, _) = building.gateway.cursor().await.unwrap();
    building.reads_on(last, 60).await.unwrap();
    building.world.cloud.start().await.unwrap();
    building.settle(PATIENCE).await.unwrap();

    let verdict = building.verdict().await.unwrap();
    let kept = building.kept().await.unwrap();
    let losses = oracle::losses(&building.world.cloud.database()).unwrap();
    let counted: i64 = losses.iter().map(|(_, first, last)| last - first + 1).sum();
    let last = kept.keys().next_back().unwrap().1;
    let missing = last - i64::try_from(kept.len()).unwrap();
    let figure = Figure {
        fault: "full disk of the gateway",
        times: 1,
        kept: verdict.kept,
        lost: usize::try_from(missing).unwrap(),
        doubled: verdict.doubled,
        altered: verdict.difference.altered.len() + verdict.strangers.len(),
        measured: format!("counted as lost: {counted}"),
    };
    figure.note().unwrap();
    assert_eq!(missing, counted, "{figure:?}");
    // What the cloud has is the first that the gateway lets go: it may have less than the cloud.
    let difference = oracle::Difference {
        invented: Vec::new(),
        ..verdict.difference
    };
    assert_eq!(difference, oracle::Difference::default());
    assert_eq!((verdict.doubled, verdict.strangers), (0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_with_a_full_disk_acknowledges_nothing_that_it_has_not() {
    let place = tempfile::tempdir().unwrap();
    let image = place.path().join("disk.img");
    let disk = Disk::new(&image, CLOUD_DISK_MIB, &place.path().join("disk")).unwrap();
    let database = disk.path().join("enervue.db").display().to_string();
    let plan = Plan {
        database: Some(database),
        ..Plan::default()
    };
    let mut building = Building::new(plan).await.unwrap();
    building.gateway.start().unwrap();
    building.reads_on(0, 60).await.unwrap();
    building.gateway.acknowledged(20, PATIENCE).await.unwrap();
    disk.fill().unwrap();
    let waits = async || {
        let (last, acknowledged) = building.gateway.cursor().await?;
        Ok(last > acknowledged + 100)
    };
    wait_for("a backlog", PATIENCE * 2, waits).await.unwrap();
    let (_, acknowledged) = building.gateway.cursor().await.unwrap();
    let kept = building.kept().await.unwrap();
    let held = kept
        .keys()
        .filter(|key| key.1 <= i64::try_from(acknowledged).unwrap());
    assert_eq!(u64::try_from(held.count()).unwrap(), acknowledged);
    assert!(
        building.gateway.log().contains("503"),
        "{}",
        building.gateway.log()
    );
    building
        .world
        .cloud
        .running()
        .unwrap()
        .still_runs()
        .unwrap();

    disk.free().unwrap();
    building.settle(PATIENCE * 2).await.unwrap();
    let verdict = building.verdict().await.unwrap();
    let figure = Figure {
        fault: "full disk of the cloud",
        times: 1,
        kept: verdict.kept,
        lost: verdict.difference.missing.len(),
        doubled: verdict.doubled,
        altered: verdict.difference.altered.len() + verdict.strangers.len(),
        measured: format!("acknowledged while full: {acknowledged}, all kept"),
    };
    figure.note().unwrap();
    assert!(verdict.is_clean(), "{verdict:?}");
}
