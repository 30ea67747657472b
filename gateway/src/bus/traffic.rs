//! What others ask on a line: which requests, how often, what comes back. Pure; bounded:
//! with more kinds of requests than it holds, the one that was not heard longest goes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use common::sync::DeviceTraffic;
use tokio::time::Instant;

use super::overhear::{Asked, Heard, Reply};

/// Kinds of requests that are remembered; a master of thirty meters makes a hundred.
pub const KINDS_MAX: usize = 512;
/// Periods of which the median is shown.
const PERIODS_MAX: usize = 9;

/// What others ask on a line.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    kinds: BTreeMap<(u8, Asked), Kind>,
    unlisted: u64,
}

/// One request that is made again and again.
#[derive(Debug, Clone)]
pub struct Kind {
    /// How often it was heard.
    pub requests: u64,
    /// How often registers came back.
    pub replies: u64,
    /// How often the unit refused.
    pub exceptions: u64,
    /// How often nothing came that is its reply beyond doubt.
    pub unanswered: u64,
    /// When it was last heard.
    pub last: Instant,
    periods: VecDeque<Duration>,
}

impl Traffic {
    /// Takes note of something that was heard.
    pub fn note(&mut self, heard: &Heard) {
        let key = (heard.unit, heard.asked);
        if !self.kinds.contains_key(&key) && self.kinds.len() >= KINDS_MAX {
            let oldest = self.kinds.iter().min_by_key(|(_, kind)| kind.last);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                let gone = self.kinds.remove(&oldest);
                self.unlisted += gone.map_or(0, |kind| kind.requests);
            }
        }
        let kind = self.kinds.entry(key).or_insert_with(|| Kind {
            requests: 0,
            replies: 0,
            exceptions: 0,
            unanswered: 0,
            last: heard.at,
            periods: VecDeque::new(),
        });
        match heard.reply {
            Reply::Awaited => kind.ask(heard.at),
            Reply::Words(_) => kind.replies += 1,
            Reply::Exception(_) => kind.exceptions += 1,
            Reply::InDoubt | Reply::Missing => kind.unanswered += 1,
        }
    }

    /// The requests, by unit.
    pub fn kinds(&self) -> impl Iterator<Item = (u8, Asked, &Kind)> {
        self.kinds
            .iter()
            .map(|((unit, asked), kind)| (*unit, *asked, kind))
    }

    /// What became of all that was asked of one unit.
    #[must_use]
    pub fn of_unit(&self, unit: u8) -> DeviceTraffic {
        let kinds = self.kinds.iter().filter(|((asked, _), _)| *asked == unit);
        kinds.fold(DeviceTraffic::default(), |sum, (_, kind)| DeviceTraffic {
            requests: sum.requests + kind.requests,
            answers: sum.answers + kind.replies,
            timeouts: sum.timeouts + kind.unanswered,
            exceptions: sum.exceptions + kind.exceptions,
            ..sum
        })
    }

    /// How many requests were of kinds that are no longer remembered.
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.unlisted
    }
}

impl Kind {
    fn ask(&mut self, at: Instant) {
        if self.requests > 0 {
            if self.periods.len() >= PERIODS_MAX {
                self.periods.pop_front();
            }
            self.periods.push_back(at.duration_since(self.last));
        }
        self.requests += 1;
        self.last = at;
    }

    /// The median of the last periods.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        let mut periods: Vec<Duration> = self.periods.iter().copied().collect();
        periods.sort();
        periods.get(periods.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(at: Instant, unit: u8, function: u8, reply: Reply) -> Heard {
        Heard {
            at,
            unit,
            asked: Asked::Function(function),
            reply,
        }
    }

    #[test]
    fn the_period_is_the_median_so_that_a_pause_does_not_count() {
        let (mut traffic, start) = (Traffic::default(), Instant::now());
        for seconds in [0, 10, 20, 500, 510] {
            let at = start + Duration::from_secs(seconds);
            traffic.note(&heard(at, 3, 6, Reply::Awaited));
            traffic.note(&heard(at, 3, 6, Reply::Words(vec![1])));
        }
        traffic.note(&heard(start, 3, 6, Reply::Exception(2)));
        traffic.note(&heard(start, 3, 6, Reply::Missing));
        let (unit, asked, kind) = traffic.kinds().next().unwrap();
        assert_eq!((unit, asked), (3, Asked::Function(6)));
        assert_eq!(kind.period(), Some(Duration::from_secs(10)));
        assert_eq!((kind.requests, kind.replies), (5, 5));
        assert_eq!((kind.exceptions, kind.unanswered), (1, 1));
        traffic.note(&heard(start, 3, 4, Reply::Awaited));
        traffic.note(&heard(start, 4, 4, Reply::Awaited));
        let sum = DeviceTraffic {
            requests: 6,
            answers: 5,
            timeouts: 1,
            damaged: 0,
            exceptions: 1,
        };
        assert_eq!(traffic.of_unit(3), sum);
    }

    #[test]
    fn what_was_not_heard_longest_makes_room() {
        let (mut traffic, start) = (Traffic::default(), Instant::now());
        for number in 0..KINDS_MAX + 10 {
            let at = start + Duration::from_secs(number as u64);
            let (unit, function) = (u8::try_from(number % 256).unwrap(), number / 256);
            let function = u8::try_from(function).unwrap();
            traffic.note(&heard(at, unit, function, Reply::Awaited));
        }
        assert_eq!(traffic.kinds().count(), KINDS_MAX);
        assert_eq!(traffic.unlisted(), 10);
        assert!(
            traffic
                .kinds()
                .all(|(unit, asked, _)| { asked != Asked::Function(0) || unit >= 10 })
        );
    }
}
