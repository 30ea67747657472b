//! From the file's shapes to a [`Profile`]: every name resolved, every number in its range.

mod link;
mod point;
mod register;
mod signs;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;

use rust_decimal::Decimal;

use super::extend::Source;
use super::format::{self, Name};
use super::vector::{self, Complaint};
use super::{
    CurrentTransformers, PROFILE_BYTES_MAX, Profile, ProfileError, Register, Table, format::Kind,
};

/// The version of the format that this code reads.
const SCHEMA: u32 = 1;
/// The most registers and points of a profile; the largest shipped ones have a tenth of it.
const REGISTERS_MAX: usize = 500;
const POINTS_MAX: usize = 200;

/// Registers by name, each with the place of its declaration.
type Declared = BTreeMap<String, (Register, Range<usize>)>;

pub(super) fn profile(text: &str, base: Option<&str>) -> Result<Profile, ProfileError> {
    if text.len() > PROFILE_BYTES_MAX {
        let reason = format!("a profile has at most {PROFILE_BYTES_MAX} bytes");
        return Err(ProfileError {
            line: 1,
            base: None,
            reason,
        });
    }
    let source = Source { own: text, base };
    let file = source.file()?;
    build(source, file).map_err(|(place, reason)| source.error(place.start, reason))
}

fn build(source: Source<'_>, file: format::File) -> Result<Profile, Complaint> {
    if *file.schema.get_ref() != SCHEMA {
        return Err((
            file.schema.span(),
            format!("this program reads schema {SCHEMA}"),
        ));
    }
    identifier(&file.id, '-')?;
    if file.sources.get_ref().is_empty() {
        return Err((
            file.sources.span(),
            "a profile says where its facts come from".to_owned(),
        ));
    }
    refuse_crowds(&file)?;
    let declared = register::registers(&file)?;
    let runs = named_runs(&file);
    let mut profile = Profile {
        reference: super::reference(file.id.get_ref(), &source.texts()),
        id: file.id.into_inner(),
        extends: file.extends.map(toml::Spanned::into_inner),
        medium: file.kind,
        vendor: file.vendor,
        models: file.models,
        confidence: file.confidence,
        sources: file.sources.into_inner(),
        setup: file.setup,
        link: link::link(file.link)?,
        unit_id_hint: file.unit_id_hint,
        ct: file.ct.as_ref().map(|ct| *ct.get_ref()),
        limits: link::limits(file.limits)?,
        refresh: link::refresh(file.refresh)?,
        wake: link::wake(file.wake)?,
        points: point::points(&declared, file.point)?,
        worked_vectors: 0,
        computed_vectors: 0,
        atomic: signs::groups(&declared, &file.group)?,
        rejects: signs::rejects(&declared, file.reject)?,
        flags: signs::flags(&declared, file.flag)?,
        identity: signs::identity(&declared, file.identify)?,
        serial: file
            .serial
            .as_ref()
            .map(|serial| find_any(&declared, &serial.reg))
            .transpose()?,
        registers: declared
            .into_iter()
            .map(|(name, (register, _))| (name, register))
            .collect(),
    };
    refuse_unreadable(&profile, &runs)?;
    refuse_unread_ratio(&profile, file.ct.as_ref())?;
    let tests = inherited(&profile, source, file.test);
    vector::check(&profile, &tests, &runs.points)?;
    profile.computed_vectors = tests.iter().filter(|test| test.computed).count();
    profile.worked_vectors = tests.len() - profile.computed_vectors;
    Ok(profile)
}

/// Where points and groups are said.
struct Runs {
    points: BTreeMap<String, Range<usize>>,
    groups: Vec<Range<usize>>,
}

fn named_runs(file: &format::File) -> Runs {
    let points = file.point.iter();
    Runs {
        points: points
            .map(|point| (point.id.get_ref().clone(), point.id.span()))
            .collect(),
        groups: file.group.iter().map(|group| group.atomic.span()).collect(),
    }
}

