//! Whether another master speaks on a line that is ours, and what it asks. Pure.
//!
//! One request that we did not send is no proof: eight bytes of noise are a request once in
//! some million, and the late reply of one register with a zero byte behind it, as a line
//! without bias adds it, once in five hundred. Two within `PROOF_TIME` are, and one that a
//! device answered is. A master that asks so seldom that neither is heard disturbs as
//! seldom. Our own requests, heard back by a slow adapter, do not count.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::profile::{Request, Table};
use tokio::time::Instant;

use super::overhear::{Asked, Heard, Overhearer, Reply};
use super::traffic::Traffic;

/// Two requests within this time prove a master.
const PROOF_TIME: Duration = Duration::from_secs(60);
/// So long the line must be free of other masters' requests before ours go out again.
pub const QUIET: Duration = Duration::from_secs(10 * 60);

/// So many requests of ours an adapter may hold back and deliver at once.
const SENT_MAX: usize = 16;

/// What was heard, for whoever asks the bus.
pub(super) type SharedTraffic = Arc<Mutex<Traffic>>;

/// Watches one line.
#[derive(Debug, Default)]
pub struct Watch {
    overhearer: Overhearer,
    traffic: SharedTraffic,
    /// What we asked last, behind what we asked before and have no answer to.
    sent: Vec<(u8, Asked)>,
    /// The request of ours that was heard back last, until another is heard.
    echo: Option<(u8, Asked)>,
    seen: Option<Seen>,
}

/// The requests of another master.
#[derive(Debug)]
struct Seen {
    first: Instant,
    last: Instant,
    requests: u64,
    is_proven: bool,
    unit: u8,
    asked: Asked,
}

impl Watch {
    /// A watch whose findings `traffic` takes up.
    pub(super) fn new(traffic: SharedTraffic) -> Self {
        Self {
            traffic,
            ..Self::default()
        }
    }

    /// We asked that.
    pub(super) fn note_sent(&mut self, unit: u8, request: Request) {
        let sent = (unit, Asked::Registers(request));
        self.sent.retain(|before| *before != sent);
        if self.sent.len() >= SENT_MAX {
            self.sent.remove(0);
        }
        self.sent.push(sent);
    }

    /// The unit has answered what we asked last: nothing older of ours is on its way.
    pub(super) fn note_answer(&mut self, unit: u8) {
        let last = self.sent.pop();
        self.sent.retain(|(asked, _)| *asked != unit);
        self.sent.extend(last);
    }

    /// These bytes came while nobody of us had asked.
    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        for heard in self.overhearer.hear(now, bytes) {
            if !self.is_ours(&heard) {
                lock(&self.traffic).note(&heard);
                self.note(&heard);
            }
        }
    }

    /// Whether this is a request of ours heard back, or its reply. Each is heard back once: a
    /// second gateway with our settings asks the same, and asks again.
    fn is_ours(&mut self, heard: &Heard) -> bool {
        let asked = (heard.unit, heard.asked);
        if heard.reply != Reply::Awaited {
            return self.echo == Some(asked) || self.sent.contains(&asked);
        }
        let sent = self.sent.iter().position(|sent| *sent == asked);
        self.echo = sent.map(|place| self.sent.remove(place));
        self.echo.is_some()
    }

    fn note(&mut self, heard: &Heard) {
        match heard.reply {
            Reply::Awaited => {
                let before = self.seen.take();
                let before = before.filter(|seen| {
                    let rest = heard.at.duration_since(seen.last);
                    rest < if seen.is_proven { QUIET } else { PROOF_TIME }
                });
                self.seen = Some(Seen {
                    first: before.as_ref().map_or(heard.at, |seen| seen.first),
                    last: heard.at,
                    requests: before.as_ref().map_or(0, |seen| seen.requests) + 1,
                    is_proven: before.is_some(),
                    unit: heard.unit,
                    asked: heard.asked,
                });
            }
            Reply::Words(_) | Reply::Exception(_) => {
                if let Some(seen) = &mut self.seen {
                    seen.is_proven = true;
                }
            }
            Reply::InDoubt | Reply::Missing => {}
        }
    }

    /// What is known of another master, in one sentence, as long as one must be feared.
    #[must_use]
    pub fn foreign(&self, now: Instant) -> Option<String> {
        let seen = self.seen.as_ref().filter(|seen| seen.is_proven)?;
        (now.duration_since(seen.last) < QUIET).then(|| seen.sentence())
    }

    /// When the line will be ours again, if nothing more is heard.
    #[must_use]
    pub fn free_at(&self) -> Option<Instant> {
        let seen = self.seen.as_ref().filter(|seen| seen.is_proven)?;
        Some(seen.last + QUIET)
    }
}

