//! What cannot be charged is held, and says why; what counts later is left out.

use common::unit::Unit;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use crate::billing::CloseError;
use crate::billing::charge::{Extras, Peak, UtilityPrice, charge, plans_within};
use crate::billing::hold::Hold;
use crate::billing::invoice::Period;
use crate::billing::sample::{self, number, start_of};
use crate::billing::segment::Segments;
use crate::plan::tariff::{Demand, Rate};
use crate::plan::{Cycle, Plan};
use crate::site::Zone;

fn october() -> Period {
    let (from, until) = (date(2026, 10, 1), date(2026, 11, 1));
    Period {
        from,
        until,
        starts_at: start_of(from),
        ends_at: start_of(until),
    }
}

fn plan(effective_from: Date, price: &str) -> Plan {
    Plan::flat(
        effective_from,
        Zone::new("America/Tijuana").unwrap(),
        Cycle::monthly(31).unwrap(),
        "MXN".parse().unwrap(),
        number(price),
    )
}

/// One segment from the start of the period to its end.
fn used(quantity: &str) -> Segments {
    let boundary = |day| sample::boundary(day, "0", Unit::KiloWh);
    let mut segment = sample::segment(boundary(october().from), boundary(october().until));
    segment.quantity = number(quantity);
    Segments::try_from(vec![segment]).unwrap()
}

fn hold(plans: &[Plan], quantity: &str, extras: &Extras) -> Hold {
    match charge(&october(), &used(quantity), plans, extras) {
        Err(CloseError::Hold(hold)) => hold,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_price_or_a_power_that_is_not_known_is_never_zero() {
    let mut passing = plan(date(2026, 1, 1), "3");
    passing.tariff.rate = Rate::PassThrough;
    let passing = [passing];
    let nothing = Extras::default();
    let missing = Hold::UtilityBillMissing {
        from: october().from,
        until: october().until,
    };
    assert_eq!(hold(&passing, "5", &nothing), missing);
    let utility = UtilityPrice {
        amount: number("100"),
        quantity: Decimal::ZERO,
    };
    let of_no_use = Extras {
        utility: Some(utility),
        ..Extras::default()
    };
    assert_eq!(hold(&passing, "5", &of_no_use), missing);
    let mut demanding = plan(date(2026, 1, 1), "3");
    demanding.tariff.demand = Some(Demand {
        interval_minutes: 15,
        price: number("80"),
    });
    let demanding = [demanding];
    assert_eq!(hold(&demanding, "5", &nothing), Hold::PeakMissing);
    let peak = Peak {
        from: "2026-11-05T00:00:00Z".parse().unwrap(),
        until: "2026-11-05T00:15:00Z".parse().unwrap(),
        power: number("12"),
    };
    let of_another_period = Extras {
        peak: Some(peak),
        ..Extras::default()
    };
    assert_eq!(hold(&demanding, "5", &of_another_period), Hold::PeakMissing);
}

#[test]
fn a_segment_in_which_the_price_changes_has_no_price() {
    let plans = [plan(date(2026, 1, 1), "3"), plan(date(2026, 10, 15), "4")];
    let at = "2026-10-15T07:00:00Z".parse().unwrap();
    let missing = Hold::ReadingMissing {
        date: date(2026, 10, 15),
        at,
    };
    assert_eq!(hold(&plans, "5", &Extras::default()), missing);
}

#[test]
fn what_cannot_be_exact_is_refused() {
    let plans = [plan(date(2026, 1, 1), "1.000001")];
    let much = "7922816251426433759354395033.3";
    assert_eq!(hold(&plans, much, &Extras::default()), Hold::TooManyDigits);
}

#[test]
fn a_new_minimum_or_currency_counts_from_the_next_period() {
    let with = |from, price, currency: &str, minimum| {
        let mut plan = plan(from, price);
        plan.currency = currency.parse().unwrap();
        plan.minimum.quantity = number(minimum);
        plan
    };
    let plans = [
        with(date(2026, 1, 1), "3", "MXN", "10"),
        with(date(2026, 10, 10), "3", "MXN", "99"),
        with(date(2026, 10, 20), "0.2", "USD", "99"),
        with(date(2026, 11, 1), "5", "MXN", "99"),
    ];
    let within = plans_within(&october(), &plans);
    assert_eq!(within, plans[..2]);
    let charged = charge(&october(), &used("4"), &within, &Extras::default()).unwrap();
    assert_eq!(charged.minimum, number("10"));
    assert_eq!(charged.billed, number("10"));
    // A first version that is younger than the period counts for all of it.
    let late = [with(date(2026, 10, 5), "7", "MXN", "0")];
    assert_eq!(plans_within(&october(), &late), late);
}
