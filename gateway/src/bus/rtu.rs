//! The master of one RS-485 line. Promise: a read returns the registers that were asked
//! for, or a fault, never the late reply to another request.
//!
//! How it is kept:
//! - before a request the line was silent for 3.5 characters and for the device's own pause,
//!   and nothing waited in the port; whatever arrives unasked puts the line on hold;
//! - after every fault the line is on hold: nothing is sent until it *is* silent for the
//!   response time-out, so that a reply up to twice as slow as allowed is swallowed;
//! - after a fault the unit owes a reply of so many registers, and is asked for another number
//!   until it has answered that: a reply slower than allowed, or a device that answers each
//!   request with the reply to one before, shows by its length ([`owed`]);
//! - a frame of another unit does not end the wait; a frame with a wrong checksum, length or
//!   function, or with bytes behind it, is no answer, and its whole burst is thrown away.
//!
//! Lacks: it never writes to a device, and it does not decode.

mod owed;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use common::profile::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::fault::Fault;
use super::foreign::Watch;
use super::frame::{self, REQUEST_BYTES, Step};
use owed::Owed;

/// How many holds a line that does not fall silent is waited for before giving up.
const HOLDS_MAX: u32 = 5;
/// How often a unit that is out of step is asked to show that it has caught up.
const PROBES_MAX: usize = 4;
/// How long a port may take to accept the eight bytes of a request.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// How long ago a unit may have answered to count as one that does.
const RECENT: Duration = Duration::from_secs(30 * 60);
/// Bytes of a burst that are kept to recognise a late frame in it.
const BURST_BYTES_MAX: usize = 512;

/// A line: a serial port, or its like in a test.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send {
    /// Takes the bytes that wait in the port without waiting for more.
    ///
    /// # Errors
    /// When the port is gone.
    fn take_waiting(&mut self, into: &mut Vec<u8>) -> io::Result<()>;

    /// Waits for bytes until then; `None` when none came, 0 when none will ever come.
    ///
    /// Tokio's timer rounds up to the millisecond after next, which is half a silence at
    /// 38400 baud; a line whose time is real has a finer one.
    ///
    /// # Errors
    /// When the port is gone.
    fn read_by(
        &mut self,
        until: Instant,
        chunk: &mut [u8],
    ) -> impl Future<Output = io::Result<Option<usize>>> + Send {
        async move {
            match timeout_at(until, self.read(chunk)).await {
                Ok(read) => read.map(Some),
                Err(_) => Ok(None),
            }
        }
    }
}

/// What is asked of a device, and at which pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Its unit id.
    pub unit: u8,
    /// The registers.
    pub request: Request,
    /// How it wants to be asked.
    pub pace: Pace,
}

/// How fast a device can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The pause it wants before a request; 3.5 characters are kept in any case.
    pub gap: Duration,
    /// How long it may take from the end of the request to the start of its reply.
    pub timeout: Duration,
}

/// How long bytes take on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    character: Duration,
    silence: Duration,
}

impl Timing {
    /// The timing of a line of `baud` with so many bits to a character: 10 for 8N1, 11 with
    /// a parity bit or a second stop bit.
    #[must_use]
    pub fn new(baud: u32, bits: u32) -> Self {
        /// Above 19200 baud the pause stays fixed (Modbus over serial line, 2.5.1.1).
        const SILENCE_FAST: Duration = Duration::from_micros(1750);
        let character = Duration::from_secs(1) * bits / baud.max(1);
        let silence = if baud > 19_200 {
            SILENCE_FAST
        } else {
            character * 7 / 2
        };
        Self { character, silence }
    }

