//! Page: what stands around every page of somebody who is signed in, and how its figures
//! and ages are written.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use common::locale::Language;
use jiff::{SignedDuration, Timestamp};

use super::asset;
use super::error::Failure;
use super::session::SignedIn;
use crate::account::Role;
use crate::format::Format;
use crate::text::{Arg, Text};

/// A place of the portal, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Home,
    Accounts,
    Sites,
    Gateways,
    Meters,
    Billing,
    Plans,
    Invoices,
    People,
    Notices,
    Me,
}

/// An entry of the navigation.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) href: &'static str,
    pub(crate) label: String,
    pub(crate) current: bool,
}

/// What stands around a page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) text: Text,
    pub(crate) format: Format,
    pub(crate) now: Timestamp,
    pub(crate) person: Option<String>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) me_current: bool,
    pub(crate) path: String,
    pub(crate) done: Option<String>,
}

impl Page {
    /// The page of somebody who is signed in.
    pub(crate) fn new(me: &SignedIn, place: Place, title: String, now: Timestamp) -> Self {
        let text = Text::in_language(me.person.language);
        Self {
            title,
            text,
            format: Format::new(me.person.language.locale()),
            now,
            person: Some(me.person.name.clone()),
            entries: entries(me, place, text),
            me_current: place == Place::Me,
            path: me.path.clone(),
            done: me.done.as_deref().and_then(|word| done(word, text)),
        }
    }

    /// The page of somebody who is not.
    pub(crate) fn outside(language: Language, title: String, path: &str, now: Timestamp) -> Self {
        Self {
            title,
            text: Text::in_language(language),
            format: Format::new(language.locale()),
            now,
            person: None,
            entries: Vec::new(),
            me_current: false,
            path: path.to_owned(),
            done: None,
        }
    }

    /// The text `id`.
    pub(crate) fn t(&self, id: &str) -> String {
        self.text.get(id)
    }

    /// The language the page does not speak.
    pub(crate) fn other_language(&self) -> Language {
        match self.text.language() {
            Language::En => Language::Es,
            Language::Es => Language::En,
        }
    }

    /// Where the style sheet is.
    pub(crate) fn style(&self) -> String {
        asset::style_path()
    }

    /// Where the icon is.
    pub(crate) fn icon(&self) -> String {
        asset::icon_path()
    }

    /// How long ago something was: `4 min ago`.
    pub(crate) fn ago(&self, at: Timestamp) -> String {
        ago(self.text, self.now.duration_since(at))
    }
}

/// How long ago, in the largest unit that says it.
pub(crate) fn ago(text: Text, age: SignedDuration) -> String {
    let minutes = age.as_mins().max(0);
    let hours = minutes / 60;
    let days = hours / 24;
    match (days, hours, minutes) {
        (0, 0, 0) => text.get("portal-ago-now"),
        (0, 0, n) => text.with("portal-ago-minutes", &[("n", Arg::Count(n))]),
        (0, n, _) => text.with("portal-ago-hours", &[("n", Arg::Count(n))]),
        (n, _, _) => text.with("portal-ago-days", &[("n", Arg::Count(n))]),
    }
}

/// What a change says once it was made; the word travels in the address.
fn done(word: &str, text: Text) -> Option<String> {
    let id = match word {
        "saved" => "portal-done-saved",
        "site" => "portal-done-site",
        "meter" => "portal-done-meter",
        "asked" => "portal-done-asked",
        "asked-much" => "portal-done-asked-much",
        "revoked" => "portal-done-revoked",
        "held" => "billing-done-held",
        "resumed" => "billing-done-resumed",
        "display-agrees" => "explain-display-done-agrees",
        "display-differs" => "explain-display-done-differs",
        "corrected" => "billing-correct-done",
        "removed" => "portal-done-removed",
        "link" => "portal-done-link",
        "password" => "portal-done-password",
        "unlinked" => "portal-done-unlinked",
        "welcome" => "portal-done-welcome",
        _ => return None,
    };
    Some(text.get(id))
}

fn entries(me: &SignedIn, place: Place, text: Text) -> Vec<Entry> {
    let is = |role| me.actor.memberships.iter().any(|one| one.role == role);
    let (integrator, monitor) = (is(Role::Integrator), is(Role::Monitor));
    let all = [
        (
            me.actor.administrator,
            Place::Accounts,
            "/accounts",
            text.get("portal-nav-accounts"),
        ),
        (integrator, Place::Home, "/", text.get("portal-nav-home")),
        (
            integrator,
            Place::Sites,
            "/sites",
            text.get("portal-nav-sites"),
        ),
        (
            integrator,
            Place::Gateways,
            "/gateways",
            text.get("portal-nav-gateways"),
        ),
        (
            integrator,
            Place::Meters,
            "/meters",
            text.get("portal-nav-meters"),
        ),
        (
            integrator,
            Place::Billing,
            "/billing",
            text.get("billing-nav"),
        ),
        (integrator, Place::Plans, "/plans", text.get("terms-plans")),
        (
            monitor && !integrator,
            Place::Home,
            "/",
            text.get("portal-nav-my-meters"),
        ),
        (
            integrator || monitor,
            Place::Invoices,
            "/invoices",
            text.get("portal-nav-invoices"),
        ),
        (
            integrator,
            Place::People,
            "/people",
            text.get("portal-nav-people"),
        ),
        (
            integrator,
            Place::Notices,
            "/notices",
            text.get("portal-nav-notices"),
        ),
    ];
    all.into_iter()
        .filter(|(shown, ..)| *shown)
        .map(|(_, there, href, label)| Entry {
            href,
            label,
            // A monitor user's meters are at home.
            current: there == place
                || (place == Place::Meters && there == Place::Home && !integrator),
        })
        .collect()
}

/// The answer that shows a page.
pub(crate) fn show(page: &impl Template) -> Result<Response, Failure> {
    show_with(StatusCode::OK, page)
}

/// The answer that shows a page under a status of its own.
pub(crate) fn show_with(status: StatusCode, page: &impl Template) -> Result<Response, Failure> {
    Ok((status, Html(page.render()?)).into_response())
}

/// The answer that leads on after something was done.
pub(crate) fn go(to: &str) -> Response {
    axum::response::Redirect::to(to).into_response()
}
