//! What another master asks, and what becomes of the replies.

use std::sync::Arc;

use common::id::DeviceId;
use common::profile::{Library, Table};
use common::reading::ClockTrust;
use tokio::time::Instant;

use super::*;
use crate::bus::overhear::{Asked, Heard, Reply};
use crate::bus::traffic::Traffic;
use crate::listen::review::review;

/// Noon of 10 June in Tijuana.
const NOON: &str = "2026-06-10T19:00:00Z";
const MIDNIGHT: &str = "2026-06-11T07:00:00Z";
const GAUGES: Duration = Duration::from_secs(900);

fn polled(profile: &str) -> Polled {
    let profile = Library::shipped().get(profile).unwrap().clone();
    Polled {
        device: Device {
            id: DeviceId(5),
            label: "Local 5".to_owned(),
            profile: profile.id.clone(),
            bus: "main".to_owned(),
            unit_id: 5,
            poll_period_s: 60,
            zone: "America/Tijuana".to_owned(),
            closings: Vec::new(),
            mountings: Vec::new(),
        },
        profile: Arc::new(profile),
    }
}

fn listened(profile: &str) -> Listened {
    Listened::new(polled(profile), GAUGES, None)
}

fn input(address: u16, count: u16) -> Request {
    let table = Table::Input;
    Request {
        table,
        address,
        count,
    }
}

fn holding(address: u16, count: u16) -> Request {
    let table = Table::Holding;
    Request {
        table,
        address,
        count,
    }
}

/// So many seconds after `start`, on both clocks.
fn after(start: &str, seconds: u64) -> Moment {
    let start: Timestamp = start.parse().unwrap();
    Moment {
        monotonic: Duration::from_secs(seconds),
        wall: Some(start + Duration::from_secs(seconds)),
    }
}

/// What a trusted clock shows then.
fn reckoned(now: Moment) -> Reckoned {
    Reckoned {
        at: now.wall.unwrap(),
        clock: ClockTrust::Trusted,
        since_boot: None,
    }
}

/// What is kept of a reply: `point value unit`, with the day that it closes.
fn hear(device: &mut Listened, request: Request, words: &[u16], now: Moment) -> Vec<String> {
    let mut plausible = Plausible::default();
    let readings = device.hear(&request, words, now, reckoned(now), &mut plausible);
    let told = readings.iter().map(|reading| {
        let value = reading.quantity.map(|value| value.to_string());
        let value = value.unwrap_or_else(|| "suspect".to_owned());
        let closes = reading.closes.map(|date| format!(" closes {date}"));
        format!("{} {value}{}", reading.point, closes.unwrap_or_default())
    });
    told.collect()
}

/// The two words of 1234.5 as an f32.
const KWH: [u16; 2] = [0x449a, 0x5000];

#[test]
fn one_value_a_period_is_kept_however_often_the_master_asks() {
    let mut device = listened("eastron-sdm120");
    let mut kept = 0;
    for second in (0..600).step_by(9) {
        kept += hear(&mut device, input(72, 2), &KWH, after(NOON, second)).len();
    }
    assert_eq!(kept, 12, "each 54 s: a tenth early is not early");
    // A master with our period, some of its requests a little early.
    let mut device = listened("eastron-sdm120");
    for (round, early) in [0, 3, 0, 4, 2].into_iter().enumerate() {
        let now = after(NOON, 60 * round as u64 + 60 - early);
        let kept = hear(&mut device, input(72, 2), &KWH, now);
        assert_eq!(kept, ["energy_import 1234.50 kWh"], "{round}");
    }
    assert_eq!(device.state.last.unwrap().to_string(), "1234.50 kWh");
}

#[test]
fn a_value_comes_from_one_reply_and_gauges_at_their_own_period() {
    let mut device = listened("eastron-sdm120");
    let torn = [
        hear(&mut device, input(72, 1), &KWH[..1], after(NOON, 0)),
        hear(&mut device, input(73, 1), &KWH[1..], after(NOON, 0)),
    ];
    assert_eq!(torn.concat(), [""; 0]);
    let mut block = vec![0; 76];
    (block[0], block[1]) = (0x4366, 0x3334);
    (block[72], block[73]) = (KWH[0], KWH[1]);
    let kept = hear(&mut device, input(0, 76), &block, after(NOON, 1));
    assert!(
        kept.contains(&"energy_import 1234.50 kWh".to_owned()),
        "{kept:?}"
    );
    assert!(kept.contains(&"voltage_l1 230.2 V".to_owned()), "{kept:?}");
    let kept = hear(&mut device, input(0, 76), &block, after(NOON, 61));
    assert_eq!(kept, ["energy_import 1234.50 kWh"]);
}

