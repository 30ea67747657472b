//! `simulate`: meters on a pseudo-terminal until Ctrl-C, or the history they would have had.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use common::profile::Library;
use common::sync::Device;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::profile::library;
use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::config::{CONFIG_FILE, Config};
use crate::devices;
use crate::identity::Identity;
use crate::simulate::{Bound, SimulatedLine, SimulatedMeter, SimulationConfig, fill};

/// What is typed after `simulate`.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// The file that describes the lines and their meters
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Take the time from this file instead of the machine's clock
    #[arg(long, value_name = "FILE")]
    test_clock: Option<PathBuf>,
    /// Instead of serving a line, fill the gateway's empty buffer with readings from FROM up
    /// to but not at TO, each a date (its local start) or an instant
    #[arg(long, value_name = "FROM..TO")]
    history: Option<String>,
    /// The settings of the gateway whose buffer is filled and whose own profiles are used
    #[arg(long, value_name = "FILE")]
    gateway_config: Option<PathBuf>,
    /// Print JSON instead of plain lines
    #[arg(long)]
    json: bool,
}

/// Runs `simulate …`.
///
/// # Errors
/// When the simulation cannot be, or the buffer is not empty or in use.
pub async fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(&args.config)
        .with_context(|| format!("cannot read {}", args.config.display()))?;
    let simulation = SimulationConfig::parse(&text)
        .with_context(|| format!("{} describes no line", args.config.display()))?;
    let clock = match &args.test_clock {
        Some(file) => Clock::test(file)?,
        None => Clock::real(),
    };
    match &args.history {
        Some(range) => history(args, range, &simulation, &clock)?,
        None => {
            let profiles = match &args.gateway_config {
                Some(file) => library(&Config::load(file)?.0.profile_dir)?,
                None => library(&Config::default().profile_dir)?,
            };
            serve(&simulation, &profiles, clock, args.json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    simulation: &SimulationConfig,
    profiles: &Library,
    clock: Clock,
    json: bool,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut lines = JoinSet::new();
    for line in &simulation.line {
        let mut line = SimulatedLine::open(line, profiles)?;
        announce(&line, json)?;
        let clock = clock.clone();
        lines.spawn(async move { line.serve(&clock).await });
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        ended = lines.join_next() => bail!("a simulated line ended by itself: {ended:?}"),
    }
    // Dropping a line removes its path.
    lines.shutdown().await;
    Ok(())
}

/// One line to stdout as soon as the port can be opened: its path, or a JSON object.
fn announce(line: &SimulatedLine, json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if json {
        let object = json!({
            "schema": "enervue.simulate/1",
            "bus": line.bus(),
            "path": line.path(),
            "meters": line.meter_count(),
        });
        writeln!(out, "{object}")?;
    } else {
        writeln!(out, "{}", line.path().display())?;
    }
    out.flush()?;
    Ok(())
}

fn history(
    args: &SimulateArgs,
    range: &str,
    simulation: &SimulationConfig,
    clock: &Clock,
) -> anyhow::Result<()> {
    let (from, to) = range.split_once("..").context("--history is FROM..TO")?;
    let bounds: (Bound, Bound) = (from.parse()?, to.parse()?);
    let file = args
        .gateway_config
        .clone()
        .unwrap_or_else(|| CONFIG_FILE.into());
    let (config, _) = Config::load(&file)?;
    let meters = meters(simulation, &library(&config.profile_dir)?)?;
    let devices = device_list(&config, clock)?;
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make {}", config.data_dir.display()))?;
    let path = config.buffer_file();
    // Opening takes the writer's lock, so it fails while the daemon runs.
    let mut buffer = Buffer::open(&path, clock.now())
        .context("a history is written while the daemon stands still: stop it first")?;
    refuse_filled(&buffer, &path)?;
    let progress = io::stderr().is_terminal();
    let mut written = 0_usize;
    let count = fill(&devices, &meters, bounds, &mut |readings| {
        buffer.append(readings)?;
        written += readings.len();
        if progress {
            write!(io::stderr(), "\r{written} readings")?;
        }
        anyhow::Ok(())
    })?;
    let end = if progress { "\n" } else { "" };
    write!(io::stderr(), "{end}")?;
    let out = &mut io::stdout().lock();
    if args.json {
        writeln!(
            out,
            "{}",
            json!({ "schema": "enervue.history/1", "readings": count })
        )?;
    } else {
        writeln!(out, "{count} readings written to {}", path.display())?;
    }
    Ok(())
}

fn refuse_filled(buffer: &Buffer, path: &Path) -> anyhow::Result<()> {
    let last = buffer.status()?.last_seq;
    if last > 0 {
        bail!(
            "{} already numbered {last} readings: an invented history is never put among real \
             readings; use an empty data_dir",
            path.display()
        );
    }
    Ok(())
}

fn meters(
    simulation: &SimulationConfig,
    profiles: &Library,
) -> anyhow::Result<BTreeMap<(String, u8), SimulatedMeter>> {
    let mut meters = BTreeMap::new();
    for line in &simulation.line {
        for meter in line.meters(profiles)? {
            meters.insert((line.bus(), meter.unit_id()), meter);
        }
    }
    Ok(meters)
}

/// The devices the daemon would read: the cloud's last list, or the file's own without one.
fn device_list(config: &Config, clock: &Clock) -> anyhow::Result<Vec<Device>> {
    let Some(identity) = Identity::load(&config.identity_file())? else {
        return Ok(devices::from_config(config, clock.now())?.devices);
    };
    let list = devices::load_copy(&config.data_dir, identity.gateway).with_context(|| {
        format!(
            "the cloud has not told this gateway its devices yet: there is no devices.json in {}",
            config.data_dir.display()
        )
    })?;
    Ok(list.devices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Program {
        #[command(flatten)]
        args: SimulateArgs,
    }

    const LINE: &str = include_str!("../simulate/tests/line.toml");

    struct Site {
        directory: tempfile::TempDir,
    }

    impl Site {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let at = |name: &str| directory.path().join(name).display().to_string();
            let line = LINE.replace("/nowhere/main", &at("main"));
            std::fs::write(at("line.toml"), line).unwrap();
            let settings = format!(
                "data_dir = '{}'\nzone = 'America/Tijuana'\nprofile_dir = '{}'\n\
                 [[bus]]\nname = 'main'\nport = '{}'\n\
                 [[bus.device]]\nunit_id = 1\nprofile = 'eastron-sdm630'\nlabel = 'Local 101'\n",
                at("data"),
                at("profiles"),
                at("main"),
            );
            std::fs::write(at("gateway.toml"), settings).unwrap();
            Self { directory }
        }

        fn file(&self, name: &str) -> String {
            self.directory.path().join(name).display().to_string()
        }

        async fn history(&self, range: &str) -> anyhow::Result<ExitCode> {
            let (line, gateway) = (self.file("line.toml"), self.file("gateway.toml"));
            let program = Program::try_parse_from([
                "simulate",
                "--config",
                &line,
                "--gateway-config",
                &gateway,
                "--history",
                range,
            ]);
            run(&program.unwrap().args).await
        }
    }

    #[tokio::test]
    async fn a_history_goes_into_an_empty_buffer_once() {
        let site = Site::new();
        site.history("2026-06-02..2026-06-04").await.unwrap();
        let path = site.directory.path().join("data/buffer.db");
        let readings = Buffer::open_to_read(&path)
            .unwrap()
            .read_after(0, 1000)
            .unwrap();
        assert_eq!((readings.len(), readings[0].seq), (48, 1));
        assert!(readings[0].quantity.is_some() && readings[0].closes.is_some());

        let again = site.history("2026-06-04..2026-06-05").await.unwrap_err();
        assert!(
            format!("{again:#}").contains("already numbered 48 readings"),
            "{again:#}"
        );
        let daemon = Buffer::open(&path, "2026-06-05T00:00:00Z".parse().unwrap()).unwrap();
        let beside = site.history("2026-06-04..2026-06-05").await.unwrap_err();
        assert!(
            format!("{beside:#}").contains("stop it first"),
            "{beside:#}"
        );
        drop(daemon);
        let text = site.history("2026-06-04").await.unwrap_err();
        assert!(text.to_string().contains("FROM..TO"));
    }
}
