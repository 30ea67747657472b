//! The sync protocol: JSON over HTTPS, spoken by our gateway and open to any other.
//!
//! A gateway exchanges a one-use code for a bearer token (`POST` [`ENROL_PATH`]), fetches
//! its devices (`GET` [`DEVICES_PATH`]) and sends batches (`POST` [`BATCH_PATH`], JSON,
//! optionally `Content-Encoding: zstd`). A batch is acknowledged after the commit; sending
//! it again changes nothing. It waits for what the cloud asks of it (`GET`
//! [`COMMANDS_PATH`]), answers there, and may change its key (`POST` [`KEY_PATH`]). Unknown
//! members are ignored by both sides. `common/protocol` describes all of it for those who
//! write another gateway.

mod loss;
mod order;
mod report;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::closes::Closes;
use crate::digest::{Digest, Signature};
use crate::id::{DeviceId, Epoch, GatewayId, MeterId};
use crate::reading::Reading;
use crate::seal::Head;

pub use loss::{Loss, LossReason, Weight};
pub use order::{Command, CommandList, CommandResult, Order, ResultLine};
pub use report::{
    BufferReport, BusReport, ClockReport, ClockSource, DeviceReport, DeviceTraffic, GatewayReport,
    MachineReport,
};

/// The version of the protocol that this code speaks.
pub const PROTOCOL_VERSION: u32 = 1;
/// Where a code becomes a token.
pub const ENROL_PATH: &str = "/sync/v1/enrol";
/// Where the list of devices is.
pub const DEVICES_PATH: &str = "/sync/v1/devices";
/// Where batches go.
pub const BATCH_PATH: &str = "/sync/v1/batch";
/// Where the cloud says what it wants done, and `/{id}` below it takes the answer.
pub const COMMANDS_PATH: &str = "/sync/v1/commands";
/// Where a gateway changes its key and token.
pub const KEY_PATH: &str = "/sync/v1/key";
/// How long, in seconds, a request for commands is held open at most until there are some.
pub const COMMANDS_WAIT_SECONDS_MAX: u64 = 25;
/// The most readings in a batch; a few hundred kilobytes as JSON, a tenth of it packed.
pub const BATCH_READINGS_MAX: usize = 2_000;
/// The most bytes of a batch after unpacking.
pub const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How many closing instants the cloud sends ahead for each device.
pub const CLOSINGS_AHEAD: usize = 400;
/// The most closings of a device, the minutes at which another price begins included: a cloud
/// may send some more than ours does.
pub const CLOSINGS_MAX: usize = 2 * CLOSINGS_AHEAD;
/// How many of the days before it sends too, today's included: a gateway that learns the
/// time late finds the midnights that it has read through.
pub const CLOSINGS_BEHIND: usize = 7;
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
    /// The versions of the protocol that it speaks; without them, the first.
    #[serde(default = "first_version")]
    pub protocols: Vec<u32>,
}

fn first_version() -> Vec<u32> {
    vec![1]
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
    /// The version that both speak from now on.
    #[serde(default = "version_one")]
    pub protocol: u32,
}

fn version_one() -> u32 {
    1
}

/// A gateway changes its key, and gets another token with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// The new Ed25519 public key, base64.
    pub public_key: String,
    /// The old key's signature of [`key_text`].
    pub signature: Signature,
}

/// The answer to a [`KeyRequest`]. The old token is good until the new one is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReply {
    /// The new secret for `Authorization: Bearer`.
    pub token: String,
}

/// What the old key signs to hand over to the new one.
#[must_use]
pub fn key_text(gateway: GatewayId, public_key: &str) -> String {
    format!("enervue-key 1\ngateway {gateway}\nkey {public_key}\n")
}

/// Which meter a point of a device serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMounting {
    /// The meter.
    pub meter: MeterId,
    /// The device's billing point.
    pub point: String,
    /// Since when.
    pub from: Timestamp,
    /// The last link of the meter's chain that the cloud holds; one without a chain of its
    /// own goes on from there.
    #[serde(default)]
    pub head: Head,
}

/// An instant at which the billing counters of a device are read before all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// What the reading closes.
    pub closes: Closes,
    /// When that is.
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
    /// The next starts of day, and minutes at which another price begins; beyond them the
    /// gateway computes the starts of day from the zone.
    #[serde(default)]
    pub closings: Vec<Closing>,
    /// The meters that its points serve, whose closing readings are sealed.
    #[serde(default)]
    pub mountings: Vec<DeviceMounting>,
}

/// All that a gateway shall read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceList {
    /// Changes whenever the list does; repeated in every [`BatchReply`].
    pub version: String,
    /// The devices.
    pub devices: Vec<Device>,
}

/// A contiguous run of readings and losses; without either it is a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// [`PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The life of the buffer that numbered the readings.
    pub epoch: Epoch,
    /// The readings, seq rising.
    pub readings: Vec<Reading>,
    /// The numbers between them that are lost. Together they leave no gap.
    #[serde(default)]
    pub losses: Vec<Loss>,
    /// How the gateway is.
    pub report: GatewayReport,
}

/// What kind of fault a [`Rejection`] has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RejectionCode {
    /// The number belongs to a reading with other content: this buffer is an old copy, or
    /// has a double. Begin a new epoch.
    Conflict,
    /// The reading itself can never be kept.
    #[default]
    #[serde(other)]
    Unacceptable,
}

/// One reading that the cloud will never take, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Its number.
    pub seq: u64,
    /// What kind of fault it is.
    #[serde(default)]
    pub code: RejectionCode,
    /// Why, in one sentence.
    pub reason: String,
}

/// A reading that the cloud holds, by which a gateway sees whether it is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldReading {
    /// Its number.
    pub seq: u64,
    /// [`Reading::digest`] of it.
    pub digest: Digest,
}

/// The answer to a [`Batch`], given after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReply {
    /// Every reading of the epoch up to here is settled: kept, rejected with a reason, or
    /// noted as lost. When it is less than it was, the cloud was restored from a copy: send
    /// again from there.
    pub acknowledged_through: u64,
    /// The last reading of the epoch that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_kept: Option<HeldReading>,
    /// Readings of this batch that were not kept.
    #[serde(default)]
    pub rejected: Vec<Rejection>,
    /// The version of the device list that the cloud has; fetch it when it is another.
    pub devices_version: String,
    /// The cloud's clock, for gateways whose own is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
}

/// What kind of [`Problem`] it is, for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The token is missing, unknown or revoked.
    Token,
    /// Numbers are missing before the batch: see [`Problem::resend_from`].
    Hole,
    /// The two sides share no version of the protocol: see [`Problem::protocols`].
    Protocol,
    /// The request is larger than allowed.
    TooLarge,
    /// The request is not what the protocol says.
    Garbled,
    /// The cloud cannot at the moment.
    Busy,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

/// An error of the sync API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind it is.
    #[serde(default)]
    pub code: ProblemCode,
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub hint: String,
    /// The number that the cloud expects next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_from: Option<u64>,
    /// The versions that the cloud speaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<u32>,
}