fn refuse_crowds(file: &format::File) -> Result<(), Complaint> {
    let crowds = [
        (file.reg.len(), REGISTERS_MAX, "registers"),
        (file.point.len(), POINTS_MAX, "points"),
        (file.group.len(), POINTS_MAX, "groups"),
        (file.reject.len(), POINTS_MAX, "[[reject]]"),
        (file.flag.len(), POINTS_MAX, "flags"),
    ];
    match crowds.into_iter().find(|(count, most, _)| count > most) {
        Some((count, most, what)) => Err((
            file.id.span(),
            format!("it has {count} {what}; at most {most} are allowed"),
        )),
        None => Ok(()),
    }
}

fn refuse_unreadable(profile: &Profile, places: &Runs) -> Result<(), Complaint> {
    let place = |id: &str| places.points.get(id).cloned().unwrap_or(0..0);
    let points = profile.points.iter();
    let points = points.map(|point| (place(&point.id), point.number_registers()));
    let groups = profile.atomic.iter().zip(&places.groups);
    let groups = groups.map(|(group, place)| (place.clone(), group.iter().collect()));
    match profile.unreadable_run(points.chain(groups)) {
        Some(complaint) => Err(complaint),
        None => Ok(()),
    }
}

fn refuse_unread_ratio(
    profile: &Profile,
    ct: Option<&toml::Spanned<CurrentTransformers>>,
) -> Result<(), Complaint> {
    let reads = profile
        .points
        .iter()
        .any(|point| !point.scale_by.is_empty());
    match ct {
        Some(ct) if *ct.get_ref() == CurrentTransformers::Registers && !reads => Err((
            ct.span(),
            "ct = \"registers\" needs a point that says `scale_by`".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The vectors that count: its own, and those of its base for points that mean the same.
fn inherited(profile: &Profile, source: Source<'_>, tests: Vec<format::Test>) -> Vec<format::Test> {
    let base = source.base.and_then(|base| Profile::parse(base).ok());
    let counts = |test: &format::Test| {
        let own = test.point.span().start < source.base_start();
        own || base
            .as_ref()
            .is_some_and(|base| profile.decodes_as(base, test.point.get_ref()))
    };
    tests.into_iter().filter(counts).collect()
}

/// Ids are lower-case words, digits and one separator: they stand in file names, on command
/// lines and in the database.
fn identifier(name: &Name, separator: char) -> Result<(), Complaint> {
    let plain = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == separator
    };
    let text = name.get_ref();
    if (1..=40).contains(&text.len()) && text.chars().all(plain) {
        return Ok(());
    }
    let reason = format!("'{text}' is not an id: 1 to 40 of a-z, 0-9 and '{separator}'");
    Err((name.span(), reason))
}

/// The register of that name, which may hold a text.
fn find_any(declared: &Declared, name: &Name) -> Result<Register, Complaint> {
    let found = declared.get(name.get_ref());
    found.map(|(register, _)| register.clone()).ok_or_else(|| {
        let reason = format!(
            "there is no register '{}': [reg.NAME] declares it",
            name.get_ref()
        );
        (name.span(), reason)
    })
}

/// The register of that name, which holds a number.
fn find(declared: &Declared, name: &Name) -> Result<Register, Complaint> {
    let register = find_any(declared, name)?;
    if register.kind == Kind::Text {
        let reason = format!("register '{}' holds a text, not a number", name.get_ref());
        return Err((name.span(), reason));
    }
    Ok(register)
}

fn find_all(declared: &Declared, names: &[Name]) -> Result<Vec<Register>, Complaint> {
    names.iter().map(|name| find(declared, name)).collect()
}

fn one_table(registers: &[&Register]) -> Result<(), String> {
    let tables: Vec<Table> = registers.iter().map(|register| register.table).collect();
    if tables.windows(2).all(|pair| pair.first() == pair.last()) {
        return Ok(());
    }
    Err("registers that must come in one reply must be in one table".to_owned())
}

/// A TOML number as the decimal that it writes.
fn number(value: &toml::Value) -> Option<Decimal> {
    match value {
        toml::Value::Integer(number) => Some(Decimal::from(*number)),
        toml::Value::Float(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Two TOML numbers of which the first is not above the second.
fn range([low, high]: &[toml::Value; 2]) -> Option<(Decimal, Decimal)> {
    number(low)
        .zip(number(high))
        .filter(|(low, high)| low <= high)
}
