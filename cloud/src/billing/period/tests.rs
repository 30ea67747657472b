//! Periods by table and by property: they tile the time line.

mod oracle;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::plan::cycle::{Cycle, Weekday};

fn plan(effective_from: Date, zone: &str, cutoff_day: i64) -> Plan {
    sent_at(effective_from, zone, cutoff_day, 7)
}

fn sent_at(effective_from: Date, zone: &str, cutoff_day: i64, send_hour: i64) -> Plan {
    Plan {
        send_hour: i8::try_from(send_hour).unwrap(),
        ..Plan::flat(
            effective_from,
            Zone::new(zone).unwrap(),
            Cycle::monthly(cutoff_day).unwrap(),
            "MXN".parse().unwrap(),
            Decimal::ONE,
        )
    }
}

fn written(period: &Period) -> String {
    format!("{}..{}", period.from, period.until)
}

fn instants(period: &Period) -> String {
    format!("{}..{}", period.starts_at, period.ends_at)
}

fn ending_in(year: i16, month: i8, plans: &[Plan]) -> Period {
    let first = date(year, month, 1);
    let earlier = first.checked_sub(40.days()).unwrap();
    let earlier = start_of_day(earlier, &plans[0].zone).unwrap();
    let mut period = period_containing(earlier, plans).unwrap();
    while period.until <= first {
        period = period_after(&period, plans).unwrap();
    }
    period
}

#[test]
fn a_cutoff_beyond_the_month_is_its_last_day_and_does_not_drift() {
    let february_and_march = [
        (1, 2026, "2026-01-02..2026-02-02", "2026-02-02..2026-03-02"),
        (15, 2026, "2026-01-16..2026-02-16", "2026-02-16..2026-03-16"),
        (27, 2026, "2026-01-28..2026-02-28", "2026-02-28..2026-03-28"),
        (28, 2026, "2026-01-29..2026-03-01", "2026-03-01..2026-03-29"),
        (29, 2026, "2026-01-30..2026-03-01", "2026-03-01..2026-03-30"),
        (31, 2026, "2026-02-01..2026-03-01", "2026-03-01..2026-04-01"),
        (28, 2028, "2028-01-29..2028-02-29", "2028-02-29..2028-03-29"),
        (29, 2028, "2028-01-30..2028-03-01", "2028-03-01..2028-03-30"),
        (30, 2028, "2028-01-31..2028-03-01", "2028-03-01..2028-03-31"),
        (31, 2028, "2028-02-01..2028-03-01", "2028-03-01..2028-04-01"),
    ];
    for (cutoff, year, february, march) in february_and_march {
        let plans = [plan(date(2020, 1, 1), "America/Mexico_City", cutoff)];
        assert_eq!(
            written(&ending_in(year, 2, &plans)),
            february,
            "cutoff {cutoff}"
        );
        assert_eq!(
            written(&ending_in(year, 3, &plans)),
            march,
            "cutoff {cutoff}"
        );
    }
}

#[test]
fn every_cutoff_ends_every_month_once_on_the_day_it_should() {
    for cutoff in 1..=31 {
        let plans = [plan(date(2020, 1, 1), "Etc/UTC", cutoff)];
        let mut period = ending_in(2023, 12, &plans);
        for n in 0..48 {
            let month = date(2024, 1, 1)
                .checked_add(jiff::Span::new().months(n))
                .unwrap();
            period = period_after(&period, &plans).unwrap();
            let last_day = i64::from(month.days_in_month());
            let day = month
                .with()
                .day(i8::try_from(cutoff.min(last_day)).unwrap())
                .build();
            assert_eq!(
                period.until.yesterday().unwrap(),
                day.unwrap(),
                "cutoff {cutoff}"
            );
            assert_eq!(Ok(period), period_containing(period.starts_at, &plans));
        }
    }
}

