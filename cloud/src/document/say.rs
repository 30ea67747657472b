//! The words and figures of an invoice's page, in its language and forms.

use common::reading::ClockTrust;
use common::unit::Medium;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::DocumentError;
use super::measure::{Weight, place};
use crate::billing::invoice::{Invoice, Line, LineKind};
use crate::billing::loss;
use crate::billing::segment::Boundary;
use crate::format::Format;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// Periods whose lengths differ by more days are not compared.
const COMPARABLE_DAYS: i32 = 3;

/// A row of the calculation.
pub(super) struct Row {
    pub(super) y: u16,
    pub(super) name: String,
    pub(super) how: String,
    pub(super) value: String,
    pub(super) bold: bool,
    /// Whether a rule stands above it.
    pub(super) ruled: bool,
}

/// Says the parts of an invoice in its language and forms.
pub(super) struct Say<'a> {
    invoice: &'a Invoice,
    pub(super) text: Text,
    pub(super) format: Format,
    zone: Zone,
}

impl<'a> Say<'a> {
    pub(super) fn new(invoice: &'a Invoice) -> Result<Self, DocumentError> {
        Ok(Self {
            invoice,
            text: Text::new(invoice.locale),
            format: Format::new(invoice.locale),
            zone: Zone::new(&invoice.zone)?,
        })
    }

    pub(super) fn money(&self, amount: Decimal) -> String {
        self.format.money(amount, self.invoice.currency)
    }

    pub(super) fn quantity(&self, value: Decimal) -> String {
        self.format.quantity(value, self.invoice.unit)
    }

    fn period(&self) -> String {
        self.format
            .dates(self.invoice.period.from, self.invoice.period.until)
    }

    pub(super) fn number(&self) -> String {
        let number = self.invoice.number.to_string();
        self.text
            .with("document-number", &[("number", Arg::from(&number))])
    }

    pub(super) fn title(&self) -> String {
        format!(
            "{} · {} · {}",
            self.number(),
            self.invoice.meter_label,
            self.period()
        )
    }

    pub(super) fn issued(&self) -> String {
        let when = self.format.date_time(self.invoice.issued_at, &self.zone);
        self.text
            .with("document-issued", &[("when", Arg::from(&when))])
    }

    pub(super) fn about(&self) -> String {
        let medium = self.text.get(match self.invoice.medium {
            Medium::Electric => "document-electric",
            Medium::Water => "document-water",
            Medium::Thermal => "document-thermal",
        });
        if self.invoice.serial_number().is_empty() {
            return medium;
        }
        let number = Arg::from(self.invoice.serial_number());
        let serial = self
            .text
            .with("document-serial-number", &[("number", number)]);
        format!("{medium} · {serial}")
    }

    pub(super) fn dates(&self) -> String {
        let days = days(self.invoice.period.from, self.invoice.period.until);
        let days = self
            .text
            .with("document-days", &[("days", i64::from(days).into())]);
        format!("{} · {days}", self.period())
    }

