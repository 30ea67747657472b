//! The task's side of a bus: it alone holds the line, as its master or as a listener, and
//! opens it again when it vanishes.

use std::io;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::ear::Ear;
use super::fault::{BusError, Fault};
use super::foreign::{SharedTraffic, Watch, lock};
use super::overhear::{Heard, Overhearer};
use super::rtu::{Line, Master, Owed, Timing};
use super::{Job, Manner, State};

pub(super) const REOPEN_MIN: Duration = Duration::from_secs(1);
/// How long a line is heard that was ours until its port vanished: readings shall be back
/// soon after it has returned.
const LISTEN_AGAIN_MAX: Duration = Duration::from_secs(3);
/// After so many faults in a row the port is closed and opened again: some adapters hang.
pub(super) const FAULTS_MAX: u32 = 20;
/// Bytes that are taken from a line at once when it is only heard.
const HEARD_BYTES_MAX: usize = 4096;
/// So many bytes at once are seconds of a line: the port may have had no room for more.
const BACKLOG_BYTES: usize = HEARD_BYTES_MAX / 2;
/// How often a silent listener gives up what no longer becomes anything.
const SETTLE_PERIOD: Duration = Duration::from_secs(1);

/// What the task is on its line.
#[derive(Debug)]
pub(super) enum Part {
    /// Its one master.
    Master(Timing),
    /// A listener, who tells what he hears.
    Listener(mpsc::Sender<Heard>),
}

/// Why a port was closed.
enum Closed {
    NobodyAsks,
    Lost(String),
    /// Nothing works on it; opening it anew may help.
    Hung,
}

/// The task.
#[derive(Debug)]
pub(super) struct Owner<C> {
    pub(super) name: String,
    pub(super) part: Part,
    pub(super) manner: Manner,
    pub(super) connect: C,
    pub(super) queue: mpsc::Receiver<Job>,
    pub(super) report: watch::Sender<State>,
    pub(super) traffic: SharedTraffic,
    /// Whether the line was ours when it was last used.
    pub(super) was_ours: bool,
    /// What its units owe: a port that is opened again does not forgive it.
    pub(super) owed: Owed,
}

