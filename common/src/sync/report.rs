//! How a gateway is: what it tells of itself along with every batch.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{BootId, DeviceId};
use crate::reading::ClockTrust;

/// A bus as the gateway's file names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusReport {
    /// Its name, by which the portal refers to it.
    pub name: String,
    /// The port behind it and its link, e.g. `/dev/ttyUSB0 9600 8N1`.
    pub line: String,
    /// What is wrong with it now, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How one device answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Which device.
    pub device: DeviceId,
    /// When it last gave a good billing reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good_at: Option<Timestamp>,
    /// What is wrong with it now, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What became of the requests to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<DeviceTraffic>,
}

/// What became of the requests to a device since the gateway started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceTraffic {
    /// Requests sent.
    pub requests: u64,
    /// Good answers.
    pub answers: u64,
    /// Requests without an answer in time.
    pub timeouts: u64,
    /// Answers that were damaged: a wrong checksum, a wrong length, another unit's.
    pub damaged: u64,
    /// Answers by which the device refused.
    pub exceptions: u64,
}

/// Where the gateway's time comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockSource {
    /// From nowhere yet: it has not been set since the machine started.
    #[default]
    None,
    /// The machine's clock, which a time server keeps.
    Ntp,
    /// The cloud's answers.
    Cloud,
    /// The machine's clock, of which nobody says whether it is right.
    Machine,
    /// A test clock.
    Test,
}

/// How the gateway's clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReport {
    /// How far it can be believed.
    pub trust: ClockTrust,
    /// Where it comes from.
    pub source: ClockSource,
    /// How far the machine's own clock is ahead of what is believed, in milliseconds.
    pub machine_ahead_ms: i64,
}

/// How the machine is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineReport {
    /// Which start of it this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootId>,
    /// Seconds since then.
    pub up_s: u64,
    /// Seconds since the program started.
    pub running_s: u64,
    /// Room left where the buffer is, in bytes.
    pub disk_free_bytes: u64,
    /// All the room there.
    pub disk_bytes: u64,
    /// The processor's temperature, in thousandths of a degree Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_m_c: Option<i64>,
}

/// How the buffer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BufferReport {
    /// Readings held, acknowledged ones included.
    pub kept: u64,
    /// What they take, in bytes.
    pub bytes: u64,
    /// The most they may take.
    pub bytes_max: u64,
    /// Readings lost in this epoch.
    pub lost: u64,
    /// Readings that the cloud refused for good.
    pub rejected: u64,
    /// The instant of the oldest reading that is not acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_waiting_at: Option<Timestamp>,
    /// Whether a damaged database was set aside, or an old copy of the disk was found, when
    /// this epoch began.
    pub began_after_damage: bool,
}

/// How the gateway is, sent along with every batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayReport {
    /// The gateway's clock.
    pub at: Timestamp,
    /// Program and version.
    pub software: String,
    /// Up to when everything that was due has been read or given up. A test clock waits
    /// for it before it steps on.
    pub settled_through: Timestamp,
    /// Readings in the buffer that are not acknowledged, this batch's included.
    pub waiting: u64,
    /// The version of the device list it works by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices_version: Option<String>,
    /// Its buses.
    #[serde(default)]
    pub buses: Vec<BusReport>,
    /// Its devices.
    #[serde(default)]
    pub devices: Vec<DeviceReport>,
    /// Its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockReport>,
    /// Its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineReport>,
    /// Its buffer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buffer: Option<BufferReport>,
}
