//! Who this gateway is: its Ed25519 key, made here and never sent, and what the cloud gave
//! it when it was enrolled. Kept in `identity.json`, readable by the daemon alone; secrets
//! are not printed, not even by `{:?}`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::digest::fingerprint;
use common::id::GatewayId;
use common::sync::{EnrolReply, KeyReply};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::files;

/// The most bytes an identity may have.
const BYTES_MAX: u64 = 64 * 1024;

/// Why there is no identity where one is needed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not one that this program wrote.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A text that must not be seen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// The gateway's own key pair, as base64 of the 32 secret bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Secret);

/// The public half of a key; as JSON the object `enervue.key/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownKey {
    /// The key, base64.
    pub public_key: String,
    /// Its short form, by which people compare it.
    pub fingerprint: String,
}

impl Key {
    /// A new key of random bytes.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret(BASE64.encode(rand::random::<[u8; 32]>())))
    }

    /// What signs; `None` when the secret half is damaged.
    #[must_use]
    pub fn signing(&self) -> Option<SigningKey> {
        let bytes = BASE64.decode(self.0.reveal()).ok()?;
        Some(SigningKey::from_bytes(&bytes.try_into().ok()?))
    }

    /// The public half, base64; `None` when the secret half is damaged.
    #[must_use]
    pub fn public(&self) -> Option<String> {
        Some(BASE64.encode(self.signing()?.verifying_key().as_bytes()))
    }

    /// What may be seen of it; `None` when the secret half is damaged.
    #[must_use]
    pub fn shown(&self) -> Option<ShownKey> {
        Some(ShownKey {
            public_key: self.public()?,
            fingerprint: fingerprint(&self.signing()?.verifying_key()),
        })
    }
}

/// Who this gateway is, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The cloud's address.
    pub url: String,
    /// The identity under which the cloud keeps the readings.
    pub gateway: GatewayId,
    /// What authenticates requests.
    pub token: Secret,
    /// What signs seals.
    pub key: Key,
    /// The name the integrator gave the gateway.
    pub gateway_name: String,
    /// The site it stands on.
    pub site_name: String,
    /// The account it belongs to.
    pub account_name: String,
    /// The version of the protocol that both speak.
    pub protocol: u32,
    /// What was good before the key was changed, for as long as the cloud has not answered
    /// to what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Credentials>,
}

/// What makes a gateway be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// What authenticates requests.
    pub token: Secret,
    /// What signs seals.
    pub key: Key,
}

impl Identity {
    /// The identity that the cloud at `url` gave to the holder of `key`.
    #[must_use]
    pub fn new(url: &str, key: Key, reply: EnrolReply) -> Self {
        Self {
            url: url.to_owned(),
            gateway: reply.gateway,
            token: Secret(reply.token),
            key,
            gateway_name: reply.gateway_name,
            site_name: reply.site_name,
            account_name: reply.account_name,
            protocol: reply.protocol,
            previous: None,
        }
    }

    /// This identity with another key and the token that came for it; what was good until
    /// now is kept beside them.
    #[must_use]
    pub fn with_key(self, key: Key, reply: KeyReply) -> Self {
        let Self {
            token, key: old, ..
        } = self;
        Self {
            token: Secret(reply.token),
            key,
            previous: Some(Credentials { token, key: old }),
            ..self
        }
    }

    /// This identity once the cloud has answered to its token.
    #[must_use]
    pub fn proven(self) -> Self {
        Self {
            previous: None,
            ..self
        }
    }

    /// What this identity was before its key was changed; `None` when that is done with.
    #[must_use]
    pub fn before_change(self) -> Option<Self> {
        let Credentials { token, key } = self.previous?;
        Some(Self {
            token,
            key,
            previous: None,
            ..self
        })
    }

    /// The identity in the file at `path`, if there is one.
    ///
    /// # Errors
    /// When there is a file, but it cannot be read or is no identity.
    pub fn load(path: &Path) -> Result<Option<Self>, IdentityError> {
        let read = files::read(path, BYTES_MAX).map_err(|source| IdentityError::File {
            path: path.to_owned(),
            source,
        })?;
        let Some(bytes) = read else { return Ok(None) };
        let damaged = |why: String| IdentityError::Damaged {
            path: path.to_owned(),
            why,
        };
        let identity: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let previous = identity.previous.as_ref().map(|previous| &previous.key);
        if previous
            .into_iter()
            .chain([&identity.key])
            .any(|key| key.signing().is_none())
        {
            return Err(damaged("its key is not 32 bytes in base64".to_owned()));
        }
        Ok(Some(identity))
    }

    /// Keeps this identity in the file at `path`, whole or not at all.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), IdentityError> {
        let failed = |source| IdentityError::File {
            path: path.to_owned(),
            source,
        };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        files::write(path, &text, files::PRIVATE).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let reply = EnrolReply {
            protocol: 1,
            gateway: GatewayId(1),
            token: "tok-very-secret".to_owned(),
            gateway_name: "Cellar".to_owned(),
            site_name: "Plaza Norte".to_owned(),
            account_name: "Medidores SA".to_owned(),
        };
        Identity::new("https://cloud.example", Key::generate(), reply)
    }

    #[test]
    fn an_identity_is_kept_and_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity.json");
        assert!(Identity::load(&path).unwrap().is_none());
        let identity = identity();
        identity.save(&path).unwrap();
        assert_eq!(Identity::load(&path).unwrap().as_ref(), Some(&identity));
        let shown = format!("{identity:?}");
        assert!(!shown.contains("tok-very"), "{shown}");
        assert!(!shown.contains(identity.key.0.reveal()), "{shown}");
    }

    #[test]
    fn a_key_is_changed_with_the_way_back_open_until_it_is_proven() {
        let old = identity();
        let key = Key::generate();
        let reply = KeyReply {
            token: "tok-new-secret".to_owned(),
        };
        let new = old.clone().with_key(key.clone(), reply);
        assert_eq!((&new.key, new.token.reveal()), (&key, "tok-new-secret"));
        assert_eq!(new.clone().before_change().as_ref(), Some(&old));
        assert_eq!(new.clone().proven().before_change(), None);
        assert!(!format!("{new:?}").contains("tok-"), "{new:?}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity.json");
        new.save(&path).unwrap();
        assert_eq!(Identity::load(&path).unwrap(), Some(new));
    }

    #[test]
    fn a_damaged_identity_is_named_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity.json");
        let mut text = serde_json::to_value(identity()).unwrap();
        text["key"] = "AAAA".into();
        for wrong in ["{", &text.to_string()] {
            std::fs::write(&path, wrong).unwrap();
            let error = Identity::load(&path).unwrap_err().to_string();
            assert!(error.contains("damaged"), "{error}");
        }
    }

    #[test]
    fn the_public_key_belongs_to_the_secret_one() {
        // RFC 8032, test 1.
        let secret = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        let key = Key(Secret(secret.to_owned()));
        let public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(key.public().as_deref(), Some(public));
        assert_ne!(Key::generate(), Key::generate());
    }
}
