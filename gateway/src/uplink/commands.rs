//! What the cloud asks of this gateway: a request that waits beside the batches, and an
//! answer for each order. No port is open for it; all of it goes out from here.
//!
//! Promises: one order at a time, each at most once while the program runs and for a bounded
//! time; an answer that does not get through is told again. A cloud that is away, or knows no
//! orders, is asked ever more rarely. A change of the key is not made here but handed to the
//! uplink, which stops speaking for it. Lacks: orders that write to a meter; there are none.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use common::id::CommandId;
use common::sync::{Command, CommandResult, Order, ResultLine};
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::client::{Client, UplinkError};
use super::key::KeyError;
use crate::clock::Clock;
use crate::identity::{Identity, ShownKey};

/// How long an order may take: a line full of silent meters, asked one after the other.
const ORDER_TIME_MAX: Duration = Duration::from_secs(90);
/// The pause after a cloud that did not answer, which doubles.
const PAUSE_MIN: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// The pause after a cloud that has nothing new and does not wait until it has.
const REPEATED_PAUSE: Duration = Duration::from_secs(2);
/// Orders that are remembered, so that none is done twice.
const REMEMBERED_MAX: usize = 256;
/// Lines of one answer; the cloud shows no more.
const LINES_MAX: usize = 200;

/// An order on its way to being carried out.
pub type Carrying = Pin<Box<dyn Future<Output = Result<Vec<ResultLine>, String>> + Send>>;
/// Carries out an order; tells what was found, or in one sentence what went wrong.
pub type CarryOut = Box<dyn Fn(Order) -> Carrying + Send + Sync>;

/// How a person at this machine asks for another key: the new one comes back, or why there
/// is none.
pub type KeyWish = oneshot::Sender<Result<ShownKey, String>>;

/// Who wants the key changed.
#[derive(Debug)]
pub enum Asker {
    /// The cloud, by this command.
    Cloud(CommandId),
    /// A person at the machine.
    Person(KeyWish),
}

/// Follows the orders of a cloud.
pub struct Commands {
    clock: Clock,
    carry_out: CarryOut,
    state: Mutex<State>,
}

/// What outlives a session with the cloud.
struct State {
    wishes: mpsc::Receiver<KeyWish>,
    /// Orders that were begun, oldest first.
    begun: VecDeque<Begun>,
}

struct Begun {
    id: CommandId,
    stage: Stage,
}

enum Stage {
    /// It is being done.
    Doing,
    /// The cloud has not taken the answer yet.
    Done(CommandResult),
    /// Nothing is left to do.
    Told,
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

impl Commands {
    /// Orders go to `carry_out`; a person's wishes for another key come through `wishes`.
    #[must_use]
    pub fn new(clock: Clock, carry_out: CarryOut, wishes: mpsc::Receiver<KeyWish>) -> Self {
        let begun = VecDeque::new();
        Self {
            clock,
            carry_out,
            state: Mutex::new(State { wishes, begun }),
        }
    }

    /// Does what the cloud asks of `identity`, until somebody wants its key changed. May be
    /// dropped at any time; what was being done is then told as broken off.
    pub async fn follow(&self, client: &Client, identity: &Identity) -> Asker {
        let mut state = self.state.lock().await;
        let State { wishes, begun } = &mut *state;
        let now = self.clock.now();
        for begun in begun.iter_mut().filter(|begun| begun.is_doing()) {
            begun.stage = Stage::Done(result(now, Err("it was broken off".to_owned())));
        }
        tokio::select! {
            Some(wish) = wishes.recv() => Asker::Person(wish),
            id = self.obey(begun, client, identity) => Asker::Cloud(id),
        }
    }

    /// Takes note of what came of a change of the key that [`Self::follow`] asked for.
    pub async fn key_changed(&self, asker: Asker, outcome: Result<Identity, KeyError>) {
        let outcome = outcome.map_err(|error| error.to_string());
        let damaged = || "its secret half is damaged".to_owned();
        let outcome = outcome.and_then(|identity| identity.key.shown().ok_or_else(damaged));
        match asker {
            // Whoever asked may have gone.
            Asker::Person(wish) => drop(wish.send(outcome)),
            Asker::Cloud(id) => {
                let told = outcome.map(|shown| {
                    vec![ResultLine {
                        name: "new key".to_owned(),
                        value: shown.fingerprint,
                        error: None,
                    }]
                });
                let mut state = self.state.lock().await;
                settle(
                    &mut state.begun,
                    id,
                    Stage::Done(result(self.clock.now(), told)),
                );
            }
        }
    }

