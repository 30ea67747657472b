//! Cycles: when the periods of a meter end.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The longest cycle, in months: a year.
pub const MONTHS_MAX: i8 = 12;

const YEAR_COUNTED_FROM: i32 = 2000;

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

    /// The first date after `date` on which a period begins: the day after a cutoff. Nothing
    /// beyond the calendar.
    #[must_use]
    pub fn boundary_after(&self, date: Date) -> Option<Date> {
        let mut boundary = self.boundary_near(date)?;
        while boundary <= date {
            boundary = self.next(boundary)?;
        }
        Some(boundary)
    }

    /// The last date up to `date` on which a period begins.
    #[must_use]
    pub fn boundary_until(&self, date: Date) -> Option<Date> {
        let mut boundary = self.boundary_near(date)?;
        while let Some(next) = self.next(boundary).filter(|next| *next <= date) {
            boundary = next;
        }
        Some(boundary)
    }

    /// A boundary up to `date`, two at most before the last one.
    fn boundary_near(&self, date: Date) -> Option<Date> {
        match self {
            Self::Month {
                cutoff_day, months, ..
            } => {
                let months = i32::from(*months);
                let ended = month_number(date.yesterday().ok()?) - months;
                let near = ended - (ended - self.ends_in_month()).rem_euclid(months);
                day_after_cutoff(near, *cutoff_day)
            }
            Self::Week { cutoff } => {
                let yesterday = date.yesterday().ok()?;
                let since = cutoff.of_calendar().until(yesterday.weekday());
                date.checked_sub(i64::from(since).days()).ok()
            }
        }
    }

    fn next(&self, boundary: Date) -> Option<Date> {
        match self {
            Self::Month {
                cutoff_day, months, ..
            } => {
                let ended = month_number(boundary.yesterday().ok()?);
                day_after_cutoff(ended + i32::from(*months), *cutoff_day)
            }
            Self::Week { .. } => boundary.checked_add(1.week()).ok(),
        }
    }

    /// A month in which a period ends: those of cycles that do not fit into a year are counted
    /// from the year 2000.
    fn ends_in_month(&self) -> i32 {
        match self {
            Self::Month { ends_in, .. } => YEAR_COUNTED_FROM * 12 + i32::from(*ends_in) - 1,
            Self::Week { .. } => 0,
        }
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

impl Weekday {
    fn of_calendar(self) -> jiff::civil::Weekday {
        use jiff::civil::Weekday as Day;
        match self {
            Self::Monday => Day::Monday,
            Self::Tuesday => Day::Tuesday,
            Self::Wednesday => Day::Wednesday,
            Self::Thursday => Day::Thursday,
            Self::Friday => Day::Friday,
            Self::Saturday => Day::Saturday,
            Self::Sunday => Day::Sunday,
        }
    }
}

/// Months since the year 0.
fn month_number(date: Date) -> i32 {
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

/// The day after the cutoff of a month; in a shorter month its last day is the cutoff.
fn day_after_cutoff(month: i32, cutoff_day: i8) -> Option<Date> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let of_year = i8::try_from(month.rem_euclid(12)).ok()? + 1;
    let first = Date::new(year, of_year, 1).ok()?;
    let cutoff = cutoff_day.min(first.days_in_month());
    Date::new(year, of_year, cutoff).ok()?.tomorrow().ok()
}
