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
//!   request with the reply to one before, shows by its length (`owed`);
//! - a frame of another unit does not end the wait; a frame with a wrong checksum, length or
//!   function, or with bytes around it, is no answer, and its whole burst is thrown away;
//! - the one exception are at most two bytes of 00 or FF before an answer, and two behind it:
//!   what a line without bias reads as when a driver lets it go.
//!
//! Why the exception is safe. Neither byte is a unit id, so none is the beginning of another
//! reply, and what follows more than two is refused. Behind an answer they take nothing from
//! its evidence: unit, function, byte count and checksum were right before they came. Before
//! it they move the frame by one or two bytes, to where no frame would have been looked for:
//! for noise to pass there it must guess unit, function, byte count and checksum, once in
//! 2^40 bursts; for a reply of the same unit with flipped bits, its function must equal its
//! unit id, a register the byte count, and the checksum one of 2^16, in a frame that has one
//! byte more than it was sent with. A frame that needs no moving is held to the checksum
//! alone, so neither adds to what the protocol admits in any case.
//!
//! How no time is lost: the silence that proves that nothing trails an answer is the silence
//! before the next request, and a port of real time waits for it by a timer of its own
//! ([`Line::read_by`]).
//!
//! Lacks: it never writes to a device, and it does not decode.

mod counts;
mod owed;
mod timing;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use common::profile::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::counts::Counts;
pub(super) use self::owed::Owed;
pub use self::timing::Timing;
use super::fault::Fault;
use super::foreign::Watch;
use super::frame::{self, REQUEST_BYTES, Step};

/// How many holds a line that does not fall silent is waited for before giving up.
const HOLDS_MAX: u32 = 5;
/// How often a unit that is out of step is asked to show that it has caught up.
const PROBES_MAX: usize = 4;
/// How long a port may take to accept the eight bytes of a request.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// How long ago a unit may have answered to count as one that does.
const RECENT: Duration = Duration::from_secs(30 * 60);
/// How many bytes of 00 or FF may stand before an answer, and how many behind it.
const STRAY_BYTES_MAX: usize = 2;
/// Exceptions of a converter on the way that has not reached the device.
const NOT_REACHED: [u8; 2] = [10, 11];
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
    /// The pause it wants before a request when the one before went to another unit.
    pub unit_change_gap: Duration,
    /// How long it may take from the end of the request to the start of its reply.
    pub timeout: Duration,
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
    /// The unit that was asked last.
    asked: Option<u8>,
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
            asked: None,
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

    /// This master, on a line whose units still owe that to the one before.
    #[must_use]
    pub(super) fn owing(mut self, owed: Owed) -> Self {
        self.owed = owed;
        self
    }

    /// What its units still owe, for the next master of the line.
    pub(super) fn into_owed(self) -> Owed {
        self.owed.on_another_connection()
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
                Err(fault) if is_silence(&fault) && !self.forgiven.remove(&ask.unit) => {
                    return Err(fault);
                }
                Err(fault) if fault.is_ours() => return Err(fault),
                Ok(_) => self.owed.note_obedience(ask.unit),
                Err(fault) if is_refusal(&fault) => self.owed.note_obedience(ask.unit),
                Err(_) => {}
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
            Err(fault) if is_refusal(fault) => self.owed.note_exception(now, ask),
            Err(fault) => {
                self.owed.note_fault(now, ask, is_silence(fault));
                self.counts.faults += 1;
                self.hold_for(ask.pace.timeout);
                // What made it no answer may be another master.
                self.overhear(0);
                self.received.clear();
                return result;
            }
        }
        self.watch.note_answer(ask.unit);
        self.counts.answers += 1;
        self.answered.insert(ask.unit, now);
        self.forgiven.insert(ask.unit);
        result
    }

    /// Waits until the line is as silent as the next request needs it.
    async fn fall_silent(&mut self, ask: &Ask) -> Result<(), Fault> {
        if std::mem::take(&mut self.fresh) {
            // Whoever had the line before may have left a request without its reply.
            self.hold = Some(Hold {
                from: self.last_active,
                silence: ask.pace.timeout,
            });
        }
        self.received.clear();
        let mut pause = self.timing.silence().max(ask.pace.gap);
        if self.asked != Some(ask.unit) {
            pause = pause.max(ask.pace.unit_change_gap);
        }
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
        self.asked = Some(ask.unit);
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
        let mut strays = 0;
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
                Step::Stray if strays < STRAY_BYTES_MAX => {
                    strays += 1;
                    self.received.drain(..1);
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
                    strays += self.strays_behind(ask.unit).await?;
                    self.counts.stray_bytes += strays as u64;
                    return Ok(words);
                }
                Step::Stray | Step::Fault(Fault::Garbled) => return self.garbled(ask).await,
                Step::Fault(fault) => return Err(fault),
            }
        }
    }

    /// Waits for the silence that ends every frame; what may trail an answer is counted.
    async fn strays_behind(&mut self, unit: u8) -> Result<usize, Fault> {
        loop {
            let behind = &self.received;
            let all_stray = behind.iter().all(|byte| frame::is_stray(*byte, unit));
            if !all_stray || behind.len() > STRAY_BYTES_MAX {
                return Err(Fault::Trailing);
            }
            let until = self.last_active + self.timing.silence();
            if !self.listen(until).await? {
                return Ok(std::mem::take(&mut self.received).len());
            }
        }
    }

    /// Names the fault of a burst that is no answer, once it has ended.
    async fn garbled(&mut self, ask: &Ask) -> Result<Vec<u16>, Fault> {
        while self.received.len() < BURST_BYTES_MAX {
            let until = self.last_active + self.timing.silence();
            if !self.listen(until).await? {
                break;
            }
        }
        let noise = frame::noise_before(&self.received, ask.unit, &ask.request);
        Err(noise.map_or(Fault::Garbled, |bytes| Fault::Noise { bytes }))
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

/// Whether the device itself has refused: a converter on the way, which could not reach it,
/// speaks for itself, and may have the reply yet.
fn is_refusal(fault: &Fault) -> bool {
    matches!(fault, Fault::Exception(code) if !NOT_REACHED.contains(code))
}

/// Whether the device itself said nothing.
fn is_silence(fault: &Fault) -> bool {
    match fault {
        Fault::Silence { .. } | Fault::OnlyEcho => true,
        Fault::Exception(_) => !is_refusal(fault),
        _ => false,
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
