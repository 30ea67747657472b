//! What stands in a building: gateways, devices, and the meters that are billed.

use common::id::{AccountId, DeviceId, GatewayId, MeterId, PersonId, SiteId};
use common::locale::Locale;
use common::quantity::Quantity;
use common::sync::GatewayReport;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many devices a Connektor card reads.
pub const CONNEKTOR_DEVICES_MAX: usize = 6;

/// A zone name that the time zone database does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone '{0}': use an IANA name such as America/Tijuana")]
pub struct ZoneError(String);

/// An IANA time zone that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of that name.
    ///
    /// # Errors
    /// When the time zone database has none.
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        let zone = TimeZone::get(name).map_err(|_| ZoneError(name.chars().take(40).collect()))?;
        let canonical = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self {
            name: canonical,
            zone,
        })
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.zone
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).map_err(serde::de::Error::custom)
    }
}

/// A building.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its identity.
    pub id: SiteId,
    /// What people call it.
    pub name: String,
    /// The zone that new meters get.
    pub zone: Zone,
    /// The language and region that new meters get.
    pub locale: Locale,
}

/// What speaks the sync protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayKind {
    /// Our daemon.
    Gateway,
    /// The vendor's card, held to [`CONNEKTOR_DEVICES_MAX`] devices.
    Connektor,
}

impl GatewayKind {
    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Connektor => "connektor",
        }
    }

    /// The kind that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Gateway, Self::Connektor]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// A gateway as the cloud knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its identity.
    pub id: GatewayId,
    /// The building it stands in.
    pub site: SiteId,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: GatewayKind,
    /// When its code was exchanged for a token.
    pub enrolled_at: Option<Timestamp>,
    /// When it last spoke, by the cloud's clock.
    pub seen_at: Option<Timestamp>,
    /// What it last said of itself.
    pub report: Option<GatewayReport>,
    /// Since when it is known that two buffers speak with its key.
    pub doubled_at: Option<Timestamp>,
}

/// The physical instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its identity.
    pub id: DeviceId,
    /// The gateway that reads it.
    pub gateway: GatewayId,
    /// The profile that decodes it.
    pub profile: String,
    /// The gateway's bus on which it is.
    pub bus: String,
    /// Its Modbus unit id.
    pub unit_id: u8,
    /// The number on its plate; empty when nobody wrote it down.
    pub serial_number: String,
    /// Seconds between two readings of its billing counters.
    pub poll_period_s: u32,
}

/// The metering point that is billed. It lives longer than its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its identity.
    pub id: MeterId,
    /// The building it is in.
    pub site: SiteId,
    /// What people call it.
    pub label: String,
    /// What it measures.
    pub medium: Medium,
    /// The unit in which it is billed.
    pub unit: Unit,
    /// The language and region of its invoices.
    pub locale: Locale,
    /// The zone whose midnights end its days.
    pub zone: Zone,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The instant of its newest good billing reading, or of its registration.
    pub last_good_at: Timestamp,
}

/// A device's point serving a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounting {
    /// The meter that is served.
    pub meter: MeterId,
    /// The device that serves it.
    pub device: DeviceId,
    /// The device's billing point.
    pub point: String,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// What its register showed when it began, as somebody read it off.
    pub opening: Option<Quantity>,
    /// What it showed when it ended.
    pub closing: Option<Quantity>,
    /// What its register is multiplied by: the ratios of its transformers, where the device
    /// does not know them. Another one is another mounting.
    pub multiplier: Decimal,
    /// Where its register begins again at zero, if somebody knows better than the profile.
    pub rolls_over_at: Option<Decimal>,
    /// The most that can go through in an hour, by its register, if somebody knows better
    /// than the profile.
    pub max_rate: Option<Decimal>,
}

/// How a person gets a meter's invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// By e-mail.
    Email,
    /// By Telegram.
    Telegram,
    /// By both.
    Both,
    /// Not at all: they look at the portal.
    None,
}

impl Delivery {
    /// Every way, in the order in which a form offers them.
    pub const ALL: [Self; 4] = [Self::Email, Self::Telegram, Self::Both, Self::None];

    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Telegram => "telegram",
            Self::Both => "both",
            Self::None => "none",
        }
    }

    /// The way that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|delivery| delivery.code() == code)
    }
}

/// A person who sees a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// The meter.
    pub meter: MeterId,
    /// The person.
    pub person: PersonId,
    /// How its invoices reach them.
    pub delivery: Delivery,
}
