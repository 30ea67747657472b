//! A reading: what one point of one device held at an instant, and how it is written down
//! to be digested and sealed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::closes::Closes;
use crate::digest::Digest;
use crate::id::{BootId, DeviceId};
use crate::quantity::Quantity;
use crate::seal::Seal;

/// How far the instant of a reading can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockTrust {
    /// The gateway's clock was synchronised.
    Trusted,
    /// It was not yet; the instant was reckoned afterwards from the time that had passed
    /// since the same start of the machine.
    Dated,
    /// It was not, and never was before the machine stopped; such a reading decides no bill.
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
            Self::Dated => "dated",
            Self::Untrusted => "untrusted",
            Self::Simulated => "simulated",
        }
    }

    /// The trust that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Trusted, Self::Dated, Self::Untrusted, Self::Simulated]
            .into_iter()
            .find(|t| t.code() == code)
    }
}

/// When something was, by the clock that nobody can set: the time since a start of the
/// machine, sleep included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinceBoot {
    /// Which start of the machine.
    pub boot: BootId,
    /// Milliseconds since then.
    pub elapsed_ms: u64,
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
    /// The same instant by the machine's clock that cannot be set, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_boot: Option<SinceBoot>,
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
    /// What this billing counter closes, on a closing reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Closes>,
    /// The link it is in the chain of its meter, on the readings that bills rest on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

impl Reading {
    /// What was read, as text: what a [`Digest`] and a [`Seal`] are made of. One line a
    /// member, its name first, `-` where it is absent, instants in milliseconds since 1970;
    /// without the number, which another epoch may give anew, and without the seal.
    #[must_use]
    pub fn canonical(&self) -> String {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let boot = self.since_boot.map(|since| {
            let SinceBoot { boot, elapsed_ms } = since;
            format!("{boot} {elapsed_ms}")
        });
        let value = self
            .quantity
            .map(|q| format!("{} {}", q.value(), q.unit().code()));
        format!(
            "at {}\nclock {}\nboot {}\ndevice {}\npoint {}\nvalue {}\nsuspect {}\nraw {}\n\
             profile {}\ncloses {}\n",
            self.at.as_millisecond(),
            self.clock.code(),
            or_dash(boot),
            self.device,
            self.point,
            or_dash(value),
            or_dash(self.suspect.clone()),
            self.raw,
            self.profile,
            or_dash(self.closes.map(|closes| closes.to_string())),
        )
    }

    /// By which two sides see whether they hold the same reading under a number.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical().as_bytes())
    }

    /// Whether the reading holds a value whose instant counts.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.quantity.is_some() && self.clock != ClockTrust::Untrusted
    }
}
