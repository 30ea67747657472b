//! What follows from each answer, and thousands of runs against a model of the cloud.

use common::digest::Digest;
use common::sync::{HeldReading, Rejection};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const BATCH: Sent = Sent {
    first: 11,
    last: 20,
    readings: 10,
    losses: 0,
};
const ONE: Sent = Sent {
    first: 11,
    last: 11,
    readings: 1,
    losses: 0,
};
const LOSS: Sent = Sent {
    readings: 0,
    losses: 1,
    ..ONE
};
const EMPTY: Sent = Sent {
    first: 0,
    last: 0,
    readings: 0,
    losses: 0,
};
const OURS: Ours = Ours {
    through: 10,
    last: 30,
    held: None,
};

fn reply(through: u64) -> BatchReply {
    BatchReply {
        acknowledged_through: through,
        rejected: Vec::new(),
        devices_version: "1".to_owned(),
        last_kept: None,
        now: None,
    }
}

fn problem(status: u16, code: ProblemCode) -> Answer {
    Answer::Refused {
        status,
        retry_after: None,
        problem: Problem {
            code,
            error: "no".to_owned(),
            ..Problem::default()
        },
    }
}

fn refused(status: u16) -> Answer {
    problem(status, ProblemCode::Other)
}

/// A course whose session has begun.
fn greeted() -> Course {
    let mut course = Course::default();
    assert_eq!(course.batch_max(), 0);
    let next = course.decide(EMPTY, OURS, Answer::Taken(reply(10)), 0);
    assert_eq!(next, Next::Settle(reply(10)));
    assert_eq!(course.batch_max(), BATCH_READINGS_MAX);
    course
}

#[test]
fn each_answer_has_its_consequence() {
    let wait = |why: &str| Next::Wait(WAIT_MIN / 2, why.to_owned());
    let hole = |from| Answer::Refused {
        status: 409,
        retry_after: None,
        problem: Problem {
            code: ProblemCode::Hole,
            resend_from: Some(from),
            error: "hole".to_owned(),
            ..Problem::default()
        },
    };
    let table = [
        (BATCH, Answer::Taken(reply(20)), Next::Settle(reply(20))),
        (BATCH, Answer::Taken(reply(15)), Next::Settle(reply(15))),
        (BATCH, Answer::Taken(reply(7)), Next::Rewind(7)),
        (
            BATCH,
            Answer::Taken(reply(10)),
            wait("the cloud took a batch up to reading 20, but settled only 10"),
        ),
        (
            BATCH,
            Answer::Taken(reply(31)),
            Next::NewEpoch(Fresh {
                why: "the cloud has numbers that this buffer never gave",
                through: 10,
                conflicts: BTreeSet::new(),
            }),
        ),
        (BATCH, hole(5), Next::Rewind(4)),
        (BATCH, hole(11), wait("the cloud answered 409: hole")),
        (BATCH, refused(400), Next::Again),
        (BATCH, refused(413), Next::Again),
        (BATCH, refused(422), Next::Again),
        (ONE, refused(413), wait("the cloud answered 413: no")),
        (BATCH, refused(401), Next::Revoked("no".to_owned())),
        (
            BATCH,
            problem(400, ProblemCode::Token),
            Next::Revoked("no".to_owned()),
        ),
        (BATCH, refused(500), wait("the cloud answered 500: no")),
        (BATCH, Answer::Silent("gone".to_owned()), wait("gone")),
        (EMPTY, refused(400), wait("the cloud answered 400: no")),
    ];
    for (sent, answer, next) in table {
        let found = greeted().decide(sent, OURS, answer.clone(), 0);
        assert_eq!(found, next, "{answer:?}");
    }
}

#[test]
fn an_old_copy_or_a_double_begins_anew() {
    for (held, is_ours) in [(Held::Same, true), (Held::Gone, true), (Held::Other, false)] {
        let ours = Ours {
            held: Some(held),
            ..OURS
        };
        let next = greeted().decide(EMPTY, ours, Answer::Taken(reply(20)), 0);
        assert_eq!(matches!(next, Next::Settle(_)), is_ours, "{next:?}");
        assert_eq!(matches!(next, Next::NewEpoch(_)), !is_ours, "{next:?}");
    }
    for (code, is_new) in [
        (RejectionCode::Conflict, true),
        (RejectionCode::Unacceptable, false),
    ] {
        let rejected = vec![Rejection {
            seq: 12,
            code,
            reason: "no".to_owned(),
        }];
        let reply = BatchReply {
            rejected,
            ..reply(20)
        };
        let next = greeted().decide(BATCH, OURS, Answer::Taken(reply), 0);
        assert_eq!(matches!(next, Next::NewEpoch(_)), is_new, "{next:?}");
    }
}

