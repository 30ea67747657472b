//! A two-wire line as RS-485 is one: what anybody writes, everybody else hears.
//!
//! Each end is a pseudo-terminal under a lasting path, which any program can open, close and
//! open again. What comes while nobody has an end open is lost to it, as on a real line. No
//! time passes on the wire, and nothing collides: two who write at once are heard one after
//! the other.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_serial::{SerialPort as _, SerialStream};

use crate::process::{PATIENCE, wait_for};

/// How soon an end that was opened or closed is taken for what it is.
const LOOK_PERIOD: Duration = Duration::from_millis(5);
/// How long somebody who does not read may hold up the others.
const WRITE_MAX: Duration = Duration::from_secs(1);

/// What is known of an end.
#[derive(Debug, Default)]
struct End {
    is_open: AtomicBool,
    bytes: AtomicU64,
}

/// A line with named ends.
#[derive(Debug)]
pub struct PartyLine {
    folder: PathBuf,
    ends: BTreeMap<String, Arc<End>>,
    _tasks: JoinSet<()>,
}

impl PartyLine {
    /// A line whose ends are in `folder`. Must be called within a runtime.
    ///
    /// # Errors
    /// When the system gives no pseudo-terminals.
    pub fn start(folder: &Path, names: &[&str]) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (said, hears) = mpsc::channel(64);
        let (mut ends, mut tasks, mut writers) = (BTreeMap::new(), JoinSet::new(), Vec::new());
        for (number, name) in names.iter().enumerate() {
            let (controller, terminal) = SerialStream::pair()?;
            let terminal = terminal.name().context("a terminal without a name")?;
            symlink(terminal, folder.join(name))?;
            let (reader, writer) = split(controller);
            let end = Arc::new(End::default());
            tasks.spawn(hear(number, reader, Arc::clone(&end), said.clone()));
            writers.push((writer, Arc::clone(&end)));
            ends.insert((*name).to_owned(), end);
        }
        tasks.spawn(pass_on(hears, writers));
        Ok(Self {
            folder: folder.to_owned(),
            ends,
            _tasks: tasks,
        })
    }

    /// The port of that end.
    #[must_use]
    pub fn port(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Waits until somebody has that end open.
    ///
    /// # Errors
    /// When nobody opens it in time.
    pub async fn opened(&self, name: &str) -> anyhow::Result<()> {
        let end = self.ends.get(name).context("the line has no such end")?;
        let is_open = async || Ok(end.is_open.load(Ordering::SeqCst));
        wait_for(name, PATIENCE, is_open).await
    }

    /// How many bytes were written to the line at that end.
    #[must_use]
    pub fn bytes_from(&self, name: &str) -> u64 {
        let end = self.ends.get(name);
        end.map_or(0, |end| end.bytes.load(Ordering::SeqCst))
    }
}

type Said = (usize, Vec<u8>);

/// Hears one end for ever.
async fn hear(
    number: usize,
    mut reader: ReadHalf<SerialStream>,
    end: Arc<End>,
    said: mpsc::Sender<Said>,
) {
    let mut chunk = [0; 512];
    loop {
        match timeout(LOOK_PERIOD, reader.read(&mut chunk)).await {
            Err(_) => end.is_open.store(true, Ordering::SeqCst),
            Ok(Ok(count)) if count > 0 => {
                end.is_open.store(true, Ordering::SeqCst);
                end.bytes.fetch_add(count as u64, Ordering::SeqCst);
                let bytes = chunk.iter().take(count).copied().collect();
                if said.send((number, bytes)).await.is_err() {
                    return;
                }
            }
            Ok(_) => {
                end.is_open.store(false, Ordering::SeqCst);
                tokio::time::sleep(LOOK_PERIOD).await;
            }
        }
    }
}

/// Lets all others hear what one said, for ever.
async fn pass_on(
    mut hears: mpsc::Receiver<Said>,
    mut writers: Vec<(WriteHalf<SerialStream>, Arc<End>)>,
) {
    while let Some((from, bytes)) = hears.recv().await {
        let others = writers.iter_mut().enumerate();
        for (_, (writer, end)) in others.filter(|(number, _)| *number != from) {
            if end.is_open.load(Ordering::SeqCst) {
                // Whoever does not read, or has just gone, misses it.
                let _ = timeout(WRITE_MAX, writer.write_all(&bytes)).await;
            }
        }
    }
}
