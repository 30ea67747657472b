//! Invitations: how a person comes into an account, and the link by which they set their
//! password.
//!
//! Promises: whoever invites sees the link only of somebody who is nobody else's: the link
//! of a person who has a password, or is in another account, goes to that person's mail
//! alone. Otherwise an invitation would take their sign-in over.

use askama::Template;
use axum::response::Response;
use common::id::{AccountId, PersonId};
use jiff::Timestamp;

use super::error::Failure;
use super::page::{self, Page};
use crate::account::{LinkPurpose, Membership, NewPerson, Person};
use crate::notice::invitation_notice;
use crate::secret;
use crate::store::{StoreResult, Transaction};
use crate::text::Arg;

/// What became of an invitation.
#[derive(Debug)]
pub(super) struct Invited {
    pub(super) person: Person,
    /// The link, for whoever may see it.
    pub(super) link: Option<String>,
}

/// Makes a person of these data a member, and puts the mail that tells them into the outbox.
pub(super) async fn invite(
    transaction: &mut Transaction,
    public_url: &str,
    new: &NewPerson,
    membership: impl FnOnce(PersonId) -> Membership,
    now: Timestamp,
) -> StoreResult<Invited> {
    let person = transaction.add_person(new, now).await?;
    let membership = membership(person.id);
    transaction.set_membership(&membership, now).await?;
    send_link(transaction, public_url, person, membership.account, now).await
}

/// Mails a person a new link, or the way to sign in if they have a password.
pub(super) async fn send_link(
    transaction: &mut Transaction,
    public_url: &str,
    person: Person,
    account: AccountId,
    now: Timestamp,
) -> StoreResult<Invited> {
    let has_password = transaction.password_hash(person.id).await?.is_some();
    let memberships = transaction.memberships(person.id).await?;
    let elsewhere = memberships.iter().any(|one| one.account != account);
    let token = secret::new();
    let hash = secret::hash(&token);
    let link = if has_password {
        format!("{public_url}/sign-in")
    } else {
        transaction
            .add_link(&hash, LinkPurpose::Password, person.id, now)
            .await?;
        format!("{public_url}/password/{token}")
    };
    let notice = invitation_notice(account, person.id, &hash, &link, now);
    transaction.add_notice(&notice, now).await?;
    let theirs_alone = has_password || elsewhere || person.administrator;
    Ok(Invited {
        link: (!theirs_alone).then_some(link),
        person,
    })
}

#[derive(Template)]
#[template(path = "portal/invited.html")]
struct InvitedPage {
    page: Page,
    lead: String,
    link: Option<String>,
    back: String,
}

/// The page that says what became of an invitation; the link is shown this once.
pub(super) fn show(page: Page, invited: &Invited, back: String) -> Result<Response, Failure> {
    let args = [
        ("name", Arg::from(&invited.person.name)),
        ("email", Arg::from(&invited.person.email)),
    ];
    let lead = if invited.link.is_some() {
        page.text.with("portal-invited-lead", &args)
    } else {
        page.text.with("portal-invited-known", &args)
    };
    page::show(&InvitedPage {
        lead,
        link: invited.link.clone(),
        back,
        page,
    })
}
