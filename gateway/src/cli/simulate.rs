//! `simulate`: meters on a pseudo-terminal until Ctrl-C, or the history they would have had.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::profile::Library;
use common::sync::Device;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::{Exit, Failure, print};
use crate::buffer::{Buffer, BufferError, Sealing};
use crate::clock::Clock;
use crate::config::{CONFIG_FILE, Config};
use crate::devices;
use crate::identity::Identity;
use crate::profiles;
use crate::simulate::{SimulatedLine, SimulatedMeter, SimulationConfig, Span, fill};

/// A file that `simulate` takes, for whoever has none yet.
const EXAMPLE: &str = "\
A file for --config, of which all keys are documented in gateway/src/simulate/config.rs:
  [[line]]
  path = \"/tmp/enervue-main\"           # what gateway.toml names as the port of the bus
  baud = 9600
  wire_time = true                     # as slow as a wire of that baud
  faults = { rate = \"0.01\" }           # of the requests meet a fault of a real line
  foreign_master = { period_ms = 1000, after_ms = 60000 }   # another master comes
  [[line.meter]]
  profile = \"eastron-sdm120\"
  unit_id = 1
  label = \"Local 101\"
  since = \"2026-06-01T00:00:00Z\"
  opening = \"1234.5\"                   # the billing register at that time
  per_day = \"24.5\"                     # what it counts a day

Then: enervue-gateway read --profile eastron-sdm120 --unit-id 1 --config gateway.toml";

/// What is typed after `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
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
    /// Seconds between two readings of a meter in a history
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, requires = "history",
          value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
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
pub async fn run(args: &SimulateArgs) -> Result<(), Failure> {
    let file = args.config.display();
    let text = std::fs::read_to_string(&args.config).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read {file}"))
            .because(error.to_string())
            .remedy("`enervue-gateway simulate --help` shows such a file")
    })?;
    let simulation = SimulationConfig::parse(&text).map_err(|error| {
        Failure::new(Exit::Usage, format!("{file} describes no line"))
            .because(error.to_string().trim_end())
            .remedy("`enervue-gateway simulate --help` shows such a file")
    })?;
    let clock = match &args.test_clock {
        Some(file) => Clock::test(file)?,
        None => Clock::real(),
    };
    let config = match (&args.gateway_config, &args.history) {
        (Some(file), _) => Config::load(file)?.0,
        (None, Some(_)) => Config::load(Path::new(CONFIG_FILE))?.0,
        (None, None) => Config::default(),
    };
    let library = profiles::library(&config.profile_dir)?;
    match &args.history {
        Some(range) => {
            let span = span(range, args.every)?;
            let meters = meters(&simulation, &library)?;
            history(&config, &meters, span, &clock, args.json)
        }
        None => serve(&simulation, &library, clock, args.json).await,
    }
}

async fn serve(
    simulation: &SimulationConfig,
    library: &Library,
    clock: Clock,
    json: bool,
) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut lines = JoinSet::new();
    for line in &simulation.line {
        let mut line = SimulatedLine::open(line, library)?;
        announce(&line, json)?;
        let clock = clock.clone();
        lines.spawn(async move { line.serve(&clock).await });
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
        ended = lines.join_next() => {
            let cause = format!("{ended:?}");
            let failure = Failure::new(Exit::Unexpected, "a simulated line ended by itself");
            return Err(failure.because(cause));
        }
    }
    // Dropping a line removes its path.
    lines.shutdown().await;
    Ok(())
}

/// One line to stdout as soon as the port can be opened: its path, or a JSON object.
fn announce(line: &SimulatedLine, json: bool) -> Result<(), Failure> {
    let path = line.path();
    if json {
        let (bus, meters) = (line.bus(), line.meter_count());
        let object = json!({ "bus": bus, "path": path, "meters": meters });
        print::json("enervue.simulate/1", &object)?;
    } else {
        print::line(&path.display().to_string())?;
    }
    Ok(())
}

fn span(range: &str, every_s: u32) -> Result<Span, Failure> {
    let (from, to) = range.split_once("..").ok_or_else(|| {
        Failure::new(Exit::Usage, format!("'{range}' is not FROM..TO"))
            .remedy("--history 2026-07-01..2026-11-24")
    })?;
    Ok(Span {
        from: from.parse()?,
        to: to.parse()?,
        every_s,
    })
}

