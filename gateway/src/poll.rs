//! The poller of one bus: asks the schedule what is due, the bus for it, the profile what it
//! means, and hands the readings to the buffer.
//!
//! Promises: a failed read yields no reading, never a zero; words that are no value are kept
//! as such, with the reason; a task counts as done, and the clock as settled, only once its
//! readings are on the disk. Lacks: plausibility, which is judged where the bill is made.

pub mod once;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::id::DeviceId;
use common::profile::{Profile, Registers, Role};
use common::quantity::Quantity;
use common::sync::{Device, DeviceReport};
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::buffer::BufferHandle;
use crate::bus::{Ask, Bus, BusError, Fault, Pace};
use crate::clock::Clock;
use crate::reading::NewReading;
use crate::schedule::{CLOSING_PATIENCE, Moment, Outcome, Schedule, Task};

/// How often an idle poller looks at the clocks; a closing reading is at most this late.
const TICK: Duration = Duration::from_millis(200);
/// How long a closing reading is tried for under a test clock, whose wall stands still while
/// somebody waits for it.
pub(crate) const TEST_CLOCK_PATIENCE: Duration = Duration::from_secs(6);

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
}

/// How far a poller has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Up to when everything due has been read and kept, or given up.
    pub settled_through: Timestamp,
    /// Why readings cannot be kept, in one sentence.
    pub error: Option<String>,
    /// Its devices.
    pub devices: BTreeMap<DeviceId, DeviceState>,
}

/// A handle to the poller of one bus, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Poller {
    bus: Bus,
    devices: Arc<watch::Sender<Vec<Polled>>>,
    progress: watch::Receiver<Progress>,
}

impl Poller {
    /// Starts to poll `bus`, as yet without devices. `closed` are the days that the buffer
    /// holds a closing reading of already. Must be called within a runtime.
    #[must_use]
    pub fn start(
        bus: Bus,
        clock: Clock,
        buffer: BufferHandle,
        gauge_period: Duration,
        closed: BTreeMap<DeviceId, Date>,
    ) -> Self {
        let (devices, new_devices) = watch::channel(Vec::new());
        let nothing_settled = Progress {
            settled_through: Timestamp::MIN,
            ..Progress::default()
        };
        let (report, progress) = watch::channel(nothing_settled);
        let patience = if clock.is_test() {
            TEST_CLOCK_PATIENCE
        } else {
            CLOSING_PATIENCE
        };
        let task = PollTask {
            bus: bus.clone(),
            clock,
            buffer,
            gauge_period,
            closed,
            started: Instant::now(),
            schedule: Schedule::new(patience),
            devices: BTreeMap::new(),
            new_devices,
            report,
        };
        tokio::spawn(task.run());
        Self {
            bus,
            devices: Arc::new(devices),
            progress,
        }
    }

    /// The handle of whatever reads `bus`, and the ends that its task holds: the devices it
    /// is given, and how far it has come.
    pub(crate) fn handle(
        bus: Bus,
    ) -> (Self, watch::Receiver<Vec<Polled>>, watch::Sender<Progress>) {
        let (devices, new_devices) = watch::channel(Vec::new());
        let (report, progress) = watch::channel(Progress {
            settled_through: Timestamp::MIN,
            ..Progress::default()
        });
        let handle = Self {
            bus,
            devices: Arc::new(devices),
            progress,
        };
        (handle, new_devices, report)
    }

    /// Polls these devices from now on.
    pub fn set_devices(&self, devices: Vec<Polled>) {
        self.devices.send_replace(devices);
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
        });
        reports.collect()
    }
}

/// The task behind a [`Poller`].
struct PollTask {
    bus: Bus,
    clock: Clock,
    buffer: BufferHandle,
    gauge_period: Duration,
    closed: BTreeMap<DeviceId, Date>,
    started: Instant,
    schedule: Schedule,
    devices: BTreeMap<DeviceId, Polled>,
    new_devices: watch::Receiver<Vec<Polled>>,
    report: watch::Sender<Progress>,
}

impl PollTask {
    async fn run(mut self) {
        loop {
            match self.new_devices.has_changed() {
                Ok(true) => self.take_devices(),
                Ok(false) => {}
                Err(_) => return,
            }
            let now = self.moment();
            match self.schedule.next(now) {
                Some(task) => {
                    let outcome = self.cycle(&task).await;
                    self.schedule.finish(&task, outcome, self.moment());
                }
                None => sleep(TICK).await,
            }
            self.settle();
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            monotonic: self.started.elapsed(),
            wall: self.clock.now(),
        }
    }

    fn settle(&mut self) {
        let settled_through = self.schedule.settled_through(self.moment());
        self.report.send_if_modified(|progress| {
            let before = std::mem::replace(&mut progress.settled_through, settled_through);
            before != settled_through
        });
    }

    fn take_devices(&mut self) {
        let polled = self.new_devices.borrow_and_update().clone();
        let devices: Vec<Device> = polled.iter().map(|polled| polled.device.clone()).collect();
        let now = self.moment();
        self.schedule.set_devices(&devices, self.gauge_period, now);
        for id in devices.iter().map(|device| device.id) {
            if let Some(date) = self.closed.remove(&id) {
                self.schedule.mark_closed(id, date);
            }
        }
        let by_id = polled.into_iter().map(|polled| (polled.device.id, polled));
        self.devices = by_id.collect();
        self.report.send_modify(|progress| {
            progress
                .devices
                .retain(|id, _| self.devices.contains_key(id));
            for id in self.devices.keys() {
                progress.devices.entry(*id).or_default();
            }
        });
    }

