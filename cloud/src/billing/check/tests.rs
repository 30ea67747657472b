//! Checks by table: each kind with a row just below its threshold and one just above it.

mod history;
mod say;

use common::id::{DeviceId, Epoch, GatewayId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::civil::{Date, date};

use self::history::after_september;
use super::*;
use crate::billing::sample::{boundary, invoice, number, segment, start_of};
use crate::billing::segment::{Basis, Boundary, Segment};

const UNIT: Unit = Unit::KiloWh;
const FROM: Date = date(2026, 10, 1);
const UNTIL: Date = date(2026, 11, 1);
/// What a day uses that is just a spike.
const SPIKE: &str = "30.1";

/// October at 10 kWh a day from 1000 kWh on, to be changed.
struct Case {
    checks: Checks,
    daily: Vec<DailyUse>,
    segments: Vec<Segment>,
    readings: Vec<Taken>,
    past: Vec<Past>,
}

fn register(value: Decimal) -> Quantity {
    Quantity::new(value, UNIT).unwrap()
}

fn day_of_october(day: i8) -> Date {
    date(2026, 10, day)
}

fn october() -> Case {
    let mut case = Case {
        checks: Checks::default(),
        daily: Vec::new(),
        segments: Vec::new(),
        readings: Vec::new(),
        past: Vec::new(),
    };
    case.uses(&["10"; 31]);
    case
}

impl Case {
    /// Gives each day its use, and the registers with it.
    fn uses(&mut self, days: &[&str]) {
        let mut at = number("1000");
        self.daily.clear();
        for (day, used) in (1..).zip(days) {
            let quantity = number(used);
            self.daily.push(DailyUse {
                date: day_of_october(day),
                quantity: Some(quantity),
                register: Some(register(at)),
                is_reckoned: false,
                read_at: Some(start_of(day_of_october(day))),
            });
            at += quantity;
        }
        let closing = boundary(UNTIL, &at.to_string(), UNIT);
        self.segments = vec![segment(boundary(FROM, "1000", UNIT), closing)];
    }

    /// Nothing was read at the start of that day.
    fn unread(&mut self, day: i8) {
        let place = usize::try_from(day).unwrap() - 1;
        self.daily[place].register = None;
        self.daily[place].quantity = None;
        if place > 0 {
            self.daily[place - 1].quantity = None;
        }
    }

    fn found(&self) -> Vec<Finding> {
        let period = Period {
            from: FROM,
            until: UNTIL,
            starts_at: start_of(FROM),
            ends_at: start_of(UNTIL),
        };
        let segments = Segments::try_from(self.segments.clone()).unwrap();
        check(&Subject {
            period: &period,
            unit: UNIT,
            zone: &zone(),
            checks: &self.checks,
            segments: &segments,
            daily: &self.daily,
            readings: &self.readings,
            past: &self.past,
        })
    }
}

fn zone() -> Zone {
    Zone::new("America/Tijuana").unwrap()
}

fn past(from: Date, until: Date, measured: &str) -> Past {
    Past {
        from,
        until,
        unit: UNIT,
        measured: number(measured),
        multiplier: Decimal::ONE,
        is_estimated: false,
    }
}

fn taken(seq: u64, at: Timestamp, value: &str, unit: Unit) -> Taken {
    Taken {
        gateway: GatewayId(1),
        epoch: Epoch(1),
        reading: Reading {
            since_boot: None,
            seal: None,
            seq,
            at,
            clock: ClockTrust::Trusted,
            device: DeviceId(4),
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::new(number(value), unit).unwrap()),
            suspect: None,
            raw: "0000".to_owned(),
            profile: "p@1".to_owned(),
            closes: None,
        },
    }
}

fn estimated(mut one: Boundary) -> Boundary {
    one.basis = Basis::Estimated {
        before: None,
        after: None,
    };
    one
}

/// A word for each kind of finding.
fn kinds(findings: &[Finding]) -> Vec<String> {
    let word = |finding: &Finding| {
        let json = serde_json::to_value(finding).unwrap();
        json["finding"].as_str().unwrap().to_owned()
    };
    findings.iter().map(word).collect()
}

type Change = fn(&mut Case);

fn check_rows(rows: &[(&str, Change, &[&str])]) {
    for (name, change, expected) in rows {
        let mut case = october();
        change(&mut case);
        assert_eq!(kinds(&case.found()), *expected, "{name}");
    }
}

#[test]
fn an_ordinary_month_has_nothing_to_look_at() {
    check_rows(&[
        ("without history", |_| {}, &[]),
        (
            "like the month before",
            |case| {
                case.past
                    .push(past(date(2026, 9, 1), date(2026, 10, 1), "300"))
            },
            &[],
        ),
    ]);
}

#[test]
fn days_without_a_closing_reading_and_doubled_readings() {
    check_rows(&[
        ("one day", |case| case.unread(7), &["missing"]),
        (
            "fewer days than the threshold",
            |case| {
                case.checks.missing_days = 3;
                case.unread(7);
                case.unread(9);
            },
            &[],
        ),
        (
            "as many",
            |case| {
                case.checks.missing_days = 3;
                for day in [7, 9, 20] {
                    case.unread(day);
                }
            },
            &["missing"],
        ),
        (
            "switched off",
            |case| {
                case.checks.missing_days = 0;
                case.unread(7);
            },
            &[],
        ),
        (
            "a reading each of two instants",
            |case| {
                let at = start_of(FROM);
                let later = at + SignedDuration::from_millis(1);
                case.readings = vec![taken(1, at, "1000", UNIT), taken(2, later, "1000", UNIT)];
            },
            &[],
        ),
        (
            "two readings of one",
            |case| {
                let at = start_of(FROM);
                case.readings = vec![taken(1, at, "1000", UNIT), taken(2, at, "1000", UNIT)];
            },
            &["duplicate"],
        ),
        (
            "the same reading twice is one",
            |case| {
                let one = taken(1, start_of(FROM), "1000", UNIT);
                case.readings = vec![one.clone(), one];
            },
            &[],
        ),
    ]);
    let mut case = october();
    let at = start_of(FROM);
    case.readings = vec![taken(1, at, "1000", UNIT), taken(2, at, "1001", UNIT)];
    let duplicate = Finding::Duplicate {
        at,
        instants: 1,
        differ: true,
    };
    assert_eq!(case.found(), [duplicate]);
}

