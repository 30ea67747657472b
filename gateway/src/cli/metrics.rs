//! `metrics`: the running daemon's figures, as Prometheus reads them.

use serde_json::Value;

use super::{Failure, print};
use crate::config::Config;
use crate::control::{self, Request};
use crate::metrics;
use crate::status::Status;

/// Runs `metrics`.
///
/// # Errors
/// When no daemon runs.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let request = Request {
        command: "status".to_owned(),
        arguments: Value::Null,
    };
    let status = control::ask(&config.socket, &request).await?;
    let status: Status = serde_json::from_value(status)?;
    Ok(print::line(metrics::exposition(&status).trim_end())?)
}
