//! The ordeal: many requests to devices of which a fifth meets a fault of every kind. Each
//! word says unit, register and the number of the request that it answers, so that a reply
//! in the wrong place or of another time shows. Time is tokio's paused time.
//!
//! `ENERVUE_TEST_REQUESTS` says how many, `ENERVUE_TEST_SEED` by which seed; the figures are
//! printed with `--nocapture`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::profile::{Library, Request, Table};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use tokio::io::{DuplexStream, duplex};
use tokio::time::{sleep, sleep_until};

use crate::bus::rtu::Master;
use crate::bus::{Ask, Bus, Fault, Pace, Timing};
use crate::poll::once;
use crate::simulate::FaultsConfig;
use crate::simulate::faults::{Exchange, FaultKind, Faults};
use crate::simulate::slave::{Asked, with_crc};
use crate::simulate::wire::{Heard, Wire, WireTime};

const BAUD: u32 = 9600;
const TIME_OUT: Duration = Duration::from_secs(1);
/// As the poller asks again, by the retries that a profile has if it says none.
const ATTEMPTS: u32 = 3;
const UNITS: u8 = 6;
/// What of the past is shown with a wrong value.
const HISTORY: usize = 48;

fn requests() -> u64 {
    said("ENERVUE_TEST_REQUESTS", 5_000)
}

fn said(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A word that is like no other: of this register of this unit, in reply to this request.
fn word(unit: u8, address: u16, number: u64) -> u16 {
    // SplitMix64's finish: every bit of the input moves every bit of the output.
    let seed = number << 24 | u64::from(unit) << 16 | u64::from(address);
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) & 0xffff) as u16
}

/// What the devices know of what they were asked.
#[derive(Debug, Default)]
struct Oracle {
    number: u64,
    /// The last request for each register.
    latest: BTreeMap<(u8, u16), u64>,
    met: BTreeMap<FaultKind, u64>,
    history: VecDeque<String>,
}

impl Oracle {
    fn ask(&mut self, asked: Asked) -> u64 {
        self.number += 1;
        for address in asked.address..asked.address + asked.count {
            self.latest.insert((asked.unit_id, address), self.number);
        }
        self.number
    }

    fn is_right(&self, unit: u8, address: u16, words: &[u16]) -> bool {
        let registers = (address..).zip(words);
        let mut right = registers.map(|(address, word_read)| {
            let number = self.latest.get(&(unit, address));
            number.is_some_and(|number| word(unit, address, *number) == *word_read)
        });
        right.all(|is_right| is_right)
    }

    /// Whether the words answer one of the requests after `number`.
    fn is_since(&self, number: u64, unit: u8, address: u16, words: &[u16]) -> bool {
        let mut since = number + 1..=self.number;
        since.any(|number| {
            let mut registers = (address..).zip(words);
            registers.all(|(address, read)| word(unit, address, number) == *read)
        })
    }

    fn note(&mut self, line: String) {
        self.history.push_back(line);
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }
}

/// Devices 1 to [`UNITS`], which have every register, on the other end of a line.
async fn devices(line: DuplexStream, mut faults: Faults, oracle: Arc<Mutex<Oracle>>) {
    let mut wire = Wire::new(line, WireTime::new(BAUD, 10));
    while let Ok(heard) = wire.next(None).await {
        let Heard::Request(request, at) = heard else {
            continue;
        };
        let asked = Asked::by(&request);
        let mut oracle = oracle.lock().unwrap();
        let number = oracle.ask(asked);
        let reply = |_| {
            let addresses = asked.address..asked.address + asked.count;
            let words = addresses.map(|address| word(asked.unit_id, address, number));
            let bytes = u8::try_from(2 * asked.count).unwrap();
            let head = [asked.unit_id, asked.function, bytes];
            with_crc(
                head.into_iter()
                    .chain(words.flat_map(u16::to_be_bytes))
                    .collect(),
            )
        };
        // Some are quick, one is slow.
        let thinking = Duration::from_millis(if asked.unit_id == UNITS { 600 } else { 20 });
        let happening = faults.meet(&Exchange {
            request,
            reply: &reply,
            thinking,
            time_out: TIME_OUT,
        });
        if let Some(kind) = happening.kind {
            *oracle.met.entry(kind).or_default() += 1;
        }
        let told = match happening.kind {
            Some(_) => format!("{number}: {asked:?}: {happening:x?}"),
            None => format!("{number}: {asked:?}"),
        };
        oracle.note(told);
        wire.send(asked.unit_id, at, happening.bursts);
    }
}

