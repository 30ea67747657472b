//! Taking a version of terms back, before anything is billed by it.

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;

use super::super::Portal;
use super::super::error::Failure;
use super::super::form::{Check, Errors, FormPage, Input};
use super::super::page::go;
use super::super::session::SignedIn;
use super::edit::check_meters;
use super::subject::{Names, Subject};
use super::{page_of, version_path};
use crate::plan::terms::{Level, Version};
use crate::store::Transaction;
use crate::text::{Arg, Text};

async fn found(
    transaction: &mut Transaction,
    portal: &Portal,
    me: &SignedIn,
    names: &Names,
) -> Result<(Subject, Date), Failure> {
    let now = portal.app.clock.now();
    let subject = Subject::of(transaction, me, names, now).await?;
    let date = names.get("from").and_then(|word| word.parse().ok());
    let date: Date = date.ok_or(Failure::Absent)?;
    let versions = subject.versions.iter();
    let is_there = versions
        .map(|one| one.effective_from)
        .any(|one| one == date);
    match is_there {
        true => Ok((subject, date)),
        false => Err(Failure::Absent),
    }
}

fn form(portal: &Portal, me: &SignedIn, subject: &Subject, date: Date) -> FormPage {
    let text = Text::in_language(me.person.language);
    let page = page_of(portal, me, subject, text.get("terms-remove-title"));
    let from = page.format.date(date);
    let n = i64::try_from(subject.meters.len()).unwrap_or(i64::MAX);
    let args = [("from", Arg::from(&from)), ("n", Arg::Count(n))];
    let lead = text.with("terms-remove-lead", &args);
    let action = format!("{}/{date}/remove", version_path(subject));
    let mut form = FormPage::new(page, action, Vec::new(), text.get("terms-remove"));
    form.lead = lead;
    form.danger = true;
    form.above = Some((subject.path.clone(), subject.name.clone()));
    form.cancel = Some(subject.path.clone());
    form
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let (subject, date) = found(&mut transaction, &portal, &me, &names).await?;
    drop(transaction);
    form(&portal, &me, &subject, date).show(&Errors::new())
}

pub(crate) async fn remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(names): Path<Names>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let (subject, date) = found(&mut transaction, &portal, &me, &names).await?;
    let text = Text::in_language(me.person.language);
    let mut form = form(&portal, &me, &subject, date);
    if subject.is_billed(date) {
        form.problem = Some(text.get("terms-error-remove-billed"));
        return form.show(&Errors::new());
    }
    let others = subject.versions.iter();
    let others = others.filter(|one| one.effective_from != date).cloned();
    let others: Vec<Version> = others.collect();
    if others.is_empty() && subject.level() == Level::Meter {
        form.problem = Some(text.get("terms-error-remove-last"));
        return form.show(&Errors::new());
    }
    let input = Input::default();
    let mut check = Check::new(&input, text);
    check_meters(&mut check, &subject, &others, &mut transaction).await?;
    if let Some(problem) = check.errors.remove("") {
        form.problem = Some(problem);
        return form.show(&Errors::new());
    }
    let owner = subject.owner;
    transaction
        .remove_terms(subject.account, owner, date)
        .await?;
    transaction.commit().await?;
    tracing::info!(?owner, by = %me.person.id, %date, "removed a version of terms");
    Ok(go(&format!("{}?done=removed", subject.path)))
}
