//! Answers what people write to the bot: `/start` with the token of a one-time link makes the
//! chat theirs, `/stop` ends that, anything else is told what the bot can do.
//!
//! A link works once, for minutes, and in a private chat only. Hearing the same message
//! twice does no harm.

use std::time::Duration;

use common::locale::Language;

use crate::account::LinkPurpose;
use crate::run::App;
use crate::secret;
use crate::store::StoreResult;
use crate::telegram::{Incoming, Telegram};
use crate::text::{Arg, Text};

/// How long to wait after the Bot API did not answer.
const PAUSE: Duration = Duration::from_secs(15);

/// Listens and answers for as long as it is let.
pub async fn run_forever(app: App) {
    let Some(telegram) = app.telegram.clone() else {
        return;
    };
    let mut next = 0;
    loop {
        match telegram.incoming(next).await {
            Ok((incoming, after)) => {
                for message in &incoming {
                    answer(&app, &telegram, message).await;
                }
                next = after;
            }
            Err(why) => {
                tracing::warn!(?why, "the bot cannot listen");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(app: &App, telegram: &Telegram, incoming: &Incoming) {
    let reply = match reply_to(app, incoming).await {
        Ok(reply) => reply,
        Err(error) => {
            tracing::error!(%error, "a message to the bot was not understood by the store");
            return;
        }
    };
    if let Err(why) = telegram.say(incoming.chat, reply).await {
        tracing::warn!(?why, "the bot could not answer");
    }
}

/// Does what the message asks for, and says so.
async fn reply_to(app: &App, incoming: &Incoming) -> StoreResult<String> {
    let writer_speaks = incoming.language.as_deref();
    let spanish = writer_speaks.is_some_and(|language| language.starts_with("es"));
    let guessed = Text::in_language(if spanish { Language::Es } else { Language::En });
    if !incoming.is_private {
        return Ok(guessed.get("notice-bot-private"));
    }
    let mut words = incoming.text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("/start"), Some(token)) => link(app, incoming.chat, token, guessed).await,
        (Some("/stop"), _) => unlink(app, incoming.chat, guessed).await,
        _ => Ok(guessed.get("notice-bot-help")),
    }
}

async fn link(app: &App, chat: i64, token: &str, guessed: Text) -> StoreResult<String> {
    let mut writer = app.store.write().await?;
    let hash = secret::hash(token);
    let now = app.clock.now();
    let person = writer.use_link(&hash, LinkPurpose::Telegram, now).await?;
    let Some(person) = person else {
        return Ok(guessed.get("notice-bot-spent"));
    };
    writer.link_telegram(person, chat).await?;
    let person = writer.person(person).await?;
    writer.commit().await?;
    Ok(person.map_or(guessed.get("notice-bot-spent"), |person| {
        let text = Text::in_language(person.language);
        text.with("notice-bot-linked", &[("name", Arg::from(&person.name))])
    }))
}

async fn unlink(app: &App, chat: i64, guessed: Text) -> StoreResult<String> {
    let mut writer = app.store.write().await?;
    let Some(person) = writer.person_by_chat(chat).await? else {
        return Ok(guessed.get("notice-bot-not-linked"));
    };
    writer.unlink_telegram(person.id).await?;
    writer.commit().await?;
    Ok(Text::in_language(person.language).get("notice-bot-stopped"))
}