    /// Does one order after the other, until one asks for another key.
    async fn obey(
        &self,
        begun: &mut VecDeque<Begun>,
        client: &Client,
        identity: &Identity,
    ) -> CommandId {
        let mut pause = PAUSE_MIN;
        loop {
            let wait = match self.turn(begun, client, identity).await {
                Ok(Turn::ChangeKey(id)) => return id,
                Ok(Turn::Done) => {
                    pause = PAUSE_MIN;
                    continue;
                }
                Ok(Turn::Repeated) => REPEATED_PAUSE,
                // The uplink hears the same and ends this.
                Err(UplinkError::Refused { status: 401, .. }) => std::future::pending().await,
                Err(error) => {
                    tracing::debug!(%error, "no orders from the cloud");
                    let part = u32::from(rand::random::<u8>());
                    let wait = pause / 2 + pause * part / 512;
                    pause = (pause * 2).min(PAUSE_MAX);
                    wait
                }
            };
            sleep(wait).await;
        }
    }

    /// Tells what is done, then waits for orders and does them.
    async fn turn(
        &self,
        begun: &mut VecDeque<Begun>,
        client: &Client,
        identity: &Identity,
    ) -> Result<Turn, UplinkError> {
        tell(begun, client, identity).await?;
        let asked_at = Instant::now();
        let list = client.commands(identity).await?;
        let has_waited = list.commands.is_empty() && asked_at.elapsed() >= REPEATED_PAUSE;
        let mut turn = match has_waited {
            true => Turn::Done,
            false => Turn::Repeated,
        };
        for Command { id, order } in list.commands {
            if begun.iter().any(|begun| begun.id == id) {
                continue;
            }
            turn = Turn::Done;
            remember(begun, id);
            tracing::info!(command.id = %id, ?order, "the cloud asks");
            if order == Order::ChangeKey {
                return Ok(Turn::ChangeKey(id));
            }
            let done = timeout(ORDER_TIME_MAX, (self.carry_out)(order)).await;
            let done = done.unwrap_or_else(|_| {
                let seconds = ORDER_TIME_MAX.as_secs();
                Err(format!("it was not done within {seconds} s"))
            });
            let result = result(self.clock.now(), done);
            settle(begun, id, Stage::Done(result));
            tell(begun, client, identity).await?;
        }
        Ok(turn)
    }
}

enum Turn {
    Done,
    /// Nothing new, at once.
    Repeated,
    ChangeKey(CommandId),
}

impl Begun {
    fn is_doing(&self) -> bool {
        matches!(self.stage, Stage::Doing)
    }
}

fn result(at: Timestamp, done: Result<Vec<ResultLine>, String>) -> CommandResult {
    let (mut lines, error) = match done {
        Ok(lines) => (lines, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    if lines.len() > LINES_MAX {
        let more = lines.len() - (LINES_MAX - 1);
        lines.truncate(LINES_MAX - 1);
        lines.push(ResultLine {
            name: "…".to_owned(),
            value: format!("and {more} more"),
            error: None,
        });
    }
    CommandResult { at, error, lines }
}

fn remember(begun: &mut VecDeque<Begun>, id: CommandId) {
    if begun.len() >= REMEMBERED_MAX {
        begun.pop_front();
    }
    let stage = Stage::Doing;
    begun.push_back(Begun { id, stage });
}

fn settle(begun: &mut VecDeque<Begun>, id: CommandId, stage: Stage) {
    if let Some(begun) = begun.iter_mut().find(|begun| begun.id == id) {
        begun.stage = stage;
    }
}

/// Tells the cloud what is done and not told yet. An answer that it will never take is
/// dropped.
async fn tell(
    begun: &mut VecDeque<Begun>,
    client: &Client,
    identity: &Identity,
) -> Result<(), UplinkError> {
    for Begun { id, stage } in begun.iter_mut() {
        let Stage::Done(result) = &stage else {
            continue;
        };
        match client.answer(identity, *id, result).await {
            Ok(()) => {}
            Err(UplinkError::Refused { status, problem }) if is_final(status) => {
                let why = problem.error;
                tracing::warn!(command.id = %id, status, why, "the cloud refuses the answer");
            }
            Err(error) => return Err(error),
        }
        *stage = Stage::Told;
    }
    Ok(())
}

/// Whether asking again is pointless.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && ![401, 408, 429].contains(&status)
}

#[cfg(test)]
mod tests;
