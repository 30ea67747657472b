//! What a device counted between two instants, and what its registers there rest on.

use common::id::{DeviceId, Epoch, GatewayId};
use common::quantity::Quantity;
use common::reading::ClockTrust;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A reading on which a boundary rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// When it was really taken.
    pub read_at: Timestamp,
    /// What the register held.
    pub register: Quantity,
    /// The words as they came from the device.
    pub raw: String,
    /// The profile that decoded them.
    pub profile: String,
    /// How far `read_at` can be believed.
    pub clock: ClockTrust,
    /// The device that was read, and by which name the gateway filed it.
    pub device: DeviceId,
    /// The gateway that read it.
    pub gateway: GatewayId,
    /// The gateway's epoch.
    pub epoch: Epoch,
    /// The reading's number in it.
    pub seq: u64,
    /// Its place in the meter's chain of seals; nothing when it is not sealed.
    pub link: Option<u64>,
}

/// What a register at a boundary rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Basis {
    /// A reading within ten minutes of it.
    Read {
        /// The reading.
        reading: Evidence,
    },
    /// The straight line between the readings before and after it, which are at most two
    /// hours apart.
    Interpolated {
        /// The last before.
        before: Evidence,
        /// The first after.
        after: Evidence,
        /// How far from the truth it can be, in the register's unit.
        bound: Decimal,
    },
    /// The use of like days: there was no reading for too long.
    Estimated {
        /// The last before, if there is one.
        before: Option<Evidence>,
        /// The first after, if there is one already.
        after: Option<Evidence>,
    },
    /// What somebody read off the display when a device was mounted or taken away.
    Noted {
        /// The device.
        device: DeviceId,
    },
}

impl Basis {
    /// The readings that it rests on.
    #[must_use]
    pub fn readings(&self) -> Vec<&Evidence> {
        match self {
            Self::Read { reading } => vec![reading],
            Self::Interpolated { before, after, .. } => vec![before, after],
            Self::Estimated { before, after } => before.iter().chain(after).collect(),
            Self::Noted { .. } => Vec::new(),
        }
    }
}

/// A register at an instant: one end of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// The date on which the instant is.
    pub date: Date,
    /// The instant for which it stands.
    pub at: Timestamp,
    /// What the register held.
    pub register: Quantity,
    /// How that is known.
    pub basis: Basis,
}

impl Boundary {
    /// The reading that stands for it, where one does.
    #[must_use]
    pub fn reading(&self) -> Option<&Evidence> {
        match &self.basis {
            Basis::Read { reading } => Some(reading),
            _ => None,
        }
    }

    /// The device whose register it is.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        match &self.basis {
            Basis::Noted { device } => Some(*device),
            basis => basis.readings().first().map(|reading| reading.device),
        }
    }

    /// Its reading's place in the meter's chain of seals, if it rests on one that is sealed.
    #[must_use]
    pub fn link(&self) -> Option<u64> {
        self.reading().and_then(|reading| reading.link)
    }

    /// Whether no reading decided it, but a rule.
    #[must_use]
    pub fn is_reckoned(&self) -> bool {
        matches!(
            self.basis,
            Basis::Interpolated { .. } | Basis::Estimated { .. }
        )
    }
}

/// How often a counter began again at zero, and where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollovers {
    /// How often.
    pub times: u32,
    /// At what register.
    pub at: Decimal,
}

/// What one device counted between two instants:
/// (closing − opening + rollovers) × multiplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The register at its start.
    pub opening: Boundary,
    /// The register at its end.
    pub closing: Boundary,
    /// The number on the device's plate; empty when nobody wrote it down.
    pub serial_number: String,
    /// What its register is multiplied by.
    pub multiplier: Decimal,
    /// Whether its counter began again at zero in between.
    pub rollovers: Option<Rollovers>,
    /// What went through, in the invoice's unit.
    pub quantity: Decimal,
}

/// The segments of a period, one after the other. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Segment>", into = "Vec<Segment>")]
pub struct Segments {
    first: Segment,
    rest: Vec<Segment>,
}

/// There is no segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a period has no segment")]
pub struct NoSegment;

impl TryFrom<Vec<Segment>> for Segments {
    type Error = NoSegment;
    fn try_from(segments: Vec<Segment>) -> Result<Self, NoSegment> {
        let mut rest = segments.into_iter();
        let first = rest.next().ok_or(NoSegment)?;
        let rest = rest.collect();
        Ok(Self { first, rest })
    }
}

impl From<Segments> for Vec<Segment> {
    fn from(segments: Segments) -> Self {
        let mut all = vec![segments.first];
        all.extend(segments.rest);
        all
    }
}

impl Segments {
    /// The first one.
    #[must_use]
    pub fn first(&self) -> &Segment {
        &self.first
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> &Segment {
        self.rest.last().unwrap_or(&self.first)
    }

    /// Those after the first, in order.
    #[must_use]
    pub fn later(&self) -> &[Segment] {
        &self.rest
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Changes each of them.
    pub fn for_each_mut(&mut self, mut change: impl FnMut(&mut Segment)) {
        change(&mut self.first);
        self.rest.iter_mut().for_each(change);
    }

    /// Whether any of their readings has that trust in its clock.
    #[must_use]
    pub fn rest_on(&self, clock: ClockTrust) -> bool {
        self.boundaries().any(|boundary| {
            let readings = boundary.basis.readings();
            readings.iter().any(|reading| reading.clock == clock)
        })
    }

    /// Every boundary, each as often as a segment has it.
    pub fn boundaries(&self) -> impl Iterator<Item = &Boundary> {
        self.iter()
            .flat_map(|segment| [&segment.opening, &segment.closing])
    }
}
