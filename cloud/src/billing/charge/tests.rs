//! Charges by table: price, minimum, and the one rounding.

use jiff::civil::date;

use super::*;
use crate::billing::sample;
use crate::plan::Cycle;
use crate::plan::tariff::Minimum;
use crate::site::Zone;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn period() -> Period {
    Period {
        from: date(2026, 10, 1),
        until: date(2026, 11, 1),
        starts_at: "2026-10-01T06:00:00Z".parse().unwrap(),
        ends_at: "2026-11-01T06:00:00Z".parse().unwrap(),
    }
}

fn plan(effective_from: Date, price: &str, currency: &str, minimum: &str) -> Plan {
    Plan {
        minimum: Minimum {
            quantity: decimal(minimum),
            ..Minimum::default()
        },
        ..Plan::flat(
            effective_from,
            Zone::new("America/Mexico_City").unwrap(),
            Cycle::monthly(31).unwrap(),
            currency.parse().unwrap(),
            decimal(price),
        )
    }
}

/// One segment from the start of the period to its end.
fn used(quantity: &str) -> Segments {
    let boundary = |day| sample::boundary(day, "0", common::unit::Unit::KiloWh);
    let mut segment = sample::segment(boundary(period().from), boundary(period().until));
    segment.quantity = decimal(quantity);
    Segments::try_from(vec![segment]).unwrap()
}

fn charged(quantity: &str, price: &str, currency: &str, minimum: &str) -> Charge {
    let plans = [plan(date(2026, 1, 1), price, currency, minimum)];
    charge(&period(), &used(quantity), &plans).unwrap()
}

#[test]
fn a_line_is_rounded_once_to_the_currency_halves_away_from_zero() {
    let table = [
        ("344.8", "3.00", "MXN", "1034.40"),
        ("1", "0.005", "MXN", "0.01"),
        ("1", "0.004999", "MXN", "0.00"),
        ("3", "0.335", "MXN", "1.01"),
        ("2.5", "1", "CLP", "3"),
        ("3.5", "1", "CLP", "4"),
        ("0", "3.50", "MXN", "0.00"),
        ("9999999999.123456789", "1.000001", "USD", "10000009999.12"),
    ];
    for (quantity, price, currency, total) in table {
        let charge = charged(quantity, price, currency, "0");
        assert_eq!(
            charge.total.to_string(),
            total,
            "{quantity} × {price} {currency}"
        );
        assert_eq!(charge.lines.len(), 1);
    }
}

#[test]
fn what_is_missing_to_the_minimum_is_a_line_of_its_own() {
    let charge = charged("30.004", "3.335", "MXN", "100");
    assert_eq!(charge.measured, decimal("30.004"));
    assert_eq!(charge.billed, decimal("100"));
    let lines: Vec<_> = charge
        .lines
        .iter()
        .map(|line| {
            (
                line.kind,
                line.quantity.to_string(),
                line.amount.to_string(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (
                LineKind::Consumption,
                "30.004".to_owned(),
                "100.06".to_owned()
            ),
            (LineKind::Minimum, "69.996".to_owned(), "233.44".to_owned()),
        ]
    );
    // The total is the sum of the lines: 333.50, as it happens also 100 × 3.335.
    assert_eq!(charge.total, decimal("333.50"));
    assert_eq!(charged("100", "3", "MXN", "100").lines.len(), 1);
}

#[test]
fn a_new_price_counts_from_its_date_a_new_minimum_or_currency_from_the_next_period() {
    let plans = [
        plan(date(2026, 1, 1), "3", "MXN", "10"),
        plan(date(2026, 10, 10), "4", "MXN", "99"),
        plan(date(2026, 10, 15), "4", "MXN", "99"),
        plan(date(2026, 10, 20), "0.2", "USD", "99"),
        plan(date(2026, 11, 1), "5", "MXN", "99"),
    ];
    let within = plans_within(&period(), &plans);
    assert!(within.iter().all(|plan| plan.currency.code() == "MXN"));
    assert_eq!(within[0].minimum.quantity, decimal("10"));
    assert_eq!(within[0].flat_price(), Some(decimal("3")));
    assert_eq!(price_changes(&within), [date(2026, 10, 10)]);
    // A first version that is younger than the period counts for all of it.
    let late = [plan(date(2026, 10, 5), "7", "MXN", "0")];
    let within = plans_within(&period(), &late);
    assert_eq!(within, late);
    assert!(price_changes(&within).is_empty());
}

#[test]
fn what_cannot_be_exact_is_refused() {
    let plans = [plan(date(2026, 1, 1), "1.000001", "MXN", "0")];
    let much = used("7922816251426433759354395033.3");
    assert_eq!(charge(&period(), &much, &plans), Err(Hold::TooManyDigits));
}
