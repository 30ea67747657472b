//! The bills of the utility: what it charged a site, from which days to which.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use common::id::UtilityBillId;
use common::unit::{Dimension, Medium, Unit};
use jiff::civil::Date;

use super::super::Portal;
use super::super::error::Failure;
use super::super::field::{Choice, Field};
use super::super::form::{Check, Errors, FormPage, Input, Section, name_field, written};
use super::super::meters::medium_word;
use super::super::meters::settings::currency_field;
use super::super::page::{Page, go};
use super::super::session::SignedIn;
use super::super::table::{Cell, Table};
use super::{medium_of, page_of, path, unit_price};
use crate::access::Action;
use crate::billing::utility::UtilityBill;
use crate::extras::site::Site as Balance;
use crate::format::Format;
use crate::site::Site;
use crate::store::Transaction;
use crate::text::{Arg, Text};

/// The bills of a site, the newest first.
pub(super) fn table(page: &Page, site: &Site, bills: &[UtilityBill]) -> Table {
    let format = Format::new(site.locale);
    let rows = bills.iter().map(|bill| {
        let here = format!("/sites/{}/bills/{}", site.id, bill.id);
        let price = unit_price(bill).map(|price| {
            let price = format.money(price, bill.currency);
            format!("{price} / {}", bill.unit.symbol())
        });
        vec![
            Cell::main(
                here.clone(),
                page.format.dates(bill.from, bill.until),
                &bill.note,
            ),
            Cell::text(medium_word(page.text, bill.medium)),
            Cell::figure(format.quantity(bill.quantity, bill.unit)),
            Cell::figure_of(
                format.money(bill.amount, bill.currency),
                price.unwrap_or_default(),
            ),
            Cell::Links(vec![(format!("{here}/remove"), page.t("site-bill-remove"))]),
        ]
    });
    Table {
        caption: page.t("site-bills"),
        columns: vec![
            page.t("site-period"),
            page.t("portal-medium"),
            page.t("site-bill-quantity"),
            page.t("site-bill-amount"),
            page.t("site-to-do"),
        ],
        rows: rows.collect(),
        empty: page.t("site-bills-empty"),
    }
}

/// What the form is about.
struct Subject {
    site: Site,
    medium: Medium,
    /// The unit in which the site counts the medium.
    unit: Option<Unit>,
    /// The others of its medium, which it must not overlap.
    others: Vec<UtilityBill>,
    /// The one that is changed; without it one is added.
    bill: Option<UtilityBill>,
}

impl Subject {
    async fn new_of(
        transaction: &mut Transaction,
        portal: &Portal,
        me: &SignedIn,
        (site, medium): (&str, &str),
    ) -> Result<Self, Failure> {
        let site = me.site(transaction, site, Action::Manage).await?;
        let medium = medium_of(medium)?;
        let place = (site.account, site.id, medium);
        let balance = Balance::read(transaction, &portal.app.profiles, place).await?;
        Ok(Self {
            unit: balance.unit(),
            others: balance.bills,
            site,
            medium,
            bill: None,
        })
    }

    async fn of(
        transaction: &mut Transaction,
        me: &SignedIn,
        (site, bill): (&str, &str),
    ) -> Result<Self, Failure> {
        let site = me.site(transaction, site, Action::Manage).await?;
        let id: UtilityBillId = bill.parse().map_err(|_| Failure::Absent)?;
        let mut others = transaction.utility_bills(site.account, site.id).await?;
        let place = others.iter().position(|bill| bill.id == id);
        let bill = others.remove(place.ok_or(Failure::Absent)?);
        others.retain(|other| other.medium == bill.medium);
        Ok(Self {
            medium: bill.medium,
            unit: Some(bill.unit),
            site,
            others,
            bill: Some(bill),
        })
    }

    /// Where its form is sent.
    fn action(&self) -> String {
        match &self.bill {
            Some(bill) => format!("/sites/{}/bills/{}", self.site.id, bill.id),
            None => format!("{}/{}/bill", path(self.site.id), self.medium.code()),
        }
    }

