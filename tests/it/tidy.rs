//! The rules of style that a machine can check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tests::program::workspace;

const COLUMNS_MAX: usize = 100;
/// At 500 it is a question, here it is answered.
const LINES_MAX: usize = 600;

/// Every file under `folder` with one of these endings, with its text.
fn files(folder: &str, endings: &[&str]) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![workspace().join(folder)];
    while let Some(path) = waiting.pop() {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "node_modules" && name != "target" {
                let entries = std::fs::read_dir(&path).unwrap();
                waiting.extend(entries.map(|entry| entry.unwrap().path()));
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.insert(path.strip_prefix(workspace()).unwrap().to_owned(), text);
        }
    }
    found
}

fn sources() -> BTreeMap<PathBuf, String> {
    let folders = [
        "common/src",
        "gateway/src",
        "cloud/src",
        "tests/src",
        "tests/it",
    ];
    folders
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .collect()
}

/// The part of a source that ships: nothing from `#[cfg(test)]` on, no file of tests.
fn shipped(path: &Path, text: &str) -> Option<String> {
    let is_test = path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        matches!(
            part.as_ref(),
            "tests" | "it" | "tests.rs" | "testing.rs" | "testing"
        )
    });
    let product = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let code = product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    (!is_test).then(|| code.collect::<Vec<_>>().join("\n"))
}

fn none(faults: &[String]) {
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_source_says_what_it_is_and_stays_small() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let path = path.display();
        if !text.starts_with("//!") {
            faults.push(format!("{path}: does not begin with //! and what it is"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            faults.push(format!(
                "{path}: {lines} lines; more than {LINES_MAX} is two files"
            ));
        }
        for (number, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            // A text in quotes may be longer: breaking it would not make it clearer.
            if columns > COLUMNS_MAX && !line.contains('"') && !path.to_string().contains("tests") {
                faults.push(format!("{path}:{}: {columns} columns", number + 1));
            }
        }
        if path.to_string().ends_with("/mod.rs") {
            faults.push(format!("{path}: foo.rs beside foo/, never foo/mod.rs"));
        }
    }
    none(&faults);
}

#[test]
fn words_that_mislead_name_nothing() {
    let mut faults = Vec::new();
    let declarations = [
        "struct ", "enum ", "fn ", "mod ", "trait ", "type ", "const ",
    ];
    for (path, text) in sources() {
        if path.ends_with("it/tidy.rs") {
            continue;
        }
        for word in ["tenant", "utils", "helper", "manager"] {
            if path.display().to_string().contains(word) {
                faults.push(format!("{}: named by '{word}'", path.display()));
            }
            for (number, line) in text.lines().enumerate() {
                let declares = declarations.iter().any(|keyword| {
                    let after = line.split(keyword).nth(1).unwrap_or_default();
                    let is_name = |c: char| c.is_alphanumeric() || c == '_';
                    let name: String = after.chars().take_while(|c| is_name(*c)).collect();
                    name.to_lowercase().contains(word)
                });
                if declares {
                    faults.push(format!("{}:{}: '{word}'", path.display(), number + 1));
                }
            }
        }
        for mark in ["TODO", "FIXME", "XXX", "unimplemented!", "todo!"] {
            if text.contains(mark) {
                faults.push(format!("{}: '{mark}'", path.display()));
            }
        }
    }
    none(&faults);
}

#[test]
fn common_depends_on_what_crosses_the_wire_alone() {
    let allowed = [
        "base64",
        "ed25519-dalek",
        "jiff",
        "rust_decimal",
        "serde",
        "sha2",
        "thiserror",
        "toml",
    ];
    let manifest = std::fs::read_to_string(workspace().join("common/Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    let allowed: BTreeSet<&str> = allowed.into_iter().collect();
    let other: Vec<&String> = names
        .filter(|name| !allowed.contains(name.as_str()))
        .collect();
    assert!(other.is_empty(), "common may not depend on {other:?}");
}

#[test]
fn the_core_is_pure() {
    let core = [
        "common/src/",
        "gateway/src/schedule",
        "gateway/src/plausible",
        "gateway/src/load",
        "gateway/src/poll/cycle",
        "gateway/src/poll/sweep",
        "gateway/src/reading.rs",
        "cloud/src/billing/",
        "cloud/src/billing.rs",
        "cloud/src/access",
        "cloud/src/notice.rs",
        "cloud/src/plan.rs",
        "cloud/src/proof.rs",
        "cloud/src/proof/",
        "cloud/src/currency.rs",
        "cloud/src/site.rs",
        "cloud/src/account.rs",
        "cloud/src/format.rs",
    ];
    let outside = [
        "tokio",
        "rusqlite",
        "reqwest",
        "axum",
        "lettre",
        "teloxide",
        "tracing",
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
    ];
    let mut faults = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        let name = path.display().to_string();
        if !core.iter().any(|room| name.starts_with(room)) {
            continue;
        }
        let Some(code) = shipped(&path, &text) else {
            continue;
        };
        seen += 1;
        for word in outside {
            if code.contains(&format!("{word}::")) || code.contains(&format!("use {word};")) {
                faults.push(format!("{name}: the core knows no {word}"));
            }
        }
    }
    assert!(seen > 20, "the rooms of the core have moved: {seen}");
    none(&faults);
}

/// The word, and the only rooms whose files may say it.
const DOORS: [(&str, &[&str]); 9] = [
    ("rusqlite", &["gateway/src/buffer", "cloud/src/store"]),
    ("tokio_postgres", &["cloud/src/store"]),
    ("tokio_serial", &["gateway/src/bus", "gateway/src/simulate"]),
    ("reqwest", &["gateway/src/uplink"]),
    ("lettre", &["cloud/src/mail"]),
    ("teloxide", &["cloud/src/telegram"]),
    (
        "rust_xlsxwriter",
        &["cloud/src/excel", "gateway/src/cli/buffer/excel.rs"],
    ),
    ("krilla", &["cloud/src/document"]),
    ("argon2", &["cloud/src/portal/password.rs"]),
];

#[test]
fn every_outside_thing_has_one_door() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let name = path.display().to_string();
        let Some(code) = shipped(&path, &text).filter(|_| !name.starts_with("tests/")) else {
            continue;
        };
        for (thing, rooms) in DOORS {
            let says =
                code.contains(&format!("{thing}::")) || code.contains(&format!("use {thing};"));
            if says && !rooms.iter().any(|room| name.starts_with(room)) {
                faults.push(format!("{name}: {thing} belongs into {rooms:?}"));
            }
        }
        let sql_rooms = ["gateway/src/buffer", "cloud/src/store"];
        let says_sql = ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE FROM "];
        let is_room = sql_rooms.iter().any(|room| name.starts_with(room));
        if !is_room && says_sql.iter().any(|start| code.contains(start)) {
            faults.push(format!("{name}: SQL belongs into {sql_rooms:?}"));
        }
    }
    none(&faults);
}

