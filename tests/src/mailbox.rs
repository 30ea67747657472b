//! A mailbox: an SMTP server that takes every mail and keeps it in memory.
//!
//! It knows neither TLS nor sign-in; the tests of those use a server we did not write.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use jiff::Timestamp;
use mail_parser::{MessageParser, MimeHeaders};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::test_clock::real_now;

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// When it came, in real time.
    pub arrived_at: Timestamp,
    /// Whom the envelope names.
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// Its plain part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
    /// Name and bytes of each attachment.
    pub attachments: Vec<(String, Vec<u8>)>,
    /// All of it.
    pub raw: Vec<u8>,
}

/// The server and what it took. It serves as long as the runtime lives.
#[derive(Debug, Clone)]
pub struct Mailbox {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Mailbox {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// When the system has no port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mailbox = Self {
            port: listener.local_addr()?.port(),
            mails: Arc::default(),
        };
        let serving = mailbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                // A client that hangs up in the middle has sent nothing.
                tokio::spawn(async move { serving.talk(stream).await.ok() });
            }
        });
        Ok(mailbox)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Every mail, the oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.clone()
    }

    /// The mails to one address, the oldest first.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Mail> {
        let mails = self.mails().into_iter();
        mails
            .filter(|mail| mail.to.iter().any(|to| to.eq_ignore_ascii_case(address)))
            .collect()
    }

    async fn talk(&self, mut stream: TcpStream) -> anyhow::Result<()> {
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        let mut to = Vec::new();
        write.write_all(b"220 mailbox ESMTP\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let command = line.trim().to_ascii_uppercase();
            let reply = match command.get(..4).unwrap_or_default() {
                "EHLO" | "HELO" => "250-mailbox\r\n250 8BITMIME\r\n",
                "RCPT" => {
                    to.push(address(&line));
                    "250 ok\r\n"
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let raw = data(&mut read).await?;
                    self.keep(std::mem::take(&mut to), raw)?;
                    "250 kept\r\n"
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "MAIL" | "RSET" => {
                    to.clear();
                    "250 ok\r\n"
                }
                "NOOP" => "250 ok\r\n",
                _ => "502 unknown\r\n",
            };
            write.write_all(reply.as_bytes()).await?;
        }
    }

    fn keep(&self, to: Vec<String>, raw: Vec<u8>) -> anyhow::Result<()> {
        let mut mail = parse(&raw)?;
        mail.to = to;
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(mail);
        Ok(())
    }
}

/// The mail in `raw`.
///
/// # Errors
/// When it is none.
pub fn parse(raw: &[u8]) -> anyhow::Result<Mail> {
    let message = MessageParser::default()
        .parse(raw)
        .context("what came is no mail")?;
    let part = |part: Option<std::borrow::Cow<'_, str>>| part.unwrap_or_default().into_owned();
    let attachments = message.attachments().map(|attached| {
        let name = attached.attachment_name().unwrap_or_default().to_owned();
        (name, attached.contents().to_vec())
    });
    Ok(Mail {
        arrived_at: real_now(),
        to: Vec::new(),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: part(message.body_text(0)),
        html: part(message.body_html(0)),
        attachments: attachments.collect(),
        raw: raw.to_vec(),
    })
}

fn address(line: &str) -> String {
    let inside = line.split_once('<').map_or(line, |(_, after)| after);
    inside.split('>').next().unwrap_or_default().to_owned()
}

async fn data(read: &mut (impl AsyncBufReadExt + Unpin)) -> anyhow::Result<Vec<u8>> {
    let mut raw = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        read.read_until(b'\n', &mut line).await?;
        match line.as_slice() {
            b".\r\n" => return Ok(raw),
            [] => anyhow::bail!("the mail ended in the middle"),
            [b'.', rest @ ..] => raw.extend_from_slice(rest),
            whole => raw.extend_from_slice(whole),
        }
    }
}
