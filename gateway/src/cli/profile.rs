//! `profile list|show|check`: the device models this program knows, and whether a new file
//! is one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use common::profile::{Library, Link, Parity, Point, Profile, Table};
use serde_json::{Value, json};

use crate::config::Config;

/// The exit code of a check that found something wrong.
const FOUND_PROBLEMS: u8 = 8;

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
/// When a file cannot be read, a profile is unknown, or the output cannot be written.
pub fn run(args: &ProfileArgs) -> anyhow::Result<ExitCode> {
    let directory = args
        .profile_dir
        .clone()
        .unwrap_or_else(|| Config::default().profile_dir);
    let out = &mut io::stdout().lock();
    match &args.command {
        ProfileCommand::List { json } => list(&library(&directory)?, *json, out)?,
        ProfileCommand::Show { id, json } => show(&library(&directory)?, id, *json, out)?,
        ProfileCommand::Check { file, json } => return check(file, *json, out),
    }
    Ok(ExitCode::SUCCESS)
}

/// The shipped profiles and those in `directory`, which need not be there.
///
/// # Errors
/// When a file there cannot be read or is no profile.
pub fn library(directory: &Path) -> anyhow::Result<Library> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Library::shipped()),
        other => other.with_context(|| format!("cannot read {}", directory.display()))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push((path.display().to_string(), read(&path)?));
        }
    }
    files.sort();
    Ok(Library::shipped().with_local(files)?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn list(library: &Library, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        let profiles: Vec<Value> = library
            .iter()
            .map(|profile| described(profile, library))
            .collect();
        writeln!(
            out,
            "{}",
            json!({ "schema": "enervue.profiles/1", "profiles": profiles })
        )?;
        return Ok(());
    }
    let rows: Vec<[String; 5]> = library
        .iter()
        .map(|profile| row(profile, library))
        .collect();
    let header = ["PROFILE", "MEDIUM", "CONFIDENCE", "BILLS", "MODELS"].map(str::to_owned);
    let widths = [0, 1, 2, 3].map(|column| {
        let cells = rows
            .iter()
            .chain([&header])
            .filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for [id, medium, confidence, bills, models] in std::iter::once(&header).chain(&rows) {
        let [a, b, c, d] = widths;
        writeln!(
            out,
            "{id:a$}  {medium:b$}  {confidence:c$}  {bills:d$}  {models}"
        )?;
    }
    Ok(())
}

fn row(profile: &Profile, library: &Library) -> [String; 5] {
    let bills: Vec<String> = profile
        .billing_points()
        .map(|point| point.id.clone())
        .collect();
    let local = if library.is_local(&profile.id) {
        " (local)"
    } else {
        ""
    };
    [
        format!("{}{local}", profile.id),
        profile.medium.code().to_owned(),
        profile.confidence.code().to_owned(),
        bills.join(", "),
        format!("{} {}", profile.vendor, profile.models.join(", ")),
    ]
}

fn show(library: &Library, id: &str, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let Some(profile) = library.get(id) else {
        bail!("there is no profile '{id}'; `enervue-gateway profile list` names those there are");
    };
    if json {
        let mut object = described(profile, library);
        if let Some(members) = object.as_object_mut() {
            members.insert("schema".to_owned(), "enervue.profile/1".into());
        }
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let origin = if library.is_local(id) {
        "local"
    } else {
        "shipped"
    };
    writeln!(
        out,
        "{}  ({origin}, {} test vectors)",
        profile.reference(),
        profile.vectors
    )?;
    writeln!(out, "{} {}", profile.vendor, profile.models.join(", "))?;
    writeln!(out, "medium      {}", profile.medium.code())?;
    writeln!(out, "confidence  {}", profile.confidence.code())?;
    writeln!(
        out,
        "link        unit id {}, {}",
        profile.link.unit_id,
        link_text(&profile.link)
    )?;
    for step in &profile.setup {
        writeln!(out, "setup       {step}")?;
    }
    for source in &profile.sources {
        writeln!(out, "source      {source}")?;
    }
    for point in &profile.points {
        let (role, units, at) = (
            point.role.code(),
            units(point).join("|"),
            place(profile, point),
        );
        writeln!(out, "{role:<10}  {:<18}  {units}  {at}", point.id)?;
    }
    Ok(())
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

fn check(file: &Path, json: bool, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let checked = Profile::parse(&read(file)?);
    let code = if checked.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND_PROBLEMS)
    };
    let name = file.display();
    match (checked, json) {
        (Ok(profile), false) => writeln!(out, "ok: {} vectors", profile.vectors)?,
        (Err(error), false) => writeln!(out, "{name}: {error}")?,
        (Ok(profile), true) => {
            let (id, vectors) = (&profile.id, profile.vectors);
            let object = json!({ "schema": CHECK, "ok": true, "id": id, "vectors": vectors });
            writeln!(out, "{object}")?;
        }
        (Err(error), true) => {
            let (line, why) = (error.line, error.reason);
            writeln!(
                out,
                "{}",
                json!({ "schema": CHECK, "ok": false, "line": line, "error": why })
            )?;
        }
    }
    Ok(code)
}

const CHECK: &str = "enervue.profile-check/1";

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>) -> anyhow::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_list_names_every_model_and_what_it_bills() {
        let library = Library::shipped();
        let table = printed(|out| list(&library, false, out));
        assert_eq!(table.lines().count(), library.iter().count() + 1);
        let onicon = table
            .lines()
            .find(|line| line.starts_with("onicon-system-10"))
            .unwrap();
        assert!(onicon.contains("thermal") && onicon.contains("energy_btu, energy_kwh"));
        let object: Value = printed(|out| list(&library, true, out)).parse().unwrap();
        assert_eq!(object["schema"], "enervue.profiles/1");
        assert_eq!(object["profiles"][0]["id"], "abb-b23");
    }

    #[test]
    fn one_profile_is_shown_with_link_setup_and_places() {
        let library = Library::shipped();
        let text = printed(|out| show(&library, "tuf-2000m", false, out));
        for part in [
            "9600 8N1",
            "M63 must be MODBUS_RTU",
            "m3|L|gal_us",
            "FC03 0x0008 x4",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let object: Value = printed(|out| show(&library, "tuf-2000m", true, out))
            .parse()
            .unwrap();
        assert_eq!(object["schema"], "enervue.profile/1");
        let unknown = show(&library, "tuf", false, &mut Vec::new())
            .unwrap_err()
            .to_string();
        assert!(unknown.contains("no profile 'tuf'") && unknown.contains("profile list"));
    }

    #[test]
    fn a_file_is_checked_and_a_directory_of_them_used() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mine.toml");
        let text = include_str!("../../../common/profiles/pzem-016.toml");
        std::fs::write(&file, text.replace("id = \"pzem-016\"", "id = \"mine\"")).unwrap();
        let good = printed(|out| check(&file, false, out).map(|_| ()));
        assert_eq!(good, "ok: 4 vectors\n");
        assert!(library(directory.path()).unwrap().is_local("mine"));
        std::fs::write(&file, text.replace("value = \"38\"", "value = \"39\"")).unwrap();
        let bad = printed(|out| check(&file, false, out).map(|_| ()));
        assert!(
            bad.contains("expected 39 Wh, decoded 38 Wh") && bad.contains("line "),
            "{bad}"
        );
        let object: Value = printed(|out| check(&file, true, out).map(|_| ()))
            .parse()
            .unwrap();
        assert_eq!(
            (&object["ok"], &object["schema"]),
            (&json!(false), &json!(CHECK))
        );
        let refused = library(directory.path()).unwrap_err().to_string();
        assert!(refused.contains("mine.toml"), "{refused}");
        assert!(library(&directory.path().join("none")).is_ok());
    }
}
