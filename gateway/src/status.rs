//! What the daemon tells about itself. Pure: the parts are given, the judgement is here.

mod alarms;

use common::id::DeviceId;
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::sync::{ClockReport, ClockSource, DeviceTraffic, MachineReport};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::buffer::BufferStatus;
use crate::bus::Counts;
use crate::poll::BreakerState;
use crate::uplink::{Standing, UplinkStatus};

/// A machine's clock that is further off is not merely drifting.
const CLOCK_APART_MAX: SignedDuration = SignedDuration::from_secs(5);
/// How the gateway is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Program and version.
    pub software: String,
    /// The gateway's clock.
    pub now: Timestamp,
    /// How far it can be believed, and where it comes from.
    pub clock: ClockReport,
    /// Who says another time, in one sentence.
    pub clock_problem: Option<String>,
    /// The machine beneath.
    pub machine: MachineReport,
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
    /// What it has seen since its port was opened.
    pub counts: Counts,
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
    /// What became of the requests to it since the daemon started.
    pub traffic: DeviceTraffic,
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

    /// Everything wrong, the gravest first, each with its next step.
    #[must_use]
    pub fn find_problems(&self) -> Vec<String> {
        let mut problems = self.alarms();
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
        problems.extend(self.cloud.error.clone());
        if self.cloud.standing == Standing::NotEnrolled && self.devices.is_empty() {
            problems.push(
                "there is nothing to read: enrol the gateway (enervue-gateway enroll URL --code \
                 CODE), or list devices in its settings"
                    .to_owned(),
            );
        }
        problems
    }

    /// How the machine is, in a line.
    #[must_use]
    pub fn machine_words(&self) -> String {
        let MachineReport {
            up_s,
            running_s,
            temperature_m_c,
            ..
        } = self.machine;
        let heat = temperature_m_c.map(|degrees| format!(", processor {}", celsius(degrees)));
        format!(
            "up {}, the program {}{}",
            span(up_s),
            span(running_s),
            heat.unwrap_or_default()
        )
    }

    /// How the disk is, in a line.
    #[must_use]
    pub fn disk_words(&self) -> String {
        match self.machine.disk_bytes {
            0 => "not known".to_owned(),
            all => format!(
                "{} free of {}",
                size(self.machine.disk_free_bytes),
                size(all)
            ),
        }
    }

    /// How the clock is, in a line.
    #[must_use]
    pub fn clock_words(&self) -> String {
        let source = match self.clock.source {
            ClockSource::None => "from nowhere yet",
            ClockSource::Ntp => "from a time server",
            ClockSource::Cloud => "from the cloud",
            ClockSource::Machine => "the machine's own",
            ClockSource::Test => "a test clock",
        };
        let trust = match self.clock.trust {
            ClockTrust::Untrusted => "not set",
            _ => "set",
        };
        let ahead = SignedDuration::from_millis(self.clock.machine_ahead_ms);
        match ahead.abs() >= CLOCK_APART_MAX {
            true => format!("{trust}, {source}; the machine's is {}", apart(ahead)),
            false => format!("{trust}, {source}"),
        }
    }

    /// How the buffer is, in a line.
    #[must_use]
    pub fn buffer_words(&self) -> String {
        let BufferStatus { waiting, kept, .. } = self.buffer;
        format!("{waiting} waiting, {kept} held")
    }
}

impl BusStatus {
    /// What the line has seen, in words.
    #[must_use]
    pub fn counts_words(&self) -> String {
        let Counts {
            answers,
            faults,
            unsolicited_bytes,
            stray_bytes,
            echoes,
            strangers,
            late,
            ..
        } = self.counts;
        let rare = [
            (late, "late replies"),
            (strangers, "frames of others"),
            (echoes, "echoes"),
            (stray_bytes, "stray bytes"),
            (unsolicited_bytes, "bytes unasked"),
        ];
        let rare = rare.into_iter().filter(|(count, _)| *count > 0);
        let rare: String = rare
            .map(|(count, what)| format!(", {count} {what}"))
            .collect();
        format!("{answers} answers, {faults} faults{rare}")
    }
}

/// A number of bytes in the unit that fits, e.g. `1.5 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut whole, mut tenths, mut unit) = (bytes, 0, 0);
    while whole >= 1024 && unit + 1 < UNITS.len() {
        tenths = whole % 1024 * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    match unit {
        0 => format!("{whole} {name}"),
        _ => format!("{whole}.{tenths} {name}"),
    }
}

/// A number of seconds in the unit that fits.
#[must_use]
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn apart(ahead: SignedDuration) -> String {
    let word = match ahead.is_negative() {
        true => "behind",
        false => "ahead",
    };
    format!("{} {word}", span(ahead.unsigned_abs().as_secs()))
}

fn celsius(thousandths: i64) -> String {
    format!("{} °C", thousandths / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::id::Epoch;

    pub(super) fn status() -> Status {
        Status {
            software: String::new(),
            now: "2026-11-24T08:00:00Z".parse().unwrap(),
            clock: ClockReport {
                trust: ClockTrust::Trusted,
                source: ClockSource::Ntp,
                machine_ahead_ms: 12,
            },
            clock_problem: None,
            machine: MachineReport::default(),
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
                counts: Counts::default(),
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
                traffic: DeviceTraffic::default(),
            }],
        }
    }

    #[test]
    fn every_part_that_is_ill_is_named() {
        let mut status = status();
        assert_eq!(status.find_problems(), [""; 0]);
        assert!(!status.reports(&status.devices[0]), "it gave nothing yet");
        status.devices[0].last_good_at = Some(status.now);
        assert!(status.reports(&status.devices[0]));
        status.buses[0].usable = false;
        assert!(!status.reports(&status.devices[0]), "nobody asks it now");
        status.clock.trust = ClockTrust::Untrusted;
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

    #[test]
    fn sizes_and_spans_are_told_in_the_unit_that_fits() {
        let sizes = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (16 << 30, "16.0 GiB"),
        ];
        for (bytes, text) in sizes {
            assert_eq!(size(bytes), text);
        }
        let spans = [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_200, "2 h"),
            (172_800, "2 d"),
        ];
        for (seconds, text) in spans {
            assert_eq!(span(seconds), text);
        }
    }
}
