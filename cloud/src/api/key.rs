//! A gateway changes its key: the one that the cloud knows vouches for the next.
//!
//! A key that was replaced lately vouches too, so that a gateway that did not hear the answer
//! can ask again.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use common::digest;
use common::sync::{KeyReply, KeyRequest, key_text};

use super::error::Refusal;
use super::{Api, caller};
use crate::secret;

pub(super) async fn change(
    State(api): State<Api>,
    headers: HeaderMap,
    request: Result<Json<KeyRequest>, JsonRejection>,
) -> Result<Json<KeyReply>, Refusal> {
    let now = api.app.clock.now();
    let mut reader = api.app.store.read().await?;
    let key = caller(&mut reader, &headers).await?;
    let known = reader.keys_of_gateway(key).await?;
    reader.commit().await?;
    let Json(request) = request.map_err(|rejection| Refusal::Garbled(rejection.body_text()))?;
    digest::public_key(&request.public_key)
        .map_err(|error| Refusal::Garbled(format!("public_key: {error}")))?;
    let text = key_text(key.gateway, &request.public_key);
    let vouched = known
        .iter()
        .filter(|one| one.until.is_none_or(|until| now < until))
        .filter_map(|one| digest::public_key(&one.public_key).ok())
        .any(|one| request.signature.is_of(&one, &text));
    if !vouched {
        return Err(Refusal::Signature);
    }
    let token = secret::new();
    let mut transaction = api.app.store.write().await?;
    transaction
        .change_key(key, &request.public_key, &secret::hash(&token), now)
        .await?;
    transaction.commit().await?;
    tracing::info!(gateway.id = %key.gateway, "a gateway changed its key");
    Ok(Json(KeyReply { token }))
}
