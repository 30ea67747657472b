//! The wiring: what every part of the server is given.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
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
}
