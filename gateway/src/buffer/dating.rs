//! Dating: what was read before the clock was set gets its instant from the anchor of the
//! same start of the machine, once, before it is ever sent.

use std::collections::BTreeMap;

use common::closes::Closes;
use common::fail_point::fail_point;
use common::id::{BootId, DeviceId, MeterId};
use common::reading::{ClockTrust, Reading};
use common::sync::{CLOSING_TOLERANCE_SECONDS, ClockSource, Closing, LossReason, Weight};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::loss::Lost;
use super::row::{self, Held};
use super::sealing::{self, Sealing};
use super::{Buffer, BufferError, number, sql, stored};
use crate::clock::Anchor;

/// Readings looked at at once.
const PAGE: usize = 1_000;

/// Sets the instant of `reading` right if an anchor of its start of the machine is known.
pub(super) fn date(anchors: &BTreeMap<BootId, Anchor>, reading: &mut Reading) {
    let Some(since) = reading.since_boot else {
        return;
    };
    let Some(anchor) = anchors.get(&since.boot) else {
        return;
    };
    if reading.clock != ClockTrust::Untrusted {
        return;
    }
    let ahead = i128::from(since.elapsed_ms) - i128::from(anchor.elapsed_ms);
    let at = i64::try_from(i128::from(anchor.at.as_millisecond()) + ahead);
    let at = at.ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    if let Some(at) = at {
        (reading.at, reading.clock) = (at, ClockTrust::Dated);
    }
}

/// What of the readings that are dated may become links.
#[derive(Debug, Default)]
struct Candidates {
    /// The first reading of each mounting.
    firsts: BTreeMap<(MeterId, Timestamp), u64>,
    /// The reading nearest to each start of day, by device and point: how far it is from it.
    nearest: BTreeMap<(DeviceId, String, Closes), (SignedDuration, u64)>,
}

impl Buffer {
    /// Notes when a start of the machine was, dates what was read in it before that was
    /// known, makes the nearest billing reading of each start of day its closing reading and
    /// seals what is to be sealed; all or nothing. Tells how many readings were dated. A
    /// start that has its anchor keeps it.
    ///
    /// # Errors
    /// When the disk refuses; then nothing has changed.
    pub fn date_boot(&mut self, anchor: &Anchor) -> Result<u64, BufferError> {
        self.with_room(|buffer| buffer.try_date_boot(anchor))
    }

    fn try_date_boot(&mut self, anchor: &Anchor) -> Result<u64, BufferError> {
        if self.anchors.contains_key(&anchor.boot) {
            return Ok(0);
        }
        let dating = sql("date readings");
        let mut anchors = self.anchors.clone();
        anchors.insert(anchor.boot, *anchor);
        let (mut after, mut dated, mut damaged) = (self.cursor.through, 0, Vec::new());
        let (mut candidates, mut chains) = (Candidates::default(), self.chains.clone());
        let transaction = self.connection.unchecked_transaction().map_err(&dating)?;
        keep_anchor(&transaction, anchor).map_err(&dating)?;
        loop {
            let page = self.rows_after(after, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (seq, row) in page {
                let Some(mut row) = row else {
                    damaged.push(Lost::unknown(seq, seq, LossReason::Damage));
                    continue;
                };
                let before = row.reading.clock;
                date(&anchors, &mut row.reading);
                if row.reading.clock == before {
                    continue;
                }
                row::put(&transaction, &row).map_err(&dating)?;
                dated += 1;
                if let Some(sealing) = &self.sealing {
                    candidates.note(sealing, &row);
                }
            }
        }
        if let Some(sealing) = &self.sealing {
            self.seal_dated(&transaction, sealing, &mut chains, candidates)?;
        }
        sealing::keep(&transaction, &self.chains, &chains).map_err(&dating)?;
        fail_point("buffer-date-before-commit");
        transaction.commit().map_err(&dating)?;
        fail_point("buffer-date-after-commit");
        (self.anchors, self.chains) = (anchors, chains);
        if !damaged.is_empty() {
            self.lose(damaged)?;
        }
        Ok(dated)
    }

    /// The anchor of a start of the machine, if it is known.
    #[must_use]
    pub fn anchor(&self, boot: BootId) -> Option<Anchor> {
        self.anchors.get(&boot).copied()
    }

    /// Makes the nearest readings closing ones, and seals them and the first of each
    /// mounting, in the order of their numbers.
    fn seal_dated(
        &self,
        transaction: &Transaction<'_>,
        sealing: &Sealing,
        chains: &mut sealing::Chains,
        candidates: Candidates,
    ) -> Result<(), BufferError> {
        let dating = sql("seal readings that were dated");
        let mut wanted: BTreeMap<u64, Option<Closes>> = candidates
            .firsts
            .into_values()
            .map(|seq| (seq, None))
            .collect();
        for ((device, point, closes), (_, seq)) in candidates.nearest {
            if !has_closing(transaction, device, &point, closes).map_err(&dating)? {
                wanted.insert(seq, Some(closes));
            }
        }
        for (seq, closes) in wanted {
            let found = self.rows_after(seq - 1, 1)?;
            let Some((_, Some(mut row))) = found.into_iter().next() else {
                continue;
            };
            let (reading, at) = (&row.reading, row.reading.at);
            let Some(mounting) = sealing.mounting(reading.device, &reading.point, at) else {
                continue;
            };
            // A chain grows at its end only.
            if last_sealed(transaction, mounting.meter).map_err(&dating)? > seq {
                continue;
            }
            row.reading.closes = closes;
            sealing::seal(sealing, chains, &mut row.reading);
            row::put(transaction, &row).map_err(&dating)?;
        }
        Ok(())
    }
}

impl Candidates {
    /// Notes whether `row` may become a closing reading, or the first of a mounting.
    fn note(&mut self, sealing: &Sealing, row: &Held) {
        let reading = &row.reading;
        if row.weight != Weight::Billing || !reading.is_good() {
            return;
        }
        let Some(mounting) = sealing.mounting(reading.device, &reading.point, reading.at) else {
            return;
        };
        let first = self.firsts.entry((mounting.meter, mounting.from));
        first.or_insert(reading.seq);
        let tolerance = SignedDuration::from_secs(CLOSING_TOLERANCE_SECONDS);
        let closings = sealing.closings.get(&reading.device).map(Vec::as_slice);
        for Closing { closes, at } in closings.unwrap_or_default() {
            let distance = reading.at.duration_since(*at).abs();
            if distance > tolerance {
                continue;
            }
            let key = (reading.device, reading.point.clone(), *closes);
            let best = self.nearest.entry(key).or_insert((distance, reading.seq));
            *best = (*best).min((distance, reading.seq));
        }
    }
}

fn has_closing(
    connection: &Connection,
    device: DeviceId,
    point: &str,
    closes: Closes,
) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT 1 FROM entry WHERE closes = ?3 AND count IS NOT NULL
             AND kind IN (SELECT id FROM kind WHERE device = ?1 AND point = ?2) LIMIT 1",
        )?
        .exists(params![device.0, point, closes.to_string()])
}

