//! Random histories through random faults: the bill is the truth, or marked, or held.

use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rust_decimal::Decimal;

use super::fault::Fault;
use super::history::{History, Register};
use super::{Outcome, close};
use crate::billing::consumption::{Late, TOLERANCE, Taken};
use crate::billing::trace::Counter;

/// Histories drawn; `ENERVUE_TEST_SEEDS` draws more.
const HISTORIES: u64 = 60;

fn histories() -> u64 {
    let seeds = std::env::var("ENERVUE_TEST_SEEDS").ok();
    seeds
        .and_then(|seeds| seeds.parse().ok())
        .unwrap_or(HISTORIES)
}

fn register(draw: &mut StdRng) -> Register {
    match draw.random_range(0..4) {
        0 => Register {
            begins_at: Decimal::from(100_000 - draw.random_range(100..3_000)),
            modulus: Some(100_000.into()),
            is_modulus_known: draw.random_bool(0.7),
            profile: None,
        },
        1 => Register {
            begins_at: Decimal::from(draw.random_range(60_000..900_000)),
            profile: Some("eastron-sdm120".to_owned()),
            ..Register::default()
        },
        _ => Register::default(),
    }
}

/// A time of some quarters of an hour, often across an end of the period.
fn span(draw: &mut StdRng) -> (DateTime, DateTime) {
    let quarters = [1, 1, 2, 4, 6, 12, 48, 90, 120, 400, 2_000];
    let lasts = quarters[draw.random_range(0..quarters.len())];
    let midnight = |month, day| date(2026, month, day).at(0, 0, 0, 0);
    let across = draw.random_range(0..=lasts);
    let from = match draw.random_range(0..3) {
        0 => midnight(10, 20) + (15 * draw.random_range(0..42 * 96)).minutes(),
        1 => midnight(11, 1) - (15 * across).minutes(),
        _ => midnight(12, 1) - (15 * across).minutes(),
    };
    (from, from + (15 * lasts).minutes())
}

/// A register that no meter of the history shows by itself.
fn strange(draw: &mut StdRng) -> Decimal {
    match draw.random_range(0..4) {
        0 => Decimal::ZERO,
        1 => Decimal::new(1, 2),
        2 => Decimal::new(draw.random_range(0..500_000), 2),
        _ => Decimal::from(draw.random_range(20_000..50_000)),
    }
}

/// Another device's register: so far off that even after three weeks unread it cannot be the
/// same one, whatever its counter does at its end.
fn anew(draw: &mut StdRng, register: &Register) -> Decimal {
    match register.modulus {
        Some(_) => Decimal::from(draw.random_range(20_000..50_000)),
        None => Decimal::from(draw.random_range(0..5_000)),
    }
}

fn fault(draw: &mut StdRng, register: &Register) -> Fault {
    let (from, until) = span(draw);
    match draw.random_range(0..10) {
        0 | 1 => Fault::Gap { from, until },
        2 | 3 => Fault::Misread {
            from,
            until,
            register: strange(draw),
        },
        4 => Fault::Shifted {
            from,
            until,
            times: [Decimal::TEN, Decimal::new(1, 1), Decimal::ONE_HUNDRED]
                [draw.random_range(0..3)],
        },
        5 => Fault::Reset {
            at: from,
            register: anew(draw, register),
            is_recorded: draw.random_bool(0.5),
        },
        6 => Fault::Replaced {
            at: from,
            register: anew(draw, register),
            is_recorded: draw.random_bool(0.5),
        },
        7 => Fault::Restless { from, until },
        8 => Fault::Twice { from, until },
        _ => Fault::ClockOff {
            from,
            until,
            minutes: [-1_440, -60, 60, 1_440][draw.random_range(0..4)],
        },
    }
}

