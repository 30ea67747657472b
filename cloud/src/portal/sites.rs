//! The buildings: list, one, add, change.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::locale::{Language, Locale};

use super::Portal;
use super::error::Failure;
use super::field::{Choice, Field};
use super::form::{Check, Errors, FormPage, Input, Section, name_field};
use super::gateways::gateway_table;
use super::meters::meter_table;
use super::page::{self, Page, Place, go};
use super::reconciliation;
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table};
use crate::access::{Action, Object};
use crate::site::{Site, Zone};
use crate::text::Text;

/// Languages and regions that a form offers, the likeliest first.
const LOCALES: [(&str, &str); 13] = [
    ("es-MX", "Español (México)"),
    ("en-US", "English (United States)"),
    ("es-ES", "Español (España)"),
    ("es-CO", "Español (Colombia)"),
    ("es-AR", "Español (Argentina)"),
    ("es-CL", "Español (Chile)"),
    ("es-PE", "Español (Perú)"),
    ("es-GT", "Español (Guatemala)"),
    ("es-CR", "Español (Costa Rica)"),
    ("es-DO", "Español (República Dominicana)"),
    ("es-US", "Español (Estados Unidos)"),
    ("en-CA", "English (Canada)"),
    ("en-GB", "English (United Kingdom)"),
];
/// Zones that a form offers beside typing; any IANA name is taken.
const ZONES: [&str; 28] = [
    "America/Mexico_City",
    "America/Tijuana",
    "America/Monterrey",
    "America/Hermosillo",
    "America/Chihuahua",
    "America/Mazatlan",
    "America/Cancun",
    "America/Bogota",
    "America/Lima",
    "America/Guatemala",
    "America/Costa_Rica",
    "America/Panama",
    "America/Santo_Domingo",
    "America/Caracas",
    "America/La_Paz",
    "America/Santiago",
    "America/Argentina/Buenos_Aires",
    "America/Montevideo",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Toronto",
    "America/Vancouver",
    "Europe/Madrid",
    "Atlantic/Canary",
    "Europe/London",
];

/// The line for a time zone.
pub(super) fn zone_field(text: Text, input: &Input) -> Field {
    Field::line("zone", text.get("portal-zone"), input.get("zone"))
        .suggest(ZONES.iter().map(|zone| (*zone).to_owned()).collect())
        .help(text.get("portal-zone-help"))
}

/// The list of languages and regions; one that is not on it stays when it was set before.
pub(super) fn locale_field(text: Text, input: &Input) -> Field {
    let current = input.get("locale");
    let mut choices: Vec<Choice> = LOCALES
        .iter()
        .map(|(code, label)| Choice::new(*code, *label, current))
        .collect();
    let unlisted = !LOCALES.iter().any(|(code, _)| *code == current);
    if unlisted && current.parse::<Locale>().is_ok() {
        choices.push(Choice::new(current, current, current));
    }
    Field::select("locale", text.get("portal-locale"), choices).help(text.get("portal-locale-help"))
}

fn page_of(portal: &Portal, me: &SignedIn, title: String) -> Page {
    Page::new(me, Place::Sites, title, portal.app.clock.now())
}

pub(super) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    let account = me.held_account("")?;
    let several = me.actor.held_accounts().any(|other| other != account);
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.read().await?;
    let mut rows = Vec::new();
    for account in me.actor.held_accounts() {
        let holder = transaction
            .account(account)
            .await?
            .map_or(String::new(), |one| one.name);
        for site in transaction.sites(account).await? {
            let gateways = transaction.gateways_of_site(account, site.id).await?.len();
            let meters = transaction.meters_of_site(account, site.id).await?.len();
            let holder = if several {
                holder.clone()
            } else {
                String::new()
            };
            rows.push(vec![
                Cell::main(format!("/sites/{}", site.id), site.name, holder),
                Cell::two(site.zone.name(), site.locale.to_string()),
                Cell::figure(gateways.to_string()),
                Cell::figure(meters.to_string()),
            ]);
        }
    }
    page::show(&Listing {
        page: page_of(&portal, &me, text.get("portal-nav-sites")),
        above: None,
        lead: text.get("portal-sites-lead"),
        buttons: vec![Button::main("/sites/new", text.get("portal-site-new"))],
        tables: vec![Table {
            caption: String::new(),
            columns: vec![
                text.get("portal-site"),
                text.get("portal-zone"),
                text.get("portal-nav-gateways"),
                text.get("portal-nav-meters"),
            ],
            rows,
            empty: text.get("portal-sites-empty"),
        }],
    })
}

/// The list of the accounts somebody holds, when they hold several.
pub(super) async fn account_field(
    portal: &Portal,
    me: &SignedIn,
    input: &Input,
) -> Result<Option<Field>, Failure> {
    if me.actor.held_accounts().count() < 2 {
        return Ok(None);
    }
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.read().await?;
    let mut choices = Vec::new();
    for account in me.actor.held_accounts() {
        let name = transaction
            .account(account)
            .await?
            .map_or(String::new(), |one| one.name);
        choices.push(Choice::new(account.to_string(), name, input.get("account")));
    }
    Ok(Some(Field::select(
        "account",
        text.get("portal-account"),
        choices,
    )))
}