fn last_sealed(connection: &Connection, meter: MeterId) -> Result<u64, rusqlite::Error> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(seq) FROM seal WHERE meter = ?1")?
        .query_row([meter.0], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(last.map_or(0, number))
}

/// The checksum of an anchor's row.
pub(super) fn anchor_sum(anchor: &Anchor) -> i64 {
    let Anchor {
        boot,
        elapsed_ms,
        at,
        source,
    } = anchor;
    let at_ms = at.as_millisecond();
    row::sum_of(format!("{boot} {elapsed_ms} {at_ms} {}", source_code(*source)).as_bytes())
}

pub(super) fn keep_anchor(connection: &Connection, anchor: &Anchor) -> Result<(), rusqlite::Error> {
    connection
        .execute(
            "INSERT OR REPLACE INTO boot (boot, elapsed_ms, at_ms, source, sum)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                anchor.boot.0,
                stored(anchor.elapsed_ms),
                anchor.at.as_millisecond(),
                source_code(anchor.source),
                anchor_sum(anchor),
            ],
        )
        .map(|_| ())
}

fn source_code(source: ClockSource) -> &'static str {
    match source {
        ClockSource::None => "none",
        ClockSource::Ntp => "ntp",
        ClockSource::Cloud => "cloud",
        ClockSource::Machine => "machine",
        ClockSource::Test => "test",
    }
}

/// The anchor that the members make; `None` when they are not what was stored.
pub(super) fn assemble(
    (boot, elapsed_ms, at_ms): (i64, i64, i64),
    source: &str,
    sum: i64,
) -> Option<Anchor> {
    use ClockSource::{Cloud, Machine, None as Nowhere, Ntp, Test};
    let anchor = Anchor {
        boot: BootId(boot),
        elapsed_ms: u64::try_from(elapsed_ms).ok()?,
        at: Timestamp::from_millisecond(at_ms).ok()?,
        source: [Nowhere, Ntp, Cloud, Machine, Test]
            .into_iter()
            .find(|known| source_code(*known) == source)?,
    };
    (anchor_sum(&anchor) == sum).then_some(anchor)
}

/// The anchors that the database holds; a damaged one is passed over.
pub(super) fn load(connection: &Connection) -> Result<BTreeMap<BootId, Anchor>, BufferError> {
    let reading = sql("read when the machine was started");
    let mut statement = connection
        .prepare("SELECT boot, elapsed_ms, at_ms, source, sum FROM boot")
        .map_err(&reading)?;
    let rows = statement.query_map([], |row| {
        let members = (row.get(0)?, row.get(1)?, row.get(2)?);
        let source: String = row.get(3)?;
        Ok(assemble(members, &source, row.get(4)?))
    });
    let known = rows.map_err(&reading)?.filter_map(Result::ok).flatten();
    Ok(known.map(|anchor| (anchor.boot, anchor)).collect())
}