#[test]
fn a_period_starts_and_ends_with_local_days_whatever_the_clocks_do() {
    let table = [
        // A day of 23 and one of 25 hours.
        (
            "America/Tijuana",
            31,
            2026,
            3,
            "2026-03-01T08:00:00Z..2026-04-01T07:00:00Z",
        ),
        (
            "America/Tijuana",
            31,
            2026,
            11,
            "2026-11-01T07:00:00Z..2026-12-01T08:00:00Z",
        ),
        // Midnight is skipped: the day starts at one.
        (
            "America/Santiago",
            5,
            2026,
            9,
            "2026-08-06T04:00:00Z..2026-09-06T04:00:00Z",
        ),
        (
            "America/Havana",
            7,
            2026,
            3,
            "2026-02-08T05:00:00Z..2026-03-08T05:00:00Z",
        ),
        // Midnight comes twice: the day starts with the first.
        (
            "America/Havana",
            31,
            2026,
            10,
            "2026-10-01T04:00:00Z..2026-11-01T04:00:00Z",
        ),
        // The 30th does not exist: its start is that of the 31st.
        (
            "Pacific/Apia",
            29,
            2011,
            12,
            "2011-11-30T10:00:00Z..2011-12-30T10:00:00Z",
        ),
        (
            "Pacific/Apia",
            30,
            2011,
            12,
            "2011-12-01T10:00:00Z..2011-12-30T10:00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            30,
            2026,
            4,
            "2026-03-30T13:00:00Z..2026-04-30T13:30:00Z",
        ),
    ];
    for (zone, cutoff, year, month, expected) in table {
        let plans = [plan(date(2011, 1, 1), zone, cutoff)];
        let period = ending_in(year, month, &plans);
        assert_eq!(instants(&period), expected, "{zone}");
    }
}

#[test]
fn a_new_cutoff_counts_from_the_next_period() {
    let plans = [
        plan(date(2026, 1, 1), "America/Mexico_City", 31),
        plan(date(2026, 3, 10), "America/Mexico_City", 15),
        plan(date(2026, 4, 15), "America/Mexico_City", 20),
    ];
    let table = [
        (2, "2026-02-01..2026-03-01"),
        // March had begun by the old cutoff and ends by it.
        (3, "2026-03-01..2026-04-01"),
        (4, "2026-04-01..2026-04-16"),
    ];
    for (month, expected) in table {
        assert_eq!(written(&ending_in(2026, month, &plans)), expected);
    }
    // The third version counts from within the period that ended on 15 April; what is left to
    // its own cutoff is a short one.
    let april = ending_in(2026, 4, &plans);
    let short = period_after(&april, &plans).unwrap();
    let whole = period_after(&short, &plans).unwrap();
    assert_eq!(written(&short), "2026-04-16..2026-04-21");
    assert_eq!(written(&whole), "2026-04-21..2026-05-21");
    let on_the_first_day = [
        plans[0].clone(),
        plan(date(2026, 3, 1), "America/Mexico_City", 15),
    ];
    assert_eq!(
        written(&ending_in(2026, 3, &on_the_first_day)),
        "2026-03-01..2026-03-16"
    );
}

#[test]
fn a_new_zone_counts_from_the_next_period_and_one_instant_parts_them() {
    let plans = [
        plan(date(2026, 1, 1), "America/Tijuana", 31),
        plan(date(2026, 6, 10), "America/Cancun", 31),
    ];
    let june = ending_in(2026, 6, &plans);
    let july = ending_in(2026, 7, &plans);
    assert_eq!(
        instants(&june),
        "2026-06-01T07:00:00Z..2026-07-01T07:00:00Z"
    );
    assert_eq!(
        instants(&july),
        "2026-07-01T07:00:00Z..2026-08-01T05:00:00Z"
    );
    assert_eq!(
        plan_of(&june, &plans).unwrap().zone.name(),
        "America/Tijuana"
    );
    assert_eq!(
        plan_of(&july, &plans).unwrap().zone.name(),
        "America/Cancun"
    );
}

