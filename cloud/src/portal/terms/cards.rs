//! The form for terms: a card for each, shut with the value that holds and where it comes
//! from, or open with its fields.

mod hours;

use common::id::PlanId;
use jiff::civil::Date;

use super::super::field::{Choice, Field};
use super::super::form::{Errors, Input};
use super::super::sites::zone_field;
use super::say::{self, Say};
use super::subject::Subject;
use super::write::{WEEKDAYS, said, word};
use crate::currency::Currency;
use crate::format::Format;
use crate::plan::cycle::MONTHS_MAX;
use crate::plan::tariff::{FEES_MAX, INTERVALS_MINUTES, TAXES_MAX, TIERS_MAX};
use crate::plan::terms::{Held, Level, Term};
use crate::text::{Arg, Text};

/// What stands in a card.
#[derive(Debug)]
pub(crate) enum Item {
    Heading(String),
    Help(String),
    Field(Field),
    /// Fields beside each other, and what takes them away.
    Row(Vec<Field>, Option<(String, String)>),
    /// Buttons that send the form: their value, their words, and whether that is chosen.
    Buttons(Vec<(String, String, bool)>),
    Hidden(String, String),
    Picture(String),
}

/// A term in the form.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) word: &'static str,
    pub(crate) heading: String,
    /// What holds without this level, and from where.
    pub(crate) behind: String,
    pub(crate) origin: String,
    pub(crate) open: bool,
    pub(crate) items: Vec<Item>,
}

/// What the form is drawn from.
pub(super) struct Drawer<'a> {
    pub(super) text: Text,
    pub(super) format: Format,
    pub(super) subject: &'a Subject,
    pub(super) input: &'a Input,
}

