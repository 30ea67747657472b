//! Cycles: when the periods of a meter end.

use serde::{Deserialize, Serialize};

/// The longest cycle, in months: a year.
pub const MONTHS_MAX: i8 = 12;

/// Why something cannot be a cycle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CycleError {
    /// The cutoff day is no day of a month.
    #[error("the cutoff day is {0}: choose 1 to 31; in a shorter month its last day counts")]
    CutoffDay(i64),
    /// The cycle has no length, or more than a year.
    #[error("a period of {0} months: choose 1 to 12")]
    Months(i64),
    /// The month in which a period ends is no month.
    #[error("the month is {0}: choose 1 to 12")]
    Month(i64),
}

/// When periods end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "every", rename_all = "lowercase", deny_unknown_fields)]
pub enum Cycle {
    /// On a day of the month, every so many months.
    Month {
        /// The last day of a period, 1–31, kept as wanted.
        cutoff_day: i8,
        /// How many months a period has: 1 is monthly, 2 bimonthly.
        months: i8,
        /// A month, 1–12, in which a period ends; says nothing where a period has one month.
        ends_in: i8,
    },
    /// On a day of the week.
    Week {
        /// The last day of a period.
        cutoff: Weekday,
    },
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Cycle {
    /// A period each month, whose last day is `cutoff_day`.
    ///
    /// # Errors
    /// When that is no day of a month.
    pub fn monthly(cutoff_day: i64) -> Result<Self, CycleError> {
        let day = i8::try_from(cutoff_day).map_err(|_| CycleError::CutoffDay(cutoff_day))?;
        let cycle = Self::Month {
            cutoff_day: day,
            months: 1,
            ends_in: 1,
        };
        cycle.check().map(|()| cycle)
    }

    /// Whether it is within its bounds.
    ///
    /// # Errors
    /// With what is not.
    pub fn check(&self) -> Result<(), CycleError> {
        let Self::Month {
            cutoff_day,
            months,
            ends_in,
        } = *self
        else {
            return Ok(());
        };
        if !(1..=31).contains(&cutoff_day) {
            return Err(CycleError::CutoffDay(i64::from(cutoff_day)));
        }
        if !(1..=MONTHS_MAX).contains(&months) {
            return Err(CycleError::Months(i64::from(months)));
        }
        if !(1..=12).contains(&ends_in) {
            return Err(CycleError::Month(i64::from(ends_in)));
        }
        Ok(())
    }

    /// The wanted cutoff day of a cycle of months.
    #[must_use]
    pub fn cutoff_day(&self) -> Option<i8> {
        match self {
            Self::Month { cutoff_day, .. } => Some(*cutoff_day),
            Self::Week { .. } => None,
        }
    }
}
