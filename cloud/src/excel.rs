//! Excel: the only place that writes a workbook.
//!
//! Promises: numbers are numbers and dates are dates, so that a sheet can be summed and
//! sorted; what people named stays text, also when it begins with `=` or looks like an
//! address; a missing closing reading is an empty cell with its reason, never a zero. The
//! caller decides what a person may see: everything given here is written.
//!
//! A cell holds a binary double, because a workbook knows nothing else. It is the one nearest
//! to the decimal, and Excel shows its 15 significant digits: a register with more loses the
//! last ones here, and only here.

use common::locale::Locale;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use crate::billing::invoice::Invoice;
use crate::billing::loss;
use crate::currency::Currency;
use crate::plan::Plan;
use crate::site::Zone;
use crate::text::Text;
use sheet::{Cell, Column, Sheet, Styles, excel_time};

mod sheet;
#[cfg(test)]
mod tests;

/// What a sheet holds below its header (Excel's limit is 2²⁰ rows).
pub const ROWS_MAX: usize = 1_048_575;

/// Why there is no workbook.
#[derive(Debug, thiserror::Error)]
pub enum ExcelError {
    /// A sheet would be longer than Excel allows.
    #[error("{0} rows do not fit on a sheet of 1,048,575: choose fewer meters or a shorter time")]
    TooManyRows(usize),
    /// A date before 1900 or after 9999, or the temporary file could not be written.
    #[error("cannot write the workbook")]
    Write(#[from] XlsxError),
}

/// What a workbook is made from. The portal fills it with what the person may see, the
/// invoices in the order in which they shall stand.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The language and region of its words.
    pub locale: Locale,
    /// The zone in which `generated_at` is shown.
    pub zone: Zone,
    /// When it was asked for.
    pub generated_at: Timestamp,
    /// The integrator's name.
    pub account: String,
    /// One row each; [`InvoiceRow::from`] makes it from an invoice.
    pub invoices: Vec<InvoiceRow>,
    /// One row for each meter and day.
    pub meters: Vec<MeterReadings>,
}

/// An invoice as a row.
#[derive(Debug, Clone)]
pub struct InvoiceRow {
    /// Its number in the account.
    pub number: u64,
    /// The building.
    pub site: String,
    /// The meter's label.
    pub meter: String,
    /// What the meter measures.
    pub medium: Medium,
    /// The first day of the period.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// The register at the start.
    pub opening: Decimal,
    /// The register at the end.
    pub closing: Decimal,
    /// What went through the meter.
    pub measured: Decimal,
    /// The least that is billed.
    pub minimum: Decimal,
    /// What is billed.
    pub billed: Decimal,
    /// The unit of all of them.
    pub unit: Unit,
    /// The price of a unit.
    pub price: Option<Decimal>,
    /// What is to be paid.
    pub total: Decimal,
    /// What it is to be paid in.
    pub currency: Currency,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The meter's zone.
    pub zone: String,
    /// Whether a simulation invented its readings.
    pub simulated: bool,
    /// Whether a reading that decides it was dated afterwards.
    pub dated: bool,
    /// The places of its two registers in the chain of seals.
    pub links: [Option<u64>; 2],
    /// Readings that were lost in its period.
    pub lost: u64,
}

impl From<&Invoice> for InvoiceRow {
    fn from(invoice: &Invoice) -> Self {
        Self {
            number: invoice.number,
            site: invoice.site.clone(),
            meter: invoice.meter_label.clone(),
            medium: invoice.medium,
            from: invoice.period.from,
            until: invoice.period.until,
            opening: invoice.opening().register.value(),
            closing: invoice.closing().register.value(),
            measured: invoice.measured,
            minimum: invoice.minimum,
            billed: invoice.billed,
            unit: invoice.unit,
            price: invoice.plans.last().and_then(Plan::flat_price),
            total: invoice.total,
            currency: invoice.currency,
            issued_at: invoice.issued_at,
            zone: invoice.zone.clone(),
            simulated: invoice.simulated,
            dated: invoice.is_dated(),
            links: [invoice.opening().link(), invoice.closing().link()],
            lost: loss::count(&invoice.losses),
        }
    }
}

/// The closing readings of one meter.
#[derive(Debug, Clone)]
pub struct MeterReadings {
    /// The building.
    pub site: String,
    /// The meter's label.
    pub meter: String,
    /// The unit of its register.
    pub unit: Unit,
    /// The zone whose midnights end its days.
    pub zone: Zone,
    /// In the order of their dates, one a date; a date that is left out is a gap.
    pub closings: Vec<Closing>,
}

/// A register reading at the start of a day.
#[derive(Debug, Clone)]
pub struct Closing {
    /// The day that starts with it.
    pub date: Date,
    /// What the register held.
    pub register: Decimal,
    /// When it was really taken.
    pub read_at: Timestamp,
    /// Whether a simulation invented it.
    pub simulated: bool,
}

