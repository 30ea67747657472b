//! The language and region in which a meter's invoices speak.

use std::fmt;
use std::str::FromStr;

use crate::written::written;

/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// The ISO 639 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// The language in the region where most of its readers live, for where nobody chose one.
    #[must_use]
    pub fn locale(self) -> Locale {
        let region = match self {
            Self::En => *b"US",
            Self::Es => *b"MX",
        };
        Locale {
            language: self,
            region,
        }
    }
}

impl FromStr for Language {
    type Err = LocaleError;
    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let known = Self::ALL
            .into_iter()
            .find(|language| language.code() == text);
        known.ok_or_else(|| LocaleError(text.chars().take(40).collect()))
    }
}

/// The text is not `en` or `es` with a two-letter region, such as `es-MX`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a language and region such as en-US or es-MX")]
pub struct LocaleError(String);

/// Language and ISO 3166 region: `es-MX` groups digits otherwise than `es-ES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale {
    language: Language,
    region: [u8; 2],
}

impl Locale {
    /// The language.
    #[must_use]
    pub fn language(self) -> Language {
        self.language
    }

    /// The region, two capital letters.
    #[must_use]
    pub fn region(self) -> String {
        self.region.iter().copied().map(char::from).collect()
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.language.code(), self.region())
    }
}

impl FromStr for Locale {
    type Err = LocaleError;
    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let wrong = || LocaleError(text.chars().take(40).collect());
        let (language, region) = text.split_once('-').ok_or_else(wrong)?;
        let region: [u8; 2] = region.as_bytes().try_into().map_err(|_| wrong())?;
        if !region.iter().all(u8::is_ascii_uppercase) {
            return Err(wrong());
        }
        Ok(Self {
            language: language.parse()?,
            region,
        })
    }
}

written!(Locale);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_a_known_language_and_a_region() {
        for text in ["en-US", "es-MX", "es-ES", "es-CO"] {
            assert_eq!(text.parse::<Locale>().unwrap().to_string(), text);
        }
        for text in ["", "es", "fr-FR", "es-mx", "es-MEX", "es_MX"] {
            assert!(text.parse::<Locale>().is_err(), "{text}");
        }
    }
}
