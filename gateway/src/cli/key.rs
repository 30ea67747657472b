//! `key`: the gateway's own key. `show` prints its public half, by which seals are checked;
//! `change` makes another. The secret half is never printed.

use serde_json::Value;

use super::{Exit, Failure, enroll, print};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{self, Request};
use crate::identity::{Identity, Key, ShownKey};
use crate::uplink::client::Client;
use crate::uplink::key;

/// What is typed after `key`.
#[derive(Debug, clap::Subcommand)]
pub enum KeyCommand {
    /// The public key and its fingerprint
    Show {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make a new key and change to it; the cloud must be there
    Change {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Runs `key`.
///
/// # Errors
/// When the gateway is not enrolled, its identity cannot be read, or the cloud does not take
/// another key.
pub async fn run(command: &KeyCommand, config: &Config, clock: &Clock) -> Result<(), Failure> {
    match command {
        KeyCommand::Show { json } => show(&public_half(&identity(config)?.key)?, *json),
        KeyCommand::Change { json } => {
            let request = Request {
                command: "key change".to_owned(),
                arguments: Value::Null,
            };
            let changed: ShownKey = match control::ask(&config.socket, &request).await {
                Ok(changed) => serde_json::from_value(changed)?,
                Err(failure) if failure.exit == Exit::NoDaemon => {
                    public_half(&change_here(config, clock).await?)?
                }
                Err(failure) => return Err(failure),
            };
            show(&changed, *json)
        }
    }
}

/// Changes the key without a daemon, which is kept from starting meanwhile.
async fn change_here(config: &Config, clock: &Clock) -> Result<Key, Failure> {
    let identity = identity(config)?;
    let _held = enroll::hold_buffer(config, clock)?;
    crate::tls::install();
    let client = Client::new(&identity.url, clock)?;
    let file = config.identity_file();
    let settled = key::settle(identity, &client, &file).await;
    let settled = settled.map_err(|error| Failure::from(error).with(Exit::Cloud))?;
    let changed = key::change(settled, &client, &file).await;
    let changed = changed.map_err(|error| Failure::from(error).with(Exit::Cloud))?;
    Ok(changed.key)
}

fn identity(config: &Config) -> Result<Identity, Failure> {
    let identity = Identity::load(&config.identity_file())
        .map_err(|error| Failure::from(error).remedy("sudo, or run as the service's user"))?;
    identity.ok_or_else(|| {
        Failure::new(Exit::Cloud, "this gateway has no key")
            .because("a key is made when the gateway is enrolled")
            .remedy("enervue-gateway enroll URL --code CODE")
    })
}

fn public_half(key: &Key) -> Result<ShownKey, Failure> {
    let damaged = || Failure::new(Exit::Unexpected, "the key is damaged");
    key.shown().ok_or_else(damaged)
}

fn show(key: &ShownKey, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(print::json("enervue.key/1", key)?);
    }
    print::line(&format!("Public key   {}", key.public_key))?;
    print::line(&format!("Fingerprint  {}", key.fingerprint))?;
    Ok(())
}
