//! The page of paper, in every language and with the longest words.

use common::quantity::Quantity;
use common::unit::{Medium, Unit};
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::*;
use crate::billing::invoice::{DailyUse, LineKind};
use crate::billing::sample::{self, number};
use crate::billing::segment::{Segment, Segments};

/// Where an invoice can be checked.
const CHECK_AT: &str = "https://enervue.example/verify/uKFJmVr1JmgDw01w6FnMNQ";

/// An ordinary invoice: 344.8 kWh at $3.00, with a minimum that does not apply.
fn sample(locale: &str) -> Invoice {
    let mut invoice = sample::invoice(locale);
    invoice.minimum = number("100");
    invoice.issued_at = "2026-11-01T07:10:00Z".parse().unwrap();
    invoice
}

fn change_segments(invoice: &mut Invoice, change: impl Fn(&mut Segment)) {
    invoice.segments.for_each_mut(change);
}

/// Cuts the invoice's segment at the start of `day`, where its register did not move.
fn cut_at(invoice: &mut Invoice, day: Date) {
    let mut segments: Vec<Segment> = invoice.segments.clone().into();
    let mut before = segments.pop().unwrap();
    let mut after = before.clone();
    before.closing = sample::boundary(day, "0", Unit::KiloWh);
    before.closing.register = before.opening.register;
    after.opening = before.closing.clone();
    segments.extend([before, after]);
    invoice.segments = Segments::try_from(segments).unwrap();
}

/// Everything that is long, at once.
fn crowded(locale: &str) -> Invoice {
    let mut invoice = sample(locale);
    invoice.issuer =
        "Administradora de Plazas Comerciales del Noroeste <& Asociados> S.A. de C.V. \
                      de Baja California"
            .to_owned();
    invoice.site = "Centro comercial Plaza Norte, segunda etapa, edificio de oficinas ".repeat(3);
    invoice.meter_label = "Local 204-B, restaurante «El Ñandú», planta alta, acometida \
                           trifásica norte con medidor de respaldo y bajada independiente al estacionamiento"
        .to_owned();
    change_segments(&mut invoice, |one| one.serial_number = "X".repeat(300));
    invoice.unit = Unit::GallonUs;
    invoice.medium = Medium::Water;
    let most = Quantity::new(number("9223372036.854775807"), Unit::GallonUs).unwrap();
    change_segments(&mut invoice, |one| {
        one.closing.register = most;
        one.opening.register = Quantity::new(Decimal::ZERO, Unit::GallonUs).unwrap();
    });
    invoice.measured = number("9223372036.854775807");
    invoice.total = number("27670116110564.33");
    invoice.lines[0].quantity = number("9223372036.854775807");
    invoice.lines[0].price = number("3000.123456");
    invoice.lines[0].amount = invoice.total;
    let mut second = invoice.lines[0].clone();
    second.kind = LineKind::Minimum;
    invoice.lines.push(second);
    cut_at(&mut invoice, date(2026, 10, 16));
    invoice.simulated = true;
    for day in [3, 4, 17] {
        invoice.daily[day].quantity = None;
    }
    invoice.daily[9].quantity = Some(Decimal::ZERO);
    invoice.daily[10].quantity = Some(number("98765432.123"));
    invoice.earlier[0].measured = number("1844674407.37");
    invoice.earlier[0].total = number("5534023222111.06");
    invoice
}

/// Nothing went through the meter, and nobody knows what was before.
fn empty(locale: &str) -> Invoice {
    let mut invoice = sample(locale);
    change_segments(&mut invoice, |one| {
        one.serial_number.clear();
        one.closing.register = one.opening.register;
    });
    invoice.measured = Decimal::ZERO;
    invoice.billed = Decimal::ZERO;
    invoice.minimum = Decimal::ZERO;
    invoice.lines[0].quantity = Decimal::ZERO;
    invoice.lines[0].amount = Decimal::ZERO;
    invoice.total = Decimal::ZERO;
    for day in &mut invoice.daily {
        day.quantity = Some(Decimal::ZERO);
    }
    invoice.earlier.clear();
    invoice
}

