//! The published protocol holds together: page, schemas, examples and types say the same.

mod filled;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::digest::{Digest, public_key};
use common::id::{GatewayId, MeterId};
use common::reading::ClockTrust;
use common::seal::{Head, Seal};
use common::sync::{
    BATCH_BYTES_MAX, BATCH_READINGS_MAX, Batch, BatchReply, CLOSING_TOLERANCE_SECONDS, KeyRequest,
    key_text,
};
use common::unit::Unit;
use ed25519_dalek::SigningKey;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tests::process;
use tests::program::workspace;

use crate::outside::python;

/// The secret of RFC 8032, section 7.1, test 1.
const SECRET: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn folder() -> PathBuf {
    workspace().join("common/protocol")
}

fn page() -> String {
    std::fs::read_to_string(folder().join("README.md")).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The examples in a folder: message, case, content.
fn examples(under: &str) -> Vec<(String, String, Value)> {
    let entries = std::fs::read_dir(folder().join("v1").join(under)).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some())
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let (message, case) = stem.split_once('.').unwrap();
            (message.to_owned(), case.to_owned(), json(&path))
        })
        .collect()
}

/// What our types make of a message, written again.
type Through = fn(Value) -> Result<Value, String>;

fn through<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(read).unwrap())
}

fn messages() -> BTreeMap<&'static str, (Through, Value)> {
    BTreeMap::from([
        entry("enrol-request", &filled::enrol_request()),
        entry("enrol-reply", &filled::enrol_reply()),
        entry("devices-reply", &filled::device_list()),
        entry("batch-request", &filled::batch()),
        entry("batch-reply", &filled::batch_reply()),
        entry("commands-reply", &filled::commands()),
        entry("command-answer-request", &filled::command_result()),
        entry("key-request", &filled::key_request()),
        entry("key-reply", &filled::key_reply()),
        entry("problem", &filled::problem()),
    ])
}

fn entry<T: DeserializeOwned + Serialize>(
    name: &'static str,
    filled: &T,
) -> (&'static str, (Through, Value)) {
    (name, (through::<T>, serde_json::to_value(filled).unwrap()))
}

/// Whether everything in `part` is in `whole` too.
fn within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part.iter().all(|(name, value)| {
            let other = whole.get(name);
            other.is_some_and(|other| within(value, other))
        }),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(a, b)| within(a, b))
        }
        _ => part == whole,
    }
}

#[test]
fn every_example_is_read_and_written_again_as_it_was() {
    let messages = messages();
    let mut seen = BTreeSet::new();
    for (message, case, value) in examples("golden") {
        let (through, _) = messages[message.as_str()];
        let written = through(value.clone()).unwrap_or_else(|e| panic!("{message}.{case}: {e}"));
        match case.as_str() {
            // Members of a version to come are read over.
            "future" => {}
            "minimal" => assert!(within(&value, &written), "{message}.{case}: {written}"),
            _ => assert_eq!(value, written, "{message}.{case}"),
        }
        seen.insert(message);
    }
    let all: BTreeSet<String> = messages.keys().map(ToString::to_string).collect();
    assert_eq!(seen, all);
}

#[test]
fn no_damaged_example_is_read() {
    let messages = messages();
    let refused = examples("golden/refused");
    assert!(refused.len() > 20);
    for (message, case, value) in refused {
        let (through, _) = messages[message.as_str()];
        assert!(through(value).is_err(), "{message}.{case}");
    }
}

/// The schema that `$ref` in `file` leads to, and its file.
fn resolved(schema: &Value, file: &str) -> (Value, String) {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
        return (schema.clone(), file.to_owned());
    };
    let (to, path) = reference.split_once('#').unwrap_or((reference, ""));
    let to = if to.is_empty() { file } else { to };
    let whole = json(&folder().join("v1").join(to));
    let found = whole.pointer(path).unwrap();
    (found.clone(), to.to_owned())
}

/// Notes wherever `value` and `schema` do not name the same members.
fn compare(value: &Value, schema: &Value, file: &str, place: &str, faults: &mut Vec<String>) {
    let (schema, file) = resolved(schema, file);
    match value {
        Value::Object(members) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                faults.push(format!("{place}: the schema knows no members"));
                return;
            };
            let ours: BTreeSet<&String> = members.keys().collect();
            let theirs: BTreeSet<&String> = properties.keys().collect();
            for name in ours.symmetric_difference(&theirs) {
                faults.push(format!("{place}.{name} is in one of type and schema only"));
            }
            for (name, member) in members {
                if let Some(schema) = properties.get(name) {
                    compare(member, schema, &file, &format!("{place}.{name}"), faults);
                }
            }
            if schema.get("additionalProperties") != Some(&Value::Bool(true)) {
                faults.push(format!("{place} does not let others add members"));
            }
        }
        Value::Array(items) => {
            let first = items.first().expect("filled");
            compare(first, &schema["items"], &file, place, faults);
        }
        _ => {}
    }
}

