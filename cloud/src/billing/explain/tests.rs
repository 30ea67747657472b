//! Explanations by table, worked by hand, and what holds of every one of them.

use common::unit::Unit;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::billing::charge::Adjustment;
use crate::billing::invoice::Period;
use crate::billing::sample::{self, boundary, number, segment, start_of};
use crate::billing::segment::{Segment, Segments};
use crate::plan::tariff::{Fee, Tax, Tier};
use crate::plan::{Cycle, Plan};
use crate::site::Zone;

fn plan(from: Date, price: &str) -> Plan {
    let zone = Zone::new("America/Tijuana").unwrap();
    let (cycle, currency) = (Cycle::monthly(31).unwrap(), "MXN".parse().unwrap());
    Plan::flat(from, zone, cycle, currency, number(price))
}

fn tiers(from: Date, ends: &[(Option<&str>, &str)]) -> Plan {
    let mut plan = plan(from, "0");
    let tier = |(end, price): &(Option<&str>, &str)| Tier {
        up_to: end.map(number),
        price: number(price),
    };
    plan.tariff.rate = Rate::Tiers {
        tiers: ends.iter().map(tier).collect(),
        prorated: false,
    };
    plan
}

/// One price until an hour of every day, another from then on.
fn hourly(from: Date, hour: i8, prices: [&str; 2]) -> Plan {
    let mut plan = plan(from, "0");
    plan.tariff.rate = sample::by_hour(&[(0, 0), (hour, 1)], prices);
    plan
}

/// A bill of those days, of what went through from each instant to the next.
fn bill_of(
    from: Date,
    until: Date,
    segments: Vec<Segment>,
    plans: &[Plan],
    extras: Extras,
) -> Invoice {
    let period = Period {
        from,
        until,
        starts_at: start_of(from),
        ends_at: start_of(until),
    };
    let segments = Segments::try_from(segments).unwrap();
    let charge = charge(&period, &segments, plans, &extras).unwrap();
    Invoice {
        period,
        segments,
        plans: plans.to_vec(),
        extras,
        measured: charge.measured,
        minimum: charge.minimum,
        billed: charge.billed,
        lines: charge.lines,
        total: charge.total,
        ..sample::invoice("en-US")
    }
}

fn went_through(from: Date, until: Date, quantity: &str) -> Segment {
    let ends = [from, until].map(|day| boundary(day, "0", Unit::KiloWh));
    let [opening, closing] = ends;
    let mut one = segment(opening, closing);
    one.quantity = number(quantity);
    one
}

fn bill(month: i8, quantity: &str, plan: &Plan) -> Invoice {
    let (from, until) = (date(2026, month, 1), date(2026, month + 1, 1));
    let segments = vec![went_through(from, until, quantity)];
    bill_of(
        from,
        until,
        segments,
        std::slice::from_ref(plan),
        Extras::default(),
    )
}

/// What they use before an hour of every day, and after it.
fn bill_by_hours(month: i8, hour: i8, quantities: [&str; 2], plan: &Plan) -> Invoice {
    let (from, until) = (date(2026, month, 1), date(2026, month + 1, 1));
    let mut segments = Vec::new();
    let mut day = from;
    while day < until {
        let next = day.tomorrow().unwrap();
        let at = day
            .at(hour, 0, 0, 0)
            .to_zoned_datetime(plan.zone.rules().clone())
            .unwrap();
        let mut switch = boundary(day, "0", Unit::KiloWh);
        switch.at = at.timestamp();
        let mut early = segment(boundary(day, "0", Unit::KiloWh), switch.clone());
        let mut late = segment(switch, boundary(next, "0", Unit::KiloWh));
        (early.quantity, late.quantity) = (number(quantities[0]), number(quantities[1]));
        segments.extend([early, late]);
        day = next;
    }
    bill_of(
        from,
        until,
        segments,
        std::slice::from_ref(plan),
        Extras::default(),
    )
}

