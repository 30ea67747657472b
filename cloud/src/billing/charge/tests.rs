//! Charges by table: price, minimum, and the one rounding.

use jiff::civil::date;

use super::*;
use crate::plan::Terms;
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
    Plan::new(Terms {
        effective_from,
        zone: Zone::new("America/Mexico_City").unwrap(),
        cutoff_day: 31,
        price: decimal(price),
        currency: currency.parse().unwrap(),
        minimum: decimal(minimum),
        send_hour: 7,
    })
    .unwrap()
}

fn charged(quantity: &str, price: &str, currency: &str, minimum: &str) -> Charge {
    let plans = [plan(date(2026, 1, 1), price, currency, minimum)];
    let terms = PeriodTerms::of(&period(), &plans).unwrap();
    let stretch = Stretch {
        from: period().from,
        until: period().until,
        quantity: decimal(quantity),
    };
    charge(&period(), &[stretch], &terms).unwrap()
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
    let terms = PeriodTerms::of(&period(), &plans).unwrap();
    assert_eq!(terms.currency.code(), "MXN");
    assert_eq!(terms.minimum, decimal("10"));
    assert_eq!(terms.price, decimal("3"));
    assert_eq!(terms.changes, [(date(2026, 10, 10), decimal("4"))]);
    // A first version that is younger than the period counts for all of it.
    let late = [plan(date(2026, 10, 5), "7", "MXN", "0")];
    let terms = PeriodTerms::of(&period(), &late).unwrap();
    assert_eq!((terms.price, terms.changes), (decimal("7"), vec![]));
}

#[test]
fn what_cannot_be_exact_is_refused() {
    let plans = [plan(date(2026, 1, 1), "1.000001", "MXN", "0")];
    let terms = PeriodTerms::of(&period(), &plans).unwrap();
    let stretch = Stretch {
        from: period().from,
        until: period().until,
        quantity: decimal("7922816251426433759354395033.3"),
    };
    assert_eq!(
        charge(&period(), &[stretch], &terms),
        Err(Hold::TooManyDigits)
    );
}
