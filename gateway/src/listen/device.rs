//! One device that another master reads: which of the words that were heard make a value,
//! and which values are kept. Pure.
//!
//! Promises: a point has a value only from the reply that held all its words at once; what it
//! needs beside them (a multiplier, a unit, a flag) may be older, up to [`BESIDE_AGE_MAX`].
//! Kept is one value a period, every value around the instant of a closing, and the first one
//! from then on as its reading. Memory is bounded by the profile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::closes::Closes;
use common::profile::{Point, Profile, Registers, Request, Role};
use common::sync::{Closing, Device, Weight};
use jiff::{SignedDuration, Timestamp};

use crate::clock::Reckoned;
use crate::plausible::Plausible;
use crate::poll::{DeviceState, Polled};
use crate::reading::{NewReading, weight_of};
use crate::schedule::closing::Closings;
use crate::schedule::{CLOSING_PATIENCE, Moment};

/// How old a multiplier, a unit or a flag may be: many masters read them once a day.
const BESIDE_AGE_MAX: Duration = Duration::from_secs(26 * 60 * 60);
/// How old words may be that only say whether an answer is garbage as a whole.
const FRESH: Duration = Duration::from_secs(10);
/// The least distance of two values that are kept around the instant of a closing.
const CLOSING_STEP: Duration = Duration::from_secs(5);
/// A master's period is never exact: a value this share of the period early is not early.
const EARLY_SHARE: u32 = 10;

/// A device, what was heard of it and what was kept.
#[derive(Debug)]
pub(super) struct Listened {
    pub(super) device: Device,
    pub(super) wanted: Vec<Wanted>,
    pub(super) state: DeviceState,
    /// When its last good billing value was heard.
    pub(super) good: Option<Duration>,
    /// Why the last billing value was none.
    pub(super) suspect: Option<String>,
    profile: std::sync::Arc<Profile>,
    /// The words of each run, as they came in one reply, and when.
    came: BTreeMap<Request, Came>,
    closings: Closings,
    gauge_period: Duration,
    /// The closing that still lacks its reading.
    pending: Option<Pending>,
    /// The last closing that needs no reading any more.
    settled: Option<Closing>,
}

/// A point and the registers that it needs.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) point: String,
    pub(super) is_billing: bool,
    /// The run that holds its value.
    pub(super) value: Request,
    /// Runs that it needs beside that.
    pub(super) beside: Vec<Request>,
    /// When its last value was kept.
    kept: Option<Duration>,
    /// The last closing that a reading of it is of.
    closed: Option<Closing>,
}

#[derive(Debug)]
struct Came {
    words: Vec<u16>,
    at: Duration,
}

#[derive(Debug)]
struct Pending {
    closing: Closing,
    noticed: Duration,
}

impl Listened {
    /// A device of which nothing has been heard yet. `closed` is the last closing that it has a
    /// reading of already.
    pub(super) fn new(polled: Polled, gauge_period: Duration, closed: Option<Closes>) -> Self {
        let Polled { device, profile } = polled;
        let wanted = profile.points.iter();
        let closings = Closings::of(&device);
        let closed = closed.and_then(|closes| closings.find(closes));
        Self {
            wanted: wanted
                .filter_map(|point| Wanted::of(&profile, point, closed))
                .collect(),
            closings,
            state: DeviceState::default(),
            good: None,
            suspect: None,
            came: BTreeMap::new(),
            pending: None,
            settled: closed,
            device,
            profile,
            gauge_period,
        }
    }

    /// The same device as the list describes it now, with what is known of it.
    pub(super) fn renewed(self, polled: Polled, gauge_period: Duration) -> Self {
        let is_same = self.device.unit_id == polled.device.unit_id
            && self.profile.reference() == polled.profile.reference();
        let settled = self.settled.map(|settled| settled.closes);
        let mut new = Self::new(polled, gauge_period, settled);
        if is_same {
            new.wanted = self.wanted;
            new.came = self.came;
            new.state = self.state;
            new.good = self.good;
            new.suspect = self.suspect;
        }
        new.pending = self.pending;
        new
    }

