//! Exchanging a meter's device, setting its register anew, and another multiplier: one mounting
//! ends and another begins.
//!
//! Promises: it is shown what it does to the coming bill before it is done, by doing it and
//! letting it go; nothing that is billed is touched.

mod subject;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use common::quantity::Quantity;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use rust_decimal::Decimal;

use self::subject::{Kind, Subject};
use super::super::Portal;
use super::super::error::Failure;
use super::super::field::Field;
use super::super::form::{Check, Errors, Input, Section};
use super::super::page::go;
use super::super::running;
use super::super::session::SignedIn;
use super::register::{POLL_PERIOD_S, checked_counter, unit_id};
use crate::billing::period::plan_on;
use crate::format::Format;
use crate::site::{Device, Meter, Mounting};
use crate::store::Transaction;
use crate::store::meters::{NewDevice, RegisterError};
use crate::text::{Arg, Text};

/// The highest multiplier: a transformer of 1,000,000 to 1 is a typing error.
const MULTIPLIER_MAX: i64 = 1_000_000;

/// What shall be done, checked.
#[derive(Debug)]
struct Change {
    at: Timestamp,
    closing: Option<Quantity>,
    opening: Option<Quantity>,
    multiplier: Decimal,
    next: Next,
}

/// The device that serves from then on.
#[derive(Debug)]
enum Next {
    Same,
    Free(Box<Device>, String),
    New(Box<NewDevice>, String),
}

fn instant(check: &mut Check<'_>, subject: &Subject, now: Timestamp) -> Option<Timestamp> {
    let date: Option<Date> = check.date("date");
    let time = check.choice("time", |typed| typed.parse::<Time>().ok());
    let local = civil::DateTime::from_parts(date?, time?);
    let zone: TimeZone = subject.meter.zone.rules().clone();
    let Ok(at) = zone.to_timestamp(local) else {
        check.wrong("date", check.text.get("portal-error-first-day"));
        return None;
    };
    let format = Format::new(check.text.language().locale());
    let when = |at: Timestamp| format.date_time(at, &subject.meter.zone);
    let too_early = subject.billed.filter(|billed| at < *billed);
    if let Some(billed) = too_early {
        let when = when(billed);
        let sentence = check
            .text
            .with("terms-error-exchange-billed", &[("when", Arg::from(&when))]);
        check.wrong("date", sentence);
        return None;
    }
    if at <= subject.mounting.from {
        let when = when(subject.mounting.from);
        let sentence = check
            .text
            .with("terms-error-exchange-early", &[("when", Arg::from(&when))]);
        check.wrong("date", sentence);
        return None;
    }
    if at > now {
        check.wrong("date", check.text.get("terms-error-exchange-late"));
        return None;
    }
    Some(at)
}

fn register(check: &mut Check<'_>, field: &str, subject: &Subject) -> Option<Option<Quantity>> {
    if check.input.get(field).trim().is_empty() {
        return Some(None);
    }
    let value = check.decimal(field, Format::new(subject.meter.locale))?;
    let quantity = Quantity::new(value, subject.meter.unit).ok();
    let quantity = quantity.filter(|_| value >= Decimal::ZERO);
    if quantity.is_none() {
        check.wrong(field, check.text.get("terms-error-register"));
    }
    quantity.map(Some)
}

fn multiplier(check: &mut Check<'_>, format: Format) -> Option<Decimal> {
    let typed = check.decimal("multiplier", format)?;
    let good = typed > Decimal::ZERO
        && typed <= Decimal::from(MULTIPLIER_MAX)
        && typed.normalize().scale() <= 6;
    if !good {
        check.wrong("multiplier", check.text.get("terms-error-multiplier"));
    }
    good.then_some(typed)
}

