//! The uplink against a cloud of a few lines, over real HTTP on loopback.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use common::id::{DeviceId, Epoch, GatewayId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::sync::{BATCH_PATH, DEVICES_PATH, Device, EnrolReply};
use common::unit::Unit;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::commands::CarryOut;
use super::*;
use crate::buffer::Buffer;
use crate::identity::Key;
use crate::reading::NewReading;

const NOW: &str = "2026-11-24T08:00:00Z";

/// How the cloud misbehaves, once each.
#[derive(Debug, Clone, Copy)]
enum Whim {
    Status(u16),
    Garbage,
    /// Commits, then the answer is lost.
    LoseAnswer,
    /// Sets each reading apart, at length.
    RefuseAll,
}

#[derive(Debug, Default)]
struct Cloud {
    kept: BTreeMap<(Epoch, u64), Reading>,
    whims: VecDeque<Whim>,
    poison: Option<u64>,
    settled: BTreeMap<Epoch, u64>,
    /// A new epoch begins in it while it waits for an answer, and these come in between.
    mended: Option<(BufferHandle, Vec<NewReading>)>,
    token: String,
    batches: usize,
    last_report: Option<GatewayReport>,
    devices: Vec<Device>,
}

impl Cloud {
    fn list(&self) -> DeviceList {
        DeviceList {
            version: format!("v{}", self.devices.len()),
            devices: self.devices.clone(),
        }
    }

