//! Charges and credits of a meter: lines that somebody puts on a bill, changed as they like
//! until it is issued.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::AdjustmentId;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::{Choice, Field};
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field, written};
use super::super::page::{Page, Place, go, show as show_page};
use super::super::session::SignedIn;
use super::super::table::{Button, Cell, Listing, Table, Tone};
use crate::access::Action;
use crate::billing::charge::Adjustment;
use crate::billing::period::plan_on;
use crate::currency::Currency;
use crate::format::Format;
use crate::plan::Plan;
use crate::site::Meter;
use crate::store::Transaction;
use crate::store::adjustments::{KeptAdjustment, NewAdjustment};
use crate::text::{Arg, Text};

/// What a form calls what lowers a bill, and what raises it.
const CREDIT: &str = "credit";
const CHARGE: &str = "charge";

/// Where they are listed.
fn path(meter: &Meter) -> String {
    format!("/meters/{}/adjustments", meter.id)
}

fn page_of(portal: &Portal, me: &SignedIn, title: String) -> Page {
    Page::new(me, Place::Meters, title, portal.app.clock.now())
}

/// The currency of the bill of a day.
fn currency_on(day: Date, plans: &[Plan]) -> Option<Currency> {
    let plan = plan_on(day, plans).or(plans.first());
    plan.map(|plan| plan.currency)
}

fn amount_of(format: Format, kept: &KeptAdjustment, plans: &[Plan]) -> String {
    let amount = kept.adjustment.amount;
    match currency_on(kept.day, plans) {
        Some(currency) => format.money(amount, currency),
        None => format.decimal(amount),
    }
}

pub(crate) async fn list(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut reader = portal.app.store.read().await?;
    let meter = me.meter(&mut reader, &id, Action::Manage).await?;
    let kept = reader.adjustments(meter.account, meter.id).await?;
    let plans = reader.plans(meter.account, meter.id).await?;
    let page = page_of(
        &portal,
        &me,
        Text::in_language(me.person.language).get("site-adjustments"),
    );
    let format = Format::new(meter.locale);
    let here = path(&meter);
    let rows = kept.iter().map(|one| {
        let own = format!("{here}/{}", one.id);
        let (name, amount) = (&one.adjustment.name, amount_of(format, one, &plans));
        let taxed = match one.adjustment.taxed {
            true => page.t("site-adjustment-taxed"),
            false => String::new(),
        };
        let (label, state, links) = match one.is_billed {
            true => (
                Cell::two(name, &one.note),
                Cell::state(Tone::Good, page.t("site-adjustment-billed"), ""),
                Vec::new(),
            ),
            false => (
                Cell::main(own.clone(), name, &one.note),
                Cell::state(Tone::Quiet, page.t("site-adjustment-waiting"), ""),
                vec![(format!("{own}/remove"), page.t("site-adjustment-remove"))],
            ),
        };
        vec![
            label,
            Cell::text(page.format.date(one.day)),
            Cell::figure_of(amount, taxed),
            state,
            Cell::Links(links),
        ]
    });
    let table = Table {
        caption: String::new(),
        columns: vec![
            page.t("site-adjustment-name"),
            page.t("site-adjustment-day"),
            page.t("site-adjustment-amount"),
            page.t("site-state"),
            page.t("site-to-do"),
        ],
        rows: rows.collect(),
        empty: page.t("site-adjustments-empty"),
    };
    show_page(&Listing {
        above: Some((format!("/meters/{}", meter.id), meter.label.clone())),
        lead: page.t("site-adjustments-lead"),
        buttons: vec![Button::main(
            format!("{here}/new"),
            page.t("site-adjustment-new"),
        )],
        tables: vec![table],
        page,
    })
}

/// What the form is about.
struct Subject {
    meter: Meter,
    plans: Vec<Plan>,
    /// The one that is changed; without it one is added.
    kept: Option<KeptAdjustment>,
}

