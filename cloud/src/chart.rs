//! Charts as SVG: what the page, the PDF and later the messages show of a meter's use.
//!
//! Promises: a day without a closing reading is a hatched slot, never a bar of height zero; a
//! day whose register was reckoned is a hollow bar; a day without use is a thin line; every
//! number on an axis is a round one. Colours stand as attributes, and classes beside them let a
//! page's style sheet replace them (`bar`, `now`, `reckoned`, `gap`, `grid`, `value`, `label`);
//! everything else is `currentColor`. No style attributes, no
//! script and no ids, so a page may hold many charts and forbid inline styles.

use std::fmt::Write as _;

use common::unit::Unit;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::billing::invoice::DailyUse;
use crate::format::Format;
use crate::text::{Arg, Text};
use axis::Axis;

pub use periods::{PeriodUse, periods, periods_height, periods_of};

mod axis;
mod periods;
#[cfg(test)]
mod tests;

/// The colour of what the chart is about.
const ACCENT: &str = "#0b5fff";
/// What a bar has besides whose register was reckoned.
const HOLLOW: &str = r##" fill-opacity="0.12" stroke="#0b5fff" stroke-width="0.8""##;
/// How wide a digit is, in hundredths of the size of its letters (Noto Sans: 57; others less).
const DIGIT_WIDTH: i64 = 58;

/// The size of a chart in its own units, and of its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Units across. A phone shows 310 of them, so that letters stay readable.
    pub width: i64,
    /// Units down; charts of rows ignore it.
    pub height: i64,
    /// The size of letters.
    pub letters: i64,
}

impl Frame {
    /// For a page: as wide as a card on a phone.
    pub const PAGE: Self = Self {
        width: 310,
        height: 150,
        letters: 12,
    };
}

/// The use of each day as bars.
#[must_use]
pub fn daily(daily: &[DailyUse], unit: Unit, format: &Format, frame: Frame) -> String {
    let most = daily.iter().filter_map(|day| day.quantity).max();
    let axis = Axis::up_to(most.unwrap_or_default());
    let letters = frame.letters;
    let plot = Plot {
        left: gutter(&axis, *format, letters),
        top: letters + letters / 2,
        width: frame.width,
        base: frame.height - letters * 2,
    };
    let mut svg = open(frame.width, frame.height, letters);
    describe(&mut svg, daily, unit, *format);
    plot.grid(&mut svg, &axis, unit, *format, letters);
    plot.bars(&mut svg, daily, &axis, unit, *format);
    plot.dates(&mut svg, daily, *format, letters);
    svg.push_str("</svg>");
    svg
}

/// What stands under a daily chart that has days unlike the others; `None` where it has none.
#[must_use]
pub fn legend(daily: &[DailyUse], text: Text) -> Option<String> {
    let count = |is_such: fn(&DailyUse) -> bool| {
        let days = daily.iter().filter(|day| is_such(day)).count();
        i64::try_from(days).unwrap_or(i64::MAX)
    };
    let gaps = count(|day| day.quantity.is_none());
    let reckoned = count(is_hollow);
    let mut parts = Vec::new();
    if reckoned > 0 {
        parts.push(text.with("document-reckoned", &[("days", reckoned.into())]));
    }
    if gaps > 0 {
        parts.push(text.with("document-gaps", &[("days", gaps.into())]));
    }
    (!parts.is_empty()).then(|| parts.join(". "))
}

/// Whether a day's use is known, but not from two readings.
fn is_hollow(day: &DailyUse) -> bool {
    day.is_reckoned && day.quantity.is_some()
}

/// Where the bars stand.
struct Plot {
    left: i64,
    top: i64,
    width: i64,
    base: i64,
}

impl Plot {
    fn grid(&self, svg: &mut String, axis: &Axis, unit: Unit, format: Format, letters: i64) {
        for mark in axis.marks() {
            let up = share(mark, axis.top(), self.base - self.top);
            let y = Decimal::from(self.base) - up;
            let opacity = if mark.is_zero() { "0.6" } else { "0.18" };
            let _ = write!(
                svg,
                concat!(
                    r#"<path class="grid" d="M{} {y}H{}" fill="none" stroke="currentColor" "#,
                    r#"stroke-width="0.75" stroke-opacity="{opacity}"/>"#,
                    r#"<text class="label" x="{}" y="{}" text-anchor="end">{}</text>"#,
                ),
                self.left,
                self.width,
                self.left - letters / 2,
                y + Decimal::new(letters * 35, 2),
                escape(&format.decimal(mark)),
                y = y,
                opacity = opacity,
            );
        }
        let _ = write!(
            svg,
            r#"<text class="label" x="{}" y="{}" text-anchor="end">{}</text>"#,
            self.width,
            letters - letters / 4,
            escape(unit.symbol()),
        );
    }

    /// Where the slot of the bar begins, and how wide it is.
    fn slot(&self, index: i64, count: i64) -> (Decimal, Decimal) {
        let each = Decimal::from(self.width - self.left) / Decimal::from(count.max(1));
        let start = Decimal::from(self.left) + each * Decimal::from(index);
        (start, each)
    }

