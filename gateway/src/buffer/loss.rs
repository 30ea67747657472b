//! What was lost: runs of numbers, kept so that the sequence stays contiguous and the loss is
//! counted where the bill is made.

use std::collections::BTreeSet;
use std::str::FromStr;

use common::digest::Signature;
use common::id::{DeviceId, Epoch};
use common::reading::ClockTrust;
use common::sync::{Loss, LossReason, Weight};
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::row::Held;
use super::{BufferError, number, sql, stored};

/// The most devices that one loss names; beyond them it names none, which means unknown.
const DEVICES_MAX: usize = 256;

/// A loss that nobody has signed yet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lost {
    /// The first number.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Why.
    pub reason: LossReason,
    /// The weightiest of them.
    pub gravest: Weight,
    /// The earliest instant of them, as far as it is known.
    pub from: Option<Timestamp>,
    /// The latest.
    pub until: Option<Timestamp>,
    /// The devices whose billing counters are among them.
    pub devices: BTreeSet<DeviceId>,
}

impl Lost {
    /// Readings of which nothing is known.
    pub(super) fn unknown(first: u64, last: u64, reason: LossReason) -> Self {
        Self {
            first,
            last,
            reason,
            gravest: Weight::Closing,
            from: None,
            until: None,
            devices: BTreeSet::new(),
        }
    }

    /// One reading that gives way.
    pub(super) fn of(held: &Held, reason: LossReason) -> Self {
        let (reading, gravest) = (&held.reading, held.gravity());
        let device = (gravest >= Weight::Billing).then_some(reading.device);
        // An instant of before the clock was set says nothing.
        let at = (reading.clock != ClockTrust::Untrusted).then_some(reading.at);
        Self {
            first: reading.seq,
            last: reading.seq,
            reason,
            gravest,
            from: at,
            until: at,
            devices: device.into_iter().collect(),
        }
    }

    /// The same with its first number at `first`.
    pub(super) fn numbered(mut self, first: u64) -> Self {
        (self.first, self.last) = (first, first + self.count() - 1);
        self
    }

    /// How many numbers it spans.
    #[must_use]
    pub fn count(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }

    fn is_unknown(&self) -> bool {
        self.gravest >= Weight::Billing && self.devices.is_empty()
    }

    /// Takes `next` in, if that goes on where this one ends for the same reason.
    pub(super) fn join(&mut self, next: &Self) -> bool {
        if self.reason != next.reason || self.last + 1 != next.first {
            return false;
        }
        self.last = next.last;
        let is_unknown = self.is_unknown() || next.is_unknown();
        self.gravest = self.gravest.max(next.gravest);
        self.from = [self.from, next.from].into_iter().flatten().min();
        self.until = self.until.max(next.until);
        self.devices.extend(next.devices.iter().copied());
        if is_unknown || self.devices.len() > DEVICES_MAX {
            self.devices.clear();
        }
        true
    }

    /// As it goes to the cloud.
    pub(super) fn signed(self, epoch: Epoch, key: &SigningKey) -> Loss {
        let mut loss = Loss {
            first: self.first,
            last: self.last,
            reason: self.reason,
            gravest: self.gravest,
            from: self.from,
            until: self.until,
            devices: self.devices.into_iter().collect(),
            signature: Signature([0; 64]),
        };
        let signature = key.sign(loss.text(epoch).as_bytes());
        loss.signature = Signature(signature.to_bytes());
        loss
    }
}

const COLUMNS: &str = "first, last, reason, gravest, from_ms, until_ms, devices";

fn decode(row: &Row<'_>) -> Result<Lost, rusqlite::Error> {
    let instant = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let (reason, gravest): (String, String) = (row.get(2)?, row.get(3)?);
    let devices: String = row.get(6)?;
    let devices = devices.split_whitespace().map(DeviceId::from_str);
    Ok(Lost {
        first: number(row.get(0)?),
        last: number(row.get(1)?),
        reason: LossReason::from_code(&reason),
        gravest: Weight::from_code(&gravest).unwrap_or(Weight::Closing),
        from: instant(row.get(4)?),
        until: instant(row.get(5)?),
        devices: devices.filter_map(Result::ok).collect(),
    })
}

/// The losses that end after number `seq`, at most `max`, in order.
pub(super) fn after(
    connection: &Connection,
    seq: u64,
    max: usize,
) -> Result<Vec<Lost>, BufferError> {
    let reading = sql("read the losses");
    // They do not overlap: the one before the first that begins later is the only one that
    // can reach beyond.
    let text = format!(
        "SELECT {COLUMNS} FROM loss
         WHERE first >= coalesce((SELECT max(first) FROM loss WHERE first <= ?1), 0)
         AND last > ?1 ORDER BY first LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&text).map_err(&reading)?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = statement.query_map([stored(seq), limit], decode);
    rows.and_then(Iterator::collect).map_err(&reading)
}

/// Notes a loss, as one with its neighbours where they are of the same kind; one that the
/// cloud has settled (up to `settled`) stays apart from one that it has not.
pub(super) fn note(
    transaction: &Transaction<'_>,
    mut lost: Lost,
    settled: u64,
) -> Result<(), rusqlite::Error> {
    let text = format!("SELECT {COLUMNS} FROM loss WHERE first < ?1 ORDER BY first DESC LIMIT 1");
    let before = transaction
        .prepare_cached(&text)?
        .query_row([stored(lost.first)], decode)
        .optional()?;
    if let Some(mut before) = before
        && (before.last > settled) == (lost.first > settled)
        && before.join(&lost)
    {
        lost = before;
    }
    let text = format!("SELECT {COLUMNS} FROM loss WHERE first = ?1");
    let next = transaction
        .prepare_cached(&text)?
        .query_row([stored(lost.last + 1)], decode)
        .optional()?;
    if let Some(next) = next
        && (lost.last > settled) == (next.first > settled)
        && lost.join(&next)
    {
        transaction.execute("DELETE FROM loss WHERE first = ?1", [stored(next.first)])?;
    }
    let instant = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    let devices: Vec<_> = lost.devices.iter().map(ToString::to_string).collect();
    let mut statement = transaction.prepare_cached(
        "INSERT OR REPLACE INTO loss (first, last, reason, gravest, from_ms, until_ms, devices)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        stored(lost.first),
        stored(lost.last),
        lost.reason.code(),
        lost.gravest.code(),
        instant(lost.from),
        instant(lost.until),
        devices.join(" "),
    ])?;
    Ok(())
}