#[test]
fn another_protocol_waits_long_and_says_which_program_is_old() {
    for (theirs, who) in [
        (vec![2, 3], "upgrade this gateway"),
        (vec![0], "upgrade the cloud"),
        (vec![], "upgrade the older"),
    ] {
        let mut course = greeted();
        let answer = Answer::Refused {
            status: 400,
            retry_after: None,
            problem: Problem {
                code: ProblemCode::Protocol,
                protocols: theirs,
                ..Problem::default()
            },
        };
        let Next::Wait(pause, why) = course.decide(ONE, OURS, answer, 0) else {
            panic!("it does not wait");
        };
        assert_eq!(pause, PROTOCOL_WAIT);
        assert!(why.contains(who), "{why}");
        assert_eq!(course.suspect, None);
    }
}

#[test]
fn only_a_reading_that_is_refused_alone_beside_a_heartbeat_is_given_up() {
    let mut course = greeted();
    assert_eq!(course.decide(ONE, OURS, refused(400), 0), Next::Again);
    assert_eq!(course.batch_max(), 0);
    let next = course.decide(EMPTY, OURS, Answer::Silent("gone".to_owned()), 0);
    assert!(matches!(next, Next::Wait(..)), "{next:?}");
    let next = course.decide(EMPTY, OURS, Answer::Taken(reply(10)), 0);
    assert_eq!(next, Next::GiveUp(11, "400: no".to_owned()));

    let mut course = greeted();
    assert_eq!(course.decide(ONE, OURS, refused(400), 0), Next::Again);
    let next = course.decide(EMPTY, OURS, refused(400), 0);
    assert!(matches!(next, Next::Wait(..)), "{next:?}");
    let next = course.decide(EMPTY, OURS, Answer::Taken(reply(10)), 0);
    assert_eq!(next, Next::Settle(reply(10)));

    let next = greeted().decide(LOSS, OURS, refused(400), 0);
    assert!(matches!(next, Next::Wait(..)), "{next:?}");
}

#[test]
fn a_conflict_costs_what_is_settled_no_second_number() {
    let rejected = |seq, code| Rejection {
        seq,
        code,
        reason: "no".to_owned(),
    };
    let too_far = reply(31);
    let reply = BatchReply {
        rejected: vec![
            rejected(12, RejectionCode::Unacceptable),
            rejected(13, RejectionCode::Conflict),
            rejected(15, RejectionCode::Conflict),
        ],
        ..reply(20)
    };
    let ours = Ours {
        held: Some(Held::Other),
        ..OURS
    };
    let mut course = greeted();
    let Next::NewEpoch(fresh) = course.decide(BATCH, ours, Answer::Taken(reply), 0) else {
        panic!("no new epoch");
    };
    assert_eq!((fresh.through, fresh.conflicts), (20, [13, 15].into()));

    // One that could not begin yet is asked for again.
    let next = course.decide(EMPTY, OURS, Answer::Taken(too_far.clone()), 0);
    assert!(matches!(next, Next::NewEpoch(_)), "{next:?}");
    // A cloud that knows even a new epoch's numbers is wrong, and is waited for.
    course.begun();
    let next = course.decide(EMPTY, OURS, Answer::Taken(too_far), 0);
    assert!(matches!(next, Next::Wait(..)), "{next:?}");
}

