//! What both ends must agree on, and nothing else: a type enters here only if it crosses
//! the wire between gateway and cloud, or both print it.
//!
//! Pure by construction: no IO, no clock, no async. Quantities are decimals with a unit;
//! binary floats end inside [`profile`].

pub mod closes;
pub mod digest;
pub mod fail_point;
pub mod id;
pub mod locale;
pub mod profile;
pub mod quantity;
pub mod reading;
pub mod seal;
pub mod settings;
pub mod sync;
pub mod unit;
mod written;
