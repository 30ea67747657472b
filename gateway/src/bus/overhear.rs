//! What others say on a line: a stream of bytes in, requests and the replies that belong to
//! them out. Pure.
//!
//! Promises, for a line on which one master asks and devices answer:
//! - how the system cuts the stream into pieces changes nothing, but by a pause in a frame;
//! - words are paired with a request only when they must be its reply: unit, function, length
//!   and checksum fit, nothing but a speck of noise came between, and the unit owes no reply
//!   of the same length from before. Whatever could also be something else is *in doubt*, and
//!   its words are thrown away;
//! - memory is bounded, and a byte is looked at a bounded number of times.
//!
//! Frames are found by their checksums, at any offset: what is none is passed over byte by
//! byte. Only the two functions that read registers are paired. Of the others those are
//! noticed whose request or reply is eight bytes long (1, 2, 5, 6, 15, 16); the rest counts
//! as noise. Lacks: a device that stays one reply behind its master for longer than
//! `DOUBT_MAX`, without a pause, cannot be told from one that is in step.

mod frames;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use common::profile::{Request, Table};
use tokio::time::Instant;

use frames::{Frame, REQUEST_BYTES};

/// How long a reply may take; no master waits longer.
const REPLY_MAX: Duration = Duration::from_secs(10);
/// A pause after which the rest of a frame does not come any more.
const TORN_AFTER: Duration = Duration::from_secs(1);
/// Bytes of noise that may stand between a request and its reply: a line without bias adds
/// one or two. More may be a damaged reply and a damaged request.
const SPECK_BYTES_MAX: usize = 3;
/// A unit that was left alone for so long owes nothing any more.
const LATE_MAX: Duration = Duration::from_secs(3);
/// How long a unit is in doubt at most: a master that never pauses would otherwise keep it
/// so for ever.
const DOUBT_MAX: Duration = Duration::from_secs(60);
/// Different requests a unit may owe a reply to; with more of them everything is in doubt.
const OWED_MAX: usize = 32;

/// Something that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// When its last byte arrived.
    pub at: Instant,
    /// The unit that was asked.
    pub unit: u8,
    /// What it was asked.
    pub asked: Asked,
    /// What is known of the reply.
    pub reply: Reply,
}

/// What a master asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Registers.
    Registers(Request),
    /// Something else, by this function.
    Function(u8),
}

/// What is known of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The request has just been heard.
    Awaited,
    /// The registers that were asked for.
    Words(Vec<u16>),
    /// The device refused, with this code.
    Exception(u8),
    /// A reply came that may belong to another request.
    InDoubt,
    /// None came.
    Missing,
}

/// A request to which no reply has been heard yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    at: Instant,
    unit: u8,
    request: Request,
    bytes: [u8; REQUEST_BYTES],
    /// Bytes since then that belong to nothing.
    noise: usize,
}

/// The replies that a unit may still send to requests that were given up.
#[derive(Debug)]
struct Owed {
    since: Instant,
    /// When the unit was last asked or heard.
    active: Instant,
    requests: BTreeSet<Request>,
    /// Whether there are more than are listed.
    more: bool,
}

/// Hears one line.
#[derive(Debug, Default)]
pub struct Overhearer {
    /// What is not understood yet; shorter than a frame and one arrival.
    bytes: Vec<u8>,
    /// How many of `bytes` were there when, in order.
    arrivals: VecDeque<(usize, Instant)>,
    pending: Option<Pending>,
    owed: BTreeMap<u8, Owed>,
    /// The last request by a function that repeats it as its reply.
    written: Option<[u8; REQUEST_BYTES]>,
}

/// What stands at an offset of the stream.
enum Look {
    Frame(Frame, usize),
    Nothing,
    /// The beginning of something, perhaps.
    More,
}

impl Overhearer {
    /// Hears `bytes`, which arrived at `at`, and tells what is understood by now.
    pub fn hear(&mut self, at: Instant, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = self.settle(at);
        if bytes.is_empty() {
            return heard;
        }
        self.bytes.extend(bytes);
        self.arrivals.push_back((self.bytes.len(), at));
        self.scan(false, at, &mut heard);
        heard
    }

    /// Gives up what can no longer become anything at `now`.
    pub fn settle(&mut self, now: Instant) -> Vec<Heard> {
        let mut heard = Vec::new();
        let last = self.arrivals.back();
        if last.is_some_and(|(_, at)| now.duration_since(*at) > TORN_AFTER) {
            self.scan(true, now, &mut heard);
        }
        let late = |pending: &Pending| now.duration_since(pending.at) > REPLY_MAX;
        if self.pending.as_ref().is_some_and(late) {
            self.give_up(&mut heard);
        }
        heard
    }

