//! Sessions: who visits, from a cookie.
//!
//! Promises: the token has 256 bits and is new at every sign-in; only its hash is kept; it
//! ends after a week without a visit, after thirty days in any case, and with the password.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use common::id::{AccountId, GatewayId, MeterId, PersonId, SiteId};
use common::locale::Language;
use jiff::SignedDuration;

use super::Portal;
use super::error::Failure;
use crate::access::{Action, Actor, Object, may};
use crate::account::Person;
use crate::secret;
use crate::site::{Gateway, Meter, Site};
use crate::store::{StoreResult, Transaction};

/// How long a session lives without a visit.
const IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long it lives at most.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often a visit is noted; each note is a write.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// The cookie on HTTPS: bound to this host, this path, encrypted connections.
const SECURE_COOKIE: &str = "__Host-session";
/// The cookie on plain HTTP, which only loopback gets.
const PLAIN_COOKIE: &str = "session";
/// The cookie that keeps the language of those who are not signed in.
const LANGUAGE_COOKIE: &str = "language";

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    /// Who they are.
    pub(crate) person: Person,
    /// What decides what they may do.
    pub(crate) actor: Actor,
    /// The address they asked for.
    pub(crate) path: String,
    /// What the address says was just done.
    pub(crate) done: Option<String>,
}

impl FromRequestParts<Portal> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Failure> {
        let wanted = if parts.method == Method::GET {
            let path = parts
                .uri
                .path_and_query()
                .map(|path| path.as_str().to_owned());
            path.unwrap_or_default()
        } else {
            String::new()
        };
        let Some((person, _)) = current(portal, &parts.headers).await? else {
            return Err(Failure::SignInFirst { wanted });
        };
        let mut transaction = portal.app.store.read().await?;
        let actor = actor(&mut transaction, &person).await?;
        let done = parts
            .uri
            .query()
            .and_then(|query| query.strip_prefix("done="));
        Ok(Self {
            person,
            actor,
            path: parts.uri.path().to_owned(),
            done: done.map(str::to_owned),
        })
    }
}

/// The person and the session's hash, if the cookie's session is alive.
pub(super) async fn current(
    portal: &Portal,
    headers: &HeaderMap,
) -> Result<Option<(Person, String)>, Failure> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(portal)) else {
        return Ok(None);
    };
    let hash = secret::hash(cookie.value());
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let found = transaction.session_person(&hash, now, now - IDLE).await?;
    drop(transaction);
    let Some((person, seen_at)) = found else {
        return Ok(None);
    };
    if now.duration_since(seen_at) > NOTE_EVERY {
        let mut transaction = portal.app.store.write().await?;
        transaction.touch_session(&hash, now).await?;
        transaction.commit().await?;
    }
    Ok(Some((person, hash)))
}

async fn actor(transaction: &mut Transaction, person: &Person) -> StoreResult<Actor> {
    let memberships = transaction.memberships(person.id).await?;
    let mut actor = Actor {
        person: person.id,
        administrator: person.administrator,
        memberships,
        assigned: std::collections::BTreeSet::new(),
    };
    for account in actor.accounts().collect::<Vec<_>>() {
        let assigned = transaction
            .assignments_of_person(account, person.id)
            .await?;
        actor
            .assigned
            .extend(assigned.iter().map(|one| (account, one.meter)));
    }
    Ok(actor)
}

impl SignedIn {
    /// Goes on only if they may.
    pub(crate) fn require(&self, action: Action, object: &Object) -> Result<(), Failure> {
        if may(&self.actor, action, object) {
            Ok(())
        } else {
            Err(Failure::Absent)
        }
    }

    /// The meter with that id, if it is there and they may do that to it.
    pub(crate) async fn meter(
        &self,
        transaction: &mut Transaction,
        id: &str,
        action: Action,
    ) -> Result<Meter, Failure> {
        let id: MeterId = id.parse().map_err(|_| Failure::Absent)?;
        for account in self.actor.accounts() {
            if let Some(meter) = transaction.meter(account, id).await? {
                self.require(action, &Object::Meter(account, id))?;
                return Ok(meter);
            }
        }
        Err(Failure::Absent)
    }