impl Seen {
    fn sentence(&self) -> String {
        let span = self.last.duration_since(self.first).as_secs() + 1;
        let requests = match self.requests {
            1 => "a request".to_owned(),
            many => format!("{many} requests within {span} s"),
        };
        format!(
            "another master asks unit {} {}: heard {requests}; only one master may be on a line: \
             disconnect it, or set mode = \"listen\" to sit beside it; this gateway asks again \
             when it has heard none for {} min",
            self.unit,
            wish(self.asked),
            QUIET.as_secs() / 60
        )
    }
}

/// `for 2 input registers from 72`
#[must_use]
pub fn wish(asked: Asked) -> String {
    match asked {
        Asked::Registers(Request {
            table,
            address,
            count,
        }) => {
            let table = match table {
                Table::Holding => "holding",
                Table::Input => "input",
            };
            match count {
                1 => format!("for {table} register {address}"),
                _ => format!("for {count} {table} registers from {address}"),
            }
        }
        Asked::Function(function) => format!("by function {function}"),
    }
}

pub(super) fn lock(traffic: &SharedTraffic) -> std::sync::MutexGuard<'_, Traffic> {
    traffic.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::frame;

    fn input(address: u16) -> Request {
        Request {
            table: Table::Input,
            address,
            count: 2,
        }
    }

    fn request(address: u16) -> [u8; 8] {
        frame::encode(3, &input(address))
    }

    fn reply() -> Vec<u8> {
        let mut reply = vec![3, 4, 4, 0, 1, 0, 2];
        reply.extend(modbus_core::rtu::crc16(&reply).to_be_bytes());
        reply
    }

    #[test]
    fn a_master_is_proven_by_two_requests_or_by_an_answer() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::default();
        watch.hear(start, &request(72));
        assert_eq!(watch.foreign(start), None, "once is chance");
        watch.hear(after(61), &request(72));
        assert_eq!(watch.foreign(after(61)), None, "once more, much later");
        watch.hear(after(70), &request(72));
        assert_eq!(
            watch.foreign(after(70)).unwrap(),
            "another master asks unit 3 for 2 input registers from 72: heard 2 requests within \
             10 s; only one master may be on a line: disconnect it, or set mode = \"listen\" to \
             sit beside it; this gateway asks again when it has heard none for 10 min"
        );
        let quiet = after(70) + QUIET;
        assert_eq!(watch.free_at(), Some(quiet));
        assert!(watch.foreign(quiet - Duration::from_secs(1)).is_some());
        assert_eq!(watch.foreign(quiet), None);
        watch.hear(quiet, &request(72));
        assert_eq!(watch.foreign(quiet), None, "it starts anew");

        let mut watch = Watch::default();
        watch.hear(start, &[&request(72)[..], &reply()].concat());
        let sentence = watch.foreign(start).unwrap();
        assert!(sentence.contains("heard a request;"), "{sentence}");
        assert_eq!(lock(&watch.traffic).kinds().count(), 1);
    }

    #[test]
    fn our_own_request_and_a_late_reply_prove_nothing() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        for _ in 0..5 {
            watch.note_sent(3, input(72));
            watch.hear(start, &request(72));
            watch.hear(start, &reply());
        }
        assert_eq!(watch.foreign(start), None);
        assert_eq!(lock(&watch.traffic).kinds().count(), 0);
    }

    #[test]
    fn what_a_stalled_adapter_delivers_late_is_no_other_master() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        watch.note_sent(3, input(72));
        watch.note_sent(3, input(74));
        // The echo of the first, and its reply.
        watch.hear(start, &[&request(72)[..], &reply()].concat());
        assert_eq!(watch.foreign(start), None);
        // What the unit has answered is not on its way any more: that is somebody else.
        watch.note_answer(3);
        watch.hear(start, &[&request(72)[..], &reply()].concat());
        assert!(watch.foreign(start).is_some());
    }
}
