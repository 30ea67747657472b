//! The invoices: the list, each as a page, and as PDF.
//!
//! Promises: a page says in the meter's language and forms what the PDF says, character by
//! character; a period that waits stands first, with its reason.

pub(super) mod correct;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use common::id::InvoiceId;
use jiff::civil::Date;

use super::error::Failure;
use super::form::Input;
use super::meters::display::{Question, question};
use super::page::{Page, Place, show as show_page};
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table, Tone};
use super::{Portal, export, meters};
use crate::access::{Action, Object, may};
use crate::billing::hold::Hold;
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::chart::{self, Frame};
use crate::document;
use crate::document::say::{Row, Say};
use crate::explained::{Compared, Told, explained};
use crate::format::Format;
use crate::site::{Meter, Zone};
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// Invoices on one page of the list.
const INVOICES_SHOWN: i64 = 100;
/// Invoices of one assigned meter in the list.
const INVOICES_OF_METER: i64 = 24;

/// A page of the invoices that somebody may see, the newest first, and the number below
/// which there are more.
async fn visible(
    transaction: &mut Transaction,
    me: &SignedIn,
    before: Option<u64>,
) -> StoreResult<(Vec<Invoice>, Option<u64>)> {
    let mut invoices = Vec::new();
    let mut more = None;
    for account in me.actor.accounts() {
        if me.actor.held_accounts().any(|held| held == account) {
            let page = transaction
                .invoices(account, before, INVOICES_SHOWN)
                .await?;
            let full = i64::try_from(page.len()).unwrap_or(0) == INVOICES_SHOWN;
            more = more.max(page.last().filter(|_| full).map(|invoice| invoice.number));
            invoices.extend(page);
        } else if before.is_none() {
            for (_, meter) in me.actor.assigned.iter().filter(|(of, _)| *of == account) {
                let found = transaction
                    .invoices_of_meter(account, *meter, INVOICES_OF_METER)
                    .await?;
                invoices.extend(found);
            }
        }
    }
    invoices.sort_by_key(|invoice| std::cmp::Reverse((invoice.issued_at, invoice.number)));
    Ok((invoices, more))
}

pub(super) async fn list(
    State(portal): State<Portal>,
    me: SignedIn,
    axum::extract::Query(query): axum::extract::Query<Input>,
) -> Result<Response, Failure> {
    let title = Text::in_language(me.person.language).get("portal-nav-invoices");
    let page = Page::new(&me, Place::Invoices, title, portal.app.clock.now());
    let before = query.get("before").parse().ok();
    let mut transaction = portal.app.store.read().await?;
    let (invoices, more) = visible(&mut transaction, &me, before).await?;
    let meters = meters::visible(&mut transaction, &me).await?;
    // What waits stands above the newest ones, not on the pages of older ones.
    let mut rows = match before {
        None => held_rows(&page, &mut transaction, &meters).await?,
        Some(_) => Vec::new(),
    };
    rows.extend(invoices.iter().map(|invoice| issued_row(&page, invoice)));
    let mut buttons = vec![Button::plain("/export.xlsx", page.t("portal-excel-all"))];
    if let Some(more) = more {
        let href = format!("/invoices?before={more}");
        buttons.push(Button::plain(href, page.t("portal-older")));
    }
    show_page(&Listing {
        above: None,
        lead: export::cut_sentence(page.text, meters.len()),
        buttons,
        tables: vec![table(&page, rows)],
        page,
    })
}

/// The periods that wait for something, with the reason.
async fn held_rows(
    page: &Page,
    transaction: &mut Transaction,
    meters: &[Meter],
) -> StoreResult<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    for meter in meters {
        let format = Format::new(meter.locale);
        for held in transaction.held_of_meter(meter.account, meter.id).await? {
            let why = Hold::from_json(&held.reason).map_or(String::new(), |hold| {
                hold.sentence(page.text, page.format, &meter.zone)
            });
            rows.push(vec![
                Cell::main(format!("/meters/{}", meter.id), meter.label.clone(), ""),
                Cell::text(""),
                Cell::text(format.dates(held.from, held.until)),
                Cell::figure(""),
                Cell::figure(""),
                Cell::state(Tone::Warn, page.t("portal-invoice-held"), why),
            ]);
        }
    }
    Ok(rows)
}