impl Subject {
    /// `which` is the word of the address: `new`, or an identity.
    async fn find(
        transaction: &mut Transaction,
        me: &SignedIn,
        (id, which): (&str, &str),
    ) -> Result<Self, Failure> {
        let meter = me.meter(transaction, id, Action::Manage).await?;
        let (account, id) = (meter.account, meter.id);
        let kept = match which {
            "new" => None,
            which => {
                let which: AdjustmentId = which.parse().map_err(|_| Failure::Absent)?;
                let all = transaction.adjustments(account, id).await?;
                let found = all.into_iter().find(|one| one.id == which);
                Some(found.ok_or(Failure::Absent)?)
            }
        };
        Ok(Self {
            plans: transaction.plans(account, id).await?,
            meter,
            kept,
        })
    }

    fn input(&self, today: Date) -> Input {
        let Some(kept) = &self.kept else {
            return Input::of(&[("day", &today.to_string()), ("kind", CREDIT)]);
        };
        let adjustment = &kept.adjustment;
        let is_credit = adjustment.amount < Decimal::ZERO;
        Input::of(&[
            ("name", &adjustment.name),
            ("day", &kept.day.to_string()),
            ("kind", if is_credit { CREDIT } else { CHARGE }),
            (
                "amount",
                &written(adjustment.amount.abs(), Format::new(self.meter.locale)),
            ),
            ("taxed", if adjustment.taxed { "on" } else { "" }),
            ("note", &kept.note),
        ])
    }

    fn form(&self, portal: &Portal, me: &SignedIn, input: &Input) -> FormPage {
        let text = Text::in_language(me.person.language);
        let day = self.kept.as_ref().map_or(Date::MAX, |kept| kept.day);
        let currency = currency_on(day, &self.plans).map_or("", Currency::code);
        let kinds = [
            (CREDIT, "site-adjustment-credit"),
            (CHARGE, "site-adjustment-charge"),
        ];
        let kinds = kinds.map(|(code, id)| Choice::new(code, text.get(id), input.get("kind")));
        let fields = vec![
            name_field("name", text.get("site-adjustment-name"), input)
                .help(text.get("site-adjustment-name-help")),
            Field::line("day", text.get("site-adjustment-day"), input.get("day"))
                .kind("date")
                .help(text.get("site-adjustment-day-help")),
            Field::select("kind", text.get("site-adjustment-kind"), kinds.into()),
            Field::line(
                "amount",
                text.get("site-adjustment-amount"),
                input.get("amount"),
            )
            .decimal(currency),
            Field::switch(
                "taxed",
                text.get("site-adjustment-taxed"),
                input.is_on("taxed"),
            ),
            name_field("note", text.get("site-adjustment-note"), input)
                .optional()
                .help(text.get("site-adjustment-note-help")),
        ];
        let here = path(&self.meter);
        let which = self.kept.as_ref().map(|kept| kept.id.to_string());
        let action = format!("{here}/{}", which.as_deref().unwrap_or("new"));
        let page = page_of(portal, me, text.get("site-adjustment-title"));
        let sections = vec![Section::new(String::new(), fields)];
        let mut form = FormPage::new(page, action, sections, text.get("portal-save"));
        form.lead = text.get("site-adjustments-lead");
        form.above = Some((here.clone(), text.get("site-adjustments")));
        form.cancel = Some(here);
        form
    }

    fn checked(&self, check: &mut Check<'_>) -> Option<NewAdjustment> {
        let name = check.name("name");
        let day = check.date("day");
        let is_credit = check.choice("kind", |kind| match kind {
            CREDIT => Some(true),
            CHARGE => Some(false),
            _ => None,
        });
        let amount = self.amount(check, day);
        let note = check.optional_name("note");
        let (amount, is_credit) = (amount?, is_credit?);
        Some(NewAdjustment {
            day: day?,
            adjustment: Adjustment {
                name: name?,
                amount: if is_credit {
                    Decimal::ZERO - amount
                } else {
                    amount
                },
                taxed: check.input.is_on("taxed"),
            },
            note: note?,
        })
    }

