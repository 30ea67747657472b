//! Plans: what is out of bounds says which term it is and what is allowed.

use super::*;
use crate::plan::tariff::Tier;

fn plan() -> Plan {
    Plan::flat(
        jiff::civil::date(2026, 1, 1),
        Zone::new("America/Tijuana").unwrap(),
        Cycle::monthly(31).unwrap(),
        "MXN".parse().unwrap(),
        Decimal::new(350, 2),
    )
}

#[test]
fn terms_out_of_bounds_say_which_and_what_is_allowed() {
    assert_eq!(plan().check(), Ok(()));
    type Change = fn(&mut Plan);
    let wrong: [(Change, &str); 8] = [
        (
            |plan| plan.tariff = Tariff::flat(Decimal::new(-1, 2)),
            "price is -0.01",
        ),
        (
            |plan| plan.tariff = Tariff::flat(Decimal::new(1, 7)),
            "more than 6 decimals",
        ),
        (
            |plan| plan.minimum.quantity = Decimal::NEGATIVE_ONE,
            "minimum is -1",
        ),
        (|plan| plan.send_hour = 24, "send hour is 24"),
        (|plan| plan.missing.grace_days = 61, "waits 61 days"),
        (|plan| plan.checks.zero_days = 367, "threshold is 367"),
        (
            |plan| plan.checks.low_percent = Decimal::NEGATIVE_ONE,
            "threshold is -1",
        ),
        (
            |plan| {
                let up_to = Some(Decimal::TEN);
                let price = Decimal::ONE;
                plan.tariff.rate = Rate::Tiers {
                    tiers: vec![Tier { up_to, price }],
                    prorated: false,
                };
            },
            "last tier must not end",
        ),
    ];
    for (change, message) in wrong {
        let mut plan = plan();
        change(&mut plan);
        let error = plan.check().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    for (day, message) in [
        (32, "cutoff day is 32: choose 1 to 31"),
        (0, "cutoff day is 0"),
    ] {
        let error = Cycle::monthly(day).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_zone_that_does_not_exist_is_named() {
    let error = Zone::new("America/Tijuanna").unwrap_err().to_string();
    assert!(error.contains("America/Tijuanna"), "{error}");
}
