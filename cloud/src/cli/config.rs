//! `config default|check`: the documented default file, and what is wrong with yours.

use std::path::Path;

use serde::Serialize;

use super::print;
use crate::config::{Config, DEFAULT_FILE};
use crate::mail::Mail;
use crate::telegram::Telegram;

/// What is typed after `config`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the documented default file
    Default,
    /// Say whether the settings are in order
    Check {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Verdict<'a> {
    file: &'a Path,
    ok: bool,
    mail: bool,
    telegram: bool,
}

pub(super) fn run(command: &ConfigCommand, path: &Path) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Default => Ok(print::line(DEFAULT_FILE.trim_end())?),
        ConfigCommand::Check { json } => check(path, *json),
    }
}

fn check(path: &Path, json: bool) -> anyhow::Result<()> {
    let config = Config::load(path)?;
    let mail = config.mail.as_ref().map(Mail::new).transpose()?;
    let telegram = config.telegram.as_ref().map(Telegram::new).transpose()?;
    if json {
        let verdict = Verdict {
            file: path,
            ok: true,
            mail: mail.is_some(),
            telegram: telegram.is_some(),
        };
        print::json("enervue.config_check/1", &verdict)?;
        return Ok(());
    }
    let yes_or_no = |there: bool| if there { "yes" } else { "no" };
    print::line(&format!(
        "{} is in order: mail {}, Telegram {}",
        path.display(),
        yes_or_no(mail.is_some()),
        yes_or_no(telegram.is_some())
    ))?;
    Ok(())
}
