//! What each gateway last said to this process, and how long ago by monotonic time: the test
//! clock waits for gateways by it, and for none that has gone away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use common::id::GatewayId;
use jiff::Timestamp;

/// What a gateway last said.
#[derive(Debug, Clone, Copy)]
pub struct Contact {
    /// When, by monotonic time.
    pub heard_at: Instant,
    /// Up to when everything that was due has been read or given up.
    pub settled_through: Timestamp,
    /// Readings that were not acknowledged before that batch.
    pub waiting: u64,
}

/// The contacts of this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Contacts(Arc<Mutex<BTreeMap<GatewayId, Contact>>>);

impl Contacts {
    /// Keeps what a gateway said just now.
    pub fn heard(&self, gateway: GatewayId, settled_through: Timestamp, waiting: u64) {
        let contact = Contact {
            heard_at: Instant::now(),
            settled_through,
            waiting,
        };
        self.lock().insert(gateway, contact);
    }

    /// What a gateway last said, if it has spoken to this process.
    #[must_use]
    pub fn of(&self, gateway: GatewayId) -> Option<Contact> {
        self.lock().get(&gateway).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<GatewayId, Contact>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
