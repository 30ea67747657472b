//! One's own settings: name, language, password, Telegram.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use super::Portal;
use super::account_pages::language_field;
use super::error::Failure;
use super::field::Field;
use super::form::{Check, Errors, Input, Section, name_field, place_errors};
use super::page::{self, Page, Place, go};
use super::password;
use super::session::{self, SignedIn};
use super::sign_in::checked_password;
use crate::account::LinkPurpose;
use crate::secret;
use crate::text::{Arg, Text};

#[derive(Template)]
#[template(path = "portal/me.html")]
struct MePage {
    page: Page,
    email: String,
    about: Vec<Field>,
    password: Vec<Field>,
    /// Whether there is a bot, and whether this person's chat is linked.
    telegram: Option<bool>,
}

fn draw(portal: &Portal, me: &SignedIn, input: &Input, errors: &Errors) -> MePage {
    let text = Text::in_language(me.person.language);
    let title = text.get("portal-me");
    let least = password::PASSWORD_CHARACTERS_MIN.to_string();
    let help = text.with("portal-password-help", &[("least", Arg::from(&least))]);
    let mut sections = [
        Section::new(
            String::new(),
            vec![
                name_field("name", text.get("portal-person-name"), input).autocomplete("name"),
                language_field(text, input),
            ],
        ),
        Section::new(
            String::new(),
            vec![
                Field::password(
                    "current",
                    text.get("portal-password-current"),
                    "current-password",
                ),
                Field::password("new", text.get("portal-password-new"), "new-password").help(help),
            ],
        ),
    ];
    place_errors(&mut sections, errors);
    let [about, password] = sections.map(|section| section.fields);
    MePage {
        page: Page::new(me, Place::Me, title, portal.app.clock.now()),
        email: me.person.email.clone(),
        about,
        password,
        telegram: portal
            .app
            .telegram
            .as_ref()
            .map(|_| me.person.telegram_chat.is_some()),
    }
}

fn own(me: &SignedIn) -> Input {
    Input::of(&[
        ("name", &me.person.name),
        ("language", me.person.language.code()),
    ])
}

pub(super) async fn show(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    page::show(&draw(&portal, &me, &own(&me), &Errors::new()))
}

pub(super) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let (name, language) = (check.name("name"), check.language("language"));
    let (Some(name), Some(language)) = (name, language) else {
        let page = draw(&portal, &me, &input, &check.errors);
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let mut transaction = portal.app.store.write().await?;
    transaction.set_name(me.person.id, &name).await?;
    transaction.set_language(me.person.id, language).await?;
    transaction.commit().await?;
    let jar = jar.add(session::language_cookie(&portal, language));
    Ok((jar, go("/me?done=saved")).into_response())
}

pub(super) async fn change_password(
    State(portal): State<Portal>,
    me: SignedIn,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let text = Text::in_language(me.person.language);
    let mut check = Check::new(&input, text);
    let new = checked_password(&mut check, "new");
    if !portal.admits(&me.person.email) {
        check.wrong("current", text.get("portal-sign-in-throttled"));
    } else if !is_theirs(&portal, &me, input.get("current")).await? {
        check.wrong("current", text.get("portal-error-current-password"));
    }
    let Some(new) = new.filter(|_| check.errors.is_empty()) else {
        let page = draw(&portal, &me, &own(&me), &check.errors);
        return page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let hash = password::hash(new).await?;
    let mut transaction = portal.app.store.write().await?;
    transaction.set_password_hash(me.person.id, &hash).await?;
    transaction.delete_sessions(me.person.id).await?;
    let cookie = session::open(&portal, &mut transaction, me.person.id).await?;
    transaction.commit().await?;
    tracing::info!(person = %me.person.id, "changed their password");
    Ok((jar.add(cookie), go("/me?done=password")).into_response())
}

async fn is_theirs(portal: &Portal, me: &SignedIn, typed: &str) -> Result<bool, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let hash = transaction.password_hash(me.person.id).await?;
    drop(transaction);
    Ok(password::verify(typed.to_owned(), hash).await?)
}

pub(super) async fn link_telegram(
    State(portal): State<Portal>,
    me: SignedIn,
) -> Result<Response, Failure> {
    let bot = portal.app.telegram.as_ref().ok_or(Failure::Absent)?;
    let now = portal.app.clock.now();
    let token = secret::new();
    let mut transaction = portal.app.store.write().await?;
    transaction
        .spend_links(me.person.id, LinkPurpose::Telegram, now)
        .await?;
    let hash = secret::hash(&token);
    transaction
        .add_link(&hash, LinkPurpose::Telegram, me.person.id, now)
        .await?;
    transaction.commit().await?;
    let text = Text::in_language(me.person.language);
    let page = Page::new(&me, Place::Me, text.get("portal-telegram"), now);
    let link = match bot.start_link(&token).await {
        Ok(link) => Some(link),
        Err(error) => {
            tracing::warn!(%error, "the bot's address is not known");
            None
        }
    };
    page::show(&TelegramPage { page, link })
}

#[derive(Template)]
#[template(path = "portal/telegram.html")]
struct TelegramPage {
    page: Page,
    link: Option<String>,
}

pub(super) async fn unlink_telegram(
    State(portal): State<Portal>,
    me: SignedIn,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    transaction.unlink_telegram(me.person.id).await?;
    transaction.commit().await?;
    Ok(go("/me?done=unlinked"))
}
