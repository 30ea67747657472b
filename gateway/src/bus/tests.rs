//! The bus as its users see it: who owns the line, what happens when it goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::profile::{Request, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use super::owner::FAULTS_MAX;
use super::*;

fn ask(address: u16) -> Ask {
    Ask {
        unit: 1,
        request: Request {
            table: Table::Holding,
            address,
            count: 1,
        },
        pace: Pace {
            gap: Duration::ZERO,
            unit_change_gap: Duration::ZERO,
            timeout: Duration::from_millis(200),
        },
    }
}

/// A device that answers each register with its own address, `answers` times; at the next
/// request its end of the line vanishes.
fn device(mut line: DuplexStream, answers: usize) {
    tokio::spawn(async move {
        for _ in 0..answers {
            let mut sent = [0; 8];
            line.read_exact(&mut sent).await.unwrap();
            let mut reply = vec![1, 3, 2 * sent[5]];
            for register in (sent[3]..).take(sent[5].into()) {
                reply.extend([sent[2], register]);
            }
            reply.extend(modbus_core::rtu::crc16(&reply).to_be_bytes());
            sleep(Duration::from_millis(50)).await;
            line.write_all(&reply).await.unwrap();
        }
        let _ = line.read_exact(&mut [0; 8]).await;
    });
}

#[tokio::test(start_paused = true)]
async fn a_port_that_vanishes_is_opened_again_and_says_so_in_between() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let bus = Bus::start_with("main", Timing::new(9600, 10), move || {
        match count.fetch_add(1, Ordering::Relaxed) {
            1 => Err(io::Error::other("/dev/x is not there")),
            before => {
                let (ours, theirs) = duplex(256);
                // The one that was lost on its way is owed: another must be answered first.
                device(theirs, if before == 0 { 1 } else { 2 });
                Ok(ours)
            }
        }
    });
    assert_eq!(bus.read(ask(7)).await, Ok(vec![7]));
    assert!(bus.state().open);
    let error = bus.read(ask(8)).await.unwrap_err();
    assert!(error.is_of_the_port(), "{error}");
    sleep(Duration::from_millis(1_500)).await;
    let error = bus.read(ask(8)).await.unwrap_err().to_string();
    assert_eq!(error, "bus main has no port: /dev/x is not there");
    assert_eq!(bus.state().error.as_deref(), Some("/dev/x is not there"));
    sleep(Duration::from_secs(3)).await;
    assert_eq!(bus.read(ask(9)).await, Ok(vec![9]));
    assert_eq!(bus.state().error, None);
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_interest_does_not_break_a_request_off() {
    let bus = Bus::start_with("main", Timing::new(9600, 10), || {
        let (ours, theirs) = duplex(256);
        device(theirs, 3);
        Ok(ours)
    });
    assert_eq!(bus.read(ask(1)).await, Ok(vec![1]));
    let impatient = tokio::time::timeout(Duration::from_millis(10), bus.read(ask(2)));
    assert!(impatient.await.is_err());
    assert_eq!(bus.read(ask(3)).await, Ok(vec![3]));
    assert_eq!(bus.state().counts.answers, 3);
}

#[tokio::test(start_paused = true)]
async fn a_line_on_which_nothing_works_is_opened_anew() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let mut kept = Vec::new();
    let bus = Bus::start_with("main", Timing::new(9600, 10), move || {
        count.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = duplex(4096);
        kept.push(theirs);
        Ok(ours)
    });
    for _ in 0..=FAULTS_MAX {
        let error = bus.read(ask(1)).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Silence { .. }), "{error}");
    }
    assert_eq!(opened.load(Ordering::Relaxed), 2);
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = body.to_vec();
    frame.extend(modbus_core::rtu::crc16(body).to_be_bytes());
    frame
}

/// A line of which the test holds the other end.
fn held_line() -> (
    impl FnMut() -> io::Result<DuplexStream> + Send,
    DuplexStream,
) {
    let (ours, theirs) = duplex(4096);
    let mut ours = Some(ours);
    let connect = move || {
        ours.take()
            .ok_or_else(|| io::Error::other("/dev/x is not there"))
    };
    (connect, theirs)
}

#[tokio::test(start_paused = true)]
async fn a_port_that_vanishes_while_nobody_asks_is_noticed() {
    let (connect, theirs) = held_line();
    let bus = Bus::start_with("main", Timing::new(9600, 10), connect);
    sleep(Duration::from_secs(1)).await;
    assert!(bus.state().open);
    drop(theirs);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(
        bus.state().error.as_deref(),
        Some("it was closed, or unplugged")
    );
}

#[tokio::test(start_paused = true)]
async fn the_pauses_between_attempts_double_to_the_one_that_was_set() {
    let opened = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&opened);
    let manner = Manner {
        reopen_max: Duration::from_secs(4),
        ..Manner::default()
    };
    let connect = move || -> io::Result<DuplexStream> {
        count.fetch_add(1, Ordering::Relaxed);
        Err(io::Error::other("/dev/x is not there"))
    };
    let _bus = Bus::start_in("main", Timing::new(9600, 10), manner, connect);
    sleep(Duration::from_millis(19_500)).await;
    // At 0, 1, 3, 7, 11, 15 and 19 seconds.
    assert_eq!(opened.load(Ordering::Relaxed), 7);
}

