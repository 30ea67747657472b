//! Charges: the one rounding by table, worked examples, and what holds of every charge.

mod bounds;
mod examples;
mod peak;
mod switches;

use jiff::civil::date;

use super::*;
use crate::billing::sample::number;

#[test]
fn an_amount_is_rounded_once_halves_away_from_zero_and_never_through_an_inexact_step() {
    // quantity, price, per, days of days, decimals, amount
    let table = [
        ("344.8", "3.00", "1", (1, 1), 2, "1034.40"),
        ("1", "0.005", "1", (1, 1), 2, "0.01"),
        ("-1", "0.005", "1", (1, 1), 2, "-0.01"),
        ("1", "0.004999", "1", (1, 1), 2, "0.00"),
        ("-1", "0.004999", "1", (1, 1), 2, "0.00"),
        ("3", "0.335", "1", (1, 1), 2, "1.01"),
        ("2.5", "1", "1", (1, 1), 0, "3"),
        ("-2.5", "1", "1", (1, 1), 0, "-3"),
        ("2.4", "1", "1", (1, 1), 0, "2"),
        // A third of 3.015 is exactly 1.005; by way of 0.333… it would be a little less.
        ("1", "3.015", "1", (1, 3), 2, "1.01"),
        ("1", "0.03", "6", (1, 1), 2, "0.01"),
        ("1", "0.03", "6.0000001", (1, 1), 2, "0.00"),
        ("40000", "6.15", "1000", (1, 1), 2, "246.00"),
        ("100", "9.75", "1", (348, 365), 2, "929.59"),
        ("1.055", "16", "100", (1, 1), 2, "0.17"),
        (
            "9999999999.123456789",
            "1.000001",
            "1",
            (1, 1),
            2,
            "10000009999.12",
        ),
        ("0", "3.50", "1", (1, 1), 2, "0.00"),
    ];
    for (quantity, price, per, (days, of), decimals, amount) in table {
        let share = (of != 1).then_some(crate::billing::invoice::Share { days, of });
        let found = rounded(
            number(quantity),
            number(price),
            number(per),
            share,
            decimals,
        );
        let found = found.map(|amount| amount.to_string());
        assert_eq!(
            found.as_deref(),
            Some(amount),
            "{quantity} × {price} ÷ {per} × {days}/{of}"
        );
    }
}

#[test]
fn what_cannot_be_exact_or_has_no_divisor_comes_to_nothing() {
    let most = Decimal::MAX;
    let one = Decimal::ONE;
    assert_eq!(rounded(most, most, one, None, 2), None);
    assert_eq!(rounded(most, one, one, None, 2), None);
    assert_eq!(rounded(one, one, Decimal::ZERO, None, 2), None);
    let of_no_days = Some(crate::billing::invoice::Share { days: 1, of: 0 });
    assert_eq!(rounded(one, one, one, of_no_days, 2), None);
}

#[test]
fn a_full_period_is_that_of_the_cycle_in_which_the_period_begins() {
    use crate::plan::Cycle;
    let days = |from, until, cycle| {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        full_days(
            &Period {
                from,
                until,
                starts_at: at,
                ends_at: at,
            },
            cycle,
        )
    };
    let month = |cutoff_day, months, ends_in| Cycle::Month {
        cutoff_day,
        months,
        ends_in,
    };
    let table = [
        (date(2026, 10, 1), date(2026, 11, 1), month(31, 1, 1), 31),
        (date(2026, 10, 20), date(2026, 11, 1), month(31, 1, 1), 31),
        (date(2026, 2, 10), date(2026, 3, 1), month(31, 1, 1), 28),
        (date(2026, 2, 28), date(2026, 3, 1), month(31, 1, 1), 28),
        // Cutoff on the 15th: from the 16th to the next.
        (date(2026, 10, 20), date(2026, 11, 16), month(15, 1, 1), 31),
        (date(2026, 10, 10), date(2026, 10, 16), month(15, 1, 1), 30),
        // Cutoff on the 30th: the period that begins on 1 March ends on 30 March.
        (date(2026, 3, 5), date(2026, 3, 31), month(30, 1, 1), 30),
        // Two months, ending in even ones.
        (date(2026, 9, 1), date(2026, 11, 1), month(31, 2, 12), 61),
        (date(2026, 10, 15), date(2026, 11, 1), month(31, 2, 12), 61),
        (date(2026, 1, 1), date(2026, 2, 1), month(31, 12, 12), 365),
        (
            date(2026, 10, 14),
            date(2026, 10, 19),
            Cycle::Week {
                cutoff: crate::plan::cycle::Weekday::Sunday,
            },
            7,
        ),
    ];
    for (from, until, cycle, full) in table {
        assert_eq!(
            days(from, until, cycle),
            full,
            "{from} to {until}, {cycle:?}"
        );
    }
}
