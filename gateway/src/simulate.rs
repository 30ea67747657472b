//! A line of simulated meters on a pseudo-terminal, for the demo, the tests and anyone
//! without hardware; and the history that such meters would have had.
//!
//! A meter's register is a pure, exact, rising function of the instant, so that a live poll,
//! a history written afterwards and a run on another day all agree. The words go through
//! the same profiles as those of real meters. Lacks: noise on the line, two meters on one
//! unit id, Modbus TCP.

mod config;
mod consumption;
mod history;
mod line;
mod meter;
mod slave;
#[cfg(test)]
mod tests;

pub use self::config::{ConfigError, LineConfig, MeterConfig, SimulationConfig};
pub use self::consumption::Shape;
pub use self::history::{Bound, HistoryError, fill};
pub use self::line::{LineError, SimulatedLine};
pub use self::meter::{MeterError, SimulatedMeter};
