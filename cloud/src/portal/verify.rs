//! The verification of an invoice: the file for whoever may see it, and the page behind the
//! QR code for whoever holds the paper.
//!
//! Promises: the page needs no sign-in and names nobody: no person, no label, no building and
//! no words that somebody typed for one invoice; it makes the same check as the command line,
//! for that invoice only, and lasts until it is revoked. The file names all of them, so the
//! page does not give it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use common::digest::public_key;
use common::id::{AccountId, InvoiceId};

use super::Portal;
use super::error::Failure;
use super::form::{Errors, FormPage};
use super::invoices::{self, file};
use super::page::{self, Page, Place, go};
use super::session::{SignedIn, language_of};
use super::sign_in::Visitor;
use crate::access::{Action, Object};
use crate::billing::invoice::{Invoice, LineKind};
use crate::document;
use crate::document::say::{Row, Say};
use crate::format::Format;
use crate::proof::check::check;
use crate::proof::report::Report;
use crate::proof::trust::{KeyName, Trusted};
use crate::proof::{Evidence, Export};
use crate::store::gateways::GatewayKey;
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// What the file is.
const MEDIA_TYPE: &str = "application/json";
/// The most fields that the page names.
const FIELDS_SHOWN: usize = 20;
/// Characters of a token; anything else is none.
const TOKEN_CHARACTERS: usize = 22;
/// A page that is for whoever holds the paper is for no search engine.
const NO_ROBOTS: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-robots-tag"),
    HeaderValue::from_static("noindex, nofollow"),
);

/// The invoice with all that proves it, as a file to keep.
pub(super) async fn download(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let invoice = invoices::find(&mut transaction, &me, &id).await?;
    let export = transaction
        .invoice_export(invoice.account, invoice.id)
        .await?
        .ok_or(Failure::Absent)?;
    drop(transaction);
    let bytes = serde_json::to_vec_pretty(&export).map_err(|error| Failure::Fault(error.into()))?;
    let name = document::file_name(&invoice).replace(".pdf", ".json");
    Ok(file(MEDIA_TYPE, "attachment", &name, bytes))
}

/// The invoice, if they may end its page.
async fn managed(
    transaction: &mut Transaction,
    me: &SignedIn,
    id: &str,
) -> Result<Invoice, Failure> {
    let invoice = invoices::find(transaction, me, id).await?;
    let object = Object::Meter(invoice.account, invoice.meter);
    me.require(Action::Manage, &object)?;
    Ok(invoice)
}

pub(super) async fn ask_revoke(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let invoice = managed(&mut transaction, &me, &id).await?;
    let token = transaction
        .invoice_link(invoice.account, invoice.id)
        .await?;
    drop(transaction);
    let text = Text::in_language(me.person.language);
    let title = text.get("portal-link");
    let page = Page::new(&me, Place::Invoices, title, portal.app.clock.now());
    let path = format!("/invoices/{}", invoice.id);
    let (lead, submit, look) = match token {
        Some(token) => {
            let address = portal.app.config.check_address(&token);
            let here = format!("/verify/{token}");
            let args = [("address", Arg::from(&address))];
            let lead = text.with("portal-link-lead", &args);
            let look = vec![(here, text.get("portal-link-open"), false)];
            (lead, text.get("portal-link-confirm"), look)
        }
        None => (text.get("portal-link-revoked"), String::new(), Vec::new()),
    };
    let mut form = FormPage::new(page, format!("{path}/link"), Vec::new(), submit);
    form.lead = lead;
    form.danger = true;
    form.extra = look;
    form.above = Some((path.clone(), invoice.meter_label));
    form.cancel = Some(path);
    form.show(&Errors::new())
}

pub(super) async fn revoke(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let invoice = managed(&mut transaction, &me, &id).await?;
    let now = portal.app.clock.now();
    transaction
        .revoke_invoice_link(invoice.account, invoice.id, now)
        .await?;
    transaction.commit().await?;
    tracing::info!(invoice = %invoice.id, by = %me.person.id, "revoked an invoice's public page");
    Ok(go(&format!("/invoices/{}?done=link", invoice.id)))
}

#[derive(Template)]
#[template(path = "portal/verify.html")]
struct VerifyPage {
    page: Page,
    /// The invoice's own language, which may be another than the visitor's.
    text: Text,
    about: String,
    total: String,
    tone: &'static str,
    mark: &'static str,
    verdict: String,
    simulated: bool,
    rests: String,
    differing: Vec<String>,
    unsealed: Vec<String>,
    rows: Vec<Row>,
    keys: Vec<(String, String)>,
}

