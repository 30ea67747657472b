//! Both languages have the same texts, and every text is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

const AREAS: [&str; 8] = [
    "portal", "notice", "document", "excel", "billing", "explain", "terms", "site",
];

/// Each id of a source with the variables its text names.
fn messages(source: &Source) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            line.split(' ').next().unwrap().clone_into(&mut current);
            let first = all.insert(current.clone(), BTreeSet::new()).is_none();
            assert!(first, "{} defines {current} twice", source.name);
        }
        for (_, rest) in line.match_indices('$').map(|(at, _)| line.split_at(at + 1)) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            // A dollar sign may also be money.
            if !name.is_empty() {
                all.get_mut(&current).unwrap().insert(name.to_owned());
            }
        }
    }
    all
}

fn defined() -> BTreeSet<String> {
    SOURCES
        .iter()
        .flat_map(|source| messages(source).into_keys())
        .collect()
}

#[test]
fn every_source_parses_and_keeps_to_its_area() {
    for source in &SOURCES {
        if let Err((_, errors)) = FluentResource::try_new(source.text.to_owned()) {
            panic!("{}: {errors:?}", source.name);
        }
        let area = source.name.split('.').next().unwrap();
        for id in messages(source).keys() {
            assert!(id.starts_with(&format!("{area}-")), "{}: {id}", source.name);
        }
    }
}

#[test]
fn both_languages_say_the_same_with_the_same_variables() {
    for pair in SOURCES.chunks(2) {
        let [english, spanish] = pair else {
            panic!("sources come in pairs")
        };
        assert_eq!(messages(english), messages(spanish), "{}", english.name);
    }
}

#[test]
fn every_text_that_is_asked_for_exists_and_none_is_left_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut asked = BTreeMap::new();
    collect(&root.join("src"), &mut asked);
    collect(&root.join("templates"), &mut asked);
    let defined = defined();
    let missing: Vec<_> = asked
        .iter()
        .filter(|(id, _)| !defined.contains(*id))
        .collect();
    assert!(missing.is_empty(), "asked for, not in texts/: {missing:?}");
    let unused: Vec<_> = defined
        .iter()
        .filter(|id| !asked.contains_key(*id))
        .collect();
    assert!(unused.is_empty(), "in texts/, never asked for: {unused:?}");
}

/// Every literal under `path` that has the shape of an id, with the file it is in.
fn collect(path: &Path, found: &mut BTreeMap<String, PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), found);
        }
        return;
    }
    let rust = path.extension().is_some_and(|extension| extension == "rs");
    if path.ends_with("tests.rs") || (!rust && !path.exists()) {
        return;
    }
    let Ok(text) = fs::read_to_string(path) else {
        return;
    };
    if rust {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        literals(code, path, found);
    } else {
        // In a template only what stands between braces is code.
        for (open, close) in [("{{", "}}"), ("{%", "%}")] {
            for part in text.split(open).skip(1) {
                literals(part.split(close).next().unwrap(), path, found);
            }
        }
    }
}

fn literals(code: &str, path: &Path, found: &mut BTreeMap<String, PathBuf>) {
    for area in AREAS {
        let opening = format!("\"{area}-");
        for (at, _) in code.match_indices(&opening) {
            let literal = code[at + 1..].split('"').next().unwrap();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if literal.len() > area.len() + 1 && literal.chars().all(plain) {
                found.insert(literal.to_owned(), path.to_owned());
            }
        }
    }
}

#[test]
fn variables_and_plurals_are_filled_without_invisible_marks() {
    let english = Text::in_language(Language::En);
    let spanish = Text::in_language(Language::Es);
    let days = |text: Text, n: i64| text.with("document-gaps", &[("days", n.into())]);
    assert_eq!(days(english, 1), "Hatched: 1 day without a closing reading");
    assert_eq!(
        days(english, 3),
        "Hatched: 3 days without a closing reading"
    );
    assert_eq!(days(spanish, 1), "Rayado: 1 día sin lectura de cierre");
    assert_eq!(days(spanish, 3), "Rayado: 3 días sin lectura de cierre");
    assert_eq!(english.get("no-such-text"), "no-such-text");
}
