//! What was heard on the lines, as the command line shows it: who asks whom for what, how
//! often, and what comes back.

use common::profile::Table;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Mode;

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
