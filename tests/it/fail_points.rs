//! Fail points: every place in the product between two steps that must not come apart. A
//! build for tests dies at each of them, once or `ENERVUE_TEST_ROUNDS` times, in a story that
//! leads there, starts again without, and in the end the line, the buffers and the cloud are
//! compared: nothing lost, nothing twice, nothing altered.
//!
//! The points are found in the sources: one that no story reaches fails the test.

mod ledger;
mod lives;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tests::process::{PATIENCE, Running, wait_for};
use tests::program::workspace;

/// Names the folder with both programs built with the feature `fail-points`.
const PROGRAMS_VARIABLE: &str = "ENERVUE_TEST_FAIL_POINT_PROGRAMS";

/// A program built so that it can die at its points.
fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os(PROGRAMS_VARIABLE);
    let folder = folder.unwrap_or_else(|| panic!("{PROGRAMS_VARIABLE} is not set: use tests/run"));
    Path::new(&folder).join(name)
}

fn at(point: &str) -> [(String, String); 1] {
    [("ENERVUE_FAIL_POINT".to_owned(), point.to_owned())]
}

/// How often each point is tried.
fn rounds() -> u64 {
    tests::figures::wanted("ENERVUE_TEST_ROUNDS", 1)
}

/// Waits until the program has died at `point`, and nowhere else.
async fn dies(running: &mut Running, point: &str) {
    let ended = async || running.has_ended();
    let waited = wait_for(point, PATIENCE * 3, ended).await;
    let tail = running.tail();
    waited.unwrap_or_else(|error| panic!("{error:#}{tail}"));
    let words = format!("the program dies at its fail point {point}\n");
    assert!(tail.contains(&words), "{point}: {tail}");
}

/// Which way leads to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Story {
    /// The gateway reads, keeps and sends.
    Ordinary,
    /// A day ends for what it has acknowledged.
    DayEnd,
    /// It changes its key.
    KeyChange,
    /// Its card is new.
    NewCard,
    /// Its card is new, and nobody tells it the time until it has read.
    LateTime,
    /// Its database is damaged.
    Damage,
    /// An old copy of its disk comes back.
    OldCopy,
    /// The cloud was restored from a copy.
    RestoredCloud,
    /// More is read than may be kept.
    Bound,
    /// The cloud takes a batch.
    Batch,
    /// The cloud lets a gateway in.
    Enrolment,
    /// A period ends and its invoice is due.
    Billing,
}

/// The story of each point, by how its name begins; the longest that fits counts.
const STORIES: [(&str, Story); 18] = [
    ("buffer-", Story::Ordinary),
    ("buffer-acknowledge-", Story::DayEnd),
    ("key-change-", Story::KeyChange),
    ("buffer-migrate-", Story::NewCard),
    ("buffer-date-", Story::LateTime),
    ("buffer-set-aside-", Story::Damage),
    ("buffer-salvage-", Story::Damage),
    ("buffer-epoch-", Story::Damage),
    ("buffer-epoch-before-finish", Story::OldCopy),
    ("buffer-epoch-after-finish", Story::OldCopy),
    ("buffer-rewind-", Story::RestoredCloud),
    ("buffer-drop-", Story::Bound),
    ("uplink-", Story::Ordinary),
    ("uplink-list-", Story::OldCopy),
    ("uplink-epoch-", Story::OldCopy),
    ("batch-", Story::Batch),
    ("enrol-", Story::Enrolment),
    ("invoice-", Story::Billing),
];
/// What is sent apart from the invoice's own transaction.
const NOTICE: &str = "send-";

fn story(point: &str) -> Story {
    if point.starts_with(NOTICE) {
        return Story::Billing;
    }
    let fits = STORIES.iter().filter(|(start, _)| point.starts_with(start));
    let longest = fits.max_by_key(|(start, _)| start.len());
    longest
        .unwrap_or_else(|| panic!("no story leads to the fail point {point}"))
        .1
}

/// Every point in the sources of the product, by its story.
fn points() -> BTreeMap<Story, Vec<String>> {
    let mut found: BTreeMap<Story, Vec<String>> = BTreeMap::new();
    let mut waiting: Vec<PathBuf> = ["common/src", "gateway/src", "cloud/src"]
        .map(|folder| workspace().join(folder))
        .into();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for rest in text.split("fail_point(\"").skip(1) {
                let name = rest.split('"').next().unwrap().to_owned();
                found.entry(story(&name)).or_default().push(name);
            }
        }
    }
    for names in found.values_mut() {
        names.sort();
    }
    found
}

#[test]
fn every_point_has_a_name_of_its_own() {
    let points = points();
    let all: Vec<&String> = points.values().flatten().collect();
    let distinct: std::collections::BTreeSet<&String> = all.iter().copied().collect();
    assert!(all.len() > 10, "{all:?}");
    assert_eq!(all.len(), distinct.len(), "{all:?}");
}