    /// What the form starts with: a new one goes on after the last.
    fn input(&self) -> Input {
        let format = Format::new(self.site.locale);
        let like = self.bill.as_ref().or(self.others.first());
        let unit = self.unit.map_or("", Unit::code);
        let currency = like.map_or("", |bill| bill.currency.code());
        let Some(bill) = &self.bill else {
            let from = like.map_or_else(String::new, |last| last.until.to_string());
            return Input::of(&[("from", &from), ("unit", unit), ("currency", currency)]);
        };
        let last = bill.until.yesterday().unwrap_or(bill.until);
        Input::of(&[
            ("from", &bill.from.to_string()),
            ("last", &last.to_string()),
            ("quantity", &written(bill.quantity, format)),
            ("unit", unit),
            ("amount", &written(bill.amount, format)),
            ("currency", currency),
            ("note", &bill.note),
        ])
    }

    /// The units that a bill of the medium can be in.
    fn units(&self) -> impl Iterator<Item = Unit> {
        let dimension = match self.medium {
            Medium::Water => Dimension::Volume,
            Medium::Electric | Medium::Thermal => Dimension::Energy,
        };
        let all = Unit::ALL.iter().copied();
        all.filter(move |unit| unit.dimension() == dimension)
    }

    fn form(&self, portal: &Portal, me: &SignedIn, input: &Input) -> FormPage {
        let text = Text::in_language(me.person.language);
        let word = medium_word(text, self.medium);
        let title = text.with("site-bill-of", &[("medium", Arg::from(&word))]);
        let line = |name: &str, label: String| Field::line(name, label, input.get(name));
        let units = self.units();
        let units = units.map(|one| Choice::new(one.code(), one.symbol(), input.get("unit")));
        let fields = vec![
            line("from", text.get("site-bill-from")).kind("date"),
            line("last", text.get("site-bill-last"))
                .kind("date")
                .help(text.get("site-bill-last-help")),
            line("quantity", text.get("site-bill-quantity"))
                .decimal("")
                .help(text.get("site-bill-quantity-help")),
            Field::select("unit", text.get("site-bill-unit"), units.collect()),
            line("amount", text.get("site-bill-amount"))
                .decimal("")
                .help(text.get("site-bill-amount-help")),
            currency_field(text, input),
            name_field("note", text.get("site-bill-note"), input).optional(),
        ];
        let here = path(self.site.id);
        let sections = vec![Section::new(String::new(), fields)];
        let page = page_of(portal, me, title);
        let mut form = FormPage::new(page, self.action(), sections, text.get("portal-save"));
        form.lead = text.get("site-bill-lead");
        form.above = Some((here.clone(), text.get("site-reconciliation")));
        form.cancel = Some(here);
        form
    }

    /// What the form says, if nothing is wrong with it.
    fn checked(&self, check: &mut Check<'_>) -> Option<UtilityBill> {
        let format = Format::new(self.site.locale);
        let (from, until) = self.days(check).unzip();
        let quantity = check.positive("quantity", format);
        let unit = check.choice("unit", |code| self.units().find(|unit| unit.code() == code));
        let amount = check.positive("amount", format);
        let currency = check.currency("currency");
        let note = check.optional_name("note");
        Some(UtilityBill {
            id: self.bill.as_ref().map_or(UtilityBillId(0), |bill| bill.id),
            medium: self.medium,
            from: from?,
            until: until?,
            quantity: quantity?,
            unit: unit?,
            amount: amount?,
            currency: currency?,
            note: note?,
        })
    }

