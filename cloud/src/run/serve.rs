//! The server: opens everything, serves until it is asked to stop, closes in order.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use super::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::control;
use crate::jobs::{self, answer_telegram};
use crate::store::Store;
use crate::{api, metrics, portal};

/// How long a gateway's request may take, its body included; a Pi behind a bad line sends
/// two megabytes within it.
const GATEWAY_REQUEST_MAX: Duration = Duration::from_secs(60);
/// How long requests that are being answered may take to end when the server stops.
const STOPPING_MAX: Duration = Duration::from_secs(10);

/// Serves until the process is asked to stop.
///
/// # Errors
/// When something that it needs is not to be had.
pub async fn serve(config: Config, clock: Clock) -> anyhow::Result<()> {
    let store = Store::open(config.database.reveal())
        .await
        .context("the database cannot be opened")?;
    let app = App::new(store, clock, config)?;
    let socket = &app.config.socket;
    let control = control::Server::bind(socket)
        .with_context(|| format!("the control socket {} cannot be opened", socket.display()))?;
    let listen = app.config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("nothing can be served at {listen}"))?;
    let (address, public_url) = (listener.local_addr()?, &app.config.public_url);
    let test_clock = app.clock.is_test();
    tracing::info!(%address, %public_url, test_clock, "serving");

    let mut background = JoinSet::new();
    if let Some(listen) = app.config.metrics_listen {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("no metrics can be served at {listen}"))?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "serving metrics");
        background.spawn(metrics::serve(app.clone(), listener));
    }
    background.spawn(jobs::run_forever(app.clone()));
    background.spawn(answer_telegram::run_forever(app.clone()));
    background.spawn(control.run(app.clone()));
    // Outside of systemd nobody is told.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let stopped = serve_http(app, listener).await;
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    background.shutdown().await;
    tracing::info!("stopped");
    stopped
}

async fn serve_http(app: App, listener: TcpListener) -> anyhow::Result<()> {
    let bell = app.bell.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async {
        // A sender that is gone says the same.
        let _ = stopping.await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("asked to stop: ending what is being answered");
    drop(stop);
    bell.close();
    match tokio::time::timeout(STOPPING_MAX, &mut serving).await {
        Ok(ended) => Ok(ended??),
        Err(_) => {
            serving.abort();
            Ok(())
        }
    }
}

/// Everything that is served: the portal, the sync protocol, and whether all is well.
pub fn router(app: App) -> Router {
    let health = Router::new()
        .route("/healthz", get(healthz))
        .with_state(app.clone());
    let gateways = api::router(app.clone()).merge(health).layer((
        TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, GATEWAY_REQUEST_MAX),
        CatchPanicLayer::new(),
    ));
    let timing = from_fn_with_state(app.metrics.clone(), metrics::time_requests);
    portal::router(app)
        .merge(gateways)
        .layer(timing)
        .layer(TraceLayer::new_for_http())
}

/// Whether the store answers: what a load balancer asks.
async fn healthz(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.store.read().await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store does not answer\n",
            )
        }
    }
}
