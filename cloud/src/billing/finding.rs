//! What was noticed about the readings of a period. A finding does not change a bill: it
//! stands on it, and on the list of what is ready, so that somebody may look.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Readings that cannot be true decide nothing: the register came back to where it was.
    SetApart {
        /// When the first was taken.
        from: Timestamp,
        /// When the last was.
        until: Timestamp,
        /// How many of those that were looked at.
        readings: u32,
    },
}
