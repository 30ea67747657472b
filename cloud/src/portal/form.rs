//! Forms: what was typed, the check of it at the boundary, and the page that asks.
//!
//! Promises: a wrong form comes back as it was typed (never a password), with a sentence at
//! each field that says what is wrong and what would be right. Whoever reads a value here
//! gets a checked one or nothing.

mod rows;

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use common::locale::{Language, Locale};
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::error::Failure;
use super::field::Field;
use super::number::{self, NumberError};
use super::page::{self, Page};
use crate::account::{EMAIL_CHARACTERS_MAX, email_address};
use crate::currency::Currency;
use crate::format::Format;
use crate::name::{self, NAME_CHARACTERS_MAX, NameError};
use crate::plan::TERM_MAX;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// How much of what was typed an error repeats, in characters.
const ECHO_CHARACTERS: usize = 40;

/// What came with a form, field by field.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Input(Vec<(String, String)>);

impl Input {
    /// The values a form starts with.
    pub(crate) fn of(values: &[(&str, &str)]) -> Self {
        let owned = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(owned.collect())
    }

    /// The same with another value in a field.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(field, _)| field != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What was typed into a field; nothing if it did not come.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name) == "on"
    }
}

/// What is wrong, by field.
pub(crate) type Errors = BTreeMap<String, String>;

/// Reads an input and collects what is wrong with it.
#[derive(Debug)]
pub(crate) struct Check<'a> {
    pub(crate) input: &'a Input,
    pub(crate) text: Text,
    pub(crate) errors: Errors,
}

impl<'a> Check<'a> {
    /// Nothing is wrong yet.
    pub(crate) fn new(input: &'a Input, text: Text) -> Self {
        Self {
            input,
            text,
            errors: Errors::new(),
        }
    }

    /// Says what is wrong with a field.
    pub(crate) fn wrong(&mut self, field: &str, sentence: String) {
        self.errors.entry(field.to_owned()).or_insert(sentence);
    }

    fn wrong_value(&mut self, field: &str, id: &str) {
        let typed = echo(self.input.get(field));
        let sentence = self.text.with(id, &[("typed", Arg::from(&typed))]);
        self.wrong(field, sentence);
    }

    /// A name of whatever kind.
    pub(crate) fn name(&mut self, field: &str) -> Option<String> {
        match name::checked(self.input.get(field)) {
            Ok(name) => Some(name),
            Err(error) => {
                let sentence = self.name_error(error);
                self.wrong(field, sentence);
                None
            }
        }
    }

    /// A text that may be empty, else is held to what a name is held to.
    pub(crate) fn optional_name(&mut self, field: &str) -> Option<String> {
        if self.input.get(field).trim().is_empty() {
            return Some(String::new());
        }
        self.name(field)
    }

    fn name_error(&self, error: NameError) -> String {
        let most = NAME_CHARACTERS_MAX.to_string();
        match error {
            NameError::Empty => self.text.get("portal-error-empty"),
            NameError::TooLong(_) => self
                .text
                .with("portal-error-too-long", &[("most", Arg::from(&most))]),
            NameError::Control => self.text.get("portal-error-control"),
        }
    }

    /// An e-mail address, in lower case.
    pub(crate) fn email(&mut self, field: &str) -> Option<String> {
        let found = email_address(self.input.get(field)).ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-email");
        }
        found
    }

    /// A number with decimals.
    pub(crate) fn decimal(&mut self, field: &str, format: Format) -> Option<Decimal> {
        let error = match number::decimal(self.input.get(field), grouping(format)) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        match error {
            NumberError::Empty => {
                let sentence = self.text.get("portal-error-empty");
                self.wrong(field, sentence);
            }
            NumberError::NotANumber => self.wrong_value(field, "portal-error-number"),
            NumberError::TwoReadings { whole, broken } => {
                let typed = echo(self.input.get(field));
                let args = [
                    ("typed", Arg::from(&typed)),
                    ("whole", Arg::from(&whole)),
                    ("broken", Arg::from(&broken)),
                ];
                let sentence = self.text.with("portal-error-two-readings", &args);
                self.wrong(field, sentence);
            }
        }
        None
    }

    /// A number of which something holds; the text `id` says what, where it does not.
    pub(crate) fn decimal_that(
        &mut self,
        field: &str,
        format: Format,
        id: &str,
        holds: impl FnOnce(Decimal) -> bool,
    ) -> Option<Decimal> {
        let number = self.decimal(field, format)?;
        if holds(number) {
            return Some(number);
        }
        let sentence = self.text.get(id);
        self.wrong(field, sentence);
        None
    }

    /// A number above zero, and not beyond measure.
    pub(crate) fn positive(&mut self, field: &str, format: Format) -> Option<Decimal> {
        self.decimal_that(field, format, "site-error-positive", |number| {
            number > Decimal::ZERO && number <= Decimal::from(TERM_MAX)
        })
    }

    /// A whole number. What is allowed is for the one who asks to check.
    pub(crate) fn whole(&mut self, field: &str) -> Option<i64> {
        let found = self.input.get(field).trim().parse().ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-whole");
        }
        found
    }

    /// A date.
    pub(crate) fn date(&mut self, field: &str) -> Option<Date> {
        let found = self.input.get(field).trim().parse().ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-date");
        }
        found
    }

    /// A time zone that exists.
    pub(crate) fn zone(&mut self, field: &str) -> Option<Zone> {
        let found = Zone::new(self.input.get(field).trim()).ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-zone");
        }
        found
    }

    /// A language and region.
    pub(crate) fn locale(&mut self, field: &str) -> Option<Locale> {
        let found = self.input.get(field).parse().ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-locale");
        }
        found
    }

    /// A language.
    pub(crate) fn language(&mut self, field: &str) -> Option<Language> {
        let found = self.input.get(field).parse().ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-locale");
        }
        found
    }

    /// A currency.
    pub(crate) fn currency(&mut self, field: &str) -> Option<Currency> {
        let found = self.input.get(field).parse().ok();
        if found.is_none() {
            self.wrong_value(field, "portal-error-currency");
        }
        found
    }

    /// One of a list.
    pub(crate) fn choice<T>(&mut self, field: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = read(self.input.get(field));
        if found.is_none() {
            self.wrong_value(field, "portal-error-choice");
        }
        found
    }
}

