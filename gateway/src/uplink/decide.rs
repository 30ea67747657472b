//! What to do next, given how the cloud answered. Pure: no IO, no clock, no randomness.
//!
//! A batch that is refused for what is in it (400, 413, 422) is halved until one reading is
//! left. That reading is given up, with the reason, only after the cloud has taken a batch
//! without readings: so a cloud that refuses everything costs nothing but time.

use std::time::Duration;

use common::sync::{BATCH_READINGS_MAX, BatchReply};

/// The first wait after a failure.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait after failures in a row.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// The longest wait that the cloud may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
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
        reason: String,
    },
    /// It did not answer, or nothing that can be understood.
    Silent(String),
}

/// The numbers of the readings in a batch; both 0 in a batch without readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl Sent {
    fn count(self) -> usize {
        match self.first {
            0 => 0,
            first => usize::try_from(self.last - first + 1).unwrap_or(usize::MAX),
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Settle what the reply settles and go on.
    Settle(BatchReply),
    /// Go on at once, with what [`Course::batch_max`] allows.
    Again,
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
    suspect: Option<Suspect>,
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
            suspect: None,
        }
    }
}

impl Course {
    /// The most readings the next batch may have; 0 asks for one without readings.
    #[must_use]
    pub fn batch_max(&self) -> usize {
        match self.suspect {
            Some(_) => 0,
            None => self.batch_max,
        }
    }

    /// A batch of `count` readings is too large to be sent at all.
    pub fn too_large(&mut self, count: usize) {
        self.batch_max = (count / 2).max(1);
    }

    /// What to do after `sent` was answered. `random` spreads waits, so that a thousand
    /// gateways do not come back at once.
    pub fn decide(&mut self, sent: Sent, answer: Answer, random: u32) -> Next {
        match answer {
            Answer::Taken(reply) => self.taken(sent, reply, random),
            Answer::Refused {
                status: 401,
                reason,
                ..
            } => Next::Revoked(reason),
            Answer::Refused {
                status: status @ (400 | 413 | 422),
                reason,
                ..
            } => self.refused(sent, status, reason, random),
            Answer::Refused {
                status,
                retry_after,
                reason,
            } => {
                let why = format!("the cloud answered {status}: {reason}");
                match retry_after {
                    Some(asked) => {
                        // Never sooner than asked, at most a quarter later.
                        let asked = asked.clamp(WAIT_MIN, RETRY_AFTER_MAX);
                        Next::Wait(asked + part(asked / 4, random), why)
                    }
                    None => self.wait(why, random),
                }
            }
            Answer::Silent(why) => self.wait(why, random),
        }
    }

    fn taken(&mut self, sent: Sent, reply: BatchReply, random: u32) -> Next {
        if let Some(Suspect { seq, reason }) = self.suspect.take() {
            self.failures = 0;
            return Next::GiveUp(seq, reason);
        }
        if reply.acknowledged_through < sent.first {
            let (through, last) = (reply.acknowledged_through, sent.last);
            return self.wait(
                format!("the cloud took a batch up to reading {last}, but settled only {through}"),
                random,
            );
        }
        self.failures = 0;
        self.batch_max = (self.batch_max * 2).min(BATCH_READINGS_MAX);
        Next::Settle(reply)
    }

    fn refused(&mut self, sent: Sent, status: u16, reason: String, random: u32) -> Next {
        if self.suspect.take().is_some() || sent.count() == 0 {
            // It refuses even a batch without readings: no reading is at fault.
            return self.wait(format!("the cloud answered {status}: {reason}"), random);
        }
        if sent.count() > 1 {
            self.batch_max = sent.count() / 2;
        } else {
            self.suspect = Some(Suspect {
                seq: sent.first,
                reason: format!("{status}: {reason}"),
            });
        }
        Next::Again
    }

    fn wait(&mut self, why: String, random: u32) -> Next {
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        let longest = (WAIT_MIN * 2_u32.pow(doublings)).min(WAIT_MAX);
        Next::Wait(longest / 2 + part(longest / 2, random), why)
    }
}

