//! Notices: the messages that are due to somebody.

use common::id::{AccountId, MeterId, NoticeId, PersonId};
use jiff::Timestamp;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// An invoice was issued.
    Invoice,
    /// A meter has recorded nothing for too long.
    Silent,
    /// It records again.
    Recovered,
    /// Somebody is invited, or wants a new password.
    Invitation,
}

impl NoticeKind {
    const ALL: [Self; 4] = [
        Self::Invoice,
        Self::Silent,
        Self::Recovered,
        Self::Invitation,
    ];

    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::Silent => "silent",
            Self::Recovered => "recovered",
            Self::Invitation => "invitation",
        }
    }

    /// The kind that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// The road on which a notice travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A mail.
    Email,
    /// A message of our bot.
    Telegram,
}

impl Channel {
    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Telegram => "telegram",
        }
    }

    /// The channel that `code` names.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Email, Self::Telegram]
            .into_iter()
            .find(|channel| channel.code() == code)
    }
}

/// A notice that is about to be put into the outbox. The same one, by all but content and
/// time, is sent once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// The account it concerns.
    pub account: AccountId,
    /// What it is about.
    pub kind: NoticeKind,
    /// The meter it concerns, if it does.
    pub meter: Option<MeterId>,
    /// Which one: a period's first day, the instant of a last reading, a link's hash.
    pub subject: String,
    /// Who gets it.
    pub person: PersonId,
    /// By which road.
    pub channel: Channel,
    /// What the message needs beside it, as JSON.
    pub content: String,
    /// When it is due, by the clock of the world.
    pub due_at: Timestamp,
}

/// How far a notice has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeState {
    /// It waits for its time, or for another try.
    Due,
    /// It was handed over.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It was given up.
    Failed,
}

/// A notice in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its identity.
    pub id: NoticeId,
    /// What was put in.
    pub new: NewNotice,
    /// How far it has come.
    pub state: NoticeState,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// When it was put in.
    pub created_at: Timestamp,
}
