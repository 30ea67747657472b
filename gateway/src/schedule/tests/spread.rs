//! What a dead device costs the others: the schedule over a line that is held for twice the
//! time-out by each request without an answer, in virtual time.

use super::*;

const POLL: Duration = Duration::from_millis(60);
/// The time-out of one second, and the silence that is kept after it.
const FAULT: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(200);
const RETRIES: u32 = 2;

/// When each poll of each device ended, and for closing readings also when.
#[derive(Default)]
struct Log {
    polls: BTreeMap<DeviceId, Vec<Duration>>,
    closings: BTreeMap<DeviceId, Duration>,
    attempts_of_the_dead: Vec<Duration>,
}

/// Runs a line of `devices` from `from` for `length`, on which `dead` does not answer.
fn run_line(devices: &[Device], dead: Option<DeviceId>, from: u64, length: Duration) -> Log {
    let start = Duration::from_secs(from);
    let mut now = start;
    let at = |now: Duration| {
        let wall = noon(0).wall.unwrap() + SignedDuration::try_from(now).unwrap();
        Moment {
            monotonic: now,
            wall: Some(wall),
        }
    };
    let mut schedule = schedule(devices, at(now));
    let mut log = Log::default();
    let mut faults: BTreeMap<(DeviceId, bool), u32> = BTreeMap::new();
    while now < start + length {
        let Some(task) = schedule.next(at(now)) else {
            now += TICK;
            continue;
        };
        let key = (task.device, task.closes.is_some());
        let outcome = if Some(task.device) == dead {
            log.attempts_of_the_dead.push(now - start);
            now += FAULT;
            let faults = faults.entry(key).or_default();
            *faults += 1;
            let is_over = task.is_probe || *faults > RETRIES;
            if is_over {
                *faults = 0;
            }
            if is_over {
                Outcome::Failed
            } else {
                Outcome::Again
            }
        } else {
            now += POLL;
            match task.closes {
                Some(_) => drop(log.closings.insert(task.device, now - start)),
                None => log.polls.entry(task.device).or_default().push(now - start),
            }
            Outcome::Done
        };
        schedule.finish(&task, outcome, at(now));
    }
    log
}

fn six(period_s: u32) -> Vec<Device> {
    let mut devices = tijuana(6);
    for device in &mut devices {
        device.poll_period_s = period_s;
    }
    devices
}

#[test]
fn a_dead_device_costs_the_others_less_than_one_poll_in_twenty() {
    let length = Duration::from_secs(600);
    for dead in [1, 3, 6].map(DeviceId) {
        let alone = run_line(&six(10), None, 0, length);
        let log = run_line(&six(10), Some(dead), 0, length);
        for (device, without) in alone.polls.iter().filter(|(id, _)| **id != dead) {
            let with = &log.polls[device];
            let lost = without.len().saturating_sub(with.len());
            assert!(lost * 20 < without.len(), "{device:?} lost {lost}");
            // Never later than by one request of the dead one and everybody else's poll.
            let late = with.iter().map(|at| at.as_millis() % 10_000).max().unwrap();
            assert!(
                late <= 2_000 + 6 * 60 + 200,
                "{device:?} was {late} ms late"
            );
        }
        // Two cycles of three attempts, then probes after 60, 120 and 240 s.
        assert_eq!(log.attempts_of_the_dead.len(), 2 * 3 + 3, "{dead:?}");
    }
}

#[test]
fn attempts_are_spread_so_that_nobody_waits_for_two() {
    let log = run_line(&six(10), Some(DeviceId(1)), 0, Duration::from_secs(10));
    let first_others: Vec<u128> = (2..=6)
        .map(|id| log.polls[&DeviceId(id)][0].as_millis())
        .collect();
    assert_eq!(first_others, [2_060, 2_120, 2_180, 2_240, 2_300]);
    let attempts: Vec<u128> = log
        .attempts_of_the_dead
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(attempts, [0, 2_300, 4_300]);
}

