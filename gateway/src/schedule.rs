//! What is to be read next on a bus. Pure: given the moment, it answers.
//!
//! Promises: closing readings go first and are taken within ten minutes of their instant or
//! not at all, never late; of two instants within those minutes the later one counts; whoever
//! has waited longest comes next, so that nobody is starved; who is to be tried again goes
//! behind the others that are due; a device that does not answer is asked ever more rarely, and
//! never right behind another such, so that they cost the others little, but its closing
//! readings are tried all the same. Periods follow the monotonic clock, so that a step of the
//! wall clock disturbs none, and lie on multiples of themselves, so that devices of one period
//! are due together and reach the disk together; closings follow the wall, and wait until it
//! can be believed.
//!
//! [`Schedule::next`] looks at every device, so its cost grows with their number: four
//! microseconds each unoptimised, and a line has 247. A heap would save nothing, as the
//! clock must be compared with everybody's closings anyway.
//! Lacks: memory beyond a restart; see [`Schedule::mark_closed`].

pub(crate) mod closing;
mod entry;

use std::collections::BTreeMap;
use std::time::Duration;

use common::closes::Closes;
use common::id::DeviceId;
use common::sync::{CLOSING_TOLERANCE_SECONDS, Device};
use jiff::{SignedDuration, Timestamp};

use closing::Closings;
use entry::Entry;
pub(crate) use entry::{FAILURES_MAX, PROBE_MAX, PROBE_MIN};

use crate::clock::Reckoned;

/// How long after its instant a closing reading is tried for.
pub const CLOSING_PATIENCE: Duration =
    Duration::from_secs(CLOSING_TOLERANCE_SECONDS.unsigned_abs());
/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Time since the program started; never jumps.
    pub monotonic: Duration,
    /// The time of day, as soon as one can be believed.
    pub wall: Option<Timestamp>,
}

impl Moment {
    /// That moment by the clock of the program's own and by what was reckoned then.
    #[must_use]
    pub fn of(monotonic: Duration, reckoned: &Reckoned) -> Self {
        Self {
            monotonic,
            wall: reckoned.believed(),
        }
    }
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// From which device.
    pub device: DeviceId,
    /// Whether all points are due, or only the billing points.
    pub all_points: bool,
    /// What this reading closes.
    pub closes: Option<Closes>,
    /// Whether the device has not answered lately: one attempt is enough.
    pub is_probe: bool,
}

/// How a [`Task`] ended, or why it has not ended yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its readings are on the disk.
    Done,
    /// Its readings are on the disk, but the billing values among them are none.
    Unusable,
    /// It was read, but its readings wait in memory until the disk takes them.
    Unkept,
    /// A request went wrong and may be tried again, behind the others that are due.
    Again,
    /// The device wants a pause before it is asked on, in which others can be asked.
    Later(Duration),
    /// The device gave no answer that can be used.
    Failed,
    /// It could not be asked, or its readings are lost; that is not the device's fault.
    OwnFault,
}

/// A device that has failed so often that it is asked only now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Since when, on the monotonic clock.
    pub open_since: Duration,
    /// When it is asked the next time, on the monotonic clock.
    pub next_probe: Duration,
}

/// What is due when, for the devices of one bus.
#[derive(Debug)]
pub struct Schedule {
    closing_patience: Duration,
    devices: BTreeMap<DeviceId, Entry>,
    /// Whether the task that ended last was of a device that does not answer.
    asked_dead: bool,
}

/// Who goes before whom, whatever is due since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The closing reading of a device that answers.
    Closing,
    /// Whoever has waited longest.
    Turn,
    /// A dead device right behind another: the living go between.
    DeadAgain,
}

/// A device and how often it may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Scheduled<'a> {
    /// The device.
    pub device: &'a Device,
    /// The least pause between two polls, which its battery or its maker wants.
    pub pause_min: Duration,
}

impl Schedule {
    /// A schedule without devices. A closing reading is tried at least once, and given up
    /// when it was tried for `closing_patience`, even if the wall clock stands still.
    #[must_use]
    pub fn new(closing_patience: Duration) -> Self {
        Self {
            closing_patience,
            devices: BTreeMap::new(),
            asked_dead: false,
        }
    }

