//! The wiring: what every part of the server is given, and the server itself.

mod connections;
mod serve;

use std::sync::Arc;
use std::time::Instant;

use common::id::GatewayId;
use common::profile::Library;
use ed25519_dalek::SigningKey;
use tokio::sync::Mutex;

pub use self::serve::{router, serve};

use crate::bell::Bell;
use crate::clock::Clock;
use crate::config::Config;
use crate::contact::Contacts;
use crate::jobs::send_notices::Pauses;
use crate::jobs::watch_silence;
use crate::mail::Mail;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::telegram::Telegram;

/// What every request and every job is given. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// The data.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The settings.
    pub config: Arc<Config>,
    /// What signs the invoices.
    pub issuer: Arc<SigningKey>,
    /// The models of devices.
    pub profiles: Arc<Library>,
    /// What the gateways said lately.
    pub contacts: Contacts,
    /// What is counted for the operator.
    pub metrics: Metrics,
    /// When this process started, by monotonic time.
    pub started_at: Instant,
    /// Wakes the gateways that wait for orders.
    pub bell: Bell,
    /// The way to the SMTP server, if mail is set up.
    pub mail: Option<Mail>,
    /// The bot, if there is one.
    pub telegram: Option<Telegram>,
    /// Which of them are left alone for a while.
    pub pauses: Pauses,
    /// Whose turn it is to run the jobs: the loop's, or a test clock's that is advanced.
    pub turn: Arc<Mutex<()>>,
}

impl App {
    /// Everything that the settings describe, with the profiles that ship with the product.
    ///
    /// # Errors
    /// When mail or the bot are set up wrongly.
    pub fn new(
        store: Store,
        clock: Clock,
        config: Config,
        issuer: SigningKey,
    ) -> anyhow::Result<Self> {
        let mail = config.mail.as_ref().map(Mail::new).transpose()?;
        let telegram = config.telegram.as_ref().map(Telegram::new).transpose()?;
        Ok(Self {
            store,
            clock,
            config: Arc::new(config),
            issuer: Arc::new(issuer),
            profiles: Arc::new(Library::shipped()),
            contacts: Contacts::default(),
            metrics: Metrics::default(),
            started_at: Instant::now(),
            bell: Bell::default(),
            mail,
            telegram,
            pauses: Pauses::default(),
            turn: Arc::default(),
        })
    }

    /// Whether a gateway may just not have had the time to speak since the cloud is back. A
    /// test clock waits for its gateways by itself.
    #[must_use]
    pub fn may_yet_hear(&self, gateway: GatewayId) -> bool {
        !self.clock.is_test()
            && self.started_at.elapsed() < watch_silence::GRACE
            && self.contacts.of(gateway).is_none()
    }
}
