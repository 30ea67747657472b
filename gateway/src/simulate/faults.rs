//! What a line can do to an exchange (the failure matrix's F15 and F16): a pure engine from a
//! request and its right reply to the bytes that come instead, and when.
//!
//! Promises: the same seed and the same requests give the same faults; a device answers in
//! order, however late; the simulated port and the tests on virtual time share it. Knows no
//! clock and does no IO. Lacks: two talkers whose bits mix on the wire; there, one waits
//! until the other has done.

mod disturb;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use super::config::FaultsConfig;
use super::slave::REQUEST_BYTES;

/// A kind of fault, under its name in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The reply comes after the time-out, before the master may ask again.
    Late,
    /// The reply comes two to four time-outs after its request.
    VeryLate,
    /// The reply comes when the next request, of whatever unit, has just been sent.
    Overtaken,
    /// For a few requests the device answers each with the reply to one or two before.
    Behind,
    /// For a few requests the device is deaf; then it answers them all, in order.
    Stall,
    /// Fewer registers than asked, or a frame cut off.
    Short,
    /// More registers than asked, or bytes that the reply does not have.
    Long,
    /// The reply names another unit.
    WrongUnit,
    /// The reply names another function.
    WrongFunction,
    /// The request comes back, with its reply, without, or with a late one.
    Echo,
    /// One bit of the reply is flipped.
    Crc,
    /// Noise before the reply.
    NoiseBefore,
    /// Noise within the reply.
    NoiseWithin,
    /// Noise after the reply, at once or later.
    NoiseAfter,
    /// The reply comes in pieces with pauses.
    Split,
    /// Two frames come without a pause between them.
    Glued,
    /// A Modbus exception, most often 6 (busy).
    Exception,
    /// Nothing.
    Silence,
    /// Another master asks at the same time, and is answered.
    SecondMaster,
    /// A byte 00 or FF behind the reply, as on a line without bias resistors.
    Stray,
    /// As many zero bytes as the reply has.
    NullBytes,
    /// All registers are zero, with a right checksum.
    AllZero,
    /// The counters jump by some thousands, with a right checksum.
    Spike,
    /// The counters are zero, with a right checksum.
    CounterZero,
    /// The counters' decimal point is one place off, with a right checksum.
    DecimalShift,
}

impl FaultKind {
    /// What happens to bytes on a line. It can be recognised by whoever reads with care.
    pub const OF_THE_LINE: [Self; 21] = [
        Self::Late,
        Self::VeryLate,
        Self::Overtaken,
        Self::Behind,
        Self::Stall,
        Self::Short,
        Self::Long,
        Self::WrongUnit,
        Self::WrongFunction,
        Self::Echo,
        Self::Crc,
        Self::NoiseBefore,
        Self::NoiseWithin,
        Self::NoiseAfter,
        Self::Split,
        Self::Glued,
        Self::Exception,
        Self::Silence,
        Self::SecondMaster,
        Self::Stray,
        Self::NullBytes,
    ];

    /// What the device says wrongly in a faultless frame; only plausibility can tell.
    fn lie(self) -> Lie {
        match self {
            Self::AllZero => Lie::AllZero,
            Self::Spike => Lie::Spike,
            Self::CounterZero => Lie::CounterZero,
            Self::DecimalShift => Lie::DecimalShift,
            _ => Lie::None,
        }
    }
}

/// How the registers of a reply are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    AllZero,
    Spike,
    CounterZero,
    DecimalShift,
}

/// A request, and the device that is asked.
pub(crate) struct Exchange<'a> {
    /// The request as it was sent.
    pub request: [u8; REQUEST_BYTES],
    /// The device's reply with its checksum; empty if it gives none.
    pub reply: &'a dyn Fn(Lie) -> Vec<u8>,
    /// From the end of the request to the beginning of an honest reply.
    pub thinking: Duration,
    /// How long the master waits for it; late is later than this.
    pub time_out: Duration,
}

/// Bytes that follow each other without a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Burst {
    /// From the end of the request to the first of them.
    pub after: Duration,
    pub bytes: Vec<u8>,
}

/// What follows a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    /// The fault, if there is one.
    pub kind: Option<FaultKind>,
    pub bursts: Vec<Burst>,
}

/// A device whose replies do not come with their requests.
#[derive(Debug)]
struct Backlog {
    kind: FaultKind,
    held: VecDeque<Vec<u8>>,
    /// Requests that it still spoils.
    left: u32,
    /// Replies that it keeps back; of a deaf one, all.
    depth: usize,
}

