//! The settings of a meter: its label and language, and of its billing terms what most people
//! want to set: the price of a unit, the cutoff day and the minimum.
//!
//! Promises: what was billed is not touched, because terms count from a day that is not
//! billed yet; only what was typed otherwise than it held is said at the meter, all else comes
//! from where it came; a monitor user with the switch changes cutoff day and minimum and
//! nothing else, whatever the form sends. It lacks all other terms: they are a page of their
//! own.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::PlanId;
use jiff::civil::Date;
use rust_decimal::Decimal;

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
use crate::currency::Currency;
use crate::format::Format;
use crate::plan::cycle::CycleError;
use crate::plan::tariff::{Minimum, Rate, Tariff};
use crate::plan::terms::{Held, Level, Levels, ResolveError, Term, Terms, Version, on};
use crate::plan::{Cycle, Plan, PlanError};
use crate::site::{Meter, Zone};
use crate::store::Transaction;
use crate::store::plans::Owner;
use crate::text::{Arg, Text};

/// The list of currencies.
pub(in super::super) fn currency_field(text: Text, input: &Input) -> Field {
    let currencies = Currency::all()
        .map(|one| Choice::new(one.code(), one.code(), input.get("currency")))
        .collect();
    Field::select("currency", text.get("portal-currency"), currencies)
}

