//! An invoice: the bill of one meter for one period, with all that it was made from.
//! A snapshot: once issued it is never changed.

use common::id::{AccountId, DeviceId, Epoch, GatewayId, InvoiceId, MeterId};
use common::locale::Locale;
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::loss::LostReadings;
use crate::currency::Currency;

/// What [`Invoice::schema`] says.
pub const SCHEMA: &str = "enervue.invoice/1";

/// The stretch of time that is billed: from the start of `from` to the start of `until`, in
/// the meter's zone. `until` is the day after the cutoff day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// The start of `from`.
    pub starts_at: Timestamp,
    /// The start of `until`.
    pub ends_at: Timestamp,
}

/// A register reading at the start of a day: one end of a stretch that is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// The date whose start it decides.
    pub date: Date,
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

/// What a line charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// What went through the meter.
    Consumption,
    /// What is missing to the minimum.
    Minimum,
}

/// One line: a quantity at a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it charges for.
    pub kind: LineKind,
    /// The first day it charges.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// How much, in the invoice's unit.
    pub quantity: Decimal,
    /// The price of one unit.
    pub price: Decimal,
    /// Quantity × price, rounded once to the currency's digits.
    pub amount: Decimal,
}

/// The use of one day, for the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyUse {
    /// The day.
    pub date: Date,
    /// Its use in the invoice's unit; `None` where a closing reading is missing.
    pub quantity: Option<Decimal>,
}

/// A period before this one, for comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierPeriod {
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// What was measured.
    pub measured: Decimal,
    /// What it cost.
    pub total: Decimal,
}

/// The bill of one meter for one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its identity.
    pub id: InvoiceId,
    /// Its number in the account, without gaps.
    pub number: u64,
    /// The account that issues it.
    pub account: AccountId,
    /// The account's name.
    pub issuer: String,
    /// The building.
    pub site: String,
    /// The meter.
    pub meter: MeterId,
    /// The meter's label.
    pub meter_label: String,
    /// What it measures.
    pub medium: Medium,
    /// The serial number of the device; empty when nobody wrote it down.
    pub serial_number: String,
    /// The language and region it speaks.
    pub locale: Locale,
    /// The zone that counts its days.
    pub zone: String,
    /// What it bills.
    pub period: Period,
    /// The unit of its quantities.
    pub unit: Unit,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The register at the start.
    pub opening: Boundary,
    /// The register at the end.
    pub closing: Boundary,
    /// Registers in between, where a price changed.
    pub switches: Vec<Boundary>,
    /// What went through the meter: closing − opening.
    pub measured: Decimal,
    /// The least that is billed.
    pub minimum: Decimal,
    /// The greater of the two.
    pub billed: Decimal,
    /// The price of the unit at the end of the period.
    pub price: Decimal,
    /// What is charged, line by line.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Decimal,
    /// Whether any of its readings was invented by a simulation.
    pub simulated: bool,
    /// Readings of the period that were lost. They do not change the amount.
    pub losses: Vec<LostReadings>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The use of each day.
    pub daily: Vec<DailyUse>,
    /// Up to four periods before, the newest first.
    pub earlier: Vec<EarlierPeriod>,
}

impl Invoice {
    /// Whether a reading that decides it was dated afterwards.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        let mut boundaries = [&self.opening, &self.closing]
            .into_iter()
            .chain(&self.switches);
        boundaries.any(|boundary| boundary.clock == ClockTrust::Dated)
    }
}
