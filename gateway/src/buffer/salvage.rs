//! Salvage: what is intact of a damaged buffer goes into its successor.
//!
//! Every page of the file and of its log of changes is looked at, whatever the structure
//! above says; a row counts when its own checksum holds. So damage to one page costs the rows
//! on that page. What the cloud has settled stays behind, if the cursor is found; else all
//! that is found goes along, which the cloud counts as another epoch's. The place of each row
//! takes 24 bytes of memory, the rows themselves are read when it is their turn. Lacks: when
//! both copies of what a kind of readings has in common are lost, as with the whole of the
//! main file, its readings are too; and what the cloud refused stays in the old file.

mod image;
mod known;
mod page;
#[cfg(test)]
mod tests;

use std::path::Path;

use common::fail_point::fail_point;
use common::reading::ClockTrust;
use common::sync::LossReason;

use self::image::Image;
use self::known::Known;
use self::page::Cell;
use super::epoch::Successor;
use super::loss::Lost;
use super::{BufferError, Life};

/// Rows taken over in one transaction.
const PAGE: usize = 1_000;

/// Where a row is: its number, how much it is preferred to another with that number, and
/// the place of its page and cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    seq: i64,
    /// Least first: what was dated, or became a closing reading, replaced what it was.
    plainness: u8,
    page: u32,
    cell: u16,
}

/// Whether the log of changes has lost pages between its first and its last commit, or has
/// no database: what the engine would forget without a word.
pub(super) fn is_log_damaged(path: &Path) -> bool {
    image::is_log_damaged(path)
}

/// Fills the successor of the damaged database at `path` with what of it is intact and not
/// settled; tells how many readings that are.
pub(super) fn salvage(path: &Path, life: Life) -> Result<u64, BufferError> {
    let image = Image::of(path);
    let mut known = Known::default();
    each_cell(&image, |_, _, cell| known.learn(&cell));
    let through = known
        .cursor
        .map_or(0, |cursor| super::stored(cursor.through));
    let mut places = Vec::new();
    each_cell(&image, |page, index, cell| {
        if cell.id <= through {
            return;
        }
        if let Some(held) = known.reading(&cell) {
            let reading = &held.reading;
            let is_dated = reading.clock != ClockTrust::Untrusted;
            let plainness = 2 - u8::from(is_dated) - u8::from(reading.closes.is_some());
            let cell = u16::try_from(index).unwrap_or(u16::MAX);
            let seq = super::stored(reading.seq);
            places.push(Place {
                seq,
                plainness,
                page,
                cell,
            });
        }
    });
    places.sort_unstable();
    places.dedup_by_key(|place| place.seq);
    fail_point("buffer-salvage-before-successor");
    let mut successor = Successor::begin(path, life)?;
    let mut next = known.cursor.map(|cursor| cursor.through + 1);
    for page in places.chunks(PAGE) {
        let mut rows = Vec::new();
        for place in page {
            let held = read(&image, *place).and_then(|cell| known.reading(&cell));
            let Some(mut held) = held else { continue };
            let seq = held.reading.seq;
            held.reading.seal = known.seals.get(&place.seq).cloned();
            known.go_on(&held);
            let mut lost = Vec::new();
            if let Some(next) = next.filter(|next| *next < seq) {
                lost.push(Lost::unknown(next, seq - 1, LossReason::Damage));
            }
            next = next.map(|_| seq + 1);
            rows.push((lost, Some(held)));
        }
        successor.take(rows)?;
        fail_point("buffer-salvage-between-pages");
    }
    successor.know(&known.chains, &known.anchors)?;
    fail_point("buffer-salvage-before-finish");
    successor.finish()?;
    fail_point("buffer-salvage-after-finish");
    Ok(u64::try_from(places.len()).unwrap_or(u64::MAX))
}

fn each_cell(image: &Image, mut found: impl FnMut(u32, usize, Cell)) {
    for place in 0..image.places() {
        let Some((number, bytes)) = image.at(place) else {
            continue;
        };
        for index in 0..page::cell_count(&bytes, number) {
            let cell = page::cell(&bytes, number, index, &|number| image.newest(number));
            if let Some(cell) = cell {
                found(place, index, cell);
            }
        }
    }
}

fn read(image: &Image, place: Place) -> Option<Cell> {
    let (number, bytes) = image.at(place.page)?;
    let follow = |number| image.newest(number);
    page::cell(&bytes, number, usize::from(place.cell), &follow)
}
