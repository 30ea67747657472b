//! The figures of the fault runs: how often, how many, and what was lost on the way.
//!
//! Each run says its figure on stderr and, where `ENERVUE_TEST_FIGURES` names a file, puts it
//! there too, a line each, fields apart by tabs; `tests/run` makes a table of it.

use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

/// Names the file that collects the figures.
pub const FIGURES_VARIABLE: &str = "ENERVUE_TEST_FIGURES";

/// What a run of one fault showed.
#[derive(Debug, Default)]
pub struct Figure<'a> {
    /// What was done.
    pub fault: &'a str,
    /// How often.
    pub times: usize,
    /// Readings that came through.
    pub kept: usize,
    /// Committed readings that did not.
    pub lost: usize,
    /// Readings that came twice.
    pub doubled: usize,
    /// Readings with other content.
    pub altered: usize,
    /// What else was measured.
    pub measured: String,
}

impl Figure<'_> {
    /// Says it, and writes it down.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn note(&self) -> anyhow::Result<()> {
        let numbers = [self.times, self.kept, self.lost, self.doubled, self.altered];
        let numbers = numbers.map(|number| number.to_string()).join("\t");
        let line = format!("{}\t{numbers}\t{}\n", self.fault, self.measured);
        eprint!("figure: {line}");
        if let Some(path) = std::env::var_os(FIGURES_VARIABLE) {
            let mut file = File::options().create(true).append(true).open(path)?;
            file.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}

/// The number that the environment variable `name` holds, or `otherwise`.
#[must_use]
pub fn wanted(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {value}; it must be a number"))
    })
}

/// The median and the longest of some times, as text.
#[must_use]
pub fn times(what: &str, times: &mut [Duration]) -> String {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.last().copied().unwrap_or_default();
    format!(
        "{what}: median {} ms, max {} ms",
        median.as_millis(),
        longest.as_millis()
    )
}
