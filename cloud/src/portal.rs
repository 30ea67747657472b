//! The portal: pages for administrators, integrators and monitor users, drawn here, readable
//! without any script, in two languages.
//!
//! Promises: every answer carries the same strict headers; a change needs a request of our
//! own pages; what is not the visitor's is answered as if it were not there; what was typed
//! is checked before anything else sees it. It lacks scripts, on purpose.

mod account_pages;
mod asset;
mod billing;
mod error;
mod export;
mod field;
mod form;
mod gateways;
mod home;
mod invitation;
mod invoices;
mod me;
mod meters;
mod notices;
mod number;
mod page;
mod password;
mod people;
mod reconciliation;
mod running;
mod session;
mod sign_in;
mod sites;
mod table;
mod terms;
#[cfg(test)]
mod tests;
mod throttle;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use self::error::Failure;
use self::sign_in::Visitor;
use self::throttle::Throttle;
use crate::run::App;

pub(crate) use self::gateways::AWAY_AFTER as GATEWAY_AWAY_AFTER;

/// The most bytes of a form; the largest has a line for each person of an account.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// How long an answer may take; the largest workbook takes a fraction of it.
const ANSWER_SECONDS_MAX: Duration = Duration::from_secs(60);

/// What every page is given.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    pub(crate) app: App,
    throttle: Arc<Throttle>,
    /// Whether people come by HTTPS, so that cookies are for HTTPS alone.
    secure: bool,
}

impl Portal {
    /// Counts a try of somebody who is signed in at their own password.
    fn admits(&self, email: &str) -> bool {
        self.throttle.admit(email, None)
    }

    /// Counts an invoice that a visitor lets be checked.
    fn admits_check(&self, visitor: Visitor) -> bool {
        self.throttle.admit_check(visitor.address())
    }
}

/// The headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];
/// For a year, also where somebody typed http.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The routes of the portal, and the page for everything that has none.
pub fn router(app: App) -> Router {
    let secure = app.config.is_https();
    let public_url = app.config.public_url.clone();
    let portal = Portal {
        app,
        throttle: Arc::new(Throttle::new()),
        secure,
    };
    let mut csrf = CsrfLayer::new();
    // A proxy may change the host on its way; the address people use is trusted.
    match csrf.clone().add_trusted_origin(&public_url) {
        Ok(trusting) => csrf = trusting,
        Err(error) => tracing::warn!(?error, public_url, "it is no origin of a browser"),
    }
    let mut router = pages()
        .fallback(async || Failure::Absent)
        .with_state(portal)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(csrf)
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            ANSWER_SECONDS_MAX,
        ))
        .layer(middleware::from_fn(error::dress))
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ));
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        router = router.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    if secure {
        let name = header::STRICT_TRANSPORT_SECURITY;
        router = router.layer(SetResponseHeaderLayer::overriding(name, HTTPS_ONLY));
    }
    router
}

