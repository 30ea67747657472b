//! Stories of readings.
