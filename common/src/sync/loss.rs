//! Numbers whose readings are lost: what keeps the sequence whole and the loss counted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Signature;
use crate::id::{DeviceId, Epoch};

/// Why readings that had a number are no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossReason {
    /// The buffer was full, and what matters least gave way.
    Size,
    /// The disk gave back something else than was written.
    Damage,
    /// The cloud asked again for what had been acknowledged and deleted long ago.
    Expired,
    /// Another reason, of a version to come.
    #[serde(other)]
    Other,
}

/// The weightiest among readings that are lost, lightest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// A momentary value.
    Gauge,
    /// A counter that no bill rests on.
    Counter,
    /// A billing counter.
    Billing,
    /// A closing reading, or one of which nothing is known any more.
    Closing,
}

/// A run of numbers whose readings are lost: the sequence stays contiguous, and the loss is
/// counted where the bill is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The first number.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Why.
    pub reason: LossReason,
    /// The weightiest of them.
    pub gravest: Weight,
    /// The instant of the first, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The instant of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The devices whose billing counters are among them; empty when that is not known, or
    /// none is.
    #[serde(default)]
    pub devices: Vec<DeviceId>,
    /// The gateway's signature of [`Loss::text`].
    pub signature: Signature,
}

impl Loss {
    /// What is signed: all of it but the signature, a line a member, as in
    /// [`Reading::canonical`](crate::reading::Reading::canonical).
    #[must_use]
    pub fn text(&self, epoch: Epoch) -> String {
        let instant = |at: Option<Timestamp>| {
            at.map_or_else(|| "-".to_owned(), |at| at.as_millisecond().to_string())
        };
        let devices: Vec<_> = self.devices.iter().map(ToString::to_string).collect();
        let devices = match devices.is_empty() {
            true => "-".to_owned(),
            false => devices.join(" "),
        };
        format!(
            "enervue-loss 1\nepoch {epoch}\nfirst {}\nlast {}\nreason {}\ngravest {}\nfrom {}\n\
             until {}\ndevices {devices}\n",
            self.first,
            self.last,
            self.reason.code(),
            self.gravest.code(),
            instant(self.from),
            instant(self.until),
        )
    }
}

impl LossReason {
    /// The word on the wire and in the databases.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Damage => "damage",
            Self::Expired => "expired",
            Self::Other => "other",
        }
    }

    /// The reason that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        [Self::Size, Self::Damage, Self::Expired]
            .into_iter()
            .find(|reason| reason.code() == code)
            .unwrap_or(Self::Other)
    }
}

impl Weight {
    /// The word on the wire and in the databases.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Billing => "billing",
            Self::Closing => "closing",
        }
    }

    /// The weight that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Gauge, Self::Counter, Self::Billing, Self::Closing]
            .into_iter()
            .find(|weight| weight.code() == code)
    }
}