/// What was typed, short enough to be repeated.
pub(crate) fn echo(typed: &str) -> String {
    let visible = typed.trim().chars().filter(|c| !c.is_control());
    visible.take(ECHO_CHARACTERS).collect()
}

/// The mark that a locale puts between thousands.
fn grouping(format: Format) -> char {
    let half = format.decimal(Decimal::new(5, 1));
    if half.contains(',') { '.' } else { ',' }
}

/// A decimal as a form shows it, which its own check reads back.
pub(crate) fn written(value: Decimal, format: Format) -> String {
    let plain = value.to_string();
    if grouping(format) == '.' {
        plain.replace('.', ",")
    } else {
        plain
    }
}

/// The line for a name.
pub(crate) fn name_field(name: &str, label: String, input: &Input) -> Field {
    Field::line(name, label, input.get(name)).most(NAME_CHARACTERS_MAX)
}

/// The line for an e-mail address.
pub(crate) fn email_field(label: String, input: &Input) -> Field {
    Field::line("email", label, input.get("email"))
        .kind("email")
        .autocomplete("email")
        .most(EMAIL_CHARACTERS_MAX)
}

/// Fields under one heading.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) help: String,
    pub(crate) fields: Vec<Field>,
}

impl Section {
    /// Fields under a heading.
    pub(crate) fn new(heading: String, fields: Vec<Field>) -> Self {
        Self {
            heading,
            help: String::new(),
            fields,
        }
    }

    /// With a sentence under the heading.
    pub(crate) fn help(mut self, help: String) -> Self {
        self.help = help;
        self
    }
}

/// A page that asks.
#[derive(Debug, Template)]
#[template(path = "portal/form.html")]
pub(crate) struct FormPage {
    pub(crate) page: Page,
    /// What stands above the heading: where this belongs, as a link.
    pub(crate) above: Option<(String, String)>,
    pub(crate) lead: String,
    pub(crate) problem: Option<String>,
    pub(crate) action: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) submit: String,
    pub(crate) cancel: Option<String>,
    /// Whether what it does cannot be taken back.
    pub(crate) danger: bool,
    /// What else can be done here: where, its words, and whether it is a change by itself.
    pub(crate) extra: Vec<(String, String, bool)>,
}

impl FormPage {
    /// A form with a heading (the page's title), sent to `action`.
    pub(crate) fn new(page: Page, action: String, sections: Vec<Section>, submit: String) -> Self {
        Self {
            page,
            above: None,
            lead: String::new(),
            problem: None,
            action,
            sections,
            submit,
            cancel: None,
            danger: false,
            extra: Vec::new(),
        }
    }

    /// The form, with what is wrong at its fields; 422 when something is.
    pub(crate) fn show(mut self, errors: &Errors) -> Result<Response, Failure> {
        place_errors(&mut self.sections, errors);
        if errors.is_empty() && self.problem.is_none() {
            return page::show(&self);
        }
        if self.problem.is_none() {
            let n = i64::try_from(errors.len()).unwrap_or(i64::MAX);
            let text = self.page.text;
            self.problem = Some(text.with("portal-form-wrong", &[("n", Arg::Count(n))]));
        }
        page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &self)
    }
}

/// Puts each error at its field, and the cursor into the first that is wrong.
pub(crate) fn place_errors(sections: &mut [Section], errors: &Errors) {
    let mut first = true;
    for field in sections.iter_mut().flat_map(|section| &mut section.fields) {
        field.error = errors.get(&field.name).cloned();
        field.focus = first && field.error.is_some();
        first = first && !field.focus;
    }
}
