//! The profiles that a program knows: those that ship with it, and an installer's own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::extend::extends_of;
use super::{Profile, ProfileError, check};

/// File name and text of each named profile.
macro_rules! files {
    ($($id:literal),+ $(,)?) => {
        &[$((concat!($id, ".toml"), include_str!(concat!("../../profiles/", $id, ".toml")))),+]
    };
}

const SHIPPED: &[(&str, &str)] = files![
    "abb-a43",
    "abb-b21",
    "abb-b23",
    "acrel-adl3000-e",
    "acrel-adw300",
    "aquametro-calec-st",
    "arad-octave",
    "badger-m2000",
    "bernecker-mpm3pm",
    "bgetech-ds100",
    "bgetech-ws100",
    "carlo-gavazzi-em111",
    "carlo-gavazzi-em24",
    "carlo-gavazzi-em24-e1",
    "carlo-gavazzi-em340",
    "carlo-gavazzi-em540",
    "chint-ddsu666",
    "chint-dtsu666",
    "circutor-cem-c",
    "ddm18sd",
    "dds024mr",
    "dynasonics-tfx-5000",
    "dynasonics-tfx-5000-energy",
    "dynasonics-tfx-ultra",
    "dynasonics-tfx-ultra-energy",
    "dzg-dvh4013",
    "eastron-sdm120",
    "eastron-sdm220",
    "eastron-sdm54",
    "eastron-sdm630",
    "eastron-sdm72d",
    "eastron-sdm72d-v2",
    "eltako-dsz15d",
    "equysis-ultra-tt",
    "finder-7e23",
    "finder-7m24",
    "finder-7m38",
    "hiking-dds238-1",
    "hiking-dds238-2",
    "inepro-pro380",
    "janitza-b23",
    "janitza-umg-604",
    "janitza-umg-96rm",
    "krohne-ifc-300",
    "lovato-dmg610",
    "noark-ex9em",
    "onicon-system-10",
    "onicon-system-10-dual",
    "onicon-system-30",
    "orno-we-504",
    "orno-we-514",
    "orno-we-516",
    "orno-we-525",
    "pzem-016",
    "saia-burgess-ald1",
    "saia-burgess-ale3-b5",
    "saia-burgess-ale3-d5",
    "schneider-iem3000",
    "schneider-pm3200",
    "schneider-pm5000",
    "schneider-pm700",
    "schneider-pm800",
    "siemens-mag-6000",
    "siemens-pac",
    "siemens-uh50",
    "socomec-countis-e23",
    "socomec-countis-e34",
    "socomec-diris-a10",
    "socomec-diris-a14",
    "spirax-tva",
    "tecfluid-mx4b",
    "tuf-2000m",
    "tuf-2000m-energy",
    "wago-879-3000",
    "wirenboard-mwac-v2",
    "xintai-water",
];

/// A local profile that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profile {file}: {error}")]
pub struct LibraryError {
    /// The file's name.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub error: ProfileError,
}

/// Profiles by id.
#[derive(Debug, Clone, Default)]
pub struct Library {
    profiles: BTreeMap<String, Profile>,
    local: BTreeSet<String>,
    /// The texts of those that are complete, which others may extend.
    complete: BTreeMap<String, Cow<'static, str>>,
}

impl Library {
    /// The profiles that ship with the product. A test parses every one of them.
    #[must_use]
    pub fn shipped() -> Self {
        let mut library = Self::default();
        let files = SHIPPED
            .iter()
            .map(|(file, text)| (*file, Cow::Borrowed(*text)));
        for (_, text) in bases_first(files) {
            if let Ok(profile) = library.parse(&text) {
                library.insert(profile, text);
            }
        }
        library
    }

    /// This library with an installer's own profiles, given as file name and text; one with
    /// the id of a shipped one takes its place, and may extend it.
    ///
    /// # Errors
    /// Names the first file that is no profile, or whose id another local file has.
    pub fn with_local(
        mut self,
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, LibraryError> {
        let files = files
            .into_iter()
            .map(|(file, text)| (file, Cow::Owned(text)));
        for (file, text) in bases_first(files) {
            let profile = match self.parse(&text) {
                Ok(profile) => profile,
                Err(error) => return Err(LibraryError { file, error }),
            };
            if !self.local.insert(profile.id.clone()) {
                let error = ProfileError {
                    line: 1,
                    base: None,
                    reason: format!("another local profile has the id '{}' too", profile.id),
                };
                return Err(LibraryError { file, error });
            }
            self.insert(profile, text);
        }
        Ok(self)
    }

    /// The profile that `text` describes, as [`Profile::parse`] has it; one that extends
    /// another finds it here: an installer's own before a shipped one, if it is complete.
    ///
    /// # Errors
    /// With the line and the reason, when the text is not a profile.
    pub fn parse(&self, text: &str) -> Result<Profile, ProfileError> {
        let base = extends_of(text).and_then(|id| self.complete.get(&id));
        check::profile(text, base.map(Cow::as_ref))
    }

    fn insert(&mut self, profile: Profile, text: Cow<'static, str>) {
        if profile.extends.is_none() {
            self.complete.insert(profile.id.clone(), text);
        }
        self.profiles.insert(profile.id.clone(), profile);
    }

    /// The profile of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Profile> {
        self.profiles.get(id)
    }

    /// Whether the profile is an installer's own.
    #[must_use]
    pub fn is_local(&self, id: &str) -> bool {
        self.local.contains(id)
    }

    /// Every profile, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }
}

/// The files with those that extend another behind all that are complete.
fn bases_first<F>(
    files: impl IntoIterator<Item = (F, Cow<'static, str>)>,
) -> Vec<(F, Cow<'static, str>)> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(_, text)| extends_of(text).is_some());
    files
}

#[cfg(test)]
pub(super) fn shipped_texts() -> &'static [(&'static str, &'static str)] {
    SHIPPED
}
