//! The page of one gateway: what it says of itself, its devices, and what it was asked.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;

use super::super::Portal;
use super::super::error::Failure;
use super::super::page::{self, Page};
use super::super::session::SignedIn;
use super::super::table::{Cell, Table};
use super::orders::{OrderCard, cards};
use super::page_of;
use super::proof::{fault_table, key_table, loss_table};
use super::report::{
    bus_table, device_state, facts, loss_facts, meter_path, problems, traffic_table,
};
use crate::access::Action;
use crate::site::{CONNEKTOR_DEVICES_MAX, Gateway, GatewayKind};
use crate::store::devices::ServedDevice;
use crate::store::gateways::GatewayKey;
use crate::text::Arg;

/// Seal faults that the page shows.
const FAULTS_SHOWN: i64 = 20;
/// After how many seconds the page is drawn again while an answer is waited for.
const DRAWN_AGAIN_SECONDS: HeaderValue = HeaderValue::from_static("3");

/// How the page is looked at.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Look {
    /// Whoever reads it, or has it read to them, may want it to stand still.
    still: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/gateway.html")]
struct GatewayPage {
    page: Page,
    site: (String, String),
    facts: Vec<(String, Cell)>,
    problems: Vec<String>,
    devices: Table,
    traffic: Option<Table>,
    buses: Option<Table>,
    losses: Option<Table>,
    seal_faults: Option<Table>,
    keys: Option<Table>,
    orders: Vec<OrderCard>,
    /// Whether the page is drawn again by itself until an answer comes.
    waits: bool,
    path: String,
    registers: bool,
    full: Option<String>,
    enrolled: bool,
}

pub(in super::super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let gateway = me.gateway(&mut transaction, &id, Action::See).await?;
    let site = transaction.site(gateway.account, gateway.site).await?;
    let site = site.ok_or(Failure::Absent)?;
    let page = page_of(&portal, &me, gateway.name.clone());
    let served = transaction
        .served_devices(gateway.account, gateway.id)
        .await?;
    let key = GatewayKey {
        account: gateway.account,
        gateway: gateway.id,
    };
    let mut facts = facts(&page, &gateway, &site.zone);
    let lost = transaction.readings_lost(key).await?;
    let refused = transaction.readings_set_apart(key).await?;
    facts.extend(loss_facts(&page, lost, refused));
    let losses = transaction.gateway_losses(key).await?;
    let faults = transaction.seal_faults(key, FAULTS_SHOWN).await?;
    let keys = transaction.keys_of_gateway(key).await?;
    let orders = cards(&page, &mut transaction, key, &served, &site.zone).await?;
    drop(transaction);
    let card_full = gateway.kind == GatewayKind::Connektor && served.len() >= CONNEKTOR_DEVICES_MAX;
    let most = CONNEKTOR_DEVICES_MAX.to_string();
    let full = card_full.then(|| {
        page.text
            .with("portal-connektor-full", &[("most", Arg::from(&most))])
    });
    let report = gateway.report.as_ref();
    let waits = look.still.is_none() && orders.iter().any(OrderCard::is_waiting);
    let mut response = page::show(&GatewayPage {
        facts,
        problems: problems(&page, &gateway, &site.zone),
        losses: loss_table(&page, &losses, &site.zone),
        seal_faults: fault_table(&page, &faults, &served, &site.zone),
        keys: key_table(&page, &keys, &site.zone),
        devices: device_table(&page, &gateway, &served),
        traffic: report.and_then(|report| traffic_table(&page, report, &served)),
        buses: report.map(|report| bus_table(&page, report)),
        waits,
        orders,
        path: format!("/gateways/{}", gateway.id),
        registers: full.is_none(),
        full,
        enrolled: gateway.enrolled_at.is_some(),
        site: (format!("/sites/{}", site.id), site.name),
        page,
    })?;
    if waits {
        let headers = response.headers_mut();
        headers.insert(header::REFRESH, DRAWN_AGAIN_SECONDS);
    }
    Ok(response)
}

fn device_table(page: &Page, gateway: &Gateway, served: &[ServedDevice]) -> Table {
    let row = |served: &ServedDevice| {
        let device = &served.device;
        let mut row = vec![
            Cell::main(
                meter_path(served),
                served.label.clone(),
                device.profile.clone(),
            ),
            Cell::text(format!("{} · {}", device.bus, device.unit_id)),
            device_state(page, gateway.report.as_ref(), device.id),
        ];
        if gateway.enrolled_at.is_some() {
            row.push(Cell::Post {
                action: format!("/gateways/{}/devices/{}/read", gateway.id, device.id),
                label: page.t("portal-read-now"),
            });
        }
        row
    };
    let mut columns = vec![
        page.t("portal-meter"),
        page.t("portal-bus-and-unit"),
        page.t("portal-state"),
    ];
    if gateway.enrolled_at.is_some() {
        columns.push(page.t("portal-do"));
    }
    Table {
        caption: page.t("portal-devices"),
        columns,
        rows: served.iter().map(row).collect(),
        empty: page.t("portal-devices-empty"),
    }
}
