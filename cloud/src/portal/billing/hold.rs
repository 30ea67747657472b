//! Holding: a meter, or all of a run, gets no invoice until somebody lets it go.
//!
//! Sending a form twice does what sending it once does: a meter that is held keeps its first
//! reason, and one that is not held is let go without a word.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;

use super::super::Portal;
use super::super::error::Failure;
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field};
use super::super::page::{Page, Place, go};
use super::super::session::SignedIn;
use super::coming;
use crate::access::Action;
use crate::site::{Meter, Zone};
use crate::store::Transaction;
use crate::store::holds::HeldMeter;
use crate::text::{Arg, Text};

/// What a form of this file is about.
enum About {
    Meter(Box<Meter>),
    Run(Run),
}

/// The meters whose bills go out at one instant.
struct Run {
    at: Timestamp,
    zone: Zone,
    meters: Vec<Meter>,
}

impl About {
    /// Where it stands.
    fn path(&self) -> String {
        match self {
            Self::Meter(meter) => format!("/meters/{}", meter.id),
            Self::Run(run) => format!("/billing/runs/{}", run.at.as_millisecond()),
        }
    }

    /// Where to go from here.
    fn back(&self) -> String {
        match self {
            Self::Meter(meter) => format!("/meters/{}/preview", meter.id),
            Self::Run(_) => "/billing".to_owned(),
        }
    }

    fn meters(&self) -> &[Meter] {
        match self {
            Self::Meter(meter) => std::slice::from_ref(meter),
            Self::Run(run) => &run.meters,
        }
    }
}

/// The meter of the address, if it is theirs to manage.
async fn meter(transaction: &mut Transaction, me: &SignedIn, id: &str) -> Result<About, Failure> {
    let meter = me.meter(transaction, id, Action::Manage).await?;
    Ok(About::Meter(Box::new(meter)))
}

/// The run of the address, if any meter of theirs is in it. Every meter is looked at, so it
/// reads beside the writers.
async fn run(portal: &Portal, me: &SignedIn, id: &str) -> Result<About, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let at = id.parse().ok();
    let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let at = at.ok_or(Failure::Absent)?;
    let now = portal.app.clock.now();
    let (bills, _) =
        coming::of_all(&mut transaction, &portal.app.profiles, me, now, usize::MAX).await?;
    let bills: Vec<_> = bills
        .into_iter()
        .filter(|bill| bill.sends_at == Some(at))
        .collect();
    let zone = bills.first().map(|bill| bill.zone.clone());
    Ok(About::Run(Run {
        at,
        zone: zone.ok_or(Failure::Absent)?,
        meters: bills.into_iter().map(|bill| bill.meter).collect(),
    }))
}

/// The form that asks why, or whether it is meant.
fn form(portal: &Portal, me: &SignedIn, about: &About, input: Option<&Input>) -> FormPage {
    let text = Text::in_language(me.person.language);
    let now = portal.app.clock.now();
    let page = Page::new(me, Place::Billing, String::new(), now);
    let (label, n) = match about {
        About::Meter(meter) => (meter.label.clone(), 1),
        About::Run(run) => (page.format.date_time(run.at, &run.zone), run.meters.len()),
    };
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let args = [("what", Arg::from(&label)), ("n", Arg::Count(n))];
    let [title, lead] = match (about, input) {
        (About::Meter(_), Some(_)) => ["billing-hold-meter-title", "billing-hold-meter-lead"],
        (About::Run(_), Some(_)) => ["billing-hold-run-title", "billing-hold-run-lead"],
        (About::Meter(_), None) => ["billing-resume-meter-title", "billing-resume-meter-lead"],
        (About::Run(_), None) => ["billing-resume-run-title", "billing-resume-run-lead"],
    }
    .map(|id| text.with(id, &args));
    let (what, submit) = if input.is_some() {
        ("hold", text.get("billing-hold"))
    } else {
        ("resume", text.get("billing-resume"))
    };
    let sections = input.map(|input| {
        let why = name_field("reason", text.get("billing-hold-reason"), input);
        let why = why.help(text.get("billing-hold-reason-help"));
        Section::new(String::new(), vec![why])
    });
    let page = Page { title, ..page };
    let sections = sections.into_iter().collect();
    let mut form = FormPage::new(page, format!("{}/{what}", about.path()), sections, submit);
    form.lead = lead;
    form.above = Some(("/billing".to_owned(), text.get("billing-nav")));
    form.cancel = Some(about.back());
    form
}

/// Holds all of it, or says what is missing.
async fn hold_all(
    portal: &Portal,
    me: &SignedIn,
    mut transaction: Transaction,
    about: &About,
    input: &Input,
) -> Result<Response, Failure> {
    let mut check = Check::new(input, Text::in_language(me.person.language));
    let reason = check.name("reason");
    let Some(reason) = reason else {
        return form(portal, me, about, Some(input)).show(&check.errors);
    };
    for meter in about.meters() {
        let held = HeldMeter {
            meter: meter.id,
            reason: reason.clone(),
            by: me.person.id,
            since: portal.app.clock.now(),
        };
        if transaction.hold_meter(meter.account, &held).await? {
            tracing::info!(meter = %meter.id, by = %me.person.id, "held a meter's invoices");
        }
    }
    transaction.commit().await?;
    Ok(go(&format!("{}?done=held", about.back())))
}

/// Lets all of it go.
async fn resume_all(
    me: &SignedIn,
    mut transaction: Transaction,
    about: &About,
) -> Result<Response, Failure> {
    for meter in about.meters() {
        if transaction.resume_meter(meter.account, meter.id).await? {
            tracing::info!(meter = %meter.id, by = %me.person.id, "let a meter's invoices go");
        }
    }
    transaction.commit().await?;
    Ok(go(&format!("{}?done=resumed", about.back())))
}

pub(in super::super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let about = meter(&mut portal.app.store.read().await?, &me, &id).await?;
    form(&portal, &me, &about, Some(&Input::default())).show(&Errors::new())
}

pub(in super::super) async fn hold(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let about = meter(&mut transaction, &me, &id).await?;
    hold_all(&portal, &me, transaction, &about, &input).await
}

pub(in super::super) async fn ask_resume(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let about = meter(&mut portal.app.store.read().await?, &me, &id).await?;
    form(&portal, &me, &about, None).show(&Errors::new())
}

pub(in super::super) async fn resume(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let about = meter(&mut transaction, &me, &id).await?;
    resume_all(&me, transaction, &about).await
}

pub(in super::super) async fn ask_run(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let about = run(&portal, &me, &id).await?;
    form(&portal, &me, &about, Some(&Input::default())).show(&Errors::new())
}

pub(in super::super) async fn hold_run(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let about = run(&portal, &me, &id).await?;
    let transaction = portal.app.store.write().await?;
    hold_all(&portal, &me, transaction, &about, &input).await
}

pub(in super::super) async fn ask_resume_run(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let about = run(&portal, &me, &id).await?;
    form(&portal, &me, &about, None).show(&Errors::new())
}

pub(in super::super) async fn resume_run(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let about = run(&portal, &me, &id).await?;
    let transaction = portal.app.store.write().await?;
    resume_all(&me, transaction, &about).await
}