#[test]
fn less_than_nothing_and_spikes() {
    check_rows(&[
        (
            "nothing at all",
            |case| {
                case.checks.zero_days = 0;
                case.uses(&["0"; 31]);
            },
            &[],
        ),
        (
            "a credit",
            |case| {
                case.checks.sum_percent = Decimal::ZERO;
                case.segments[0].quantity = number("-0.1");
            },
            &["negative"],
        ),
        (
            "three times the third-highest day",
            |case| {
                let mut days = ["10"; 31];
                days[4] = "30";
                case.uses(&days);
            },
            &[],
        ),
        (
            "more",
            |case| {
                let mut days = ["10"; 31];
                days[4] = SPIKE;
                case.uses(&days);
            },
            &["spike"],
        ),
        (
            "three days as high are no spike",
            |case| {
                let mut days = ["10"; 31];
                (days[4], days[9], days[20]) = (SPIKE, SPIKE, SPIKE);
                case.uses(&days);
            },
            &[],
        ),
    ]);
}

#[test]
fn a_spike_needs_a_week_of_days_to_be_compared_with() {
    fn known(case: &mut Case, days: usize) {
        let mut uses = ["10"; 31];
        uses[2] = SPIKE;
        case.uses(&uses);
        case.daily.truncate(days);
        case.checks.sum_percent = Decimal::ZERO;
    }
    check_rows(&[
        ("six days", |case| known(case, 6), &[]),
        ("seven days", |case| known(case, 7), &["spike"]),
    ]);
}

#[test]
fn a_spike_says_when_and_how_much() {
    let mut days = ["10"; 31];
    days[4] = SPIKE;
    let mut case = october();
    case.uses(&days);
    let spike = Finding::Spike {
        from: start_of(day_of_october(5)),
        until: start_of(day_of_october(6)),
        highest: number(SPIKE),
        third: number("10"),
        unit: UNIT,
    };
    assert_eq!(case.found(), [spike]);
}

#[test]
fn the_days_against_the_registers() {
    fn closes_at(case: &mut Case, register: &str) {
        let opening = boundary(FROM, "1000", UNIT);
        case.segments = vec![segment(opening, boundary(UNTIL, register, UNIT))];
    }
    check_rows(&[
        // 310 of 306.9307 is one of a hundred more.
        ("a percent", |case| closes_at(case, "1306.94"), &[]),
        ("more", |case| closes_at(case, "1306.93"), &["sum_differs"]),
        (
            "less, but two days are unknown",
            |case| {
                case.checks.missing_days = 0;
                case.unread(7);
            },
            &[],
        ),
        (
            "more, although two days are unknown",
            |case| {
                case.checks.missing_days = 0;
                case.unread(7);
                closes_at(case, "1287");
            },
            &["sum_differs"],
        ),
    ]);
}

#[test]
fn other_units_other_multipliers_and_estimates_in_a_row() {
    check_rows(&[
        (
            "two points of a device have units of their own",
            |case| {
                let at = start_of(FROM);
                let mut other = taken(2, at, "1", Unit::MegaWh);
                other.reading.point = "energy_export".to_owned();
                case.readings = vec![taken(1, at, "1000", UNIT), other];
            },
            &[],
        ),
        (
            "one point has one",
            |case| {
                let (one, other) = (start_of(FROM), start_of(UNTIL));
                case.readings = vec![
                    taken(1, one, "1000", UNIT),
                    taken(2, other, "1", Unit::MegaWh),
                ];
            },
            &["unit_changed"],
        ),
        (
            "the multiplier of the period before",
            |case| {
                after_september(case, "300");
                case.past[0].multiplier = number("40");
            },
            &["multiplier_changed"],
        ),
        (
            "one estimate",
            |case| {
                after_september(case, "300");
                let closing = &mut case.segments[0].closing;
                *closing = estimated(closing.clone());
            },
            &[],
        ),
        (
            "two in a row",
            |case| {
                after_september(case, "300");
                case.past[0].is_estimated = true;
                let closing = &mut case.segments[0].closing;
                *closing = estimated(closing.clone());
            },
            &["long_estimated"],
        ),
        (
            "an estimate that was read since",
            |case| {
                after_september(case, "300");
                case.past[0].is_estimated = true;
            },
            &[],
        ),
    ]);
    let mut case = october();
    let middle = boundary(day_of_october(16), "1150", UNIT);
    let closing = case.segments[0].closing.clone();
    let mut second = segment(middle.clone(), closing);
    second.multiplier = number("2");
    case.segments = vec![segment(boundary(FROM, "1000", UNIT), middle), second];
    let changed = Finding::MultiplierChanged {
        date: day_of_october(16),
        before: Decimal::ONE,
        after: number("2"),
    };
    assert_eq!(case.found(), [changed]);
}

#[test]
fn an_invoice_is_history_and_a_credit_is_not() {
    let mut one = invoice("es-MX");
    let past = Past::of(&one).unwrap();
    assert_eq!((past.from, past.measured), (FROM, number("344.8")));
    assert!(!past.is_estimated);
    one.kind = crate::billing::invoice::DocumentKind::Credit;
    assert_eq!(Past::of(&one), None);
}
