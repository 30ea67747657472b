//! The profiles that a program knows: those that ship with it, and an installer's own.

use std::collections::{BTreeMap, BTreeSet};

use super::{Profile, ProfileError};

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
    "dzg-dvh4013",
    "eastron-sdm120",
    "eastron-sdm220",
    "eastron-sdm54",
    "eastron-sdm630",
    "eastron-sdm72d",
    "eastron-sdm72d-v2",
    "eltako-dsz15d",
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
}

impl Library {
    /// The profiles that ship with the product. A test parses every one of them.
    #[must_use]
    pub fn shipped() -> Self {
        let parsed = SHIPPED
            .iter()
            .filter_map(|(_, text)| Profile::parse(text).ok());
        Self {
            profiles: parsed
                .map(|profile| (profile.id.clone(), profile))
                .collect(),
            local: BTreeSet::new(),
        }
    }

    /// This library with an installer's own profiles, given as file name and text; one with
    /// the id of a shipped one takes its place.
    ///
    /// # Errors
    /// Names the first file that is no profile, or whose id another local file has.
    pub fn with_local(
        mut self,
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, LibraryError> {
        for (file, text) in files {
            let profile = match Profile::parse(&text) {
                Ok(profile) => profile,
                Err(error) => return Err(LibraryError { file, error }),
            };
            if !self.local.insert(profile.id.clone()) {
                let reason = format!("another local profile has the id '{}' too", profile.id);
                return Err(LibraryError {
                    file,
                    error: ProfileError { line: 1, reason },
                });
            }
            self.profiles.insert(profile.id.clone(), profile);
        }
        Ok(self)
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

#[cfg(test)]
pub(super) fn shipped_texts() -> &'static [(&'static str, &'static str)] {
    SHIPPED
}
