//! `run`: the daemon.

use std::path::Path;

use super::{Exit, Failure, config, print};
use crate::clock::Clock;

/// Runs the daemon on the settings in the file at `path` until it is told to stop.
///
/// # Errors
/// When the settings are wrong or a part cannot be started.
pub async fn run(path: &Path, clock: Clock) -> Result<(), Failure> {
    let (settings, text) = config::load(path)?;
    let library = config::library(&settings)?;
    let faults = settings.check(&text, &library);
    for fault in &faults {
        print::note(&format!("{}: {fault}: {}", path.display(), fault.cause));
    }
    if let Some(fault) = faults.iter().find(|fault| fault.stops) {
        return Err(Failure::new(Exit::Faults, fault.to_string())
            .because(fault.cause.clone())
            .remedy(fault.remedy.clone()));
    }
    crate::run::run(settings, library, clock).await
}
