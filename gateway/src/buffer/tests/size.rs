//! The bound on the size, the full disk, and what is lost while it takes nothing.
//!
//! `ENERVUE_TEST_READINGS` says how many readings the bound is tried with, and what they
//! cost is printed.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::sync::{LossReason, Rejection, RejectionCode, Weight};

use super::stories::{key, sealing, undated};
use super::*;

const CHUNK: i64 = 500;

/// Gauges mostly, as the daemon brings them; a closing reading in every five hundred.
fn of(n: i64) -> NewReading {
    NewReading {
        weight: match n % 4 {
            0 | 1 => Weight::Gauge,
            2 => Weight::Counter,
            _ => Weight::Billing,
        },
        closes: (n % 500 == 3).then(|| "2026-11-24".parse().unwrap()),
        ..reading(n)
    }
}

fn chunk(n: i64) -> Vec<NewReading> {
    (n..n + CHUNK).map(of).collect()
}

fn bounded(path: &Path) -> Buffer {
    let config = BufferConfig {
        max_mib: 1,
        ..BufferConfig::default()
    };
    let mut buffer = Buffer::open(path, &config, start(), None).unwrap();
    buffer.set_sealing(Some(sealing()));
    buffer
}

/// Every number once, as a reading or as lost.
fn is_contiguous(buffer: &mut Buffer) {
    let last = buffer.status().unwrap().last_seq;
    let readings = buffer.read_after(0, usize::MAX).unwrap();
    let losses = buffer.losses_after(0, usize::MAX).unwrap();
    let spans = losses.iter().map(|lost| (lost.first, lost.last));
    let mut all: Vec<_> = readings.iter().map(|r| (r.seq, r.seq)).collect();
    all.extend(spans);
    all.sort_unstable();
    let mut next = 1;
    for (first, through) in all {
        assert_eq!(first, next);
        next = through + 1;
    }
    assert_eq!(next, last + 1);
}

#[test]
fn the_size_is_bounded_and_closing_readings_stay_longest() {
    let (_directory, path) = place();
    let mut buffer = bounded(&path);
    let count = std::env::var("ENERVUE_TEST_READINGS").map_or(60_000, |n| n.parse().unwrap());
    let mut costs: Vec<Duration> = Vec::new();
    for n in (0..count).step_by(500) {
        let readings = chunk(n);
        let begun = Instant::now();
        buffer.append(&readings).unwrap();
        costs.push(begun.elapsed());
        let bytes = buffer.status().unwrap().bytes;
        assert!(bytes <= 1024 * 1024, "{bytes} after {n}");
    }
    let held = buffer.read_after(0, usize::MAX).unwrap();
    let closings = held.iter().filter(|reading| reading.closes.is_some());
    let closings = i64::try_from(closings.count()).unwrap();
    assert_eq!(closings, count / 500, "none of the closing readings went");
    let gone = usize::try_from(count).unwrap() - held.len();
    assert_eq!(buffer.status().unwrap().lost, u64::try_from(gone).unwrap());
    let oldest_of = |weight: i64| {
        held.iter()
            .find(|r| r.closes.is_none() && of_weight(r, weight))
    };
    let (gauge, billing) = (oldest_of(0).map(|r| r.seq), oldest_of(3).map(|r| r.seq));
    assert!(gauge.is_none_or(|gauge| billing.is_some_and(|b| b < gauge)));
    is_contiguous(&mut buffer);
    assert_eq!(buffer.check().unwrap().faults, 0);
    let file = fs::metadata(&path).unwrap().len();
    assert!(file <= 1024 * 1024 + 512 * 1024, "{file}");
    let mean = |costs: &[Duration]| {
        let sum: Duration = costs.iter().sum();
        sum / u32::try_from(costs.len().max(1)).unwrap()
    };
    let part = costs.len().min(200);
    eprintln!(
        "{CHUNK} readings take {:?} at first, {:?} at last; {} are held, {file} bytes",
        mean(&costs[..part]),
        mean(&costs[costs.len() - part..]),
        held.len(),
    );
}

/// Whether the reading is [`of`] a number of that kind: its count is the number.
fn of_weight(reading: &Reading, weight: i64) -> bool {
    reading.quantity.is_some_and(|q| q.count() % 4 == weight)
}

/// Lets the database grow by `room` pages and no further, as a full disk does.
fn fill_disk(buffer: &Buffer, room: i64) {
    let pages: i64 = buffer
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let max =
        buffer
            .connection
            .pragma_update_and_check(None, "max_page_count", pages + room, |row| {
                row.get::<_, i64>(0)
            });
    assert_eq!(max.unwrap(), pages + room);
}

