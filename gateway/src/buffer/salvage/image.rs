//! The files of a damaged database as pages: those of the file itself, then those of its log
//! of changes, in the order in which they were written.
//!
//! Read one page at a time: the gateway has less memory than the buffer may take. All that
//! the log ever held counts, of earlier rounds too: a number stands for one reading, whatever
//! page it is on, and what a page says is verified row by row.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::page::{PAGE_BYTES, Page};
use crate::buffer::epoch::beside;

const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const FRAME_BYTES: usize = FRAME_HEADER_BYTES + PAGE_BYTES;
/// Where a frame has the mark of its round of the log.
const MARK_AT: usize = 8;

/// The pages of the file and of its log.
#[derive(Debug)]
pub(super) struct Image {
    main: Option<File>,
    main_pages: u32,
    log: Option<File>,
    /// The page number in each frame of the log, and where its content is.
    frames: Vec<(u32, u64)>,
    /// The newest frame of each page in the present round.
    newest: BTreeMap<u32, u64>,
}

fn length(file: Option<&File>) -> u64 {
    file.and_then(|file| file.metadata().ok())
        .map_or(0, |metadata| metadata.len())
}

fn read(file: Option<&File>, at: u64) -> Option<Page> {
    let mut page = [0; PAGE_BYTES];
    file?.read_exact_at(&mut page, at).ok()?;
    Some(page)
}

impl Image {
    /// What is there of the database at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let main = File::open(path).ok();
        let log = File::open(beside(path, "-wal")).ok();
        let pages = length(main.as_ref()) / PAGE_BYTES as u64;
        let mut image = Self {
            main_pages: u32::try_from(pages).unwrap_or(u32::MAX),
            main,
            log,
            frames: Vec::new(),
            newest: BTreeMap::new(),
        };
        image.find_frames();
        image
    }

    fn find_frames(&mut self) {
        let Some(log) = &self.log else { return };
        let count = length(Some(log)).saturating_sub(LOG_HEADER_BYTES as u64) / FRAME_BYTES as u64;
        let mut round = None;
        for index in 0..count {
            let at = LOG_HEADER_BYTES as u64 + index * FRAME_BYTES as u64;
            let mut frame = [0; FRAME_HEADER_BYTES];
            if log.read_exact_at(&mut frame, at).is_err() {
                break;
            }
            let number = frame.first_chunk().copied().map(u32::from_be_bytes);
            let mark = frame.get(MARK_AT..MARK_AT + 8).map(<[u8]>::to_vec);
            let Some(number) = number else { break };
            self.frames.push((number, at + FRAME_HEADER_BYTES as u64));
            round = round.or(mark.clone());
            if mark == round {
                self.newest.insert(number, at + FRAME_HEADER_BYTES as u64);
            }
        }
    }

    /// How many pages there are, counting each frame of the log.
    pub(super) fn places(&self) -> u32 {
        let frames = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
        self.main_pages.saturating_add(frames)
    }

    /// The page at a place, and its number.
    pub(super) fn at(&self, place: u32) -> Option<(u32, Page)> {
        if place < self.main_pages {
            let page = read(self.main.as_ref(), u64::from(place) * PAGE_BYTES as u64)?;
            return Some((place + 1, page));
        }
        let index = usize::try_from(place - self.main_pages).ok()?;
        let (number, at) = self.frames.get(index)?;
        Some((*number, read(self.log.as_ref(), *at)?))
    }

    /// The newest content of a page.
    pub(super) fn newest(&self, number: u32) -> Option<Page> {
        match self.newest.get(&number) {
            Some(at) => read(self.log.as_ref(), *at),
            None => {
                let index = u64::from(number.checked_sub(1)?);
                read(self.main.as_ref(), index * PAGE_BYTES as u64)
            }
        }
    }
}

/// The two running sums of a log's checksum after `bytes`, in 32-bit words of either order.
fn sum_on((mut a, mut b): (u32, u32), bytes: &[u8], is_big: bool) -> (u32, u32) {
    let (words, _) = bytes.as_chunks::<4>();
    let word = |bytes: &[u8; 4]| match is_big {
        true => u32::from_be_bytes(*bytes),
        false => u32::from_le_bytes(*bytes),
    };
    let (pairs, _) = words.as_chunks::<2>();
    for [first, second] in pairs {
        a = a.wrapping_add(word(first)).wrapping_add(b);
        b = b.wrapping_add(word(second)).wrapping_add(a);
    }
    (a, b)
}

fn pair_at(bytes: &[u8], at: usize) -> Option<(u32, u32)> {
    let word = |at: usize| {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    Some((word(at)?, word(at + 4)?))
}

/// See [`super::is_log_damaged`]. A log that merely ends in the middle of a commit, as a power
/// cut leaves it, is not damaged.
pub(super) fn is_log_damaged(path: &Path) -> bool {
    let Ok(log) = std::fs::read(beside(path, "-wal")) else {
        return false;
    };
    if log.len() < LOG_HEADER_BYTES {
        return false;
    }
    let is_empty = |file: std::fs::Metadata| file.len() == 0;
    if std::fs::metadata(path).is_ok_and(is_empty) {
        return true;
    }
    let (header, frames) = log.split_at(LOG_HEADER_BYTES);
    let is_big = header.get(3).is_some_and(|byte| byte & 1 == 1);
    let own = sum_on((0, 0), header.get(..24).unwrap_or_default(), is_big);
    let is_header_sound = pair_at(header, 24) == Some(own);
    let (mut before, mut is_broken) = (Some(own), !is_header_sound);
    let mut mark = is_header_sound.then(|| header.get(16..24)).flatten();
    for frame in frames.chunks_exact(FRAME_BYTES) {
        let found = frame.get(MARK_AT..MARK_AT + 8);
        mark = mark.or(found);
        let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
        let sums = before.map(|before| {
            let sums = sum_on(before, head.get(..8).unwrap_or_default(), is_big);
            sum_on(sums, page, is_big)
        });
        let stored = pair_at(head, 16);
        let is_sound = stored.is_some() && sums == stored && found == mark;
        let is_commit = head.get(4..8) != Some(&[0; 4]);
        if is_broken && is_sound && is_commit {
            return true;
        }
        is_broken |= !is_sound;
        before = stored;
    }
    false
}
