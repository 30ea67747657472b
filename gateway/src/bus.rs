//! A bus: one RS-485 line, owned by one task that asks for others.
//!
//! Promises: requests come through a queue and are never broken off in the middle of a
//! frame, whoever loses interest; a port that vanishes is opened again by its stable name,
//! after one second at first and thirty at most, and in the meantime requests fail at once
//! and say why. What a single request promises is written in [`rtu`].

pub mod fault;
mod frame;
pub mod overhear;
pub mod port;
pub mod rtu;

use std::io;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

pub use fault::{BusError, Fault};
pub use port::Port;
use rtu::Master;
pub use rtu::{Ask, Counts, Line, Pace, Timing};

/// Requests that may wait; there is one poller and a person at the command line.
const QUEUE_MAX: usize = 16;
const REOPEN_MIN: Duration = Duration::from_secs(1);
const REOPEN_MAX: Duration = Duration::from_secs(30);
/// After so many faults in a row the port is closed and opened again: some adapters hang.
const FAULTS_MAX: u32 = 20;

/// How a bus is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Whether its port is open.
    pub open: bool,
    /// What is wrong with the port, in one sentence.
    pub error: Option<String>,
    /// What the line has seen since the port was opened.
    pub counts: Counts,
}

/// A handle to a bus; its task ends with the last one.
#[derive(Debug, Clone)]
pub struct Bus {
    name: String,
    jobs: mpsc::Sender<Job>,
    state: watch::Receiver<State>,
}

#[derive(Debug)]
struct Job {
    ask: Ask,
    reply: oneshot::Sender<Result<Vec<u16>, BusError>>,
}

impl Bus {
    /// Starts the task that owns `port`. Must be called within a runtime.
    #[must_use]
    pub fn start(name: &str, port: Port) -> Self {
        let timing = port.timing();
        Self::start_on(name, timing, move || {
            let port = port.clone();
            async move { port.open().await }
        })
    }

    /// Starts the task of a line that `connect` opens, whenever it has to be opened.
    pub fn start_with<L: Line + 'static>(
        name: &str,
        timing: Timing,
        mut connect: impl FnMut() -> io::Result<L> + Send + 'static,
    ) -> Self {
        Self::start_on(name, timing, move || std::future::ready(connect()))
    }

    fn start_on<L, F, C>(name: &str, timing: Timing, connect: C) -> Self
    where
        L: Line + 'static,
        F: Future<Output = io::Result<L>> + Send + 'static,
        C: FnMut() -> F + Send + 'static,
    {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let (report, state) = watch::channel(State::default());
        let owner = Owner {
            name: name.to_owned(),
            timing,
            connect,
            queue,
            report,
        };
        tokio::spawn(owner.run());
        Self {
            name: name.to_owned(),
            jobs,
            state,
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

    fn stopped(&self, unit: u8) -> BusError {
        BusError {
            bus: self.name.clone(),
            unit,
            fault: Fault::Port("the program is stopping".to_owned()),
            others_answer: false,
        }
    }
}

/// Why a port was closed.
enum Closed {
    NobodyAsks,
    Lost(String),
    /// Nothing works on it; opening it anew may help.
    Hung,
}

/// The task's side of a bus.
struct Owner<C> {
    name: String,
    timing: Timing,
    connect: C,
    queue: mpsc::Receiver<Job>,
    report: watch::Sender<State>,
}

impl<L: Line, F: Future<Output = io::Result<L>>, C: FnMut() -> F> Owner<C> {
    async fn run(mut self) {
        let mut pause = REOPEN_MIN;
        loop {
            let why = match (self.connect)().await {
                Ok(line) => match self.serve(line, &mut pause).await {
                    Closed::NobodyAsks => return,
                    Closed::Hung => continue,
                    Closed::Lost(why) => why,
                },
                Err(error) => error.to_string(),
            };
            if self.report.borrow().error.as_ref() != Some(&why) {
                tracing::warn!(bus = self.name, "bus {} has no port: {why}", self.name);
            }
            self.report.send_modify(|state| {
                state.open = false;
                state.error = Some(why.clone());
            });
            if !self.refuse_for(pause, &why).await {
                return;
            }
            pause = (pause * 2).min(REOPEN_MAX);
        }
    }

    /// Asks for others until the line is lost. An answer proves the port good.
    async fn serve(&mut self, line: L, pause: &mut Duration) -> Closed {
        let mut master = Master::new(line, self.timing);
        let mut faults = 0;
        if self.report.borrow().error.is_some() {
            tracing::info!(bus = self.name, "bus {} has its port again", self.name);
        }
        self.report.send_replace(State {
            open: true,
            ..State::default()
        });
        while let Some(Job { ask, reply }) = self.queue.recv().await {
            let result = master.read(&ask).await;
            let counts = master.counts();
            self.report.send_modify(|state| state.counts = counts);
            let closed = match &result {
                Ok(_) | Err(Fault::Exception(_)) => {
                    faults = 0;
                    *pause = REOPEN_MIN;
                    None
                }
                Err(Fault::Port(why)) => Some(Closed::Lost(why.clone())),
                Err(_) => {
                    faults += 1;
                    (faults >= FAULTS_MAX).then_some(Closed::Hung)
                }
            };
            let others_answer = master.others_answer(ask.unit);
            // Whoever asked may have lost interest; the line is in order all the same.
            let _ = reply.send(result.map_err(|fault| BusError {
                bus: self.name.clone(),
                unit: ask.unit,
                fault,
                others_answer,
            }));
            if let Some(closed) = closed {
                return closed;
            }
        }
        Closed::NobodyAsks
    }

    /// Refuses requests while the port is away; `false` when nobody will ask any more.
    async fn refuse_for(&mut self, pause: Duration, why: &str) -> bool {
        let until = Instant::now() + pause;
        loop {
            let job = tokio::select! {
                () = sleep_until(until) => return true,
                job = self.queue.recv() => job,
            };
            let Some(Job { ask, reply }) = job else {
                return false;
            };
            let _ = reply.send(Err(BusError {
                bus: self.name.clone(),
                unit: ask.unit,
                fault: Fault::Port(why.to_owned()),
                others_answer: false,
            }));
        }
    }
}

#[cfg(test)]
mod tests;
