//! How a command fails: what, why, what to do, and the exit code. It crosses the control
//! socket, so that a daemon's refusal reads as if the command had found it itself.

use std::error::Error;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// The exit codes other than 0. 2 is also what a wrong command line gives, 130 an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// Something unexpected.
    Unexpected = 1,
    /// The command does not make sense as it was typed.
    Usage = 2,
    /// No daemon is running.
    NoDaemon = 3,
    /// The serial port cannot be used.
    Port = 4,
    /// At least one meter does not answer.
    Silent = 5,
    /// The cloud cannot be reached, or refuses.
    Cloud = 6,
    /// A part of it was done.
    Partial = 7,
    /// A check found something.
    Faults = 8,
    /// It was not done, because it needs `--yes`.
    Refused = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed, in the words that are printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// With which code.
    pub exit: Exit,
    /// What went wrong.
    pub error: String,
    /// Why we think so.
    pub cause: Option<String>,
    /// What to do.
    pub remedy: Option<String>,
}

impl Failure {
    /// A failure of which only `error` is known.
    #[must_use]
    pub fn new(exit: Exit, error: impl Into<String>) -> Self {
        Self {
            exit,
            error: error.into(),
            cause: None,
            remedy: None,
        }
    }

    /// The failure that `error` is, its contexts told as causes.
    #[must_use]
    pub fn unexpected(error: &anyhow::Error) -> Self {
        Self::of(error.as_ref())
    }

    /// This failure with another exit code.
    #[must_use]
    pub fn with(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// This failure with its reason.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// This failure with what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn of(error: &dyn Error) -> Self {
        let (text, mut causes) = (error.to_string(), String::new());
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Many an error names its cause itself.
            if !text.contains(&cause_text) {
                let separator = if causes.is_empty() { "" } else { ": " };
                causes.push_str(separator);
                causes.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self {
            exit: Exit::Unexpected,
            error: text,
            cause: (!causes.is_empty()).then_some(causes),
            remedy: None,
        }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn contexts_become_causes_and_nothing_is_said_twice() {
        let error = std::io::Error::other("the disk is full");
        let wrapped = Err::<(), _>(error).context("cannot write").unwrap_err();
        let failure = Failure::unexpected(&wrapped.context("cannot enrol"));
        assert_eq!(failure.error, "cannot enrol");
        assert_eq!(
            failure.cause.as_deref(),
            Some("cannot write: the disk is full")
        );
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read: {source}")]
        struct Names {
            source: std::io::Error,
        }
        let source = std::io::Error::other("no such file");
        let failure = Failure::from(Names { source });
        assert_eq!(failure.cause, None);
    }
}
