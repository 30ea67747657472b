//! The only place that writes to the terminal: data to stdout, words about it to stderr.

use std::io::{self, Write};

use serde::Serialize;

use super::Failure;

/// Writes a line of data. When whoever read them has gone, as after `| head`, the program
/// ends: nothing is left to do.
///
/// # Errors
/// When stdout cannot be written to, as on a full disk.
pub fn line(text: &str) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

/// Writes one object as a line of JSON. `schema` names and numbers its form, as in
/// `enervue.status/1`, and comes first in it.
///
/// # Errors
/// When stdout cannot be written to.
pub fn json(schema: &str, object: &impl Serialize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Named<'a, T> {
        schema: &'a str,
        #[serde(flatten)]
        object: &'a T,
    }
    let named = Named { schema, object };
    line(&serde_json::to_string(&named)?)
}

/// Writes rows in columns that are as wide as their widest cell.
///
/// # Errors
/// When stdout cannot be written to.
pub fn table(rows: &[Vec<String>]) -> io::Result<()> {
    for row in aligned(rows) {
        line(&row)?;
    }
    Ok(())
}

/// Says something to the person at the terminal.
pub fn note(text: &str) {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what went wrong, why, and what to do.
pub fn failure(failure: &Failure) {
    let cause = failure.cause.iter().map(|text| ("cause", text));
    let remedy = failure.remedy.iter().map(|text| ("try", text));
    note(&format!("error: {}", failure.error));
    for (word, text) in cause.chain(remedy) {
        note(&format!("{word}: {text}"));
    }
}

fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let cells = |row: &Vec<String>| -> String {
        row.iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect()
    };
    rows.iter()
        .map(|row| cells(row).trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["Meter", "Unit", ""]), row(["Água-PB", "1", "x"])];
        assert_eq!(aligned(&rows), ["Meter    Unit", "Água-PB  1     x"]);
    }
}
