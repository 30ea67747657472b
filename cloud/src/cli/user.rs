//! `user add`: the operator's way in.

use super::print;
use crate::clock::Clock;
use crate::command::{self, UserAdd, UserAdded};
use crate::config::Config;
use crate::control::{self, AskError, Request};
use crate::store::Store;

/// What is typed after `user`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// Make somebody an administrator and print the link by which they set their password
    Add {
        /// Their e-mail address
        email: String,
        /// They operate the platform. Everybody else is invited in the portal
        #[arg(long, required = true)]
        administrator: bool,
        /// What they are called
        #[arg(long)]
        name: Option<String>,
        /// The language of the portal for them: en or es
        #[arg(long, default_value = "en")]
        language: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: UserCommand, config: Config) -> anyhow::Result<()> {
    let UserCommand::Add {
        email,
        administrator: _,
        name,
        language,
        json,
    } = command;
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let user = UserAdd {
        email,
        name,
        language,
    };
    let added = add(&config, user).await?;
    if json {
        print::json("enervue.user/1", &added)?;
    } else {
        print::line(&format!("{} is an administrator.", added.email))?;
        let until = added.expires_at;
        print::note(&format!(
            "The link sets their password, once, until {until:.0}:"
        ));
        print::line(&added.link)?;
    }
    Ok(())
}

/// By the running server if there is one: on SQLite nobody else may write. Without one the
/// database is taken under its lock.
async fn add(config: &Config, user: UserAdd) -> anyhow::Result<UserAdded> {
    let request = Request::UserAdd(user.clone());
    match control::ask(&config.socket, &request, |_| {}).await {
        Ok(added) => Ok(serde_json::from_value(added)?),
        Err(AskError::NoServer { .. }) => {
            let store = Store::open(config.database.reveal()).await?;
            let now = Clock::real().now();
            command::user_add(&store, &config.public_url, &user, now).await
        }
        Err(other) => Err(other.into()),
    }
}
