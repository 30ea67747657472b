//! The daemon: opens every part, hands each what it needs, and waits for the end.
//!
//! One thread runs it all but the disk. A part that fails does not take the others along:
//! without its port a bus goes on trying, without a cloud the buffer fills, without a control
//! socket the meters are read all the same.

mod answers;
mod dates;
mod listing;
mod orders;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::profile::{Library, Profile};
use common::sync::DeviceList;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use self::answers::{Facts, Line};
pub use self::answers::{ReadArguments, ReadingsArguments, ReadingsPage};
use self::listing::{Judge, Listing};
use crate::buffer::{Buffer, BufferHandle};
use crate::bus::{Bus, Port};
use crate::clock::Clock;
use crate::config::{BusConfig, Config, Mode};
use crate::control::Server;
use crate::devices;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::identity::Identity;
use crate::listen;
use crate::metrics;
use crate::poll::{Before, Polled, Poller};
use crate::uplink::commands::{CarryOut, Commands};
use crate::uplink::{self, Uplink, UplinkStatus};

/// How often the figures for Prometheus are written.
const METRICS_PERIOD: Duration = Duration::from_secs(60);
/// The mode of a file that any program may read.
const READABLE: u32 = 0o644;
/// How often old readings are looked for.
const PRUNE_PERIOD: Duration = Duration::from_secs(600);
/// How long the uplink rests after it has broken down.
const RESTART_PAUSE: Duration = Duration::from_secs(10);

/// Runs the gateway until SIGTERM or SIGINT.
///
/// # Errors
/// When the buffer or another part cannot be opened at the start.
pub async fn run(config: Config, library: Library, clock: Clock) -> Result<(), Failure> {
    crate::tls::install();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut buffer = open_buffer(&config, &clock)?;
    let cloud_list = first_cloud_list(&config, &mut buffer);
    let now = clock.now();
    let before = Before {
        closed: buffer.last_closings()?,
        believed: buffer.last_values()?,
    };
    let buffer = BufferHandle::spawn(buffer)?;
    let library = Arc::new(library);

    let lines = start_pollers(&config, &clock, &buffer, &before);
    let judge = Judge {
        buses: config.bus.iter().map(|bus| bus.name.clone()).collect(),
        library: Arc::clone(&library),
        local: devices::from_config(&config, now)?,
    };
    let (listing, listing_seen) = watch::channel(judge.judge(cloud_list.as_ref()));
    let (cloud, cloud_seen) = watch::channel(cloud_list);
    let (uplink_status, uplink_seen) = watch::channel(UplinkStatus::default());
    let (wishes, wished) = mpsc::channel(1);
    let facts = Facts {
        started: Instant::now(),
        clock: clock.clone(),
        buffer: buffer.clone(),
        library: Arc::clone(&library),
        lines: Arc::clone(&lines),
        listing: listing_seen.clone(),
        uplink: uplink_seen,
        directory: config.data_dir.clone(),
        wishes,
    };
    hand_out(&listing_seen.borrow(), &facts.lines, &library);

    let uplink = Uplink {
        buffer: buffer.clone(),
        clock: clock.clone(),
        periods: config.sync.clone(),
        identity_file: config.identity_file(),
        data_dir: config.data_dir.clone(),
        report: Box::new({
            let facts = facts.clone();
            move || facts.report()
        }),
        devices: cloud,
        status: uplink_status,
        commands: Commands::new(clock.clone(), carry_out(facts.clone()), wished),
    };
    dates::start(&clock, &buffer, cloud_seen.clone());
    tokio::spawn(judge.follow(cloud_seen, listing));
    tokio::spawn(hand_on(listing_seen, Arc::clone(&facts.lines), library));
    tokio::spawn(keep_sending(Arc::new(uplink)));
    tokio::spawn(prune(buffer.clone(), clock, config.buffer.keep_days));
    tokio::spawn(write_metrics(config.metrics.file.clone(), facts.clone()));
    answer(&config.socket, facts);

    tell_systemd(NotifyState::Ready);
    tracing::info!("the gateway runs");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop(&lines, buffer).await;
    Ok(())
}

/// Lets what was read reach the disk.
async fn stop(lines: &[Line], buffer: BufferHandle) {
    tracing::info!("the gateway stops");
    tell_systemd(NotifyState::Stopping);
    let stopping: Vec<_> = lines.iter().map(|line| line.poller.stop()).collect();
    for stopped in stopping {
        stopped.await;
    }
    buffer.close().await;
}

fn open_buffer(config: &Config, clock: &Clock) -> Result<Buffer, Failure> {
    std::fs::create_dir_all(&config.data_dir).map_err(|error| {
        let what = format!("cannot make data_dir {}", config.data_dir.display());
        Failure::new(Exit::Unexpected, what)
            .because(error.to_string())
            .remedy("name a directory of yours in the settings, or run as root or the service")
    })?;
    let (file, now, boot) = (config.buffer_file(), clock.now(), clock.boot());
    let buffer = Buffer::open(&file, &config.buffer, now, boot)?;
    dates::recall(clock, &buffer)?;
    Ok(buffer)
}

