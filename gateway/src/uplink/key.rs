//! The gateway changes its key: a new one is made, handed over by a signature of the old one,
//! and the cloud gives a token for it.
//!
//! Promises: wherever this breaks off, the identity file holds credentials that the cloud
//! accepts. The old ones are good until the new token is used, and it is not used before it
//! is on the disk, beside the old ones; those go when the cloud has answered to the new. If it
//! refuses the new, as one restored from a copy would, the old ones come back. Nobody else
//! may speak to the cloud as this gateway meanwhile.

use std::path::Path;

use common::digest::Signature;
use common::fail_point::fail_point;
use common::sync::{KeyRequest, key_text};
use ed25519_dalek::Signer as _;

use super::client::{Client, UplinkError};
use crate::identity::{Identity, IdentityError, Key};

/// Why the key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The cloud was away, or refused.
    #[error("the key was not changed: {0}")]
    Cloud(#[from] UplinkError),
    /// The disk did not take the new identity.
    #[error("the key was not changed: {0}")]
    Disk(#[from] IdentityError),
    /// The cloud gave a token for the new key and has not answered to it yet.
    #[error("the new key is kept, and used once the cloud answers to it: {0}")]
    Unproven(UplinkError),
    /// The cloud gave a token for the new key and then refused it.
    #[error("the cloud refused the token it gave for the new key, so the old one stays")]
    TakenBack,
}

/// Makes a new key and changes to it; tells the new identity, which is in the file already.
/// When the cloud falls silent before it has answered to the new token, the file holds both
/// and [`settle`] ends the change later.
///
/// # Errors
/// When the cloud or the disk refuses; the old key is then in force.
pub async fn change(
    identity: Identity,
    client: &Client,
    file: &Path,
) -> Result<Identity, KeyError> {
    let key = Key::generate();
    let public_key = key.public().unwrap_or_default();
    let text = key_text(identity.gateway, &public_key);
    let signature = identity.key.signing().map(|old| old.sign(text.as_bytes()));
    let request = KeyRequest {
        public_key,
        signature: Signature(signature.map_or([0; 64], |signature| signature.to_bytes())),
    };
    fail_point("key-change-before-request");
    let reply = client.change_key(&identity, &request).await?;
    fail_point("key-change-before-save");
    let changed = identity.with_key(key, reply);
    changed.save(file)?;
    fail_point("key-change-before-proof");
    let settled = settle(changed.clone(), client, file).await?;
    match settled.key == changed.key {
        true => Ok(settled),
        false => Err(KeyError::TakenBack),
    }
}

/// Ends a change of key that may have broken off: the identity that is good from now on.
///
/// # Errors
/// When the cloud has not spoken or the disk refuses; the file then holds what it held.
pub async fn settle(
    identity: Identity,
    client: &Client,
    file: &Path,
) -> Result<Identity, KeyError> {
    let Some(before) = identity.clone().before_change() else {
        return Ok(identity);
    };
    let settled = match client.devices(&identity).await {
        Ok(_) => identity.proven(),
        Err(UplinkError::Refused { status: 401, .. }) => {
            tracing::warn!("the cloud refuses the new key's token: the old key stays");
            before
        }
        Err(error) => return Err(KeyError::Unproven(error)),
    };
    fail_point("key-change-before-settled");
    settled.save(file)?;
    Ok(settled)
}
