//! The settings of a meter: its label and language, and its billing terms from a date on.
//!
//! Promises: what was billed is not touched, because terms count from a day that is not
//! billed yet; a monitor user with the switch changes cutoff day and minimum and nothing
//! else, whatever the form sends. It lacks a change of the zone: the midnights that end a
//! meter's days are fixed when it is registered.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::civil::Date;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::{Choice, Field};
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field, written};
use super::super::page::{Page, Place, go};
use super::super::running::{self, Look};
use super::super::session::SignedIn;
use super::super::sites::locale_field;
use super::unit_word;
use crate::access::{Action, Object, may};
use crate::billing::period::plan_on;
use crate::currency::Currency;
use crate::format::Format;
use crate::plan::cycle::CycleError;
use crate::plan::tariff::Minimum;
use crate::plan::{Cycle, Plan, PlanError};
use crate::site::{Meter, Zone};
use crate::store::Transaction;
use crate::text::{Arg, Text};

/// The lines for billing terms.
pub(super) fn term_fields(text: Text, input: &Input, unit: &str) -> Vec<Field> {
    let currencies = Currency::all()
        .map(|one| Choice::new(one.code(), one.code(), input.get("currency")))
        .collect();
    vec![
        Field::line("price", text.get("portal-price-unit"), input.get("price"))
            .decimal(unit)
            .help(text.get("portal-price-help")),
        Field::select("currency", text.get("portal-currency"), currencies),
        Field::line("minimum", text.get("portal-minimum"), input.get("minimum"))
            .decimal(unit)
            .help(text.get("portal-minimum-help")),
        Field::line(
            "cutoff_day",
            text.get("portal-cutoff-day"),
            input.get("cutoff_day"),
        )
        .kind("number")
        .help(text.get("portal-cutoff-help")),
        Field::line(
            "send_hour",
            text.get("portal-send-hour"),
            input.get("send_hour"),
        )
        .kind("number")
        .help(text.get("portal-send-hour-help")),
    ]
}

/// The plan that was typed, if all of it is good.
pub(super) fn checked_plan(
    check: &mut Check<'_>,
    from: Option<Date>,
    zone: Option<Zone>,
    format: Format,
) -> Option<Plan> {
    let price = check.decimal("price", format);
    let currency = check.currency("currency");
    let minimum = check.decimal("minimum", format);
    let cutoff_day = check.whole("cutoff_day");
    let send_hour = check.whole("send_hour");
    let (from, zone, currency, price) = (from?, zone?, currency?, price?);
    let minimum = Minimum {
        quantity: minimum?,
        ..Minimum::default()
    };
    let (cutoff_day, send_hour) = (cutoff_day?, send_hour?);
    let made = Cycle::monthly(cutoff_day).map_err(PlanError::from);
    let made = made.and_then(|cycle| {
        let plan = Plan {
            minimum,
            send_hour: i8::try_from(send_hour).map_err(|_| PlanError::SendHour(send_hour))?,
            ..Plan::flat(from, zone, cycle, currency, price)
        };
        plan.check().map(|()| plan)
    });
    made.map_err(|error| say(check, &error)).ok()
}

/// Says at its field which term is out of bounds.
fn say(check: &mut Check<'_>, error: &PlanError) {
    let (field, id, typed) = match error {
        PlanError::Cycle(CycleError::CutoffDay(day)) => {
            ("cutoff_day", "portal-error-cutoff-day", day.to_string())
        }
        PlanError::Cycle(error) => {
            check.wrong("cutoff_day", error.to_string());
            return;
        }
        PlanError::Tariff(_) | PlanError::Grace(_) | PlanError::Threshold(_) => {
            check.wrong("price", error.to_string());
            return;
        }
        PlanError::SendHour(hour) => ("send_hour", "portal-error-send-hour", hour.to_string()),
        PlanError::Price(price) => ("price", "portal-error-price", price.to_string()),
        PlanError::PriceDecimals(price) => {
            ("price", "portal-error-price-decimals", price.to_string())
        }
        PlanError::Minimum(minimum) => ("minimum", "portal-error-minimum", minimum.to_string()),
    };
    let sentence = check.text.with(id, &[("typed", Arg::from(&typed))]);
    check.wrong(field, sentence);
}

