//! Damage of every kind, by seeds: nothing wrong is believed, and what lies on sound pages
//! is taken over.
//!
//! `ENERVUE_TEST_SEED` is the first seed, `ENERVUE_TEST_SEEDS` how many.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use common::id::DeviceId;
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::sync::Weight;
use common::unit::Unit;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::buffer::epoch::beside;
use crate::buffer::{Buffer, Origin};
use crate::config::BufferConfig;
use crate::reading::NewReading;

/// The files of a database by what their names end with.
type Files = Vec<(&'static str, Vec<u8>)>;

const READINGS: i64 = 3_000;
const SETTLED: u64 = 700;

fn start() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn reading(n: i64) -> NewReading {
    let long = "0102 ".repeat(if n % 97 == 0 { 300 } else { 1 });
    NewReading {
        at: start() + SignedDuration::from_millis(n * 1_234),
        clock: ClockTrust::Trusted,
        since_boot: None,
        device: DeviceId(7 + n % 6),
        point: format!("energy_{}", n % 3),
        quantity: (n % 11 != 0).then(|| Quantity::from_count(n * 7, 3, Unit::KiloWh).unwrap()),
        suspect: (n % 11 == 0).then(|| "not a number".to_owned()),
        raw: format!("{long}{n:04x}"),
        profile: "eastron-sdm120@1f2e3d4c".to_owned(),
        closes: (n % 50 == 1).then(|| "2026-11-24".parse().unwrap()),
        weight: Weight::Billing,
    }
}

/// A buffer as a power cut leaves it, by the names of its files.
fn sample() -> (Files, BTreeMap<String, Reading>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("buffer.db");
    let mut buffer = Buffer::open(&path, &BufferConfig::default(), start(), None).unwrap();
    for n in (0..READINGS).step_by(6) {
        let sweep: Vec<_> = (n..n + 6).map(reading).collect();
        buffer.append(&sweep).unwrap();
        if n > 900 && n < 910 {
            buffer.acknowledge(SETTLED, &[], start()).unwrap();
        }
    }
    let copy = ["", "-wal"].map(|suffix| (suffix, fs::read(beside(&path, suffix)).unwrap()));
    let all = buffer.read_after(0, usize::MAX).unwrap();
    assert_eq!(all.len(), usize::try_from(READINGS).unwrap());
    let all = all
        .into_iter()
        .map(|reading| (reading.canonical(), reading));
    (copy.to_vec(), all.collect())
}

/// Does harm of one kind to the files; tells of which.
fn harm(files: &mut [(&'static str, Vec<u8>)], random: &mut StdRng) -> &'static str {
    let which = random.random_range(0..files.len());
    match random.random_range(0..8) {
        0..=2 => {
            for _ in 0..random.random_range(1..60) {
                let (_, bytes) = &mut files[random.random_range(0..2)];
                let at = random.random_range(0..bytes.len());
                bytes[at] ^= random.random_range(1..=255_u8);
            }
            "flipped"
        }
        3 => {
            let (_, bytes) = &mut files[which];
            bytes.truncate(random.random_range(0..bytes.len()));
            "cut short"
        }
        4 => {
            files[1].1.clear();
            "without its log"
        }
        5 => {
            files[0].1.fill(0);
            "zeroed"
        }
        6 => {
            files[0].1[..16].copy_from_slice(b"No format 3\0\0\0\0\0");
            "of no format"
        }
        _ => {
            let (_, bytes) = &mut files[which];
            let at = random.random_range(0..bytes.len() / 512) * 512;
            random.fill(&mut bytes[at..at + 512]);
            "with a page of garbage"
        }
    }
}

/// The readings whose raw words lie, with their number's worth of bytes around, in some
/// block that was not touched: judged by the bytes alone.
fn untouched(
    before: &[(&'static str, Vec<u8>)],
    after: &[(&'static str, Vec<u8>)],
    all: &BTreeMap<String, Reading>,
) -> BTreeSet<u64> {
    let (mut whole, mut kinds): (Vec<&[u8]>, BTreeMap<Vec<u8>, bool>) = Default::default();
    for ((suffix, before), (_, after)) in before.iter().zip(after) {
        let (header, frame, skip) = match *suffix {
            "" => (0, 512, 0),
            _ => (32, 536, 24),
        };
        for at in (header..before.len().saturating_sub(frame - 1)).step_by(frame) {
            let block = &before[at..at + frame];
            if after.get(at..at + frame) == Some(block) {
                whole.push(&block[skip..]);
            }
        }
    }
    // What earlier cells left behind in the free space of another page is no row.
    whole.retain(|page| page.first() == Some(&13));
    let mut wanted: BTreeMap<&[u8], u64> = BTreeMap::new();
    for reading in all.values().filter(|reading| reading.raw.len() < 20) {
        // A row is worth nothing without what its kind has in common, which is written twice.
        let kind = kind_bytes(reading);
        let has_kind = |page: &&[u8]| page.windows(kind.len()).any(|window| window == kind);
        if kinds
            .entry(kind.clone())
            .or_insert_with(|| whole.iter().any(has_kind))
            == &true
        {
            wanted.insert(reading.raw.as_bytes(), reading.seq);
        }
    }
    let windows = whole.iter().flat_map(|page| page.windows(9));
    windows
        .filter_map(|window| wanted.get(window).copied())
        .collect()
}

/// What the row of the reading's kind has in it.
fn kind_bytes(reading: &Reading) -> Vec<u8> {
    let Reading {
        device,
        point,
        profile,
        quantity,
        ..
    } = reading;
    let unit = if quantity.is_some() { "kWh" } else { "billing" };
    let device = u8::try_from(device.0).unwrap();
    let text = format!("{point}{profile}trusted{unit}");
    [&[device], text.as_bytes()].concat()
}

fn open(path: &Path) -> Buffer {
    Buffer::open(path, &BufferConfig::default(), start(), None).unwrap()
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn of_a_damaged_buffer_what_is_intact_goes_on_and_nothing_else() {
    let (files, all) = sample();
    let first = variable("ENERVUE_TEST_SEED", 1);
    let (mut expected_all, mut salvaged_all, mut set_aside) = (0, 0, 0);
    for seed in first..first + variable("ENERVUE_TEST_SEEDS", 24) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut harmed = files.clone();
        let what = harm(&mut harmed, &mut random);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("buffer.db");
        for (suffix, bytes) in &harmed {
            fs::write(beside(&path, suffix), bytes).unwrap();
        }
        if what == "without its log" {
            fs::remove_file(beside(&path, "-wal")).unwrap();
        }
        let mut buffer = open(&path);
        let found = buffer.read_after(0, usize::MAX).unwrap();
        let mut originals = BTreeSet::new();
        let mut last = 0;
        for reading in &found {
            let original = all.get(&reading.canonical());
            let original = original.unwrap_or_else(|| panic!("seed {seed}, {what}: {reading:?}"));
            assert!(originals.insert(original.seq), "seed {seed}: twice");
            assert!(last < original.seq, "seed {seed}: out of order");
            last = original.seq;
        }
        let status = buffer.status().unwrap();
        assert_eq!(status.set_aside.is_some(), status.origin == Origin::Damage);
        if status.origin == Origin::Damage {
            set_aside += 1;
            let intact = untouched(&files, &harmed, &all);
            let expected: BTreeSet<_> = intact.into_iter().filter(|s| *s > SETTLED).collect();
            let salvaged = expected.intersection(&originals).count();
            assert!(
                salvaged * 100 >= expected.len() * 99,
                "seed {seed}, {what}: {salvaged} of {}, without {:?}",
                expected.len(),
                expected.difference(&originals).take(30).collect::<Vec<_>>()
            );
            expected_all += expected.len();
            salvaged_all += salvaged;
        }
        assert_eq!(buffer.check().unwrap().faults, 0, "seed {seed}, {what}");
        buffer.append(&[reading(9_999)]).unwrap();
    }
    eprintln!("{set_aside} set aside; of {expected_all} readings {salvaged_all} were salvaged");
}
