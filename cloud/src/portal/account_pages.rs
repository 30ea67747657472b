//! The administrator's pages: accounts, and who holds them.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::AccountId;

use super::Portal;
use super::error::Failure;
use super::field::{Choice, Field};
use super::form::{Check, Errors, FormPage, Input, Section, email_field, name_field};
use super::invitation::{self, Invited};
use super::page::{self, Page, Place};
use super::session::SignedIn;
use super::table::{Button, Cell, Listing, Table, Tone};
use crate::access::{Action, Object};
use crate::account::{Account, Membership, NewPerson, Role};
use crate::store::Transaction;
use crate::text::Text;

fn page_of(portal: &Portal, me: &SignedIn, title: String) -> Page {
    Page::new(me, Place::Accounts, title, portal.app.clock.now())
}

pub(super) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.require(Action::See, &Object::Platform)?;
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.read().await?;
    let mut rows = Vec::new();
    for account in transaction.accounts().await? {
        let sites = transaction.sites(account.id).await?.len();
        let gateways = transaction.gateways(account.id).await?.len();
        let meters = transaction.meters(account.id).await?.len();
        let people = transaction.members(account.id).await?.len();
        rows.push(vec![
            Cell::main(format!("/accounts/{}", account.id), account.name, ""),
            Cell::figure(sites.to_string()),
            Cell::figure(gateways.to_string()),
            Cell::figure(meters.to_string()),
            Cell::figure(people.to_string()),
        ]);
    }
    page::show(&Listing {
        page: page_of(&portal, &me, text.get("portal-nav-accounts")),
        above: None,
        lead: text.get("portal-accounts-lead"),
        buttons: vec![Button::main(
            "/accounts/new",
            text.get("portal-account-new"),
        )],
        tables: vec![Table {
            caption: String::new(),
            columns: vec![
                text.get("portal-account"),
                text.get("portal-nav-sites"),
                text.get("portal-nav-gateways"),
                text.get("portal-nav-meters"),
                text.get("portal-nav-people"),
            ],
            rows,
            empty: text.get("portal-accounts-empty"),
        }],
    })
}

fn person_fields(text: Text, input: &Input) -> Vec<Field> {
    vec![
        name_field("name", text.get("portal-person-name"), input),
        email_field(text.get("portal-email"), input).autocomplete("off"),
        language_field(text, input),
    ]
}

/// The list of languages, in their own words.
pub(super) fn language_field(text: Text, input: &Input) -> Field {
    let current = input.get("language");
    let choices = vec![
        Choice::new("en", "English", current),
        Choice::new("es", "Español", current),
    ];
    Field::select("language", text.get("portal-language"), choices)
}

fn account_form(portal: &Portal, me: &SignedIn, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let account = name_field("account", text.get("portal-account-name"), input)
        .help(text.get("portal-account-name-help"));
    let sections = vec![
        Section::new(text.get("portal-account"), vec![account]),
        Section::new(text.get("portal-account-first"), person_fields(text, input))
            .help(text.get("portal-account-first-help")),
    ];
    let page = page_of(portal, me, text.get("portal-account-new"));
    let submit = text.get("portal-account-add");
    let mut form = FormPage::new(page, "/accounts".to_owned(), sections, submit);
    form.cancel = Some("/accounts".to_owned());
    form
}

pub(super) async fn ask(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.require(Action::Manage, &Object::Platform)?;
    let input = Input::of(&[("language", me.person.language.code())]);
    account_form(&portal, &me, &input).show(&Errors::new())
}

/// A person as the form names them.
pub(super) fn new_person(check: &mut Check<'_>) -> Option<NewPerson> {
    let (name, email) = (check.name("name"), check.email("email"));
    let language = check.language("language");
    NewPerson::new(&email?, &name?, language?, false).ok()
}

