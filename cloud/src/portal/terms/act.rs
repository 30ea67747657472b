//! What the buttons of the form do to it: open and shut a term, add and take away rows, choose
//! a kind. Nothing is kept; the form comes back changed.

use jiff::civil::Date;

use super::super::form::Input;
use super::subject::Subject;
use super::write::{DAYS, fields, said, word};
use crate::format::Format;
use crate::plan::tariff::{BANDS_MAX, FEES_MAX, SEASONS_MAX, SWITCHES_MAX, TAXES_MAX, TIERS_MAX};
use crate::plan::terms::{Held, Term, Terms};
use crate::plan::{Cycle, SEND_HOUR_DEFAULT};

/// The form after a button; nothing where the button is none of these.
pub(super) fn act(subject: &Subject, input: Input, date: Date, format: Format) -> Option<Input> {
    let button = input.get("do").to_owned();
    let mut parts = button.splitn(3, ':');
    let (verb, what) = (parts.next()?, parts.next()?);
    let place = parts.next();
    let term = Term::ALL.into_iter().find(|term| word(*term) == what);
    Some(match verb {
        "open" => {
            let follows = input.get("plan").parse().ok();
            let behind = subject.behind(follows, date);
            open(subject, input, term?, &behind, format)
        }
        "shut" => {
            let field = said(term?);
            input.with(&field, "")
        }
        "add" => add(input, what),
        "cut" => input.without_row(what, place?.parse().ok()?),
        "rate" => choose_rate(input, what),
        "cycle" => defaults(input.with("cycle", what), &CYCLE),
        _ => return None,
    })
}

const CYCLE: [(&str, &str); 4] = [
    ("cutoff_day", "31"),
    ("months", "1"),
    ("ends_in", "1"),
    ("cutoff_weekday", "sunday"),
];

/// The same with values where none came.
fn defaults(mut input: Input, values: &[(&str, &str)]) -> Input {
    for (name, value) in values {
        if input.get(name).is_empty() {
            input = input.with(name, value);
        }
    }
    input
}

/// The form of what a version says, or of what would hold without it.
pub(super) fn of_terms(terms: &Terms, format: Format) -> Input {
    let input = defaults(fields(terms, format), &CYCLE);
    defaults(input, &[("demand_minutes", "15"), ("per", "1")])
}

fn open(subject: &Subject, input: Input, term: Term, behind: &Held, format: Format) -> Input {
    let mut terms = Terms::default();
    let held = &behind.terms;
    match term {
        Term::Plan => terms.plan = subject.plans.first().map(|plan| plan.id),
        Term::Zone => terms.zone.clone_from(&held.zone),
        Term::Cycle => terms.cycle = held.cycle.or(Cycle::monthly(31).ok()),
        Term::Currency => terms.currency = held.currency.or("MXN".parse().ok()),
        Term::Tariff => terms.tariff.clone_from(&held.tariff),
        Term::Minimum => terms.minimum = Some(held.minimum.clone().unwrap_or_default()),
        Term::Fees => terms.fees = Some(held.fees.clone().unwrap_or_default()),
        Term::Taxes => terms.taxes = Some(held.taxes.clone().unwrap_or_default()),
        Term::SendHour => terms.send_hour = held.send_hour.or(Some(SEND_HOUR_DEFAULT)),
        Term::Missing => terms.missing = Some(held.missing.unwrap_or_default()),
        Term::Checks => {
            terms.checks = Some(held.checks.clone().unwrap_or_default());
        }
    }
    let mut input = input.over(fields(&terms, format)).with(&said(term), "on");
    input = defaults(input, &CYCLE);
    input = defaults(
        input,
        &[
            ("per", "1"),
            ("rate", "flat"),
            ("demand_minutes", "15"),
            ("zone", &subject.zone),
        ],
    );
    match term {
        Term::Fees if input.rows("fee", 1) == 0 => add(input, "fee"),
        Term::Taxes if input.rows("tax", 1) == 0 => add(input, "tax"),
        _ => input,
    }
}

/// Another row in a list.
fn add(input: Input, list: &str) -> Input {
    let (most, fields): (usize, &[(&str, &str)]) = match list {
        "tier" => (TIERS_MAX, &[("up_to", ""), ("price", "")]),
        "band" => (BANDS_MAX, &[("name", ""), ("price", "")]),
        "fee" => (FEES_MAX, &[("name", ""), ("amount", "")]),
        "tax" => (TAXES_MAX, &[("name", ""), ("percent", "")]),
        "season" => (SEASONS_MAX, &[("month", "1"), ("day", "1")]),
        switches if switches.starts_with("season-") => (SWITCHES_MAX, &[("at", ""), ("band", "0")]),
        _ => return input,
    };
    let place = input.rows(list, most);
    if place >= most {
        return input;
    }
    let mut input = input;
    for (field, value) in fields {
        input = input.with(&format!("{list}-{place}-{field}"), value);
    }
    if list == "season" {
        for day in DAYS {
            input = add(input, &format!("season-{place}-{day}"));
        }
    }
    input
}

/// Another kind of price, with the first rows of its lists.
fn choose_rate(input: Input, rate: &str) -> Input {
    let mut input = input.with("rate", rate);
    match rate {
        "tiers" if input.rows("tier", 1) == 0 => {
            let price = input.get("price").to_owned();
            input = add(add(input, "tier"), "tier").with("tier-0-price", &price);
        }
        "hours" if input.rows("band", 1) == 0 => {
            let price = input.get("price").to_owned();
            input = add(add(add(input, "band"), "band"), "season").with("band-0-price", &price);
        }
        _ => {}
    }
    input
}
