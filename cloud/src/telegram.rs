//! Telegram: the only user of teloxide. Sends messages and files to chats, and fetches what
//! people write to the bot.
//!
//! Promises: text is sent as text, without any markup to escape; the bot's token stands in
//! no error and no log. It lacks groups: a chat is one person's.

use std::time::Duration;

use jiff::SignedDuration;
use teloxide::payloads::{
    GetUpdatesSetters as _, SendDocumentSetters as _, SendMessageSetters as _,
};
use teloxide::prelude::{Request as _, Requester as _};
use teloxide::types::{
    AllowedUpdate, ChatId, InlineKeyboardButton, InlineKeyboardMarkup, InputFile,
    LinkPreviewOptions, UpdateKind,
};
use teloxide::{ApiError, Bot, RequestError};

use crate::config::TelegramConfig;
use crate::mail::File;
use crate::notice::Undelivered;
use crate::notice::message::{Link, Message};

/// How long the Bot API holds the question for news open, in seconds.
const NEWS_WAIT_S: u32 = 10;
/// How long anything may take; longer than [`NEWS_WAIT_S`].
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The bot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TelegramError {
    /// The address of the Bot API is none.
    #[error("telegram.api_url is '{0}': write an address such as https://api.telegram.org")]
    ApiUrl(String),
    /// The client could not be made.
    #[error("Telegram cannot be used: {0}")]
    Client(String),
    /// The Bot API could not be asked.
    #[error("Telegram does not answer: {0}")]
    Request(String),
}

/// What somebody wrote to the bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Where.
    pub chat: i64,
    /// Whether only they are there.
    pub is_private: bool,
    /// The language of their Telegram, if it says.
    pub language: Option<String>,
    /// What.
    pub text: String,
}

/// The way to the Bot API. Cheap to clone.
#[derive(Clone)]
pub struct Telegram {
    bot: Bot,
}

impl std::fmt::Debug for Telegram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telegram").finish_non_exhaustive()
    }
}

impl Telegram {
    /// The bot of the settings. It is first asked when it is used.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub fn new(config: &TelegramConfig) -> Result<Self, TelegramError> {
        let wrong_url = || TelegramError::ApiUrl(config.api_url.clone());
        let address = config.api_url.parse().map_err(|_| wrong_url())?;
        let client = teloxide::net::default_reqwest_settings()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| TelegramError::Client(error.to_string()))?;
        let bot = Bot::with_client(config.token.reveal(), client).set_api_url(address);
        Ok(Self { bot })
    }

    /// The address that opens the bot with a one-time token, for a person to press.
    ///
    /// # Errors
    /// When the Bot API does not say the bot's name.
    pub async fn start_link(&self, token: &str) -> Result<String, TelegramError> {
        let me = self.bot.get_me().send().await;
        let me = me.map_err(|error| TelegramError::Request(error.to_string()))?;
        Ok(format!("https://t.me/{}?start={token}", me.username()))
    }

    /// Sends a message to a chat, under its file if there is one.
    ///
    /// # Errors
    /// When it was not taken; whether it ever may be is in the error.
    pub async fn send(
        &self,
        chat: i64,
        message: &Message,
        file: Option<&File>,
    ) -> Result<(), Undelivered> {
        let (text, button) = with_link(message.chat(), &message.link);
        match file {
            None => self.say_with(chat, text, button).await,
            Some(file) => {
                let document = InputFile::memory(file.pdf.clone()).file_name(file.name.clone());
                let mut request = self.bot.send_document(ChatId(chat), document).caption(text);
                if let Some(button) = button {
                    request = request.reply_markup(button);
                }
                let sent = request.send().await;
                sent.map(drop).map_err(|error| classified(&error))
            }
        }
    }

    /// Says something in a chat.
    ///
    /// # Errors
    /// When it was not taken.
    pub async fn say(&self, chat: i64, text: String) -> Result<(), Undelivered> {
        self.say_with(chat, text, None).await
    }

    async fn say_with(
        &self,
        chat: i64,
        text: String,
        button: Option<InlineKeyboardMarkup>,
    ) -> Result<(), Undelivered> {
        let mut request = self
            .bot
            .send_message(ChatId(chat), text)
            .link_preview_options(LinkPreviewOptions {
                is_disabled: true,
                url: None,
                prefer_small_media: false,
                prefer_large_media: false,
                show_above_text: false,
            });
        if let Some(button) = button {
            request = request.reply_markup(button);
        }
        let sent = request.send().await;
        sent.map(drop).map_err(|error| classified(&error))
    }

    /// What people wrote from number `from` on, waiting a while for it, and the number after
    /// the last: asking with that number makes the Bot API forget these.
    ///
    /// # Errors
    /// When the Bot API does not answer.
    pub async fn incoming(&self, from: i32) -> Result<(Vec<Incoming>, i32), Undelivered> {
        let updates = self
            .bot
            .get_updates()
            .offset(from)
            .timeout(NEWS_WAIT_S)
            .allowed_updates([AllowedUpdate::Message])
            .send()
            .await
            .map_err(|error| classified(&error))?;
        let mut next = from;
        let mut incoming = Vec::new();
        for update in updates {
            next = next.max(update.id.as_offset());
            let UpdateKind::Message(message) = update.kind else {
                continue;
            };
            let Some(text) = message.text() else {
                continue;
            };
            let writer = message.from.as_ref();
            incoming.push(Incoming {
                chat: message.chat.id.0,
                is_private: message.chat.is_private(),
                language: writer.and_then(|writer| writer.language_code.clone()),
                text: text.to_owned(),
            });
        }
        Ok((incoming, next))
    }
}

/// The link as a button. Telegram refuses buttons that lead to this machine or into the
/// clear; there it is a line of the text.
fn with_link(text: String, link: &Link) -> (String, Option<InlineKeyboardMarkup>) {
    match link.address.parse() {
        Ok(address) if link.address.starts_with("https://") => {
            let button = InlineKeyboardButton::url(link.label.clone(), address);
            (text, Some(InlineKeyboardMarkup::new([[button]])))
        }
        _ => (format!("{text}\n{}: {}", link.label, link.address), None),
    }
}

fn classified(error: &RequestError) -> Undelivered {
    let why = error.to_string();
    let down = |pause| Undelivered::ChannelDown {
        why: why.clone(),
        pause,
    };
    match error {
        RequestError::RetryAfter(seconds) => down(Some(SignedDuration::from_secs(i64::from(
            seconds.seconds(),
        )))),
        RequestError::Api(
            ApiError::BotBlocked
            | ApiError::BotKicked
            | ApiError::ChatNotFound
            | ApiError::UserNotFound
            | ApiError::UserDeactivated
            | ApiError::CantInitiateConversation,
        ) => Undelivered::Gone(why),
        RequestError::Api(ApiError::Unknown(said)) if said.starts_with("Forbidden") => {
            Undelivered::Gone(why)
        }
        RequestError::Api(ApiError::Unknown(said)) if said.starts_with("Bad Request") => {
            Undelivered::Never(why)
        }
        RequestError::Api(
            ApiError::InvalidToken
            | ApiError::Unknown(_)
            | ApiError::TerminatedByOtherGetUpdates
            | ApiError::CantGetUpdates,
        )
        | RequestError::Network(_)
        | RequestError::InvalidJson { .. }
        | RequestError::Io(_) => down(None),
        RequestError::Api(_) | RequestError::MigrateToChatId(_) => Undelivered::Never(why),
    }
}
