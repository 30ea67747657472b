//! From the registers to the total, a row each.

use common::reading::ClockTrust;
use common::unit::Unit;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Say;
use crate::billing::invoice::{Line, LineKind, Share};
use crate::billing::segment::{Basis, Boundary, Segment, Segments};
use crate::currency::Currency;
use crate::format::Format;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// Registers between the first and the last that are shown; the hours of a tariff make hundreds.
const REGISTERS_BETWEEN_MAX: usize = 6;
/// What a tax's share is of.
const PERCENT_OF: Decimal = Decimal::ONE_HUNDRED;

/// A row of the calculation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What it is.
    pub(crate) name: String,
    /// How it comes about.
    pub(crate) how: String,
    /// What it comes to.
    pub(crate) value: String,
    /// Whether it is a sum.
    pub(crate) strong: bool,
    /// Whether a rule stands above it.
    pub(crate) ruled: bool,
}

pub(super) fn row(name: String, how: String, value: String) -> Row {
    Row {
        name,
        how,
        value,
        strong: false,
        ruled: false,
    }
}

impl Say<'_> {
    /// From the registers to the total.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let (invoice, calculation) = (self.invoice, self.calculation());
        let mut rows = calculation.registers(&invoice.segments);
        let how = calculation.difference(&invoice.segments);
        rows.push(calculation.consumption(how, invoice.measured));
        let is_applied = invoice.billed > invoice.measured;
        rows.extend(calculation.minimum(invoice.minimum, is_applied));
        for (index, line) in invoice.lines.iter().enumerate() {
            rows.push(Row {
                ruled: index == 0,
                ..calculation.line(line)
            });
        }
        rows.push(calculation.total("document-total", invoice.total));
        rows
    }

    pub(super) fn calculation(&self) -> Calculation<'_> {
        Calculation {
            text: self.text,
            format: self.format,
            zone: &self.zone,
            unit: self.invoice.unit,
            currency: self.invoice.currency,
        }
    }
}

/// How registers and lines are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calculation<'a> {
    pub(crate) text: Text,
    pub(crate) format: Format,
    /// The zone of the instants.
    pub(crate) zone: &'a Zone,
    /// The unit of the quantities.
    pub(crate) unit: Unit,
    /// The currency of the amounts.
    pub(crate) currency: Currency,
}

