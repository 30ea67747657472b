//! Signing in and out, the password by a one-time link, and the language.
//!
//! Promises: an unknown address and a wrong password give the same sentence after the same
//! work; tries are throttled; a link sets a password once; a password ends every session.

use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use common::locale::Language;

use super::Portal;
use super::error::Failure;
use super::field::Field;
use super::form::{Check, Errors, FormPage, Input, Section, email_field};
use super::page::{self, Page, go};
use super::password::{self, PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN};
use super::session;
use crate::account::{EMAIL_CHARACTERS_MAX, LinkPurpose, Person};
use crate::origin::client_address;
use crate::secret;
use crate::text::{Arg, Text};

/// Where the page is.
const PATH: &str = "/sign-in";

/// The network address of the visitor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visitor(Option<IpAddr>);

impl Visitor {
    /// It, where it is known.
    pub(super) fn address(self) -> Option<IpAddr> {
        self.0
    }
}

impl FromRequestParts<Portal> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        portal: &Portal,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|ConnectInfo(peer)| {
            client_address(&portal.app.config, *peer, &parts.headers)
        })))
    }
}

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
struct SignInPage {
    page: Page,
    email: Field,
    password: Field,
    next: String,
    problem: Option<String>,
}

/// The answer that asks to sign in first and leads back to `wanted`.
pub(super) fn redirect(wanted: &str) -> Response {
    let next: String = wanted
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    if next.is_empty() || next == "/" {
        return go(PATH);
    }
    go(&format!("{PATH}?next={next}"))
}

/// The address to go on to, if it is one of ours.
fn own(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(|c: char| c == '\\' || c.is_control());
    if ours { next } else { "/" }
}

fn sign_in_page(
    portal: &Portal,
    language: Language,
    input: &Input,
    problem: Option<String>,
) -> SignInPage {
    let text = Text::in_language(language);
    let title = text.get("portal-sign-in");
    let mut email = email_field(text.get("portal-email"), input).autocomplete("username");
    email.focus = problem.is_none();
    SignInPage {
        page: Page::outside(language, title, PATH, portal.app.clock.now()),
        email,
        password: Field::password("password", text.get("portal-password"), "current-password"),
        next: own(input.get("next")).to_owned(),
        problem,
    }
}

pub(super) async fn show(
    State(portal): State<Portal>,
    headers: HeaderMap,
    axum::extract::Query(query): axum::extract::Query<Input>,
) -> Result<Response, Failure> {
    if session::current(&portal, &headers).await?.is_some() {
        return Ok(go(own(query.get("next"))));
    }
    let language = session::language_of(&headers);
    page::show(&sign_in_page(&portal, language, &query, None))
}

pub(super) async fn enter(
    State(portal): State<Portal>,
    visitor: Visitor,
    headers: HeaderMap,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let language = session::language_of(&headers);
    let text = Text::in_language(language);
    let email: String = input
        .get("email")
        .trim()
        .chars()
        .take(EMAIL_CHARACTERS_MAX)
        .collect();
    if !portal.throttle.admit(&email, visitor.0) {
        tracing::warn!("a sign-in was throttled");
        let problem = Some(text.get("portal-sign-in-throttled"));
        let page = sign_in_page(&portal, language, &input, problem);
        return page::show_with(StatusCode::TOO_MANY_REQUESTS, &page);
    }
    let Some(person) = known(&portal, &email, input.get("password")).await? else {
        tracing::info!("a sign-in was refused");
        let problem = Some(text.get("portal-sign-in-wrong"));
        let page = sign_in_page(&portal, language, &input, problem);
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let mut transaction = portal.app.store.write().await?;
    let cookie = session::open(&portal, &mut transaction, person.id).await?;
    transaction.commit().await?;
    tracing::info!(person = %person.id, "signed in");
    let jar = jar
        .add(cookie)
        .add(session::language_cookie(&portal, person.language));
    Ok((jar, go(own(input.get("next")))).into_response())
}

/// The person of that address and password.
async fn known(portal: &Portal, email: &str, typed: &str) -> Result<Option<Person>, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let person = transaction.person_by_email(&email.to_lowercase()).await?;
    let hash = match &person {
        Some(person) => transaction.password_hash(person.id).await?,
        None => None,
    };
    drop(transaction);
    let typed: String = typed.chars().take(PASSWORD_CHARACTERS_MAX).collect();
    let right = password::verify(typed, hash).await?;
    Ok(person.filter(|_| right))
}

