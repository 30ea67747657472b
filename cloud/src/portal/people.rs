//! The people of an account: list, invite, change what they see and may, remove.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::{AccountId, MeterId, PersonId};

use super::Portal;
use super::account_pages::{language_field, new_person, role_word};
use super::error::Failure;
use super::field::Field;
use super::form::{Check, Errors, FormPage, Input, Section, email_field, name_field};
use super::invitation;
use super::meters::recipients::{delivery_choices, reach, read_delivery};
use super::page::{Page, Place, go, show};
use super::session::SignedIn;
use super::sites::account_field;
use super::table::{Button, Cell, Listing, Table, Tone};
use crate::access::{Action, Object};
use crate::account::{Membership, Person, Role};
use crate::site::{Assignment, Delivery, Meter};
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// What stands before a meter's id in the name of its field.
const PREFIX: &str = "meter-";

fn page_of(portal: &Portal, me: &SignedIn, title: String) -> Page {
    Page::new(me, Place::People, title, portal.app.clock.now())
}

pub(super) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.held_account("")?;
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.read().await?;
    let mut rows = Vec::new();
    for account in me.actor.held_accounts() {
        for (person, membership) in transaction.members(account).await? {
            rows.push(person_row(&mut transaction, text, person, &membership).await?);
        }
    }
    show(&Listing {
        page: page_of(&portal, &me, text.get("portal-nav-people")),
        above: None,
        lead: text.get("portal-people-lead"),
        buttons: vec![Button::main("/people/new", text.get("portal-person-new"))],
        tables: vec![Table {
            caption: String::new(),
            columns: vec![
                text.get("portal-person-name"),
                text.get("portal-role"),
                text.get("portal-nav-meters"),
                text.get("portal-may-change"),
                text.get("portal-state"),
            ],
            rows,
            empty: text.get("portal-people-empty"),
        }],
    })
}

async fn person_row(
    transaction: &mut Transaction,
    text: Text,
    person: Person,
    membership: &Membership,
) -> StoreResult<Vec<Cell>> {
    let account = membership.account;
    let assigned = transaction
        .assignments_of_person(account, person.id)
        .await?
        .len();
    let active = transaction.password_hash(person.id).await?.is_some();
    let (state, tone) = if active {
        ("portal-person-active", Tone::Good)
    } else {
        ("portal-person-invited", Tone::Quiet)
    };
    let telegram = match person.telegram_chat {
        Some(_) => text.get("portal-telegram-linked"),
        None => String::new(),
    };
    let (meters, may) = match membership.role {
        Role::Integrator => (text.get("portal-all"), text.get("portal-yes")),
        Role::Monitor if membership.may_change_settings => {
            (assigned.to_string(), text.get("portal-yes"))
        }
        Role::Monitor => (assigned.to_string(), text.get("portal-no")),
    };
    let href = format!("/people/{account}/{}", person.id);
    Ok(vec![
        Cell::main(href, person.name, person.email),
        Cell::text(role_word(text, membership.role)),
        Cell::text(meters),
        Cell::text(may),
        Cell::state(tone, text.get(state), telegram),
    ])
}

fn meter_fields(text: Text, meters: &[Meter], input: &Input) -> Vec<Field> {
    let field = |meter: &Meter| {
        let name = format!("{PREFIX}{}", meter.id);
        let choices = delivery_choices(
            text,
            Some(text.get("portal-delivery-not")),
            input.get(&name),
        );
        Field::select(name, meter.label.clone(), choices)
    };
    meters.iter().map(field).collect()
}

fn switch(text: Text, input: &Input) -> Field {
    Field::switch(
        "may_change",
        text.get("portal-switch"),
        input.is_on("may_change"),
    )
    .help(text.get("portal-switch-help"))
}

