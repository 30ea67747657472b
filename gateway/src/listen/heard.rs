//! What was heard on the lines, as the command line shows it: who asks whom for what, how
//! often, and what comes back.

use common::profile::Table;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bus::overhear::Asked;
use crate::bus::traffic::Kind;
use crate::config::Mode;
use crate::poll::Poller;

/// What was heard on each line; as JSON the object `enervue.bus_heard/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardReport {
    /// The gateway's clock.
    pub now: Timestamp,
    /// The lines.
    pub buses: Vec<HeardBus>,
}

/// What was heard on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardBus {
    /// Its name.
    pub name: String,
    /// Its port and link.
    pub line: String,
    /// What this gateway is on it.
    pub mode: Mode,
    /// What is wrong with its port.
    pub error: Option<String>,
    /// Why the gateway does not speak on it, though it should be its master.
    pub foreign: Option<String>,
    /// What the other master asks, by unit and register.
    pub requests: Vec<HeardRequest>,
    /// What the devices of this gateway's list lack, one sentence each.
    pub lacking: Vec<String>,
    /// Requests that are not listed because there are too many kinds of them.
    pub unlisted: u64,
}

/// One request that another master makes again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardRequest {
    /// The unit that is asked.
    pub unit_id: u8,
    /// The Modbus function.
    pub function: u8,
    /// The register table, of the functions that read registers.
    pub table: Option<Table>,
    /// The first register, as on the wire.
    pub address: Option<u16>,
    /// How many.
    pub count: Option<u16>,
    /// How often it was heard.
    pub requests: u64,
    /// How often registers came back.
    pub replies: u64,
    /// How often the unit refused.
    pub exceptions: u64,
    /// How often nothing came that is beyond doubt its reply.
    pub unanswered: u64,
    /// The median of the last periods, in milliseconds.
    pub period_ms: Option<u64>,
    /// When it was last heard.
    pub last_heard_at: Timestamp,
}

/// What was heard on the bus of `reader`, seen at `now`.
pub(crate) fn of(reader: &Poller, line: &str, mode: Mode, now: Timestamp) -> HeardBus {
    let bus = reader.bus();
    let (state, traffic) = (bus.state(), bus.traffic());
    let devices = reader.progress().devices;
    let lacking = devices.values().filter(|_| mode == Mode::Listen);
    let requests = traffic.kinds();
    HeardBus {
        name: bus.name().to_owned(),
        line: line.to_owned(),
        mode,
        error: state.error,
        foreign: state.foreign,
        requests: requests
            .map(|(unit_id, asked, kind)| request(unit_id, asked, kind, now))
            .collect(),
        lacking: lacking
            .flat_map(|state| state.error.clone().into_iter().chain(state.unasked.clone()))
            .collect(),
        unlisted: traffic.unlisted(),
    }
}

fn request(unit_id: u8, asked: Asked, kind: &Kind, now: Timestamp) -> HeardRequest {
    let (function, registers) = match asked {
        Asked::Registers(request) => (request.table.function(), Some(request)),
        Asked::Function(function) => (function, None),
    };
    let ago = SignedDuration::try_from(kind.last.elapsed()).unwrap_or(SignedDuration::MAX);
    let period = kind.period().map(|period| period.as_millis());
    HeardRequest {
        unit_id,
        function,
        table: registers.map(|request| request.table),
        address: registers.map(|request| request.address),
        count: registers.map(|request| request.count),
        requests: kind.requests,
        replies: kind.replies,
        exceptions: kind.exceptions,
        unanswered: kind.unanswered,
        period_ms: period.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
        last_heard_at: now.checked_sub(ago).unwrap_or(Timestamp::MIN),
    }
}
