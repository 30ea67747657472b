//! Our side of the ingest bench: the real programs, a real enrolment, and what it takes from
//! a gateway's disk to the cloud's commit.
//!
//! `bench-ingest backlog DAYS…` lets six meters' readings of every minute drain and prints how
//! long each backlog took and what the gateway needed. `bench-ingest rows BATCHES DATABASE`
//! sends batches of four gateways side by side, as fast as they are taken, and leaves the
//! SQLite database at the path `ENERVUE_BENCH_KEEP` names.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::id::{BootId, DeviceId, Epoch};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::sync::{
    BATCH_PATH, BATCH_READINGS_MAX, Batch, BatchReply, DEVICES_PATH, DeviceList, ENROL_PATH,
    EnrolReply, EnrolRequest, GatewayReport, PROTOCOL_VERSION,
};
use common::unit::Unit;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::cloud::CloudSettings;
use tests::gateway::Gateway;
use tests::portal::{self, NewMeter};
use tests::process::wait_for;
use tests::world::{BUS, World};

const METERS: u8 = 6;
const GATEWAYS: u8 = 4;
/// Nothing the product takes may lie ahead of the machine's clock.
const HISTORY_ENDS: &str = "2026-11-24T00:00:00Z";
const PATIENCE: Duration = Duration::from_secs(1_200);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((name, days)) if name == "backlog" => {
            for days in days {
                backlog(days.parse()?).await?;
            }
            Ok(())
        }
        Some((name, [batches, database])) if name == "rows" => {
            rows(batches.parse()?, database).await
        }
        _ => bail!("usage: bench-ingest backlog DAYS… | rows BATCHES sqlite|postgres://…"),
    }
}

fn print(line: &Value) {
    println!("{line}");
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

fn simulated(unit_id: u8) -> String {
    format!(
        "[[line.meter]]\nprofile = 'eastron-sdm630'\nunit_id = {unit_id}\n\
         since = '2026-01-01T00:00:00Z'\nopening = '{unit_id}000'\nper_day = '31.4'\n"
    )
}

async fn status(gateway: &Gateway) -> anyhow::Result<Option<(u64, u64)>> {
    let finished = gateway.command(&["buffer", "status", "--json"]).await?;
    let Ok(told) = serde_json::from_str::<Value>(&finished.stdout) else {
        return Ok(None);
    };
    let number = |member: &str| told[member].as_u64();
    Ok(number("last_seq").zip(number("acknowledged_through")))
}

/// A member of `/proc/PID/status` in KiB.
fn memory_kib(pid: u32, member: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find(|line| line.starts_with(member));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.context("the process tells no memory")?.parse()?)
}

/// The processor's time of a process, in seconds.
fn cpu_s(pid: u32) -> anyhow::Result<f64> {
    const TICKS_A_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |place: usize| {
        fields
            .get(place)
            .and_then(|field| field.parse::<f64>().ok())
    };
    let (user, system) = ticks(11).zip(ticks(12)).context("no times")?;
    Ok((user + system) / TICKS_A_SECOND)
}

async fn backlog(days: i64) -> anyhow::Result<()> {
    let mut world = World::start(None).await?;
    let added = world.gateway_page("gateway").await?;
    for unit_id in 1..=METERS {
        portal::add_meter(&world.integrator, &added.path, &meter(unit_id)).await?;
    }
    let meters: String = (1..=METERS).map(simulated).collect();
    let line = world.line(&meters).await?;
    let mut gateway = world.gateway(line.port(), &added.code).await?;
    let to: Timestamp = HISTORY_ENDS.parse()?;
    let from = to - SignedDuration::from_hours(24 * days);
    let (from, to) = (from.to_string(), to.to_string());
    line.history_every(&gateway, &from, &to, 60).await?;
    // The line is silent from here on: what is measured is the draining alone.
    drop(line);
    let (readings, _) = status(&gateway).await?.context("no buffer")?;

    let began = Instant::now();
    gateway.start()?;
    let pid = gateway.running().context("it does not run")?.id();
    let mut peak_kib = 0;
    wait_for("the backlog to drain", PATIENCE, async || {
        peak_kib = memory_kib(pid, "VmHWM")?;
        let told = status(&gateway).await?;
        Ok(told.is_some_and(|(last, acknowledged)| last > 0 && acknowledged >= readings))
    })
    .await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu_s(pid)?;
    gateway.stop().await?;
    world.cloud.stop().await?;
    let work = format!("{readings} readings of {METERS} meters, {days} days of minutes");
    let figure = |figure: &str, value: f64, goal: &str| {
        print(&json!({"bench": "ingest", "work": work, "figure": figure,
            "value": (value * 1000.0).round() / 1000.0, "goal": goal}));
    };
    figure("drained in, s", seconds, "<=60 for 259,200");
    figure("readings a second", count(readings) / seconds, "");
    figure(
        "gateway CPU, ms per 1,000 readings",
        cpu * 1e6 / count(readings),
        "constant",
    );
    figure(
        "gateway resident at most, MiB",
        count(peak_kib) / 1024.0,
        "<=30",
    );
    Ok(())
}

