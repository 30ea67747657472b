//! What a notice says, in the language and forms of the meter, once for all its forms: the
//! text and the HTML of a mail, and the message of the bot. The figures have the same
//! characters as the invoice's page and PDF.

#[cfg(test)]
pub(crate) mod tests;

use askama::Template as _;
use common::id::{InvoiceId, MeterId};
use common::locale::Language;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::SilenceContent;
use crate::account::Person;
use crate::billing::invoice::Invoice;
use crate::document::DocumentError;
use crate::document::say::Say;
use crate::format::Format;
use crate::site::Meter;
use crate::text::{Arg, Text};

/// The most UTF-16 units of what stands under a file in Telegram, a link's line left out.
pub const CAPTION_UNITS_MAX: usize = 900;

/// A figure with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// The figure.
    pub value: String,
}

/// Where a message leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the button says.
    pub label: String,
    /// The address.
    pub address: String,
}

/// A message, apart from its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The language.
    pub language: Language,
    /// The subject of the mail.
    pub subject: String,
    /// A sign in front of the bot's message.
    pub sign: &'static str,
    /// The building, or whoever writes.
    pub place: String,
    /// What it is about.
    pub title: String,
    /// The one thing to see, such as the total.
    pub headline: Option<Figure>,
    /// Figures.
    pub figures: Vec<Figure>,
    /// Sentences.
    pub paragraphs: Vec<String>,
    /// Things to look at.
    pub points: Vec<String>,
    /// Where to go.
    pub link: Link,
    /// Small print.
    pub foot: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "notice/message.html")]
struct Html<'a> {
    message: &'a Message,
}

impl Message {
    /// The HTML of the mail.
    ///
    /// # Errors
    /// When the template cannot be filled in.
    pub fn html(&self) -> Result<String, askama::Error> {
        Html { message: self }.render()
    }

    /// The text of the mail, which says the same.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts = vec![[self.place.as_str(), &self.title].join("\n")];
        let figures: Vec<String> = self.figure_lines();
        parts.push(figures.join("\n"));
        parts.extend(self.paragraphs.iter().cloned());
        let points: Vec<String> = self
            .points
            .iter()
            .map(|point| format!("- {point}"))
            .collect();
        parts.push(points.join("\n"));
        parts.push(format!("{}:\n{}", self.link.label, self.link.address));
        parts.push(self.foot.join("\n"));
        parts.retain(|part| !part.trim().is_empty());
        let mut text = parts.join("\n\n").trim_start().to_owned();
        text.push('\n');
        text
    }

    /// What the bot writes, without the link.
    #[must_use]
    pub fn chat(&self) -> String {
        let mut lines = vec![format!("{} {}", self.sign, self.title)];
        lines.extend(self.figure_lines());
        lines.extend(self.paragraphs.iter().cloned());
        lines.extend(self.points.iter().map(|point| format!("• {point}")));
        shortened(&lines.join("\n"))
    }

    fn figure_lines(&self) -> Vec<String> {
        let figures = self.headline.iter().chain(&self.figures);
        figures
            .map(|figure| format!("{}: {}", figure.name, figure.value))
            .collect()
    }
}

fn shortened(text: &str) -> String {
    let mut units = 0;
    let fits = |letter: &char| {
        units += letter.len_utf16();
        units <= CAPTION_UNITS_MAX
    };
    let kept: String = text.chars().take_while(fits).collect();
    if kept.len() < text.len() {
        format!("{kept}…")
    } else {
        kept
    }
}

fn invoice_address(public_url: &str, invoice: InvoiceId) -> String {
    format!("{public_url}/invoices/{invoice}")
}

fn meter_address(public_url: &str, meter: MeterId) -> String {
    format!("{public_url}/meters/{meter}")
}

/// What the notice of an invoice says.
///
/// # Errors
/// When its zone does not exist.
pub fn invoice(invoice: &Invoice, public_url: &str) -> Result<Message, DocumentError> {
    let say = Say::new(invoice)?;
    let (total, dates) = (say.money(invoice.total), say.period());
    let subject = say.text.with(
        "notice-invoice-subject",
        &[
            ("meter", Arg::from(&invoice.meter_label)),
            ("total", Arg::from(&total)),
            ("dates", Arg::from(&dates)),
        ],
    );
    let mut foot = vec![
        format!("{} · {}", say.number(), invoice.issuer),
        say.text.get("document-notice"),
    ];
    if invoice.simulated {
        foot.insert(0, say.text.get("document-simulated"));
    }
    Ok(Message {
        language: invoice.locale.language(),
        subject,
        sign: "🧾",
        place: invoice.site.clone(),
        title: format!("{} · {} · {dates}", invoice.meter_label, say.medium()),
        headline: Some(Figure {
            name: say.text.get("document-total"),
            value: total,
        }),
        figures: invoice_figures(invoice, &say),
        paragraphs: [say.corrects(), say.lost()]
            .into_iter()
            .filter(|one| !one.is_empty())
            .collect(),
        points: Vec::new(),
        link: Link {
            label: say.text.get("notice-view-invoice"),
            address: invoice_address(public_url, invoice.id),
        },
        foot,
    })
}

