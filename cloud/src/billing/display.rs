//! The display check: whether what somebody reads off a meter's display can be the register
//! that was recorded.
//!
//! What is asked about and what was answered is kept as it was, with what followed from it.
//! An answer decides nothing by itself: it says where to look. Lacks: displays that count in
//! another unit than the register, and those that leave digits out on the left.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use common::id::{DeviceId, PersonId};
use common::quantity::Quantity;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::trace::Steady;

const MILLISECONDS_PER_HOUR: i64 = 3_600_000;

/// An answer to the question whether a display reads what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayCheck {
    /// Who looked.
    pub person: PersonId,
    /// Whether they are of those who manage the meter.
    pub manages: bool,
    /// The device whose display it is.
    pub device: DeviceId,
    /// The register they were asked about.
    pub register: Quantity,
    /// When it was read.
    pub read_at: Timestamp,
    /// What the display shows, as they typed it; nothing where they said that it is that.
    pub shown: Option<Decimal>,
    /// When they answered.
    pub answered_at: Timestamp,
    /// Whether both can be.
    pub agrees: bool,
}

/// What a counter can have come to.
#[derive(Debug, Clone, Copy)]
pub struct Movement {
    /// How far it moves.
    pub steady: Steady,
    /// Where it begins again at zero, if that is known.
    pub rolls_over_at: Option<Decimal>,
}

/// Whether a display can show that at `now`, when the register was read at `read_at`: it may
/// have counted on as fast as it can, and the last digit may have been cut off or rounded.
/// Without a rate there is no telling how far, but never backwards.
#[must_use]
pub fn can_show(
    register: Quantity,
    read_at: Timestamp,
    shown: Decimal,
    now: Timestamp,
    movement: &Movement,
) -> bool {
    let digit = Decimal::try_new(1, shown.scale()).unwrap_or_default();
    let register = register.value();
    let lowest = register
        .saturating_sub(movement.steady.fall)
        .saturating_sub(digit);
    let rises = rises(read_at, now, &movement.steady);
    let highest = rises.map(|rises| register.saturating_add(rises).saturating_add(digit));
    let fits = |shown: Decimal| shown >= lowest && highest.is_none_or(|highest| shown <= highest);
    let begun_again = movement
        .rolls_over_at
        .map(|at| shown.saturating_add(at))
        .filter(|_| highest.is_some());
    fits(shown) || begun_again.is_some_and(fits)
}

/// The most that it can have risen; nothing when there is no telling.
fn rises(from: Timestamp, until: Timestamp, steady: &Steady) -> Option<Decimal> {
    let elapsed = until.duration_since(from).as_millis().max(0);
    let milliseconds = Decimal::from(i64::try_from(elapsed).ok()?);
    let hours = milliseconds.checked_div(MILLISECONDS_PER_HOUR.into())?;
    let most = steady.rise_per_hour?.checked_mul(hours)?;
    most.checked_add(steady.rise)
}

/// The answer that stands against the readings, of the newest answers first that were given
/// since `since`. One that differs stands until whoever gave it says otherwise, or somebody who
/// manages the meter looks and finds it right.
#[must_use]
pub fn standing(checks: &[DisplayCheck], since: Timestamp) -> Option<&DisplayCheck> {
    let mut heard: BTreeSet<PersonId> = BTreeSet::new();
    for check in checks.iter().take_while(|one| one.answered_at >= since) {
        if check.agrees && check.manages {
            return None;
        }
        if heard.insert(check.person) && !check.agrees {
            return Some(check);
        }
    }
    None
}
