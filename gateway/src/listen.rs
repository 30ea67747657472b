//! The reader of a bus beside another master: hears what that one asks and the devices
//! reply, takes from it what the profiles can decode, and hands the readings to the buffer.
//!
//! Promises: not a byte is written to the line; a reply whose words may belong to another
//! request yields nothing; readings are kept like those of a poller and a day counts as
//! settled only once they are on the disk. It is held by the same handle as a [`Poller`].
//! Lacks: a rhythm of its own. What the other master does not ask is not known.

mod device;
pub mod heard;
mod review;

use std::collections::BTreeMap;
use std::time::Duration;

use common::closes::Closes;
use common::id::DeviceId;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use self::device::Listened;
use self::review::review;
use crate::buffer::BufferHandle;
use crate::bus::Bus;
use crate::bus::overhear::{Asked, Heard, Reply};
use crate::clock::{Clock, Reckoned};
use crate::plausible::Plausible;
use crate::poll::sweep::give_way;
use crate::poll::{Before, Order, Poller, Progress, TEST_CLOCK_PATIENCE, stopped};
use crate::reading::NewReading;
use crate::schedule::{CLOSING_PATIENCE, Moment};

/// How often the clocks are looked at while nothing is heard.
const TICK: Duration = Duration::from_millis(200);
/// How often what the master asks is compared with what the profiles need.
const REVIEW_PERIOD: Duration = Duration::from_secs(5);
/// How long readings wait for others, so that a round of the master is one commit.
const GATHER: Duration = Duration::from_secs(2);
/// The pause before readings are offered to a disk that refused them.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Readings that wait in memory while the disk takes none: an hour of thirty meters.
const WAITING_MAX: usize = 2_000;

/// Starts to listen on `bus`, as yet without devices. Must be called within a runtime.
#[must_use]
pub fn start(
    bus: Bus,
    heard: mpsc::Receiver<Heard>,
    clock: Clock,
    buffer: BufferHandle,
    gauge_period: Duration,
    before: Before,
) -> Poller {
    let patience = if clock.is_test() {
        TEST_CLOCK_PATIENCE
    } else {
        CLOSING_PATIENCE
    };
    let (poller, orders, report) = Poller::handle(bus.clone());
    let task = ListenTask {
        bus,
        heard,
        clock,
        buffer,
        gauge_period,
        patience,
        closed: before.closed,
        plausible: Plausible::new(before.believed),
        started: Instant::now(),
        devices: BTreeMap::new(),
        waiting: Vec::new(),
        offer_at: None,
        reviewed: Duration::ZERO,
        orders,
        report,
    };
    tokio::spawn(task.run());
    poller
}

struct ListenTask {
    bus: Bus,
    heard: mpsc::Receiver<Heard>,
    clock: Clock,
    buffer: BufferHandle,
    gauge_period: Duration,
    patience: Duration,
    closed: BTreeMap<DeviceId, Closes>,
    plausible: Plausible,
    started: Instant,
    devices: BTreeMap<DeviceId, Listened>,
    /// Readings that are not on the disk yet.
    waiting: Vec<NewReading>,
    /// When they are offered to it.
    offer_at: Option<Duration>,
    reviewed: Duration,
    orders: watch::Receiver<Order>,
    report: watch::Sender<Progress>,
}

impl ListenTask {
    async fn run(mut self) {
        let mut orders = self.orders.clone();
        loop {
            match self.orders.has_changed() {
                Ok(true) if self.orders.borrow().is_some() => self.take_devices(),
                Ok(false) => {}
                _ => break,
            }
            tokio::select! {
                heard = self.heard.recv() => match heard {
                    Some(heard) => self.hear(&heard),
                    None => break,
                },
                () = stopped(&mut orders) => break,
                () = sleep(TICK) => {}
            }
            let (now, _) = self.moment(Instant::now());
            for device in self.devices.values_mut() {
                device.look_at_the_clock(now, self.patience);
            }
            if self.offer_at.is_some_and(|at| at <= now.monotonic) {
                self.keep(now.monotonic).await;
            }
            self.report(now);
        }
        // Nothing waits for others any more.
        if !self.waiting.is_empty() {
            self.keep(self.started.elapsed()).await;
        }
    }