#[test]
fn on_a_full_disk_everything_goes_on_and_what_matters_least_gives_way() {
    let (_directory, path) = place();
    let mut buffer = on_boot(&path);
    assert!(buffer.room.ballast.exists());
    for n in (0..10_000).step_by(500) {
        buffer.append(&chunk(n)).unwrap();
    }
    fill_disk(&buffer, 0);
    let refused = buffer.append(&chunk(10_000));
    assert!(refused.is_err_and(|error| error.is_full()));
    assert!(!buffer.room.ballast.exists());
    assert_eq!(buffer.status().unwrap().lost, 0);
    // What the ballast took is free now, and no room is left to make it anew.
    fill_disk(&buffer, 2_048);
    let nowhere = Path::new("/proc/none/ballast").to_owned();
    let ballast = std::mem::replace(&mut buffer.room.ballast, nowhere);
    for n in (10_000..20_000).step_by(500) {
        buffer.append(&chunk(n)).unwrap();
    }
    let status = buffer.status().unwrap();
    assert!(status.disk_full && status.lost > 5_000, "{status:?}");
    assert_eq!(status.kept + status.lost, 20_000);
    is_contiguous(&mut buffer);
    let closings = |buffer: &mut Buffer| {
        let held = buffer.read_after(0, usize::MAX).unwrap();
        held.iter()
            .filter(|reading| reading.closes.is_some())
            .count()
    };
    assert_eq!(closings(&mut buffer), 40);

    buffer.append(&[undated(1)]).unwrap();
    let anchor = Anchor {
        boot: common::id::BootId(9),
        elapsed_ms: 0,
        at: start(),
        source: common::sync::ClockSource::Ntp,
    };
    assert_eq!(buffer.date_boot(&anchor).unwrap(), 1);
    let refused: Vec<_> = (1..=5_000)
        .map(|seq| Rejection {
            seq,
            code: RejectionCode::Unacceptable,
            reason: "of no device ".repeat(10),
        })
        .collect();
    let last = buffer.status().unwrap().last_seq;
    buffer.acknowledge(last, &refused, start()).unwrap();
    assert_eq!(buffer.status().unwrap().rejected, 5_000);

    let pages = buffer.connection.pragma_update_and_check(
        None,
        "max_page_count",
        i64::from(u32::MAX) - 1,
        |row| row.get::<_, i64>(0),
    );
    assert!(pages.unwrap() > 1_000_000);
    // The next append finds the room: nothing more goes.
    buffer.room.ballast = ballast;
    let lost = buffer.status().unwrap().lost;
    buffer.append(&chunk(20_000)).unwrap();
    assert_eq!(buffer.status().unwrap().lost, lost);
    assert!(buffer.room.ballast.exists() && !buffer.status().unwrap().disk_full);
    assert_eq!(buffer.check().unwrap().faults, 0);
}

fn on_boot(path: &Path) -> Buffer {
    let boot = Some(common::id::BootId(9));
    let mut buffer = Buffer::open(path, &BufferConfig::default(), start(), boot).unwrap();
    buffer.set_sealing(Some(sealing()));
    buffer
}

#[test]
fn what_was_lost_in_memory_has_numbers_too_and_goes_to_the_cloud() {
    let (_directory, path) = place();
    let mut buffer = on_boot(&path);
    buffer.append(&[reading(1)]).unwrap();
    buffer.forgo(&[of(4), of(7)]);
    buffer.forgo(&[of(8)]);
    assert_eq!(buffer.status().unwrap().last_seq, 1);
    assert_eq!(buffer.append(&[reading(9)]).unwrap(), 5..=5);
    let sent = buffer.next_batch(9).unwrap();
    let numbers: Vec<_> = sent.readings.iter().map(|reading| reading.seq).collect();
    assert_eq!(numbers, [1, 5]);
    let loss = &sent.losses[0];
    assert_eq!(
        (loss.first, loss.last, loss.reason),
        (2, 4, LossReason::Size)
    );
    assert_eq!(
        (loss.gravest, &*loss.devices),
        (Weight::Billing, &[DeviceId(7)][..])
    );
    assert_eq!((loss.from, loss.until), (Some(of(4).at), Some(of(8).at)));
    assert!(
        loss.signature
            .is_of(&key().verifying_key(), &loss.text(sent.epoch))
    );
    assert_eq!(buffer.status().unwrap().lost, 3);
    assert_eq!(buffer.append(&[reading(11)]).unwrap(), 6..=6);
    assert_eq!(buffer.check().unwrap().faults, 0);
}