fn pages() -> Router<Portal> {
    Router::new()
        .route("/static/{name}", get(asset::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/language", post(sign_in::choose_language))
        .route(
            "/password/{token}",
            get(sign_in::ask_password).post(sign_in::set_password),
        )
        .route("/", get(home::show))
        .route(
            "/accounts",
            get(account_pages::list).post(account_pages::add),
        )
        .route("/accounts/new", get(account_pages::ask))
        .route(
            "/accounts/{account}",
            get(account_pages::show).post(account_pages::invite),
        )
        .route("/accounts/{account}/invite", get(account_pages::ask_invite))
        .route("/sites", get(sites::list).post(sites::add))
        .route("/sites/new", get(sites::ask))
        .route("/sites/{site}", get(sites::show))
        .route("/sites/{site}/edit", get(sites::ask_edit).post(sites::edit))
        .route(
            "/sites/{site}/gateways",
            get(gateways::ask).post(gateways::add),
        )
        .merge(gateway_pages())
        .merge(billing_pages())
        .merge(site_bill_pages())
        .merge(terms_pages())
        .route("/meters", get(meters::list))
        .route("/meters/{meter}", get(meters::page::show))
        .route(
            "/meters/{meter}/settings",
            get(meters::settings::ask).post(meters::settings::change),
        )
        .route(
            "/meters/{meter}/display",
            get(meters::display::ask).post(meters::display::answer),
        )
        .route(
            "/meters/{meter}/recipients",
            get(meters::recipients::ask).post(meters::recipients::change),
        )
        .merge(device_pages())
        .route("/meters/{meter}/export.xlsx", get(export::meter))
        .route("/export.xlsx", get(export::everything))
        .merge(invoice_pages())
        .route("/people", get(people::list).post(people::add))
        .route("/people/new", get(people::ask))
        .route(
            "/people/{account}/{person}",
            get(people::ask_change).post(people::change),
        )
        .route("/people/{account}/{person}/link", post(people::new_link))
        .route(
            "/people/{account}/{person}/remove",
            get(people::ask_remove).post(people::remove),
        )
        .route("/notices", get(notices::list))
        .route("/me", get(me::show).post(me::change))
        .route("/me/password", post(me::change_password))
        .route("/me/telegram", post(me::link_telegram))
        .route("/me/telegram/unlink", post(me::unlink_telegram))
}

fn invoice_pages() -> Router<Portal> {
    Router::new()
        .route("/invoices", get(invoices::list))
        .route("/invoices/{invoice}", get(invoices::show))
        .route("/invoices/{invoice}/invoice.pdf", get(invoices::pdf))
        .route(
            "/invoices/{invoice}/correct",
            get(invoices::correct::ask).post(invoices::correct::correct),
        )
        .route("/invoices/{invoice}/invoice.json", get(verify::download))
        .route(
            "/invoices/{invoice}/link",
            get(verify::ask_revoke).post(verify::revoke),
        )
        .route("/verify/{token}", get(verify::show))
}

fn gateway_pages() -> Router<Portal> {
    Router::new()
        .route("/gateways", get(gateways::list))
        .route("/gateways/{gateway}", get(gateways::view::show))
        .route("/gateways/{gateway}/code", post(gateways::new_code))
        .route(
            "/gateways/{gateway}/diagnose",
            post(gateways::orders::diagnose),
        )
        .route(
            "/gateways/{gateway}/devices/{device}/read",
            post(gateways::orders::read),
        )
        .route(
            "/gateways/{gateway}/key",
            get(gateways::orders::ask_change_key).post(gateways::orders::change_key),
        )
        .route(
            "/gateways/{gateway}/revoke",
            get(gateways::orders::ask_revoke).post(gateways::orders::revoke),
        )
        .route(
            "/gateways/{gateway}/meters",
            get(meters::register::ask).post(meters::register::add),
        )
}

fn billing_pages() -> Router<Portal> {
    Router::new()
        .route("/billing", get(billing::list))
        .route(
            "/billing/runs/{run}/hold",
            get(billing::hold::ask_run).post(billing::hold::hold_run),
        )
        .route(
            "/billing/runs/{run}/resume",
            get(billing::hold::ask_resume_run).post(billing::hold::resume_run),
        )
        .route("/meters/{meter}/preview", get(billing::preview::show))
        .route(
            "/meters/{meter}/hold",
            get(billing::hold::ask).post(billing::hold::hold),
        )
        .route(
            "/meters/{meter}/resume",
            get(billing::hold::ask_resume).post(billing::hold::resume),
        )
}

fn site_bill_pages() -> Router<Portal> {
    Router::new()
        .route("/sites/{site}/reconciliation", get(reconciliation::show))
        .route(
            "/sites/{site}/reconciliation/{medium}",
            get(reconciliation::policy::ask).post(reconciliation::policy::change),
        )
        .route(
            "/sites/{site}/reconciliation/{medium}/{from}/{until}/release",
            get(reconciliation::release::ask).post(reconciliation::release::release),
        )
        .route(
            "/sites/{site}/reconciliation/{medium}/bill",
            get(reconciliation::bills::ask_new).post(reconciliation::bills::add),
        )
        .route(
            "/sites/{site}/bills/{bill}",
            get(reconciliation::bills::ask).post(reconciliation::bills::change),
        )
        .route(
            "/sites/{site}/bills/{bill}/remove",
            get(reconciliation::bills::ask_remove).post(reconciliation::bills::remove),
        )
        .route(
            "/meters/{meter}/adjustments",
            get(meters::adjustments::list),
        )
        .route(
            "/meters/{meter}/adjustments/{adjustment}",
            get(meters::adjustments::ask).post(meters::adjustments::save),
        )
        .route(
            "/meters/{meter}/adjustments/{adjustment}/remove",
            get(meters::adjustments::ask_remove).post(meters::adjustments::remove),
        )
}

fn terms_pages() -> Router<Portal> {
    Router::new()
        .route("/plans", get(terms::plans::list).post(terms::plans::add))
        .route("/plans/new", get(terms::plans::ask))
        .route("/plans/{plan}", get(terms::show))
        .route(
            "/plans/{plan}/name",
            get(terms::plans::ask_name).post(terms::plans::rename),
        )
        .route(
            "/plans/{plan}/terms/{from}",
            get(terms::ask).post(terms::change),
        )
        .route(
            "/plans/{plan}/terms/{from}/remove",
            get(terms::ask_remove).post(terms::remove),
        )
        .route("/sites/{site}/terms", get(terms::show))
        .route(
            "/sites/{site}/terms/{from}",
            get(terms::ask).post(terms::change),
        )
        .route(
            "/sites/{site}/terms/{from}/remove",
            get(terms::ask_remove).post(terms::remove),
        )
        .route("/meters/{meter}/terms", get(terms::show))
        .route(
            "/meters/{meter}/terms/{from}",
            get(terms::ask).post(terms::change),
        )
        .route(
            "/meters/{meter}/terms/{from}/remove",
            get(terms::ask_remove).post(terms::remove),
        )
}

fn device_pages() -> Router<Portal> {
    use meters::{devices, exchange};
    Router::new()
        .route("/meters/{meter}/devices", get(devices::show))
        .route(
            "/meters/{meter}/register",
            get(devices::ask_register).post(devices::state_register),
        )
        .route(
            "/meters/{meter}/exchange",
            get(exchange::ask).post(exchange::exchange),
        )
        .route(
            "/meters/{meter}/multiplier",
            get(exchange::ask_multiplier).post(exchange::change_multiplier),
        )
        .route(
            "/meters/{meter}/exchange/undo",
            get(devices::ask_undo).post(devices::undo),
        )
}
