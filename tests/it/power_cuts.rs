//! Power cuts: the disk under a gateway, or under the cloud's PostgreSQL, is an image that is
//! copied while its writers stand still; the copy is mounted, its journal replayed, and the
//! product opened on it. Nothing that was told to be committed is missing, nothing is
//! corrupt: three cuts, or `ENERVUE_TEST_CUTS`. A gateway built to write as no release does
//! loses some in the same run, which shows that the test can fail. Needs root.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::building::{Building, Plan};
use tests::disk::Disk;
use tests::figures::{Figure, wanted};
use tests::gateway::{Bus, Gateway};
use tests::oracle::{self, Content, Key};
use tests::postgres::{self, Server};
use tests::process::PATIENCE;

/// Names a gateway built with the feature `synchronous-normal`.
const NORMAL_VARIABLE: &str = "ENERVUE_TEST_SYNCHRONOUS_NORMAL";
const DISK_MIB: u64 = 32;
const SERVER_DISK_MIB: u64 = 192;

/// What a cut left of what had been told.
#[derive(Debug, Default)]
struct Left {
    told: usize,
    lost: usize,
    altered: usize,
    corrupt: usize,
}

/// Stops the gateway between two instructions and copies its disk; tells the last number
/// that it had said to be committed before.
async fn cut(building: &mut Building, copy: &Path) -> u64 {
    let (told, _) = building.gateway.cursor().await.unwrap();
    let running = building.gateway.running().unwrap();
    running.signal("STOP").unwrap();
    let copied = building.disk.as_ref().unwrap().copy(copy);
    building.gateway.running().unwrap().signal("CONT").unwrap();
    copied.unwrap();
    told
}

/// Opens the copied disk with the product, and compares it with what went on meanwhile.
async fn inspect(
    folder: &Path,
    copy: &Path,
    told: u64,
    live: &BTreeMap<Key, Content>,
    program: Option<&Path>,
) -> Left {
    let disk = Disk::mount(copy, &folder.join("data")).unwrap();
    let bus = Bus {
        name: "none",
        port: folder.join("no-port"),
        more: "",
    };
    // Another gateway would be a double of the one that lives on: this one has no cloud.
    std::fs::remove_file(disk.path().join("identity.json")).unwrap();
    let mut gateway = Gateway::new(folder, "zone = 'UTC'", &[bus], None).unwrap();
    if let Some(program) = program {
        gateway.use_program(program);
    }
    gateway.start().unwrap();
    gateway.cursor().await.unwrap();
    gateway.stop().await.unwrap();
    let found = oracle::gateway_readings(&gateway.buffer()).unwrap();
    let aside = std::fs::read_dir(disk.path()).unwrap();
    let aside = aside.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("damaged")
    });
    let mut left = Left {
        corrupt: aside.count(),
        ..Left::default()
    };
    let told = i64::try_from(told).unwrap();
    for (key, content) in live.iter().filter(|(key, _)| key.1 <= told) {
        left.told += 1;
        match found.get(key) {
            None => left.lost += 1,
            Some(other) if other != content => left.altered += 1,
            Some(_) => (),
        }
    }
    left
}

async fn cut_power(cuts: u64, program: Option<&Path>) -> Left {
    let plan = Plan {
        disk_mib: Some(DISK_MIB),
        ..Plan::default()
    };
    let mut building = Building::new(plan).await.unwrap();
    if let Some(program) = program {
        building.gateway.use_program(program);
    }
    building.gateway.start().unwrap();
    building.reads_on(0, 20).await.unwrap();
    building.gateway.acknowledged(20, PATIENCE).await.unwrap();
    let mut chance = StdRng::seed_from_u64(wanted("ENERVUE_TEST_SEED", 1));
    let mut all = Left::default();
    for round in 0..cuts {
        // What it reads first after a start, it commits while the power is cut.
        building.gateway.kill();
        building.gateway.start().unwrap();
        building.gateway.cursor().await.unwrap();
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..1_500))).await;
        let copy = building.world.folder().join("copy.img");
        let told = cut(&mut building, &copy).await;
        let folder = building.world.folder().join(format!("after-cut-{round}"));
        // The cloud has what was acknowledged; the live buffer all that was committed.
        let mut live = building.kept().await.unwrap();
        live.extend(live_readings(&building).await);
        let left = inspect(&folder, &copy, told, &live, program).await;
        all.told += left.told;
        all.lost += left.lost;
        all.altered += left.altered;
        all.corrupt += left.corrupt;
    }
    building.gateway.stop().await.unwrap();
    all
}