pub(super) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    me.require(Action::Manage, &Object::Platform)?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let (name, person) = (check.name("account"), new_person(&mut check));
    let (Some(name), Some(person)) = (name, person) else {
        return account_form(&portal, &me, &input).show(&check.errors);
    };
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let account = transaction.add_account(&name, now).await?;
    let invited = invite_integrator(&portal, &mut transaction, &person, account.id).await?;
    transaction.commit().await?;
    tracing::info!(account = %account.id, by = %me.person.id, "added an account");
    let page = page_of(&portal, &me, name);
    invitation::show(page, &invited, format!("/accounts/{}", account.id))
}

async fn invite_integrator(
    portal: &Portal,
    transaction: &mut Transaction,
    person: &NewPerson,
    account: AccountId,
) -> Result<Invited, Failure> {
    let membership = |person| Membership {
        account,
        person,
        role: Role::Integrator,
        may_change_settings: true,
    };
    let url = &portal.app.config.public_url;
    let now = portal.app.clock.now();
    Ok(invitation::invite(transaction, url, person, membership, now).await?)
}

async fn account(transaction: &mut Transaction, id: &str) -> Result<Account, Failure> {
    let id: AccountId = id.parse().map_err(|_| Failure::Absent)?;
    transaction.account(id).await?.ok_or(Failure::Absent)
}

pub(super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    me.require(Action::See, &Object::Platform)?;
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.read().await?;
    let account = account(&mut transaction, &id).await?;
    let mut rows = Vec::new();
    for (person, membership) in transaction.members(account.id).await? {
        let active = transaction.password_hash(person.id).await?.is_some();
        rows.push(vec![
            Cell::two(person.name, person.email),
            Cell::text(role_word(text, membership.role)),
            if active {
                Cell::state(Tone::Good, text.get("portal-person-active"), "")
            } else {
                Cell::state(Tone::Quiet, text.get("portal-person-invited"), "")
            },
        ]);
    }
    let invite = format!("/accounts/{}/invite", account.id);
    page::show(&Listing {
        page: page_of(&portal, &me, account.name),
        above: Some(("/accounts".to_owned(), text.get("portal-nav-accounts"))),
        lead: String::new(),
        buttons: vec![Button::main(invite, text.get("portal-integrator-invite"))],
        tables: vec![Table {
            caption: text.get("portal-nav-people"),
            columns: vec![
                text.get("portal-person-name"),
                text.get("portal-role"),
                text.get("portal-state"),
            ],
            rows,
            empty: text.get("portal-people-empty"),
        }],
    })
}

/// What a role is called.
pub(super) fn role_word(text: Text, role: Role) -> String {
    match role {
        Role::Integrator => text.get("portal-role-integrator"),
        Role::Monitor => text.get("portal-role-monitor"),
    }
}

fn invite_form(portal: &Portal, me: &SignedIn, account: &Account, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let path = format!("/accounts/{}", account.id);
    let page = page_of(portal, me, text.get("portal-integrator-invite"));
    let sections = vec![Section::new(String::new(), person_fields(text, input))];
    let mut form = FormPage::new(page, path.clone(), sections, text.get("portal-invite"));
    form.above = Some((path.clone(), account.name.clone()));
    form.cancel = Some(path);
    form
}

pub(super) async fn ask_invite(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    me.require(Action::Manage, &Object::Platform)?;
    let mut transaction = portal.app.store.read().await?;
    let account = account(&mut transaction, &id).await?;
    let input = Input::of(&[("language", me.person.language.code())]);
    invite_form(&portal, &me, &account, &input).show(&Errors::new())
}

pub(super) async fn invite(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    me.require(Action::Manage, &Object::Platform)?;
    let mut transaction = portal.app.store.write().await?;
    let account = account(&mut transaction, &id).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some(person) = new_person(&mut check) else {
        return invite_form(&portal, &me, &account, &input).show(&check.errors);
    };
    let invited = invite_integrator(&portal, &mut transaction, &person, account.id).await?;
    transaction.commit().await?;
    let page = page_of(&portal, &me, account.name);
    invitation::show(page, &invited, format!("/accounts/{}", account.id))
}
