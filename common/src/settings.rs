//! How both programs read their settings: a TOML file, and over it environment variables.
//!
//! `ENERVUE_GATEWAY__BUS__0__PORT=/dev/ttyUSB1` sets `port` of the first `[[bus]]`: the
//! prefix, then the keys, parted by two underscores, list elements by their position.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Why settings could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file is not TOML, or a key is unknown, missing or of the wrong kind; the message
    /// of the TOML reader shows the line.
    #[error("{0}")]
    File(String),
    /// A variable names a place that the file does not have.
    #[error("environment variable {0} does not fit the settings: {1}")]
    Variable(String, String),
}

/// The settings in `text`, with every variable of `variables` that starts with `prefix` and
/// two underscores laid over them.
///
/// # Errors
/// When text and variables do not make a `T`.
pub fn read<T: DeserializeOwned>(
    text: &str,
    prefix: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<T, SettingsError> {
    let start = format!("{prefix}__");
    let mut overrides: Vec<(String, String)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(&start)?.to_owned(), value)))
        .collect();
    if overrides.is_empty() {
        // Straight from the text, so that an error can show its line.
        return toml::from_str(text).map_err(|error| SettingsError::File(error.to_string()));
    }
    overrides.sort();
    let mut table: Table =
        toml::from_str(text).map_err(|error| SettingsError::File(error.to_string()))?;
    for (name, value) in overrides {
        let keys: Vec<String> = name.split("__").map(str::to_lowercase).collect();
        set(&mut table, &keys, &value)
            .map_err(|why| SettingsError::Variable(format!("{start}{name}"), why))?;
    }
    Value::Table(table)
        .try_into()
        .map_err(|error| SettingsError::File(error.to_string()))
}

fn set(table: &mut Table, keys: &[String], value: &str) -> Result<(), String> {
    match keys {
        [] => Err("it names no key".to_owned()),
        [key] => {
            table.insert(key.clone(), scalar(value));
            Ok(())
        }
        [key, rest @ ..] => {
            let inner = table
                .entry(key.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            descend(inner, key, rest, value)
        }
    }
}

fn descend(inner: &mut Value, key: &str, rest: &[String], value: &str) -> Result<(), String> {
    match (inner, rest) {
        (Value::Table(table), rest) => set(table, rest, value),
        (Value::Array(list), [position, rest @ ..]) => {
            let length = list.len();
            let index: usize = position
                .parse()
                .map_err(|_| format!("'{key}' is a list: expected a number"))?;
            match list.get_mut(index) {
                Some(Value::Table(table)) => set(table, rest, value),
                _ => Err(format!("'{key}' has {length} entries, counted from 0")),
            }
        }
        _ => Err(format!("'{key}' is a single value")),
    }
}

/// A variable is text; what reads as a TOML number or boolean is one.
fn scalar(value: &str) -> Value {
    let typed = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .filter(|typed| matches!(typed, Value::Integer(_) | Value::Boolean(_)));
    typed.unwrap_or_else(|| Value::String(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        name: String,
        #[serde(default)]
        bus: Vec<Bus>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Bus {
        port: String,
        baud: u32,
    }

    const TEXT: &str = "name = 'a'\n[[bus]]\nport = '/dev/ttyUSB0'\nbaud = 9600\n";

    fn read_with(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(TEXT, "X", owned)
    }

    #[test]
    fn a_variable_overrides_its_key_wherever_it_stands() {
        let settings = read_with(&[
            ("X__NAME", "b"),
            ("X__BUS__0__BAUD", "19200"),
            ("Y__NAME", "c"),
            ("X_NAME", "d"),
        ]);
        let bus = Bus {
            port: "/dev/ttyUSB0".to_owned(),
            baud: 19200,
        };
        assert_eq!(
            settings,
            Ok(Settings {
                name: "b".to_owned(),
                bus: vec![bus]
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let table = [
            ("X__BUS__1__BAUD", "1"),
            ("X__BUS__PORT", "1"),
            ("X__NAME__A", "1"),
        ];
        for (name, value) in table {
            let error = read_with(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert!(
            read_with(&[("X__NMAE", "b")])
                .unwrap_err()
                .to_string()
                .contains("nmae")
        );
        let wrong = read::<Settings>("name = 'a'\nport = 1\n", "X", [])
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("port") && wrong.contains('2'), "{wrong}");
    }
}
