//! The task behind a [`Poller`](super::Poller): takes the schedule's tasks to the bus, one
//! request after the other, and what came of them to the disk.

use std::collections::BTreeMap;
use std::time::Duration;

use common::closes::Closes;
use common::id::DeviceId;
use common::profile::{Request, Role};
use common::sync::Device;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::cycle::{Answer, Cycle, Part, Step};
use super::sweep::{Ended, Sweep};
use super::traffic::count;
use super::{BreakerState, Order, Polled, Progress, is_final, pace, stopped};
use crate::buffer::BufferHandle;
use crate::bus::{Ask, Bus, BusError};
use crate::clock::{Clock, Reckoned};
use crate::plausible::Plausible;
use crate::reading::{NewReading, weight_of};
use crate::schedule::{Moment, Outcome, Schedule, Scheduled, Task};

/// How often an idle poller looks at the clocks; a closing reading is at most this late.
const TICK: Duration = Duration::from_millis(200);

pub(super) struct PollTask {
    pub(super) bus: Bus,
    pub(super) clock: Clock,
    pub(super) buffer: BufferHandle,
    pub(super) gauge_period: Duration,
    pub(super) closed: BTreeMap<DeviceId, Closes>,
    pub(super) plausible: Plausible,
    pub(super) started: Instant,
    pub(super) schedule: Schedule,
    pub(super) sweep: Sweep,
    /// Polls that were left for others to be asked; apart for ordinary and closing ones.
    pub(super) cycles: BTreeMap<(DeviceId, bool), Cycle>,
    pub(super) devices: BTreeMap<DeviceId, Polled>,
    pub(super) orders: watch::Receiver<Order>,
    /// Devices that somebody wants polled at once.
    pub(super) wishes: mpsc::Receiver<DeviceId>,
    pub(super) report: watch::Sender<Progress>,
}

/// How far a poll got.
enum Reached {
    /// It goes on later.
    Left(Outcome),
    /// It has no more to ask.
    End,
    /// It came to nothing.
    Nothing(BusError),
}

impl PollTask {
    pub(super) async fn run(mut self) {
        loop {
            match self.orders.has_changed() {
                Ok(true) if self.orders.borrow().is_some() => self.take_devices(),
                Ok(false) => {}
                _ => break,
            }
            while let Ok(device) = self.wishes.try_recv() {
                self.schedule.want(device, self.moment());
            }
            let task = self.schedule.next(self.moment());
            let is_idle = task.is_none();
            if let Some(task) = task {
                self.poll(task).await;
            }
            let now = self.moment();
            let closing_is_due = self.schedule.closing_is_due(now);
            if self.sweep.is_due(is_idle, closing_is_due, now.monotonic) {
                self.flush().await;
            } else if is_idle {
                sleep(TICK).await;
            }
            self.settle();
        }
        self.leave_cycles();
        if !self.sweep.readings().is_empty() {
            self.flush().await;
        }
    }

    fn moment(&self) -> Moment {
        self.now().0
    }

    fn now(&self) -> (Moment, Reckoned) {
        let reckoned = self.clock.reckon();
        (Moment::of(self.started.elapsed(), &reckoned), reckoned)
    }

    fn settle(&mut self) {
        let refused = self.sweep.refused_since();
        let before = refused.and_then(|at| at.checked_sub(SignedDuration::from_millis(1)).ok());
        let due = self.schedule.settled_through(self.moment());
        let settled_through = before.map_or(due, |before| before.min(due));
        self.report.send_if_modified(|progress| {
            let before = std::mem::replace(&mut progress.settled_through, settled_through);
            before != settled_through
        });
    }

    fn take_devices(&mut self) {
        let polled = self.orders.borrow_and_update().clone().unwrap_or_default();
        let scheduled = polled.iter().map(|Polled { device, profile }| Scheduled {
            device,
            pause_min: Duration::from_secs(profile.limits.min_poll_s.into()),
        });
        let now = self.moment();
        self.schedule.set_devices(scheduled, self.gauge_period, now);
        for id in polled.iter().map(|polled| polled.device.id) {
            if let Some(closes) = self.closed.remove(&id) {
                self.schedule.mark_closed(id, closes);
            }
        }
        let by_id = polled.into_iter().map(|polled| (polled.device.id, polled));
        self.devices = by_id.collect();
        // A poll begun by another profile would ask for its registers.
        self.leave_cycles();
        self.report.send_modify(|progress| {
            progress
                .devices
                .retain(|id, _| self.devices.contains_key(id));
            for id in self.devices.keys() {
                progress.devices.entry(*id).or_default();
            }
        });
    }

    /// Ends the polls that were left for others to be asked; what they have read is kept.
    fn leave_cycles(&mut self) {
        let now = self.started.elapsed();
        for cycle in std::mem::take(&mut self.cycles).into_values() {
            self.keep_begun(cycle, now);
        }
    }

