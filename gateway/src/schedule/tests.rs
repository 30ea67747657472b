//! Stories of a bus: who comes when, over days, clock changes and dead devices.

mod spread;

use common::sync::Closing;

use super::*;

const GAUGES: Duration = Duration::from_secs(900);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn moment(seconds: u64, wall: &str) -> Moment {
    Moment {
        monotonic: Duration::from_secs(seconds),
        wall: Some(at(wall)),
    }
}

/// `seconds` after the start, which was at noon of 10 June 2026 in Tijuana (UTC−7).
fn noon(seconds: u64) -> Moment {
    let start = at("2026-06-10T19:00:00Z");
    let wall = start + SignedDuration::from_secs(i64::try_from(seconds).unwrap());
    Moment {
        monotonic: Duration::from_secs(seconds),
        wall: Some(wall),
    }
}

fn device(id: i64, zone: &str) -> Device {
    Device {
        id: DeviceId(id),
        label: format!("Local {id}"),
        profile: "eastron-sdm120".to_owned(),
        bus: "main".to_owned(),
        unit_id: u8::try_from(id).unwrap(),
        poll_period_s: 60,
        zone: zone.to_owned(),
        closings: Vec::new(),
        mountings: Vec::new(),
    }
}

fn schedule(devices: &[Device], now: Moment) -> Schedule {
    let mut schedule = Schedule::new(CLOSING_PATIENCE);
    schedule.set_devices(devices.iter().map(scheduled), GAUGES, now);
    schedule
}

fn scheduled(device: &Device) -> Scheduled<'_> {
    Scheduled {
        device,
        pause_min: Duration::ZERO,
    }
}

fn tijuana(count: i64) -> Vec<Device> {
    (1..=count)
        .map(|id| device(id, "America/Tijuana"))
        .collect()
}

/// Runs from second to second, each task taking one second and ending as `outcome` says;
/// returns when which device was asked for what.
fn run(
    schedule: &mut Schedule,
    from: u64,
    to: u64,
    outcome: impl Fn(&Task) -> Outcome,
) -> Vec<(u64, Task)> {
    let mut asked = Vec::new();
    for second in from..to {
        if let Some(task) = schedule.next(noon(second)) {
            schedule.finish(&task, outcome(&task), noon(second + 1));
            asked.push((second, task));
        }
    }
    asked
}

#[test]
fn everybody_is_read_every_period_and_gauges_every_fifteen_minutes() {
    let mut schedule = schedule(&tijuana(3), noon(0));
    let asked = run(&mut schedule, 0, 3600, |_| Outcome::Done);
    for id in 1..=3 {
        let mine = asked.iter().filter(|(_, task)| task.device == DeviceId(id));
        let (all, billing): (Vec<_>, Vec<_>) = mine.partition(|(_, task)| task.all_points);
        assert_eq!((all.len(), billing.len()), (4, 56), "device {id}");
    }
}

#[test]
fn on_a_bus_that_is_too_slow_everybody_gets_as_much() {
    let mut schedule = schedule(&tijuana(90), noon(0));
    let asked = run(&mut schedule, 0, 3600, |_| Outcome::Done);
    for id in 1..=90 {
        let count = asked
            .iter()
            .filter(|(_, task)| task.device == DeviceId(id))
            .count();
        assert!((39..=41).contains(&count), "device {id}: {count}");
    }
}

#[test]
fn a_dead_device_is_asked_ever_more_rarely_and_comes_back_at_once() {
    let mut schedule = schedule(&tijuana(2), noon(0));
    let dead = |task: &Task| match task.device {
        DeviceId(1) => Outcome::Failed,
        _ => Outcome::Done,
    };
    let asked = run(&mut schedule, 0, 3600, dead);
    let of = |asked: &[(u64, Task)], id| -> Vec<u64> {
        let mine = asked.iter().filter(|(_, task)| task.device == DeviceId(id));
        mine.map(|(second, _)| *second).collect()
    };
    let times = of(&asked, 1);
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [61, 61, 121, 241, 481, 601, 601, 601, 601]);
    assert_eq!(of(&asked, 2).len(), 60, "the living lose nothing");
    assert!(
        asked
            .iter()
            .all(|(second, task)| task.is_probe == (task.device == DeviceId(1) && *second > 61))
    );

    let asked = run(&mut schedule, 3600, 4800, |_| Outcome::Done);
    let times = of(&asked, 1);
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] <= 61),
        "{times:?}"
    );
}