pub(super) async fn leave(
    State(portal): State<Portal>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Result<Response, Failure> {
    if let Some((_, hash)) = session::current(&portal, &headers).await? {
        let mut transaction = portal.app.store.write().await?;
        transaction.delete_session(&hash).await?;
        transaction.commit().await?;
    }
    Ok((jar.add(session::closed(&portal)), go(PATH)).into_response())
}

pub(super) async fn choose_language(
    State(portal): State<Portal>,
    headers: HeaderMap,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let language: Language = input.get("language").parse().map_err(|_| Failure::Absent)?;
    if let Some((person, _)) = session::current(&portal, &headers).await? {
        let mut transaction = portal.app.store.write().await?;
        transaction.set_language(person.id, language).await?;
        transaction.commit().await?;
    }
    let jar = jar.add(session::language_cookie(&portal, language));
    Ok((jar, go(own(input.get("back")))).into_response())
}

fn password_page(portal: &Portal, language: Language, path: &str, person: &Person) -> FormPage {
    let text = Text::in_language(language);
    let least = PASSWORD_CHARACTERS_MIN.to_string();
    let field = Field::password("password", text.get("portal-password-new"), "new-password")
        .help(text.with("portal-password-help", &[("least", Arg::from(&least))]));
    // A password manager keeps the password under this name.
    let mut email = email_field(
        text.get("portal-email"),
        &Input::of(&[("email", &person.email)]),
    );
    email.locked = Some(text.get("portal-password-email-help"));
    let page = Page::outside(
        language,
        text.get("portal-password-title"),
        path,
        portal.app.clock.now(),
    );
    let sections = vec![Section::new(String::new(), vec![email, field])];
    let submit = text.get("portal-password-set");
    let mut form = FormPage::new(page, path.to_owned(), sections, submit);
    form.lead = text.with("portal-password-lead", &[("name", Arg::from(&person.name))]);
    form
}

/// The person whose link it is, if it is still good.
async fn person_of_link(portal: &Portal, token: &str) -> Result<Option<Person>, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let now = portal.app.clock.now();
    let hash = secret::hash(token);
    match transaction
        .look_at_link(&hash, LinkPurpose::Password, now)
        .await?
    {
        Some(id) => Ok(transaction.person(id).await?),
        None => Ok(None),
    }
}

#[derive(Template)]
#[template(path = "portal/message.html")]
struct MessagePage {
    page: Page,
    message: String,
    href: String,
    label: String,
}

fn spent(portal: &Portal, language: Language) -> Result<Response, Failure> {
    let text = Text::in_language(language);
    let title = text.get("portal-link-spent-title");
    let page = Page::outside(language, title, PATH, portal.app.clock.now());
    let message = MessagePage {
        page,
        message: text.get("portal-link-spent"),
        href: PATH.to_owned(),
        label: text.get("portal-sign-in"),
    };
    page::show_with(StatusCode::NOT_FOUND, &message)
}

pub(super) async fn ask_password(
    State(portal): State<Portal>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(person) = person_of_link(&portal, &token).await? else {
        return spent(&portal, session::language_of(&headers));
    };
    let language = chosen_or(&headers, person.language);
    let path = format!("/password/{token}");
    let mut response = password_page(&portal, language, &path, &person).show(&Errors::new())?;
    // The address is a secret until it is used.
    let no_referrer = header::HeaderValue::from_static("no-referrer");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, no_referrer);
    Ok(response)
}

/// The language chosen here, else the one they were invited in.
fn chosen_or(headers: &HeaderMap, invited: Language) -> Language {
    let jar = CookieJar::from_headers(headers);
    if jar.get("language").is_some() {
        session::language_of(headers)
    } else {
        invited
    }
}

/// A password that is long enough; a sentence at the field if not.
pub(super) fn checked_password(check: &mut Check<'_>, field: &str) -> Option<String> {
    let typed = check.input.get(field).to_owned();
    let length = typed.chars().count();
    if (PASSWORD_CHARACTERS_MIN..=PASSWORD_CHARACTERS_MAX).contains(&length) {
        return Some(typed);
    }
    let (least, most) = (
        PASSWORD_CHARACTERS_MIN.to_string(),
        PASSWORD_CHARACTERS_MAX.to_string(),
    );
    let found = length.to_string();
    let args = [
        ("found", Arg::from(&found)),
        ("least", Arg::from(&least)),
        ("most", Arg::from(&most)),
    ];
    let sentence = check.text.with("portal-error-password", &args);
    check.wrong(field, sentence);
    None
}

pub(super) async fn set_password(
    State(portal): State<Portal>,
    Path(token): Path<String>,
    headers: HeaderMap,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let Some(person) = person_of_link(&portal, &token).await? else {
        return spent(&portal, session::language_of(&headers));
    };
    let language = chosen_or(&headers, person.language);
    let mut check = Check::new(&input, Text::in_language(language));
    let Some(typed) = checked_password(&mut check, "password") else {
        let path = format!("/password/{token}");
        return password_page(&portal, language, &path, &person).show(&check.errors);
    };
    let hash = password::hash(typed).await?;
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let link = secret::hash(&token);
    if transaction
        .use_link(&link, LinkPurpose::Password, now)
        .await?
        != Some(person.id)
    {
        return spent(&portal, language);
    }
    transaction.set_password_hash(person.id, &hash).await?;
    transaction
        .spend_links(person.id, LinkPurpose::Password, now)
        .await?;
    transaction.verify_email(person.id, now).await?;
    transaction.set_language(person.id, language).await?;
    transaction.delete_sessions(person.id).await?;
    let cookie = session::open(&portal, &mut transaction, person.id).await?;
    transaction.commit().await?;
    tracing::info!(person = %person.id, "set a password");
    let jar = jar
        .add(cookie)
        .add(session::language_cookie(&portal, language));
    Ok((jar, go("/?done=welcome")).into_response())
}