fn count(number: u64) -> f64 {
    // Exact below 2^53.
    number as f64
}

/// What one gateway sends, packed beforehand.
struct Load {
    url: String,
    token: String,
    bodies: Vec<Vec<u8>>,
}

async fn rows(batches: u64, database: &str) -> anyhow::Result<()> {
    let named = (database != "sqlite").then_some(database);
    let mut world = match named {
        None => World::start(None).await?,
        Some(url) => {
            // The settings borrow the address for as long as the world is made.
            let url: &'static str = Box::leak(url.to_owned().into_boxed_str());
            World::start_with(None, |settings| CloudSettings {
                database: Some(url.to_owned()),
                ..settings
            })
            .await?
        }
    };
    let mut loads = Vec::new();
    for number in 0..GATEWAYS {
        loads.push(prepare(&world, number, batches).await?);
    }
    let client = tests::browser::client()?.build()?;
    let began = Instant::now();
    let mut sending = tokio::task::JoinSet::new();
    for load in loads {
        sending.spawn(send(client.clone(), load));
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let rows = batches * u64::from(GATEWAYS) * BATCH_READINGS_MAX as u64;
    world.cloud.stop().await?;
    if let (None, Some(keep)) = (named, std::env::var_os("ENERVUE_BENCH_KEEP")) {
        std::fs::copy(world.cloud.database(), PathBuf::from(keep))?;
    }
    let report = json!({"rows": rows, "seconds": seconds, "batch": BATCH_READINGS_MAX});
    print(&report);
    Ok(())
}

async fn prepare(world: &World, number: u8, batches: u64) -> anyhow::Result<Load> {
    let added = world.gateway_page("gateway").await?;
    for unit_id in 1..=METERS {
        portal::add_meter(&world.integrator, &added.path, &meter(unit_id)).await?;
    }
    let client = tests::browser::client()?.build()?;
    let url = world.cloud.url().to_owned();
    let request = EnrolRequest {
        code: added.code,
        // A point of the curve that nobody has the key of: nothing here is sealed.
        public_key: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_owned(),
        host: format!("bench-{number}"),
        software: "bench".to_owned(),
        protocols: vec![PROTOCOL_VERSION],
    };
    let enrolled = client.post(format!("{url}{ENROL_PATH}")).json(&request);
    let enrolled: EnrolReply = enrolled.send().await?.error_for_status()?.json().await?;
    let list = client.get(format!("{url}{DEVICES_PATH}"));
    let list = list.bearer_auth(&enrolled.token).send().await?;
    let list: DeviceList = list.error_for_status()?.json().await?;
    let devices: Vec<DeviceId> = list.devices.iter().map(|device| device.id).collect();
    let epoch = Epoch(i64::from(number) + 1);
    let bodies = (0..batches).map(|batch| body(epoch, &devices, batch));
    Ok(Load {
        url: format!("{url}{BATCH_PATH}"),
        token: enrolled.token,
        bodies: bodies.collect::<anyhow::Result<_>>()?,
    })
}

fn body(epoch: Epoch, devices: &[DeviceId], batch: u64) -> anyhow::Result<Vec<u8>> {
    let size = BATCH_READINGS_MAX as u64;
    let start = Timestamp::from_second(1_793_491_200)?;
    let readings = (0..size).map(|place| -> anyhow::Result<Reading> {
        let seq = batch * size + place + 1;
        let minute = i64::try_from(seq)? / i64::from(METERS);
        let which = usize::try_from(seq)? % devices.len();
        Ok(Reading {
            seq,
            at: start + SignedDuration::from_secs(minute * 60 - 40_000_000),
            clock: ClockTrust::Trusted,
            since_boot: Some(SinceBoot {
                boot: BootId(7),
                elapsed_ms: u64::try_from(minute)? * 60_000,
            }),
            device: devices[which],
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::from_count(minute * 31, 2, Unit::KiloWh)?),
            suspect: None,
            raw: "449a 5000".to_owned(),
            profile: "eastron-sdm630@00000000".to_owned(),
            closes: None,
            seal: None,
        })
    });
    let batch = Batch {
        protocol: PROTOCOL_VERSION,
        epoch,
        readings: readings.collect::<anyhow::Result<_>>()?,
        losses: Vec::new(),
        report: GatewayReport::default(),
    };
    Ok(zstd::bulk::compress(&serde_json::to_vec(&batch)?, 3)?)
}

async fn send(client: reqwest::Client, load: Load) -> anyhow::Result<()> {
    for body in load.bodies {
        let request = client
            .post(&load.url)
            .bearer_auth(&load.token)
            .header("content-type", "application/json")
            .header("content-encoding", "zstd")
            .body(body);
        let reply: BatchReply = request.send().await?.error_for_status()?.json().await?;
        anyhow::ensure!(reply.rejected.is_empty(), "{:?}", reply.rejected.first());
    }
    Ok(())
}
