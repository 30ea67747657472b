//! The page of a meter: what it reads, the running period, the last periods, its terms, and
//! who gets its invoices.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use common::profile::Library;
use common::reading::{ClockTrust, Reading};

use super::super::Portal;
use super::super::error::Failure;
use super::super::page::{Page, Place, show as show_page};
use super::super::running::{self, Look, Running};
use super::super::session::SignedIn;
use super::super::table::{Button, Cell, Table, Tone};
use super::display::{self, Question};
use super::recipients::delivery_word;
use super::settings::next_sentence;
use super::{devices, proof};
use super::{has_recorded, is_fresh, medium_word, state};
use crate::access::{Action, Object, may};
use crate::account::Person;
use crate::billing::hold::Hold;
use crate::billing::invoice::Invoice;
use crate::billing::period::plan_on;
use crate::billing::readiness::Cause;
use crate::chart::{self, Frame};
use crate::format::Format;
use crate::plan::{Cycle, Plan};
use crate::site::{Assignment, Meter};
use crate::store::Transaction;
use crate::store::invoices::HeldInvoice;
use crate::text::{Arg, Text};

/// The running period, ready to be shown.
#[derive(Debug)]
pub(in super::super) struct RunningCard {
    pub(in super::super) dates: String,
    pub(in super::super) used: String,
    pub(in super::super) cost: String,
    pub(in super::super) next: String,
    pub(in super::super) chart: String,
    pub(in super::super) legend: Option<String>,
    pub(in super::super) unknown: bool,
}

/// The running period in the language of whoever looks and the figures of the meter.
pub(in super::super) fn running_card(
    text: Text,
    meter: &Meter,
    look: &Look,
    running: &Running,
) -> RunningCard {
    let format = Format::new(meter.locale);
    let currency = plan_on(running.period.from, &look.plans).map(|plan| plan.currency);
    let cost = running
        .cost
        .zip(currency)
        .map(|(cost, currency)| format.money(cost, currency));
    let used = running.used.map(|used| format.quantity(used, meter.unit));
    let drawn = running.daily.iter().any(|day| day.quantity.is_some());
    RunningCard {
        dates: format.dates(running.period.from, running.period.until),
        unknown: used.is_none(),
        used: used.unwrap_or_default(),
        cost: cost.unwrap_or_default(),
        next: next_sentence(text, format, look),
        chart: if drawn {
            chart::daily(&running.daily, meter.unit, &format, Frame::PAGE)
        } else {
            String::new()
        },
        legend: chart::legend(&running.daily, text).filter(|_| drawn),
    }
}

#[derive(Template)]
#[template(path = "portal/meter.html")]
struct MeterPage {
    page: Page,
    above: Option<(String, String)>,
    lead: String,
    state: Cell,
    reading: Option<(String, String)>,
    mark: Option<String>,
    chain: Cell,
    losses: Vec<String>,
    read_now: Option<String>,
    devices_href: Option<String>,
    /// Whether its display reads that.
    display: Option<Question>,
    displays: Option<Table>,
    /// What somebody can say about a register that fell: where, and in which words.
    tasks: Vec<(String, String)>,
    more_href: Option<String>,
    adjustments_href: Option<String>,
    problem: Option<String>,
    running: Option<RunningCard>,
    invoices: Table,
    terms: Vec<(String, String)>,
    plans: Option<Table>,
    mountings: Option<Table>,
    device: Vec<(String, String)>,
    recipients: Option<Table>,
    recipients_href: Option<String>,
    buttons: Vec<Button>,
}

/// All that the page shows.
struct Gathered {
    meter: Meter,
    look: Look,
    invoices: Vec<Invoice>,
    held: Vec<HeldInvoice>,
    assigned: Vec<(Person, Assignment)>,
    site: String,
    device: Vec<(String, String)>,
    chain: Cell,
    losses: Vec<String>,
    /// The devices that served it, if there were several.
    mountings: Option<Table>,
    /// What people read off its display, for whoever manages it.
    displays: Option<Table>,
    /// Where its device is asked for a reading, if they may.
    read_now: Option<String>,
}

