//! Which devices this gateway reads: the cloud's list, its last copy when the cloud is away,
//! or the file's own when there is no cloud.
//!
//! One bad entry does not stop the others: [`sort_out`] parts what can be read from what
//! cannot, with the reason. The ids of the file's devices are made once and kept.

pub mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use common::id::{DeviceId, GatewayId, from_parts};
use common::sync::{Device, DeviceList, DeviceReport};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::{Config, FileDevice};
use crate::files;
use crate::identity::Identity;

/// The most bytes of a list: 400 closings for each device of several full lines.
pub const LIST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The ids that were made for the devices of the settings.
const LOCAL_IDS_FILE: &str = "devices-local.json";
/// The version that a list from the file carries.
const LOCAL_VERSION: &str = "file";

/// The devices that can be read, and what is wrong with the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sorted {
    /// What can be read.
    pub usable: Vec<Device>,
    /// What cannot, each with its reason.
    pub refused: Vec<DeviceReport>,
}

/// Parts a list into what this gateway can read and what it cannot.
#[must_use]
pub fn sort_out(
    list: &DeviceList,
    buses: &BTreeSet<String>,
    known_profile: &dyn Fn(&str) -> bool,
) -> Sorted {
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    let mut sorted = Sorted::default();
    for device in &list.devices {
        let fault = fault_of(device, buses, known_profile).or_else(|| {
            let known = !ids.insert(device.id);
            let taken = !places.insert((&device.bus, device.unit_id));
            match (known, taken) {
                (true, _) => Some("the list names this device twice".to_owned()),
                (_, true) => Some(format!(
                    "another device has unit id {} on bus '{}': give one another unit id",
                    device.unit_id, device.bus
                )),
                _ => None,
            }
        });
        match fault {
            None => sorted.usable.push(device.clone()),
            Some(error) => sorted.refused.push(DeviceReport {
                device: device.id,
                last_good_at: None,
                error: Some(error),
                traffic: None,
            }),
        }
    }
    sorted
}

fn fault_of(
    device: &Device,
    buses: &BTreeSet<String>,
    known_profile: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if !buses.contains(&device.bus) {
        let names = buses.iter().map(String::as_str).collect::<Vec<_>>();
        let names = names.join(", ");
        return Some(format!(
            "this gateway has no bus '{}', only: {names}; choose one of them for the device",
            device.bus
        ));
    }
    if !known_profile(&device.profile) {
        return Some(format!(
            "this gateway does not know the profile '{}': update it, or put the profile \
             into its profile_dir",
            device.profile
        ));
    }
    if !(1..=247).contains(&device.unit_id) {
        return Some(format!(
            "unit id {} is not one of a meter, which are 1 to 247",
            device.unit_id
        ));
    }
    if device.poll_period_s == 0 {
        return Some("a polling period of 0 seconds cannot be kept".to_owned());
    }
    if TimeZone::get(&device.zone).is_err() {
        return Some(format!(
            "this gateway does not know the time zone '{}': correct it, or update tzdata",
            device.zone
        ));
    }
    None
}

#[derive(Debug, Serialize, Deserialize)]
struct Copy {
    gateway: GatewayId,
    list: DeviceList,
}

/// Keeps the list that the cloud gave to `gateway`.
///
/// # Errors
/// When the disk refuses.
pub fn save_copy(data_dir: &Path, gateway: GatewayId, list: &DeviceList) -> io::Result<()> {
    let list = list.clone();
    let text = serde_json::to_vec(&Copy { gateway, list })?;
    files::write(&data_dir.join("devices.json"), &text, files::PRIVATE)
}

/// What a gateway that is enrolled starts with: the last list that the cloud gave it, or,
/// until the cloud is reached for the first time, one without devices.
#[must_use]
pub fn last_known(data_dir: &Path, gateway: GatewayId) -> DeviceList {
    load_copy(data_dir, gateway).unwrap_or_else(|| DeviceList {
        version: String::new(),
        devices: Vec::new(),
    })
}

