//! Who sees a meter, and how its invoices reach them.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::PersonId;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::{Choice, Field};
use super::super::form::{Check, Errors, FormPage, Input, Section};
use super::super::page::{Page, Place, go};
use super::super::session::SignedIn;
use crate::access::{Action, Object, may};
use crate::account::{Membership, Person, Role};
use crate::site::{Assignment, Delivery, Meter};
use crate::text::Text;

/// What stands before a person's id in the name of their field.
pub(in super::super) const PREFIX: &str = "deliver-";
/// What a field says for somebody who does not get the meter.
const NOT_ASSIGNED: &str = "no";

/// What a way of delivery is called.
pub(in super::super) fn delivery_word(text: Text, delivery: Delivery) -> String {
    match delivery {
        Delivery::Email => text.get("portal-delivery-email"),
        Delivery::Telegram => text.get("portal-delivery-telegram"),
        Delivery::Both => text.get("portal-delivery-both"),
        Delivery::None => text.get("portal-delivery-none"),
    }
}

/// The choices of delivery; `or_not` adds the one of not being assigned at all.
pub(in super::super) fn delivery_choices(
    text: Text,
    or_not: Option<String>,
    current: &str,
) -> Vec<Choice> {
    let ways = Delivery::ALL.into_iter();
    let ways = ways.map(|way| Choice::new(way.code(), delivery_word(text, way), current));
    let none = or_not.map(|label| Choice::new(NOT_ASSIGNED, label, current));
    none.into_iter().chain(ways).collect()
}

/// A list for each person of the account.
pub(super) fn delivery_fields(
    text: Text,
    members: &[(Person, Membership)],
    input: &Input,
) -> Vec<Field> {
    let field = |(person, membership): &(Person, Membership)| {
        let name = format!("{PREFIX}{}", person.id);
        let not = match membership.role {
            Role::Integrator => text.get("portal-delivery-not-integrator"),
            Role::Monitor => text.get("portal-delivery-not"),
        };
        let choices = delivery_choices(text, Some(not), input.get(&name));
        Field::select(name, person.name.clone(), choices).help(reach(text, person))
    };
    members.iter().map(field).collect()
}

/// By which channels a person can be reached.
pub(in super::super) fn reach(text: Text, person: &Person) -> String {
    let telegram = match person.telegram_chat {
        Some(_) => text.get("portal-telegram-linked"),
        None => text.get("portal-telegram-not-linked"),
    };
    format!("{} · {telegram}", person.email)
}

/// What was chosen for each of these people; nobody else's field is read.
pub(super) fn read_deliveries(
    check: &mut Check<'_>,
    members: &[(Person, Membership)],
) -> Vec<(PersonId, Option<Delivery>)> {
    let mut all = Vec::new();
    for (person, _) in members {
        let name = format!("{PREFIX}{}", person.id);
        let typed = check.input.get(&name);
        if typed.is_empty() || typed == NOT_ASSIGNED {
            all.push((person.id, None));
        } else if let Some(delivery) = check.choice(&name, Delivery::from_code) {
            all.push((person.id, Some(delivery)));
        }
    }
    all
}

/// What was chosen in one field: nothing for not assigned.
pub(in super::super) fn read_delivery(typed: &str) -> Option<Delivery> {
    Delivery::from_code(typed)
}

fn form(
    portal: &Portal,
    me: &SignedIn,
    meter: &Meter,
    members: &[(Person, Membership)],
    input: &Input,
) -> FormPage {
    let text = Text::in_language(me.person.language);
    let path = format!("/meters/{}", meter.id);
    let now = portal.app.clock.now();
    let page = Page::new(me, Place::Meters, text.get("portal-recipients"), now);
    let mut fields = delivery_fields(text, members, input);
    if !may(
        &me.actor,
        Action::Manage,
        &Object::Meter(meter.account, meter.id),
    ) {
        // Somebody who only has the switch cannot take a meter away from themselves.
        for field in &mut fields {
            let choices = delivery_choices(text, None, input.get(&field.name));
            let own = Field::select(field.name.clone(), field.label.clone(), choices);
            *field = own.help(std::mem::take(&mut field.help));
        }
    }
    let sections = vec![Section::new(String::new(), fields)];
    let action = format!("{path}/recipients");
    let mut form = FormPage::new(page, action, sections, text.get("portal-save"));
    form.above = Some((path.clone(), meter.label.clone()));
    form.lead = text.get("portal-recipients-lead");
    form.cancel = Some(path);
    form
}

/// Whose deliveries this visitor may set: everybody's, or their own.
async fn within_reach(
    transaction: &mut crate::store::Transaction,
    me: &SignedIn,
    meter: &Meter,
) -> Result<Vec<(Person, Membership)>, Failure> {
    let mut members = transaction.members(meter.account).await?;
    if !may(
        &me.actor,
        Action::Manage,
        &Object::Meter(meter.account, meter.id),
    ) {
        members.retain(|(person, _)| person.id == me.person.id);
    }
    Ok(members)
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let meter = me
        .meter(&mut transaction, &id, Action::ChangeSettings)
        .await?;
    let members = within_reach(&mut transaction, &me, &meter).await?;
    let assigned = transaction
        .assignments_of_meter(meter.account, meter.id)
        .await?;
    let mut input = Input::default();
    for (person, assignment) in assigned {
        let name = format!("{PREFIX}{}", person.id);
        input = input.with(&name, assignment.delivery.code());
    }
    form(&portal, &me, &meter, &members, &input).show(&Errors::new())
}

pub(crate) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let meter = me
        .meter(&mut transaction, &id, Action::ChangeSettings)
        .await?;
    let members = within_reach(&mut transaction, &me, &meter).await?;
    let manages = may(
        &me.actor,
        Action::Manage,
        &Object::Meter(meter.account, meter.id),
    );
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let deliveries = read_deliveries(&mut check, &members);
    if !check.errors.is_empty() {
        return form(&portal, &me, &meter, &members, &input).show(&check.errors);
    }
    for (person, delivery) in deliveries {
        match delivery {
            Some(delivery) => {
                let assignment = Assignment {
                    meter: meter.id,
                    person,
                    delivery,
                };
                transaction
                    .set_assignment(meter.account, &assignment)
                    .await?;
            }
            None if manages => {
                transaction
                    .remove_assignment(meter.account, meter.id, person)
                    .await?;
            }
            None => {}
        }
    }
    transaction.commit().await?;
    Ok(go(&format!("/meters/{}?done=saved", meter.id)))
}
