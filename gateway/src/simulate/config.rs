//! The file that describes simulated lines: `[[line]]` with its `[[line.meter]]` tables.
//!
//! ```toml
//! [[line]]
//! name = "main"                       # the bus's name in gateway.toml; default: the path's
//! path = "/tmp/enervue/main"          # where the port appears
//! baud = 9600
//! wire_time = true                    # take as long as a real wire of that baud
//! faults_log = "/tmp/enervue/faults"  # every fault that was made, as NDJSON
//! [line.faults]                       # of every meter that has none of its own
//! rate = "0.2"                        # of the requests
//! seed = 7                            # the same seed and requests give the same faults
//! kinds = ["late", "crc"]             # default: all that a line can do (`FaultKind`)
//! [line.foreign_master]               # another master that asks the same meters
//! period_ms = 1000                    # one of them each second, all its points, in turn
//! after_ms = 5000                     # begins so long after the line was opened; default 0
//! unit_ids = [1]                      # which of them; default all
//! [[line.meter]]
//! profile = "eastron-sdm120"
//! unit_id = 1
//! label = "Local 101"
//! since = "2026-06-01T00:00:00Z"
//! opening = "1234.5"                  # the register at `since`
//! per_day = "24.5"                    # the average over a week
//! unit = "kWh"                        # default: the first unit of the first billing point
//! shape = "shop"                      # shop, office, flat, house, steady
//! weekend = "0.3"                     # of a working day's consumption
//! zone = "America/Tijuana"            # whose hours the shape follows
//! delay_ms = 20                       # how long it thinks before it answers
//! silent_from = "2026-06-03T00:00:00Z"
//! silent_until = "2026-06-04T00:00:00Z"
//! faults = { rate = "0.01", kinds = ["all_zero", "decimal_shift"] }
//! ```
//!
//! A register that is wrong under a right checksum (`all_zero`, `spike`, `counter_zero`,
//! `decimal_shift`) is no fault of a line, so it comes only where it is named.

use std::collections::BTreeSet;
use std::path::PathBuf;

use common::profile::{Library, Parity};
use common::unit::Unit;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::consumption::Shape;
use super::faults::FaultKind;
use super::meter::{MeterError, SimulatedMeter};

const MILLION: u32 = 1_000_000;
/// The most lines of one simulation.
const LINES_MAX: usize = 16;

/// Why a file describes no simulation.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not TOML of this form; the message shows the line.
    #[error("{0}")]
    File(#[from] toml::de::Error),
    /// Lines are missing, too many, or two have one name or path.
    #[error("a simulation has 1 to {LINES_MAX} [[line]] tables with names and paths of their own")]
    Lines,
    /// Faults that cannot be made.
    #[error("line '{0}': the rate of faults is from 0 to 1, e.g. \"0.2\", and kinds are not empty")]
    Faults(String),
    /// Another master that asks nobody.
    #[error("line '{0}': foreign_master needs a period_ms above 0 and unit_ids of the line")]
    ForeignMaster(String),
    /// A meter cannot be simulated.
    #[error("line '{line}', unit id {unit_id}: {source}")]
    Meter {
        /// On which line.
        line: String,
        /// With which unit id.
        unit_id: u8,
        /// Why.
        source: MeterError,
    },
    /// Two meters of one line have the same unit id.
    #[error("line '{line}' has two meters with unit id {unit_id}: give one another unit id")]
    UnitIdTaken {
        /// On which line.
        line: String,
        /// Which unit id.
        unit_id: u8,
    },
}

/// The lines to simulate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulationConfig {
    /// The lines.
    pub line: Vec<LineConfig>,
}

/// One line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineConfig {
    /// Where the port appears: a symbolic link to the pseudo-terminal.
    pub path: PathBuf,
    /// The name of the gateway's bus that opens it; the last part of the path if not said.
    #[serde(default)]
    pub name: Option<String>,
    /// Bits a second, for `wire_time`.
    #[serde(default = "default_baud")]
    pub baud: u32,
    /// The parity, for `wire_time`: a parity bit is one more to send.
    #[serde(default = "default_parity")]
    pub parity: Parity,
    /// Whether a reply takes as long as it would on a wire of that baud.
    #[serde(default)]
    pub wire_time: bool,
    /// What goes wrong with the meters that have no faults of their own.
    #[serde(default)]
    pub faults: Option<FaultsConfig>,
    /// A file that tells every fault that was made, a JSON object a line.
    #[serde(default)]
    pub faults_log: Option<PathBuf>,
    /// Another master on the line.
    #[serde(default)]
    pub foreign_master: Option<ForeignMasterConfig>,
    /// The meters on it.
    #[serde(default)]
    pub meter: Vec<MeterConfig>,
}

fn default_baud() -> u32 {
    9600
}

fn default_parity() -> Parity {
    Parity::None
}

