//! The past of simulated meters: what a gateway would have read every so often and at every
//! local midnight, through the same words and profiles as a live poll.

use std::collections::BTreeMap;
use std::str::FromStr;

use common::closes::Closes;
use common::reading::ClockTrust;
use common::sync::Device;
use common::sync::Weight;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::meter::{MeterError, SimulatedMeter};
use crate::reading::NewReading;

/// Readings in one transaction: large enough that waiting for the disk costs nothing.
const CHUNK: usize = 5_000;
/// The longest history: ten years.
const DAYS_MAX: i64 = 3_660;

/// Why a history cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The bounds are not in order, or too far apart.
    #[error("a history is FROM..TO, FROM before TO, at most {DAYS_MAX} days")]
    Bounds,
    /// The text is neither a date nor an instant.
    #[error("'{0}' is neither a date such as 2026-07-01 nor an instant in RFC 3339")]
    Text(String),
    /// A device's zone is unknown.
    #[error("device '{device}': there is no time zone '{zone}': correct it, or update tzdata")]
    Zone {
        /// Its label.
        device: String,
        /// The zone.
        zone: String,
    },
    /// The device has another profile than the meter that is simulated in its place.
    #[error(
        "device '{device}' has the profile '{device_profile}', the simulated meter with its \
         unit id '{simulated}': make them the same"
    )]
    Profile {
        /// Its label.
        device: String,
        /// The device's profile.
        device_profile: String,
        /// The simulated meter's.
        simulated: String,
    },
    /// Nothing that the gateway reads is simulated.
    #[error(
        "no device of the gateway's list is on a simulated line: the line's name must be the \
         bus's, and the unit ids the same"
    )]
    Nothing,
    /// A register cannot hold what the meter would have counted.
    #[error(transparent)]
    Meter(#[from] MeterError),
}

/// One end of a history: an instant, or the start of a date in each device's own zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The start of that date where the device is.
    Date(Date),
    /// That instant.
    Instant(Timestamp),
}

impl FromStr for Bound {
    type Err = HistoryError;
    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let date = Date::from_str(text)
            .ok()
            .filter(|date| date.to_string() == text);
        date.map(Self::Date)
            .or_else(|| text.parse().ok().map(Self::Instant))
            .ok_or_else(|| HistoryError::Text(text.chars().take(40).collect()))
    }
}

impl Bound {
    fn instant(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Date(date) => start_of(date, zone),
            Self::Instant(instant) => Some(instant),
        }
    }
}

fn start_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = date
        .to_zoned_datetime(zone.clone())
        .ok()?
        .start_of_day()
        .ok()?;
    Some(start.timestamp())
}

/// When the readings of a history are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: Bound,
    /// Where they end, exclusive.
    pub to: Bound,
    /// Seconds between two of a device, on multiples of themselves; at least 1.
    pub every_s: u32,
}

/// A device and what stands in its place on the simulated line.
struct Pair<'a> {
    device: &'a Device,
    meter: &'a SimulatedMeter,
}

/// Gives `append` the readings of every device of `devices` that has a simulated meter,
/// as the span says, in the order of their instants; tells how many.
///
/// `meters` are by bus and unit id. An error of `append` ends it.
///
/// # Errors
/// When nothing is simulated, a zone or profile does not fit, or `append` fails.
pub fn fill<E: From<HistoryError>>(
    devices: &[Device],
    meters: &BTreeMap<(String, u8), SimulatedMeter>,
    span: Span,
    append: &mut dyn FnMut(&[NewReading]) -> Result<(), E>,
) -> Result<u64, E> {
    let pairs = pairs(devices, meters)?;
    let mut moments = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let own = moments_of(pair.device, span)?;
        moments.extend(own.into_iter().map(|(at, closes)| (at, index, closes)));
    }
    moments.sort_unstable_by_key(|(at, index, _)| (*at, *index));
    let mut count = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    for (at, index, closes) in moments {
        if let Some(pair) = pairs.get(index) {
            chunk.extend(read(pair, at, closes)?);
        }
        if chunk.len() >= CHUNK {
            append(&chunk)?;
            count += chunk.len();
            chunk.clear();
        }
    }
    append(&chunk)?;
    count += chunk.len();
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

fn pairs<'a>(
    devices: &'a [Device],
    meters: &'a BTreeMap<(String, u8), SimulatedMeter>,
) -> Result<Vec<Pair<'a>>, HistoryError> {
    let mut pairs = Vec::new();
    for device in devices {
        let Some(meter) = meters.get(&(device.bus.clone(), device.unit_id)) else {
            tracing::warn!(device = %device.label, "not simulated, so it has no history");
            continue;
        };
        if meter.profile.id != device.profile {
            return Err(HistoryError::Profile {
                device: device.label.clone(),
                device_profile: device.profile.clone(),
                simulated: meter.profile.id.clone(),
            });
        }
        pairs.push(Pair { device, meter });
    }
    if pairs.is_empty() {
        Err(HistoryError::Nothing)
    } else {
        Ok(pairs)
    }
}

/// The instants at which the device is read: those of the period, the starts of its days, and
/// what else the cloud wants closed.
fn moments_of(
    device: &Device,
    span: Span,
) -> Result<BTreeMap<Timestamp, Option<Closes>>, HistoryError> {
    let zone = TimeZone::get(&device.zone).map_err(|_| HistoryError::Zone {
        device: device.label.clone(),
        zone: device.zone.clone(),
    })?;
    let ends = span.from.instant(&zone).zip(span.to.instant(&zone));
    let days = |from: &Timestamp, to: &Timestamp| to.duration_since(*from).as_hours() / 24;
    let (from, to) = ends
        .filter(|(from, to)| from < to && days(from, to) <= DAYS_MAX)
        .ok_or(HistoryError::Bounds)?;
    let mut moments = BTreeMap::new();
    let every_s = i64::from(span.every_s.max(1));
    let first_s = from.as_second().div_euclid(every_s) * every_s;
    let mut at = Timestamp::from_second(first_s).unwrap_or(from);
    while at < to {
        if at >= from {
            moments.insert(at, None);
        }
        at = at
            .checked_add(SignedDuration::from_secs(every_s))
            .map_err(|_| HistoryError::Bounds)?;
    }
    let mut date = zone.to_datetime(from).date();
    while let Some(start) = start_of(date, &zone).filter(|start| *start < to) {
        if start >= from {
            moments.insert(start, Some(date.into()));
        }
        date = date.tomorrow().map_err(|_| HistoryError::Bounds)?;
    }
    let listed = device.closings.iter();
    for closing in listed.filter(|closing| from <= closing.at && closing.at < to) {
        moments.insert(closing.at, Some(closing.closes));
    }
    Ok(moments)
}

/// What a poll of the billing counters at that instant would have brought.
fn read(
    pair: &Pair<'_>,
    at: Timestamp,
    closes: Option<Closes>,
) -> Result<Vec<NewReading>, HistoryError> {
    if !pair.meter.answers(at) {
        return Ok(Vec::new());
    }
    let registers = pair.meter.registers(at)?;
    let profile = &pair.meter.profile;
    let readings = profile.billing_points().map(|point| {
        let decoded = profile.decode(&point.id, &registers);
        NewReading {
            at,
            clock: ClockTrust::Simulated,
            since_boot: None,
            device: pair.device.id,
            point: point.id.clone(),
            quantity: decoded.value.as_ref().ok().copied(),
            suspect: decoded.value.err(),
            raw: decoded.raw,
            profile: profile.reference(),
            closes,
            weight: Weight::Billing,
        }
    });
    Ok(readings.collect())
}