fn history(
    config: &Config,
    meters: &BTreeMap<(String, u8), SimulatedMeter>,
    span: Span,
    clock: &Clock,
    json: bool,
) -> Result<(), Failure> {
    let (devices, sealing) = device_list(config, clock)?;
    std::fs::create_dir_all(&config.data_dir)?;
    let path = config.buffer_file();
    let mut buffer = open_empty(&path, config, clock)?;
    buffer.set_sealing(sealing);
    let mut written = 0_usize;
    let count = fill(&devices, meters, span, &mut |readings| {
        buffer.append(readings)?;
        written += readings.len();
        print::note(&format!("{written} readings"));
        Ok::<(), Failure>(())
    })?;
    if json {
        print::json("enervue.history/1", &json!({ "readings": count }))?;
    } else {
        let path = path.display();
        print::line(&format!("{count} readings written to {path}"))?;
    }
    Ok(())
}

/// The buffer at `path`, if it never held a reading. Opening takes the writer's lock, so it
/// fails while the daemon runs.
fn open_empty(path: &Path, config: &Config, clock: &Clock) -> Result<Buffer, Failure> {
    let buffer =
        Buffer::open(path, &config.buffer, clock.now(), None).map_err(|error| match error {
            BufferError::InUse(_) => Failure::new(Exit::Unexpected, error.to_string())
                .because("a history is written while the daemon stands still")
                .remedy("stop the daemon first"),
            other => other.into(),
        })?;
    let last = buffer.status()?.last_seq;
    if last == 0 {
        return Ok(buffer);
    }
    let error = format!("{} already numbered {last} readings", path.display());
    Err(Failure::new(Exit::Unexpected, error)
        .because("an invented history is never put among real readings")
        .remedy("use an empty data_dir"))
}

fn meters(
    simulation: &SimulationConfig,
    library: &Library,
) -> Result<BTreeMap<(String, u8), SimulatedMeter>, Failure> {
    let mut meters = BTreeMap::new();
    for line in &simulation.line {
        for meter in line.meters(library)? {
            meters.insert((line.bus(), meter.unit_id()), meter);
        }
    }
    Ok(meters)
}

/// The devices the daemon would read, and by what it would seal: the cloud's last list, or
/// the file's own without one, which nothing seals.
fn device_list(config: &Config, clock: &Clock) -> Result<(Vec<Device>, Option<Sealing>), Failure> {
    let Some(identity) = Identity::load(&config.identity_file())? else {
        return Ok((devices::from_config(config, clock.now())?.devices, None));
    };
    let list = devices::load_copy(&config.data_dir, identity.gateway).ok_or_else(|| {
        let error = "the cloud has not told this gateway its devices yet";
        let cause = format!("there is no devices.json in {}", config.data_dir.display());
        Failure::new(Exit::Unexpected, error)
            .because(cause)
            .remedy("register the meters in the portal, then enroll, or run the daemon once")
    })?;
    let key = identity.key.signing();
    let sealing = key.map(|key| Sealing::new(key, &list));
    Ok((list.devices, sealing))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BufferConfig;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Program {
        #[command(flatten)]
        args: SimulateArgs,
    }

    #[test]
    fn the_example_of_the_help_is_a_line() {
        let lines = EXAMPLE.lines().filter_map(|line| line.strip_prefix("  "));
        let text = lines.collect::<Vec<_>>().join("\n");
        let simulation = SimulationConfig::parse(&text).unwrap();
        let meters = meters(&simulation, &Library::shipped()).unwrap();
        assert_eq!(meters.len(), 1);
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

        async fn history(&self, range: &str) -> Result<(), Failure> {
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
            again.error.contains("already numbered 48 readings"),
            "{again:?}"
        );
        let daemon = Buffer::open(
            &path,
            &BufferConfig::default(),
            "2026-06-05T00:00:00Z".parse().unwrap(),
            None,
        )
        .unwrap();
        let beside = site.history("2026-06-04..2026-06-05").await.unwrap_err();
        assert_eq!(
            beside.remedy.as_deref(),
            Some("stop the daemon first"),
            "{beside:?}"
        );
        drop(daemon);
        let text = site.history("2026-06-04").await.unwrap_err();
        assert!(text.error.contains("FROM..TO"), "{text:?}");
    }
}