impl<L: Line, F: Future<Output = io::Result<L>>, C: FnMut() -> F> Owner<C> {
    pub(super) async fn run(mut self) {
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
                state.foreign = None;
            });
            if !self.refuse_for(pause, &why).await {
                return;
            }
            pause = (pause * 2).min(self.manner.reopen_max).max(REOPEN_MIN);
        }
    }

    /// Does its part on a line that has just been opened, until that is lost.
    async fn serve(&mut self, line: L, pause: &mut Duration) -> Closed {
        if self.report.borrow().error.is_some() {
            tracing::info!(bus = self.name, "bus {} has its port again", self.name);
        }
        self.report.send_replace(State {
            open: true,
            ..State::default()
        });
        match &self.part {
            Part::Master(timing) => {
                let master = Master::new(line, *timing);
                let watch = Watch::new(SharedTraffic::clone(&self.traffic));
                let owed = std::mem::take(&mut self.owed);
                let mut master = master.watched_by(watch).owing(owed);
                let closed = self.ask_for_others(&mut master, pause).await;
                self.owed = master.into_owed();
                closed
            }
            Part::Listener(told) => {
                let told = told.clone();
                self.listen(Ear::of(line), &told, pause).await
            }
        }
    }

    /// Asks for others, one request at a time, and hears the line in between. Nobody is asked
    /// before the line was heard for a while, or while another master speaks.
    async fn ask_for_others(&mut self, master: &mut Master<L>, pause: &mut Duration) -> Closed {
        let listen_first = match self.was_ours {
            true => self.manner.listen_first.min(LISTEN_AGAIN_MAX),
            false => self.manner.listen_first,
        };
        if !listen_first.is_zero() && !self.was_ours {
            let (name, seconds) = (&self.name, listen_first.as_secs());
            tracing::info!(
                bus = name,
                "bus {name} is heard for {seconds} s before the first request"
            );
        }
        let ours_from = Instant::now() + listen_first;
        let mut faults = 0;
        let mut held: Option<Job> = None;
        loop {
            let now = Instant::now();
            let foreign = master.watch().foreign(now);
            let is_decided = now >= ours_from || foreign.is_some();
            self.tell_foreign(foreign);
            if let Some(job) = held.take_if(|_| is_decided) {
                match self.ask(master, job, &mut faults, pause).await {
                    Some(closed) => return closed,
                    None => continue,
                }
            }
            let wake = if is_decided {
                master.watch().free_at().filter(|at| *at > now)
            } else {
                Some(ours_from)
            };
            tokio::select! {
                biased;
                job = self.queue.recv(), if held.is_none() => match job {
                    None => return Closed::NobodyAsks,
                    some => held = some,
                },
                heard = master.idle() => if let Err(fault) = heard {
                    return Closed::Lost(match fault {
                        Fault::Port(why) => why,
                        _ => String::new(),
                    });
                },
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    /// One request for somebody. An answer proves the port good.
    async fn ask(
        &mut self,
        master: &mut Master<L>,
        Job { ask, reply }: Job,
        faults: &mut u32,
        pause: &mut Duration,
    ) -> Option<Closed> {
        let result = master.read(&ask).await;
        let counts = master.counts();
        self.report.send_modify(|state| state.counts = counts);
        let closed = match &result {
            Ok(_) | Err(Fault::Exception(_)) => {
                *faults = 0;
                *pause = REOPEN_MIN;
                self.was_ours = true;
                None
            }
            Err(Fault::Port(why)) => Some(Closed::Lost(why.clone())),
            Err(Fault::ForeignMaster(_)) => None,
            Err(_) => {
                *faults += 1;
                (*faults >= FAULTS_MAX).then_some(Closed::Hung)
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
        closed
    }

    fn tell_foreign(&mut self, foreign: Option<String>) {
        let before = self.report.borrow().foreign.clone();
        if before == foreign {
            return;
        }
        match (&before, &foreign) {
            (None, Some(what)) => tracing::warn!(bus = self.name, "bus {}: {what}", self.name),
            (Some(_), None) => tracing::info!(bus = self.name, "bus {} is ours again", self.name),
            _ => {}
        }
        self.was_ours &= foreign.is_none();
        self.report.send_modify(|state| state.foreign = foreign);
    }

    /// Tells what is heard, and refuses whoever wants to ask.
    async fn listen(
        &mut self,
        mut ear: Ear<L>,
        told: &mpsc::Sender<Heard>,
        pause: &mut Duration,
    ) -> Closed {
        let mut overhearer = Overhearer::default();
        let mut chunk = vec![0; HEARD_BYTES_MAX];
        loop {
            let heard = tokio::select! {
                job = self.queue.recv() => match job {
                    None => return Closed::NobodyAsks,
                    Some(job) => {
                        let why = "this gateway sits beside another master and only listens \
                                   (mode = \"listen\"): see `enervue-gateway bus heard`";
                        self.refuse(job, Fault::ForeignMaster(why.to_owned()));
                        continue;
                    }
                },
                read = ear.hear(&mut chunk) => match read {
                    Err(error) => return Closed::Lost(error.to_string()),
                    Ok(count) => {
                        *pause = REOPEN_MIN;
                        let bytes = chunk.get(..count).unwrap_or_default();
                        let heard = overhearer.hear(Instant::now(), bytes);
                        if count >= BACKLOG_BYTES {
                            overhearer.lose_track();
                        }
                        heard
                    }
                },
                () = sleep(SETTLE_PERIOD), if !overhearer.is_settled() => {
                    overhearer.settle(Instant::now())
                }
            };
            self.tell(heard, told);
        }
    }

    fn tell(&self, heard: Vec<Heard>, told: &mpsc::Sender<Heard>) {
        for heard in heard {
            lock(&self.traffic).note(&heard);
            if let Err(mpsc::error::TrySendError::Full(heard)) = told.try_send(heard) {
                tracing::warn!(
                    bus = self.name,
                    "a reply of unit {} is lost: the disk is slower than the line",
                    heard.unit
                );
            }
        }
    }

    fn refuse(&self, Job { ask, reply }: Job, fault: Fault) {
        // Whoever asked may have lost interest.
        let _ = reply.send(Err(BusError {
            bus: self.name.clone(),
            unit: ask.unit,
            fault,
            others_answer: false,
        }));
    }

    /// Refuses requests while the port is away; `false` when nobody will ask any more.
    async fn refuse_for(&mut self, pause: Duration, why: &str) -> bool {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(until) => return true,
                job = self.queue.recv() => match job {
                    None => return false,
                    Some(job) => self.refuse(job, Fault::Port(why.to_owned())),
                },
            }
        }
    }
}
