//! The page that Prometheus fetches, and the listener of its own that serves it.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::portal::GATEWAY_AWAY_AFTER;
use crate::run::App;
use crate::store::gateways::GatewayStates;

/// What Prometheus asks for and gets.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// Serves the metrics for as long as it is let.
pub async fn serve(app: App, listener: TcpListener) {
    if let Err(error) = axum::serve(listener, router(app)).await {
        tracing::error!(%error, "metrics are no longer served");
    }
}

pub(super) fn router(app: App) -> Router {
    Router::new().route("/metrics", get(show)).with_state(app)
}

async fn show(State(app): State<App>) -> Response {
    match page(&app).await {
        Ok(page) => ([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response(),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(error, "the metrics cannot be told");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
        }
    }
}

async fn page(app: &App) -> anyhow::Result<String> {
    let mut registry = Registry::with_prefix("enervue_cloud");
    let build: Family<BuildLabels, Gauge> = Family::default();
    let version = env!("CARGO_PKG_VERSION");
    build.get_or_create(&BuildLabels { version }).set(1);
    registry.register("build_info", "The program, by its version", build);
    app.metrics.register(&mut registry);
    registry.register(
        "database_errors",
        "Statements and transactions that the database could not do",
        ConstCounter::new(app.store.errors()),
    );
    let now = app.clock.now();
    let heard_since = now.checked_sub(GATEWAY_AWAY_AFTER)?;
    let mut reader = app.store.read().await?;
    let due = reader.due_notices().await?;
    let states = reader.gateway_states(heard_since).await?;
    reader.commit().await?;
    registry.register(
        "notices_due",
        "Messages of all accounts that wait to be sent",
        ConstGauge::new(due),
    );
    let gateways: Family<StateLabels, Gauge> = Family::default();
    let GatewayStates {
        online,
        away,
        not_enrolled,
    } = states;
    let counts = [
        ("online", online),
        ("away", away),
        ("not_enrolled", not_enrolled),
    ];
    for (state, count) in counts {
        gateways.get_or_create(&StateLabels { state }).set(count);
    }
    registry.register("gateways", "Gateways of all accounts by state", gateways);
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}
