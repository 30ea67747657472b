//! One device read once, point by point, for whoever stands before it: what it shows, or why
//! a point could not be read. Nothing is kept.

use common::profile::{Profile, Role};
use serde::{Deserialize, Serialize};

use super::read_points;
use crate::bus::{Bus, BusError, Fault, Manner, Port};

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
    pub unit: Option<String>,
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
    let mut points = Vec::new();
    for point in &profile.points {
        let attempts = 1 + profile.limits.retries;
        let asked = std::slice::from_ref(&point.id);
        let mut shown = ShownPoint {
            point: point.id.clone(),
            role: point.role,
            value: None,
            unit: None,
            raw: None,
            error: None,
        };
        match read_points(bus, unit_id, profile, asked, attempts).await {
            Ok(registers) => {
                let decoded = profile.decode(&point.id, &registers);
                shown.raw = Some(decoded.raw);
                match decoded.value {
                    Ok(quantity) => {
                        shown.value = Some(quantity.value().to_string());
                        shown.unit = Some(quantity.unit().code().to_owned());
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
