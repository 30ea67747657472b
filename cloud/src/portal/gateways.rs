//! The gateways: list, add, and the code that lets one in; the page of one with what it says
//! of itself, and what can be asked of it.

pub(super) mod orders;
mod proof;
mod report;
pub(super) mod view;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::Portal;
use super::error::Failure;
use super::field::{Choice, Field};
use super::form::{Check, Errors, FormPage, Input, Section, name_field};
use super::page::{self, Page, Place};
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table, Tone};
use crate::access::Action;
use crate::secret;
use crate::site::{CONNEKTOR_DEVICES_MAX, Gateway, GatewayKind, Site};
use crate::store::gateways::GatewayKey;
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// A gateway speaks every minute; after five it counts as away.
pub(crate) const AWAY_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// How long an enrolment code lives.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

fn page_of(portal: &Portal, me: &SignedIn, title: String) -> Page {
    Page::new(me, Place::Gateways, title, portal.app.clock.now())
}

/// Whether a gateway spoke lately.
pub(super) fn is_online(gateway: &Gateway, now: Timestamp) -> bool {
    gateway
        .seen_at
        .is_some_and(|at| now.duration_since(at) < AWAY_AFTER)
}

fn state(page: &Page, gateway: &Gateway) -> Cell {
    let text = page.text;
    match (gateway.enrolled_at, gateway.seen_at) {
        (None, _) => Cell::state(Tone::Quiet, text.get("portal-gateway-not-enrolled"), ""),
        (Some(_), None) => Cell::state(Tone::Quiet, text.get("portal-gateway-never-seen"), ""),
        (Some(_), Some(at)) if is_online(gateway, page.now) => {
            Cell::state(Tone::Good, text.get("portal-gateway-online"), page.ago(at))
        }
        (Some(_), Some(at)) => {
            let seen = page.ago(at);
            let seen = text.with("portal-gateway-last-seen", &[("ago", Arg::from(&seen))]);
            Cell::state(Tone::Bad, text.get("portal-gateway-away"), seen)
        }
    }
}

/// What a kind is called.
fn kind_word(text: Text, kind: GatewayKind) -> String {
    match kind {
        GatewayKind::Gateway => text.get("portal-kind-gateway"),
        GatewayKind::Connektor => text.get("portal-kind-connektor"),
    }
}

/// The table of gateways.
pub(super) async fn gateway_table(
    page: &Page,
    transaction: &mut Transaction,
    gateways: &[Gateway],
) -> StoreResult<Table> {
    let text = page.text;
    let mut rows = Vec::new();
    for gateway in gateways {
        let site = transaction.site(gateway.account, gateway.site).await?;
        let devices = transaction
            .devices_of_gateway(gateway.account, gateway.id)
            .await?
            .len();
        let devices = match gateway.kind {
            GatewayKind::Gateway => devices.to_string(),
            GatewayKind::Connektor => format!("{devices} / {CONNEKTOR_DEVICES_MAX}"),
        };
        rows.push(vec![
            Cell::main(
                format!("/gateways/{}", gateway.id),
                gateway.name.clone(),
                site.map_or(String::new(), |site| site.name),
            ),
            Cell::text(kind_word(text, gateway.kind)),
            state(page, gateway),
            Cell::figure(devices),
        ]);
    }
    Ok(Table {
        caption: String::new(),
        columns: vec![
            text.get("portal-gateway"),
            text.get("portal-kind"),
            text.get("portal-state"),
            text.get("portal-devices"),
        ],
        rows,
        empty: text.get("portal-gateways-empty"),
    })
}

pub(super) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.held_account("")?;
    let page = page_of(
        &portal,
        &me,
        Text::in_language(me.person.language).get("portal-nav-gateways"),
    );
    let mut transaction = portal.app.store.read().await?;
    let mut gateways = Vec::new();
    for account in me.actor.held_accounts() {
        gateways.extend(transaction.gateways(account).await?);
    }
    let table = gateway_table(&page, &mut transaction, &gateways).await?;
    page::show(&Listing {
        above: None,
        lead: page.t("portal-gateways-lead"),
        buttons: vec![Button::plain("/sites", page.t("portal-nav-sites"))],
        tables: vec![table],
        page,
    })
}

