//! What to do next, given how the cloud answered. Pure: no IO, no clock, no randomness.
//!
//! A session begins with a heartbeat, and so it does again after every failure: its reply
//! tells where to go on. What is refused for its content (400, 422) is halved until one
//! reading is left. That one is given up, with the reason, only after the cloud has taken a
//! heartbeat: so a cloud that refuses everything costs nothing but time. After a few in a row
//! without one that is taken between, it is the cloud that is wrong: no more are given up, and
//! it is asked again and again. A loss is never given up, nor a reading that is only too large.
//!
//! Lacks: a longer run of readings that are truly poison holds up those behind it until the
//! cloud is mended.

use std::collections::BTreeSet;
use std::time::Duration;

use common::sync::RejectionCode;
use common::sync::{BATCH_READINGS_MAX, BatchReply, PROTOCOL_VERSION, Problem, ProblemCode};

use crate::buffer::Held;

/// The first wait after a failure.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait after failures in a row.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// The longest wait that the cloud may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// How long a cloud of another version is left alone: somebody has to upgrade a program.
const PROTOCOL_WAIT: Duration = Duration::from_secs(3_600);
/// Readings given up in a row, after which the cloud is held to be wrong.
const GIVEN_UP_MAX: u32 = 3;
/// Doublings after which [`WAIT_MAX`] is passed.
const DOUBLINGS_MAX: u32 = 9;

/// How the cloud answered a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It took it.
    Taken(BatchReply),
    /// It answered something else.
    Refused {
        /// The HTTP status.
        status: u16,
        /// After how long it asked to be asked again.
        retry_after: Option<Duration>,
        /// Why, in its words.
        problem: Problem,
    },
    /// It did not answer, or nothing that can be understood.
    Silent(String),
}

/// What was sent; all 0 in a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// The first number.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// How many readings.
    pub readings: usize,
    /// How many runs of lost ones.
    pub losses: usize,
}

impl Sent {
    fn count(self) -> usize {
        self.readings + self.losses
    }
}

/// What the buffer says to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ours {
    /// Its cursor.
    pub through: u64,
    /// The last number that it has given.
    pub last: u64,
    /// Whether it holds the reply's `last_kept`.
    pub held: Option<Held>,
}

/// What goes along into a new epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// What is wrong with the old one.
    pub why: &'static str,
    /// All up to here is settled, but
    pub through: u64,
    /// these numbers, under which the cloud holds other readings.
    pub conflicts: BTreeSet<u64>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Settle what the reply settles and go on.
    Settle(BatchReply),
    /// Go on at once, with what [`Course::batch_max`] allows.
    Again,
    /// Send again what comes after this number: the cloud has less than it had.
    Rewind(u64),
    /// Begin a new epoch: this buffer is an old copy or has a double.
    NewEpoch(Fresh),
    /// Give this reading up for the reason given, and go on.
    GiveUp(u64, String),
    /// Wait, and say meanwhile what is wrong.
    Wait(Duration, String),
    /// The token is no longer good: keep buffering until somebody enrols the gateway again.
    Revoked(String),
}

/// How sending has gone so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    batch_max: usize,
    failures: u32,
    greeted: bool,
    suspect: Option<Suspect>,
    /// Readings given up since one was taken.
    given_up: u32,
    /// Whether none was taken in the epoch that began last.
    is_fresh: bool,
}

/// A reading that was refused alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Suspect {
    seq: u64,
    reason: String,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            batch_max: BATCH_READINGS_MAX,
            failures: 0,
            greeted: false,
            suspect: None,
            given_up: 0,
            is_fresh: false,
        }
    }
}

impl Course {
    /// The most readings and losses the next batch may have; 0 asks for a heartbeat.
    #[must_use]
    pub fn batch_max(&self) -> usize {
        match (self.greeted, &self.suspect) {
            (true, None) => self.batch_max,
            _ => 0,
        }
    }

    /// A batch of `count` entries is too large to be sent at all.
    pub fn too_large(&mut self, count: usize) {
        self.batch_max = (count / 2).max(1);
    }

    /// A new epoch has begun.
    pub fn begun(&mut self) {
        self.is_fresh = true;
    }

    /// What to do after `sent` was answered. `random` spreads waits, so that a thousand
    /// gateways do not come back at once.
    pub fn decide(&mut self, sent: Sent, ours: Ours, answer: Answer, random: u32) -> Next {
        let (status, retry_after, problem) = match answer {
            Answer::Taken(reply) => return self.taken(sent, ours, reply, random),
            Answer::Silent(why) => return self.wait(why, random),
            Answer::Refused {
                status,
                retry_after,
                problem,
            } => (status, retry_after, problem),
        };
        let why = format!("the cloud answered {status}: {}", problem.error);
        match (status, problem.code) {
            (401, _) | (_, ProblemCode::Token) => Next::Revoked(problem.error),
            (_, ProblemCode::Protocol) => {
                self.greeted = false;
                let pause = PROTOCOL_WAIT + part(PROTOCOL_WAIT / 4, random);
                Next::Wait(pause, other_version(&problem.protocols))
            }
            (409, _) => match problem.resend_from.map(|from| from.saturating_sub(1)) {
                Some(through) if through < ours.through => self.rewind(through),
                _ => self.wait(why, random),
            },
            (400 | 413 | 422, _) => self.refused(sent, status, problem.error, random),
            _ => match retry_after {
                Some(asked) => {
                    self.greeted = false;
                    // Never sooner than asked, at most a quarter later.
                    let asked = asked.clamp(WAIT_MIN, RETRY_AFTER_MAX);
                    Next::Wait(asked + part(asked / 4, random), why)
                }
                None => self.wait(why, random),
            },
        }
    }

