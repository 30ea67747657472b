//! The workbook: real numbers, real dates, the right sheets.

use super::*;

pub(super) fn contents() -> Contents {
    let zone = Zone::new("America/Tijuana").unwrap();
    let closing = |day: i8, register: &str| Closing {
        date: jiff::civil::date(2026, 10, day),
        register: Decimal::from_str_exact(register).unwrap(),
        read_at: format!("2026-10-{day:02}T07:00:02Z").parse().unwrap(),
        simulated: day == 2,
    };
    Contents {
        locale: "es-MX".parse().unwrap(),
        zone: zone.clone(),
        generated_at: "2026-11-01T15:00:00Z".parse().unwrap(),
        account: "=HYPERLINK(\"http://evil\")".to_owned(),
        invoices: vec![InvoiceRow {
            number: 12,
            site: "https://example.com".to_owned(),
            meter: "=1+1".to_owned(),
            medium: Medium::Electric,
            from: jiff::civil::date(2026, 10, 1),
            until: jiff::civil::date(2026, 11, 1),
            opening: Decimal::new(123_456, 1),
            closing: Decimal::new(126_904, 1),
            measured: Decimal::new(3448, 1),
            minimum: Decimal::ZERO,
            billed: Decimal::new(3448, 1),
            unit: Unit::KiloWh,
            price: Some(Decimal::new(300, 2)),
            total: Decimal::new(10344, 1),
            currency: "MXN".parse().unwrap(),
            issued_at: "2026-11-01T08:00:00Z".parse().unwrap(),
            zone: zone.name().to_owned(),
            simulated: true,
            dated: false,
            links: [Some(30), Some(61)],
            lost: 7,
        }],
        meters: vec![MeterReadings {
            site: "Plaza Norte".to_owned(),
            meter: "-Local 204".to_owned(),
            unit: Unit::KiloWh,
            zone,
            closings: vec![
                closing(1, "12345.6"),
                closing(2, "12355.7"),
                closing(5, "12400.123"),
                closing(6, "3.5"),
            ],
        }],
    }
}

#[test]
fn a_workbook_is_made_and_a_sheet_that_is_too_long_is_refused() {
    let bytes = workbook(&contents()).unwrap();
    assert!(bytes.starts_with(b"PK"));
    if let Ok(path) = std::env::var("ENERVUE_TEST_WORKBOOK") {
        std::fs::write(path, &bytes).unwrap();
    }
    let mut long = contents();
    let meter = &mut long.meters[0];
    meter.closings[3].date = jiff::civil::date(5000, 1, 1);
    let error = workbook(&long).unwrap_err().to_string();
    assert!(error.contains("choose fewer meters"), "{error}");
}