/// The daemon alone has its buffer open, so what it has committed comes from a stopped one.
async fn live_readings(building: &Building) -> BTreeMap<Key, Content> {
    let buffer = building.gateway.buffer();
    let copy = building.world.folder().join("live.db");
    let running = building.gateway.running_process().unwrap();
    running.signal("STOP").unwrap();
    for suffix in ["", "-wal"] {
        let mut from = buffer.clone().into_os_string();
        let mut to = copy.clone().into_os_string();
        from.push(suffix);
        to.push(suffix);
        std::fs::copy(from, to).unwrap();
    }
    running.signal("CONT").unwrap();
    oracle::gateway_readings(&copy).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_nothing_that_was_committed() {
    let cuts = wanted("ENERVUE_TEST_CUTS", 3);
    let left = cut_power(cuts, None).await;
    let figure = Figure {
        fault: "power cut of the gateway's disk",
        times: usize::try_from(cuts).unwrap(),
        kept: left.told - left.lost,
        lost: left.lost,
        altered: left.altered,
        measured: format!("corrupt {}", left.corrupt),
        ..Figure::default()
    };
    figure.note().unwrap();
    assert!(left.told > 0);
    assert_eq!(
        (left.lost, left.altered, left.corrupt),
        (0, 0, 0),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_cuts_show_what_a_laxer_disk_loses() {
    let program = std::env::var_os(NORMAL_VARIABLE);
    let program = program.unwrap_or_else(|| panic!("{NORMAL_VARIABLE} is not set: use tests/run"));
    let cuts = wanted("ENERVUE_TEST_CUTS", 3).min(20);
    let left = cut_power(cuts, Some(Path::new(&program))).await;
    let figure = Figure {
        fault: "control: the same with synchronous NORMAL (must lose)",
        times: usize::try_from(cuts).unwrap(),
        kept: left.told - left.lost,
        lost: left.lost,
        altered: left.altered,
        measured: format!("corrupt {}", left.corrupt),
        ..Figure::default()
    };
    figure.note().unwrap();
    assert!(
        left.lost > 0,
        "the cuts cannot tell FULL from NORMAL: {left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_of_postgresql_loses_no_acknowledged_batch() {
    let cuts = wanted("ENERVUE_TEST_CUTS", 2).div_ceil(5).max(2);
    let place = tempfile::Builder::new()
        .prefix("enervue-postgres-")
        .tempdir()
        .unwrap();
    let image = place.path().join("disk.img");
    open_to_all(place.path());
    let disk = Disk::new(&image, SERVER_DISK_MIB, &place.path().join("disk")).unwrap();
    let server = Server::start(disk.path()).unwrap();
    let database = postgres::database(&server.url()).await.unwrap();
    let name = database.rsplit('/').next().unwrap().to_owned();
    let plan = Plan {
        database: Some(database),
        history: Some(("2025-11-01", "2026-11-01", 3_600)),
        ..Plan::default()
    };
    let mut building = Building::new(plan).await.unwrap();
    building.gateway.start().unwrap();
    let mut chance = StdRng::seed_from_u64(wanted("ENERVUE_TEST_SEED", 1));
    let (mut lost, mut kept) = (0, 0);
    for round in 0..cuts {
        tokio::time::sleep(Duration::from_millis(chance.random_range(200..2_500))).await;
        let (_, acknowledged) = building.gateway.cursor().await.unwrap();
        let copy = place.path().join("copy.img");
        let processes = server.processes().unwrap();
        signal(&processes, "STOP");
        let copied = disk.copy(&copy);
        signal(&processes, "CONT");
        copied.unwrap();
        let at = place.path().join(format!("after-cut-{round}"));
        let after = Disk::mount(&copy, &at).unwrap();
        let restored = Server::start(after.path()).unwrap();
        let url = format!("{}/{name}", restored.url());
        let found = oracle::server_readings(&url).await.unwrap();
        let acknowledged = usize::try_from(acknowledged).unwrap();
        let held = found
            .keys()
            .filter(|key| key.1 <= acknowledged as i64)
            .count();
        lost += acknowledged - held;
        kept += held;
    }
    let figure = Figure {
        fault: "power cut of PostgreSQL's disk",
        times: usize::try_from(cuts).unwrap(),
        kept,
        lost,
        ..Figure::default()
    };
    figure.note().unwrap();
    assert_eq!(lost, 0, "of {kept}");
    building.settle(PATIENCE * 5).await.unwrap();
    let verdict = building.verdict().await.unwrap();
    assert!(verdict.is_clean(), "{verdict:?}");
}

fn signal(processes: &[String], name: &str) {
    // A backend may have ended by itself meanwhile.
    let _ = std::process::Command::new("kill")
        .args(["-s", name])
        .args(processes)
        .status();
}

/// PostgreSQL runs as its own user, who must be let through.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}
