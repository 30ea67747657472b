//! What is compared, what is refused, and that shares sum to what is shared.

use proptest::prelude::*;

use super::*;
use crate::billing::sample::number;

fn counted(quantity: &str) -> Counted {
    Counted {
        starts_at: "2026-10-01T06:00:00Z".parse().unwrap(),
        ends_at: "2026-11-01T06:00:00Z".parse().unwrap(),
        quantity: number(quantity),
    }
}

fn parts(quantities: &[&str]) -> Vec<Part> {
    let part = |(id, quantity): (i64, &&str)| Part {
        meter: MeterId(id),
        counted: Some(counted(quantity)),
    };
    (1..).zip(quantities).map(part).collect()
}

fn by_share(shares: &[&str]) -> Policy {
    let share = |(id, share): (i64, &&str)| (MeterId(id), number(share));
    Policy::ByShare {
        shares: (1..).zip(shares).map(share).collect(),
    }
}

/// The residual, its percent, and the shares.
fn said(whole: &str, used: &[&str], policy: &Policy) -> String {
    let whole = counted(whole);
    match reconcile(Some(&whole), &parts(used), policy, &Limits::default()) {
        Ok(found) => {
            let percent = found.percent.map_or("-".to_owned(), |one| one.to_string());
            let shares: Vec<_> = found.shares.values().map(ToString::to_string).collect();
            let (residual, shares) = (found.residual, shares.join(" "));
            format!("{residual} {percent}% {:?} [{shares}]", found.verdict)
        }
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn what_is_left_over_is_shared_as_the_policy_says() {
    use Policy::{CommonArea, Proportional, Show};
    let weights = by_share(&["50", "0", "30.5"]);
    let table: [(&str, &[&str], &Policy, &str); 16] = [
        ("1000", &["600", "390"], &Show, "10 1.00% Within []"),
        ("1000", &["600", "370"], &Show, "30 3.00% Within []"),
        ("1000", &["600", "369.999"], &Show, "30.001 3.00% Warn []"),
        ("1000", &["500", "400"], &Show, "100 10.00% Warn []"),
        ("1000", &["500", "399.9"], &Show, "100.1 10.01% Block []"),
        ("1000", &["600", "520"], &Show, "-120 -12.00% Block []"),
        ("0", &["0", "0"], &Show, "0 -% Within []"),
        ("0", &["0", "0.1"], &Show, "-0.1 -% Block []"),
        // A surplus in equal parts: the digit that is missing goes to the first.
        (
            "1000",
            &["600", "300", "0"],
            &CommonArea,
            "100 10.00% Warn [33.334 33.333 33.333]",
        ),
        (
            "1000",
            &["600", "410"],
            &CommonArea,
            "-10 -1.00% Within [0.000 0.000]",
        ),
        // Both ways, by use.
        (
            "1000",
            &["600", "300"],
            &Proportional,
            "100 10.00% Warn [66.667 33.333]",
        ),
        (
            "1000",
            &["680", "340"],
            &Proportional,
            "-20 -2.00% Within [-13.333 -6.667]",
        ),
        // A credit weighs nothing, and where nobody used anything all weigh the same.
        (
            "10",
            &["-1", "10"],
            &Proportional,
            "1 10.00% Warn [0.000 1.000]",
        ),
        (
            "10",
            &["0", "0"],
            &Proportional,
            "10 100.00% Block [5.000 5.000]",
        ),
        // By weight, both ways; digits beyond the third stay whole.
        (
            "1000.0001",
            &["500", "400", "90"],
            &weights,
            "10.0001 1.00% Within [6.2112 0.0000 3.7889]",
        ),
        ("1000", &["500", "400"], &by_share(&["0", "0"]), "NoShares"),
    ];
    for (whole, used, policy, expected) in table {
        assert_eq!(
            said(whole, used, policy),
            expected,
            "{whole} {used:?} {policy:?}"
        );
    }
}

#[test]
fn only_what_was_counted_between_the_same_instants_is_compared() {
    let (whole, limits) = (counted("100"), Limits::default());
    let said = |whole, parts: &[Part]| reconcile(whole, parts, &Policy::Show, &limits);
    assert_eq!(said(None, &parts(&["1"])), Err(Unreconciled::NoWhole));
    assert_eq!(said(Some(&whole), &[]), Err(Unreconciled::NoParts));
    let mut some = parts(&["10", "20", "30"]);
    some[1].counted = None;
    let missing = Unreconciled::Missing(vec![MeterId(2)]);
    assert_eq!(said(Some(&whole), &some), Err(missing));
    let mut later = parts(&["10", "20", "30"]);
    if let Some(one) = &mut later[2].counted {
        one.ends_at = "2026-11-02T06:00:00Z".parse().unwrap();
    }
    let elsewhere = Unreconciled::OtherInstants(vec![MeterId(3)]);
    assert_eq!(said(Some(&whole), &later), Err(elsewhere));
    // Once all were counted there, it is compared.
    assert!(said(Some(&whole), &parts(&["10", "20", "30"])).is_ok());
}

#[test]
fn a_limit_of_zero_is_never_reached() {
    let off = Limits {
        warn_percent: Decimal::ZERO,
        block_percent: Decimal::ZERO,
    };
    let whole = counted("100");
    let found = reconcile(Some(&whole), &parts(&["10"]), &Policy::Show, &off).unwrap();
    assert_eq!(found.verdict, Verdict::Within);
}

fn quantities() -> impl Strategy<Value = Vec<(i64, u32)>> {
    proptest::collection::vec((-1_000_000_000_i64..1_000_000_000_000, 0_u32..7), 1..40)
}

proptest! {
    #[test]
    fn shares_sum_to_all_that_is_shared(
        whole in (0_i64..1_000_000_000_000, 0_u32..7),
        used in quantities(),
        weights in proptest::collection::vec((0_i64..1_000_000, 0_u32..4), 40),
        which in 0..3,
    ) {
        let number = |(mantissa, scale): (i64, u32)| Decimal::new(mantissa, scale);
        let whole = Counted { quantity: number(whole), ..counted("0") };
        let parts: Vec<Part> = (1..).zip(&used).map(|(id, used)| Part {
            meter: MeterId(id),
            counted: Some(Counted { quantity: number(*used), ..counted("0") }),
        }).collect();
        let shares = (1..).zip(&weights).map(|(id, weight)| (MeterId(id), number(*weight)));
        let policy = match which {
            0 => Policy::CommonArea,
            1 => Policy::Proportional,
            _ => Policy::ByShare { shares: shares.collect() },
        };
        let found = match reconcile(Some(&whole), &parts, &policy, &Limits::default()) {
            Err(Unreconciled::NoShares) => return Ok(()),
            found => found.unwrap(),
        };
        prop_assert_eq!(found.parts + found.residual, found.whole);
        let sum: Decimal = found.shares.values().sum();
        let wanted = match policy {
            Policy::CommonArea => found.residual.max(Decimal::ZERO),
            _ => found.residual,
        };
        prop_assert_eq!(sum, wanted);
        let same_side = |share: &Decimal| *share * wanted >= Decimal::ZERO;
        prop_assert!(found.shares.values().all(same_side));
        prop_assert_eq!(found.shares.len(), parts.len());
        if policy == Policy::CommonArea {
            // Equal parts are at most a unit of the last digit apart.
            let (most, least) = (found.shares.values().max(), found.shares.values().min());
            let (most, least) = (*most.unwrap(), *least.unwrap());
            prop_assert!(most - least <= Decimal::new(1, most.scale()));
        }
    }
}
