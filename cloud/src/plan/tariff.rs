//! Tariffs: what a unit costs, what is due besides, and what is added on top.
//!
//! Data only, and its bounds; [`crate::billing::charge`] says how they become money, and in
//! which order.

mod check;

use jiff::civil::{Date, Time, Weekday};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub(super) use self::check::{check_fees, check_taxes};

/// The most tiers of a price.
pub const TIERS_MAX: usize = 20;
/// The most bands of a price.
pub const BANDS_MAX: usize = 10;
/// The most seasons of a year.
pub const SEASONS_MAX: usize = 12;
/// The most switches of a day: each needs a register of its own.
pub const SWITCHES_MAX: usize = 24;
/// The most holidays of a calendar: twenty a year for twenty years.
pub const HOLIDAYS_MAX: usize = 400;
/// The most fees of a plan.
pub const FEES_MAX: usize = 20;
/// The most taxes of a plan.
pub const TAXES_MAX: usize = 10;
/// The longest name of a band, a fee or a tax, in characters: a line of an invoice.
pub const NAME_MAX: usize = 60;
/// The highest tax, of a hundred.
pub const PERCENT_MAX: i64 = 1_000;
/// The lengths of an interval whose mean power can count, in minutes: parts of an hour.
pub const INTERVALS_MINUTES: [u16; 6] = [5, 10, 15, 20, 30, 60];

/// What a unit costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rate {
    /// Each unit the same.
    Flat {
        /// The price of [`Tariff::per`] units.
        price: Decimal,
    },
    /// The first units one price, the next another.
    Tiers {
        /// In order; each but the last has an end.
        tiers: Vec<Tier>,
        /// Whether the ends shrink with a period that is shorter than a full one.
        prorated: bool,
    },
    /// A price that depends on the hour.
    TimeOfUse {
        /// The prices; a calendar names them by their places.
        bands: Vec<Band>,
        /// When which band holds.
        calendar: Calendar,
    },
    /// What the utility charged, divided by what the main meter measured.
    PassThrough,
}

/// A block of units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// The quantity of a full period at which it ends; the last one has no end.
    pub up_to: Option<Decimal>,
    /// The price of [`Tariff::per`] units.
    pub price: Decimal,
}

/// A price with a name, such as "peak".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// What people call it.
    pub name: String,
    /// The price of [`Tariff::per`] units.
    pub price: Decimal,
}

/// When which band holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The seasons, by the dates at which they begin; the last one lasts into the next year.
    pub seasons: Vec<Season>,
    /// Days that count as Sundays.
    pub holidays: Vec<Date>,
}

/// A part of the year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Season {
    /// The month in which it begins, 1–12.
    pub month: i8,
    /// The day of that month.
    pub day: i8,
    /// Monday to Friday: the first switch is at midnight.
    pub workday: Vec<Switch>,
    /// Saturday.
    pub saturday: Vec<Switch>,
    /// Sunday and holidays.
    pub sunday: Vec<Switch>,
}

impl Calendar {
    /// The switches of a date, the first at midnight; none where there is no season.
    #[must_use]
    pub fn on(&self, date: Date) -> &[Switch] {
        let begun = |season: &&Season| (season.month, season.day) <= (date.month(), date.day());
        let season = self.seasons.iter().rfind(begun).or(self.seasons.last());
        let day = season.map(|season| match date.weekday() {
            _ if self.holidays.contains(&date) => &season.sunday,
            Weekday::Sunday => &season.sunday,
            Weekday::Saturday => &season.saturday,
            _ => &season.workday,
        });
        day.map_or(&[], Vec::as_slice)
    }
}

/// From a time of day on, another band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// The local time.
    pub at: Time,
    /// The place of the band in [`Rate::TimeOfUse`].
    pub band: usize,
}

/// What the highest power of a period costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The length of the intervals whose mean power counts, in minutes.
    pub interval_minutes: u16,
    /// The price of a kilowatt.
    pub price: Decimal,
}

/// The least that is due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minimum {
    /// As a quantity of the meter's unit.
    pub quantity: Decimal,
    /// As an amount of money.
    pub amount: Decimal,
    /// Whether both shrink with a period that is shorter than a full one.
    pub prorated: bool,
}

/// What is due besides, whatever was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// What it is for.
    pub name: String,
    /// How much a full period.
    pub amount: Decimal,
    /// Whether it shrinks with a period that is shorter than a full one.
    pub prorated: bool,
}

/// What is added as a share of other lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// What it is called.
    pub name: String,
    /// Of a hundred; negative for a reduction.
    pub percent: Decimal,
    /// Whether it is also taken of the taxes before it.
    pub compound: bool,
    /// The names of the fees of which it is not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<String>,
}

/// What a meter's use costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tariff {
    /// What a unit costs.
    pub rate: Rate,
    /// How many units a price is for.
    pub per: Decimal,
    /// What the highest power costs.
    pub demand: Option<Demand>,
}

impl Tariff {
    /// A price for each unit and nothing else.
    #[must_use]
    pub fn flat(price: Decimal) -> Self {
        Self {
            rate: Rate::Flat { price },
            per: Decimal::ONE,
            demand: None,
        }
    }
}
