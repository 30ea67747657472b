//! The server: opens everything, serves until it is asked to stop, closes in order.

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
use tower_http::trace::TraceLayer;

use super::App;
use super::connections::{self, Limits};
use crate::clock::Clock;
use crate::config::Config;
use crate::control;
use crate::issuer;
use crate::jobs::{self, answer_telegram};
use crate::store::Store;
use crate::{api, metrics, portal};

/// What clients may ask of us.
const LIMITS: Limits = Limits {
    // Each gateway keeps one for its orders; a third of the descriptors that the unit allows.
    connections: 20_000,
    // Longer than clients keep an idle connection (ours 90 s, nginx 60 s): they end it, so
    // that no request meets a connection that is just being closed.
    head: Duration::from_secs(100),
    // Longer than a bad line's pauses.
    body_pause: Duration::from_secs(10),
    // A Pi behind a bad line sends two megabytes within it.
    request: Duration::from_secs(60),
};
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
    let issuer = issuer::open(&store, &config.issuer_file()?, clock.real_now()).await?;
    let app = App::new(store, clock, config, issuer)?;
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
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let stopping = async {
        // A sender that is gone says the same.
        let _ = stopping.await;
    };
    let mut serving = tokio::spawn(connections::serve(listener, router(app), LIMITS, stopping));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("asked to stop: ending what is being answered");
    drop(stop);
    bell.close();
    match tokio::time::timeout(STOPPING_MAX, &mut serving).await {
        Ok(ended) => Ok(ended?),
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
    let gateways = api::router(app.clone())
        .merge(health)
        .layer(CatchPanicLayer::new());
    let timing = from_fn_with_state(app.metrics.clone(), metrics::time_requests);
    LIMITS
        .bound(portal::router(app).merge(gateways))
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
