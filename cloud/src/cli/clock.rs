//! `clock advance`: lets the time of a running server's test clock pass.

use anyhow::Context as _;
use jiff::Timestamp;

use super::print;
use crate::command::Advanced;
use crate::config::Config;
use crate::control::{self, Request};

/// What is typed after `clock`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ClockCommand {
    /// Let time pass up to an instant, doing on the way all that is due
    Advance {
        /// Until when, such as 2026-12-01T15:00:00Z
        #[arg(long, value_name = "INSTANT")]
        to: Timestamp,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: ClockCommand, config: &Config) -> anyhow::Result<()> {
    let ClockCommand::Advance { to, json } = command;
    let request = Request::ClockAdvance { to };
    let advanced = control::ask(&config.socket, &request, print::note)
        .await
        .context("the clock was not advanced")?;
    let advanced: Advanced = serde_json::from_value(advanced)?;
    for gateway in &advanced.not_heard {
        print::note(&format!(
            "gateway {gateway} was not heard: time passed without it"
        ));
    }
    if json {
        print::json("enervue.clock/1", &advanced)?;
    } else {
        print::line(&format!("It is {}.", advanced.now))?;
    }
    Ok(())
}
