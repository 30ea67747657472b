//! What people type. Data goes to stdout, words to stderr; `--json` gives one object with a
//! `schema` member (streams: one object a line); each way to fail has its exit code.

pub mod print;

pub use crate::failure::{Exit, Failure};
