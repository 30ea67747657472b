//! What gateways call: the sync protocol of [`common::sync`].
//!
//! A gateway is let in by a one-use code and known afterwards by its token. Whatever it asks
//! about is looked up under its own account; what is another's does not exist. Every answer
//! that is no success is a [`Problem`](common::sync::Problem) that says what to do.

mod batch;
mod commands;
mod devices;
mod enrol;
mod error;
mod key;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::{get, post};
use common::sync::{
    BATCH_BYTES_MAX, BATCH_PATH, COMMANDS_PATH, DEVICES_PATH, ENROL_PATH, KEY_PATH,
};
use tokio::sync::Semaphore;

use self::enrol::EnrolLimit;
use self::error::Refusal;
use crate::run::App;
use crate::secret;
use crate::store::Transaction;
use crate::store::gateways::GatewayKey;

/// Batches that are worked on at once; each may take some 20 MB while it is.
const BATCHES_MAX: usize = 16;

/// What the handlers share.
#[derive(Debug, Clone)]
struct Api {
    app: App,
    enrol_limit: Arc<EnrolLimit>,
    batches: Arc<Semaphore>,
}

/// The routes of the sync protocol.
pub fn router(app: App) -> Router {
    let api = Api {
        app,
        enrol_limit: Arc::new(EnrolLimit::new()),
        batches: Arc::new(Semaphore::new(BATCHES_MAX)),
    };
    Router::new()
        .route(ENROL_PATH, post(enrol::enrol))
        .route(DEVICES_PATH, get(devices::devices))
        .route(BATCH_PATH, post(batch::batch))
        .route(KEY_PATH, post(key::change))
        .route(COMMANDS_PATH, get(commands::wait))
        .route(&format!("{COMMANDS_PATH}/{{id}}"), post(commands::answer))
        .layer(DefaultBodyLimit::max(BATCH_BYTES_MAX))
        .with_state(api)
}

/// The gateway whose token a request carries.
async fn caller(transaction: &mut Transaction, headers: &HeaderMap) -> Result<GatewayKey, Refusal> {
    let token = token_hash(headers)?;
    let found = transaction.gateway_of_token(&token).await?;
    found.ok_or(Refusal::UnknownToken)
}

/// The hash of the token that a request carries.
fn token_hash(headers: &HeaderMap) -> Result<String, Refusal> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(Refusal::NoToken)?;
    Ok(secret::hash(token.trim()))
}
