//! The pages after the bill: the register at the start of each of its days.

use super::measure::{Weight, place};
use super::say::Say;
use super::{DocumentError, Paper};
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::text::Text;

/// The white border, in points; so are all lengths here.
const MARGIN: u16 = 50;
/// Where the names of the columns stand.
const NAMES: u16 = 122;
const ROW: u16 = 15;
/// Where the registers end, and where the uses do, of a hundred.
const COLUMNS: [u16; 2] = [36, 74];
/// How wide both may be, of a hundred.
const FIGURES: u16 = 20;
const LETTERS: u16 = 9;
const LETTERS_LEAST: u32 = 5;
/// Between two columns.
const GAP: u16 = 16;
/// What the foot needs, with the border.
const FOOT: u16 = 88;

/// One day, or where the period ends.
struct Row {
    y: u16,
    date: String,
    register: String,
    read: String,
    used: String,
    /// What there is to know about the figure; empty for an ordinary one.
    basis: String,
    bold: bool,
}

/// A page of days, ready to be filled in.
#[derive(askama::Template)]
#[template(path = "document/days.svg", escape = "html")]
pub(super) struct Days {
    pub(super) paper: Paper,
    text: Text,
    left: u16,
    right: u16,
    /// Where the registers end, and where the uses do.
    columns: [u16; 2],
    title: String,
    label: String,
    /// The size of the figures' letters.
    letters: u32,
    rows: Vec<Row>,
    sheet: String,
}

impl Days {
    /// The days of an invoice, as many on a page as there is room for. A credit takes back a
    /// bill that has them.
    pub(super) fn pages(invoice: &Invoice) -> Result<Vec<Self>, DocumentError> {
        if invoice.kind == DocumentKind::Credit || invoice.daily.is_empty() {
            return Ok(Vec::new());
        }
        let say = Say::new(invoice)?;
        let paper = Paper::of(&invoice.locale.region());
        let (left, right) = (MARGIN, paper.width - MARGIN);
        let content = right - left;
        let mut rows = rows(invoice, &say, content);
        let letters = letters(&rows, content);
        let room = usize::from((paper.height - NAMES - FOOT) / ROW);
        let sheets = rows.len().div_ceil(room);
        let mut pages = Vec::new();
        while !rows.is_empty() {
            let mut here: Vec<Row> = rows.drain(..room.min(rows.len())).collect();
            for (index, row) in (1..).zip(&mut here) {
                row.y = NAMES + ROW * index;
            }
            pages.push(Self {
                paper,
                text: say.text,
                left,
                right,
                columns: COLUMNS.map(|percent| left + content * percent / 100),
                title: place(Weight::Bold, 12, content).fit(&say.title()),
                label: place(Weight::Regular, 10, content).fit(&invoice.site),
                letters,
                rows: here,
                sheet: format!("{} / {}", pages.len() + 2, sheets + 1),
            });
        }
        Ok(pages)
    }
}

/// A row a day, and one with the end and what it all comes to.
fn rows(invoice: &Invoice, say: &Say<'_>, content: u16) -> Vec<Row> {
    let basis = place(Weight::Regular, 8, content * 26 / 100 - GAP);
    let days = invoice.daily.iter().map(|day| Row {
        y: 0,
        date: say.format.day(day.date),
        register: day.register.map_or_else(dash, |register| {
            say.format.quantity(register.value(), register.unit())
        }),
        read: day.read_at.map_or_else(dash, |at| say.at(at)),
        used: day.quantity.map_or_else(dash, |used| say.quantity(used)),
        basis: basis.fit(&match (day.quantity.is_some(), day.is_reckoned) {
            (false, _) => say.text.get("document-day-unknown"),
            (true, true) => say.text.get("document-day-reckoned"),
            (true, false) => String::new(),
        }),
        bold: false,
    });
    let mut rows: Vec<Row> = days.collect();
    let closing = invoice.closing();
    let register = closing.register;
    rows.push(Row {
        y: 0,
        date: say.format.day(invoice.period.until),
        register: say.format.quantity(register.value(), register.unit()),
        read: closing
            .reading()
            .map_or_else(dash, |reading| say.at(reading.read_at)),
        used: say.quantity(invoice.measured),
        basis: basis.fit(&say.text.get("document-day-end")),
        bold: true,
    });
    rows
}

/// The greatest size at which each figure has room.
fn letters(rows: &[Row], content: u16) -> u32 {
    let place = place(Weight::Bold, LETTERS, content * FIGURES / 100);
    let figures = rows.iter().flat_map(|row| [&row.register, &row.used]);
    let letters = figures.map(|figure| place.shrink(figure, LETTERS_LEAST));
    letters.min().unwrap_or(LETTERS_LEAST)
}

fn dash() -> String {
    "—".to_owned()
}