fn said(now: &Invoice, before: &Invoice) -> Vec<(Cause, String)> {
    let explanation = explain(now, before).unwrap();
    let sum: Decimal = explanation.parts.iter().map(|part| part.amount).sum();
    assert_eq!(sum, explanation.difference);
    assert_eq!(explanation.difference, now.total - before.total);
    let parts = explanation.parts.iter();
    parts
        .map(|part| (part.cause, part.amount.to_string()))
        .collect()
}

fn check(now: &Invoice, before: &Invoice, expected: &[(Cause, &str)]) {
    let expected: Vec<(Cause, String)> = expected
        .iter()
        .map(|(cause, amount)| (*cause, (*amount).to_owned()))
        .collect();
    assert_eq!(said(now, before), expected);
}

const YEAR: Date = date(2026, 1, 1);

#[test]
fn more_use_at_the_same_price_is_use_alone() {
    let plan = plan(YEAR, "3");
    // 20 more at 3.
    check(
        &bill(9, "120", &plan),
        &bill(8, "100", &plan),
        &[(Cause::Use, "60.00")],
    );
    check(
        &bill(9, "80", &plan),
        &bill(8, "100", &plan),
        &[(Cause::Use, "-60.00")],
    );
    check(
        &bill(9, "100", &plan),
        &bill(8, "100", &plan),
        &[(Cause::Use, "0.00")],
    );
}

#[test]
fn use_counts_at_the_old_price_and_the_rise_on_all_of_the_new_use() {
    let (old, new) = (plan(YEAR, "3"), plan(date(2026, 9, 1), "3.5"));
    // 20 more at 3; half more for each of 120.
    check(
        &bill(9, "120", &new),
        &bill(8, "100", &old),
        &[(Cause::Use, "60.00"), (Cause::Price, "60.00")],
    );
}

#[test]
fn a_price_that_rose_within_a_period_counts_from_its_day() {
    let (old, new) = (plan(YEAR, "3"), plan(date(2026, 9, 11), "4"));
    let (from, change, until) = (date(2026, 9, 1), date(2026, 9, 11), date(2026, 10, 1));
    let segments = vec![
        went_through(from, change, "40"),
        went_through(change, until, "80"),
    ];
    let plans = [old.clone(), new.clone()];
    let september = bill_of(from, until, segments, &plans, Extras::default());
    let (august, october) = (bill(8, "100", &old), bill(10, "120", &new));
    // 20 more at 3; 1 more for each of the 80 after the change.
    check(
        &september,
        &august,
        &[(Cause::Use, "60.00"), (Cause::Price, "80.00")],
    );
    // As much; 1 more for each of the 40 before the change, which are now after it.
    check(
        &october,
        &september,
        &[(Cause::Use, "0.00"), (Cause::Price, "40.00")],
    );
    let change = PriceChange {
        on: Some(date(2026, 9, 11)),
        prices: Some(Prices {
            before: number("3"),
            now: number("4"),
            per: Decimal::ONE,
        }),
    };
    let explained = explain(&september, &august).unwrap();
    assert_eq!(explained.price_changes, std::slice::from_ref(&change));
    // Seen from October the price changed within the bill before.
    assert_eq!(
        explain(&october, &september).unwrap().price_changes,
        [change]
    );
}

#[test]
fn dearer_units_of_a_higher_tier_are_use() {
    let plan = tiers(YEAR, &[(Some("100"), "1"), (None, "2")]);
    // 150: 100 × 1 + 50 × 2; 90: 90 × 1.
    check(
        &bill(9, "150", &plan),
        &bill(8, "90", &plan),
        &[(Cause::Use, "110.00")],
    );
    let dearer = tiers(date(2026, 9, 1), &[(Some("100"), "1.1"), (None, "2.2")]);
    check(
        &bill(9, "150", &dearer),
        &bill(8, "90", &plan),
        &[(Cause::Use, "110.00"), (Cause::Price, "20.00")],
    );
}

