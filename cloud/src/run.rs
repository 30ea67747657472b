//! The wiring: what every part of the server is given.

use std::sync::Arc;

use common::profile::Library;

use crate::clock::Clock;
use crate::config::Config;
use crate::contact::Contacts;
use crate::store::Store;

/// What every request and every job is given. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The data.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The settings.
    pub config: Arc<Config>,
    /// The models of devices.
    pub profiles: Arc<Library>,
    /// What the gateways said lately.
    pub contacts: Contacts,
}

impl App {
    /// An app on these three, with the profiles that ship with the product.
    #[must_use]
    pub fn new(store: Store, clock: Clock, config: Config) -> Self {
        Self {
            store,
            clock,
            config: Arc::new(config),
            profiles: Arc::new(Library::shipped()),
            contacts: Contacts::default(),
        }
    }
}
