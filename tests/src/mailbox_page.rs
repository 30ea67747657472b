//! The page that shows what went out: the mails as they look, the Telegram messages as they
//! stand in a chat. For the demo; it reloads on demand and runs no script.

use std::fmt::Write as _;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::mailbox::{Mail, Mailbox};
use crate::telegram::{Message, Telegram};

const STYLE: &str = include_str!("mailbox_page.css");
/// What came is shown, never run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      frame-src 'self'";

#[derive(Debug, Clone)]
struct Shown {
    mailbox: Mailbox,
    telegram: Telegram,
}

/// Serves the page at `port` of loopback, for as long as the runtime lives.
///
/// # Errors
/// When the port is taken.
pub async fn serve(port: u16, mailbox: &Mailbox, telegram: &Telegram) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .with_context(|| format!("port {port} for the mailbox page"))?;
    let shown = Shown {
        mailbox: mailbox.clone(),
        telegram: telegram.clone(),
    };
    let routes = Router::new()
        .route("/", get(page))
        .route("/mail/{number}", get(raw))
        .route("/mail/{number}/{attachment}", get(attachment))
        .with_state(shown);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(())
}

async fn page(State(shown): State<Shown>) -> impl IntoResponse {
    let mails = shown.mailbox.mails();
    let messages = shown.telegram.messages();
    let mut html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Mailbox</title>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <style>{STYLE}</style><header><h1>What went out</h1>\
         <p>{} mails and {} Telegram messages, the newest first. \
         <a href='/'>Look again</a></p></header><main><section><h2>E-mail</h2>",
        mails.len(),
        messages.len(),
    );
    for (number, mail) in mails.iter().enumerate().rev() {
        html.push_str(&mail_card(number, mail));
    }
    html.push_str("</section><section><h2>Telegram</h2>");
    for message in messages.iter().rev() {
        html.push_str(&bubble(&shown.telegram, message));
    }
    html.push_str("</section></main></html>");
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html))
}

fn mail_card(number: usize, mail: &Mail) -> String {
    let mut attached = String::new();
    for (position, (name, bytes)) in mail.attachments.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(
            attached,
            " <a class=file href='/mail/{number}/{position}'>{} ({} KB)</a>",
            escape(name),
            bytes.len().div_ceil(1024),
        );
    }
    let body = if mail.html.is_empty() {
        format!("<pre>{}</pre>", escape(&mail.text))
    } else {
        format!(
            "<iframe sandbox title='{}' srcdoc=\"{}\"></iframe>",
            escape(&mail.subject),
            escape(&mail.html)
        )
    };
    format!(
        "<article><h3>{}</h3><p class=head>to <b>{}</b>{attached} \
         <a href='/mail/{number}'>source</a></p>{body}</article>",
        escape(&mail.subject),
        escape(&mail.to.join(", ")),
    )
}

fn bubble(telegram: &Telegram, message: &Message) -> String {
    // The Bot API knows a handful of tags; the page's policy runs none of them.
    let text = match message.parse_mode.as_str() {
        "HTML" => message.text.clone(),
        _ => escape(&message.text),
    };
    let document = message
        .document
        .as_ref()
        .map_or(String::new(), |(name, bytes)| {
            format!(
                "<p class=file>{} ({} KB)</p>",
                escape(name),
                bytes.len().div_ceil(1024)
            )
        });
    format!(
        "<p class=head>to <b>{}</b></p><div class=bubble>{document}{text}</div>",
        escape(&telegram.name(message.chat)),
    )
}

async fn raw(State(shown): State<Shown>, Path(number): Path<usize>) -> Response {
    match shown.mailbox.mails().into_iter().nth(number) {
        Some(mail) => (
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            mail.raw,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn attachment(
    State(shown): State<Shown>,
    Path((number, position)): Path<(usize, usize)>,
) -> Response {
    let mail = shown.mailbox.mails().into_iter().nth(number);
    let file = mail.and_then(|mail| mail.attachments.into_iter().nth(position));
    let Some((name, bytes)) = file else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
