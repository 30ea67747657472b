//! A reading before the buffer has numbered it.
//!
//! The poller makes it, the buffer turns it into a [`common::reading::Reading`]. It is what
//! one point of one device said at one instant, or why what it said is no value.

use common::closes::Closes;
use common::id::DeviceId;
use common::profile::Role;
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::sync::Weight;
use jiff::Timestamp;

/// What one point of one device held, not yet numbered. The members mean what those of
/// [`Reading`] mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReading {
    /// When the reply was complete.
    pub at: Timestamp,
    /// How far `at` can be believed.
    pub clock: ClockTrust,
    /// The same instant by the clock that cannot be set.
    pub since_boot: Option<SinceBoot>,
    /// The device that was asked.
    pub device: DeviceId,
    /// The point of the device's profile.
    pub point: String,
    /// The value, or `None` when the words were not one.
    pub quantity: Option<Quantity>,
    /// Why the words are no value.
    pub suspect: Option<String>,
    /// The words as they came.
    pub raw: String,
    /// The profile that decoded them, with its hash.
    pub profile: String,
    /// What this reading closes.
    pub closes: Option<Closes>,
    /// What matters when room is short; a closing reading matters most whatever this says.
    pub weight: Weight,
}

impl NewReading {
    /// This reading with its number in the epoch.
    #[must_use]
    pub fn numbered(self, seq: u64) -> Reading {
        Reading {
            seq,
            at: self.at,
            clock: self.clock,
            since_boot: self.since_boot,
            device: self.device,
            point: self.point,
            quantity: self.quantity,
            suspect: self.suspect,
            raw: self.raw,
            profile: self.profile,
            closes: self.closes,
            seal: None,
        }
    }
}

/// How much a reading of a point with that role matters.
#[must_use]
pub fn weight_of(role: Role) -> Weight {
    match role {
        Role::Billing => Weight::Billing,
        Role::Counter | Role::Check => Weight::Counter,
        Role::Gauge => Weight::Gauge,
    }
}