    /// That instant on both clocks, and what was reckoned then.
    fn moment(&self, at: Instant) -> (Moment, Reckoned) {
        let reckoned = self.clock.reckon().ago(at.elapsed());
        let monotonic = at.duration_since(self.started);
        (Moment::of(monotonic, &reckoned), reckoned)
    }

    fn take_devices(&mut self) {
        let polled = self.orders.borrow_and_update().clone().unwrap_or_default();
        let mut before = std::mem::take(&mut self.devices);
        for polled in polled {
            let id = polled.device.id;
            let listened = match before.remove(&id) {
                Some(known) => known.renewed(polled, self.gauge_period),
                None => Listened::new(polled, self.gauge_period, self.closed.remove(&id)),
            };
            self.devices.insert(id, listened);
        }
    }

    fn hear(&mut self, heard: &Heard) {
        let (Asked::Registers(request), Reply::Words(words)) = (heard.asked, &heard.reply) else {
            return;
        };
        let (now, reckoned) = self.moment(heard.at);
        let devices = self.devices.values_mut();
        for device in devices.filter(|listened| listened.device.unit_id == heard.unit) {
            for reading in device.hear(&request, words, now, reckoned, &mut self.plausible) {
                let patience = match reading.closes {
                    Some(_) => Duration::ZERO,
                    None => GATHER,
                };
                let offer_at = self.offer_at.unwrap_or(Duration::MAX);
                self.offer_at = Some(offer_at.min(now.monotonic + patience));
                self.waiting.push(reading);
            }
        }
    }

    /// Puts on the disk what waits for it.
    async fn keep(&mut self, now: Duration) {
        let (error, lost) = match self.buffer.append(self.waiting.clone()).await {
            Ok(_) => {
                self.waiting.clear();
                self.offer_at = None;
                (None, 0)
            }
            Err(error) => {
                let given = give_way(&mut self.waiting, WAITING_MAX);
                let lost = u64::try_from(given.len()).unwrap_or(u64::MAX);
                // A buffer that is closed counts nothing any more.
                let _ = self.buffer.forgo(given).await;
                self.offer_at = Some(now + RETRY_PAUSE);
                let sentence = format!("readings cannot be kept: {error}");
                (Some(sentence), lost)
            }
        };
        self.report.send_modify(|progress| {
            match (&error, &progress.error) {
                (Some(error), None) => tracing::error!("{error}"),
                (None, Some(_)) => tracing::info!("readings can be kept again"),
                _ => {}
            }
            progress.error = error;
            progress.lost += lost;
        });
    }

    fn report(&mut self, now: Moment) {
        if now.monotonic >= self.reviewed + REVIEW_PERIOD && self.bus.state().open {
            self.reviewed = now.monotonic;
            let traffic = self.bus.traffic();
            for device in self.devices.values_mut() {
                device.state.traffic = traffic.of_unit(device.device.unit_id);
                review(device, &traffic, now.monotonic, now.monotonic);
            }
        }
        let waiting = self.waiting.iter().map(|reading| reading.at).min();
        let waiting = waiting.and_then(|at| at.checked_sub(SignedDuration::from_millis(1)).ok());
        let settled_through = now.wall.map_or(Timestamp::MIN, |wall| {
            let devices = self.devices.values();
            let settled = devices.map(|device| device.settled_through(wall));
            settled.chain(waiting).min().unwrap_or(wall)
        });
        self.report.send_if_modified(|progress| {
            let states = self.devices.iter();
            let states: BTreeMap<_, _> = states.map(|(id, d)| (*id, d.state.clone())).collect();
            let is_new = progress.settled_through != settled_through || progress.devices != states;
            progress.settled_through = settled_through;
            progress.devices = states;
            is_new
        });
    }
}

#[cfg(test)]
mod tests;