#[test]
fn a_shift_to_other_hours_is_use_and_new_hours_are_told_apart_only_where_they_were_read() {
    let (old, flat) = (hourly(YEAR, 18, ["1", "3"]), plan(date(2026, 9, 1), "2"));
    let august = bill_by_hours(8, 18, ["2", "1"], &old);
    // 30 days of 1 and 2 instead of 31 of 2 and 1: 30 × 7 − 31 × 5.
    let shifted = bill_by_hours(9, 18, ["1", "2"], &old);
    check(&shifted, &august, &[(Cause::Use, "55.00")]);
    // Without its hours, August is priced by September's one price: (90 − 93) × 2, and what
    // 93 cost more by their hours, 93 × 2 − 155.
    let merged = bill(9, "90", &flat);
    check(
        &merged,
        &august,
        &[(Cause::Use, "-6.00"), (Cause::Price, "31.00")],
    );
    // Neither month was read at the other's hours.
    let moved = bill_by_hours(9, 20, ["2", "1"], &hourly(date(2026, 9, 1), 20, ["1", "3"]));
    check(&moved, &august, &[(Cause::UseAndPrice, "-5.00")]);
}

#[test]
fn what_a_minimum_adds_is_no_use() {
    let mut plan = plan(YEAR, "3");
    plan.minimum.quantity = number("100");
    // 40 less; the minimum gives back 30 of them, and gave nothing before.
    check(
        &bill(9, "70", &plan),
        &bill(8, "110", &plan),
        &[(Cause::Use, "-120.00"), (Cause::Minimum, "90.00")],
    );
    plan.minimum.quantity = Decimal::ZERO;
    plan.minimum.amount = number("250");
    check(
        &bill(9, "70", &plan),
        &bill(8, "110", &plan),
        &[(Cause::Use, "-120.00"), (Cause::Minimum, "40.00")],
    );
}

#[test]
fn fees_taxes_and_what_was_added_once_stand_by_themselves() {
    let mut old = plan(YEAR, "3");
    old.fees = vec![Fee {
        name: "Reading".to_owned(),
        amount: number("10"),
        prorated: false,
    }];
    old.taxes = vec![Tax {
        name: "IVA".to_owned(),
        percent: number("16"),
        compound: false,
        exempt: Vec::new(),
    }];
    let mut new = old.clone();
    new.effective_from = date(2026, 9, 1);
    new.fees[0].amount = number("12");
    let mut now = bill(9, "120", &new);
    let extras = Extras {
        adjustments: vec![Adjustment {
            name: "Goodwill".to_owned(),
            amount: number("-5"),
            taxed: false,
        }],
        ..Extras::default()
    };
    let segments = now.segments.iter().cloned().collect();
    now = bill_of(
        now.period.from,
        now.period.until,
        segments,
        &now.plans,
        extras,
    );
    // The taxes: 16 % of 372, less 16 % of 310.
    check(
        &now,
        &bill(8, "100", &old),
        &[
            (Cause::Use, "60.00"),
            (Cause::Fees, "2.00"),
            (Cause::Adjustments, "-5.00"),
            (Cause::Taxes, "9.92"),
        ],
    );
}

#[test]
fn a_price_that_is_passed_on_is_that_of_each_bill() {
    let mut plan = plan(YEAR, "0");
    plan.tariff.rate = Rate::PassThrough;
    let passed = |month, quantity, amount| {
        let (from, until) = (date(2026, month, 1), date(2026, month + 1, 1));
        let utility = UtilityPrice {
            amount: number(amount),
            quantity: number("1000"),
        };
        let extras = Extras {
            utility: Some(utility),
            ..Extras::default()
        };
        let segments = vec![went_through(from, until, quantity)];
        bill_of(from, until, segments, std::slice::from_ref(&plan), extras)
    };
    let (now, before) = (passed(9, "120", "2500"), passed(8, "100", "2000"));
    check(
        &now,
        &before,
        &[(Cause::Use, "40.00"), (Cause::Price, "60.00")],
    );
    let changes = explain(&now, &before).unwrap().price_changes;
    assert_eq!((changes[0].on, changes[0].prices), (None, None));
}

