//! Histories by table.

use std::collections::BTreeMap;

use common::id::DeviceId;
use common::reading::ClockTrust;
use common::sync::Device;

use super::*;
use crate::reading::NewReading;

fn device(unit_id: u8, profile: &str, zone: &str) -> Device {
    Device {
        id: DeviceId(unit_id.into()),
        label: format!("Local {unit_id}"),
        profile: profile.to_owned(),
        bus: "main".to_owned(),
        unit_id,
        poll_period_s: 60,
        zone: zone.to_owned(),
        closings: Vec::new(),
        mountings: Vec::new(),
    }
}

fn fill_between(devices: &[Device], from: &str, to: &str) -> Result<Vec<NewReading>, HistoryError> {
    let numbered = (1..).zip(meters());
    let meters: BTreeMap<(String, u8), SimulatedMeter> = numbered
        .map(|(unit_id, meter)| (("main".to_owned(), unit_id), meter))
        .collect();
    let mut written = Vec::new();
    let span = Span {
        from: from.parse()?,
        to: to.parse()?,
        every_s: 3600,
    };
    let count = fill(devices, &meters, span, &mut |readings| {
        written.extend_from_slice(readings);
        Ok::<(), HistoryError>(())
    })?;
    assert_eq!(usize::try_from(count).unwrap(), written.len());
    Ok(written)
}

#[test]
fn a_history_has_every_hour_and_closes_every_local_day() {
    let devices = [
        device(1, "eastron-sdm630", "America/Tijuana"),
        device(2, "pzem-016", "Asia/Kolkata"),
        device(7, "pzem-016", "UTC"), // on no simulated line
    ];
    let readings = fill_between(&devices, "2026-06-02", "2026-06-04").unwrap();
    // Two days of 24 hours; midnight in Kolkata is no full hour of UTC.
    let of = |id: i64| readings.iter().filter(move |r| r.device == DeviceId(id));
    assert_eq!((of(1).count(), of(2).count(), of(7).count()), (48, 50, 0));
    let closing = |id: i64| {
        let own = of(id).filter_map(|r| Some(format!("{} {}", r.closes?, r.at)));
        own.collect::<Vec<_>>()
    };
    assert_eq!(
        closing(1),
        [
            "2026-06-02 2026-06-02T07:00:00Z",
            "2026-06-03 2026-06-03T07:00:00Z"
        ]
    );
    assert_eq!(
        closing(2),
        [
            "2026-06-02 2026-06-01T18:30:00Z",
            "2026-06-03 2026-06-02T18:30:00Z"
        ]
    );
    assert!(readings.is_sorted_by_key(|reading| reading.at));
    for reading in &readings {
        assert_eq!(reading.clock, ClockTrust::Simulated);
        let meter = &meters()[usize::try_from(reading.device.0).unwrap() - 1];
        let live = shown(meter, &reading.point, &reading.at.to_string());
        assert_eq!(reading.quantity.unwrap().to_string(), live);
        assert_eq!(reading.profile, meter.profile.reference());
        assert!(!reading.raw.contains('-') && reading.suspect.is_none());
    }
}

#[test]
fn days_are_as_long_as_the_zone_says_and_silence_leaves_a_gap() {
    let tijuana = [device(1, "eastron-sdm630", "America/Tijuana")];
    let closings = |from: &str, to: &str| {
        let readings = fill_between(&tijuana, from, to).unwrap();
        let closing = readings
            .into_iter()
            .filter(|reading| reading.closes.is_some());
        closing
            .map(|reading| reading.at.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        closings("2026-11-01", "2026-11-03"),
        ["2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z"]
    );
    let water = [device(3, "tuf-2000m", "UTC")];
    let readings = fill_between(&water, "2026-06-02T22:30:00Z", "2026-06-03T13:00:00Z").unwrap();
    let hours: Vec<String> = readings
        .iter()
        .map(|reading| reading.at.to_string())
        .collect();
    assert_eq!(hours, ["2026-06-02T23:00:00Z", "2026-06-03T12:00:00Z"]);
}

#[test]
fn a_history_that_cannot_be_is_refused_with_its_reason() {
    let good = device(1, "eastron-sdm630", "UTC");
    let table = [
        (good.clone(), "2026-06-02", "2026-06-02", "FROM before TO"),
        (
            good.clone(),
            "2016-01-01",
            "2026-06-02",
            "at most 3660 days",
        ),
        (good.clone(), "yesterday", "2026-06-02", "neither a date"),
        (
            device(9, "eastron-sdm630", "UTC"),
            "2026-06-01",
            "2026-06-02",
            "no device",
        ),
        (
            device(1, "pzem-016", "UTC"),
            "2026-06-01",
            "2026-06-02",
            "make them the same",
        ),
        (
            device(1, "eastron-sdm630", "Mars"),
            "2026-06-01",
            "2026-06-02",
            "no time zone",
        ),
    ];
    for (device, from, to, reason) in table {
        let error = fill_between(&[device], from, to).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
