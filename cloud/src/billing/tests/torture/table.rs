//! The published table, row by row.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::fault::Fault;
use super::history::{History, Register};
use super::{Outcome, close, peers};
use crate::billing::consumption::Late;
use crate::billing::period::start_of_day;

const TABLE: &str = include_str!("../../../../../tests/torture/counter.toml");
/// From the end of a period to its bill.
const BILLED_AFTER: SignedDuration = SignedDuration::from_hours(15);
const PEERS: [&str; 4] = ["myems", "emoncms", "volkszaehler", "home_assistant"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    row: Vec<Row>,
    late: Vec<LateRow>,
}

/// A register as the table writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counter {
    begins_at: Option<Decimal>,
    modulus: Option<Decimal>,
    #[serde(default)]
    is_modulus_known: bool,
    profile: Option<String>,
}

impl Counter {
    fn register(&self) -> Register {
        let usual = Register::default();
        Register {
            begins_at: self.begins_at.unwrap_or(usual.begins_at),
            modulus: self.modulus,
            is_modulus_known: self.is_modulus_known,
            profile: self.profile.clone(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    what: String,
    #[serde(default)]
    register: Counter,
    #[serde(default)]
    faults: Vec<Fault>,
    truth: Decimal,
    /// How it is billed while a missing reading is waited for.
    answer: String,
    billed: Option<Decimal>,
    /// How it is billed when that is estimated.
    estimated: Option<Decimal>,
    peers: BTreeMap<String, Decimal>,
}

/// A register that is not there when the first half of the month is billed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LateRow {
    name: String,
    from: DateTime,
    until: DateTime,
    /// What the first half is billed before the readings come, and what is true of it.
    first: Decimal,
    first_truth: Decimal,
    /// What the second half is billed after they came.
    second: Decimal,
    second_truth: Decimal,
}

fn table() -> Table {
    toml::from_str(TABLE).unwrap()
}

/// What a row says of an outcome: how, and how much.
fn said(outcome: &Outcome) -> (String, Option<Decimal>) {
    match outcome {
        Outcome::Read(billed) => ("read".to_owned(), Some(*billed)),
        Outcome::Interpolated { billed, .. } => ("interpolated".to_owned(), Some(*billed)),
        Outcome::Estimated(billed) => ("estimated".to_owned(), Some(*billed)),
        Outcome::Held(hold) => (format!("held: {hold}"), None),
    }
}

fn history_of(row: &Row) -> History {
    let mut history = History::new(row.register.register());
    for fault in &row.faults {
        fault.befall(&mut history);
    }
    history
}

#[test]
fn every_row_is_billed_as_the_table_says() {
    let mut wrong = Vec::new();
    for row in &table().row {
        let history = history_of(row);
        assert!(!row.what.is_empty(), "{}", row.name);
        let waiting = Outcome::of(&history, Late::Wait);
        let estimated = match Outcome::of(&history, Late::Estimate) {
            Outcome::Estimated(billed) => Some(billed),
            _ => None,
        };
        let found = (history.truth(), said(&waiting), estimated);
        let expected = (row.truth, (row.answer.clone(), row.billed), row.estimated);
        if found != expected {
            wrong.push(format!("{}: {found:?}, not {expected:?}", row.name));
        }
        if !waiting.is_honest(row.truth, history.unrest()) {
            wrong.push(format!("{}: silently wrong: {waiting:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_rules_of_others_make_of_every_row_what_the_table_says() {
    let mut wrong = Vec::new();
    for row in &table().row {
        let figures = peers::all(&history_of(row));
        let found = PEERS.map(str::to_owned).into_iter().zip(figures);
        let found: BTreeMap<String, Decimal> = found.collect();
        if found != row.peers {
            wrong.push(format!("{}: {found:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_comes_after_a_bill_is_in_the_next_one_and_nothing_is_billed_twice() {
    for row in &table().late {
        let mut first = History::new(Register::default());
        first.period.until = date(2026, 11, 16);
        first.period.ends_at = start_of_day(first.period.until, &first.zone).unwrap();
        let mut second = History::new(Register::default());
        second.period.from = first.period.until;
        second.period.starts_at = first.period.ends_at;
        let truth = (first.truth(), second.truth());
        assert_eq!(truth, (row.first_truth, row.second_truth));
        let gap = Fault::Gap {
            from: row.from,
            until: row.until,
        };
        gap.befall(&mut first);
        // What is there when it is billed.
        let billed_at = first.period.ends_at + BILLED_AFTER;
        first.readings.retain(|taken| taken.reading.at <= billed_at);
        let one = close(&first, &[], Late::Estimate).unwrap();
        let opening = one.segments.last().closing.clone();
        let two = close(&second, &[opening], Late::Wait).unwrap();
        let billed = [&one, &two].map(|statement| statement.charge.measured.normalize());
        assert_eq!(billed, [row.first, row.second], "{}", row.name);
        assert_eq!(row.first + row.second, row.first_truth + row.second_truth);
    }
}