impl Calculation<'_> {
    fn money(&self, amount: Decimal) -> String {
        self.format.money(amount, self.currency)
    }

    fn quantity(&self, value: Decimal) -> String {
        self.format.quantity(value, self.unit)
    }

    /// What went through, and how that comes about.
    pub(crate) fn consumption(&self, how: String, measured: Decimal) -> Row {
        let name = self.text.get("document-consumption");
        Row {
            strong: true,
            ruled: true,
            ..row(name, how, self.quantity(measured))
        }
    }

    /// What it all comes to.
    pub(crate) fn total(&self, name: &str, total: Decimal) -> Row {
        Row {
            strong: true,
            ruled: true,
            ..row(self.text.get(name), String::new(), self.money(total))
        }
    }

    /// The registers, the last one first.
    fn registers(&self, segments: &Segments) -> Vec<Row> {
        let mut rows = vec![self.register("document-closing", &segments.last().closing)];
        let between = segments.later().len();
        if between > REGISTERS_BETWEEN_MAX {
            let n = i64::try_from(between).unwrap_or(i64::MAX);
            let name = self.text.get("document-switches");
            let how = self
                .text
                .with("document-switches-how", &[("n", Arg::Count(n))]);
            rows.push(row(name, how, String::new()));
        } else {
            let all: Vec<&Segment> = segments.iter().collect();
            for pair in all.windows(2).rev() {
                let [before, after] = pair else { continue };
                rows.extend(self.between(before, after));
            }
        }
        rows.push(self.register("document-opening", &segments.first().opening));
        rows
    }

    /// Where one segment ends and the next begins: at one register, or at two when the device was
    /// exchanged or set anew.
    fn between(&self, before: &Segment, after: &Segment) -> Vec<Row> {
        let (closing, opening) = (&before.closing, &after.opening);
        if closing.register == opening.register && closing.device() == opening.device() {
            return vec![self.register("document-switch", opening)];
        }
        vec![
            self.register("document-exchange-opening", opening),
            self.register("document-exchange-closing", closing),
        ]
    }

    /// A register, and what it rests on.
    pub(crate) fn register(&self, name: &str, boundary: &Boundary) -> Row {
        let register = boundary.register;
        row(
            self.text.get(name),
            self.taken(boundary),
            self.format.quantity(register.value(), register.unit()),
        )
    }

    /// When a register was read, with its seal, and what stands for it where it was not.
    fn taken(&self, boundary: &Boundary) -> String {
        let reading = boundary.reading();
        let at: Timestamp = reading.map_or(boundary.at, |reading| reading.read_at);
        let mut parts = vec![self.format.date_time(at, self.zone)];
        if let Some(link) = boundary.link() {
            let link = link.to_string();
            parts.push(
                self.text
                    .with("document-link", &[("link", Arg::from(&link))]),
            );
        }
        if reading.is_some_and(|reading| reading.clock == ClockTrust::Dated) {
            parts.push(self.text.get("document-dated"));
        }
        match &boundary.basis {
            Basis::Read { .. } => {}
            Basis::Interpolated { bound, .. } => {
                let unit = boundary.register.unit();
                let bound = self.format.quantity(*bound, unit);
                let args = [("bound", Arg::from(&bound))];
                parts.push(self.text.with("document-interpolated", &args));
            }
            Basis::Estimated { .. } => parts.push(self.text.get("document-estimated")),
            Basis::Noted { .. } => parts.push(self.text.get("document-noted")),
        }
        parts.join(" · ")
    }

    /// How the consumption comes about.
    fn difference(&self, segments: &Segments) -> String {
        let first = segments.first();
        let mut parts = Vec::new();
        let is_one_counter = segments.later().iter().all(|later| {
            later.serial_number == first.serial_number && later.multiplier == first.multiplier
        });
        let is_multiplied = first.multiplier != Decimal::ONE;
        if !is_one_counter {
            parts.push(self.text.get("document-difference-each"));
        } else if is_multiplied {
            let times = self.format.decimal(first.multiplier);
            let args = [("times", Arg::from(&times))];
            parts.push(self.text.with("document-difference-times", &args));
        } else {
            parts.push(self.text.get("document-difference"));
        }
        let rollovers = segments.iter().find_map(|segment| segment.rollovers);
        if let Some(rollovers) = rollovers {
            let at = self.format.decimal(rollovers.at);
            parts.push(
                self.text
                    .with("document-rolled-over", &[("at", Arg::from(&at))]),
            );
        }
        parts.join(" · ")
    }

    fn minimum(&self, minimum: Decimal, is_applied: bool) -> Option<Row> {
        let how = if is_applied {
            "document-minimum-applies"
        } else {
            "document-minimum-not"
        };
        let name = self.text.get("document-minimum");
        let value = self.quantity(minimum);
        (minimum > Decimal::ZERO).then(|| row(name, self.text.get(how), value))
    }

    /// A line, and how its amount comes about.
    pub(crate) fn line(&self, line: &Line) -> Row {
        let dates = || self.format.dates(line.from, line.until);
        let name = match line.kind {
            LineKind::Consumption if line.name.is_empty() => dates(),
            LineKind::Consumption => format!("{} · {}", line.name, dates()),
            LineKind::Minimum => self.text.get("document-minimum-line"),
            LineKind::Demand => self.text.get("document-demand"),
            LineKind::CommonArea => self.text.get("document-common-area"),
            LineKind::MinimumAmount => self.text.get("document-minimum-amount"),
            LineKind::Fee | LineKind::Adjustment | LineKind::Tax => line.name.clone(),
        };
        let mut parts = vec![self.reckoned(line)];
        parts.extend(line.share.map(|share| self.share(share)));
        if line.is_detail {
            parts.push(self.text.get("document-detail"));
        }
        parts.retain(|part| !part.is_empty());
        row(name, parts.join(" · "), self.money(line.amount))
    }

    /// Quantity times price, as the kind of line has them.
    fn reckoned(&self, line: &Line) -> String {
        let price = |unit: Unit| match line.per == Decimal::ONE {
            true => self.money(line.price),
            false => {
                let price = self.money(line.price);
                format!("{price} / {}", self.format.quantity(line.per, unit))
            }
        };
        match line.kind {
            LineKind::Consumption | LineKind::Minimum | LineKind::CommonArea => {
                format!("{} × {}", self.quantity(line.quantity), price(self.unit))
            }
            LineKind::Demand => {
                let peak = self.format.decimal(line.quantity);
                format!("{peak} kW × {}", price(Unit::KiloWh))
            }
            LineKind::Tax => {
                let rate = line
                    .price
                    .checked_mul(PERCENT_OF)
                    .and_then(|rate| rate.checked_div(line.per));
                let rate = self.format.percent(rate.unwrap_or(line.price));
                let base = self.money(line.quantity);
                let args = [("rate", Arg::from(&rate)), ("base", Arg::from(&base))];
                self.text.with("document-tax-of", &args)
            }
            LineKind::Fee | LineKind::Adjustment | LineKind::MinimumAmount => String::new(),
        }
    }

    fn share(&self, share: Share) -> String {
        let (days, of) = (share.days.to_string(), share.of.to_string());
        let args = [("days", Arg::from(&days)), ("of", Arg::from(&of))];
        self.text.with("document-share", &args)
    }
}
