//! Accounts and people: who is who.

use common::id::{AccountId, PersonId};
use common::locale::Language;
use jiff::Timestamp;

/// An integrator's account: everything that is billed stands under one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// The integrator's name, as invoices show it.
    pub name: String,
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