    /// Whether nothing is left that [`Self::settle`] could give up.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.bytes.is_empty() && self.pending.is_none()
    }

    /// Bytes may have been lost: nothing from before belongs to what comes.
    pub fn lose_track(&mut self) {
        *self = Self::default();
    }

    fn scan(&mut self, torn: bool, now: Instant, heard: &mut Vec<Heard>) {
        let mut from = 0;
        while let Some(rest) = self.bytes.get(from..).filter(|rest| !rest.is_empty()) {
            match self.look(rest) {
                Look::More if !torn => break,
                Look::More | Look::Nothing => {
                    from += 1;
                    self.note_noise(heard);
                }
                Look::Frame(frame, bytes) => {
                    from += bytes;
                    let at = self.arrival_of(from).unwrap_or(now);
                    self.take(frame, at, heard);
                }
            }
        }
        self.bytes.drain(..from);
        for arrival in &mut self.arrivals {
            arrival.0 = arrival.0.saturating_sub(from);
        }
        self.arrivals.retain(|(count, _)| *count > 0);
    }

    /// When the first `count` of the bytes were there.
    fn arrival_of(&self, count: usize) -> Option<Instant> {
        let mut arrivals = self.arrivals.iter();
        let arrival = arrivals.find(|(there, _)| *there >= count)?;
        Some(arrival.1)
    }

    /// What `rest` begins with. Each length at which something can be decided is looked at
    /// before any longer one, so that it makes no difference how much has arrived.
    fn look(&self, rest: &[u8]) -> Look {
        let (unit, function) = match rest {
            [_] => return Look::More,
            [unit, function, ..] => (*unit, *function),
            [] => return Look::More,
        };
        if let Some(function) = self.refuses(unit, function) {
            return match rest.first_chunk::<{ frames::EXCEPTION_BYTES }>() {
                None => Look::More,
                Some(frame) => frames::exception(frame, function)
                    .map_or(Look::Nothing, |refused| Look::Frame(refused, frame.len())),
            };
        }
        if !frames::is_noticed(function) {
            return Look::Nothing;
        }
        let Some(byte_count) = rest.get(2) else {
            return Look::More;
        };
        let reply = self.expects(unit, function, *byte_count);
        let reply_bytes = usize::from(*byte_count) + frames::REPLY_OVERHEAD;
        let whole = rest.get(..reply_bytes).filter(|_| reply);
        let whole = whole.and_then(frames::reply);
        if reply_bytes < REQUEST_BYTES
            && !self.may_be_repeated(rest)
            && let Some(frame) = whole
        {
            return Look::Frame(frame, reply_bytes);
        }
        let Some(start) = rest.first_chunk::<REQUEST_BYTES>() else {
            return Look::More;
        };
        // Eight bytes that are a request are one, though a reply could begin with them: to
        // take a request for a reply would be worse than to miss a reply in 2^24.
        if let Some(request) = frames::request(start) {
            return Look::Frame(request, REQUEST_BYTES);
        }
        match whole {
            Some(frame) => Look::Frame(frame, reply_bytes),
            None if reply && rest.len() < reply_bytes => Look::More,
            None => Look::Nothing,
        }
    }

    /// The function that `unit` would refuse by `function`, if it was asked that.
    fn refuses(&self, unit: u8, function: u8) -> Option<u8> {
        let asked = function & !frames::EXCEPTION_BIT;
        let is_refusal = function != asked;
        let is_asked = |request: &Request| request.table.function() == asked;
        (is_refusal && self.awaits(unit, is_asked)).then_some(asked)
    }

    /// Whether a reply of that length from `unit` would belong to a request that was heard.
    fn expects(&self, unit: u8, function: u8, byte_count: u8) -> bool {
        self.awaits(unit, |request| {
            request.table.function() == function
                && 2 * usize::from(request.count) == usize::from(byte_count)
        })
    }

    /// Whether `unit` may still reply to such a request.
    fn awaits(&self, unit: u8, fits: impl Fn(&Request) -> bool) -> bool {
        let pending = self.pending.filter(|pending| pending.unit == unit);
        let owed = self.owed.get(&unit);
        let mut owed = owed.into_iter().flat_map(|owed| &owed.requests);
        pending.is_some_and(|pending| fits(&pending.request)) || owed.any(fits)
    }

    /// Whether what begins here may be the pending request once more.
    fn may_be_repeated(&self, rest: &[u8]) -> bool {
        let Some(pending) = &self.pending else {
            return false;
        };
        let length = rest.len().min(REQUEST_BYTES);
        rest.len() < REQUEST_BYTES && pending.bytes.get(..length) == rest.get(..length)
    }

    /// A byte belonged to nothing.
    fn note_noise(&mut self, heard: &mut Vec<Heard>) {
        if let Some(pending) = &mut self.pending {
            pending.noise += 1;
            if pending.noise > SPECK_BYTES_MAX {
                self.give_up(heard);
            }
        }
    }

    /// No reply to the pending request will be believed any more.
    fn give_up(&mut self, heard: &mut Vec<Heard>) {
        if let Some(pending) = self.pending.take() {
            self.owe(&pending, pending.at);
            heard.push(pending.ended(pending.at, Reply::Missing));
        }
    }

    fn owe(&mut self, pending: &Pending, at: Instant) {
        let owed = self.owed.entry(pending.unit).or_insert_with(|| Owed {
            since: at,
            active: at,
            requests: BTreeSet::new(),
            more: false,
        });
        owed.active = at;
        if owed.requests.len() < OWED_MAX {
            owed.requests.insert(pending.request);
        } else {
            owed.more = true;
        }
    }

    fn take(&mut self, frame: Frame, at: Instant, heard: &mut Vec<Heard>) {
        match frame {
            Frame::Request {
                unit,
                request,
                bytes,
            } => {
                self.give_up(heard);
                self.forgive(unit, at);
                let pending = Pending {
                    at,
                    unit,
                    request,
                    bytes,
                    noise: 0,
                };
                heard.push(pending.ended(at, Reply::Awaited));
                self.pending = Some(pending);
            }
            Frame::Other {
                unit,
                function,
                bytes,
            } => {
                self.give_up(heard);
                if frames::is_repeated_as_reply(function)
                    && self.written.take_if(|written| *written == bytes).is_some()
                {
                    return;
                }
                self.written = Some(bytes);
                heard.push(Heard {
                    at,
                    unit,
                    asked: Asked::Function(function),
                    reply: Reply::Awaited,
                });
            }
            Frame::Reply { unit, table, words } => self.take_reply(unit, table, words, at, heard),
            Frame::Exception { unit, table, code } => {
                let fits =
                    |pending: &mut Pending| pending.unit == unit && pending.request.table == table;
                if let Some(pending) = self.pending.take_if(fits) {
                    if self.owed.contains_key(&unit) {
                        // It may have been an earlier request that was refused.
                        self.owe(&pending, at);
                    }
                    heard.push(pending.ended(at, Reply::Exception(code)));
                }
            }
        }
    }

    fn take_reply(
        &mut self,
        unit: u8,
        table: Table,
        words: Vec<u16>,
        at: Instant,
        heard: &mut Vec<Heard>,
    ) {
        let alike =
            |request: &Request| request.table == table && usize::from(request.count) == words.len();
        let pending = self
            .pending
            .take_if(|pending| pending.unit == unit && alike(&pending.request));
        let Some(pending) = pending else {
            // A late one: the request that it belongs to was given up.
            if let Some(owed) = self.owed.get_mut(&unit) {
                owed.active = at;
            }
            return;
        };
        let Some(owed) = self.owed.get(&unit) else {
            return heard.push(pending.ended(at, Reply::Words(words)));
        };
        let mut others = owed.requests.iter();
        if owed.more || others.any(|other| alike(other) && *other != pending.request) {
            self.owe(&pending, at);
            return heard.push(pending.ended(at, Reply::InDoubt));
        }
        if !owed.requests.contains(&pending.request) {
            // Nothing it owed has this length, and it answers in order: it is in step.
            self.owed.remove(&unit);
        }
        heard.push(pending.ended(at, Reply::Words(words)));
    }

    /// A unit that is asked anew owes nothing from too long ago.
    fn forgive(&mut self, unit: u8, now: Instant) {
        let Some(owed) = self.owed.get_mut(&unit) else {
            return;
        };
        let rested = now.duration_since(owed.active) > LATE_MAX;
        if rested || now.duration_since(owed.since) > DOUBT_MAX {
            self.owed.remove(&unit);
        } else {
            owed.active = now;
        }
    }
}

impl Pending {
    fn ended(&self, at: Instant, reply: Reply) -> Heard {
        Heard {
            at,
            unit: self.unit,
            asked: Asked::Registers(self.request),
            reply,
        }
    }
}

#[cfg(test)]
mod tests;
