//! What to believe of the time, given what the machine's clock shows, how long the machine
//! has been up, and what the time server and the cloud have said. Pure.
//!
//! Promises: between two words of somebody who knows, believed time follows the clock that
//! nobody can set, so that a step of the machine's clock changes nothing; a step is believed
//! when the time server has touched its marker since, or the cloud says the same. The machine
//! alone is believed only while nobody else is to be asked: the gateway is not enrolled and no
//! time server is known; then its steps are followed, as it is most likely somebody who mends
//! them. Nothing of the machine is believed that lies before the floor, what has been already;
//! the cloud mends a floor that is wrong. A time server and a
//! cloud that contradict each other are reported, and the time server is believed.
//! Lacks: the drift of a crystal without a time server between two words of the cloud, a few
//! seconds a day.

use std::time::Duration;

use common::sync::ClockSource;
use jiff::{SignedDuration, Timestamp};

/// The longest round trip whose answer tells the time: it is right within half of that.
pub(super) const ROUND_TRIP_MAX: Duration = Duration::from_secs(2);
/// Clocks that are no further apart agree.
const AGREEMENT: SignedDuration = SignedDuration::from_millis(500);
/// A time server that is further from the cloud than this is reported.
const DISAGREEMENT: SignedDuration = SignedDuration::from_secs(60);
/// How exactly the time of the marker must fit into what has passed since the last look.
const MARKER_SLACK: SignedDuration = SignedDuration::from_secs(2);

/// What the time server of the machine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// None is known.
    Unknown,
    /// It has not set the clock yet.
    Waiting,
    /// It has, last when the clock showed this.
    Set(Timestamp),
}

/// What the machine shows at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// The machine's clock.
    pub(super) wall: Timestamp,
    /// Time since the machine started.
    pub(super) elapsed: Duration,
    /// What the time server says.
    pub(super) server: Server,
}

/// What is believed: at that time since the start it was that instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belief {
    /// Time since the machine started.
    pub(super) elapsed: Duration,
    /// The instant.
    pub(super) at: Timestamp,
    /// Who said so.
    pub(super) source: ClockSource,
}

impl Belief {
    /// The instant at another time since the start.
    pub(super) fn at(&self, elapsed: Duration) -> Timestamp {
        shifted(self.at, between(self.elapsed, elapsed))
    }
}

/// Keeps what is believed.
#[derive(Debug)]
pub(super) struct Keeper {
    /// When this program was written: before that nobody is believed.
    written: Timestamp,
    /// The instant is after this.
    floor: Timestamp,
    /// Since when that is known.
    floor_since: Duration,
    is_enrolled: bool,
    belief: Option<Belief>,
    /// The marker of the time server that has been heeded.
    marker: Option<Timestamp>,
    /// When the machine was last looked at.
    looked: Duration,
    /// How far the cloud is ahead of the time server, when they contradict each other.
    contradiction: Option<SignedDuration>,
}

impl Keeper {
    /// Believes nothing yet. Until it is told otherwise it takes the gateway for enrolled.
    pub(super) fn new(written: Timestamp, elapsed: Duration) -> Self {
        Self {
            written,
            floor: written,
            floor_since: elapsed,
            is_enrolled: true,
            belief: None,
            marker: None,
            looked: Duration::ZERO,
            contradiction: None,
        }
    }

    pub(super) fn set_enrolled(&mut self, is_enrolled: bool) {
        self.is_enrolled = is_enrolled;
    }

    /// It is later than `floor`.
    pub(super) fn raise_floor(&mut self, floor: Timestamp, elapsed: Duration) {
        if floor > self.floor {
            (self.floor, self.floor_since) = (floor, elapsed);
        }
    }

    /// The earliest that it can be.
    pub(super) fn floor(&self, elapsed: Duration) -> Timestamp {
        shifted(self.floor, between(self.floor_since, elapsed))
    }

    /// What is believed, if anything.
    pub(super) fn belief(&self) -> Option<Belief> {
        self.belief
    }

    /// How far the cloud is ahead of the time server, when they contradict each other.
    pub(super) fn contradiction(&self) -> Option<SignedDuration> {
        self.contradiction
    }

    /// The instant, as well as it is known.
    pub(super) fn reckon(&self, look: Look) -> Timestamp {
        match &self.belief {
            Some(belief) => belief.at(look.elapsed),
            None => look.wall.max(self.floor(look.elapsed)),
        }
    }

    /// Goes on with what was believed earlier in the same life of the machine. What the
    /// machine shows may have been changed meanwhile: it waits for the next word.
    pub(super) fn take_up(&mut self, belief: Belief, look: Look) {
        self.belief = Some(belief);
        self.looked = look.elapsed;
        if let Server::Set(marker) = look.server {
            self.marker = Some(marker);
        }
    }

    /// Takes note of what the machine shows.
    pub(super) fn look(&mut self, look: Look) {
        let is_set = self.has_been_set(look);
        self.looked = self.looked.max(look.elapsed);
        if look.wall < self.floor {
            return;
        }
        let is_alone = !self.is_enrolled && look.server == Server::Unknown;
        let source = self
            .belief
            .map_or(ClockSource::None, |belief| belief.source);
        if is_set {
            self.believe(look.wall, look.elapsed, ClockSource::Ntp);
        } else if is_alone && matches!(source, ClockSource::None | ClockSource::Machine) {
            self.believe(look.wall, look.elapsed, ClockSource::Machine);
        }
    }

    /// Whether the time server has set the clock since the last look, and nobody else after
    /// it: then the marker is as old as the clock says.
    fn has_been_set(&mut self, look: Look) -> bool {
        let Server::Set(marker) = look.server else {
            return false;
        };
        if self.marker == Some(marker) {
            return false;
        }
        self.marker = Some(marker);
        let age = look.wall.duration_since(marker);
        let age_max = between(self.looked, look.elapsed).saturating_add(MARKER_SLACK);
        (-MARKER_SLACK..=age_max).contains(&age)
    }

    /// The cloud's clock showed `cloud` in the middle of a round trip that ends now.
    pub(super) fn hear_cloud(&mut self, cloud: Timestamp, round_trip: Duration, look: Look) {
        let half = SignedDuration::try_from(round_trip / 2).unwrap_or_default();
        let at = shifted(cloud, half);
        if round_trip > ROUND_TRIP_MAX || at < self.written {
            return;
        }
        self.look(look);
        match self.belief {
            Some(belief) if belief.source == ClockSource::Ntp => {
                let ahead = at.duration_since(belief.at(look.elapsed));
                self.contradiction = (ahead.abs() > DISAGREEMENT).then_some(ahead);
            }
            _ => self.believe(at, look.elapsed, ClockSource::Cloud),
        }
    }

    /// Believes it, unless that is what is believed anyway.
    fn believe(&mut self, at: Timestamp, elapsed: Duration, source: ClockSource) {
        let agrees = self.belief.is_some_and(|belief| {
            let off = at.duration_since(belief.at(elapsed));
            belief.source == source && off.abs() <= AGREEMENT
        });
        if !agrees {
            self.belief = Some(Belief {
                elapsed,
                at,
                source,
            });
        }
        if source != ClockSource::Ntp {
            self.contradiction = None;
        }
    }
}

fn between(since: Duration, until: Duration) -> SignedDuration {
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    signed(until).saturating_sub(signed(since))
}

fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests;
