//! Texts: what the product says to people, in their language, from `texts/*.ftl`.
//!
//! Promises: both languages have the same texts with the same variables, and every text
//! that code or a template asks for exists (the tests beside this file prove it). Ids begin
//! with the area that owns them: `portal-`, `notice-`, `document-`, `excel-`, `billing-`,
//! `explain-`, `terms-`, `site-`; ask for them by a whole literal, so that the tests can see
//! it. Numbers and dates come in as text that `Format` made; a count comes in as a number only
//! where it chooses a plural.

use std::sync::LazyLock;

use common::locale::{Language, Locale};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

#[cfg(test)]
mod tests;

struct Source {
    name: &'static str,
    language: Language,
    text: &'static str,
}

macro_rules! source {
    ($name:literal, $language:ident) => {
        Source {
            name: $name,
            language: Language::$language,
            text: include_str!(concat!("../texts/", $name, ".ftl")),
        }
    };
}

static SOURCES: [Source; 16] = [
    source!("portal.en", En),
    source!("portal.es", Es),
    source!("notice.en", En),
    source!("notice.es", Es),
    source!("document.en", En),
    source!("document.es", Es),
    source!("excel.en", En),
    source!("excel.es", Es),
    source!("billing.en", En),
    source!("billing.es", Es),
    source!("explain.en", En),
    source!("explain.es", Es),
    source!("terms.en", En),
    source!("terms.es", Es),
    source!("site.en", En),
    source!("site.es", Es),
];

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::En));
static SPANISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Es));

fn bundle(language: Language) -> Bundle {
    let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Isolating marks would show as boxes in PDF and Excel.
    bundle.set_use_isolating(false);
    for source in SOURCES.iter().filter(|one| one.language == language) {
        let resource = FluentResource::try_new(source.text.to_owned());
        if let Err(errors) = bundle.add_resource(resource.unwrap_or_else(|(good, _)| good)) {
            tracing::error!(source = source.name, ?errors, "a text is defined twice");
        }
    }
    bundle
}

/// What fills a variable of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Text as it stands: a name, or what `Format` made.
    Text(&'a str),
    /// A count that chooses singular or plural.
    Count(i64),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg<'_> {
    fn from(count: i64) -> Self {
        Self::Count(count)
    }
}

/// The texts of one language. Cheap to make and to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    language: Language,
}

impl Text {
    /// The texts of the locale's language.
    #[must_use]
    pub fn new(locale: Locale) -> Self {
        Self::in_language(locale.language())
    }

    /// The texts of the language.
    #[must_use]
    pub fn in_language(language: Language) -> Self {
        Self { language }
    }

    /// The language.
    #[must_use]
    pub fn language(self) -> Language {
        self.language
    }

    /// The text `id`; the id itself if there is none, which the tests rule out.
    #[must_use]
    pub fn get(self, id: &str) -> String {
        self.with(id, &[])
    }

    /// The text `id` with its variables filled.
    #[must_use]
    pub fn with(self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let bundle: &Bundle = match self.language {
            Language::En => &ENGLISH,
            Language::Es => &SPANISH,
        };
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
            tracing::error!(id, "there is no such text");
            return id.to_owned();
        };
        let args: FluentArgs<'_> = args
            .iter()
            .map(|(name, arg)| {
                let value = match *arg {
                    Arg::Text(text) => FluentValue::from(text),
                    Arg::Count(count) => FluentValue::from(count),
                };
                (*name, value)
            })
            .collect();
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors);
        if !errors.is_empty() {
            tracing::error!(id, ?errors, "a text lacks a variable");
        }
        text.into_owned()
    }
}