#[test]
fn bills_that_cannot_be_compared_say_why() {
    let now = bill(9, "120", &plan(YEAR, "3"));
    let credit = now.credit(InvoiceId(7), 9, "wrong", now.issued_at);
    let mut of_water = now.clone();
    of_water.unit = Unit::CubicMetre;
    let mut in_dollars = now.clone();
    in_dollars.currency = "USD".parse().unwrap();
    let table = [
        (&credit, ExplainError::Credit),
        (&of_water, ExplainError::Unit),
        (&in_dollars, ExplainError::Currency),
    ];
    for (before, error) in table {
        assert_eq!(explain(&now, before), Err(error.clone()));
        assert_eq!(explain(before, &now), Err(error));
    }
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let hundredths = |most: i64| (0..most).prop_map(|n| Decimal::new(n, 2));
    let rate = prop_oneof![
        hundredths(900).prop_map(|price| Rate::Flat { price }),
        (hundredths(900), hundredths(900), 1..300_i64, any::<bool>()).prop_map(
            |(first, second, end, prorated)| Rate::Tiers {
                tiers: vec![
                    Tier {
                        up_to: Some(Decimal::from(end)),
                        price: first
                    },
                    Tier {
                        up_to: None,
                        price: second
                    },
                ],
                prorated,
            }
        ),
    ];
    let minimum = (0..200_i64, hundredths(90_000), any::<bool>());
    (rate, minimum, hundredths(9_000), 0..30_i64).prop_map(|(rate, least, fee, percent)| {
        let mut plan = plan(YEAR, "0");
        plan.tariff.rate = rate;
        plan.minimum = Minimum {
            quantity: Decimal::from(least.0),
            amount: least.1,
            prorated: least.2,
        };
        plan.fees = vec![Fee {
            name: "Fee".to_owned(),
            amount: fee,
            prorated: true,
        }];
        plan.taxes = vec![Tax {
            name: "IVA".to_owned(),
            percent: Decimal::from(percent),
            compound: false,
            exempt: Vec::new(),
        }];
        plan
    })
}

/// Some days from a date on, and how much went through in them.
fn any_days() -> impl Strategy<Value = (Date, Date, Decimal)> {
    (0..200_i64, 1..70_i64, -500..50_000_i64).prop_map(|(start, days, quantity)| {
        let from = YEAR.checked_add(jiff::Span::new().days(start)).unwrap();
        let until = from.checked_add(jiff::Span::new().days(days)).unwrap();
        (from, until, Decimal::new(quantity, 2))
    })
}

fn billed((from, until, quantity): (Date, Date, Decimal), plan: &Plan) -> Invoice {
    let segments = vec![went_through(from, until, &quantity.to_string())];
    bill_of(
        from,
        until,
        segments,
        std::slice::from_ref(plan),
        Extras::default(),
    )
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_last_digit(
        plans in (any_plan(), any_plan()),
        days in (any_days(), any_days()),
    ) {
        let (now, before) = (billed(days.0, &plans.0), billed(days.1, &plans.1));
        let explained = explain(&now, &before).unwrap();
        let sum: Decimal = explained.parts.iter().map(|part| part.amount).sum();
        prop_assert_eq!(sum, now.total - before.total);
        prop_assert_eq!(explained.difference, sum);
        // Other terms and the same use: nothing of it is use. The same terms: nothing is price.
        let of = |explained: &Explanation, cause| {
            let part = explained.parts.iter().find(|part| part.cause == cause);
            part.map_or(Decimal::ZERO, |part| part.amount)
        };
        let repriced = explain(&billed(days.1, &plans.0), &before).unwrap();
        prop_assert_eq!(of(&repriced, Cause::Use), Decimal::ZERO);
        let used = explain(&billed(days.0, &plans.1), &before).unwrap();
        prop_assert_eq!(of(&used, Cause::Price), Decimal::ZERO);
        // Looked at from the other end, the whole turns around.
        prop_assert_eq!(explain(&before, &now).unwrap().difference, -sum);
    }
}