fn issued_row(page: &Page, invoice: &Invoice) -> Vec<Cell> {
    let format = Format::new(invoice.locale);
    let state = if invoice.simulated {
        Cell::state(Tone::Warn, page.t("portal-simulated"), "")
    } else {
        Cell::state(Tone::Good, page.t("portal-invoice-issued"), "")
    };
    vec![
        Cell::main(
            format!("/invoices/{}", invoice.id),
            invoice.meter_label.clone(),
            invoice.site.clone(),
        ),
        Cell::text(invoice.number.to_string()),
        Cell::text(format.dates(invoice.period.from, invoice.period.until)),
        Cell::figure(format.quantity(invoice.measured, invoice.unit)),
        Cell::figure(format.money(invoice.total, invoice.currency)),
        state,
    ]
}

fn table(page: &Page, rows: Vec<Vec<Cell>>) -> Table {
    Table {
        caption: String::new(),
        columns: vec![
            page.t("portal-meter"),
            page.t("portal-invoice-column"),
            page.t("portal-period"),
            page.t("portal-consumption"),
            page.t("portal-total"),
            page.t("portal-state"),
        ],
        rows,
        empty: page.t("portal-invoices-empty"),
    }
}

/// The invoice with that id, if it is there and they may see it.
pub(super) async fn find(
    transaction: &mut Transaction,
    me: &SignedIn,
    id: &str,
) -> Result<Invoice, Failure> {
    let id: InvoiceId = id.parse().map_err(|_| Failure::Absent)?;
    for account in me.actor.accounts() {
        if let Some(invoice) = transaction.invoice(account, id).await? {
            me.require(Action::See, &Object::Meter(account, invoice.meter))?;
            return Ok(invoice);
        }
    }
    Err(Failure::Absent)
}

#[derive(Template)]
#[template(path = "portal/invoice.html")]
struct InvoicePage {
    page: Page,
    /// The invoice's own language, which may be another than the visitor's.
    text: Text,
    about: String,
    number: String,
    issued: String,
    total: String,
    used: String,
    comparison: String,
    actual: String,
    simulated: bool,
    dated: bool,
    losses: Vec<String>,
    findings: Vec<String>,
    rows: Vec<Row>,
    /// Whether the meter's display reads what was read last.
    display: Option<Question>,
    /// Why the amount is another than in other bills; of a credit nothing.
    explained: Option<Vec<Told>>,
    device: String,
    daily: String,
    legend: Option<String>,
    days: Vec<(String, String)>,
    periods: String,
    meter: (String, String),
    pdf: String,
    excel: String,
    file: String,
    /// What became of it, or what it stands for, each with where that is.
    corrections: Vec<(String, String)>,
    /// Where it is corrected, for whoever may.
    correct: Option<String>,
    /// The page behind the QR code, for whoever may end it.
    link: Option<String>,
    ids: String,
}

pub(super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let invoice = find(&mut transaction, &me, &id).await?;
    let (credit, replacement) = transaction.corrections_of(&invoice).await?;
    let compared = explained(&mut transaction, &invoice).await?;
    let mut page = draw(&portal, &me, &invoice, &compared)?;
    if let Some(meter) = transaction.meter(invoice.account, invoice.meter).await? {
        let now = portal.app.clock.now();
        let spoken = (page.text, Format::new(invoice.locale));
        page.display = question(&mut transaction, &me, spoken, &meter, now).await?;
    }
    drop(transaction);
    let object = Object::Meter(invoice.account, invoice.meter);
    if may(&me.actor, Action::Manage, &object) {
        page.link = Some(format!("/invoices/{}/link", invoice.id));
        let stands = invoice.kind == DocumentKind::Invoice && credit.is_none();
        page.correct = stands.then(|| format!("/invoices/{}/correct", invoice.id));
    }
    let others = [
        ("document-taken-back", credit),
        ("document-replaced", replacement),
    ];
    for (id, other) in others {
        let Some(other) = other else { continue };
        let number = other.number.to_string();
        let sentence = page.text.with(id, &[("number", Arg::from(&number))]);
        let link = format!("/invoices/{}", other.id);
        page.corrections.push((link, sentence));
    }
    show_page(&page)
}

