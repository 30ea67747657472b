//! The trace of a register: which of its readings can follow each other, and which cannot.
//!
//! Readings of one device's point are put in order and cut into *runs*, in which each can
//! follow the one before: the counter rose no faster than it can, stood still within its
//! register's own unrest, or began again at zero where it is known to, as far as it can have
//! come. Of the runs the heaviest *chain* is believed, in which each run can follow the one
//! before across at most a day of others; a run weighs as long as it lasts. What lies between
//! two runs of the chain is *set apart*: it came and went, and the register went on from where
//! it was. Nothing else is passed over: a fall or a jump that stays is no consumption, it is a
//! question.
//!
//! Promises: the order in which readings are given, and how often each, changes nothing; a
//! reading that is set apart decides nothing; the same chain is found from all readings as from
//! those on both sides of each break alone. Cost: sorting, then the square of the number of
//! runs, which is bounded; beyond the bound nothing is believed.
//!
//! Lacks: what registers cannot show. A counter that was reset and overtook its old register
//! within one gap looks like one that counted on.

mod counter;

use common::quantity::Quantity;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

pub use self::counter::{Counter, Standing, Steady, Step};
use super::consumption::Taken;
use super::finding::Finding;
use super::hold::Hold;

/// How long readings may contradict the register before and after them and still be set
/// apart: beyond it somebody must say what happened.
const EXCURSION_MAX: SignedDuration = SignedDuration::from_hours(24);
/// The most runs of a trace; a sound meter has one.
const RUNS_MAX: usize = 500;

/// A reading that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// The reading.
    pub taken: Taken,
    /// Where the register stands: as it was read, or where it stood before when it fell by no
    /// more than its unrest.
    pub level: Decimal,
    /// How often it had begun again at zero since the trace began.
    pub rollovers: u32,
}

impl Believed {
    /// Where the register stands.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let reading = &self.taken.reading;
        Some(Standing {
            at: reading.at,
            level: self.level,
            unit: reading.quantity?.unit(),
        })
    }
}

/// Readings that follow each other.
#[derive(Debug, Clone)]
struct Run {
    readings: Vec<Believed>,
}

impl Run {
    fn first(&self) -> Option<&Believed> {
        self.readings.first()
    }

    fn last(&self) -> Option<&Believed> {
        self.readings.last()
    }

    fn weight(&self) -> i128 {
        let lasts = self.first().zip(self.last()).map(|(first, last)| {
            let lasts = last.taken.reading.at.duration_since(first.taken.reading.at);
            lasts.as_millis()
        });
        lasts.unwrap_or(0) + 1
    }
}

/// A fall or a jump that nothing explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The last reading before it.
    pub before: Taken,
    /// The first after it.
    pub after: Taken,
    jumped: bool,
}

impl Break {
    /// Why it holds a bill.
    #[must_use]
    pub fn hold(&self) -> Hold {
        let (before, after) = (&self.before.reading, &self.after.reading);
        let (Some(from), Some(to)) = (before.quantity, after.quantity) else {
            return Hold::TooManyDigits;
        };
        let (from_at, until_at) = (before.at, after.at);
        match self.jumped {
            true => Hold::RegisterJumped {
                from: from_at,
                until: until_at,
                before: from,
                after: to,
            },
            false => Hold::RegisterFell {
                from: from_at,
                until: until_at,
                before: from,
                after: to,
            },
        }
    }
}

/// What is believed of the readings of one device's point.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// What is believed, by time.
    pub believed: Vec<Believed>,
    /// What was set apart: each stretch with its readings, by time.
    pub set_apart: Vec<Vec<Taken>>,
    /// What nothing explains, by time.
    pub breaks: Vec<Break>,
}

impl Trace {
    /// The trace of the good readings among these, which are of one device's point.
    #[must_use]
    pub fn of(readings: &[Taken], counter: &Counter<'_>) -> Self {
        let runs = runs(in_order(readings), counter);
        if runs.len() > RUNS_MAX {
            let breaks = breaks(&runs, counter);
            return Self {
                breaks,
                ..Self::default()
            };
        }
        let chain = heaviest_chain(&runs, counter);
        Self::along(&runs, &chain, counter)
    }

    fn along(runs: &[Run], chain: &[usize], counter: &Counter<'_>) -> Self {
        let mut trace = Self::default();
        let mut passed: Vec<&Run> = Vec::new();
        let mut chosen = chain.iter().peekable();
        for (place, run) in runs.iter().enumerate() {
            if chosen.next_if(|next| **next == place).is_none() {
                passed.push(run);
                continue;
            }
            let is_bracketed = !trace.believed.is_empty();
            if is_bracketed && !passed.is_empty() {
                let apart = passed.iter().flat_map(|run| &run.readings);
                trace
                    .set_apart
                    .push(apart.map(|one| one.taken.clone()).collect());
            } else {
                trace
                    .breaks
                    .extend(breaks_between(&passed, Some(run), counter));
            }
            passed.clear();
            trace.go_on(run, counter);
        }
        let last = chain.last().and_then(|place| runs.get(*place));
        let mut rest: Vec<&Run> = last.into_iter().collect();
        rest.extend(passed);
        trace.breaks.extend(breaks_between(&rest, None, counter));
        trace
    }

    /// Adds a run that can follow what is believed already.
    fn go_on(&mut self, run: &Run, counter: &Counter<'_>) {
        let (mut level, mut rollovers) = (None, 0);
        if let Some((before, first)) = self.believed.last().zip(run.first()) {
            rollovers = before.rollovers;
            match step(before, &first.taken, counter) {
                Step::RolledOver => rollovers += 1,
                Step::Stood => level = Some(before.level),
                _ => {}
            }
        }
        for one in &run.readings {
            // As long as the register stands where it stood before the run.
            level = level.filter(|level| *level > one.level && one.rollovers == 0);
            self.believed.push(Believed {
                taken: one.taken.clone(),
                level: level.unwrap_or(one.level),
                rollovers: rollovers + one.rollovers,
            });
        }
    }

