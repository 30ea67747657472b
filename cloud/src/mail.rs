//! Mail: the only user of lettre. Hands a message to the SMTP server, as text and HTML, with
//! its file.
//!
//! Promises: a line that is not protected goes to this machine only; a message has the same
//! Message-ID however often it is sent; what is in a name stays in the name. The relay signs
//! (DKIM), we do not.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{Address, AsyncTransport as _, Tokio1Executor};

use crate::config::{MailConfig, MailTls};
use crate::notice::Undelivered;
use crate::notice::message::Message;

/// How long one step of the SMTP dialogue may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(15);
/// Hosts to which mail may travel in the clear.
const THIS_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Replies that speak of us, not of the message (RFC 4954, RFC 5321): not signed in, wrong
/// password, no TLS, closing.
const ABOUT_US: [u16; 6] = [421, 454, 530, 534, 535, 538];

/// What is wrong with the settings of mail.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender is no address.
    #[error("mail.from is '{0}': write it as Enervue <billing@example.com>")]
    From(String),
    /// Mail would travel in the clear.
    #[error(
        "mail.tls is \"none\" and mail.host is {0}: mail and password would travel in the \
         clear. Use \"starttls\"; \"none\" is for a server on this machine"
    )]
    InTheClear(String),
    /// The certificates cannot be used.
    #[error("mail.ca_file {path}: {why}")]
    Certificates {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A name without a password, or the other way round.
    #[error("mail.user and mail.password go together: write both or neither")]
    HalfSignIn,
    /// TLS cannot be set up.
    #[error("mail.host {host}: {source}")]
    Tls {
        /// The server.
        host: String,
        /// Why not.
        source: smtp::Error,
    },
}

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// A file that goes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its content, a PDF.
    pub pdf: Vec<u8>,
}

/// A mail.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// Who gets it.
    pub to: Party,
    /// Who gets the answers, if it is not the sender.
    pub reply_to: Option<Party>,
    /// What makes it this one: the left part of its Message-ID.
    pub id: String,
    /// When it is sent.
    pub date: Timestamp,
    /// What it says.
    pub message: &'a Message,
    /// The file.
    pub file: Option<&'a File>,
}

/// The way to the SMTP server. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

impl Mail {
    /// The way that the settings describe. It is first walked when a mail is sent.
    ///
    /// # Errors
    /// When something in the settings is wrong.
    pub fn new(config: &MailConfig) -> Result<Self, MailError> {
        let from: Mailbox = config
            .from
            .parse()
            .map_err(|_| MailError::From(config.from.clone()))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .timeout(Some(STEP_TIMEOUT))
            .tls(tls(config)?);
        match (&config.user, &config.password) {
            (Some(user), Some(password)) => {
                let password = password.reveal().to_owned();
                builder = builder.credentials(Credentials::new(user.clone(), password));
            }
            (None, None) => {}
            _ => return Err(MailError::HalfSignIn),
        }
        Ok(Self {
            transport: builder.build(),
            from,
        })
    }

    /// Hands a letter to the server.
    ///
    /// # Errors
    /// When it was not taken; whether it ever may be is in the error.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        let message = self.composed(letter).map_err(Undelivered::Never)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(classified(&error)),
        }
    }

    fn composed(&self, letter: &Letter<'_>) -> Result<lettre::Message, String> {
        let message = letter.message;
        let html = message.html().map_err(|error| error.to_string())?;
        let both = MultiPart::alternative_plain_html(message.text(), html);
        let domain = self.from.email.domain();
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(mailbox(&letter.to)?)
            .subject(one_line(&message.subject))
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", message.language.code()));
        if let Ok(date) = SystemTime::try_from(letter.date) {
            builder = builder.date(date);
        }
        if let Some(reply_to) = &letter.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        let body = match letter.file {
            None => both,
            Some(file) => {
                let kind = ContentType::parse("application/pdf").map_err(|e| e.to_string())?;
                let part: SinglePart =
                    Attachment::new(file.name.clone()).body(file.pdf.clone(), kind);
                MultiPart::mixed().multipart(both).singlepart(part)
            }
        };
        builder.multipart(body).map_err(|error| error.to_string())
    }
}

fn tls(config: &MailConfig) -> Result<Tls, MailError> {
    let host = &config.host;
    if config.tls == MailTls::None {
        if THIS_MACHINE.contains(&host.as_str()) {
            return Ok(Tls::None);
        }
        return Err(MailError::InTheClear(host.clone()));
    }
    let mut parameters = TlsParameters::builder(host.clone());
    if let Some(path) = &config.ca_file {
        let unusable = |why: String| MailError::Certificates {
            path: path.clone(),
            why,
        };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let built = parameters.build().map_err(|source| MailError::Tls {
        host: host.clone(),
        source,
    })?;
    Ok(Tls::Required(built))
}

fn mailbox(party: &Party) -> Result<Mailbox, String> {
    let address: Address = party
        .email
        .parse()
        .map_err(|error| format!("the address is none: {error}"))?;
    let name = one_line(&party.name);
    Ok(Mailbox::new(
        Some(name).filter(|name| !name.is_empty()),
        address,
    ))
}

/// Without what could end a header: lettre panics on a line break in a name.
fn one_line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.collect::<String>().trim().to_owned()
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn classified(error: &smtp::Error) -> Undelivered {
    let why = reason(error);
    let code = error.status().map(u16::from);
    if code.is_some_and(|code| ABOUT_US.contains(&code)) {
        return Undelivered::ChannelDown { why, pause: None };
    }
    if error.is_permanent() {
        return Undelivered::Never(why);
    }
    if error.is_transient() {
        return Undelivered::Later(why);
    }
    Undelivered::ChannelDown { why, pause: None }
}

/// The error with what caused it.
fn reason(error: &smtp::Error) -> String {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !reason.contains(&cause_text) {
            reason = format!("{reason}: {cause_text}");
        }
        source = cause.source();
    }
    one_line(&reason)
}
