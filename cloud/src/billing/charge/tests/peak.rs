//! The highest power: of what is known, and nothing of what is not.

use jiff::{SignedDuration, Timestamp};

use crate::billing::charge::{Register, highest};
use crate::billing::sample::number;

fn start() -> Timestamp {
    "2026-10-01T06:00:00Z".parse().unwrap()
}

/// The highest power of an hour, in intervals of 15 minutes, and the seconds of its ends.
fn power(read: &[(i64, &str)]) -> Option<(String, i64, i64)> {
    let register = |(seconds, energy): &(i64, &str)| Register {
        at: start() + SignedDuration::from_secs(*seconds),
        energy: number(energy),
    };
    let registers: Vec<Register> = read.iter().map(register).collect();
    let until = start() + SignedDuration::from_hours(1);
    let peak = highest(&registers, start(), until, 15)?;
    let since = |at: Timestamp| at.duration_since(start()).as_secs();
    Some((peak.power.to_string(), since(peak.from), since(peak.until)))
}

#[test]
fn the_highest_mean_of_an_interval_is_found_from_registers_near_its_ends() {
    // 2, 5, 3 and 5 kWh in a quarter of an hour each: the first of the highest.
    let exact = [
        (0, "100"),
        (900, "102"),
        (1800, "107"),
        (2700, "110"),
        (3600, "115"),
    ];
    assert_eq!(power(&exact), Some(("20.000".to_owned(), 900, 1800)));
    // A minute early: the mean is over the time that the readings are apart.
    let early = [
        (0, "100"),
        (840, "101"),
        (1800, "102"),
        (2700, "102"),
        (3600, "102"),
    ];
    assert_eq!(power(&early), Some(("4.286".to_owned(), 0, 840)));
}

#[test]
fn an_interval_with_a_gap_or_a_fall_has_no_power() {
    // Nothing near 1800 s: neither the interval before it counts nor the one after.
    let gap = [(0, "100"), (900, "101"), (2700, "900"), (3600, "902")];
    assert_eq!(power(&gap), Some(("8.000".to_owned(), 2700, 3600)));
    let fall = [(0, "100"), (900, "1"), (1800, "2")];
    assert_eq!(power(&fall), Some(("4.000".to_owned(), 900, 1800)));
    assert_eq!(power(&[]), None);
    assert_eq!(power(&[(0, "1")]), None);
}