fn checked(
    check: &mut Check<'_>,
    portal: &Portal,
    subject: &Subject,
    now: Timestamp,
) -> Option<Change> {
    let at = instant(check, subject, now);
    let multiplier = multiplier(check, Format::new(subject.meter.locale));
    if subject.kind == Kind::Multiplier {
        return Some(Change {
            at: at?,
            closing: None,
            opening: None,
            multiplier: multiplier?,
            next: Next::Same,
        });
    }
    let closing = register(check, "closing", subject);
    let opening = register(check, "opening", subject);
    let next = next(check, portal, subject);
    let same = matches!(next, Some(Next::Same));
    if same && (closing == Some(None) || opening == Some(None)) {
        check.wrong("closing", check.text.get("terms-error-reset"));
    }
    let change = Change {
        at: at?,
        closing: closing?,
        opening: opening?,
        multiplier: multiplier?,
        next: next?,
    };
    check.errors.is_empty().then_some(change)
}

fn next(check: &mut Check<'_>, portal: &Portal, subject: &Subject) -> Option<Next> {
    let chosen = check.input.get("device");
    if chosen == "same" {
        return Some(Next::Same);
    }
    if chosen != "new" {
        let found = |typed: &str| {
            let free = subject.free.iter();
            let mut free = free.filter(|(device, _)| device.id.to_string() == typed);
            free.next().cloned()
        };
        let (device, point) = check.choice("device", found)?;
        return Some(Next::Free(Box::new(device), point));
    }
    let counter = checked_counter(check, &portal.app.profiles);
    let counter = counter.filter(|counter| {
        let fits = counter.unit == subject.meter.unit;
        if !fits {
            check.wrong("counter", check.text.get("terms-error-unit"));
        }
        fits
    });
    let (serial, bus) = (check.optional_name("serial"), check.name("bus"));
    let unit_id = unit_id(check);
    let counter = counter?;
    let new = NewDevice {
        gateway: subject.device.gateway,
        bus: bus?,
        unit_id: unit_id?,
        profile: counter.profile.id.clone(),
        serial_number: serial?,
        poll_period_s: POLL_PERIOD_S,
    };
    Some(Next::New(Box::new(new), counter.point))
}

/// Does it, within the transaction.
async fn apply(
    transaction: &mut Transaction,
    subject: &Subject,
    change: Change,
    now: Timestamp,
) -> Result<(), RegisterError> {
    let (account, old) = (subject.meter.account, &subject.mounting);
    if old.until.is_none() {
        let (at, closing) = (change.at, change.closing);
        match change.next {
            Next::Same => transaction.unmount(account, old.meter, at, closing).await?,
            _ => transaction.dismount(account, old, at, closing, now).await?,
        }
    }
    let (device, point) = match change.next {
        Next::Same => (old.device, old.point.clone()),
        Next::Free(device, point) => (device.id, point),
        Next::New(new, point) => (transaction.add_device(account, &new, now).await?, point),
    };
    let is_same = device == old.device;
    let mounting = Mounting {
        meter: old.meter,
        device,
        point,
        from: change.at,
        until: None,
        opening: change.opening,
        closing: None,
        multiplier: change.multiplier,
        rolls_over_at: old.rolls_over_at.filter(|_| is_same),
        max_rate: old.max_rate.filter(|_| is_same),
    };
    transaction.mount(account, &mounting).await?;
    Ok(())
}

/// The running period in a sentence.
async fn bill(
    transaction: &mut Transaction,
    portal: &Portal,
    meter: &Meter,
    text: Text,
    now: Timestamp,
) -> Result<String, Failure> {
    let look = running::look(transaction, &portal.app.profiles, meter, now).await?;
    let format = Format::new(meter.locale);
    let Some(running) = look.running else {
        return Ok(text.get("terms-trial-unknown"));
    };
    if let Some(hold) = &running.hold {
        return Ok(hold.sentence(text, Format::new(text.language().locale()), &meter.zone));
    }
    let used = running.used.map(|used| format.quantity(used, meter.unit));
    let plan = plan_on(running.period.from, &look.plans);
    let money = running.cost.zip(plan);
    let money = money.map(|(cost, plan)| format.money(cost, plan.currency));
    Ok(match (used, money) {
        (Some(used), Some(money)) => format!("{used} · {money}"),
        (Some(used), None) => used,
        _ => text.get("terms-trial-unknown"),
    })
}