#[test]
fn a_day_that_is_over_before_it_began_makes_no_period() {
    let plans = [
        plan(date(2026, 1, 1), "Pacific/Pago_Pago", 31),
        plan(date(2026, 1, 20), "Pacific/Kiritimati", 1),
    ];
    let january = ending_in(2026, 1, &plans);
    let after = period_after(&january, &plans).unwrap();
    assert_eq!(after.starts_at, january.ends_at);
    // The 1st of February was over in the new zone before it began.
    assert_eq!(written(&after), "2026-02-01..2026-03-02");
    let inside = "2026-02-14T12:00:00Z".parse().unwrap();
    assert_eq!(period_containing(inside, &plans), Ok(after));
}

#[test]
fn months_and_weeks_are_counted_by_the_calendar() {
    let every = |months, ends_in, cutoff_day| Cycle::Month {
        cutoff_day,
        months,
        ends_in,
    };
    let week = |cutoff| Cycle::Week { cutoff };
    let table = [
        // Every two months, in the even ones and in the odd ones.
        (
            every(2, 2, 31),
            "2026-01-01..2026-03-01",
            "2026-03-01..2026-05-01",
        ),
        (
            every(2, 1, 15),
            "2026-01-16..2026-03-16",
            "2026-03-16..2026-05-16",
        ),
        (
            every(3, 12, 31),
            "2026-01-01..2026-04-01",
            "2026-04-01..2026-07-01",
        ),
        (
            every(12, 6, 30),
            "2025-07-01..2026-07-01",
            "2026-07-01..2027-07-01",
        ),
        // Five months do not fit into a year: they are counted from January 2000.
        (
            every(5, 1, 10),
            "2025-11-11..2026-04-11",
            "2026-04-11..2026-09-11",
        ),
        (
            week(Weekday::Sunday),
            "2026-02-09..2026-02-16",
            "2026-02-16..2026-02-23",
        ),
        (
            week(Weekday::Saturday),
            "2026-02-08..2026-02-15",
            "2026-02-15..2026-02-22",
        ),
    ];
    for (cycle, first, second) in table {
        let mut plans = [plan(date(2020, 1, 1), "America/Tijuana", 31)];
        plans[0].cycle = cycle;
        let at = "2026-02-14T20:00:00Z".parse().unwrap();
        let period = period_containing(at, &plans).unwrap();
        let after = period_after(&period, &plans).unwrap();
        assert_eq!(
            (written(&period).as_str(), written(&after).as_str()),
            (first, second)
        );
    }
}

#[test]
fn a_version_that_begins_a_period_ends_the_one_before_it_early() {
    let mut plans = [
        plan(date(2026, 1, 1), "America/Tijuana", 31),
        plan(date(2026, 3, 11), "America/Tijuana", 31),
    ];
    plans[1].begins_period = true;
    let february = ending_in(2026, 2, &plans);
    let until_the_move = period_after(&february, &plans).unwrap();
    let since = period_after(&until_the_move, &plans).unwrap();
    assert_eq!(written(&until_the_move), "2026-03-01..2026-03-11");
    assert_eq!(written(&since), "2026-03-11..2026-04-01");
    assert!(!plans[0].says_the_same_as(&plans[1]));
}

#[test]
fn the_first_period_runs_to_the_next_boundary() {
    let plans = [plan(date(2026, 1, 10), "America/Tijuana", 31)];
    let table = [
        (date(2026, 1, 11), "2026-01-11..2026-02-01"),
        (date(2026, 1, 31), "2026-01-31..2026-02-01"),
        (date(2026, 2, 1), "2026-02-01..2026-03-01"),
        (date(2026, 12, 31), "2026-12-31..2027-01-01"),
    ];
    for (from, expected) in table {
        assert_eq!(written(&first_period(from, &plans).unwrap()), expected);
    }
    assert_eq!(
        first_period(date(2026, 1, 1), &[]),
        Err(PeriodError::NoPlan)
    );
}