    /// A reply to `request` was heard at `now`: the readings of it that are to be kept.
    pub(super) fn hear(
        &mut self,
        request: &Request,
        words: &[u16],
        now: Moment,
        reckoned: Reckoned,
        plausible: &mut Plausible,
    ) -> Vec<NewReading> {
        self.remember(request, words, now.monotonic);
        let closing = self.closing(now);
        let is_near_closing = closing.is_some() || self.is_before_closing(now);
        let mut readings = Vec::new();
        for at in 0..self.wanted.len() {
            let Some(wanted) = self.wanted.get(at).filter(|w| holds(request, &w.value)) else {
                continue;
            };
            let period = match (wanted.is_billing, is_near_closing) {
                (true, true) => CLOSING_STEP,
                (true, false) => Duration::from_secs(self.device.poll_period_s.max(1).into()),
                (false, _) => self.gauge_period,
            };
            let is_due = wanted.is_due(period, now.monotonic);
            let may_close = wanted.is_billing && closing.is_some() && wanted.closed != closing;
            if !wanted.is_billing && !is_due {
                continue;
            }
            let Some(mut reading) = self.decode(wanted, now, reckoned) else {
                continue;
            };
            self.judge(&mut reading, now, plausible);
            if reading.quantity.is_some() && may_close {
                reading.closes = closing.map(|closing| closing.closes);
            }
            self.note(at, &reading, now, is_due, closing);
            if is_due || reading.closes.is_some() {
                readings.push(reading);
            }
        }
        readings
    }

    fn remember(&mut self, request: &Request, words: &[u16], at: Duration) {
        let points = self.wanted.iter();
        let mut runs: BTreeSet<Request> = points
            .flat_map(|wanted| wanted.beside.iter().chain([&wanted.value]))
            .copied()
            .collect();
        runs.extend(self.profile.registers().map(|register| register.span()));
        for run in runs.into_iter().filter(|run| holds(request, run)) {
            let start = usize::from(run.address - request.address);
            let words = words.get(start..start + usize::from(run.count));
            if let Some(words) = words.map(<[u16]>::to_vec) {
                self.came.insert(run, Came { words, at });
            }
        }
    }

    /// What the point's words mean, if everything that it needs is there.
    fn decode(&self, wanted: &Wanted, now: Moment, reckoned: Reckoned) -> Option<NewReading> {
        let mut registers = Registers::new();
        let age = |came: &Came| now.monotonic.saturating_sub(came.at);
        for (run, came) in self.came.iter().filter(|(_, came)| age(came) <= FRESH) {
            registers.insert(run, &came.words);
        }
        for run in wanted.beside.iter().chain([&wanted.value]) {
            let came = self.came.get(run)?;
            if age(came) > BESIDE_AGE_MAX {
                return None;
            }
            registers.insert(run, &came.words);
        }
        let role = self.profile.point(&wanted.point).map(|point| point.role);
        let weight = role.map_or(Weight::Gauge, weight_of);
        let decoded = self.profile.decode(&wanted.point, &registers);
        let (quantity, suspect) = match decoded.value {
            Ok(quantity) => (Some(quantity), None),
            Err(why) => (None, Some(why)),
        };
        Some(NewReading {
            at: reckoned.at,
            clock: reckoned.clock,
            since_boot: reckoned.since_boot,
            device: self.device.id,
            point: wanted.point.clone(),
            quantity,
            suspect,
            raw: decoded.raw,
            profile: self.profile.reference(),
            closes: None,
            weight,
        })
    }

    /// Lets a value that its counter cannot have come to be none, with the reason.
    fn judge(&self, reading: &mut NewReading, now: Moment, plausible: &mut Plausible) {
        let point = self.profile.point(&reading.point);
        let counts = |point: &&Point| matches!(point.role, Role::Billing | Role::Counter);
        let (Some(point), Some(value)) = (point.filter(counts), reading.quantity) else {
            return;
        };
        if let Err(why) = plausible.judge(self.device.id, point, value, now) {
            (reading.quantity, reading.suspect) = (None, Some(why));
        }
        plausible.note(self.device.id, point, value, now);
    }

