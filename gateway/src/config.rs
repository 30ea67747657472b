//! The settings: `gateway.toml`, environment variables over it, and what can be wrong with
//! them. [`Config::check`] finds everything wrong at once and says what to do about each.

mod address;
mod check;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::profile::{Library, Parity};
use serde::{Deserialize, Serialize};

pub use address::{AddressError, Endpoint, PortAddress};
pub use check::Fault;

use crate::bus::Manner;

/// Where the settings are looked for.
pub const CONFIG_FILE: &str = "/etc/enervue-gateway/gateway.toml";
/// Environment variables that override a setting start with this and two underscores.
pub const VARIABLE_PREFIX: &str = "ENERVUE_GATEWAY";
/// The documented default file.
pub const DEFAULT_FILE: &str = include_str!("../gateway.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the buffer, the identity and the last list of devices are.
    pub data_dir: PathBuf,
    /// Where the running daemon is asked.
    pub socket: PathBuf,
    /// Where the site's own profiles are.
    pub profile_dir: PathBuf,
    /// The IANA zone of the devices listed in the file.
    pub zone: Option<String>,
    /// How often meters are read.
    pub poll: PollConfig,
    /// How often the cloud is spoken to.
    pub sync: SyncConfig,
    /// How long readings are kept.
    pub buffer: BufferConfig,
    /// Where figures are written for Prometheus.
    pub metrics: MetricsConfig,
    /// The RS-485 lines.
    pub bus: Vec<BusConfig>,
}

/// How often meters are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PollConfig {
    /// Seconds between two readings of a billing counter, when the cloud asks for no other.
    pub billing_period_s: u32,
    /// Seconds between two readings of everything else.
    pub gauge_period_s: u32,
}

/// How often the cloud is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncConfig {
    /// Milliseconds between two looks for readings to send.
    pub period_ms: u64,
    /// Milliseconds between two signs of life when there are none.
    pub heartbeat_ms: u64,
}

/// How long readings are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BufferConfig {
    /// Days after the acknowledgement.
    pub keep_days: u32,
    /// The most the readings may take on the disk, in MiB.
    pub max_mib: u32,
}

/// Where figures are written for Prometheus.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// The file; without one nothing is written.
    pub file: Option<PathBuf>,
}

/// One RS-485 line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusConfig {
    /// The name by which the portal refers to it.
    pub name: String,
    /// Where it is.
    pub port: PortAddress,
    /// Bits a second.
    #[serde(default = "default_baud")]
    pub baud: u32,
    /// The parity bit.
    #[serde(default = "default_parity")]
    pub parity: Parity,
    /// 1 or 2.
    #[serde(default = "default_stop_bits")]
    pub stop_bits: u8,
    /// Whether this gateway is the master of the line, or sits beside one.
    #[serde(default)]
    pub mode: Mode,
    /// Seconds for which the line is heard before the first request.
    #[serde(default = "default_listen_first_s")]
    pub listen_first_s: u32,
    /// The longest pause, in seconds, before a port that vanished is looked for again.
    #[serde(default = "default_reopen_max_s")]
    pub reopen_max_s: u32,
    /// The devices on it, when there is no cloud to tell.
    #[serde(default)]
    pub device: Vec<FileDevice>,
}

/// What this gateway is on a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Its one master.
    #[default]
    Poll,
    /// A silent listener beside another master.
    Listen,
}

/// A device that the file lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDevice {
    /// Its Modbus unit id, 1–247.
    pub unit_id: u8,
    /// The profile that decodes it.
    pub profile: String,
    /// What people call it.
    pub label: String,
}

impl BusConfig {
    /// How the bus is used. On a connection of our own no other master can be heard.
    #[must_use]
    pub fn manner(&self) -> Manner {
        let listen_first_s = match self.port {
            PortAddress::ModbusTcp(_) => 0,
            _ => self.listen_first_s,
        };
        Manner {
            listen_first: Duration::from_secs(listen_first_s.into()),
            reopen_max: Duration::from_secs(self.reopen_max_s.into()),
        }
    }
}

fn default_baud() -> u32 {
    9600
}

fn default_parity() -> Parity {
    Parity::None
}

fn default_stop_bits() -> u8 {
    1
}

fn default_listen_first_s() -> u32 {
    10
}

fn default_reopen_max_s() -> u32 {
    30
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "/var/lib/enervue-gateway".into(),
            socket: "/run/enervue-gateway/control.sock".into(),
            profile_dir: "/etc/enervue-gateway/profiles".into(),
            zone: None,
            poll: PollConfig::default(),
            sync: SyncConfig::default(),
            buffer: BufferConfig::default(),
            metrics: MetricsConfig::default(),
            bus: Vec::new(),
        }
    }
}

impl Default for PollConfig {
    fn default() -> Self {
        Self {
            billing_period_s: 60,
            gauge_period_s: 900,
        }
    }
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            period_ms: 10_000,
            heartbeat_ms: 60_000,
        }
    }
}

impl Default for BufferConfig {
    fn default() -> Self {
        Self {
            keep_days: 45,
            max_mib: 256,
        }
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file or a variable is wrong; the message shows the line.
    #[error("{path}: {source}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: common::settings::SettingsError,
    },
}

impl Config {
    /// The settings in the file at `path` under the environment, and the file's text.
    ///
    /// # Errors
    /// When the file cannot be read or does not fit.
    pub fn load(path: &Path) -> Result<(Self, String), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text, std::env::vars()).map_err(|source| ConfigError::Wrong {
            path: path.to_owned(),
            source,
        })?;
        Ok((config, text))
    }

    /// The settings in `text`, with `variables` over them.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn parse(
        text: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, common::settings::SettingsError> {
        common::settings::read(text, VARIABLE_PREFIX, variables)
    }

    /// Everything wrong with the settings that were read from `text`.
    #[must_use]
    pub fn check(&self, text: &str, library: &Library) -> Vec<Fault> {
        check::check(self, text, library)
    }

    /// Whether the file lists devices of its own.
    #[must_use]
    pub fn lists_devices(&self) -> bool {
        self.bus.iter().any(|bus| !bus.device.is_empty())
    }

    /// The buffer's database.
    #[must_use]
    pub fn buffer_file(&self) -> PathBuf {
        self.data_dir.join("buffer.db")
    }

    /// The key, the token and the cloud's address.
    #[must_use]
    pub fn identity_file(&self) -> PathBuf {
        self.data_dir.join("identity.json")
    }
}
