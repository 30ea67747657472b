//! The connections of the listener: one task each, cut when it keeps us waiting.
//!
//! A head that does not come within its time ends its connection, be it half sent or not
//! begun on a connection that is kept open; so does a body that pauses, and a request that
//! takes too long with all that. There are so many connections at a time and no more: the
//! next ones wait for a place, and the log says so. A stop lets what is being answered end.
//! A client that does not read its answer is cut by TCP alone.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service as _;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

/// How long to wait before the next connection is tried when none could be accepted: most
/// likely the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What clients may ask of us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at a time.
    pub(super) connections: usize,
    /// For a whole head, from the beginning of the connection or the answer before.
    pub(super) head: Duration,
    /// For the next piece of a body.
    pub(super) body_pause: Duration,
    /// For a whole request after its head, until its answer begins.
    pub(super) request: Duration,
}

impl Limits {
    /// Cuts the requests to `router` that take too long.
    pub(super) fn bound(self, router: Router) -> Router {
        let timed_out = StatusCode::SERVICE_UNAVAILABLE;
        router
            .layer(RequestBodyTimeoutLayer::new(self.body_pause))
            .layer(TimeoutLayer::with_status_code(timed_out, self.request))
    }
}

type MakeService = IntoMakeServiceWithConnectInfo<Router, SocketAddr>;

/// Serves `router` until `stop` is ready, and ends when what was being answered is.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let make_service = router.into_make_service_with_connect_info::<SocketAddr>();
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stopped, stopping) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let (make_service, stopping) = (make_service.clone(), stopping.clone());
        tokio::spawn(async move {
            speak(stream, peer, make_service, limits.head, stopping).await;
            drop(place);
        });
    }
    drop((listener, stopping));
    // Without a connection nobody listens.
    let _ = stopped.send(());
    stopped.closed().await;
}

/// The next connection, when there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    if places.available_permits() == 0 {
        tracing::warn!("as many connections are open as may be: the next ones wait");
    }
    // Nobody closes the semaphore.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Speaks with one client until either side ends it.
async fn speak(
    stream: TcpStream,
    peer: SocketAddr,
    mut make_service: MakeService,
    head_max: Duration,
    mut stopping: watch::Receiver<()>,
) {
    let Ok(service) = make_service.call(peer).await;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_max)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(client.address = %peer, %error, "a connection ended early");
    }
}
