//! Stories: what is sealed, dated, lost and let go.

use common::id::{BootId, MeterId};
use common::reading::{ClockTrust, SinceBoot};
use common::seal::Head;
use common::sync::{
    ClockSource, Closing, DeviceMounting, HeldReading, LossReason, Rejection, RejectionCode, Weight,
};
use ed25519_dalek::SigningKey;

use super::*;

const BOOT: BootId = BootId(9);

pub(super) fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(super) fn sealing() -> Sealing {
    let mounting = DeviceMounting {
        meter: MeterId(3),
        point: "energy_import".to_owned(),
        from: start() - SignedDuration::from_hours(1),
        head: Head::default(),
    };
    let closing = Closing {
        closes: "2026-11-25".parse().unwrap(),
        at: start() + SignedDuration::from_hours(24),
    };
    Sealing {
        key: key(),
        mountings: vec![(DeviceId(7), mounting)],
        closings: [(DeviceId(7), vec![closing])].into(),
    }
}

pub(super) fn undated(minutes: i64) -> NewReading {
    NewReading {
        at: Timestamp::UNIX_EPOCH,
        clock: ClockTrust::Untrusted,
        since_boot: Some(SinceBoot {
            boot: BOOT,
            elapsed_ms: u64::try_from(minutes * 60_000).unwrap(),
        }),
        closes: None,
        ..reading(minutes)
    }
}

fn on_this_boot(path: &Path) -> Buffer {
    let mut buffer = Buffer::open(path, &BufferConfig::default(), start(), Some(BOOT)).unwrap();
    buffer.set_sealing(Some(sealing()));
    buffer
}

#[test]
fn what_was_read_before_the_clock_was_set_waits_is_dated_once_and_closes_its_day() {
    let (_directory, path) = place();
    let mut buffer = on_this_boot(&path);
    buffer
        .append(&[undated(1), undated(4), undated(5), undated(30)])
        .unwrap();
    assert_eq!(
        buffer.next_batch(10).unwrap().readings,
        [],
        "it may still be dated"
    );
    let anchor = Anchor {
        boot: BOOT,
        elapsed_ms: 40 * 60_000,
        at: start() + SignedDuration::from_mins(24 * 60 + 35) + SignedDuration::from_secs(40),
        source: ClockSource::Ntp,
    };
    assert_eq!(buffer.date_boot(&anchor).unwrap(), 4);
    assert_eq!(buffer.date_boot(&anchor).unwrap(), 0);
    drop(buffer);
    let mut buffer = on_this_boot(&path);
    assert_eq!(buffer.anchor(BOOT), Some(anchor));
    buffer.append(&[undated(41)]).unwrap();
    let sent = buffer.next_batch(10).unwrap().readings;
    assert!(
        sent.iter()
            .all(|reading| reading.clock == ClockTrust::Dated)
    );
    assert_eq!(sent[4].at, anchor.at + SignedDuration::from_mins(1));
    let closes: Vec<_> = sent
        .iter()
        .map(|reading| reading.closes.is_some())
        .collect();
    assert_eq!(
        closes,
        [false, true, false, false, false],
        "20 s before the start of day"
    );
    let mut head = Head::default();
    for sealed in [&sent[0], &sent[1]] {
        let seal = sealed.seal.as_ref().unwrap();
        head = seal.check(&key().verifying_key(), head, sealed).unwrap();
    }
    assert_eq!(
        sent.iter().filter(|reading| reading.seal.is_some()).count(),
        2
    );
    assert_eq!(buffer.check().unwrap().faults, 0);
}

#[test]
fn a_chain_begins_with_the_mounting_and_goes_on_from_the_head_that_is_ahead() {
    let (_directory, path) = place();
    let mut buffer = on_this_boot(&path);
    buffer
        .append(&[reading(1), reading(2), reading(5)])
        .unwrap();
    let mut ahead = sealing();
    ahead.mountings[0].1.head = Head {
        link: 40,
        digest: common::digest::Digest([5; 32]),
    };
    buffer.set_sealing(Some(ahead));
    buffer.append(&[reading(10), reading(11)]).unwrap();
    let sent = buffer.next_batch(10).unwrap().readings;
    let links: Vec<_> = sent
        .iter()
        .map(|r| r.seal.as_ref().map(|s| s.link))
        .collect();
    assert_eq!(links, [Some(1), None, Some(2), Some(41), None]);
    assert_eq!(sent[3].seal.as_ref().unwrap().previous.0, [5; 32]);
}

