//! Enervue's gateway: reads the meters of a building and sends what it read.
//!
//! What holds everywhere in here:
//! - A reading is on disk, numbered, before anything is sent, and is never changed.
//! - Nothing is deleted before the cloud has acknowledged it.
//! - A value is the register that was asked for, or an error; never a neighbour's.
//! - Only [`clock`] asks what time it is; only [`buffer`] speaks SQL, `uplink` HTTP,
//!   and `bus` to a serial port ([`simulate`] makes pseudo-terminals, and opens none).

pub mod buffer;
pub mod bus;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod devices;
pub mod failure;
pub mod files;
pub mod identity;
pub mod listen;
pub mod load;
pub mod machine;
pub mod metrics;
pub mod plausible;
pub mod poll;
pub mod profiles;
pub mod reading;
pub mod run;
pub mod schedule;
pub mod simulate;
pub mod status;
pub mod tls;
pub mod uplink;
