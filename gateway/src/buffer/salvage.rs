//! Salvage: what is intact of a damaged buffer goes into its successor.
//!
//! Every page of the file and of its log of changes is looked at, whatever the structure
//! above says; a row counts when its own checksum holds. So damage to one page costs the rows
//! on that page. What the cloud has settled stays behind, if the cursor is found; else all
//! that is found goes along, which the cloud counts as another epoch's. The place of each row
//! takes 24 bytes of memory, the rows themselves are read when it is their turn.

mod image;
mod page;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use common::fail_point::fail_point;
use common::id::BootId;
use common::reading::ClockTrust;
use common::seal::{Head, Seal};
use common::sync::LossReason;

use self::image::Image;
use self::page::{Cell, Value};
use super::epoch::Successor;
use super::loss::Lost;
use super::row::{self, Entry, Held, Kind};
use super::sealing::{self, Chains};
use super::{BufferError, Cursor, Life, dating, number, open};
use crate::clock::Anchor;

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

/// All that is found but the readings themselves.
#[derive(Debug, Default)]
struct Known {
    kinds: BTreeMap<i64, Vec<Kind>>,
    seals: BTreeMap<i64, Seal>,
    chains: Chains,
    anchors: BTreeMap<BootId, Anchor>,
    cursor: Option<Cursor>,
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

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(value) => Some(*value),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer says damaged, the inner absent"
)]
fn maybe<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
    match value {
        Value::Null => Some(None),
        value => read(value).map(Some),
    }
}

impl Known {
    /// Learns what a row says, whichever table it is of.
    fn learn(&mut self, cell: &Cell) {
        let id = cell.id;
        match cell.columns.as_slice() {
            [
                _,
                device,
                point,
                profile,
                clock,
                boot,
                unit,
                decimals,
                weight,
            ] => {
                let kind = || {
                    Some(Kind {
                        device: integer(device)?,
                        point: text(point)?,
                        profile: text(profile)?,
                        clock: text(clock)?,
                        boot: maybe(boot, integer)?,
                        unit: maybe(unit, text)?,
                        decimals: maybe(decimals, integer)?,
                        weight: text(weight)?,
                    })
                };
                let known = self.kinds.entry(id).or_default();
                if let Some(kind) = kind().filter(|kind| !known.contains(kind)) {
                    known.push(kind);
                }
            }
            [
                _,
                meter,
                link,
                Value::Blob(previous),
                Value::Blob(signature),
                sum,
            ] => {
                let members = integer(meter).zip(integer(link)).zip(integer(sum));
                let seal = members.and_then(|(place, sum)| {
                    row::assemble_seal(id, place, previous, signature, sum)
                });
                self.seals.extend(seal.map(|seal| (id, seal)));
            }
            [_, link, Value::Blob(digest), device, point, from, sum] => {
                let chain = || {
                    let members = (id, integer(link)?, integer(device)?);
                    let (point, from) = (text(point)?, integer(from)?);
                    sealing::assemble(members, digest, point, from, integer(sum)?)
                };
                if let Some((meter, chain)) = chain() {
                    let known = self.chains.get(&meter).map_or(0, |c| c.head.link);
                    if chain.head.link >= known {
                        self.chains.insert(meter, chain);
                    }
                }
            }
            [_, elapsed, at, source, sum] => {
                let anchor = || {
                    let members = (id, integer(elapsed)?, integer(at)?);
                    dating::assemble(members, &text(source)?, integer(sum)?)
                };
                self.anchors
                    .extend(anchor().map(|anchor| (anchor.boot, anchor)));
            }
            [_, epoch, began, origin, through, day, lost, sum] => {
                let cursor = || {
                    let (began, through) = (integer(began)?, integer(through)?);
                    let members = [
                        integer(epoch)?,
                        began,
                        through,
                        integer(day)?,
                        integer(lost)?,
                    ];
                    open::assemble_cursor(members, &text(origin)?, integer(sum)?)
                };
                if let Some((_, cursor)) = cursor() {
                    let through = self.cursor.map_or(0, |cursor| cursor.through);
                    if cursor.through >= through {
                        self.cursor = Some(cursor);
                    }
                }
            }
            _ => {}
        }
    }

    /// The reading that a row is, if it is one and its checksum holds.
    fn reading(&self, cell: &Cell) -> Option<Held> {
        let [_, at, elapsed, kind, count, suspect, raw, closes, sum] = cell.columns.as_slice()
        else {
            return None;
        };
        let entry = Entry {
            seq: cell.id,
            at_ms: integer(at)?,
            elapsed_ms: maybe(elapsed, integer)?,
            count: maybe(count, integer)?,
            suspect: maybe(suspect, text)?,
            raw: text(raw)?,
            closes: maybe(closes, text)?,
            sum: integer(sum)?,
        };
        let kinds = self.kinds.get(&integer(kind)?)?.iter();
        kinds
            .filter(|_| number(entry.seq) > 0)
            .find_map(|kind| row::assemble(entry.clone(), kind))
    }

    /// A chain whose head is lost goes on from its last link.
    fn go_on(&mut self, held: &Held) {
        let reading = &held.reading;
        let Some(seal) = &reading.seal else { return };
        let Head { link, digest } = seal.head(reading);
        if let Some(chain) = self.chains.get_mut(&seal.meter) {
            if link > chain.head.link {
                chain.head = Head { link, digest };
            }
            return;
        }
        let chain = sealing::Chain {
            head: Head { link, digest },
            device: reading.device,
            point: reading.point.clone(),
            // A mounting that is not known any more is made a link anew.
            mounted_from_ms: i64::MIN,
        };
        self.chains.insert(seal.meter, chain);
    }
}
