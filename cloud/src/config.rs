//! The settings: `cloud.toml`, environment variables over it, and what can be wrong with
//! them. Secrets do not show when settings are printed.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use common::settings::{self, SettingsError};
use serde::Deserialize;

use crate::store::Store;

/// Where the settings are looked for.
pub const CONFIG_FILE: &str = "/etc/enervue-cloud/cloud.toml";
/// Environment variables that override a setting start with this and two underscores.
pub const VARIABLE_PREFIX: &str = "ENERVUE_CLOUD";
/// The issuer's key beside a SQLite database.
const ISSUER_FILE: &str = "issuer.key";
/// The documented default file.
pub const DEFAULT_FILE: &str = include_str!("../cloud.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept: a path for SQLite or a `postgres://` address.
    pub database: Secret,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Where metrics are served to Prometheus, on this machine; without it nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// The address under which people and gateways reach it, without a slash at the end.
    pub public_url: String,
    /// Where the running server answers the commands of this program.
    pub socket: PathBuf,
    /// What signs the invoices.
    #[serde(default)]
    pub issuer: IssuerConfig,
    /// How mail leaves; without it there is none.
    pub mail: Option<MailConfig>,
    /// The bot; without it there is none.
    pub telegram: Option<TelegramConfig>,
}

/// What signs the invoices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Where its key is kept; without it beside the SQLite database.
    pub key_file: Option<PathBuf>,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The SMTP server.
    pub host: String,
    /// Its port.
    #[serde(default = "submission_port")]
    pub port: u16,
    /// How the line to it is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// The name to sign in with, if the server asks for one.
    pub user: Option<String>,
    /// The password to it.
    pub password: Option<Secret>,
    /// Certificates (PEM) that the server's may be signed by, beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// The sender, e.g. `Enervue <billing@example.com>`.
    pub from: String,
}

/// The port for mail that is handed in (RFC 6409).
fn submission_port() -> u16 {
    587
}

/// How the line to the SMTP server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// By STARTTLS, or no mail leaves.
    #[default]
    Starttls,
    /// Not at all: for a server on this machine.
    None,
}

/// The bot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramConfig {
    /// Its secret.
    pub token: Secret,
    /// Where the Bot API is.
    #[serde(default = "telegram_api")]
    pub api_url: String,
}

fn telegram_api() -> String {
    "https://api.telegram.org".to_owned()
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one who needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "{path} cannot be read: {source}\nwrite one with: enervue-cloud config default > {path}"
    )]
    File {
        /// Which file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no settings file.
    #[error("{path}: {source}")]
    Settings {
        /// Which file.
        path: String,
        /// Where and why.
        source: SettingsError,
    },
    /// The public address is none.
    #[error(
        "public_url is '{0}': write the address under which people reach the portal, \
         such as https://enervue.example.com"
    )]
    PublicUrl(String),
    /// Passwords would travel in the clear.
    #[error(
        "listen is {0} and public_url is not https: passwords and tokens would travel in the \
         clear. Listen on 127.0.0.1, or put a proxy with TLS in front and write its https \
         address into public_url"
    )]
    InTheClear(SocketAddr),
    /// Nobody knows where the issuer's key is.
    #[error(
        "[issuer] key_file is missing: on PostgreSQL there is no folder of the database to keep \
         the key in by which invoices are signed. Name a file that all nodes have, such as \
         /var/lib/enervue-cloud/issuer.key"
    )]
    NoIssuer,
    /// Metrics would be for everybody.
    #[error(
        "metrics_listen is {0}: metrics are served without asking who comes, so only on this \
         machine. Write 127.0.0.1:9464, and let Prometheus come by way of a proxy or a tunnel"
    )]
    OpenMetrics(SocketAddr),
}

