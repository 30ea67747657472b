//! Readiness by table: what will become of a bill, and whom it needs.

use common::quantity::Quantity;
use common::unit::Unit;
use jiff::civil::date;

use super::Readiness::{Blocked, Ready, WillEstimate, WillWait};
use super::*;
use crate::billing::sample::{number, start_of};

const NOW: &str = "2026-11-24T18:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn november() -> Period {
    let (from, until) = (date(2026, 11, 1), date(2026, 12, 1));
    Period {
        from,
        until,
        starts_at: start_of(from),
        ends_at: start_of(until),
    }
}

fn facts(period: &Period) -> Facts<'_> {
    Facts {
        missing: Some(Missing::default()),
        holds: Vec::new(),
        last_good_at: now(),
        period: Some(period),
        display: None,
        is_reachable: true,
    }
}

fn no_utility_bill() -> Hold {
    Hold::UtilityBillMissing {
        from: november().from,
        until: november().until,
    }
}

fn unread() -> Hold {
    let date = date(2026, 11, 1);
    let at = start_of(date);
    Hold::ReadingMissing { date, at }
}

fn fell() -> Hold {
    let register = |value| Quantity::new(number(value), Unit::KiloWh).unwrap();
    Hold::RegisterFell {
        from: start_of(date(2026, 11, 1)),
        until: start_of(date(2026, 11, 9)),
        before: register("12690.4"),
        after: register("3.5"),
    }
}

