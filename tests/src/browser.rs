//! A browser without a screen: cookies, redirects, links and forms.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, StatusCode, Url};

use crate::form::{self, Form};

/// One person's browser at one server.
#[derive(Debug, Clone)]
pub struct Browser {
    client: reqwest::Client,
    base: Url,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// Where redirects led.
    pub url: Url,
    /// The content type.
    pub kind: String,
    /// The file name that a download proposes, with its header.
    pub disposition: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An HTTP client that trusts nobody in particular: everything here is on loopback.
///
/// # Errors
/// When the TLS library cannot be set up.
pub fn client() -> anyhow::Result<reqwest::ClientBuilder> {
    // A second installation is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(60)))
}

impl Browser {
    /// A browser with an empty cookie jar at the server `base`.
    ///
    /// # Errors
    /// When `base` is no address.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: client()?.cookie_store(true).build()?,
            base: base.parse()?,
        })
    }

    /// Opens an address, or a path of the server, whatever comes back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn fetch(&self, path: &str) -> anyhow::Result<Page> {
        let url = self.base.join(path)?;
        let request = self.client.request(Method::GET, url);
        page(request).await.with_context(|| format!("GET {path}"))
    }

    /// Opens a page that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub async fn open(&self, path: &str) -> anyhow::Result<Page> {
        self.fetch(path).await?.ok()
    }

    /// Sends a form as it is now on `page`, whatever comes back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn send(&self, page_of_form: &Page, form: &Form) -> anyhow::Result<Page> {
        let mut url = match form.action.as_str() {
            "" => page_of_form.url.clone(),
            action => page_of_form.url.join(action)?,
        };
        let request = if form.is_post {
            // What a browser says of where a form stood; the server refuses other sites'.
            self.client
                .request(Method::POST, url)
                .header("origin", self.base.origin().ascii_serialization())
                .header("sec-fetch-site", "same-origin")
                .form(&form.values)
        } else {
            url.query_pairs_mut().clear().extend_pairs(&form.values);
            self.client.request(Method::GET, url)
        };
        page(request)
            .await
            .with_context(|| format!("sending the form to {}", form.action))
    }

    /// Sends a form that must be taken.
    ///
    /// # Errors
    /// When it is refused; the error holds the page's words.
    pub async fn submit(&self, page_of_form: &Page, form: &Form) -> anyhow::Result<Page> {
        self.send(page_of_form, form).await?.ok()
    }
}

async fn page(request: reqwest::RequestBuilder) -> anyhow::Result<Page> {
    let response = request.send().await?;
    let header = |name: &str| {
        let value = response.headers().get(name);
        let text = value.and_then(|value| value.to_str().ok());
        text.unwrap_or_default().to_owned()
    };
    Ok(Page {
        status: response.status(),
        url: response.url().clone(),
        kind: header("content-type"),
        disposition: header("content-disposition"),
        bytes: response.bytes().await?.to_vec(),
    })
}

impl Page {
    /// The page, when its status says that all is well.
    ///
    /// # Errors
    /// When it does not; the error holds the page's words.
    pub fn ok(self) -> anyhow::Result<Self> {
        if self.status.is_success() {
            return Ok(self);
        }
        bail!("{} answers {}: {}", self.url, self.status, self.text())
    }

    /// Its markup.
    #[must_use]
    pub fn html(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The words on it.
    #[must_use]
    pub fn text(&self) -> String {
        form::text(&self.html())
    }

    /// The form that has a field named `field`.
    ///
    /// # Errors
    /// When there is none.
    pub fn form(&self, field: &str) -> anyhow::Result<Form> {
        let forms = form::forms(&self.html());
        let found = forms.into_iter().find(|form| form.has(field));
        found.with_context(|| format!("{} has no form with a field '{field}'", self.url))
    }

    /// The form that goes to an address ending in `end`.
    ///
    /// # Errors
    /// When there is none.
    pub fn form_to(&self, end: &str) -> anyhow::Result<Form> {
        let forms = form::forms(&self.html());
        let found = forms.into_iter().find(|form| form.action.ends_with(end));
        found.with_context(|| format!("{} has no form that goes to {end}", self.url))
    }

    /// Where the first link whose text holds `words` leads.
    ///
    /// # Errors
    /// When there is none.
    pub fn link(&self, words: &str) -> anyhow::Result<String> {
        let links = form::links(&self.html());
        let found = links.into_iter().find(|(_, text)| text.contains(words));
        let (target, _) =
            found.with_context(|| format!("{} has no link that says '{words}'", self.url))?;
        Ok(target)
    }

    /// Where all links lead whose address holds `part`.
    #[must_use]
    pub fn links_with(&self, part: &str) -> Vec<String> {
        let links = form::links(&self.html()).into_iter();
        links
            .map(|(target, _)| target)
            .filter(|target| target.contains(part))
            .collect()
    }
}
