//! The invoice made again from its readings and terms, and compared field by field.

mod boundary;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use common::profile::Library;
use rust_decimal::Decimal;

use super::Evidence;
use super::chain::{Place, place};
use super::listing::fields;
use super::report::{Part, Report};
use crate::billing::consumption::Taken;
use crate::billing::invoice::Invoice;

/// The readings of the evidence, and which of them are sealed.
struct Readings<'a> {
    by_place: BTreeMap<Place, &'a Taken>,
    sealed: &'a BTreeSet<Place>,
    library: &'a Library,
}

/// Makes the invoice again, and names the fields in which the one that was issued differs.
pub(super) fn check(
    invoice: &Invoice,
    evidence: &Evidence,
    sealed: &BTreeSet<Place>,
    library: &Library,
    report: &mut Report,
) {
    let readings = evidence.readings.iter();
    let by_place = readings.map(|taken| (place(taken), taken)).collect();
    let readings = Readings {
        by_place,
        sealed,
        library,
    };
    boundary::check_words(evidence, library, report);
    let mut again = invoice.clone();
    again.segments = boundary::segments(invoice, &readings, report);
    boundary::check_daily(invoice, &readings, &mut again, report);
    terms::apply(invoice, &mut again, report);
    compare(invoice, &again, report);
}

fn compare(issued: &Invoice, again: &Invoice, report: &mut Report) {
    let listed = |invoice: &Invoice| {
        let value = serde_json::to_value(invoice).ok()?;
        fields("invoice", &value).ok()
    };
    let (Some(issued), Some(again)) = (listed(issued), listed(again)) else {
        let message = "it cannot be listed".to_owned();
        report.differs(Part::Form, "invoice", message);
        return;
    };
    for (field, found) in &issued {
        match again.get(field) {
            Some(value) if is_same(found, value) => {}
            Some(value) => {
                let (found, value) = (plain(found), plain(value));
                let message = format!("it says {found}; recomputed it is {value}");
                report.differs(part_of(field), field, message);
            }
            None => {
                let message = "recomputed there is no such field".to_owned();
                report.differs(part_of(field), field, message);
            }
        }
    }
    for field in again.keys().filter(|field| !issued.contains_key(*field)) {
        let message = "recomputed there is such a field".to_owned();
        report.differs(part_of(field), field, message);
    }
}

/// A field without its kind.
fn plain(field: &str) -> &str {
    field.split_once(' ').map_or(field, |(_, value)| value)
}

/// Whether two fields are the same; of two decimals, whether they are the same number.
fn is_same(one: &str, other: &str) -> bool {
    let decimal = |field: &str| {
        let digits = field.strip_prefix("text ")?;
        Decimal::from_str_exact(digits).ok()
    };
    one == other || decimal(one).is_some_and(|number| decimal(other) == Some(number))
}

/// Which part of the recomputation a field belongs to.
fn part_of(field: &str) -> Part {
    let rest = field.strip_prefix("invoice.").unwrap_or(field);
    let name: &str = rest.split(['.', '[']).next().unwrap_or(rest);
    match name {
        "period" | "zone" => Part::Period,
        "segments" if rest.ends_with("].quantity") => Part::Quantity,
        "segments" | "daily" => Part::Boundary,
        "simulated" => Part::Mark,
        _ => Part::Charge,
    }
}
