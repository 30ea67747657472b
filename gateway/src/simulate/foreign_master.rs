//! Another master on a simulated line, which asks its meters in turn as their profiles say.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::config::ForeignMasterConfig;
use super::meter::SimulatedMeter;
use super::slave::{self, REQUEST_BYTES};

/// Between two requests to one meter: it waits for the reply and is in no hurry.
const BETWEEN: Duration = Duration::from_millis(200);

/// When it asks what.
#[derive(Debug)]
pub(super) struct ForeignMaster {
    period: Duration,
    /// The requests to each meter.
    rounds: VecDeque<Vec<[u8; REQUEST_BYTES]>>,
    /// What is left of the round that has begun.
    round: VecDeque<[u8; REQUEST_BYTES]>,
    round_at: Instant,
    asks_at: Instant,
}

impl ForeignMaster {
    pub(super) fn new(config: &ForeignMasterConfig, meters: &[SimulatedMeter]) -> Self {
        let is_asked = |unit_id: u8| {
            let chosen = config.unit_ids.as_ref();
            chosen.is_none_or(|chosen| chosen.contains(&unit_id))
        };
        let asked = meters.iter().filter(|meter| is_asked(meter.unit_id()));
        let rounds = asked.map(|meter| {
            let points = meter.profile.points.iter();
            let points: Vec<&str> = points.map(|point| point.id.as_str()).collect();
            let requests = meter.profile.requests(&points).into_iter();
            let frame = |request| slave::request(meter.unit_id(), &request);
            requests.map(frame).collect()
        });
        let begins_at = Instant::now() + Duration::from_millis(config.after_ms);
        Self {
            period: Duration::from_millis(config.period_ms),
            rounds: rounds.collect(),
            round: VecDeque::new(),
            round_at: begins_at,
            asks_at: begins_at,
        }
    }

    /// When it asks next.
    pub(super) fn asks_at(&self) -> Instant {
        self.asks_at
    }

    /// What it asks now.
    pub(super) fn ask(&mut self) -> Option<[u8; REQUEST_BYTES]> {
        if self.round.is_empty() {
            self.round_at += self.period;
            let meter = self.rounds.pop_front()?;
            self.round = meter.iter().copied().collect();
            self.rounds.push_back(meter);
        }
        let request = self.round.pop_front();
        self.asks_at = match self.round.is_empty() {
            true => self.round_at.max(Instant::now()),
            false => Instant::now() + BETWEEN.min(self.period),
        };
        request
    }

    /// Nobody is there to hear it: it goes on when somebody is.
    pub(super) fn wait(&mut self) {
        let now = Instant::now();
        self.round_at = self.round_at.max(now);
        self.asks_at = self.asks_at.max(now);
    }
}
