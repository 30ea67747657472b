//! A bus: one RS-485 line, owned by one task that asks for others.
//!
//! Promises: requests come through a queue and are never broken off in the middle of a
//! frame, whoever loses interest; a port that vanishes, also while nobody asks, is opened
//! again by its stable name, after one second at first and [`Manner::reopen_max`] at most,
//! and in the meantime requests fail at once and say why. What a single request promises is
//! written in [`rtu`].
//!
//! Only one master may be on a line. The task hears it for [`Manner::listen_first`] before
//! it asks anything, goes on hearing while nobody asks, and refuses requests as long as
//! another master is heard. A bus that was started by [`Bus::listen`] sits beside that
//! master: it tells what it hears and never writes a byte.

mod ear;
pub mod fault;
pub mod foreign;
mod frame;
pub mod overhear;
mod owner;
pub mod port;
pub mod rtu;
pub mod traffic;

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

pub use fault::{BusError, Fault};
use foreign::SharedTraffic;
use overhear::Heard;
use owner::{Owner, Part};
pub use port::Port;
pub use rtu::{Ask, Counts, Line, Pace, Timing};
use traffic::Traffic;

/// Requests that may wait; there is one poller and a person at the command line.
const QUEUE_MAX: usize = 16;
/// What was heard and may wait to be kept: some seconds of the fastest line.
const HEARD_MAX: usize = 1024;

type OpeningPort = Pin<Box<dyn Future<Output = io::Result<port::OpenPort>> + Send>>;

/// How a bus is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// How long the line is heard before the first request, each time it is opened; a few
    /// seconds at most when it was ours until its port vanished.
    pub listen_first: Duration,
    /// The longest pause before a port that vanished is looked for again.
    pub reopen_max: Duration,
}

impl Default for Manner {
    /// For a line that is known to be ours.
    fn default() -> Self {
        Self {
            listen_first: Duration::ZERO,
            reopen_max: Duration::from_secs(30),
        }
    }
}

/// How a bus is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Whether its port is open.
    pub open: bool,
    /// What is wrong with the port, in one sentence.
    pub error: Option<String>,
    /// Which other master speaks on a line that should be ours, in one sentence; nobody is
    /// asked as long as it does.
    pub foreign: Option<String>,
    /// What the line has seen since the port was opened.
    pub counts: Counts,
}

/// A handle to a bus; its task ends with the last one.
#[derive(Debug, Clone)]
pub struct Bus {
    name: String,
    jobs: mpsc::Sender<Job>,
    state: watch::Receiver<State>,
    traffic: SharedTraffic,
}

#[derive(Debug)]
struct Job {
    ask: Ask,
    reply: oneshot::Sender<Result<Vec<u16>, BusError>>,
}

impl Bus {
    /// Starts the task that owns `port` as the master of its line. Must be called within a
    /// runtime.
    #[must_use]
    pub fn start(name: &str, port: Port, manner: Manner) -> Self {
        let timing = port.timing();
        Self::spawn(name, Part::Master(timing), manner, opening(port))
    }

    /// Starts the task of a line that `connect` opens, whenever it has to be opened.
    pub fn start_with<L: Line + 'static>(
        name: &str,
        timing: Timing,
        connect: impl FnMut() -> io::Result<L> + Send + 'static,
    ) -> Self {
        Self::start_in(name, timing, Manner::default(), connect)
    }

    /// The same in another manner.
    pub fn start_in<L: Line + 'static>(
        name: &str,
        timing: Timing,
        manner: Manner,
        connect: impl FnMut() -> io::Result<L> + Send + 'static,
    ) -> Self {
        Self::spawn(name, Part::Master(timing), manner, at_once(connect))
    }

    /// Starts the task that only hears the line at `port` and tells what was heard.
    #[must_use]
    pub fn listen_at(name: &str, port: Port, manner: Manner) -> (Self, mpsc::Receiver<Heard>) {
        let (told, heard) = mpsc::channel(HEARD_MAX);
        let bus = Self::spawn(name, Part::Listener(told), manner, opening(port));
        (bus, heard)
    }

    /// Starts the task that only hears the line that `connect` opens, whenever it has to be
    /// opened, and tells what was heard.
    pub fn listen<L: Line + 'static>(
        name: &str,
        manner: Manner,
        connect: impl FnMut() -> io::Result<L> + Send + 'static,
    ) -> (Self, mpsc::Receiver<Heard>) {
        let (told, heard) = mpsc::channel(HEARD_MAX);
        let bus = Self::spawn(name, Part::Listener(told), manner, at_once(connect));
        (bus, heard)
    }

    fn spawn<L, F>(
        name: &str,
        part: Part,
        manner: Manner,
        connect: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        L: Line + 'static,
        F: Future<Output = io::Result<L>> + Send + 'static,
    {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let (report, state) = watch::channel(State::default());
        let traffic = SharedTraffic::default();
        let owner = Owner {
            name: name.to_owned(),
            part,
            manner,
            connect,
            queue,
            report,
            traffic: SharedTraffic::clone(&traffic),
            was_ours: false,
            owed: rtu::Owed::default(),
        };
        tokio::spawn(owner.run());
        Self {
            name: name.to_owned(),
            jobs,
            state,
            traffic,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is now.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// What other masters ask on it, as far as it was heard.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        foreign::lock(&self.traffic).clone()
    }

    /// Reads the registers that `ask` names, once.
    ///
    /// # Errors
    /// When they could not be had; says the probable cause and what to do.
    pub async fn read(&self, ask: Ask) -> Result<Vec<u16>, BusError> {
        let (reply, answer) = oneshot::channel();
        let gone = |_| self.stopped(ask.unit);
        let sent = self.jobs.send(Job { ask, reply }).await;
        sent.map_err(|_| self.stopped(ask.unit))?;
        answer.await.unwrap_or_else(|error| Err(gone(error)))
    }

    /// Ends the bus and waits until its port is closed; needs the last handle to it.
    pub async fn close(self) {
        let Self {
            jobs, mut state, ..
        } = self;
        drop(jobs);
        while state.changed().await.is_ok() {}
    }

    /// The answer to whoever asks while the program stops.
    pub(crate) fn stopped(&self, unit: u8) -> BusError {
        BusError {
            bus: self.name.clone(),
            unit,
            fault: Fault::Port("the program is stopping".to_owned()),
            others_answer: false,
        }
    }
}

/// Opens `port`, however long that takes, each time it is asked to.
fn opening(port: Port) -> impl FnMut() -> OpeningPort + Send {
    move || {
        let port = port.clone();
        Box::pin(async move { port.open().await })
    }
}

/// A way of opening that does not take time.
fn at_once<L>(
    mut connect: impl FnMut() -> io::Result<L> + Send,
) -> impl FnMut() -> Ready<io::Result<L>> + Send {
    move || ready(connect())
}

#[cfg(test)]
mod tests;
