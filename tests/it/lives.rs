//! The lives of a buffer and of a cloud: a card that is flashed anew, an old image of the disk
//! that is put back, a copy that runs beside the original, a cloud that is restored from last
//! night's copy. Whatever was read is in the cloud, and nothing is taken for something else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::gateway::{Bus, Gateway, Line};
use tests::oracle;
use tests::portal::{self, AddedGateway, NewMeter};
use tests::process::{PATIENCE, wait_for};
use tests::world::{BUS, World};

/// Gauges every second: there is always something to send.
const OFTEN: &str = "[poll]\ngauge_period_s = 1\n";
const METERS: &str = "[[line.meter]]\nprofile = 'eastron-sdm120'\nunit_id = 1\n\
     since = '2026-01-01T00:00:00Z'\nopening = '1000'\nper_day = '31.4'\n";

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

struct Site {
    world: World,
    added: AddedGateway,
    line: Line,
    gateway: Gateway,
}

impl Site {
    async fn start() -> Self {
        let world = World::start(None).await.unwrap();
        let added = world.gateway_page("gateway").await.unwrap();
        portal::add_meter(&world.integrator, &added.path, &meter())
            .await
            .unwrap();
        let line = world.line(METERS).await.unwrap();
        let bus = bus(line.port());
        let mut gateway = world.gateway_on(OFTEN, &[bus], &added.code).await.unwrap();
        gateway.poll_every_second().unwrap();
        gateway.start().unwrap();
        Self {
            world,
            added,
            line,
            gateway,
        }
    }

    fn data(&self) -> PathBuf {
        self.gateway.buffer().parent().unwrap().to_owned()
    }

    /// Nothing new from here on; all that is there is sent, and both stop.
    async fn settle(mut self) -> (World, Gateway, AddedGateway) {
        drop(self.line);
        all_acknowledged(&self.gateway).await;
        self.gateway.stop().await.unwrap();
        self.world.cloud.stop().await.unwrap();
        (self.world, self.gateway, self.added)
    }
}

fn bus(port: &Path) -> Bus<'static> {
    Bus {
        name: BUS,
        port: port.to_owned(),
        more: "",
    }
}

/// What the daemon says of its buffer, as soon as it says anything.
async fn status(gateway: &Gateway) -> Value {
    let mut told = None;
    wait_for("the buffer's status", PATIENCE, async || {
        let finished = gateway.command(&["buffer", "status", "--json"]).await?;
        told = serde_json::from_str::<Value>(&finished.stdout).ok();
        Ok(told.is_some())
    })
    .await
    .unwrap();
    told.unwrap()
}

fn number(status: &Value, member: &str) -> u64 {
    status[member].as_u64().unwrap()
}

async fn acknowledged(gateway: &Gateway, least: u64) {
    wait_for("acknowledgements", PATIENCE, async || {
        Ok(number(&status(gateway).await, "acknowledged_through") >= least)
    })
    .await
    .unwrap();
}

async fn all_acknowledged(gateway: &Gateway) {
    wait_for(
        "the last reading to be acknowledged",
        PATIENCE,
        async || {
            let status = status(gateway).await;
            Ok(number(&status, "acknowledged_through") == number(&status, "last_seq"))
        },
    )
    .await
    .unwrap();
}

/// What was read, whatever its number: device, point, instant, clock, count and so on.
type Contents = BTreeSet<oracle::Content>;

fn read_in(buffer: &Path) -> Contents {
    let readings = oracle::gateway_readings(buffer).unwrap();
    readings.into_values().collect()
}

