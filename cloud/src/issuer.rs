//! The issuer's key: what signs the invoices of an installation. A file with 32 secret bytes
//! in base64, made at the first start, readable by the server's user alone.
//!
//! Promises: one installation has one key. The database says which; a server that has another,
//! or none, does not start, so that no invoice is ever signed by a key that nobody expects.
//! It lacks a change of the key: a lost one is restored from its copy.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::digest::{fingerprint, public_key};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;

use crate::store::{Store, StoreError};

/// The most bytes of the file.
const BYTES_MAX: u64 = 1_024;
/// For its owner alone.
const PRIVATE: u32 = 0o600;

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The file cannot be read or made.
    #[error("the issuer's key {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no key.
    #[error(
        "{0} is no issuer's key: it is damaged. Restore it from its copy; no other key can sign \
         the invoices of this database"
    )]
    Damaged(PathBuf),
    /// Others can read it.
    #[error("{0} can be read by others: whoever has it can sign invoices. chmod 600 {0}")]
    Open(PathBuf),
    /// The file is not there, and the database knows a key.
    #[error(
        "{path} is not there, and the invoices of this database are signed by the key \
         {expected}: restore it from its copy, or name its file in [issuer] key_file"
    )]
    Lost {
        /// Which file.
        path: PathBuf,
        /// The fingerprint of the key that signed.
        expected: String,
    },
    /// It is another key than the database's.
    #[error(
        "{path} holds the key {found}, and the invoices of this database are signed by the key \
         {expected}: all servers on one database share one key file"
    )]
    Another {
        /// Which file.
        path: PathBuf,
        /// The fingerprint of the key in it.
        found: String,
        /// The fingerprint of the key that signed.
        expected: String,
    },
    /// The database cannot say.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The public half of a key, base64.
#[must_use]
pub fn public_half(key: &SigningKey) -> String {
    BASE64.encode(key.verifying_key().as_bytes())
}

/// The key in the file at `path`, which is made if neither it nor the database has one.
///
/// # Errors
/// When it cannot be had, or is not the one of the database.
pub async fn open(store: &Store, path: &Path, now: Timestamp) -> Result<SigningKey, IssuerError> {
    let known = store.read().await?.issuer_key().await?;
    let key = match (read(path)?, &known) {
        (Some(key), _) => key,
        (None, None) => make(path)?,
        (None, Some(expected)) => {
            let (path, expected) = (path.to_owned(), shown(expected));
            return Err(IssuerError::Lost { path, expected });
        }
    };
    let public = public_half(&key);
    let mut writer = store.write().await?;
    writer.keep_issuer_key(&public, now).await?;
    let kept = writer.issuer_key().await?.unwrap_or_default();
    writer.commit().await?;
    if kept == public {
        return Ok(key);
    }
    Err(IssuerError::Another {
        path: path.to_owned(),
        found: shown(&public),
        expected: shown(&kept),
    })
}

/// A public key as people compare it.
fn shown(public: &str) -> String {
    public_key(public).map_or_else(|_| public.to_owned(), |key| fingerprint(&key))
}

fn read(path: &Path) -> Result<Option<SigningKey>, IssuerError> {
    let at = |source| IssuerError::File {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(at)?,
    };
    if file.metadata().map_err(at)?.mode() & 0o077 != 0 {
        return Err(IssuerError::Open(path.to_owned()));
    }
    let mut text = String::new();
    let damaged = || IssuerError::Damaged(path.to_owned());
    file.take(BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|_| damaged())?;
    let bytes = BASE64.decode(text.trim_end()).map_err(|_| damaged())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| damaged())?;
    Ok(Some(SigningKey::from_bytes(&bytes)))
}

/// Makes the file whole or not at all; whoever was first has made the key.
fn make(path: &Path) -> Result<SigningKey, IssuerError> {
    let at = |source| IssuerError::File {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder).map_err(at)?;
    let beside = path.with_extension(format!("{:016x}.new", rand::random::<u64>()));
    let text = format!("{}\n", BASE64.encode(rand::random::<[u8; 32]>()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&beside)
        .map_err(at)?;
    file.write_all(text.as_bytes()).map_err(at)?;
    file.sync_all().map_err(at)?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside).map_err(at)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(error)),
        _ => {}
    }
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(at)?;
    read(path)?.ok_or_else(|| at(io::ErrorKind::NotFound.into()))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::store::testing::on_both_engines;

    /// A key for the tests of everything that issues.
    pub(crate) fn key() -> SigningKey {
        SigningKey::from_bytes(&[11; 32])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_installation_has_one_key_and_another_is_refused() {
        on_both_engines(async |store| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state").join("issuer.key");
            let now = Timestamp::UNIX_EPOCH;
            let key = open(&store, &path, now).await.unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, PRIVATE);
            assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
            // The next start, and another server with the same file, have the same.
            assert_eq!(open(&store, &path, now).await.unwrap(), key);

            let other = folder.path().join("other.key");
            let lost = open(&store, &other, now).await.unwrap_err();
            assert!(matches!(lost, IssuerError::Lost { .. }), "{lost}");
            assert!(!other.exists(), "nothing is made in its place");
            make(&other).unwrap();
            let another = open(&store, &other, now).await.unwrap_err().to_string();
            let expected = fingerprint(&key.verifying_key());
            assert!(another.contains(&expected), "{another}");

            fs::write(&other, "AAAA\n").unwrap();
            let damaged = open(&store, &other, now).await.unwrap_err();
            assert!(matches!(damaged, IssuerError::Damaged(_)), "{damaged}");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let open = open(&store, &path, now).await.unwrap_err();
            assert!(matches!(open, IssuerError::Open(_)), "{open}");
        })
        .await;
    }

    #[test]
    fn of_many_that_make_it_at_once_all_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer.key");
        let made: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || make(&path).unwrap())
            })
            .collect();
        let keys: Vec<_> = made.into_iter().map(|one| one.join().unwrap()).collect();
        assert!(keys.iter().all(|key| key == &keys[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
