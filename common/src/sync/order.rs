//! What the cloud asks of a gateway over the connection that the gateway has opened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{CommandId, DeviceId};

/// What the cloud may ask of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Read all points of a device now.
    Read {
        /// Which.
        device: DeviceId,
    },
    /// Tell how the gateway, its lines and its devices are, by a fresh look at each.
    Diagnose,
    /// Make a new key and change to it.
    ChangeKey,
    /// Something of a version to come.
    #[serde(other)]
    Unknown,
}

/// An [`Order`] that waits to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Its identity; the answer goes to [`COMMANDS_PATH`](super::COMMANDS_PATH)`/{id}`.
    pub id: CommandId,
    /// What is to be done.
    #[serde(flatten)]
    pub order: Order,
}

/// What waits to be done; empty when the wait was in vain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandList {
    /// In the order in which they were asked for.
    pub commands: Vec<Command>,
}

/// What came of a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// By the gateway's clock.
    pub at: Timestamp,
    /// What went wrong, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was found, a line each, as text for people.
    #[serde(default)]
    pub lines: Vec<ResultLine>,
}

/// One fact of a [`CommandResult`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultLine {
    /// What it is about, e.g. a point or a device.
    pub name: String,
    /// What it is, e.g. `1234.5 kWh`.
    pub value: String,
    /// What is wrong with it, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