fn form(portal: &Portal, me: &SignedIn, site: &Site, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let kinds = [GatewayKind::Gateway, GatewayKind::Connektor]
        .map(|kind| Choice::new(kind.code(), kind_word(text, kind), input.get("kind")));
    let most = CONNEKTOR_DEVICES_MAX.to_string();
    let fields = vec![
        name_field("name", text.get("portal-gateway-name"), input)
            .help(text.get("portal-gateway-name-help")),
        Field::select("kind", text.get("portal-kind"), kinds.into())
            .help(text.with("portal-kind-help", &[("most", Arg::from(&most))])),
    ];
    let path = format!("/sites/{}", site.id);
    let page = page_of(portal, me, text.get("portal-gateway-new"));
    let sections = vec![Section::new(String::new(), fields)];
    let action = format!("{path}/gateways");
    let mut form = FormPage::new(page, action, sections, text.get("portal-gateway-add"));
    form.lead = text.get("portal-gateway-new-lead");
    form.above = Some((path.clone(), site.name.clone()));
    form.cancel = Some(path);
    form
}

pub(super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let site = me.site(&mut transaction, &id, Action::Manage).await?;
    form(&portal, &me, &site, &Input::default()).show(&Errors::new())
}

pub(super) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let site = me.site(&mut transaction, &id, Action::Manage).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let (name, kind) = (
        check.name("name"),
        check.choice("kind", GatewayKind::from_code),
    );
    let (Some(name), Some(kind)) = (name, kind) else {
        return form(&portal, &me, &site, &input).show(&check.errors);
    };
    let now = portal.app.clock.now();
    let gateway = transaction
        .add_gateway(site.account, site.id, &name, kind, now)
        .await?;
    give_code(&portal, &me, transaction, &gateway).await
}

pub(super) async fn new_code(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let gateway = me.gateway(&mut transaction, &id, Action::Manage).await?;
    give_code(&portal, &me, transaction, &gateway).await
}

#[derive(Template)]
#[template(path = "portal/code.html")]
struct CodePage {
    page: Page,
    lead: String,
    code: String,
    command: String,
    expires: String,
    back: String,
}

async fn give_code(
    portal: &Portal,
    me: &SignedIn,
    mut transaction: Transaction,
    gateway: &Gateway,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let code = secret::enrolment_code();
    let key = GatewayKey {
        account: gateway.account,
        gateway: gateway.id,
    };
    let expires_at = now + CODE_LIFETIME;
    let hash = secret::enrolment_code_hash(&code);
    transaction
        .add_enrolment_code(&hash, key, expires_at)
        .await?;
    let site = transaction
        .site(gateway.account, gateway.site)
        .await?
        .ok_or(Failure::Absent)?;
    transaction.commit().await?;
    tracing::info!(gateway = %gateway.id, by = %me.person.id, "gave an enrolment code");
    let page = page_of(portal, me, gateway.name.clone());
    let lead = match gateway.kind {
        GatewayKind::Gateway => page.t("portal-code-lead"),
        GatewayKind::Connektor => page.t("portal-code-lead-connektor"),
    };
    let until = page.format.date_time(expires_at, &site.zone);
    let minutes = CODE_LIFETIME.as_mins();
    let args = [
        ("minutes", Arg::Count(minutes)),
        ("until", Arg::from(&until)),
        ("zone", Arg::from(site.zone.name())),
    ];
    page::show(&CodePage {
        lead,
        command: format!(
            "enervue-gateway enroll {} --code {code}",
            portal.app.config.public_url
        ),
        code,
        expires: page.text.with("portal-code-expires", &args),
        back: format!("/gateways/{}", gateway.id),
        page,
    })
}
