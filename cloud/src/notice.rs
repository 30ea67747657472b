//! Notices: the messages that are due to somebody, and who gets which.
//!
//! An invoice goes to the people of the meter, on a channel they have proved to be theirs;
//! to the integrators if there is nobody. What concerns the installation goes to the
//! integrators.

pub mod message;
#[cfg(test)]
mod tests;

use common::id::{AccountId, InvoiceId, MeterId, NoticeId, PersonId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::{Membership, Person, Role};
use crate::billing::invoice::Invoice;
use crate::site::{Assignment, Delivery, Meter};

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

/// Why a notice was not handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It will never be taken.
    Never(String),
    /// This one may be taken later.
    Later(String),
    /// Nothing gets through on this channel now; perhaps it is said for how long.
    ChannelDown {
        /// Why.
        why: String,
        /// How long to leave it alone.
        pause: Option<SignedDuration>,
    },
    /// The person is not there any more: they blocked or left the bot.
    Gone(String),
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

/// What an invoice's notice points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceContent {
    /// The invoice.
    pub invoice: InvoiceId,
}

/// What a notice of a silence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceContent {
    /// The last good reading before it.
    pub since: Timestamp,
    /// The first known after it, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What an invitation says. The store forgets it once the mail has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationContent {
    /// The one-time link, as a whole address.
    pub link: String,
}

/// Who gets a meter's invoice, and how. Somebody whose channel is not there (any more) gets
/// it by mail.
#[must_use]
pub fn invoice_recipients(
    assignments: &[(Person, Assignment)],
    members: &[(Person, Membership)],
) -> Vec<(PersonId, Channel)> {
    let mut recipients = Vec::new();
    for (person, assignment) in assignments {
        let (email, telegram) = match assignment.delivery {
            Delivery::None => continue,
            Delivery::Email => (true, false),
            Delivery::Telegram => (false, true),
            Delivery::Both => (true, true),
        };
        let linked = person.telegram_chat.is_some();
        if person.email_verified_at.is_some() && (email || !linked) {
            recipients.push((person.id, Channel::Email));
        }
        if telegram && linked {
            recipients.push((person.id, Channel::Telegram));
        }
    }
    if recipients.is_empty() {
        let mail = |(_, channel): &(PersonId, Channel)| *channel == Channel::Email;
        recipients = integrators(members).into_iter().filter(mail).collect();
    }
    recipients
}

/// The account's integrators on every channel that is theirs.
#[must_use]
pub fn integrators(members: &[(Person, Membership)]) -> Vec<(PersonId, Channel)> {
    let mut recipients = Vec::new();
    for (person, membership) in members {
        if membership.role != Role::Integrator {
            continue;
        }
        if person.email_verified_at.is_some() {
            recipients.push((person.id, Channel::Email));
        }
        if person.telegram_chat.is_some() {
            recipients.push((person.id, Channel::Telegram));
        }
    }
    recipients
}

/// The notice of an invoice that was just issued.
#[must_use]
pub fn invoice_notice(invoice: &Invoice, person: PersonId, channel: Channel) -> NewNotice {
    NewNotice {
        account: invoice.account,
        kind: NoticeKind::Invoice,
        meter: Some(invoice.meter),
        subject: invoice.period.from.to_string(),
        person,
        channel,
        content: json(&InvoiceContent {
            invoice: invoice.id,
        }),
        due_at: invoice.issued_at,
    }
}

/// The notice that a meter is silent, or, with the end of the silence, that it records again.
#[must_use]
pub fn silence_notice(
    meter: &Meter,
    silence: &SilenceContent,
    person: PersonId,
    channel: Channel,
    now: Timestamp,
) -> NewNotice {
    NewNotice {
        account: meter.account,
        kind: match silence.until {
            None => NoticeKind::Silent,
            Some(_) => NoticeKind::Recovered,
        },
        meter: Some(meter.id),
        subject: silence.since.to_string(),
        person,
        channel,
        content: json(silence),
        due_at: now,
    }
}

/// The mail with a link for somebody to set a password or sign in; `account` is that of
/// whoever invites them, `link_hash` tells one link from another.
#[must_use]
pub fn invitation_notice(
    account: AccountId,
    person: PersonId,
    link_hash: &str,
    link: &str,
    now: Timestamp,
) -> NewNotice {
    NewNotice {
        account,
        kind: NoticeKind::Invitation,
        meter: None,
        subject: link_hash.to_owned(),
        person,
        channel: Channel::Email,
        content: json(&InvitationContent {
            link: link.to_owned(),
        }),
        due_at: now,
    }
}

fn json(content: &impl Serialize) -> String {
    // Ids, instants and texts are always JSON.
    serde_json::to_string(content).unwrap_or_default()
}
