//! What people do in the portal, done by its own forms.

use anyhow::{Context, ensure};

use crate::browser::{Browser, Page};
use crate::cloud::Cloud;

/// A password that the portal takes.
pub const PASSWORD: &str = "correct horse battery";

/// A meter as the integrator registers it.
#[derive(Debug, Clone)]
pub struct NewMeter<'a> {
    /// What people call it.
    pub label: &'a str,
    /// Profile, point and unit, as the form sends them: `eastron-sdm120/energy_import/kWh`.
    pub counter: String,
    /// Where it answers.
    pub unit_id: u8,
    /// On which bus.
    pub bus: &'a str,
    /// Language and region.
    pub locale: &'a str,
    /// The zone of its midnights.
    pub zone: &'a str,
    /// The first day that is billed.
    pub from: &'a str,
    /// The last day of a period.
    pub cutoff_day: u8,
    /// The price of one unit.
    pub price: &'a str,
    /// What that is in.
    pub currency: &'a str,
    /// The least that is billed.
    pub minimum: &'a str,
    /// The hour at which invoices go out.
    pub send_hour: u8,
    /// Who gets its invoices, by name, and how: `email`, `telegram`, `both`, `none`.
    pub recipients: &'a [(&'a str, &'a str)],
}

/// Makes the first administrator by the operator's command line and signs them in.
///
/// # Errors
/// When the command or the page refuses.
pub async fn administrator(cloud: &Cloud, email: &str) -> anyhow::Result<Browser> {
    let arguments = [
        "user",
        "add",
        email,
        "--name",
        "Platform administrator",
        "--administrator",
    ];
    let printed = cloud.command(&arguments).await?.ok()?;
    let browser = Browser::new(cloud.url())?;
    set_password(&browser, &password_link(&printed)?, PASSWORD).await?;
    Ok(browser)
}

/// The one-time link in what a command printed or a page says.
///
/// # Errors
/// When there is none.
pub fn password_link(text: &str) -> anyhow::Result<String> {
    let mut words = text.split(|c: char| c.is_whitespace() || c == '"' || c == '<' || c == '>');
    let link = words.rfind(|word| word.contains("/password/"));
    Ok(link
        .with_context(|| format!("no link to set a password in: {text}"))?
        .to_owned())
}

/// Opens a one-time link and sets a password; that signs in.
///
/// # Errors
/// When the link is spent or the password refused.
pub async fn set_password(browser: &Browser, link: &str, password: &str) -> anyhow::Result<Page> {
    let page = browser.open(link).await?;
    let form = page.form("password")?.fill("password", password);
    browser.submit(&page, &form).await
}

/// Signs in; whatever comes back.
///
/// # Errors
/// When the server does not answer.
pub async fn sign_in(browser: &Browser, email: &str, password: &str) -> anyhow::Result<Page> {
    let page = browser.open("/sign-in").await?;
    let form = page
        .form("password")?
        .fill("email", email)
        .fill("password", password);
    browser.send(&page, &form).await
}

/// The administrator makes an account; returns the link for its first integrator.
///
/// # Errors
/// When the form is refused.
pub async fn add_account(
    administrator: &Browser,
    account: &str,
    name: &str,
    email: &str,
    language: &str,
) -> anyhow::Result<String> {
    let page = administrator.open("/accounts/new").await?;
    let form = page
        .form("account")?
        .fill("account", account)
        .fill("name", name)
        .fill("email", email)
        .fill("language", language);
    let invited = administrator.submit(&page, &form).await?;
    password_link(&invited.html())
}

/// A monitor user as the integrator invites them.
#[derive(Debug, Clone, Copy)]
pub struct NewMonitor<'a> {
    /// What they are called.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// `en` or `es`.
    pub language: &'a str,
    /// The switch: whether they may change settings.
    pub may_change_settings: bool,
}

/// The integrator invites a monitor user; returns the link by which they set a password.
///
/// # Errors
/// When the form is refused.
pub async fn add_monitor(integrator: &Browser, new: &NewMonitor<'_>) -> anyhow::Result<String> {
    let page = integrator.open("/people/new").await?;
    let mut form = page
        .form("email")?
        .fill("name", new.name)
        .fill("email", new.email)
        .fill("language", new.language);
    if new.may_change_settings {
        form = form.tick("may_change", "on");
    }
    let invited = integrator.submit(&page, &form).await?;
    password_link(&invited.html())
}