fn start_pollers(
    config: &Config,
    clock: &Clock,
    buffer: &BufferHandle,
    before: &Before,
) -> Arc<[Line]> {
    let gauge_period = Duration::from_secs(config.poll.gauge_period_s.into());
    let start = |bus: &BusConfig| {
        let port = Port::from(bus);
        let (mode, described) = (bus.mode, port.to_string());
        let (clock, buffer, before) = (clock.clone(), buffer.clone(), before.clone());
        let poller = match mode {
            Mode::Poll => {
                let bus = Bus::start(&bus.name, port, bus.manner());
                Poller::start(bus, clock, buffer, gauge_period, before)
            }
            Mode::Listen => {
                let (bus, heard) = Bus::listen_at(&bus.name, port, bus.manner());
                listen::start(bus, heard, clock, buffer, gauge_period, before)
            }
        };
        Line {
            poller,
            port: described,
            mode,
        }
    };
    config.bus.iter().map(start).collect()
}

/// The list to start with when the gateway is enrolled, by which `buffer` seals from the first
/// reading on; `None` when it is not.
fn first_cloud_list(config: &Config, buffer: &mut Buffer) -> Option<DeviceList> {
    let identity = Identity::load(&config.identity_file());
    let identity = identity
        .inspect_err(|error| tracing::error!("{error}"))
        .ok()??;
    let list = devices::last_known(&config.data_dir, identity.gateway);
    buffer.set_sealing(uplink::sealing(&identity, &list));
    Some(list)
}

/// Gives each poller the devices of its bus.
fn hand_out(listing: &Listing, lines: &[Line], library: &Library) {
    let mut profiles: BTreeMap<&str, Arc<Profile>> = BTreeMap::new();
    for line in lines {
        let name = line.poller.bus().name();
        let devices = listing.sorted.usable.iter().filter(|d| d.bus == name);
        let polled = devices.filter_map(|device| {
            let known = library.get(&device.profile)?;
            let profile = profiles.entry(&device.profile);
            let profile = profile.or_insert_with(|| Arc::new(known.clone()));
            Some(Polled {
                device: device.clone(),
                profile: Arc::clone(profile),
            })
        });
        line.poller.set_devices(polled.collect());
    }
}

async fn hand_on(mut listing: watch::Receiver<Listing>, lines: Arc<[Line]>, library: Arc<Library>) {
    while listing.changed().await.is_ok() {
        hand_out(&listing.borrow_and_update(), &lines, &library);
    }
}

/// Has the cloud's orders carried out.
fn carry_out(facts: Facts) -> CarryOut {
    Box::new(move |order| {
        let facts = facts.clone();
        Box::pin(async move { facts.obey(order).await })
    })
}

/// Sends, and starts again should the uplink break down: the meters are read meanwhile.
async fn keep_sending(uplink: Arc<Uplink>) {
    loop {
        let uplink = Arc::clone(&uplink);
        let sending = tokio::spawn(async move { uplink.run().await });
        if let Err(error) = sending.await {
            tracing::error!(%error, "the uplink broke down and is started again");
        }
        sleep(RESTART_PAUSE).await;
    }
}

/// Deletes what was acknowledged long enough ago, for ever.
async fn prune(buffer: BufferHandle, clock: Clock, keep_days: u32) {
    loop {
        match buffer.prune(keep_days, clock.now()).await {
            // There may be more.
            Ok(deleted) if deleted > 0 => tokio::task::yield_now().await,
            Ok(_) => sleep(PRUNE_PERIOD).await,
            Err(error) => {
                tracing::error!(%error, "old readings cannot be deleted");
                sleep(PRUNE_PERIOD).await;
            }
        }
    }
}

/// Writes the figures for Prometheus, for ever, when somebody wants them.
async fn write_metrics(file: Option<PathBuf>, facts: Facts) {
    let Some(file) = file else { return };
    let mut was_written = true;
    loop {
        let is_written = match facts.status().await {
            Ok(status) => files::write(&file, metrics::exposition(&status).as_bytes(), READABLE),
            Err(failure) => Err(std::io::Error::other(failure.error)),
        };
        match &is_written {
            Err(error) if was_written => {
                let file = file.display();
                tracing::warn!("the figures for Prometheus are not written to {file}: {error}");
            }
            _ => {}
        }
        was_written = is_written.is_ok();
        sleep(METRICS_PERIOD).await;
    }
}

/// Answers the command line; without a socket the gateway does its work all the same.
fn answer(socket: &Path, facts: Facts) {
    match Server::bind(socket) {
        Ok(server) => {
            let facts = Arc::new(facts);
            tokio::spawn(server.run(move |request| {
                let facts = Arc::clone(&facts);
                async move { facts.answer(request).await }
            }));
        }
        Err(error) => {
            let socket = socket.display();
            tracing::error!(%error, "nobody can ask this gateway at {socket}");
        }
    }
}

/// Tells systemd, when it is there to be told.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}
