//! A simulated line: a pseudo-terminal under a lasting path, and the meters that answer on it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::profile::{Library, Parity};
use serialport::TTYPort;
use tokio::time::Instant;
use tokio_serial::{SerialPort as _, SerialStream};

use super::config::{ConfigError, LineConfig};
use super::faults::{Burst, Exchange, Faults, Happening, Lie};
use super::faults_log::FaultsLog;
use super::foreign_master::ForeignMaster;
use super::meter::SimulatedMeter;
use super::slave::{self, Asked, REQUEST_BYTES};
use super::wire::{Heard, Wire, WireTime};
use crate::clock::Clock;

/// How often to look whether somebody has opened the port again.
const REOPEN_PERIOD: Duration = Duration::from_millis(20);

/// Why a line cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file describes a meter that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gives no pseudo-terminal.
    #[error("cannot make a pseudo-terminal: {0}")]
    Terminal(#[from] tokio_serial::Error),
    /// The log of faults cannot be written.
    #[error("cannot write faults_log: {0}")]
    Log(#[from] io::Error),
    /// The path cannot be used.
    #[error("cannot put the simulated port at {path}: {source}")]
    Path {
        /// Which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A line that is ready to be opened. Its path goes when it is dropped.
#[derive(Debug)]
pub struct SimulatedLine {
    bus: String,
    link: Link,
    controller: TTYPort,
    wire: Wire<SerialStream>,
    time: WireTime,
    meters: Vec<Answering>,
    /// What goes wrong with the meters that have no faults of their own.
    faults: Option<Faults>,
    log: Option<FaultsLog>,
    foreign_master: Option<ForeignMaster>,
}

#[derive(Debug)]
struct Answering {
    meter: SimulatedMeter,
    faults: Option<Faults>,
}

/// The symbolic link to the terminal, removed on drop if it is still ours.
#[derive(Debug)]
struct Link {
    path: PathBuf,
    terminal: PathBuf,
}

impl Link {
    /// Puts the link at `path`; a link that is there was left by an earlier run.
    fn put(path: &Path, terminal: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        match fs::symlink_metadata(path) {
            Ok(there) if there.is_symlink() => fs::remove_file(path)?,
            Ok(_) => {
                let why = "something that is no link is there: choose another path";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        symlink(terminal, path)?;
        Ok(Self {
            path: path.to_owned(),
            terminal: terminal.to_owned(),
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if fs::read_link(&self.path).is_ok_and(|target| target == self.terminal) {
            // The process ends; there is nobody left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl SimulatedLine {
    /// Makes the terminal and puts its link in place; it answers once [`Self::serve`] runs.
    ///
    /// # Errors
    /// When a meter cannot be simulated, or the system refuses terminal or link.
    pub fn open(config: &LineConfig, library: &Library) -> Result<Self, LineError> {
        let meters = config.meters(library)?;
        // The other end is not kept open: a port held open would stay marked exclusive
        // after a gateway was killed, and could not be opened again.
        let (controller, terminal) = TTYPort::pair()?;
        let name = terminal.name().unwrap_or_default();
        let link = Link::put(&config.path, Path::new(&name)).map_err(|source| LineError::Path {
            path: config.path.clone(),
            source,
        })?;
        // A start bit, eight data bits, a parity bit or not, a stop bit.
        let bits = if config.parity == Parity::None {
            10
        } else {
            11
        };
        let time = match config.wire_time {
            true => WireTime::new(config.baud, bits),
            false => WireTime::default(),
        };
        let log = config.faults_log.as_deref().map(FaultsLog::create);
        let foreign_master = config.foreign_master.as_ref();
        Ok(Self {
            bus: config.bus(),
            link,
            wire: Wire::new(registered(&controller)?, time),
            controller,
            time,
            foreign_master: foreign_master.map(|master| ForeignMaster::new(master, &meters)),
            meters: meters
                .into_iter()
                .zip(&config.meter)
                .map(|(meter, config)| Answering {
                    meter,
                    faults: config.faults.as_ref().map(Faults::new),
                })
                .collect(),
            faults: config.faults.as_ref().map(Faults::new),
            log: log.transpose()?,
        })
    }

    /// The name by which the gateway's settings know the line.
    #[must_use]
    pub fn bus(&self) -> &str {
        &self.bus
    }

    /// Where the port is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.link.path
    }

    /// How many meters are on it.
    #[must_use]
    pub fn meter_count(&self) -> usize {
        self.meters.len()
    }

    /// Answers until it is dropped.
    pub async fn serve(&mut self, clock: &Clock) {
        loop {
            let until = self.foreign_master.as_ref().map(ForeignMaster::asks_at);
            match self.wire.next(until).await {
                Ok(Heard::Request(request, at)) => self.answer(request, at, clock),
                Ok(Heard::Nothing) => {
                    let asked = self.foreign_master.as_mut().map(ForeignMaster::ask);
                    if let Some(request) = asked.flatten() {
                        let at = self.wire.overhear(request);
                        self.answer(request, at, clock);
                    }
                }
                // Nobody has the port open; the terminal stays.
                Err(_) => {
                    tokio::time::sleep(REOPEN_PERIOD).await;
                    match registered(&self.controller) {
                        Ok(stream) => self.wire.restart(stream),
                        Err(error) => tracing::warn!(%error, "the simulated port is lost"),
                    }
                    if let Some(master) = &mut self.foreign_master {
                        master.wait();
                    }
                }
            }
        }
    }

    /// What follows a request that was on the wire at `heard_at`.
    fn answer(&mut self, request: [u8; REQUEST_BYTES], heard_at: Instant, clock: &Clock) {
        let (now, asked) = (clock.now(), Asked::by(&request));
        let on_line = self
            .meters
            .iter_mut()
            .find(|other| other.meter.unit_id() == asked.unit_id);
        let Some(Answering { meter, faults }) = on_line.filter(|other| other.meter.answers(now))
        else {
            return;
        };
        let reply = |lie: Lie| match meter.lying_registers(now, lie) {
            Ok(registers) => slave::reply(asked, &meter.profile, &registers),
            Err(error) => {
                tracing::warn!(asked.unit_id, %error, "a simulated meter is silent");
                Vec::new()
            }
        };
        let thinking = Duration::from_millis(meter.delay_ms).max(self.time.silence());
        let exchange = Exchange {
            request,
            reply: &reply,
            thinking,
            time_out: Duration::from_millis(meter.profile.limits.response_timeout_ms),
        };
        let faults = faults.as_mut().or(self.faults.as_mut());
        let happening = match faults {
            Some(faults) => faults.meet(&exchange),
            None => Happening {
                kind: None,
                bursts: vec![Burst {
                    after: thinking,
                    bytes: reply(Lie::None),
                }],
            },
        };
        if let Some(log) = &mut self.log {
            log.tell(now, &request, &happening);
        }
        self.wire.send(asked.unit_id, heard_at, happening.bursts);
    }
}

/// The terminal as tokio waits for it. Made anew after each hang-up: tokio never forgets one,
/// and would find the terminal readable for ever.
fn registered(controller: &TTYPort) -> tokio_serial::Result<SerialStream> {
    controller.try_clone_native()?.try_into()
}