    /// Its first day and the day after its last; no other of the medium has one of them.
    fn days(&self, check: &mut Check<'_>) -> Option<(Date, Date)> {
        let (from, last) = (check.date("from"), check.date("last"));
        let (from, last) = (from?, last?);
        let Some(until) = last.tomorrow().ok().filter(|until| *until > from) else {
            let sentence = check.text.get("site-error-days");
            check.wrong("last", sentence);
            return None;
        };
        let overlapping = self.others.iter().find(|other| other.overlaps(from, until));
        if let Some(other) = overlapping {
            let dates = Format::new(check.text.language().locale()).dates(other.from, other.until);
            let args = [("dates", Arg::from(&dates))];
            let sentence = check.text.with("site-error-overlap", &args);
            check.wrong("from", sentence);
            return None;
        }
        Some((from, until))
    }
}

pub(in super::super) async fn ask_new(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, medium)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::new_of(&mut transaction, &portal, &me, (&site, &medium)).await?;
    let input = subject.input();
    subject.form(&portal, &me, &input).show(&Errors::new())
}

pub(in super::super) async fn add(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, medium)): Path<(String, String)>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::new_of(&mut transaction, &portal, &me, (&site, &medium)).await?;
    save(&portal, &me, transaction, &subject, &input).await
}

pub(in super::super) async fn ask(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, bill)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::of(&mut transaction, &me, (&site, &bill)).await?;
    let input = subject.input();
    subject.form(&portal, &me, &input).show(&Errors::new())
}

pub(in super::super) async fn change(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, bill)): Path<(String, String)>,
    Form(input): Form<Input>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::of(&mut transaction, &me, (&site, &bill)).await?;
    save(&portal, &me, transaction, &subject, &input).await
}

async fn save(
    portal: &Portal,
    me: &SignedIn,
    mut transaction: Transaction,
    subject: &Subject,
    input: &Input,
) -> Result<Response, Failure> {
    let mut check = Check::new(input, Text::in_language(me.person.language));
    let Some(bill) = subject.checked(&mut check) else {
        return subject.form(portal, me, input).show(&check.errors);
    };
    let (site, by, now) = (&subject.site, me.person.id, portal.app.clock.now());
    match subject.bill {
        Some(_) => {
            let changed = transaction.change_utility_bill(site.account, site.id, &bill, by, now);
            changed.await?;
        }
        None => {
            let added = transaction.add_utility_bill(site.account, site.id, &bill, by, now);
            added.await?;
        }
    }
    transaction.commit().await?;
    tracing::info!(site = %site.id, %by, from = %bill.from, "entered a utility's bill");
    Ok(go(&format!("{}?done=saved", path(site.id))))
}

pub(in super::super) async fn ask_remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, bill)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let subject = Subject::of(&mut transaction, &me, (&site, &bill)).await?;
    let text = Text::in_language(me.person.language);
    let page = page_of(&portal, &me, text.get("site-bill-remove-title"));
    let here = path(subject.site.id);
    let action = format!("{}/remove", subject.action());
    let dates = subject.bill.as_ref().map(|bill| (bill.from, bill.until));
    let dates = dates.map_or_else(String::new, |(from, until)| page.format.dates(from, until));
    let lead = text.with("site-bill-remove-lead", &[("dates", Arg::from(&dates))]);
    let mut form = FormPage::new(page, action, Vec::new(), text.get("site-bill-remove"));
    form.lead = lead;
    form.danger = true;
    form.above = Some((here.clone(), text.get("site-reconciliation")));
    form.cancel = Some(here);
    form.show(&Errors::new())
}

pub(in super::super) async fn remove(
    State(portal): State<Portal>,
    me: SignedIn,
    Path((site, bill)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.write().await?;
    let subject = Subject::of(&mut transaction, &me, (&site, &bill)).await?;
    let Subject { site, bill, .. } = subject;
    let id = bill.map(|bill| bill.id).ok_or(Failure::Absent)?;
    transaction
        .remove_utility_bill(site.account, site.id, id)
        .await?;
    transaction.commit().await?;
    tracing::info!(site = %site.id, by = %me.person.id, bill = %id, "removed a utility's bill");
    Ok(go(&format!("{}?done=removed", path(site.id))))
}
