//! A profile that says only what differs from another: hardware variants of one label.
//!
//! The two texts become one document before anything is read from it. Tables are merged key
//! by key, registers and points by their name; every other array or value of the base is
//! replaced as a whole. The base's test vectors are kept for the points that decode as there.

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::{Profile, ProfileError, format};

/// What a profile says itself even if it extends another.
const OWN_KEYS: &[&str] = &["schema", "id", "models", "confidence", "sources"];
/// Keys of a point of which one excludes the others.
const RIVALS: &[&[&str]] = &[&["from", "sum", "digits"], &["unit", "unit_from"]];

/// The text of a profile, and of the one that it extends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub own: &'a str,
    pub base: Option<&'a str>,
}

impl Source<'_> {
    /// The file that the texts make, and an error where they make none. A place at or behind
    /// the end of the own text is one in the base.
    pub(super) fn file(self) -> Result<format::File, ProfileError> {
        let wrong = |error: &toml::de::Error, shift: usize| {
            let start = error.span().map_or(0, |span| span.start);
            self.error(start.saturating_add(shift), error.message().to_owned())
        };
        let mut own = DeTable::parse(self.own).map_err(|error| wrong(&error, 0))?;
        let extends = extended(&own).map(|name| (name.span().start, name.get_ref().clone()));
        // Spaces before it give every place of the base a number of its own.
        let padding = " ".repeat(self.base_start());
        let padded = self.base.map(|base| padding + base);
        match (&padded, extends) {
            (None, None) => {}
            (None, Some((place, id))) => {
                let reason = format!("it extends '{id}', which is no complete profile known here");
                return Err(self.error(place, reason));
            }
            (Some(_), None) => return Err(self.error(0, "it extends no other".to_owned())),
            (Some(padded), Some((place, _))) => {
                if let Some(key) = OWN_KEYS
                    .iter()
                    .find(|key| !own.get_ref().contains_key(**key))
                {
                    let reason = format!("what extends another must still say its own `{key}`");
                    return Err(self.error(place, reason));
                }
                let base = DeTable::parse(padded).map_err(|error| wrong(&error, 0))?;
                if extended(&base).is_some() {
                    let reason = "what it extends is no complete profile itself".to_owned();
                    return Err(self.error(place, reason));
                }
                merge_file(own.get_mut(), base.into_inner());
            }
        }
        format::File::deserialize(toml::Deserializer::from(own)).map_err(|error| wrong(&error, 0))
    }

    /// The texts that make the profile what it is.
    pub(super) fn texts(&self) -> Vec<&str> {
        std::iter::once(self.own).chain(self.base).collect()
    }

    /// Where the places of the base begin.
    pub(super) fn base_start(self) -> usize {
        self.own.len() + 1
    }

    /// The error at that place of whichever text has it.
    pub(super) fn error(self, place: usize, reason: String) -> ProfileError {
        let (text, offset, base) = match (self.base, place.checked_sub(self.base_start())) {
            (Some(base), Some(offset)) => (base, offset, extends_of(self.own)),
            _ => (self.own, place, None),
        };
        let before = text.bytes().take(offset);
        let line = before.filter(|byte| *byte == b'\n').count() + 1;
        ProfileError { line, base, reason }
    }
}

/// The id of the profile that the text extends.
pub(super) fn extends_of(text: &str) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    extended(&table).map(Spanned::into_inner)
}

fn extended(table: &Spanned<DeTable<'_>>) -> Option<Spanned<String>> {
    let value = table.get_ref().get("extends")?;
    let id = value.get_ref().as_str()?.to_owned();
    Some(Spanned::new(value.span(), id))
}

fn merge_file<'a>(own: &mut DeTable<'a>, base: DeTable<'a>) {
    for (key, theirs) in base {
        let Some(ours) = own.get_mut(&key) else {
            own.insert(key, theirs);
            continue;
        };
        match (ours.get_mut(), theirs.into_inner()) {
            (DeValue::Table(ours), DeValue::Table(theirs)) if key.get_ref() == "reg" => {
                merge_registers(ours, theirs);
            }
            (DeValue::Table(ours), DeValue::Table(theirs)) => merge_keys(ours, theirs),
            (DeValue::Array(ours), DeValue::Array(theirs)) => match key.get_ref().as_ref() {
                "point" => merge_points(ours, theirs),
                "test" => {
                    for vector in theirs {
                        ours.push(vector);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn merge_registers<'a>(own: &mut DeTable<'a>, base: DeTable<'a>) {
    for (name, theirs) in base {
        let ours = own.get_mut(&name).map(Spanned::get_mut);
        match (ours, theirs.get_ref()) {
            (Some(DeValue::Table(ours)), DeValue::Table(theirs)) => {
                merge_keys(ours, theirs.clone());
            }
            (Some(_), _) => {}
            (None, _) => {
                own.insert(name, theirs);
            }
        }
    }
}

/// The base's points stay in their order; those that are new come behind them.
fn merge_points<'a>(own: &mut DeArray<'a>, base: DeArray<'a>) {
    let mut ours: Vec<Spanned<DeValue<'a>>> =
        std::mem::replace(own, DeArray::new()).into_iter().collect();
    for mut theirs in base {
        let id = point_id(&theirs);
        if let Some(at) = ours.iter().position(|point| point_id(point) == id) {
            let mut point = ours.remove(at);
            if let (DeValue::Table(ours), DeValue::Table(theirs)) =
                (point.get_mut(), theirs.get_mut())
            {
                for rivals in RIVALS {
                    if rivals.iter().any(|key| ours.contains_key(*key)) {
                        for key in *rivals {
                            theirs.remove(*key);
                        }
                    }
                }
                merge_keys(ours, theirs.clone());
            }
            own.push(point);
        } else {
            own.push(theirs);
        }
    }
    for point in ours {
        own.push(point);
    }
}

fn point_id(point: &Spanned<DeValue<'_>>) -> Option<String> {
    let id = point.get_ref().get("id")?;
    id.get_ref().as_str().map(str::to_owned)
}

fn merge_keys<'a>(own: &mut DeTable<'a>, base: DeTable<'a>) {
    for (key, theirs) in base {
        if !own.contains_key(&key) {
            own.insert(key, theirs);
        }
    }
}

impl Profile {
    /// Whether the point means there what it means here, so that a vector of one proves the
    /// other.
    pub(super) fn decodes_as(&self, base: &Self, point: &str) -> bool {
        let (Some(here), Some(there)) = (self.point(point), base.point(point)) else {
            return false;
        };
        let other = here.must_match.as_ref().map(|rule| &*rule.point);
        here == there
            && self.rejects == base.rejects
            && self.flags == base.flags
            && other.is_none_or(|id| self.point(id) == base.point(id))
    }
}