/// One meter and what it counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterConfig {
    /// The profile that says where its registers are.
    pub profile: String,
    /// Its Modbus unit id.
    pub unit_id: u8,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// The billing register at `since`, in `unit`.
    pub opening: Decimal,
    /// When it began to count; before that its register stands.
    pub since: Timestamp,
    /// What it counts a day, on the average of a week, in `unit`.
    pub per_day: Decimal,
    /// The unit of those figures, and of the meter where its unit register allows; the first
    /// one of the profile's first billing point if not said.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// How the consumption spreads over the day.
    #[serde(default)]
    pub shape: Shape,
    /// A weekend day's consumption as a share of a working day's.
    #[serde(default = "default_weekend")]
    pub weekend: Decimal,
    /// The IANA zone whose hours the shape follows, at the offset it has at `since`.
    #[serde(default = "default_zone")]
    pub zone: String,
    /// The first instant at which it does not answer.
    #[serde(default)]
    pub silent_from: Option<Timestamp>,
    /// The first instant at which it answers again.
    #[serde(default)]
    pub silent_until: Option<Timestamp>,
    /// How long it thinks before it answers, in milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// What goes wrong with it, instead of what does on the whole line.
    #[serde(default)]
    pub faults: Option<FaultsConfig>,
}

/// What goes wrong, and how often.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultsConfig {
    /// The share of requests that meet a fault, 0 to 1.
    pub rate: Decimal,
    /// The same seed gives the same faults to the same requests.
    #[serde(default)]
    pub seed: u64,
    /// Which faults; all that a line can do if not said.
    #[serde(default)]
    pub kinds: Option<Vec<FaultKind>>,
}

impl FaultsConfig {
    /// The rate in millionths.
    pub(super) fn per_million(&self) -> u32 {
        let million = self.rate.checked_mul(Decimal::from(MILLION));
        let millionths = million.and_then(|rate| u32::try_from(rate.trunc()).ok());
        millionths.unwrap_or(0).min(MILLION)
    }

    /// The kinds to choose from.
    pub(super) fn kinds(&self) -> Vec<FaultKind> {
        let all = || FaultKind::OF_THE_LINE.to_vec();
        self.kinds.clone().unwrap_or_else(all)
    }

    fn can_be(&self) -> bool {
        (Decimal::ZERO..=Decimal::ONE).contains(&self.rate) && !self.kinds().is_empty()
    }
}

/// Another master.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignMasterConfig {
    /// From the first request to one meter to the first request to the next, in milliseconds.
    pub period_ms: u64,
    /// When it begins, in milliseconds after the line was opened.
    #[serde(default)]
    pub after_ms: u64,
    /// Which units it asks; all of the line if not said.
    #[serde(default)]
    pub unit_ids: Option<Vec<u8>>,
}

fn default_weekend() -> Decimal {
    Decimal::ONE
}

fn default_zone() -> String {
    "UTC".to_owned()
}

impl LineConfig {
    /// The name by which the gateway's settings know the line.
    #[must_use]
    pub fn bus(&self) -> String {
        let last = || {
            self.path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        self.name.clone().or_else(last).unwrap_or_default()
    }

    fn check(&self) -> Result<(), ConfigError> {
        let own = self.meter.iter().filter_map(|meter| meter.faults.as_ref());
        if !own.chain(&self.faults).all(FaultsConfig::can_be) {
            return Err(ConfigError::Faults(self.bus()));
        }
        let there: BTreeSet<u8> = self.meter.iter().map(|meter| meter.unit_id).collect();
        let master_can_be = self.foreign_master.as_ref().is_none_or(|master| {
            let asked = master.unit_ids.iter().flatten();
            master.period_ms > 0 && asked.into_iter().all(|unit_id| there.contains(unit_id))
        });
        match master_can_be {
            true => Ok(()),
            false => Err(ConfigError::ForeignMaster(self.bus())),
        }
    }

    /// The meters of this line.
    ///
    /// # Errors
    /// Names the first meter that cannot be simulated.
    pub fn meters(&self, library: &Library) -> Result<Vec<SimulatedMeter>, ConfigError> {
        let mut unit_ids = BTreeSet::new();
        let mut meters = Vec::new();
        for meter in &self.meter {
            let (line, unit_id) = (self.bus(), meter.unit_id);
            if !unit_ids.insert(unit_id) {
                return Err(ConfigError::UnitIdTaken { line, unit_id });
            }
            let simulated =
                SimulatedMeter::new(meter, library).map_err(|source| ConfigError::Meter {
                    line,
                    unit_id,
                    source,
                })?;
            meters.push(simulated);
        }
        Ok(meters)
    }
}

impl SimulationConfig {
    /// The simulation that `text` describes.
    ///
    /// # Errors
    /// When it is not TOML of the form above, or two lines are in each other's way.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        let names: BTreeSet<String> = config.line.iter().map(LineConfig::bus).collect();
        let paths: BTreeSet<&PathBuf> = config.line.iter().map(|line| &line.path).collect();
        let count = config.line.len();
        if !(1..=LINES_MAX).contains(&count) || names.len() != count || paths.len() != count {
            return Err(ConfigError::Lines);
        }
        for line in &config.line {
            line.check()?;
        }
        Ok(config)
    }
}
