//! What the daemon tells about itself. Pure: the parts are given, the judgement is here.

use common::id::DeviceId;
use common::quantity::Quantity;
use common::reading::ClockTrust;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::buffer::BufferStatus;
use crate::poll::BreakerState;
use crate::uplink::{Standing, UplinkStatus};

/// How the gateway is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Program and version.
    pub software: String,
    /// The gateway's clock.
    pub now: Timestamp,
    /// How far it can be believed.
    pub clock: ClockTrust,
    /// Seconds since the daemon started.
    pub running_s: u64,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
    /// How it stands with the cloud.
    pub cloud: UplinkStatus,
    /// What is held.
    pub buffer: BufferStatus,
    /// Readings since the start that the disk did not take and memory could not hold.
    pub lost: u64,
    /// The lines.
    pub buses: Vec<BusStatus>,
    /// The devices.
    pub devices: Vec<DeviceStatus>,
}

/// How one line is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusStatus {
    /// Its name.
    pub name: String,
    /// The port behind it and its link, e.g. `/dev/ttyUSB0 9600 8N1`.
    pub line: String,
    /// Whether its port is there and no other master speaks on it.
    pub usable: bool,
    /// What is wrong with it now, in one sentence.
    pub error: Option<String>,
}

/// How one device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Its identity.
    pub id: DeviceId,
    /// What people call it.
    pub label: String,
    /// Its bus.
    pub bus: String,
    /// Its unit id.
    pub unit_id: u8,
    /// Its profile.
    pub profile: String,
    /// When it last gave a good billing reading.
    pub last_good_at: Option<Timestamp>,
    /// What that reading was.
    pub last: Option<Quantity>,
    /// Cycles in which it answered since the daemon started.
    pub answered: u64,
    /// Cycles in which it did not.
    pub failed: u64,
    /// What is wrong with it now, in one sentence.
    pub error: Option<String>,
    /// That it failed so often that it is asked only now and then, so that it costs the
    /// others nothing.
    pub breaker: Option<BreakerState>,
}

impl Status {
    /// Whether the device's bus can be used; what it last gave is old when not.
    #[must_use]
    pub fn is_asked(&self, device: &DeviceStatus) -> bool {
        let mut buses = self.buses.iter().filter(|bus| bus.name == device.bus);
        buses.all(|bus| bus.usable)
    }

    /// Whether the device reads well now.
    #[must_use]
    pub fn reports(&self, device: &DeviceStatus) -> bool {
        device.error.is_none() && device.last_good_at.is_some() && self.is_asked(device)
    }

    /// Everything wrong in the parts, the gravest first.
    #[must_use]
    pub fn find_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(path) = &self.buffer.set_aside {
            problems.push(format!(
                "the buffer was damaged; it is kept as {}, what it held may be missing",
                path.display()
            ));
        }
        for bus in &self.buses {
            if let Some(error) = &bus.error {
                problems.push(format!("bus {}: {error}", bus.name));
            }
        }
        for device in &self.devices {
            if let Some(error) = &device.error {
                problems.push(format!("meter {}: {error}", device.label));
            }
        }
        if self.lost > 0 {
            problems.push(format!(
                "{} readings are lost: the disk took none for too long; make room on it",
                self.lost
            ));
        }
        if self.clock == ClockTrust::Untrusted {
            problems.push(
                "the clock is not set: readings taken now decide no bill; check the network \
                 and timedatectl"
                    .to_owned(),
            );
        }
        if let Some(error) = &self.cloud.error {
            problems.push(error.clone());
        }
        if self.cloud.standing == Standing::NotEnrolled && self.devices.is_empty() {
            problems.push(
                "there is nothing to read: enrol the gateway (enervue-gateway enroll URL --code \
                 CODE), or list devices in its settings"
                    .to_owned(),
            );
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::id::Epoch;

    #[test]
    fn every_part_that_is_ill_is_named() {
        let mut status = Status {
            software: String::new(),
            now: "2026-11-24T08:00:00Z".parse().unwrap(),
            clock: ClockTrust::Trusted,
            running_s: 0,
            problems: Vec::new(),
            cloud: UplinkStatus::default(),
            buffer: BufferStatus {
                epoch: Epoch(1),
                began_at: "2026-11-01T08:00:00Z".parse().unwrap(),
                origin: crate::buffer::Origin::New,
                last_seq: 0,
                acknowledged_through: 0,
                waiting: 0,
                kept: 0,
                rejected: 0,
                lost: 0,
                damaged: 0,
                salvaged: 0,
                bytes: 0,
                bytes_max: 0,
                disk_full: false,
                oldest_at: None,
                oldest_waiting_at: None,
                set_aside: None,
            },
            lost: 0,
            buses: vec![BusStatus {
                name: "main".to_owned(),
                line: "/dev/ttyUSB0 9600 8N1".to_owned(),
                usable: true,
                error: None,
            }],
            devices: vec![DeviceStatus {
                id: DeviceId(1),
                label: "Local 101".to_owned(),
                bus: "main".to_owned(),
                unit_id: 1,
                profile: "eastron-sdm120".to_owned(),
                last_good_at: None,
                last: None,
                answered: 0,
                failed: 0,
                error: None,
                breaker: None,
            }],
        };
        assert_eq!(status.find_problems(), [""; 0]);
        assert!(!status.reports(&status.devices[0]), "it gave nothing yet");
        status.devices[0].last_good_at = Some(status.now);
        assert!(status.reports(&status.devices[0]));
        status.buses[0].usable = false;
        assert!(!status.reports(&status.devices[0]), "nobody asks it now");
        status.clock = ClockTrust::Untrusted;
        status.cloud.error = Some("the cloud answered 503".to_owned());
        status.buffer.set_aside = Some("/x.damaged".into());
        status.lost = 12;
        status.buses[0].error = Some("no such port".to_owned());
        status.devices[0].error = Some("no reply".to_owned());
        let problems = status.find_problems();
        assert_eq!(problems.len(), 6, "{problems:?}");
        assert!(problems.contains(&"meter Local 101: no reply".to_owned()));
        status.devices.clear();
        let problems = status.find_problems();
        assert!(problems[5].starts_with("there is nothing to read"));
    }
}
