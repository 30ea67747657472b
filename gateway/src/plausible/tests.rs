//! Series as they came from meters, and what of them is believed.

use common::profile::{Library, Profile};
use common::quantity::Quantity;
use jiff::SignedDuration;

use common::unit::Unit;

use super::*;

const DEVICE: DeviceId = DeviceId(7);
const START: &str = "2026-06-10T19:00:00Z";

fn point(profile: &str, id: &str) -> Point {
    let library = Library::shipped();
    library.get(profile).unwrap().point(id).unwrap().clone()
}

/// An f32 in kWh with two decimals.
fn energy() -> Point {
    point("eastron-sdm120", "energy_import")
}

fn moment(seconds: u64) -> Moment {
    let start: Timestamp = START.parse().unwrap();
    Moment {
        monotonic: Duration::from_secs(seconds),
        wall: Some(start + SignedDuration::from_secs(i64::try_from(seconds).unwrap())),
    }
}

fn quantity(value: &str, unit: Unit) -> Quantity {
    Quantity::new(value.parse().unwrap(), unit).unwrap()
}

/// Polls a series of (seconds, value in `unit`) and tells what became of each.
fn polls(point: &Point, unit: Unit, series: &[(u64, &str)]) -> Vec<Result<(), String>> {
    let mut plausible = Plausible::default();
    let poll = |(seconds, value): &(u64, &str)| {
        let (value, now) = (quantity(value, unit), moment(*seconds));
        let judged = plausible.judge(DEVICE, point, value, now);
        plausible.note(DEVICE, point, value, now);
        judged
    };
    series.iter().map(poll).collect()
}

/// `+` is believed, `-` is suspect.
fn marks(judged: &[Result<(), String>]) -> String {
    let mark = |result: &Result<(), String>| if result.is_ok() { '+' } else { '-' };
    judged.iter().map(mark).collect()
}

/// Polls of a counter in kWh: seconds and values.
type Series = &'static [(u64, &'static str)];

/// What it is, the series, and what is believed of it.
const HISTORIES: [(&str, Series, &str); 12] = [
    (
        "a life without events",
        &[(0, "0.00"), (60, "0.00"), (120, "0.31"), (180, "1.02")],
        "++++",
    ),
    (
        "one frame of zeros",
        &[(0, "40483.20"), (60, "0.00"), (120, "40483.25")],
        "+-+",
    ),
    (
        "a register of another address for one poll, 9,113 kWh on a 40 A feed",
        &[(0, "21000.10"), (60, "30113.10"), (120, "21000.18")],
        "+-+",
    ),
    (
        "a decimal point that is shifted for a minute, polled every ten seconds",
        &[
            (0, "35548.00"),
            (10, "355480.10"),
            (20, "355480.20"),
            (30, "355480.20"),
            (40, "355480.30"),
            (50, "355480.40"),
            (60, "355480.40"),
            (70, "35548.07"),
        ],
        "+------+",
    ),
    (
        "an f32 that flutters by its own step while the meter stands still",
        &[
            (0, "1000000.06"),
            (60, "1000000.00"),
            (120, "999999.94"),
            (180, "1000000.06"),
        ],
        "++++",
    ),
    (
        "one that creeps down step by step has fallen",
        &[
            (0, "1000000.06"),
            (60, "999999.94"),
            (120, "999999.81"),
            (180, "999999.69"),
        ],
        "++--",
    ),
    (
        "a meter that was replaced by a new one",
        &[
            (0, "87123.40"),
            (60, "0.00"),
            (120, "0.02"),
            (180, "0.03"),
            (360, "0.07"),
            (420, "0.09"),
        ],
        "+---++",
    ),
    (
        "one that was replaced by an old one",
        &[
            (0, "12.00"),
            (60, "54321.00"),
            (120, "54321.01"),
            (360, "54321.02"),
            (420, "54321.05"),
        ],
        "+--++",
    ),
    (
        "noise that never agrees with itself",
        &[
            (0, "500.00"),
            (300, "40.00"),
            (600, "1.00"),
            (900, "30000.00"),
            (1200, "2.00"),
        ],
        "+----",
    ),
    (
        "a doubt that is interrupted by the truth starts anew",
        &[
            (0, "500.00"),
            (200, "3.00"),
            (400, "3.00"),
            (500, "500.10"),
            (600, "3.00"),
            (700, "3.00"),
        ],
        "+--+--",
    ),
    (
        "a week without polls",
        &[
            (0, "10000.00"),
            (604_800, "14200.00"),
            (604_860, "14200.40"),
        ],
        "+++",
    ),
    (
        "a heavy load is no jump",
        &[(0, "10000.00"), (60, "10080.00"), (120, "10163.00")],
        "+++",
    ),
];

#[test]
fn what_meters_have_really_sent() {
    for (what, series, expected) in HISTORIES {
        let judged = polls(&energy(), Unit::KiloWh, series);
        assert_eq!(marks(&judged), expected, "{what}: {judged:?}");
    }
}

#[test]
fn the_profile_s_own_rate_is_the_stricter_one() {
    let mut point = energy();
    point.max_rate = Some(Decimal::from(23));
    let series = [(0, "10000.00"), (60, "10000.40"), (120, "10001.30")];
    let judged = polls(&point, Unit::KiloWh, &series);
    assert_eq!(marks(&judged), "++-");
    assert_eq!(
        judged[2].as_ref().unwrap_err(),
        "it rose from 10000.40 kWh to 10001.30 kWh in 60 s, which cannot be more than 0.413 kWh: \
         replaced, or a wrong answer; it counts again when 3 polls over 5 minutes agree"
    );
}

