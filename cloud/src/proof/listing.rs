//! The listing: every field of a JSON document by its path, with a digest of each.
//!
//! Promises: no two documents have one listing. A field is whatever holds no others: a text,
//! an integer, yes or no, nothing, and also a list or an object that is empty, so that
//! nothing can be added or left out unseen. A number with a fraction is refused, because it
//! has no one way to be written; so is a name that a path could not tell from others.

use std::collections::BTreeMap;

use common::digest::Digest;
use serde_json::Value;

/// The most fields of a document; an invoice with a year of readings has a tenth of it.
const FIELDS_MAX: usize = 200_000;

/// Why a document has no listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A number with a fraction, or too large for an integer.
    #[error("{0} is no integer: quantities and amounts are texts")]
    Number(String),
    /// A name that paths cannot hold.
    #[error("a name in {0} has other characters than letters, digits and _")]
    Name(String),
    /// Too many fields.
    #[error("{0}: more than {FIELDS_MAX} fields")]
    TooMany(String),
}

impl ListingError {
    /// The field at which the listing ended.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Number(field) | Self::Name(field) | Self::TooMany(field) => field,
        }
    }
}

/// Every field below `root`, by its path (`invoice.lines[2].amount`): its kind, then its
/// value, with a space between.
///
/// # Errors
/// When there is something that cannot be listed.
pub fn fields(root: &str, value: &Value) -> Result<BTreeMap<String, String>, ListingError> {
    let mut found = BTreeMap::new();
    collect(root.to_owned(), value, &mut found)?;
    Ok(found)
}

fn collect(
    path: String,
    value: &Value,
    found: &mut BTreeMap<String, String>,
) -> Result<(), ListingError> {
    if found.len() >= FIELDS_MAX {
        return Err(ListingError::TooMany(path));
    }
    let field = match value {
        Value::Array(items) if !items.is_empty() => {
            return items
                .iter()
                .enumerate()
                .try_for_each(|(place, item)| collect(format!("{path}[{place}]"), item, found));
        }
        Value::Object(members) if !members.is_empty() => {
            return members.iter().try_for_each(|(name, member)| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                match !name.is_empty() && name.bytes().all(plain) {
                    true => collect(format!("{path}.{name}"), member, found),
                    false => Err(ListingError::Name(path.clone())),
                }
            });
        }
        Value::Array(_) => "list".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Null => "nothing".to_owned(),
        Value::Bool(yes) => format!("truth {yes}"),
        Value::String(text) => format!("text {text}"),
        Value::Number(number) if number.is_i64() || number.is_u64() => format!("integer {number}"),
        Value::Number(_) => return Err(ListingError::Number(path)),
    };
    found.insert(path, field);
    Ok(())
}

/// The digest of each field of an invoice and its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing(BTreeMap<String, Digest>);

impl Listing {
    /// Of a snapshot and its evidence.
    ///
    /// # Errors
    /// When there is something that cannot be listed.
    pub fn of(invoice: &Value, evidence: &Value) -> Result<Self, ListingError> {
        let mut all = fields("invoice", invoice)?;
        all.extend(fields("evidence", evidence)?);
        let digests = all.into_iter().map(|(path, field)| {
            let digest = Digest::of(format!("{path}\n{field}").as_bytes());
            (path, digest)
        });
        Ok(Self(digests.collect()))
    }

    /// Of digests that somebody wrote down.
    #[must_use]
    pub fn of_digests(digests: BTreeMap<String, Digest>) -> Self {
        Self(digests)
    }

    /// The digests by path.
    #[must_use]
    pub fn into_digests(self) -> BTreeMap<String, Digest> {
        self.0
    }

    /// What the issuer signs: a line that says what it is, then one a field, in the order of
    /// the paths' bytes: its digest, a space and its path. The digest is the SHA-256 of the
    /// path, a line end, the kind of the field and, if it has one, a space and its value.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|(path, digest)| format!("{digest} {path}\n"));
        std::iter::once("enervue-invoice 1\n".to_owned())
            .chain(lines)
            .collect()
    }
}
