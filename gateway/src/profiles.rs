//! The profiles this gateway knows: those that ship with it, and the site's own files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use common::profile::{Library, Profile, ProfileError};

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
    Ok(Library::shipped().with_local(local_files(directory)?)?)
}

/// The profile that the file at `path` describes. What it extends is looked up among the
/// shipped ones and its neighbours in `directory`, of which those that are wrong are passed
/// over.
///
/// # Errors
/// When a file cannot be read; what is wrong with the profile is the result.
pub fn check(
    path: &Path,
    directory: &Path,
) -> Result<Result<Profile, ProfileError>, ProfilesError> {
    let text = read(path)?;
    let mut library = Library::shipped();
    for (name, neighbour) in local_files(directory)? {
        if neighbour != text
            && let Ok(larger) = library.clone().with_local([(name, neighbour)])
        {
            library = larger;
        }
    }
    Ok(library.parse(&text))
}

/// Path and text of every `*.toml` in `directory`, which need not be there.
fn local_files(directory: &Path) -> Result<Vec<(String, String)>, ProfilesError> {
    let failed = |source| ProfilesError::Read {
        path: directory.to_owned(),
        source,
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
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
    Ok(files)
}

/// Profiles that are proposed for an id that none has.
const PROPOSED_MAX: usize = 3;
/// Letters in which a mistyped id may differ from the one that was meant.
const MISTYPED_MAX: usize = 2;

/// What to do about an `id` that no profile has: the ones that may be meant come first.
#[must_use]
pub fn advice(library: &Library, id: &str) -> String {
    let wanted = id.to_ascii_lowercase();
    let ids = || library.iter().map(|profile| profile.id.as_str());
    let contains = |id: &&str| wanted.len() > MISTYPED_MAX && id.contains(&wanted);
    let mut near: Vec<&str> = ids().filter(contains).take(PROPOSED_MAX).collect();
    if near.is_empty() {
        let mistyped = |id: &&str| strsim::osa_distance(id, &wanted) <= MISTYPED_MAX;
        near.extend(ids().filter(mistyped).take(PROPOSED_MAX));
    }
    let list = "`enervue-gateway profile list WORD` finds it by vendor, model or medium";
    match near.as_slice() {
        [] => list.to_owned(),
        near => format!("did you mean {}? {list}", near.join(" or ")),
    }
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

    #[test]
    fn an_id_that_is_nearly_right_brings_the_right_one() {
        let library = Library::shipped();
        for (typed, meant) in [
            ("eastron-sdm12", "did you mean eastron-sdm120?"),
            ("sdm120", "did you mean eastron-sdm120?"),
            ("Estron-SDM630", "did you mean eastron-sdm630?"),
            ("pzem-061", "did you mean pzem-016?"),
            ("tuf-2000", "did you mean tuf-2000m or tuf-2000m-energy?"),
        ] {
            let advice = advice(&library, typed);
            assert!(advice.starts_with(meant), "{typed}: {advice}");
        }
        for nothing in ["", "m", "a-meter-of-the-moon"] {
            let advice = advice(&library, nothing);
            assert!(advice.starts_with("`enervue-gateway profile list"));
        }
    }

    #[test]
    fn a_file_may_extend_its_neighbour_or_what_ships() {
        let directory = tempfile::tempdir().unwrap();
        let own = include_str!("../../common/profiles/pzem-016.toml");
        let own = own.replace("id = \"pzem-016\"", "id = \"mine\"");
        fs::write(directory.path().join("mine.toml"), own).unwrap();
        let variant = directory.path().join("a-variant.toml");
        let text = |base: &str| {
            format!(
                "schema = 1\nid = \"variant\"\nextends = \"{base}\"\nmodels = [\"V\"]\n\
                 confidence = \"unverified\"\nsources = [\"its label\"]\n"
            )
        };
        for base in ["mine", "pzem-016"] {
            fs::write(&variant, text(base)).unwrap();
            let checked = check(&variant, directory.path()).unwrap().unwrap();
            assert_eq!(checked.extends.as_deref(), Some(base));
            let library = library(directory.path()).unwrap();
            let reference = library.get("variant").unwrap().reference();
            assert_eq!(reference, checked.reference());
            assert!(library.is_local("variant"));
        }
        fs::write(&variant, text("none")).unwrap();
        let wrong = check(&variant, directory.path()).unwrap().unwrap_err();
        assert_eq!(wrong.line, 3, "{wrong}");
    }
}