/// The integrator makes a site; returns its path.
///
/// # Errors
/// When the form is refused.
pub async fn add_site(
    integrator: &Browser,
    name: &str,
    zone: &str,
    locale: &str,
) -> anyhow::Result<String> {
    let page = integrator.open("/sites/new").await?;
    let form = page
        .form("zone")?
        .fill("name", name)
        .fill("zone", zone)
        .fill("locale", locale);
    let made = integrator.submit(&page, &form).await?;
    Ok(made.url.path().to_owned())
}

/// A gateway as the portal made it.
#[derive(Debug, Clone)]
pub struct AddedGateway {
    /// Where its page is.
    pub path: String,
    /// The code that lets it in.
    pub code: String,
}

/// The integrator makes a gateway of `kind` (`gateway`, `connektor`).
///
/// # Errors
/// When the form is refused.
pub async fn add_gateway(
    integrator: &Browser,
    site: &str,
    name: &str,
    kind: &str,
) -> anyhow::Result<AddedGateway> {
    let page = integrator.open(&format!("{site}/gateways")).await?;
    let form = page.form("kind")?.fill("name", name).fill("kind", kind);
    let made = integrator.submit(&page, &form).await?;
    let links = made.links_with("/gateways/");
    let path = links.first().context("no link to the gateway")?;
    Ok(AddedGateway {
        path: path.clone(),
        code: code_on(&made.text())?,
    })
}

/// The integrator gets another code for a gateway that is there already.
///
/// # Errors
/// When the page refuses.
pub async fn new_code(integrator: &Browser, gateway: &str) -> anyhow::Result<String> {
    let page = integrator.open(gateway).await?;
    let made = integrator.submit(&page, &page.form_to("/code")?).await?;
    code_on(&made.text())
}

fn code_on(text: &str) -> anyhow::Result<String> {
    let (_, after) = text
        .split_once("--code ")
        .with_context(|| format!("no code on the page: {text}"))?;
    let code = after.split_whitespace().next().unwrap_or_default();
    Ok(code.to_owned())
}

/// Fills the form of a meter, but does not send it.
///
/// # Errors
/// When there is no such form.
pub async fn meter_form(
    integrator: &Browser,
    gateway: &str,
    meter: &NewMeter<'_>,
) -> anyhow::Result<(Page, crate::form::Form)> {
    let page = integrator.open(&format!("{gateway}/meters")).await?;
    let mut form = page
        .form("counter")?
        .fill("label", meter.label)
        .fill("counter", &meter.counter)
        .fill("unit_id", &meter.unit_id.to_string())
        .fill("bus", meter.bus)
        .fill("locale", meter.locale)
        .fill("zone", meter.zone)
        .fill("from", meter.from)
        .fill("cutoff_day", &meter.cutoff_day.to_string())
        .fill("price", meter.price)
        .fill("currency", meter.currency)
        .fill("minimum", meter.minimum)
        .fill("send_hour", &meter.send_hour.to_string());
    for (name, delivery) in meter.recipients {
        let field = form.labelled(name);
        form = form.fill(&field, delivery);
    }
    Ok((page, form))
}

/// The integrator registers a meter; returns its path.
///
/// # Errors
/// When the form is refused.
pub async fn add_meter(
    integrator: &Browser,
    gateway: &str,
    meter: &NewMeter<'_>,
) -> anyhow::Result<String> {
    let (page, form) = meter_form(integrator, gateway, meter).await?;
    let made = integrator.submit(&page, &form).await?;
    let path = made.url.path().to_owned();
    ensure!(path.starts_with("/meters/"), "not a meter's page: {path}");
    Ok(path)
}

/// A person links their Telegram by the button on their own page; the fake bot gets the
/// `/start` that their phone would send.
///
/// # Errors
/// When the page shows no link.
pub async fn link_telegram(
    person: &Browser,
    telegram: &crate::telegram::Telegram,
    chat: i64,
    name: &str,
) -> anyhow::Result<()> {
    let page = person.open("/me").await?;
    let form = page.form_to("/telegram")?;
    let linked = person.submit(&page, &form).await?;
    let links = linked.links_with("start=");
    let link = links.first().context("no link to the bot")?;
    let (_, token) = link.split_once("start=").context("no token in the link")?;
    telegram.say(chat, name, &format!("/start {token}"));
    Ok(())
}