#[test]
fn who_is_wanted_is_due_with_all_points_unless_it_is_to_be_left_alone() {
    let [one, other] = <[Device; 2]>::try_from(tijuana(2)).unwrap();
    let mut schedule = Schedule::new(CLOSING_PATIENCE);
    let spared = Scheduled {
        pause_min: Duration::from_secs(600),
        ..scheduled(&other)
    };
    schedule.set_devices([scheduled(&one), spared], GAUGES, noon(0));
    run(&mut schedule, 0, 10, |_| Outcome::Done);
    assert_eq!(schedule.next(noon(10)), None);
    schedule.want(other.id, noon(10));
    assert_eq!(schedule.next(noon(10)), None);
    schedule.want(one.id, noon(10));
    let task = schedule.next(noon(10)).unwrap();
    assert!(task.device == one.id && task.all_points);
}

#[test]
fn a_fault_on_our_side_is_not_the_device_s() {
    let mut schedule = schedule(&tijuana(1), noon(0));
    let asked = run(&mut schedule, 0, 600, |_| Outcome::OwnFault);
    assert!(asked.len() > 150 && asked.iter().all(|(_, task)| !task.is_probe));
}

/// Steps through `from..to` in steps of 30 s and tells which days were closed and when.
fn closings(device: Device, from: &str, to: &str) -> Vec<(String, String)> {
    let start = Moment {
        monotonic: Duration::ZERO,
        wall: Some(at(from)),
    };
    let mut schedule = schedule(&[device], start);
    let mut closed = Vec::new();
    let mut now = start;
    while now.wall < Some(at(to)) {
        while let Some(task) = schedule.next(now) {
            schedule.finish(&task, Outcome::Done, now);
            if let Some(date) = task.closes {
                closed.push((date.to_string(), now.wall.unwrap().to_string()));
            }
        }
        assert_eq!(schedule.settled_through(now), now.wall.unwrap());
        now.monotonic += Duration::from_secs(30);
        now.wall = now.wall.map(|wall| wall + SignedDuration::from_secs(30));
    }
    closed
}

#[test]
fn every_day_is_closed_once_at_its_start() {
    type Closed = [(&'static str, &'static str); 2];
    let table: [(&str, &str, &str, Closed); 4] = [
        (
            "America/Tijuana",
            "2025-03-08T20:00:00Z",
            "2025-03-11T00:00:00Z",
            [
                ("2025-03-09", "2025-03-09T08:00:00Z"),
                ("2025-03-10", "2025-03-10T07:00:00Z"),
            ],
        ),
        (
            "America/Tijuana",
            "2025-11-01T20:00:00Z",
            "2025-11-04T00:00:00Z",
            [
                ("2025-11-02", "2025-11-02T07:00:00Z"),
                ("2025-11-03", "2025-11-03T08:00:00Z"),
            ],
        ),
        (
            // Midnight does not exist: the day starts at one o'clock.
            "America/Santiago",
            "2025-09-06T12:00:00Z",
            "2025-09-08T12:00:00Z",
            [
                ("2025-09-07", "2025-09-07T04:00:00Z"),
                ("2025-09-08", "2025-09-08T03:00:00Z"),
            ],
        ),
        (
            // The last hour of the day before comes twice: 5 April starts after the second.
            "America/Santiago",
            "2026-04-04T12:00:00Z",
            "2026-04-06T12:00:00Z",
            [
                ("2026-04-05", "2026-04-05T04:00:00Z"),
                ("2026-04-06", "2026-04-06T04:00:00Z"),
            ],
        ),
    ];
    for (zone, from, to, expected) in table {
        let closed = closings(device(1, zone), from, to);
        let closed: Vec<(&str, &str)> = closed
            .iter()
            .map(|(date, at)| (date.as_str(), at.as_str()))
            .collect();
        assert_eq!(closed, expected, "{zone} from {from}");
    }
}