#[test]
fn a_multiplier_and_a_unit_may_be_as_old_as_a_day() {
    let mut device = listened("tuf-2000m");
    // 12,345,678 and 0.625, low word first; n = 3, US gallons.
    let words = [0x614e, 0x00bc, 0x0000, 0x3f20];
    let volume = holding(8, 4);
    assert_eq!(hear(&mut device, volume, &words, after(NOON, 0)), [""; 0]);
    hear(&mut device, holding(1437, 2), &[2, 3], after(NOON, 60));
    let value = ["volume 12345678.625 gal_us"];
    for hours in [1, 25] {
        let now = after(NOON, hours * 3_600);
        assert_eq!(hear(&mut device, volume, &words, now), value, "{hours} h");
    }
    assert_eq!(
        hear(&mut device, volume, &words, after(NOON, 27 * 3_600)),
        [""; 0]
    );
}

#[test]
fn an_answer_of_zeros_is_suspect_and_is_kept_with_its_words() {
    let mut device = listened("eastron-sdm120");
    let mut plausible = Plausible::default();
    let now = after(NOON, 0);
    let readings = device.hear(&input(70, 4), &[0; 4], now, reckoned(now), &mut plausible);
    let billing = readings
        .iter()
        .find(|r| r.point == "energy_import")
        .unwrap();
    assert_eq!(
        (billing.quantity, billing.raw.as_str()),
        (None, "0000 0000")
    );
    assert!(device.state.error.as_ref().unwrap().contains("all zeros"));
    assert_eq!(device.state.last_good_at, None);
}

#[test]
fn a_counter_that_fell_is_suspect_as_it_is_for_a_poller() {
    let (mut device, mut plausible) = (listened("eastron-sdm120"), Plausible::default());
    let mut heard = |words: [u16; 2], seconds| {
        let (request, now) = (input(72, 2), after(NOON, seconds));
        device.hear(&request, &words, now, reckoned(now), &mut plausible)
    };
    assert!(heard(KWH, 0)[0].quantity.is_some());
    let fallen = &heard([0x4120, 0], 60)[0];
    assert_eq!((fallen.quantity, fallen.raw.as_str()), (None, "4120 0000"));
    assert!(heard(KWH, 120)[0].quantity.is_some());
    assert_eq!(device.state.error, None);
}

#[test]
fn around_midnight_everything_is_kept_and_the_first_closes_the_day() {
    let mut device = listened("eastron-sdm120");
    let start = "2026-06-11T06:45:00Z";
    let mut closing = Vec::new();
    let mut near = 0;
    for second in (0..1_800).step_by(10) {
        let now = after(start, second);
        device.look_at_the_clock(now, CLOSING_PATIENCE);
        let midnight: Timestamp = MIDNIGHT.parse().unwrap();
        let settled = device.settled_through(now.wall.unwrap());
        assert!(settled < midnight || !closing.is_empty(), "{second}");
        // Nobody asks for the first twenty seconds of the day.
        if (900..920).contains(&second) {
            continue;
        }
        for reading in hear(&mut device, input(72, 2), &KWH, now) {
            near += usize::from((300..=1_500).contains(&second));
            if reading.contains("closes") {
                closing.push((second, reading));
            }
        }
        device.look_at_the_clock(now, CLOSING_PATIENCE);
    }
    let closed = "energy_import 1234.50 kWh closes 2026-06-11".to_owned();
    assert_eq!(closing, [(920, closed)]);
    assert_eq!(near, 119, "each of the twenty minutes but the two left out");
    // A day that nobody asked in time for is given up.
    let mut device = listened("eastron-sdm120");
    let before = "2026-06-11T06:59:59.999Z".parse().unwrap();
    for (second, open) in [(0, false), (1, true), (600, true), (602, false)] {
        let now = after("2026-06-11T06:59:59Z", second);
        device.look_at_the_clock(now, CLOSING_PATIENCE);
        let settled = device.settled_through(now.wall.unwrap());
        assert_eq!(
            settled,
            if open { before } else { now.wall.unwrap() },
            "{second}"
        );
    }
}