/// Faults of one line, or of one meter on it.
#[derive(Debug)]
pub(crate) struct Faults {
    random: StdRng,
    per_million: u32,
    kinds: Vec<FaultKind>,
    backlogs: BTreeMap<u8, Backlog>,
    overtaken: Vec<Vec<u8>>,
    /// Requests that a lasting fault spoiled beyond its first; as many new ones are let off,
    /// so that the rate stays what it is.
    surplus: u32,
}

impl Faults {
    pub(crate) fn new(config: &FaultsConfig) -> Self {
        Self {
            random: StdRng::seed_from_u64(config.seed),
            per_million: config.per_million(),
            kinds: config.kinds(),
            backlogs: BTreeMap::new(),
            overtaken: Vec::new(),
            surplus: 0,
        }
    }

    /// What follows a request.
    pub(crate) fn meet(&mut self, exchange: &Exchange<'_>) -> Happening {
        let mut happening = self.meet_in_order(exchange);
        let overtaken = std::mem::take(&mut self.overtaken);
        if overtaken.is_empty() {
            self.keep_overtaken(&mut happening);
            return happening;
        }
        self.keep_overtaken(&mut happening);
        // They stood before, so what belongs to this request comes behind them.
        let behind = self.between(Duration::from_millis(10), Duration::from_millis(80));
        let shift = exchange.thinking + behind;
        let frames = overtaken.into_iter();
        let stale = frames.map(|bytes| Burst {
            after: exchange.thinking,
            bytes,
        });
        let own = happening.bursts.into_iter().map(|burst| Burst {
            after: burst.after + shift,
            ..burst
        });
        if happening.kind.is_none() {
            self.surplus = self.surplus.saturating_add(1);
        }
        Happening {
            kind: happening.kind.or(Some(FaultKind::Overtaken)),
            bursts: stale.chain(own).collect(),
        }
    }

    fn keep_overtaken(&mut self, happening: &mut Happening) {
        if happening.kind == Some(FaultKind::Overtaken) {
            let held = happening.bursts.drain(..);
            self.overtaken.extend(held.map(|burst| burst.bytes));
        }
    }

    fn meet_in_order(&mut self, exchange: &Exchange<'_>) -> Happening {
        let [unit, ..] = exchange.request;
        if (exchange.reply)(Lie::None).is_empty() {
            return Happening {
                kind: None,
                bursts: Vec::new(),
            };
        }
        if let Some(backlog) = self.backlogs.remove(&unit) {
            self.surplus = self.surplus.saturating_add(1);
            return self.go_on(unit, backlog, exchange);
        }
        let mut is_faulty = self.random.random_ratio(self.per_million, 1_000_000);
        if is_faulty && self.surplus > 0 && self.per_million < 1_000_000 {
            self.surplus -= 1;
            is_faulty = false;
        }
        let chosen = is_faulty.then(|| self.random.random_range(0..self.kinds.len().max(1)));
        let kind = chosen.and_then(|index| self.kinds.get(index).copied());
        match kind {
            Some(kind @ (FaultKind::Behind | FaultKind::Stall)) => {
                let backlog = Backlog {
                    kind,
                    held: VecDeque::new(),
                    left: self.random.random_range(2..=4),
                    depth: self.random.random_range(1..=2),
                };
                self.go_on(unit, backlog, exchange)
            }
            Some(kind) => Happening {
                kind: Some(kind),
                bursts: self.disturb(kind, exchange),
            },
            None => Happening {
                kind: None,
                bursts: vec![Burst {
                    after: exchange.thinking,
                    bytes: (exchange.reply)(Lie::None),
                }],
            },
        }
    }

    /// One more request to a device that is behind.
    fn go_on(&mut self, unit: u8, mut backlog: Backlog, exchange: &Exchange<'_>) -> Happening {
        backlog.held.push_back((exchange.reply)(Lie::None));
        backlog.left = backlog.left.saturating_sub(1);
        let kind = backlog.kind;
        let is_over = backlog.left == 0;
        let due = match kind {
            _ if is_over => backlog.held.len(),
            FaultKind::Stall => 0,
            _ => backlog.held.len().saturating_sub(backlog.depth).min(1),
        };
        let frames: Vec<Vec<u8>> = backlog.held.drain(..due).collect();
        if !is_over {
            self.backlogs.insert(unit, backlog);
        }
        let mut after = Duration::ZERO;
        let mut bursts = Vec::new();
        for bytes in frames {
            after += exchange.thinking;
            bursts.push(Burst { after, bytes });
            after += self.between(Duration::from_millis(10), Duration::from_millis(80));
        }
        Happening {
            kind: Some(kind),
            bursts,
        }
    }

    /// A duration from `low` up to but not `high`.
    fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (low, high) = (micros(low), micros(high));
        Duration::from_micros(
            self.random
                .random_range(low..high.max(low.saturating_add(1))),
        )
    }
}
