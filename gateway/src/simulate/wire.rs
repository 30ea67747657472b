//! The device side of a line: requests in, bursts out, each at its time.
//!
//! With wire time a request has to be on the wire before it is heard, a reply begins after
//! 3.5 characters of silence at the earliest and comes in pieces as an adapter hands it on,
//! and one frame waits for the end of the other. Lacks: precision below tokio's millisecond.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::faults::Burst;
use super::slave::{self, REQUEST_BYTES};

/// How soon a request that stopped half-way is forgotten.
const TORN_AFTER: Duration = Duration::from_millis(50);
/// More bytes at once are no requests.
const INPUT_MAX: usize = 4096;
/// What an adapter hands on at once: the queue of the common UART chips.
const PIECE_BYTES: usize = 16;

/// How long a wire takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WireTime {
    character: Duration,
    silence: Duration,
}

impl WireTime {
    /// That of `baud` with so many bits to a character. Not the master's own calculation: the
    /// one is to judge the other.
    pub(crate) fn new(baud: u32, bits: u32) -> Self {
        let character = Duration::from_secs(bits.into()) / baud.max(1);
        let silence = match baud {
            0..=19_200 => character * 7 / 2,
            _ => Duration::from_micros(1_750),
        };
        Self { character, silence }
    }

    /// The silence that ends a frame.
    pub(crate) fn silence(self) -> Duration {
        self.silence
    }

    fn of(self, bytes: usize) -> Duration {
        self.character * u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// What happens first on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A request that has been on the wire at this instant.
    Request([u8; REQUEST_BYTES], Instant),
    /// Nothing up to then.
    Nothing,
}

/// The device side of one line.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    time: WireTime,
    received: Vec<u8>,
    heard_at: Instant,
    /// What is to be sent, by its instant and order.
    waiting: BTreeMap<(Instant, u64), Vec<u8>>,
    count: u64,
    /// What is being sent, and when its next piece is out.
    sending: Option<(Instant, Vec<u8>)>,
    /// When the last piece was out.
    free_at: Instant,
    /// Until when each unit is busy with what it has been asked.
    busy: BTreeMap<u8, Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S, time: WireTime) -> Self {
        let now = Instant::now();
        Self {
            stream,
            time,
            received: Vec::new(),
            heard_at: now,
            free_at: now,
            waiting: BTreeMap::new(),
            count: 0,
            sending: None,
            busy: BTreeMap::new(),
        }
    }

    /// The next request, or nothing up to `until`; sends what is due in the meantime.
    ///
    /// # Errors
    /// When nobody has the other end.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> io::Result<Heard> {
        loop {
            if let Some(request) = slave::take_request(&mut self.received) {
                let on_wire = self.heard_at + self.time.of(REQUEST_BYTES);
                return Ok(Heard::Request(request, on_wire));
            }
            let now = Instant::now();
            let wake = self.send_due(now).await?;
            if until.is_some_and(|until| until <= now) {
                return Ok(Heard::Nothing);
            }
            let torn_at = (!self.received.is_empty()).then(|| self.heard_at + TORN_AFTER);
            let wake = [wake, until, torn_at].into_iter().flatten().min();
            let mut chunk = [0; 256];
            let read = self.stream.read(&mut chunk);
            let count = match wake {
                None => read.await?,
                Some(wake) => match timeout_at(wake, read).await {
                    Ok(count) => count?,
                    Err(_) => {
                        if torn_at.is_some_and(|torn_at| torn_at <= wake) {
                            self.received.clear();
                        }
                        continue;
                    }
                },
            };
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.received.len() < INPUT_MAX {
                self.received.extend(chunk.iter().take(count));
            }
            self.heard_at = Instant::now();
        }
    }

    /// Sends these bursts of `unit`, whose times count from `from`; one after the other with
    /// what it has still to send, since a device answers in order.
    pub(crate) fn send(&mut self, unit: u8, from: Instant, bursts: Vec<Burst>) {
        let from = self.busy.get(&unit).map_or(from, |busy| from.max(*busy));
        for burst in bursts {
            let at = from + burst.after;
            let end = at + self.time.of(burst.bytes.len()) + self.time.silence;
            let busy = self.busy.entry(unit).or_insert(end);
            *busy = (*busy).max(end);
            self.count += 1;
            self.waiting.insert((at, self.count), burst.bytes);
        }
    }

    /// Lets another master's request be heard, as soon as the line is free; returns when it
    /// will have been on the wire.
    pub(crate) fn overhear(&mut self, request: [u8; REQUEST_BYTES]) -> Instant {
        let at = Instant::now();
        self.count += 1;
        self.waiting.insert((at, self.count), request.to_vec());
        at + self.time.of(REQUEST_BYTES)
    }

    /// Forgets everything, as nobody listened, and goes on with `stream`.
    pub(crate) fn restart(&mut self, stream: S) {
        self.stream = stream;
        self.received.clear();
        self.waiting.clear();
        self.busy.clear();
        self.sending = None;
    }

    /// Sends what is due, and says when more will be.
    async fn send_due(&mut self, now: Instant) -> io::Result<Option<Instant>> {
        loop {
            if let Some((at, bytes)) = &mut self.sending {
                if *at > now {
                    return Ok(Some(*at));
                }
                let rest = bytes.split_off(bytes.len().min(PIECE_BYTES));
                self.stream.write_all(bytes).await?;
                self.free_at = *at;
                let next_at = *at + self.time.of(rest.len().min(PIECE_BYTES));
                self.sending = (!rest.is_empty()).then_some((next_at, rest));
                continue;
            }
            let Some(first) = self.waiting.first_entry() else {
                return Ok(None);
            };
            let (at, _) = *first.key();
            if at > now {
                return Ok(Some(at));
            }
            let bytes = first.remove();
            let on_wire = self.time.of(bytes.len().min(PIECE_BYTES));
            self.sending = Some((at.max(self.free_at) + on_wire, bytes));
        }
    }
}
