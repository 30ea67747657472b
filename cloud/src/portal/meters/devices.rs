//! The devices of a meter: which served it from when to when, what is stated of the register,
//! and taking the last exchange back while nothing is billed by it.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::Field;
use super::super::form::{Check, Errors, FormPage, Input, Section, written};
use super::super::page::{Page, Place, go, show as show_page};
use super::super::session::SignedIn;
use super::super::table::{Button, Cell, Listing, Table};
use crate::access::Action;
use crate::format::Format;
use crate::plan::TERM_MAX;
use crate::site::{Meter, Mounting};
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// When the last bill of a meter ends.
pub(super) async fn billed_until(
    transaction: &mut Transaction,
    meter: &Meter,
) -> StoreResult<Option<Timestamp>> {
    let last = transaction.invoices_before(meter.account, meter.id, Date::MAX, 1);
    let last = last.await?.into_iter().next();
    Ok(last.map(|last| last.period.ends_at))
}

/// Whether the last mounting can be taken back: another was before it, and no bill reaches
/// into it.
fn can_undo(mountings: &[Mounting], billed: Option<Timestamp>) -> bool {
    match mountings {
        [.., _, last] => last.until.is_none() && billed.is_none_or(|billed| billed <= last.from),
        _ => false,
    }
}

pub(crate) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::Manage).await?;
    let text = Text::in_language(me.person.language);
    let title = text.get("terms-devices");
    let page = Page::new(&me, Place::Meters, title, portal.app.clock.now());
    let mountings = transaction.mountings(meter.account, meter.id).await?;
    let billed = billed_until(&mut transaction, &meter).await?;
    let table = table(&page, &mut transaction, &meter, &mountings).await?;
    let path = format!("/meters/{}", meter.id);
    let mut buttons = vec![Button::main(
        format!("{path}/exchange"),
        text.get("terms-exchange"),
    )];
    if mountings.last().is_some_and(|last| last.until.is_none()) {
        buttons.push(Button::plain(
            format!("{path}/multiplier"),
            text.get("terms-multiplier-change"),
        ));
        buttons.push(Button::plain(
            format!("{path}/register"),
            text.get("terms-register"),
        ));
    }
    if can_undo(&mountings, billed) {
        buttons.push(Button::plain(
            format!("{path}/exchange/undo"),
            text.get("terms-undo"),
        ));
    }
    show_page(&Listing {
        above: Some((path, meter.label.clone())),
        lead: text.get("terms-devices-lead"),
        buttons,
        tables: vec![table],
        page,
    })
}

/// The mountings of a meter, the newest first.
pub(super) async fn table(
    page: &Page,
    transaction: &mut Transaction,
    meter: &Meter,
    mountings: &[Mounting],
) -> StoreResult<Table> {
    let format = Format::new(meter.locale);
    let mut rows = Vec::new();
    for mounting in mountings.iter().rev() {
        let device = transaction.device(meter.account, mounting.device).await?;
        let (name, place) = device.map_or_else(Default::default, |device| {
            let name = match device.serial_number.is_empty() {
                true => device.profile.clone(),
                false => device.serial_number.clone(),
            };
            (name, format!("{} · {}", device.bus, device.unit_id))
        });
        let when = |at: Timestamp| page.format.date_time(at, &meter.zone);
        let until = mounting
            .until
            .map_or_else(|| page.t("terms-until-now"), when);
        let noted = |register: Option<common::quantity::Quantity>| {
            register.map_or_else(
                || page.t("terms-not-noted"),
                |register| format.quantity(register.value(), register.unit()),
            )
        };
        let mut stated = Vec::new();
        for (id, value) in [
            ("terms-rolls-over-at", mounting.rolls_over_at),
            ("terms-max-rate", mounting.max_rate),
        ] {
            if let Some(value) = value {
                stated.push(format!(
                    "{}: {}",
                    label(page.text, id),
                    format.decimal(value)
                ));
            }
        }
        rows.push(vec![
            Cell::two(name, place),
            Cell::two(when(mounting.from), until),
            Cell::figure_of(noted(mounting.opening), noted(mounting.closing)),
            Cell::figure_of(
                format.decimal(mounting.multiplier.normalize()),
                stated.join(" · "),
            ),
        ]);
    }
    Ok(Table {
        caption: page.t("terms-mountings"),
        columns: vec![
            page.t("terms-device"),
            page.t("terms-served"),
            page.t("terms-noted"),
            page.t("terms-multiplier"),
        ],
        rows,
        empty: page.t("terms-mountings-none"),
    })
}

fn label(text: Text, id: &str) -> String {
    match id {
        "terms-max-rate" => text.get("terms-max-rate"),
        _ => text.get("terms-rolls-over-at"),
    }
}

