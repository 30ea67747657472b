//! Every way in which a line can mislead (the failure matrix's F15), against a device that
//! follows a script. Its words encode unit, register and a running number, so that a reply
//! in the wrong place shows. Time is tokio's paused time.

mod stalled;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::profile::Table;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{DuplexStream, duplex, split};
use tokio::time::sleep;

use super::*;

const TIMEOUT_MS: u64 = 1_000;

/// So many milliseconds after the request, these bytes.
type Script = Vec<(u64, Vec<u8>)>;

fn ask(unit: u8, address: u16, count: u16) -> Ask {
    Ask {
        unit,
        request: Request {
            table: Table::Input,
            address,
            count,
        },
        pace: Pace {
            gap: Duration::from_millis(5),
            unit_change_gap: Duration::ZERO,
            timeout: Duration::from_millis(TIMEOUT_MS),
        },
    }
}

fn with_crc(mut body: Vec<u8>) -> Vec<u8> {
    let crc = modbus_core::rtu::crc16(&body).to_be_bytes();
    body.extend(crc);
    body
}

/// The register's word: which register of which unit it is.
fn word(unit: u8, address: u16) -> u16 {
    (u16::from(unit) << 12) | address
}

/// A reply with `count` words of which the last is the running number.
fn reply_with(unit: u8, address: u16, count: u16, number: u16) -> Vec<u8> {
    let mut body = vec![unit, 4, u8::try_from(2 * count).unwrap()];
    for offset in 0..count - 1 {
        body.extend(word(unit, address + offset).to_be_bytes());
    }
    body.extend(number.to_be_bytes());
    with_crc(body)
}

/// The reply that a request as sent deserves.
fn reply_to(sent: &[u8; 8], number: u16) -> Vec<u8> {
    let address = u16::from_be_bytes([sent[2], sent[3]]);
    reply_with(sent[0], address, u16::from(sent[5]), number)
}

/// A master on a line whose other end answers the n-th request by `script(n, request)`.
fn line(mut script: impl FnMut(u16, [u8; 8]) -> Script + Send + 'static) -> Master<DuplexStream> {
    let (ours, theirs) = duplex(4096);
    let (mut requests, replies) = split(theirs);
    let replies = Arc::new(tokio::sync::Mutex::new(replies));
    tokio::spawn(async move {
        let mut number = 0;
        let mut sent = [0; 8];
        while requests.read_exact(&mut sent).await.is_ok() {
            number += 1;
            for (after_ms, bytes) in script(number, sent) {
                let replies = Arc::clone(&replies);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(after_ms)).await;
                    let _ = replies.lock().await.write_all(&bytes).await;
                });
            }
        }
    });
    Master::new(ours, Timing::new(9600, 10))
}

/// A line that answers its first request by `first` and all others well.
fn misled_once(first: impl Fn([u8; 8]) -> Script + Send + 'static) -> Master<DuplexStream> {
    line(move |number, sent| match number {
        1 => first(sent),
        _ => vec![(20, reply_to(&sent, number))],
    })
}

fn is_right(words: &[u16], unit: u8, address: u16) -> bool {
    let registers = words.iter().zip(address..);
    let mut identified = registers.take(words.len() - 1);
    words.len() > 1 && identified.all(|(got, at)| *got == word(unit, at))
}

type First = fn([u8; 8]) -> Script;

/// Replies that are missing or come too late.
fn late_replies() -> Vec<(&'static str, First, Fault)> {
    let silence = Fault::Silence {
        waited: Duration::from_millis(TIMEOUT_MS),
    };
    vec![
        ("silence", |_| vec![], silence.clone()),
        (
            "a late reply before the next request",
            |sent| vec![(1_500, reply_to(&sent, 1))],
            silence.clone(),
        ),
        (
            "a late reply after the next request",
            |sent| vec![(2_035, reply_to(&sent, 1))],
            silence.clone(),
        ),
        (
            "a very late reply, behind the answer to the next request",
            |sent| vec![(2_500, reply_to(&sent, 1))],
            silence,
        ),
    ]
}

