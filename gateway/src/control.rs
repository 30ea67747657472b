//! How the command line speaks with the running daemon: a Unix socket, one line of JSON each
//! way, then the connection ends.
//!
//! Promises: every size and time is bounded; one daemon owns the socket, under a lock beside
//! it, and removes what a killed one left behind; only its user and group may speak to it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::failure::{Exit, Failure};

/// The most bytes of a request.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
/// The most bytes of a reply; a status of thousands of devices has two.
const REPLY_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Conversations at once; the others wait in the socket's queue.
const CONVERSATIONS_MAX: usize = 8;
/// How long a request may take to arrive, or a reply to be taken.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the command line waits for a reply: a slow meter is tried several times.
const REPLY_TIMEOUT: Duration = Duration::from_secs(120);
/// Whoever may administer the daemon is in its group.
const SOCKET_MODE: u32 = 0o660;

/// What the daemon is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The command, e.g. `status`.
    pub command: String,
    /// What belongs to it.
    #[serde(default)]
    pub arguments: Value,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Done(Value),
    Failed(Failure),
}

/// The daemon's end. Dropping it removes the socket.
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
    /// When another daemon owns it or it cannot be made.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = format!("another daemon answers at {}", path.display());
                return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
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

    /// Answers whoever asks with what `answer` makes of the request, for ever.
    pub async fn run<F, A>(self, answer: A)
    where
        A: Fn(Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, Failure>> + Send,
    {
        let (answer, free) = (
            Arc::new(answer),
            Arc::new(Semaphore::new(CONVERSATIONS_MAX)),
        );
        loop {
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control socket");
                    tokio::time::sleep(TRANSFER_TIMEOUT).await;
                    continue;
                }
            };
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                if let Err(error) = converse(stream, &*answer).await {
                    tracing::debug!(%error, "a conversation on the control socket broke off");
                }
                drop(permit);
            });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // If it stays, the next daemon removes it.
        let _ = fs::remove_file(&self.path);
    }
}

async fn converse<F, A>(stream: UnixStream, answer: &A) -> io::Result<()>
where
    A: Fn(Request) -> F,
    F: Future<Output = Result<Value, Failure>>,
{
    let (read, mut write) = stream.into_split();
    let request = timeout(TRANSFER_TIMEOUT, read_line(read, REQUEST_BYTES_MAX)).await??;
    let reply = match serde_json::from_slice(&request) {
        Ok(request) => answer(request)
            .await
            .map_or_else(Reply::Failed, Reply::Done),
        Err(error) => Reply::Failed(
            Failure::new(Exit::Usage, "the daemon does not understand the request")
                .because(error.to_string()),
        ),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    timeout(TRANSFER_TIMEOUT, write.write_all(&line)).await?
}

async fn read_line(read: impl tokio::io::AsyncRead + Unpin, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut read = BufReader::new(read.take(bytes_max));
    read.read_until(b'\n', &mut line).await?;
    if line.last() == Some(&b'\n') {
        return Ok(line);
    }
    let why = format!("a line ended early, or is longer than {bytes_max} bytes");
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// Asks the daemon that listens at `path`.
///
/// # Errors
/// With [`Exit::NoDaemon`] when none does; else what the daemon says.
pub async fn ask(path: &Path, request: &Request) -> Result<Value, Failure> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|error| no_daemon(path, &error))?;
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let broken = |error: io::Error| {
        Failure::new(Exit::Unexpected, "the daemon broke off").because(error.to_string())
    };
    write.write_all(&line).await.map_err(broken)?;
    let reply = timeout(REPLY_TIMEOUT, read_line(read, REPLY_BYTES_MAX))
        .await
        .map_err(|_| Failure::new(Exit::Unexpected, "the daemon does not answer"))?
        .map_err(broken)?;
    match serde_json::from_slice(&reply)? {
        Reply::Done(value) => Ok(value),
        Reply::Failed(failure) => Err(failure),
    }
}

fn no_daemon(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    if denied {
        return Failure::new(Exit::NoDaemon, "you may not speak to the daemon")
            .because(format!("{path}: {error}"))
            .remedy("sudo, or join its group: sudo adduser $USER enervue-gateway");
    }
    Failure::new(Exit::NoDaemon, "no daemon is running")
        .because(format!("{path}: {error}"))
        .remedy("sudo systemctl start enervue-gateway, or enervue-gateway run --config FILE")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn answer(request: Request) -> Result<Value, Failure> {
        match request.command.as_str() {
            "echo" => Ok(request.arguments),
            other => Err(Failure::new(Exit::Usage, format!("no {other}")).remedy("echo")),
        }
    }

    fn request(command: &str, arguments: Value) -> Request {
        Request {
            command: command.to_owned(),
            arguments,
        }
    }

    #[tokio::test]
    async fn the_daemon_answers_or_says_why_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run").join("control.sock");
        let nobody = ask(&path, &request("echo", Value::Null)).await.unwrap_err();
        assert_eq!(nobody.exit, Exit::NoDaemon);

        let server = Server::bind(&path).unwrap();
        assert!(Server::bind(&path).is_err(), "one daemon owns it");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let running = tokio::spawn(server.run(answer));
        let given = json!({ "a": "é\n" });
        assert_eq!(ask(&path, &request("echo", given.clone())).await, Ok(given));
        let refused = ask(&path, &request("fly", Value::Null)).await.unwrap_err();
        assert_eq!(refused.error, "no fly");
        assert_eq!(refused.remedy.as_deref(), Some("echo"));

        running.abort();
        let _ = running.await;
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_daemon_left_behind_is_no_hindrance() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        // A listener of std leaves its socket, as a kill does.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        tokio::spawn(Server::bind(&path).unwrap().run(answer));
        assert_eq!(ask(&path, &request("echo", json!(1))).await, Ok(json!(1)));
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_stops_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("control.sock");
        tokio::spawn(Server::bind(&path).unwrap().run(answer));
        let too_long = vec![b' '; usize::try_from(REQUEST_BYTES_MAX).unwrap() + 1];
        for wrong in [&b"{}\n"[..], b"\n", b"\xff\n", &too_long] {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            let _ = stream.write_all(wrong).await;
            let mut reply = String::new();
            let _ = stream.read_to_string(&mut reply).await;
            assert!(!reply.contains("done"), "{reply}");
        }
        assert_eq!(ask(&path, &request("echo", json!(1))).await, Ok(json!(1)));
    }
}