/// The workbook, as the bytes of an `.xlsx` file.
///
/// # Errors
/// When a sheet would be too long, a date is none that Excel knows, or the disk is full.
pub fn workbook(contents: &Contents) -> Result<Vec<u8>, ExcelError> {
    let text = Text::new(contents.locale);
    let styles = Styles::new();
    let mut workbook = Workbook::new();
    let local = contents
        .generated_at
        .to_zoned_datetime(contents.zone.rules().clone());
    workbook.set_properties(
        &DocProperties::new()
            .set_title(text.get("excel-title"))
            .set_author(contents.account.clone())
            .set_creation_datetime(&excel_time(local.datetime())?),
    );
    invoices(&mut workbook, contents, text, &styles)?;
    daily(&mut workbook, contents, text, &styles)?;
    about(&mut workbook, contents, text, &styles)?;
    Ok(workbook.save_to_buffer()?)
}

const INVOICE_COLUMNS: [Column; 22] = [
    Column("excel-number", 9),
    Column("excel-site", 20),
    Column("excel-meter", 24),
    Column("excel-medium", 12),
    Column("excel-from", 12),
    Column("excel-to", 12),
    Column("excel-days", 8),
    Column("excel-opening", 14),
    Column("excel-closing", 14),
    Column("excel-consumption", 14),
    Column("excel-minimum", 12),
    Column("excel-billed", 14),
    Column("excel-unit", 8),
    Column("excel-price", 11),
    Column("excel-total", 14),
    Column("excel-currency", 10),
    Column("excel-issued", 17),
    Column("excel-zone", 22),
    Column("excel-opening-link", 10),
    Column("excel-closing-link", 10),
    Column("excel-lost", 10),
    Column("excel-note", 26),
];

fn invoices(
    workbook: &mut Workbook,
    contents: &Contents,
    text: Text,
    styles: &Styles,
) -> Result<(), ExcelError> {
    room_for(contents.invoices.len())?;
    let name = text.get("excel-sheet-invoices");
    let mut sheet = Sheet::new(workbook, &name, &INVOICE_COLUMNS, text, styles)?;
    for row in &contents.invoices {
        let last = row.until.yesterday().unwrap_or(row.until);
        let [opening_link, closing_link] = row.links;
        let mut total = row.total;
        total.rescale(row.currency.digits().max(row.total.scale()));
        sheet.row(&[
            Cell::Count(row.number),
            Cell::Text(row.site.clone()),
            Cell::Text(row.meter.clone()),
            Cell::Text(medium(row.medium, text)),
            Cell::Day(row.from),
            Cell::Day(last),
            Cell::Count(days(row.from, row.until)),
            Cell::Number(row.opening),
            Cell::Number(row.closing),
            Cell::Number(row.measured),
            Cell::Number(row.minimum),
            Cell::Number(row.billed),
            Cell::Text(row.unit.symbol().to_owned()),
            row.price.map_or(Cell::Empty, Cell::Number),
            Cell::Number(total),
            Cell::Text(row.currency.code().to_owned()),
            time_in(row.issued_at, &row.zone),
            Cell::Text(row.zone.clone()),
            opening_link.map_or(Cell::Empty, Cell::Count),
            closing_link.map_or(Cell::Empty, Cell::Count),
            Cell::Count(row.lost),
            note(row, text),
        ])?;
    }
    Ok(sheet.finish()?)
}

const DAILY_COLUMNS: [Column; 10] = [
    Column("excel-site", 20),
    Column("excel-meter", 24),
    Column("excel-date", 12),
    Column("excel-register", 16),
    Column("excel-use", 14),
    Column("excel-unit", 8),
    Column("excel-read-local", 19),
    Column("excel-zone", 22),
    Column("excel-read-utc", 21),
    Column("excel-note", 30),
];

fn daily(
    workbook: &mut Workbook,
    contents: &Contents,
    text: Text,
    styles: &Styles,
) -> Result<(), ExcelError> {
    room_for(
        contents
            .meters
            .iter()
            .map(day_count)
            .fold(0, usize::saturating_add),
    )?;
    let name = text.get("excel-sheet-daily");
    let mut sheet = Sheet::new(workbook, &name, &DAILY_COLUMNS, text, styles)?;
    for meter in &contents.meters {
        let mut closings = meter.closings.iter().peekable();
        while let Some(closing) = closings.next() {
            let next = closings.peek().copied();
            daily_row(&mut sheet, meter, closing, next, text)?;
            let Some(next) = next else { break };
            let mut missing = closing.date;
            while let Ok(date) = missing.tomorrow()
                && date < next.date
            {
                missing = date;
                gap_row(&mut sheet, meter, date, text)?;
            }
        }
    }
    Ok(sheet.finish()?)
}

