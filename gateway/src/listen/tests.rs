//! From a line on which others speak to the disk. Time is tokio's paused time.

use std::fs;
use std::sync::Arc;

use common::profile::Library;
use common::reading::Reading;
use common::sync::Device;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::buffer::Buffer;
use crate::bus::Manner;
use crate::poll::Polled;

const LATE: &str = "2026-06-11T06:59:50Z";
const MIDNIGHT: &str = "2026-06-11T07:00:00Z";

/// A gateway that listens on a line of which the test is everybody else.
struct Rig {
    line: DuplexStream,
    buffer: BufferHandle,
    poller: Poller,
    directory: TempDir,
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock_file = directory.path().join("clock");
        fs::write(&clock_file, LATE).unwrap();
        let clock = Clock::test(&clock_file).unwrap();
        let buffer = Buffer::open(
            &directory.path().join("buffer.db"),
            &crate::config::BufferConfig::default(),
            clock.now(),
            None,
        )
        .unwrap();
        let buffer = BufferHandle::spawn(buffer).unwrap();
        let (ours, line) = duplex(4096);
        let mut ours = Some(ours);
        let (bus, heard) = Bus::listen("main", Manner::default(), move || {
            let gone = || std::io::Error::other("/dev/x is not there");
            ours.take().ok_or_else(gone)
        });
        let gauges = Duration::from_secs(900);
        let before = Before::default();
        let poller = start(bus, heard, clock, buffer.clone(), gauges, before);
        let profile = Library::shipped().get("eastron-sdm120").unwrap().clone();
        poller.set_devices(vec![Polled {
            device: Device {
                id: DeviceId(5),
                label: "Local 5".to_owned(),
                profile: profile.id.clone(),
                bus: "main".to_owned(),
                unit_id: 5,
                poll_period_s: 1,
                zone: "America/Tijuana".to_owned(),
                closings: Vec::new(),
                mountings: Vec::new(),
            },
            profile: Arc::new(profile),
        }]);
        Self {
            line,
            buffer,
            poller,
            directory,
        }
    }

    fn set_clock(&self, instant: &str) {
        let next = self.directory.path().join("next");
        fs::write(&next, instant).unwrap();
        fs::rename(next, self.directory.path().join("clock")).unwrap();
    }

    /// The other master asks unit 5, which replies.
    async fn exchange(&mut self) {
        for body in [&[5, 4, 0, 72, 0, 2][..], &[5, 4, 4, 0x44, 0x9a, 0x50, 0]] {
            let mut frame = body.to_vec();
            frame.extend(modbus_core::rtu::crc16(body).to_be_bytes());
            self.line.write_all(&frame).await.unwrap();
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until so many readings are on the disk, which works in real time.
    async fn readings(&self, count: usize) -> Vec<Reading> {
        let started = std::time::Instant::now();
        loop {
            let readings = self.buffer.read_after(0, 100).await.unwrap();
            if readings.len() >= count {
                return readings;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{readings:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_master_reads_is_on_the_disk_and_its_midnight_closes_the_day() {
    let mut rig = Rig::new();
    rig.exchange().await;
    let readings = rig.readings(1).await;
    assert_eq!(readings[0].quantity.unwrap().to_string(), "1234.50 kWh");
    assert_eq!(readings[0].raw, "449A 5000");
    assert_eq!(readings[0].closes, None);

    rig.set_clock(MIDNIGHT);
    sleep(TICK * 2).await;
    let before: jiff::Timestamp = "2026-06-11T06:59:59.999Z".parse().unwrap();
    assert_eq!(rig.poller.progress().settled_through, before);
    rig.exchange().await;
    let readings = rig.readings(2).await;
    assert_eq!(readings[1].closes, Some("2026-06-11".parse().unwrap()));
    sleep(TICK * 2).await;
    let progress = rig.poller.progress();
    assert_eq!(progress.settled_through, readings[1].at);
    assert_eq!(progress.devices[&DeviceId(5)].error, None);
    assert_eq!(rig.poller.reports()[0].last_good_at, Some(readings[1].at));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_is_missed_and_nothing_is_ever_written() {
    let mut rig = Rig::new();
    sleep(review::LEARNING + REVIEW_PERIOD * 2).await;
    let error = rig.poller.reports()[0].error.clone().unwrap();
    assert!(error.contains("no master has been heard"), "{error}");
    rig.exchange().await;
    rig.readings(1).await;
    sleep(REVIEW_PERIOD * 2).await;
    let state = rig.poller.progress().devices[&DeviceId(5)].clone();
    assert_eq!((state.error, state.answered), (None, 1));
    let unasked = state.unasked.unwrap();
    assert!(unasked.contains("from 12 (power)"), "{unasked}");
    let written = tokio::time::timeout(Duration::from_secs(60), rig.line.read_u8());
    assert!(written.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_is_on_the_disk_when_it_has_stopped() {
    let mut rig = Rig::new();
    rig.exchange().await;
    until_heard(&rig).await;
    rig.poller.stop().await;
    assert_eq!(rig.readings(0).await.len(), 1);
}

async fn until_heard(rig: &Rig) {
    while rig.poller.progress().devices[&DeviceId(5)].last.is_none() {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_closing_reading_outlasts_a_disk_that_is_full_for_hours() {
    let mut rig = Rig::new();
    rig.set_clock(MIDNIGHT);
    rig.buffer.close().await;
    rig.exchange().await;
    until_heard(&rig).await;
    rig.set_clock("2026-06-11T12:00:00Z");
    while rig.poller.progress().lost == 0 {
        sleep(Duration::from_secs(1)).await;
        rig.exchange().await;
    }
    let before: jiff::Timestamp = "2026-06-11T06:59:59.999Z".parse().unwrap();
    assert_eq!(rig.poller.progress().settled_through, before);
}
