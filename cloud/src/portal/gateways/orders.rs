//! What can be asked of a gateway, and what came of it: reading a device now, a diagnosis,
//! another key; and its revocation, which it need not agree to.

use axum::extract::{Path, State};
use axum::response::Response;
use common::id::DeviceId;
use common::sync::{Order, ResultLine};

use super::super::Portal;
use super::super::error::Failure;
use super::super::form::{Errors, FormPage};
use super::super::page::{Page, go};
use super::super::session::SignedIn;
use super::super::table::{Cell, Table, Tone};
use super::page_of;
use crate::access::Action;
use crate::site::{Gateway, Zone};
use crate::store::commands::Asked;
use crate::store::devices::ServedDevice;
use crate::store::gateways::GatewayKey;
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// How many of the last orders the page shows.
const SHOWN: i64 = 5;

/// What was asked, and what came of it.
#[derive(Debug)]
pub(super) struct OrderCard {
    pub(super) title: String,
    pub(super) when: String,
    pub(super) state: Cell,
    pub(super) lines: Option<Table>,
    waiting: bool,
}

impl OrderCard {
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }
}

/// What was last asked of a gateway.
pub(super) async fn cards(
    page: &Page,
    transaction: &mut Transaction,
    key: GatewayKey,
    served: &[ServedDevice],
    zone: &Zone,
) -> StoreResult<Vec<OrderCard>> {
    let mut cards = Vec::new();
    for asked in transaction.latest_commands(key, SHOWN).await? {
        let by = transaction.person(asked.by).await?;
        let by = by.map_or(String::new(), |person| person.name);
        cards.push(card(page, &asked, &by, served, zone));
    }
    Ok(cards)
}

fn card(page: &Page, asked: &Asked, by: &str, served: &[ServedDevice], zone: &Zone) -> OrderCard {
    let waiting = asked.is_waiting(page.now);
    let state = match &asked.result {
        None if waiting => Cell::state(Tone::Warn, page.t("portal-order-waits"), ""),
        None => Cell::state(
            Tone::Quiet,
            page.t("portal-order-expired"),
            page.t("portal-order-expired-why"),
        ),
        Some(result) => match &result.error {
            Some(error) => Cell::state(Tone::Bad, page.t("portal-order-failed"), error.clone()),
            None => Cell::state(Tone::Good, page.t("portal-order-done"), ""),
        },
    };
    let lines = asked.result.as_ref().map(|result| result.lines.as_slice());
    let lines = lines.filter(|lines| !lines.is_empty());
    let at = page.format.date_time(asked.at, zone);
    let args = [("when", Arg::from(&at)), ("by", Arg::from(by))];
    OrderCard {
        title: title(page, &asked.order, served),
        when: page.text.with("portal-order-asked", &args),
        state,
        lines: lines.map(|lines| line_table(page, lines)),
        waiting,
    }
}

fn title(page: &Page, order: &Order, served: &[ServedDevice]) -> String {
    match order {
        Order::Read { device } => {
            let found = served.iter().find(|one| one.device.id == *device);
            let id = device.to_string();
            let meter = found.map_or(id.as_str(), |served| &served.label);
            let args = [("meter", Arg::from(meter))];
            page.text.with("portal-order-read", &args)
        }
        Order::Diagnose => page.t("portal-diagnose"),
        Order::ChangeKey | Order::Unknown => page.t("portal-key-change"),
    }
}

fn line_table(page: &Page, lines: &[ResultLine]) -> Table {
    let row = |line: &ResultLine| {
        let value = match &line.error {
            Some(error) if line.value.is_empty() => {
                Cell::state(Tone::Bad, page.t("portal-bus-down"), error.clone())
            }
            Some(error) => Cell::two(line.value.clone(), error.clone()),
            None => Cell::text(line.value.clone()),
        };
        vec![Cell::text(line.name.clone()), value]
    };
    Table {
        caption: String::new(),
        columns: vec![page.t("portal-order-what"), page.t("portal-order-value")],
        rows: lines.iter().map(row).collect(),
        empty: String::new(),
    }
}

