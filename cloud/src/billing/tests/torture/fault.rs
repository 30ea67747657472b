//! What happens to a meter and to its readings.

use common::id::Epoch;
use common::reading::ClockTrust;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::history::{ANOTHER, History, mounting};

/// One fault; instants are what a clock on the wall shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// Nothing was read.
    Gap { from: DateTime, until: DateTime },
    /// The register was read as `register`.
    Misread {
        from: DateTime,
        until: DateTime,
        register: Decimal,
    },
    /// The decimal point moved.
    Shifted {
        from: DateTime,
        until: DateTime,
        times: Decimal,
    },
    /// The same device counts on from another register; recorded if somebody noted both.
    Reset {
        at: DateTime,
        register: Decimal,
        is_recorded: bool,
    },
    /// Another device takes its place.
    Replaced {
        at: DateTime,
        register: Decimal,
        is_recorded: bool,
    },
    /// The register falls by one step of its float at every second reading.
    Restless { from: DateTime, until: DateTime },
    /// The readings came a second time, from another life of the gateway's buffer.
    Twice { from: DateTime, until: DateTime },
    /// They came in no order.
    Shuffled,
    /// The gateway's clock went wrong, and it knew.
    ClockOff {
        from: DateTime,
        until: DateTime,
        minutes: i64,
    },
}

impl Fault {
    /// When the register was changed, if it was.
    pub(crate) fn changed_at(&self) -> Option<DateTime> {
        match self {
            Self::Reset { at, .. } | Self::Replaced { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// Does to a history what the fault does.
    pub(crate) fn befall(&self, history: &mut History) {
        match self {
            Self::Gap { from, until } => {
                let (from, until) = (history.instant(*from), history.instant(*until));
                let is_read = |at| at < from || at >= until;
                history.readings.retain(|taken| is_read(taken.reading.at));
            }
            Self::Misread {
                from,
                until,
                register,
            } => reread(history, (*from, *until), |_, _| *register),
            Self::Shifted { from, until, times } => {
                reread(history, (*from, *until), |_, shown| shown * times);
            }
            Self::Restless { from, until } => {
                let Some(point) = history.point() else {
                    return;
                };
                reread(history, (*from, *until), |place, shown| {
                    let step = point.step_at(shown);
                    shown - step * Decimal::from(place % 2)
                });
            }
            Self::Reset {
                at,
                register,
                is_recorded,
            } => go_on_from(history, *at, *register, false, *is_recorded),
            Self::Replaced {
                at,
                register,
                is_recorded,
            } => go_on_from(history, *at, *register, true, *is_recorded),
            Self::Twice { from, until } => {
                let (from, until) = (history.instant(*from), history.instant(*until));
                let mut again = history.readings.clone();
                again.retain(|taken| (from..until).contains(&taken.reading.at));
                for taken in &mut again {
                    taken.epoch = Epoch(2);
                }
                history.readings.extend(again);
            }
            Self::Shuffled => {
                history.readings.reverse();
                let half = history.readings.len() / 2;
                history.readings.rotate_left(half);
            }
            Self::ClockOff {
                from,
                until,
                minutes,
            } => {
                let (from, until) = (history.instant(*from), history.instant(*until));
                for taken in &mut history.readings {
                    let reading = &mut taken.reading;
                    if (from..until).contains(&reading.at) {
                        reading.at += SignedDuration::from_mins(*minutes);
                        reading.clock = ClockTrust::Untrusted;
                        reading.closes = None;
                    }
                }
            }
        }
    }
}

/// Puts another register into readings.
fn reread(
    history: &mut History,
    (from, until): (DateTime, DateTime),
    other: impl Fn(usize, Decimal) -> Decimal,
) {
    let (from, until) = (history.instant(from), history.instant(until));
    let mut again = std::mem::take(&mut history.readings);
    for (place, taken) in again.iter_mut().enumerate() {
        let reading = &taken.reading;
        if (from..until).contains(&reading.at) {
            let shown = reading.quantity.unwrap().value();
            let misread =
                history.taken(reading.device, reading.seq, reading.at, other(place, shown));
            taken.reading.quantity = misread.reading.quantity;
        }
    }
    history.readings = again;
}

/// From an instant on the register counts from another number, in the same device or another.
fn go_on_from(
    history: &mut History,
    at: DateTime,
    register: Decimal,
    is_another: bool,
    is_recorded: bool,
) {
    let at = history.instant(at);
    let noted = history.taken(ANOTHER, 0, at, history.shown_at(at));
    history.shown_from.push((at, register));
    history.shown_from.sort();
    let before = history.mountings.last_mut().unwrap();
    let device = match is_another {
        true => ANOTHER,
        false => before.device,
    };
    if is_recorded {
        before.until = Some(at);
        before.closing = noted.reading.quantity;
        let mut after = mounting(device, at, &history.register);
        after.opening = history.taken(device, 0, at, register).reading.quantity;
        history.mountings.push(after);
    }
    // A device that nobody recorded is read in the place of the one before it.
    let read_as = match is_recorded {
        true => device,
        false => history.mountings.last().unwrap().device,
    };
    let mut again = std::mem::take(&mut history.readings);
    for taken in again.iter_mut().filter(|taken| taken.reading.at >= at) {
        let reading = &taken.reading;
        let shown = history.shown_at(reading.at);
        let closes = reading.closes;
        taken.reading = history
            .taken(read_as, reading.seq, reading.at, shown)
            .reading;
        taken.reading.closes = closes;
    }
    history.readings = again;
}