pub(super) async fn show(
    State(portal): State<Portal>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    if !portal.admits_check(visitor) {
        return Ok(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    if token.len() != TOKEN_CHARACTERS {
        return Err(Failure::Absent);
    }
    let mut transaction = portal.app.store.read().await?;
    let (account, id) = transaction
        .invoice_of_link(&token)
        .await?
        .ok_or(Failure::Absent)?;
    let (invoice, export, trusted) = read(&portal, &mut transaction, account, id).await?;
    drop(transaction);
    let library = portal.app.profiles.clone();
    let checked = tokio::task::spawn_blocking(move || {
        let text = serde_json::to_string(&export)?;
        Ok::<_, serde_json::Error>(check(&text, &trusted, &library))
    });
    let report = checked
        .await
        .map_err(|error| Failure::Fault(error.into()))?
        .map_err(|error| Failure::Fault(error.into()))?;
    if !report.is_identical() {
        let differences = report.differences.len();
        tracing::error!(%account, invoice = %id, differences, "an invoice is not what was issued");
    }
    let page = Page::outside(
        language_of(&headers),
        Text::new(invoice.locale).get("portal-verify"),
        "/sign-in",
        portal.app.clock.now(),
    );
    let mut response = page::show(&draw(page, &invoice, &report)?)?;
    response.headers_mut().insert(NO_ROBOTS.0, NO_ROBOTS.1);
    Ok(response)
}

/// The invoice, its export, and the keys that this server believes.
async fn read(
    portal: &Portal,
    transaction: &mut Transaction,
    account: AccountId,
    id: InvoiceId,
) -> Result<(Invoice, Export, Trusted), Failure> {
    let invoice = transaction.invoice(account, id).await?;
    let export = transaction.invoice_export(account, id).await?;
    let (Some(invoice), Some(export)) = (invoice, export) else {
        return Err(Failure::Absent);
    };
    let gateways = gateway_keys(transaction, account, &export).await?;
    let issuer = KeyName::from(&portal.app.issuer.verifying_key());
    Ok((invoice, export, Trusted { issuer, gateways }))
}

/// All keys that the gateways of the evidence have or had in this account.
async fn gateway_keys(
    transaction: &mut Transaction,
    account: AccountId,
    export: &Export,
) -> StoreResult<Vec<KeyName>> {
    let evidence = serde_json::from_value::<Evidence>(export.evidence.clone());
    let mut names = Vec::new();
    for key in evidence.unwrap_or_default().keys {
        let gateway = key.gateway;
        let known = transaction
            .keys_of_gateway(GatewayKey { account, gateway })
            .await?;
        let known = known
            .iter()
            .filter_map(|key| public_key(&key.public_key).ok());
        names.extend(known.map(|key| KeyName::from(&key)));
    }
    Ok(names)
}

fn draw(page: Page, invoice: &Invoice, report: &Report) -> Result<VerifyPage, Failure> {
    let (text, format) = (Text::new(invoice.locale), Format::new(invoice.locale));
    let nameless = nameless(invoice, text);
    let say = Say::new(&nameless).map_err(|error| Failure::Fault(error.into()))?;
    let number = say.number();
    let dates = format.dates(invoice.period.from, invoice.period.until);
    let (tone, mark, verdict) = match report.is_identical() {
        true => ("good", "●", text.get("portal-verify-identical")),
        false => ("bad", "✕", text.get("portal-verify-differs")),
    };
    let rests = match report.unsealed.is_empty() {
        true => "portal-verify-sealed",
        false => "portal-verify-unsealed",
    };
    let differing = report.differences.iter().map(|one| one.field.clone());
    let unsealed = report.unsealed.iter().map(|one| one.field.clone());
    let key = |id: &str, name: &String| (text.get(id), name.clone());
    let gateways = report.gateways.iter();
    let keys = std::iter::once(key("portal-verify-issuer", &report.issuer))
        .chain(gateways.map(|name| key("portal-verify-gateway", name)));
    Ok(VerifyPage {
        page,
        about: format!("{number} · {dates}"),
        total: format.money(invoice.total, invoice.currency),
        tone,
        mark,
        verdict,
        simulated: invoice.simulated,
        rests: text.get(rests),
        differing: differing.take(FIELDS_SHOWN).collect(),
        unsealed: unsealed.take(FIELDS_SHOWN).collect(),
        rows: say.rows(),
        keys: keys.collect(),
        text,
    })
}

/// The invoice without the words that somebody typed for it alone.
fn nameless(invoice: &Invoice, text: Text) -> Invoice {
    let mut nameless = invoice.clone();
    for line in &mut nameless.lines {
        if line.kind == LineKind::Adjustment {
            line.name = text.get("portal-verify-adjustment");
        }
    }
    nameless
}
