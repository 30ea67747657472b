//! Switches: at which instants another price begins, where the clock is set back and forward.

use jiff::civil::{Date, Time, date};

use crate::billing::charge::switches;
use crate::billing::sample::number;
use crate::plan::tariff::{Band, Calendar, Rate, Season, Switch};
use crate::plan::{Cycle, Plan};
use crate::site::Zone;

fn day(switches: &[(i8, i8, usize)]) -> Vec<Switch> {
    let switch = |(hour, minute, band): &(i8, i8, usize)| Switch {
        at: Time::new(*hour, *minute, 0, 0).unwrap(),
        band: *band,
    };
    switches.iter().map(switch).collect()
}

fn flat(zone: &str, from: Date, price: &str) -> Plan {
    let zone = Zone::new(zone).unwrap();
    let (cycle, currency) = (Cycle::monthly(31).unwrap(), "USD".parse().unwrap());
    Plan::flat(from, zone, cycle, currency, number(price))
}

/// A price by the hour.
fn hourly(zone: &str, workday: Vec<Switch>, sunday: Vec<Switch>, holidays: &[Date]) -> Plan {
    let band = |name: &str| Band {
        name: name.to_owned(),
        price: number("1"),
    };
    let season = Season {
        month: 1,
        day: 1,
        workday,
        saturday: sunday.clone(),
        sunday,
    };
    let mut plan = flat(zone, date(2011, 1, 1), "1");
    plan.tariff.rate = Rate::TimeOfUse {
        bands: vec![band("low"), band("high")],
        calendar: Calendar {
            seasons: vec![season],
            holidays: holidays.to_vec(),
        },
    };
    plan.check().unwrap();
    plan
}

fn found(plans: &[Plan], from: Date, until: Date) -> Vec<String> {
    let switches = switches(from, until, plans, &plans[0].zone).unwrap();
    switches.iter().map(ToString::to_string).collect()
}

/// The switches of one date, where every day has the same.
fn on(zone: &str, switches: &[(i8, i8, usize)], date: Date) -> Vec<String> {
    let plan = hourly(zone, day(switches), day(switches), &[]);
    found(&[plan], date, date.tomorrow().unwrap())
}

#[test]
fn weekends_and_holidays_and_midnights_of_one_band_need_no_switch() {
    let workday = day(&[(0, 0, 0), (7, 0, 1), (19, 0, 0)]);
    let holiday = date(2026, 7, 2);
    let plan = hourly("America/Toronto", workday, day(&[(0, 0, 0)]), &[holiday]);
    // Wednesday to the Wednesday after: Thursday is a holiday, then a weekend.
    let expected = [
        "2026-07-01T11:00:00Z",
        "2026-07-01T23:00:00Z",
        "2026-07-03T11:00:00Z",
        "2026-07-03T23:00:00Z",
        "2026-07-06T11:00:00Z",
        "2026-07-06T23:00:00Z",
        "2026-07-07T11:00:00Z",
        "2026-07-07T23:00:00Z",
    ];
    assert_eq!(found(&[plan], date(2026, 7, 1), date(2026, 7, 8)), expected);
}

#[test]
fn a_time_that_comes_twice_counts_the_first_time_and_one_that_does_not_come_right_after() {
    let new_york = "America/New_York";
    // Set back at 02:00 to 01:00: 01:30 comes at 05:30 and at 06:30 UTC.
    let twice = on(
        new_york,
        &[(0, 0, 0), (1, 30, 1), (3, 0, 0)],
        date(2026, 11, 1),
    );
    assert_eq!(twice, ["2026-11-01T05:30:00Z", "2026-11-01T08:00:00Z"]);
    // Set forward at 02:00 to 03:00: 02:30 does not come.
    let skipped = on(
        new_york,
        &[(0, 0, 0), (2, 30, 1), (12, 0, 0)],
        date(2026, 3, 8),
    );
    assert_eq!(skipped, ["2026-03-08T07:00:00Z", "2026-03-08T16:00:00Z"]);
    // A band that would begin and end within what is skipped never holds; midnight ends
    // the one that began at noon on the day before.
    let within = [(0, 0, 0), (2, 15, 1), (2, 45, 0), (12, 0, 1)];
    let swallowed = on(new_york, &within, date(2026, 3, 8));
    assert_eq!(swallowed, ["2026-03-08T05:00:00Z", "2026-03-08T16:00:00Z"]);
    // This midnight is skipped.
    let santiago = on(
        "America/Santiago",
        &[(0, 0, 1), (6, 0, 0)],
        date(2026, 9, 6),
    );
    assert_eq!(santiago, ["2026-09-06T04:00:00Z", "2026-09-06T09:00:00Z"]);
    // This clock moves by half an hour.
    let half = [(0, 0, 0), (2, 15, 1), (4, 0, 0)];
    let lord_howe = on("Australia/Lord_Howe", &half, date(2026, 10, 4));
    assert_eq!(lord_howe, ["2026-10-03T15:30:00Z", "2026-10-03T17:00:00Z"]);
}

#[test]
fn the_switches_of_a_day_that_does_not_come_fall_together_with_the_next_days_start() {
    let switches = day(&[(0, 0, 0), (6, 0, 1), (18, 0, 0)]);
    let apia = hourly("Pacific/Apia", switches.clone(), switches, &[]);
    let expected = [
        "2011-12-29T16:00:00Z",
        "2011-12-30T04:00:00Z",
        "2011-12-30T16:00:00Z",
        "2011-12-31T04:00:00Z",
    ];
    let jump = found(&[apia], date(2011, 12, 29), date(2012, 1, 1));
    assert_eq!(jump, expected);
}

#[test]
fn a_new_tariff_switches_at_the_start_of_its_day_and_one_that_says_the_same_does_not() {
    let zone = "America/Mexico_City";
    let mut same = flat(zone, date(2026, 10, 15), "4");
    same.send_hour = 9;
    let plans = [
        flat(zone, date(2026, 1, 1), "3"),
        flat(zone, date(2026, 10, 10), "4"),
        same,
        flat(zone, date(2026, 10, 20), "3"),
    ];
    let found = found(&plans, date(2026, 10, 1), date(2026, 11, 1));
    assert_eq!(found, ["2026-10-10T06:00:00Z", "2026-10-20T06:00:00Z"]);
}
