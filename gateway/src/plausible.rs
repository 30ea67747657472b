//! Whether a counter can have come to a value since it was last believed. Pure.
//!
//! Promises: a counter that fell by more than its register's own unrest, rose faster than
//! anything of its kind can, or changed its unit is suspect, with the reason in one sentence.
//! What goes on as if nothing had happened (a meter was replaced or reset, a register rolled
//! over) is believed again once [`CONFIRMATIONS`] polls in a row over [`CONFIRMED_AFTER`] say
//! the same; a changed unit never is. A fall that is believed again is still a fall: the
//! cloud makes no consumption of it. Lacks: a judgement of the first value ever seen; of how fast
//! one rose since the program's last run while nobody knows what time it is; and of counters
//! that count neither energy nor volume by their rise.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use common::id::DeviceId;
use common::profile::Point;
use common::quantity::Quantity;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::schedule::Moment;

/// So many polls in a row must agree with each other before a level that cannot have been
/// reached is believed; with a garbled register two may, three have not been seen to.
pub const CONFIRMATIONS: u32 = 3;
/// And for so long: a decimal point that was shifted for a minute has been seen, and a
/// closing reading is waited for twice as long.
pub const CONFIRMED_AFTER: Duration = Duration::from_secs(5 * 60);
/// A counter may be this many counts ahead of its rate: it counts in steps, and the reply
/// took its time.
const RISE_STEPS: u32 = 3;
const MILLISECONDS_PER_HOUR: u32 = 3_600_000;

/// A value and when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    value: Quantity,
    at: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now(Moment),
    /// Before this program started, whose monotonic clock began with it.
    Before(Timestamp),
}

/// What is believed of one counter, and what has been contradicting it.
#[derive(Debug)]
struct Level {
    /// The highest value believed since it last started anew.
    believed: Seen,
    challenge: Option<Challenge>,
}

/// Values that cannot follow the level but follow each other.
#[derive(Debug, Clone, Copy)]
struct Challenge {
    /// On the monotonic clock, which began before it: setting the other one proves nothing.
    since: Duration,
    last: Seen,
    polls: u32,
}

/// The counters of one bus.
#[derive(Debug, Default)]
pub struct Plausible {
    levels: BTreeMap<(DeviceId, String), Level>,
}

impl Plausible {
    /// The values that were believed before this program started, and when.
    #[must_use]
    pub fn new(before: BTreeMap<(DeviceId, String), (Timestamp, Quantity)>) -> Self {
        let level = |(at, value)| Level {
            believed: Seen {
                value,
                at: When::Before(at),
            },
            challenge: None,
        };
        let levels = before.into_iter().map(|(key, seen)| (key, level(seen)));
        Self {
            levels: levels.collect(),
        }
    }

    /// Whether the point of a device can have come to `value` by now.
    ///
    /// # Errors
    /// With the reason, in one sentence, when it cannot.
    pub fn judge(
        &self,
        device: DeviceId,
        point: &Point,
        value: Quantity,
        now: Moment,
    ) -> Result<(), String> {
        let Some(level) = self.level(device, point) else {
            return Ok(());
        };
        let Some(doubt) = doubt(point, level.believed, value, now) else {
            return Ok(());
        };
        let confirms = level.challenge.is_some_and(|challenge| {
            doubt != Doubt::Unit
                && challenge.goes_on(point, value, now)
                && challenge.polls + 1 >= CONFIRMATIONS
                && now.monotonic.saturating_sub(challenge.since) >= CONFIRMED_AFTER
        });
        if confirms {
            return Ok(());
        }
        Err(level.sentence(&doubt, value))
    }

    /// Whether the last value of that point was suspect already.
    #[must_use]
    pub fn is_disputed(&self, device: DeviceId, point: &Point) -> bool {
        let level = self.level(device, point);
        level.is_some_and(|level| level.challenge.is_some())
    }

    /// What is believed of that point; nothing, when it is in a unit in which the point cannot
    /// come: then another profile has decoded it.
    fn level(&self, device: DeviceId, point: &Point) -> Option<&Level> {
        let level = self.levels.get(&(device, point.id.clone()))?;
        let unit = level.believed.value.unit();
        point.units().contains(&unit).then_some(level)
    }

