//! The poller of one bus: asks the schedule what is due, the bus for it, the profile what it
//! means, and hands the readings to the buffer.
//!
//! Promises: a failed read yields no reading, never a zero; words that are no value, and
//! values that a counter cannot have come to, are kept as such, with the reason; a device
//! that does not answer holds up the others by one request at a time; what the devices of a
//! sweep gave is written together; a task counts as done, and the clock as settled, only once
//! its readings are on the disk. Lacks: a rhythm of its own, see [`crate::schedule`].

mod cycle;
pub mod once;
pub(crate) mod sweep;
mod task;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::closes::Closes;
use common::id::DeviceId;
use common::profile::Profile;
use common::quantity::Quantity;
use common::sync::{Device, DeviceReport, DeviceTraffic};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use self::sweep::Sweep;
use self::task::PollTask;
use crate::buffer::{BufferHandle, LastValues};
use crate::bus::{Bus, Fault, Pace};
use crate::clock::Clock;
use crate::plausible::Plausible;
use crate::schedule::{CLOSING_PATIENCE, Schedule};

pub use self::cycle::Requests;

/// How long a closing reading is tried for under a test clock, whose wall stands still while
/// somebody waits for it.
pub(crate) const TEST_CLOCK_PATIENCE: Duration = Duration::from_secs(6);

/// Devices that may wait to be polled out of turn.
const WANTED_MAX: usize = 16;

/// A device to be polled, and what decodes it.
#[derive(Debug, Clone)]
pub struct Polled {
    /// The device.
    pub device: Device,
    /// Its profile.
    pub profile: Arc<Profile>,
}

/// How a device answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceState {
    /// When it last gave a good billing reading.
    pub last_good_at: Option<Timestamp>,
    /// What that reading was.
    pub last: Option<Quantity>,
    /// Why its billing points could not be read the last time, in one sentence.
    pub error: Option<String>,
    /// Why its other points could not be read the last time.
    pub gauges_error: Option<String>,
    /// Which of its other points another master leaves unasked; no fault of the device.
    pub unasked: Option<String>,
    /// Cycles in which it answered.
    pub answered: u64,
    /// Cycles in which it did not.
    pub failed: u64,
    /// That it has failed so often that it is asked only now and then.
    pub breaker: Option<BreakerState>,
    /// What became of the requests to it.
    pub traffic: DeviceTraffic,
}

/// A device that has failed so often that it is asked only now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerState {
    /// Since when.
    pub open_since: Timestamp,
    /// When it is asked the next time.
    pub next_probe_at: Timestamp,
}

/// What the buffer holds from before this program started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Before {
    /// The last day that each device has a closing reading of.
    pub closed: BTreeMap<DeviceId, Closes>,
    /// The last value that was believed of each point.
    pub believed: LastValues,
}

/// How far a poller has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Up to when everything due has been read and kept, or given up.
    pub settled_through: Timestamp,
    /// Why readings cannot be kept, in one sentence.
    pub error: Option<String>,
    /// Readings that gave way in memory while the disk took none.
    pub lost: u64,
    /// Its devices.
    pub devices: BTreeMap<DeviceId, DeviceState>,
}

/// What the task of a poller is to read; `None` tells it to stop.
pub(crate) type Order = Option<Vec<Polled>>;

/// A handle to the poller of one bus, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Poller {
    bus: Bus,
    orders: Arc<watch::Sender<Order>>,
    progress: watch::Receiver<Progress>,
    /// Takes devices that shall be polled at once; `None` where nobody may be asked.
    wanted: Option<mpsc::Sender<DeviceId>>,
}

impl Poller {
    /// Starts to poll `bus`, as yet without devices. Must be called within a runtime.
    #[must_use]
    pub fn start(
        bus: Bus,
        clock: Clock,
        buffer: BufferHandle,
        gauge_period: Duration,
        before: Before,
    ) -> Self {
        let (mut poller, orders, report) = Self::handle(bus.clone());
        let (wanted, wishes) = mpsc::channel(WANTED_MAX);
        poller.wanted = Some(wanted);
        let patience = if clock.is_test() {
            TEST_CLOCK_PATIENCE
        } else {
            CLOSING_PATIENCE
        };
        let task = PollTask {
            bus,
            clock,
            buffer,
            gauge_period,
            closed: before.closed,
            plausible: Plausible::new(before.believed),
            started: Instant::now(),
            schedule: Schedule::new(patience),
            sweep: Sweep::default(),
            cycles: BTreeMap::new(),
            devices: BTreeMap::new(),
            orders,
            wishes,
            report,
        };
        tokio::spawn(task.run());
        poller
    }

    /// The handle of whatever reads `bus`, and the ends that its task holds: the devices it
    /// is given, and how far it has come.
    pub(crate) fn handle(bus: Bus) -> (Self, watch::Receiver<Order>, watch::Sender<Progress>) {
        let (orders, new_devices) = watch::channel(Some(Vec::new()));
        let (report, progress) = watch::channel(Progress {
            settled_through: Timestamp::MIN,
            ..Progress::default()
        });
        let handle = Self {
            bus,
            orders: Arc::new(orders),
            progress,
            wanted: None,
        };
        (handle, new_devices, report)
    }

    /// Polls these devices from now on, unless it has been stopped.
    pub fn set_devices(&self, devices: Vec<Polled>) {
        self.orders.send_if_modified(|order| {
            let runs = order.is_some();
            *order = order.is_some().then_some(devices);
            runs
        });
    }

    /// Has a device polled at once, so that a reading of now is kept. One wish too many is
    /// dropped: the device is polled at its time.
    pub fn want(&self, device: DeviceId) {
        let _ = self.wanted.as_ref().map(|wanted| wanted.try_send(device));
    }

    /// Stops at once, without waiting for a request that is under way; the future that is
    /// returned ends when all that was read is on the disk.
    pub fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.orders.send_replace(None);
        let mut progress = self.progress.clone();
        async move { while progress.changed().await.is_ok() {} }
    }

    /// Its bus.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// How its devices answer, for the report to the cloud.
    #[must_use]
    pub fn reports(&self) -> Vec<DeviceReport> {
        let progress = self.progress.borrow();
        let reports = progress.devices.iter().map(|(device, state)| DeviceReport {
            device: *device,
            last_good_at: state.last_good_at,
            error: state.error.clone().or(state.gauges_error.clone()),
            traffic: Some(state.traffic),
        });
        reports.collect()
    }
}

/// The pace at which devices of a profile are asked.
fn pace(profile: &Profile) -> Pace {
    Pace {
        gap: Duration::from_millis(profile.limits.request_gap_ms),
        unit_change_gap: Duration::from_millis(profile.limits.unit_change_gap_ms),
        timeout: Duration::from_millis(profile.limits.response_timeout_ms),
    }
}

/// Waits until the task that follows `orders` is to stop, or nobody is left to give any.
pub(crate) async fn stopped(orders: &mut watch::Receiver<Order>) {
    // An error says that nobody is left.
    let _ = orders.wait_for(Option::is_none).await;
}

/// Whether asking again is pointless.
fn is_final(fault: &Fault) -> bool {
    /// Exceptions by which a device says "not now": busy, or still at it.
    const NOT_NOW: [u8; 2] = [5, 6];
    match fault {
        Fault::Exception(code) => !NOT_NOW.contains(code),
        fault => fault.is_ours(),
    }
}

#[cfg(test)]
mod tests;