fn daily_row(
    sheet: &mut Sheet<'_>,
    meter: &MeterReadings,
    closing: &Closing,
    next: Option<&Closing>,
    text: Text,
) -> Result<(), XlsxError> {
    let tomorrow = closing.date.tomorrow().ok();
    let next = next.filter(|next| Some(next.date) == tomorrow);
    let used = next.map(|next| next.register - closing.register);
    let fell = used.is_some_and(|used| used < Decimal::ZERO);
    let note = if fell {
        Cell::Text(text.get("excel-register-fell"))
    } else {
        simulated(closing.simulated, text)
    };
    sheet.row(&[
        Cell::Text(meter.site.clone()),
        Cell::Text(meter.meter.clone()),
        Cell::Day(closing.date),
        Cell::Number(closing.register),
        used.filter(|_| !fell).map_or(Cell::Empty, Cell::Number),
        Cell::Text(meter.unit.symbol().to_owned()),
        Cell::Time(
            closing
                .read_at
                .to_zoned_datetime(meter.zone.rules().clone())
                .datetime(),
        ),
        Cell::Text(meter.zone.name().to_owned()),
        Cell::Text(closing.read_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        note,
    ])
}

fn gap_row(
    sheet: &mut Sheet<'_>,
    meter: &MeterReadings,
    date: Date,
    text: Text,
) -> Result<(), XlsxError> {
    sheet.row(&[
        Cell::Text(meter.site.clone()),
        Cell::Text(meter.meter.clone()),
        Cell::Day(date),
        Cell::Empty,
        Cell::Empty,
        Cell::Text(meter.unit.symbol().to_owned()),
        Cell::Empty,
        Cell::Text(meter.zone.name().to_owned()),
        Cell::Empty,
        Cell::Text(text.get("excel-no-reading")),
    ])
}

const ABOUT_COLUMNS: [Column; 2] = [
    Column("excel-about-what", 26),
    Column("excel-about-says", 84),
];

/// What the columns mean: name of the column, its meaning.
const DEFINITIONS: [(&str, &str); 9] = [
    ("excel-to", "excel-about-to"),
    ("excel-consumption", "excel-about-consumption"),
    ("excel-billed", "excel-about-billed"),
    ("excel-register", "excel-about-register"),
    ("excel-use", "excel-about-use"),
    ("excel-no-reading", "excel-about-no-reading"),
    ("excel-closing-link", "excel-about-link"),
    ("excel-lost", "excel-about-lost"),
    ("excel-about-numbers", "excel-about-numbers-are"),
];

fn about(
    workbook: &mut Workbook,
    contents: &Contents,
    text: Text,
    styles: &Styles,
) -> Result<(), ExcelError> {
    let name = text.get("excel-sheet-about");
    let mut sheet = Sheet::new(workbook, &name, &ABOUT_COLUMNS, text, styles)?;
    let local = contents
        .generated_at
        .to_zoned_datetime(contents.zone.rules().clone());
    sheet.row(&[
        Cell::Text(text.get("excel-about-issuer")),
        Cell::Text(contents.account.clone()),
    ])?;
    sheet.row(&[
        Cell::Text(text.get("excel-about-generated")),
        Cell::Time(local.datetime()),
    ])?;
    sheet.row(&[
        Cell::Text(text.get("excel-zone")),
        Cell::Text(contents.zone.name().to_owned()),
    ])?;
    for (what, says) in DEFINITIONS {
        sheet.row(&[Cell::Text(text.get(what)), Cell::Text(text.get(says))])?;
    }
    Ok(sheet.finish()?)
}

fn room_for(rows: usize) -> Result<(), ExcelError> {
    if rows > ROWS_MAX {
        return Err(ExcelError::TooManyRows(rows));
    }
    Ok(())
}

/// How many rows the meter takes, gaps included.
fn day_count(meter: &MeterReadings) -> usize {
    let (Some(first), Some(last)) = (meter.closings.first(), meter.closings.last()) else {
        return 0;
    };
    usize::try_from(days(first.date, last.date)).map_or(usize::MAX, |days| days.saturating_add(1))
}

fn days(from: Date, until: Date) -> u64 {
    from.until(until)
        .map_or(0, |span| u64::try_from(span.get_days()).unwrap_or(0))
}

/// The instant on the clock of the zone; on that of UTC if the zone no longer exists.
fn time_in(instant: Timestamp, zone: &str) -> Cell {
    let rules = Zone::new(zone).map_or(jiff::tz::TimeZone::UTC, |zone| zone.rules().clone());
    Cell::Time(instant.to_zoned_datetime(rules).datetime())
}

fn note(row: &InvoiceRow, text: Text) -> Cell {
    if row.dated && !row.simulated {
        Cell::Text(text.get("excel-dated"))
    } else {
        simulated(row.simulated, text)
    }
}

fn simulated(simulated: bool, text: Text) -> Cell {
    if simulated {
        Cell::Text(text.get("excel-simulated"))
    } else {
        Cell::Empty
    }
}

fn medium(medium: Medium, text: Text) -> String {
    text.get(match medium {
        Medium::Electric => "excel-electric",
        Medium::Water => "excel-water",
        Medium::Thermal => "excel-thermal",
    })
}