    /// Takes note of what a poll brought in the end, once a poll.
    pub fn note(&mut self, device: DeviceId, point: &Point, value: Quantity, now: Moment) {
        let believed = self.judge(device, point, value, now).is_ok();
        let at = When::Now(now);
        let seen = Seen { value, at };
        let key = (device, point.id.clone());
        let is_known = self.level(device, point).is_some();
        let Some(level) = self.levels.get_mut(&key).filter(|_| is_known) else {
            let first = Level {
                believed: seen,
                challenge: None,
            };
            self.levels.insert(key, first);
            return;
        };
        if believed {
            let fall = fell_by(level.believed, value);
            let unrest = point.unrest_at(level.believed.value.value());
            let stands_still = point.monotonic && fall > Decimal::ZERO && fall <= unrest;
            level.believed = match stands_still {
                true => Seen {
                    at,
                    ..level.believed
                },
                false => seen,
            };
            level.challenge = None;
            return;
        }
        let going_on = level.challenge.filter(|c| c.goes_on(point, value, now));
        level.challenge = Some(Challenge {
            since: going_on.map_or(now.monotonic, |challenge| challenge.since),
            last: seen,
            polls: going_on.map_or(0, |challenge| challenge.polls) + 1,
        });
    }
}

impl Challenge {
    fn goes_on(&self, point: &Point, value: Quantity, now: Moment) -> bool {
        doubt(point, self.last, value, now).is_none()
    }
}

/// Why a value cannot follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    Unit,
    Fell,
    /// By more than `most`.
    Rose {
        most: Decimal,
        within: Duration,
    },
}

fn doubt(point: &Point, before: Seen, value: Quantity, now: Moment) -> Option<Doubt> {
    if value.unit() != before.value.unit() {
        return Some(Doubt::Unit);
    }
    let step = point.step_at(value.value().max(before.value.value()));
    let elapsed = elapsed(before.at, now);
    let allowed = point
        .rate_in(value.unit())
        .zip(elapsed)
        .and_then(|(rate, elapsed)| rate.checked_mul(hours(elapsed)))
        .and_then(|most| most.checked_add(step * Decimal::from(RISE_STEPS)));
    let too_fast = |rise: Decimal| allowed.filter(|allowed| rise > *allowed);
    let fall = fell_by(before, value);
    if fall <= Decimal::ZERO {
        return too_fast(-fall)
            .zip(elapsed)
            .map(|(most, within)| Doubt::Rose { most, within });
    }
    if !point.monotonic {
        return too_fast(fall).map(|_| Doubt::Fell);
    }
    if fall <= point.unrest_at(before.value.value()) {
        return None;
    }
    let rolled_over = point.rollover_value().is_some_and(|modulus| {
        let rise = modulus - fall;
        rise >= Decimal::ZERO && allowed.is_some_and(|allowed| rise <= allowed)
    });
    (!rolled_over).then_some(Doubt::Fell)
}

fn fell_by(before: Seen, value: Quantity) -> Decimal {
    before.value.value() - value.value()
}

/// How long ago that was, if it is known: the time of day when that is believed, as it counts
/// what a test clock skips, else the clock that began with the program.
fn elapsed(since: When, now: Moment) -> Option<Duration> {
    let by_wall = |since: Timestamp| {
        let wall = now.wall?.duration_since(since);
        Some(Duration::try_from(wall).unwrap_or(Duration::ZERO))
    };
    match since {
        When::Before(at) => by_wall(at),
        When::Now(since) => {
            let monotonic = now.monotonic.saturating_sub(since.monotonic);
            Some(
                since
                    .wall
                    .and_then(by_wall)
                    .map_or(monotonic, |wall| wall.max(monotonic)),
            )
        }
    }
}

fn hours(duration: Duration) -> Decimal {
    let milliseconds = Decimal::from(duration.as_millis());
    milliseconds / Decimal::from(MILLISECONDS_PER_HOUR)
}

impl Level {
    fn sentence(&self, doubt: &Doubt, value: Quantity) -> String {
        let before = Shown(self.believed.value);
        let (value, unit) = (Shown(value), value.unit().symbol());
        let wait = format!(
            "it counts again when {CONFIRMATIONS} polls over {} minutes agree",
            CONFIRMED_AFTER.as_secs() / 60
        );
        match doubt {
            Doubt::Unit => format!(
                "it counts in {unit} now, before it counted in {}: set the unit back on the \
                 device, or register it as a new one",
                before.0.unit().symbol()
            ),
            Doubt::Fell => format!(
                "it fell from {before} to {value}: replaced, reset, or a wrong answer; {wait}"
            ),
            Doubt::Rose { most, within } => format!(
                "it rose from {before} to {value} in {} s, which cannot be more than {} {unit}: \
                 replaced, or a wrong answer; {wait}",
                within.as_secs(),
                most.round_dp(3).normalize()
            ),
        }
    }
}

/// A quantity with the symbol that people read.
struct Shown(Quantity);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.value(), self.0.unit().symbol())
    }
}

#[cfg(test)]
mod tests;