    fn taken(&mut self, sent: Sent, ours: Ours, mut reply: BatchReply, random: u32) -> Next {
        let through = reply.acknowledged_through;
        if let Some(fresh) = strange(sent, ours, &reply) {
            self.greeted = false;
            self.suspect = None;
            if self.is_fresh {
                let why = fresh.why;
                return self.wait(format!("{why}, right after a new epoch began"), random);
            }
            return Next::NewEpoch(fresh);
        }
        if through < ours.through {
            return self.rewind(through);
        }
        if let Some(Suspect { seq, reason }) = self.suspect.take()
            && ours.through + 1 == seq
            && through < seq
        {
            self.given_up += 1;
            return Next::GiveUp(seq, reason);
        }
        // What was not sent just now may be somebody else's, unless its last reading is ours.
        if sent.count() == 0 && ours.held != Some(Held::Same) {
            reply.acknowledged_through = ours.through;
        }
        if sent.count() > 0 && through < sent.first {
            let last = sent.last;
            return self.wait(
                format!("the cloud took a batch up to reading {last}, but settled only {through}"),
                random,
            );
        }
        // A heartbeat after a failure does not end it: what failed may fail again.
        if self.greeted {
            self.failures = 0;
        }
        if sent.readings > reply.rejected.len() && through >= sent.last {
            self.given_up = 0;
            self.is_fresh = false;
        }
        if sent.count() > 0 {
            self.batch_max = (self.batch_max * 2).min(BATCH_READINGS_MAX);
        }
        self.greeted = true;
        Next::Settle(reply)
    }

    fn rewind(&mut self, through: u64) -> Next {
        self.suspect = None;
        Next::Rewind(through)
    }

    fn refused(&mut self, sent: Sent, status: u16, reason: String, random: u32) -> Next {
        let why = format!("the cloud answered {status}: {reason}");
        match (sent.count(), sent.readings) {
            (2.., _) => {
                self.batch_max = sent.count() / 2;
                Next::Again
            }
            (1, 1) if status != 413 && self.given_up >= GIVEN_UP_MAX => self.wait(
                format!(
                    "{why}; it has refused {GIVEN_UP_MAX} readings in a row before this one: \
                     readings are kept until the cloud is mended"
                ),
                random,
            ),
            (1, 1) if status != 413 => {
                let (seq, reason) = (sent.first, format!("{status}: {reason}"));
                self.suspect = Some(Suspect { seq, reason });
                Next::Again
            }
            (1, 0) => self.wait(
                format!("{why}; it does not take note of what is lost here: update the cloud"),
                random,
            ),
            _ => {
                // It refuses even a heartbeat: no reading is at fault.
                self.suspect = None;
                self.wait(why, random)
            }
        }
    }

    fn wait(&mut self, why: String, random: u32) -> Next {
        self.greeted = false;
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        let longest = (WAIT_MIN * 2_u32.pow(doublings)).min(WAIT_MAX);
        Next::Wait(longest / 2 + part(longest / 2, random), why)
    }
}

/// What `reply` shows when the numbers of this buffer are somebody else's too.
fn strange(sent: Sent, ours: Ours, reply: &BatchReply) -> Option<Fresh> {
    let conflicts = reply.rejected.iter().filter(|rejection| {
        rejection.code == RejectionCode::Conflict
            && (sent.first..=sent.last).contains(&rejection.seq)
    });
    let conflicts: BTreeSet<u64> = conflicts.map(|rejection| rejection.seq).collect();
    // Of what was not sent just now nobody knows whose the cloud's is.
    let (through, why) = if !conflicts.is_empty() {
        let through = reply.acknowledged_through.min(sent.last);
        let why = "the cloud holds other readings under the same numbers";
        (through, why)
    } else if reply.acknowledged_through > ours.last {
        let why = "the cloud has numbers that this buffer never gave";
        (ours.through, why)
    } else if ours.held == Some(Held::Other) {
        let why = "the cloud's last reading is not the one held here";
        (ours.through, why)
    } else {
        return None;
    };
    Some(Fresh {
        why,
        through: through.max(ours.through),
        conflicts,
    })
}

/// Which of the two programs is too old, as far as the cloud's versions tell.
fn other_version(theirs: &[u32]) -> String {
    let upgrade = match (theirs.iter().min(), theirs.iter().max()) {
        (Some(min), _) if *min > PROTOCOL_VERSION => "upgrade this gateway",
        (_, Some(max)) if *max < PROTOCOL_VERSION => "upgrade the cloud",
        _ => "upgrade the older of the two programs",
    };
    format!(
        "this gateway speaks version {PROTOCOL_VERSION} of the protocol, the cloud {theirs:?}: \
         {upgrade}; readings are kept meanwhile"
    )
}

/// A part of `whole` that `random` chooses.
fn part(whole: Duration, random: u32) -> Duration {
    const PARTS: u32 = 1024;
    whole / PARTS * (random % PARTS)
}

#[cfg(test)]
mod tests;
