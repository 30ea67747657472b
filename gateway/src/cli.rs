//! What people type. Data goes to stdout, words to stderr; `--json` gives one object with a
//! `schema` member (streams: one object a line); each way to fail has its exit code.

pub mod buffer;
pub mod bus;
pub mod config;
pub mod enroll;
pub mod key;
pub mod metrics;
pub mod print;
pub mod profile;
pub mod read;
pub mod run;
pub mod simulate;
pub mod status;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use crate::failure::{Exit, Failure};

use crate::clock::Clock;
use crate::config::{CONFIG_FILE, Config};

const EXAMPLES: &str = "\
Examples:
  enervue-gateway config default > gateway.toml     the documented settings
  enervue-gateway enroll https://cloud.example.com --code 4F7K-29QD
  enervue-gateway run --config gateway.toml
  enervue-gateway read --profile eastron-sdm120 --unit-id 1
  enervue-gateway status
  enervue-gateway profile list water                the models that can be read
  enervue-gateway bus plan                          what the devices cost the line
  enervue-gateway bus heard                         what another master asks on the line
  enervue-gateway buffer export --json > readings.ndjson

Exit codes: 0 done, 1 unexpected, 2 usage, 3 no daemon runs, 4 serial port unusable,
5 a meter is silent, 6 cloud, 7 partly done, 8 a check found something, 9 needs --yes.";

/// Reads the meters of a building over RS-485 and sends what it read to Enervue's cloud.
#[derive(Debug, Parser)]
#[command(name = "enervue-gateway", version, about, after_help = EXAMPLES)]
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
        env = "ENERVUE_GATEWAY_CONFIG",
        default_value = CONFIG_FILE
    )]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the meters, keep the readings and send them: the daemon
    Run {
        #[command(flatten)]
        settings: Settings,
        /// Take wall time from the instant in this file
        #[arg(long, value_name = "FILE")]
        test_clock: Option<PathBuf>,
    },
    /// Join a cloud with the one-use code that its portal shows
    Enroll {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        args: enroll::EnrollArgs,
    },
    /// How the running daemon is: problems, meters, buffer, last sync
    Status {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        args: status::StatusArgs,
    },
    /// Read one device once: every point, or why it does not answer
    Read {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        args: read::ReadArgs,
    },
    /// A line: what the devices cost it, and what another master asks on it
    Bus {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: bus::BusCommand,
    },
    /// What this gateway holds, with or without a cloud
    Buffer {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: buffer::BufferCommand,
    },
    /// The gateway's own key: show its public half, or change it
    Key {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: key::KeyCommand,
    },
    /// The running daemon's figures, as Prometheus reads them
    Metrics {
        #[command(flatten)]
        settings: Settings,
    },
    /// The device models that this gateway can read
    Profile(profile::ProfileArgs),
    /// The settings: the documented default, and what is wrong with yours
    Config {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: config::ConfigCommand,
    },
    /// Simulated meters on a pseudo-terminal, for those without hardware
    Simulate(simulate::SimulateArgs),
}

impl Arguments {
    /// What is logged when nobody says otherwise: the daemon tells its doings, any other
    /// command fails with words of its own.
    #[must_use]
    pub fn log_level(&self) -> &'static str {
        match self.command {
            Command::Run { .. } => "info",
            Command::Simulate(_) => "warn",
            _ => "error",
        }
    }

    /// Does what was typed.
    ///
    /// # Errors
    /// With the words and the exit code to fail with.
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Run {
                settings,
                test_clock,
            } => {
                let clock = match test_clock {
                    Some(file) => Clock::test(&file)?,
                    None => Clock::real(),
                };
                run::run(&settings.config, clock).await
            }
            Command::Enroll { settings, args } => {
                enroll::run(&args, &settings.load()?, &Clock::unasked()).await
            }
            Command::Status { settings, args } => status::run(&args, &settings.load()?).await,
            Command::Read { settings, args } => read::run(&args, &settings.load()?).await,
            Command::Bus { settings, command } => bus::run(&command, &settings.load()?).await,
            Command::Buffer { settings, command } => buffer::run(&command, &settings.load()?).await,
            Command::Key { settings, command } => {
                key::run(&command, &settings.load()?, &Clock::unasked()).await
            }
            Command::Metrics { settings } => metrics::run(&settings.load()?).await,
            Command::Profile(args) => profile::run(&args),
            Command::Config { settings, command } => config::run(&command, &settings.config),
            Command::Simulate(args) => simulate::run(&args).await,
        }
    }
}

impl Settings {
    fn load(&self) -> Result<Config, Failure> {
        config::load(&self.config).map(|(config, _)| config)
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