#[test]
fn a_damaged_row_is_lost_and_stops_none_of_the_others() {
    let (_directory, path) = place();
    {
        let mut buffer = open(&path, start()).unwrap();
        buffer
            .append(&[reading(1), reading(2), reading(3)])
            .unwrap();
        buffer.close().unwrap();
    }
    let connection = rusqlite::Connection::open(&path).unwrap();
    let changed = connection.execute("UPDATE entry SET count = 99 WHERE seq = 2", []);
    assert_eq!(changed, Ok(1));
    drop(connection);
    let mut to_read = Buffer::open_to_read(&path).unwrap();
    assert_eq!(to_read.check().unwrap().faults, 1);
    assert_eq!(to_read.read_after(0, 9).unwrap().len(), 2);
    drop(to_read);
    let mut buffer = on_this_boot(&path);
    let sent = buffer.next_batch(9).unwrap();
    let numbers: Vec<_> = sent.readings.iter().map(|reading| reading.seq).collect();
    assert_eq!(numbers, [1, 3]);
    let loss = &sent.losses[0];
    assert_eq!(
        (loss.first, loss.last, loss.reason),
        (2, 2, LossReason::Damage)
    );
    assert!(
        loss.signature
            .is_of(&key().verifying_key(), &loss.text(sent.epoch))
    );
    let status = buffer.status().unwrap();
    assert_eq!((status.lost, status.damaged, status.kept), (1, 1, 2));
    assert_eq!(buffer.check().unwrap().faults, 0);
}

#[test]
fn the_buffer_knows_its_own_readings_from_a_doubles() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.append(&[reading(1), reading(2)]).unwrap();
    let of = |seq, n| HeldReading {
        seq,
        digest: reading(n).numbered(seq).digest(),
    };
    assert_eq!(buffer.holds(&of(2, 2)).unwrap(), Held::Same);
    assert_eq!(buffer.holds(&of(2, 3)).unwrap(), Held::Other);
    assert_eq!(buffer.holds(&of(3, 3)).unwrap(), Held::Other);
    buffer.acknowledge(1, &[], start()).unwrap();
    buffer.give_way(1).unwrap();
    assert_eq!(buffer.holds(&of(1, 1)).unwrap(), Held::Gone);
}

#[test]
fn a_power_cut_in_a_change_of_epoch_loses_nothing() {
    let (directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.append(&[reading(1)]).unwrap();
    buffer.close().unwrap();
    // Half made beside the old one; then whole, when the old one is out of the way.
    fs::write(epoch::beside(&path, ".new"), "half").unwrap();
    assert_eq!(open(&path, start()).unwrap().waiting().unwrap(), 1);
    assert!(!epoch::beside(&path, ".new").exists());
    fs::rename(&path, epoch::beside(&path, ".new")).unwrap();
    fs::write(epoch::beside(&path, "-wal"), "of the old one").unwrap();
    assert_eq!(open(&path, start()).unwrap().waiting().unwrap(), 1);
    let strays = fs::read_dir(directory.path()).unwrap().map(Result::unwrap);
    let strays = strays.filter(|f| f.file_name().to_string_lossy().contains("stray"));
    assert_eq!(strays.count(), 1);
}

#[test]
fn a_reading_that_is_given_up_is_a_loss_of_which_all_is_known() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    buffer.set_sealing(Some(sealing()));
    buffer
        .append(&[reading(1), reading(2), reading(3)])
        .unwrap();
    let poison = Rejection {
        seq: 2,
        code: RejectionCode::Unacceptable,
        reason: "400: it is poison".to_owned(),
    };
    buffer.give_up(&poison).unwrap();
    // As after a power cut.
    drop(buffer);
    let mut buffer = open(&path, start()).unwrap();
    buffer.set_sealing(Some(sealing()));
    let outgoing = buffer.next_batch(10).unwrap();
    let numbers: Vec<_> = outgoing.readings.iter().map(|r| r.seq).collect();
    assert_eq!(numbers, [1, 3]);
    let [lost] = outgoing.losses.as_slice() else {
        panic!("{:?}", outgoing.losses);
    };
    assert_eq!((lost.first, lost.last), (2, 2));
    assert_eq!(
        (lost.reason, lost.gravest),
        (LossReason::Other, Weight::Billing)
    );
    assert_eq!(lost.devices, [reading(2).device]);
    assert_eq!(lost.from, Some(reading(2).at));
    assert_eq!(buffer.rejections(10).unwrap(), [poison]);
    let status = buffer.status().unwrap();
    assert_eq!((status.lost, status.rejected, status.damaged), (1, 1, 0));
    assert_eq!(buffer.progress().unwrap(), (0, 3));
}

#[test]
fn only_what_conflicts_and_what_is_not_settled_gets_new_numbers() {
    let (_directory, path) = place();
    let mut buffer = open(&path, start()).unwrap();
    let all: Vec<_> = (1..=8).map(reading).collect();
    buffer.append(&all).unwrap();
    buffer.acknowledge(1, &[], start()).unwrap();
    let before = buffer.epoch();
    let conflicts = [2, 4, 7].into();
    assert_ne!(buffer.begin_epoch(start(), 6, &conflicts).unwrap(), before);
    let outgoing = buffer.next_batch(10).unwrap();
    let instants: Vec<_> = outgoing.readings.iter().map(|r| (r.seq, r.at)).collect();
    let expected = [2, 4, 7, 8].map(|count| reading(count).at);
    assert_eq!(instants, (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(outgoing.losses, []);
}
