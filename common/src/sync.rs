//! The sync protocol: JSON over HTTPS, spoken by our gateway and open to any other.
//!
//! A gateway exchanges a one-use code for a bearer token (`POST` [`ENROL_PATH`]), fetches
//! its devices (`GET` [`DEVICES_PATH`]) and sends batches (`POST` [`BATCH_PATH`], JSON,
//! optionally `Content-Encoding: zstd`). A batch is acknowledged after the commit; sending
//! it again changes nothing. It waits for what the cloud asks of it (`GET`
//! [`COMMANDS_PATH`]), answers there, and may change its key (`POST` [`KEY_PATH`]). Unknown
//! members are ignored by both sides. `common/protocol` describes all of it for those who
//! write another gateway.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Signature};
use crate::id::{BootId, CommandId, DeviceId, Epoch, GatewayId, MeterId};
use crate::reading::{ClockTrust, Reading};
use crate::seal::Head;

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

/// Why readings that had a number are no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossReason {
    /// The buffer was full, and what matters least gave way.
    Size,
    /// The disk gave back something else than was written.
    Damage,
    /// The cloud asked again for what had been acknowledged and deleted long ago.
    Expired,
    /// Another reason, of a version to come.
    #[serde(other)]
    Other,
}

/// The weightiest among readings that are lost, lightest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// A momentary value.
    Gauge,
    /// A counter that no bill rests on.
    Counter,
    /// A billing counter.
    Billing,
    /// A closing reading, or one of which nothing is known any more.
    Closing,
}

/// A run of numbers whose readings are lost: the sequence stays contiguous, and the loss is
/// counted where the bill is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The first number.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Why.
    pub reason: LossReason,
    /// The weightiest of them.
    pub gravest: Weight,
    /// The instant of the first, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The instant of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The devices whose billing counters are among them; empty when that is not known, or
    /// none is.
    #[serde(default)]
    pub devices: Vec<DeviceId>,
    /// The gateway's signature of [`Loss::text`].
    pub signature: Signature,
}

impl Loss {
    /// What is signed: all of it but the signature, a line a member, as in
    /// [`Reading::canonical`].
    #[must_use]
    pub fn text(&self, epoch: Epoch) -> String {
        let instant = |at: Option<Timestamp>| {
            at.map_or_else(|| "-".to_owned(), |at| at.as_millisecond().to_string())
        };
        let devices: Vec<_> = self.devices.iter().map(ToString::to_string).collect();
        let devices = match devices.is_empty() {
            true => "-".to_owned(),
            false => devices.join(" "),
        };
        format!(
            "enervue-loss 1\nepoch {epoch}\nfirst {}\nlast {}\nreason {}\ngravest {}\nfrom {}\n\
             until {}\ndevices {devices}\n",
            self.first,
            self.last,
            self.reason.code(),
            self.gravest.code(),
            instant(self.from),
            instant(self.until),
        )
    }
}

impl LossReason {
    /// The word on the wire and in the databases.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Damage => "damage",
            Self::Expired => "expired",
            Self::Other => "other",
        }
    }

    /// The reason that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        [Self::Size, Self::Damage, Self::Expired]
            .into_iter()
            .find(|reason| reason.code() == code)
            .unwrap_or(Self::Other)
    }
}

impl Weight {
    /// The word on the wire and in the databases.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Billing => "billing",
            Self::Closing => "closing",
        }
    }

    /// The weight that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Gauge, Self::Counter, Self::Billing, Self::Closing]
            .into_iter()
            .find(|weight| weight.code() == code)
    }
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

/// What the cloud may ask of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Read all points of a device now.
    Read {
        /// Which.
        device: DeviceId,
    },
    /// Tell how the gateway, its lines and its devices are, by a fresh look at each.
    Diagnose,
    /// Make a new key and change to it.
    ChangeKey,
    /// Something of a version to come.
    #[serde(other)]
    Unknown,
}

/// An [`Order`] that waits to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its identity; the answer goes to [`COMMANDS_PATH`]`/{id}`.
    pub id: CommandId,
    /// What is to be done.
    #[serde(flatten)]
    pub order: Order,
}

/// What waits to be done; empty when the wait was in vain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandList {
    /// In the order in which they were asked for.
    pub commands: Vec<Command>,
}

/// What came of a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// By the gateway's clock.
    pub at: Timestamp,
    /// What went wrong, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was found, a line each, as text for people.
    #[serde(default)]
    pub lines: Vec<ResultLine>,
}

/// One fact of a [`CommandResult`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultLine {
    /// What it is about, e.g. a point or a device.
    pub name: String,
    /// What it is, e.g. `1234.5 kWh`.
    pub value: String,
    /// What is wrong with it, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
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
