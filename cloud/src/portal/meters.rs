//! The meters: the list, and what its pages share.

pub(super) mod adjustments;
pub(super) mod devices;
pub(super) mod display;
pub(super) mod exchange;
pub(super) mod page;
mod proof;
pub(super) mod recipients;
pub(super) mod register;
pub(super) mod settings;

use axum::extract::State;
use axum::response::Response;
use common::unit::{Medium, Unit};
use jiff::Timestamp;

use super::Portal;
use super::error::Failure;
use super::page::{Page, Place, show};
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table, Tone};
use crate::billing::period::plan_on;
use crate::billing::readiness::SILENT_AFTER;
use crate::site::Meter;
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// The most meters on one page; a longer list says that it was cut.
const METERS_SHOWN_MAX: usize = 300;

/// What a medium is called.
pub(super) fn medium_word(text: Text, medium: Medium) -> String {
    match medium {
        Medium::Electric => text.get("portal-medium-electric"),
        Medium::Water => text.get("portal-medium-water"),
        Medium::Thermal => text.get("portal-medium-thermal"),
    }
}

/// A unit as a list of choices names it; symbols that two units share are told apart.
pub(super) fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::GallonUs => "gal (US)",
        other => other.symbol(),
    }
}

/// Whether a meter has recorded within the last day.
pub(super) fn is_fresh(meter: &Meter, now: Timestamp) -> bool {
    now.duration_since(meter.last_good_at) <= SILENT_AFTER
}

/// Whether a meter has ever recorded.
pub(super) fn has_recorded(meter: &Meter) -> bool {
    meter.last_good_at > meter.created_at
}

/// How a meter is, with the age of its last reading.
pub(super) fn state(page: &Page, meter: &Meter) -> Cell {
    let age = page.ago(meter.last_good_at);
    match (has_recorded(meter), is_fresh(meter, page.now)) {
        (false, true) => Cell::state(Tone::Quiet, page.t("portal-meter-new"), ""),
        (false, false) => Cell::state(Tone::Bad, page.t("portal-meter-never"), ""),
        (true, true) => Cell::state(Tone::Good, page.t("portal-meter-fresh"), age),
        (true, false) => Cell::state(Tone::Bad, page.t("portal-meter-silent"), age),
    }
}

/// The table of meters, as an integrator sees it.
pub(super) async fn meter_table(
    page: &Page,
    transaction: &mut Transaction,
    meters: &[Meter],
) -> StoreResult<Table> {
    let mut rows = Vec::new();
    for meter in meters.iter().take(METERS_SHOWN_MAX) {
        let site = transaction.site(meter.account, meter.site).await?;
        let plans = transaction.plans(meter.account, meter.id).await?;
        let today = meter.zone.rules().to_datetime(page.now).date();
        let terms = plan_on(today, &plans).map_or_else(
            || Cell::text(""),
            |plan| {
                let price = page::price(page.format, plan, meter);
                let day = plan.cycle.cutoff_day().unwrap_or(31).to_string();
                Cell::figure_of(
                    price,
                    page.text
                        .with("portal-cutoff-on", &[("day", Arg::from(&day))]),
                )
            },
        );
        rows.push(vec![
            Cell::main(
                format!("/meters/{}", meter.id),
                meter.label.clone(),
                site.map_or(String::new(), |site| site.name),
            ),
            Cell::text(medium_word(page.text, meter.medium)),
            state(page, meter),
            Cell::two(meter.locale.to_string(), meter.zone.name()),
            terms,
        ]);
    }
    Ok(Table {
        caption: String::new(),
        columns: vec![
            page.t("portal-meter"),
            page.t("portal-medium"),
            page.t("portal-last-reading"),
            page.t("portal-language-zone"),
            page.t("portal-price"),
        ],
        rows,
        empty: page.t("portal-meters-empty"),
    })
}

/// Every meter that somebody may see: all of the accounts they hold, and those assigned to
/// them elsewhere.
pub(super) async fn visible(
    transaction: &mut Transaction,
    me: &SignedIn,
) -> StoreResult<Vec<Meter>> {
    let mut meters = Vec::new();
    for account in me.actor.accounts() {
        if me.actor.held_accounts().any(|held| held == account) {
            meters.extend(transaction.meters(account).await?);
        } else {
            meters.extend(
                transaction
                    .meters_assigned_to(account, me.person.id)
                    .await?,
            );
        }
    }
    Ok(meters)
}

pub(super) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    let text = Text::in_language(me.person.language);
    let title = text.get("portal-nav-meters");
    let page = Page::new(&me, Place::Meters, title, portal.app.clock.now());
    let mut transaction = portal.app.store.read().await?;
    let meters = visible(&mut transaction, &me).await?;
    let table = meter_table(&page, &mut transaction, &meters).await?;
    let mut buttons = Vec::new();
    if me.actor.held_accounts().next().is_some() {
        buttons.push(Button::main(
            "/gateways",
            page.t("portal-meter-new-from-gateway"),
        ));
    }
    buttons.push(Button::plain("/export.xlsx", page.t("portal-excel-all")));
    let lead = if meters.len() > METERS_SHOWN_MAX {
        let (shown, all) = (METERS_SHOWN_MAX.to_string(), meters.len().to_string());
        page.text.with(
            "portal-meters-cut",
            &[("shown", Arg::from(&shown)), ("all", Arg::from(&all))],
        )
    } else {
        String::new()
    };
    show(&Listing {
        page,
        above: None,
        lead,
        buttons,
        tables: vec![table],
    })
}
