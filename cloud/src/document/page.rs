//! What stands on the page of an invoice, and where.

use super::code::Code;
use super::measure::{Weight, place};
use super::say::{self, Say};
use super::{DocumentError, Paper};
use rust_decimal::Decimal;

use crate::billing::invoice::Invoice;
use crate::chart::{self, Frame};
use crate::text::Text;

/// The white border, in points; so are all lengths here.
const MARGIN: u16 = 50;
const LABEL_LETTERS: u16 = 22;
const LABEL_LINE: u16 = 26;
const LABEL_LINES: usize = 2;
const TOTAL_LETTERS: u16 = 30;
const ROW: u16 = 19;
/// How far apart rows are at least while the days' bars stay.
const ROW_READABLE: u16 = 12;
const ROW_LEAST: u16 = 4;
const PANEL: u16 = 84;
const HEADING: u16 = 34;
const DAILY_MAX: u16 = 140;
const DAILY_MIN: u16 = 60;
/// The line under the days' bars that says how they differ.
const LEGEND: u16 = 14;
const CHART_LETTERS: i64 = 8;
/// The mark that lies across a simulated invoice.
const MARK_LETTERS: u16 = 110;
/// What the notice and the code at the foot need, in letters of this size, and how far its rule
/// stays below what is above it.
const FOOT: u16 = 70;
const FOOT_CLEAR: u16 = 18;
const FOOT_LETTERS: u16 = 8;
const FOOT_LINE: u16 = 11;
/// How wide and high the code is, and how far below the rule of the foot it and its lines begin.
const CODE: u16 = 66;
const CODE_DOWN: u16 = 8;
const FOOT_DOWN: u16 = 14;
const IDS_DOWN: u16 = 76;
/// What a credit says of the bill that it takes back, or the bill in that one's place.
const CORRECTS_LETTERS: u16 = 9;
const CORRECTS_LINE: u16 = 12;
const CORRECTS_LINES: usize = 2;
const CORRECTS_GAP: u16 = 6;

/// A row of the calculation in its place, cut to the room that it has.
struct Row {
    y: u16,
    name: String,
    how: String,
    value: String,
    bold: bool,
    ruled: bool,
}

impl Row {
    fn new(said: say::Row, content: u16) -> Self {
        let (third, two_thirds) = (content / 3, content - content / 3);
        let value = place(Weight::Bold, 10, two_thirds).fit(&said.value);
        let length = place(Weight::Bold, 10, two_thirds).length(&value);
        let room = two_thirds.saturating_sub(length + 12);
        Self {
            y: 0,
            name: place(Weight::Bold, 10, third).fit(&said.name),
            how: place(Weight::Regular, 10, room).fit(&said.how),
            value,
            bold: said.strong,
            ruled: said.ruled,
        }
    }
}

/// A line at the foot, in its place.
struct Line {
    y: u16,
    words: String,
}

/// The code in its place.
struct Corner {
    x: u16,
    y: u16,
    /// By what its modules are drawn larger.
    scale: String,
    path: String,
}

impl Corner {
    /// At the right end of the foot whose rule is at that height.
    fn of(code: Code, right: u16, foot_y: u16) -> Self {
        let scale = Decimal::from(CODE).checked_div(Decimal::from(code.modules));
        Self {
            x: right - CODE,
            y: foot_y + CODE_DOWN,
            scale: scale.unwrap_or_default().round_dp(4).to_string(),
            path: code.path,
        }
    }
}

/// The page, ready to be filled in.
#[derive(askama::Template)]
#[template(path = "document/invoice.svg", escape = "html")]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) paper: Paper,
    text: Text,
    layout: Layout,
    left: u16,
    right: u16,
    issuer: String,
    site: String,
    number: String,
    issued: String,
    label: Vec<String>,
    about: String,
    dates: String,
    corrects: Vec<String>,
    total: String,
    total_letters: u32,
    consumption: String,
    consumption_letters: u32,
    comparison: String,
    row_letters: u16,
    rows: Vec<Row>,
    daily: String,
    legend: String,
    legend_y: u16,
    periods: String,
    foot: Vec<Line>,
    ids: String,
    code: Option<Corner>,
    simulated: String,
    mark: String,
    mark_letters: u32,
}

/// Where the parts stand that others push about.
struct Layout {
    about_y: u16,
    panel_y: u16,
    rows_y: u16,
    row: u16,
    daily_y: u16,
    daily_height: u16,
    periods_y: u16,
    /// Where the rule above the foot is.
    foot_y: u16,
    ids_y: u16,
}

impl Layout {
    /// The layout for so many lines above the panel, rows of the calculation, and periods. When
    /// there is too little room, the days' bars get lower, then the rows closer; where those could
    /// no longer be read, the days give way to them.
    fn new(paper: Paper, lines: (usize, usize), rows: usize, periods: usize) -> Self {
        let ((label, corrects), rows) = ((count(lines.0), count(lines.1)), count(rows));
        let about_y = 126_u16.saturating_add(label.saturating_mul(LABEL_LINE));
        let corrects = corrects.saturating_mul(CORRECTS_LINE) + corrects.min(1) * CORRECTS_GAP;
        let panel_y = about_y + 32 + corrects;
        let rows_y = panel_y + PANEL + HEADING;
        let periods = height(chart::periods_height(periods, CHART_LETTERS));
        let foot_y = paper.height - MARGIN - FOOT;
        let last_periods_y = foot_y - FOOT_CLEAR - periods;
        let room = last_periods_y.saturating_sub(rows_y + HEADING);
        let with_daily = HEADING + DAILY_MIN + LEGEND + rows.saturating_mul(ROW_READABLE);
        let daily_min = if room < with_daily {
            0
        } else {
            HEADING + DAILY_MIN + LEGEND
        };
        let row = (room.saturating_sub(daily_min) / rows.max(1)).clamp(ROW_LEAST, ROW);
        let rows_end = rows_y + rows.saturating_mul(row);
        let daily_y = rows_end + HEADING;
        let room = last_periods_y.saturating_sub(daily_y + LEGEND + HEADING);
        let daily_height = if daily_min == 0 {
            0
        } else {
            room.clamp(DAILY_MIN, DAILY_MAX)
        };
        let periods_y = match daily_height {
            0 => rows_end + HEADING,
            height => daily_y + height + LEGEND + HEADING,
        };
        Self {
            about_y,
            panel_y,
            rows_y,
            row,
            daily_y,
            daily_height,
            periods_y,
            foot_y,
            ids_y: foot_y + IDS_DOWN,
        }
    }
}