    /// The status and body for a request; `None` hangs up.
    fn answer(&mut self, path: &str, token: &str, body: &[u8]) -> Option<(u16, String)> {
        if token != self.token {
            return Some((
                401,
                r#"{"error":"unknown token","hint":"enrol"}"#.to_owned(),
            ));
        }
        if path == DEVICES_PATH {
            return Some((200, serde_json::to_string(&self.list()).unwrap()));
        }
        if path != BATCH_PATH {
            return Some((404, r#"{"error":"no such path","hint":"none"}"#.to_owned()));
        }
        let batch: Batch = serde_json::from_slice(body).unwrap();
        self.batches += 1;
        let whim = self.whims.pop_front();
        match whim {
            Some(Whim::Status(status)) => return Some((status, "<html>oh no</html>".to_owned())),
            Some(Whim::Garbage) => return Some((200, "<html>welcome</html>".to_owned())),
            Some(Whim::LoseAnswer | Whim::RefuseAll) | None => {}
        }
        if batch.readings.iter().any(|r| Some(r.seq) == self.poison) {
            return Some((400, r#"{"error":"it is poison","hint":"none"}"#.to_owned()));
        }
        let lost = batch.losses.iter().flat_map(|loss| loss.first..=loss.last);
        let mut numbers: Vec<u64> = batch.readings.iter().map(|r| r.seq).chain(lost).collect();
        numbers.sort_unstable();
        let contiguous = numbers.windows(2).all(|w| w[0] + 1 == w[1]);
        assert!(contiguous && batch.readings.len() <= BATCH_READINGS_MAX);
        let settled = self.settled.entry(batch.epoch).or_default();
        *settled = numbers.last().copied().unwrap_or(0).max(*settled);
        let settled = *settled;
        let mut rejected = Vec::new();
        if matches!(whim, Some(Whim::RefuseAll)) {
            rejected.extend(batch.readings.iter().map(|reading| Rejection {
                seq: reading.seq,
                code: RejectionCode::Unacceptable,
                reason: "x".repeat(300),
            }));
        }
        for reading in batch.readings {
            let before = self
                .kept
                .insert((batch.epoch, reading.seq), reading.clone());
            assert!(
                before.is_none_or(|before| before == reading),
                "content changed"
            );
        }
        self.last_report = Some(batch.report);
        let reply = BatchReply {
            last_kept: None,
            now: None,
            acknowledged_through: settled,
            rejected,
            devices_version: self.list().version,
        };
        match whim {
            Some(Whim::LoseAnswer) => None,
            _ => Some((200, serde_json::to_string(&reply).unwrap())),
        }
    }
}

async fn serve(listener: TcpListener, cloud: Arc<Mutex<Cloud>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that goes away in the middle is no fault of the test.
        let _ = serve_one(stream, &cloud).await;
    }
}

async fn serve_one(stream: TcpStream, cloud: &Mutex<Cloud>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut path, mut token) = (String::new(), String::new());
    let (mut length, mut packed) = (0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = value.trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.parse().unwrap(),
            "content-encoding" => packed = value == "zstd",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    if packed {
        body = zstd::bulk::decompress(&body, common::sync::BATCH_BYTES_MAX).unwrap();
    }
    let answer = cloud.lock().unwrap().answer(&path, &token, &body);
    let is_settled = cloud.lock().unwrap().settled.values().any(|seq| *seq > 0);
    let mended = cloud.lock().unwrap().mended.take_if(|_| is_settled);
    if let Some((buffer, more)) = mended {
        let sent = buffer.progress().await.unwrap().1;
        buffer.append(more).await.unwrap();
        let now = NOW.parse().unwrap();
        buffer.begin_epoch(now, sent, [].into()).await.unwrap();
    }
    if let Some((status, body)) = answer {
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nRetry-After: 0\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
    }
    Ok(())
}

fn reading(n: i64) -> NewReading {
    NewReading {
        at: NOW.parse().unwrap(),
        clock: ClockTrust::Trusted,
        since_boot: None,
        device: DeviceId(7),
        point: "energy_import".to_owned(),
        quantity: Some(Quantity::from_count(n, 2, Unit::KiloWh).unwrap()),
        suspect: None,
        raw: "0000 0001".to_owned(),
        profile: "eastron-sdm120@1f2e3d4c".to_owned(),
        closes: None,
        weight: common::sync::Weight::Billing,
    }
}

struct World {
    directory: tempfile::TempDir,
    cloud: Arc<Mutex<Cloud>>,
    url: String,
    buffer: BufferHandle,
    status: watch::Receiver<UplinkStatus>,
    devices: watch::Receiver<Option<DeviceList>>,
}

impl World {
    async fn new(whims: &[Whim]) -> Self {
        crate::tls::install();
        let directory = tempfile::tempdir().unwrap();
        let clock_file = directory.path().join("clock");
        std::fs::write(&clock_file, NOW).unwrap();
        let clock = Clock::test(&clock_file).unwrap();
        let buffer = Buffer::open(
            &directory.path().join("buffer.db"),
            &crate::config::BufferConfig::default(),
            clock.now(),
            None,
        )
        .unwrap();
        let buffer = BufferHandle::spawn(buffer).unwrap();
        let cloud = Arc::new(Mutex::new(Cloud {
            whims: whims.iter().copied().collect(),
            token: "good".to_owned(),
            ..Cloud::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, Arc::clone(&cloud)));
        let (status, status_seen) = watch::channel(UplinkStatus::default());
        let (devices, devices_seen) = watch::channel(None);
        let settled = clock.clone();
        let carry_out: CarryOut = Box::new(|_| Box::pin(async { Ok(Vec::new()) }));
        let (_, wished) = tokio::sync::mpsc::channel(1);
        let uplink = Uplink {
            commands: Commands::new(clock.clone(), carry_out, wished),
            buffer: buffer.clone(),
            clock,
            periods: SyncConfig {
                period_ms: 10,
                heartbeat_ms: 60_000,
            },
            identity_file: directory.path().join("identity.json"),
            data_dir: directory.path().to_owned(),
            report: Box::new(move || GatewayReport {
                at: settled.now(),
                software: SOFTWARE.to_owned(),
                settled_through: settled.now(),
                waiting: 0,
                devices_version: None,
                buses: Vec::new(),
                devices: Vec::new(),
                ..GatewayReport::default()
            }),
            devices,
            status,
        };
        tokio::spawn(async move { uplink.run().await });
        Self {
            directory,
            cloud,
            url,
            buffer,
            status: status_seen,
            devices: devices_seen,
        }
    }

    fn enrol(&self, token: &str) {
        let reply = EnrolReply {
            protocol: 1,
            gateway: GatewayId(1),
            token: token.to_owned(),
            gateway_name: "Cellar".to_owned(),
            site_name: "Plaza Norte".to_owned(),
            account_name: "Medidores SA".to_owned(),
        };
        let identity = Identity::new(&self.url, Key::generate(), reply);
        let path = self.directory.path().join("identity.json");
        identity.save(&path).unwrap();
    }

    async fn standing(&mut self, wanted: Standing) {
        let reached = self.status.wait_for(|status| status.standing == wanted);
        let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
        let _status = reached.expect("in time").unwrap();
    }

    /// Waits until the cloud has been told that nothing is waiting, and checks what it has.
    async fn all_kept(&self, numbers: impl Iterator<Item = u64>) {
        let told = || {
            let cloud = self.cloud.lock().unwrap();
            cloud.last_report.as_ref().map(|report| report.waiting) == Some(0)
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !told() || self.buffer.waiting().await.unwrap() > 0 {
            assert!(Instant::now() < deadline, "{:?}", self.status.borrow());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let cloud = self.cloud.lock().unwrap();
        let kept: Vec<u64> = cloud.kept.keys().map(|(_, seq)| *seq).collect();
        assert_eq!(kept, numbers.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_backlog_and_the_list_of_devices_arrive_once_enrolled() {
    let mut world = World::new(&[]).await;
    world.cloud.lock().unwrap().devices = vec![Device {
        id: DeviceId(7),
        label: "Local 101".to_owned(),
        profile: "eastron-sdm120".to_owned(),
        bus: "main".to_owned(),
        unit_id: 1,
        poll_period_s: 60,
        zone: "America/Tijuana".to_owned(),
        closings: Vec::new(),
        mountings: Vec::new(),
    }];
    let backlog: Vec<_> = (1..=4_500).map(reading).collect();
    world.buffer.append(backlog).await.unwrap();
    assert_eq!(world.status.borrow().standing, Standing::NotEnrolled);
    world.enrol("good");
    world.standing(Standing::Connected).await;
    world.all_kept(1..=4_500).await;
    let filled = |list: &Option<DeviceList>| list.as_ref().is_some_and(|l| l.devices.len() == 1);
    world.devices.wait_for(filled).await.unwrap();
    assert_eq!(world.status.borrow().devices_version.as_deref(), Some("v1"));
    let copy = devices::load_copy(world.directory.path(), GatewayId(1));
    assert_eq!(copy, *world.devices.borrow());
    assert!(
        world.cloud.lock().unwrap().batches <= 3 + 2,
        "whole batches"
    );

    // The list changes, and is in force without a restart.
    world.cloud.lock().unwrap().devices.clear();
    world.buffer.append(vec![reading(1)]).await.unwrap();
    let emptied = |list: &Option<DeviceList>| list.as_ref().is_some_and(|l| l.devices.is_empty());
    world.devices.wait_for(emptied).await.unwrap();
}

#[tokio::test]
async fn whatever_the_cloud_does_each_reading_is_there_exactly_once() {
    let world = World::new(&[
        Whim::Status(503),
        Whim::LoseAnswer,
        Whim::Status(413),
        Whim::Garbage,
    ])
    .await;
    world
        .buffer
        .append((1..=50).map(reading).collect())
        .await
        .unwrap();
    world.enrol("good");
    world.all_kept(1..=50).await;
    assert_eq!(world.buffer.status().await.unwrap().rejected, 0);
}

#[tokio::test]
async fn a_poison_reading_is_set_apart_and_the_others_go_on() {
    let world = World::new(&[]).await;
    world.cloud.lock().unwrap().poison = Some(17);
    world
        .buffer
        .append((1..=50).map(reading).collect())
        .await
        .unwrap();
    world.enrol("good");
    world.all_kept((1..=50).filter(|seq| *seq != 17)).await;
    assert_eq!(world.buffer.status().await.unwrap().rejected, 1);
}

#[tokio::test]
async fn a_revoked_gateway_keeps_its_readings_until_it_is_enrolled_again() {
    let mut world = World::new(&[]).await;
    world.enrol("revoked");
    world.standing(Standing::Revoked).await;
    world.buffer.append(vec![reading(1)]).await.unwrap();
    assert_eq!(world.buffer.waiting().await.unwrap(), 1);
    world.enrol("good");
    world.standing(Standing::Connected).await;
    world.all_kept(1..=1).await;
}

#[tokio::test]
async fn a_list_that_is_wrong_changes_nothing_and_is_told() {
    let mut world = World::new(&[]).await;
    let good = Device {
        id: DeviceId(7),
        label: "Local 101".to_owned(),
        profile: "eastron-sdm120".to_owned(),
        bus: "main".to_owned(),
        unit_id: 1,
        poll_period_s: 60,
        zone: "America/Tijuana".to_owned(),
        closings: Vec::new(),
        mountings: Vec::new(),
    };
    world.cloud.lock().unwrap().devices = vec![good.clone()];
    world.enrol("good");
    let filled = |list: &Option<DeviceList>| list.as_ref().is_some_and(|l| l.devices.len() == 1);
    world.devices.wait_for(filled).await.unwrap();

    world.cloud.lock().unwrap().devices = vec![good.clone(), good];
    world.buffer.append(vec![reading(1)]).await.unwrap();
    world.all_kept(1..=1).await;
    let told = |status: &UplinkStatus| {
        let error = status.error.as_deref().unwrap_or_default();
        status.standing == Standing::Connected && error.contains("twice")
    };
    world.status.wait_for(told).await.unwrap();
    assert!(filled(&world.devices.borrow()));
    assert_eq!(world.status.borrow().devices_version.as_deref(), Some("v1"));

    world.cloud.lock().unwrap().devices.clear();
    world.buffer.append(vec![reading(2)]).await.unwrap();
    let mended = |status: &UplinkStatus| status.devices_version.as_deref() == Some("v0");
    world.status.wait_for(mended).await.unwrap();
    world.standing(Standing::Connected).await;
}

#[tokio::test]
async fn an_answer_to_one_epoch_settles_nothing_of_the_next() {
    let world = World::new(&[]).await;
    let first = (1..=50).map(reading).collect();
    world.buffer.append(first).await.unwrap();
    let more = (51..=150).map(reading).collect();
    world.cloud.lock().unwrap().mended = Some((world.buffer.clone(), more));
    world.enrol("good");
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.cloud.lock().unwrap().settled.len() < 2 || world.buffer.waiting().await.unwrap() > 0
    {
        assert!(Instant::now() < deadline, "{:?}", world.status.borrow());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cloud = world.cloud.lock().unwrap();
    let mut counts: Vec<_> = cloud.kept.values().map(|r| r.quantity).collect();
    counts.sort_unstable_by_key(|quantity| quantity.map(Quantity::count));
    assert_eq!(
        counts,
        (1..=150).map(|n| reading(n).quantity).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_batch_that_is_refused_at_length_as_a_whole_holds_up_nothing() {
    let world = World::new(&[]).await;
    world.cloud.lock().unwrap().whims = [Whim::RefuseAll; 2].into();
    let count = i64::try_from(BATCH_READINGS_MAX).unwrap();
    let all = (1..=count).map(reading).collect();
    world.buffer.append(all).await.unwrap();
    world.enrol("good");
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.buffer.waiting().await.unwrap() > 0 {
        assert!(Instant::now() < deadline, "{:?}", world.status.borrow());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let status = world.buffer.status().await.unwrap();
    assert_eq!(status.rejected, 2_000);
}
