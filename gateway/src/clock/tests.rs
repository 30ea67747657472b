//! The clock as the parts of the program see it.

use super::*;

#[tokio::test]
async fn a_test_clock_stands_still_until_its_file_changes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("clock");
    assert!(Clock::test(&file).is_err(), "there is no file");
    fs::write(&file, "yesterday").unwrap();
    assert!(Clock::test(&file).is_err(), "there is no instant");

    let (first, second) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    fs::write(&file, first).unwrap();
    let clock = Clock::test(&file).unwrap();
    assert_eq!(clock.now(), first.parse().unwrap());
    assert_eq!(clock.trust(), ClockTrust::Trusted);
    let waiting = tokio::spawn({
        let clock = clock.clone();
        async move { clock.wait_until(second.parse().unwrap()).await }
    });
    fs::write(&file, "garbage").unwrap();
    assert_eq!(clock.now(), first.parse().unwrap(), "the last good one");
    assert!(!waiting.is_finished());
    let next = directory.path().join("next");
    fs::write(&next, format!("{second}\n")).unwrap();
    fs::rename(&next, &file).unwrap();
    waiting.await.unwrap();
    assert_eq!(clock.moved_from(first.parse().unwrap()).await, clock.now());
}
