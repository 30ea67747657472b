//! Stories of registers.
