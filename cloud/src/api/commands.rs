//! What people ask of a gateway: it waits here for orders, and answers them.
//!
//! A request that waits holds no connection to the database: it looks when the bell of this
//! process rings, and every few seconds for what was asked of another node.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use common::sync::{COMMANDS_WAIT_SECONDS_MAX, CommandList, CommandResult};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::error::Refusal;
use super::{Api, caller};
use crate::bell::Woken;
use crate::store::commands::Answered;
use crate::store::gateways::GatewayKey;

/// How often it is looked for what another node was asked.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The most bytes of an answer.
const RESULT_BYTES_MAX: usize = 128 * 1024;
/// Lines of an answer that are kept; the largest profile has some sixty points.
const RESULT_LINES_MAX: usize = 200;
/// Characters that are kept of each text of an answer.
const RESULT_TEXT_CHARACTERS_MAX: usize = 400;

#[derive(Debug, Deserialize)]
pub(super) struct Wait {
    /// How long to wait when there is nothing; without it not at all.
    #[serde(default)]
    wait_s: u64,
}

pub(super) async fn wait(
    State(api): State<Api>,
    headers: HeaderMap,
    wait: Result<Query<Wait>, QueryRejection>,
) -> Result<Json<CommandList>, Refusal> {
    let Query(wait) = wait.map_err(|rejection| Refusal::Garbled(rejection.body_text()))?;
    let seconds = wait.wait_s.min(COMMANDS_WAIT_SECONDS_MAX);
    // Who listens before it looks misses nothing.
    let mut listener = api.app.bell.listen().ok_or(Refusal::Busy)?;
    let until = Instant::now() + Duration::from_secs(seconds);
    loop {
        let (key, list) = look(&api, &headers).await?;
        if !list.commands.is_empty() || Instant::now() >= until {
            return Ok(Json(list));
        }
        let next = until.min(Instant::now() + LOOK_EVERY);
        let heard = timeout_at(next, listener.heard(key.gateway)).await;
        if heard == Ok(Woken::Closing) {
            return Ok(Json(list));
        }
    }
}

/// Who asks, and what waits for it. A token that was revoked meanwhile is noticed too.
async fn look(api: &Api, headers: &HeaderMap) -> Result<(GatewayKey, CommandList), Refusal> {
    let mut transaction = api.app.store.read().await?;
    let now = api.app.clock.now();
    let key = caller(&mut transaction, headers).await?;
    let commands = transaction.waiting_commands(key, now).await?;
    transaction.commit().await?;
    Ok((key, CommandList { commands }))
}

pub(super) async fn answer(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let mut reader = api.app.store.read().await?;
    let key = caller(&mut reader, &headers).await?;
    reader.commit().await?;
    let id = id.parse().map_err(|_| Refusal::UnknownCommand)?;
    let body = body.map_err(|_| Refusal::TooLarge)?;
    if body.len() > RESULT_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut result: CommandResult = serde_json::from_slice(&body)
        .map_err(|error| Refusal::Garbled(format!("it is no answer to an order: {error}")))?;
    shorten(&mut result);
    let now = api.app.clock.now();
    let mut transaction = api.app.store.write().await?;
    let answered = transaction.answer_command(key, id, &result, now).await?;
    transaction.commit().await?;
    match answered {
        Answered::Kept | Answered::Again => Ok(StatusCode::NO_CONTENT),
        Answered::Unknown => Err(Refusal::UnknownCommand),
    }
}

/// Leaves of an answer what a page can show.
fn shorten(result: &mut CommandResult) {
    let cut = |text: &mut String| {
        if let Some((end, _)) = text.char_indices().nth(RESULT_TEXT_CHARACTERS_MAX) {
            text.truncate(end);
            text.push('…');
        }
    };
    result.lines.truncate(RESULT_LINES_MAX);
    result.error.iter_mut().for_each(cut);
    for line in &mut result.lines {
        cut(&mut line.name);
        cut(&mut line.value);
        line.error.iter_mut().for_each(cut);
    }
}