    /// How it compares with the period before; empty where that says nothing.
    pub(super) fn comparison(&self) -> String {
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

    pub(super) fn ids(&self) -> String {
        let (meter, invoice) = (self.invoice.meter.to_string(), self.invoice.id.to_string());
        let args = [
            ("meter", Arg::from(&meter)),
            ("invoice", Arg::from(&invoice)),
            ("zone", Arg::from(&self.invoice.zone)),
        ];
        self.text.with("document-ids", &args)
    }

    /// From the registers to the total.
    pub(super) fn rows(&self, content: u16) -> Vec<Row> {
        let invoice = self.invoice;
        let mut rows = vec![self.register("document-closing", invoice.closing())];
        let switches = invoice.segments.later().iter().rev();
        rows.extend(switches.map(|switch| self.register("document-switch", &switch.opening)));
        rows.push(self.register("document-opening", invoice.opening()));
        rows.push(Row {
            ruled: true,
            bold: true,
            ..row(
                self.text.get("document-consumption"),
                self.text.get("document-difference"),
                self.quantity(invoice.measured),
            )
        });
        if invoice.minimum > Decimal::ZERO {
            let applies = invoice.billed > invoice.measured;
            let how = if applies {
                "document-minimum-applies"
            } else {
                "document-minimum-not"
            };
            let name = self.text.get("document-minimum");
            rows.push(row(
                name,
                self.text.get(how),
                self.quantity(invoice.minimum),
            ));
        }
        for (index, line) in invoice.lines.iter().enumerate() {
            rows.push(Row {
                ruled: index == 0,
                ..self.line(line)
            });
        }
        rows.push(Row {
            ruled: true,
            bold: true,
            ..row(
                self.text.get("document-total"),
                String::new(),
                self.money(invoice.total),
            )
        });
        let (third, two_thirds) = (content / 3, content - content / 3);
        for row in &mut rows {
            row.name = place(Weight::Bold, 10, third).fit(&row.name);
            row.value = place(Weight::Bold, 10, two_thirds).fit(&row.value);
            let value = place(Weight::Bold, 10, two_thirds).length(&row.value);
            let room = two_thirds.saturating_sub(value + 12);
            row.how = place(Weight::Regular, 10, room).fit(&row.how);
        }
        rows
    }

    fn register(&self, name: &str, boundary: &Boundary) -> Row {
        let register = &boundary.register;
        row(
            self.text.get(name),
            taken(boundary, self.text, self.format, &self.zone),
            self.format.quantity(register.value(), register.unit()),
        )
    }

    /// How many readings were lost, and what that means; empty when none was.
    pub(super) fn lost(&self) -> String {
        lost(self.invoice, self.text, self.format)
    }

    fn line(&self, line: &Line) -> Row {
        let name = match line.kind {
            LineKind::Consumption => self.format.dates(line.from, line.until),
            LineKind::Minimum => self.text.get("document-minimum-line"),
            _ => line.name.clone(),
        };
        let how = format!(
            "{} × {}",
            self.quantity(line.quantity),
            self.money(line.price)
        );
        row(name, how, self.money(line.amount))
    }
}

/// When a register was read, with its seal, and whether that was reckoned afterwards.
pub(super) fn taken(boundary: &Boundary, text: Text, format: Format, zone: &Zone) -> String {
    let mut parts = vec![format.date_time(read_at(boundary), zone)];
    if let Some(link) = boundary.link() {
        let link = link.to_string();
        parts.push(text.with("document-link", &[("link", Arg::from(&link))]));
    }
    let reading = boundary.reading();
    if reading.is_some_and(|reading| reading.clock == ClockTrust::Dated) {
        parts.push(text.get("document-dated"));
    }
    parts.join(" · ")
}

/// When a register was really read; where no reading stands for it, the instant it is for.
fn read_at(boundary: &Boundary) -> Timestamp {
    boundary
        .reading()
        .map_or(boundary.at, |reading| reading.read_at)
}

/// How many readings of an invoice's period were lost, and what that means; empty when none
/// was.
pub(super) fn lost(invoice: &Invoice, text: Text, format: Format) -> String {
    let count = loss::count(&invoice.losses);
    if count == 0 {
        return String::new();
    }
    let written = format.decimal(Decimal::from(count));
    let n = i64::try_from(count).unwrap_or(i64::MAX);
    let args = [("n", Arg::Count(n)), ("count", Arg::from(&written))];
    let counted = text.with("document-lost-count", &args);
    format!("{counted} {}", text.get("document-lost-effect"))
}

fn row(name: String, how: String, value: String) -> Row {
    Row {
        y: 0,
        name,
        how,
        value,
        bold: false,
        ruled: false,
    }
}

fn days(from: Date, until: Date) -> i32 {
    from.until(until).map_or(0, |span| span.get_days())
}
