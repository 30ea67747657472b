//! What a cloud has to do with batches, in as few lines as possible: what each number of an
//! epoch came to, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use common::digest::Digest;
use common::id::Epoch;
use common::reading::Reading;
use common::sync::{BatchReply, Loss, ProblemCode, RejectionCode};
use serde_json::Value;

/// What a gateway sends under a number.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A reading that can be kept, and how it is written.
    Good(Box<Reading>, Value),
    /// One that cannot, for whatever reason.
    Poison(u64, Value),
    /// Numbers whose readings are lost.
    Lost(Loss),
}

impl Item {
    pub(super) fn numbers(&self) -> (u64, u64) {
        match self {
            Self::Good(reading, _) => (reading.seq, reading.seq),
            Self::Poison(seq, _) => (*seq, *seq),
            Self::Lost(loss) => (loss.first, loss.last),
        }
    }
}

/// What the cloud has to answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken {
        through: u64,
        last_kept: Option<(u64, Digest)>,
        rejected: Vec<(u64, RejectionCode)>,
    },
    Refused(u16, ProblemCode, Option<u64>),
}

impl From<BatchReply> for Answer {
    fn from(reply: BatchReply) -> Self {
        let rejected = reply.rejected.iter().map(|r| (r.seq, r.code)).collect();
        Self::Taken {
            through: reply.acknowledged_through,
            last_kept: reply.last_kept.map(|held| (held.seq, held.digest)),
            rejected,
        }
    }
}

/// One epoch as the cloud has to hold it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) epoch: Epoch,
    pub(super) through: u64,
    pub(super) kept: BTreeMap<u64, Reading>,
    pub(super) apart: BTreeSet<u64>,
    pub(super) lost: BTreeSet<(u64, u64)>,
    /// Whether a number came with two contents.
    pub(super) doubled: bool,
}

impl Stream {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            through: 0,
            kept: BTreeMap::new(),
            apart: BTreeSet::new(),
            lost: BTreeSet::new(),
            doubled: false,
        }
    }

    /// A batch of these items comes.
    pub(super) fn take(&mut self, items: &[Item]) -> Answer {
        let next = self.through + 1;
        if items.first().is_some_and(|item| item.numbers().0 > next) {
            return Answer::Refused(409, ProblemCode::Hole, Some(next));
        }
        let mut rejected = Vec::new();
        for item in items {
            match item {
                Item::Good(reading, _) => {
                    let held = self.kept.entry(reading.seq);
                    let held = held.or_insert_with(|| (**reading).clone());
                    if held.digest() != reading.digest() {
                        self.doubled = true;
                        self.apart.insert(reading.seq);
                        rejected.push((reading.seq, RejectionCode::Conflict));
                    }
                }
                Item::Poison(seq, _) => {
                    self.apart.insert(*seq);
                    rejected.push((*seq, RejectionCode::Unacceptable));
                }
                Item::Lost(loss) => {
                    self.lost.insert((loss.first, loss.last));
                }
            }
            self.through = self.through.max(item.numbers().1);
        }
        let last = self.kept.last_key_value();
        Answer::Taken {
            through: self.through,
            last_kept: last.map(|(seq, reading)| (*seq, reading.digest())),
            rejected,
        }
    }

    /// Numbers up to the acknowledged one of which nothing is known: has to be none.
    pub(super) fn acknowledged_for_nothing(&self) -> Option<u64> {
        let settled = |seq: &u64| {
            let lost = self
                .lost
                .iter()
                .any(|(first, last)| (first..=last).contains(&seq));
            lost || self.kept.contains_key(seq) || self.apart.contains(seq)
        };
        (1..=self.through).find(|seq| !settled(seq))
    }
}
