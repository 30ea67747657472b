//! Correcting an invoice: what the new one would say, why, and once.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use rust_decimal::Decimal;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::Field;
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field};
use super::super::page::{Page, Place, go};
use super::super::session::SignedIn;
use super::find;
use crate::access::{Action, Object};
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::correction::{Done, Order, Proposal, carry_out, propose};
use crate::format::Format;
use crate::site::Zone;
use crate::store::Transaction;
use crate::text::{Arg, Text};

/// The invoice of the address, if it is theirs to correct and stands.
async fn standing(
    transaction: &mut Transaction,
    me: &SignedIn,
    id: &str,
) -> Result<Result<Invoice, Response>, Failure> {
    let invoice = find(transaction, me, id).await?;
    me.require(
        Action::Manage,
        &Object::Meter(invoice.account, invoice.meter),
    )?;
    let (credit, _) = transaction.corrections_of(&invoice).await?;
    if credit.is_some() || invoice.kind == DocumentKind::Credit {
        return Ok(Err(go(&format!("/invoices/{}", invoice.id))));
    }
    Ok(Ok(invoice))
}

/// What a new bill of the period would say, as a sentence.
fn said(text: Text, invoice: &Invoice, proposal: &Proposal) -> Result<String, Failure> {
    let format = Format::new(invoice.locale);
    let bill = |measured: Decimal, total: Decimal| {
        let (used, total) = (
            format.quantity(measured, invoice.unit),
            format.money(total, invoice.currency),
        );
        format!("{used}, {total}")
    };
    let now = bill(invoice.measured, invoice.total);
    Ok(match proposal {
        Proposal::Bill(closed) => {
            let charge = &closed.statement.charge;
            let new = bill(charge.measured, charge.total);
            let difference = charge.total.saturating_sub(invoice.total);
            let difference = format.money(difference, invoice.currency);
            let id = match new == now {
                true => "billing-correct-same",
                false => "billing-correct-other",
            };
            let args = [
                ("now", Arg::from(&now)),
                ("new", Arg::from(&new)),
                ("difference", Arg::from(&difference)),
            ];
            text.with(id, &args)
        }
        Proposal::Held(hold) => {
            let zone = Zone::new(&invoice.zone).map_err(|error| Failure::Fault(error.into()))?;
            let why = hold.sentence(text, format, &zone);
            text.with(
                "billing-correct-held",
                &[("now", Arg::from(&now)), ("why", Arg::from(&why))],
            )
        }
    })
}

fn form(
    portal: &Portal,
    me: &SignedIn,
    invoice: &Invoice,
    proposal: &Proposal,
    input: &Input,
) -> Result<FormPage, Failure> {
    let text = Text::in_language(me.person.language);
    let now = portal.app.clock.now();
    let number = invoice.number.to_string();
    let title = text.with("billing-correct-title", &[("number", Arg::from(&number))]);
    let page = Page::new(me, Place::Invoices, title, now);
    let why = name_field("reason", text.get("billing-correct-reason"), input);
    let why = why.help(text.get("billing-correct-reason-help"));
    let is_held = matches!(proposal, Proposal::Held(_));
    let on = is_held || input.is_on("cancel");
    let cancel = Field::switch("cancel", text.get("billing-correct-cancel"), on);
    let cancel = cancel.help(text.get("billing-correct-cancel-help"));
    let path = format!("/invoices/{}", invoice.id);
    let mut form = FormPage::new(
        page,
        format!("{path}/correct"),
        vec![Section::new(String::new(), vec![why, cancel])],
        text.get("billing-correct-submit"),
    );
    form.lead = format!(
        "{} {}",
        said(text, invoice, proposal)?,
        text.get("billing-correct-lead")
    );
    form.above = Some((
        path.clone(),
        text.with("document-number", &[("number", Arg::from(&number))]),
    ));
    form.cancel = Some(path);
    Ok(form)
}

pub(in super::super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let invoice = match standing(&mut transaction, &me, &id).await? {
        Ok(invoice) => invoice,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let now = portal.app.clock.now();
    let proposal = propose(&mut transaction, &portal.app.profiles, &invoice, now).await;
    let proposal = proposal.map_err(Failure::Fault)?;
    form(&portal, &me, &invoice, &proposal, &Input::default())?.show(&Errors::new())
}

pub(in super::super) async fn correct(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let invoice = match standing(&mut transaction, &me, &id).await? {
        Ok(invoice) => invoice,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let now = portal.app.clock.now();
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some(reason) = check.name("reason") else {
        let proposal = propose(&mut transaction, &portal.app.profiles, &invoice, now).await;
        let proposal = proposal.map_err(Failure::Fault)?;
        return form(&portal, &me, &invoice, &proposal, &input)?.show(&check.errors);
    };
    let order = Order {
        reason: &reason,
        is_replaced: !input.is_on("cancel"),
    };
    let keys = (&*portal.app.profiles, &*portal.app.issuer);
    let done = carry_out(&mut transaction, keys, &invoice, order, now).await;
    match done.map_err(Failure::Fault)? {
        Done::Credited {
            credit,
            replacement,
        } => {
            transaction.commit().await?;
            tracing::info!(invoice = %invoice.id, by = %me.person.id, "took an invoice back");
            let shown = replacement.map_or(credit.id, |replacement| replacement.id);
            Ok(go(&format!("/invoices/{shown}?done=corrected")))
        }
        Done::Before => Ok(go(&format!("/invoices/{}", invoice.id))),
        // Nothing is committed: the number goes back.
        Done::Held(hold) => {
            let proposal = Proposal::Held(hold);
            form(&portal, &me, &invoice, &proposal, &input)?.show(&check.errors)
        }
    }
}