impl Drawer<'_> {
    /// The plan that the form chooses.
    pub(super) fn follows(&self) -> Option<PlanId> {
        let chosen = self.input.is_on(&said(Term::Plan));
        chosen
            .then(|| self.input.get("plan").parse().ok())
            .flatten()
    }

    pub(super) fn date(&self) -> Date {
        let typed = self.input.get("from").trim().parse().ok();
        typed.unwrap_or_else(|| self.subject.first_open_day())
    }

    /// A card for each term that this level may say.
    pub(super) fn cards(&self) -> Vec<Card> {
        let behind = self.subject.behind(self.follows(), self.date());
        let typed = self.input.get("currency").parse::<Currency>().ok();
        let say = Say {
            text: self.text,
            format: self.format,
            subject: self.subject,
            currency: typed.or(behind.terms.currency),
        };
        let may_say = |term: &Term| match term {
            Term::Plan => self.subject.level() != Level::Plan && !self.subject.plans.is_empty(),
            _ => true,
        };
        let terms = Term::ALL.into_iter().filter(may_say);
        terms.map(|term| self.card(term, &behind, &say)).collect()
    }

    fn card(&self, term: Term, behind: &Held, say: &Say<'_>) -> Card {
        let open = self.input.is_on(&said(term));
        let (value, origin) = self.behind(term, behind, say);
        Card {
            word: word(term),
            heading: say::name(self.text, term),
            behind: value,
            origin,
            open,
            items: if open { self.items(term) } else { Vec::new() },
        }
    }

    fn behind(&self, term: Term, behind: &Held, say: &Say<'_>) -> (String, String) {
        if let Some(level) = behind.from.get(&term) {
            let value = say.term(term, &behind.terms).unwrap_or_default();
            let follows = behind.terms.plan;
            return (value, self.subject.origin(self.text, *level, follows));
        }
        match say.unsaid(term) {
            Some(value) if self.subject.level() == Level::Meter => {
                (value, self.text.get("terms-from-default"))
            }
            Some(value) => {
                let args = [("value", Arg::from(&value))];
                (self.text.with("terms-open-or", &args), String::new())
            }
            None if term == Term::Plan => (self.text.get("terms-no-plan"), String::new()),
            None => (self.text.get("terms-open"), String::new()),
        }
    }

    fn items(&self, term: Term) -> Vec<Item> {
        match term {
            Term::Plan => self.plan(),
            Term::Zone => vec![Item::Field(zone_field(self.text, self.input))],
            Term::Cycle => self.cycle(),
            Term::Currency => self.currency(),
            Term::Tariff => self.tariff(),
            Term::Minimum => self.minimum(),
            Term::Fees => self.fees(),
            Term::Taxes => self.taxes(),
            Term::SendHour => {
                let help = self.t("portal-send-hour-help");
                vec![Item::Field(
                    self.whole("send_hour", self.t("portal-send-hour"))
                        .help(help),
                )]
            }
            Term::Missing => self.missing(),
            Term::Checks => self.checks(),
        }
    }

    fn t(&self, id: &str) -> String {
        self.text.get(id)
    }

    fn unit(&self) -> String {
        let unit = self.subject.unit;
        unit.map_or_else(
            || self.t("terms-unit"),
            |unit| super::super::meters::unit_word(unit).to_owned(),
        )
    }

    fn line(&self, name: &str, label: String) -> Field {
        Field::line(name, label, self.input.get(name))
    }

    fn number(&self, name: &str, label: String, unit: &str) -> Field {
        self.line(name, label).decimal(unit)
    }

    fn whole(&self, name: &str, label: String) -> Field {
        self.line(name, label).kind("number")
    }

    fn switch(&self, name: &str, label: String) -> Field {
        Field::switch(name, label, self.input.is_on(name))
    }

    fn select(&self, name: &str, label: String, choices: Vec<(String, String)>) -> Field {
        let current = self.input.get(name);
        let choices = choices.into_iter();
        let choices = choices.map(|(value, label)| Choice::new(value, label, current));
        Field::select(name, label, choices.collect())
    }

    fn months(&self) -> Vec<(String, String)> {
        let months = (1..=12).map(|month| (month.to_string(), say::month(self.text, month)));
        months.collect()
    }

    fn add(&self, list: &str, label: String, most: usize) -> Vec<Item> {
        let is_full = self.input.rows(list, most) >= most;
        let button = (format!("add:{list}"), label, false);
        (!is_full)
            .then(|| Item::Buttons(vec![button]))
            .into_iter()
            .collect()
    }

    fn cut(&self, list: &str, place: usize) -> Option<(String, String)> {
        Some((format!("cut:{list}:{place}"), self.t("terms-cut")))
    }

    fn plan(&self) -> Vec<Item> {
        let plans = self.subject.plans.iter();
        let plans = plans.map(|plan| (plan.id.to_string(), plan.name.clone()));
        let field = self.select("plan", self.t("terms-plan"), plans.collect());
        vec![Item::Field(field.help(self.t("terms-plan-help")))]
    }

    fn cycle(&self) -> Vec<Item> {
        let is_week = self.input.get("cycle") == "week";
        let kind = if is_week { "week" } else { "month" };
        let mut items = vec![
            Item::Hidden("cycle".to_owned(), kind.to_owned()),
            Item::Buttons(vec![
                (
                    "cycle:month".to_owned(),
                    self.t("terms-cycle-month"),
                    !is_week,
                ),
                ("cycle:week".to_owned(), self.t("terms-cycle-week"), is_week),
            ]),
        ];
        if is_week {
            let days = WEEKDAYS.iter();
            let days = days.map(|(word, day)| ((*word).to_owned(), say::weekday(self.text, *day)));
            let label = self.t("terms-cutoff-weekday");
            items.push(Item::Field(self.select(
                "cutoff_weekday",
                label,
                days.collect(),
            )));
            return items;
        }
        let day = self.whole("cutoff_day", self.t("portal-cutoff-day"));
        items.push(Item::Field(day.help(self.t("portal-cutoff-help"))));
        let months = (1..=MONTHS_MAX).map(|n| {
            let label = self
                .text
                .with("terms-months", &[("n", Arg::Count(i64::from(n)))]);
            (n.to_string(), label)
        });
        let every = self.select("months", self.t("terms-every"), months.collect());
        let ends = self.select("ends_in", self.t("terms-ends-in"), self.months());
        items.push(Item::Row(vec![every, ends], None));
        items.push(Item::Help(self.t("terms-ends-in-help")));
        items
    }

    fn currency(&self) -> Vec<Item> {
        let all = Currency::all().map(|one| (one.code().to_owned(), one.code().to_owned()));
        let field = self.select("currency", self.t("terms-currency"), all.collect());
        vec![Item::Field(field)]
    }

    fn tariff(&self) -> Vec<Item> {
        let rate = self.input.get("rate");
        let kinds = [
            ("flat", self.t("terms-rate-flat")),
            ("tiers", self.t("terms-rate-tiers")),
            ("hours", self.t("terms-rate-hours")),
            ("pass", self.t("terms-rate-pass")),
        ];
        let is_known = kinds.iter().any(|(kind, _)| *kind == rate);
        let rate = if is_known { rate } else { "flat" };
        let buttons = kinds
            .into_iter()
            .map(|(kind, label)| (format!("rate:{kind}"), label, kind == rate));
        let mut items = vec![
            Item::Hidden("rate".to_owned(), rate.to_owned()),
            Item::Buttons(buttons.collect()),
        ];
        match rate {
            "tiers" => items.extend(self.tiers()),
            "hours" => items.extend(self.hours()),
            "pass" => items.push(Item::Help(self.t("terms-pass-help"))),
            _ => {
                let label = self.t("portal-price-unit");
                let price = self.number("price", label, &self.unit());
                items.push(Item::Field(price.help(self.t("portal-price-help"))));
            }
        }
        let per = self.number("per", self.t("terms-per"), &self.unit());
        items.push(Item::Field(per.help(self.t("terms-per-help"))));
        items.push(Item::Heading(self.t("terms-demand")));
        let price = self.number("demand_price", self.t("terms-demand-price"), "kW");
        let minutes = INTERVALS_MINUTES.iter();
        let minutes = minutes.map(|one| (one.to_string(), format!("{one} min")));
        let label = self.t("terms-demand-minutes");
        let minutes = self.select("demand_minutes", label, minutes.collect());
        items.push(Item::Row(vec![price.optional(), minutes], None));
        items.push(Item::Help(self.t("terms-demand-help")));
        items
    }

    fn tiers(&self) -> Vec<Item> {
        let mut items = vec![Item::Help(self.t("terms-tiers-help"))];
        for place in 0..self.input.rows("tier", TIERS_MAX) {
            let up_to = format!("tier-{place}-up_to");
            let up_to = self.number(&up_to, self.t("terms-tier-up-to"), &self.unit());
            let price = format!("tier-{place}-price");
            let price = self.number(&price, self.t("terms-price"), "");
            let row = vec![up_to.optional(), price];
            items.push(Item::Row(row, self.cut("tier", place)));
        }
        items.extend(self.add("tier", self.t("terms-tier-add"), TIERS_MAX));
        let prorated = self.switch("tiers_prorated", self.t("terms-tiers-prorated"));
        items.push(Item::Field(prorated));
        items
    }

    fn minimum(&self) -> Vec<Item> {
        let quantity = self.t("terms-minimum-quantity");
        let quantity = self.number("minimum_quantity", quantity, &self.unit());
        let amount = self.number("minimum_amount", self.t("terms-minimum-amount"), "");
        let prorated = self.switch("minimum_prorated", self.t("terms-minimum-prorated"));
        vec![
            Item::Field(quantity.help(self.t("portal-minimum-help"))),
            Item::Field(amount.help(self.t("terms-minimum-amount-help"))),
            Item::Field(prorated),
        ]
    }

    fn fees(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for place in 0..self.input.rows("fee", FEES_MAX) {
            let field = |name| format!("fee-{place}-{name}");
            let row = vec![
                self.line(&field("name"), self.t("terms-fee-name")),
                self.number(&field("amount"), self.t("terms-fee-amount"), ""),
                self.switch(&field("prorated"), self.t("terms-fee-prorated")),
            ];
            items.push(Item::Row(row, self.cut("fee", place)));
        }
        if items.is_empty() {
            items.push(Item::Help(self.t("terms-say-none")));
        }
        items.extend(self.add("fee", self.t("terms-fee-add"), FEES_MAX));
        items
    }

    fn taxes(&self) -> Vec<Item> {
        let mut items = vec![Item::Help(self.t("terms-taxes-help"))];
        for place in 0..self.input.rows("tax", TAXES_MAX) {
            let field = |name| format!("tax-{place}-{name}");
            let exempt = self.line(&field("exempt"), self.t("terms-tax-exempt"));
            let row = vec![
                self.line(&field("name"), self.t("terms-tax-name")),
                self.number(&field("percent"), self.t("terms-tax-percent"), "%"),
                exempt.optional(),
                self.switch(&field("compound"), self.t("terms-tax-compound")),
            ];
            items.push(Item::Row(row, self.cut("tax", place)));
        }
        items.extend(self.add("tax", self.t("terms-tax-add"), TAXES_MAX));
        items
    }

    fn missing(&self) -> Vec<Item> {
        let grace = self.whole("grace_days", self.t("terms-grace"));
        let estimate = self.switch("estimate", self.t("terms-estimate"));
        vec![
            Item::Field(grace.help(self.t("terms-grace-help"))),
            Item::Field(estimate.help(self.t("terms-estimate-help"))),
        ]
    }

    fn checks(&self) -> Vec<Item> {
        let percent = |name: &str, label| self.number(name, label, "%");
        let low = percent("low_percent", self.t("terms-low"));
        let high = percent("high_percent", self.t("terms-high"));
        let spike = percent("spike_percent", self.t("terms-spike"));
        let sum = percent("sum_percent", self.t("terms-sum"));
        let whole = |name: &str, label| self.whole(name, label);
        let zero = whole("zero_days", self.t("terms-zero"));
        let stuck = whole("stuck_days", self.t("terms-stuck"));
        let missing = whole("missing_days", self.t("terms-missing-days"));
        let estimated = whole("estimated_periods", self.t("terms-estimated"));
        vec![
            Item::Help(self.t("terms-checks-help")),
            Item::Row(vec![low, high], None),
            Item::Row(vec![zero, stuck], None),
            Item::Row(vec![missing, estimated], None),
            Item::Row(vec![spike, sum], None),
        ]
    }
}

/// Puts each error at its field, and the cursor into the first that is wrong.
pub(super) fn place_errors(cards: &mut [Card], errors: &Errors) {
    let mut first = true;
    let items = cards.iter_mut().flat_map(|card| &mut card.items);
    let fields = items.flat_map(|item| match item {
        Item::Field(field) => std::slice::from_mut(field),
        Item::Row(fields, _) => fields.as_mut_slice(),
        _ => &mut [],
    });
    for field in fields {
        field.error = errors.get(&field.name).cloned();
        field.focus = first && field.error.is_some();
        first = first && !field.focus;
    }
}
