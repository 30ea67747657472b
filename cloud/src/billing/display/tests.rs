//! Display checks by table: what a display can show, and which answer stands.

use common::unit::Unit;
use jiff::SignedDuration;

use super::*;
use crate::billing::sample::number;

fn read_at() -> Timestamp {
    "2026-11-24T18:00:00Z".parse().unwrap()
}

#[test]
fn a_display_may_have_counted_on_as_fast_as_the_counter_can_and_has_fewer_digits() {
    let counts = |rate: Option<&str>, rolls_over_at: Option<&str>| Movement {
        steady: Steady {
            fall: Decimal::ZERO,
            rise: number("0.3"),
            rise_per_hour: rate.map(number),
        },
        rolls_over_at: rolls_over_at.map(number),
    };
    let rated = counts(Some("10"), None);
    let rolling = counts(Some("10"), Some("100000"));
    let unrated = counts(None, Some("100000"));
    // register, minutes since it was read, what is shown, whether that can be
    let table = [
        ("12690.4", 0, "12690.4", &rated, true),
        ("12690.4", 0, "12690.7", &rated, true),
        ("12690.4", 0, "12690.9", &rated, false),
        // Six minutes at ten an hour.
        ("12690.4", 6, "12691.8", &rated, true),
        ("12690.4", 6, "12691.9", &rated, false),
        // Whole units: cut off, or rounded up.
        ("12690.4", 0, "12690", &rated, true),
        ("12690.6", 0, "12691", &rated, true),
        ("12690.4", 0, "12689", &rated, false),
        ("12690.4", 60, "12689.4", &rated, false),
        // A clock that runs behind is no way to count backwards.
        ("12690.4", -60, "12690.4", &rated, true),
        ("12690.4", -60, "12680.4", &rated, false),
        // Another meter.
        ("12690.4", 60, "8812.7", &rated, false),
        // It began again at zero in between.
        ("99999.9", 6, "0.6", &rolling, true),
        ("99999.9", 6, "0.6", &rated, false),
        ("99999.9", 6, "57.2", &rolling, false),
        // Without a rate nobody knows how far, but not backwards.
        ("12690.4", 60, "99999", &unrated, true),
        ("12690.4", 60, "12000", &unrated, false),
    ];
    for (register, minutes, shown, movement, expected) in table {
        let now = read_at() + SignedDuration::from_mins(minutes);
        let quantity = Quantity::new(number(register), Unit::KiloWh).unwrap();
        let found = can_show(quantity, read_at(), number(shown), now, movement);
        assert_eq!(found, expected, "{register}, {minutes} minutes, {shown}");
    }
}

/// Who answered and whether it agrees, and whose answer stands.
type Row = (&'static [(i64, bool)], Option<i64>);

#[test]
fn an_answer_that_differs_stands_until_the_same_person_or_an_integrator_says_otherwise() {
    const MONITOR: i64 = 1;
    const NEIGHBOUR: i64 = 2;
    const INTEGRATOR: i64 = 3;
    let check = |(person, agrees): &(i64, bool), hour: i64| DisplayCheck {
        person: PersonId(*person),
        manages: *person == INTEGRATOR,
        device: DeviceId(4),
        register: Quantity::new(number("12690.4"), Unit::KiloWh).unwrap(),
        read_at: read_at(),
        shown: (!agrees).then(|| number("8812.7")),
        answered_at: read_at() + SignedDuration::from_hours(hour),
        agrees: *agrees,
    };
    // In the order in which they were given, and whose stands.
    let table: [Row; 8] = [
        (&[], None),
        (&[(MONITOR, true)], None),
        (&[(MONITOR, false)], Some(MONITOR)),
        (&[(MONITOR, false), (MONITOR, true)], None),
        (&[(MONITOR, false), (NEIGHBOUR, true)], Some(MONITOR)),
        (&[(MONITOR, false), (INTEGRATOR, true)], None),
        (&[(MONITOR, false), (INTEGRATOR, false)], Some(INTEGRATOR)),
        (&[(INTEGRATOR, true), (MONITOR, false)], Some(MONITOR)),
    ];
    for (given, expected) in table {
        let mut checks: Vec<_> = given
            .iter()
            .zip(0..)
            .map(|(one, n)| check(one, n))
            .collect();
        checks.reverse();
        let found = standing(&checks, read_at()).map(|one| one.person.0);
        assert_eq!(found, expected, "{given:?}");
        // Another device has been there since.
        let later = read_at() + SignedDuration::from_hours(9);
        assert_eq!(standing(&checks, later), None);
    }
}
