//! Accounts and people: who is who.

use common::id::{AccountId, PersonId};
use common::locale::Language;
use jiff::{SignedDuration, Timestamp};

use crate::name::{self, NameError};

/// The most characters of an e-mail address (RFC 5321, 4.5.3.1).
pub const EMAIL_CHARACTERS_MAX: usize = 254;

/// An integrator's account: everything that is billed stands under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// The integrator's name, as invoices show it.
    pub name: String,
    /// Whom to ask about an invoice: a telephone number, an address; empty when nobody wrote
    /// it down.
    pub contact: String,
}

/// A person, global by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their identity.
    pub id: PersonId,
    /// Their address, lower case.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// The language of the portal for them.
    pub language: Language,
    /// Whether they operate the platform.
    pub administrator: bool,
    /// When they proved that the address is theirs.
    pub email_verified_at: Option<Timestamp>,
    /// The Telegram chat they linked.
    pub telegram_chat: Option<i64>,
}

/// Why somebody cannot be a person of the product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// The address is none.
    #[error("'{0}' is not an e-mail address such as ana@example.com")]
    Email(String),
    /// The name cannot be one.
    #[error("{0}")]
    Name(#[from] NameError),
}

/// A person who is about to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    email: String,
    name: String,
    language: Language,
    administrator: bool,
}

impl NewPerson {
    /// A person of this address and name.
    ///
    /// # Errors
    /// When the address is none or the name cannot be one.
    pub fn new(
        email: &str,
        name: &str,
        language: Language,
        administrator: bool,
    ) -> Result<Self, PersonError> {
        Ok(Self {
            email: email_address(email)?,
            name: name::checked(name)?,
            language,
            administrator,
        })
    }

    /// Their address, lower case.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// What they are called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The language of the portal for them.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether they will operate the platform.
    #[must_use]
    pub fn administrator(&self) -> bool {
        self.administrator
    }
}

/// The address in `text`, lower case, without the spaces around it. Whether it exists is
/// known only when a mail to it was answered.
///
/// # Errors
/// When it cannot be an address.
pub fn email_address(text: &str) -> Result<String, PersonError> {
    let address = text.trim().to_lowercase();
    let (local, domain) = address.split_once('@').unwrap_or_default();
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"@<>()[],;:\\\"".contains(c);
    let good = !local.is_empty()
        && domain.len() >= 3
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && address.chars().filter(|c| *c == '@').count() == 1
        && local.chars().chain(domain.chars()).all(plain)
        && address.chars().count() <= EMAIL_CHARACTERS_MAX;
    if good {
        Ok(address)
    } else {
        Err(PersonError::Email(
            text.chars().filter(|c| !c.is_control()).take(80).collect(),
        ))
    }
}

/// What a one-time link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To set a password: an invitation or a reset.
    Password,
    /// To tell the bot whose chat this is.
    Telegram,
}

impl LinkPurpose {
    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Telegram => "telegram",
        }
    }

    /// How long a link lives.
    #[must_use]
    pub fn lifetime(self) -> SignedDuration {
        match self {
            Self::Password => SignedDuration::from_hours(7 * 24),
            Self::Telegram => SignedDuration::from_mins(10),
        }
    }
}

/// What a person is in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Registers meters and sets the terms.
    Integrator,
    /// Reads the invoices of the meters assigned to them.
    Monitor,
}

impl Role {
    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Integrator => "integrator",
            Self::Monitor => "monitor",
        }
    }

    /// The role that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Integrator, Self::Monitor]
            .into_iter()
            .find(|role| role.code() == code)
    }
}

/// A person's place in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The account.
    pub account: AccountId,
    /// The person.
    pub person: PersonId,
    /// What they are there.
    pub role: Role,
    /// Whether a monitor user may change the settings of their meters.
    pub may_change_settings: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case_and_cannot_steer_a_mail() {
        assert_eq!(
            email_address(" Ana.Pérez@Example.COM ").unwrap(),
            "ana.pérez@example.com"
        );
        let wrong = [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@example",
            "ana@@example.com",
            "ana@example.com\r\nBcc: x@y.zz",
            "ana b@example.com",
            "Ana <ana@example.com>",
            "ana@.com",
        ];
        for text in wrong {
            assert!(email_address(text).is_err(), "{text:?}");
        }
    }
}