/// The lines for billing terms.
pub(super) fn term_fields(text: Text, input: &Input, unit: &str) -> Vec<Field> {
    vec![
        Field::line("price", text.get("portal-price-unit"), input.get("price"))
            .decimal(unit)
            .help(text.get("portal-price-help")),
        currency_field(text, input),
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
    /// What holds on the day from which new terms would count.
    held: Option<Held>,
    /// From where its terms come, in words.
    origins: BTreeMap<Term, String>,
    /// Who keeps what this visitor may not change.
    keeper: String,
    manages: bool,
    changes: bool,
}

impl Asked<'_> {
    fn text(&self) -> Text {
        Text::in_language(self.me.person.language)
    }

    /// Why a field is shut for this visitor, unless it is open.
    fn shut(&self, open: bool) -> Option<String> {
        let args = [("account", Arg::from(&self.keeper))];
        (!open).then(|| self.text().with("portal-managed-by", &args))
    }

    fn page(&self, input: &Input) -> FormPage {
        let text = self.text();
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
        if self.manages {
            let more = (format!("{path}/terms"), text.get("terms-more"), false);
            form.extra = vec![more];
        }
        form.cancel = Some(path);
        form
    }

    /// The terms that this page can set: those that hold in their simplest form.
    fn terms(&self, text: Text, input: &Input) -> Vec<Field> {
        let from = Field::line("from", text.get("portal-effective-from"), input.get("from"))
            .kind("date")
            .help(text.get("portal-effective-help"));
        let mut fields = vec![from.locked(self.shut(self.manages))];
        for mut field in term_fields(text, input, unit_word(self.meter.unit)) {
            let (term, open) = match field.name.as_str() {
                "price" if self.flat_price().is_some() => (Term::Tariff, self.manages),
                "cutoff_day" if self.cutoff_day().is_some() => (Term::Cycle, self.changes),
                "minimum" => (Term::Minimum, self.changes),
                _ => continue,
            };
            if let Some(origin) = self.origins.get(&term) {
                field.help = format!("{} ({origin})", field.help);
            }
            fields.push(field.locked(self.shut(open)));
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

    fn held(&self) -> Option<&Terms> {
        self.held.as_ref().map(|held| &held.terms)
    }

    fn flat_price(&self) -> Option<Decimal> {
        match &self.held()?.tariff.as_ref()?.rate {
            Rate::Flat { price } => Some(*price),
            _ => None,
        }
    }

    fn cutoff_day(&self) -> Option<i8> {
        self.held()?.cycle?.cutoff_day()
    }

    fn minimum(&self) -> Minimum {
        let held = self.held().and_then(|held| held.minimum.clone());
        held.unwrap_or_default()
    }

    fn defaults(&self, first_open: Date) -> Input {
        let format = Format::new(self.meter.locale);
        let locale = self.meter.locale.to_string();
        let price = self.flat_price().map(|price| written(price, format));
        let day = self.cutoff_day().map(|day| day.to_string());
        Input::of(&[
            ("from", &first_open.to_string()),
            ("price", &price.unwrap_or_default()),
            ("minimum", &written(self.minimum().quantity, format)),
            ("cutoff_day", &day.unwrap_or_default()),
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

    /// What the meter says of its own, with what was typed otherwise than it held.
    fn changed(&self, check: &mut Check<'_>, own: &Terms) -> Terms {
        let format = Format::new(self.meter.locale);
        let mut terms = Terms {
            begins_period: false,
            ..own.clone()
        };
        let held = self.held().cloned().unwrap_or_default();
        if let Some(before) = self.flat_price() {
            let price = check.decimal("price", format);
            if let Some(price) = price.filter(|price| *price != before) {
                let per = held.tariff.as_ref().map(|tariff| tariff.per);
                let demand = held.tariff.and_then(|tariff| tariff.demand);
                terms.tariff = Some(Tariff {
                    per: per.unwrap_or(Decimal::ONE),
                    demand,
                    ..Tariff::flat(price)
                });
            }
        }
        if let Some(Cycle::Month {
            cutoff_day: before,
            months,
            ends_in,
        }) = held.cycle
        {
            let day = check.whole("cutoff_day");
            if let Some(day) = day.filter(|day| *day != i64::from(before)) {
                match i8::try_from(day) {
                    Ok(cutoff_day) => {
                        terms.cycle = Some(Cycle::Month {
                            cutoff_day,
                            months,
                            ends_in,
                        });
                    }
                    Err(_) => say(check, &CycleError::CutoffDay(day).into()),
                }
            }
        }
        let quantity = check.decimal("minimum", format);
        let before = self.minimum();
        if let Some(quantity) = quantity.filter(|quantity| *quantity != before.quantity) {
            terms.minimum = Some(Minimum { quantity, ..before });
        }
        terms
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
    levels: &Levels,
) -> Result<Asked<'a>, Failure> {
    let object = Object::Meter(meter.account, meter.id);
    let account = transaction
        .account(meter.account)
        .await?
        .ok_or(Failure::Absent)?;
    let manages = may(&me.actor, Action::Manage, &object);
    let (date, _) =
        first_open_day(transaction, meter, today(meter, portal.app.clock.now())).await?;
    let held = levels.held_on(date);
    let text = Text::in_language(me.person.language);
    let mut origins = BTreeMap::new();
    if manages {
        for (term, level) in &held.from {
            let origin = origin(transaction, meter, text, *level, held.terms.plan).await?;
            origins.insert(*term, origin);
        }
    }
    // Before the meter says anything, nothing holds.
    let is_said = !levels.meter.is_empty();
    Ok(Asked {
        portal,
        me,
        meter,
        look,
        held: is_said.then_some(held),
        origins,
        keeper: account.name,
        manages,
        changes: may(&me.actor, Action::ChangeSettings, &object),
    })
}

/// From where a term of the meter comes, in words.
async fn origin(
    transaction: &mut Transaction,
    meter: &Meter,
    text: Text,
    level: Level,
    follows: Option<PlanId>,
) -> Result<String, Failure> {
    let account = meter.account;
    Ok(match level {
        Level::Default => text.get("terms-from-default"),
        Level::Meter => text.get("terms-from-here"),
        Level::Site => {
            let site = transaction.site(account, meter.site).await?;
            let site = site.map_or(String::new(), |site| site.name);
            text.with("terms-from-site", &[("site", Arg::from(&site))])
        }
        Level::Plan => {
            let plans = transaction.named_plans(account).await?;
            let plan = plans.into_iter().find(|plan| Some(plan.id) == follows);
            let plan = plan.map_or(String::new(), |plan| plan.name);
            text.with("terms-from-plan", &[("plan", Arg::from(&plan))])
        }
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
    let levels = transaction.levels(meter.account, meter.id).await?;
    let asked = asked(&mut transaction, &portal, &me, &meter, &look, &levels).await?;
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
    let mut levels = transaction.levels(meter.account, meter.id).await?;
    let asked = asked(&mut transaction, &portal, &me, &meter, &look, &levels).await?;
    let input = asked.allowed(&typed, first_open);
    let mut check = Check::new(&input, asked.text());
    let from = check
        .date("from")
        .filter(|from| not_billed(&mut check, *from, billed));
    let own = on(from.unwrap_or(first_open), &levels.meter).cloned();
    let own = own.unwrap_or_default();
    let terms = asked.changed(&mut check, &own);
    let is_changed = terms.said() != own.said()
        || Terms {
            begins_period: own.begins_period,
            ..terms.clone()
        } != own;
    let (label, locale) = (check.name("label"), check.locale("locale"));
    if let Some(from) = from.filter(|_| is_changed) {
        let version = Version {
            effective_from: from,
            terms,
        };
        keep(&mut levels, version.clone());
        if let Err(ResolveError::Plan(error)) = levels.resolve() {
            say(&mut check, &error);
        }
        let owner = Owner::Meter(meter.id);
        let by = Some(me.person.id);
        transaction
            .set_terms(meter.account, owner, &version, by, now)
            .await?;
    }
    let (Some(label), Some(locale), true) = (label, locale, check.errors.is_empty()) else {
        return asked.page(&input).show(&check.errors);
    };
    if asked.manages {
        (meter.label, meter.locale) = (label, locale);
        transaction.change_meter(&meter).await?;
    }
    transaction.commit().await?;
    tracing::info!(meter = %meter.id, by = %me.person.id, is_changed, "changed settings");
    Ok(go(&format!("/meters/{}?done=saved", meter.id)))
}

/// Puts a version in its place.
fn keep(levels: &mut Levels, version: Version) {
    let own = &mut levels.meter;
    own.retain(|one| one.effective_from != version.effective_from);
    own.push(version);
    own.sort_by_key(|one| one.effective_from);
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
