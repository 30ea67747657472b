//! The bus as its users see it: who owns the line, what happens when it goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::profile::{Request, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

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
            let mut reply = vec![1, 3, 2, sent[2], sent[3]];
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
            _ => {
                let (ours, theirs) = duplex(256);
                device(theirs, 1);
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
