//! The buffer after a restart, through damage, and under its lock.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use common::id::DeviceId;
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::unit::Unit;
use jiff::{SignedDuration, Timestamp};

mod model;
mod size;
mod stories;

use super::*;

const START: &str = "2026-11-24T08:00:00Z";

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn days_later(days: u32) -> Timestamp {
    start() + SignedDuration::from_hours(24 * i64::from(days))
}

fn reading(count: i64) -> NewReading {
    NewReading {
        at: start() + SignedDuration::from_millis(count),
        clock: ClockTrust::Trusted,
        since_boot: None,
        device: DeviceId(7),
        point: "energy_import".to_owned(),
        quantity: Some(Quantity::from_count(count, 3, Unit::KiloWh).unwrap()),
        suspect: None,
        raw: "0000 04d2".to_owned(),
        profile: "eastron-sdm120@1f2e3d4c".to_owned(),
        closes: (count % 5 == 0).then(|| "2026-11-24".parse().unwrap()),
        weight: common::sync::Weight::Billing,
    }
}

fn suspect() -> NewReading {
    NewReading {
        quantity: None,
        suspect: Some("not a number".to_owned()),
        clock: ClockTrust::Untrusted,
        ..reading(0)
    }
}

fn open(path: &Path, now: Timestamp) -> Result<Buffer, BufferError> {
    Buffer::open(path, &BufferConfig::default(), now, None)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("buffer.db");
    (directory, path)
}

#[test]
fn what_was_stored_reads_back_the_same_after_a_restart() {
    let (_directory, path) = place();
    let stored = [reading(1), suspect(), reading(-5)];
    let epoch = {
        let mut buffer = open(&path, start()).unwrap();
        assert_eq!(buffer.append(&[]).unwrap().count(), 0);
        assert_eq!(buffer.append(&stored).unwrap(), 1..=3);
        buffer.epoch()
    };
    let mut buffer = open(&path, start()).unwrap();
    assert_eq!(buffer.epoch(), epoch);
    let expected: Vec<Reading> = (1..).zip(stored).map(|(n, r)| r.numbered(n)).collect();
    assert_eq!(buffer.next_batch(10).unwrap().readings, expected);
    drop(buffer);
    let mut buffer = Buffer::open_to_read(&path).unwrap();
    assert_eq!(buffer.read_after(1, 1).unwrap(), expected[1..2]);
}

#[test]
fn an_acknowledgement_of_what_was_never_stored_is_refused() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.append(&[reading(1)]).unwrap();
    let refused = buffer.acknowledge(2, &[], start());
    assert!(
        matches!(
            refused,
            Err(BufferError::NeverStored {
                through: 2,
                last: 1
            })
        ),
        "{refused:?}"
    );
    assert_eq!(buffer.waiting().unwrap(), 1);
}

#[test]
fn a_backlog_is_kept_for_its_days_after_the_acknowledgement_not_after_the_reading() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.append(&[reading(1), reading(2)]).unwrap();
    buffer.acknowledge(1, &[], days_later(100)).unwrap();
    assert_eq!(buffer.prune(45, days_later(145)).unwrap(), 0);
    assert_eq!(buffer.prune(45, days_later(146)).unwrap(), 1);
    let status = buffer.status().unwrap();
    assert_eq!((status.kept, status.waiting, status.last_seq), (1, 1, 2));
}

#[test]
fn numbers_are_not_used_again_when_every_row_is_gone() {
    let (_directory, path) = place();
    {
        // Dropped, as by a power cut: deletion itself keeps what the numbers are known from.
        let mut buffer = open(&path, start()).unwrap();
        buffer.append(&[reading(1), reading(2)]).unwrap();
        buffer.acknowledge(2, &[], start()).unwrap();
        assert_eq!(buffer.prune(0, days_later(1)).unwrap(), 2);
    }
    let mut buffer = open(&path, start()).unwrap();
    assert_eq!(buffer.append(&[reading(3)]).unwrap(), 3..=3);
}

#[test]
fn an_acknowledgement_reaches_the_disk_with_the_next_append() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.append(&[reading(1), reading(2)]).unwrap();
    buffer.acknowledge(1, &[], start()).unwrap();
    assert_eq!(buffer.waiting().unwrap(), 1);
    drop(buffer);
    let mut buffer = open(&path, start()).unwrap();
    assert_eq!(buffer.waiting().unwrap(), 2, "a power cut forgets it");
    buffer.acknowledge(1, &[], start()).unwrap();
    buffer.append(&[reading(3)]).unwrap();
    drop(buffer);
    let mut buffer = open(&path, start()).unwrap();
    assert_eq!(buffer.waiting().unwrap(), 2);
    buffer.acknowledge(2, &[], start()).unwrap();
    buffer.close().unwrap();
    assert_eq!(Buffer::open_to_read(&path).unwrap().waiting().unwrap(), 1);
}

#[test]
fn a_sweep_writes_one_small_page_and_now_and_then_a_few() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    let sweep = |n: i64| -> Vec<_> { (1..=6).map(|k| reading(n * 60_000 + k * 5 + 1)).collect() };
    buffer.append(&sweep(0)).unwrap();
    let log = path.with_extension("db-wal");
    let before = fs::metadata(&log).unwrap().len();
    let sweeps = 100;
    for n in 1..=sweeps {
        buffer.append(&sweep(n)).unwrap();
        let last = buffer.status().unwrap().last_seq;
        buffer.acknowledge(last, &[], start()).unwrap();
    }
    let grown = fs::metadata(&log).unwrap().len() - before;
    let each = grown / u64::try_from(sweeps).unwrap();
    assert!(each < 2048, "{each} bytes a sweep of six readings");
}