impl Page {
    pub(super) fn new(invoice: &Invoice, check_at: Option<&str>) -> Result<Self, DocumentError> {
        let say = Say::new(invoice)?;
        let paper = Paper::of(&invoice.locale.region());
        let (left, right) = (MARGIN, paper.width - MARGIN);
        let content = right - left;
        let label =
            place(Weight::Bold, LABEL_LETTERS, content).wrap(&invoice.meter_label, LABEL_LINES);
        let rows = say.rows().into_iter();
        let rows: Vec<Row> = rows.map(|row| Row::new(row, content)).collect();
        let periods = chart::periods_of(invoice);
        let corrects = corrects(&say, content);
        let lines = (label.len(), corrects.len());
        let layout = Layout::new(paper, lines, rows.len(), periods.len());
        let code = check_at.and_then(Code::of);
        let code = code.map(|code| Corner::of(code, right, layout.foot_y));
        let beside = content - CODE - 16;
        let half = content / 2 - 24;
        let plain =
            |letters: u16, width: u16, text: &str| place(Weight::Regular, letters, width).fit(text);
        let frame = |height: u16| Frame {
            width: i64::from(content),
            height: i64::from(height),
            letters: CHART_LETTERS,
        };
        let total = say.money(invoice.total);
        let consumption = say.quantity(invoice.measured);
        let mark = say.text.get("document-simulated-mark");
        Ok(Self {
            title: say.title(),
            paper,
            left,
            right,
            issuer: place(Weight::Bold, 12, content * 6 / 10).fit(&invoice.issuer),
            site: plain(10, content * 6 / 10, &invoice.site),
            number: say.number(),
            issued: say.issued(),
            label,
            about: plain(10, content, &say.about()),
            dates: say.dates(),
            corrects,
            total_letters: place(Weight::Bold, TOTAL_LETTERS, half).shrink(&total, 8),
            total,
            consumption_letters: place(Weight::Bold, 20, half).shrink(&consumption, 8),
            consumption,
            comparison: plain(9, half, &say.comparison()),
            row_letters: (layout.row * 10 / ROW).max(3),
            rows: placed(rows, layout.rows_y, layout.row),
            daily: chart::daily(
                &invoice.daily,
                invoice.unit,
                &say.format,
                frame(layout.daily_height),
            ),
            legend: chart::legend(&invoice.daily, say.text).unwrap_or_default(),
            legend_y: layout.daily_y + layout.daily_height + 12,
            periods: chart::periods(&periods, invoice.unit, &say.format, frame(0)),
            foot: foot(&say, layout.foot_y + FOOT_DOWN, beside, code.is_some()),
            ids: plain(7, beside, &say.ids()),
            code,
            simulated: if invoice.simulated {
                say.text.get("document-simulated")
            } else {
                String::new()
            },
            mark_letters: place(Weight::Bold, MARK_LETTERS, content).shrink(&mark, 20),
            mark,
            layout,
            text: say.text,
        })
    }
}

/// What it takes back or stands for, in as many lines as there is room for.
fn corrects(say: &Say<'_>, content: u16) -> Vec<String> {
    match say.corrects() {
        none if none.is_empty() => Vec::new(),
        words => place(Weight::Bold, CORRECTS_LETTERS, content).wrap(&words, CORRECTS_LINES),
    }
}

/// What stands at the foot: what this is not, how to check it, whom to ask, and what was lost.
fn foot(say: &Say<'_>, first: u16, width: u16, has_code: bool) -> Vec<Line> {
    let fit = place(Weight::Regular, FOOT_LETTERS, width);
    let mut words = vec![
        fit.fit(&say.text.get("document-notice")),
        fit.fit(&say.text.get("document-compare")),
    ];
    if has_code {
        words.extend(fit.wrap(&say.text.get("document-code"), 2));
    }
    let others = [say.contact(), say.lost()].into_iter();
    words.extend(
        others
            .filter(|one| !one.is_empty())
            .map(|one| fit.fit(&one)),
    );
    let lines = (0..).zip(words);
    let line = |(index, words): (u16, String)| Line {
        y: first + index * FOOT_LINE,
        words,
    };
    lines.map(line).collect()
}

/// The rows one under the other, as far apart as there is room.
fn placed(mut rows: Vec<Row>, top: u16, row: u16) -> Vec<Row> {
    for (index, one) in (1..).zip(&mut rows) {
        one.y = top + row.saturating_mul(index);
    }
    rows
}

fn count(things: usize) -> u16 {
    u16::try_from(things).unwrap_or(u16::MAX)
}

fn height(units: i64) -> u16 {
    u16::try_from(units).unwrap_or(0)
}