#[test]
fn a_cloud_that_refuses_every_reading_costs_only_a_few() {
    let (mut course, mut through) = (greeted(), 10);
    for _ in 0..GIVEN_UP_MAX {
        let one = Sent {
            first: through + 1,
            last: through + 1,
            ..ONE
        };
        let ours = Ours { through, ..OURS };
        assert_eq!(course.decide(one, ours, refused(400), 0), Next::Again);
        let next = course.decide(EMPTY, ours, Answer::Taken(reply(through)), 0);
        assert!(matches!(next, Next::GiveUp(..)), "{next:?}");
        // The loss in its place is taken; that says nothing of readings.
        through += 1;
        let lost = Sent {
            readings: 0,
            losses: 1,
            ..one
        };
        let next = course.decide(lost, ours, Answer::Taken(reply(through)), 0);
        assert!(matches!(next, Next::Settle(_)), "{next:?}");
    }
    let one = Sent {
        first: through + 1,
        last: through + 1,
        ..ONE
    };
    let ours = Ours { through, ..OURS };
    for _ in 0..100 {
        let Next::Wait(_, why) = course.decide(one, ours, refused(400), 0) else {
            panic!("it does not wait");
        };
        assert!(why.contains("until the cloud is mended"), "{why}");
        let next = course.decide(EMPTY, ours, Answer::Taken(reply(through)), 0);
        assert!(matches!(next, Next::Settle(_)), "{next:?}");
    }
    // It is mended: the next poison reading is one again.
    let next = course.decide(one, ours, Answer::Taken(reply(through + 1)), 0);
    assert!(matches!(next, Next::Settle(_)), "{next:?}");
    assert_eq!(course.decide(one, ours, refused(400), 0), Next::Again);
}

#[test]
fn waits_grow_to_a_limit_and_are_never_shorter_than_asked() {
    let mut course = greeted();
    let mut wait = |random| match course.decide(BATCH, OURS, refused(502), random) {
        Next::Wait(wait, _) => wait,
        other => panic!("{other:?}"),
    };
    let waits: Vec<_> = (0..20).map(|_| wait(1023)).collect();
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(waits[19] <= WAIT_MAX && waits[19] > WAIT_MAX / 2);
    for (asked, least) in [(40, 40), (10_000_000, 3_600)] {
        let answer = Answer::Refused {
            status: 429,
            retry_after: Some(Duration::from_secs(asked)),
            problem: Problem::default(),
        };
        let Next::Wait(wait, _) = course.decide(BATCH, OURS, answer, 1023) else {
            panic!("it does not wait");
        };
        let least = Duration::from_secs(least);
        assert!(wait >= least && wait <= least * 5 / 4, "{wait:?}");
    }
}

/// A reading in the model; 0 stands for one that is lost.
type Content = u64;

/// What the cloud has of the one epoch.
#[derive(Clone, Default)]
struct Cloud {
    kept: Vec<Content>,
}

struct Model {
    random: StdRng,
    cloud: Cloud,
    copy: Cloud,
    log: Vec<Content>,
    through: usize,
    given_up: Vec<u64>,
    poison: u64,
    size_max: usize,
}

fn digest(content: Content) -> Digest {
    Digest::of(&content.to_le_bytes())
}

impl Model {
    fn answer(&mut self, first: usize, entries: &[Content], is_calm: bool) -> Answer {
        let fate = if is_calm {
            99
        } else {
            self.random.random_range(0..40)
        };
        match fate {
            0 => return Answer::Silent("before the commit".to_owned()),
            1 => return refused(503),
            2 => self.cloud = self.copy.clone(),
            3 => self.copy = self.cloud.clone(),
            _ => {}
        }
        if entries.len() > self.size_max {
            return problem(413, ProblemCode::TooLarge);
        }
        if entries.iter().any(|c| *c != 0 && c % self.poison == 0) {
            return problem(400, ProblemCode::Garbled);
        }
        let known = self.cloud.kept.len();
        if !entries.is_empty() && first > known {
            return Answer::Refused {
                status: 409,
                retry_after: None,
                problem: Problem {
                    code: ProblemCode::Hole,
                    resend_from: Some(known as u64 + 1),
                    ..Problem::default()
                },
            };
        }
        // What is known already, late or twice, is compared and changes nothing.
        for (place, content) in (first..).zip(entries) {
            match self.cloud.kept.get(place) {
                Some(kept) => assert_eq!(kept, content, "a number has other content"),
                None => self.cloud.kept.push(*content),
            }
        }
        if fate == 4 {
            return Answer::Silent("after the commit".to_owned());
        }
        let last = self.cloud.kept.iter().rposition(|c| *c != 0);
        Answer::Taken(BatchReply {
            last_kept: last.map(|place| HeldReading {
                seq: place as u64 + 1,
                digest: digest(self.cloud.kept[place]),
            }),
            ..reply(self.cloud.kept.len() as u64)
        })
    }

