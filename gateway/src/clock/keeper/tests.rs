//! Stories of clocks that were never set, jumped, or contradicted each other: a line each,
//! with what is believed after it.

use ClockSource::{Cloud, Machine, None as Nobody, Ntp};

use super::*;

const FLOOR: &str = "2026-11-01T00:00:00Z";
/// When the machine started.
const START: &str = "2026-12-01T08:00:00Z";
const HOUR: i64 = 3_600;
const FIVE_YEARS: i64 = 5 * 365 * 24 * HOUR;
/// From the start back to the floor.
const TO_FLOOR: i64 = -(30 * 24 + 8) * HOUR;
/// And far before it.
const TO_1970: i64 = -56 * 365 * 24 * HOUR;

/// What happens next, that many seconds after the machine started.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// Its clock is this far ahead of the truth from now on.
    Jump(i64),
    /// The time server has set the clock right.
    Touch,
    /// The time server starts, and has not set the clock.
    ServerStarts,
    /// The cloud is heard, this far ahead of the truth, in a round trip of milliseconds.
    Cloud(i64, u64),
    /// The gateway is enrolled, or is not.
    Enrolled(bool),
    /// The program starts again and takes up what it believed.
    Restart,
    /// Nothing.
    Look,
}
use Event::{Enrolled, Jump, Look as Nothing, Restart, ServerStarts, Touch};

/// Plays a story and compares, after each event, who is believed and how many seconds what
/// is reckoned is ahead of the truth.
fn check(story: &str, events: &[(u64, Event, ClockSource, i64)]) {
    let start: Timestamp = START.parse().unwrap();
    let floor: Timestamp = FLOOR.parse().unwrap();
    let mut keeper = Keeper::new(floor, Duration::ZERO);
    let (mut ahead, mut server) = (0, Server::Unknown);
    for (seconds, event, source, off) in events {
        let elapsed = Duration::from_secs(*seconds);
        let truth = shifted(start, between(Duration::ZERO, elapsed));
        let by = |seconds| shifted(truth, SignedDuration::from_secs(seconds));
        match event {
            Jump(seconds) => ahead = *seconds,
            Touch => (ahead, server) = (0, Server::Set(truth)),
            ServerStarts => server = Server::Waiting,
            Enrolled(is_enrolled) => keeper.set_enrolled(*is_enrolled),
            Event::Cloud(..) | Restart | Nothing => {}
        }
        let wall = by(ahead);
        let look = Look {
            wall,
            elapsed,
            server,
        };
        match event {
            Event::Cloud(ahead, milliseconds) => {
                let round_trip = Duration::from_millis(*milliseconds);
                let half = SignedDuration::try_from(round_trip / 2).unwrap();
                keeper.hear_cloud(shifted(by(*ahead), -half), round_trip, look);
            }
            Restart => {
                let before = keeper.belief();
                keeper = Keeper::new(floor, elapsed);
                if let Some(before) = before {
                    keeper.take_up(before, look);
                }
            }
            _ => {}
        }
        keeper.look(look);
        let found = keeper.belief().map_or(Nobody, |belief| belief.source);
        let found_off = keeper.reckon(look).duration_since(truth).as_secs();
        assert_eq!(
            (found, found_off),
            (*source, *off),
            "{story}: {seconds} s, {event:?}"
        );
    }
}

#[test]
fn a_clock_is_believed_when_somebody_who_knows_has_set_it() {
    check(
        "a Pi without a battery, a time server, an enrolled gateway",
        &[
            (10, Jump(TO_1970), Nobody, TO_FLOOR),
            (11, ServerStarts, Nobody, TO_FLOOR),
            (40, Touch, Ntp, 0),
            (50, Jump(FIVE_YEARS), Ntp, 0),
            (60, Touch, Ntp, 0),
            (70, Jump(-HOUR), Ntp, 0),
            (80, Nothing, Ntp, 0),
        ],
    );
    check(
        "the same where nobody keeps the clock but the cloud",
        &[
            (10, Jump(TO_1970), Nobody, TO_FLOOR),
            (20, Event::Cloud(0, 300), Cloud, 0),
            (30, Jump(0), Cloud, 0),
            (40, Jump(FIVE_YEARS), Cloud, 0),
            (50, Jump(-HOUR), Cloud, 0),
            (60, Event::Cloud(0, 300), Cloud, 0),
        ],
    );
    check(
        "a clock that is right, of which nobody says so",
        &[
            (10, Nothing, Nobody, 0),
            (20, Event::Cloud(0, 100), Cloud, 0),
        ],
    );
    check(
        "a time server that has not set the clock is not believed because it could",
        &[
            (10, ServerStarts, Nobody, 0),
            (20, Enrolled(false), Nobody, 0),
        ],
    );
}