#[test]
fn a_day_that_was_closed_before_is_not_closed_again() {
    let closed = Some("2026-06-11".parse().unwrap());
    let mut device = Listened::new(polled("eastron-sdm120"), GAUGES, closed);
    let now = after(MIDNIGHT, 60);
    device.look_at_the_clock(now, CLOSING_PATIENCE);
    assert_eq!(device.settled_through(now.wall.unwrap()), now.wall.unwrap());
    let kept = hear(&mut device, input(72, 2), &KWH, now);
    assert_eq!(kept, ["energy_import 1234.50 kWh"]);
    // Nor after its settings were changed.
    let mut device = device.renewed(polled("eastron-sdm120"), GAUGES);
    let kept = hear(&mut device, input(72, 2), &KWH, after(MIDNIGHT, 61));
    assert_eq!(kept, [""; 0]);
}

/// A unit, what it is asked, what it replies.
type Exchange = (u8, Request, Reply);

/// What is said of a device of that model after ten minutes of such requests.
fn said(profile: &str, requests: &[Exchange]) -> Option<String> {
    let (mut device, mut traffic) = (listened(profile), Traffic::default());
    for (unit, request, reply) in requests {
        for reply in [Reply::Awaited, reply.clone()] {
            traffic.note(&Heard {
                at: Instant::now(),
                unit: *unit,
                asked: Asked::Registers(*request),
                reply,
            });
        }
        if let (5, Reply::Words(words)) = (unit, reply) {
            hear(&mut device, *request, words, after(NOON, 0));
        }
    }
    let (now, learning) = (Duration::from_secs(600), Duration::from_secs(60));
    review(&mut device, &traffic, learning, learning);
    assert_eq!(device.state.error, None, "too early to say");
    review(&mut device, &traffic, now, now);
    device.state.error
}

#[test]
fn what_the_other_master_does_not_ask_is_said() {
    let words = |words: &[u16]| Reply::Words(words.to_vec());
    let table: [(&str, &[Exchange], &str); 5] = [
        (
            "eastron-sdm120",
            &[],
            "no master has been heard on this line for 10 min: check that it runs, then A and \
             B, baud rate and parity",
        ),
        (
            "eastron-sdm120",
            &[
                (3, input(72, 2), words(&KWH)),
                (4, input(0, 2), words(&KWH)),
            ],
            "the other master does not ask unit 5; it asks 3, 4: check the unit id, or have that \
             master ask it",
        ),
        (
            "eastron-sdm120",
            &[(5, input(0, 2), words(&KWH))],
            "the other master does not ask unit 5 for 2 input registers from 72 (energy_import); \
             it asks for 2 input registers from 0; one request must hold all of a value",
        ),
        (
            "tuf-2000m",
            &[(5, holding(8, 4), words(&[0, 0, 0, 0]))],
            "the other master does not ask unit 5 for holding register 1437 (volume), for \
             holding register 1438 (volume); it asks for 4 holding registers from 8; one request \
             must hold all of a value",
        ),
        (
            "eastron-sdm120",
            &[(5, input(72, 2), Reply::Missing)],
            "unit 5 does not answer the other master: 1 requests, no reply beyond doubt",
        ),
    ];
    for (profile, requests, sentence) in table {
        assert_eq!(said(profile, requests).as_deref(), Some(sentence));
    }
    let good = [(5, input(72, 2), words(&KWH))];
    assert_eq!(said("eastron-sdm120", &good), None);
}

#[test]
fn a_day_that_starts_once_more_is_closed_once_more() {
    let mut device = listened("eastron-sdm120");
    let at = |seconds, wall: &str| Moment {
        monotonic: Duration::from_secs(seconds),
        wall: wall.parse().ok(),
    };
    let closing = ["energy_import 1234.50 kWh closes 2026-06-11"];
    let mut ask = |now: Moment| {
        device.look_at_the_clock(now, CLOSING_PATIENCE);
        let kept = hear(&mut device, input(72, 2), &KWH, now);
        device.look_at_the_clock(now, CLOSING_PATIENCE);
        (kept, device.settled_through(now.wall.unwrap()))
    };
    assert_eq!(ask(at(0, "2026-06-11T07:00:30Z")).0, closing);
    ask(at(60, "2026-06-11T06:50:00Z"));
    let midnight = at(660, MIDNIGHT);
    assert_eq!(
        ask(midnight),
        (closing.map(str::to_owned).to_vec(), midnight.wall.unwrap())
    );
}
