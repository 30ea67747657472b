//! `profile list|show|check`: the device models this program knows, and whether a new file
//! is one.

use std::path::{Path, PathBuf};

use common::profile::{Library, LinkSetting, Merge, Parity, Point, Profile, Table};
use serde_json::{Value, json};

use super::{Exit, Failure, print};
use crate::config::Config;
use crate::profiles;

/// What the installer types after `profile`.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    #[command(subcommand)]
    command: ProfileCommand,
    /// The directory of your own profiles, one *.toml each [default: that of the default
    /// settings, /etc/enervue-gateway/profiles]
    #[arg(long, global = true, value_name = "DIR")]
    profile_dir: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum ProfileCommand {
    /// List the device models that are known, or those that the words name
    List {
        /// Only profiles with each of these in id, vendor, models or medium, e.g. water
        #[arg(value_name = "WORD")]
        words: Vec<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show one profile: its link, its points, what has to be set on the device
    Show {
        /// The profile's id, e.g. eastron-sdm630
        id: String,
        /// The number on the name plate, for models whose unit id follows from it
        #[arg(long, value_name = "NUMBER")]
        serial: Option<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Check a profile file and run its test vectors
    Check {
        /// The file
        file: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Runs `profile …`.
///
/// # Errors
/// When a file cannot be read or is no profile, or a profile is unknown.
pub fn run(args: &ProfileArgs) -> Result<(), Failure> {
    let default = || Config::default().profile_dir;
    let directory = args.profile_dir.clone().unwrap_or_else(default);
    match &args.command {
        ProfileCommand::List { words, json } => list(&profiles::library(&directory)?, words, *json),
        ProfileCommand::Show { id, serial, json } => show(
            &profiles::library(&directory)?,
            id,
            serial.as_deref(),
            *json,
        ),
        ProfileCommand::Check { file, json } => check(file, &directory, *json),
    }
}

fn list(library: &Library, words: &[String], json: bool) -> Result<(), Failure> {
    let named: Vec<&Profile> = library
        .iter()
        .filter(|profile| is_named(profile, words))
        .collect();
    if named.is_empty() {
        let error = format!("no profile is named by {}", words.join(" "));
        return Err(Failure::new(Exit::Usage, error)
            .remedy("use fewer words, or `enervue-gateway profile list` for all"));
    }
    if json {
        let profiles: Vec<Value> = named
            .iter()
            .map(|profile| described(profile, library))
            .collect();
        print::json("enervue.profiles/1", &json!({ "profiles": profiles }))?;
    } else {
        print::table(&rows(&named, library))?;
    }
    Ok(())
}

/// Whether each of the words is in what people call the model by.
fn is_named(profile: &Profile, words: &[String]) -> bool {
    let names = [&profile.id, &profile.vendor].into_iter();
    let names = names.chain(&profile.models).map(String::as_str);
    let names: Vec<&str> = names.chain([profile.medium.code()]).collect();
    let names = names.join(" ").to_lowercase();
    words
        .iter()
        .all(|word| names.contains(&word.to_lowercase()))
}

fn rows(named: &[&Profile], library: &Library) -> Vec<Vec<String>> {
    let header = [
        "Profile",
        "Medium",
        "Confidence",
        "Worked",
        "Computed",
        "Bills",
        "Models",
    ];
    let profiles = named.iter().map(|profile| {
        let bills: Vec<&str> = profile.billing_points().map(|point| &*point.id).collect();
        let local = if library.is_local(&profile.id) {
            " (local)"
        } else {
            ""
        };
        vec![
            format!("{}{local}", profile.id),
            profile.medium.code().to_owned(),
            profile.confidence.code().to_owned(),
            profile.worked_vectors.to_string(),
            profile.computed_vectors.to_string(),
            bills.join(", "),
            format!("{} {}", profile.vendor, profile.models.join(", ")),
        ]
    });
    let header = header.map(str::to_owned).to_vec();
    std::iter::once(header).chain(profiles).collect()
}

fn show(library: &Library, id: &str, serial: Option<&str>, json: bool) -> Result<(), Failure> {
    let profile = find(library, id)?;
    let unit_id = serial.map(|serial| unit_id(profile, serial)).transpose()?;
    if json {
        let mut object = described(profile, library);
        if let (Some(unit_id), Some(link)) = (unit_id, object.get_mut("link")) {
            link["unit_id_of_serial"] = json!(unit_id);
        }
        print::json("enervue.profile/1", &object)?;
    } else {
        let mut rows = facts(profile, library);
        if let (Some(unit_id), Some(serial)) = (unit_id, serial) {
            let text = format!("{unit_id} for the number {serial}");
            rows.push(vec!["unit id".to_owned(), text]);
        }
        print::table(&rows)?;
    }
    Ok(())
}

/// The unit id that follows from the number on the name plate.
fn unit_id(profile: &Profile, serial: &str) -> Result<u8, Failure> {
    let hint = profile.unit_id_hint.as_ref();
    let Some(formula) = hint.and_then(|hint| hint.formula) else {
        let error = format!("of '{}' no unit id follows from a number", profile.id);
        return Err(Failure::new(Exit::Usage, error)
            .remedy("read the unit id on its display, or scan the line"));
    };
    formula.unit_id(serial).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("no unit id follows from '{serial}'"))
            .remedy("type the whole number as it is printed on the name plate")
    })
}

fn find<'a>(library: &'a Library, id: &str) -> Result<&'a Profile, Failure> {
    library.get(id).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no profile '{id}'"))
            .remedy(profiles::advice(library, id))
    })
}

