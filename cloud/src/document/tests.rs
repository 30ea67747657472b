//! The page of paper, in every language and with the longest words.

use common::id::{AccountId, DeviceId, Epoch, GatewayId, InvoiceId, MeterId};
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::unit::{Medium, Unit};
use jiff::Span;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::*;
use crate::billing::invoice::{Boundary, DailyUse, EarlierPeriod, Line, LineKind, Period, SCHEMA};
use crate::site::Zone;

fn number(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn boundary(day: Date, register: &str, unit: Unit, zone: &Zone) -> Boundary {
    let start = day.to_zoned_datetime(zone.rules().clone()).unwrap();
    Boundary {
        date: day,
        read_at: start.timestamp() + Span::new().seconds(2),
        register: Quantity::new(number(register), unit).unwrap(),
        raw: "4641 3666".to_owned(),
        profile: "eastron-sdm120@1f2e3d4c".to_owned(),
        clock: ClockTrust::Trusted,
        device: DeviceId(4),
        gateway: GatewayId(3),
        epoch: Epoch(1),
        seq: 77,
        link: None,
    }
}

/// An ordinary invoice: 344.8 kWh at $3.00.
fn sample(locale: &str) -> Invoice {
    let zone = Zone::new("America/Tijuana").unwrap();
    let (from, until) = (date(2026, 10, 1), date(2026, 11, 1));
    let at = |day: Date| {
        day.to_zoned_datetime(zone.rules().clone())
            .unwrap()
            .timestamp()
    };
    let uses = (0..31).map(|day| DailyUse {
        date: from.checked_add(Span::new().days(day)).unwrap(),
        quantity: Some(Decimal::new(80 + (day * 37) % 71, 1)),
    });
    let earlier = [(9, "402.1"), (8, "371"), (7, "418.25"), (6, "0")].map(|(month, measured)| {
        let measured = number(measured);
        let total = (measured * Decimal::from(3)).round_dp(2);
        let (from, until) = (date(2026, month, 1), date(2026, month + 1, 1));
        EarlierPeriod {
            from,
            until,
            measured,
            total,
        }
    });
    Invoice {
        schema: SCHEMA.to_owned(),
        id: InvoiceId(1_234_567_890_123_456_789),
        number: 12,
        account: AccountId(1),
        issuer: "Administración Plaza Norte".to_owned(),
        site: "Plaza Norte".to_owned(),
        meter: MeterId(5),
        meter_label: "Local 204".to_owned(),
        medium: Medium::Electric,
        serial_number: "21034567".to_owned(),
        locale: locale.parse().unwrap(),
        zone: zone.name().to_owned(),
        period: Period {
            from,
            until,
            starts_at: at(from),
            ends_at: at(until),
        },
        unit: Unit::KiloWh,
        currency: "MXN".parse().unwrap(),
        opening: boundary(from, "12345.6", Unit::KiloWh, &zone),
        closing: boundary(until, "12690.4", Unit::KiloWh, &zone),
        switches: Vec::new(),
        measured: number("344.8"),
        minimum: number("100"),
        billed: number("344.8"),
        price: number("3"),
        lines: vec![Line {
            kind: LineKind::Consumption,
            from,
            until,
            quantity: number("344.8"),
            price: number("3"),
            amount: number("1034.40"),
        }],
        total: number("1034.40"),
        simulated: false,
        losses: Vec::new(),
        issued_at: "2026-11-01T07:10:00Z".parse().unwrap(),
        daily: uses.collect(),
        earlier: earlier.into(),
    }
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
    invoice.serial_number = "X".repeat(300);
    invoice.unit = Unit::GallonUs;
    invoice.medium = Medium::Water;
    let most = Quantity::new(number("9223372036.854775807"), Unit::GallonUs).unwrap();
    invoice.closing.register = most;
    invoice.opening.register = Quantity::new(Decimal::ZERO, Unit::GallonUs).unwrap();
    invoice.measured = number("9223372036.854775807");
    invoice.total = number("27670116110564.33");
    invoice.lines[0].quantity = number("9223372036.854775807");
    invoice.lines[0].price = number("3000.123456");
    invoice.lines[0].amount = invoice.total;
    let mut second = invoice.lines[0].clone();
    second.kind = LineKind::Minimum;
    invoice.lines.push(second);
    let mut switch = invoice.opening.clone();
    switch.date = date(2026, 10, 16);
    invoice.switches.push(switch);
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
    invoice.serial_number = String::new();
    invoice.measured = Decimal::ZERO;
    invoice.billed = Decimal::ZERO;
    invoice.minimum = Decimal::ZERO;
    invoice.closing.register = invoice.opening.register;
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
    let svg = Page::new(invoice).unwrap().render().unwrap();
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
        let pdf = invoice_pdf(&sample(locale)).unwrap();
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
            invoice_pdf(&sample(locale)).unwrap(),
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
        "14.3 % menos que el periodo anterior",
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
            let page = Page::new(&invoice).unwrap();
            let tree = usvg::Tree::from_str(&page.render().unwrap(), &OPTIONS).unwrap();
            inside(tree.root(), page.paper, &invoice.meter_label);
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
fn many_price_changes_still_fit_on_the_page() {
    let mut invoice = sample("es-MX");
    for day in 1..30 {
        let mut switch = invoice.opening.clone();
        switch.date = date(2026, 10, day);
        invoice.switches.push(switch);
        invoice.lines.push(invoice.lines[0].clone());
    }
    let page = Page::new(&invoice).unwrap();
    let tree = usvg::Tree::from_str(&page.render().unwrap(), &OPTIONS).unwrap();
    inside(tree.root(), page.paper, "many");
}

#[test]
fn a_file_is_named_after_site_meter_and_days() {
    let name = file_name(&sample("es-MX"));
    assert_eq!(name, "PlazaNorte_Local204_2026-10-01_2026-10-31.pdf");
}