    /// Above zero, with no more decimals than the money has.
    fn amount(&self, check: &mut Check<'_>, day: Option<Date>) -> Option<Decimal> {
        let amount = check.positive("amount", Format::new(self.meter.locale))?;
        let currency = currency_on(day?, &self.plans)?;
        if amount.normalize().scale() > currency.digits() {
            let digits = currency.digits().to_string();
            let args = [
                ("currency", Arg::from(currency.code())),
                ("digits", Arg::from(&digits)),
            ];
            let sentence = check.text.with("site-error-decimals", &args);
            check.wrong("amount", sentence);
            return None;
        }
        Some(amount)
    }
}

pub(crate) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut reader = portal.app.store.read().await?;
    let subject = Subject::find(&mut reader, &me, (&id, &which)).await?;
    let now = portal.app.clock.now();
    let today = subject.meter.zone.rules().to_datetime(now).date();
    let input = subject.input(today);
    subject.form(&portal, &me, &input).show(&Errors::new())
}

pub(crate) async fn save(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((id, which)): Path<(String, String)>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::find(&mut transaction, &me, (&id, &which)).await?;
    let mut check = Check::new(&input, Text::in_language(me.person.language));
    let Some(new) = subject.checked(&mut check) else {
        return subject.form(&portal, &me, &input).show(&check.errors);
    };
    let (account, meter) = (subject.meter.account, subject.meter.id);
    let (by, now) = (me.person.id, portal.app.clock.now());
    let is_saved = match &subject.kept {
        Some(kept) => {
            let place = (meter, kept.id);
            let changed = transaction.change_adjustment(account, place, &new, by, now);
            changed.await?
        }
        None => {
            let added = transaction.add_adjustment(account, meter, &new, by, now);
            added.await?.is_some()
        }
    };
    if !is_saved {
        let sentence = check.text.get("site-error-billed");
        check.wrong("day", sentence);
        return subject.form(&portal, &me, &input).show(&check.errors);
    }
    transaction.commit().await?;
    tracing::info!(%meter, %by, day = %new.day, "entered a charge or credit");
    Ok(go(&format!("{}?done=saved", path(&subject.meter))))
}

/// The form that asks whether it is meant.
fn removal(portal: &Portal, me: &SignedIn, subject: &Subject, kept: &KeptAdjustment) -> FormPage {
    let text = Text::in_language(me.person.language);
    let amount = amount_of(Format::new(subject.meter.locale), kept, &subject.plans);
    let args = [
        ("name", Arg::from(&kept.adjustment.name)),
        ("amount", Arg::from(&amount)),
    ];
    let here = path(&subject.meter);
    let page = page_of(portal, me, text.get("site-adjustment-remove-title"));
    let action = format!("{here}/{}/remove", kept.id);
    let mut form = FormPage::new(page, action, Vec::new(), text.get("site-adjustment-remove"));
    form.lead = text.with("site-adjustment-remove-lead", &args);
    form.danger = true;
    form.above = Some((here.clone(), text.get("site-adjustments")));
    form.cancel = Some(here);
    form
}

pub(crate) async fn ask_remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut reader = portal.app.store.read().await?;
    let subject = Subject::find(&mut reader, &me, (&id, &which)).await?;
    let kept = subject.kept.as_ref().ok_or(Failure::Absent)?;
    removal(&portal, &me, &subject, kept).show(&Errors::new())
}

pub(crate) async fn remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::find(&mut transaction, &me, (&id, &which)).await?;
    let kept = subject.kept.as_ref().ok_or(Failure::Absent)?;
    let (account, meter) = (subject.meter.account, subject.meter.id);
    let removed = transaction.remove_adjustment(account, meter, kept.id);
    if !removed.await? {
        let mut form = removal(&portal, &me, &subject, kept);
        form.problem = Some(form.page.t("site-error-billed"));
        return form.show(&Errors::new());
    }
    transaction.commit().await?;
    tracing::info!(%meter, by = %me.person.id, "removed a charge or credit");
    Ok(go(&format!("{}?done=removed", path(&subject.meter))))
}
