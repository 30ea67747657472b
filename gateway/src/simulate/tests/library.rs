//! Every shipped profile, over the real port and the daemon's own reading: what is read equals
//! what the meter holds, point by point.

use std::fmt::Write as _;

use common::profile::{Library, Parity};
use jiff::Timestamp;

use crate::bus::port::Port;
use crate::bus::{Bus, Manner};
use crate::clock::Clock;
use crate::config::PortAddress;
use crate::poll::once;
use crate::simulate::{SimulatedLine, SimulationConfig};

const AT: &str = "2026-01-02T12:00:00Z";

#[tokio::test]
async fn every_shipped_profile_is_read_back_as_it_was_served() {
    let library = Library::shipped();
    let directory = tempfile::tempdir().unwrap();
    let (path, clock_file) = (
        directory.path().join("main"),
        directory.path().join("clock"),
    );
    std::fs::write(&clock_file, AT).unwrap();
    let clock = Clock::test(&clock_file).unwrap();
    let mut text = format!("[[line]]\npath = '{}'\n", path.display());
    for (unit_id, profile) in (1..).zip(library.iter()) {
        write!(
            text,
            "[[line.meter]]\nprofile = '{}'\nunit_id = {unit_id}\nopening = '100'\n\
             since = '2026-01-01T00:00:00Z'\nper_day = '40'\n",
            profile.id
        )
        .unwrap();
    }
    let config = SimulationConfig::parse(&text).unwrap();
    let meters = config.line[0].meters(&library).unwrap();
    let mut line = SimulatedLine::open(&config.line[0], &library).unwrap();
    let serving = tokio::spawn(async move { line.serve(&clock).await });
    let port = Port {
        address: PortAddress::Serial(path),
        baud: 115_200,
        parity: Parity::None,
        stop_bits: 1,
    };
    let bus = Bus::start("main", port, Manner::default());
    let at: Timestamp = AT.parse().unwrap();
    for (meter, profile) in meters.iter().zip(library.iter()) {
        // The pauses that devices want would take a minute, and a port that was just opened
        // is left alone for a time-out.
        let mut profile = profile.clone();
        (
            profile.limits.request_gap_ms,
            profile.limits.unit_change_gap_ms,
        ) = (0, 0);
        profile.refresh = None;
        profile.limits.response_timeout_ms = 300;
        let shown = once::read(&bus, &profile, meter.unit_id()).await.unwrap();
        assert_eq!(shown.points.len(), profile.points.len());
        let held = meter.registers(at).unwrap();
        for point in &shown.points {
            let decoded = profile.decode(&point.point, &held);
            let value = decoded.value.unwrap().value().to_string();
            assert_eq!(
                point.value.as_ref(),
                Some(&value),
                "{} {point:?}",
                profile.id
            );
            assert_eq!(point.raw.as_ref(), Some(&decoded.raw), "{}", profile.id);
        }
    }
    serving.abort();
}
