//! Billing terms at the three places where they are said: a site, a named plan, a meter. One
//! list of versions and one form for all of them.
//!
//! Promises: a version that a bill stands on is not changed, and none is put before a day that
//! is billed; nothing is kept by which a meter would be left without a term that it needs; what
//! is tried is not kept. Only who holds the account sees any of it.

mod act;
mod cards;
mod edit;
pub(super) mod plans;
mod read;
mod remove;
pub(super) mod say;
mod subject;
mod trial;
mod week;
mod write;

use axum::extract::{Path, State};
use axum::response::Response;

pub(super) use self::edit::{ask, change};
pub(super) use self::remove::{ask as ask_remove, remove};
use self::say::Say;
use self::subject::{Names, Subject};
use super::Portal;
use super::error::Failure;
use super::page::{self, Page};
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table, Tone};
use crate::format::Format;
use crate::plan::terms::{Held, Level, Term, Terms, Version, on};
use crate::store::plans::Owner;
use crate::text::{Arg, Text};

fn page_of(portal: &Portal, me: &SignedIn, subject: &Subject, title: String) -> Page {
    Page::new(me, subject.place, title, portal.app.clock.now())
}

pub(super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::of(&mut transaction, &me, &names, now).await?;
    let text = Text::in_language(me.person.language);
    let title = match subject.owner {
        Owner::Plan(_) => subject.name.clone(),
        _ => text.get("terms-title"),
    };
    let page = page_of(&portal, &me, &subject, title);
    let mut tables = vec![version_table(&page, &subject), held_table(&page, &subject)];
    let mut buttons = vec![Button::main(
        format!("{}/new", version_path(&subject)),
        text.get("terms-version-new"),
    )];
    let above = match subject.owner {
        Owner::Plan(_) => {
            let path = format!("{}/name", subject.home);
            buttons.push(Button::plain(path, text.get("terms-plan-rename")));
            tables.push(plans::follower_table(&page, &mut transaction, &subject).await?);
            ("/plans".to_owned(), text.get("terms-plans"))
        }
        _ => (subject.home.clone(), subject.name.clone()),
    };
    page::show(&Listing {
        above: Some(above),
        lead: lead(text, subject.level()),
        buttons,
        tables,
        page,
    })
}

/// Where one version is changed, without its date.
fn version_path(subject: &Subject) -> String {
    match subject.owner {
        Owner::Plan(_) => format!("{}/terms", subject.path),
        _ => subject.path.clone(),
    }
}

fn lead(text: Text, level: Level) -> String {
    match level {
        Level::Site => text.get("terms-lead-site"),
        Level::Plan => text.get("terms-lead-plan"),
        _ => text.get("terms-lead-meter"),
    }
}

fn version_table(page: &Page, subject: &Subject) -> Table {
    let today = on(subject.today, &subject.versions);
    let rows = subject.versions.iter().rev();
    let rows = rows.map(|version| version_row(page, subject, version, today));
    Table {
        caption: page.t("terms-versions"),
        columns: vec![
            page.t("terms-from"),
            page.t("terms-says"),
            page.t("portal-state"),
            page.t("terms-do"),
        ],
        rows: rows.collect(),
        empty: page.t("terms-versions-none"),
    }
}

fn version_row(
    page: &Page,
    subject: &Subject,
    version: &Version,
    today: Option<&Terms>,
) -> Vec<Cell> {
    let date = version.effective_from;
    let path = format!("{}/{date}", version_path(subject));
    let said = version.terms.said();
    let says: Vec<String> = said
        .iter()
        .map(|term| say::name(page.text, *term))
        .collect();
    let says = match says.is_empty() {
        true => page.t("terms-says-nothing"),
        false => says.join(", "),
    };
    let is_now = today.is_some_and(|held| std::ptr::eq(held, &version.terms));
    let is_billed = subject.is_billed(date);
    let (tone, word) = match (is_now, date > subject.today) {
        (true, _) => (Tone::Good, "terms-state-now"),
        (_, true) => (Tone::Quiet, "terms-state-coming"),
        _ => (Tone::Quiet, "terms-state-past"),
    };
    let small = match (is_billed, &subject.billed) {
        (true, Some(billed)) => {
            let until = page.format.date(billed.until);
            let args = [
                ("meter", Arg::from(&billed.meter)),
                ("until", Arg::from(&until)),
            ];
            page.text.with("terms-billed", &args)
        }
        _ => String::new(),
    };
    let mut links = Vec::new();
    if !is_billed {
        links.push((path.clone(), page.t("terms-change")));
        links.push((format!("{path}/remove"), page.t("terms-remove")));
    }
    vec![
        Cell::text(page.format.date_short(date)),
        Cell::text(says),
        Cell::state(tone, state_word(page.text, word), small),
        Cell::Links(links),
    ]
}

fn state_word(text: Text, word: &str) -> String {
    match word {
        "terms-state-now" => text.get("terms-state-now"),
        "terms-state-coming" => text.get("terms-state-coming"),
        _ => text.get("terms-state-past"),
    }
}

/// What holds today, term by term, with where it comes from.
fn held_table(page: &Page, subject: &Subject) -> Table {
    let own = on(subject.today, &subject.versions).cloned();
    let own = own.unwrap_or_default();
    let behind = subject.behind(own.plan, subject.today);
    let held = over(own, behind, subject.level());
    let say = Say {
        text: page.text,
        format: Format::new(subject.locale),
        subject,
        currency: held.terms.currency,
    };
    let is_meter = subject.level() == Level::Meter;
    let rows = Term::ALL.into_iter().filter_map(|term| {
        let level = held.from.get(&term).copied().unwrap_or(Level::Default);
        let value = match say.term(term, &held.terms) {
            Some(value) => value,
            None if is_meter => say.unsaid(term)?,
            None => return None,
        };
        let origin = subject.origin(page.text, level, held.terms.plan);
        Some(vec![
            Cell::text(say::name(page.text, term)),
            Cell::text(value),
            Cell::text(origin),
        ])
    });
    Table {
        caption: page.t("terms-held"),
        columns: vec![
            page.t("terms-term"),
            page.t("terms-value"),
            page.t("terms-origin"),
        ],
        rows: rows.collect(),
        empty: page.t("terms-held-none"),
    }
}

/// What a level says, and behind it what others say.
fn over(own: Terms, behind: Held, level: Level) -> Held {
    let said = own.said();
    let mut held = Held {
        from: said.iter().map(|term| (*term, level)).collect(),
        terms: own,
    };
    let took = held.terms.filled_from(&behind.terms);
    for term in took {
        let from = behind.from.get(&term).copied().unwrap_or(Level::Default);
        held.from.insert(term, from);
    }
    held
}