fn facts(profile: &Profile, library: &Library) -> Vec<Vec<String>> {
    let local = library.is_local(&profile.id);
    let origin = if local { "local" } else { "shipped" };
    let (worked, computed) = (profile.worked_vectors, profile.computed_vectors);
    let mut facts = vec![
        (
            "profile",
            format!(
                "{} ({origin}, test vectors: {worked} worked, {computed} computed)",
                profile.reference()
            ),
        ),
        ("vendor", profile.vendor.clone()),
        ("models", profile.models.join(", ")),
        ("medium", profile.medium.code().to_owned()),
        ("confidence", profile.confidence.code().to_owned()),
    ];
    let extends = profile.extends.iter();
    facts.extend(extends.map(|base| ("extends", base.clone())));
    facts.extend(links(profile));
    facts.extend(pauses(profile).map(|text| ("pauses", text)));
    facts.extend(profile.setup.iter().map(|step| ("setup", step.clone())));
    facts.extend(
        profile
            .sources
            .iter()
            .map(|source| ("source", source.clone())),
    );
    facts.extend(profile.points.iter().map(|point| {
        let (units, place) = (units(point).join("|"), place(profile, point));
        let rollover = point
            .rollover_text()
            .map_or_else(String::new, |text| format!(", starts again at {text}"));
        (
            point.role.code(),
            format!("{}, {units}, {place}{rollover}", point.id),
        )
    }));
    let row = |(word, text): (&str, String)| vec![word.to_owned(), text];
    facts.into_iter().map(row).collect()
}

/// The factory's link, the others that are known, and where the unit id is found.
fn links(profile: &Profile) -> Vec<(&'static str, String)> {
    let link = &profile.link;
    let factory = LinkSetting {
        baud: link.baud,
        parity: link.parity,
        stop_bits: link.stop_bits,
    };
    let factory = link_text(factory);
    let mut links = vec![(
        "link",
        format!("unit id {}, {factory} from the factory", link.unit_id),
    )];
    links.extend(
        link.alternatives
            .iter()
            .map(|other| ("or link", link_text(*other))),
    );
    let hint = profile.unit_id_hint.iter();
    links.extend(hint.map(|hint| ("unit id", hint.en.clone())));
    links
}

/// What the device needs beside a plain request and its reply; `None` when nothing.
fn pauses(profile: &Profile) -> Option<String> {
    let limits = &profile.limits;
    let mut needs = Vec::new();
    let mut need = |holds: bool, text: String| needs.extend(holds.then_some(text));
    let gap = limits.request_gap_ms;
    need(gap > 0, format!("{gap} ms before a request"));
    let gap = limits.unit_change_gap_ms;
    need(gap > 0, format!("{gap} ms when the unit changes"));
    let seconds = limits.min_poll_s;
    need(seconds > 0, format!("{seconds} s between polls"));
    let wake = profile.wake;
    need(wake > 0, format!("{wake} requests to wake it"));
    let wait = profile.refresh.map_or(0, |refresh| refresh.wait_ms);
    need(wait > 0, format!("asked again after {wait} ms"));
    let never = limits.merge == Merge::Never;
    need(never, "one register a request".to_owned());
    need(limits.no_exceptions, "never sends an exception".to_owned());
    (!needs.is_empty()).then(|| needs.join(", "))
}

/// Where a point is read: function code and the first register on the wire.
fn place(profile: &Profile, point: &Point) -> String {
    let requests = profile.requests(&[point.id.as_str()]);
    let places = requests.iter().map(|request| {
        let table = if request.table == Table::Holding {
            "FC03"
        } else {
            "FC04"
        };
        format!("{table} {:#06x} x{}", request.address, request.count)
    });
    places.collect::<Vec<_>>().join(", ")
}

fn units(point: &Point) -> Vec<&'static str> {
    point.units().iter().map(|unit| unit.code()).collect()
}

fn link_text(link: LinkSetting) -> String {
    let parity = match link.parity {
        Parity::None => 'N',
        Parity::Even => 'E',
        Parity::Odd => 'O',
    };
    format!("{} 8{parity}{}", link.baud, link.stop_bits)
}