    /// Reads what `task` names and waits until it is kept.
    async fn cycle(&self, task: &Task) -> Outcome {
        let Some(Polled { device, profile }) = self.devices.get(&task.device) else {
            return Outcome::Failed;
        };
        let attempts = if task.is_probe {
            1
        } else {
            1 + profile.limits.retries
        };
        let (billing, others): (Vec<_>, Vec<_>) = profile
            .points
            .iter()
            .partition(|point| point.role == Role::Billing);
        let ids = |points: &[&common::profile::Point]| -> Vec<String> {
            points.iter().map(|point| point.id.clone()).collect()
        };
        let (billing, others) = (ids(&billing), ids(&others));
        let registers =
            match read_points(&self.bus, device.unit_id, profile, &billing, attempts).await {
                Ok(registers) => registers,
                Err(error) => return self.note_failure(device, &error),
            };
        let mut readings = self.decode(device, profile, &billing, &registers, task.closes);
        let mut state = self.state_after(device.id, &readings);
        if task.all_points {
            state.gauges_error = None;
            match read_points(&self.bus, device.unit_id, profile, &others, attempts).await {
                Ok(registers) => {
                    readings.extend(self.decode(device, profile, &others, &registers, None));
                }
                Err(error) => state.gauges_error = Some(error.to_string()),
            }
        }
        if let Err(error) = self.keep(readings).await {
            tracing::error!(%error, "readings cannot be kept");
            self.report.send_modify(|progress| {
                progress.error = Some(format!("readings cannot be kept: {error}"));
            });
            return Outcome::OwnFault;
        }
        let outcome = match state.error {
            None => Outcome::Done,
            Some(_) => Outcome::Unusable,
        };
        self.report.send_modify(|progress| {
            progress.error = None;
            let before = progress.devices.insert(device.id, state);
            if outcome == Outcome::Done && before.is_some_and(|state| state.error.is_some()) {
                tracing::info!(device.id = %device.id, device.label, "it reads well again");
            }
        });
        outcome
    }

    async fn keep(&self, readings: Vec<NewReading>) -> Result<(), crate::buffer::BufferError> {
        if readings.is_empty() {
            return Ok(());
        }
        self.buffer.append(readings).await.map(|_| ())
    }

    fn note_failure(&self, device: &Device, error: &BusError) -> Outcome {
        if error.is_of_the_port() {
            return Outcome::OwnFault;
        }
        let sentence = error.to_string();
        self.report.send_modify(|progress| {
            let state = progress.devices.entry(device.id).or_default();
            if state.error.is_none() {
                tracing::warn!(device.id = %device.id, device.label, "{sentence}");
            }
            state.error = Some(sentence);
            state.failed += 1;
        });
        Outcome::Failed
    }

    fn decode(
        &self,
        device: &Device,
        profile: &Profile,
        points: &[String],
        registers: &Registers,
        closes: Option<Date>,
    ) -> Vec<NewReading> {
        let (at, clock) = (self.clock.now(), self.clock.trust());
        let reference = profile.reference();
        let readings = points.iter().map(|point| {
            let decoded = profile.decode(point, registers);
            let (quantity, suspect) = match decoded.value {
                Ok(quantity) => (Some(quantity), None),
                Err(why) => (None, Some(why)),
            };
            NewReading {
                at,
                clock,
                device: device.id,
                point: point.clone(),
                quantity,
                suspect,
                raw: decoded.raw,
                profile: reference.clone(),
                closes,
            }
        });
        readings.collect()
    }

    /// How the device stands after it gave these billing readings.
    fn state_after(&self, id: DeviceId, readings: &[NewReading]) -> DeviceState {
        let known = self.report.borrow().devices.get(&id).cloned();
        let mut state = known.unwrap_or_default();
        state.answered += 1;
        let suspect = readings.iter().find_map(|reading| {
            let why = reading.suspect.as_ref()?;
            Some(format!("{} is no value: {why}", reading.point))
        });
        if let (None, Some(reading)) = (&suspect, readings.first()) {
            state.last_good_at = Some(reading.at);
            state.last = reading.quantity;
        }
        state.error = suspect;
        state
    }
}

/// Reads all registers that the points need, or fails as a whole; each request is tried
/// `attempts` times.
async fn read_points(
    bus: &Bus,
    unit: u8,
    profile: &Profile,
    points: &[String],
    attempts: u32,
) -> Result<Registers, BusError> {
    let pace = Pace {
        gap: Duration::from_millis(profile.limits.request_gap_ms),
        unit_change_gap: Duration::from_millis(profile.limits.unit_change_gap_ms),
        timeout: Duration::from_millis(profile.limits.response_timeout_ms),
    };
    let points: Vec<&str> = points.iter().map(String::as_str).collect();
    let mut registers = Registers::new();
    for request in profile.requests(&points) {
        let ask = Ask {
            unit,
            request,
            pace,
        };
        let mut attempt = 1;
        let words = loop {
            match bus.read(ask).await {
                Ok(words) => break words,
                Err(error) if attempt >= attempts || is_final(&error.fault) => return Err(error),
                Err(_) => attempt += 1,
            }
        };
        registers.insert(&request, &words);
    }
    Ok(registers)
}

/// Whether asking again at once is pointless.
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
