//! A line of simulated meters on a pseudo-terminal, for the demo, the tests and anyone
//! without hardware; and the history that such meters would have had.
//!
//! A meter's register is a pure, exact, rising function of the instant, so that a live poll,
//! a history written afterwards and a run on another day all agree. The words go through
//! the same profiles as those of real meters. A line can do to them, seeded, all that lines
//! do, and take the time of a wire.
//!
//! Lacks: two talkers whose bits mix, two meters on one unit id, Modbus TCP, time finer than a
//! millisecond, parity and framing errors (a pseudo-terminal has neither).

mod config;
mod consumption;
mod faults;
mod faults_log;
mod foreign_master;
mod history;
mod line;
mod meter;
mod slave;
#[cfg(test)]
mod tests;
mod wire;

pub use self::config::{
    ConfigError, FaultsConfig, ForeignMasterConfig, LineConfig, MeterConfig, SimulationConfig,
};
pub use self::consumption::Shape;
pub use self::faults::FaultKind;
pub use self::history::{Bound, HistoryError, Span, fill};
pub use self::line::{LineError, SimulatedLine};
pub use self::meter::{MeterError, SimulatedMeter};
