//! The buffer against a list in memory: every call, in any order, with power cuts between.

use std::collections::BTreeMap;

use common::id::BootId;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::sync::{ClockSource, LossReason, Rejection, RejectionCode, Weight};
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    Batch(usize),
    Acknowledge { through: u64, reject: bool },
    Rewind(u64),
    Drop(usize),
    Date(i64),
    BeginEpoch,
    Reopen,
    CutPower,
    Pass { days: u32 },
    Prune { keep_days: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_usize..6).prop_map(Step::Append),
        4 => (0_usize..8).prop_map(Step::Batch),
        8 => (0_u64..40, any::<bool>())
            .prop_map(|(through, reject)| Step::Acknowledge { through, reject }),
        2 => (0_u64..30).prop_map(Step::Rewind),
        3 => (1_usize..6).prop_map(Step::Drop),
        2 => (0_i64..3).prop_map(Step::Date),
        1 => Just(Step::BeginEpoch),
        2 => Just(Step::Reopen),
        2 => Just(Step::CutPower),
        2 => (1_u32..4).prop_map(|days| Step::Pass { days }),
        4 => (0_u32..4).prop_map(|keep_days| Step::Prune { keep_days }),
    ]
}

/// The n-th reading of a run: of every weight, and every third before the clock was set.
fn nth(n: i64) -> NewReading {
    let weights = [Weight::Gauge, Weight::Counter, Weight::Billing];
    let undated = n % 3 == 0;
    NewReading {
        weight: weights[usize::try_from(n % 7 % 3).unwrap()],
        clock: match undated {
            true => ClockTrust::Untrusted,
            false => ClockTrust::Trusted,
        },
        since_boot: undated.then(|| SinceBoot {
            boot: BootId(n % 2),
            elapsed_ms: u64::try_from(n * 1_000).unwrap(),
        }),
        ..reading(n)
    }
}

fn anchor(boot: i64) -> Anchor {
    Anchor {
        boot: BootId(boot),
        elapsed_ms: 5_000,
        at: days_later(30),
        source: ClockSource::Cloud,
    }
}

/// What the buffer promises, without a disk.
#[derive(Debug, Default)]
struct Model {
    made: i64,
    log: Vec<(Reading, Weight)>,
    lost: BTreeMap<u64, LossReason>,
    last: u64,
    acknowledged: u64,
    /// (day, through), in order.
    acknowledged_on: Vec<(u32, u64)>,
    /// How much of that, and which number, the disk knows.
    kept: (usize, u64),
    rejected: std::collections::BTreeSet<u64>,
    anchored: std::collections::BTreeSet<i64>,
    today: u32,
}

impl Model {
    fn next(&mut self, count: usize) -> Vec<NewReading> {
        let first = self.made;
        self.made += i64::try_from(count).unwrap();
        (first..self.made).map(nth).collect()
    }

    fn dated(&self, mut reading: Reading) -> Reading {
        if let Some(since) = reading.since_boot
            && reading.clock == ClockTrust::Untrusted
            && self.anchored.contains(&since.boot.0)
        {
            let later = i64::try_from(since.elapsed_ms).unwrap() - 5_000;
            reading.at = days_later(30) + SignedDuration::from_millis(later);
            reading.clock = ClockTrust::Dated;
        }
        reading
    }

    fn append(&mut self, new: &[NewReading]) {
        for reading in new {
            self.last += 1;
            let weight = match reading.closes {
                Some(_) => Weight::Closing,
                None => reading.weight,
            };
            let reading = self.dated(reading.clone().numbered(self.last));
            self.log.push((reading, weight));
        }
        self.keep();
    }

    fn date(&mut self, boot: i64) {
        if !self.anchored.insert(boot) {
            return;
        }
        let mut log = std::mem::take(&mut self.log);
        for (reading, _) in &mut log {
            if reading.seq > self.acknowledged {
                *reading = self.dated(reading.clone());
            }
        }
        self.log = log;
    }

    fn keep(&mut self) {
        self.kept = (self.acknowledged_on.len(), self.acknowledged);
    }

