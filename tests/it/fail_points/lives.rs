//! The stories of readings: a gateway and a cloud that die on the way of a reading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tests::building::{BILLING_POINT, Building, Plan};
use tests::figures::Figure;
use tests::oracle::{self, Content, Key};
use tests::process::{PATIENCE, wait_for};

use super::{Story, at, dies, points, program, rounds};

/// A building whose programs can die, and what was moved away of its buffers.
struct Lives {
    building: Building,
    moved: usize,
}

fn copy_all(from: &Path, to: &Path, names: &str) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == names || [format!("{names}-wal"), format!("{names}-shm")].contains(&name.into())
        {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

impl Lives {
    async fn new(plan: Plan) -> Self {
        let mut building = Building::new(plan).await.unwrap();
        building.gateway.use_program(&program("enervue-gateway"));
        building.world.cloud.use_program(&program("enervue-cloud"));
        Self { building, moved: 0 }
    }

    fn line(&mut self, signal: &str) {
        let line = self.building.line.as_mut().unwrap();
        line.running().signal(signal).unwrap();
    }

    /// Starts the gateway. A list that the cloud gave it meanwhile lets it read too seldom.
    fn start(&mut self, point: Option<&str>) {
        let gateway = &mut self.building.gateway;
        gateway.poll_every_second().unwrap();
        let variables = point.map(at);
        let variables = variables.as_ref().map_or(&[][..], |both| &both[..]);
        gateway.start_with(variables).unwrap();
    }

    /// Stops the gateway when the cloud has all that it read.
    async fn rest(&mut self) {
        self.building.gateway.stop().await.unwrap();
        self.line("STOP");
        self.building.send_all(PATIENCE).await.unwrap();
        self.line("CONT");
    }

    /// Lets it read and send a while.
    async fn go_on(&mut self) {
        self.start(None);
        let (last, _) = self.building.gateway.cursor().await.unwrap();
        self.building.reads_on(last, 20).await.unwrap();
    }

    /// Which epoch its buffer says to be in.
    async fn epoch(&self) -> Option<String> {
        let told = self.building.gateway.ask("buffer status").await.unwrap();
        told?.get("epoch").map(ToString::to_string)
    }

    /// Waits until an old copy has seen that it is one: until then it takes for acknowledged
    /// what the cloud has of the other.
    async fn leaves(&self, epoch: &Option<String>) {
        let left = async || Ok(self.epoch().await.is_some_and(|now| Some(now) != *epoch));
        wait_for("a new epoch", PATIENCE, left).await.unwrap();
    }

    /// Moves the buffer away, where the oracle still finds it.
    fn move_away(&mut self) {
        let buffer = self.building.gateway.buffer();
        self.moved += 1;
        for suffix in ["-wal", "-shm", ""] {
            let from = PathBuf::from(format!("{}{suffix}", buffer.display()));
            let to = format!("{}.moved-{}{suffix}", buffer.display(), self.moved);
            if from.exists() {
                std::fs::rename(from, to).unwrap();
            }
        }
    }

    /// Overwrites a page of the buffer that holds no reading, while the cloud is away.
    async fn damage(&mut self) {
        self.building
            .gateway
            .acknowledged(20, PATIENCE)
            .await
            .unwrap();
        self.building.world.cloud.kill();
        let (last, _) = self.building.gateway.cursor().await.unwrap();
        self.building.reads_on(last, 20).await.unwrap();
        self.building.gateway.stop().await.unwrap();
        let buffer = self.building.gateway.buffer();
        let page = oracle::root_page(&buffer, "rejection").unwrap();
        let file = std::fs::File::options().write(true).open(&buffer).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xFF; 512], (page - 1) * 512).unwrap();
        self.building.world.cloud.start().await.unwrap();
    }

    /// Prepares what leads to the point.
    async fn prepare(&mut self, story: Story) {
        match story {
            Story::NewCard | Story::LateTime => {
                self.rest().await;
                self.move_away();
            }
            Story::Damage => self.damage().await,
            Story::OldCopy => {
                self.rest().await;
                let old = self.building.world.folder().join("old");
                let buffer = self.building.gateway.data();
                copy_all(&buffer, &old, "buffer.db");
                self.go_on().await;
                self.rest().await;
                self.move_away();
                copy_all(&old, &buffer, "buffer.db");
            }
            Story::RestoredCloud => {
                self.rest().await;
                let old = self.building.world.folder().join("old-cloud");
                let folder = self.building.world.cloud.database();
                let folder = folder.parent().unwrap().to_owned();
                self.building.world.cloud.stop().await.unwrap();
                copy_all(&folder, &old, "enervue.db");
                self.building.world.cloud.start().await.unwrap();
                self.go_on().await;
                self.rest().await;
                self.building.world.cloud.stop().await.unwrap();
                copy_all(&old, &folder, "enervue.db");
                self.building.world.cloud.start().await.unwrap();
            }
            _ => self.building.gateway.kill(),
        }
    }

    /// The gateway dies at `point`, and starts again.
    async fn gateway_dies(&mut self, story: Story, point: &str) {
        let epoch = self.epoch().await;
        self.prepare(story).await;
        if story == Story::LateTime {
            self.building.world.cloud.kill();
        }
        self.start(Some(point));
        if story == Story::LateTime {
            self.building.reads_on(0, 20).await.unwrap();
            self.building.world.cloud.start().await.unwrap();
        }
        if story == Story::KeyChange {
            self.building.gateway.cursor().await.unwrap();
            // A change that broke off before is ended first; until then another is refused.
            let asked = async || {
                let running = self.building.gateway.running();
                if running.context("it was started")?.has_ended()? {
                    return Ok(true);
                }
                let asked = self.building.gateway.command(&["key", "change"]).await?;
                // Without a daemon, the command changes the key itself.
                Ok(asked.code == 0)
            };
            wait_for(point, PATIENCE, asked).await.unwrap();
        }
        dies(self.building.gateway.running().unwrap(), point).await;
        self.start(None);
        self.building.gateway.cursor().await.unwrap();
        if story == Story::OldCopy {
            self.leaves(&epoch).await;
        }
    }

    async fn cloud_dies(&mut self, point: &str) {
        self.building.world.cloud.kill();
        self.building.world.cloud.start_with(&at(point)).unwrap();
        dies(self.building.world.cloud.running().unwrap(), point).await;
        self.building.world.cloud.start().await.unwrap();
    }

    /// Each content of any of its buffers, against the cloud's.
    async fn compare(&self, fault: &str, times: usize) {
        let kept = self.building.kept().await.unwrap();
        let buffers = oracle::folder_readings(&self.building.gateway.data()).unwrap();
        let (committed, cloud) = (oracle::contents(&buffers), oracle::contents([&kept]));
        let lost = committed
            .keys()
            .filter(|content| !cloud.contains_key(*content));
        let invented = cloud
            .keys()
            .filter(|content| !committed.contains_key(*content));
        let lost: Vec<&&Content> = lost.collect();
        let invented: Vec<&&Content> = invented.collect();
        let served = Building::served().unwrap();
        let strangers = oracle::strangers(&kept, BILLING_POINT, &served);
        let figure = Figure {
            fault,
            times,
            kept: kept.len(),
            lost: lost.len(),
            doubled: oracle::doubled(&kept),
            altered: invented.len() + strangers.len(),
            measured: format!("epochs {}", epochs(&kept)),
        };
        figure.note().unwrap();
        assert_eq!((figure.lost, figure.doubled), (0, 0), "{figure:?} {lost:?}");
        assert_eq!(figure.altered, 0, "{figure:?} {invented:?} {strangers:?}");
    }
}