#[test]
fn the_machine_alone_is_believed_only_while_nobody_else_is_to_be_asked() {
    check(
        "a gateway without a cloud, whose clock somebody mends, and which is enrolled then",
        &[
            (10, Jump(TO_1970), Nobody, TO_FLOOR),
            (20, Enrolled(false), Nobody, TO_FLOOR),
            (30, Jump(-HOUR), Machine, -HOUR),
            (40, Jump(0), Machine, 0),
            (50, Enrolled(true), Machine, 0),
            (60, Jump(HOUR), Machine, 0),
            (70, Event::Cloud(7, 10), Cloud, 7),
            (80, Enrolled(false), Cloud, 7),
        ],
    );
}

#[test]
fn the_cloud_is_heard_when_its_answer_was_quick() {
    check(
        "a mobile line",
        &[
            (10, Event::Cloud(0, 2_001), Nobody, 0),
            (20, Event::Cloud(0, 2_000), Cloud, 0),
            (30, Event::Cloud(90, 2_500), Cloud, 0),
            (35, Event::Cloud(TO_1970, 100), Cloud, 0),
            // A crystal that runs slow.
            (40, Event::Cloud(3, 100), Cloud, 3),
        ],
    );
}

#[test]
fn a_step_right_behind_the_time_server_is_not_taken_for_its() {
    let start: Timestamp = START.parse().unwrap();
    let mut keeper = Keeper::new(FLOOR.parse().unwrap(), Duration::ZERO);
    let look = |seconds: i64, ahead: i64, marker: i64| Look {
        wall: shifted(start, SignedDuration::from_secs(seconds + ahead)),
        elapsed: Duration::from_secs(seconds.unsigned_abs()),
        server: Server::Set(shifted(start, SignedDuration::from_secs(marker))),
    };
    for (seconds, ahead, marker, source) in [
        (10, FIVE_YEARS, 8, Nobody),
        (11, -HOUR, 8, Nobody),
        (12, FIVE_YEARS, 11, Nobody),
        (13, 0, 13, Ntp),
    ] {
        keeper.look(look(seconds, ahead, marker));
        let found = keeper.belief().map_or(Nobody, |belief| belief.source);
        assert_eq!(found, source, "{seconds} s");
    }
}

#[test]
fn what_was_believed_is_taken_up_again() {
    check(
        "a restart between two jumps, with a time server that cannot be reached any more",
        &[
            (40, Touch, Ntp, 0),
            (50, Jump(-HOUR), Ntp, 0),
            (60, Restart, Ntp, 0),
            (61, Nothing, Ntp, 0),
            (90, Touch, Ntp, 0),
        ],
    );
    check(
        "a restart before anything was known",
        &[
            (10, Jump(TO_1970), Nobody, TO_FLOOR),
            (20, Restart, Nobody, TO_FLOOR - 20),
            (30, Nothing, Nobody, TO_FLOOR - 20),
        ],
    );
}

#[test]
fn a_time_server_and_a_cloud_that_contradict_each_other_are_reported() {
    let start: Timestamp = START.parse().unwrap();
    let mut keeper = Keeper::new(FLOOR.parse().unwrap(), Duration::ZERO);
    let look = Look {
        wall: start,
        elapsed: Duration::from_secs(10),
        server: Server::Set(start),
    };
    keeper.look(look);
    for (ahead, reported) in [(59, false), (61, true), (-HOUR, true), (0, false)] {
        let cloud = shifted(start, SignedDuration::from_secs(ahead));
        keeper.hear_cloud(cloud, Duration::ZERO, look);
        assert_eq!(keeper.contradiction().is_some(), reported, "{ahead} s");
        assert_eq!(keeper.reckon(look), start, "the time server is believed");
    }
}
