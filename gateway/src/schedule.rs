//! What is to be read next on a bus. Pure: given the moment, it answers.
//!
//! Promises: closing readings go first and are taken within ten minutes of the start of the
//! day or not at all, never late; whoever has waited longest comes next, so that nobody is
//! starved; a device that does not answer is asked ever more rarely, so that it costs the
//! others nothing, but its closing readings are tried all the same. Periods follow the
//! monotonic clock, so that a step of the wall clock disturbs none; days follow the wall.
//! Lacks: memory beyond a restart; see [`Schedule::mark_closed`].

pub(crate) mod closing;

use std::collections::BTreeMap;
use std::time::Duration;

use common::id::DeviceId;
use common::sync::{CLOSING_TOLERANCE_SECONDS, Device};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use closing::Days;

/// How long after the start of a day its closing reading is tried for.
pub const CLOSING_PATIENCE: Duration =
    Duration::from_secs(CLOSING_TOLERANCE_SECONDS.unsigned_abs());
/// The first pause before a closing reading is tried again; doubles.
const CLOSING_RETRY_MIN: Duration = Duration::from_secs(5);
const CLOSING_RETRY_MAX: Duration = Duration::from_secs(60);
/// So many failed cycles in a row make a device one that does not answer.
const FAILURES_MAX: u32 = 2;
/// The first pause before such a device is asked again; doubles.
const PROBE_MIN: Duration = Duration::from_secs(60);
const PROBE_MAX: Duration = Duration::from_secs(600);
/// The pause while the fault is on our side: no port, or no room on the disk.
const OWN_FAULT_RETRY: Duration = Duration::from_secs(2);

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Time since the program started; never jumps.
    pub monotonic: Duration,
    /// The time of day; may be set at any time.
    pub wall: Timestamp,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// From which device.
    pub device: DeviceId,
    /// Whether all points are due, or only the billing points.
    pub all_points: bool,
    /// The day that starts with this reading.
    pub closes: Option<Date>,
    /// Whether the device has not answered lately: one attempt is enough.
    pub is_probe: bool,
}

/// How a [`Task`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its readings are on the disk.
    Done,
    /// Its readings are on the disk, but the billing values among them are none.
    Unusable,
    /// The device gave no answer that can be used.
    Failed,
    /// It could not be asked, or its readings not be kept; that is not the device's fault.
    OwnFault,
}

/// What is due when, for the devices of one bus.
#[derive(Debug)]
pub struct Schedule {
    closing_patience: Duration,
    devices: BTreeMap<DeviceId, Entry>,
}

#[derive(Debug)]
struct Entry {
    billing_period: Duration,
    gauge_period: Duration,
    days: Days,
    billing_due: Duration,
    gauges_due: Duration,
    /// Failed cycles in a row.
    failures: u32,
    pending: Option<Pending>,
    /// The last day whose closing is no longer open: taken, given up or passed over.
    settled: Option<Date>,
}

/// A closing reading that is still to be taken.
#[derive(Debug)]
struct Pending {
    date: Date,
    at: Timestamp,
    /// When its first try ended; before that it is not given up while the day lasts.
    tried_since: Option<Duration>,
    next_try: Duration,
    retry_pause: Duration,
}

impl Schedule {
    /// A schedule without devices. A closing reading is tried at least once, and given up
    /// when it was tried for `closing_patience`, even if the wall clock stands still.
    #[must_use]
    pub fn new(closing_patience: Duration) -> Self {
        Self {
            closing_patience,
            devices: BTreeMap::new(),
        }
    }

    /// Takes over the devices of the bus. Those known already keep their turn, new ones are
    /// due at once.
    pub fn set_devices(&mut self, devices: &[Device], gauge_period: Duration, now: Moment) {
        let mut before = std::mem::take(&mut self.devices);
        for device in devices {
            let billing_period = Duration::from_secs(device.poll_period_s.max(1).into());
            let days = Days::of(device);
            let entry = match before.remove(&device.id) {
                Some(known) => Entry {
                    billing_due: known.billing_due.min(now.monotonic + billing_period),
                    gauges_due: known.gauges_due.min(now.monotonic + gauge_period),
                    billing_period,
                    gauge_period,
                    days,
                    ..known
                },
                None => Entry {
                    billing_period,
                    gauge_period,
                    days,
                    billing_due: now.monotonic,
                    gauges_due: now.monotonic,
                    failures: 0,
                    pending: None,
                    settled: None,
                },
            };
            self.devices.insert(device.id, entry);
        }
    }

    /// The closing reading of `date` has been taken before this program started.
    pub fn mark_closed(&mut self, device: DeviceId, date: Date) {
        if let Some(entry) = self.devices.get_mut(&device) {
            entry.settled = Some(date);
            entry.pending = None;
        }
    }

