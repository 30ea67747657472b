//! A reading: what one point of one device held at an instant.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::DeviceId;
use crate::quantity::Quantity;

/// How far the instant of a reading can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockTrust {
    /// The gateway's clock was synchronised.
    Trusted,
    /// It was not; such a reading decides no bill.
    Untrusted,
    /// The reading is invented, by `simulate --history` or under a test clock's past.
    Simulated,
}

impl ClockTrust {
    /// The word on the wire and in the databases.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Simulated => "simulated",
        }
    }

    /// The trust that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Trusted, Self::Untrusted, Self::Simulated]
            .into_iter()
            .find(|t| t.code() == code)
    }
}

/// What one point of one device held at an instant. Never changed once it has its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Its number in the gateway's epoch, contiguous from 1.
    pub seq: u64,
    /// When the reply was complete, by the gateway's clock.
    pub at: Timestamp,
    /// How far `at` can be believed.
    pub clock: ClockTrust,
    /// The device that was asked.
    pub device: DeviceId,
    /// The point of the device's profile, e.g. `energy_import`.
    pub point: String,
    /// The value, or `None` when the words were not one ([`Self::suspect`] says why).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// Why the words are no value: a sentinel, a not-a-number, an all-zero frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect: Option<String>,
    /// The words as they came, four hexadecimal digits a register, registers apart by a
    /// space, in the order in which the point names them.
    pub raw: String,
    /// The profile that decoded them and the start of its content's hash: `id@1f2e3d4c`.
    pub profile: String,
    /// The local date whose start this billing counter closes, on a closing reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Date>,
}

impl Reading {
    /// Whether the reading holds a value whose instant counts.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.quantity.is_some() && self.clock != ClockTrust::Untrusted
    }
}
