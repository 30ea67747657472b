//! "Does your display read this?": the question on the pages of a meter and its invoices, what
//! somebody answers, and who sees that.
//!
//! Whoever may see a meter may answer. An answer is filed beside the reading that was asked
//! about and changes no bill; those who manage the meter see all of them.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use common::id::{AccountId, MeterId, PersonId};
use common::profile::Library;
use common::quantity::Quantity;
use common::reading::Reading;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::Field;
use super::super::form::{Check, Errors, FormPage, Input, Section};
use super::super::page::{Page, Place, go};
use super::super::session::SignedIn;
use super::super::table::{Cell, Table, Tone};
use super::is_fresh;
use crate::access::{Action, Object, may};
use crate::billing::consumption::Served;
use crate::billing::display::{DisplayCheck, Movement, can_show, standing};
use crate::billing::trace::Counter;
use crate::format::Format;
use crate::metered;
use crate::site::Meter;
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// Answers that are looked through for one that stands, and shown.
const CHECKS_SHOWN: i64 = 20;
/// Answers about a meter in a day: beyond it somebody plays.
const CHECKS_PER_DAY_MAX: i64 = 20;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Characters of a display that are taken.
const SHOWN_CHARACTERS_MAX: usize = 20;

/// The question, in the language of the page it stands on.
#[derive(Debug)]
pub(in super::super) struct Question {
    pub(in super::super) question: String,
    /// The register; empty where it stands above already.
    pub(in super::super) register: String,
    pub(in super::super) when: String,
    pub(in super::super) help: String,
    pub(in super::super) yes: String,
    pub(in super::super) no: String,
    pub(in super::super) action: String,
    /// What they answered last.
    pub(in super::super) answered: Option<String>,
}

/// Asks whether the display reads what was read last, in those words and forms; nothing while
/// nothing comes.
pub(in super::super) async fn question(
    transaction: &mut Transaction,
    me: &SignedIn,
    (text, format): (Text, Format),
    meter: &Meter,
    now: Timestamp,
) -> StoreResult<Option<Question>> {
    let (account, id) = (meter.account, meter.id);
    if !is_fresh(meter, now) {
        return Ok(None);
    }
    let Some((device, mounting)) = transaction.device_of_meter(account, id).await? else {
        return Ok(None);
    };
    let last = transaction
        .last_reading(account, device.id, &mounting.point)
        .await?;
    let Some((reading, register)) = last.and_then(|last| with_register(last.reading)) else {
        return Ok(None);
    };
    let own = transaction
        .display_checks(account, id, CHECKS_SHOWN)
        .await?;
    let own = own.iter().find(|one| one.person == me.person.id);
    let answered = own.map(|own| {
        let when = format.date_time(own.answered_at, &meter.zone);
        let shown = shown(format, own);
        let args = [("when", Arg::from(&when)), ("shown", Arg::from(&shown))];
        text.with("explain-display-answered", &args)
    });
    let when = format.date_time(reading.at, &meter.zone);
    Ok(Some(Question {
        question: text.get("explain-display-question"),
        register: format.quantity(register.value(), register.unit()),
        when: text.with("explain-display-read", &[("when", Arg::from(&when))]),
        help: text.get("explain-display-help"),
        yes: text.get("explain-display-yes"),
        no: text.get("explain-display-no"),
        action: address(meter, reading.at),
        answered,
    }))
}

fn with_register(reading: Reading) -> Option<(Reading, Quantity)> {
    let register = reading.quantity?;
    Some((reading, register))
}

/// Where the question about a reading is answered.
fn address(meter: &Meter, read_at: Timestamp) -> String {
    let about = read_at.as_millisecond();
    format!("/meters/{}/display?about={about}", meter.id)
}

/// What the display showed, as it was said.
fn shown(format: Format, check: &DisplayCheck) -> String {
    let shown = check.shown.unwrap_or_else(|| check.register.value());
    format.quantity(shown, check.register.unit())
}

/// What somebody is asked about.
struct Asked {
    served: Served,
    reading: Reading,
    register: Quantity,
}

