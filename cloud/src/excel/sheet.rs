//! One sheet: a header that stays in sight, and typed cells below it, written row by row so
//! that a long list costs no memory.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use rust_xlsxwriter::{
    Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::text::Text;

/// What fits into a cell (Excel's limit in characters).
const CELL_CHARACTERS_MAX: usize = 32_767;

/// A column: the id of its name, and its width in digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) u8);

/// A cell's value.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// Text, whatever it begins with.
    Text(String),
    /// A whole number that groups no digits: an invoice's number, days.
    Count(u64),
    /// A number, shown with the decimals it has.
    Number(Decimal),
    /// A date.
    Day(Date),
    /// A date and time of day.
    Time(DateTime),
    /// Nothing.
    Empty,
}

/// The formats of the cells, shared by the sheets of a workbook.
pub(super) struct Styles {
    header: Format,
    text: Format,
    count: Format,
    day: Format,
    time: Format,
    numbers: BTreeMap<u32, Format>,
}

impl Styles {
    pub(super) fn new() -> Self {
        let top = || Format::new().set_align(FormatAlign::Top);
        let numbers = (0..=Decimal::MAX_SCALE).map(|decimals| {
            let point = if decimals == 0 { "" } else { "." };
            let zeros = "0".repeat(usize::try_from(decimals).unwrap_or(0));
            (
                decimals,
                top().set_num_format(format!("#,##0{point}{zeros}")),
            )
        });
        Self {
            header: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter)
                .set_background_color(Color::RGB(0x00E8_EEF8))
                .set_border_bottom(FormatBorder::Thin),
            text: top()
                .set_align(FormatAlign::Left)
                .set_indent(1)
                .set_text_wrap(),
            count: top().set_num_format("0"),
            // Excel names the month in its user's language, and nobody takes it for the day.
            day: top()
                .set_num_format("d mmm yyyy")
                .set_align(FormatAlign::Right),
            time: top()
                .set_num_format("d mmm yyyy hh:mm")
                .set_align(FormatAlign::Right),
            numbers: numbers.collect(),
        }
    }
}

/// A sheet being written.
pub(super) struct Sheet<'a> {
    worksheet: &'a mut Worksheet,
    styles: &'a Styles,
    rows: u32,
    last_column: u16,
}

impl<'a> Sheet<'a> {
    /// Adds the sheet with its header.
    pub(super) fn new(
        workbook: &'a mut Workbook,
        name: &str,
        columns: &[Column],
        text: Text,
        styles: &'a Styles,
    ) -> Result<Self, XlsxError> {
        let worksheet = workbook.add_worksheet_with_constant_memory()?;
        worksheet.set_name(name)?;
        worksheet.set_freeze_panes(1, 0)?;
        worksheet.set_repeat_rows(0, 0)?;
        worksheet.set_landscape();
        worksheet.set_print_fit_to_pages(1, 0);
        worksheet.set_row_height_pixels(0, 40)?;
        let mut last_column = 0;
        for (index, column) in (0..).zip(columns) {
            worksheet.set_column_width(index, column.1)?;
            let name = text.get(column.0);
            worksheet.write_string_with_format(0, index, name, &styles.header)?;
            last_column = index;
        }
        Ok(Self {
            worksheet,
            styles,
            rows: 0,
            last_column,
        })
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: &[Cell]) -> Result<(), XlsxError> {
        self.rows += 1;
        for (column, cell) in (0..).zip(cells) {
            self.cell(column, cell)?;
        }
        Ok(())
    }

    fn cell(&mut self, column: u16, cell: &Cell) -> Result<(), XlsxError> {
        let (row, styles) = (self.rows, self.styles);
        match cell {
            Cell::Text(text) => {
                let text: String = text.chars().take(CELL_CHARACTERS_MAX).collect();
                self.worksheet
                    .write_string_with_format(row, column, text, &styles.text)?;
            }
            Cell::Count(count) => {
                let number = nearest(Decimal::from(*count));
                self.worksheet
                    .write_number_with_format(row, column, number, &styles.count)?;
            }
            Cell::Number(value) => {
                let format = styles.numbers.get(&value.scale()).unwrap_or(&styles.text);
                self.worksheet
                    .write_number_with_format(row, column, nearest(*value), format)?;
            }
            Cell::Day(date) => {
                let midnight = excel_time(date.to_datetime(jiff::civil::Time::midnight()))?;
                self.worksheet
                    .write_datetime_with_format(row, column, &midnight, &styles.day)?;
            }
            Cell::Time(time) => {
                let time = excel_time(*time)?;
                self.worksheet
                    .write_datetime_with_format(row, column, &time, &styles.time)?;
            }
            Cell::Empty => {}
        }
        Ok(())
    }

    /// Ends the sheet: its rows can be filtered by every column.
    pub(super) fn finish(self) -> Result<(), XlsxError> {
        self.worksheet
            .autofilter(0, 0, self.rows, self.last_column)?;
        Ok(())
    }
}

/// The double nearest to the decimal. Reading its text back is what makes it the nearest;
/// arithmetic on the mantissa would not.
fn nearest(value: Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The date and time as Excel counts them; fractions of a second are cut off.
pub(super) fn excel_time(time: DateTime) -> Result<ExcelDateTime, XlsxError> {
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let year = u16::try_from(time.year()).unwrap_or(0);
    let date = ExcelDateTime::from_ymd(year, part(time.month()), part(time.day()))?;
    date.and_hms(
        u16::from(part(time.hour())),
        part(time.minute()),
        part(time.second()),
    )
}
