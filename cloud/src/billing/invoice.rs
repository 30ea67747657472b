//! An invoice: the bill of one meter for one period, with all that it was made from.
//! A snapshot: once issued it is never changed.

use common::id::{AccountId, InvoiceId, MeterId};
use common::locale::Locale;
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::charge::Extras;
use super::finding::Finding;
use super::loss::LostReadings;
use super::segment::{Boundary, Segments};
use crate::currency::Currency;
use crate::plan::Plan;

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

/// What a line charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// What went through the meter.
    Consumption,
    /// What is missing to the minimum quantity.
    Minimum,
    /// The highest power of the period.
    Demand,
    /// A share of what the main meter counted and no submeter did.
    CommonArea,
    /// What is due besides.
    Fee,
    /// What somebody added or took off once, before taxes or after them.
    Adjustment,
    /// What is missing to the minimum amount.
    MinimumAmount,
    /// What is added as a share of other lines.
    Tax,
}

/// How many days of how many a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The days that it charges.
    pub days: u32,
    /// The days of a full period.
    pub of: u32,
}

/// One line: quantity × price ÷ per × share, rounded once to the currency's digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it charges for.
    pub kind: LineKind,
    /// What the plan calls it: a band, a fee, a tax; empty where its kind says all.
    pub name: String,
    /// The first day it charges.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// How much: of the invoice's unit; kilowatts for demand; 1 for a fee; an amount for a tax.
    pub quantity: Decimal,
    /// The price of `per`; of a tax its share of a hundred.
    pub price: Decimal,
    /// How much the price is for: 1, or what the tariff says; 100 for a tax.
    pub per: Decimal,
    /// Where it is for a part of a period only.
    pub share: Option<Share>,
    /// What it comes to.
    pub amount: Decimal,
    /// Whether its quantity rests on readings that need not be sealed: the hours and powers
    /// within a period.
    pub is_detail: bool,
}

/// The use of one day, for the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyUse {
    /// The day.
    pub date: Date,
    /// Its use in the invoice's unit; `None` where a closing reading is missing.
    pub quantity: Option<Decimal>,
    /// Whether a register at its start or end was interpolated or estimated.
    pub is_reckoned: bool,
    /// The register at its start, as it was read; `None` where a closing reading is missing.
    pub register: Option<Quantity>,
    /// When that was read.
    pub read_at: Option<Timestamp>,
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

/// What a document of the bills is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    /// What is due.
    Invoice,
    /// What an invoice asked for wrongly, given back: each of its lines, with a minus.
    Credit,
}

/// The document that one takes back or replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Its identity.
    pub id: InvoiceId,
    /// Its number.
    pub number: u64,
    /// Why, in somebody's words.
    pub reason: String,
}

/// The bill of one meter for one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its identity.
    pub id: InvoiceId,
    /// Its number in the account, without gaps; credits and invoices count together.
    pub number: u64,
    /// What it is.
    pub kind: DocumentKind,
    /// What it takes back or replaces.
    pub corrects: Option<Correction>,
    /// The account that issues it.
    pub account: AccountId,
    /// The account's name.
    pub issuer: String,
    /// Whom to ask: a telephone number, an address; empty when nobody wrote it down.
    pub contact: String,
    /// The building.
    pub site: String,
    /// The meter.
    pub meter: MeterId,
    /// The meter's label.
    pub meter_label: String,
    /// What it measures.
    pub medium: Medium,
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
    /// The versions of the plan that hold within the period, the first from its start on.
    pub plans: Vec<Plan>,
    /// What the devices counted, from the start of the period to its end.
    pub segments: Segments,
    /// What went into the lines beside plan and segments.
    pub extras: Extras,
    /// What went through the meter: the sum of the segments.
    pub measured: Decimal,
    /// The least quantity that is billed for this period.
    pub minimum: Decimal,
    /// The greater of the two.
    pub billed: Decimal,
    /// What is charged, line by line.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Decimal,
    /// Whether any of its readings was invented by a simulation.
    pub simulated: bool,
    /// Readings of the period that were lost. They do not change the amount.
    pub losses: Vec<LostReadings>,
    /// What was noticed about its readings. It does not change the amount.
    pub findings: Vec<Finding>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The use of each day.
    pub daily: Vec<DailyUse>,
    /// Up to four periods before, the newest first.
    pub earlier: Vec<EarlierPeriod>,
}

/// A number with the other sign; nothing has none.
#[must_use]
pub fn opposite(number: Decimal) -> Decimal {
    if number.is_zero() { number } else { -number }
}

impl Line {
    /// The same, given back.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            quantity: opposite(self.quantity),
            amount: opposite(self.amount),
            ..self.clone()
        }
    }
}

impl Invoice {
    /// What takes this invoice back: the same readings and terms, each line with a minus.
    #[must_use]
    pub fn credit(&self, id: InvoiceId, number: u64, reason: &str, now: Timestamp) -> Self {
        Self {
            id,
            number,
            kind: DocumentKind::Credit,
            corrects: Some(self.correction(reason)),
            lines: self.lines.iter().map(Line::negated).collect(),
            total: opposite(self.total),
            issued_at: now,
            ..self.clone()
        }
    }

    /// How a document that takes this one back, or stands in its place, refers to it.
    #[must_use]
    pub fn correction(&self, reason: &str) -> Correction {
        Correction {
            id: self.id,
            number: self.number,
            reason: reason.to_owned(),
        }
    }

    /// The register at the start of the period.
    #[must_use]
    pub fn opening(&self) -> &Boundary {
        &self.segments.first().opening
    }

    /// The register at its end.
    #[must_use]
    pub fn closing(&self) -> &Boundary {
        &self.segments.last().closing
    }

    /// The number on the plate of the device that served last.
    #[must_use]
    pub fn serial_number(&self) -> &str {
        &self.segments.last().serial_number
    }

    /// Whether a reading that decides it was dated afterwards.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.segments.rest_on(ClockTrust::Dated)
    }

    /// Whether one of its registers was interpolated or estimated.
    #[must_use]
    pub fn is_reckoned(&self) -> bool {
        self.segments.boundaries().any(Boundary::is_reckoned)
    }
}
