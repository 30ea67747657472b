//! Document: the invoice as PDF, by way of SVG pages.
//!
//! Promises: the bill is one page, on the paper of the meter's region, in its language, and the
//! readings of its days follow on others; every figure has the characters that page and mail
//! show; text can be selected and searched, in a font that travels in the file; nothing runs out
//! of its place, however long a name is. The same invoice makes the same bytes. Rendering takes
//! milliseconds of CPU: call it in `spawn_blocking`.

use std::sync::{Arc, LazyLock};

use askama::Template as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::geom::Size;
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt as _, SvgSettings};
use resvg::usvg::{self, fontdb};

use crate::billing::invoice::Invoice;
use crate::format::Format;
use crate::site::ZoneError;
use days::Days;
use page::Page;

mod code;
mod days;
mod measure;
mod page;
pub(crate) mod say;
#[cfg(test)]
mod tests;

/// The font of every letter.
const FONT: &str = "Noto Sans";
const REGULAR: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/NotoSans-Bold.ttf");

/// Why there is no PDF.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The invoice names a zone that this program's time zone database lacks.
    #[error("the invoice cannot be shown in its zone")]
    Zone(#[from] ZoneError),
    /// The page could not be filled in.
    #[error("the page of the invoice cannot be filled in")]
    Fill(#[from] askama::Error),
    /// The page is no SVG.
    #[error("the page of the invoice is no SVG")]
    Draw(#[from] usvg::Error),
    /// The PDF could not be written.
    #[error("the PDF cannot be written: {0}")]
    Write(String),
}

/// The sizes of paper that invoices are made for, in points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Paper {
    width: u16,
    height: u16,
}

const A4: Paper = Paper {
    width: 595,
    height: 842,
};
const LETTER: Paper = Paper {
    width: 612,
    height: 792,
};

/// Regions that use US Letter, by CLDR's supplemental data.
const LETTER_REGIONS: [&str; 14] = [
    "BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE",
];

impl Paper {
    fn of(region: &str) -> Self {
        if LETTER_REGIONS.contains(&region) {
            LETTER
        } else {
            A4
        }
    }
}

/// The invoice as PDF. `check_at` is the address of the public page that checks it, if it has
/// one.
///
/// # Errors
/// When its zone does not exist, or the PDF cannot be made, which is our fault.
pub fn invoice_pdf(invoice: &Invoice, check_at: Option<&str>) -> Result<Vec<u8>, DocumentError> {
    let page = Page::new(invoice, check_at)?;
    let mut document = krilla::Document::new();
    draw(&mut document, page.paper, &page.render()?)?;
    for days in Days::pages(invoice)? {
        draw(&mut document, days.paper, &days.render()?)?;
    }
    document.set_metadata(
        Metadata::new()
            .title(page.title.clone())
            .language(invoice.locale.to_string())
            .authors(vec![invoice.issuer.clone()])
            .creator("Enervue".to_owned())
            .creation_date(written(invoice.issued_at))
            .document_id(invoice.id.to_string()),
    );
    document
        .finish()
        .map_err(|error| DocumentError::Write(format!("{error:?}")))
}

/// Puts one more page into the document.
fn draw(document: &mut krilla::Document, paper: Paper, svg: &str) -> Result<(), DocumentError> {
    let tree = usvg::Tree::from_str(svg, &OPTIONS)?;
    let unwritten = |why: &str| DocumentError::Write(why.to_owned());
    let (width, height) = (f32::from(paper.width), f32::from(paper.height));
    let settings = PageSettings::from_wh(width, height).ok_or_else(|| unwritten("its size"))?;
    let size = Size::from_wh(width, height).ok_or_else(|| unwritten("its size"))?;
    let mut sheet = document.start_page_with(settings);
    let mut surface = sheet.surface();
    surface
        .draw_svg(&tree, size, SvgSettings::default())
        .ok_or_else(|| unwritten("its drawing"))?;
    surface.finish();
    sheet.finish();
    Ok(())
}

/// The name under which the PDF is sent and saved.
#[must_use]
pub fn file_name(invoice: &Invoice) -> String {
    let about = [invoice.site.as_str(), invoice.meter_label.as_str()];
    Format::file_name(&about, invoice.period.from, invoice.period.until, "pdf")
}

/// With the product's own fonts and no others: the same PDF on every machine.
static OPTIONS: LazyLock<usvg::Options<'static>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    fonts.set_sans_serif_family(FONT);
    usvg::Options {
        font_family: FONT.to_owned(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    }
});

fn written(instant: Timestamp) -> DateTime {
    let utc = instant.to_zoned_datetime(TimeZone::UTC).datetime();
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    DateTime::new(u16::try_from(utc.year()).unwrap_or(0))
        .month(part(utc.month()))
        .day(part(utc.day()))
        .hour(part(utc.hour()))
        .minute(part(utc.minute()))
        .second(part(utc.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
