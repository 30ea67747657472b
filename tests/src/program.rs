//! The two programs: built by cargo, found where cargo says they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, bail};

/// Where the two executables are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `enervue-gateway`.
    pub gateway: PathBuf,
    /// `enervue-cloud`.
    pub cloud: PathBuf,
}

/// Names the gateway's executable, so that a test run need not ask cargo again.
pub const GATEWAY_VARIABLE: &str = "ENERVUE_TEST_GATEWAY_PROGRAM";
/// Names the cloud's executable.
pub const CLOUD_VARIABLE: &str = "ENERVUE_TEST_CLOUD_PROGRAM";

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

impl Programs {
    /// The programs, built now unless the environment names them; once a process.
    ///
    /// # Errors
    /// When the build fails.
    pub fn get() -> anyhow::Result<&'static Self> {
        static FOUND: OnceLock<Programs> = OnceLock::new();
        static BUILDING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
        let programs = match (named(GATEWAY_VARIABLE), named(CLOUD_VARIABLE)) {
            (Some(gateway), Some(cloud)) => Self { gateway, cloud },
            _ => Self::build()?,
        };
        Ok(FOUND.get_or_init(|| programs))
    }

    fn build() -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // What cargo tells the program that it runs is not for a build: build scripts that
        // look at these would run again, and everything after them.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let told = [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_BIN_",
                "CARGO_CRATE_",
            ];
            if told.iter().any(|start| text.starts_with(start)) {
                command.env_remove(&name);
            }
        }
        let output = command
            .args(["build", "--locked", "-p", "gateway", "-p", "cloud"])
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace())
            .stderr(Stdio::inherit())
            .output()
            .context("starting cargo")?;
        if !output.status.success() {
            bail!("cargo could not build the programs");
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        Ok(Self {
            gateway: executable(&messages, "enervue-gateway")?,
            cloud: executable(&messages, "enervue-cloud")?,
        })
    }
}

fn executable(messages: &str, name: &str) -> anyhow::Result<PathBuf> {
    let found = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
        let path = message["executable"].as_str().filter(|_| is_it)?;
        Some(PathBuf::from(path))
    });
    found.with_context(|| format!("cargo built no executable {name}"))
}