    /// The break that is nearest to an instant, if there is any.
    #[must_use]
    pub fn break_near(&self, at: Timestamp) -> Option<&Break> {
        self.breaks.iter().min_by_key(|one| {
            let to_before = one.before.reading.at.duration_since(at).abs();
            to_before.min(one.after.reading.at.duration_since(at).abs())
        })
    }

    /// What was set apart between two instants, both included.
    #[must_use]
    pub fn findings(&self, from: Timestamp, until: Timestamp) -> Vec<Finding> {
        let found = self.set_apart.iter().filter_map(|apart| {
            let (first, last) = (apart.first()?.reading.at, apart.last()?.reading.at);
            (from <= last && first <= until).then(|| Finding::SetApart {
                from: first,
                until: last,
                readings: u32::try_from(apart.len()).unwrap_or(u32::MAX),
            })
        });
        found.collect()
    }
}

/// The good readings by time, each once.
fn in_order(readings: &[Taken]) -> Vec<&Taken> {
    let mut good: Vec<&Taken> = readings
        .iter()
        .filter(|taken| taken.reading.is_good())
        .collect();
    let key = |taken: &Taken| {
        let reading = &taken.reading;
        (reading.at, taken.gateway, taken.epoch, reading.seq)
    };
    good.sort_by_key(|taken| key(taken));
    good.dedup_by_key(|taken| key(taken));
    good
}

fn value(taken: &Taken) -> Decimal {
    taken
        .reading
        .quantity
        .map_or(Decimal::ZERO, Quantity::value)
}

/// How a reading follows one that is believed.
fn step(before: &Believed, after: &Taken, counter: &Counter<'_>) -> Step {
    let after = after
        .reading
        .quantity
        .map(|register| Standing::of(after.reading.at, register));
    match (before.standing(), after) {
        (Some(before), Some(after)) => counter.step(before, after),
        _ => Step::OtherUnit,
    }
}

fn runs(readings: Vec<&Taken>, counter: &Counter<'_>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for taken in readings {
        let last = runs.last_mut();
        let next = last.as_ref().and_then(|run| run.last()).and_then(|before| {
            let (level, rollovers) = match step(before, taken, counter) {
                Step::Rose => (value(taken), before.rollovers),
                Step::Stood => (before.level, before.rollovers),
                Step::RolledOver => (value(taken), before.rollovers + 1),
                _ => return None,
            };
            Some(Believed {
                taken: taken.clone(),
                level,
                rollovers,
            })
        });
        match (last, next) {
            (Some(run), Some(next)) => run.readings.push(next),
            _ => runs.push(Run {
                readings: vec![Believed {
                    taken: taken.clone(),
                    level: value(taken),
                    rollovers: 0,
                }],
            }),
        }
    }
    runs
}

/// Whether `later` can follow `earlier` across what lies between them.
fn can_follow(runs: &[Run], earlier: usize, later: usize, counter: &Counter<'_>) -> bool {
    let between = runs.get(earlier + 1..later).unwrap_or_default();
    let begins = between.first().and_then(Run::first);
    let ends = between.last().and_then(Run::last);
    let is_short = begins.zip(ends).is_none_or(|(first, last)| {
        let lasts = last.taken.reading.at.duration_since(first.taken.reading.at);
        lasts <= EXCURSION_MAX
    });
    let before = runs.get(earlier).and_then(Run::last);
    let after = runs.get(later).and_then(Run::first);
    let follows = before
        .zip(after)
        .is_some_and(|(before, after)| step(before, &after.taken, counter).is_possible());
    is_short && follows
}

/// The places of the runs that weigh most together, each able to follow the one before.
fn heaviest_chain(runs: &[Run], counter: &Counter<'_>) -> Vec<usize> {
    let mut best: Vec<(i128, Option<usize>)> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        let before = best
            .iter()
            .enumerate()
            .filter(|(earlier, _)| can_follow(runs, *earlier, place, counter))
            .max_by_key(|(_, (weight, _))| *weight)
            .map(|(earlier, (weight, _))| (*weight, earlier));
        let (weight, from) = before.map_or((0, None), |(weight, from)| (weight, Some(from)));
        best.push((weight + run.weight(), from));
    }
    let mut at = best
        .iter()
        .enumerate()
        .max_by_key(|(_, (weight, _))| *weight)
        .map(|(place, _)| place);
    let mut chain = Vec::new();
    while let Some(place) = at {
        chain.push(place);
        at = best.get(place).and_then(|(_, from)| *from);
    }
    chain.reverse();
    chain
}

fn breaks(runs: &[Run], counter: &Counter<'_>) -> Vec<Break> {
    let all: Vec<&Run> = runs.iter().collect();
    breaks_between(&all, None, counter)
}

/// The breaks between runs that follow each other, the last one followed by `then`.
fn breaks_between(runs: &[&Run], then: Option<&Run>, counter: &Counter<'_>) -> Vec<Break> {
    let mut all = runs.to_vec();
    all.extend(then);
    let pairs = all.iter().zip(all.iter().skip(1));
    let found = pairs.filter_map(|(earlier, later)| {
        let (before, after) = (earlier.last()?, later.first()?);
        let how = step(before, &after.taken, counter);
        Some(Break {
            before: before.taken.clone(),
            after: after.taken.clone(),
            jumped: how == Step::Jumped,
        })
    });
    found.collect()
}