    /// The gateway with that id, if it is there and they may do that to it.
    pub(crate) async fn gateway(
        &self,
        transaction: &mut Transaction,
        id: &str,
        action: Action,
    ) -> Result<Gateway, Failure> {
        let id: GatewayId = id.parse().map_err(|_| Failure::Absent)?;
        for account in self.actor.accounts() {
            if let Some(gateway) = transaction.gateway(account, id).await? {
                self.require(action, &Object::Account(account))?;
                return Ok(gateway);
            }
        }
        Err(Failure::Absent)
    }

    /// The site with that id, if it is there and they may do that to it.
    pub(crate) async fn site(
        &self,
        transaction: &mut Transaction,
        id: &str,
        action: Action,
    ) -> Result<Site, Failure> {
        let id: SiteId = id.parse().map_err(|_| Failure::Absent)?;
        for account in self.actor.accounts() {
            if let Some(site) = transaction.site(account, id).await? {
                self.require(action, &Object::Account(account))?;
                return Ok(site);
            }
        }
        Err(Failure::Absent)
    }

    /// The account that they hold and that `chosen` names; without a choice the first.
    pub(crate) fn held_account(&self, chosen: &str) -> Result<AccountId, Failure> {
        let chosen = chosen.parse::<AccountId>().ok();
        let mut held = self.actor.held_accounts();
        match chosen {
            Some(chosen) => held.find(|account| *account == chosen),
            None => held.next(),
        }
        .ok_or(Failure::Absent)
    }
}

/// Opens a session; the cookie that carries it.
pub(super) async fn open(
    portal: &Portal,
    transaction: &mut Transaction,
    person: PersonId,
) -> StoreResult<Cookie<'static>> {
    let now = portal.app.clock.now();
    let token = secret::new();
    let expires_at = now + LIFETIME;
    transaction
        .add_session(&secret::hash(&token), person, now, expires_at)
        .await?;
    let cookie = Cookie::build((cookie_name(portal), token))
        .path("/")
        .http_only(true)
        .secure(portal.secure)
        .same_site(SameSite::Lax);
    Ok(cookie.build())
}

/// The cookie that takes the session's place when it ends.
pub(super) fn closed(portal: &Portal) -> Cookie<'static> {
    let mut cookie = Cookie::build((cookie_name(portal), ""))
        .path("/")
        .secure(portal.secure)
        .build();
    cookie.make_removal();
    cookie
}

/// The cookie that keeps a language.
pub(super) fn language_cookie(portal: &Portal, language: Language) -> Cookie<'static> {
    let cookie = Cookie::build((LANGUAGE_COOKIE, language.code()))
        .path("/")
        .secure(portal.secure)
        .same_site(SameSite::Lax);
    cookie.permanent().build()
}

fn cookie_name(portal: &Portal) -> &'static str {
    if portal.secure {
        SECURE_COOKIE
    } else {
        PLAIN_COOKIE
    }
}

/// The language of somebody who is not signed in: their cookie's, else their browser's.
pub(super) fn language_of(headers: &HeaderMap) -> Language {
    let jar = CookieJar::from_headers(headers);
    let chosen = jar
        .get(LANGUAGE_COOKIE)
        .and_then(|cookie| cookie.value().parse().ok());
    chosen.unwrap_or_else(|| accepted(headers.get(header::ACCEPT_LANGUAGE)))
}

/// The first language of the list that we speak.
fn accepted(list: Option<&HeaderValue>) -> Language {
    let list = list
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    list.split(',')
        .filter_map(|entry| entry.trim().split(['-', ';']).next())
        .find_map(|language| language.to_lowercase().parse().ok())
        .unwrap_or(Language::En)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_we_speak_is_taken() {
        let table = [
            ("es-MX,es;q=0.9,en;q=0.8", Language::Es),
            ("fr, es;q=0.5", Language::Es),
            ("en-GB", Language::En),
            ("fr", Language::En),
            ("", Language::En),
        ];
        for (list, expected) in table {
            let value = HeaderValue::from_static(list);
            assert_eq!(accepted(Some(&value)), expected, "{list}");
        }
    }
}
