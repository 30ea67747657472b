//! One device read once, point by point, for whoever stands before it: what it shows, or why
//! a point could not be read. Nothing is kept.

use std::time::Duration;

use common::profile::{Profile, Registers, Request, Role};
use common::unit::Unit;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{Requests, is_final, pace};
use crate::bus::{Ask, Bus, BusError, Fault, Manner, Port};

/// What one device showed; as JSON the object `enervue.read/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The bus on which it is.
    pub bus: String,
    /// Its unit id.
    pub unit_id: u8,
    /// The profile that decoded it, with its hash.
    pub profile: String,
    /// Its points, in the profile's order.
    pub points: Vec<ShownPoint>,
}

/// What one point showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPoint {
    /// Its name.
    pub point: String,
    /// What it is for.
    pub role: Role,
    /// Its value, an exact decimal.
    pub value: Option<String>,
    /// The unit of the value.
    pub unit: Option<Unit>,
    /// The words as they came, if they came.
    pub raw: Option<String>,
    /// Why there is no value.
    pub error: Option<String>,
}

/// Reads every point of the device once, through the task that owns the bus.
///
/// # Errors
/// When the device or the port does not answer at all; the message is the diagnosis. A
/// device that refuses single points shows the others.
pub async fn read(bus: &Bus, profile: &Profile, unit_id: u8) -> Result<Shown, BusError> {
    rouse(bus, unit_id, profile).await;
    let mut points = Vec::new();
    for point in &profile.points {
        let mut shown = ShownPoint {
            point: point.id.clone(),
            role: point.role,
            value: None,
            unit: None,
            raw: None,
            error: None,
        };
        match read_point(bus, unit_id, profile, &point.id).await {
            Ok(registers) => {
                let decoded = profile.decode(&point.id, &registers);
                shown.raw = Some(decoded.raw);
                match decoded.value {
                    Ok(quantity) => {
                        shown.value = Some(quantity.value().to_string());
                        shown.unit = Some(quantity.unit());
                    }
                    Err(why) => shown.error = Some(why),
                }
            }
            Err(error) if matches!(error.fault, Fault::Exception(_)) => {
                shown.error = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
        points.push(shown);
    }
    Ok(Shown {
        bus: bus.name().to_owned(),
        unit_id,
        profile: profile.reference(),
        points,
    })
}

/// As [`read`], but opens the port for it: only when no daemon owns it, which the lock on the
/// port sees to.
///
/// # Errors
/// As [`read`]; also when the port cannot be opened, or is in use.
pub async fn read_at(
    name: &str,
    port: Port,
    manner: Manner,
    profile: &Profile,
    unit_id: u8,
) -> Result<Shown, BusError> {
    let bus = Bus::start(name, port, manner);
    let shown = read(&bus, profile, unit_id).await;
    bus.close().await;
    shown
}

/// How long the device takes to answer to the first thing it is asked; others that wait for
/// the line are in it.
///
/// # Errors
/// When it does not answer; the message is the diagnosis.
pub async fn probe(bus: &Bus, profile: &Profile, unit_id: u8) -> Result<Duration, BusError> {
    rouse(bus, unit_id, profile).await;
    let asked_at = Instant::now();
    if let Some(request) = Requests::of(profile).billing.first() {
        bus.read(ask(unit_id, profile, *request)).await?;
    }
    Ok(asked_at.elapsed())
}

/// Wakes the device, and lets it renew its values, where its profile says that it must.
async fn rouse(bus: &Bus, unit: u8, profile: &Profile) {
    let billing = Requests::of(profile).billing;
    let wake = billing.iter().take(1).cycle();
    let wake = wake.take(usize::try_from(profile.wake).unwrap_or(usize::MAX));
    let renew = billing.iter().filter(|_| profile.refresh.is_some());
    for request in wake.chain(renew) {
        // What comes does not count; whether the device answers, the next request shows.
        let _ = bus.read(ask(unit, profile, *request)).await;
    }
    if let Some(refresh) = profile.refresh {
        sleep(Duration::from_millis(refresh.wait_ms)).await;
    }
}

fn ask(unit: u8, profile: &Profile, request: Request) -> Ask {
    Ask {
        unit,
        request,
        pace: pace(profile),
    }
}

/// Reads all registers that the point needs, or fails; somebody waits, so each request is
/// tried again at once.
async fn read_point(
    bus: &Bus,
    unit: u8,
    profile: &Profile,
    point: &str,
) -> Result<Registers, BusError> {
    let mut registers = Registers::new();
    for request in profile.requests(&[point]) {
        let mut faults = 0;
        let words = loop {
            match bus.read(ask(unit, profile, request)).await {
                Ok(words) => break words,
                Err(error) if faults >= profile.limits.retries || is_final(&error.fault) => {
                    return Err(error);
                }
                Err(_) => faults += 1,
            }
        };
        registers.insert(&request, &words);
    }
    Ok(registers)
}