    fn cut_power(&mut self) {
        self.acknowledged_on.truncate(self.kept.0);
        self.acknowledged = self.kept.1;
    }

    fn acknowledge(&mut self, through: u64, rejected: &[Rejection]) {
        let mut is_new_day = false;
        if through > self.acknowledged {
            let before = self.acknowledged_on.last();
            is_new_day = before.is_some_and(|(day, _)| *day != self.today);
            self.acknowledged = through;
            self.acknowledged_on.push((self.today, through));
        }
        self.rejected.extend(rejected.iter().map(|r| r.seq));
        if is_new_day || !rejected.is_empty() {
            self.keep();
        }
    }

    fn rewind(&mut self, through: u64) {
        if through >= self.acknowledged {
            return;
        }
        for seq in through + 1..=self.last {
            let is_held = self.log.iter().any(|(reading, _)| reading.seq == seq);
            if !is_held {
                self.lost.entry(seq).or_insert(LossReason::Expired);
            }
        }
        let day = self.acknowledged_on.last().unwrap().0;
        self.acknowledged_on
            .retain(|(_, acknowledged)| *acknowledged <= through);
        if through > 0 {
            self.acknowledged_on.push((day, through));
        }
        self.acknowledged = through;
        self.keep();
    }

    /// Deletes settled readings, and losses before the last of them.
    fn delete(&mut self, gone: &[u64]) {
        self.log.retain(|(reading, _)| !gone.contains(&reading.seq));
        if let Some(last) = gone.last() {
            self.lost.retain(|seq, _| seq > last);
        }
    }

    fn drop(&mut self, max: usize) {
        self.keep();
        let settled = self.log.iter().map(|(reading, _)| reading.seq);
        let settled = settled.filter(|seq| *seq <= self.acknowledged);
        let settled: Vec<_> = settled.take(max).collect();
        if !settled.is_empty() {
            return self.delete(&settled);
        }
        let Some(lightest) = self.log.iter().map(|(_, weight)| *weight).min() else {
            return;
        };
        let gone = self.log.iter().filter(|(_, weight)| *weight == lightest);
        let gone: Vec<_> = gone.map(|(reading, _)| reading.seq).take(max).collect();
        self.log.retain(|(reading, _)| !gone.contains(&reading.seq));
        self.lost
            .extend(gone.into_iter().map(|seq| (seq, LossReason::Size)));
    }

    fn prune(&mut self, keep_days: u32) {
        let old = |day: u32| day + keep_days < self.today;
        let through = self.acknowledged_on.iter().filter(|(day, _)| old(*day));
        let through = through.map(|(_, through)| *through).max().unwrap_or(0);
        let gone = self.log.iter().map(|(reading, _)| reading.seq);
        let gone: Vec<_> = gone.filter(|seq| *seq <= through).collect();
        self.delete(&gone);
        self.keep();
    }

    fn begin_epoch(&mut self) {
        let base = self.acknowledged;
        self.log.retain(|(reading, _)| reading.seq > base);
        for (reading, _) in &mut self.log {
            reading.seq -= base;
        }
        let lost = std::mem::take(&mut self.lost).into_iter();
        let lost = lost.filter(|(seq, _)| *seq > base);
        self.lost = lost.map(|(seq, reason)| (seq - base, reason)).collect();
        (self.last, self.acknowledged) = (self.last - base, 0);
        self.acknowledged_on.clear();
        self.rejected.clear();
        self.keep();
    }

    /// Each number that is not settled, and what is under it.
    fn waiting(&self) -> BTreeMap<u64, Result<Reading, LossReason>> {
        let log = self
            .log
            .iter()
            .map(|(reading, _)| (reading.seq, Ok(reading.clone())));
        let lost = self.lost.iter().map(|(seq, reason)| (*seq, Err(*reason)));
        let all = log.chain(lost).filter(|(seq, _)| *seq > self.acknowledged);
        all.collect()
    }
}

