//! The words and figures of an invoice, in its language and forms: said here once, for the page,
//! the PDF, the mail and the chat.

mod calculation;
mod explanation;

pub(crate) use self::calculation::{Calculation, Row};

use common::unit::Medium;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::DocumentError;
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::billing::loss;
use crate::billing::segment::Basis;
use crate::format::Format;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// Periods whose lengths differ by more days are not compared.
const COMPARABLE_DAYS: i32 = 3;

/// Says the parts of an invoice in its language and forms.
pub(crate) struct Say<'a> {
    invoice: &'a Invoice,
    pub(crate) text: Text,
    pub(crate) format: Format,
    zone: Zone,
}

impl<'a> Say<'a> {
    pub(crate) fn new(invoice: &'a Invoice) -> Result<Self, DocumentError> {
        Ok(Self {
            invoice,
            text: Text::new(invoice.locale),
            format: Format::new(invoice.locale),
            zone: Zone::new(&invoice.zone)?,
        })
    }

    pub(crate) fn money(&self, amount: Decimal) -> String {
        self.format.money(amount, self.invoice.currency)
    }

    pub(crate) fn quantity(&self, value: Decimal) -> String {
        self.format.quantity(value, self.invoice.unit)
    }

    pub(crate) fn period(&self) -> String {
        self.format
            .dates(self.invoice.period.from, self.invoice.period.until)
    }

    /// What the document is, and its number.
    pub(crate) fn number(&self) -> String {
        let number = self.invoice.number.to_string();
        let id = match self.invoice.kind {
            DocumentKind::Invoice => "document-number",
            DocumentKind::Credit => "document-credit-number",
        };
        self.text.with(id, &[("number", Arg::from(&number))])
    }

    /// What it takes back or stands for, and why; empty where it corrects nothing.
    pub(crate) fn corrects(&self) -> String {
        let Some(corrects) = &self.invoice.corrects else {
            return String::new();
        };
        let id = match self.invoice.kind {
            DocumentKind::Invoice => "document-in-place-of",
            DocumentKind::Credit => "document-credit-of",
        };
        let number = corrects.number.to_string();
        let args = [
            ("number", Arg::from(&number)),
            ("reason", Arg::from(&corrects.reason)),
        ];
        self.text.with(id, &args)
    }

    /// What its registers rest on, in a word or two.
    pub(crate) fn trust(&self) -> String {
        let bases = || self.invoice.segments.boundaries().map(|one| &one.basis);
        let id = if self.invoice.simulated {
            "document-trust-simulated"
        } else if bases().any(|basis| matches!(basis, Basis::Estimated { .. })) {
            "document-trust-estimated"
        } else if self.invoice.is_reckoned() {
            "document-trust-interpolated"
        } else if self.invoice.is_dated() {
            "document-trust-dated"
        } else {
            "document-trust-actual"
        };
        self.text.get(id)
    }

    pub(crate) fn title(&self) -> String {
        format!(
            "{} · {} · {}",
            self.number(),
            self.invoice.meter_label,
            self.period()
        )
    }

    /// An instant in the meter's zone.
    pub(crate) fn at(&self, instant: Timestamp) -> String {
        self.format.date_time(instant, &self.zone)
    }

    /// Who answers questions; empty where nobody is named.
    pub(crate) fn contact(&self) -> String {
        if self.invoice.contact.is_empty() {
            return String::new();
        }
        let contact = Arg::from(&self.invoice.contact);
        self.text.with("document-contact", &[("contact", contact)])
    }

    pub(crate) fn issued(&self) -> String {
        let when = self.at(self.invoice.issued_at);
        self.text
            .with("document-issued", &[("when", Arg::from(&when))])
    }

    /// What the meter measures.
    pub(crate) fn medium(&self) -> String {
        self.text.get(match self.invoice.medium {
            Medium::Electric => "document-electric",
            Medium::Water => "document-water",
            Medium::Thermal => "document-thermal",
        })
    }

    pub(crate) fn about(&self) -> String {
        let medium = self.medium();
        if self.invoice.serial_number().is_empty() {
            return medium;
        }
        let number = Arg::from(self.invoice.serial_number());
        let serial = self
            .text
            .with("document-serial-number", &[("number", number)]);
        format!("{medium} · {serial}")
    }

    pub(crate) fn dates(&self) -> String {
        let days = days(self.invoice.period.from, self.invoice.period.until);
        let days = self
            .text
            .with("document-days", &[("days", i64::from(days).into())]);
        format!("{} · {days}", self.period())
    }

    /// How it compares with the period before; empty where that says nothing.
    pub(crate) fn comparison(&self) -> String {
        let Some(before) = self.invoice.earlier.first() else {
            return String::new();
        };
        let period = &self.invoice.period;
        let lengths = days(period.from, period.until).abs_diff(days(before.from, before.until));
        if before.measured <= Decimal::ZERO || lengths > COMPARABLE_DAYS.unsigned_abs() {
            return String::new();
        }
        let change = self.invoice.measured.saturating_sub(before.measured);
        let percent = change.checked_div(before.measured).unwrap_or_default();
        let percent = percent.saturating_mul(Decimal::ONE_HUNDRED);
        let share = self.format.percent(percent.abs());
        let args = [("percent", Arg::from(&share))];
        if percent.round_dp(1).is_zero() {
            self.text.get("document-same-as-before")
        } else if percent.is_sign_negative() {
            self.text.with("document-less-than-before", &args)
        } else {
            self.text.with("document-more-than-before", &args)
        }
    }

    pub(crate) fn ids(&self) -> String {
        let (meter, invoice) = (self.invoice.meter.to_string(), self.invoice.id.to_string());
        let args = [
            ("meter", Arg::from(&meter)),
            ("invoice", Arg::from(&invoice)),
            ("zone", Arg::from(&self.invoice.zone)),
        ];
        self.text.with("document-ids", &args)
    }

    /// How many readings were lost, and what that means; empty when none was.
    pub(crate) fn lost(&self) -> String {
        let count = loss::count(&self.invoice.losses);
        if count == 0 {
            return String::new();
        }
        let written = self.format.decimal(Decimal::from(count));
        let n = i64::try_from(count).unwrap_or(i64::MAX);
        let args = [("n", Arg::Count(n)), ("count", Arg::from(&written))];
        let counted = self.text.with("document-lost-count", &args);
        format!("{counted} {}", self.text.get("document-lost-effect"))
    }
}

fn days(from: Date, until: Date) -> i32 {
    from.until(until).map_or(0, |span| span.get_days())
}