type Change = fn(&mut Facts<'_>);
type Row = (&'static str, Change, Readiness, bool);

/// A plan that estimates at once.
const ESTIMATE: Missing = Missing {
    grace_days: 0,
    estimate: true,
};

fn check_rows(rows: &[Row]) {
    for (name, change, state, needs) in rows {
        let period = november();
        let mut facts = facts(&period);
        change(&mut facts);
        let outlook = outlook(&facts, now());
        assert_eq!(outlook.state, *state, "{name}");
        assert_eq!(outlook.needs_a_person(), *needs, "{name}");
    }
}

#[test]
fn what_data_can_still_mend_waits_or_is_estimated() {
    check_rows(&[
        ("all is there", |_| {}, Ready, false),
        (
            "silent for a day to the second",
            |facts| facts.last_good_at = now() - SILENT_AFTER,
            Ready,
            false,
        ),
        (
            "longer",
            |facts| facts.last_good_at = now() - SILENT_AFTER - SignedDuration::from_secs(1),
            WillWait,
            true,
        ),
        (
            "longer, and the plan estimates",
            |facts| {
                facts.last_good_at = now() - SILENT_AFTER * 2;
                facts.missing = Some(ESTIMATE);
            },
            WillEstimate,
            true,
        ),
        (
            "no reading at a boundary",
            |facts| facts.holds.push(unread()),
            WillWait,
            false,
        ),
        (
            "no reading at a boundary, and the plan estimates",
            |facts| {
                facts.holds.push(unread());
                facts.missing = Some(ESTIMATE);
            },
            WillEstimate,
            false,
        ),
        (
            "nothing was read yet: there is nothing to estimate from",
            |facts| {
                facts.holds.push(Hold::NoFirstReading { since: now() });
                facts.missing = Some(ESTIMATE);
            },
            WillWait,
            false,
        ),
    ]);
}

#[test]
fn what_data_cannot_mend_needs_a_person() {
    check_rows(&[
        (
            "no terms",
            |facts| {
                facts.missing = None;
                facts.period = None;
            },
            Blocked,
            true,
        ),
        (
            "the register fell, whatever the plan says of missing data",
            |facts| {
                facts.holds.push(fell());
                facts.missing = Some(ESTIMATE);
            },
            Blocked,
            true,
        ),
        (
            "somebody holds it",
            |facts| {
                let reason = "Ask Ana first".to_owned();
                facts.holds.push(Hold::ByPerson { reason });
            },
            Blocked,
            true,
        ),
        (
            "the utility's bill is missing",
            |facts| facts.holds.push(no_utility_bill()),
            WillWait,
            true,
        ),
        (
            "the site is not complete",
            |facts| facts.holds.push(Hold::SiteIncomplete { meters: 2 }),
            WillWait,
            true,
        ),
        (
            "nobody gets it, but it is made",
            |facts| facts.is_reachable = false,
            Ready,
            true,
        ),
        (
            "the worst decides",
            |facts| {
                facts.is_reachable = false;
                facts.last_good_at = now() - SILENT_AFTER * 2;
                facts.holds.push(fell());
            },
            Blocked,
            true,
        ),
    ]);
}

#[test]
fn a_meter_that_fell_silent_after_the_end_of_its_period_was_read_to_the_end() {
    let period = november();
    let mut facts = facts(&period);
    let later = period.ends_at + SILENT_AFTER * 3;
    facts.last_good_at = period.ends_at;
    assert_eq!(outlook(&facts, later).state, Readiness::Ready);
    facts.last_good_at = period.ends_at - SignedDuration::from_secs(1);
    assert_eq!(outlook(&facts, later).state, Readiness::WillWait);
}

#[test]
fn the_gravest_cause_is_said_first_and_each_in_both_languages() {
    let period = november();
    let mut facts = facts(&period);
    facts.is_reachable = false;
    facts.last_good_at = now() - SILENT_AFTER * 2;
    facts.holds.push(no_utility_bill());
    facts.holds.push(Hold::SiteIncomplete { meters: 1 });
    let reason = "Ask Ana first".to_owned();
    facts.holds.push(Hold::ByPerson { reason });
    let outlook = outlook(&facts, now());
    let zone = Zone::new("America/Tijuana").unwrap();
    let said = |locale: &str| -> Vec<String> {
        let locale: common::locale::Locale = locale.parse().unwrap();
        let (text, format) = (Text::new(locale), Format::new(locale));
        let causes = outlook.causes.iter();
        causes
            .map(|cause| cause.sentence(text, format, &zone))
            .collect()
    };
    let starts = [
        ("en-US", "Somebody holds it: Ask Ana first"),
        ("es-MX", "Alguien la retiene: Ask Ana first"),
    ];
    for (locale, first) in starts {
        let said = said(locale);
        assert_eq!(said.len(), 5);
        assert!(said[0].starts_with(first), "{said:?}");
        assert!(said[1].contains("2026"), "when it fell silent: {said:?}");
    }
}

#[test]
fn days_are_counted_by_their_closing_readings() {
    let invoice = crate::billing::sample::invoice("es-MX");
    let mut daily = invoice.daily;
    assert_eq!(days_read(&daily), (31, 31));
    daily[4].register = None;
    assert_eq!(days_read(&daily), (30, 31));
}

#[test]
fn a_display_that_differs_stops_no_bill_but_needs_a_person() {
    let period = november();
    let check = DisplayCheck {
        person: common::id::PersonId(1),
        manages: false,
        device: common::id::DeviceId(4),
        register: Quantity::new(number("12690.4"), Unit::KiloWh).unwrap(),
        read_at: now(),
        shown: Some(number("8812.7")),
        answered_at: now(),
        agrees: false,
    };
    let mut facts = facts(&period);
    facts.display = Some(&check);
    let outlook = outlook(&facts, now());
    assert_eq!((outlook.state, outlook.needs_a_person()), (Ready, true));
    let locale = "en-US".parse().unwrap();
    let zone = Zone::new("America/Tijuana").unwrap();
    let said = outlook.causes[0].sentence(Text::new(locale), Format::new(locale), &zone);
    let expected = "On Nov 24, 2026, 10:00 somebody read 8,812.7 kWh off the display, but the \
                    register was 12,690.4 kWh: look at it, and say on the meter's page what it \
                    shows.";
    assert_eq!(said, expected);
}