async fn new_form(
    portal: &Portal,
    me: &SignedIn,
    account: AccountId,
    input: &Input,
) -> Result<FormPage, Failure> {
    let text = Text::in_language(me.person.language);
    let meters = portal.app.store.read().await?.meters(account).await?;
    let mut fields = vec![
        name_field("name", text.get("portal-person-name"), input),
        email_field(text.get("portal-email"), input).autocomplete("off"),
        language_field(text, input).help(text.get("portal-language-help")),
        switch(text, input),
    ];
    fields.extend(account_field(portal, me, input).await?);
    let mut sections = vec![Section::new(String::new(), fields)];
    // With several accounts the meters are chosen afterwards, on the person's page.
    if me.actor.held_accounts().count() == 1 && !meters.is_empty() {
        let heading = text.get("portal-person-meters");
        let section = Section::new(heading, meter_fields(text, &meters, input));
        sections.push(section.help(text.get("portal-person-meters-help")));
    }
    let page = page_of(portal, me, text.get("portal-person-new"));
    let submit = text.get("portal-invite");
    let mut form = FormPage::new(page, "/people".to_owned(), sections, submit);
    form.lead = text.get("portal-person-new-lead");
    form.cancel = Some("/people".to_owned());
    Ok(form)
}

pub(super) async fn ask(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    let account = me.held_account("")?;
    let input = Input::of(&[("language", me.person.language.code())]);
    new_form(&portal, &me, account, &input)
        .await?
        .show(&Errors::new())
}

/// What was chosen for each meter; no other field is read.
fn chosen(input: &Input, meters: &[Meter]) -> Vec<(MeterId, Option<Delivery>)> {
    let read = |meter: &Meter| {
        let typed = input.get(&format!("{PREFIX}{}", meter.id));
        (meter.id, read_delivery(typed))
    };
    meters.iter().map(read).collect()
}

async fn assign(
    transaction: &mut Transaction,
    account: AccountId,
    person: PersonId,
    chosen: Vec<(MeterId, Option<Delivery>)>,
) -> StoreResult<()> {
    for (meter, delivery) in chosen {
        match delivery {
            Some(delivery) => {
                let assignment = Assignment {
                    meter,
                    person,
                    delivery,
                };
                transaction.set_assignment(account, &assignment).await?;
            }
            None => {
                transaction
                    .remove_assignment(account, meter, person)
                    .await?
            }
        }
    }
    Ok(())
}

pub(super) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let account = me.held_account(input.get("account"))?;
    me.require(Action::Manage, &Object::Account(account))?;
    let text = Text::in_language(me.person.language);
    let mut check = Check::new(&input, text);
    let Some(new) = new_person(&mut check) else {
        return new_form(&portal, &me, account, &input)
            .await?
            .show(&check.errors);
    };
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    if let Some(known) = transaction.person_by_email(new.email()).await?
        && transaction.membership(account, known.id).await?.is_some()
    {
        check.wrong("email", text.get("portal-error-member"));
        drop(transaction);
        return new_form(&portal, &me, account, &input)
            .await?
            .show(&check.errors);
    }
    let membership = |person| Membership {
        account,
        person,
        role: Role::Monitor,
        may_change_settings: input.is_on("may_change"),
    };
    let url = &portal.app.config.public_url;
    let invited = invitation::invite(&mut transaction, url, &new, membership, now).await?;
    let meters = transaction.meters(account).await?;
    let person = invited.person.id;
    assign(&mut transaction, account, person, chosen(&input, &meters)).await?;
    transaction.commit().await?;
    tracing::info!(%person, by = %me.person.id, "invited a monitor user");
    let page = page_of(&portal, &me, text.get("portal-invited-title"));
    invitation::show(page, &invited, format!("/people/{account}/{person}"))
}

/// A member of an account that the visitor holds.
async fn member(
    transaction: &mut Transaction,
    me: &SignedIn,
    account: &str,
    person: &str,
) -> Result<(Person, Membership), Failure> {
    let account: AccountId = account.parse().map_err(|_| Failure::Absent)?;
    let person: PersonId = person.parse().map_err(|_| Failure::Absent)?;
    me.require(Action::Manage, &Object::Account(account))?;
    let membership = transaction
        .membership(account, person)
        .await?
        .ok_or(Failure::Absent)?;
    let person = transaction.person(person).await?.ok_or(Failure::Absent)?;
    Ok((person, membership))
}

/// What the page of a person is drawn from.
struct Asked {
    person: Person,
    membership: Membership,
    meters: Vec<Meter>,
}

impl Asked {
    fn path(&self) -> String {
        format!("/people/{}/{}", self.membership.account, self.person.id)
    }

