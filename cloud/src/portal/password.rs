//! Passwords: Argon2id, computed away from the threads that serve requests.
//!
//! Promises: checking takes as long for a person who does not exist as for one who does; at
//! most a few hashes are computed at once, because each takes 19 MiB. It lacks rules of
//! composition on purpose: length is what counts (NIST SP 800-63B, 3.1.1.2).

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// The least characters of a password.
pub(crate) const PASSWORD_CHARACTERS_MIN: usize = 10;
/// The most characters of a password; a longer one only costs time.
pub(crate) const PASSWORD_CHARACTERS_MAX: usize = 200;
/// How many are computed at once.
const AT_ONCE: usize = 2;

static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
/// What a password is checked against when there is no person: nobody knows its password.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let secret = crate::secret::new();
    compute(&secret).unwrap_or_default()
});

/// Why there is no hash.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub(crate) struct PasswordError(String);

fn compute(password: &str) -> Result<String, PasswordError> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    let hashed = hashed.map_err(|error| PasswordError(error.to_string()))?;
    Ok(hashed.to_string())
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PasswordError> {
    let place = Arc::clone(&PLACES).acquire_owned().await;
    let place = place.map_err(|error| PasswordError(error.to_string()))?;
    let done = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    });
    done.await.map_err(|error| PasswordError(error.to_string()))
}

/// The hash of a password, with a salt of its own.
///
/// # Errors
/// When it cannot be computed.
pub(crate) async fn hash(password: String) -> Result<String, PasswordError> {
    aside(move || compute(&password)).await?
}

/// Whether the password is the one of `hash`; with no hash the work is the same and the
/// answer no.
///
/// # Errors
/// When it cannot be computed.
pub(crate) async fn verify(password: String, hash: Option<String>) -> Result<bool, PasswordError> {
    aside(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let right = PasswordHash::new(&hash).is_ok_and(|parsed| {
            Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok()
        });
        known && right
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let kept = hash("correct horse".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$"), "{kept}");
        let again = hash("correct horse".to_owned()).await.unwrap();
        assert_ne!(kept, again);
        assert!(
            verify("correct horse".to_owned(), Some(kept.clone()))
                .await
                .unwrap()
        );
        assert!(!verify("wrong horse".to_owned(), Some(kept)).await.unwrap());
        assert!(!verify("correct horse".to_owned(), None).await.unwrap());
        assert!(
            !verify(String::new(), Some("garbage".to_owned()))
                .await
                .unwrap()
        );
    }
}
