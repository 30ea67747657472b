//! The thresholds at which a bill is flagged. A flagged bill goes out all the same, unless
//! somebody holds it.
//!
//! The set of checks is that of Oracle Utilities Meter Data Management (validation rules:
//! duplicate, high/low, inactive, interval size, multiplier, negative, prolonged estimation,
//! spike, missing, sum, unit, zero). No norm that could be cited gives their figures: where
//! a field names no source, the start value is ours, to be tuned.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::PlanError;

/// The longest stretch that a threshold can count, in days: a year.
const DAYS_MAX: u16 = 366;
/// The highest share that a threshold can be, of a hundred.
const PERCENT_MAX: i64 = 100_000;

/// When a bill is flagged. A threshold of zero switches its check off; those that a plan
/// does not set are the start values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// Daily use below this share of the history's, of a hundred, is low. 50 is our value;
    /// to compare daily averages with the last period and the last year is the rule of
    /// Oracle Customer Care and Billing (high/low, "flag, but bill").
    pub low_percent: Decimal,
    /// Daily use above this share of the history's, of a hundred, is high. Ours: 200.
    pub high_percent: Decimal,
    /// So many days without any use are flagged. Ours: 7, so that a week's holiday is said.
    pub zero_days: u16,
    /// So many days without use up to the end are flagged at a counter that used to move
    /// every day. Ours: 3, so that a weekend is not.
    pub stuck_days: u16,
    /// So many days without a closing reading are flagged. Ours: 1.
    pub missing_days: u16,
    /// A stretch that uses more than this share of the third-highest one, of a hundred, is a
    /// spike. Highest against third-highest within 24 hours is Oracle's rule; 300 is ours.
    pub spike_percent: Decimal,
    /// How far the days may be from the registers together, of a hundred. Ours: 1; a check
    /// of intervals against registers with a tolerance is common to all such rule sets.
    pub sum_percent: Decimal,
    /// More periods than this that end with an estimate, one after the other, are flagged.
    /// Ours: 1.
    pub estimated_periods: u16,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            low_percent: Decimal::from(50),
            high_percent: Decimal::from(200),
            zero_days: 7,
            stuck_days: 3,
            missing_days: 1,
            spike_percent: Decimal::from(300),
            sum_percent: Decimal::ONE,
            estimated_periods: 1,
        }
    }
}

impl Checks {
    /// Whether all thresholds are within their bounds.
    ///
    /// # Errors
    /// With the first one that is not.
    pub fn check(&self) -> Result<(), PlanError> {
        let most = Decimal::from(PERCENT_MAX);
        let percents = [
            self.low_percent,
            self.high_percent,
            self.spike_percent,
            self.sum_percent,
        ];
        if let Some(wrong) = percents
            .into_iter()
            .find(|percent| *percent < Decimal::ZERO || *percent > most)
        {
            return Err(PlanError::Threshold(wrong));
        }
        let days = [self.zero_days, self.stuck_days, self.missing_days];
        let wrong = days.into_iter().find(|days| *days > DAYS_MAX);
        wrong.map_or(Ok(()), |days| Err(PlanError::Threshold(days.into())))
    }
}
