//! A code becomes a token.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use common::digest::public_key;
use common::fail_point::fail_point;
use common::sync::{EnrolReply, EnrolRequest, PROTOCOL_VERSION};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Api;
use super::error::Refusal;
use crate::name;
use crate::origin::client_address;
use crate::secret;

/// Tries a minute from one address: an installer mistypes a few.
const TRIES_FROM_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Tries a minute from everywhere. A code is one of 2^40 and lives 15 minutes.
const TRIES_FROM_EVERYWHERE: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
/// Addresses kept before those that are free again are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Counts the tries.
#[derive(Debug)]
pub(super) struct EnrolLimit {
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    everywhere: DefaultDirectRateLimiter,
}

impl EnrolLimit {
    pub(super) fn new() -> Self {
        Self {
            by_address: RateLimiter::keyed(Quota::per_minute(TRIES_FROM_ADDRESS)),
            everywhere: RateLimiter::direct(Quota::per_minute(TRIES_FROM_EVERYWHERE)),
        }
    }

    fn admit(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.by_address.len() > ADDRESSES_MAX {
            self.by_address.retain_recent();
        }
        let admitted =
            self.by_address.check_key(&address).is_ok() && self.everywhere.check().is_ok();
        if admitted {
            Ok(())
        } else {
            tracing::warn!(client.address = %address, "too many tries to enrol a gateway");
            Err(Refusal::TooManyTries)
        }
    }
}

pub(super) async fn enrol(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    request: Result<Json<EnrolRequest>, JsonRejection>,
) -> Result<Json<EnrolReply>, Refusal> {
    let app = &api.app;
    api.enrol_limit
        .admit(client_address(&app.config, peer, &headers))?;
    let Json(request) = request.map_err(|rejection| garbled(&rejection))?;
    if !request.protocols.contains(&PROTOCOL_VERSION) {
        let spoken: Vec<_> = request.protocols.iter().map(u32::to_string).collect();
        return Err(Refusal::Protocol(spoken.join(", ")));
    }
    if public_key(&request.public_key).is_err() {
        let message = "public_key is no Ed25519 public key in base 64";
        return Err(Refusal::Garbled(message.to_owned()));
    }
    let host =
        name::checked(&request.host).map_err(|error| Refusal::Garbled(format!("host: {error}")))?;

    let now = app.clock.now();
    let token = secret::new();
    let mut transaction = app.store.write().await?;
    let key = transaction
        .use_enrolment_code(&secret::enrolment_code_hash(&request.code), now)
        .await?
        .ok_or(Refusal::Code)?;
    transaction
        .enrol(key, &secret::hash(&token), &request.public_key, &host, now)
        .await?;
    let gateway = transaction.gateway(key.account, key.gateway).await?;
    let gateway = gateway.ok_or(Refusal::Code)?;
    let site = transaction.site(key.account, gateway.site).await?;
    let account = transaction.account(key.account).await?;
    fail_point("enrol-before-commit");
    transaction.commit().await?;
    fail_point("enrol-after-commit");
    tracing::info!(gateway.id = %key.gateway, account.id = %key.account, "gateway enrolled");
    Ok(Json(EnrolReply {
        gateway: key.gateway,
        token,
        gateway_name: gateway.name,
        site_name: site.map_or_else(String::new, |site| site.name),
        account_name: account.map_or_else(String::new, |account| account.name),
        protocol: PROTOCOL_VERSION,
    }))
}

fn garbled(rejection: &JsonRejection) -> Refusal {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            Refusal::Media("the request is no application/json".to_owned())
        }
        other => Refusal::Garbled(other.body_text()),
    }
}
