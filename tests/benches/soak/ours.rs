//! An hour of both programs under a hundred times the load of a real site: memory and
//! descriptors must not grow, and the gateway's database stays below its bound.
//!
//! `bench-soak SECONDS`; prints one JSON line a figure. The first tenth is warming up, what is
//! compared is the tenth after it with the last.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tests::gateway::{Bus, Gateway};
use tests::portal::{self, NewMeter};
use tests::world::{BUS, World};

const METERS: u8 = 6;
/// Gauges every second, and a bound that is reached within the hour.
const SETTINGS: &str = "[poll]\ngauge_period_s = 1\n[buffer]\nmax_mib = 16\nkeep_days = 1\n";
const BOUND_BYTES: u64 = 16 * 1024 * 1024;
const TENTHS: usize = 10;
/// Samples in all.
const SAMPLES: usize = 120;

#[derive(Debug, Clone, Copy)]
struct Sample {
    resident_kib: u64,
    descriptors: u64,
}

fn sample(pid: u32) -> anyhow::Result<Sample> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    Ok(Sample {
        resident_kib: kib.context("the process tells no memory")?.parse()?,
        descriptors: u64::try_from(descriptors)?,
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds: u64 = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 3_600,
    };
    let mut world = World::start(None).await?;
    let added = world.gateway_page("gateway").await?;
    let mut meters = String::new();
    for unit_id in 1..=METERS {
        portal::add_meter(&world.integrator, &added.path, &meter(unit_id)).await?;
        meters += &format!(
            "[[line.meter]]\nprofile = 'eastron-sdm630'\nunit_id = {unit_id}\n\
             since = '2026-01-01T00:00:00Z'\nopening = '{unit_id}000'\nper_day = '31.4'\n"
        );
    }
    let line = world.line(&meters).await?;
    let bus = Bus {
        name: BUS,
        port: line.port().to_owned(),
        more: "",
    };
    let mut gateway = world.gateway_on(SETTINGS, &[bus], &added.code).await?;
    gateway.poll_every_second()?;
    gateway.start()?;
    let pids = [
        gateway.running().context("no gateway")?.id(),
        world.cloud.running().context("no cloud")?.id(),
    ];
    let mut seen: [Vec<Sample>; 2] = [Vec::new(), Vec::new()];
    let mut largest_bytes = 0;
    for _ in 0..SAMPLES {
        tokio::time::sleep(Duration::from_secs(seconds) / u32::try_from(SAMPLES)?).await;
        for (samples, pid) in seen.iter_mut().zip(pids) {
            samples.push(sample(pid)?);
        }
        largest_bytes = largest_bytes.max(database_bytes(&gateway)?);
    }
    gateway.running().context("no gateway")?.still_runs()?;
    world.cloud.running().context("no cloud")?.still_runs()?;
    let work = format!("{seconds} s, {METERS} meters, all points every second");
    for (program, samples) in ["gateway", "cloud"].into_iter().zip(&seen) {
        tell(&work, program, samples)?;
    }
    let status = gateway
        .command(&["buffer", "status", "--json"])
        .await?
        .ok()?;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    println!(
        "{}",
        json!({"bench": "soak", "work": work, "figure": "gateway's database at most, \
        MiB", "value": mib(largest_bytes), "goal": format!("<={}", mib(BOUND_BYTES)),
        "readings": status["last_seq"], "waiting": status["waiting"]})
    );
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    // Exact below 2^53.
    (bytes as f64 / 1_048_576.0 * 100.0).round() / 100.0
}

/// The database with its log.
fn database_bytes(gateway: &Gateway) -> anyhow::Result<u64> {
    let database = gateway.buffer();
    let mut log = database.clone().into_os_string();
    log.push("-wal");
    let mut bytes = std::fs::metadata(&database)?.len();
    if let Ok(log) = std::fs::metadata(&log) {
        bytes += log.len();
    }
    Ok(bytes)
}

fn tell(work: &str, program: &str, samples: &[Sample]) -> anyhow::Result<()> {
    let tenth = samples.len() / TENTHS;
    ensure!(tenth > 0, "too few samples");
    let mean = |samples: &[Sample], of: fn(&Sample) -> u64| {
        samples.iter().map(of).sum::<u64>() as f64 / samples.len() as f64
    };
    type Figure = (&'static str, fn(&Sample) -> u64);
    let figures: [Figure; 2] = [
        ("resident, KiB", |sample| sample.resident_kib),
        ("descriptors", |sample| sample.descriptors),
    ];
    for (figure, of) in figures {
        let early = mean(&samples[tenth..2 * tenth], of);
        let late = mean(&samples[samples.len() - tenth..], of);
        let growth = (late / early - 1.0) * 100.0;
        println!(
            "{}",
            json!({"bench": "soak", "work": work, "figure": format!("{program}: {figure}"),
            "early": early.round(), "value": late.round(),
            "growth_percent": (growth * 10.0).round() / 10.0, "goal": "<5 % growth"})
        );
    }
    Ok(())
}

fn meter(unit_id: u8) -> NewMeter<'static> {
    NewMeter {
        label: "Local",
        counter: "eastron-sdm630/energy_import/kWh".to_owned(),
        unit_id,
        bus: BUS,
        locale: "en-US",
        zone: "America/Tijuana",
        from: "2026-10-01",
        cutoff_day: 31,
        price: "0.2",
        currency: "USD",
        minimum: "0",
        send_hour: 7,
        recipients: &[],
    }
}