fn line(seed: u64, kinds: Option<Vec<FaultKind>>) -> (DuplexStream, Arc<Mutex<Oracle>>) {
    let (ours, theirs) = duplex(8192);
    let oracle = Arc::new(Mutex::new(Oracle::default()));
    let faults = Faults::new(&FaultsConfig {
        rate: Decimal::new(2, 1),
        seed,
        kinds,
    });
    tokio::spawn(devices(theirs, faults, Arc::clone(&oracle)));
    (ours, oracle)
}

/// How the requests of an ordeal ended.
#[derive(Debug, Default)]
struct Outcome {
    good: u64,
    at_once: u64,
    refused: u64,
    lost: BTreeMap<String, u64>,
}

impl Outcome {
    fn lose(&mut self, fault: &Fault) {
        let text = format!("{fault:?}");
        let name = text.split([' ', '{', '(']).next().unwrap_or_default();
        *self.lost.entry(name.to_owned()).or_default() += 1;
    }

    fn report(&self, what: &str, asked: u64, oracle: &Oracle) {
        let faults: u64 = oracle.met.values().sum();
        println!(
            "{what}: {asked} requests, {} exchanges, {faults} with a fault; {} good, {} of them \
             at once; {} refused for a foreign master\n  lost to: {:?}\n  met: {:?}",
            oracle.number, self.good, self.at_once, self.refused, self.lost, oracle.met
        );
    }

    fn assert_nearly_all_good(&self, asked: u64) {
        assert!(
            self.good * 100 >= asked * 99,
            "{} of {asked} good",
            self.good
        );
    }
}

fn is_final(fault: &Fault) -> bool {
    match fault {
        Fault::Exception(code) => ![5, 6].contains(code),
        Fault::Port(_) | Fault::NeverSilent => true,
        _ => false,
    }
}

/// Reads at random from random devices; every value that comes back is right.
async fn ordeal(seed: u64, asked: u64, kinds: Option<Vec<FaultKind>>) -> Outcome {
    let (ours, oracle) = line(seed, kinds);
    let mut master = Master::new(ours, Timing::new(BAUD, 10));
    let mut random = StdRng::seed_from_u64(seed + 1_000);
    let mut outcome = Outcome::default();
    for _ in 0..asked {
        let ask = Ask {
            unit: random.random_range(1..=UNITS),
            request: Request {
                table: Table::Input,
                address: random.random_range(0..4_000),
                // Mostly alike, so that lengths tell nothing.
                count: match random.random_range(0..10) {
                    0..7 => 2,
                    7 => 1,
                    _ => random.random_range(1..60),
                },
            },
            pace: Pace {
                gap: Duration::from_millis(5),
                unit_change_gap: Duration::ZERO,
                timeout: TIME_OUT,
            },
        };
        let mut attempt = 0;
        loop {
            let result = master.read(&ask).await;
            let told = format!("  {ask:?} gave {result:x?}");
            oracle.lock().unwrap().note(told);
            let free_at = master.watch().free_at();
            if let (Err(Fault::ForeignMaster(_)), Some(free_at)) = (&result, free_at) {
                // It stops asking, as it should; that is no fault of the device.
                outcome.refused += 1;
                sleep_until(free_at).await;
                continue;
            }
            attempt += 1;
            match result {
                Ok(words) => {
                    let oracle = oracle.lock().unwrap();
                    let is_right = oracle.is_right(ask.unit, ask.request.address, &words);
                    assert!(is_right, "seed {seed}: {:#?}", oracle.history);
                    assert_eq!(words.len(), usize::from(ask.request.count));
                    outcome.good += 1;
                    outcome.at_once += u64::from(attempt == 1);
                    break;
                }
                Err(fault) if attempt == ATTEMPTS || is_final(&fault) => outcome.lose(&fault),
                Err(_) => continue,
            }
            break;
        }
        if random.random_ratio(1, 10) {
            sleep(Duration::from_millis(random.random_range(0..3_000))).await;
        }
    }
    outcome.report(&format!("seed {seed}"), asked, &oracle.lock().unwrap());
    outcome
}