#[test]
fn the_cloud_s_list_counts_first_and_the_zone_beyond_it() {
    let mut listed = device(1, "America/Tijuana");
    // As if the cloud knew of a law that this machine's zone data does not know.
    listed.closings = ["2026-06-11T08:00:00Z", "2026-06-12T08:00:00Z"]
        .iter()
        .zip(["2026-06-11", "2026-06-12"])
        .map(|(instant, date)| Closing {
            closes: date.parse().unwrap(),
            at: at(instant),
        })
        .collect();
    let closed = closings(listed, "2026-06-10T19:00:00Z", "2026-06-13T19:00:00Z");
    let instants: Vec<&str> = closed.iter().map(|(_, at)| at.as_str()).collect();
    assert_eq!(
        instants,
        [
            "2026-06-11T08:00:00Z",
            "2026-06-12T08:00:00Z",
            "2026-06-13T07:00:00Z"
        ]
    );
}

#[test]
fn the_minutes_at_which_another_price_begins_are_closed_between_the_days() {
    let mut listed = device(1, "America/Tijuana");
    // The clocks go back on 1 November at two o'clock.
    listed.closings = [
        ("2026-10-31", "2026-10-31T07:00:00Z"),
        ("2026-10-31T18:00", "2026-11-01T01:00:00Z"),
        ("2026-10-31T22:00", "2026-11-01T05:00:00Z"),
        ("2026-11-01", "2026-11-01T07:00:00Z"),
        ("2026-11-01T18:00", "2026-11-02T02:00:00Z"),
        ("2026-11-02", "2026-11-02T08:00:00Z"),
    ]
    .map(|(closes, instant)| Closing {
        closes: closes.parse().unwrap(),
        at: at(instant),
    })
    .to_vec();
    let expected: Vec<(String, String)> = listed.closings[1..]
        .iter()
        .map(|closing| (closing.closes.to_string(), closing.at.to_string()))
        .chain([("2026-11-03".to_owned(), "2026-11-03T08:00:00Z".to_owned())])
        .collect();
    let closed = closings(listed, "2026-10-31T19:00:00Z", "2026-11-03T19:00:00Z");
    assert_eq!(closed, expected);
}

#[test]
fn a_zone_that_this_machine_does_not_know_closes_by_the_list_alone() {
    let mut unknown = device(1, "Mars/Olympus");
    unknown.closings = vec![Closing {
        closes: "2026-06-11".parse().unwrap(),
        at: at("2026-06-11T07:00:00Z"),
    }];
    let closed = closings(unknown, "2026-06-10T19:00:00Z", "2026-06-13T19:00:00Z");
    assert_eq!(closed.len(), 1);
}

#[test]
fn closings_go_first_and_the_living_before_the_dead() {
    let devices = tijuana(3);
    let mut schedule = schedule(&devices, noon(0));
    run(&mut schedule, 0, 300, |task| match task.device {
        DeviceId(1) => Outcome::Failed,
        _ => Outcome::Done,
    });
    let midnight = 12 * 3600;
    run(&mut schedule, 300, midnight, |task| match task.device {
        DeviceId(1) => Outcome::Failed,
        _ => Outcome::Done,
    });
    let asked = run(&mut schedule, midnight, midnight + 5, |_| Outcome::Done);
    let order: Vec<(i64, bool)> = asked
        .iter()
        .map(|(_, task)| (task.device.0, task.closes.is_some()))
        .collect();
    assert_eq!(
        order,
        [(2, true), (3, true), (2, false), (3, false), (1, true)],
        "who is dead comes when it is its turn"
    );
}

