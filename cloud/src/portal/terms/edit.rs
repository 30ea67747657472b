//! The form for one version of terms: what it says from a date on, tried before it is kept.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::Field;
use super::super::form::{Check, Errors, Input};
use super::super::page::{self, Page, go};
use super::super::session::SignedIn;
use super::act::{act, of_terms};
use super::cards::{Card, Drawer, Item, place_errors};
use super::read::Reader;
use super::subject::{Names, Subject};
use super::trial::{self, Trial};
use super::{lead, page_of, say, version_path};
use crate::billing::period::start_of_day;
use crate::format::Format;
use crate::plan::terms::{ResolveError, Terms, Version, on};
use crate::plan::{Cycle, Plan};
use crate::site::Zone;
use crate::store::Transaction;
use crate::text::{Arg, Text};

/// How far from today a version may begin, in days: beyond it somebody mistyped the year.
const FROM_DAYS_MAX: i32 = 5 * 366;

#[derive(Debug, Template)]
#[template(path = "portal/terms.html")]
struct TermsPage {
    page: Page,
    above: (String, String),
    lead: String,
    problem: Option<String>,
    action: String,
    top: Vec<Field>,
    cards: Vec<Card>,
    trial: Option<Trial>,
    cancel: String,
}

/// The version that a path names, if there is one that may be changed.
fn named(subject: &Subject, names: &Names) -> Result<Option<Date>, Failure> {
    let word = names.get("from").map_or("", String::as_str);
    if word == "new" {
        return Ok(None);
    }
    let date: Date = word.parse().map_err(|_| Failure::Absent)?;
    let found = subject.versions.iter();
    let found = found.map(|one| one.effective_from).find(|one| *one == date);
    found.map(Some).ok_or(Failure::Absent)
}

fn draw(
    page: Page,
    subject: &Subject,
    original: Option<Date>,
    input: &Input,
    errors: &Errors,
) -> TermsPage {
    let text = page.text;
    let drawer = Drawer {
        text,
        format: Format::new(subject.locale),
        subject,
        input,
    };
    let mut cards = drawer.cards();
    place_errors(&mut cards, errors);
    let mut from = Field::line("from", text.get("terms-from"), input.get("from"))
        .kind("date")
        .help(text.get("terms-from-help"));
    from.error = errors.get("from").cloned();
    let begins = Field::switch(
        "begins_period",
        text.get("terms-begins"),
        input.is_on("begins_period"),
    );
    let version = original.map_or("new".to_owned(), |date| date.to_string());
    let n = i64::try_from(errors.len()).unwrap_or(i64::MAX);
    let problem = errors
        .get("")
        .cloned()
        .or_else(|| (n > 0).then(|| text.with("portal-form-wrong", &[("n", Arg::Count(n))])));
    TermsPage {
        above: (subject.path.clone(), subject.name.clone()),
        lead: lead(text, subject.level()),
        problem,
        action: format!("{}/{version}", version_path(subject)),
        top: vec![from, begins.help(text.get("terms-begins-help"))],
        cards,
        trial: None,
        cancel: subject.path.clone(),
        page,
    }
}

fn title(text: Text, original: Option<Date>) -> String {
    match original {
        Some(_) => text.get("terms-version-change"),
        None => text.get("terms-version-new"),
    }
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let now = portal.app.clock.now();
    let subject = Subject::of(&mut transaction, &me, &names, now).await?;
    drop(transaction);
    let original = named(&subject, &names)?;
    let from = original.unwrap_or_else(|| subject.first_open_day());
    let terms = on(from, &subject.versions).cloned().unwrap_or_default();
    let mut input = of_terms(&terms, Format::new(subject.locale));
    input = input.with("from", &from.to_string());
    if original.is_some() && terms.begins_period {
        input = input.with("begins_period", "on");
    }
    let text = Text::in_language(me.person.language);
    let page = page_of(&portal, &me, &subject, title(text, original));
    page::show(&draw(page, &subject, original, &input, &Errors::new()))
}

pub(crate) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::of(&mut transaction, &me, &names, now).await?;
    let original = named(&subject, &names)?;
    let text = Text::in_language(me.person.language);
    let format = Format::new(subject.locale);
    let page = page_of(&portal, &me, &subject, title(text, original));
    let date = input.get("from").trim().parse();
    let date = date.unwrap_or_else(|_| subject.first_open_day());
    if let Some(changed) = act(&subject, input.clone(), date, format) {
        return page::show(&draw(page, &subject, original, &changed, &Errors::new()));
    }
    let mut check = Check::new(&input, text);
    let typed = typed(&mut check, &subject, original, &mut transaction).await?;
    let Some((version, versions)) = typed else {
        let form = draw(page, &subject, original, &input, &check.errors);
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &form);
    };
    let from = version.effective_from;
    if input.get("do") != "save" {
        let profiles = &portal.app.profiles;
        let trial = trial::of(&mut transaction, profiles, &page, &subject, &versions, from);
        let trial = trial.await?;
        let mut form = draw(page, &subject, original, &input, &Errors::new());
        form.trial = Some(trial);
        return page::show(&form);
    }
    let (account, by) = (subject.account, Some(me.person.id));
    if let Some(old) = original.filter(|old| *old != from && !subject.is_billed(*old)) {
        transaction
            .remove_terms(account, subject.owner, old)
            .await?;
    }
    let owner = subject.owner;
    transaction
        .set_terms(account, owner, &version, by, now)
        .await?;
    if version.terms.begins_period {
        look_earlier(&mut transaction, &subject, from).await?;
    }
    transaction.commit().await?;
    tracing::info!(?owner, by = %me.person.id, ?version, "changed terms");
    Ok(go(&format!("{}?done=saved", subject.path)))
}

