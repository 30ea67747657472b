//! Plans: the billing terms of a meter, a version for each date from which they count.

pub mod checks;
pub mod cycle;
pub mod tariff;
pub mod terms;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use self::checks::Checks;
pub use self::cycle::Cycle;
use self::tariff::{Fee, Minimum, Rate, Tariff, Tax};
use crate::currency::Currency;
use crate::site::Zone;

/// The most decimals of a price; finer ones would only hide in rounding.
pub const PRICE_DECIMALS_MAX: u32 = 6;
/// The highest price of a unit, and the highest minimum: beyond it somebody mistyped.
pub const TERM_MAX: i64 = 1_000_000_000;
/// The local hour at which invoices go out when nobody says another.
pub const SEND_HOUR_DEFAULT: i8 = 7;
/// The longest that an invoice waits for data, in days.
pub const GRACE_DAYS_MAX: i64 = 60;

/// Why terms cannot be a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The periods cannot end so.
    #[error(transparent)]
    Cycle(#[from] cycle::CycleError),
    /// The price is below zero or absurdly high.
    #[error("the price is {0}: it must be between 0 and 1,000,000,000")]
    Price(Decimal),
    /// The price has more decimals than an invoice shows.
    #[error("the price {0} has more than 6 decimals")]
    PriceDecimals(Decimal),
    /// The minimum is below zero or absurdly high.
    #[error("the minimum is {0}: it must be between 0 and 1,000,000,000")]
    Minimum(Decimal),
    /// The send hour is no hour of a day.
    #[error("the send hour is {0}: choose 0 to 23")]
    SendHour(i64),
    /// Something in the tariff contradicts itself.
    #[error("the tariff cannot be: {0}")]
    Tariff(String),
    /// The grace is below zero or too long.
    #[error("an invoice that waits {0} days for data: choose 0 to 60")]
    Grace(i64),
    /// A threshold of the checks is below zero or absurdly high.
    #[error("a check's threshold is {0}: choose 0 (off) to 366 days or 100,000 percent")]
    Threshold(Decimal),
}

/// What becomes of an invoice whose reading at the end of the period is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// How many days after the send hour of its day it waits for data that comes late.
    pub grace_days: u8,
    /// Whether the register is estimated then; else it is held until somebody decides.
    pub estimate: bool,
}

/// One version of a meter's billing terms, with nothing left open. It holds from the start
/// of `effective_from`; a new price cuts the period there, a new cycle or zone counts from
/// the next period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The first local date on which it holds.
    pub effective_from: Date,
    /// Whether a period begins with it, even where its predecessor's has not ended yet.
    #[serde(default)]
    pub begins_period: bool,
    /// The zone in which its days are counted.
    pub zone: Zone,
    /// When its periods end.
    pub cycle: Cycle,
    /// What its prices are in.
    pub currency: Currency,
    /// What use costs.
    pub tariff: Tariff,
    /// The least that is due for a period.
    pub minimum: Minimum,
    /// What is due besides.
    pub fees: Vec<Fee>,
    /// What is added on top, in this order.
    pub taxes: Vec<Tax>,
    /// The local hour at which invoices go out, the day after the cutoff.
    pub send_hour: i8,
    /// What becomes of an invoice without a reading at its end.
    pub missing: Missing,
    /// When a bill is flagged.
    pub checks: Checks,
}

impl Plan {
    /// A price for each unit, and nothing else.
    #[must_use]
    pub fn flat(
        effective_from: Date,
        zone: Zone,
        cycle: Cycle,
        currency: Currency,
        price: Decimal,
    ) -> Self {
        Self {
            effective_from,
            begins_period: false,
            zone,
            cycle,
            currency,
            tariff: Tariff::flat(price),
            minimum: Minimum::default(),
            fees: Vec::new(),
            taxes: Vec::new(),
            send_hour: SEND_HOUR_DEFAULT,
            missing: Missing::default(),
            checks: Checks::default(),
        }
    }

    /// Whether all terms are within their bounds.
    ///
    /// # Errors
    /// With the first one that is not.
    pub fn check(&self) -> Result<(), PlanError> {
        self.cycle.check()?;
        self.tariff.check()?;
        let most = Decimal::from(TERM_MAX);
        for minimum in [self.minimum.quantity, self.minimum.amount] {
            if minimum < Decimal::ZERO || minimum > most {
                return Err(PlanError::Minimum(minimum));
            }
        }
        tariff::check_fees(&self.fees)?;
        tariff::check_taxes(&self.taxes, &self.fees)?;
        if !(0..=23).contains(&self.send_hour) {
            return Err(PlanError::SendHour(i64::from(self.send_hour)));
        }
        let grace = i64::from(self.missing.grace_days);
        if grace > GRACE_DAYS_MAX {
            return Err(PlanError::Grace(grace));
        }
        self.checks.check()
    }

    /// Whether another version, which follows this one, changes nothing by it: it differs in
    /// nothing but the date from which it counts, and begins no period.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let same_date = Self {
            effective_from: self.effective_from,
            begins_period: self.begins_period,
            ..other.clone()
        };
        !other.begins_period && *self == same_date
    }

    /// The price of a unit, where there is one price.
    #[must_use]
    pub fn flat_price(&self) -> Option<Decimal> {
        match &self.tariff.rate {
            Rate::Flat { price } => Some(*price),
            _ => None,
        }
    }
}
