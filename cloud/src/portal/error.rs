//! Errors: how a failure becomes a page.
//!
//! Promises: what is not yours and what is not there give the same page, byte for byte; a
//! fault of ours is logged once, here, under an id that the page shows. It lacks any
//! detail of the fault on the page.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use common::locale::Language;

use super::asset;
use super::password::PasswordError;
use super::session::language_of;
use crate::store::StoreError;
use crate::text::{Arg, Text};

/// Letters of the id under which a fault is logged.
const FAULT_ID_CHARACTERS: usize = 8;

/// Why there is no answer of the ordinary kind.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is not there, or not for this visitor, which is the same.
    Absent,
    /// Nobody is signed in.
    SignInFirst {
        /// Where they wanted to go.
        wanted: String,
    },
    /// We could not: a fault of ours or of the engine.
    Fault(anyhow::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Fault(anyhow::Error::new(error).context("a page could not be written"))
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Self::Fault(error.into())
    }
}

/// The id of a logged fault, on its way to the page.
#[derive(Debug, Clone)]
struct FaultId(String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Absent => StatusCode::NOT_FOUND.into_response(),
            Self::SignInFirst { wanted } => super::sign_in::redirect(&wanted),
            Self::Fault(error) => {
                let secret = crate::secret::new();
                let id: String = secret
                    .chars()
                    .filter(char::is_ascii_alphanumeric)
                    .take(FAULT_ID_CHARACTERS)
                    .collect();
                tracing::error!(fault = id, error = format!("{error:#}"), "a page failed");
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                response.extensions_mut().insert(FaultId(id));
                response
            }
        }
    }
}

#[derive(Template)]
#[template(path = "portal/error.html")]
struct ErrorPage {
    text: Text,
    heading: String,
    explanation: String,
}

impl ErrorPage {
    fn style(&self) -> String {
        asset::style_path()
    }

    fn icon(&self) -> String {
        asset::icon_path()
    }
}

/// Gives every failure that has no page of its own the page of its status, in the visitor's
/// language.
pub(super) async fn dress(request: Request, next: Next) -> Response {
    let language = language_of(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_page(response.headers()) {
        return response;
    }
    let fault = response.extensions().get::<FaultId>().cloned();
    let mut page = page(status, language, fault);
    if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    page
}

fn is_page(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    media_type.is_some_and(|value| value.starts_with(b"text/html"))
}

fn page(status: StatusCode, language: Language, fault: Option<FaultId>) -> Response {
    let text = Text::in_language(language);
    let (heading, explanation) = match (status, fault) {
        (StatusCode::NOT_FOUND, _) => (
            text.get("portal-absent-heading"),
            text.get("portal-absent-explanation"),
        ),
        (StatusCode::FORBIDDEN, _) => (
            text.get("portal-forbidden-heading"),
            text.get("portal-forbidden-explanation"),
        ),
        (_, Some(FaultId(id))) => (
            text.get("portal-fault-heading"),
            text.with("portal-fault-explanation", &[("id", Arg::from(&id))]),
        ),
        _ if status.is_server_error() => (
            text.get("portal-fault-heading"),
            text.get("portal-fault-unknown"),
        ),
        _ => (
            text.get("portal-odd-heading"),
            text.get("portal-odd-explanation"),
        ),
    };
    let page = ErrorPage {
        text,
        heading,
        explanation,
    };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page of an error could not be written");
            status.into_response()
        }
    }
}
