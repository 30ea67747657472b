//! The profiles this gateway knows: those that ship with it, and the site's own files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use common::profile::Library;

/// Why the site's own profiles cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesError {
    /// The directory or a file in it cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no profile.
    #[error(transparent)]
    Wrong(#[from] common::profile::LibraryError),
}

/// The shipped profiles and every `*.toml` in `directory`, which need not be there; one with
/// the id of a shipped one takes its place.
///
/// # Errors
/// When a file there cannot be read or is no profile.
pub fn library(directory: &Path) -> Result<Library, ProfilesError> {
    let failed = |source| ProfilesError::Read {
        path: directory.to_owned(),
        source,
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Library::shipped()),
        other => other.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push((path.display().to_string(), read(&path)?));
        }
    }
    files.sort();
    Ok(Library::shipped().with_local(files)?)
}

/// The text of the profile at `path`.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<String, ProfilesError> {
    fs::read_to_string(path).map_err(|source| ProfilesError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sites_own_profiles_stand_beside_the_shipped_ones() {
        let directory = tempfile::tempdir().unwrap();
        assert!(library(&directory.path().join("none")).is_ok());
        let text = include_str!("../../common/profiles/pzem-016.toml");
        let own = text.replace("id = \"pzem-016\"", "id = \"mine\"");
        fs::write(directory.path().join("mine.toml"), &own).unwrap();
        fs::write(directory.path().join("notes.txt"), "not a profile").unwrap();
        let found = library(directory.path()).unwrap();
        assert!(found.is_local("mine") && !found.is_local("pzem-016"));
        let wrong = own.replace("value = \"38\"", "value = \"39\"");
        fs::write(directory.path().join("mine.toml"), wrong).unwrap();
        let refused = library(directory.path()).unwrap_err().to_string();
        assert!(
            refused.contains("mine.toml") && refused.contains("expected 39 Wh"),
            "{refused}"
        );
    }
}
