//! The named plans of an account: the list, a new one, another name, and who follows one.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;

use super::super::Portal;
use super::super::error::Failure;
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field};
use super::super::meters::meter_table;
use super::super::page::{self, Page, Place, go};
use super::super::session::SignedIn;
use super::super::sites::account_field;
use super::super::table::{Button, Cell, Listing, Table};
use super::page_of;
use super::subject::{Names, Subject, followers};
use crate::access::{Action, Object};
use crate::plan::terms::on;
use crate::store::Transaction;
use crate::store::plans::Owner;
use crate::text::{Arg, Text};

/// The most named plans of an account: each is looked at wherever terms are shown.
const PLANS_MAX: usize = 200;

pub(crate) async fn list(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.held_account("")?;
    let text = Text::in_language(me.person.language);
    let now = portal.app.clock.now();
    let page = Page::new(&me, Place::Plans, text.get("terms-plans"), now);
    let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    let mut transaction = portal.app.store.read().await?;
    let mut rows = Vec::new();
    for account in me.actor.held_accounts() {
        for plan in transaction.named_plans(account).await? {
            let versions = transaction.terms(account, Owner::Plan(plan.id)).await?;
            let meters = followers(&mut transaction, account, plan.id).await?.len();
            let said = on(today, &versions).map(|terms| terms.said());
            let said: Vec<String> = said
                .into_iter()
                .flatten()
                .map(|term| super::say::name(text, term))
                .collect();
            rows.push(vec![
                Cell::main(format!("/plans/{}", plan.id), plan.name, ""),
                Cell::text(said.join(", ")),
                Cell::figure(versions.len().to_string()),
                Cell::figure(meters.to_string()),
            ]);
        }
    }
    drop(transaction);
    page::show(&Listing {
        above: None,
        lead: text.get("terms-plans-lead"),
        buttons: vec![Button::main("/plans/new", text.get("terms-plan-new"))],
        tables: vec![Table {
            caption: String::new(),
            columns: vec![
                text.get("terms-plan"),
                text.get("terms-says"),
                text.get("terms-versions"),
                text.get("portal-nav-meters"),
            ],
            rows,
            empty: text.get("terms-plans-empty"),
        }],
        page,
    })
}

/// The meters that follow a plan.
pub(super) async fn follower_table(
    page: &Page,
    transaction: &mut Transaction,
    subject: &Subject,
) -> Result<Table, Failure> {
    let mut table = meter_table(page, transaction, &subject.meters).await?;
    table.caption = page.t("terms-followers");
    table.empty = page.t("terms-followers-none");
    Ok(table)
}

async fn new_form(portal: &Portal, me: &SignedIn, input: &Input) -> Result<FormPage, Failure> {
    let text = Text::in_language(me.person.language);
    let now = portal.app.clock.now();
    let page = Page::new(me, Place::Plans, text.get("terms-plan-new"), now);
    let mut fields = vec![
        name_field("name", text.get("terms-plan-name"), input)
            .help(text.get("terms-plan-name-help")),
    ];
    fields.extend(account_field(portal, me, input).await?);
    let sections = vec![Section::new(String::new(), fields)];
    let mut form = FormPage::new(
        page,
        "/plans".to_owned(),
        sections,
        text.get("terms-plan-add"),
    );
    form.lead = text.get("terms-plans-lead");
    form.cancel = Some("/plans".to_owned());
    Ok(form)
}

pub(crate) async fn ask(State(portal): State<Portal>, me: SignedIn) -> Result<Response, Failure> {
    me.held_account("")?;
    let form = new_form(&portal, &me, &Input::default()).await?;
    form.show(&Errors::new())
}

pub(crate) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let account = me.held_account(input.get("account"))?;
    me.require(Action::Manage, &Object::Account(account))?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let name = check.name("name");
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let plans = transaction.named_plans(account).await?;
    if name.is_some() && plans.iter().any(|plan| Some(&plan.name) == name.as_ref()) {
        let sentence = check.text.get("terms-error-twice");
        check.wrong("name", sentence);
    }
    if plans.len() >= PLANS_MAX {
        let most = PLANS_MAX.to_string();
        let args = [("most", Arg::from(&most))];
        let sentence = check.text.with("terms-error-plans", &args);
        check.wrong("name", sentence);
    }
    let Some(name) = name.filter(|_| check.errors.is_empty()) else {
        drop(transaction);
        return new_form(&portal, &me, &input).await?.show(&check.errors);
    };
    let plan = transaction.add_plan(account, &name, now).await?;
    transaction.commit().await?;
    Ok(go(&format!("/plans/{}/terms/new", plan.id)))
}

fn name_form(portal: &Portal, me: &SignedIn, subject: &Subject, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let page = page_of(portal, me, subject, text.get("terms-plan-rename"));
    let field = name_field("name", text.get("terms-plan-name"), input);
    let sections = vec![Section::new(String::new(), vec![field])];
    let action = format!("{}/name", subject.path);
    let mut form = FormPage::new(page, action, sections, text.get("portal-save"));
    form.above = Some((subject.path.clone(), subject.name.clone()));
    form.cancel = Some(subject.path.clone());
    form
}

pub(crate) async fn ask_name(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::of(&mut transaction, &me, &names, now).await?;
    drop(transaction);
    let input = Input::of(&[("name", &subject.name)]);
    name_form(&portal, &me, &subject, &input).show(&Errors::new())
}

pub(crate) async fn rename(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::of(&mut transaction, &me, &names, now).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let name = check.name("name");
    let others = subject
        .plans
        .iter()
        .filter(|plan| plan.name != subject.name);
    if others
        .into_iter()
        .any(|plan| Some(&plan.name) == name.as_ref())
    {
        let sentence = check.text.get("terms-error-twice");
        check.wrong("name", sentence);
    }
    let (Some(name), Owner::Plan(id), true) = (name, subject.owner, check.errors.is_empty()) else {
        return name_form(&portal, &me, &subject, &input).show(&check.errors);
    };
    transaction.rename_plan(subject.account, id, &name).await?;
    transaction.commit().await?;
    Ok(go(&format!("{}?done=saved", subject.path)))
}