fn site_fields(text: Text, input: &Input) -> Vec<Field> {
    vec![
        name_field("name", text.get("portal-site-name"), input)
            .help(text.get("portal-site-name-help")),
        zone_field(text, input),
        locale_field(text, input),
    ]
}

async fn new_form(portal: &Portal, me: &SignedIn, input: &Input) -> Result<FormPage, Failure> {
    let text = Text::in_language(me.person.language);
    let mut fields = site_fields(text, input);
    fields.extend(account_field(portal, me, input).await?);
    let page = page_of(portal, me, text.get("portal-site-new"));
    let sections = vec![Section::new(String::new(), fields)];
    let submit = text.get("portal-site-add");
    let mut form = FormPage::new(page, "/sites".to_owned(), sections, submit);
    form.lead = text.get("portal-site-new-lead");
    form.cancel = Some("/sites".to_owned());
    Ok(form)
}

pub(super) async fn ask(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.held_account("")?;
    let zone = match me.person.language {
        Language::En => "America/New_York",
        Language::Es => "America/Mexico_City",
    };
    let locale = me.person.language.locale().to_string();
    let input = Input::of(&[("zone", zone), ("locale", &locale)]);
    new_form(&portal, &me, &input).await?.show(&Errors::new())
}

/// Name, zone and locale of a building as the form says.
fn checked(check: &mut Check<'_>) -> Option<(String, Zone, Locale)> {
    let (name, zone, locale) = (
        check.name("name"),
        check.zone("zone"),
        check.locale("locale"),
    );
    Some((name?, zone?, locale?))
}

pub(super) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let account = me.held_account(input.get("account"))?;
    me.require(Action::Manage, &Object::Account(account))?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some((name, zone, locale)) = checked(&mut check) else {
        return new_form(&portal, &me, &input).await?.show(&check.errors);
    };
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let site = transaction
        .add_site(account, &name, &zone, locale, now)
        .await?;
    transaction.commit().await?;
    Ok(go(&format!("/sites/{}?done=site", site.id)))
}

pub(super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let site = me.site(&mut transaction, &id, Action::See).await?;
    let text = Text::in_language(me.person.language);
    let page = page_of(&portal, &me, site.name.clone());
    let gateways = transaction.gateways_of_site(site.account, site.id).await?;
    let meters = transaction.meters_of_site(site.account, site.id).await?;
    let mut gateway_rows = gateway_table(&page, &mut transaction, &gateways).await?;
    gateway_rows.caption = text.get("portal-nav-gateways");
    let mut meter_rows = meter_table(&page, &mut transaction, &meters).await?;
    meter_rows.caption = text.get("portal-nav-meters");
    page::show(&Listing {
        above: Some(("/sites".to_owned(), text.get("portal-nav-sites"))),
        lead: format!("{} · {}", site.zone.name(), site.locale),
        buttons: vec![
            Button::main(
                format!("/sites/{}/gateways", site.id),
                text.get("portal-gateway-new"),
            ),
            Button::plain(format!("/sites/{}/terms", site.id), text.get("terms-site")),
            Button::plain(
                reconciliation::path(site.id),
                text.get("site-reconciliation"),
            ),
            Button::plain(format!("/sites/{}/edit", site.id), text.get("portal-edit")),
        ],
        tables: vec![gateway_rows, meter_rows],
        page,
    })
}

fn edit_form(portal: &Portal, me: &SignedIn, site: &Site, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let path = format!("/sites/{}", site.id);
    let page = page_of(portal, me, text.get("portal-site-edit"));
    let sections = vec![Section::new(String::new(), site_fields(text, input))];
    let mut form = FormPage::new(
        page,
        format!("{path}/edit"),
        sections,
        text.get("portal-save"),
    );
    form.lead = text.get("portal-site-edit-lead");
    form.above = Some((path.clone(), site.name.clone()));
    form.cancel = Some(path);
    form
}

pub(super) async fn ask_edit(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let site = me.site(&mut transaction, &id, Action::Manage).await?;
    let locale = site.locale.to_string();
    let input = Input::of(&[
        ("name", &site.name),
        ("zone", site.zone.name()),
        ("locale", &locale),
    ]);
    edit_form(&portal, &me, &site, &input).show(&Errors::new())
}

pub(super) async fn edit(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let mut site = me.site(&mut transaction, &id, Action::Manage).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some((name, zone, locale)) = checked(&mut check) else {
        return edit_form(&portal, &me, &site, &input).show(&check.errors);
    };
    (site.name, site.zone, site.locale) = (name, zone, locale);
    transaction.change_site(&site).await?;
    transaction.commit().await?;
    Ok(go(&format!("/sites/{}?done=saved", site.id)))
}
