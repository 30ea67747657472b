//! Makes of a notice what is handed over: the message in its words, to whom, and the file.

use anyhow::Context as _;
use common::id::{AccountId, PersonId};
use jiff::Timestamp;

use crate::account::{Person, Role};
use crate::billing::invoice::Invoice;
use crate::billing::period::period_containing;
use crate::document;
use crate::mail::{File, Letter, Party};
use crate::notice::message::{self, Message};
use crate::notice::{
    Channel, InvitationContent, InvoiceContent, Notice, NoticeKind, SilenceContent, Undelivered,
};
use crate::run::App;
use crate::site::Meter;
use crate::store::{StoreError, Transaction};

/// What is handed over.
pub(super) struct Composed {
    pub(super) channel: Channel,
    to: Party,
    pub(super) chat: Option<i64>,
    reply_to: Option<Party>,
    id: String,
    date: Timestamp,
    pub(super) message: Message,
    pub(super) file: Option<File>,
}

impl Composed {
    pub(super) fn letter(&self) -> Letter<'_> {
        Letter {
            to: self.to.clone(),
            reply_to: self.reply_to.clone(),
            id: self.id.clone(),
            date: self.date,
            message: &self.message,
            file: self.file.as_ref(),
        }
    }
}

/// What a notice says, with the invoice that goes along, and where that can be checked.
struct Said {
    message: Message,
    invoice: Option<(Invoice, Option<String>)>,
}

pub(super) async fn compose(
    app: &App,
    notice: &Notice,
) -> anyhow::Result<Result<Composed, Undelivered>> {
    let new = &notice.new;
    let mut reader = app.store.read().await?;
    let Some(person) = reader.person(new.person).await? else {
        return Ok(Err(Undelivered::Never("the person is gone".to_owned())));
    };
    if new.channel == Channel::Telegram && person.telegram_chat.is_none() {
        return Ok(Err(Undelivered::Gone("the chat was unlinked".to_owned())));
    }
    let said = match say(&mut reader, app, notice, &person).await {
        Ok(said) => said,
        Err(error) => return Ok(Err(unsaid(&error))),
    };
    let reply_to = match &said.invoice {
        Some(_) => integrator(&mut reader, new.account, new.person).await?,
        None => None,
    };
    drop(reader);
    let file = match said.invoice.map(pdf) {
        Some(drawing) => match drawing.await {
            Ok(file) => Some(file),
            Err(error) => return Ok(Err(Undelivered::Later(format!("{error:#}")))),
        },
        None => None,
    };
    Ok(Ok(Composed {
        channel: new.channel,
        chat: person.telegram_chat,
        to: party(person),
        reply_to,
        id: format!("notice.{}", notice.id),
        date: app.clock.now(),
        message: said.message,
        file,
    }))
}

/// What is missing will stay so; the store may be back soon.
fn unsaid(error: &anyhow::Error) -> Undelivered {
    let why = format!("{error:#}");
    if error.is::<StoreError>() {
        Undelivered::Later(why)
    } else {
        Undelivered::Never(why)
    }
}

async fn say(
    reader: &mut Transaction,
    app: &App,
    notice: &Notice,
    person: &Person,
) -> anyhow::Result<Said> {
    let new = &notice.new;
    let public_url = &app.config.public_url;
    let mut invoice = None;
    let message = match new.kind {
        NoticeKind::Invoice => {
            let content: InvoiceContent = serde_json::from_str(&new.content)?;
            let found = reader.invoice(new.account, content.invoice).await?;
            let found = found.context("its invoice is missing")?;
            let message = message::invoice(&found, public_url)?;
            let token = reader.invoice_link(new.account, found.id).await?;
            let check_at = token.map(|token| app.config.check_address(&token));
            invoice = Some((found, check_at));
            message
        }
        NoticeKind::Silent => {
            let (meter, site) = meter(reader, notice).await?;
            let content: SilenceContent = serde_json::from_str(&new.content)?;
            let plans = reader.plans(new.account, meter.id).await?;
            let period = period_containing(app.clock.now(), &plans).ok();
            let until = period.map(|period| period.until);
            message::silent(&meter, &site, &content, until, public_url)
        }
        NoticeKind::Recovered => {
            let (meter, site) = meter(reader, notice).await?;
            let content: SilenceContent = serde_json::from_str(&new.content)?;
            message::recovered(&meter, &site, &content, public_url)
        }
        NoticeKind::Invitation => {
            let content: InvitationContent = serde_json::from_str(&new.content)?;
            let account = reader.account(new.account).await?;
            let account = account.context("its account is missing")?;
            message::invitation(person, &account.name, &content.link)
        }
    };
    Ok(Said { message, invoice })
}

async fn meter(reader: &mut Transaction, notice: &Notice) -> anyhow::Result<(Meter, String)> {
    let account = notice.new.account;
    let id = notice.new.meter.context("it concerns no meter")?;
    let meter = reader.meter(account, id).await?;
    let meter = meter.context("its meter is missing")?;
    let site = reader.site(account, meter.site).await?;
    Ok((meter, site.context("its site is missing")?.name))
}

/// Who answers questions about an invoice: the account's first integrator, if that is not
/// who gets it.
async fn integrator(
    reader: &mut Transaction,
    account: AccountId,
    recipient: PersonId,
) -> anyhow::Result<Option<Party>> {
    let members = reader.members(account).await?;
    let found = members.into_iter().find(|(person, membership)| {
        membership.role == Role::Integrator
            && person.email_verified_at.is_some()
            && person.id != recipient
    });
    Ok(found.map(|(person, _)| party(person)))
}

fn party(person: Person) -> Party {
    Party {
        name: person.name,
        email: person.email,
    }
}

/// Drawing takes milliseconds of a CPU.
async fn pdf((invoice, check_at): (Invoice, Option<String>)) -> anyhow::Result<File> {
    tokio::task::spawn_blocking(move || {
        let pdf = document::invoice_pdf(&invoice, check_at.as_deref())?;
        let name = document::file_name(&invoice);
        Ok(File { name, pdf })
    })
    .await?
}