#[tokio::test(start_paused = true)]
async fn of_all_requests_at_twenty_percent_faults_none_gets_a_wrong_value() {
    let asked = requests();
    let seed = said("ENERVUE_TEST_SEED", 7);
    ordeal(seed, asked, None)
        .await
        .assert_nearly_all_good(asked);
}

#[tokio::test(start_paused = true)]
async fn no_kind_of_fault_alone_gives_a_wrong_value() {
    let asked = requests().div_ceil(20);
    for kind in FaultKind::OF_THE_LINE {
        println!("{kind:?}");
        ordeal(said("ENERVUE_TEST_SEED", 7), asked, Some(vec![kind])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_poller_reads_over_the_bus_is_never_another_registers() {
    let asked = requests().div_ceil(5);
    let (ours, oracle) = line(said("ENERVUE_TEST_SEED", 7), None);
    let mut ours = Some(ours);
    let bus = Bus::start_with("main", Timing::new(BAUD, 10), move || {
        ours.take()
            .ok_or_else(|| std::io::ErrorKind::NotFound.into())
    });
    let library = Library::shipped();
    let profile = library.get("eastron-sdm120").unwrap();
    let mut outcome = Outcome::default();
    let mut number = 0;
    while outcome.good + outcome.refused < asked {
        number += 1;
        assert!(number < asked, "the line is lost: {:?}", outcome.lost);
        let unit = u8::try_from(number % u64::from(UNITS)).unwrap() + 1;
        let before = oracle.lock().unwrap().number;
        match once::read(&bus, profile, unit).await {
            Ok(shown) => {
                let oracle = oracle.lock().unwrap();
                for point in &shown.points {
                    check(&oracle, before, unit, point);
                    outcome.good += u64::from(point.raw.is_some());
                }
            }
            Err(error) if matches!(error.fault, Fault::ForeignMaster(_)) => {
                outcome.refused += 1;
                sleep(Duration::from_secs(601)).await;
            }
            Err(error) => outcome.lose(&error.fault),
        }
    }
    outcome.report("over the bus", asked, &oracle.lock().unwrap());
    let lost: u64 = outcome.lost.values().sum();
    assert!(
        lost * 20 < number,
        "{lost} of {number} devices were given up"
    );
}

/// Where the SDM120 has its points, by its manual.
const SDM120: [(&str, u16); 6] = [
    ("energy_import", 0x48),
    ("energy_export", 0x4a),
    ("power", 0x0c),
    ("voltage_l1", 0x00),
    ("current_l1", 0x06),
    ("frequency", 0x46),
];

/// The words of a point are those that its registers held at one of the requests after
/// `before`: the device is read point by point.
fn check(oracle: &Oracle, before: u64, unit: u8, point: &once::ShownPoint) {
    let Some(raw) = &point.raw else {
        return;
    };
    let words = raw
        .split(' ')
        .map(|word| u16::from_str_radix(word, 16).unwrap());
    let words: Vec<u16> = words.collect();
    let (_, address) = SDM120
        .into_iter()
        .find(|(id, _)| *id == point.point)
        .unwrap();
    assert_eq!(words.len(), 2, "{raw}");
    let is_right = oracle.is_since(before, unit, address, &words);
    assert!(is_right, "{point:?} {:#?}", oracle.history);
}