/// The reading that the address names, of the device that serves the meter now; without one
/// that it names, the newest.
async fn asked(
    transaction: &mut Transaction,
    profiles: &Library,
    meter: &Meter,
    about: &str,
) -> StoreResult<Option<Asked>> {
    let account = meter.account;
    let served = metered::served(transaction, profiles, account, meter.id).await?;
    let current = served.into_iter().next_back();
    let Some(served) = current.filter(|one| one.mounting.until.is_none()) else {
        return Ok(None);
    };
    let (device, point) = (served.mounting.device, &served.mounting.point);
    let at = about.parse().ok();
    let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let mut found = None;
    if let Some(at) = at {
        let around = transaction.readings_around(account, device, point, at);
        let around = around.await?.into_iter().map(|kept| kept.reading);
        found = around
            .filter(|reading| reading.at == at)
            .find_map(with_register);
    }
    if found.is_none() {
        let last = transaction.last_reading(account, device, point).await?;
        found = last.and_then(|last| with_register(last.reading));
    }
    Ok(found.map(|(reading, register)| Asked {
        served,
        reading,
        register,
    }))
}

fn form(portal: &Portal, me: &SignedIn, meter: &Meter, asked: &Asked, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let title = text.get("explain-display-question");
    let page = Page::new(me, Place::Meters, title, portal.app.clock.now());
    let format = Format::new(meter.locale);
    let unit = asked.register.unit();
    let register = format.quantity(asked.register.value(), unit);
    let when = page.format.date_time(asked.reading.at, &meter.zone);
    let label = text.get("explain-display-shown");
    let shown = Field::line("shown", label, input.get("shown"))
        .decimal(unit.symbol())
        .most(SHOWN_CHARACTERS_MAX)
        .help(text.get("explain-display-shown-help"));
    let sections = vec![Section::new(String::new(), vec![shown])];
    let action = address(meter, asked.reading.at);
    let mut form = FormPage::new(page, action, sections, text.get("explain-display-submit"));
    let args = [
        ("register", Arg::from(&register)),
        ("when", Arg::from(&when)),
    ];
    form.lead = text.with("explain-display-lead", &args);
    let path = format!("/meters/{}", meter.id);
    form.above = Some((path.clone(), meter.label.clone()));
    form.cancel = Some(path);
    form
}

/// What stands there while there is nothing to ask about.
fn nothing(portal: &Portal, me: &SignedIn, meter: &Meter) -> Result<Response, Failure> {
    let text = Text::in_language(me.person.language);
    let title = text.get("explain-display-question");
    let page = Page::new(me, Place::Meters, title, portal.app.clock.now());
    let path = format!("/meters/{}", meter.id);
    let mut form = FormPage::new(page, path.clone(), Vec::new(), String::new());
    form.lead = text.get("explain-display-nothing");
    form.above = Some((path, meter.label.clone()));
    form.show(&Errors::new())
}

pub(in super::super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::See).await?;
    let profiles = &portal.app.profiles;
    let asked = asked(&mut transaction, profiles, &meter, query.get("about")).await?;
    let Some(asked) = asked else {
        return nothing(&portal, &me, &meter);
    };
    form(&portal, &me, &meter, &asked, &Input::default()).show(&Errors::new())
}

/// What they say that the display shows: nothing more than was asked, or a number.
fn said(check: &mut Check<'_>, format: Format, asked: &Asked) -> Option<Option<Decimal>> {
    if check.input.get("answer") == "yes" {
        return Some(None);
    }
    let shown = check.decimal("shown", format)?;
    let register = Quantity::new(shown, asked.register.unit());
    if shown.is_sign_negative() || register.is_err() {
        let sentence = check.text.get("explain-display-no-register");
        check.wrong("shown", sentence);
        return None;
    }
    Some(Some(shown))
}

