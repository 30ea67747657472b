//! What was read and is not on the disk yet. Devices that are due together are written
//! together, as each commit costs a flash card two pages however little it holds. Pure.
//!
//! Promises: nothing waits longer than [`AGE_MAX`] while the disk takes it; a closing reading
//! waits for nothing but the other closing readings that are due; while the disk takes
//! nothing, up to [`ROWS_WAITING_MAX`] readings wait, the oldest give way, and what is lost is
//! counted. Closing readings are never lost here: there is at most one of each device.

use std::time::Duration;

use jiff::Timestamp;

use super::cycle::Answer;
use crate::reading::NewReading;
use crate::schedule::{Outcome, Task};

/// How long a reading may wait for others of its sweep: what a power cut can take.
const AGE_MAX: Duration = Duration::from_secs(10);
/// How many make a sweep that is written at once, however many are still due.
const ROWS_MAX: usize = 500;
/// How many wait in memory while the disk takes nothing; about 1.5 MB, and the billing
/// counters of six meters a minute for 14 hours.
pub(super) const ROWS_WAITING_MAX: usize = 5_000;
/// The pause before the disk is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// A poll whose readings are on their way to the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) task: Task,
    /// How it ends when they are there.
    pub(super) outcome: Outcome,
    /// What the device has shown.
    pub(super) answer: Answer,
}

impl Ended {
    fn closes(&self) -> bool {
        self.task.closes.is_some()
    }
}

/// Readings on their way to the disk, and the polls that end when they are there.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    readings: Vec<NewReading>,
    ended: Vec<Ended>,
    /// When the oldest was read.
    since: Option<Duration>,
    /// When the disk is tried again after it took nothing.
    retry_at: Option<Duration>,
    /// Readings that gave way.
    pub(super) lost: u64,
}

impl Sweep {
    /// Takes what a device gave, and the poll that ends once it is kept.
    pub(super) fn push(&mut self, readings: Vec<NewReading>, ended: Option<Ended>, now: Duration) {
        self.readings.extend(readings);
        self.ended.extend(ended);
        self.since.get_or_insert(now);
    }

    /// Whether to write now. `is_idle` says that nobody else is due, `closing_is_due` that
    /// another closing reading is.
    pub(super) fn is_due(&self, is_idle: bool, closing_is_due: bool, now: Duration) -> bool {
        let Some(since) = self.since else {
            return false;
        };
        if let Some(retry_at) = self.retry_at {
            return now >= retry_at;
        }
        let closes = self.ended.iter().any(Ended::closes);
        is_idle
            || (closes && !closing_is_due)
            || self.readings.len() >= ROWS_MAX
            || now.saturating_sub(since) >= AGE_MAX
    }

    /// When the oldest was read of what the disk has refused.
    pub(super) fn refused_since(&self) -> Option<Timestamp> {
        self.retry_at?;
        self.readings.iter().map(|reading| reading.at).min()
    }

    /// What is to be written.
    pub(super) fn readings(&self) -> &[NewReading] {
        &self.readings
    }

    /// All of it is on the disk: the polls that have ended.
    pub(super) fn kept(&mut self) -> Vec<Ended> {
        self.readings.clear();
        self.since = None;
        self.retry_at = None;
        std::mem::take(&mut self.ended)
    }

    /// The disk took nothing: the polls that end all the same, and the readings that give
    /// way. Closing readings do neither.
    pub(super) fn unkept(&mut self, now: Duration) -> (Vec<Ended>, Vec<NewReading>) {
        self.retry_at = Some(now + RETRY);
        let lost = give_way(&mut self.readings, ROWS_WAITING_MAX);
        self.lost += u64::try_from(lost.len()).unwrap_or(u64::MAX);
        let ended = std::mem::take(&mut self.ended).into_iter();
        let (closing, polls) = ended.partition(Ended::closes);
        self.ended = closing;
        (polls, lost)
    }
}

/// Takes the oldest of more than `most` ordinary readings out.
pub(crate) fn give_way(readings: &mut Vec<NewReading>, most: usize) -> Vec<NewReading> {
    let ordinary = readings.iter().filter(|r| r.closes.is_none()).count();
    let mut surplus = ordinary.saturating_sub(most);
    let gives_way = |reading: &mut NewReading| {
        let gives_way = surplus > 0 && reading.closes.is_none();
        surplus -= usize::from(gives_way);
        gives_way
    };
    readings.extract_if(.., gives_way).collect()
}

#[cfg(test)]
mod tests;