    /// Takes over the devices of the bus. Those known already keep their turn, new ones are
    /// due at once.
    pub fn set_devices<'a>(
        &mut self,
        devices: impl IntoIterator<Item = Scheduled<'a>>,
        gauge_period: Duration,
        now: Moment,
    ) {
        let mut before = std::mem::take(&mut self.devices);
        for Scheduled { device, pause_min } in devices {
            let billing_period = Duration::from_secs(device.poll_period_s.max(1).into());
            let billing_period = billing_period.max(pause_min);
            let closings = Closings::of(device);
            let entry = match before.remove(&device.id) {
                Some(known) => Entry {
                    billing_due: known.billing_due.min(now.monotonic + billing_period),
                    gauges_due: known.gauges_due.min(now.monotonic + gauge_period),
                    billing_period,
                    gauge_period,
                    pause_min,
                    closings,
                    ..known
                },
                None => Entry {
                    billing_period,
                    gauge_period,
                    pause_min,
                    closings,
                    billing_due: now.monotonic,
                    gauges_due: now.monotonic,
                    keeping: false,
                    is_in_doubt: false,
                    failures: 0,
                    open_since: None,
                    pending: None,
                    settled: None,
                },
            };
            self.devices.insert(device.id, entry);
        }
    }

    /// The closing reading has been taken before this program started.
    pub fn mark_closed(&mut self, device: DeviceId, closes: Closes) {
        if let Some(entry) = self.devices.get_mut(&device) {
            entry.settled = entry.closings.find(closes);
            entry.pending = None;
        }
    }

    /// Somebody wants to know: all points of the device are due now, unless its battery or its
    /// maker wants it left alone.
    pub fn want(&mut self, device: DeviceId, now: Moment) {
        let entry = self.devices.get_mut(&device);
        if let Some(entry) = entry.filter(|entry| entry.pause_min.is_zero()) {
            entry.billing_due = entry.billing_due.min(now.monotonic);
            entry.gauges_due = entry.gauges_due.min(now.monotonic);
        }
    }

    /// What to read now, if anything. The same task is due until it is [finished], or its
    /// readings are [being kept].
    ///
    /// [finished]: Self::finish
    /// [being kept]: Self::keeping
    pub fn next(&mut self, now: Moment) -> Option<Task> {
        self.look_at_the_clock(now);
        let open = self.devices.iter().filter_map(|(id, entry)| {
            let pending = entry.pending.as_ref().filter(|p| p.is_due(now))?;
            let rank = match entry.is_dead() {
                true => self.rank(entry),
                false => Rank::Closing,
            };
            let order = (rank, pending.next_try, entry.is_in_doubt, *id);
            Some((order, entry.task(*id, false, Some(pending.closing.closes))))
        });
        let closing = open.min_by_key(|(order, _)| *order);
        let due = self.devices.iter();
        let due = due.filter(|(_, entry)| !entry.keeping && entry.billing_due <= now.monotonic);
        let polls = due.map(|(id, entry)| {
            let rank = self.rank(entry);
            let order = (rank, entry.billing_due, entry.is_in_doubt, *id);
            let all_points = entry.gauges_due <= now.monotonic;
            (order, entry.task(*id, all_points, None))
        });
        let poll = polls.min_by_key(|(order, _)| *order);
        let next = closing.into_iter().chain(poll);
        next.min_by_key(|(order, _)| *order).map(|(_, task)| task)
    }

    /// Who comes first among those that wait for their turn.
    fn rank(&self, entry: &Entry) -> Rank {
        match entry.is_dead() && self.asked_dead {
            true => Rank::DeadAgain,
            false => Rank::Turn,
        }
    }

    /// Whether a closing reading waits to be taken that does not wait for a long poll to end.
    pub fn closing_is_due(&mut self, now: Moment) -> bool {
        self.look_at_the_clock(now);
        let living = self.devices.values().filter(|entry| !entry.is_dead());
        let mut pending = living.filter_map(|entry| entry.pending.as_ref());
        pending.any(|pending| pending.is_due(now))
    }

    /// Takes note that `task` has been read: it is not due again until it is finished.
    pub fn keeping(&mut self, task: &Task) {
        let Some(entry) = self.devices.get_mut(&task.device) else {
            return;
        };
        match task.closes {
            None => entry.keeping = true,
            Some(closes) => {
                let pending = entry.pending.as_mut();
                let pending = pending.filter(|pending| pending.closing.closes == closes);
                if let Some(pending) = pending {
                    pending.keeping = true;
                }
            }
        }
    }

    /// Takes note of how `task` ended, or goes on.
    pub fn finish(&mut self, task: &Task, outcome: Outcome, now: Moment) {
        self.asked_dead = task.is_probe;
        let Some(entry) = self.devices.get_mut(&task.device) else {
            return;
        };
        match outcome {
            Outcome::Done | Outcome::Unusable | Outcome::Unkept => {
                if entry.failures > 0 {
                    entry.billing_due = entry.billing_due.min(now.monotonic + entry.billing_period);
                }
                entry.is_in_doubt = false;
                entry.failures = 0;
                entry.open_since = None;
            }
            Outcome::Again => entry.is_in_doubt = true,
            Outcome::Failed => {
                entry.is_in_doubt = true;
                entry.failures = entry.failures.saturating_add(1);
                if entry.is_dead() {
                    entry.open_since.get_or_insert(now.monotonic);
                }
            }
            Outcome::Later(_) | Outcome::OwnFault => {}
        }
        match task.closes {
            Some(closes) => entry.finish_closing(closes, outcome, now),
            None => entry.finish_cycle(task, outcome, now.monotonic),
        }
    }

    /// Whether that device has failed so often that it is asked only now and then.
    #[must_use]
    pub fn breaker(&self, device: DeviceId) -> Option<Breaker> {
        let entry = self.devices.get(&device)?;
        let closing = entry.pending.as_ref().map(|pending| pending.next_try);
        Some(Breaker {
            open_since: entry.open_since?,
            next_probe: closing.map_or(entry.billing_due, |at| at.min(entry.billing_due)),
        })
    }

    /// Up to when everything that was due has been read and kept, or given up.
    pub fn settled_through(&mut self, now: Moment) -> Timestamp {
        self.look_at_the_clock(now);
        let Some(wall) = now.wall else {
            return Timestamp::MIN;
        };
        let pending = self
            .devices
            .values()
            .filter_map(|entry| entry.pending.as_ref());
        let open = pending.map(|pending| {
            let before = pending
                .closing
                .at
                .checked_sub(SignedDuration::from_millis(1));
            before.unwrap_or(Timestamp::MIN)
        });
        open.min().unwrap_or(wall)
    }

    fn look_at_the_clock(&mut self, now: Moment) {
        for entry in self.devices.values_mut() {
            entry.look_at_the_clock(now, self.closing_patience);
        }
    }
}

#[cfg(test)]
mod tests;
