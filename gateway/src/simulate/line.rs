//! A simulated line: a pseudo-terminal under a lasting path, and the meters that answer on it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::profile::{Library, Parity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_serial::{SerialPort as _, SerialStream};

use super::config::{ConfigError, LineConfig};
use super::meter::SimulatedMeter;
use super::slave::{self, Asked, REQUEST_BYTES};
use crate::clock::Clock;

/// How soon a request that stopped half-way is forgotten.
const TORN_AFTER: Duration = Duration::from_millis(50);
/// How often to look whether somebody has opened the port again.
const REOPEN_PERIOD: Duration = Duration::from_millis(10);
/// More bytes at once are no requests.
const INPUT_MAX: usize = 4096;

/// Why a line cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file describes a meter that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gives no pseudo-terminal.
    #[error("cannot make a pseudo-terminal: {0}")]
    Terminal(#[from] tokio_serial::Error),
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
    controller: SerialStream,
    meters: Vec<Answering>,
    /// Time on the wire for each character, if it is to be kept.
    character: Option<Duration>,
}

#[derive(Debug)]
struct Answering {
    meter: SimulatedMeter,
    replies: u32,
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
        let (controller, terminal) = SerialStream::pair()?;
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
        let character = Duration::from_secs(bits) / config.baud.max(1);
        Ok(Self {
            bus: config.bus(),
            link,
            controller,
            meters: meters
                .into_iter()
                .map(|meter| Answering { meter, replies: 0 })
                .collect(),
            character: config.wire_time.then_some(character),
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
        let mut bytes = Vec::new();
        loop {
            self.receive(&mut bytes).await;
            while let Some(asked) = slave::take_request(&mut bytes) {
                self.answer(asked, clock).await;
            }
        }
    }

    /// Adds what comes in to `bytes`; forgets them when the sender stopped half-way or went.
    async fn receive(&mut self, bytes: &mut Vec<u8>) {
        let mut chunk = [0; 256];
        let read = self.controller.read(&mut chunk);
        let outcome = if bytes.is_empty() {
            read.await
        } else {
            match tokio::time::timeout(TORN_AFTER, read).await {
                Ok(outcome) => outcome,
                Err(_) => return bytes.clear(),
            }
        };
        match outcome {
            Ok(count) if count > 0 && bytes.len() < INPUT_MAX => {
                bytes.extend(chunk.iter().take(count));
            }
            // Nobody has the port open; the terminal stays.
            _ => {
                bytes.clear();
                tokio::time::sleep(REOPEN_PERIOD).await;
            }
        }
    }

    async fn answer(&mut self, asked: Asked, clock: &Clock) {
        let now = clock.now();
        let on_line = self
            .meters
            .iter_mut()
            .find(|other| other.meter.unit_id() == asked.unit_id);
        let Some(answering) = on_line.filter(|other| other.meter.answers(now)) else {
            return;
        };
        let registers = match answering.meter.registers(now) {
            Ok(registers) => registers,
            Err(error) => {
                tracing::warn!(unit_id = asked.unit_id, %error, "a simulated meter is silent");
                return;
            }
        };
        let mut reply = slave::reply(asked, &answering.meter.profile, &registers);
        answering.replies = answering.replies.wrapping_add(1);
        let fail_every = answering.meter.fail_every;
        let fails = fail_every > 0 && answering.replies.is_multiple_of(fail_every);
        if let Some(last) = reply.last_mut().filter(|_| fails) {
            *last = !*last;
        }
        let thinking = Duration::from_millis(answering.meter.delay_ms);
        self.pause(thinking, reply.len()).await;
        if let Err(error) = self.controller.write_all(&reply).await {
            tracing::debug!(%error, "nobody takes the reply");
        }
    }

    /// What the device thinks and the wire takes: request, 3.5 characters of silence, reply.
    async fn pause(&self, thinking: Duration, reply_bytes: usize) {
        let characters = u32::try_from(REQUEST_BYTES + reply_bytes).unwrap_or(u32::MAX);
        let wire = self.character.map(|one| one * characters + one * 7 / 2);
        let pause = thinking + wire.unwrap_or_default();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}