#[test]
fn closing_readings_are_one_request_late_at_most_beside_a_dead_device() {
    // Twelve hours after noon the day starts; the dead one is being asked just then.
    for seconds_before in [1, 3, 5, 30] {
        let midnight = 12 * 3600;
        let from = midnight - seconds_before;
        let log = run_line(&six(10), Some(DeviceId(1)), from, Duration::from_secs(700));
        assert_eq!(log.closings.len(), 5);
        let late = log
            .closings
            .values()
            .max()
            .unwrap()
            .saturating_sub(Duration::from_secs(seconds_before));
        let most = FAULT + POLL * 6 + TICK;
        assert!(late <= most, "{seconds_before}: {late:?}");
        // The dead one is tried all the same, for as long as it may be, and gives up.
        assert!(log.attempts_of_the_dead.len() > 10);
        let polls = log.polls.values().map(Vec::len).min().unwrap();
        assert!(polls * 20 > 70 * 19, "{polls} of 70");
    }
}

#[test]
fn the_breaker_says_since_when_and_until_when() {
    let mut schedule = schedule(&six(10), noon(0));
    let dead = DeviceId(2);
    let task = |schedule: &mut Schedule, second| {
        let mut due = std::iter::from_fn(|| {
            let task = schedule.next(noon(second))?;
            let outcome = match task.device == dead {
                true => Outcome::Failed,
                false => Outcome::Done,
            };
            schedule.finish(&task, outcome, noon(second));
            Some(task.device)
        });
        due.any(|device| device == dead)
    };
    assert!(task(&mut schedule, 0));
    assert_eq!(schedule.breaker(dead), None);
    assert!(task(&mut schedule, 10));
    let seconds = |breaker: Option<Breaker>| {
        breaker.map(|it| (it.open_since.as_secs(), it.next_probe.as_secs()))
    };
    assert_eq!(seconds(schedule.breaker(dead)), Some((10, 70)));
    assert!(task(&mut schedule, 70));
    assert_eq!(seconds(schedule.breaker(dead)), Some((10, 190)));
    assert_eq!(schedule.breaker(DeviceId(1)), None);
}

#[test]
fn what_waits_for_the_disk_is_neither_asked_again_nor_given_up() {
    let mut schedule = schedule(&tijuana(1), noon(0));
    let poll = schedule.next(noon(0)).unwrap();
    schedule.keeping(&poll);
    assert_eq!(schedule.next(noon(30)), None);
    schedule.finish(&poll, Outcome::Unkept, noon(30));
    assert_eq!(schedule.next(noon(59)), None, "its rhythm goes on");
    assert_eq!(
        schedule.next(noon(60)),
        Some(Task {
            all_points: false,
            ..poll.clone()
        })
    );

    let midnight = 12 * 3600;
    let closing = schedule.next(noon(midnight)).unwrap();
    schedule.keeping(&closing);
    let settled = schedule.settled_through(noon(midnight));
    assert!(settled < noon(midnight).wall.unwrap());
    schedule.finish(&closing, Outcome::Unkept, noon(midnight + 1));
    // The disk takes it when the day is an hour old.
    assert_eq!(schedule.settled_through(noon(midnight + 3600)), settled);
    schedule.finish(&closing, Outcome::Done, noon(midnight + 3600));
    assert_eq!(
        schedule.settled_through(noon(midnight + 3600)),
        noon(midnight + 3600).wall.unwrap()
    );
}

#[test]
fn a_device_that_wants_pauses_gets_them() {
    let mut devices = tijuana(2);
    devices[0].poll_period_s = 10;
    let battery = |device| Scheduled {
        device,
        pause_min: Duration::from_secs(600),
    };
    let mut schedule = Schedule::new(CLOSING_PATIENCE);
    let both = [battery(&devices[0]), scheduled(&devices[1])];
    schedule.set_devices(both, GAUGES, noon(0));
    let asked = run(&mut schedule, 0, 3_600, |_| Outcome::Done);
    let mine = asked.iter().filter(|(_, task)| task.device == DeviceId(1));
    let times: Vec<u64> = mine.map(|(second, _)| *second).collect();
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= 600),
        "{times:?}"
    );
    assert_eq!(times.len(), 6);

    // A pause in the middle of a poll leaves the line to the others.
    let task = schedule.next(noon(4_300)).unwrap();
    schedule.finish(&task, Outcome::Later(Duration::from_secs(6)), noon(4_300));
    let other = schedule.next(noon(4_301)).unwrap();
    assert_ne!(other.device, task.device);
    schedule.finish(&other, Outcome::Done, noon(4_302));
    assert_eq!(schedule.next(noon(4_305)), None);
    assert_eq!(
        schedule.next(noon(4_306)).map(|task| task.device),
        Some(task.device)
    );
}
