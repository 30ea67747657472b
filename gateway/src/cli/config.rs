//! `config default|check`: the documented default file, and what is wrong with yours.

use std::path::Path;

use common::profile::Library;
use serde::Serialize;

use super::{Exit, Failure, print};
use crate::config::{Config, ConfigError, DEFAULT_FILE, Fault};
use crate::profiles;

/// What is typed after `config`.
#[derive(Debug, clap::Subcommand)]
pub enum ConfigCommand {
    /// Print the documented default file
    Default,
    /// Find everything that is wrong with the settings
    Check {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

const SCHEMA: &str = "enervue.config_check/1";

#[derive(Serialize)]
struct Verdict<'a> {
    file: &'a Path,
    ok: bool,
    faults: &'a [Fault],
}

/// Runs `config …` on the file at `path`.
///
/// # Errors
/// When the settings are wrong, or stdout is closed.
pub fn run(command: &ConfigCommand, path: &Path) -> Result<(), Failure> {
    match command {
        ConfigCommand::Default => Ok(print::line(DEFAULT_FILE.trim_end())?),
        ConfigCommand::Check { json } => check(path, *json),
    }
}

/// The settings in the file at `path`.
///
/// # Errors
/// When there are none that read well.
pub fn load(path: &Path) -> Result<(Config, String), Failure> {
    Config::load(path).map_err(|error| match error {
        ConfigError::Read { .. } => Failure::new(Exit::Unexpected, error.to_string())
            .remedy("name another with --config FILE, or make one: enervue-gateway config default"),
        ConfigError::Wrong { path, source } => {
            let error = format!("the settings in {} do not read", path.display());
            Failure::new(Exit::Faults, error)
                .because(source.to_string().trim_end())
                .remedy("correct the key that is named; enervue-gateway config default shows all")
        }
    })
}

/// The profiles that the settings make known.
///
/// # Errors
/// When one of the site's own is no profile.
pub fn library(config: &Config) -> Result<Library, Failure> {
    profiles::library(&config.profile_dir).map_err(|error| {
        Failure::from(error)
            .with(Exit::Faults)
            .remedy("enervue-gateway profile check FILE says what is wrong with a file")
    })
}

fn check(path: &Path, json: bool) -> Result<(), Failure> {
    let (config, text) = match load(path) {
        Err(failure) if json => {
            let fault = Fault {
                line: None,
                error: failure.error.clone(),
                cause: failure.cause.clone().unwrap_or_default(),
                remedy: failure.remedy.clone().unwrap_or_default(),
                stops: true,
            };
            let verdict = Verdict {
                file: path,
                ok: false,
                faults: &[fault],
            };
            print::json(SCHEMA, &verdict)?;
            return Err(failure);
        }
        read => read?,
    };
    let library = library(&config)?;
    let faults = config.check(&text, &library);
    if json {
        let verdict = Verdict {
            file: path,
            ok: faults.is_empty(),
            faults: &faults,
        };
        print::json(SCHEMA, &verdict)?;
    } else {
        tell(&faults, &config, path)?;
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Faults, "the settings have 1 fault")),
        many => Err(Failure::new(
            Exit::Faults,
            format!("the settings have {many} faults"),
        )),
    }
}

fn tell(faults: &[Fault], config: &Config, path: &Path) -> std::io::Result<()> {
    for fault in faults {
        print::line(&format!("{}: {fault}", path.display()))?;
        print::line(&format!("  cause: {}", fault.cause))?;
        print::line(&format!("  try: {}", fault.remedy))?;
    }
    if faults.is_empty() {
        let devices: usize = config.bus.iter().map(|bus| bus.device.len()).sum();
        let buses = config.bus.len();
        print::line(&format!(
            "{} is in order: buses {buses}, devices listed {devices}",
            path.display()
        ))?;
    }
    Ok(())
}
