//! Plans: the billing terms of a meter, a version for each date from which they count.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::currency::Currency;
use crate::site::Zone;

/// The most decimals of a price; finer ones would only hide in rounding.
pub const PRICE_DECIMALS_MAX: u32 = 6;
/// The highest price of a unit, and the highest minimum: beyond it somebody mistyped.
pub const TERM_MAX: i64 = 1_000_000_000;

/// Why terms cannot be a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The cutoff day is no day of a month.
    #[error("the cutoff day is {0}: choose 1 to 31; in a shorter month its last day counts")]
    CutoffDay(i64),
    /// The price is below zero or absurdly high.
    #[error("the price is {0}: it must be between 0 and 1,000,000,000")]
    Price(Decimal),
    /// The price has more decimals than an invoice shows.
    #[error("the price {0} has more than 6 decimals")]
    PriceDecimals(Decimal),
    /// The minimum is below zero or absurdly high.
    #[error("the minimum consumption is {0}: it must be between 0 and 1,000,000,000")]
    Minimum(Decimal),
    /// The send hour is no hour of a day.
    #[error("the send hour is {0}: choose 0 to 23")]
    SendHour(i64),
}

/// One version of a meter's billing terms. It holds from the start of `effective_from`;
/// a new price cuts the period there, a new cutoff day or zone counts from the next period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The first local date on which it holds.
    pub effective_from: Date,
    /// The zone in which its days are counted.
    pub zone: Zone,
    /// The last day of a period, 1–31, kept as wanted.
    pub cutoff_day: i8,
    /// The price of one unit.
    pub price: Decimal,
    /// What the price is in.
    pub currency: Currency,
    /// The least that a period is billed, in the meter's unit.
    pub minimum: Decimal,
    /// The local hour at which invoices go out, the day after the cutoff.
    pub send_hour: i8,
}

/// Terms as somebody typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// See [`Plan::effective_from`].
    pub effective_from: Date,
    /// See [`Plan::zone`].
    pub zone: Zone,
    /// See [`Plan::cutoff_day`].
    pub cutoff_day: i64,
    /// See [`Plan::price`].
    pub price: Decimal,
    /// See [`Plan::currency`].
    pub currency: Currency,
    /// See [`Plan::minimum`].
    pub minimum: Decimal,
    /// See [`Plan::send_hour`].
    pub send_hour: i64,
}

impl Plan {
    /// The plan of these terms.
    ///
    /// # Errors
    /// With the first term that is out of bounds.
    pub fn new(terms: Terms) -> Result<Self, PlanError> {
        let most = Decimal::from(TERM_MAX);
        let in_bounds = |value: Decimal| value >= Decimal::ZERO && value <= most;
        if !in_bounds(terms.price) {
            return Err(PlanError::Price(terms.price));
        }
        if terms.price.normalize().scale() > PRICE_DECIMALS_MAX {
            return Err(PlanError::PriceDecimals(terms.price));
        }
        if !in_bounds(terms.minimum) {
            return Err(PlanError::Minimum(terms.minimum));
        }
        let cutoff_day =
            bounded(terms.cutoff_day, 1, 31).ok_or(PlanError::CutoffDay(terms.cutoff_day))?;
        let send_hour =
            bounded(terms.send_hour, 0, 23).ok_or(PlanError::SendHour(terms.send_hour))?;
        Ok(Self {
            effective_from: terms.effective_from,
            zone: terms.zone,
            cutoff_day,
            price: terms.price,
            currency: terms.currency,
            minimum: terms.minimum,
            send_hour,
        })
    }
}

fn bounded(value: i64, least: i64, most: i64) -> Option<i8> {
    i8::try_from(value)
        .ok()
        .filter(|_| (least..=most).contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            effective_from: jiff::civil::date(2026, 1, 1),
            zone: Zone::new("America/Tijuana").unwrap(),
            cutoff_day: 31,
            price: Decimal::new(350, 2),
            currency: "MXN".parse().unwrap(),
            minimum: Decimal::ZERO,
            send_hour: 7,
        }
    }

    #[test]
    fn terms_out_of_bounds_say_which_and_what_is_allowed() {
        assert!(Plan::new(terms()).is_ok());
        let wrong = [
            (
                Terms {
                    cutoff_day: 32,
                    ..terms()
                },
                "cutoff day is 32: choose 1 to 31",
            ),
            (
                Terms {
                    cutoff_day: 0,
                    ..terms()
                },
                "cutoff day is 0",
            ),
            (
                Terms {
                    price: Decimal::new(-1, 2),
                    ..terms()
                },
                "price is -0.01",
            ),
            (
                Terms {
                    price: Decimal::new(1, 7),
                    ..terms()
                },
                "more than 6 decimals",
            ),
            (
                Terms {
                    minimum: Decimal::NEGATIVE_ONE,
                    ..terms()
                },
                "minimum consumption is -1",
            ),
            (
                Terms {
                    send_hour: 24,
                    ..terms()
                },
                "send hour is 24",
            ),
        ];
        for (terms, message) in wrong {
            let error = Plan::new(terms).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named() {
        let error = Zone::new("America/Tijuanna").unwrap_err().to_string();
        assert!(error.contains("America/Tijuanna"), "{error}");
    }
}
