//! One poll of one device: what is still to be asked of it, and what has come. It can be left
//! after any request, while others are asked, and gone on with. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use common::profile::{Point, Profile, Registers, Request, Role};
use common::quantity::Quantity;
use jiff::Timestamp;

use crate::clock::Reckoned;
use crate::reading::NewReading;
use crate::schedule::{Moment, Task};

/// How old the first words of a poll may be when its last ones come: on a line that is too
/// slow for all, a poll that was left is gone on with only after a round of all others.
const WORDS_AGE_MAX: Duration = Duration::from_secs(10);

/// What a poll of a device of some model asks for: first what is billed, then the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Those that bring in the billing points.
    pub billing: Vec<Request>,
    /// Those that bring in the other points, but for what the billing ones bring already.
    pub others: Vec<Request>,
}

impl Requests {
    /// The requests of a profile.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let ids = |billing: bool| -> Vec<&str> {
            let points = profile.points.iter();
            let wanted = points.filter(|point| (point.role == Role::Billing) == billing);
            wanted.map(|point| point.id.as_str()).collect()
        };
        let billing = profile.requests(&ids(true));
        let mut others = profile.requests(&ids(false));
        others.retain(|request| !billing.iter().any(|known| holds(known, request)));
        Self { billing, others }
    }
}

fn holds(outer: &Request, inner: &Request) -> bool {
    let end = |request: &Request| u32::from(request.address) + u32::from(request.count);
    outer.table == inner.table && outer.address <= inner.address && end(outer) >= end(inner)
}

/// Which points of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Those from which invoices may be made.
    Billing,
    /// All others.
    Others,
}

impl Part {
    /// Its points.
    pub(super) fn points(self, profile: &Profile) -> impl Iterator<Item = &Point> {
        let points = profile.points.iter();
        points.filter(move |point| (point.role == Role::Billing) == (self == Self::Billing))
    }
}

/// What a poll does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask without heeding what comes: the device sleeps, or answers what it knew long ago.
    Rouse(Request),
    /// Give the device time, which others can use.
    Pause(Duration),
    /// Ask.
    Ask(Request, Part),
    /// All registers of the part are there: see what they mean.
    ReadOff(Part),
}

/// What a device has shown in one poll.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// A good billing reading.
    pub(super) good: Option<(Timestamp, Quantity)>,
    /// Why a billing value is none.
    pub(super) error: Option<String>,
    /// How it went with the other points, when they were asked for.
    pub(super) others: Option<Result<(), String>>,
}

impl Answer {
    /// Takes note of a billing reading: the first is the one that is shown.
    pub(super) fn note(&mut self, reading: &NewReading) {
        if let Some(why) = &reading.suspect {
            let say = || format!("{} is no value: {why}", reading.point);
            self.error.get_or_insert_with(say);
        }
        let value = reading.quantity.map(|value| (reading.at, value));
        self.good = self.good.or(value);
    }
}

/// One poll of one device.
#[derive(Debug)]
pub(super) struct Cycle {
    /// What it is for.
    pub(super) task: Task,
    /// The words that have come.
    pub(super) registers: Registers,
    /// The readings that they made.
    pub(super) readings: Vec<NewReading>,
    /// What that tells of the device.
    pub(super) answer: Answer,
    /// Whether a value was doubted and has been asked for once more.
    pub(super) doubted: bool,
    ahead: VecDeque<Step>,
    /// When the last words came.
    pub(super) came: Option<(Moment, Reckoned)>,
    /// When the first ones did, on the monotonic clock.
    since: Option<Duration>,
    /// How often the request in front went wrong, and all of them.
    faults: u32,
    faults_in_all: u32,
}

impl Cycle {
    /// The poll that `task` asks for.
    pub(super) fn new(task: Task, profile: &Profile) -> Self {
        Self {
            ahead: steps(&task, profile),
            task,
            registers: Registers::new(),
            readings: Vec::new(),
            answer: Answer::default(),
            doubted: false,
            came: None,
            since: None,
            faults: 0,
            faults_in_all: 0,
        }
    }

    /// Begins, or goes on after others were asked: a device that sleeps is woken first, and
    /// words that have grown old are asked for again.
    pub(super) fn go_on(&mut self, profile: &Profile, now: Duration) {
        let stale = |since: Duration| now.saturating_sub(since) > WORDS_AGE_MAX;
        if self.answer == Answer::default() && self.since.is_some_and(stale) {
            self.ahead = steps(&self.task, profile);
            self.since = None;
        }
        if let Some(first) = Requests::of(profile).billing.first() {
            for _ in 0..profile.wake {
                self.ahead.push_front(Step::Rouse(*first));
            }
        }
    }

    /// What is to be done now.
    pub(super) fn step(&self) -> Option<Step> {
        self.ahead.front().copied()
    }

    /// What was to be done is done.
    pub(super) fn advance(&mut self) {
        self.ahead.pop_front();
        self.faults = 0;
    }

    /// The words of the request in front have come.
    pub(super) fn take(&mut self, request: &Request, words: &[u16], now: (Moment, Reckoned)) {
        self.registers.insert(request, words);
        self.since.get_or_insert(now.0.monotonic);
        self.came = Some(now);
    }

    /// The request in front went wrong; whether it may be tried again.
    pub(super) fn may_try_again(&mut self, profile: &Profile) -> bool {
        let retries = if self.task.is_probe {
            0
        } else {
            profile.limits.retries
        };
        self.faults += 1;
        self.faults_in_all += 1;
        let requests = Requests::of(profile);
        let requests = requests.billing.len() + requests.others.len();
        let in_all = retries.saturating_mul(u32::try_from(requests).unwrap_or(u32::MAX));
        self.faults <= retries && self.faults_in_all <= in_all
    }

    /// Asks for the billing points once more, at once.
    pub(super) fn doubt(&mut self, profile: &Profile) {
        self.doubted = true;
        for request in Requests::of(profile).billing.into_iter().rev() {
            self.ahead.push_front(Step::Ask(request, Part::Billing));
        }
    }
}

fn steps(task: &Task, profile: &Profile) -> VecDeque<Step> {
    let Requests { billing, others } = Requests::of(profile);
    let mut steps = VecDeque::new();
    if let Some(refresh) = profile.refresh {
        steps.extend(billing.iter().copied().map(Step::Rouse));
        steps.push_back(Step::Pause(Duration::from_millis(refresh.wait_ms)));
    }
    let ask = |part| move |request| Step::Ask(request, part);
    steps.extend(billing.into_iter().map(ask(Part::Billing)));
    steps.push_back(Step::ReadOff(Part::Billing));
    if task.all_points {
        steps.extend(others.into_iter().map(ask(Part::Others)));
        steps.push_back(Step::ReadOff(Part::Others));
    }
    steps
}
