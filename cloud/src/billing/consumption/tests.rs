//! Consumption from registers: which ones decide, and what holds an invoice.

use common::id::{DeviceId, MeterId};
use common::quantity::Quantity;
use common::reading::ClockTrust;
use jiff::civil::date;

use super::*;
use crate::billing::sample::served;
use rust_decimal::Decimal;

const AT: &str = "2026-10-01T07:00:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn mounting(device: i64, from: &str, until: Option<&str>) -> Mounting {
    Mounting {
        meter: MeterId(1),
        device: DeviceId(device),
        point: "energy_import".to_owned(),
        from: instant(from),
        until: until.map(instant),
        opening: None,
        closing: None,
        multiplier: Decimal::ONE,
        rolls_over_at: None,
        max_rate: None,
    }
}

fn taken(device: i64, at: &str, value: &str) -> Taken {
    Taken {
        gateway: GatewayId(1),
        epoch: Epoch(1),
        reading: Reading {
            since_boot: None,
            seal: None,
            seq: 1,
            at: instant(at),
            clock: ClockTrust::Trusted,
            device: DeviceId(device),
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::new(value.parse().unwrap(), Unit::KiloWh).unwrap()),
            suspect: None,
            raw: "0000".to_owned(),
            profile: "p@1".to_owned(),
            closes: None,
        },
    }
}

fn start() -> Instant {
    Instant {
        date: date(2026, 10, 1),
        at: instant(AT),
    }
}

fn zone() -> Zone {
    Zone::new("America/Tijuana").unwrap()
}

fn register_at(mountings: &[Mounting], readings: &[Taken]) -> Result<Boundary, Hold> {
    let (served, zone) = (served(mountings), zone());
    let registers = Registers::new(&served, readings, Unit::KiloWh, &zone);
    registers.register_at(start(), Late::Wait)
}

fn picked(readings: &[Taken]) -> Option<String> {
    let mountings = [mounting(1, "2026-01-01T00:00:00Z", None)];
    let boundary = register_at(&mountings, readings).ok()?;
    Some(boundary.register.value().to_string())
}

#[test]
fn the_nearest_good_reading_within_ten_minutes_stands_for_the_start_of_a_day() {
    let near = [
        taken(1, "2026-10-01T06:55:00Z", "1"),
        taken(1, "2026-10-01T07:00:02Z", "2"),
        taken(1, "2026-10-01T07:01:00Z", "3"),
    ];
    assert_eq!(picked(&near).as_deref(), Some("2"));
    assert_eq!(picked(&near[..1]).as_deref(), Some("1"));
    let edge = ["2026-10-01T06:50:00Z", "2026-10-01T07:10:00Z"];
    for at in edge {
        assert!(picked(&[taken(1, at, "1")]).is_some(), "{at}");
    }
    let beyond = ["2026-10-01T06:49:59Z", "2026-10-01T07:10:01Z"];
    for at in beyond {
        assert_eq!(picked(&[taken(1, at, "1")]), None, "{at}");
    }
}

#[test]
fn a_reading_that_cannot_be_believed_stands_for_nothing() {
    let good = taken(1, AT, "5");
    let mut untrusted = good.clone();
    untrusted.reading.clock = ClockTrust::Untrusted;
    let mut suspect = good.clone();
    suspect.reading.quantity = None;
    let mut other_point = good.clone();
    other_point.reading.point = "energy_export".to_owned();
    let bad = [untrusted, suspect, other_point, taken(2, AT, "5")];
    for reading in &bad {
        assert_eq!(picked(std::slice::from_ref(reading)), None);
    }
    let mountings = [mounting(1, "2026-01-01T00:00:00Z", None)];
    let missing = Hold::ReadingMissing {
        date: date(2026, 10, 1),
        at: instant(AT),
    };
    assert_eq!(register_at(&mountings, &bad), Err(missing));
    let not_yet = [mounting(1, "2026-10-02T00:00:00Z", None)];
    let no_device = Hold::NoDevice {
        date: date(2026, 10, 1),
    };
    assert_eq!(register_at(&not_yet, &[good]), Err(no_device));
}

#[test]
fn a_register_that_fell_or_changed_its_unit_makes_no_consumption() {
    let used = |closing: &str, unit| {
        let readings = [
            taken(1, AT, "12345.6"),
            taken(1, "2026-10-02T07:00:00Z", closing),
        ];
        let served = served(&[mounting(1, "2026-01-01T00:00:00Z", None)]);
        let zone = zone();
        let registers = Registers::new(&served, &readings, unit, &zone);
        let next = Instant {
            date: date(2026, 10, 2),
            at: instant("2026-10-02T07:00:00Z"),
        };
        let segments = registers.segments(&[start(), next], &[], Late::Wait)?;
        Ok(segments[0].quantity.to_string())
    };
    assert_eq!(used("12690.45", Unit::KiloWh), Ok("344.85".to_owned()));
    assert_eq!(used("12345.6", Unit::KiloWh), Ok("0".to_owned()));
    let fell = used("12345.5", Unit::KiloWh);
    assert!(matches!(fell, Err(Hold::RegisterFell { .. })), "{fell:?}");
    let unit = used("20000", Unit::MegaWh);
    assert!(matches!(unit, Err(Hold::UnitDiffers { .. })), "{unit:?}");
}