    fn bars(&self, svg: &mut String, daily: &[DailyUse], axis: &Axis, unit: Unit, format: Format) {
        let count = i64::try_from(daily.len()).unwrap_or(i64::MAX);
        let mut hatching = String::new();
        for (index, day) in (0..).zip(daily) {
            let (start, each) = self.slot(index, count);
            let margin = each * Decimal::new(12, 2);
            let (x, wide) = (tenth(start + margin), tenth(each - margin - margin));
            let date = format.day(day.date);
            let Some(quantity) = day.quantity else {
                self.hatch(&mut hatching, x, wide);
                continue;
            };
            let tall = if quantity.is_zero() {
                Decimal::ONE
            } else {
                share(quantity, axis.top(), self.base - self.top).max(Decimal::ONE)
            };
            let (class, paint) = match is_hollow(day) {
                true => ("reckoned", HOLLOW),
                false if quantity.is_zero() => ("zero", ""),
                false => ("now", ""),
            };
            let _ = write!(
                svg,
                concat!(
                    r#"<rect class="{}" fill="{}"{} x="{}" y="{}" width="{}" height="{}">"#,
                    "<title>{}: {}</title></rect>",
                ),
                class,
                ACCENT,
                paint,
                x,
                Decimal::from(self.base) - tall,
                wide,
                tall,
                escape(&date),
                escape(&format.quantity(quantity, unit)),
            );
        }
        if !hatching.is_empty() {
            let _ = write!(
                svg,
                concat!(
                    r#"<path class="gap" d="{}" fill="none" stroke="currentColor" "#,
                    r#"stroke-width="0.6" stroke-opacity="0.45"/>"#,
                ),
                hatching,
            );
        }
    }

    /// An outlined slot with strokes across it.
    fn hatch(&self, path: &mut String, x: Decimal, wide: Decimal) {
        let (top, base) = (Decimal::from(self.top), Decimal::from(self.base));
        let _ = write!(path, "M{x} {base}V{top}h{wide}V{base}");
        let pace = Decimal::from(5);
        let mut y = base;
        while y - wide > top {
            let _ = write!(path, "M{x} {y}l{wide} -{wide}");
            y -= pace;
        }
    }

    /// The first day by name, then the day of the month every few days, by name again where a
    /// month begins.
    fn dates(&self, svg: &mut String, daily: &[DailyUse], format: Format, letters: i64) {
        let count = i64::try_from(daily.len()).unwrap_or(i64::MAX);
        let pace = if count <= 45 { 7 } else { count / 5 };
        let mut month = None;
        for (index, day) in (0..).zip(daily).filter(|(index, _)| index % pace == 0) {
            let (start, each) = self.slot(index, count);
            let name = if month == Some(day.date.month()) {
                day.date.day().to_string()
            } else {
                format.day(day.date)
            };
            month = Some(day.date.month());
            let _ = write!(
                svg,
                r#"<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>"#,
                tenth(start + each / Decimal::TWO),
                self.base + letters + letters / 2,
                escape(&name),
            );
        }
    }
}

fn open(width: i64, height: i64, letters: i64) -> String {
    format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" "#,
            r#"viewBox="0 0 {w} {h}" width="{w}" height="{h}" "#,
            r#"font-size="{l}" fill="currentColor">"#,
        ),
        w = width,
        h = height,
        l = letters,
    )
}

/// What somebody who cannot see the bars is told.
fn describe(svg: &mut String, daily: &[DailyUse], unit: Unit, format: Format) {
    let text = Text::new(format.locale());
    let title = text.get("document-chart-daily");
    let _ = write!(svg, "<title>{}</title>", escape(&title));
    let highest = daily
        .iter()
        .filter_map(|day| Some((day.quantity?, day.date)))
        .max();
    let mut parts = Vec::new();
    if let Some((quantity, date)) = highest {
        let quantity = format.quantity(quantity, unit);
        let date = format.date(date);
        let args = [
            ("quantity", Arg::from(&quantity)),
            ("date", Arg::from(&date)),
        ];
        parts.push(text.with("document-chart-highest", &args));
    }
    parts.extend(legend(daily, text));
    let _ = write!(svg, "<desc>{}</desc>", escape(&parts.join(". ")));
}

/// The room left of the bars that the axis's numbers need.
fn gutter(axis: &Axis, format: Format, letters: i64) -> i64 {
    let names: Vec<String> = axis.marks().map(|mark| format.decimal(mark)).collect();
    // Half of the first date reaches into it too.
    widest(&names, letters).max(letters * 2)
}

fn widest(names: &[String], letters: i64) -> i64 {
    let characters = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    i64::try_from(characters).unwrap_or(0) * letters * DIGIT_WIDTH / 100 + letters
}

/// `length` × `part` / `whole`, to a tenth.
fn share(part: Decimal, whole: Decimal, length: i64) -> Decimal {
    let share = part.checked_div(whole).unwrap_or_default();
    tenth(share * Decimal::from(length))
}

fn tenth(value: Decimal) -> Decimal {
    value
        .round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

/// The text as it may stand in XML.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML 1.0 has no way to write them.
            other if other.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}