pub(crate) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::See).await?;
    let object = Object::Meter(meter.account, meter.id);
    let manages = may(&me.actor, Action::Manage, &object);
    let page = Page::new(&me, Place::Meters, meter.label.clone(), now);
    let gathered = gather(
        &mut transaction,
        &portal.app.profiles,
        &page,
        meter,
        manages,
    )
    .await?;
    let meter = &gathered.meter;
    let format = Format::new(meter.locale);
    let asked = display::question(&mut transaction, &me, (page.text, format), meter, now).await?;
    let differs = match manages {
        true => display::difference(&mut transaction, meter.account, meter.id).await?,
        false => None,
    };
    drop(transaction);
    let differs = differs.map(|check| {
        let cause = Cause::from(&check);
        cause.sentence(page.text, page.format, &meter.zone)
    });
    let changes = may(&me.actor, Action::ChangeSettings, &object);
    let mut page = draw(page, &gathered, manages, changes);
    page.problem = page.problem.or(differs);
    // The register stands above the question.
    page.display = asked.map(|asked| Question {
        register: String::new(),
        ..asked
    });
    show_page(&page)
}

async fn gather(
    transaction: &mut Transaction,
    profiles: &Library,
    page: &Page,
    meter: Meter,
    manages: bool,
) -> Result<Gathered, Failure> {
    let (account, id) = (meter.account, meter.id);
    let look = running::look(transaction, profiles, &meter, page.now).await?;
    let site = transaction.site(account, meter.site).await?;
    let (mut device, mut read_now) = (Vec::new(), None);
    if let Some((found, mounting)) = transaction.device_of_meter(account, id).await? {
        if !found.serial_number.is_empty() {
            device.push((page.t("portal-serial"), found.serial_number.clone()));
        }
        if manages {
            let gateway = transaction.gateway(account, found.gateway).await?;
            let enrolled = gateway.as_ref().filter(|one| one.enrolled_at.is_some());
            read_now = enrolled
                .map(|gateway| format!("/gateways/{}/devices/{}/read", gateway.id, found.id));
            let gateway = gateway.map_or(String::new(), |gateway| gateway.name);
            device.push((page.t("portal-gateway"), gateway));
            let place = format!("{} · {}", found.bus, found.unit_id);
            device.push((page.t("portal-bus-and-unit"), place));
            let profile = format!("{} · {}", found.profile, mounting.point);
            device.push((page.t("portal-profile"), profile));
        }
    }
    let served = transaction.mountings(account, id).await?;
    let mountings = match manages && served.len() > 1 {
        true => Some(devices::table(page, transaction, &meter, &served).await?),
        false => None,
    };
    let chain = proof::chain(transaction, page, &meter).await?;
    let losses = proof::losses(transaction, page, &meter, &look).await?;
    let displays = match manages {
        true => display::table(transaction, page, &meter).await?,
        false => None,
    };
    Ok(Gathered {
        displays,
        chain,
        losses,
        mountings,
        look,
        invoices: transaction
            .invoices_of_meter(account, id, running::shown_periods())
            .await?,
        held: transaction.held_of_meter(account, id).await?,
        assigned: transaction.assignments_of_meter(account, id).await?,
        site: site.map_or(String::new(), |site| site.name),
        device,
        read_now,
        meter,
    })
}