#[tokio::test(start_paused = true)]
async fn the_line_is_heard_before_anybody_is_asked() {
    let (connect, mut theirs) = held_line();
    let manner = Manner {
        listen_first: Duration::from_secs(10),
        ..Manner::default()
    };
    let bus = Bus::start_in("main", Timing::new(9600, 10), manner, connect);
    let started = Instant::now();
    let reading = tokio::spawn({
        let bus = bus.clone();
        async move { bus.read(ask(1)).await }
    });
    let mut sent = [0; 8];
    theirs.read_exact(&mut sent).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 10);
    let reply = framed(&[1, 3, 2, 0, 5]);
    theirs.write_all(&reply).await.unwrap();
    assert_eq!(reading.await.unwrap(), Ok(vec![5]));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_was_ours_is_read_again_within_35_seconds_of_its_return() {
    let opened = Instant::now();
    let (gone, back) = (Duration::from_secs(60), Duration::from_secs(125));
    let manner = Manner {
        listen_first: Duration::from_secs(10),
        ..Manner::default()
    };
    let bus = Bus::start_in("main", Timing::new(9600, 10), manner, move || {
        if (gone..back).contains(&opened.elapsed()) {
            return Err(io::Error::other("/dev/x is not there"));
        }
        let (ours, theirs) = duplex(256);
        device(theirs, if opened.elapsed() < gone { 1 } else { 1_000 });
        Ok(ours)
    });
    assert_eq!(bus.read(ask(7)).await, Ok(vec![7]));
    sleep(gone - opened.elapsed()).await;
    assert!(
        bus.read(ask(7)).await.is_err(),
        "it vanishes at this request"
    );
    while bus.read(ask(8)).await.is_err() {
        sleep(Duration::from_secs(2)).await;
    }
    let waited = opened.elapsed() - back;
    assert!(waited < Duration::from_secs(35), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn while_another_master_speaks_nobody_is_asked() {
    let (connect, mut theirs) = held_line();
    let manner = Manner {
        listen_first: Duration::from_secs(10),
        ..Manner::default()
    };
    let bus = Bus::start_in("main", Timing::new(9600, 10), manner, connect);
    let theirs_asked = framed(&[3, 4, 0, 72, 0, 2]);
    for _ in 0..2 {
        theirs.write_all(&theirs_asked).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    let error = bus.read(ask(1)).await.unwrap_err();
    assert!(error.is_of_the_port(), "{error}");
    assert!(
        error
            .to_string()
            .contains("another master asks unit 3 for 2 input registers from 72"),
        "{error}"
    );
    assert_eq!(bus.traffic().kinds().count(), 1);
    // It goes away; nothing was sent to it, and nothing is before the line is ours again.
    sleep(foreign::QUIET - Duration::from_secs(3)).await;
    assert!(bus.read(ask(1)).await.is_err());
    assert!(bus.state().foreign.is_some());
    sleep(Duration::from_secs(3)).await;
    assert_eq!(bus.state().foreign, None);
    device(theirs, 1);
    assert_eq!(bus.read(ask(7)).await, Ok(vec![7]));
}

#[tokio::test(start_paused = true)]
async fn a_listener_tells_what_it_hears_and_asks_nobody() {
    let (connect, mut theirs) = held_line();
    let (bus, mut heard) = Bus::listen("main", Manner::default(), connect);
    theirs
        .write_all(&framed(&[3, 4, 0, 72, 0, 1]))
        .await
        .unwrap();
    theirs.write_all(&framed(&[3, 4, 2, 0, 9])).await.unwrap();
    assert_eq!(heard.recv().await.unwrap().reply, overhear::Reply::Awaited);
    let words = overhear::Reply::Words(vec![9]);
    assert_eq!(heard.recv().await.unwrap().reply, words);
    theirs
        .write_all(&framed(&[4, 4, 0, 72, 0, 1]))
        .await
        .unwrap();
    assert_eq!(heard.recv().await.unwrap().unit, 4);
    // Silence, not a byte more, says that there was no reply.
    let missing = overhear::Reply::Missing;
    assert_eq!(heard.recv().await.unwrap().reply, missing);

    let error = bus.read(ask(1)).await.unwrap_err().to_string();
    assert!(error.contains("only listens"), "{error}");
    let written = tokio::time::timeout(Duration::from_secs(60), theirs.read_u8());
    assert!(written.await.is_err(), "it wrote");
    drop(theirs);
    sleep(Duration::from_millis(1)).await;
    assert!(bus.state().error.is_some());
    bus.close().await;
}

/// A line whose unit 1 answers each request with the reply to the one before, and whose other
/// units are silent.
fn one_behind(mut line: DuplexStream, before: Arc<std::sync::Mutex<Option<[u8; 2]>>>) {
    tokio::spawn(async move {
        let mut sent = [0; 8];
        while line.read_exact(&mut sent).await.is_ok() {
            if sent[0] != 1 {
                continue;
            }
            let late = before.lock().unwrap().replace([sent[2], sent[3]]);
            let Some([high, low]) = late else { continue };
            let mut reply = vec![1, 3, 2, high, low];
            reply.extend(modbus_core::rtu::crc16(&reply).to_be_bytes());
            sleep(Duration::from_millis(50)).await;
            line.write_all(&reply).await.unwrap();
        }
    });
}

#[tokio::test(start_paused = true)]
async fn what_a_unit_owes_is_known_when_the_port_has_been_opened_again() {
    let opened = Arc::new(AtomicU32::new(0));
    let (count, before) = (Arc::clone(&opened), Arc::default());
    let bus = Bus::start_with("main", Timing::new(9600, 10), move || {
        count.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = duplex(256);
        one_behind(theirs, Arc::clone(&before));
        Ok(ours)
    });
    assert!(bus.read(ask(7)).await.is_err());
    while opened.load(Ordering::Relaxed) < 2 {
        let _ = bus.read(Ask { unit: 2, ..ask(1) }).await;
    }
    let got = bus.read(ask(8)).await;
    assert!(!matches!(&got, Ok(words) if *words != [8]), "{got:?}");
}
