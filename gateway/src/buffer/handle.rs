//! The buffer's async face: a thread of its own does the disk's work, so that waiting for
//! an fsync never holds up a bus.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use common::closes::Closes;
use common::id::{BootId, DeviceId, Epoch};
use common::reading::Reading;
use common::sync::{HeldReading, Rejection};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{Buffer, BufferCheck, BufferError, BufferStatus, Held, Lost, Outgoing, Sealing};
use crate::clock::Anchor;
use crate::reading::NewReading;

/// Requests that may wait for the thread; each sender waits for its own reply.
const QUEUE: usize = 16;

enum Work {
    Do(Box<dyn FnOnce(&mut Buffer) + Send>),
    Close(oneshot::Sender<()>),
}

/// Asks the buffer's thread. Clones share one buffer, which closes with the last of them.
#[derive(Debug, Clone)]
pub struct BufferHandle {
    /// It may change while the buffer is open.
    epoch: Arc<Mutex<Epoch>>,
    work: mpsc::Sender<Work>,
}

impl BufferHandle {
    /// Gives `buffer` a thread of its own.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn spawn(mut buffer: Buffer) -> std::io::Result<Self> {
        let epoch = Arc::new(Mutex::new(buffer.epoch()));
        let (work, mut waiting) = mpsc::channel::<Work>(QUEUE);
        std::thread::Builder::new()
            .name("buffer".to_owned())
            .spawn(move || {
                let mut closed = None;
                while let Some(work) = waiting.blocking_recv() {
                    match work {
                        Work::Do(job) => job(&mut buffer),
                        Work::Close(reply) => {
                            closed = Some(reply);
                            break;
                        }
                    }
                }
                drop(waiting);
                if let Err(error) = buffer.close() {
                    tracing::error!(%error, "the buffer does not close well");
                }
                if let Some(closed) = closed {
                    let _ = closed.send(());
                }
            })?;
        Ok(Self { epoch, work })
    }

    /// Which life of the buffer numbers the readings; another begins when the database turns
    /// out to be damaged, or with [`Self::begin_epoch`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`Buffer::set_sealing`].
    ///
    /// # Errors
    /// When the buffer is closed.
    pub async fn set_sealing(&self, sealing: Option<Sealing>) -> Result<(), BufferError> {
        self.ask(move |buffer| {
            buffer.set_sealing(sealing);
            Ok(())
        })
        .await
    }

    /// See [`Buffer::give_up`].
    ///
    /// # Errors
    /// As there.
    pub async fn give_up(&self, rejection: Rejection) -> Result<(), BufferError> {
        self.ask(move |buffer| buffer.give_up(&rejection)).await
    }

    /// See [`Buffer::rewind`].
    ///
    /// # Errors
    /// As there.
    pub async fn rewind(&self, through: u64) -> Result<(), BufferError> {
        self.ask(move |buffer| buffer.rewind(through)).await
    }

    /// See [`Buffer::holds`].
    ///
    /// # Errors
    /// As there.
    pub async fn holds(&self, theirs: HeldReading) -> Result<Held, BufferError> {
        self.ask(move |buffer| buffer.holds(&theirs)).await
    }

    /// See [`Buffer::begin_epoch`].
    ///
    /// # Errors
    /// As there.
    pub async fn begin_epoch(
        &self,
        now: Timestamp,
        through: u64,
        conflicts: BTreeSet<u64>,
    ) -> Result<Epoch, BufferError> {
        self.ask(move |buffer| buffer.begin_epoch(now, through, &conflicts))
            .await
    }

    /// See [`Buffer::progress`].
    ///
    /// # Errors
    /// As there.
    pub async fn progress(&self) -> Result<(u64, u64), BufferError> {
        self.ask(|buffer| buffer.progress()).await
    }

    /// See [`Buffer::date_boot`].
    ///
    /// # Errors
    /// As there.
    pub async fn date_boot(&self, anchor: Anchor) -> Result<u64, BufferError> {
        self.ask(move |buffer| buffer.date_boot(&anchor)).await
    }

    /// See [`Buffer::anchor`].
    ///
    /// # Errors
    /// When the buffer is closed.
    pub async fn anchor(&self, boot: BootId) -> Result<Option<Anchor>, BufferError> {
        self.ask(move |buffer| Ok(buffer.anchor(boot))).await
    }

    /// See [`Buffer::newest_at`].
    ///
    /// # Errors
    /// As there.
    pub async fn newest_at(&self) -> Result<Option<Timestamp>, BufferError> {
        self.ask(|buffer| buffer.newest_at()).await
    }

    /// See [`Buffer::losses_after`].
    ///
    /// # Errors
    /// As there.
    pub async fn losses_after(&self, seq: u64, max: usize) -> Result<Vec<Lost>, BufferError> {
        self.ask(move |buffer| buffer.losses_after(seq, max)).await
    }

    /// See [`Buffer::check`]; readings are stored between its parts.
    ///
    /// # Errors
    /// As there.
    pub async fn check(&self) -> Result<BufferCheck, BufferError> {
        let mut checking = self.ask(|buffer| buffer.begin_check()).await?;
        loop {
            match self.ask(|buffer| buffer.check_more(checking)).await? {
                Ok(done) => return Ok(done),
                Err(more) => checking = more,
            }
        }
    }

    /// See [`Buffer::append`].
    ///
    /// # Errors
    /// As there.
    pub async fn append(
        &self,
        readings: Vec<NewReading>,
    ) -> Result<RangeInclusive<u64>, BufferError> {
        self.ask(move |buffer| buffer.append(&readings)).await
    }

    /// See [`Buffer::forgo`].
    ///
    /// # Errors
    /// When the buffer is closed.
    pub async fn forgo(&self, readings: Vec<NewReading>) -> Result<(), BufferError> {
        self.ask(move |buffer| {
            buffer.forgo(&readings);
            Ok(())
        })
        .await
    }

    /// See [`Buffer::next_batch`].
    ///
    /// # Errors
    /// As there.
    pub async fn next_batch(&self, max: usize) -> Result<Outgoing, BufferError> {
        self.ask(move |buffer| buffer.next_batch(max)).await
    }

    /// See [`Buffer::read_after`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_after(&self, seq: u64, max: usize) -> Result<Vec<Reading>, BufferError> {
        self.ask(move |buffer| buffer.read_after(seq, max)).await
    }

    /// See [`Buffer::acknowledge`].
    ///
    /// # Errors
    /// As there.
    pub async fn acknowledge(
        &self,
        through: u64,
        rejected: Vec<Rejection>,
        now: Timestamp,
    ) -> Result<(), BufferError> {
        self.ask(move |buffer| buffer.acknowledge(through, &rejected, now))
            .await
    }

    /// See [`Buffer::prune`].
    ///
    /// # Errors
    /// As there.
    pub async fn prune(&self, keep_days: u32, now: Timestamp) -> Result<u64, BufferError> {
        self.ask(move |buffer| buffer.prune(keep_days, now)).await
    }

    /// See [`Buffer::last_closings`].
    ///
    /// # Errors
    /// As there.
    pub async fn last_closings(&self) -> Result<BTreeMap<DeviceId, Closes>, BufferError> {
        self.ask(|buffer| buffer.last_closings()).await
    }

    /// See [`Buffer::waiting`].
    ///
    /// # Errors
    /// As there.
    pub async fn waiting(&self) -> Result<u64, BufferError> {
        self.ask(|buffer| buffer.waiting()).await
    }

    /// See [`Buffer::status`].
    ///
    /// # Errors
    /// As there.
    pub async fn status(&self) -> Result<BufferStatus, BufferError> {
        self.ask(|buffer| buffer.status()).await
    }

    /// Closes the buffer after what was asked before; what is asked later fails.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.work.send(Work::Close(closed)).await.is_ok() {
            let _ = done.await;
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Buffer) -> Result<T, BufferError> + Send + 'static,
    ) -> Result<T, BufferError> {
        let (reply, answer) = oneshot::channel();
        let told = Arc::clone(&self.epoch);
        let work = Box::new(move |buffer: &mut Buffer| {
            let result = job(buffer);
            if let Err(error) = &result {
                buffer.heal(error);
            }
            // Before the answer: whoever has it knows whose numbers it speaks of.
            *told.lock().unwrap_or_else(PoisonError::into_inner) = buffer.epoch();
            // Whoever asked may be gone; the work is done all the same.
            let _ = reply.send(result);
        });
        self.work
            .send(Work::Do(work))
            .await
            .map_err(|_| BufferError::Closed)?;
        answer.await.map_err(|_| BufferError::Closed)?
    }
}
