//! What is kept and what is set apart.

use common::id::{AccountId, DeviceId, GatewayId, MeterId};
use common::profile::Library;
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::unit::Unit;
use jiff::{Timestamp, ToSpan};

use super::{Known, TEXT_CHARACTERS_MAX, newest_good};
use crate::site::{Device, Mounting};

const DEVICE: DeviceId = DeviceId(7);

fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

fn reading() -> Reading {
    Reading {
        since_boot: None,
        seal: None,
        seq: 1,
        at: now(),
        clock: ClockTrust::Trusted,
        device: DEVICE,
        point: "energy_import".to_owned(),
        quantity: Some(Quantity::from_count(1234, 2, Unit::KiloWh).unwrap()),
        suspect: None,
        raw: "4145 70a4".to_owned(),
        profile: "eastron-sdm120@00000000".to_owned(),
        closes: None,
    }
}

fn device(profile: &str) -> Device {
    Device {
        account: AccountId(1),
        id: DEVICE,
        gateway: GatewayId(2),
        profile: profile.to_owned(),
        bus: "main".to_owned(),
        unit_id: 1,
        serial_number: String::new(),
        poll_period_s: 60,
    }
}

fn fault_of(profile: &str, reading: Reading) -> Option<String> {
    let library = Library::shipped();
    let known = Known {
        devices: [(DEVICE, device(profile))].into(),
        profiles: &library,
        now: now(),
    };
    let sorted = known.sort(vec![reading]);
    assert_eq!(sorted.good.len() + sorted.refused.len(), 1);
    let (_, rejection) = sorted.refused.into_iter().next()?;
    Some(rejection.reason)
}

#[test]
fn what_no_bill_could_rest_on_is_set_apart_with_its_reason() {
    type Change = fn(&mut Reading);
    let table: [(Change, &str); 11] = [
        (|r| r.device = DeviceId(8), "none of this gateway's devices"),
        (|r| r.at += 25.hours(), "it is dated 2026-11-02T13:00:00Z"),
        (
            |r| (r.at, r.clock) = (r.at + 25.hours(), ClockTrust::Dated),
            "it is dated 2026-11-02T13:00:00Z",
        ),
        (|r| r.point = "energy".to_owned(), "has no point 'energy'"),
        (
            |r| r.profile = "abb-b23@1".to_owned(),
            "decoded by profile 'abb-b23'",
        ),
        (
            |r| r.quantity = None,
            "both a value and a doubt, or neither",
        ),
        (
            |r| r.suspect = Some("zero".to_owned()),
            "both a value and a doubt",
        ),
        (|r| r.raw = "\0".to_owned(), "control characters"),
        (|r| r.point = "a\nb".to_owned(), "control characters"),
        (|r| r.raw = "x".repeat(TEXT_CHARACTERS_MAX + 1), "too long"),
        (
            |r| r.quantity = Some(Quantity::from_count(1, 0, Unit::CubicMetre).unwrap()),
            "does not count in m3",
        ),
    ];
    for (change, reason) in table {
        let mut wrong = reading();
        change(&mut wrong);
        let found = fault_of("eastron-sdm120", wrong).unwrap_or_default();
        assert!(found.contains(reason), "'{found}' is not '{reason}'");
    }
}

#[test]
fn what_is_odd_but_honest_is_kept() {
    let fine = reading();
    let late = Reading {
        at: "1970-01-01T00:05:00Z".parse().unwrap(),
        clock: ClockTrust::Untrusted,
        ..reading()
    };
    let ahead = Reading {
        at: now() + 23.hours(),
        ..reading()
    };
    let doubtful = Reading {
        quantity: None,
        suspect: Some("not a number".to_owned()),
        ..reading()
    };
    for good in [fine, late, ahead, doubtful] {
        assert_eq!(fault_of("eastron-sdm120", good), None);
    }
    let local = Reading {
        profile: "my-own@1".to_owned(),
        point: "anything".to_owned(),
        ..reading()
    };
    assert_eq!(fault_of("my-own", local), None);
}

#[test]
fn only_good_readings_of_the_billing_point_say_that_a_meter_lives() {
    let meter = MeterId(3);
    let end = now() + 1.hour();
    let mounting = Mounting {
        meter,
        device: DEVICE,
        point: "energy_import".to_owned(),
        from: now(),
        until: Some(end),
        opening: None,
        closing: None,
        multiplier: rust_decimal::Decimal::ONE,
        rolls_over_at: None,
        max_rate: None,
    };
    let at = |at: Timestamp| Reading { at, ..reading() };
    let inside = now() + 10.minutes();
    let readings = [
        at(now() - 1.minute()),
        at(inside),
        at(now()),
        at(end),
        Reading {
            point: "power".to_owned(),
            ..at(now() + 20.minutes())
        },
        Reading {
            clock: ClockTrust::Untrusted,
            ..at(now() + 30.minutes())
        },
        Reading {
            quantity: None,
            ..at(now() + 40.minutes())
        },
    ];
    let newest = newest_good(&readings, std::slice::from_ref(&mounting));
    assert_eq!(newest, [(meter, inside)].into());
    for clock in [ClockTrust::Dated, ClockTrust::Simulated] {
        let reading = Reading {
            clock,
            ..at(inside)
        };
        let newest = newest_good(&[reading], std::slice::from_ref(&mounting));
        assert_eq!(newest, [(meter, inside)].into(), "{clock:?}");
    }
}
