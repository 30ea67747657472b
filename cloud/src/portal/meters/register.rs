//! Registering a meter: its device on a gateway's bus, its terms, and who gets its invoices.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::profile::{Library, Profile};
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::{Choice, Field, Group};
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field, written};
use super::super::page::{Page, Place, go};
use super::super::session::SignedIn;
use super::super::sites::{locale_field, zone_field};
use super::recipients::{delivery_fields, read_deliveries};
use super::settings::{checked_plan, term_fields};
use super::{medium_word, unit_word};
use crate::access::Action;
use crate::account::{Membership, Person};
use crate::billing::period::{first_period, start_of_day};
use crate::currency::Currency;
use crate::format::Format;
use crate::plan::tariff::{Minimum, Rate, Tariff};
use crate::plan::terms::Terms;
use crate::plan::{Cycle, Plan, SEND_HOUR_DEFAULT};
use crate::site::{Assignment, CONNEKTOR_DEVICES_MAX, Gateway, Site};
use crate::store::Transaction;
use crate::store::meters::{NewMeter, RegisterError};
use crate::text::{Arg, Text};

/// The unit ids that Modbus gives to devices.
const UNIT_IDS: std::ops::RangeInclusive<i64> = 1..=247;
/// Seconds between two readings of the billing counter.
pub(super) const POLL_PERIOD_S: u32 = 60;
/// How far in the past a first day may lie, in days: what a backlog can hold.
const FIRST_DAY_PAST_MAX: i32 = 5 * 366;
/// How far in the future it may lie, in days.
const FIRST_DAY_FUTURE_MAX: i32 = 366;

/// A billing point of a profile in one of its units.
pub(super) struct Counter<'a> {
    pub(super) profile: &'a Profile,
    pub(super) point: String,
    pub(super) unit: Unit,
}

impl Counter<'_> {
    /// What the form sends for it.
    pub(super) fn value(&self) -> String {
        format!("{}/{}/{}", self.profile.id, self.point, self.unit)
    }

    pub(super) fn label(&self) -> String {
        let models = self.profile.models.join(", ");
        format!(
            "{} {models} · {}",
            self.profile.vendor,
            unit_word(self.unit)
        )
    }
}

pub(super) fn counters(library: &Library) -> impl Iterator<Item = Counter<'_>> {
    library.iter().flat_map(|profile| {
        profile.billing_points().flat_map(move |point| {
            point.units().into_iter().map(move |unit| Counter {
                profile,
                point: point.id.clone(),
                unit,
            })
        })
    })
}

fn counter_field(library: &Library, text: Text, input: &Input) -> Field {
    let current = input.get("counter");
    let group = |medium: Medium| Group {
        label: medium_word(text, medium),
        choices: counters(library)
            .filter(|counter| counter.profile.medium == medium)
            .map(|counter| Choice::new(counter.value(), counter.label(), current))
            .collect(),
    };
    let mut groups: Vec<Group> = Medium::ALL.into_iter().map(group).collect();
    let choose = Choice::new("", text.get("portal-counter-choose"), current);
    groups.insert(
        0,
        Group {
            label: String::new(),
            choices: vec![choose],
        },
    );
    Field::grouped("counter", text.get("portal-counter"), groups)
        .help(text.get("portal-counter-help"))
}

/// What the form needs to be drawn.
struct Asked<'a> {
    portal: &'a Portal,
    me: &'a SignedIn,
    gateway: &'a Gateway,
    site: &'a Site,
    members: &'a [(Person, Membership)],
    /// What its site says of billing terms.
    held: Terms,
}

