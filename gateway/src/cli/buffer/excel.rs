//! The export as an Excel file: numbers as numbers, what people wrote as text only.

use std::path::Path;

use common::id::Epoch;
use common::reading::Reading;
use rust_decimal::Decimal;
pub(super) use rust_xlsxwriter::XlsxError as ExcelError;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::{Labels, Line};
use crate::buffer::{BufferStatus, Lost};

/// The most rows of a sheet, its header among them.
const ROWS_MAX: u32 = 1_048_576;

/// The sheet of readings, its columns' widths in characters.
const READINGS: [(&str, f64); 15] = [
    ("seq", 10.0),
    ("at (UTC)", 26.0),
    ("clock", 10.0),
    ("device", 16.0),
    ("label", 24.0),
    ("point", 20.0),
    ("value", 14.0),
    ("unit", 8.0),
    ("quality", 9.0),
    ("reason", 24.0),
    ("raw", 20.0),
    ("profile", 28.0),
    ("closes", 12.0),
    ("meter", 16.0),
    ("link", 8.0),
];
const LOSSES: [(&str, f64); 7] = [
    ("first", 10.0),
    ("last", 10.0),
    ("reason", 10.0),
    ("gravest", 10.0),
    ("from (UTC)", 26.0),
    ("until (UTC)", 26.0),
    ("devices", 40.0),
];

/// A workbook that is being written, a row at a time: memory stays flat.
pub(super) struct Book {
    workbook: Workbook,
    row: u32,
    sheet: u32,
    epoch: Epoch,
}

fn begin(sheet: &mut Worksheet, name: &str, columns: &[(&str, f64)]) -> Result<(), XlsxError> {
    sheet.set_name(name)?.set_freeze_panes(1, 0)?;
    let header = Format::new().set_bold();
    for ((title, width), column) in columns.iter().zip(0_u16..) {
        sheet.set_column_width(column, *width)?;
        sheet.write_string_with_format(0, column, *title, &header)?;
    }
    Ok(())
}

impl Book {
    pub(super) fn begin(epoch: Epoch) -> Result<Self, XlsxError> {
        let mut book = Self {
            workbook: Workbook::new(),
            row: 1,
            sheet: 1,
            epoch,
        };
        let sheet = book.workbook.add_worksheet_with_constant_memory()?;
        begin(sheet, "readings", &READINGS)?;
        Ok(book)
    }

    /// Adds a reading; a sheet that is full is followed by another.
    pub(super) fn reading(&mut self, reading: &Reading, labels: &Labels) -> Result<(), XlsxError> {
        if self.row >= ROWS_MAX {
            (self.row, self.sheet) = (1, self.sheet + 1);
            let name = format!("readings {}", self.sheet);
            let sheet = self.workbook.add_worksheet_with_constant_memory()?;
            begin(sheet, &name, &READINGS)?;
        }
        let line = Line::new(self.epoch, reading, labels);
        let row = self.row;
        let index = usize::try_from(self.sheet - 1).unwrap_or(0);
        let sheet = self.workbook.worksheet_from_index(index)?;
        sheet.write(row, 0, Decimal::from(reading.seq))?;
        let texts = [
            (1, reading.at.to_string()),
            (2, reading.clock.code().to_owned()),
            (3, reading.device.to_string()),
            (4, line.label.unwrap_or_default().to_owned()),
            (5, reading.point.clone()),
            (7, line.unit.unwrap_or_default().to_owned()),
            (8, line.quality.to_owned()),
            (9, line.reason.unwrap_or_default().to_owned()),
            (10, reading.raw.clone()),
            (11, reading.profile.clone()),
        ];
        // Columns must not go back within a row that is written at once.
        for (column, text) in texts.iter().filter(|(column, _)| *column < 6) {
            sheet.write_string(row, *column, text)?;
        }
        if let Some(quantity) = reading.quantity {
            sheet.write(row, 6, quantity.value())?;
        }
        for (column, text) in texts.iter().filter(|(column, _)| *column > 6) {
            sheet.write_string(row, *column, text)?;
        }
        if let Some(closes) = reading.closes {
            sheet.write_string(row, 12, closes.to_string())?;
        }
        if let Some(seal) = &reading.seal {
            sheet.write_string(row, 13, seal.meter.to_string())?;
            sheet.write(row, 14, Decimal::from(seal.link))?;
        }
        self.row += 1;
        Ok(())
    }

    /// Adds the losses and what the buffer says of itself, and writes the file.
    pub(super) fn finish(
        mut self,
        losses: &[Lost],
        status: &BufferStatus,
        path: &Path,
    ) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        begin(sheet, "losses", &LOSSES)?;
        let instant = |at: Option<jiff::Timestamp>| at.map_or(String::new(), |at| at.to_string());
        for (lost, row) in losses.iter().zip(1_u32..ROWS_MAX) {
            sheet.write(row, 0, Decimal::from(lost.first))?;
            sheet.write(row, 1, Decimal::from(lost.last))?;
            let devices: Vec<_> = lost.devices.iter().map(ToString::to_string).collect();
            let texts = [
                lost.reason.code().to_owned(),
                lost.gravest.code().to_owned(),
                instant(lost.from),
                instant(lost.until),
                devices.join(" "),
            ];
            for (text, column) in texts.iter().zip(2_u16..) {
                sheet.write_string(row, column, text)?;
            }
        }
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        begin(sheet, "about", &[("what", 28.0), ("is", 30.0)])?;
        let rows = [
            ("epoch", status.epoch.to_string()),
            ("began at (UTC)", status.began_at.to_string()),
        ];
        for ((name, text), row) in rows.iter().zip(1_u32..) {
            sheet.write_string(row, 0, *name)?;
            sheet.write_string(row, 1, text)?;
        }
        let rows = [
            ("last number", status.last_seq),
            ("acknowledged", status.acknowledged_through),
            ("waiting", status.waiting),
            ("held", status.kept),
            ("lost", status.lost),
            ("refused by the cloud", status.rejected),
        ];
        for ((name, number), row) in rows.iter().zip(3_u32..) {
            sheet.write_string(row, 0, *name)?;
            sheet.write(row, 1, Decimal::from(*number))?;
        }
        self.workbook.save(path)
    }
}