fn described(profile: &Profile, library: &Library) -> Value {
    let points: Vec<Value> = profile
        .points
        .iter()
        .map(|point| {
            json!({
                "id": point.id,
                "role": point.role,
                "units": units(point),
                "rollover": point.rollover_text(),
            })
        })
        .collect();
    let link = &profile.link;
    json!({
        "id": profile.id,
        "reference": profile.reference(),
        "local": library.is_local(&profile.id),
        "extends": profile.extends,
        "medium": profile.medium,
        "vendor": profile.vendor,
        "models": profile.models,
        "confidence": profile.confidence,
        "sources": profile.sources,
        "setup": profile.setup,
        "link": {
            "unit_id": link.unit_id,
            "baud": link.baud,
            "parity": link.parity,
            "stop_bits": link.stop_bits,
        },
        "worked_vectors": profile.worked_vectors,
        "computed_vectors": profile.computed_vectors,
        "points": points,
    })
}

fn check(file: &Path, directory: &Path, json: bool) -> Result<(), Failure> {
    const SCHEMA: &str = "enervue.profile_check/1";
    match (profiles::check(file, directory)?, json) {
        (Ok(profile), false) => {
            let (worked, computed) = (profile.worked_vectors, profile.computed_vectors);
            print::line(&format!("ok: {worked} worked, {computed} computed vectors"))?;
        }
        (Ok(profile), true) => print::json(
            SCHEMA,
            &json!({
                "ok": true,
                "id": profile.id,
                "worked_vectors": profile.worked_vectors,
                "computed_vectors": profile.computed_vectors,
            }),
        )?,
        (Err(wrong), json) => {
            if json {
                let (line, base, error) = (wrong.line, &wrong.base, &wrong.reason);
                print::json(
                    SCHEMA,
                    &json!({ "ok": false, "line": line, "base": base, "error": error }),
                )?;
            }
            let error = format!("{}: {wrong}", file.display());
            let remedy = "correct the line; `profile show` of a shipped one shows a good example";
            return Err(Failure::new(Exit::Faults, error).remedy(remedy));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_model_and_what_it_bills() {
        let library = Library::shipped();
        let all: Vec<&Profile> = library.iter().collect();
        let rows = rows(&all, &library);
        assert_eq!(rows.len(), all.len() + 1);
        let onicon = rows
            .iter()
            .find(|row| row[0] == "onicon-system-10")
            .unwrap();
        assert_eq!(
            onicon[1..6],
            ["thermal", "two-sources", "1", "6", "energy_btu, energy_kwh"]
        );
    }

    #[test]
    fn a_meter_is_found_by_vendor_model_or_medium() {
        let library = Library::shipped();
        let found = |words: &[&str]| -> Vec<&str> {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let named = library.iter().filter(|profile| is_named(profile, &words));
            named.map(|profile| &*profile.id).collect()
        };
        assert_eq!(found(&["sdm120"]), ["eastron-sdm120"]);
        assert_eq!(found(&["Carlo", "EM340"]), ["carlo-gavazzi-em340"]);
        assert!(found(&["WATER"]).contains(&"badger-m2000"));
        assert_eq!(found(&[]).len(), library.iter().count());
        let none = list(&library, &["moon".to_owned()], false).unwrap_err();
        assert_eq!(none.exit, Exit::Usage);
    }

    #[test]
    fn one_profile_is_shown_with_link_setup_and_places() {
        let library = Library::shipped();
        let tuf = find(&library, "tuf-2000m").unwrap();
        let text = facts(tuf, &library).concat().join("\n");
        for part in [
            "9600 8N1",
            "M63 must be MODBUS_RTU",
            "m3|L|gal_us",
            "FC03 0x0008 x4",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let described = described(tuf, &library);
        assert_eq!(described["points"][0]["units"][2], "gal_us");
        assert_eq!(described["worked_vectors"], 0);
        assert_eq!(described["computed_vectors"], 7);
        assert_eq!(unit_id(tuf, "123").unwrap_err().exit, Exit::Usage);
        let unknown = find(&library, "tuf").unwrap_err();
        assert_eq!(
            (unknown.exit, &*unknown.error),
            (Exit::Usage, "there is no profile 'tuf'")
        );
    }

    #[test]
    fn a_file_is_checked_by_its_own_vectors() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mine.toml");
        let text = include_str!("../../../common/profiles/pzem-016.toml");
        std::fs::write(&file, text).unwrap();
        let check = |file: &Path, json| check(file, directory.path(), json);
        assert_eq!(check(&file, false), Ok(()));
        std::fs::write(&file, text.replace("value = \"38\"", "value = \"39\"")).unwrap();
        let wrong = check(&file, true).unwrap_err();
        assert_eq!(wrong.exit, Exit::Faults);
        assert!(wrong.error.contains("mine.toml: line "), "{wrong:?}");
        assert!(
            wrong.error.contains("expected 39 Wh, decoded 38 Wh"),
            "{wrong:?}"
        );
        assert!(check(&directory.path().join("none.toml"), false).is_err());
    }
}
