//! The buffer against a list in memory, through damage, and under its lock.