fn draw(page: Page, gathered: &Gathered, manages: bool, changes: bool) -> MeterPage {
    let meter = &gathered.meter;
    let text = page.text;
    let path = format!("/meters/{}", meter.id);
    let site = manages.then(|| (format!("/sites/{}", meter.site), gathered.site.clone()));
    let running = gathered.look.running.as_ref();
    let mut buttons = Vec::new();
    if manages || changes {
        buttons.push(Button::main(
            format!("{path}/settings"),
            text.get("portal-settings"),
        ));
    } else {
        buttons.push(Button::plain(
            format!("{path}/settings"),
            text.get("portal-settings"),
        ));
    }
    buttons.push(Button::plain(
        format!("{path}/export.xlsx"),
        text.get("portal-excel"),
    ));
    let last = gathered.look.last.as_ref();
    MeterPage {
        above: site,
        lead: format!("{} · {}", medium_word(text, meter.medium), gathered.site),
        state: state(&page, meter),
        reading: last.and_then(|last| reading(&page, meter, last)),
        mark: last.and_then(|last| clock_mark(&page, last.clock)),
        chain: gathered.chain.clone(),
        losses: gathered.losses.clone(),
        read_now: gathered.read_now.clone(),
        display: None,
        displays: gathered.displays.clone(),
        devices_href: manages.then(|| format!("{path}/devices")),
        tasks: if manages {
            tasks(text, gathered, &path)
        } else {
            Vec::new()
        },
        more_href: manages.then(|| format!("{path}/terms")),
        adjustments_href: manages.then(|| format!("{path}/adjustments")),
        problem: problem(&page, meter),
        running: running.map(|running| running_card(text, meter, &gathered.look, running)),
        invoices: invoice_table(&page, gathered),
        terms: terms(&page, meter, &gathered.look.plans),
        plans: (manages && gathered.look.plans.len() > 1)
            .then(|| plan_table(&page, meter, &gathered.look.plans)),
        mountings: gathered.mountings.clone(),
        device: gathered.device.clone(),
        recipients: manages.then(|| recipient_table(&page, &gathered.assigned)),
        recipients_href: changes.then(|| format!("{path}/recipients")),
        buttons,
        page,
    }
}

/// The three things that may have happened to a register for which a bill is held.
fn tasks(text: Text, gathered: &Gathered, path: &str) -> Vec<(String, String)> {
    let held = gathered.held.iter();
    let mut holds = held.filter_map(|held| Hold::from_json(&held.reason));
    let fell = holds.find_map(|hold| match hold {
        Hold::RegisterFell {
            until,
            before,
            after,
            ..
        }
        | Hold::RegisterJumped {
            until,
            before,
            after,
            ..
        } => Some((until, before, after)),
        _ => None,
    });
    let Some((at, before, after)) = fell else {
        return Vec::new();
    };
    let (before, after) = (before.value(), after.value());
    let reset = format!("{path}/exchange?at={at}&device=same&closing={before}&opening={after}");
    vec![
        (
            format!("{path}/exchange?at={at}"),
            text.get("terms-task-replaced"),
        ),
        (format!("{path}/register"), text.get("terms-task-wrapped")),
        (reset, text.get("terms-task-reset")),
    ]
}

/// What is to be known of the instant of a reading.
fn clock_mark(page: &Page, clock: ClockTrust) -> Option<String> {
    let id = match clock {
        ClockTrust::Trusted => return None,
        ClockTrust::Dated => "document-dated",
        ClockTrust::Untrusted => "portal-clock-untrusted",
        ClockTrust::Simulated => "portal-simulated",
    };
    Some(page.t(id))
}

fn reading(page: &Page, meter: &Meter, last: &Reading) -> Option<(String, String)> {
    let register = last.quantity?;
    let format = Format::new(meter.locale);
    let when = format.date_time(last.at, &meter.zone);
    let ago = page.ago(last.at);
    let args = [("when", Arg::from(&when)), ("ago", Arg::from(&ago))];
    Some((
        format.quantity(register.value(), register.unit()),
        page.text.with("portal-reading-at", &args),
    ))
}

/// What is wrong with the meter, and what it does to the next invoice.
fn problem(page: &Page, meter: &Meter) -> Option<String> {
    if is_fresh(meter, page.now) {
        return None;
    }
    if !has_recorded(meter) {
        return Some(page.t("portal-meter-never-why"));
    }
    let ago = page.ago(meter.last_good_at);
    Some(
        page.text
            .with("portal-meter-silent-why", &[("ago", Arg::from(&ago))]),
    )
}

fn invoice_table(page: &Page, gathered: &Gathered) -> Table {
    let meter = &gathered.meter;
    let format = Format::new(meter.locale);
    let held = gathered.held.iter().rev().map(|held| {
        let hold = Hold::from_json(&held.reason);
        let reason = hold.map(|hold| hold.sentence(page.text, format, &meter.zone));
        vec![
            Cell::text(format.dates(held.from, held.until)),
            Cell::figure(""),
            Cell::figure(""),
            Cell::state(
                Tone::Warn,
                page.t("portal-invoice-held"),
                reason.unwrap_or_default(),
            ),
        ]
    });
    let issued = gathered
        .invoices
        .iter()
        .map(|invoice| issued_row(page, invoice));
    Table {
        caption: page.t("portal-last-periods"),
        columns: vec![
            page.t("portal-period"),
            page.t("portal-consumption"),
            page.t("portal-total"),
            page.t("portal-state"),
        ],
        rows: held.chain(issued).collect(),
        empty: page.t("portal-invoices-none-yet"),
    }
}