impl Asked<'_> {
    fn page(&self, input: &Input) -> FormPage {
        let text = Text::in_language(self.me.person.language);
        let path = format!("/gateways/{}", self.gateway.id);
        let now = self.portal.app.clock.now();
        let title = text.get("portal-meter-register");
        let page = Page::new(self.me, Place::Meters, title, now);
        let sections = vec![
            Section::new(
                text.get("portal-section-meter"),
                self.meter_fields(text, input),
            ),
            Section::new(
                text.get("portal-section-place"),
                self.place_fields(text, input),
            ),
            Section::new(text.get("portal-section-terms"), self.terms(text, input)),
            Section::new(
                text.get("portal-section-recipients"),
                delivery_fields(text, self.members, input),
            )
            .help(text.get("portal-section-recipients-help")),
        ];
        let action = format!("{path}/meters");
        let mut form = FormPage::new(page, action, sections, text.get("portal-meter-add"));
        form.above = Some((path.clone(), self.gateway.name.clone()));
        form.lead = self.site.name.clone();
        form.cancel = Some(path);
        form
    }

    fn meter_fields(&self, text: Text, input: &Input) -> Vec<Field> {
        vec![
            name_field("label", text.get("portal-label"), input)
                .help(text.get("portal-label-help")),
            counter_field(&self.portal.app.profiles, text, input),
            {
                let serial = name_field("serial", text.get("portal-serial"), input).optional();
                serial.help(text.get("portal-serial-help"))
            },
            locale_field(text, input),
            zone_field(text, input),
        ]
    }

    fn place_fields(&self, text: Text, input: &Input) -> Vec<Field> {
        let buses = buses(self.gateway);
        let help = if buses.is_empty() {
            text.get("portal-bus-help-unknown")
        } else {
            let list = buses.join(", ");
            text.with("portal-bus-help", &[("buses", Arg::from(&list))])
        };
        vec![
            name_field("bus", text.get("portal-bus"), input)
                .suggest(buses)
                .help(help),
            Field::line("unit_id", text.get("portal-unit-id"), input.get("unit_id"))
                .kind("number")
                .help(text.get("portal-unit-id-help")),
        ]
    }

    fn terms(&self, text: Text, input: &Input) -> Vec<Field> {
        let mut fields = vec![
            Field::line("from", text.get("portal-first-day"), input.get("from"))
                .kind("date")
                .help(text.get("portal-first-day-help")),
        ];
        fields.extend(term_fields(text, input, ""));
        fields.retain(|field| match field.name.as_str() {
            "price" => has_flat_price(&self.held),
            "cutoff_day" => !matches!(self.held.cycle, Some(Cycle::Week { .. })),
            _ => true,
        });
        fields
    }

    /// What was typed, and for fields that are not asked something that can be read.
    fn with_unasked(&self, input: Input) -> Input {
        let input = match has_flat_price(&self.held) {
            true => input,
            false => input.with("price", "0"),
        };
        match self.held.cycle {
            Some(Cycle::Week { .. }) => input.with("cutoff_day", "31"),
            _ => input,
        }
    }

    fn defaults(&self, now: Timestamp) -> Input {
        let today = self.site.zone.rules().to_datetime(now).date().to_string();
        let locale = self.site.locale.to_string();
        let buses = buses(self.gateway);
        let currency = match self.site.locale.region().as_str() {
            "US" => "USD",
            "ES" => "EUR",
            "CO" => "COP",
            "AR" => "ARS",
            "CL" => "CLP",
            "PE" => "PEN",
            "GB" => "GBP",
            "CA" => "CAD",
            "GT" => "GTQ",
            "CR" => "CRC",
            "DO" => "DOP",
            "BO" => "BOB",
            "UY" => "UYU",
            _ => "MXN",
        };
        let (held, format) = (&self.held, Format::new(self.site.locale));
        let currency = held.currency.map_or(currency, Currency::code);
        let zone = held.zone.as_ref().unwrap_or(&self.site.zone);
        let cutoff_day = held
            .cycle
            .and_then(|cycle| cycle.cutoff_day())
            .unwrap_or(31);
        let price = match held.tariff.as_ref().map(|tariff| &tariff.rate) {
            Some(Rate::Flat { price }) => written(*price, format),
            _ => String::new(),
        };
        let minimum = held.minimum.as_ref().map(|minimum| minimum.quantity);
        let hour = held.send_hour.unwrap_or(SEND_HOUR_DEFAULT);
        Input::of(&[
            ("zone", zone.name()),
            ("locale", &locale),
            ("bus", buses.first().map_or("main", String::as_str)),
            ("unit_id", "1"),
            ("from", &today),
            ("cutoff_day", &cutoff_day.to_string()),
            ("currency", currency),
            ("price", &price),
            ("minimum", &written(minimum.unwrap_or_default(), format)),
            ("send_hour", &hour.to_string()),
        ])
    }
}

/// The buses a gateway reported.
pub(super) fn buses(gateway: &Gateway) -> Vec<String> {
    let reported = gateway.report.iter().flat_map(|report| &report.buses);
    reported.map(|bus| bus.name.clone()).collect()
}