    fn of(self, bytes: usize) -> Duration {
        self.character * u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// What a line has seen since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were answered, by registers or by an exception.
    pub answers: u64,
    /// Requests that were not.
    pub faults: u64,
    /// Bytes that nobody had asked for.
    pub unsolicited_bytes: u64,
    /// Requests of ours that came back as an echo.
    pub echoes: u64,
    /// Frames of another unit than the one asked.
    pub strangers: u64,
    /// Replies that came after their request had been given up.
    pub late: u64,
    /// Requests made only to see whether a unit is in step.
    pub probes: u64,
}

/// The silence owed before the next request.
#[derive(Debug, Clone, Copy)]
struct Hold {
    from: Instant,
    silence: Duration,
}

/// The master of one line.
#[derive(Debug)]
pub struct Master<L> {
    line: L,
    timing: Timing,
    last_active: Instant,
    hold: Option<Hold>,
    fresh: bool,
    /// Whether bytes came that nobody had asked for, since the last request.
    disturbed: bool,
    watch: Watch,
    received: Vec<u8>,
    owed: Owed,
    answered: BTreeMap<u8, Instant>,
    /// The units to which one silent probe is forgiven.
    forgiven: BTreeSet<u8>,
    counts: Counts,
}

impl<L: Line> Master<L> {
    /// The master of a line that has just been opened.
    pub fn new(line: L, timing: Timing) -> Self {
        Self {
            line,
            timing,
            last_active: Instant::now(),
            hold: None,
            fresh: true,
            disturbed: false,
            watch: Watch::default(),
            received: Vec::new(),
            owed: Owed::default(),
            answered: BTreeMap::new(),
            forgiven: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// This master, with another watch on who else speaks.
    #[must_use]
    pub fn watched_by(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// What is known of other masters.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Hears the line while nobody asks, until bytes came. May be dropped.
    ///
    /// # Errors
    /// When the port is gone.
    pub async fn idle(&mut self) -> Result<(), Fault> {
        let mut chunk = [0; 256];
        let count = match self.line.read(&mut chunk).await {
            Ok(0) => return Err(Fault::Port("it was closed, or unplugged".to_owned())),
            Ok(count) => count,
            Err(error) => return Err(Fault::Port(error.to_string())),
        };
        self.last_active = Instant::now();
        let before = self.received.len();
        self.received.extend(chunk.iter().take(count));
        self.note_heard(before);
        self.overhear(before);
        self.swallow();
        Ok(())
    }

    /// What the line has seen.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether another unit than `unit` has answered lately.
    pub fn others_answer(&self, unit: u8) -> bool {
        let mut others = self.answered.iter().filter(|(other, _)| **other != unit);
        others.any(|(_, at)| at.elapsed() < RECENT)
    }

    /// Reads the registers that `ask` names. Not to be cancelled.
    ///
    /// # Errors
    /// When they could not be had beyond doubt; [`Fault::Port`] means the line is gone.
    pub async fn read(&mut self, ask: &Ask) -> Result<Vec<u16>, Fault> {
        self.get_in_step(ask).await?;
        self.exchange(ask).await
    }

    /// Asks a unit that may still owe the reply to such a request for something that no
    /// reply it owes can answer.
    async fn get_in_step(&mut self, ask: &Ask) -> Result<(), Fault> {
        for _ in 0..PROBES_MAX {
            let now = Instant::now();
            if !self.owed.could_be_mistaken(now, ask) {
                return Ok(());
            }
            let Some(count) = self.owed.another_count(now, ask) else {
                return Err(Fault::InDoubt);
            };
            let mut probe = *ask;
            probe.request.count = count;
            self.counts.probes += 1;
            match self.exchange(&probe).await {
                // One silence is forgiven to a unit that has answered since the last one, so
                // that a dead unit does not cost the others as many time-outs as probes.
                Err(fault @ (Fault::Silence { .. } | Fault::OnlyEcho)) => {
                    if !self.forgiven.remove(&ask.unit) {
                        return Err(fault);
                    }
                }
                Err(fault) if fault.is_ours() => return Err(fault),
                _ => {}
            }
        }
        Err(Fault::InDoubt)
    }

    /// One request and its reply.
    async fn exchange(&mut self, ask: &Ask) -> Result<Vec<u16>, Fault> {
        self.fall_silent(ask).await?;
        self.send(ask).await?;
        let result = self.receive(ask).await;
        let now = Instant::now();
        match &result {
            Ok(_) => self.owed.note_answer(ask),
            Err(Fault::Exception(_)) => self.owed.note_exception(now, ask),
            Err(_) => {
                self.owed.note_fault(now, ask);
                self.counts.faults += 1;
                self.hold_for(ask.pace.timeout);
                self.received.clear();
                return result;
            }
        }
        self.counts.answers += 1;
        self.answered.insert(ask.unit, now);
        self.forgiven.insert(ask.unit);
        result
    }

    /// Waits until the line is as silent as the next request needs it.
    async fn fall_silent(&mut self, ask: &Ask) -> Result<(), Fault> {
        if std::mem::take(&mut self.fresh) {
            // Whoever had the line before may have left a request without its reply.
            self.hold_for(ask.pace.timeout);
        }
        self.received.clear();
        let pause = self.timing.silence.max(ask.pace.gap);
        let limit = Instant::now() + (ask.pace.timeout + pause) * HOLDS_MAX;
        loop {
            let before = self.received.len();
            self.line
                .take_waiting(&mut self.received)
                .map_err(|error| Fault::Port(error.to_string()))?;
            if self.received.len() > before {
                self.last_active = Instant::now();
                self.note_heard(before);
                self.overhear(before);
            }
            if !self.received.is_empty() {
                self.swallow();
            }
            if let Some(sentence) = self.watch.foreign(Instant::now()) {
                return Err(Fault::ForeignMaster(sentence));
            }
            if std::mem::take(&mut self.disturbed) {
                self.hold = Some(Hold {
                    from: self.last_active,
                    silence: ask.pace.timeout,
                });
            }
            let mut until = self.last_active + pause;
            if let Some(hold) = self.hold {
                until = until.max(hold.from.max(self.last_active) + hold.silence);
            }
            let now = Instant::now();
            if now >= until {
                self.hold = None;
                return Ok(());
            }
            if now >= limit {
                return Err(Fault::NeverSilent);
            }
            let before = self.received.len();
            if self.listen(until.min(limit)).await? {
                self.overhear(before);
            }
        }
    }

    /// Looks for other masters in what came behind the first `known` bytes.
    fn overhear(&mut self, known: usize) {
        let new = self.received.get(known..).unwrap_or_default();
        self.watch.hear(self.last_active, new);
    }

    /// Throws away what arrived while nothing was asked.
    fn swallow(&mut self) {
        if self.hold.is_none() {
            self.counts.unsolicited_bytes += self.received.len() as u64;
            self.disturbed = true;
            self.received.clear();
            return;
        }
        while let Some((unit, bytes)) = frame::whole_reply(&self.received) {
            self.received.drain(..bytes);
            self.counts.late += u64::from(self.owed.owes(self.last_active, unit));
        }
        if self.received.len() > BURST_BYTES_MAX {
            self.received.clear();
        }
    }

    fn hold_for(&mut self, silence: Duration) {
        self.hold = Some(Hold {
            from: Instant::now(),
            silence,
        });
    }

    async fn send(&mut self, ask: &Ask) -> Result<(), Fault> {
        let bytes = frame::encode(ask.unit, &ask.request);
        self.received.clear();
        self.watch.note_sent(ask.unit, ask.request);
        self.owed.note_sent(ask);
        match timeout(WRITE_MAX, self.line.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Fault::Port(error.to_string())),
            Err(_) => return Err(Fault::Port("it does not take bytes".to_owned())),
        }
        // Not flushed: that would block the thread until the last bit is out.
        self.last_active = Instant::now() + self.timing.of(REQUEST_BYTES);
        Ok(())
    }

    async fn receive(&mut self, ask: &Ask) -> Result<Vec<u16>, Fault> {
        let reply = self.timing.of(frame::reply_bytes(&ask.request));
        let deadline = self.last_active + ask.pace.timeout + reply;
        let mut echoed = false;
        let mut stranger = None;
        loop {
            match frame::next(&self.received, ask.unit, &ask.request) {
                Step::More => {
                    if !self.listen(deadline).await? {
                        return Err(match (self.received.len(), stranger, echoed) {
                            (0, Some(got), _) => Fault::WrongUnit { got },
                            (0, None, true) => Fault::OnlyEcho,
                            (0, None, false) => Fault::Silence {
                                waited: ask.pace.timeout,
                            },
                            (bytes, ..) => Fault::CutShort { bytes },
                        });
                    }
                }
                Step::Echo => {
                    echoed = true;
                    self.counts.echoes += 1;
                    self.received.drain(..REQUEST_BYTES);
                }
                Step::Stranger { unit, bytes } => {
                    stranger = Some(unit);
                    self.counts.strangers += 1;
                    self.received.drain(..bytes);
                    self.hold_for(ask.pace.timeout);
                }
                Step::Answer { words, bytes } => {
                    self.received.drain(..bytes);
                    if !self.received.is_empty() || self.more_follows().await? {
                        return Err(Fault::Trailing);
                    }
                    return Ok(words);
                }
                Step::Fault(fault) => return Err(fault),
            }
        }
    }

    /// Whether bytes follow within the silence that ends every frame.
    async fn more_follows(&mut self) -> Result<bool, Fault> {
        let until = self.last_active + self.timing.silence;
        self.listen(until).await
    }

    /// Looks at what came after the first `known` bytes for requests of others.
    fn note_heard(&mut self, known: usize) {
        let new = self.received.get(known..).unwrap_or_default();
        self.owed.hear(self.last_active, new);
    }

    /// Waits for bytes; `false` when none came until then.
    async fn listen(&mut self, until: Instant) -> Result<bool, Fault> {
        let mut chunk = [0; 256];
        let count = match self.line.read_by(until, &mut chunk).await {
            Ok(None) => return Ok(false),
            Ok(Some(0)) => return Err(Fault::Port("it was closed, or unplugged".to_owned())),
            Ok(Some(count)) => count,
            Err(error) => return Err(Fault::Port(error.to_string())),
        };
        self.last_active = Instant::now();
        let before = self.received.len();
        self.received.extend(chunk.iter().take(count));
        self.note_heard(before);
        Ok(true)
    }
}

#[cfg(test)]
/// The line of a test: what is written on one end is read on the other.
impl Line for tokio::io::DuplexStream {
    fn take_waiting(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        use std::pin::Pin;
        use std::task::{Context, Poll, Waker};
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let mut chunk = [0; 256];
            let mut space = tokio::io::ReadBuf::new(&mut chunk);
            match Pin::new(&mut *self).poll_read(&mut context, &mut space) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(())) if space.filled().is_empty() => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Poll::Ready(Ok(())) => into.extend_from_slice(space.filled()),
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests;