/// A part of `whole` that `random` chooses.
fn part(whole: Duration, random: u32) -> Duration {
    const PARTS: u32 = 1024;
    whole / PARTS * (random % PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(through: u64) -> Answer {
        Answer::Taken(BatchReply {
            acknowledged_through: through,
            rejected: Vec::new(),
            devices_version: "1".to_owned(),
            last_kept: None,
            now: None,
        })
    }

    fn refused(status: u16) -> Answer {
        Answer::Refused {
            status,
            retry_after: None,
            reason: "no".to_owned(),
        }
    }

    const BATCH: Sent = Sent {
        first: 11,
        last: 20,
    };
    const ONE: Sent = Sent {
        first: 11,
        last: 11,
    };
    const EMPTY: Sent = Sent { first: 0, last: 0 };

    #[test]
    fn each_answer_has_its_consequence() {
        let secs = Duration::from_secs;
        let later = |status| Answer::Refused {
            status,
            retry_after: Some(secs(40)),
            reason: "no".to_owned(),
        };
        let Answer::Taken(all) = taken(20) else {
            unreachable!()
        };
        let table = [
            (BATCH, taken(20), Next::Settle(all)),
            (BATCH, refused(400), Next::Again),
            (BATCH, refused(413), Next::Again),
            (BATCH, refused(401), Next::Revoked("no".to_owned())),
            (
                BATCH,
                later(429),
                Next::Wait(secs(40), "the cloud answered 429: no".to_owned()),
            ),
            (
                BATCH,
                later(503),
                Next::Wait(secs(40), "the cloud answered 503: no".to_owned()),
            ),
            (
                BATCH,
                refused(500),
                Next::Wait(secs(1) / 2, "the cloud answered 500: no".to_owned()),
            ),
            (
                BATCH,
                Answer::Silent("timeout".to_owned()),
                Next::Wait(secs(1) / 2, "timeout".to_owned()),
            ),
            (
                BATCH,
                taken(10),
                Next::Wait(
                    secs(1) / 2,
                    "the cloud took a batch up to reading 20, but settled only 10".to_owned(),
                ),
            ),
            (
                EMPTY,
                refused(400),
                Next::Wait(secs(1) / 2, "the cloud answered 400: no".to_owned()),
            ),
        ];
        for (sent, answer, next) in table {
            let found = Course::default().decide(sent, answer.clone(), 0);
            assert_eq!(found, next, "{answer:?}");
        }
    }

    #[test]
    fn a_poison_reading_is_found_and_given_up_and_nothing_else_is() {
        let poison = 1_234;
        let last = 3_000;
        let mut course = Course::default();
        let (mut next_seq, mut given_up, mut requests) = (1, Vec::new(), 0);
        while next_seq <= last {
            requests += 1;
            assert!(requests < 60, "it takes too long");
            let max = u64::try_from(course.batch_max()).unwrap();
            let sent = match max {
                0 => EMPTY,
                _ => Sent {
                    first: next_seq,
                    last: last.min(next_seq + max - 1),
                },
            };
            let answer = match (sent.first..=sent.last).contains(&poison) {
                true => refused(400),
                false => taken(sent.last),
            };
            match course.decide(sent, answer, 0) {
                Next::Settle(_) => next_seq = next_seq.max(sent.last + 1),
                Next::GiveUp(seq, reason) => {
                    assert_eq!(reason, "400: no");
                    given_up.push(seq);
                    next_seq = seq + 1;
                }
                Next::Again => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(given_up, [poison]);
        assert_eq!(course.batch_max(), BATCH_READINGS_MAX);
    }

    #[test]
    fn a_cloud_that_refuses_everything_costs_no_reading() {
        let mut course = Course::default();
        for _ in 0..5 {
            assert_eq!(course.decide(ONE, refused(400), 0), Next::Again);
            assert_eq!(course.batch_max(), 0);
            let next = course.decide(EMPTY, refused(400), 0);
            assert!(matches!(next, Next::Wait(..)), "{next:?}");
            assert_ne!(course.batch_max(), 0);
        }
    }

    #[test]
    fn an_outage_between_suspicion_and_proof_gives_nothing_up() {
        let mut course = Course::default();
        assert_eq!(course.decide(ONE, refused(400), 0), Next::Again);
        let next = course.decide(EMPTY, Answer::Silent("gone".to_owned()), 0);
        assert!(matches!(next, Next::Wait(..)), "{next:?}");
        let next = course.decide(EMPTY, taken(10), 0);
        assert_eq!(next, Next::GiveUp(11, "400: no".to_owned()));
    }

    #[test]
    fn waits_grow_to_a_limit_differ_and_end_with_success() {
        let mut course = Course::default();
        let mut wait = |random| match course.decide(BATCH, refused(502), random) {
            Next::Wait(wait, _) => wait,
            other => panic!("{other:?}"),
        };
        let first = wait(0);
        let waits: Vec<_> = (0..20).map(|_| wait(1023)).collect();
        assert!(first < waits[0]);
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(waits[19] <= WAIT_MAX && waits[19] > WAIT_MAX / 2);
        course.decide(BATCH, taken(20), 0);
        assert_eq!(
            course.decide(BATCH, refused(502), 0),
            Next::Wait(first, "the cloud answered 502: no".to_owned())
        );
    }

    #[test]
    fn the_cloud_cannot_ask_for_a_wait_without_end() {
        let answer = Answer::Refused {
            status: 429,
            retry_after: Some(Duration::from_secs(10_000_000)),
            reason: "no".to_owned(),
        };
        let Next::Wait(wait, _) = Course::default().decide(BATCH, answer, 1023) else {
            panic!("it does not wait");
        };
        assert!(wait <= RETRY_AFTER_MAX * 5 / 4);
    }
}