    fn form(&self, portal: &Portal, me: &SignedIn, input: &Input) -> FormPage {
        let text = Text::in_language(me.person.language);
        let mut sections = Vec::new();
        if self.membership.role == Role::Monitor {
            let heading = text.get("portal-may-change");
            sections.push(Section::new(heading, vec![switch(text, input)]));
        }
        if !self.meters.is_empty() {
            let heading = text.get("portal-person-meters");
            let section = Section::new(heading, meter_fields(text, &self.meters, input));
            sections.push(section.help(text.get("portal-person-meters-help")));
        }
        let page = page_of(portal, me, self.person.name.clone());
        let mut form = FormPage::new(page, self.path(), sections, text.get("portal-save"));
        form.above = Some(("/people".to_owned(), text.get("portal-nav-people")));
        let role = role_word(text, self.membership.role);
        form.lead = format!("{role} · {}", reach(text, &self.person));
        form.cancel = Some("/people".to_owned());
        form.extra = vec![
            (
                format!("{}/link", self.path()),
                text.get("portal-person-new-link"),
                true,
            ),
            (
                format!("{}/remove", self.path()),
                text.get("portal-person-remove"),
                false,
            ),
        ];
        form
    }
}

async fn asked(
    transaction: &mut Transaction,
    me: &SignedIn,
    account: &str,
    person: &str,
) -> Result<Asked, Failure> {
    let (person, membership) = member(transaction, me, account, person).await?;
    let meters = transaction.meters(membership.account).await?;
    Ok(Asked {
        person,
        membership,
        meters,
    })
}

pub(super) async fn ask_change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((account, person)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let asked = asked(&mut transaction, &me, &account, &person).await?;
    let mut input = Input::default();
    if asked.membership.may_change_settings {
        input = input.with("may_change", "on");
    }
    let account = asked.membership.account;
    for one in transaction
        .assignments_of_person(account, asked.person.id)
        .await?
    {
        input = input.with(&format!("{PREFIX}{}", one.meter), one.delivery.code());
    }
    asked.form(&portal, &me, &input).show(&Errors::new())
}

pub(super) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((account, person)): Path<(String, String)>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let asked = asked(&mut transaction, &me, &account, &person).await?;
    let (account, person) = (asked.membership.account, asked.person.id);
    if asked.membership.role == Role::Monitor {
        let may = input.is_on("may_change");
        transaction
            .set_may_change_settings(account, person, may)
            .await?;
    }
    assign(
        &mut transaction,
        account,
        person,
        chosen(&input, &asked.meters),
    )
    .await?;
    transaction.commit().await?;
    tracing::info!(%person, by = %me.person.id, "changed what a person sees and may");
    Ok(go(&format!("{}?done=saved", asked.path())))
}

pub(super) async fn new_link(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((account, person)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let (person, membership) = member(&mut transaction, &me, &account, &person).await?;
    let back = format!("/people/{}/{}", membership.account, person.id);
    let url = &portal.app.config.public_url;
    let account = membership.account;
    let invited = invitation::send_link(&mut transaction, url, person, account, now).await?;
    transaction.commit().await?;
    let title = Text::in_language(me.person.language).get("portal-invited-title");
    invitation::show(page_of(&portal, &me, title), &invited, back)
}

pub(super) async fn ask_remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((account, person)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let text = Text::in_language(me.person.language);
    let mut transaction = portal.app.store.read().await?;
    let (person, membership) = member(&mut transaction, &me, &account, &person).await?;
    let path = format!("/people/{}/{}", membership.account, person.id);
    let page = page_of(&portal, &me, text.get("portal-person-remove"));
    let submit = text.get("portal-remove-confirm");
    let mut form = FormPage::new(page, format!("{path}/remove"), Vec::new(), submit);
    form.lead = text.with(
        "portal-person-remove-lead",
        &[("name", Arg::from(&person.name))],
    );
    form.danger = true;
    form.cancel = Some(path);
    form.show(&Errors::new())
}

pub(super) async fn remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((account, person)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let (person, membership) = member(&mut transaction, &me, &account, &person).await?;
    if person.id == me.person.id {
        // An account without anybody would belong to nobody.
        return Err(Failure::Absent);
    }
    transaction
        .remove_membership(membership.account, person.id)
        .await?;
    transaction.commit().await?;
    tracing::info!(person = %person.id, by = %me.person.id, "removed a person");
    Ok(go("/people?done=removed"))
}
