//! Readiness: what will become of a bill, days before its period ends.
//!
//! A promise about the future made of what is known now: it says what the closing job will
//! do if nothing more happens, and why. What needs a person is told apart from what only
//! needs time.

#[cfg(test)]
mod tests;

use common::quantity::Quantity;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::display::DisplayCheck;
use super::hold::Hold;
use super::invoice::{DailyUse, Period};
use crate::format::Format;
use crate::plan::Missing;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// A meter that recorded nothing for so long is silent.
pub const SILENT_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What will become of a bill, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// It will be issued.
    Ready,
    /// It will be issued with a register that was estimated.
    WillEstimate,
    /// It will wait for a reading, and be issued when it comes.
    WillWait,
    /// It will not be issued before somebody does something.
    Blocked,
}

impl Readiness {
    /// Every state, in the order in which a board counts them.
    pub const ALL: [Self; 4] = [
        Self::Ready,
        Self::WillWait,
        Self::WillEstimate,
        Self::Blocked,
    ];
}

/// What stands in the way of a bill, or of somebody's getting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The terms are not complete, so there is no period.
    NoTerms,
    /// The rules hold it: the period is over and cannot be billed, or will not be.
    Held(Hold),
    /// The meter has not recorded for a day.
    Silent {
        /// Its last good reading, or its registration.
        since: Timestamp,
    },
    /// Somebody read something else off its display.
    DisplayDiffers {
        /// When they looked.
        at: Timestamp,
        /// What they read.
        shown: Decimal,
        /// The register they were asked about.
        register: Quantity,
    },
    /// Nobody has a verified channel: the bill is made, and reaches nobody.
    Unreachable,
}

impl From<&DisplayCheck> for Cause {
    fn from(check: &DisplayCheck) -> Self {
        Self::DisplayDiffers {
            at: check.answered_at,
            shown: check.shown.unwrap_or_else(|| check.register.value()),
            register: check.register,
        }
    }
}

impl Cause {
    /// What it makes of the bill, under what the plan says of missing data.
    #[must_use]
    pub fn leads_to(&self, missing: Missing) -> Readiness {
        let without_reading = if missing.estimate {
            Readiness::WillEstimate
        } else {
            Readiness::WillWait
        };
        match self {
            Self::Silent { .. } | Self::Held(Hold::ReadingMissing { .. }) => without_reading,
            // There is nothing to estimate from before the first reading.
            Self::Held(
                Hold::NoFirstReading { .. }
                | Hold::UtilityBillMissing { .. }
                | Hold::SiteIncomplete { .. },
            ) => Readiness::WillWait,
            Self::NoTerms | Self::Held(_) => Readiness::Blocked,
            Self::DisplayDiffers { .. } | Self::Unreachable => Readiness::Ready,
        }
    }

    /// Whether time alone does not mend it.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        !matches!(
            self,
            Self::Held(Hold::ReadingMissing { .. } | Hold::NoFirstReading { .. })
        )
    }

    /// The cause in a sentence; instants are those of `zone`.
    #[must_use]
    pub fn sentence(&self, text: Text, format: Format, zone: &Zone) -> String {
        match self {
            Self::NoTerms => text.get("billing-cause-no-terms"),
            Self::Held(Hold::ByPerson { reason }) => {
                text.with("billing-cause-held", &[("reason", Arg::from(reason))])
            }
            Self::Held(hold) => hold.sentence(text, format, zone),
            Self::Silent { since } => {
                let when = format.date_time(*since, zone);
                text.with("billing-cause-silent", &[("when", Arg::from(&when))])
            }
            Self::DisplayDiffers {
                at,
                shown,
                register,
            } => {
                let when = format.date_time(*at, zone);
                let shown = format.quantity(*shown, register.unit());
                let register = format.quantity(register.value(), register.unit());
                let args = [
                    ("when", Arg::from(&when)),
                    ("shown", Arg::from(&shown)),
                    ("register", Arg::from(&register)),
                ];
                text.with("explain-display-cause", &args)
            }
            Self::Unreachable => text.get("billing-cause-unreachable"),
        }
    }
}

/// What is known of a bill that comes.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What the plan says of missing data; nothing when the terms are not complete.
    pub missing: Option<Missing>,
    /// Why the rules hold it, or somebody does.
    pub holds: Vec<Hold>,
    /// The newest good reading, or the registration.
    pub last_good_at: Timestamp,
    /// Its period.
    pub period: Option<&'a Period>,
    /// What somebody read off its display that cannot be, and nobody has settled.
    pub display: Option<&'a DisplayCheck>,
    /// Whether anybody will get it.
    pub is_reachable: bool,
}

/// What will become of a bill, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// What will become of it.
    pub state: Readiness,
    /// Why, the gravest first.
    pub causes: Vec<Cause>,
}

impl Outlook {
    /// Whether somebody has to do something.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.causes.iter().any(Cause::needs_a_person)
    }
}

/// Looks ahead at `now`.
#[must_use]
pub fn outlook(facts: &Facts<'_>, now: Timestamp) -> Outlook {
    let mut causes = Vec::new();
    causes.extend(facts.missing.is_none().then_some(Cause::NoTerms));
    causes.extend(facts.holds.iter().cloned().map(Cause::Held));
    // What was recorded to the end of the period is enough for its bill.
    let is_read = facts
        .period
        .is_some_and(|period| period.ends_at <= facts.last_good_at);
    if !is_read && now.duration_since(facts.last_good_at) > SILENT_AFTER {
        let since = facts.last_good_at;
        causes.push(Cause::Silent { since });
    }
    causes.extend(facts.display.map(Cause::from));
    if !facts.is_reachable {
        causes.push(Cause::Unreachable);
    }
    let missing = facts.missing.unwrap_or_default();
    // The sort is stable: of two that are as grave, the first is said first.
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.leads_to(missing)));
    let state = causes
        .first()
        .map_or(Readiness::Ready, |cause| cause.leads_to(missing));
    Outlook { state, causes }
}

/// How many of the days that are over have a closing reading at their start.
#[must_use]
pub fn days_read(daily: &[DailyUse]) -> (usize, usize) {
    let read = daily.iter().filter(|day| day.register.is_some()).count();
    (read, daily.len())
}
