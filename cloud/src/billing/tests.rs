//! An invoice from readings and plan, as a whole.

mod torture;

use common::id::{DeviceId, Epoch, GatewayId, MeterId};
use common::quantity::Quantity;
use common::reading::Reading;
use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::consumption::Taken;
use super::invoice::LineKind;
use super::period::first_period;
use super::*;
use crate::plan::Cycle;
use crate::site::{Mounting, Zone};
use rust_decimal::Decimal;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn plan(effective_from: Date, price: &str) -> Plan {
    Plan::flat(
        effective_from,
        Zone::new("America/Tijuana").unwrap(),
        Cycle::monthly(31).unwrap(),
        "MXN".parse().unwrap(),
        decimal(price),
    )
}

fn mounting(device: i64, from: &str, until: Option<&str>) -> Mounting {
    Mounting {
        meter: MeterId(1),
        device: DeviceId(device),
        point: "energy_import".to_owned(),
        from: from.parse().unwrap(),
        until: until.map(|until| until.parse().unwrap()),
        opening: None,
        closing: None,
        multiplier: Decimal::ONE,
        rolls_over_at: None,
        max_rate: None,
    }
}

fn taken(device: i64, at: &str, value: &str, clock: ClockTrust) -> Taken {
    let at: Timestamp = at.parse().unwrap();
    Taken {
        gateway: GatewayId(1),
        epoch: Epoch(1),
        reading: Reading {
            since_boot: None,
            seal: None,
            seq: 1,
            at,
            clock,
            device: DeviceId(device),
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::new(decimal(value), Unit::KiloWh).unwrap()),
            suspect: None,
            raw: "0000".to_owned(),
            profile: "p@1".to_owned(),
            closes: None,
        },
    }
}

/// Through the end of daylight saving time: 30 days and one hour.
fn november() -> Period {
    let plans = [plan(date(2026, 1, 1), "3")];
    first_period(date(2026, 11, 1), &plans).unwrap()
}

fn readings() -> Vec<Taken> {
    [
        ("2026-11-01T07:00:01Z", "12345.6"),
        ("2026-11-15T08:00:01Z", "12445.6"),
        ("2026-12-01T08:00:01Z", "12690.4"),
    ]
    .map(|(at, value)| taken(1, at, value, ClockTrust::Trusted))
    .to_vec()
}

fn mounted() -> [Mounting; 1] {
    [mounting(1, "2026-01-01T00:00:00Z", None)]
}

fn closed(
    period: &Period,
    plans: &[Plan],
    unit: Unit,
    mountings: &[Mounting],
    readings: &[Taken],
) -> Result<Statement, CloseError> {
    sample::close(period, plans, unit, mountings, readings).map(|(statement, _)| statement)
}

#[test]
fn a_period_is_billed_from_the_registers_at_its_two_ends() {
    let plans = [plan(date(2026, 1, 1), "3")];
    let statement = closed(&november(), &plans, Unit::KiloWh, &mounted(), &readings()).unwrap();
    assert_eq!(statement.charge.measured, decimal("344.8"));
    assert_eq!(statement.charge.total, decimal("1034.40"));
    assert_eq!(
        statement.segments.first().opening.register.value(),
        decimal("12345.6")
    );
    assert_eq!(
        statement.segments.last().closing.register.value(),
        decimal("12690.4")
    );
    assert!(statement.segments.later().is_empty() && !statement.simulated);
    let without_the_middle = [readings()[0].clone(), readings()[2].clone()];
    let same = closed(
        &november(),
        &plans,
        Unit::KiloWh,
        &mounted(),
        &without_the_middle,
    );
    assert_eq!(same, Ok(statement));
}

#[test]
fn a_new_price_within_the_period_makes_two_lines_at_its_register() {
    let plans = [
        plan(date(2026, 1, 1), "3"),
        plan(date(2026, 11, 15), "3.333"),
    ];
    let statement = closed(&november(), &plans, Unit::KiloWh, &mounted(), &readings()).unwrap();
    let lines: Vec<_> = statement
        .charge
        .lines
        .iter()
        .map(|line| {
            (
                line.kind,
                line.from.day(),
                line.until.day(),
                line.amount.to_string(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (LineKind::Consumption, 1, 15, "300.00".to_owned()),
            (LineKind::Consumption, 15, 1, "815.92".to_owned()),
        ]
    );
    assert_eq!(statement.charge.total, decimal("1115.92"));
    assert_eq!(statement.segments.later().len(), 1);
    let without_the_middle = [readings()[0].clone(), readings()[2].clone()];
    let held = closed(
        &november(),
        &plans,
        Unit::KiloWh,
        &mounted(),
        &without_the_middle,
    );
    let missing = Hold::ReadingMissing {
        date: date(2026, 11, 15),
        at: "2026-11-15T08:00:00Z".parse().unwrap(),
    };
    assert_eq!(held, Err(CloseError::Hold(missing)));
}

#[test]
fn what_keeps_a_period_from_its_invoice_is_said_and_read_back() {
    let plans = [plan(date(2026, 1, 1), "3")];
    let exchanged = [
        mounting(1, "2026-01-01T00:00:00Z", Some("2026-11-10T00:00:00Z")),
        mounting(2, "2026-11-10T00:00:00Z", None),
    ];
    let late = [mounting(1, "2026-11-10T00:00:00Z", None)];
    let mut fallen = readings();
    fallen[2] = taken(1, "2026-12-01T08:00:01Z", "3.5", ClockTrust::Trusted);
    let mut both = readings();
    both.push(taken(
        2,
        "2026-12-01T08:00:01Z",
        "13000",
        ClockTrust::Trusted,
    ));
    let table = [
        (
            &mounted()[..],
            readings()[..2].to_vec(),
            Unit::KiloWh,
            "reading_missing",
        ),
        (&mounted()[..], fallen, Unit::KiloWh, "register_fell"),
        (&mounted()[..], readings(), Unit::MegaWh, "unit_differs"),
        (&exchanged[..], both, Unit::KiloWh, "device_changed"),
        (&late[..], readings(), Unit::KiloWh, "no_device"),
    ];
    for (mountings, readings, unit, expected) in table {
        let held = closed(&november(), &plans, unit, mountings, &readings);
        let Err(CloseError::Hold(hold)) = held else {
            panic!("{expected}: {held:?}");
        };
        let json = hold.to_json();
        assert!(json.contains(&format!("\"hold\":\"{expected}\"")), "{json}");
        assert_eq!(Hold::from_json(&json), Some(hold));
    }
}

#[test]
fn an_invented_reading_marks_what_it_decides() {
    let plans = [plan(date(2026, 1, 1), "3")];
    let mut readings = readings();
    readings[0].reading.clock = ClockTrust::Simulated;
    let statement = closed(&november(), &plans, Unit::KiloWh, &mounted(), &readings).unwrap();
    assert!(statement.simulated);
}

#[test]
fn a_reading_that_was_dated_afterwards_decides_and_one_that_never_was_does_not() {
    let plans = [plan(date(2026, 1, 1), "3")];
    let close = |clock| {
        let mut readings = readings();
        readings[0].reading.clock = clock;
        closed(&november(), &plans, Unit::KiloWh, &mounted(), &readings)
    };
    let statement = close(ClockTrust::Dated).unwrap();
    assert!(statement.segments.rest_on(ClockTrust::Dated));
    assert!(!statement.simulated);
    let held = close(ClockTrust::Untrusted);
    let missing = matches!(held, Err(CloseError::Hold(Hold::ReadingMissing { .. })));
    assert!(missing, "{held:?}");
}