/// The last list that the cloud gave to `gateway`; `None` when there is none, or it was
/// given to another, or it is damaged.
#[must_use]
pub fn load_copy(data_dir: &Path, gateway: GatewayId) -> Option<DeviceList> {
    let path = data_dir.join("devices.json");
    let max = u64::try_from(LIST_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = files::read(&path, max).inspect_err(|error| {
        tracing::warn!(path = %path.display(), %error, "the last list of devices is lost");
    });
    let copy: Copy = serde_json::from_slice(&bytes.ok()??)
        .inspect_err(|error| {
            tracing::warn!(path = %path.display(), %error, "the last list of devices is lost");
        })
        .ok()?;
    (copy.gateway == gateway).then_some(copy.list)
}

/// A device of the file and the id that was made for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Local {
    bus: String,
    unit_id: u8,
    profile: String,
    id: DeviceId,
}

impl Local {
    /// Whether it is this device, on its bus.
    fn is(&self, device: &FileDevice) -> bool {
        self.unit_id == device.unit_id && self.profile == device.profile
    }
}

fn known_locals(data_dir: &Path) -> io::Result<Vec<Local>> {
    let max = u64::try_from(LIST_BYTES_MAX).unwrap_or(u64::MAX);
    match files::read(&data_dir.join(LOCAL_IDS_FILE), max)? {
        Some(bytes) => Ok(serde_json::from_slice(&bytes)?),
        None => Ok(Vec::new()),
    }
}

/// What people call each device of the cloud's last list, or of the settings without one; of
/// what cannot be read here, nothing.
#[must_use]
pub fn labels(config: &Config) -> BTreeMap<DeviceId, String> {
    if let Ok(Some(identity)) = Identity::load(&config.identity_file()) {
        let list = last_known(&config.data_dir, identity.gateway);
        let labels = list.devices.into_iter().map(|d| (d.id, d.label));
        return labels.collect();
    }
    let known = known_locals(&config.data_dir).unwrap_or_default();
    let labels = known.into_iter().filter_map(|local| {
        let mut buses = config.bus.iter().filter(|bus| bus.name == local.bus);
        let mut devices = buses.next()?.device.iter();
        let label = &devices.find(|device| local.is(device))?.label;
        Some((local.id, label.clone()))
    });
    labels.collect()
}

/// The devices that the settings list. An id is made for each new one and kept, so that a
/// restart, a new label or another order changes nothing.
///
/// # Errors
/// When the ids kept cannot be read, or new ones cannot be kept.
pub fn from_config(config: &Config, now: Timestamp) -> io::Result<DeviceList> {
    let mut known = known_locals(&config.data_dir)?;
    let before = known.len();
    let mut devices = Vec::new();
    for bus in &config.bus {
        for device in &bus.device {
            let same = |local: &&Local| local.bus == bus.name && local.is(device);
            let id = match known.iter().find(same) {
                Some(local) => local.id,
                None => DeviceId(from_parts(now, rand::random())),
            };
            if !known.iter().any(|local| local.id == id) {
                known.push(Local {
                    bus: bus.name.clone(),
                    unit_id: device.unit_id,
                    profile: device.profile.clone(),
                    id,
                });
            }
            devices.push(Device {
                id,
                label: device.label.clone(),
                profile: device.profile.clone(),
                bus: bus.name.clone(),
                unit_id: device.unit_id,
                poll_period_s: config.poll.billing_period_s,
                zone: config.zone.clone().unwrap_or_else(|| "UTC".to_owned()),
                closings: Vec::new(),
                mountings: Vec::new(),
            });
        }
    }
    if known.len() > before {
        let path = config.data_dir.join(LOCAL_IDS_FILE);
        files::write(&path, &serde_json::to_vec_pretty(&known)?, files::PRIVATE)?;
    }
    Ok(DeviceList {
        version: LOCAL_VERSION.to_owned(),
        devices,
    })
}

#[cfg(test)]
mod tests;
