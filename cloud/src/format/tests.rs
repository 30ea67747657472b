//! Figures, money and dates by table, for every region.

use jiff::civil::date;

use super::*;

const LOCALES: [&str; 4] = ["en-US", "es-MX", "es-ES", "es-CO"];

fn format(locale: &str) -> Format {
    Format::new(locale.parse().unwrap())
}

fn number(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

#[test]
fn numbers_keep_their_decimals_and_take_the_regions_signs() {
    let table = [
        ("0", ["0", "0", "0", "0"]),
        ("344.8", ["344.8", "344.8", "344,8", "344,8"]),
        ("1234.50", ["1,234.50", "1,234.50", "1234,50", "1.234,50"]),
        ("12345", ["12,345", "12,345", "12.345", "12.345"]),
        (
            "1234567.89",
            [
                "1,234,567.89",
                "1,234,567.89",
                "1.234.567,89",
                "1.234.567,89",
            ],
        ),
        ("-0.001", ["−0.001", "−0.001", "−0,001", "−0,001"]),
        (
            "9223372036.854775807",
            [
                "9,223,372,036.854775807",
                "9,223,372,036.854775807",
                "9.223.372.036,854775807",
                "9.223.372.036,854775807",
            ],
        ),
    ];
    for (value, texts) in table {
        for (locale, text) in LOCALES.into_iter().zip(texts) {
            assert_eq!(
                format(locale).decimal(number(value)),
                text,
                "{value} in {locale}"
            );
        }
    }
}

#[test]
fn money_is_written_by_the_table() {
    let table = [
        (
            "1034.4",
            "MXN",
            [
                "$1,034.40 MXN",
                "$1,034.40 MXN",
                "1034,40 MXN",
                "$1.034,40 MXN",
            ],
        ),
        (
            "1034.4",
            "EUR",
            ["€1,034.40", "€1,034.40", "1034,40 €", "€1.034,40"],
        ),
        (
            "10345",
            "CLP",
            ["$10,345 CLP", "$10,345 CLP", "10.345 CLP", "$10.345 CLP"],
        ),
        (
            "-5",
            "MXN",
            ["−$5.00 MXN", "−$5.00 MXN", "−5,00 MXN", "−$5,00 MXN"],
        ),
        (
            "0",
            "USD",
            ["$0.00 USD", "$0.00 USD", "0,00 USD", "$0,00 USD"],
        ),
        (
            "3.1415",
            "MXN",
            ["$3.1415 MXN", "$3.1415 MXN", "3,1415 MXN", "$3,1415 MXN"],
        ),
        (
            "12",
            "PEN",
            ["S/ 12.00", "S/ 12.00", "12,00 S/", "S/ 12,00"],
        ),
        (
            "12",
            "DOP",
            ["RD$12.00", "RD$12.00", "12,00 RD$", "RD$12,00"],
        ),
        ("12", "GTQ", ["Q12.00", "Q12.00", "12,00 Q", "Q12,00"]),
    ];
    for (amount, currency, texts) in table {
        for (locale, text) in LOCALES.into_iter().zip(texts) {
            let written = format(locale).money(number(amount), currency.parse().unwrap());
            assert_eq!(written, text, "{amount} {currency} in {locale}");
        }
    }
}

#[test]
fn a_quantity_a_price_and_a_share_have_their_sign() {
    let mexican = format("es-MX");
    let pesos = "MXN".parse().unwrap();
    assert_eq!(mexican.quantity(number("344.8"), Unit::KiloWh), "344.8 kWh");
    assert_eq!(mexican.quantity(number("12"), Unit::CubicMetre), "12 m³");
    assert_eq!(mexican.quantity(number("12"), Unit::One), "12");
    assert_eq!(
        mexican.price(number("3"), pesos, Unit::KiloWh),
        "$3.00 MXN/kWh"
    );
    assert_eq!(mexican.percent(number("-17.45")), "−17.5 %");
    assert_eq!(format("en-US").percent(number("3")), "3.0%");
    assert_eq!(format("es-ES").percent(number("3")), "3,0 %");
}

#[test]
fn dates_and_times_read_like_the_regions() {
    let day = date(2026, 10, 31);
    let table = [
        ("en-US", "October 31, 2026", "Oct 31, 2026"),
        ("en-GB", "31 October 2026", "31 Oct 2026"),
        ("es-MX", "31 de octubre de 2026", "31 oct 2026"),
        ("es-ES", "31 de octubre de 2026", "31 oct 2026"),
        ("es-CO", "31 de octubre de 2026", "31 oct. 2026"),
    ];
    for (locale, long, short) in table {
        assert_eq!(format(locale).date(day), long, "{locale}");
        assert_eq!(format(locale).date_short(day), short, "{locale}");
    }
    let zone = Zone::new("America/Tijuana").unwrap();
    let midnight = "2026-11-01T07:00:00Z".parse().unwrap();
    assert_eq!(
        format("es-MX").date_time(midnight, &zone),
        "1 nov 2026, 00:00"
    );
    assert_eq!(
        format("en-US").date_time(midnight, &zone),
        "Nov 1, 2026, 00:00"
    );
}

#[test]
fn a_stretch_of_days_names_its_last_day_and_says_nothing_twice() {
    let table = [
        (
            date(2026, 10, 1),
            date(2026, 11, 1),
            "1–31 oct 2026",
            "Oct 1–31, 2026",
        ),
        (
            date(2026, 10, 1),
            date(2026, 10, 2),
            "1 oct 2026",
            "Oct 1, 2026",
        ),
        (
            date(2026, 10, 16),
            date(2026, 11, 16),
            "16 oct – 15 nov 2026",
            "Oct 16 – Nov 15, 2026",
        ),
        (
            date(2026, 12, 16),
            date(2027, 1, 16),
            "16 dic 2026 – 15 ene 2027",
            "Dec 16, 2026 – Jan 15, 2027",
        ),
        (
            date(2026, 12, 1),
            date(2027, 1, 1),
            "1–31 dic 2026",
            "Dec 1–31, 2026",
        ),
    ];
    for (from, until, spanish, english) in table {
        assert_eq!(format("es-MX").dates(from, until), spanish);
        assert_eq!(format("en-US").dates(from, until), english);
    }
}

#[test]
fn a_region_that_icu_does_not_know_gets_its_languages_forms() {
    assert_eq!(format("en-ZZ").decimal(number("1234.5")), "1,234.5");
    assert_eq!(format("es-ZZ").decimal(number("12345.5")), "12.345,5");
}

#[test]
fn a_file_name_is_plain_and_names_both_days() {
    let (from, until) = (date(2026, 10, 1), date(2026, 11, 1));
    let name = Format::file_name(&["Plaza Norte", "Baño 2/\u{202e}ñ"], from, until, "xlsx");
    assert_eq!(name, "PlazaNorte_Bano2n_2026-10-01_2026-10-31.xlsx");
    let name = Format::file_name(&["商店"], from, until, "pdf");
    assert_eq!(name, "2026-10-01_2026-10-31.pdf");
}
