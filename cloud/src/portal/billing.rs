//! The board: the bills that come, run by run, days before they go out.
//!
//! Promises: what stands here is what the closing job would do with what is known now; what
//! needs a person is first to be seen, with the place where it is mended. It is for
//! integrators alone: for everybody else it does not exist.

mod coming;
pub(super) mod hold;
pub(super) mod preview;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use rust_decimal::Decimal;

use self::coming::Coming;
use super::Portal;
use super::error::Failure;
use super::form::Input;
use super::page::{Page, Place, show as show_page};
use super::reconciliation;
use super::session::SignedIn;
use super::table::{Button, Cell, Table, Tone};
use crate::billing::hold::Hold;
use crate::billing::readiness::{Cause, Readiness};
use crate::currency::Currency;
use crate::format::Format;
use crate::text::{Arg, Text};

/// The most meters on one page; a longer list says that it was cut.
const METERS_SHOWN_MAX: usize = 300;

/// Bills that go out at one instant.
#[derive(Debug)]
struct Run {
    heading: String,
    lead: String,
    counts: Vec<Cell>,
    ready: usize,
    all: usize,
    table: Table,
    buttons: Vec<Button>,
}

#[derive(Template)]
#[template(path = "portal/billing.html")]
struct BoardPage {
    page: Page,
    lead: String,
    buttons: Vec<Button>,
    runs: Vec<Run>,
    empty: String,
}

pub(super) async fn list(
    State(portal): State<Portal>,
    me: SignedIn,
    Query(query): Query<Input>,
) -> Result<Response, Failure> {
    if me.actor.held_accounts().next().is_none() {
        return Err(Failure::Absent);
    }
    let title = Text::in_language(me.person.language).get("billing-nav");
    let page = Page::new(&me, Place::Billing, title, portal.app.clock.now());
    let mut transaction = portal.app.store.read().await?;
    let found = coming::of_all(
        &mut transaction,
        &portal.app.profiles,
        &me,
        page.now,
        METERS_SHOWN_MAX,
    );
    let (bills, meters) = found.await?;
    drop(transaction);
    show_page(&draw(page, &bills, meters, query.get("show") == "person"))
}

fn draw(page: Page, bills: &[Coming], meters: usize, only_person: bool) -> BoardPage {
    let attention = bills.iter().filter(|one| one.wants_a_look()).count();
    let mut runs: BTreeMap<Option<Timestamp>, Vec<&Coming>> = BTreeMap::new();
    let shown = bills
        .iter()
        .filter(|one| !only_person || one.wants_a_look());
    // What is over and waits stands first: it has no instant to come.
    for bill in shown {
        runs.entry(bill.sends_at).or_default().push(bill);
    }
    let runs = runs.into_iter().map(|(at, bills)| run(&page, at, &bills));
    let runs: Vec<Run> = runs.collect();
    let n = |count: usize| Arg::Count(i64::try_from(count).unwrap_or(i64::MAX));
    let buttons = if only_person {
        vec![Button::plain("/billing", page.t("billing-show-all"))]
    } else if attention > 0 {
        let label = page
            .text
            .with("billing-show-person", &[("n", n(attention))]);
        vec![Button::main("/billing?show=person", label)]
    } else {
        Vec::new()
    };
    let lead = if meters > METERS_SHOWN_MAX {
        let (shown, all) = (METERS_SHOWN_MAX.to_string(), meters.to_string());
        let args = [("shown", Arg::from(&shown)), ("all", Arg::from(&all))];
        page.text.with("billing-cut", &args)
    } else {
        page.t("billing-lead")
    };
    let empty = if only_person {
        page.t("billing-empty-person")
    } else {
        page.t("billing-empty")
    };
    BoardPage {
        lead,
        buttons,
        runs,
        empty,
        page,
    }
}

fn run(page: &Page, at: Option<Timestamp>, bills: &[&Coming]) -> Run {
    let counted = |state| {
        bills
            .iter()
            .filter(|one| one.outlook.state == state)
            .count()
    };
    let counts = Readiness::ALL.into_iter().filter_map(|state| {
        let count = counted(state);
        let word = format!("{} {count}", state_word(page.text, state));
        (count > 0).then(|| Cell::state(tone(state), word, ""))
    });
    let person_holds = bills.iter().any(|one| one.is_held);
    let all_held = bills.iter().all(|one| one.is_held);
    let mut buttons = Vec::new();
    if let Some(at) = at {
        let path = format!("/billing/runs/{}", at.as_millisecond());
        if !all_held {
            buttons.push(Button::plain(
                format!("{path}/hold"),
                page.t("billing-hold-run"),
            ));
        }
        if person_holds {
            buttons.push(Button::plain(
                format!("{path}/resume"),
                page.t("billing-resume-run"),
            ));
        }
    }
    Run {
        heading: heading(page, at, bills),
        lead: run_lead(page, bills),
        counts: counts.collect(),
        ready: counted(Readiness::Ready),
        all: bills.len(),
        table: table(page, bills),
        buttons,
    }
}

fn heading(page: &Page, at: Option<Timestamp>, bills: &[&Coming]) -> String {
    let first = at.and_then(|at| Some((at, &bills.first()?.zone)));
    let Some((at, zone)) = first else {
        return page.t("billing-run-waiting");
    };
    let when = page.format.date_time(at, zone);
    let args = [("when", Arg::from(&when)), ("zone", Arg::from(zone.name()))];
    page.text.with("billing-run", &args)
}