/// The sentence on what comes next: `Next: 1–31 oct 2026, sends 1 nov 2026, 07:00 (…)`.
pub(super) fn next_sentence(text: Text, format: Format, look: &Look) -> String {
    let Some(running) = &look.running else {
        return String::new();
    };
    let dates = format.dates(running.period.from, running.period.until);
    let sends = format.date_time(running.sends_at, &running.zone);
    let args = [
        ("dates", Arg::from(&dates)),
        ("sends", Arg::from(&sends)),
        ("zone", Arg::from(running.zone.name())),
    ];
    text.with("portal-next-sentence", &args)
}

/// What the form is drawn from.
struct Asked<'a> {
    portal: &'a Portal,
    me: &'a SignedIn,
    meter: &'a Meter,
    look: &'a Look,
    /// Who keeps what this visitor may not change.
    keeper: String,
    manages: bool,
    changes: bool,
}

impl Asked<'_> {
    /// Why a field is shut for this visitor, unless it is open.
    fn shut(&self, open: bool) -> Option<String> {
        let text = Text::in_language(self.me.person.language);
        let args = [("account", Arg::from(&self.keeper))];
        (!open).then(|| text.with("portal-managed-by", &args))
    }

    fn page(&self, input: &Input) -> FormPage {
        let text = Text::in_language(self.me.person.language);
        let path = format!("/meters/{}", self.meter.id);
        let now = self.portal.app.clock.now();
        let page = Page::new(self.me, Place::Meters, text.get("portal-settings"), now);
        let format = page.format;
        let action = format!("{path}/settings");
        let sections = vec![
            Section::new(text.get("portal-section-terms"), self.terms(text, input))
                .help(text.get("portal-terms-help")),
            Section::new(text.get("portal-section-meter"), self.names(text, input)),
        ];
        let mut form = FormPage::new(page, action, sections, text.get("portal-save"));
        form.above = Some((path.clone(), self.meter.label.clone()));
        form.lead = next_sentence(text, format, self.look);
        form.cancel = Some(path);
        form
    }

    fn terms(&self, text: Text, input: &Input) -> Vec<Field> {
        let from = Field::line("from", text.get("portal-effective-from"), input.get("from"))
            .kind("date")
            .help(text.get("portal-effective-help"));
        let mut fields = vec![from.locked(self.shut(self.manages))];
        for field in term_fields(text, input, unit_word(self.meter.unit)) {
            let open = match field.name.as_str() {
                "cutoff_day" | "minimum" => self.changes,
                _ => self.manages,
            };
            let shut = self.shut(open);
            fields.push(field.locked(shut));
        }
        fields
    }

    fn names(&self, text: Text, input: &Input) -> Vec<Field> {
        let shut = || self.shut(self.manages);
        vec![
            name_field("label", text.get("portal-label"), input).locked(shut()),
            locale_field(text, input).locked(shut()),
        ]
    }

    /// The plan that holds on the day from which new terms would count.
    fn current(&self) -> Option<&Plan> {
        let now = self.portal.app.clock.now();
        plan_on(today(self.meter, now), &self.look.plans)
    }

    fn defaults(&self, first_open: Date) -> Input {
        let format = Format::new(self.meter.locale);
        let Some(plan) = self.current() else {
            return Input::default();
        };
        let locale = self.meter.locale.to_string();
        Input::of(&[
            ("from", &first_open.to_string()),
            (
                "price",
                &written(plan.flat_price().unwrap_or_default(), format),
            ),
            ("currency", plan.currency.code()),
            ("minimum", &written(plan.minimum.quantity, format)),
            (
                "cutoff_day",
                &plan.cycle.cutoff_day().unwrap_or(31).to_string(),
            ),
            ("send_hour", &plan.send_hour.to_string()),
            ("label", &self.meter.label),
            ("locale", &locale),
        ])
    }

    /// What was typed over what is, so that a shut field keeps its value whatever was sent.
    fn allowed(&self, input: &Input, first_open: Date) -> Input {
        if self.manages {
            return input.clone();
        }
        self.defaults(first_open)
            .with("cutoff_day", input.get("cutoff_day"))
            .with("minimum", input.get("minimum"))
    }
}