/// Lets the closing job look at the meters when their period is cut.
async fn look_earlier(
    transaction: &mut Transaction,
    subject: &Subject,
    from: Date,
) -> Result<(), Failure> {
    for meter in &subject.meters {
        let next = transaction.next_close(meter.account, meter.id).await?;
        let Ok(at) = start_of_day(from, &meter.zone) else {
            continue;
        };
        if next.is_some_and(|next| at < next) {
            transaction
                .set_next_close(meter.account, meter.id, at)
                .await?;
        }
    }
    Ok(())
}

/// The version that was typed, and all versions with it, if all of it is good.
async fn typed(
    check: &mut Check<'_>,
    subject: &Subject,
    original: Option<Date>,
    transaction: &mut Transaction,
) -> Result<Option<(Version, Vec<Version>)>, Failure> {
    let from = check.date("from");
    let mut reader = Reader {
        check,
        format: Format::new(subject.locale),
        plans: &subject.plans,
    };
    let terms = reader.terms();
    if let Some(from) = from {
        check_date(check, subject, original, from);
    }
    let (Some(from), Some(terms)) = (from, terms) else {
        return Ok(None);
    };
    check_alone(check, &terms);
    let version = Version {
        effective_from: from,
        terms,
    };
    let is_replaced = |one: &&Version| {
        let old = Some(one.effective_from) == original && !subject.is_billed(one.effective_from);
        !old && one.effective_from != from
    };
    let mut versions: Vec<Version> = subject
        .versions
        .iter()
        .filter(is_replaced)
        .cloned()
        .collect();
    versions.push(version.clone());
    versions.sort_by_key(|one| one.effective_from);
    check_meters(check, subject, &versions, transaction).await?;
    Ok(check.errors.is_empty().then_some((version, versions)))
}

fn check_date(check: &mut Check<'_>, subject: &Subject, original: Option<Date>, from: Date) {
    let format = Format::new(check.text.language().locale());
    if let Some(billed) = subject.billed.as_ref().filter(|one| from < one.until) {
        let until = format.date(billed.until);
        let args = [
            ("meter", Arg::from(&billed.meter)),
            ("until", Arg::from(&until)),
        ];
        let sentence = check.text.with("terms-error-billed", &args);
        check.wrong("from", sentence);
    }
    let is_taken = subject
        .versions
        .iter()
        .any(|one| one.effective_from == from);
    if is_taken && original != Some(from) {
        let sentence = check.text.get("terms-error-taken");
        check.wrong("from", sentence);
    }
    if (from - subject.today).get_days().abs() > FROM_DAYS_MAX {
        let sentence = check.text.get("portal-error-first-day");
        check.wrong("from", sentence);
    }
}

/// Whether terms can be a plan's, with the start values for what they do not say.
fn check_alone(check: &mut Check<'_>, terms: &Terms) {
    let parts = (Cycle::monthly(31), Zone::new("UTC"), "MXN".parse());
    let (Ok(cycle), Ok(zone), Ok(currency)) = parts else {
        return;
    };
    let mut plan = Plan::flat(Date::ZERO, zone, cycle, currency, 0.into());
    plan.cycle = terms.cycle.unwrap_or(plan.cycle);
    plan.tariff = terms.tariff.clone().unwrap_or(plan.tariff);
    plan.minimum = terms.minimum.clone().unwrap_or(plan.minimum);
    if let (Some(fees), taxes) = (&terms.fees, terms.taxes.as_ref()) {
        // Taxes that name fees of another level are checked with that level's.
        plan.fees.clone_from(fees);
        plan.taxes = taxes.cloned().unwrap_or_default();
    }
    plan.missing = terms.missing.unwrap_or(plan.missing);
    plan.checks = terms.checks.clone().unwrap_or(plan.checks);
    if let Err(error) = plan.check() {
        let why = error.to_string();
        let sentence = check
            .text
            .with("terms-error-plan", &[("why", Arg::from(&why))]);
        check.wrong("", sentence);
    }
}

/// Whether every meter for which they count has all terms that it needs.
pub(super) async fn check_meters(
    check: &mut Check<'_>,
    subject: &Subject,
    versions: &[Version],
    transaction: &mut Transaction,
) -> Result<(), Failure> {
    for meter in &subject.meters {
        let levels = subject.levels(transaction, meter.id, versions.to_vec());
        let Err(error) = levels.await?.resolve() else {
            continue;
        };
        let text = check.text;
        let sentence = match error {
            ResolveError::Open(term, date) => {
                let term = say::name(text, term);
                let date = Format::new(text.language().locale()).date(date);
                let args = [
                    ("meter", Arg::from(&meter.label)),
                    ("term", Arg::from(&term)),
                    ("date", Arg::from(&date)),
                ];
                text.with("terms-error-open", &args)
            }
            ResolveError::Plan(error) => {
                let why = format!("{}: {error}", meter.label);
                text.with("terms-error-plan", &[("why", Arg::from(&why))])
            }
        };
        check.wrong("", sentence);
        return Ok(());
    }
    Ok(())
}
