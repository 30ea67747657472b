//! `enervue-gateway`: parses what was typed, starts logging and one thread, and does it.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use gateway::cli::{Arguments, Failure, print};
use tracing_subscriber::EnvFilter;

/// Says more or less than usual, e.g. `debug` or `gateway::uplink=debug`.
const LOG_VARIABLE: &str = "ENERVUE_LOG";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_level());
    #[cfg(feature = "fail-points")]
    if let Ok(point) = std::env::var("ENERVUE_FAIL_POINT") {
        common::fail_point::arm(&point);
    }
    // One thread does: the disk has its own, and a line is slower than any of them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(arguments.run()),
        Err(error) => Err(Failure::from(error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print::failure(&failure);
            failure.exit.into()
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