#[test]
fn an_invoice_goes_out_at_the_send_hour_of_the_day_after_the_cutoff() {
    let table = [
        ("America/Tijuana", 31, 7, 10, "2026-11-01T15:00:00Z"),
        ("America/Tijuana", 30, 7, 4, "2026-05-01T14:00:00Z"),
        // Two o'clock is skipped on 8 March.
        ("America/Tijuana", 7, 2, 3, "2026-03-08T10:00:00Z"),
        // One o'clock comes twice on 1 November: the first counts.
        ("America/Tijuana", 31, 1, 10, "2026-11-01T08:00:00Z"),
        ("America/Santiago", 5, 0, 9, "2026-09-06T04:00:00Z"),
        ("Asia/Tokyo", 28, 23, 2, "2026-03-01T14:00:00Z"),
    ];
    for (zone, cutoff, hour, month, expected) in table {
        let plans = [sent_at(date(2026, 1, 1), zone, cutoff, hour)];
        let sent = send_at(&ending_in(2026, month, &plans), &plans).unwrap();
        assert_eq!(sent.to_string(), expected, "{zone} {hour}");
    }
}

const ZONES: [&str; 8] = [
    "America/Tijuana",
    "America/Santiago",
    "America/Havana",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Europe/Madrid",
    "Etc/UTC",
];

fn any_cycle() -> impl Strategy<Value = Cycle> {
    let of_months = (1..=31_i8, 1..=12_i8, 1..=12_i8);
    let of_months = of_months.prop_map(|(cutoff_day, months, ends_in)| Cycle::Month {
        cutoff_day,
        months,
        ends_in,
    });
    let weekly = prop_oneof![
        Just(Weekday::Monday),
        Just(Weekday::Thursday),
        Just(Weekday::Sunday)
    ];
    prop_oneof![
        2 => (1..=31_i64).prop_map(|day| Cycle::monthly(day).unwrap()),
        1 => of_months,
        1 => weekly.prop_map(|cutoff| Cycle::Week { cutoff }),
    ]
}

fn any_plans() -> impl Strategy<Value = Vec<Plan>> {
    let version = (0..1500_i64, 0..ZONES.len(), any_cycle(), any::<bool>());
    proptest::collection::vec(version, 1..5).prop_map(|versions| {
        let mut plans: Vec<Plan> = versions
            .into_iter()
            .map(|(day, zone, cycle, begins_period)| Plan {
                cycle,
                begins_period,
                ..plan(
                    date(2009, 6, 1).checked_add(day.days()).unwrap(),
                    ZONES[zone],
                    1,
                )
            })
            .collect();
        plans.sort_by_key(|plan| plan.effective_from);
        plans.dedup_by_key(|plan| plan.effective_from);
        plans
    })
}

proptest! {
    #[test]
    fn periods_tile_the_time_line(
        plans in any_plans(),
        start in 0..1200_i64,
        seconds in 0..157_000_000_i64,
    ) {
        let from = date(2009, 7, 1).checked_add(jiff::Span::new().days(start)).unwrap();
        let mut period = first_period(from, &plans).unwrap();
        let instant = period
            .starts_at
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
        let mut holding = 0;
        while period.starts_at <= instant {
            prop_assert!(period.starts_at < period.ends_at && period.from < period.until);
            prop_assert!(send_at(&period, &plans).unwrap() >= period.ends_at);
            holding += usize::from(instant < period.ends_at);
            let next = period_after(&period, &plans).unwrap();
            prop_assert_eq!((period.until, period.ends_at), (next.from, next.starts_at));
            period = next;
        }
        prop_assert_eq!(holding, 1);
    }

    #[test]
    fn an_instant_is_in_one_period_wherever_the_walk_along_them_began(
        plans in any_plans(),
        seconds in 1_262_304_000..1_420_070_400_i64,
    ) {
        let instant = Timestamp::from_second(seconds).unwrap();
        let found = period_containing(instant, &plans).unwrap();
        let mut period = period_containing("2009-06-20T12:00:00Z".parse().unwrap(), &plans).unwrap();
        while period.ends_at <= instant {
            period = period_after(&period, &plans).unwrap();
        }
        prop_assert_eq!(period, found);
    }
}