#[test]
fn a_closing_is_tried_again_until_its_time_is_over_and_blocks_what_is_settled() {
    let mut schedule = schedule(&tijuana(1), noon(0));
    let midnight = 12 * 3600;
    let asked = run(&mut schedule, midnight, midnight + 900, |task| {
        match task.closes {
            Some(_) => Outcome::Failed,
            None => Outcome::Done,
        }
    });
    let tries: Vec<u64> = asked
        .iter()
        .filter(|(_, task)| task.closes.is_some())
        .map(|(second, _)| second - midnight)
        .collect();
    assert_eq!(tries[..5], [0, 2, 5, 10, 19]);
    assert!(tries.len() > 8 && *tries.last().unwrap() < 600, "{tries:?}");

    let mut schedule = Schedule::new(Duration::from_secs(20));
    schedule.set_devices(tijuana(1).iter().map(scheduled), GAUGES, noon(0));
    // Under a test clock the wall stands still at midnight.
    let stands = |seconds| moment(seconds, "2026-06-11T07:00:00Z");
    let before = at("2026-06-11T06:59:59.999Z");
    assert_eq!(schedule.settled_through(stands(0)), before);
    let task = schedule.next(stands(0)).unwrap();
    assert_eq!(task.closes, Some("2026-06-11".parse().unwrap()));
    schedule.finish(&task, Outcome::Unusable, stands(1));
    assert_eq!(schedule.settled_through(stands(20)), before);
    assert_eq!(
        schedule.settled_through(stands(21)),
        stands(21).wall.unwrap(),
        "given up"
    );
    assert!(
        schedule
            .next(stands(30))
            .is_none_or(|task| task.closes.is_none())
    );
}

#[test]
fn a_closing_is_never_taken_late() {
    let table = [
        (
            "jumped just past midnight",
            "2026-06-11T07:09:59Z",
            Some("2026-06-11"),
        ),
        ("jumped too far", "2026-06-11T07:10:01Z", None),
        (
            "jumped over three days",
            "2026-06-14T07:05:00Z",
            Some("2026-06-14"),
        ),
        (
            "jumped to the next year's noon",
            "2027-06-10T19:00:00Z",
            None,
        ),
    ];
    for (what, wall, expected) in table {
        let mut schedule = schedule(&tijuana(1), noon(0));
        run(&mut schedule, 0, 10, |_| Outcome::Done);
        let task = schedule.next(moment(10, wall));
        let closes = task.and_then(|task| task.closes);
        assert_eq!(closes, expected.map(|date| date.parse().unwrap()), "{what}");
    }
}

#[test]
fn a_clock_that_is_set_disturbs_no_period_and_closes_the_day_when_it_starts() {
    let mut schedule = schedule(&tijuana(1), noon(0));
    run(&mut schedule, 0, 10, |_| Outcome::Done);
    assert_eq!(schedule.next(moment(30, "2031-06-10T19:00:00Z")), None);
    assert_eq!(schedule.next(moment(31, "1970-01-01T12:00:00Z")), None);
    let task = schedule.next(moment(60, "2026-06-10T19:01:00Z")).unwrap();
    schedule.finish(&task, Outcome::Done, moment(61, "2026-06-10T19:01:01Z"));

    let task = schedule.next(moment(70, "2026-06-11T07:00:05Z")).unwrap();
    assert!(task.closes.is_some());
    schedule.finish(&task, Outcome::Done, moment(71, "2026-06-11T07:00:06Z"));
    assert_eq!(
        schedule.next(moment(72, "2026-06-11T06:59:00Z")),
        None,
        "set back"
    );
    let again = schedule.next(moment(119, "2026-06-11T07:00:00Z")).unwrap();
    assert!(again.closes.is_some(), "what was taken was taken too soon");
}

#[test]
fn no_day_is_closed_by_a_clock_that_is_not_believed_but_late_when_it_is_at_last() {
    let untrusted = |seconds| Moment {
        wall: None,
        ..noon(seconds)
    };
    let mut schedule = schedule(&tijuana(1), untrusted(0));
    let asked = schedule.next(untrusted(0)).unwrap();
    assert_eq!(asked.closes, None, "polls need no time of day");
    schedule.finish(&asked, Outcome::Done, untrusted(1));
    assert_eq!(schedule.next(untrusted(30)), None);
    assert_eq!(schedule.settled_through(untrusted(30)), Timestamp::MIN);
    let late = moment(31, "2026-06-11T07:09:00Z");
    assert!(schedule.next(late).unwrap().closes.is_some());
}