    fn ours(&self, answer: &Answer) -> Ours {
        let theirs = match answer {
            Answer::Taken(reply) => reply.last_kept,
            _ => None,
        };
        let held = theirs.map(|theirs| {
            let place = usize::try_from(theirs.seq - 1).unwrap();
            match self.log.get(place) {
                None => Held::Other,
                Some(0) => Held::Gone,
                Some(content) if digest(*content) == theirs.digest => Held::Same,
                Some(_) => Held::Other,
            }
        });
        Ours {
            through: self.through as u64,
            last: self.log.len() as u64,
            held,
        }
    }

    fn step(&mut self, course: &mut Course, is_calm: bool) {
        let until = self.log.len().min(self.through + course.batch_max());
        let first = self.through;
        let entries = self.log[first..until].to_vec();
        let readings = entries.iter().filter(|c| **c != 0).count();
        let sent = match entries.is_empty() {
            true => EMPTY,
            false => Sent {
                first: first as u64 + 1,
                last: until as u64,
                readings,
                losses: entries.len() - readings,
            },
        };
        let answer = self.answer(first, &entries, is_calm);
        let ours = self.ours(&answer);
        match course.decide(sent, ours, answer, self.random.random()) {
            Next::Settle(reply) => {
                let through = usize::try_from(reply.acknowledged_through).unwrap();
                self.through = self.through.max(through);
            }
            Next::Rewind(through) => self.through = usize::try_from(through).unwrap(),
            Next::GiveUp(seq, _) => {
                let place = usize::try_from(seq - 1).unwrap();
                self.given_up.push(self.log[place]);
                self.log[place] = 0;
            }
            Next::Again | Next::Wait(..) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn whatever_the_cloud_does_nothing_is_lost_nothing_is_there_twice_and_it_goes_on() {
    let seeds = std::env::var("ENERVUE_TEST_SEEDS").ok();
    let seeds = seeds.map_or(500, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        let mut random = StdRng::seed_from_u64(seed);
        let mut model = Model {
            cloud: Cloud::default(),
            copy: Cloud::default(),
            log: Vec::new(),
            through: 0,
            given_up: Vec::new(),
            poison: random.random_range(7..200),
            size_max: random.random_range(1..60),
            random,
        };
        let (mut course, mut written) = (Course::default(), Vec::new());
        for _ in 0..150 {
            for _ in 0..model.random.random_range(0..6) {
                let content = written.len() as u64 + 1;
                written.push(content);
                model.log.push(content);
            }
            // The gateway starts again, now and then.
            if model.random.random_range(0..30) == 0 {
                course = Course::default();
            }
            model.step(&mut course, false);
        }
        // A calm cloud: it must get there in a bounded number of requests.
        let mut steps = 0;
        while model.through < model.log.len() || model.cloud.kept.len() < model.log.len() {
            steps += 1;
            assert!(steps < 20 * written.len() + 100, "seed {seed}: no progress");
            model.step(&mut course, true);
        }
        assert_eq!(model.cloud.kept, model.log, "seed {seed}");
        let poison: Vec<_> = written.iter().filter(|c| **c % model.poison == 0).collect();
        model.given_up.sort_unstable();
        assert!(model.given_up.iter().eq(poison), "seed {seed}");
        let good = written.iter().filter(|c| **c % model.poison != 0);
        let kept = model.cloud.kept.iter().filter(|c| **c != 0);
        assert!(good.eq(kept), "seed {seed}");
    }
}

#[test]
fn a_heartbeat_settles_only_what_is_shown_to_be_ours() {
    for (held, expected) in [(None, 10), (Some(Held::Gone), 10), (Some(Held::Same), 20)] {
        let ours = Ours { held, ..OURS };
        let next = greeted().decide(EMPTY, ours, Answer::Taken(reply(20)), 0);
        assert_eq!(next, Next::Settle(reply(expected)), "{held:?}");
        // What was sent was compared by the cloud, number by number.
        let next = greeted().decide(BATCH, ours, Answer::Taken(reply(20)), 0);
        assert_eq!(next, Next::Settle(reply(20)), "{held:?}");
    }
}
