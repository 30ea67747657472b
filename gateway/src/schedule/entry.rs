//! One device of a schedule: when it is due, how often it failed, which closing reading it
//! still owes.

use std::time::Duration;

use common::closes::Closes;
use common::id::DeviceId;
use common::sync::Closing;

use super::closing::Closings;
use super::{CLOSING_PATIENCE, Moment, Outcome, Task};

/// The first pause before a closing reading is tried again; doubles.
const CLOSING_RETRY_MIN: Duration = Duration::from_secs(1);
const CLOSING_RETRY_MAX: Duration = Duration::from_secs(60);
/// So many failed cycles in a row make a device one that does not answer.
pub(crate) const FAILURES_MAX: u32 = 2;
/// The first pause before such a device is asked again; doubles.
pub(crate) const PROBE_MIN: Duration = Duration::from_secs(60);
pub(crate) const PROBE_MAX: Duration = Duration::from_secs(600);
/// The pause while the fault is on our side: no port, or no room on the disk.
const OWN_FAULT_RETRY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) billing_period: Duration,
    pub(super) gauge_period: Duration,
    pub(super) pause_min: Duration,
    pub(super) closings: Closings,
    pub(super) billing_due: Duration,
    pub(super) gauges_due: Duration,
    /// Whether a cycle has been read and is on its way to the disk.
    pub(super) keeping: bool,
    /// Whether its last request went wrong: then it may hold the line up again, and others
    /// that are due at the same time go first.
    pub(super) is_in_doubt: bool,
    /// Failed cycles in a row.
    pub(super) failures: u32,
    /// When they became too many.
    pub(super) open_since: Option<Duration>,
    pub(super) pending: Option<Pending>,
    /// The last closing that is no longer open: taken, given up or passed over.
    pub(super) settled: Option<Closing>,
}

/// A closing reading that is still to be taken.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) closing: Closing,
    /// When its first try ended; before that it is not given up while its time lasts.
    pub(super) tried_since: Option<Duration>,
    pub(super) next_try: Duration,
    pub(super) retry_pause: Duration,
    /// Whether it has been read and is on its way to the disk.
    pub(super) keeping: bool,
}

impl Entry {
    pub(super) fn is_dead(&self) -> bool {
        self.failures >= FAILURES_MAX
    }

    pub(super) fn task(&self, device: DeviceId, all_points: bool, closes: Option<Closes>) -> Task {
        Task {
            device,
            all_points,
            closes,
            is_probe: self.is_dead(),
        }
    }

    /// Opens the closing whose instant has just come, and gives up one whose time is over. With a
    /// clock that was set back it comes once more; with one that cannot be believed none does.
    pub(super) fn look_at_the_clock(&mut self, now: Moment, patience: Duration) {
        let Some(wall) = now.wall else {
            return;
        };
        let current = self.closings.begun_before(wall, CLOSING_PATIENCE);
        let over = self.pending.take_if(|pending| {
            if pending.keeping {
                return false;
            }
            let waited = pending
                .tried_since
                .map(|since| now.monotonic.saturating_sub(since));
            waited.is_some_and(|waited| waited >= patience)
                || current.is_none_or(|current| current.closes != pending.closing.closes)
        });
        if let Some(given_up) = over {
            self.settled = Some(given_up.closing);
        }
        self.settled.take_if(|settled| settled.at > wall);
        if let Some(closing) = current
            && self.pending.is_none()
            && self
                .settled
                .is_none_or(|settled| settled.closes != closing.closes)
        {
            self.pending = Some(Pending {
                closing,
                tried_since: None,
                next_try: now.monotonic,
                retry_pause: CLOSING_RETRY_MIN,
                keeping: false,
            });
        }
    }

    pub(super) fn finish_closing(&mut self, closes: Closes, outcome: Outcome, now: Moment) {
        if outcome == Outcome::Done {
            let taken = self
                .pending
                .take_if(|pending| pending.closing.closes == closes);
            self.settled = taken.map(|pending| pending.closing).or(self.settled);
            return;
        }
        let pending = self.pending.as_mut();
        let pending = pending.filter(|pending| pending.closing.closes == closes);
        let Some(pending) = pending.filter(|_| outcome != Outcome::Unkept) else {
            return;
        };
        pending.keeping = false;
        pending.tried_since.get_or_insert(now.monotonic);
        let pause = match outcome {
            Outcome::OwnFault => OWN_FAULT_RETRY,
            Outcome::Later(pause) => pause,
            _ => {
                let pause = pending.retry_pause;
                pending.retry_pause = (pause * 2).min(CLOSING_RETRY_MAX);
                pause
            }
        };
        pending.next_try = now.monotonic + pause;
    }

    pub(super) fn finish_cycle(&mut self, task: &Task, outcome: Outcome, now: Duration) {
        self.keeping = false;
        let pause = match outcome {
            Outcome::Again => Some(Duration::ZERO),
            Outcome::Later(pause) => Some(pause),
            Outcome::OwnFault => Some(OWN_FAULT_RETRY),
            _ => None,
        };
        if let Some(pause) = pause {
            self.billing_due = now + pause;
            return;
        }
        let next = after(self.billing_due, self.billing_period, now);
        self.billing_due = next.max(now + self.pause_min);
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

impl Pending {
    pub(super) fn is_due(&self, now: Moment) -> bool {
        !self.keeping && self.next_try <= now.monotonic
    }
}

/// The first multiple of `period` after `due`. Who is behind is due at once, and once only,
/// so that on a bus that is too slow for all everybody gets as much.
fn after(due: Duration, period: Duration, now: Duration) -> Duration {
    let past = due.as_millis() % period.as_millis().max(1);
    let past = Duration::from_millis(u64::try_from(past).unwrap_or(0));
    (due.saturating_sub(past) + period).max(now)
}