fn issued_row(page: &Page, invoice: &Invoice) -> Vec<Cell> {
    let format = Format::new(invoice.locale);
    let number = invoice.number.to_string();
    let number = page
        .text
        .with("portal-invoice-number", &[("number", Arg::from(&number))]);
    let (tone, word) = if invoice.simulated {
        (Tone::Warn, "portal-simulated")
    } else {
        (Tone::Good, "portal-invoice-issued")
    };
    vec![
        Cell::main(
            format!("/invoices/{}", invoice.id),
            format.dates(invoice.period.from, invoice.period.until),
            number,
        ),
        Cell::figure(format.quantity(invoice.measured, invoice.unit)),
        Cell::figure(format.money(invoice.total, invoice.currency)),
        Cell::state(tone, page.t(word), ""),
    ]
}

fn terms(page: &Page, meter: &Meter, plans: &[Plan]) -> Vec<(String, String)> {
    let format = Format::new(meter.locale);
    let today = meter.zone.rules().to_datetime(page.now).date();
    let Some(plan) = plan_on(today, plans) else {
        return Vec::new();
    };
    let hour = format!("{:02}:00", plan.send_hour);
    vec![
        (page.t("portal-price"), price(format, plan, meter)),
        (
            page.t("portal-minimum"),
            format.quantity(plan.minimum.quantity, meter.unit),
        ),
        (
            page.t("portal-cutoff-day"),
            cutoff_word(page.text, plan.cycle),
        ),
        (
            page.t("portal-sends"),
            page.text
                .with("portal-sends-at", &[("hour", Arg::from(&hour))]),
        ),
        (page.t("portal-zone"), plan.zone.name().to_owned()),
        (page.t("portal-locale"), meter.locale.to_string()),
    ]
}

/// The price of a unit, where there is one price.
pub(in super::super) fn price(format: Format, plan: &Plan, meter: &Meter) -> String {
    plan.flat_price().map_or_else(String::new, |price| {
        format.price(price, plan.currency, meter.unit)
    })
}

/// The cutoff day in words: past the 28th it is the last day of a shorter month.
fn cutoff_word(text: Text, cycle: Cycle) -> String {
    let Some(day) = cycle.cutoff_day() else {
        return String::new();
    };
    let written = day.to_string();
    let args = [("day", Arg::from(&written))];
    match day {
        31 => text.get("portal-cutoff-last"),
        29..=30 => text.with("portal-cutoff-or-last", &args),
        _ => text.with("portal-cutoff-on", &args),
    }
}

fn plan_table(page: &Page, meter: &Meter, plans: &[Plan]) -> Table {
    let format = Format::new(meter.locale);
    let row = |plan: &Plan| {
        vec![
            Cell::text(format.date(plan.effective_from)),
            Cell::figure(price(format, plan, meter)),
            Cell::figure(format.quantity(plan.minimum.quantity, meter.unit)),
            Cell::text(cutoff_word(page.text, plan.cycle)),
        ]
    };
    Table {
        caption: page.t("portal-plans"),
        columns: vec![
            page.t("portal-effective-from"),
            page.t("portal-price"),
            page.t("portal-minimum"),
            page.t("portal-cutoff-day"),
        ],
        rows: plans.iter().rev().map(row).collect(),
        empty: String::new(),
    }
}

fn recipient_table(page: &Page, assigned: &[(Person, Assignment)]) -> Table {
    let row = |(person, assignment): &(Person, Assignment)| {
        vec![
            Cell::two(person.name.clone(), person.email.clone()),
            Cell::text(delivery_word(page.text, assignment.delivery)),
        ]
    };
    Table {
        caption: page.t("portal-recipients"),
        columns: vec![page.t("portal-person-name"), page.t("portal-delivery")],
        rows: assigned.iter().map(row).collect(),
        empty: page.t("portal-recipients-none"),
    }
}
