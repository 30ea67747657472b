//! What a damaged database says beside its readings, row by row, whichever table a row is of.
//! A row counts when its own checksum holds; what a kind is is checked with its readings'. Pure.

use std::collections::BTreeMap;

use common::id::BootId;
use common::seal::{Head, Seal};

use super::page::{Cell, Value};
use crate::buffer::row::{self, Entry, Held, Kind};
use crate::buffer::sealing::{self, Chains};
use crate::buffer::{Cursor, dating, number, open};
use crate::clock::Anchor;

/// All that is found but the readings themselves.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) kinds: BTreeMap<i64, Vec<Kind>>,
    pub(super) seals: BTreeMap<i64, Seal>,
    pub(super) chains: Chains,
    pub(super) anchors: BTreeMap<BootId, Anchor>,
    pub(super) cursor: Option<Cursor>,
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
    pub(super) fn learn(&mut self, cell: &Cell) {
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
            _ => self.learn_more(cell),
        }
    }

    /// The chains, the starts of the machine and the cursor.
    fn learn_more(&mut self, cell: &Cell) {
        let id = cell.id;
        match cell.columns.as_slice() {
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
    pub(super) fn reading(&self, cell: &Cell) -> Option<Held> {
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
    pub(super) fn go_on(&mut self, held: &Held) {
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