    fn keep_begun(&mut self, cycle: Cycle, now: Duration) {
        if !cycle.readings.is_empty() {
            self.sweep.push(cycle.readings, None, now);
        }
    }

    /// Begins or goes on with what `task` names, as far as it gets.
    async fn poll(&mut self, task: Task) {
        let Some(polled) = self.devices.get(&task.device).cloned() else {
            return self.finish(&task, Outcome::Failed);
        };
        let key = (task.device, task.closes.is_some());
        let left = self.cycles.remove(&key);
        let mut cycle = left
            .filter(|cycle| cycle.task.closes == task.closes)
            .unwrap_or_else(|| Cycle::new(task, &polled.profile));
        cycle.go_on(&polled.profile, self.started.elapsed());
        match self.go_on(&mut cycle, &polled).await {
            Reached::Left(outcome) => {
                self.finish(&cycle.task, outcome);
                self.cycles.insert(key, cycle);
            }
            Reached::End => self.end(cycle),
            Reached::Nothing(error) => {
                // A value that was doubted and could not be asked for again is kept as such.
                let (task, now) = (cycle.task.clone(), self.started.elapsed());
                self.keep_begun(cycle, now);
                let outcome = self.note_failure(&polled.device, &error);
                self.finish(&task, outcome);
            }
        }
    }

    /// Asks until the poll has ended or has to be left.
    async fn go_on(&mut self, cycle: &mut Cycle, polled: &Polled) -> Reached {
        let profile = &polled.profile;
        while let Some(step) = cycle.step() {
            if cycle.task.closes.is_none() && self.schedule.closing_is_due(self.moment()) {
                return Reached::Left(Outcome::Later(Duration::ZERO));
            }
            match step {
                Step::Rouse(request) => match self.ask(polled, request).await {
                    Err(error) if error.fault.is_ours() => return Reached::Nothing(error),
                    _ => {}
                },
                Step::Pause(pause) => {
                    cycle.advance();
                    return Reached::Left(Outcome::Later(pause));
                }
                Step::Ask(request, part) => match self.ask(polled, request).await {
                    Ok(words) => cycle.take(&request, &words, self.now()),
                    Err(error) if !is_final(&error.fault) && cycle.may_try_again(profile) => {
                        return Reached::Left(Outcome::Again);
                    }
                    Err(error) if part == Part::Billing => return Reached::Nothing(error),
                    Err(error) => {
                        cycle.answer.others = Some(Err(error.to_string()));
                        return Reached::End;
                    }
                },
                Step::ReadOff(part) => {
                    if !self.read_off(part, cycle, polled) {
                        cycle.doubt(profile);
                        continue;
                    }
                }
            }
            cycle.advance();
        }
        Reached::End
    }

    async fn ask(&self, polled: &Polled, request: Request) -> Result<Vec<u16>, BusError> {
        let ask = Ask {
            unit: polled.device.unit_id,
            request,
            pace: pace(&polled.profile),
        };
        let mut orders = self.orders.clone();
        let words = tokio::select! {
            biased;
            words = self.bus.read(ask) => words,
            () = stopped(&mut orders) => Err(self.bus.stopped(ask.unit)),
        };
        self.report.send_modify(|progress| {
            if let Some(state) = progress.devices.get_mut(&polled.device.id) {
                count(&mut state.traffic, &words);
            }
        });
        words
    }

    /// Makes readings of the words; `false` when a value is doubted for the first time and
    /// has to be asked for once more.
    fn read_off(&mut self, part: Part, cycle: &mut Cycle, polled: &Polled) -> bool {
        let Polled { device, profile } = polled;
        let reference = profile.reference();
        let (now, reckoned) = cycle.came.unwrap_or_else(|| self.now());
        let mut ask_again = false;
        let mut read = Vec::new();
        for point in part.points(profile) {
            let decoded = profile.decode(&point.id, &cycle.registers);
            let counts = matches!(point.role, Role::Billing | Role::Counter);
            let counted = decoded.value.as_ref().ok().copied().filter(|_| counts);
            let judged = match counted {
                Some(value) => self.plausible.judge(device.id, point, value, now),
                None => Ok(()),
            };
            ask_again |= judged.is_err()
                && part == Part::Billing
                && !cycle.doubted
                && !self.plausible.is_disputed(device.id, point);
            let value = decoded.value.and_then(|value| judged.map(|()| value));
            let reading = NewReading {
                at: reckoned.at,
                clock: reckoned.clock,
                since_boot: reckoned.since_boot,
                device: device.id,
                point: point.id.clone(),
                quantity: value.as_ref().ok().copied(),
                suspect: value.err(),
                raw: decoded.raw,
                profile: reference.clone(),
                closes: cycle.task.closes,
                weight: weight_of(point.role),
            };
            read.push((point, counted, reading));
        }
        if ask_again {
            let suspect = read.into_iter().map(|(.., reading)| reading);
            let suspect = suspect.filter(|reading| reading.suspect.is_some());
            cycle.readings.extend(suspect);
            return false;
        }
        for (point, counted, reading) in read {
            if let Some(value) = counted {
                self.plausible.note(device.id, point, value, now);
            }
            match part {
                Part::Billing => cycle.answer.note(&reading),
                Part::Others => cycle.answer.others = Some(Ok(())),
            }
            cycle.readings.push(reading);
        }
        true
    }