impl Config {
    /// The settings in the file at `path`, with this process' environment over them.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: shown.clone(),
            source,
        })?;
        Self::read(&text, &shown, std::env::vars())
    }

    /// The settings in `text`, with `variables` over them; `path` is for messages.
    ///
    /// # Errors
    /// When something in it is wrong.
    pub fn read(
        text: &str,
        path: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut config: Self =
            settings::read(text, VARIABLE_PREFIX, variables).map_err(|source| {
                ConfigError::Settings {
                    path: path.to_owned(),
                    source,
                }
            })?;
        let length = config.public_url.trim_end_matches('/').len();
        config.public_url.truncate(length);
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let host = ["https://", "http://"]
            .iter()
            .find_map(|scheme| self.public_url.strip_prefix(scheme));
        let good = host.is_some_and(|host| {
            !host.is_empty() && !host.contains(|c: char| "/?#@".contains(c) || c.is_whitespace())
        });
        if !good {
            return Err(ConfigError::PublicUrl(self.public_url.clone()));
        }
        if !self.listen.ip().is_loopback() && !self.is_https() {
            return Err(ConfigError::InTheClear(self.listen));
        }
        if let Some(open) = self.metrics_listen.filter(|at| !at.ip().is_loopback()) {
            return Err(ConfigError::OpenMetrics(open));
        }
        self.issuer_file().map(|_| ())
    }

    /// Where the issuer's key is kept.
    ///
    /// # Errors
    /// When the setting is missing and there is no file of a database to keep it beside.
    pub fn issuer_file(&self) -> Result<PathBuf, ConfigError> {
        if let Some(file) = &self.issuer.key_file {
            return Ok(file.clone());
        }
        if Store::is_postgres(self.database.reveal()) {
            return Err(ConfigError::NoIssuer);
        }
        Ok(Path::new(self.database.reveal()).with_file_name(ISSUER_FILE))
    }

    /// The address of the public page that checks the invoice with that link.
    #[must_use]
    pub fn check_address(&self, token: &str) -> String {
        format!("{}/verify/{token}", self.public_url)
    }

    /// Whether people reach the portal by TLS, so that cookies may be for TLS alone.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = changes
            .iter()
            .map(|(key, value)| (format!("ENERVUE_CLOUD__{key}"), (*value).to_owned()));
        Config::read(DEFAULT_FILE, "cloud.toml", variables)
    }

    #[test]
    fn the_default_file_is_good_and_its_examples_are_too() {
        let config = read(&[]).unwrap();
        assert_eq!(config.mail, None);
        let beside = Path::new("/var/lib/enervue-cloud/issuer.key");
        assert_eq!(config.issuer_file().unwrap(), beside);
        assert_eq!(config.public_url, "http://127.0.0.1:8080");
        let examples: String = DEFAULT_FILE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.starts_with('[') || rest.contains(" = ") => rest,
                _ => line,
            })
            .collect::<Vec<_>>()
            .join("\n");
        let config = Config::read(&examples, "cloud.toml", []).unwrap();
        assert_eq!(config.mail.as_ref().unwrap().port, 587);
        assert_eq!(config.telegram.as_ref().unwrap().api_url, telegram_api());
        let shown = format!("{config:?}");
        assert!(!shown.contains("ABC"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_do() {
        let table: [(&[(&str, &str)], &str); 7] = [
            (
                &[("DATABASE", "postgres://enervue@db/enervue")],
                "[issuer] key_file is missing",
            ),
            (&[("METRICS_LISTEN", "0.0.0.0:9464")], "a proxy or a tunnel"),
            (&[("LISTEN", "0.0.0.0:80")], "put a proxy with TLS in front"),
            (&[("LISTEN", "everywhere")], "socket address"),
            (&[("PUBLIC_URL", "enervue.example.com")], "such as https://"),
            (
                &[("PUBLIC_URL", "https://a.example.com/b")],
                "such as https://",
            ),
            (&[("MAIL__HOST", "mail.example.com")], "from"),
        ];
        for (changes, message) in table {
            let error = read(changes).unwrap_err().to_string();
            assert!(error.contains(message), "{changes:?}: {error}");
        }
        let proxied = read(&[
            ("LISTEN", "0.0.0.0:80"),
            ("PUBLIC_URL", "https://enervue.example.com/"),
        ]);
        assert_eq!(proxied.unwrap().public_url, "https://enervue.example.com");
    }
}