/// A price that the form can show: where the site has another kind, that one counts.
fn has_flat_price(held: &Terms) -> bool {
    let tariff = held.tariff.as_ref();
    tariff.is_none_or(|tariff| matches!(tariff.rate, Rate::Flat { .. }))
}

/// The plan of a form that asks for the simplest terms alone, with what the site says of the
/// others.
fn with_held(plan: Plan, held: &Terms) -> Plan {
    let cycle = match (held.cycle, plan.cycle) {
        (
            Some(Cycle::Month {
                months, ends_in, ..
            }),
            Cycle::Month { cutoff_day, .. },
        ) => Cycle::Month {
            cutoff_day,
            months,
            ends_in,
        },
        (held, typed) => held.unwrap_or(typed),
    };
    let tariff = match held.tariff.clone() {
        Some(tariff) if has_flat_price(held) => Tariff {
            rate: plan.tariff.rate,
            ..tariff
        },
        held => held.unwrap_or(plan.tariff),
    };
    let minimum = Minimum {
        quantity: plan.minimum.quantity,
        ..held.minimum.clone().unwrap_or_default()
    };
    Plan {
        cycle,
        tariff,
        minimum,
        fees: held.fees.clone().unwrap_or(plan.fees),
        taxes: held.taxes.clone().unwrap_or(plan.taxes),
        missing: held.missing.unwrap_or(plan.missing),
        checks: held.checks.clone().unwrap_or(plan.checks),
        ..plan
    }
}

/// The terms that a building says today.
async fn held_by_site(
    transaction: &mut Transaction,
    site: &Site,
    now: Timestamp,
) -> Result<Terms, Failure> {
    let levels = transaction.levels_of_site(site.account, site.id).await?;
    let today = site.zone.rules().to_datetime(now).date();
    Ok(levels.held_on(today).terms)
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let gateway = me.gateway(&mut transaction, &id, Action::Manage).await?;
    let site = transaction
        .site(gateway.account, gateway.site)
        .await?
        .ok_or(Failure::Absent)?;
    let members = transaction.members(gateway.account).await?;
    let form = Asked {
        portal: &portal,
        me: &me,
        gateway: &gateway,
        site: &site,
        members: &members,
        held: held_by_site(&mut transaction, &site, now).await?,
    };
    let input = form.defaults(now);
    form.page(&input).show(&Errors::new())
}

/// What was typed, if all of it is good.
fn checked(
    check: &mut Check<'_>,
    library: &Library,
    (gateway, held): (&Gateway, &Terms),
    now: Timestamp,
) -> Option<NewMeter> {
    let label = check.name("label");
    let counter = checked_counter(check, library);
    let serial_number = check.optional_name("serial");
    let locale = check.locale("locale");
    let zone = check.zone("zone");
    let bus = check.name("bus");
    let unit_id = unit_id(check);
    let from = check
        .date("from")
        .filter(|from| first_day_in_reach(check, *from, now));
    let format = Format::new(locale.unwrap_or(check.text.language().locale()));
    let plan = checked_plan(check, from, zone.clone(), format);
    let plan = plan.map(|plan| with_held(plan, held));
    let (counter, zone, plan, from) = (counter?, zone?, plan?, from?);
    let plans = [plan];
    let ends = first_period(from, &plans).and_then(|period| {
        start_of_day(from, &zone).map(|mounted_at| (mounted_at, period.ends_at))
    });
    let Ok((mounted_at, next_close_at)) = ends else {
        check.wrong("from", check.text.get("portal-error-first-day"));
        return None;
    };
    let [plan] = plans;
    Some(NewMeter {
        label: label?,
        medium: counter.profile.medium,
        unit: counter.unit,
        locale: locale?,
        zone,
        gateway: gateway.id,
        bus: bus?,
        unit_id: unit_id?,
        profile: counter.profile.id.clone(),
        point: counter.point,
        serial_number: serial_number?,
        poll_period_s: POLL_PERIOD_S,
        mounted_at,
        multiplier: Decimal::ONE,
        plan,
        next_close_at,
    })
}

