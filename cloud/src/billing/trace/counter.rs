//! How a register counts: how fast it can rise, by how much it may fall without having fallen,
//! and where it begins again at zero. Whether one register can follow another is decided here.

use common::profile::{Point, usual_rate};
use common::quantity::Quantity;
use common::unit::Unit;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::site::Mounting;

/// A counter may be this many counts ahead of its rate: it counts in steps.
const RISE_COUNTS: i64 = 3;
const MILLISECONDS_PER_HOUR: i64 = 3_600_000;

/// How a register counts.
#[derive(Debug, Clone)]
pub struct Counter<'a> {
    point: Option<&'a Point>,
    /// The most in an hour, in the register's unit.
    max_rate: Option<Decimal>,
    /// Where it begins again at zero.
    rolls_over_at: Option<Decimal>,
}

impl<'a> Counter<'a> {
    /// The counter of a mounting: what somebody said there stands before what the profile's
    /// point says, and that before what is usual.
    #[must_use]
    pub fn of(mounting: &Mounting, point: Option<&'a Point>) -> Self {
        let by_profile = point.and_then(Point::rollover_value);
        Self {
            point,
            max_rate: mounting.max_rate,
            rolls_over_at: mounting.rolls_over_at.or(by_profile),
        }
    }

    /// Where it begins again at zero, if that is known.
    #[must_use]
    pub fn rolls_over_at(&self) -> Option<Decimal> {
        self.rolls_over_at
    }

    /// What it can do between two readings in any time, for registers that stand at `level` or
    /// higher.
    #[must_use]
    pub fn steady(&self, level: Decimal, unit: Unit) -> Steady {
        Steady {
            fall: self.unrest_at(level),
            rise: self.slack_at(level),
            rise_per_hour: self.rate(unit),
        }
    }

    fn slack_at(&self, value: Decimal) -> Decimal {
        let count = Decimal::try_new(1, value.scale()).unwrap_or_default();
        let step = self.point.map_or(count, |point| point.step_at(value));
        step * Decimal::from(RISE_COUNTS)
    }

    fn rate(&self, unit: Unit) -> Option<Decimal> {
        let by_profile = || {
            self.point
                .map_or(usual_rate(unit), |point| point.rate_in(unit))
        };
        self.max_rate.or_else(by_profile)
    }

    /// By how much it may fall without having fallen.
    #[must_use]
    pub fn unrest_at(&self, value: Decimal) -> Decimal {
        self.point
            .map_or(Decimal::ZERO, |point| point.unrest_at(value))
    }

    /// The most that it can have risen in that time; nothing when there is no telling.
    fn most_within(&self, elapsed: SignedDuration, value: Decimal, unit: Unit) -> Option<Decimal> {
        let milliseconds = i64::try_from(elapsed.as_millis()).ok()?.max(0);
        let hours = Decimal::from(milliseconds).checked_div(MILLISECONDS_PER_HOUR.into())?;
        let most = self.rate(unit)?.checked_mul(hours)?;
        most.checked_add(self.slack_at(value))
    }
}

/// How far a register moves without a break, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steady {
    /// By how much it may fall.
    pub fall: Decimal,
    /// By how much it may rise in no time.
    pub rise: Decimal,
    /// By how much more in an hour; nothing when there is no telling.
    pub rise_per_hour: Option<Decimal>,
}

/// How one register follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The register rose, or stayed.
    Rose,
    /// It fell by no more than its unrest: it stands where it stood.
    Stood,
    /// It began again at zero.
    RolledOver,
    /// It cannot: the register fell.
    Fell,
    /// It cannot: it rose too fast.
    Jumped,
    /// It cannot: it counts in another unit.
    OtherUnit,
}

impl Step {
    /// Whether it is the same counter that counted on.
    #[must_use]
    pub fn is_possible(self) -> bool {
        matches!(self, Self::Rose | Self::Stood | Self::RolledOver)
    }
}

/// A register at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When.
    pub at: Timestamp,
    /// What it showed.
    pub level: Decimal,
    /// In which unit.
    pub unit: Unit,
}

impl Standing {
    /// A register as it was read or noted.
    #[must_use]
    pub fn of(at: Timestamp, register: Quantity) -> Self {
        Self {
            at,
            level: register.value(),
            unit: register.unit(),
        }
    }
}

impl Counter<'_> {
    /// How a register follows an earlier one.
    #[must_use]
    pub fn step(&self, before: Standing, after: Standing) -> Step {
        if before.unit != after.unit {
            return Step::OtherUnit;
        }
        let (level, now) = (before.level, after.level);
        let elapsed = after.at.duration_since(before.at);
        let most = self.most_within(elapsed, level, before.unit);
        if now >= level {
            let too_fast = most.is_some_and(|most| now - level > most);
            return if too_fast { Step::Jumped } else { Step::Rose };
        }
        if level - now <= self.unrest_at(level) {
            return Step::Stood;
        }
        let rolled_over = self.rolls_over_at.is_some_and(|modulus| {
            let rise = modulus - level + now;
            level < modulus && most.is_some_and(|most| rise <= most)
        });
        match rolled_over {
            true => Step::RolledOver,
            false => Step::Fell,
        }
    }
}