#[test]
fn every_text_is_there_in_both_languages() {
    let texts = files("cloud/texts", &[".ftl"]);
    let ids = |text: &str| -> BTreeSet<String> {
        let messages = text.lines().filter_map(|line| line.split_once(" ="));
        let named = messages.filter(|(id, _)| id.starts_with(|c: char| c.is_ascii_lowercase()));
        named.map(|(id, _)| id.to_owned()).collect()
    };
    let mut faults = Vec::new();
    for (path, text) in &texts {
        let name = path.display().to_string();
        let other = match name.strip_suffix(".en.ftl") {
            Some(stem) => format!("{stem}.es.ftl"),
            None => name.replace(".es.ftl", ".en.ftl"),
        };
        match texts.get(Path::new(&other)) {
            None => faults.push(format!("{name}: there is no {other}")),
            Some(pair) => {
                let missing: Vec<_> = ids(text).difference(&ids(pair)).cloned().collect();
                if !missing.is_empty() {
                    faults.push(format!("{other}: lacks {}", missing.join(", ")));
                }
            }
        }
        let is_spanish = name.ends_with(".es.ftl");
        let cut = |word: &str| word.trim_matches(|c: char| !c.is_alphabetic()) == "corte";
        if is_spanish && text.to_lowercase().split_whitespace().any(cut) {
            faults.push(format!(
                "{name}: 'corte' is the day the supply is cut: 'cierre'"
            ));
        }
    }
    assert!(texts.len() >= 4, "the texts have moved");
    none(&faults);
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    let mut faults = Vec::new();
    let endings = [
        ".rs", ".md", ".toml", ".sql", ".html", ".service", ".ftl", ".css", ".json",
    ];
    for folder in [
        "common",
        "gateway",
        "cloud",
        "tests",
        "packaging",
        "systemd",
    ] {
        for (path, text) in files(folder, &endings) {
            for word in ["/root/", "/home/"] {
                if text.contains(word) && !path.ends_with("it/tidy.rs") {
                    faults.push(format!("{}: '{word}'", path.display()));
                }
            }
        }
    }
    none(&faults);
}