#[test]
fn a_day_closed_before_the_restart_is_not_closed_again() {
    let now = moment(0, "2026-06-11T07:03:00Z");
    let mut schedule = schedule(&tijuana(1), now);
    schedule.mark_closed(DeviceId(1), "2026-06-11".parse().unwrap());
    assert_eq!(schedule.next(now).unwrap().closes, None);
}

#[test]
fn a_new_list_keeps_everybody_s_turn() {
    let mut schedule = schedule(&tijuana(2), noon(0));
    run(&mut schedule, 0, 10, |_| Outcome::Done);
    schedule.set_devices(tijuana(3).iter().map(scheduled), GAUGES, noon(10));
    let asked = run(&mut schedule, 10, 59, |_| Outcome::Done);
    let ids: Vec<i64> = asked.iter().map(|(_, task)| task.device.0).collect();
    assert_eq!(ids, [3], "only the new one is due");
    schedule.set_devices(tijuana(1).iter().map(scheduled), GAUGES, noon(59));
    let asked = run(&mut schedule, 59, 120, |_| Outcome::Done);
    assert!(asked.iter().all(|(_, task)| task.device == DeviceId(1)));
}

#[test]
fn a_night_on_which_most_are_dead_costs_the_living_no_polls() {
    let now = |second| Moment {
        monotonic: Duration::from_secs(second),
        wall: Some(at("2026-06-11T06:00:00Z") + SignedDuration::from_secs(second.cast_signed())),
    };
    let mut schedule = schedule(&tijuana(60), now(0));
    let (mut second, mut living) = (0, Vec::new());
    // From an hour before midnight to ten minutes after; who is dead costs a time-out.
    while second < 4_200 {
        let Some(task) = schedule.next(now(second)) else {
            second += 1;
            continue;
        };
        let is_alive = task.device == DeviceId(60);
        second += if is_alive { 1 } else { 2 };
        let outcome = if is_alive {
            Outcome::Done
        } else {
            Outcome::Failed
        };
        schedule.finish(&task, outcome, now(second));
        if is_alive {
            living.push((second, task.closes));
        }
    }
    let closing = living.iter().find(|(_, closes)| closes.is_some()).unwrap();
    assert!(closing.0 <= 3_610, "{closing:?}");
    let night = living
        .iter()
        .filter(|(at, closes)| *at > 3_600 && closes.is_none());
    assert!(
        night.clone().count() >= 9,
        "{:?}",
        night.collect::<Vec<_>>()
    );
}

#[test]
fn a_day_that_starts_once_more_is_closed_once_more() {
    for taken in [true, false] {
        let mut schedule = schedule(&tijuana(1), moment(0, "2026-06-11T07:00:30Z"));
        let task = schedule.next(moment(0, "2026-06-11T07:00:30Z")).unwrap();
        let closes = task.closes.unwrap();
        if taken {
            schedule.finish(&task, Outcome::Done, moment(1, "2026-06-11T07:00:31Z"));
        }
        while let Some(task) = schedule.next(moment(2, "2026-06-11T06:50:00Z")) {
            assert_eq!(task.closes, None, "the day has not started");
            schedule.finish(&task, Outcome::Done, moment(2, "2026-06-11T06:50:00Z"));
        }
        let task = schedule.next(moment(602, "2026-06-11T07:00:00Z")).unwrap();
        assert_eq!(task.closes, Some(closes), "taken {taken}");
    }
    // Nor is a day closed by what a program before this one read by a clock that was ahead.
    let mut schedule = schedule(&tijuana(1), noon(0));
    schedule.mark_closed(DeviceId(1), "2026-06-11".parse().unwrap());
    while let Some(task) = schedule.next(noon(1)) {
        schedule.finish(&task, Outcome::Done, noon(1));
    }
    let task = schedule.next(noon(12 * 3600)).unwrap();
    assert_eq!(task.closes, Some("2026-06-11".parse().unwrap()));
}