#[test]
fn a_damaged_buffer_is_set_aside_and_a_new_epoch_begins() {
    type Harm = fn(&PathBuf);
    let harms: [(&str, Harm); 3] = [
        ("no database", |path| fs::write(path, [0x55; 9000]).unwrap()),
        ("a damaged page", |path| {
            let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.seek(SeekFrom::Start(4096)).unwrap();
            file.write_all(&[0xff; 4096]).unwrap();
        }),
        ("cut short", |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(5000).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let (directory, path) = place();
        let old = {
            let mut buffer = open(&path, start()).unwrap();
            buffer.append(&[reading(1)]).unwrap();
            buffer.epoch()
        };
        harm(&path);
        let mut buffer = open(&path, start()).unwrap();
        let aside = buffer
            .set_aside()
            .unwrap_or_else(|| panic!("{what}"))
            .to_owned();
        assert!(
            aside.starts_with(directory.path()) && aside.exists(),
            "{what}"
        );
        assert_ne!(buffer.epoch(), old, "{what}");
        // What lies on sound pages has come along.
        let next = buffer.waiting().unwrap() + 1;
        assert!(next <= 2, "{what}");
        let given = buffer.append(&[reading(2)]).unwrap();
        assert_eq!(given, next..=next, "{what}");
    }
}

#[test]
fn a_buffer_that_is_left_behind_stays_whole_beside_the_new_one() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.append(&[reading(1)]).unwrap();
    let old = buffer.epoch();
    let left = buffer.leave(&path, start()).unwrap();
    let fresh = open(&path, start()).unwrap();
    assert_ne!(fresh.epoch(), old);
    assert_eq!(fresh.waiting().unwrap(), 0);
    let left = Buffer::open_to_read(&left).unwrap();
    assert_eq!((left.epoch(), left.waiting().unwrap()), (old, 1));
}

#[test]
fn the_last_closing_of_each_device_is_known_after_a_restart() {
    let (_directory, path) = place();
    let closing = |device, date: &str, usable| NewReading {
        device: DeviceId(device),
        closes: Some(date.parse().unwrap()),
        ..if usable { reading(1) } else { suspect() }
    };
    let mut buffer = open(&path, start()).unwrap();
    let stored = [
        closing(7, "2026-11-23", true),
        closing(7, "2026-11-24", true),
        closing(7, "2026-11-25", false),
        closing(8, "2026-11-22", true),
    ];
    buffer.append(&stored).unwrap();
    let expected = [(7, "2026-11-24"), (8, "2026-11-22")];
    let expected = expected.map(|(id, date)| (DeviceId(id), date.parse().unwrap()));
    assert_eq!(buffer.last_closings().unwrap(), expected.into());
}

#[test]
fn the_last_value_of_each_point_is_known_after_a_restart() {
    let (_directory, path) = place();
    let of = |device, reading: NewReading| NewReading {
        device: DeviceId(device),
        ..reading
    };
    let mut buffer = open(&path, start()).unwrap();
    let stored = [
        of(7, reading(41)),
        of(7, reading(42)),
        of(8, reading(43)),
        of(7, suspect()),
        of(9, suspect()),
    ];
    buffer.append(&stored).unwrap();
    let last = [&stored[1], &stored[2]].map(|reading| {
        let key = (reading.device, reading.point.clone());
        (key, (reading.at, reading.quantity.unwrap()))
    });
    assert_eq!(buffer.last_values().unwrap(), last.into());
}

#[test]
fn one_writes_or_many_read() {
    let (_directory, path) = place();
    let first = open(&path, start()).unwrap();
    // A lock of flock's kind stands between two open files, also within one process.
    assert!(matches!(open(&path, start()), Err(BufferError::InUse(_))));
    assert!(matches!(
        Buffer::open_to_read(&path),
        Err(BufferError::InUse(_))
    ));
    drop(first);
    let readers = [(); 2].map(|()| Buffer::open_to_read(&path).unwrap());
    assert!(open(&path, start()).is_err());
    drop(readers);
    assert!(open(&path, start()).is_ok());
}

#[test]
fn a_buffer_of_a_newer_program_is_left_alone() {
    let (_directory, path) = place();
    drop(open(&path, start()).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let id = 0x456e_7600 + 99;
    connection
        .pragma_update(None, "application_id", id)
        .unwrap();
    drop(connection);
    let refused = open(&path, start());
    assert!(
        matches!(refused, Err(BufferError::Newer { found: 99, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_handle_does_what_the_buffer_does() {
    let (_directory, path) = place();
    let handle = BufferHandle::spawn(open(&path, start()).unwrap()).unwrap();
    assert_eq!(
        handle.append(vec![reading(1), reading(2)]).await.unwrap(),
        1..=2
    );
    handle.acknowledge(1, Vec::new(), start()).await.unwrap();
    assert_eq!(handle.waiting().await.unwrap(), 1);
    assert_eq!(handle.next_batch(5).await.unwrap().readings[0].seq, 2);
    assert_eq!(handle.status().await.unwrap().epoch, handle.epoch());
    handle.close().await;
    assert!(matches!(handle.waiting().await, Err(BufferError::Closed)));
    assert!(open(&path, start()).is_ok(), "the lock is free");
}
