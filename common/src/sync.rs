//! The sync protocol: JSON over HTTPS, spoken by our gateway and open to any other.
//!
//! A gateway exchanges a one-use code for a bearer token (`POST` [`ENROL_PATH`]), fetches
//! its devices (`GET` [`DEVICES_PATH`]) and sends batches (`POST` [`BATCH_PATH`], JSON,
//! optionally `Content-Encoding: zstd`). A batch is acknowledged after the commit; sending
//! it again changes nothing. Unknown members are ignored by both sides.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, Epoch, GatewayId};
use crate::reading::Reading;

/// The version of the protocol that this code speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// Where a code becomes a token.
pub const ENROL_PATH: &str = "/sync/v1/enrol";
/// Where the list of devices is.
pub const DEVICES_PATH: &str = "/sync/v1/devices";
/// Where batches go.
pub const BATCH_PATH: &str = "/sync/v1/batch";
/// The most readings in a batch; a few hundred kilobytes as JSON, a tenth of it packed.
pub const BATCH_READINGS_MAX: usize = 2_000;
/// The most bytes of a batch after unpacking.
pub const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How many closing instants the cloud sends ahead for each device.
pub const CLOSINGS_AHEAD: usize = 400;
/// How far from the start of the day a closing reading still decides a bill.
pub const CLOSING_TOLERANCE_SECONDS: i64 = 10 * 60;

/// A gateway asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The one-use code that the portal showed.
    pub code: String,
    /// The gateway's Ed25519 public key, base64; it will verify seals.
    pub public_key: String,
    /// The machine's name, shown in the portal.
    pub host: String,
    /// Program and version, e.g. `enervue-gateway 0.1.0`.
    pub software: String,
}

/// The answer to an [`EnrolRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolReply {
    /// The identity under which batches are kept.
    pub gateway: GatewayId,
    /// The secret for `Authorization: Bearer`; the cloud keeps only its hash.
    pub token: String,
    /// The name the integrator gave the gateway.
    pub gateway_name: String,
    /// The site it stands on.
    pub site_name: String,
    /// The account it belongs to.
    pub account_name: String,
}

/// One start of a local day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The date that starts.
    pub date: Date,
    /// The instant at which it does, in the meter's zone.
    pub at: Timestamp,
}

/// A device the gateway shall read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its identity.
    pub id: DeviceId,
    /// What people call it.
    pub label: String,
    /// The profile that decodes it.
    pub profile: String,
    /// The bus of the gateway on which it is.
    pub bus: String,
    /// Its Modbus unit id, 1–247.
    pub unit_id: u8,
    /// Seconds between two readings of the billing counters.
    pub poll_period_s: u32,
    /// The IANA zone whose midnights close its days.
    pub zone: String,
    /// The next starts of day; beyond them the gateway computes its own from the zone.
    #[serde(default)]
    pub closings: Vec<Closing>,
}

/// All that a gateway shall read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceList {
    /// Changes whenever the list does; repeated in every [`BatchReply`].
    pub version: String,
    /// The devices.
    pub devices: Vec<Device>,
}

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
}

/// How the gateway is, sent along with every batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// A contiguous run of readings; without readings it is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The life of the buffer that numbered the readings.
    pub epoch: Epoch,
    /// The readings, seq rising by one.
    pub readings: Vec<Reading>,
    /// How the gateway is.
    pub report: GatewayReport,
}

/// One reading that the cloud will never take, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Its number.
    pub seq: u64,
    /// Why, in one sentence.
    pub reason: String,
}

/// The answer to a [`Batch`], given after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReply {
    /// Every reading of the epoch up to here is settled: kept, or rejected with a reason.
    pub acknowledged_through: u64,
    /// Readings of this batch that were not kept.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
    /// The version of the device list that the cloud has; fetch it when it is another.
    pub devices_version: String,
}

/// An error of the sync API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub hint: String,
}