fn expanded(outgoing: &Outgoing) -> BTreeMap<u64, Result<Reading, LossReason>> {
    let readings = outgoing.readings.iter().map(|r| (r.seq, Ok(r.clone())));
    let losses = outgoing.losses.iter();
    let losses = losses.flat_map(|l| (l.first..=l.last).map(|seq| (seq, Err(l.reason))));
    readings.chain(losses).collect()
}

fn sealing() -> Sealing {
    Sealing {
        key: ed25519_dalek::SigningKey::from_bytes(&[1; 32]),
        mountings: Vec::new(),
        closings: BTreeMap::new(),
    }
}

fn reopened(path: &Path, now: Timestamp) -> Buffer {
    let mut buffer = open(path, now).unwrap();
    buffer.set_sealing(Some(sealing()));
    buffer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_buffer_is_a_list_with_a_cursor(steps in prop::collection::vec(step(), 1..60)) {
        let (_directory, path) = place();
        let mut buffer = reopened(&path, start());
        let mut model = Model::default();
        for step in steps {
            let now = days_later(model.today);
            match step {
                Step::Append(count) => {
                    let new = model.next(count);
                    buffer.append(&new).unwrap();
                    model.append(&new);
                }
                Step::Batch(max) => {
                    let found = buffer.next_batch(max).unwrap();
                    let count = found.readings.len() + found.losses.len();
                    let found = expanded(&found);
                    let expected: BTreeMap<_, _> =
                        model.waiting().into_iter().take(found.len()).collect();
                    prop_assert!(count <= max);
                    prop_assert!(count == max || found.len() == model.waiting().len());
                    prop_assert_eq!(found, expected);
                }
                Step::Acknowledge { through, reject } => {
                    let rejection = Rejection {
                        seq: through,
                        code: RejectionCode::Unacceptable,
                        reason: "no such device".to_owned(),
                    };
                    let rejected: &[Rejection] =
                        if reject { std::slice::from_ref(&rejection) } else { &[] };
                    let answer = buffer.acknowledge(through, rejected, now);
                    prop_assert_eq!(answer.is_ok(), through <= model.last);
                    if answer.is_ok() {
                        model.acknowledge(through, rejected);
                    }
                }
                Step::Rewind(through) => {
                    buffer.rewind(through).unwrap();
                    model.rewind(through);
                }
                Step::Drop(max) => {
                    buffer.give_way(max).unwrap();
                    model.drop(max);
                }
                Step::Date(boot) => {
                    buffer.date_boot(&anchor(boot)).unwrap();
                    model.date(boot);
                }
                Step::BeginEpoch => {
                    let before = buffer.epoch();
                    prop_assert_ne!(buffer.begin_epoch(now, 0, &Default::default()).unwrap(), before);
                    model.begin_epoch();
                }
                Step::Reopen => {
                    buffer.close().unwrap();
                    model.keep();
                    buffer = reopened(&path, now);
                }
                Step::CutPower => {
                    drop(buffer);
                    model.cut_power();
                    buffer = reopened(&path, now);
                }
                Step::Pass { days } => model.today += days,
                Step::Prune { keep_days } => {
                    buffer.prune(keep_days, now).unwrap();
                    model.prune(keep_days);
                }
            }
            let held: Vec<_> = model.log.iter().map(|(reading, _)| reading.clone()).collect();
            prop_assert_eq!(buffer.read_after(0, 1000).unwrap(), held);
            let waiting = model.waiting();
            prop_assert_eq!(expanded(&buffer.next_batch(1000).unwrap()), waiting.clone());
            let numbers: Vec<_> = waiting.into_keys().collect();
            prop_assert_eq!(numbers, (model.acknowledged + 1..=model.last).collect::<Vec<_>>());
            let status = buffer.status().unwrap();
            prop_assert_eq!(status.last_seq, model.last);
            prop_assert_eq!(status.acknowledged_through, model.acknowledged);
            prop_assert_eq!(status.waiting, model.last - model.acknowledged);
            prop_assert_eq!(status.kept, u64::try_from(model.log.len()).unwrap());
            prop_assert_eq!(status.rejected, u64::try_from(model.rejected.len()).unwrap());
        }
    }
}
