//! Periods as rows, one below the other: long names of days have room, and so have figures.

use std::fmt::Write as _;

use common::unit::Unit;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{ACCENT, Frame, escape, open, share, widest};
use crate::billing::invoice::Invoice;
use crate::currency::Currency;
use crate::format::Format;
use crate::text::Text;

/// The colour of what the period is compared with.
const QUIET: &str = "#9db4d6";

/// A period as a bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodUse {
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// What was measured.
    pub measured: Decimal,
    /// What it cost, shown where there is room.
    pub total: Option<(Decimal, Currency)>,
    /// Whether it is the one that the page is about.
    pub now: bool,
}

/// The invoice's period and those before it, the newest first.
#[must_use]
pub fn periods_of(invoice: &Invoice) -> Vec<PeriodUse> {
    let now = PeriodUse {
        from: invoice.period.from,
        until: invoice.period.until,
        measured: invoice.measured,
        total: Some((invoice.total, invoice.currency)),
        now: true,
    };
    let earlier = invoice.earlier.iter().map(|period| PeriodUse {
        from: period.from,
        until: period.until,
        measured: period.measured,
        total: Some((period.total, invoice.currency)),
        now: false,
    });
    std::iter::once(now).chain(earlier).collect()
}

/// Periods as rows: their days, a bar, what was measured, and, where there is room, what it
/// cost. Its height is [`periods_height`].
#[must_use]
pub fn periods(periods: &[PeriodUse], unit: Unit, format: &Format, frame: Frame) -> String {
    let letters = frame.letters;
    let each = |text: &dyn Fn(&PeriodUse) -> String| periods.iter().map(text).collect();
    let names: Vec<String> = each(&|one| format.dates(one.from, one.until));
    let values: Vec<String> = each(&|one| format.quantity(one.measured, unit));
    let costs: Vec<String> = each(&|one| {
        one.total.map_or(String::new(), |(total, currency)| {
            format.money(total, currency)
        })
    });
    let left = widest(&names, letters);
    let room = frame.width - left - widest(&values, letters) - letters;
    let cost = widest(&costs, letters) + letters;
    let with_cost = room - cost >= frame.width / 4;
    let columns = Columns {
        left,
        room: (if with_cost { room - cost } else { room }).max(1),
        value: if with_cost {
            frame.width - cost
        } else {
            frame.width
        },
        cost: with_cost.then_some(frame.width),
    };
    let most = periods
        .iter()
        .map(|one| one.measured)
        .max()
        .unwrap_or_default();
    let mut svg = open(frame.width, periods_height(periods.len(), letters), letters);
    let title = Text::new(format.locale()).get("document-chart-periods");
    let _ = write!(svg, "<title>{}</title>", escape(&title));
    let texts = names.iter().zip(&values).zip(&costs);
    for (row, (period, ((name, value), cost))) in (0..).zip(periods.iter().zip(texts)) {
        let weight = if period.now {
            r#" font-weight="bold""#
        } else {
            ""
        };
        let _ = write!(svg, "<g{weight}>");
        columns.bar(&mut svg, row, letters, period, most);
        Columns::text(&mut svg, row, letters, ("label", "start", 0), name);
        Columns::text(
            &mut svg,
            row,
            letters,
            ("value", "end", columns.value),
            value,
        );
        if let Some(end) = columns.cost {
            Columns::text(&mut svg, row, letters, ("value", "end", end), cost);
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    svg
}

/// Where the parts of a row begin or end.
struct Columns {
    left: i64,
    room: i64,
    value: i64,
    cost: Option<i64>,
}

impl Columns {
    fn bar(&self, svg: &mut String, row: i64, letters: i64, period: &PeriodUse, most: Decimal) {
        let (class, colour) = if period.now {
            ("now", ACCENT)
        } else {
            ("bar", QUIET)
        };
        let thick = letters + letters / 4;
        let _ = write!(
            svg,
            r#"<rect class="{}" fill="{}" x="{}" y="{}" width="{}" height="{}"/>"#,
            class,
            colour,
            self.left,
            row * row_height(letters) + (row_height(letters) - thick) / 2,
            share(period.measured, most, self.room).max(Decimal::ONE),
            thick,
        );
    }

    fn text(
        svg: &mut String,
        row: i64,
        letters: i64,
        (class, anchor, x): (&str, &str, i64),
        text: &str,
    ) {
        let y = row * row_height(letters) + row_height(letters) / 2 + letters / 3;
        let _ = write!(
            svg,
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{}</text>"#,
            escape(text),
        );
    }
}

/// How high a chart of that many periods is.
#[must_use]
pub fn periods_height(periods: usize, letters: i64) -> i64 {
    i64::try_from(periods).unwrap_or(0) * row_height(letters)
}

fn row_height(letters: i64) -> i64 {
    letters * 2
}