/// What the noted closing register adds to what was read of the old device.
async fn counted(
    transaction: &mut Transaction,
    subject: &Subject,
    change: &Change,
    text: Text,
) -> Result<String, Failure> {
    let (meter, old) = (&subject.meter, &subject.mounting);
    let around = transaction.readings_around(meter.account, old.device, &old.point, change.at);
    let around = around.await?;
    let before = around.iter().filter(|kept| kept.reading.at <= change.at);
    let last = before.max_by_key(|kept| kept.reading.at);
    let read = last.and_then(|kept| Some((kept.reading.at, kept.reading.quantity?)));
    let (Some((at, register)), Some(closing)) = (read, change.closing) else {
        return Ok(String::new());
    };
    let format = Format::new(meter.locale);
    let when = Format::new(text.language().locale()).date_time(at, &meter.zone);
    let more = closing.value() - register.value();
    let shown = format.quantity(register.value(), register.unit());
    let more_shown = format.quantity(more, register.unit());
    let mut args = vec![("register", Arg::from(&shown)), ("when", Arg::from(&when))];
    if more < Decimal::ZERO {
        return Ok(text.with("terms-exchange-below", &args));
    }
    args.push(("more", Arg::from(&more_shown)));
    Ok(text.with("terms-exchange-counted", &args))
}

async fn ask_of(
    portal: Portal,
    me: SignedIn,
    id: String,
    query: Input,
    kind: Kind,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::of(&mut transaction, &portal, &me, &id, kind).await?;
    drop(transaction);
    let input = subject.defaults(&query, now);
    subject.form(&portal, &me, &input).show(&Errors::new())
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<Input>,
) -> Result<Response, Failure> {
    ask_of(portal, me, id, query, Kind::Exchange).await
}

pub(crate) async fn ask_multiplier(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<Input>,
) -> Result<Response, Failure> {
    ask_of(portal, me, id, query, Kind::Multiplier).await
}

pub(crate) async fn exchange(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    change_of(portal, me, id, input, Kind::Exchange).await
}

pub(crate) async fn change_multiplier(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    change_of(portal, me, id, input, Kind::Multiplier).await
}

async fn change_of(
    portal: Portal,
    me: SignedIn,
    id: String,
    input: Input,
    kind: Kind,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::of(&mut transaction, &portal, &me, &id, kind).await?;
    let mut check = Check::new(&input, text);
    let Some(change) = checked(&mut check, &portal, &subject, now) else {
        return subject.form(&portal, &me, &input).show(&check.errors);
    };
    let meter = &subject.meter;
    let before = bill(&mut transaction, &portal, meter, text, now).await?;
    let counted = counted(&mut transaction, &subject, &change, text).await?;
    let said = format!("{change:?}");
    match apply(&mut transaction, &subject, change, now).await {
        Ok(()) => {}
        Err(RegisterError::Store(error)) => return Err(error.into()),
        Err(error) => {
            check.wrong("unit_id", refusal(text, &error));
            return subject.form(&portal, &me, &input).show(&check.errors);
        }
    }
    let devices = format!("/meters/{}/devices", meter.id);
    if input.is_on("sure") {
        transaction.commit().await?;
        tracing::info!(meter = %meter.id, by = %me.person.id, change = said, "exchanged");
        return Ok(go(&format!("{devices}?done=saved")));
    }
    let after = bill(&mut transaction, &portal, meter, text, now).await?;
    // What was done to see what it does is let go.
    drop(transaction);
    let args = [("before", Arg::from(&before)), ("after", Arg::from(&after))];
    let mut form = subject.form(&portal, &me, &input);
    form.lead = text.with("terms-exchange-means", &args);
    let sure = Field::switch("sure", text.get("terms-exchange-sure"), true);
    let confirm = Section::new(text.get("terms-exchange-confirm"), vec![sure]).help(counted);
    form.sections.insert(0, confirm);
    form.submit = match kind {
        Kind::Exchange => text.get("terms-exchange-do"),
        Kind::Multiplier => text.get("terms-save"),
    };
    form.show(&Errors::new())
}

fn refusal(text: Text, error: &RegisterError) -> String {
    match error {
        RegisterError::PlaceTaken { bus, unit_id } => {
            let unit = unit_id.to_string();
            let args = [("bus", Arg::from(bus)), ("unit", Arg::from(&unit))];
            text.with("portal-error-place-taken", &args)
        }
        _ => text.get("terms-error-no-room"),
    }
}
