//! A network between gateway and cloud that does what it likes: cuts answers short, takes
//! connections and never answers, drips. One address, whose manners may change at any time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the network is to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// Everything passes.
    Pass,
    /// The connection is cut after so many bytes of the cloud's answers.
    CutAfter(u64),
    /// What is sent vanishes, and nothing comes back: the other end is gone without a word.
    HalfOpen,
    /// One byte of an answer passes each time this has gone by.
    Drip(Duration),
    /// Nobody is there.
    Refuse,
}

/// A network between somebody and a server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    manners: watch::Sender<Manners>,
    cuts: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A network before the server at `url`, `http://HOST:PORT`.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn before(url: &str) -> anyhow::Result<Self> {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (manners, seen) = watch::channel(Manners::Pass);
        let cuts = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&cuts);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, seen) = (server.clone(), seen.clone());
                tokio::spawn(carry(client, server, seen, Arc::clone(&counted)));
            }
        });
        Ok(Self {
            address,
            manners,
            cuts,
            accepting,
        })
    }

    /// Its address, to be used instead of the server's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves so from now on; open connections are ended, but those that are
    /// half open.
    pub fn set(&self, manners: Manners) {
        self.manners.send_replace(manners);
    }

    /// How many connections were cut within an answer so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(
    client: TcpStream,
    server: String,
    mut seen: watch::Receiver<Manners>,
    cuts: Arc<AtomicU64>,
) {
    let manners = *seen.borrow_and_update();
    if manners == Manners::HalfOpen {
        // It stays so when the network is well again: only the client can give it up.
        return swallow(client).await;
    }
    let changed = seen.changed();
    let carried = async {
        if manners == Manners::Refuse {
            return;
        }
        let (from_client, to_client) = client.into_split();
        let Ok(server) = TcpStream::connect(&server).await else {
            return;
        };
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = pass(from_client, to_server) => {}
            () = answer(from_server, to_client, manners, &cuts) => {}
        }
    };
    tokio::select! {
        () = carried => {}
        _ = changed => {}
    }
}

async fn swallow(mut client: TcpStream) {
    let mut bytes = [0; 4096];
    while client.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // A broken connection is what all this is about.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    manners: Manners,
    cuts: &AtomicU64,
) {
    let mut left = match manners {
        Manners::CutAfter(bytes) => bytes,
        _ => u64::MAX,
    };
    let mut bytes = [0; 4096];
    loop {
        let most = match manners {
            Manners::Drip(_) => 1,
            _ => bytes.len(),
        };
        let Some(room) = bytes.get_mut(..most) else {
            return;
        };
        let Ok(read @ 1..) = from.read(room).await else {
            return;
        };
        if let Manners::Drip(pause) = manners {
            tokio::time::sleep(pause).await;
        }
        let whole = u64::try_from(read).unwrap_or(u64::MAX);
        let passes = usize::try_from(whole.min(left)).unwrap_or(read);
        let Some(passing) = bytes.get(..passes) else {
            return;
        };
        if to.write_all(passing).await.is_err() {
            return;
        }
        left = left.saturating_sub(whole);
        if left == 0 {
            cuts.fetch_add(1, Ordering::SeqCst);
            return;
        }
    }
}