/// Replies that are not what was asked for.
fn wrong_replies() -> Vec<(&'static str, First, Fault)> {
    vec![
        (
            "a short reply",
            |sent| vec![(20, reply_with(sent[0], 100, 1, 1))],
            Fault::WrongLength { asked: 4, got: 2 },
        ),
        (
            "a long reply",
            |sent| vec![(20, reply_with(sent[0], 100, 3, 1))],
            Fault::WrongLength { asked: 4, got: 6 },
        ),
        (
            "another unit's reply only",
            |sent| vec![(20, reply_with(sent[0] + 1, 100, 2, 1))],
            Fault::WrongUnit { got: 2 },
        ),
        (
            "another function",
            |_| vec![(20, with_crc(vec![1, 3, 4, 0x10, 100, 0, 1]))],
            Fault::WrongFunction { asked: 4, got: 3 },
        ),
        (
            "only an echo",
            |sent| vec![(1, sent.to_vec())],
            Fault::OnlyEcho,
        ),
        (
            "a flipped bit",
            |sent| {
                let mut reply = reply_to(&sent, 1);
                reply[4] ^= 0x10;
                vec![(20, reply)]
            },
            Fault::Garbled,
        ),
        (
            "a reply cut short",
            |sent| vec![(20, reply_to(&sent, 1)[..6].to_vec())],
            Fault::CutShort { bytes: 6 },
        ),
        (
            "a converter that did not reach the device",
            |_| vec![(20, with_crc(vec![1, 0x84, 11]))],
            Fault::Exception(11),
        ),
        (
            "an exception",
            |_| vec![(20, with_crc(vec![1, 0x84, 6]))],
            Fault::Exception(6),
        ),
    ]
}