fn today(meter: &Meter, now: jiff::Timestamp) -> Date {
    meter.zone.rules().to_datetime(now).date()
}

/// The first day that is not billed yet and not over: from there terms may change.
async fn first_open_day(
    transaction: &mut Transaction,
    meter: &Meter,
    today: Date,
) -> Result<(Date, Option<Date>), Failure> {
    let billed = transaction.billed_until(meter.account, meter.id).await?;
    Ok((billed.map_or(today, |billed| billed.max(today)), billed))
}

async fn asked<'a>(
    transaction: &mut Transaction,
    portal: &'a Portal,
    me: &'a SignedIn,
    meter: &'a Meter,
    look: &'a Look,
) -> Result<Asked<'a>, Failure> {
    let object = Object::Meter(meter.account, meter.id);
    let account = transaction
        .account(meter.account)
        .await?
        .ok_or(Failure::Absent)?;
    Ok(Asked {
        portal,
        me,
        meter,
        look,
        keeper: account.name,
        manages: may(&me.actor, Action::Manage, &object),
        changes: may(&me.actor, Action::ChangeSettings, &object),
    })
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::See).await?;
    let look = running::look(&mut transaction, &portal.app.profiles, &meter, now).await?;
    let (first_open, _) = first_open_day(&mut transaction, &meter, today(&meter, now)).await?;
    let asked = asked(&mut transaction, &portal, &me, &meter, &look).await?;
    let mut form = asked.page(&asked.defaults(first_open));
    if !asked.changes {
        form.submit = String::new();
    }
    form.show(&Errors::new())
}

pub(crate) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(typed): Form<Input>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let mut meter = me
        .meter(&mut transaction, &id, Action::ChangeSettings)
        .await?;
    let look = running::look(&mut transaction, &portal.app.profiles, &meter, now).await?;
    let (first_open, billed) = first_open_day(&mut transaction, &meter, today(&meter, now)).await?;
    let asked = asked(&mut transaction, &portal, &me, &meter, &look).await?;
    let input = asked.allowed(&typed, first_open);
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let from = check
        .date("from")
        .filter(|from| not_billed(&mut check, *from, billed));
    let zone = plan_on(first_open, &look.plans).map(|plan| plan.zone.clone());
    let plan = checked_plan(&mut check, from, zone, Format::new(meter.locale));
    let (label, locale) = (check.name("label"), check.locale("locale"));
    let (Some(plan), Some(label), Some(locale)) = (plan, label, locale) else {
        return asked.page(&input).show(&check.errors);
    };
    if asked.manages {
        (meter.label, meter.locale) = (label, locale);
        transaction.change_meter(&meter).await?;
    }
    if changes_terms(&plan, &look.plans) {
        let by = Some(me.person.id);
        transaction
            .set_plan(meter.account, meter.id, &plan, by, now)
            .await?;
    }
    transaction.commit().await?;
    tracing::info!(meter = %meter.id, by = %me.person.id, ?plan, "changed settings");
    Ok(go(&format!("/meters/{}?done=saved", meter.id)))
}

/// Whether the plan says something that did not hold on its day anyway.
fn changes_terms(plan: &Plan, plans: &[Plan]) -> bool {
    plan_on(plan.effective_from, plans).is_none_or(|held| !held.says_the_same_as(plan))
}

fn not_billed(check: &mut Check<'_>, from: Date, billed: Option<Date>) -> bool {
    let Some(billed) = billed.filter(|billed| from < *billed) else {
        return true;
    };
    let first = Format::new(check.text.language().locale()).date(billed);
    let sentence = check
        .text
        .with("portal-error-billed", &[("first", Arg::from(&first))]);
    check.wrong("from", sentence);
    false
}
