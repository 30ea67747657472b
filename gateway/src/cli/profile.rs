//! `profile list|show|check`: the device models this program knows, and whether a new file
//! is one.

use std::path::{Path, PathBuf};

use common::profile::{Library, Link, Parity, Point, Profile, Table};
use serde_json::{Value, json};

use super::{Exit, Failure, print};
use crate::config::Config;
use crate::profiles;

/// What the installer types after `profile`.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    #[command(subcommand)]
    command: ProfileCommand,
    /// The directory of your own profiles
    #[arg(long, global = true, value_name = "DIR")]
    profile_dir: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum ProfileCommand {
    /// List the device models that are known
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show one profile: its link, its points, what has to be set on the device
    Show {
        /// The profile's id, e.g. eastron-sdm630
        id: String,
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
        ProfileCommand::List { json } => list(&profiles::library(&directory)?, *json),
        ProfileCommand::Show { id, json } => show(&profiles::library(&directory)?, id, *json),
        ProfileCommand::Check { file, json } => check(file, *json),
    }
}

fn list(library: &Library, json: bool) -> Result<(), Failure> {
    if json {
        let profiles: Vec<Value> = library
            .iter()
            .map(|profile| described(profile, library))
            .collect();
        print::json("enervue.profiles/1", &json!({ "profiles": profiles }))?;
    } else {
        print::table(&rows(library))?;
    }
    Ok(())
}

fn rows(library: &Library) -> Vec<Vec<String>> {
    let header = ["PROFILE", "MEDIUM", "CONFIDENCE", "BILLS", "MODELS"];
    let profiles = library.iter().map(|profile| {
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
            bills.join(", "),
            format!("{} {}", profile.vendor, profile.models.join(", ")),
        ]
    });
    let header = header.map(str::to_owned).to_vec();
    std::iter::once(header).chain(profiles).collect()
}

fn show(library: &Library, id: &str, json: bool) -> Result<(), Failure> {
    let profile = find(library, id)?;
    if json {
        print::json("enervue.profile/1", &described(profile, library))?;
    } else {
        print::table(&facts(profile, library))?;
    }
    Ok(())
}

fn find<'a>(library: &'a Library, id: &str) -> Result<&'a Profile, Failure> {
    library.get(id).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no profile '{id}'"))
            .remedy("`enervue-gateway profile list` names those there are")
    })
}

fn facts(profile: &Profile, library: &Library) -> Vec<Vec<String>> {
    let local = library.is_local(&profile.id);
    let origin = if local { "local" } else { "shipped" };
    let link = format!(
        "unit id {}, {}",
        profile.link.unit_id,
        link_text(&profile.link)
    );
    let mut facts = vec![
        (
            "profile",
            format!(
                "{} ({origin}, {} test vectors)",
                profile.reference(),
                profile.vectors
            ),
        ),
        ("vendor", profile.vendor.clone()),
        ("models", profile.models.join(", ")),
        ("medium", profile.medium.code().to_owned()),
        ("confidence", profile.confidence.code().to_owned()),
        ("link", link),
    ];
    facts.extend(profile.setup.iter().map(|step| ("setup", step.clone())));
    facts.extend(
        profile
            .sources
            .iter()
            .map(|source| ("source", source.clone())),
    );
    facts.extend(profile.points.iter().map(|point| {
        let (units, place) = (units(point).join("|"), place(profile, point));
        (point.role.code(), format!("{}, {units}, {place}", point.id))
    }));
    let row = |(word, text): (&str, String)| vec![word.to_owned(), text];
    facts.into_iter().map(row).collect()
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

fn link_text(link: &Link) -> String {
    let parity = match link.parity {
        Parity::None => 'N',
        Parity::Even => 'E',
        Parity::Odd => 'O',
    };
    format!("{} 8{parity}{} from the factory", link.baud, link.stop_bits)
}

fn described(profile: &Profile, library: &Library) -> Value {
    let points: Vec<Value> = profile
        .points
        .iter()
        .map(|point| json!({ "id": point.id, "role": point.role, "units": units(point) }))
        .collect();
    let link = &profile.link;
    json!({
        "id": profile.id,
        "reference": profile.reference(),
        "local": library.is_local(&profile.id),
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
        "vectors": profile.vectors,
        "points": points,
    })
}

fn check(file: &Path, json: bool) -> Result<(), Failure> {
    const SCHEMA: &str = "enervue.profile_check/1";
    match (Profile::parse(&profiles::read(file)?), json) {
        (Ok(profile), false) => print::line(&format!("ok: {} vectors", profile.vectors))?,
        (Ok(profile), true) => {
            let (id, vectors) = (&profile.id, profile.vectors);
            print::json(SCHEMA, &json!({ "ok": true, "id": id, "vectors": vectors }))?;
        }
        (Err(wrong), json) => {
            if json {
                let (line, error) = (wrong.line, &wrong.reason);
                print::json(
                    SCHEMA,
                    &json!({ "ok": false, "line": line, "error": error }),
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
        let rows = rows(&library);
        assert_eq!(rows.len(), library.iter().count() + 1);
        let onicon = rows
            .iter()
            .find(|row| row[0] == "onicon-system-10")
            .unwrap();
        assert_eq!(
            onicon[1..4],
            ["thermal", "two-sources", "energy_btu, energy_kwh"]
        );
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