pub(super) fn checked_counter<'a>(
    check: &mut Check<'_>,
    library: &'a Library,
) -> Option<Counter<'a>> {
    let typed = check.input.get("counter");
    let found = counters(library).find(|counter| counter.value() == typed);
    if found.is_none() {
        let profile = super::super::form::echo(typed.split('/').next().unwrap_or_default());
        let sentence = if profile.is_empty() {
            check.text.get("portal-error-counter-none")
        } else {
            check
                .text
                .with("portal-error-profile", &[("profile", Arg::from(&profile))])
        };
        check.wrong("counter", sentence);
    }
    found
}

pub(super) fn unit_id(check: &mut Check<'_>) -> Option<u8> {
    let typed = check.whole("unit_id")?;
    let found = u8::try_from(typed)
        .ok()
        .filter(|_| UNIT_IDS.contains(&typed));
    if found.is_none() {
        let typed = typed.to_string();
        let sentence = check
            .text
            .with("portal-error-unit-id", &[("typed", Arg::from(&typed))]);
        check.wrong("unit_id", sentence);
    }
    found
}

fn first_day_in_reach(check: &mut Check<'_>, from: Date, now: Timestamp) -> bool {
    let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    let days = (from - today).get_days();
    let good = (-FIRST_DAY_PAST_MAX..=FIRST_DAY_FUTURE_MAX).contains(&days);
    if !good {
        check.wrong("from", check.text.get("portal-error-first-day"));
    }
    good
}

pub(crate) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.write().await?;
    let gateway = me.gateway(&mut transaction, &id, Action::Manage).await?;
    let account = gateway.account;
    let site = transaction
        .site(account, gateway.site)
        .await?
        .ok_or(Failure::Absent)?;
    let members = transaction.members(account).await?;
    let form = Asked {
        portal: &portal,
        me: &me,
        gateway: &gateway,
        site: &site,
        members: &members,
        held: held_by_site(&mut transaction, &site, now).await?,
    };
    let input = form.with_unasked(input);
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let deliveries = read_deliveries(&mut check, &members);
    let new = checked(
        &mut check,
        &portal.app.profiles,
        (&gateway, &form.held),
        now,
    );
    let Some(new) = new.filter(|_| check.errors.is_empty()) else {
        return form.page(&input).show(&check.errors);
    };
    let meter = match transaction
        .register_meter(account, &new, Some(me.person.id), now)
        .await
    {
        Ok(meter) => meter,
        Err(error) => return refuse(form.page(&input), check, error),
    };
    for (person, delivery) in deliveries {
        let Some(delivery) = delivery else { continue };
        let assignment = Assignment {
            meter: meter.id,
            person,
            delivery,
        };
        transaction.set_assignment(account, &assignment).await?;
    }
    transaction.commit().await?;
    tracing::info!(meter = %meter.id, by = %me.person.id, "registered a meter");
    Ok(go(&format!("/meters/{}?done=meter", meter.id)))
}

/// Says why the gateway cannot take the device.
fn refuse(
    mut form: FormPage,
    mut check: Check<'_>,
    error: RegisterError,
) -> Result<Response, Failure> {
    match error {
        RegisterError::NoGateway => return Err(Failure::Absent),
        RegisterError::Store(error) => return Err(error.into()),
        RegisterError::ConnektorFull(_) => {
            let most = CONNEKTOR_DEVICES_MAX.to_string();
            let args = [("most", Arg::from(&most))];
            form.problem = Some(check.text.with("portal-connektor-full", &args));
        }
        RegisterError::PlaceTaken { bus, unit_id } => {
            let unit_id = unit_id.to_string();
            let args = [("bus", Arg::from(&bus)), ("unit", Arg::from(&unit_id))];
            check.wrong(
                "unit_id",
                check.text.with("portal-error-place-taken", &args),
            );
        }
    }
    form.show(&check.errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_billing_counter_is_offered_once() {
        let library = Library::shipped();
        let mut values: Vec<String> = counters(&library).map(|counter| counter.value()).collect();
        let offered = values.len();
        values.sort();
        values.dedup();
        assert_eq!(values.len(), offered);
        assert!(values.contains(&"eastron-sdm120/energy_import/kWh".to_owned()));
        assert!(values.contains(&"onicon-system-10/energy_btu/BTU".to_owned()));
        assert!(values.contains(&"tuf-2000m/volume/gal_us".to_owned()));
    }
}
