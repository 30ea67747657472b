//! Whether another master reads what a device's profile needs, and if not, what is missing:
//! in one sentence, for whoever can change that master. Pure.

use std::time::Duration;

use common::profile::Request;

use super::device::{Listened, holds};
use crate::bus::foreign::wish;
use crate::bus::overhear::Asked;
use crate::bus::traffic::Traffic;

/// For so long a line is heard before anything is missed: masters have slow rounds.
pub(super) const LEARNING: Duration = Duration::from_secs(120);
/// A billing value older than this is missed, unless the master's own period is longer.
const STALE: Duration = Duration::from_secs(15 * 60);
/// How often a master's period may pass without a value.
const PERIODS_MISSED_MAX: u32 = 3;
/// Requests that a sentence lists.
const LISTED_MAX: usize = 4;

/// What another master asks one unit.
struct Asks {
    requests: Vec<Request>,
    replies: u64,
    failures: u64,
    longest_period: Duration,
}

/// Brings the device's state up to date with what was heard on the line for `listened`.
pub(super) fn review(device: &mut Listened, traffic: &Traffic, now: Duration, listened: Duration) {
    let asks = Asks::of(device.device.unit_id, traffic);
    (device.state.answered, device.state.failed) = (asks.replies, asks.failures);
    let patience = STALE.max(asks.longest_period * PERIODS_MISSED_MAX);
    let last = device.good.map(|good| now.saturating_sub(good));
    let is_good = last.is_some_and(|age| age < patience);
    if listened < LEARNING || device.suspect.is_some() {
        return;
    }
    device.state.error = if is_good {
        None
    } else if traffic.kinds().next().is_none() {
        Some(nobody(listened))
    } else {
        let missed = asks.missed(device, traffic, now, true);
        missed.or_else(|| Some(asks.stale(device, now)))
    };
    device.state.unasked = asks.missed(device, traffic, now, false);
}

fn nobody(listened: Duration) -> String {
    format!(
        "no master has been heard on this line for {} min: check that it runs, then A and B, \
         baud rate and parity",
        listened.as_secs() / 60
    )
}

impl Asks {
    fn of(unit: u8, traffic: &Traffic) -> Self {
        let mut asks = Self {
            requests: Vec::new(),
            replies: 0,
            failures: 0,
            longest_period: Duration::ZERO,
        };
        for (_, asked, kind) in traffic.kinds().filter(|(asked, ..)| *asked == unit) {
            if let Asked::Registers(request) = asked {
                asks.requests.push(request);
                asks.replies += kind.replies;
                asks.failures += kind.exceptions + kind.unanswered;
                asks.longest_period = asks.longest_period.max(kind.period().unwrap_or_default());
            }
        }
        asks
    }

    /// What the master would have to ask for the billing points, or for the others.
    fn missed(
        &self,
        device: &Listened,
        traffic: &Traffic,
        now: Duration,
        billing: bool,
    ) -> Option<String> {
        let unit = device.device.unit_id;
        if self.requests.is_empty() {
            let mut units: Vec<u8> = traffic.kinds().map(|(unit, ..)| unit).collect();
            units.dedup();
            let units: Vec<String> = units.iter().map(u8::to_string).collect();
            return billing.then(|| {
                format!(
                    "the other master does not ask unit {unit}; it asks {}: check the unit id, \
                     or have that master ask it",
                    units.join(", ")
                )
            });
        }
        let mut lacking: Vec<(&str, &Request)> = Vec::new();
        for wanted in device.wanted.iter().filter(|w| w.is_billing == billing) {
            for run in wanted.beside.iter().chain([&wanted.value]) {
                let is_asked = self.requests.iter().any(|asked| holds(asked, run));
                let is_listed = lacking.iter().any(|(_, listed)| *listed == run);
                if !is_asked && !is_listed && !device.has(run, now) {
                    lacking.push((&wanted.point, run));
                }
            }
        }
        if lacking.is_empty() {
            return None;
        }
        let needs = listed(&lacking, |(point, run)| {
            format!("{} ({point})", wish(Asked::Registers(**run)))
        });
        let asks = listed(&self.requests, |asked| wish(Asked::Registers(*asked)));
        Some(format!(
            "the other master does not ask unit {unit} {needs}; it asks {asks}; one request must \
             hold all of a value"
        ))
    }

    /// Everything is asked for, and yet there is no value.
    fn stale(&self, device: &Listened, now: Duration) -> String {
        let unit = device.device.unit_id;
        match device.good {
            Some(good) => {
                let minutes = now.saturating_sub(good).as_secs() / 60;
                format!(
                    "unit {unit} has given the other master nothing that could be billed for \
                     {minutes} min"
                )
            }
            None if self.replies == 0 => format!(
                "unit {unit} does not answer the other master: {} requests, no reply beyond doubt",
                self.failures
            ),
            None => {
                format!("the other master has not asked unit {unit} for all that makes a value yet")
            }
        }
    }
}

fn listed<T>(items: &[T], word: impl Fn(&T) -> String) -> String {
    let mut words: Vec<String> = items.iter().take(LISTED_MAX).map(word).collect();
    if items.len() > LISTED_MAX {
        words.push(format!("and {} more", items.len() - LISTED_MAX));
    }
    words.join(", ")
}