    /// Hands what a poll brought to the next sweep.
    fn end(&mut self, cycle: Cycle) {
        let Cycle {
            task,
            readings,
            answer,
            ..
        } = cycle;
        let outcome = match answer.error {
            None => Outcome::Done,
            Some(_) => Outcome::Unusable,
        };
        self.schedule.keeping(&task);
        let ended = Ended {
            task,
            outcome,
            answer,
        };
        let now = self.started.elapsed();
        self.sweep.push(readings, Some(ended), now);
    }

    /// Writes the sweep; what the disk does not take waits in memory.
    async fn flush(&mut self) {
        let kept = self.buffer.append(self.sweep.readings().to_vec()).await;
        let (ended, error) = match kept {
            Ok(_) => (self.sweep.kept(), None),
            Err(error) => {
                let (ended, lost) = self.sweep.unkept(self.started.elapsed());
                // A buffer that is closed counts nothing any more.
                let _ = self.buffer.forgo(lost).await;
                (ended, Some(error))
            }
        };
        let waiting = self.sweep.readings().len();
        let error = error.map(|error| {
            format!("readings cannot be kept: {error}; {waiting} wait in memory for the disk")
        });
        let is_kept = error.is_none();
        let lost = self.sweep.lost;
        self.report.send_modify(|progress| {
            match (&error, &progress.error) {
                (Some(error), None) => tracing::error!("{error}"),
                (None, Some(_)) => tracing::info!("readings can be kept again"),
                _ => {}
            }
            progress.error = error;
            progress.lost = lost;
        });
        for Ended {
            task,
            outcome,
            answer,
        } in ended
        {
            self.note_answer(task.device, answer);
            self.finish(&task, if is_kept { outcome } else { Outcome::Unkept });
        }
    }

    /// Tells the schedule how a task ended or goes on, and the report what that means.
    fn finish(&mut self, task: &Task, outcome: Outcome) {
        let (now, reckoned) = self.now();
        let wall_at = |monotonic| wall_at(monotonic, now.monotonic, reckoned.at);
        self.schedule.finish(task, outcome, now);
        let breaker = self
            .schedule
            .breaker(task.device)
            .map(|breaker| BreakerState {
                open_since: wall_at(breaker.open_since),
                next_probe_at: wall_at(breaker.next_probe),
            });
        self.report.send_if_modified(|progress| {
            let state = progress.devices.get_mut(&task.device);
            state.is_some_and(|state| {
                let changed = state.breaker != breaker;
                state.breaker = breaker;
                changed
            })
        });
    }

    fn note_answer(&self, device: DeviceId, answer: Answer) {
        self.report.send_modify(|progress| {
            let Some(state) = progress.devices.get_mut(&device) else {
                return;
            };
            if state.error.is_some() && answer.error.is_none() {
                let label = self.devices.get(&device).map(|polled| &polled.device.label);
                tracing::info!(device.id = %device, device.label = label, "it reads well again");
            }
            state.answered += 1;
            state.error = answer.error;
            if let Some((at, value)) = answer.good {
                state.last_good_at = Some(at);
                state.last = Some(value);
            }
            if let Some(others) = answer.others {
                state.gauges_error = others.err();
            }
        });
    }

    fn note_failure(&self, device: &Device, error: &BusError) -> Outcome {
        if error.is_of_the_port() {
            return Outcome::OwnFault;
        }
        let ours = error.fault.is_ours();
        let sentence = error.to_string();
        self.report.send_modify(|progress| {
            let state = progress.devices.entry(device.id).or_default();
            if state.error.is_none() {
                tracing::warn!(device.id = %device.id, device.label, "{sentence}");
            }
            state.error = Some(sentence);
            state.failed += u64::from(!ours);
        });
        match ours {
            true => Outcome::OwnFault,
            false => Outcome::Failed,
        }
    }
}

/// The time of day at an instant of the monotonic clock that now shows `now`, at `wall`.
fn wall_at(monotonic: Duration, now: Duration, wall: Timestamp) -> Timestamp {
    let ahead = monotonic.saturating_sub(now);
    let ago = now.saturating_sub(monotonic);
    let shifted = wall.checked_add(ahead).and_then(|at| at.checked_sub(ago));
    shifted.unwrap_or(wall)
}
