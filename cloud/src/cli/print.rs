//! The only place that writes to the terminal: data to stdout, words about it to stderr.

use std::io::{self, Write};

use serde::Serialize;

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
/// `enervue.user/1`, and comes first in it.
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

/// Writes a whole document.
///
/// # Errors
/// When stdout cannot be written to.
pub fn document(object: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string_pretty(object)?)
}

/// Says something to the person at the terminal.
pub fn note(text: &str) {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what went wrong and why. An error that names its cause itself is not told twice.
pub fn failure(error: &anyhow::Error) {
    let mut told = error.to_string();
    note(&format!("error: {told}"));
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            note(&format!("cause: {cause}"));
            told = cause;
        }
    }
}