/// Replies that are right, and among noise.
fn noisy_replies() -> Vec<(&'static str, First, Fault)> {
    vec![
        (
            "noise in front",
            |sent| vec![(20, vec![0x5A]), (22, reply_to(&sent, 1))],
            Fault::Noise { bytes: 1 },
        ),
        (
            "more stray bytes in front than a released line has",
            |sent| {
                vec![
                    (20, vec![0, 0xFF]),
                    (22, [vec![0], reply_to(&sent, 1)].concat()),
                ]
            },
            Fault::Noise { bytes: 1 },
        ),
        (
            "a stray byte in front of a flipped bit",
            |sent| {
                let mut reply = reply_to(&sent, 1);
                reply[5] ^= 1;
                vec![(20, [vec![0], reply].concat())]
            },
            Fault::Garbled,
        ),
        (
            "a stray byte in front of another length",
            |sent| vec![(20, [vec![0xFF], reply_with(sent[0], 100, 3, 1)].concat())],
            Fault::WrongLength { asked: 4, got: 6 },
        ),
        (
            "a byte right behind the reply",
            |sent| vec![(20, reply_to(&sent, 1)), (22, vec![0x55])],
            Fault::Trailing,
        ),
        (
            "more stray bytes behind the reply than a released line has",
            |sent| vec![(20, reply_to(&sent, 1)), (22, vec![0, 0]), (24, vec![0xFF])],
            Fault::Trailing,
        ),
        (
            "a stray byte and another's reply behind the reply",
            |sent| {
                vec![
                    (20, reply_to(&sent, 1)),
                    (22, [vec![0], reply_with(9, 1, 2, 1)].concat()),
                ]
            },
            Fault::Trailing,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_named_and_the_next_request_gets_its_own_answer() {
    let faults = [late_replies(), wrong_replies(), noisy_replies()].concat();
    for (what, first, fault) in faults {
        let mut master = misled_once(first);
        assert_eq!(master.read(&ask(1, 100, 2)).await, Err(fault), "{what}");
        for address in [200, 300, 100] {
            let mut tries = 3;
            loop {
                match master.read(&ask(1, address, 2)).await {
                    Ok(words) if is_right(&words, 1, address) => break,
                    Ok(words) => panic!("{what}: {words:x?} for {address}"),
                    Err(fault) if tries == 0 => panic!("{what}: {fault:?} for {address}"),
                    Err(_) => tries -= 1,
                }
            }
        }
    }
}

/// Answers with something around them, and what is counted.
fn answers_among_others() -> Vec<(&'static str, First, Counts)> {
    let stray_bytes = |stray_bytes| Counts {
        stray_bytes,
        ..Counts::default()
    };
    vec![
        (
            "a released line behind it",
            |sent| vec![(20, reply_to(&sent, 1)), (22, vec![0]), (24, vec![0xFF])],
            stray_bytes(2),
        ),
        (
            "a released line in front of it",
            |sent| {
                vec![
                    (10, vec![0xFF]),
                    (20, [vec![0], reply_to(&sent, 1)].concat()),
                ]
            },
            stray_bytes(2),
        ),
        (
            "a released line on both sides",
            |sent| vec![(20, [vec![0], reply_to(&sent, 1), vec![0]].concat())],
            stray_bytes(2),
        ),
        (
            "split by pauses",
            |sent| {
                let reply = reply_to(&sent, 1);
                let bytes = reply.chunks(1).map(<[u8]>::to_vec);
                (0..).step_by(90).zip(bytes).collect()
            },
            Counts::default(),
        ),
        (
            "an echo in front",
            |sent| vec![(1, sent.to_vec()), (30, reply_to(&sent, 1))],
            Counts {
                echoes: 1,
                ..Counts::default()
            },
        ),
        (
            "an echo and the reply at once",
            |sent| vec![(20, [sent.to_vec(), reply_to(&sent, 1)].concat())],
            Counts {
                echoes: 1,
                ..Counts::default()
            },
        ),
        (
            "another unit in front",
            |sent| vec![(20, reply_with(9, 100, 2, 1)), (200, reply_to(&sent, 1))],
            Counts {
                strangers: 1,
                ..Counts::default()
            },
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_found_among_what_may_stand_around_it() {
    for (what, first, counts) in answers_among_others() {
        let mut master = misled_once(first);
        let words = master.read(&ask(1, 100, 2)).await.unwrap();
        assert!(is_right(&words, 1, 100), "{what}");
        let counts = Counts {
            answers: 1,
            ..counts
        };
        assert_eq!(master.counts(), counts, "{what}");
        let words = master.read(&ask(1, 200, 2)).await.unwrap();
        assert!(is_right(&words, 1, 200), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_without_bias_is_read_on_without_a_pause_and_told_about() {
    let mut master = line(|number, sent| vec![(20, [reply_to(&sent, number), vec![0]].concat())]);
    master.read(&ask(1, 100, 2)).await.unwrap();
    assert_eq!(master.counts().advice(), None);
    let before = Instant::now();
    for _ in 0..30 {
        master.read(&ask(1, 100, 2)).await.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
    let advice = master.counts().advice().unwrap();
    assert!(
        advice.contains("31 stray bytes") && advice.contains("bias"),
        "{advice}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_converter_that_reports_a_silent_device_is_not_taken_for_the_device() {
    // It gives up before the device does, and hands the reply on to the next request.
    let mut kept = None::<[u8; 8]>;
    let mut master = line(move |number, sent| match kept.take() {
        None => {
            kept = Some(sent);
            vec![(20, with_crc(vec![sent[0], 0x84, 11]))]
        }
        Some(before) => vec![(20, reply_to(&before, number))],
    });
    for address in [100, 200, 300, 400] {
        let words = master.read(&ask(1, address, 2)).await;
        assert!(words.is_err(), "{words:x?} for {address}");
    }
    assert!(!master.others_answer(9));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_always_one_reply_behind_is_never_believed() {
    // Each reply comes in the window of the next request, as issue 324 of tokio-modbus tells.
    let behind = Arc::new(Mutex::new(None::<[u8; 8]>));
    let mut master = line(move |number, sent| {
        let before = behind.lock().unwrap().replace(sent);
        before.map_or(vec![], |before| vec![(20, reply_to(&before, number))])
    });
    for address in (0..50).map(|step| step * 10) {
        let words = master.read(&ask(1, address, 2)).await;
        assert!(words.is_err(), "{words:x?} for {address}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_fault_the_line_is_left_alone_until_it_was_silent_for_a_time_out() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    let mut master = line(move |number, sent| {
        times.lock().unwrap().push(Instant::now());
        let after_ms = if number == 1 { 1_700 } else { 20 };
        vec![(after_ms, reply_to(&sent, number))]
    });
    master.read(&ask(1, 100, 2)).await.unwrap_err();
    // Another unit: it is the line that is left alone.
    master.read(&ask(2, 100, 2)).await.unwrap();
    let times = asked.lock().unwrap();
    let waited = (times[1] - times[0]).as_millis();
    assert!((2_700..2_710).contains(&waited), "{waited} ms");
    assert_eq!(master.counts().late, 1);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_nobody_asked_for_are_counted_and_waited_out() {
    let mut master = line(|number, sent| {
        let mut script = vec![(20, reply_to(&sent, number))];
        if number == 1 {
            script.push((300, reply_with(1, 100, 2, 99)));
        }
        script
    });
    master.read(&ask(1, 100, 2)).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    let before = Instant::now();
    let words = master.read(&ask(1, 200, 2)).await.unwrap();
    assert!(is_right(&words, 1, 200));
    assert!(before.elapsed() >= Duration::from_millis(TIMEOUT_MS));
    assert_eq!(master.counts().unsolicited_bytes, 9);
}

#[tokio::test(start_paused = true)]
async fn on_a_line_that_does_not_fall_silent_nothing_is_sent() {
    let (ours, mut theirs) = duplex(4096);
    let mut master = Master::new(ours, Timing::new(9600, 10));
    let babble = async {
        for _ in 0..1_000 {
            theirs.write_all(&[0x55]).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
    };
    let ask = ask(1, 100, 2);
    tokio::select! {
        result = master.read(&ask) => assert_eq!(result, Err(Fault::NeverSilent)),
        () = babble => panic!("it never gave up"),
    }
    let mut sent = Vec::new();
    theirs.take_waiting(&mut sent).unwrap();
    assert!(sent.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_pause_before_a_request_is_the_longer_of_line_and_device() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    let mut master = line(move |number, sent| {
        times.lock().unwrap().push(Instant::now());
        vec![(20, reply_to(&sent, number))]
    });
    let mut slow = ask(1, 100, 2);
    master.read(&slow).await.unwrap();
    master.read(&slow).await.unwrap();
    slow.pace.gap = Duration::from_millis(500);
    master.read(&slow).await.unwrap();
    let times = asked.lock().unwrap();
    let gaps: Vec<u128> = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect();
    assert!((25..30).contains(&gaps[0]), "{gaps:?}");
    assert!((520..525).contains(&gaps[1]), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_wants_a_pause_after_another_unit_gets_it_then_and_only_then() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    let mut master = line(move |number, sent| {
        times.lock().unwrap().push(Instant::now());
        vec![(20, reply_to(&sent, number))]
    });
    let plain = ask(1, 100, 2);
    let mut wants_it = ask(2, 100, 2);
    wants_it.pace.unit_change_gap = Duration::from_millis(200);
    for ask in [plain, wants_it, wants_it, plain, wants_it] {
        master.read(&ask).await.unwrap();
    }
    let times = asked.lock().unwrap();
    let gaps = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis());
    for (gap_ms, paused) in gaps.zip([true, false, false, true]) {
        let expected = if paused { 220..225 } else { 25..30 };
        assert!(expected.contains(&gap_ms), "{gap_ms} ms, paused: {paused}");
    }
}

/// What a device at the other end of a bad line does to a fifth of the requests.
fn chaos(random: &mut StdRng, sent: &[u8; 8], number: u16) -> Script {
    let reply = reply_to(sent, number);
    let late_ms = random.random_range(TIMEOUT_MS..4 * TIMEOUT_MS);
    let mut flipped = reply.clone();
    let at = random.random_range(0..reply.len());
    flipped[at] ^= 1 << random.random_range(0..8);
    let noise: Vec<u8> = (0..random.random_range(1..9))
        .map(|_| random.random())
        .collect();
    match random.random_range(0..12) {
        0 => vec![],
        1..4 => vec![(late_ms, reply)],
        4 => vec![(20, flipped)],
        5 => vec![(20, [noise, reply].concat())],
        6 => vec![(20, [reply, noise].concat())],
        7 => vec![(20, reply[..4].to_vec()), (140, reply[4..].to_vec())],
        8 => vec![(20, reply_with(sent[0] % 3 + 1, 7, 2, number)), (90, reply)],
        9 => vec![(2, sent.to_vec()), (40, reply)],
        10 => vec![(20, with_crc(vec![sent[0], 0x84, 6]))],
        _ => {
            let asked = u16::from(sent[5]);
            let count = if random.random() {
                asked + 1
            } else {
                (asked - 1).max(2)
            };
            match count == asked {
                true => vec![],
                false => vec![(20, reply_with(sent[0], 7, count, number))],
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_thousand_requests_at_twenty_percent_faults_none_gets_a_wrong_value() {
    for seed in 1..=4 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut free_at = BTreeMap::new();
        let mut master = line(move |number, sent| {
            let mut script = if random.random_ratio(1, 5) {
                chaos(&mut random, &sent, number)
            } else {
                vec![(20, reply_to(&sent, number))]
            };
            // A device answers in order.
            let now = Instant::now();
            let free = free_at.entry(sent[0]).or_insert(now);
            let wait_ms = free.saturating_duration_since(now).as_millis();
            for (after_ms, _) in &mut script {
                *after_ms = (*after_ms).max(u64::try_from(wait_ms).unwrap() + 1);
                *free = (*free).max(now + Duration::from_millis(*after_ms));
            }
            script
        });
        let mut choice = StdRng::seed_from_u64(seed + 100);
        let mut right = 0;
        let mut newest = BTreeMap::new();
        for _ in 0..500 {
            let (unit, address) = (choice.random_range(1..4), choice.random_range(100..4000));
            let count = choice.random_range(2..5);
            if let Ok(words) = master.read(&ask(unit, address, count)).await {
                assert_eq!(words.len(), usize::from(count));
                assert!(is_right(&words, unit, address), "seed {seed}: {words:x?}");
                let number = words[words.len() - 1];
                let last = newest.insert(unit, number).unwrap_or(0);
                assert!(number > last, "seed {seed}: an older reply came later");
                right += 1;
            }
        }
        assert!(right > 350, "seed {seed}: only {right} of 500 answered");
    }
}