fn invoice_figures(invoice: &Invoice, say: &Say<'_>) -> Vec<Figure> {
    let mut consumption = say.quantity(invoice.measured);
    let comparison = say.comparison();
    if !comparison.is_empty() {
        consumption = format!("{consumption} ({comparison})");
    }
    let opening = say.format.decimal(invoice.opening().register.value());
    let closing = say.quantity(invoice.closing().register.value());
    let mut figures = vec![
        Figure {
            name: say.text.get("document-consumption"),
            value: consumption,
        },
        Figure {
            name: say.text.get("notice-readings"),
            value: format!("{opening} → {closing} · {}", say.trust()),
        },
    ];
    if invoice.minimum > Decimal::ZERO && invoice.billed > invoice.measured {
        figures.push(Figure {
            name: say.text.get("document-minimum"),
            value: say.quantity(invoice.minimum),
        });
    }
    figures
}

/// What the notice of a silent meter says to whoever installed it. `period_until` is the day
/// after the running period.
#[must_use]
pub fn silent(
    meter: &Meter,
    site: &str,
    silence: &SilenceContent,
    period_until: Option<Date>,
    public_url: &str,
) -> Message {
    let text = Text::new(meter.locale);
    let format = Format::new(meter.locale);
    let when = format.date_time(silence.since, &meter.zone);
    let args = [
        ("meter", Arg::from(&meter.label)),
        ("when", Arg::from(&when)),
    ];
    let mut paragraphs = vec![text.with("notice-silent-lead", &args)];
    if let Some(last) = period_until.and_then(|until| until.yesterday().ok()) {
        let date = format.date(last);
        paragraphs.push(text.with("notice-silent-effect", &[("date", Arg::from(&date))]));
    }
    paragraphs.push(text.get("notice-silent-causes"));
    Message {
        sign: "⚠️",
        paragraphs,
        points: vec![
            text.get("notice-silent-cause-power"),
            text.get("notice-silent-cause-internet"),
            text.get("notice-silent-cause-line"),
        ],
        ..about_meter(
            meter,
            site,
            text.with("notice-silent-subject", &args),
            public_url,
        )
    }
}

/// What the notice says that a meter records again.
#[must_use]
pub fn recovered(meter: &Meter, site: &str, silence: &SilenceContent, public_url: &str) -> Message {
    let text = Text::new(meter.locale);
    let format = Format::new(meter.locale);
    let since = format.date_time(silence.since, &meter.zone);
    let until = silence.until.unwrap_or(meter.last_good_at);
    let until = format.date_time(until, &meter.zone);
    let args = [
        ("meter", Arg::from(&meter.label)),
        ("since", Arg::from(&since)),
        ("until", Arg::from(&until)),
    ];
    let subject = text.with("notice-recovered-subject", &args);
    Message {
        sign: "✅",
        paragraphs: vec![
            text.with("notice-recovered-lead", &args),
            text.get("notice-recovered-effect"),
        ],
        ..about_meter(meter, site, subject, public_url)
    }
}

fn about_meter(meter: &Meter, site: &str, subject: String, public_url: &str) -> Message {
    let text = Text::new(meter.locale);
    Message {
        language: meter.locale.language(),
        title: subject.clone(),
        subject,
        sign: "",
        place: site.to_owned(),
        headline: None,
        figures: Vec::new(),
        paragraphs: Vec::new(),
        points: Vec::new(),
        link: Link {
            label: text.get("notice-view-meter"),
            address: meter_address(public_url, meter.id),
        },
        foot: Vec::new(),
    }
}

/// What an invitation says, in the person's language.
#[must_use]
pub fn invitation(person: &Person, account_name: &str, link: &str) -> Message {
    let text = Text::in_language(person.language);
    let args = [
        ("account", Arg::from(account_name)),
        ("name", Arg::from(&person.name)),
    ];
    let subject = text.with("notice-invitation-subject", &args);
    Message {
        language: person.language,
        title: subject.clone(),
        subject,
        sign: "",
        place: String::new(),
        headline: None,
        figures: Vec::new(),
        paragraphs: vec![
            text.with("notice-invitation-lead", &args),
            text.get("notice-invitation-link"),
        ],
        points: Vec::new(),
        link: Link {
            label: text.get("notice-open"),
            address: link.to_owned(),
        },
        foot: Vec::new(),
    }
}