fn register_form(portal: &Portal, me: &SignedIn, meter: &Meter, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let title = text.get("terms-register");
    let page = Page::new(me, Place::Meters, title, portal.app.clock.now());
    let path = format!("/meters/{}", meter.id);
    let unit = super::unit_word(meter.unit);
    let line = |name: &str, label: String| {
        Field::line(name, label, input.get(name))
            .decimal(unit)
            .optional()
    };
    let fields = vec![
        line("rolls_over_at", text.get("terms-rolls-over-at"))
            .help(text.get("terms-rolls-over-help")),
        line("max_rate", text.get("terms-max-rate")).help(text.get("terms-max-rate-help")),
    ];
    let sections = vec![Section::new(String::new(), fields)];
    let action = format!("{path}/register");
    let mut form = FormPage::new(page, action, sections, text.get("portal-save"));
    form.lead = text.get("terms-register-lead");
    form.above = Some((format!("{path}/devices"), meter.label.clone()));
    form.cancel = Some(format!("{path}/devices"));
    form
}

pub(crate) async fn ask_register(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::Manage).await?;
    let current = transaction.device_of_meter(meter.account, meter.id).await?;
    drop(transaction);
    let format = Format::new(meter.locale);
    let write = |value: Option<Decimal>| value.map_or_else(String::new, |one| written(one, format));
    let (rolls, rate) = current.map_or_else(Default::default, |(_, one)| {
        (write(one.rolls_over_at), write(one.max_rate))
    });
    let input = Input::of(&[("rolls_over_at", &rolls), ("max_rate", &rate)]);
    register_form(&portal, &me, &meter, &input).show(&Errors::new())
}

/// A number above zero, or nothing where nothing was typed.
fn above_zero(check: &mut Check<'_>, field: &str, format: Format) -> Option<Option<Decimal>> {
    if check.input.get(field).trim().is_empty() {
        return Some(None);
    }
    let typed = check.decimal(field, format)?;
    if typed > Decimal::ZERO && typed <= Decimal::from(TERM_MAX).saturating_mul(10_000.into()) {
        return Some(Some(typed));
    }
    let sentence = check.text.get("terms-error-above-zero");
    check.wrong(field, sentence);
    None
}

pub(crate) async fn state_register(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let meter = me.meter(&mut transaction, &id, Action::Manage).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let format = Format::new(meter.locale);
    let rolls = above_zero(&mut check, "rolls_over_at", format);
    let rate = above_zero(&mut check, "max_rate", format);
    let (Some(rolls), Some(rate)) = (rolls, rate) else {
        return register_form(&portal, &me, &meter, &input).show(&check.errors);
    };
    transaction
        .state_register(meter.account, meter.id, rolls, rate)
        .await?;
    transaction.commit().await?;
    tracing::info!(meter = %meter.id, by = %me.person.id, ?rolls, ?rate, "stated the register");
    Ok(go(&format!("/meters/{}/devices?done=saved", meter.id)))
}

fn undo_form(portal: &Portal, me: &SignedIn, meter: &Meter, last: &Mounting) -> FormPage {
    let text = Text::in_language(me.person.language);
    let title = text.get("terms-undo");
    let page = Page::new(me, Place::Meters, title, portal.app.clock.now());
    let path = format!("/meters/{}", meter.id);
    let when = page.format.date_time(last.from, &meter.zone);
    let lead = text.with("terms-undo-lead", &[("when", Arg::from(&when))]);
    let action = format!("{path}/exchange/undo");
    let mut form = FormPage::new(page, action, Vec::new(), text.get("terms-undo"));
    form.lead = lead;
    form.danger = true;
    form.above = Some((format!("{path}/devices"), meter.label.clone()));
    form.cancel = Some(format!("{path}/devices"));
    form
}

/// The form, unless there is nothing to take back: then it says so.
async fn undoable(
    transaction: &mut Transaction,
    portal: &Portal,
    me: &SignedIn,
    meter: &Meter,
) -> Result<(FormPage, bool), Failure> {
    let mountings = transaction.mountings(meter.account, meter.id).await?;
    let last = mountings.last().ok_or(Failure::Absent)?;
    let mut form = undo_form(portal, me, meter, last);
    let billed = billed_until(transaction, meter).await?;
    let can = can_undo(&mountings, billed);
    if !can {
        form.submit = String::new();
        form.lead = Text::in_language(me.person.language).get("terms-undo-not");
    }
    Ok((form, can))
}

pub(crate) async fn ask_undo(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::Manage).await?;
    let (form, _) = undoable(&mut transaction, &portal, &me, &meter).await?;
    form.show(&Errors::new())
}

pub(crate) async fn undo(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let meter = me.meter(&mut transaction, &id, Action::Manage).await?;
    let (mut form, can) = undoable(&mut transaction, &portal, &me, &meter).await?;
    if !can {
        form.problem = Some(std::mem::take(&mut form.lead));
        return form.show(&Errors::new());
    }
    transaction
        .undo_exchange(meter.account, meter.id, now)
        .await?;
    transaction.commit().await?;
    tracing::info!(meter = %meter.id, by = %me.person.id, "took an exchange back");
    Ok(go(&format!("/meters/{}/devices?done=removed", meter.id)))
}
