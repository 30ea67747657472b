//! Letting the bills of a period go although the meters of the site do not add up.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::unit::Medium;
use jiff::civil::Date;

use super::super::Portal;
use super::super::error::Failure;
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field};
use super::super::page::go;
use super::super::session::SignedIn;
use super::{medium_of, page_of, path};
use crate::access::Action;
use crate::site::Site;
use crate::store::Transaction;
use crate::text::{Arg, Text};

/// The parts of the address: site, medium, first day, day after the last.
type Names = (String, String, String, String);

struct Subject {
    site: Site,
    medium: Medium,
    from: Date,
    until: Date,
}

async fn find(
    transaction: &mut Transaction,
    me: &SignedIn,
    (site, medium, from, until): &Names,
) -> Result<Subject, Failure> {
    let site = me.site(transaction, site, Action::Manage).await?;
    let date = |word: &str| word.parse::<Date>().map_err(|_| Failure::Absent);
    Ok(Subject {
        site,
        medium: medium_of(medium)?,
        from: date(from)?,
        until: date(until)?,
    })
}

fn form(portal: &Portal, me: &SignedIn, subject: &Subject, input: &Input) -> FormPage {
    let text = Text::in_language(me.person.language);
    let page = page_of(portal, me, text.get("site-release-title"));
    let dates = page.format.dates(subject.from, subject.until);
    let lead = text.with("site-release-lead", &[("dates", Arg::from(&dates))]);
    let why = name_field("reason", text.get("site-release-reason"), input);
    let why = why.help(text.get("site-release-reason-help"));
    let Subject {
        site,
        medium,
        from,
        until,
    } = subject;
    let here = path(site.id);
    let action = format!("{here}/{}/{from}/{until}/release", medium.code());
    let sections = vec![Section::new(String::new(), vec![why])];
    let mut form = FormPage::new(page, action, sections, text.get("site-release"));
    form.lead = lead;
    form.danger = true;
    form.above = Some((here.clone(), text.get("site-reconciliation")));
    form.cancel = Some(here);
    form
}

pub(in super::super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let subject = find(&mut transaction, &me, &names).await?;
    form(&portal, &me, &subject, &Input::default()).show(&Errors::new())
}

pub(in super::super) async fn release(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = find(&mut transaction, &me, &names).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some(reason) = check.name("reason") else {
        return form(&portal, &me, &subject, &input).show(&check.errors);
    };
    let Subject { site, medium, .. } = &subject;
    let (by, now) = (me.person.id, portal.app.clock.now());
    let days = (subject.from, subject.until);
    transaction
        .release_residual(site.account, (site.id, *medium), days, (&reason, by), now)
        .await?;
    transaction.commit().await?;
    tracing::info!(site = %site.id, %by, "let bills go whose site does not add up");
    Ok(go(&format!("{}?done=resumed", path(site.id))))
}
