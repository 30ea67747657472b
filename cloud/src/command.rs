//! What the operator's commands do, in the running server or beside the database.

mod advance;
mod invoice;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::advance::{Advanced, clock_advance};
pub use self::invoice::{
    ExplainedComparison, ExplainedInvoice, ExplainedRow, InvoiceList, InvoiceName, IssuerKey,
    ListedInvoice, invoice_explain, invoice_export, invoice_list, issuer_key,
};

use crate::account::{LinkPurpose, NewPerson};
use crate::secret;
use crate::store::Store;

/// A person whom the operator adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAdd {
    /// Their address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// The language of the portal for them, `en` or `es`.
    pub language: String,
}

/// The person who was added, and how they set their password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAdded {
    /// Their address.
    pub email: String,
    /// The one-time link to set a password.
    pub link: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Makes somebody an administrator, whoever they were before, and makes them a link to set
/// their password; links that they had are worth nothing now.
///
/// # Errors
/// When address, name or language cannot be, or the store cannot.
pub async fn user_add(
    store: &Store,
    public_url: &str,
    user: &UserAdd,
    now: Timestamp,
) -> anyhow::Result<UserAdded> {
    let new = NewPerson::new(&user.email, &user.name, user.language.parse()?, true)?;
    let token = secret::new();
    let purpose = LinkPurpose::Password;
    let mut transaction = store.write().await?;
    let person = transaction.add_person(&new, now).await?;
    transaction.make_administrator(person.id).await?;
    transaction.spend_links(person.id, purpose, now).await?;
    transaction
        .add_link(&secret::hash(&token), purpose, person.id, now)
        .await?;
    transaction.commit().await?;
    tracing::info!(person.id = %person.id, "a person was made an administrator");
    Ok(UserAdded {
        email: person.email,
        link: format!("{public_url}/password/{token}"),
        expires_at: now.saturating_add(purpose.lifetime())?,
    })
}