/// The readings that the store supplies of all: the starts of day, those around the ends, and
/// both sides of each break.
fn thinned(history: &History) -> Vec<Taken> {
    let mut good: Vec<&Taken> = history.readings.iter().collect();
    good.retain(|taken| taken.reading.is_good());
    good.sort_by_key(|taken| (taken.reading.at, taken.epoch, taken.reading.seq));
    let mut kept: Vec<&Taken> = good.clone();
    kept.retain(|taken| taken.reading.closes.is_some());
    for at in [history.period.starts_at, history.period.ends_at] {
        let near = |taken: &Taken| taken.reading.at.duration_since(at);
        kept.extend(good.iter().filter(|taken| near(taken).abs() <= TOLERANCE));
        kept.extend(good.iter().rfind(|taken| near(taken) < -TOLERANCE));
        kept.extend(good.iter().find(|taken| near(taken) > TOLERANCE));
    }
    for served in history.served() {
        let value = |taken: &Taken| taken.reading.quantity.unwrap().value();
        let mut own: Vec<&Taken> = good.clone();
        own.retain(|taken| taken.reading.device == served.mounting.device);
        let Some(lowest) = own.iter().map(|taken| value(taken)).min() else {
            continue;
        };
        let counter = Counter::of(&served.mounting, served.point.as_ref());
        let steady = counter.steady(lowest, history.unit());
        for pair in own.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let elapsed = after.reading.at.duration_since(before.reading.at);
            let hours = Decimal::from(elapsed.as_millis()) / Decimal::from(3_600_000);
            let most = steady.rise + steady.rise_per_hour.unwrap() * hours;
            let rise = value(after) - value(before);
            if -rise > steady.fall || rise > most {
                kept.extend([before, after]);
            }
        }
    }
    kept.into_iter().cloned().collect()
}

#[test]
fn a_bill_is_the_truth_or_marked_or_held() {
    let mut seen = [0_u32; 4];
    for seed in 0..histories() {
        let mut draw = StdRng::seed_from_u64(seed);
        let register = register(&mut draw);
        let mut history = History::new(register.clone());
        let count = draw.random_range(0..4);
        let faults: Vec<Fault> = (0..count).map(|_| fault(&mut draw, &register)).collect();
        // A register can be noted only as it stands by then.
        let mut faults = faults;
        faults.sort_by_key(Fault::changed_at);
        for fault in &faults {
            fault.befall(&mut history);
        }
        let late = [Late::Wait, Late::Estimate][draw.random_range(0..2)];
        let outcome = Outcome::of(&history, late);
        let place = match &outcome {
            Outcome::Read(_) => 0,
            Outcome::Interpolated { .. } => 1,
            Outcome::Estimated(_) => 2,
            Outcome::Held(_) => 3,
        };
        seen[place] += 1;
        let (truth, unrest) = (history.truth(), history.unrest());
        let told = format!("seed {seed}, {register:?}, {faults:?}: {outcome:?}, truth {truth}");
        assert!(outcome.is_honest(truth, unrest), "{told}");

        let mut others = history.clone();
        Fault::Shuffled.befall(&mut others);
        assert_eq!(Outcome::of(&others, late), outcome, "shuffled: {told}");
        others.readings = thinned(&history);
        assert_eq!(Outcome::of(&others, late), outcome, "thinned: {told}");
    }
    println!("read, interpolated, estimated, held: {seen:?}");
    // Each of them was tried.
    assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
}

#[test]
fn two_bills_together_are_the_truth_whatever_the_first_was_estimated_to_be() {
    for seed in 0..histories() {
        let mut draw = StdRng::seed_from_u64(seed);
        let mut first = History::new(Register::default());
        first.period.until = date(2026, 11, 1) + draw.random_range(2..29).days();
        first.period.ends_at = first.instant(first.period.until.at(0, 0, 0, 0));
        let mut second = History::new(Register::default());
        second.period.from = first.period.until;
        second.period.starts_at = first.period.ends_at;
        let truth = first.truth() + second.truth();
        // Across the end of the first, not its beginning: nothing was billed before that.
        let end = first.period.until.at(0, 0, 0, 0);
        let lasts = draw.random_range(1..20 * 96);
        let before = draw.random_range(0..lasts.min(96));
        let from = end - (15 * before).minutes();
        let gap = Fault::Gap {
            from,
            until: from + (15 * lasts).minutes(),
        };
        gap.befall(&mut first);
        let Ok(one) = close(&first, &[], Late::Estimate) else {
            continue;
        };
        let opening = one.segments.last().closing.clone();
        let two = close(&second, &[opening], Late::Wait).unwrap();
        let billed = one.charge.measured + two.charge.measured;
        assert_eq!(billed, truth, "seed {seed}, {gap:?}");
    }
}
