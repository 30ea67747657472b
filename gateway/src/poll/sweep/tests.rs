//! When a sweep is written, and what gives way while the disk takes nothing.

use common::closes::Closes;
use common::id::DeviceId;
use common::reading::ClockTrust;

use super::*;

fn reading(number: usize, closes: Option<Closes>) -> NewReading {
    NewReading {
        at: "2026-06-10T19:00:00Z".parse().unwrap(),
        clock: ClockTrust::Trusted,
        since_boot: None,
        device: DeviceId(1),
        point: "energy_import".to_owned(),
        quantity: None,
        suspect: None,
        raw: number.to_string(),
        profile: "p@1".to_owned(),
        closes,
        weight: common::sync::Weight::Billing,
    }
}

fn ended(closes: Option<Closes>) -> Ended {
    Ended {
        task: Task {
            device: DeviceId(1),
            all_points: false,
            closes,
            is_probe: false,
        },
        outcome: Outcome::Done,
        answer: Answer::default(),
    }
}

fn midnight() -> Option<Closes> {
    Some("2026-06-11".parse().unwrap())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_sweep_is_written_when_nobody_else_is_due_or_it_has_waited_long_enough() {
    let filled = |rows: usize, closes: Option<Closes>| {
        let mut sweep = Sweep::default();
        let readings = (0..rows).map(|number| reading(number, closes)).collect();
        sweep.push(readings, Some(ended(closes)), seconds(100));
        sweep
    };
    let none = |_: &str| Sweep::default();
    // (what, sweep, is_idle, closing_is_due, now, is_due)
    let table = [
        ("nothing to write", none(""), true, false, 200, false),
        ("others are due", filled(3, None), false, false, 101, false),
        (
            "nobody else is due",
            filled(3, None),
            true,
            false,
            101,
            true,
        ),
        (
            "others are always due",
            filled(3, None),
            false,
            false,
            110,
            true,
        ),
        (
            "it is large",
            filled(ROWS_MAX, None),
            false,
            false,
            101,
            true,
        ),
        (
            "it closes a day",
            filled(1, midnight()),
            false,
            false,
            101,
            true,
        ),
        (
            "others close it too",
            filled(1, midnight()),
            false,
            true,
            101,
            false,
        ),
        (
            "they take too long",
            filled(1, midnight()),
            false,
            true,
            110,
            true,
        ),
    ];
    for (what, sweep, is_idle, closing_is_due, now, expected) in table {
        let is_due = sweep.is_due(is_idle, closing_is_due, seconds(now));
        assert_eq!(is_due, expected, "{what}");
    }
}

#[test]
fn while_the_disk_takes_nothing_the_oldest_give_way_and_closing_readings_do_not() {
    let mut sweep = Sweep::default();
    sweep.push(
        vec![reading(0, midnight())],
        Some(ended(midnight())),
        seconds(0),
    );
    for number in 1..=ROWS_WAITING_MAX + 7 {
        sweep.push(vec![reading(number, None)], Some(ended(None)), seconds(0));
    }
    let (ended_all_the_same, given) = sweep.unkept(seconds(1));
    assert_eq!(ended_all_the_same.len(), ROWS_WAITING_MAX + 7);
    let given: Vec<&str> = given.iter().map(|reading| &*reading.raw).collect();
    assert_eq!(given, ["1", "2", "3", "4", "5", "6", "7"]);
    assert!(ended_all_the_same.iter().all(|ended| !ended.closes()));
    assert_eq!(
        (sweep.lost, sweep.readings().len()),
        (7, ROWS_WAITING_MAX + 1)
    );
    let oldest: Vec<&str> = sweep.readings().iter().map(|r| &*r.raw).take(2).collect();
    assert_eq!(oldest, ["0", "8"]);
    assert!(
        !sweep.is_due(true, false, seconds(2)),
        "the disk gets a pause"
    );
    assert!(sweep.is_due(false, false, seconds(3)));

    let kept = sweep.kept();
    assert_eq!(kept, [ended(midnight())]);
    assert_eq!((sweep.lost, sweep.readings().len()), (7, 0));
    assert!(!sweep.is_due(true, false, seconds(4)));
}
