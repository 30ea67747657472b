//! Checks of a period against its history, and of registers that stand still.

use super::*;

/// The month before, at so much in all of its 30 days; October is 310 kWh.
pub(super) fn after_september(case: &mut Case, measured: &str) {
    case.past = vec![past(date(2026, 9, 1), date(2026, 10, 1), measured)];
}

#[test]
fn daily_use_against_as_many_days_before_and_against_last_year() {
    check_rows(&[
        ("twice", |case| after_september(case, "150"), &[]),
        ("more", |case| after_september(case, "149.9"), &["high"]),
        ("half", |case| after_september(case, "600"), &[]),
        ("less", |case| after_september(case, "600.1"), &["low"]),
        (
            "a history of nothing",
            |case| after_september(case, "0"),
            &[],
        ),
        (
            "a history of six days",
            |case| case.past = vec![past(date(2026, 9, 25), date(2026, 10, 1), "1")],
            &[],
        ),
        (
            "a history of seven",
            |case| case.past = vec![past(date(2026, 9, 24), date(2026, 10, 1), "1")],
            &["high"],
        ),
        (
            "in another unit",
            |case| {
                after_september(case, "1");
                case.past[0].unit = Unit::MegaWh;
            },
            &["unit_changed"],
        ),
        (
            "last year, a day too far from a year before",
            |case| {
                after_september(case, "300");
                let old = past(date(2025, 9, 15), date(2025, 10, 15), "100");
                case.past.push(old);
            },
            &[],
        ),
        (
            "last year, near enough",
            |case| {
                after_september(case, "300");
                let old = past(date(2025, 9, 16), date(2025, 10, 16), "100");
                case.past.push(old);
            },
            &["high"],
        ),
    ]);
}

#[test]
fn a_history_is_as_long_as_what_is_compared_with_it() {
    let mut case = october();
    let weeks = [(24, 1, "70"), (17, 24, "70"), (10, 17, "70"), (3, 10, "70")];
    case.past = weeks
        .map(|(from, until, measured)| {
            let month = if until == 1 { 10 } else { 9 };
            past(date(2026, 9, from), date(2026, month, until), measured)
        })
        .to_vec();
    case.past
        .push(past(date(2026, 8, 27), date(2026, 9, 3), "700"));
    case.past
        .push(past(date(2026, 8, 20), date(2026, 8, 27), "70000"));
    let found = case.found();
    let [Finding::Low { usual, now }] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((usual.from, usual.until), (date(2026, 8, 27), FROM));
    assert_eq!((usual.quantity, usual.days), (number("980"), 35));
    assert_eq!((now.quantity, now.days), (number("310"), 31));
}

/// October with so many days without use up to its end.
fn still_for(days: usize) -> Vec<&'static str> {
    let mut uses = vec!["10"; 31 - days];
    uses.extend(vec!["0"; days]);
    uses
}

#[test]
fn registers_that_stand_still() {
    check_rows(&[
        ("two days at the end", |case| case.uses(&still_for(2)), &[]),
        (
            "three days at the end",
            |case| case.uses(&still_for(3)),
            &["stuck"],
        ),
        (
            "six days in between",
            |case| {
                let mut days = ["10"; 31];
                days[10..16].fill("0");
                case.uses(&days);
            },
            &[],
        ),
        (
            "seven days in between",
            |case| {
                let mut days = ["10"; 31];
                days[10..17].fill("0");
                case.uses(&days);
            },
            &["zero"],
        ),
        (
            "a week of which two days were not read",
            |case| {
                let mut days = ["10"; 31];
                days[10..17].fill("0");
                case.uses(&days);
                case.checks.missing_days = 0;
                case.unread(13);
                case.unread(14);
            },
            &["zero"],
        ),
        (
            "empty all along: nobody is there",
            |case| case.uses(&["0"; 31]),
            &["zero"],
        ),
        (
            "empty after a month of use",
            |case| {
                case.checks.low_percent = Decimal::ZERO;
                case.uses(&["0"; 31]);
                after_september(case, "300");
            },
            &["stuck"],
        ),
        (
            "weekends off: it does not move every day",
            |case| {
                let mut days = ["10"; 31];
                for week in days.chunks_mut(7) {
                    let off = week.len().min(2);
                    week[..off].fill("0");
                }
                days[28..].fill("0");
                case.uses(&days);
            },
            &[],
        ),
    ]);
}