/// How many bills, and what they come to so far in each currency.
fn run_lead(page: &Page, bills: &[&Coming]) -> String {
    let mut totals: BTreeMap<String, (Currency, Decimal)> = BTreeMap::new();
    for (cost, currency) in bills.iter().filter_map(|one| one.cost()) {
        let total = totals
            .entry(currency.code().to_owned())
            .or_insert((currency, Decimal::ZERO));
        total.1 = total.1.saturating_add(cost);
    }
    let totals: Vec<String> = totals
        .values()
        .map(|(currency, total)| page.format.money(*total, *currency))
        .collect();
    let n = Arg::Count(i64::try_from(bills.len()).unwrap_or(i64::MAX));
    let meters = page.text.with("billing-run-meters", &[("n", n)]);
    if totals.is_empty() {
        return meters;
    }
    let totals = totals.join(" + ");
    let so_far = page
        .text
        .with("billing-run-so-far", &[("total", Arg::from(&totals))]);
    format!("{meters} · {so_far}")
}

fn table(page: &Page, bills: &[&Coming]) -> Table {
    Table {
        caption: String::new(),
        columns: vec![
            page.t("portal-meter"),
            page.t("billing-column-readings"),
            page.t("billing-column-so-far"),
            page.t("billing-column-recipients"),
            page.t("portal-state"),
            page.t("billing-column-do"),
        ],
        rows: bills.iter().map(|bill| row(page, bill)).collect(),
        empty: String::new(),
    }
}

fn row(page: &Page, bill: &Coming) -> Vec<Cell> {
    let meter = &bill.meter;
    // Figures are those of the invoice, dates those of whoever looks.
    let format = Format::new(meter.locale);
    let preview = format!("/meters/{}/preview", meter.id);
    let dates = bill
        .period
        .map(|one| page.format.dates(one.from, one.until));
    let about = [Some(bill.site.clone()), dates];
    let about: Vec<String> = about.into_iter().flatten().collect();
    let readings = match &bill.running {
        Some(_) => {
            let (read, days) = (bill.days_read.0.to_string(), bill.days_read.1.to_string());
            let args = [("read", Arg::from(&read)), ("days", Arg::from(&days))];
            Cell::two(
                page.text.with("billing-days-read", &args),
                page.ago(meter.last_good_at),
            )
        }
        None => Cell::text(page.ago(meter.last_good_at)),
    };
    let money = bill
        .cost()
        .map(|(cost, currency)| format.money(cost, currency));
    let used = bill.running.as_ref().and_then(|running| running.used);
    let used = used.map(|used| format.quantity(used, meter.unit));
    let mut links: Vec<_> = fix(page.text, bill).into_iter().collect();
    links.push((preview.clone(), page.t("billing-preview")));
    vec![
        Cell::main(preview, meter.label.clone(), about.join(" · ")),
        readings,
        Cell::figure_of(money.unwrap_or_default(), used.unwrap_or_default()),
        Cell::two(
            recipients(page.text, bill),
            meter.locale.language().code().to_uppercase(),
        ),
        state(page, bill),
        Cell::Links(links),
    ]
}

fn recipients(text: Text, bill: &Coming) -> String {
    if bill.recipients.is_empty() {
        return text.get("billing-nobody");
    }
    bill.recipients.join(", ")
}

/// What will become of it, and the first reason to look.
fn state(page: &Page, bill: &Coming) -> Cell {
    let reasons = bill.reasons(page.text, page.format);
    let state = bill.outlook.state;
    let more = reasons.len().saturating_sub(1);
    let mut small = reasons.into_iter().next().unwrap_or_default();
    if more > 0 {
        small.push_str(&format!(" (+{more})"));
    }
    let tone = match tone(state) {
        Tone::Good if bill.wants_a_look() => Tone::Warn,
        tone => tone,
    };
    Cell::state(tone, state_word(page.text, state), small)
}

fn tone(state: Readiness) -> Tone {
    match state {
        Readiness::Ready => Tone::Good,
        Readiness::WillWait | Readiness::WillEstimate => Tone::Warn,
        Readiness::Blocked => Tone::Bad,
    }
}

fn state_word(text: Text, state: Readiness) -> String {
    match state {
        Readiness::Ready => text.get("billing-ready"),
        Readiness::WillWait => text.get("billing-will-wait"),
        Readiness::WillEstimate => text.get("billing-will-estimate"),
        Readiness::Blocked => text.get("billing-blocked"),
    }
}

/// Where the gravest cause is mended.
fn fix(text: Text, bill: &Coming) -> Option<(String, String)> {
    let meter = format!("/meters/{}", bill.meter.id);
    Some(match bill.outlook.causes.first()? {
        Cause::NoTerms => (format!("{meter}/terms"), text.get("billing-fix-terms")),
        Cause::Held(Hold::ByPerson { .. }) => {
            (format!("{meter}/resume"), text.get("billing-resume"))
        }
        Cause::Unreachable => (
            format!("{meter}/recipients"),
            text.get("billing-fix-recipients"),
        ),
        Cause::Held(hold) if hold.is_of_site() => {
            (reconciliation::path(bill.meter.site), text.get("site-fix"))
        }
        Cause::Held(_) | Cause::Silent { .. } | Cause::DisplayDiffers { .. } => {
            (meter, text.get("billing-fix-meter"))
        }
    })
}
