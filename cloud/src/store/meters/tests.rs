//! Stories of meters.