#[test]
fn the_first_date_is_the_first_whole_day_with_a_closing_reading() {
    let zone = Zone::new("America/Tijuana").unwrap();
    let mountings = [mounting(1, "2026-10-01T20:00:00Z", None)];
    let closing = |day: i8, at: &str| {
        let mut taken = taken(1, at, "1");
        taken.reading.closes = Some(date(2026, 10, day).into());
        taken
    };
    let closings = [
        closing(1, "2026-10-01T07:00:01Z"),
        // Too late to be a boundary.
        closing(2, "2026-10-02T09:00:00Z"),
        closing(3, "2026-10-03T07:00:01Z"),
    ];
    assert_eq!(
        first_date(&mountings, &closings, &zone),
        Ok(date(2026, 10, 3))
    );
    let none = Hold::NoFirstReading {
        since: instant("2026-10-01T20:00:00Z"),
    };
    assert_eq!(first_date(&mountings, &closings[..2], &zone), Err(none));
}

#[test]
fn a_day_without_a_closing_reading_is_unknown_and_so_is_its_neighbour() {
    let zone = Zone::new("America/Tijuana").unwrap();
    let mountings = [mounting(1, "2026-01-01T00:00:00Z", None)];
    // 1 November 2026 has 25 hours in Tijuana.
    let period = Period {
        from: date(2026, 10, 30),
        until: date(2026, 11, 4),
        starts_at: instant("2026-10-30T07:00:00Z"),
        ends_at: instant("2026-11-04T08:00:00Z"),
    };
    let readings = [
        taken(1, "2026-10-30T07:00:00Z", "10"),
        taken(1, "2026-10-31T07:00:00Z", "12"),
        taken(1, "2026-11-01T07:00:00Z", "15.5"),
        taken(1, "2026-11-02T08:00:00Z", "20"),
        taken(1, "2026-11-04T08:00:00Z", "30"),
    ];
    let served = served(&mountings);
    let registers = Registers::new(&served, &readings, Unit::KiloWh, &zone);
    let days = registers.daily(&period).unwrap();
    let used: Vec<_> = days
        .iter()
        .map(|day| {
            (
                day.date.day(),
                day.quantity.map(|quantity| quantity.to_string()),
            )
        })
        .collect();
    let known = |text: &str| Some(text.to_owned());
    assert_eq!(
        used,
        [
            (30, known("2")),
            (31, known("3.5")),
            (1, known("4.5")),
            (2, None),
            (3, None)
        ]
    );
}

#[test]
fn the_highest_power_is_of_believed_registers_times_the_multiplier() {
    let mut first = mounting(1, "2026-01-01T00:00:00Z", Some("2026-10-01T09:00:00Z"));
    first.multiplier = Decimal::TEN;
    let second = mounting(2, "2026-10-01T09:00:00Z", None);
    let (mountings, zone) = ([first, second], zone());
    let quarter = |device, at: &str, value| taken(device, &format!("2026-10-01T{at}:00Z"), value);
    let readings = [
        quarter(1, "07:00", "100"),
        quarter(1, "07:15", "100.2"),
        // Cannot be true: it came back.
        quarter(1, "07:30", "900000"),
        quarter(1, "07:45", "101"),
        quarter(1, "08:00", "101.5"),
        quarter(1, "08:15", "101.6"),
        // The device that came after it counts from elsewhere.
        quarter(2, "09:00", "5000"),
        quarter(2, "09:15", "5003"),
    ];
    let served = served(&mountings);
    let registers = Registers::new(&served, &readings, Unit::KiloWh, &zone);
    let peak = |until: &str| {
        let peak = registers.peak(instant(AT), instant(until), 15)?;
        Some((peak.power.to_string(), peak.from.to_string()))
    };
    let of = |power: &str, from: &str| Some((power.to_owned(), format!("2026-10-01T{from}:00Z")));
    assert_eq!(peak("2026-10-01T12:00:00Z"), of("20.000", "07:45"));
    assert_eq!(peak("2026-10-01T07:15:00Z"), of("8.000", "07:00"));
    assert_eq!(peak("2026-10-01T07:10:00Z"), None);
}