#[test]
fn schemas_and_types_name_the_same_members() {
    let mut faults = Vec::new();
    for (message, (_, filled)) in messages() {
        let file = format!("{message}.schema.json");
        let schema = json(&folder().join("v1").join(&file));
        compare(&filled, &schema, &file, message, &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What the schema of the small parts lists under `name`.
fn listed(pointer: &str) -> Vec<String> {
    let types = json(&folder().join("v1/types.schema.json"));
    serde_json::from_value(types.pointer(pointer).unwrap().clone()).unwrap()
}

#[test]
fn the_codes_are_ours_and_the_page_names_each() {
    let units: Vec<_> = Unit::ALL.iter().map(|unit| unit.code()).collect();
    assert_eq!(listed("/$defs/quantity/properties/unit/enum"), units);
    let trust = ["trusted", "dated", "untrusted", "simulated"];
    assert_eq!(listed("/$defs/clock_trust/enum"), trust);
    assert!(
        trust
            .iter()
            .all(|code| ClockTrust::from_code(code).is_some())
    );
    let page = page();
    for code in units.iter().chain(&trust) {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
    for (_, (_, filled)) in messages() {
        let mut waiting = vec![&filled];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Object(members) => {
                    for (name, member) in members {
                        let code = ["`", "{", " "].map(|before| format!("{before}{name}"));
                        assert!(code.iter().any(|code| page.contains(code)), "{name}");
                        waiting.push(member);
                    }
                }
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
    }
}

#[test]
fn the_page_names_the_limits_of_the_programs() {
    let page = page();
    assert_eq!(BATCH_READINGS_MAX, 2_000);
    assert_eq!(BATCH_BYTES_MAX, 2 << 20);
    assert_eq!(CLOSING_TOLERANCE_SECONDS, 10 * 60);
    for limit in ["2,000 readings", "2 MiB", "**10 minutes**"] {
        assert!(page.contains(limit), "{limit}");
    }
}

fn bytes(hexadecimal: &str) -> [u8; 32] {
    hexadecimal.parse::<Digest>().unwrap().0
}

#[test]
fn the_worked_example_can_be_recomputed() {
    let key = SigningKey::from_bytes(&bytes(SECRET));
    let page = page();
    let table = |what: &str| {
        let (_, after) = page.split_once(&format!("| {what} | `")).unwrap();
        after.split('`').next().unwrap().to_owned()
    };
    assert_eq!(table("secret"), SECRET);
    let public = table("public key");
    assert_eq!(public_key(&public).unwrap(), key.verifying_key());

    let golden = json(&folder().join("v1/golden/batch-request.full.json"));
    let batch: Batch = serde_json::from_value(golden).unwrap();
    let reading = &batch.readings[0];
    assert_eq!(table("digest of the reading"), reading.digest().to_string());
    let (seal, head) = Seal::make(&key, MeterId(9), Head::default(), reading);
    assert_eq!(reading.seal, Some(seal.clone()));
    assert_eq!(table("digest of the link"), head.digest.to_string());
    assert_eq!(table("signature"), seal.signature.to_string());
    for text in [reading.canonical(), seal.text(reading)] {
        assert!(page.contains(&format!("```text\n{text}```\n")), "{text}");
    }
    // The chain of the examples goes on, and the reply names the last of them.
    let second = &batch.readings[3];
    let link = second.seal.as_ref().unwrap();
    link.check(&key.verifying_key(), head, second).unwrap();
    let reply = json(&folder().join("v1/golden/batch-reply.full.json"));
    let reply: BatchReply = serde_json::from_value(reply).unwrap();
    assert_eq!(reply.last_kept.unwrap().digest, second.digest());

    let golden = json(&folder().join("v1/golden/batch-request.losses.json"));
    let batch: Batch = serde_json::from_value(golden).unwrap();
    for loss in &batch.losses {
        let text = loss.text(batch.epoch);
        assert!(loss.signature.is_of(&key.verifying_key(), &text), "{text}");
    }
    let text = batch.losses[0].text(batch.epoch);
    assert!(page.contains(&format!("```text\n{text}```\n")), "{text}");

    let golden = json(&folder().join("v1/golden/key-request.full.json"));
    let request: KeyRequest = serde_json::from_value(golden).unwrap();
    let text = key_text(GatewayId(batch.epoch.0), &request.public_key);
    assert!(request.signature.is_of(&key.verifying_key(), &text));
    assert!(page.contains(&format!("```text\n{text}```\n")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_pass_their_schemas_and_damaged_ones_do_not() {
    let script = workspace().join("tests/outside/schemas.py");
    let folder = folder().join("v1");
    let arguments = [script, folder.clone()].map(|path| path.display().to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = process::run(&python(), &arguments).await.unwrap();
    let printed = printed.ok().unwrap();
    let found: Vec<(&str, &str)> = printed
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    for (example, verdict) in &found {
        let expected = match example.starts_with("refused/") {
            true => "refused",
            false => "good",
        };
        assert_eq!(*verdict, expected, "{example}");
    }
    let files = |under: &str| {
        let entries = std::fs::read_dir(folder.join(under)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some()).count()
    };
    assert_eq!(found.len(), files("golden") + files("golden/refused"));
}