pub(in super::super) async fn answer(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<Input>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let meter = me.meter(&mut transaction, &id, Action::See).await?;
    let path = format!("/meters/{}", meter.id);
    let profiles = &portal.app.profiles;
    let asked = asked(&mut transaction, profiles, &meter, query.get("about")).await?;
    let Some(asked) = asked else {
        return nothing(&portal, &me, &meter);
    };
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let said = said(&mut check, Format::new(meter.locale), &asked);
    let since = now - DAY;
    let given = transaction.display_checks_since(meter.account, meter.id, since);
    if given.await? >= CHECKS_PER_DAY_MAX {
        let sentence = check.text.get("explain-display-many");
        check.wrong("shown", sentence);
    }
    let Some(shown) = said.filter(|_| check.errors.is_empty()) else {
        return form(&portal, &me, &meter, &asked, &input).show(&check.errors);
    };
    let object = Object::Meter(meter.account, meter.id);
    let manages = may(&me.actor, Action::Manage, &object);
    let filed = judged(&asked, me.person.id, manages, shown, now);
    let (account, id) = (meter.account, meter.id);
    if transaction.keep_display_check(account, id, &filed).await? {
        tracing::info!(meter = %id, agrees = filed.agrees, "somebody looked at a display");
    }
    transaction.commit().await?;
    Ok(go(&match filed.agrees {
        true => format!("{path}?done=display-agrees"),
        false => format!("{path}?done=display-differs"),
    }))
}

fn judged(
    asked: &Asked,
    person: PersonId,
    manages: bool,
    shown: Option<Decimal>,
    now: Timestamp,
) -> DisplayCheck {
    let (register, read_at) = (asked.register, asked.reading.at);
    let counter = Counter::of(&asked.served.mounting, asked.served.point.as_ref());
    let movement = Movement {
        steady: counter.steady(register.value(), register.unit()),
        rolls_over_at: counter.rolls_over_at(),
    };
    let fits = |shown| can_show(register, read_at, shown, now, &movement);
    DisplayCheck {
        person,
        manages,
        device: asked.served.mounting.device,
        register,
        read_at,
        shown,
        answered_at: now,
        agrees: shown.is_none_or(fits),
    }
}

/// The answer that stands against the readings of a meter, since its device serves it.
pub(in super::super) async fn difference(
    transaction: &mut Transaction,
    account: AccountId,
    meter: MeterId,
) -> StoreResult<Option<DisplayCheck>> {
    let checks = transaction
        .display_checks(account, meter, CHECKS_SHOWN)
        .await?;
    if checks.iter().all(|check| check.agrees) {
        return Ok(None);
    }
    let Some((_, mounting)) = transaction.device_of_meter(account, meter).await? else {
        return Ok(None);
    };
    Ok(standing(&checks, mounting.from).cloned())
}

/// All that was answered, the newest first; nothing where nobody has.
pub(super) async fn table(
    transaction: &mut Transaction,
    page: &Page,
    meter: &Meter,
) -> StoreResult<Option<Table>> {
    let (account, id) = (meter.account, meter.id);
    let checks = transaction
        .display_checks(account, id, CHECKS_SHOWN)
        .await?;
    if checks.is_empty() {
        return Ok(None);
    }
    let members = transaction.members(account).await?;
    let format = Format::new(meter.locale);
    let row = |check: &DisplayCheck| {
        let mut people = members.iter().map(|(person, _)| person);
        let person = people.find(|person| person.id == check.person);
        let person = person.map_or(String::new(), |person| person.name.clone());
        let register = format.quantity(check.register.value(), check.register.unit());
        let (tone, word) = match check.agrees {
            true => (Tone::Good, "explain-display-agrees"),
            false => (Tone::Bad, "explain-display-differs"),
        };
        vec![
            Cell::two(
                page.format.date_time(check.answered_at, &meter.zone),
                person,
            ),
            Cell::figure(shown(format, check)),
            Cell::figure_of(register, page.format.date_time(check.read_at, &meter.zone)),
            Cell::state(tone, page.t(word), ""),
        ]
    };
    Ok(Some(Table {
        caption: page.t("explain-display-checks"),
        columns: vec![
            page.t("explain-display-column-who"),
            page.t("explain-display-column-shown"),
            page.t("explain-display-column-register"),
            page.t("portal-state"),
        ],
        rows: checks.iter().map(row).collect(),
        empty: String::new(),
    }))
}