    /// What to read now, if anything. The same task is due until it is [finished].
    ///
    /// [finished]: Self::finish
    pub fn next(&mut self, now: Moment) -> Option<Task> {
        self.look_at_the_clock(now);
        let closings = self.devices.iter().filter_map(|(id, entry)| {
            let pending = entry.pending.as_ref()?;
            let due = pending.next_try <= now.monotonic;
            due.then_some(((entry.is_dead(), pending.next_try, *id), id, entry))
        });
        if let Some((_, id, entry)) = closings.min_by_key(|(order, ..)| *order) {
            let closes = entry.pending.as_ref().map(|pending| pending.date);
            return Some(entry.task(*id, false, closes));
        }
        let due = self.devices.iter();
        let due = due.filter(|(_, entry)| entry.billing_due <= now.monotonic);
        let (id, entry) = due.min_by_key(|(id, entry)| (entry.billing_due, **id))?;
        Some(entry.task(*id, entry.gauges_due <= now.monotonic, None))
    }

    /// Takes note of how `task` ended.
    pub fn finish(&mut self, task: &Task, outcome: Outcome, now: Moment) {
        let Some(entry) = self.devices.get_mut(&task.device) else {
            return;
        };
        match outcome {
            Outcome::Done | Outcome::Unusable => {
                if entry.failures > 0 {
                    entry.billing_due = entry.billing_due.min(now.monotonic + entry.billing_period);
                }
                entry.failures = 0;
            }
            Outcome::Failed => entry.failures = entry.failures.saturating_add(1),
            Outcome::OwnFault => {}
        }
        match task.closes {
            Some(date) => entry.finish_closing(date, outcome, now),
            None => entry.finish_cycle(task, outcome, now),
        }
    }

    /// Up to when everything that was due has been read and kept, or given up.
    pub fn settled_through(&mut self, now: Moment) -> Timestamp {
        self.look_at_the_clock(now);
        let pending = self
            .devices
            .values()
            .filter_map(|entry| entry.pending.as_ref());
        let open = pending.map(|pending| {
            let before = pending.at.checked_sub(SignedDuration::from_millis(1));
            before.unwrap_or(Timestamp::MIN)
        });
        open.min().unwrap_or(now.wall)
    }

    fn look_at_the_clock(&mut self, now: Moment) {
        for entry in self.devices.values_mut() {
            entry.look_at_the_clock(now, self.closing_patience);
        }
    }
}

impl Entry {
    fn is_dead(&self) -> bool {
        self.failures >= FAILURES_MAX
    }

    fn task(&self, device: DeviceId, all_points: bool, closes: Option<Date>) -> Task {
        Task {
            device,
            all_points,
            closes,
            is_probe: self.is_dead(),
        }
    }

    /// Opens the closing of a day that has just started, and gives up one whose time is over.
    fn look_at_the_clock(&mut self, now: Moment, patience: Duration) {
        let current = self.days.started_before(now.wall, CLOSING_PATIENCE);
        let over = self.pending.take_if(|pending| {
            let waited = pending
                .tried_since
                .map(|since| now.monotonic.saturating_sub(since));
            waited.is_some_and(|waited| waited >= patience)
                || current.is_none_or(|day| day.date != pending.date)
        });
        if let Some(given_up) = over {
            self.settled = Some(given_up.date);
        }
        if let Some(day) = current
            && self.pending.is_none()
            && self.settled != Some(day.date)
        {
            self.pending = Some(Pending {
                date: day.date,
                at: day.at,
                tried_since: None,
                next_try: now.monotonic,
                retry_pause: CLOSING_RETRY_MIN,
            });
        }
    }

    fn finish_closing(&mut self, date: Date, outcome: Outcome, now: Moment) {
        if outcome == Outcome::Done {
            self.settled = Some(date);
            self.pending.take_if(|pending| pending.date == date);
            return;
        }
        if let Some(pending) = &mut self.pending {
            pending.tried_since.get_or_insert(now.monotonic);
            let pause = match outcome {
                Outcome::OwnFault => OWN_FAULT_RETRY,
                _ => {
                    let pause = pending.retry_pause;
                    pending.retry_pause = (pause * 2).min(CLOSING_RETRY_MAX);
                    pause
                }
            };
            pending.next_try = now.monotonic + pause;
        }
    }

    fn finish_cycle(&mut self, task: &Task, outcome: Outcome, now: Moment) {
        let now = now.monotonic;
        if outcome == Outcome::OwnFault {
            self.billing_due = now + OWN_FAULT_RETRY;
            return;
        }
        self.billing_due = after(self.billing_due, self.billing_period, now);
        if self.is_dead() {
            let doublings = (self.failures - FAILURES_MAX).min(10);
            let pause = (PROBE_MIN * 2_u32.pow(doublings)).min(PROBE_MAX);
            self.billing_due = self.billing_due.max(now + pause);
        }
        if task.all_points && outcome != Outcome::Failed {
            self.gauges_due = after(self.gauges_due, self.gauge_period, now);
        }
    }
}

/// The next time after `due` in its rhythm. Who is behind is due at once, and once only, so
/// that on a bus that is too slow for all everybody gets as much.
fn after(due: Duration, period: Duration, now: Duration) -> Duration {
    (due + period).max(now)
}

#[cfg(test)]
mod tests;
