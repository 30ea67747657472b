//! Beside another master: what is heard on a line without speaking on it.

pub mod heard;
