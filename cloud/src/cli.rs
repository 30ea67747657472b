//! What the operator types. Data goes to stdout, words to stderr; `--json` gives one object
//! with a `schema` member. Exit codes: 0 done, 1 failed, 2 usage.

mod clock;
mod config;
mod invoice;
pub mod print;
mod serve;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{CONFIG_FILE, Config, ConfigError};

const EXAMPLES: &str = "\
Examples:
  enervue-cloud config default > cloud.toml         the documented settings
  enervue-cloud serve --config cloud.toml
  enervue-cloud user add ana@example.com --name Ana --administrator
  enervue-cloud invoice export 12 --output invoice-12.json
  enervue-cloud invoice verify invoice-12.json --issuer \"1f2e …\" --gateway \"3c4d …\"

Exit codes: 0 done, 1 failed, 2 usage. Of invoice verify: 0 identical, 1 it differs, 2 it
could not be checked.";

/// Keeps the readings of meters, makes the invoices and delivers them.
#[derive(Debug, Parser)]
#[command(name = "enervue-cloud", version, about, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Settings {
    /// The file with the settings
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ENERVUE_CLOUD_CONFIG",
        default_value = CONFIG_FILE
    )]
    config: PathBuf,
}

impl Settings {
    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the portal and the gateways, make the invoices, send the notices
    Serve {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        args: serve::ServeArgs,
    },
    /// The people who operate the platform
    User {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// The invoices: which there are, one as a file, and whether a file is what was issued
    Invoice {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: invoice::InvoiceCommand,
    },
    /// The test clock of a running server
    Clock {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: clock::ClockCommand,
    },
    /// The settings: the documented default, and what is wrong with yours
    Config {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: config::ConfigCommand,
    },
}

impl Arguments {
    /// What is logged when nobody says otherwise: the server tells its doings.
    #[must_use]
    pub fn log_level(&self) -> &'static str {
        match self.command {
            Command::Serve { .. } => "info",
            _ => "warn",
        }
    }

    /// Does what was typed.
    ///
    /// # Errors
    /// With what went wrong, why, and what to do.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Invoice { settings, command } => {
                return invoice::run(command, &settings).await;
            }
            Command::Serve { settings, args } => serve::run(settings.load()?, args).await,
            Command::User { settings, command } => user::run(command, settings.load()?).await,
            Command::Clock { settings, command } => clock::run(command, &settings.load()?).await,
            Command::Config { settings, command } => config::run(&command, &settings.config),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