fn draw(
    portal: &Portal,
    me: &SignedIn,
    invoice: &Invoice,
    compared: &[Compared],
) -> Result<InvoicePage, Failure> {
    let (text, format) = (Text::new(invoice.locale), Format::new(invoice.locale));
    let zone = Zone::new(&invoice.zone).map_err(|error| Failure::Fault(error.into()))?;
    let say = Say::new(invoice).map_err(|error| Failure::Fault(error.into()))?;
    let corrects = invoice.corrects.iter();
    let number = say.number();
    let title = format!("{number} · {}", invoice.meter_label);
    let day = |date: Date, used: Option<rust_decimal::Decimal>| {
        let used = used.map(|used| format.quantity(used, invoice.unit));
        (
            format.date_short(date),
            used.unwrap_or_else(|| text.get("portal-no-reading")),
        )
    };
    let medium = meters::medium_word(text, invoice.medium);
    Ok(InvoicePage {
        page: Page::new(me, Place::Invoices, title, portal.app.clock.now()),
        about: format!("{} · {medium} · {}", invoice.meter_label, say.period()),
        issued: say.issued(),
        number,
        total: say.money(invoice.total),
        used: say.quantity(invoice.measured),
        comparison: say.comparison(),
        actual: actual(text, invoice),
        simulated: invoice.simulated,
        dated: invoice.is_dated(),
        losses: losses(text, format, invoice, &zone),
        findings: findings(text, format, invoice, &zone),
        rows: say.rows(),
        explained: (invoice.kind == DocumentKind::Invoice)
            .then(|| compared.iter().map(|one| one.told(&say)).collect()),
        display: None,
        device: device(text, invoice),
        daily: chart::daily(&invoice.daily, invoice.unit, &format, Frame::PAGE),
        legend: chart::legend(&invoice.daily, text),
        days: invoice
            .daily
            .iter()
            .map(|one| day(one.date, one.quantity))
            .collect(),
        periods: chart::periods(
            &chart::periods_of(invoice),
            invoice.unit,
            &format,
            Frame::PAGE,
        ),
        meter: (format!("/meters/{}", invoice.meter), invoice.site.clone()),
        pdf: format!("/invoices/{}/invoice.pdf", invoice.id),
        excel: format!("/meters/{}/export.xlsx", invoice.meter),
        file: format!("/invoices/{}/invoice.json", invoice.id),
        corrections: corrects
            .map(|corrects| (format!("/invoices/{}", corrects.id), say.corrects()))
            .collect(),
        correct: None,
        link: None,
        ids: say.ids(),
        text,
    })
}

/// What was lost in the period, and what that means.
fn losses(text: Text, format: Format, invoice: &Invoice, zone: &Zone) -> Vec<String> {
    let mut sentences: Vec<String> = invoice
        .losses
        .iter()
        .map(|lost| lost.sentence(text, format, zone))
        .collect();
    if !sentences.is_empty() {
        sentences.push(text.get("document-lost-effect"));
    }
    sentences
}

/// What was noticed about the readings.
fn findings(text: Text, format: Format, invoice: &Invoice, zone: &Zone) -> Vec<String> {
    let findings = invoice.findings.iter();
    let sentences = findings.map(|one| one.sentence(text, format, invoice.unit, zone));
    sentences.collect()
}

/// How many days have a reading of their own.
fn actual(text: Text, invoice: &Invoice) -> String {
    let days = invoice.daily.len();
    let read = invoice
        .daily
        .iter()
        .filter(|day| day.quantity.is_some())
        .count();
    let (read, days) = (read.to_string(), days.to_string());
    text.with(
        "portal-invoice-days-read",
        &[("read", Arg::from(&read)), ("days", Arg::from(&days))],
    )
}

fn device(text: Text, invoice: &Invoice) -> String {
    if invoice.serial_number().is_empty() {
        return String::new();
    }
    let args = [("number", Arg::from(invoice.serial_number()))];
    text.with("portal-invoice-device", &args)
}

pub(super) async fn pdf(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let invoice = find(&mut transaction, &me, &id).await?;
    let token = transaction
        .invoice_link(invoice.account, invoice.id)
        .await?;
    drop(transaction);
    let name = document::file_name(&invoice);
    let check_at = token.map(|token| portal.app.config.check_address(&token));
    let draw = move || document::invoice_pdf(&invoice, check_at.as_deref());
    let made = tokio::task::spawn_blocking(draw).await;
    let bytes = made
        .map_err(|error| Failure::Fault(error.into()))?
        .map_err(|error| Failure::Fault(error.into()))?;
    Ok(file("application/pdf", "inline", &name, bytes))
}

/// A file to open or keep, under its name. A name is ASCII, by whoever made it.
pub(super) fn file(media_type: &'static str, how: &str, name: &str, bytes: Vec<u8>) -> Response {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        .collect();
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("{how}; filename=\"{plain}\""),
        ),
    ];
    (headers, bytes).into_response()
}
