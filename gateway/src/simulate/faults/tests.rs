//! The engine by itself: each kind of fault does what its name says, and does it again.

use rust_decimal::Decimal;

use super::*;
use crate::simulate::slave::with_crc;

const THINKING: Duration = Duration::from_millis(20);
const TIME_OUT: Duration = Duration::from_secs(1);

fn request(unit: u8, address: u8) -> [u8; REQUEST_BYTES] {
    let frame = with_crc(vec![unit, 4, 0, address, 0, 2]);
    frame.try_into().unwrap()
}

fn reply(unit: u8, address: u8) -> Vec<u8> {
    with_crc(vec![unit, 4, 4, unit, address, unit, address + 1])
}

fn faults(seed: u64, rate: &str, kinds: &[FaultKind]) -> Faults {
    Faults::new(&FaultsConfig {
        rate: rate.parse().unwrap(),
        seed,
        kinds: (!kinds.is_empty()).then(|| kinds.to_vec()),
    })
}

fn meet(faults: &mut Faults, unit: u8, address: u8) -> Happening {
    let reply = |lie| match lie {
        Lie::None => reply(unit, address),
        _ => with_crc(vec![unit, 4, 4, 0, 0, 0, 0]),
    };
    faults.meet(&Exchange {
        request: request(unit, address),
        reply: &reply,
        thinking: THINKING,
        time_out: TIME_OUT,
    })
}

/// What comes back, in order and as one.
fn bytes(happening: &Happening) -> Vec<u8> {
    let mut bursts = happening.bursts.clone();
    bursts.sort_by_key(|burst| burst.after);
    bursts.into_iter().flat_map(|burst| burst.bytes).collect()
}

#[test]
fn the_same_seed_and_requests_give_the_same_faults() {
    let run = |seed| {
        let mut faults = faults(seed, "0.5", &[]);
        let happenings = (0..200).map(|n| meet(&mut faults, n % 6 + 1, n));
        happenings.collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn faults_come_at_their_rate_and_of_every_kind() {
    let mut faults = faults(7, "0.2", &FaultKind::OF_THE_LINE);
    let mut met = std::collections::BTreeMap::<FaultKind, u32>::new();
    for n in 0..20_000_u32 {
        let happening = meet(&mut faults, u8::try_from(n % 6).unwrap() + 1, 9);
        if let Some(kind) = happening.kind {
            *met.entry(kind).or_default() += 1;
        }
    }
    assert_eq!(met.len(), FaultKind::OF_THE_LINE.len());
    let all: u32 = met.values().sum();
    assert!((3_800..4_200).contains(&all), "{met:?}");
}

#[test]
fn each_kind_does_what_its_name_says() {
    use FaultKind as Kind;
    let honest = reply(3, 100);
    let same = |bytes: &[u8]| bytes == reply(3, 100);
    type Holds = fn(&Happening, &[u8]) -> bool;
    let first = |happening: &Happening| happening.bursts[0].after;
    let table: [(Kind, Holds); 16] = [
        (Kind::Late, |h, _| {
            (TIME_OUT..TIME_OUT * 2).contains(&h.bursts[0].after)
        }),
        (Kind::VeryLate, |h, _| {
            (TIME_OUT * 2..TIME_OUT * 4).contains(&h.bursts[0].after)
        }),
        (Kind::Silence, |h, _| h.bursts.is_empty()),
        (Kind::Overtaken, |h, _| h.bursts.is_empty()),
        (Kind::Stall, |h, _| h.bursts.is_empty()),
        (Kind::Short, |_, bytes| bytes.len() < 9),
        (Kind::Long, |_, bytes| bytes.len() > 9),
        (Kind::WrongUnit, |_, bytes| bytes[0] != 3),
        (Kind::WrongFunction, |_, bytes| bytes[..2] == [3, 3]),
        (Kind::Echo, |_, bytes| bytes.starts_with(&request(3, 100))),
        (Kind::Crc, |_, bytes| {
            let wrong = bytes
                .iter()
                .zip(reply(3, 100))
                .map(|(a, b)| (a ^ b).count_ones());
            wrong.sum::<u32>() == 1
        }),
        (Kind::NoiseBefore, |_, bytes| {
            bytes.ends_with(&reply(3, 100))
        }),
        (Kind::NoiseAfter, |_, bytes| {
            bytes.starts_with(&reply(3, 100))
        }),
        (Kind::Glued, |_, bytes| bytes.len() == 18),
        (Kind::Exception, |_, bytes| bytes[..2] == [3, 0x84]),
        (Kind::NullBytes, |_, bytes| bytes == [0; 9]),
    ];
    for seed in 0..20 {
        for (kind, holds) in table {
            let happening = meet(&mut faults(seed, "1", &[kind]), 3, 100);
            assert_eq!(happening.kind, Some(kind));
            assert!(holds(&happening, &bytes(&happening)), "{happening:?}");
        }
        let split = meet(&mut faults(seed, "1", &[Kind::Split]), 3, 100);
        assert!(split.bursts.len() > 1 && same(&bytes(&split)), "{split:?}");
        let stray = bytes(&meet(&mut faults(seed, "1", &[Kind::Stray]), 3, 100));
        let (last, frame) = stray.split_last().unwrap();
        assert!(same(frame) && [0, 0xff].contains(last));
        let second = meet(&mut faults(seed, "1", &[Kind::SecondMaster]), 3, 100);
        assert!(second.bursts.iter().any(|burst| burst.bytes.len() == 8));
        let lie = meet(&mut faults(seed, "1", &[Kind::AllZero]), 3, 100);
        assert_eq!(bytes(&lie), with_crc(vec![3, 4, 4, 0, 0, 0, 0]));
        assert_eq!(first(&lie), THINKING);
        let none = meet(&mut faults(seed, "0", &[]), 3, 100);
        assert_eq!((none.kind, bytes(&none)), (None, honest.clone()));
    }
}

#[test]
fn a_held_reply_surfaces_under_the_next_request() {
    let mut overtaken = faults(1, "1", &[FaultKind::Overtaken]);
    meet(&mut overtaken, 3, 100);
    let next = meet(&mut overtaken, 4, 50);
    assert_eq!(bytes(&next), reply(3, 100));

    for seed in 0..20 {
        let mut stalled = faults(seed, "1", &[FaultKind::Stall]);
        let answered = (0..9).map(|n| bytes(&meet(&mut stalled, 3, n)));
        let answered: Vec<Vec<u8>> = answered.collect();
        let all: Vec<u8> = answered.concat();
        // Every reply comes, in order, and none with its own request alone.
        let due: Vec<u8> = (0..9).flat_map(|n| reply(3, n)).collect();
        assert!(due.starts_with(&all) && !all.is_empty(), "seed {seed}");
        assert!(answered.iter().filter(|bytes| bytes.is_empty()).count() >= 3);

        let mut behind = faults(seed, "1", &[FaultKind::Behind]);
        let first = meet(&mut behind, 3, 1);
        let second = meet(&mut behind, 3, 2);
        let third = meet(&mut behind, 3, 3);
        let all = [bytes(&first), bytes(&second), bytes(&third)].concat();
        assert!(first.bursts.is_empty());
        assert!(all.starts_with(&reply(3, 1)), "seed {seed}: {all:x?}");
    }
    let rate = Decimal::new(2, 1);
    let config = FaultsConfig {
        rate,
        seed: 0,
        kinds: None,
    };
    assert_eq!(config.per_million(), 200_000);
}
