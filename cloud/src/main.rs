//! `enervue-cloud`: parses what was typed, starts logging and the runtime, and does it.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use cloud::cli::{Arguments, print};
use tracing_subscriber::EnvFilter;

/// Says more or less than usual, e.g. `debug` or `cloud::api=debug`.
const LOG_VARIABLE: &str = "ENERVUE_LOG";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_level());
    #[cfg(feature = "fail-points")]
    if let Ok(point) = std::env::var("ENERVUE_FAIL_POINT") {
        common::fail_point::arm(&point);
    }
    // Whoever was first to choose has chosen the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(arguments.run()));
    match done {
        Ok(code) => code,
        Err(error) => {
            print::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn start_log(level: &str) {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    // The journal notes the time of each line itself.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().init();
    } else {
        log.init();
    }
}