fn epochs(readings: &BTreeMap<Key, Content>) -> usize {
    let epochs = readings.keys().map(|key| key.0);
    epochs.collect::<std::collections::BTreeSet<_>>().len()
}

const OF_READINGS: [Story; 8] = [
    Story::Ordinary,
    Story::KeyChange,
    Story::Batch,
    Story::NewCard,
    Story::LateTime,
    Story::Damage,
    Story::OldCopy,
    Story::RestoredCloud,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_at_a_point_loses_doubles_and_alters_nothing() {
    let points = points();
    let mut lives = Lives::new(Plan::default()).await;
    lives.go_on().await;
    let mut times = 0;
    for _ in 0..rounds() {
        for story in OF_READINGS {
            for point in points.get(&story).into_iter().flatten() {
                match story {
                    Story::Batch => lives.cloud_dies(point).await,
                    _ => lives.gateway_dies(story, point).await,
                }
                times += 1;
            }
        }
    }
    lives.building.gateway.kill();
    lives.go_on().await;
    lives.building.settle(PATIENCE).await.unwrap();
    lives
        .compare("death at each fail point of a reading's way", times)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_buffer_drops_is_counted_when_it_dies_on_the_way() {
    let plan = Plan {
        history: Some(("2025-11-01", "2026-11-01", 1_800)),
        ..Plan::default()
    };
    let mut lives = Lives::new(plan).await;
    let mut times = 0;
    lives.building.world.cloud.kill();
    // More is there than may be from now on.
    let config = lives.building.gateway.config();
    let settings = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{settings}[buffer]\nmax_mib = 4\n")).unwrap();
    let points = points();
    for _ in 0..rounds() {
        for point in points.get(&Story::Bound).into_iter().flatten() {
            lives.gateway_dies(Story::Bound, point).await;
            times += 1;
        }
    }
    let (last, _) = lives.building.gateway.cursor().await.unwrap();
    lives.building.reads_on(last, 20).await.unwrap();
    lives.building.world.cloud.start().await.unwrap();
    lives.building.settle(PATIENCE).await.unwrap();
    let kept = lives.building.kept().await.unwrap();
    let losses = oracle::losses(&lives.building.world.cloud.database()).unwrap();
    let lost: i64 = losses.iter().map(|(_, first, last)| last - first + 1).sum();
    let last = kept.keys().next_back().unwrap().1;
    let missing = usize::try_from(last).unwrap() - kept.len();
    let figure = Figure {
        fault: "death at each fail point of dropping",
        times,
        kept: kept.len(),
        lost: missing,
        doubled: oracle::doubled(&kept),
        measured: format!("counted as lost: {lost}"),
        ..Figure::default()
    };
    figure.note().unwrap();
    assert_eq!(i64::try_from(missing).unwrap(), lost, "{figure:?}");
    assert!(lost > 0 && figure.doubled == 0, "{figure:?}");
}
