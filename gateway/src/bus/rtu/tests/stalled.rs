//! Devices that are deaf for a while and then answer everything they were asked, in order;
//! and devices that serve a second master. What the ordeal found.

use super::*;

/// A device that keeps the first `deaf` requests and answers them with the one after.
fn stalled(deaf: usize) -> Master<DuplexStream> {
    let mut kept = Vec::new();
    let mut is_awake = false;
    line(move |number, sent| {
        kept.push(reply_to(&sent, number));
        is_awake |= kept.len() > deaf;
        let due = if is_awake {
            std::mem::take(&mut kept)
        } else {
            vec![]
        };
        (0..).step_by(60).skip(1).zip(due).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_device_that_was_deaf_and_then_answers_all_is_not_believed_too_soon() {
    for deaf in 1..6 {
        let mut master = stalled(deaf);
        let mut read = 0;
        for address in (100..).step_by(10).take(20) {
            if let Ok(words) = master.read(&ask(1, address, 2)).await {
                assert!(
                    is_right(&words, 1, address),
                    "{deaf}: {words:x?} for {address}"
                );
                read += 1;
            }
        }
        assert!(read > 10, "{deaf}: it is believed again at last, {read}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_masters_reply_of_the_same_length_is_no_proof_that_a_device_is_in_step() {
    // The first read is spoilt. Another master's request for one register of the same unit
    // is heard under the second; its reply and the one to our second read come much later.
    let mut second = None;
    let mut master = line(move |number, sent| match number {
        1 => vec![],
        2 => vec![(20, reply_to(&sent, number))],
        3 => {
            second = Some(reply_to(&sent, number));
            vec![(20, with_crc(vec![1, 4, 3, 200, 0, 1]))]
        }
        4 => vec![(20, with_crc(vec![1, 4, 2, 0, 99]))],
        5 => vec![(20, second.take().unwrap()), (80, reply_to(&sent, number))],
        _ => vec![(20, reply_to(&sent, number))],
    });
    for address in [100, 110, 120, 130, 140, 150] {
        if let Ok(words) = master.read(&ask(1, address, 2)).await {
            assert!(is_right(&words, 1, address), "{words:x?} for {address}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_exception_proves_nothing_about_what_was_asked_after_the_oldest() {
    // The exception belongs to the first request, the words to the second.
    let mut master = line(move |number, sent| match number {
        1 | 2 => vec![],
        3 => vec![(20, with_crc(vec![1, 0x84, 6]))],
        4 => vec![
            (20, reply_with(1, 100, 2, 2)),
            (80, reply_to(&sent, number)),
        ],
        _ => vec![(20, reply_to(&sent, number))],
    });
    master.read(&ask(1, 100, 3)).await.unwrap_err();
    for (address, count) in [(100, 3), (200, 2), (300, 2), (400, 2)] {
        if let Ok(words) = master.read(&ask(1, address, count)).await {
            assert!(is_right(&words, 1, address), "{words:x?} for {address}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_replies_behind_is_not_believed_after_a_long_pause_either() {
    for behind in 1..3 {
        let mut kept = std::collections::VecDeque::new();
        let mut master = line(move |number, sent| {
            kept.push_back(reply_to(&sent, number));
            let due = (kept.len() > behind).then(|| kept.pop_front().unwrap());
            due.into_iter().map(|reply| (20, reply)).collect()
        });
        for address in (100..).step_by(10).take(20) {
            let words = master.read(&ask(1, address, 2)).await;
            assert!(words.is_err(), "{behind} behind: {words:x?} for {address}");
            sleep(Duration::from_secs(600)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_answers_but_one_request_is_read_again_in_time() {
    // It is silent on whatever has not two registers, and once on that.
    let mut master = line(|number, sent| match (number, sent[5]) {
        (2.., 2) => vec![(20, reply_to(&sent, number))],
        _ => vec![],
    });
    let since = Instant::now();
    while master.read(&ask(1, 100, 2)).await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_secs(10)).await;
    }
}
