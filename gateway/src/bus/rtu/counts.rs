//! What a line has seen, and what that says about it. Pure.

use serde::{Deserialize, Serialize};

/// From so many stray bytes on, one to every tenth answer at least, the line has a fault.
const STRAY_BYTES_TOLD: u64 = 20;

/// What a line has seen since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that were answered, by registers or by an exception.
    pub answers: u64,
    /// Requests that were not.
    pub faults: u64,
    /// Bytes that nobody had asked for.
    pub unsolicited_bytes: u64,
    /// Bytes of 00 or FF right before an answer or behind it, which was taken all the same.
    pub stray_bytes: u64,
    /// Requests of ours that came back as an echo.
    pub echoes: u64,
    /// Frames of another unit than the one asked.
    pub strangers: u64,
    /// Replies that came after their request had been given up.
    pub late: u64,
    /// Requests made only to see whether a unit is in step.
    pub probes: u64,
}

impl Counts {
    /// What is to be done about a line that answers and yet is not in order.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let Self {
            stray_bytes: strays,
            answers,
            ..
        } = *self;
        (strays >= STRAY_BYTES_TOLD && strays.saturating_mul(10) >= answers).then(|| {
            format!(
                "{strays} stray bytes stood before or behind {answers} answers: the line has no \
                 bias or no 120 ohm terminators; the readings are good, the next fault is near"
            )
        })
    }
}
