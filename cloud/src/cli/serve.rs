//! `serve`: the server.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::Config;
use crate::run;

/// What is typed after `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Take wall time from the instant in this file
    #[arg(long, value_name = "FILE")]
    test_clock: Option<PathBuf>,
}

pub(super) async fn run(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    let clock = match args.test_clock {
        Some(file) => Clock::test(&file)?,
        None => Clock::real(),
    };
    run::serve(config, clock).await
}
