//! How the operator's commands speak with the running server: a Unix socket, one line of
//! JSON to ask, then lines of progress and one of the outcome.
//!
//! Promises: every size is bounded and so is the silence between two lines; the running
//! server's socket is never taken from it; only its user and group may speak to it.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::command::{self, InvoiceList, InvoiceName, UserAdd};
use crate::run::App;

/// The most bytes of a question.
const QUESTION_BYTES_MAX: u64 = 64 * 1024;
/// The most bytes of a line of the answer: an invoice with a year of sealed readings.
const REPLY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Conversations at once; the others wait in the socket's queue.
const CONVERSATIONS_MAX: usize = 8;
/// How long a question may take to arrive, or a line to be taken.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the command line waits for the next line; a long command tells its progress.
const REPLY_TIMEOUT: Duration = Duration::from_secs(400);
/// Lines of progress that wait to be taken.
const PROGRESS_MAX: usize = 64;
/// Whoever may administer the server is in its group.
const SOCKET_MODE: u32 = 0o660;

/// What the server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// Add a person.
    UserAdd(UserAdd),
    /// Give an invoice with all that proves it.
    InvoiceExport(InvoiceName),
    /// Say why an invoice asks for what it asks.
    InvoiceExplain(InvoiceName),
    /// Say which invoices were issued last.
    InvoiceList(InvoiceList),
    /// Say by which key invoices are signed.
    IssuerKey,
    /// Let time pass.
    ClockAdvance {
        /// Until when.
        to: Timestamp,
    },
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// It goes on.
    Progress(String),
    /// It is done; this came of it.
    Done(Value),
    /// It could not be done, for this reason.
    Failed(String),
}

/// Why the server did not do it.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No server listens there.
    #[error("no server runs: {path}: {source}")]
    NoServer {
        /// The socket.
        path: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// It went away, or speaks another language.
    #[error("the server broke off: {0}")]
    Broken(#[from] io::Error),
    /// It said no.
    #[error("{0}")]
    Refused(String),
}

/// The server's end. Dropping it removes the socket.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    _lock: File,
}

impl Server {
    /// Opens the socket at `path`. Must be called within a runtime.
    ///
    /// # Errors
    /// When another server owns it or it cannot be made.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lock = lock(path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Answers whoever asks, for ever.
    pub async fn run(self, app: App) {
        let free = Arc::new(Semaphore::new(CONVERSATIONS_MAX));
        while let Ok(place) = Arc::clone(&free).acquire_owned().await {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control socket");
                    tokio::time::sleep(TRANSFER_TIMEOUT).await;
                    continue;
                }
            };
            let app = app.clone();
            tokio::spawn(async move {
                if let Err(error) = converse(stream, &app).await {
                    tracing::debug!(%error, "a conversation on the control socket broke off");
                }
                drop(place);
            });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it stays, the next server removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Held for as long as a server owns the socket; a killed one leaves only the socket.
fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(name)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let why = format!("another server answers at {}", path.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, why))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

async fn converse(stream: UnixStream, app: &App) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let question = timeout(TRANSFER_TIMEOUT, read_line(&mut read, QUESTION_BYTES_MAX)).await??;
    let reply = match serde_json::from_slice(&question) {
        Ok(request) => answer(app, request, &mut write).await?,
        Err(error) => Reply::Failed(format!("the server does not understand: {error}")),
    };
    send(&mut write, &reply).await
}

/// Does what is asked. When nobody listens any more, it stops where it is.
async fn answer(app: &App, request: Request, write: &mut OwnedWriteHalf) -> io::Result<Reply> {
    let (tell, mut told) = mpsc::channel(PROGRESS_MAX);
    let done = do_it(app, request, tell);
    tokio::pin!(done);
    loop {
        tokio::select! {
            Some(progress) = told.recv() => send(write, &Reply::Progress(progress)).await?,
            done = &mut done => return Ok(match done {
                Ok(value) => Reply::Done(value),
                Err(error) => Reply::Failed(format!("{error:#}")),
            }),
        }
    }
}

async fn do_it(app: &App, request: Request, tell: mpsc::Sender<String>) -> anyhow::Result<Value> {
    Ok(match request {
        Request::UserAdd(user) => {
            let (url, now) = (&app.config.public_url, app.clock.now());
            serde_json::to_value(command::user_add(&app.store, url, &user, now).await?)?
        }
        Request::InvoiceExport(name) => {
            serde_json::to_value(command::invoice_export(&app.store, &name).await?)?
        }
        Request::InvoiceExplain(name) => {
            serde_json::to_value(command::invoice_explain(&app.store, &name).await?)?
        }
        Request::InvoiceList(list) => {
            serde_json::to_value(command::invoice_list(&app.store, &list).await?)?
        }
        Request::IssuerKey => serde_json::to_value(command::issuer_key(&app.store).await?)?,
        Request::ClockAdvance { to } => {
            serde_json::to_value(command::clock_advance(app, to, &tell).await?)?
        }
    })
}

async fn send(write: &mut OwnedWriteHalf, reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    timeout(TRANSFER_TIMEOUT, write.write_all(&line)).await?
}

async fn read_line(
    read: &mut (impl AsyncRead + AsyncBufReadExt + Unpin),
    bytes_max: u64,
) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    read.take(bytes_max).read_until(b'\n', &mut line).await?;
    if line.last() == Some(&b'\n') {
        return Ok(line);
    }
    let why = format!("a line ended early, or is longer than {bytes_max} bytes");
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// Asks the server that listens at `path`; `progress` hears how it goes on.
///
/// # Errors
/// With [`AskError::NoServer`] when none does; else what the server says.
pub async fn ask(
    path: &Path,
    request: &Request,
    progress: impl Fn(&str),
) -> Result<Value, AskError> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|source| AskError::NoServer {
            path: path.display().to_string(),
            source,
        })?;
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(request).map_err(io::Error::from)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    let mut read = BufReader::new(read);
    loop {
        let line = timeout(REPLY_TIMEOUT, read_line(&mut read, REPLY_BYTES_MAX))
            .await
            .map_err(io::Error::from)??;
        match serde_json::from_slice(&line).map_err(io::Error::from)? {
            Reply::Progress(text) => progress(&text),
            Reply::Done(value) => return Ok(value),
            Reply::Failed(why) => return Err(AskError::Refused(why)),
        }
    }
}