/// The text of the page in the order of the page.
fn words(invoice: &Invoice) -> String {
    let svg = Page::new(invoice, Some(CHECK_AT))
        .unwrap()
        .render()
        .unwrap();
    let document = usvg::roxmltree::Document::parse(&svg).unwrap();
    let texts = document.descendants().filter(|node| node.is_text());
    let texts = texts.filter_map(|node| node.text()).map(str::trim);
    texts
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn holds(pdf: &[u8], text: &str) -> bool {
    pdf.windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn a_pdf_carries_its_font_and_is_as_large_as_the_regions_paper() {
    for (locale, size) in [
        ("es-MX", "612 792"),
        ("en-US", "612 792"),
        ("es-ES", "595 842"),
    ] {
        let pdf = invoice_pdf(&sample(locale), Some(CHECK_AT)).unwrap();
        assert!(pdf.starts_with(b"%PDF-1."), "{locale}");
        assert!(holds(&pdf, size), "{locale} is not {size}");
        assert!(
            holds(&pdf, "NotoSans-Regular") && holds(&pdf, "NotoSans-Bold"),
            "{locale}"
        );
        assert!(
            holds(&pdf, "FontFile2") && holds(&pdf, "ToUnicode"),
            "{locale}"
        );
        assert!(
            holds(&pdf, &format!("/Lang({locale})")),
            "{locale} is not its language"
        );
        assert_eq!(
            pdf,
            invoice_pdf(&sample(locale), Some(CHECK_AT)).unwrap(),
            "the same bytes again"
        );
    }
}

#[test]
fn the_page_says_what_the_bill_was_made_from() {
    let page = words(&sample("es-MX"));
    for text in [
        "Administración Plaza Norte",
        "Factura 12",
        "Emitida el 1 nov 2026, 00:10",
        "Local 204",
        "Electricidad · medidor n.º 21034567",
        "1–31 oct 2026 · 31 días",
        "$1,034.40 MXN",
        "17.5 % menos que el periodo anterior",
        "1 nov 2026, 00:00",
        "12,690.4 kWh",
        "12,345.6 kWh",
        "no se aplica",
        "344.8 kWh × $3.00 MXN",
        "Comprobante informativo, no fiscal.",
    ] {
        assert!(page.contains(text), "'{text}' is not in:\n{page}");
    }
    assert!(!page.contains("SIMULADO"));
    assert!(words(&crowded("es-MX")).contains("SIMULADO"));
}

#[test]
fn nothing_stands_outside_of_the_paper_however_long_the_names() {
    for locale in ["en-US", "es-MX", "es-ES"] {
        for invoice in [sample(locale), crowded(locale), empty(locale)] {
            let page = Page::new(&invoice, Some(CHECK_AT)).unwrap();
            let days = Days::pages(&invoice).unwrap();
            assert_eq!(days.len(), 1, "a month is one page");
            for svg in [page.render().unwrap(), days[0].render().unwrap()] {
                let tree = usvg::Tree::from_str(&svg, &OPTIONS).unwrap();
                inside(tree.root(), page.paper, &invoice.meter_label);
            }
        }
    }
}

fn inside(group: &usvg::Group, paper: Paper, label: &str) {
    let (right, bottom) = (paper.width - 40, paper.height - 40);
    for node in group.children() {
        let area = node.abs_bounding_box();
        let fits = area.left() > 40.0
            && area.right() < f32::from(right)
            && area.bottom() < f32::from(bottom);
        // The mark lies across the page.
        let mark = area.height() > 200.0;
        match node {
            usvg::Node::Group(group) => inside(group, paper, label),
            _ => assert!(fits || mark, "{area:?} of '{label}' on {paper:?}"),
        }
    }
}

#[test]
fn the_days_of_a_long_period_go_on_over_pages_and_none_is_left_out() {
    let mut invoice = sample("en-US");
    let first = invoice.daily[0].clone();
    let later = (0..365).map(|day| DailyUse {
        date: first.date + jiff::Span::new().days(day),
        ..first.clone()
    });
    invoice.daily = later.collect();
    let pages = Days::pages(&invoice).unwrap();
    let drawn: Vec<String> = pages.iter().map(|days| days.render().unwrap()).collect();
    let last = pages.len() + 1;
    let rows: usize = drawn
        .iter()
        .map(|page| page.matches("12,345.6 kWh").count())
        .sum();
    assert_eq!(rows, 365);
    assert!(drawn.last().unwrap().contains(&format!("{last} / {last}")));
    let credit = invoice.credit(invoice.id, 13, "twice", invoice.issued_at);
    assert!(
        Days::pages(&credit).unwrap().is_empty(),
        "the bill has them"
    );
}

#[test]
fn many_price_changes_still_fit_on_the_page() {
    let mut invoice = sample("es-MX");
    for day in 1..30 {
        cut_at(&mut invoice, date(2026, 10, day + 1));
        invoice.lines.push(invoice.lines[0].clone());
    }
    let page = Page::new(&invoice, Some(CHECK_AT)).unwrap();
    let tree = usvg::Tree::from_str(&page.render().unwrap(), &OPTIONS).unwrap();
    inside(tree.root(), page.paper, "many");
}

#[test]
fn a_file_is_named_after_site_meter_and_days() {
    let name = file_name(&sample("es-MX"));
    assert_eq!(name, "PlazaNorte_Local204_2026-10-01_2026-10-31.pdf");
}