/// The gateway, if it is there, theirs, and let in.
async fn enrolled(
    transaction: &mut Transaction,
    me: &SignedIn,
    id: &str,
) -> Result<(Gateway, GatewayKey), Failure> {
    let gateway = me.gateway(transaction, id, Action::Manage).await?;
    if gateway.enrolled_at.is_none() {
        return Err(Failure::Absent);
    }
    let key = GatewayKey {
        account: gateway.account,
        gateway: gateway.id,
    };
    Ok((gateway, key))
}

async fn ask(
    portal: &Portal,
    me: &SignedIn,
    mut transaction: Transaction,
    key: GatewayKey,
    order: &Order,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let asked = transaction
        .ask_gateway(key, order, me.person.id, now)
        .await?;
    transaction.commit().await?;
    portal.app.bell.ring(key.gateway);
    tracing::info!(gateway = %key.gateway, by = %me.person.id, ?order, "asked a gateway");
    let done = if asked.is_some() {
        "asked"
    } else {
        "asked-much"
    };
    Ok(go(&format!("/gateways/{}?done={done}#orders", key.gateway)))
}

pub(in super::super) async fn read(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((id, device)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let (_, key) = enrolled(&mut transaction, &me, &id).await?;
    let device: DeviceId = device.parse().map_err(|_| Failure::Absent)?;
    let served = transaction.served_devices(key.account, key.gateway).await?;
    if !served.iter().any(|one| one.device.id == device) {
        return Err(Failure::Absent);
    }
    ask(&portal, &me, transaction, key, &Order::Read { device }).await
}

pub(in super::super) async fn diagnose(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let (_, key) = enrolled(&mut transaction, &me, &id).await?;
    ask(&portal, &me, transaction, key, &Order::Diagnose).await
}

/// A page that asks whether it is really meant.
fn confirmation(
    portal: &Portal,
    me: &SignedIn,
    gateway: &Gateway,
    what: &str,
    texts: [&str; 3],
) -> FormPage {
    let text = Text::in_language(me.person.language);
    let path = format!("/gateways/{}", gateway.id);
    let [title, lead, submit] = texts.map(|id| {
        let args = [("gateway", Arg::from(&gateway.name))];
        text.with(id, &args)
    });
    let page = page_of(portal, me, title);
    let mut form = FormPage::new(page, format!("{path}/{what}"), Vec::new(), submit);
    form.lead = lead;
    form.above = Some((path.clone(), gateway.name.clone()));
    form.cancel = Some(path);
    form
}

pub(in super::super) async fn ask_change_key(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let (gateway, _) = enrolled(&mut transaction, &me, &id).await?;
    let texts = [
        "portal-key-change",
        "portal-key-change-lead",
        "portal-key-change-confirm",
    ];
    confirmation(&portal, &me, &gateway, "key", texts).show(&Errors::new())
}

pub(in super::super) async fn change_key(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let (_, key) = enrolled(&mut transaction, &me, &id).await?;
    ask(&portal, &me, transaction, key, &Order::ChangeKey).await
}

pub(in super::super) async fn ask_revoke(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let (gateway, _) = enrolled(&mut transaction, &me, &id).await?;
    let texts = [
        "portal-revoke",
        "portal-revoke-lead",
        "portal-revoke-confirm",
    ];
    let mut form = confirmation(&portal, &me, &gateway, "revoke", texts);
    form.danger = true;
    form.show(&Errors::new())
}

pub(in super::super) async fn revoke(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let (gateway, key) = enrolled(&mut transaction, &me, &id).await?;
    let now = portal.app.clock.now();
    transaction.revoke_gateway(key, now).await?;
    transaction.commit().await?;
    // Whoever waits with the old token learns it at once.
    portal.app.bell.ring(key.gateway);
    tracing::warn!(gateway = %gateway.id, by = %me.person.id, "revoked a gateway");
    Ok(go(&format!("/gateways/{}?done=revoked", gateway.id)))
}
