//! Which replies may still come: what each unit owes to requests that have had no answer, ours
//! and those of another master. Pure.
//!
//! A reply does not say which registers it holds; of one unit and function it is known by its
//! length alone. So nothing is asked whose reply is as long as one that is owed. A unit
//! answers in order: what answers a request that could not be mistaken clears what was owed
//! before it. An exception, which has no length, clears but the oldest. Silence clears
//! nothing, since a device may be deaf for a while and then answer all it was asked, or be
//! some replies behind.
//!
//! Some devices are silent on whatever they do not like to be asked instead. Of a unit that
//! has never answered such a request, what is owed is forgotten in time after
//! [`SILENCES_MIN`] in a row. What could be believed too soon is then a device that is more
//! replies behind than that from its very first fault on.

use std::collections::BTreeMap;
use std::time::Duration;

use common::profile::REQUEST_REGISTERS_MAX;
use modbus_core::rtu::crc16;
use tokio::time::Instant;

use super::{Ask, REQUEST_BYTES, frame};

/// How long a reply may still come at least: longer than devices and converters that were
/// busy keep requests, shorter than most devices' next poll.
const PATIENCE_MIN: Duration = Duration::from_secs(30);
/// The same in time-outs, for devices that may take long.
const PATIENCE_TIME_OUTS: u32 = 10;

/// So many silences in a row are a dislike, of a unit that never answered otherwise.
const SILENCES_MIN: u32 = 4;

/// The replies that may still come on one line.
#[derive(Debug, Default)]
pub(in crate::bus) struct Owed {
    units: BTreeMap<u8, Unit>,
    /// The end of what was heard, shorter than a request.
    tail: Vec<u8>,
    sent: [u8; REQUEST_BYTES],
}

/// What one unit owes.
#[derive(Debug, Default)]
struct Unit {
    /// By number of registers, and until when it may come.
    owed: BTreeMap<u16, Instant>,
    /// Requests in a row on which not a byte came.
    silences: u32,
    /// Whether it has answered a request made instead of another.
    answers_others: bool,
}

impl Owed {
    /// Whether a reply to such a request could be one to an earlier request.
    pub(super) fn could_be_mistaken(&mut self, now: Instant, ask: &Ask) -> bool {
        self.of(now, ask.unit).contains_key(&ask.request.count)
    }

    /// So many registers that no reply the unit owes can answer.
    pub(super) fn another_count(&mut self, now: Instant, ask: &Ask) -> Option<u16> {
        let owed = self.of(now, ask.unit);
        let fewer = (1..ask.request.count).rev();
        let more = ask.request.count + 1..=REQUEST_REGISTERS_MAX;
        fewer.chain(more).find(|count| !owed.contains_key(count))
    }

    /// Whether the unit owes anything.
    pub(super) fn owes(&mut self, now: Instant, unit: u8) -> bool {
        !self.of(now, unit).is_empty()
    }

    /// The same on a port that is opened again: what the units owe, and none of the bytes.
    pub(super) fn on_another_connection(self) -> Self {
        Self {
            units: self.units,
            ..Self::default()
        }
    }

    /// That request was sent.
    pub(super) fn note_sent(&mut self, ask: &Ask) {
        self.sent = frame::encode(ask.unit, &ask.request);
        self.tail.clear();
    }

    /// It was answered by registers.
    pub(super) fn note_answer(&mut self, ask: &Ask) {
        let unit = self.units.entry(ask.unit).or_default();
        unit.owed.clear();
        unit.silences = 0;
    }

    /// It was made instead of another, and was answered somehow.
    pub(super) fn note_obedience(&mut self, unit: u8) {
        self.units.entry(unit).or_default().answers_others = true;
    }

    /// It was answered by an exception, or an earlier one was.
    pub(super) fn note_exception(&mut self, now: Instant, ask: &Ask) {
        let owed = self.of(now, ask.unit);
        let oldest = owed.iter().min_by_key(|(_, until)| **until);
        if let Some(oldest) = oldest.map(|(count, _)| *count) {
            owed.remove(&oldest);
            self.note_fault(now, ask, false);
        }
    }

    /// It has had no answer, or not a byte.
    pub(super) fn note_fault(&mut self, now: Instant, ask: &Ask, is_silence: bool) {
        let patience = (ask.pace.timeout * PATIENCE_TIME_OUTS).max(PATIENCE_MIN);
        let unit = self.units.entry(ask.unit).or_default();
        unit.owed.insert(ask.request.count, now + patience);
        unit.silences = match is_silence {
            true => unit.silences.saturating_add(1),
            false => 0,
        };
    }

    /// These bytes came. A request of another master among them will have its reply too.
    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        self.tail.extend(bytes);
        let requests: Vec<(u8, u16)> = self
            .tail
            .array_windows::<REQUEST_BYTES>()
            .filter(|window| **window != self.sent)
            .filter_map(read_request)
            .collect();
        for (unit, count) in requests {
            self.of(now, unit).insert(count, now + PATIENCE_MIN);
        }
        let surplus = self.tail.len().saturating_sub(REQUEST_BYTES - 1);
        self.tail.drain(..surplus);
    }

    fn of(&mut self, now: Instant, unit: u8) -> &mut BTreeMap<u16, Instant> {
        let unit = self.units.entry(unit).or_default();
        if unit.silences >= SILENCES_MIN && !unit.answers_others {
            unit.owed.retain(|_, until| *until > now);
        }
        &mut unit.owed
    }
}

/// The unit asked and how many registers, if this is a request to read some.
fn read_request(window: &[u8; REQUEST_BYTES]) -> Option<(u8, u16)> {
    let [body @ .., crc_first, crc_second] = window;
    let [unit, 3 | 4, _, _, high, low] = *body else {
        return None;
    };
    let count = u16::from_be_bytes([high, low]);
    let is_request = (1..=REQUEST_REGISTERS_MAX).contains(&count)
        && crc16(body) == u16::from_be_bytes([*crc_first, *crc_second]);
    is_request.then_some((unit, count))
}
