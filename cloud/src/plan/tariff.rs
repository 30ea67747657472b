//! Tariffs: what a unit costs, what is due besides, and what is added on top.
//!
//! Data only; [`crate::billing::charge`] says how they become money, and in which order.

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{PRICE_DECIMALS_MAX, PlanError, TERM_MAX};

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
    /// Of a hundred.
    pub percent: Decimal,
    /// Whether it is also taken of the taxes before it.
    pub compound: bool,
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

impl Tariff {
    /// Whether all prices are within their bounds, the tiers in order, and the calendar whole.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        let wrong = |what: &str| Err(PlanError::Tariff(what.to_owned()));
        if self.per <= Decimal::ZERO || self.per > Decimal::from(TERM_MAX) {
            return wrong("a price is for one unit or more");
        }
        for price in self.prices() {
            check_price(price)?;
        }
        match &self.rate {
            Rate::Tiers { tiers, .. } => check_tiers(tiers),
            Rate::TimeOfUse { bands, calendar } => check_calendar(bands, calendar),
            Rate::Flat { .. } | Rate::PassThrough => Ok(()),
        }
    }

    /// Every price in it.
    fn prices(&self) -> Vec<Decimal> {
        let mut prices: Vec<Decimal> = match &self.rate {
            Rate::Flat { price } => vec![*price],
            Rate::Tiers { tiers, .. } => tiers.iter().map(|tier| tier.price).collect(),
            Rate::TimeOfUse { bands, .. } => bands.iter().map(|band| band.price).collect(),
            Rate::PassThrough => Vec::new(),
        };
        prices.extend(self.demand.iter().map(|demand| demand.price));
        prices
    }
}

fn check_price(price: Decimal) -> Result<(), PlanError> {
    if price < Decimal::ZERO || price > Decimal::from(TERM_MAX) {
        return Err(PlanError::Price(price));
    }
    if price.normalize().scale() > PRICE_DECIMALS_MAX {
        return Err(PlanError::PriceDecimals(price));
    }
    Ok(())
}

fn check_tiers(tiers: &[Tier]) -> Result<(), PlanError> {
    let wrong = |what: &str| Err(PlanError::Tariff(what.to_owned()));
    let Some((last, before)) = tiers.split_last() else {
        return wrong("it has no tiers");
    };
    if last.up_to.is_some() {
        return wrong("its last tier must not end");
    }
    let mut from = Decimal::ZERO;
    for tier in before {
        match tier.up_to {
            Some(up_to) if up_to > from => from = up_to,
            _ => return wrong("each tier ends above the one before it"),
        }
    }
    Ok(())
}

fn check_calendar(bands: &[Band], calendar: &Calendar) -> Result<(), PlanError> {
    let wrong = |what: &str| Err(PlanError::Tariff(what.to_owned()));
    if bands.is_empty() || calendar.seasons.is_empty() {
        return wrong("it has no bands or no season");
    }
    let mut begins = None;
    for season in &calendar.seasons {
        let begin = (season.month, season.day);
        // 2023 is no leap year.
        if Date::new(2023, season.month, season.day).is_err() {
            return wrong("a season begins at a date that not every year has");
        }
        if begins.replace(begin).is_some_and(|before| before >= begin) {
            return wrong("its seasons are not in the order of their dates");
        }
        for day in [&season.workday, &season.saturday, &season.sunday] {
            if day.first().map(|switch| switch.at) != Some(Time::midnight()) {
                return wrong("a day's first band begins at midnight");
            }
            let rising = day.is_sorted_by(|a, b| a.at < b.at);
            if !rising || day.iter().any(|switch| switch.band >= bands.len()) {
                return wrong("a day's switches are not in order, or name no band");
            }
        }
    }
    Ok(())
}