fn kept_in(world: &World) -> Contents {
    let readings = oracle::cloud_readings(&world.cloud.database()).unwrap();
    readings.into_values().collect()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_restored_from_a_copy_gets_again_what_it_had() {
    let mut site = Site::start().await;
    acknowledged(&site.gateway, 30).await;
    site.world.cloud.stop().await.unwrap();
    let copy = site.world.folder().join("last-night.db");
    fs::copy(site.world.cloud.database(), &copy).unwrap();
    site.world.cloud.start().await.unwrap();
    let before = number(&status(&site.gateway).await, "acknowledged_through");
    acknowledged(&site.gateway, before + 60).await;

    site.world.cloud.stop().await.unwrap();
    fs::copy(&copy, site.world.cloud.database()).unwrap();
    for beside in ["-wal", "-shm"] {
        let mut name = site.world.cloud.database().into_os_string();
        name.push(beside);
        let _ = fs::remove_file(name);
    }
    site.world.cloud.start().await.unwrap();
    let before = number(&status(&site.gateway).await, "last_seq");
    acknowledged(&site.gateway, before + 20).await;

    let (world, gateway, _) = site.settle().await;
    let committed = oracle::gateway_readings(&gateway.buffer()).unwrap();
    let kept = oracle::cloud_readings(&world.cloud.database()).unwrap();
    let difference = oracle::compare(&committed, &kept);
    assert_eq!(difference, oracle::Difference::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_flashed_anew_begins_a_new_epoch_beside_the_old() {
    let mut site = Site::start().await;
    acknowledged(&site.gateway, 30).await;
    site.gateway.stop().await.unwrap();
    let before = oracle::gateway_readings(&site.gateway.buffer()).unwrap();
    let sent = {
        let kept = oracle::cloud_readings(&site.world.cloud.database()).unwrap();
        kept.len()
    };
    fs::remove_dir_all(site.data()).unwrap();
    let code = portal::new_code(&site.world.integrator, &site.added.path)
        .await
        .unwrap();
    let url = site.world.cloud.url().to_owned();
    site.gateway.enrol(&url, &code).await.unwrap();
    site.gateway.poll_every_second().unwrap();
    site.gateway.start().unwrap();
    acknowledged(&site.gateway, 30).await;

    let (world, gateway, _) = site.settle().await;
    let after = oracle::gateway_readings(&gateway.buffer()).unwrap();
    let kept = oracle::cloud_readings(&world.cloud.database()).unwrap();
    let first_epoch = before.keys().next().unwrap().0;
    assert!(after.keys().all(|(epoch, _)| *epoch != first_epoch));
    assert!(
        after
            .iter()
            .all(|(key, content)| kept.get(key) == Some(content))
    );
    assert_eq!(kept.len() - after.len(), sent, "the old epoch is as it was");
    let rejected = oracle::rejected(&world.cloud.database()).unwrap();
    assert_eq!(rejected, []);
}

/// An image taken before more was read and sent is put back: numbers would be given twice.
async fn an_old_image_is_put_back(offline: bool) {
    let mut site = Site::start().await;
    acknowledged(&site.gateway, 20).await;
    site.gateway.stop().await.unwrap();
    let image = site.world.folder().join("image");
    copy_folder(&site.data(), &image);
    let first = status(&site.gateway).await;
    site.gateway.start().unwrap();
    acknowledged(&site.gateway, number(&first, "last_seq") + 40).await;
    site.gateway.stop().await.unwrap();
    let mut committed = read_in(&site.gateway.buffer());
    let sent = number(&status(&site.gateway).await, "last_seq");

    fs::remove_dir_all(site.data()).unwrap();
    copy_folder(&image, &site.data());
    if offline {
        // It gives every number again before the cloud can tell it.
        site.world.cloud.stop().await.unwrap();
        site.gateway.start().unwrap();
        wait_for("numbers to be given twice", PATIENCE, async || {
            Ok(number(&status(&site.gateway).await, "last_seq") > sent + 20)
        })
        .await
        .unwrap();
        site.gateway.stop().await.unwrap();
        committed.extend(read_in(&site.gateway.buffer()));
        site.world.cloud.start().await.unwrap();
    }
    site.gateway.start().unwrap();
    wait_for("a new epoch", PATIENCE, async || {
        Ok(status(&site.gateway).await["epoch"] != first["epoch"])
    })
    .await
    .unwrap();
    // A new epoch fetches the cloud's list, which says every minute. Stopped before the cloud has
    // heard of it, it would begin another one and fetch that list again.
    all_acknowledged(&site.gateway).await;
    site.gateway.stop().await.unwrap();
    site.gateway.poll_every_second().unwrap();
    let before = number(&status(&site.gateway).await, "last_seq");
    site.gateway.start().unwrap();
    acknowledged(&site.gateway, before + 20).await;

    let (world, gateway, _) = site.settle().await;
    committed.extend(read_in(&gateway.buffer()));
    let kept = kept_in(&world);
    let missing: Vec<_> = committed.difference(&kept).collect();
    assert!(
        missing.is_empty(),
        "{} missing: {:?}",
        missing.len(),
        missing.first()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_image_of_the_disk_is_found_out_and_nothing_new_is_lost() {
    an_old_image_is_put_back(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_image_that_ran_without_a_network_is_found_out_too() {
    an_old_image_is_put_back(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_with_one_key_are_found_out_and_both_are_heard() {
    let mut site = Site::start().await;
    acknowledged(&site.gateway, 20).await;
    site.gateway.stop().await.unwrap();
    let folder = site.world.folder().join("double");
    let line = Line::start(&folder.join("line"), BUS, METERS, None)
        .await
        .unwrap();
    let mut double = Gateway::new(&folder, OFTEN, &[bus(line.port())], None).unwrap();
    copy_folder(&site.data(), double.buffer().parent().unwrap());
    site.gateway.start().unwrap();
    double.start().unwrap();

    wait_for("the cloud to find the double out", PATIENCE, async || {
        let page = site.world.integrator.open(&site.added.path).await?;
        Ok(page.text().contains("Two gateways speak"))
    })
    .await
    .unwrap();
    drop(line);
    all_acknowledged(&double).await;
    double.stop().await.unwrap();
    let (world, gateway, _) = site.settle().await;
    let kept = kept_in(&world);
    for one in [&gateway, &double] {
        let read = read_in(&one.buffer());
        let missing: Vec<_> = read.difference(&kept).collect();
        assert!(
            missing.is_empty(),
            "{} missing: {:?}",
            missing.len(),
            missing.first()
        );
    }
}