    /// Takes note of a value: whether it is kept, and what it says about the device.
    fn note(
        &mut self,
        at: usize,
        reading: &NewReading,
        now: Moment,
        is_due: bool,
        closing: Option<Closing>,
    ) {
        let Some(wanted) = self.wanted.get_mut(at) else {
            return;
        };
        if is_due || reading.closes.is_some() {
            wanted.kept = Some(now.monotonic);
        }
        if reading.closes.is_some() {
            wanted.closed = closing;
        }
        if !wanted.is_billing {
            return;
        }
        let suspect = reading.suspect.as_ref();
        self.suspect = suspect.map(|why| format!("{} is no value: {why}", reading.point));
        self.state.error = self.suspect.clone();
        if suspect.is_none() {
            self.good = Some(now.monotonic);
            self.state.last_good_at = Some(reading.at);
            self.state.last = reading.quantity;
        }
    }

    /// The closing whose instant has just come, by a wall that is believed.
    fn closing(&self, now: Moment) -> Option<Closing> {
        self.closings.begun_before(now.wall?, CLOSING_PATIENCE)
    }

    /// Whether the wall is shortly before the instant of one.
    fn is_before_closing(&self, now: Moment) -> bool {
        let later = now
            .wall
            .and_then(|wall| wall.checked_add(CLOSING_PATIENCE).ok());
        later.is_some_and(|later| {
            self.closings
                .begun_before(later, CLOSING_PATIENCE)
                .is_some()
        })
    }

    /// Opens the closing whose instant has just come, and ends one that every point has
    /// or that nothing came for within `patience`.
    pub(super) fn look_at_the_clock(&mut self, now: Moment, patience: Duration) {
        let Some(wall) = now.wall else {
            return;
        };
        let current = self.closing(now);
        // With a clock that was set back it comes once more.
        let again = |closing: &mut Closing| closing.at > wall;
        for wanted in &mut self.wanted {
            wanted.closed.take_if(again);
        }
        let closed = |closing: Closing| {
            let mut billing = self.wanted.iter().filter(|wanted| wanted.is_billing);
            billing.all(|wanted| wanted.closed == Some(closing))
        };
        let over = self.pending.take_if(|pending| {
            closed(pending.closing)
                || now.monotonic.saturating_sub(pending.noticed) >= patience
                || current != Some(pending.closing)
        });
        if let Some(over) = over {
            self.settled = Some(over.closing);
        }
        self.settled.take_if(again);
        if let Some(closing) = current
            && self.pending.is_none()
            && self.settled != Some(closing)
        {
            self.pending = Some(Pending {
                closing,
                noticed: now.monotonic,
            });
        }
    }

    /// Up to when nothing more will come, at `now`.
    pub(super) fn settled_through(&self, now: Timestamp) -> Timestamp {
        let before = |pending: &Pending| {
            pending
                .closing
                .at
                .checked_sub(SignedDuration::from_millis(1))
        };
        match &self.pending {
            Some(pending) => before(pending).unwrap_or(Timestamp::MIN),
            None => now,
        }
    }

    /// What of the points' needs has come lately enough to be used.
    pub(super) fn has(&self, run: &Request, now: Duration) -> bool {
        let came = self.came.get(run);
        came.is_some_and(|came| now.saturating_sub(came.at) <= BESIDE_AGE_MAX)
    }
}

impl Wanted {
    fn of(profile: &Profile, point: &Point, closed: Option<Closing>) -> Option<Self> {
        let value = profile.value_run(&point.id)?;
        let mut beside = profile.runs(&point.id);
        beside.retain(|run| *run != value);
        Some(Self {
            point: point.id.clone(),
            is_billing: point.role == Role::Billing,
            value,
            beside,
            kept: None,
            closed,
        })
    }

    fn is_due(&self, period: Duration, now: Duration) -> bool {
        let early = period / EARLY_SHARE;
        self.kept.is_none_or(|kept| now + early >= kept + period)
    }
}

/// Whether a reply to `outer` holds all of `inner`.
pub(super) fn holds(outer: &Request, inner: &Request) -> bool {
    let end = |request: &Request| u32::from(request.address) + u32::from(request.count);
    outer.table == inner.table && outer.address <= inner.address && end(outer) >= end(inner)
}

#[cfg(test)]
mod tests;