#[test]
fn a_rollover_is_no_fall_once_it_has_been_seen_on_a_meter() {
    let shipped = include_str!("../../../common/profiles/eastron-sdm630.toml");
    let seen = shipped.replace("rollover_verified = false", "rollover_verified = true");
    let point = |text: &str| {
        let profile = Profile::parse(text).unwrap();
        profile.point("energy_import").unwrap().clone()
    };
    let series = [(0, "999999.81"), (60, "0.19"), (120, "0.50")];
    assert_eq!(marks(&polls(&point(shipped), Unit::KiloWh, &series)), "+--");
    assert_eq!(marks(&polls(&point(&seen), Unit::KiloWh, &series)), "+++");
    let reset = [(0, "500000.00"), (60, "0.19")];
    assert_eq!(marks(&polls(&point(&seen), Unit::KiloWh, &reset)), "+-");
}

#[test]
fn a_unit_that_changes_is_an_alarm_and_stays_one() {
    let point = point("tuf-2000m", "volume");
    let mut plausible = Plausible::default();
    let mut poll = |seconds, value: &str, unit| {
        let (value, now) = (quantity(value, unit), moment(seconds));
        let judged = plausible.judge(DEVICE, &point, value, now);
        plausible.note(DEVICE, &point, value, now);
        judged
    };
    assert_eq!(poll(0, "350.000", Unit::CubicMetre), Ok(()));
    for minute in 1..20 {
        let suspect = poll(minute * 60, "92460.000", Unit::GallonUs).unwrap_err();
        assert_eq!(
            suspect,
            "it counts in gal now, before it counted in m³: set the unit back on the device, or \
             register it as a new one"
        );
    }
    assert_eq!(poll(1_200, "350.100", Unit::CubicMetre), Ok(()));
}

#[test]
fn a_net_counter_may_fall_but_not_faster_than_it_can_count() {
    let mut net = energy();
    net.monotonic = false;
    let series = [
        (0, "100.00"),
        (60, "99.00"),
        (120, "-40.00"),
        (180, "9000.00"),
    ];
    assert_eq!(marks(&polls(&net, Unit::KiloWh, &series)), "++--");
}

#[test]
fn what_the_buffer_holds_counts_after_a_restart_and_a_clock_set_back_forgives_nothing() {
    let key = (DEVICE, "energy_import".to_owned());
    let held = quantity("40483.20", Unit::KiloWh);
    let before =
        |at: &str| Plausible::new(BTreeMap::from([(key.clone(), (at.parse().unwrap(), held))]));
    let judge = |plausible: &Plausible, value, seconds| {
        let value = quantity(value, Unit::KiloWh);
        plausible.judge(DEVICE, &energy(), value, moment(seconds))
    };
    let yesterday = before("2026-06-09T19:00:00Z");
    assert!(judge(&yesterday, "0.00", 1).is_err());
    assert!(judge(&yesterday, "41000.00", 1).is_ok());
    assert!(judge(&yesterday, "404832.00", 1).is_err());
    let tomorrow = before("2026-06-11T19:00:00Z");
    assert!(judge(&tomorrow, "41000.00", 1).is_err());
    assert!(judge(&tomorrow, "40483.21", 1).is_ok());
    let other = quantity("0.00", Unit::KiloWh);
    assert!(
        tomorrow
            .judge(DeviceId(8), &energy(), other, moment(1))
            .is_ok()
    );
}

#[test]
fn a_level_from_a_profile_that_was_wrong_does_not_bind_the_right_one() {
    let key = (DEVICE, "energy_import".to_owned());
    let wrong = quantity("40483.20", Unit::CubicMetre);
    let before = (START.parse().unwrap(), wrong);
    let mut plausible = Plausible::new(BTreeMap::from([(key, before)]));
    let mut poll = |seconds, value: &str| {
        let (value, now) = (quantity(value, Unit::KiloWh), moment(seconds));
        let judged = plausible.judge(DEVICE, &energy(), value, now);
        plausible.note(DEVICE, &energy(), value, now);
        judged
    };
    assert_eq!(poll(60, "17.50"), Ok(()));
    assert_eq!(poll(120, "17.60"), Ok(()));
    assert!(poll(180, "3.00").is_err(), "now it is a level");
}

#[test]
fn a_clock_that_is_set_makes_no_minute_of_a_moment() {
    // After a power cut: the meter is not up yet, and the time of day comes from the network.
    let mut plausible = Plausible::default();
    let mut poll = |seconds, is_set: bool, value: &str| {
        let mut now = moment(seconds);
        now.wall = now.wall.filter(|_| is_set);
        let value = quantity(value, Unit::KiloWh);
        let judged = plausible.judge(DEVICE, &energy(), value, now);
        plausible.note(DEVICE, &energy(), value, now);
        judged
    };
    assert_eq!(poll(0, false, "40483.20"), Ok(()));
    for (seconds, is_set) in [(10, false), (20, true), (30, true), (40, true)] {
        assert!(poll(seconds, is_set, "0.00").is_err(), "{seconds}");
    }
    assert!(poll(45, true, "40983.30").is_err(), "in a minute at most");
    assert_eq!(poll(50, true, "40483.30"), Ok(()));
}

#[test]
fn while_nobody_knows_the_time_a_counter_may_have_risen_but_not_fallen_since_the_last_run() {
    let key = (DEVICE, "energy_import".to_owned());
    let held = quantity("40483.20", Unit::KiloWh);
    let plausible = Plausible::new(BTreeMap::from([(key, (START.parse().unwrap(), held))]));
    let now = Moment {
        wall: None,
        ..moment(1)
    };
    for (value, is_believed) in [("41483.20", true), ("40483.20", true), ("0.00", false)] {
        let value = quantity(value, Unit::KiloWh);
        let judged = plausible.judge(DEVICE, &energy(), value, now);
        assert_eq!(judged.is_ok(), is_believed, "{value}");
    }
}
