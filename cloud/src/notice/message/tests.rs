//! The words of each notice, in both languages.

use common::id::{AccountId, PersonId, SiteId};
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::sync::LossReason;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::billing::hold::Hold;
use crate::billing::loss::LostReadings;
use crate::billing::sample::{self, number};
use crate::site::Zone;

const URL: &str = "https://enervue.example.com";

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An ordinary invoice: 344.8 kWh at $3.00.
pub(crate) fn sample(locale: &str) -> Invoice {
    let mut bill = sample::invoice(locale);
    bill.issuer = "Meridian".to_owned();
    bill
}

fn meter(locale: &str) -> Meter {
    Meter {
        account: AccountId(1),
        id: MeterId(2),
        site: SiteId(3),
        label: "Local 204".to_owned(),
        medium: Medium::Electric,
        unit: Unit::KiloWh,
        locale: locale.parse().unwrap(),
        zone: Zone::new("America/Tijuana").unwrap(),
        created_at: instant("2026-10-01T07:00:00Z"),
        last_good_at: instant("2026-11-14T08:00:00Z"),
    }
}

#[test]
fn an_invoice_is_said_in_the_language_of_its_meter() {
    let message = invoice(&sample("es-MX"), URL).unwrap();
    assert_eq!(
        message.subject,
        "Factura Local 204 · $1,034.40 MXN · 1–31 oct 2026"
    );
    assert_eq!(
        message.text(),
        "Plaza Norte\n\
         Local 204 · Electricidad · 1–31 oct 2026\n\
         \n\
         Total: $1,034.40 MXN\n\
         Consumo: 344.8 kWh (17.5 % menos que el periodo anterior)\n\
         Lecturas: 12,345.6 → 12,690.4 kWh · ambas reales\n\
         \n\
         Ver factura:\n\
         https://enervue.example.com/invoices/128ggyhyyk08n\n\
         \n\
         Factura 12 · Meridian\n\
         Comprobante informativo, no fiscal. No lo emite la compañía que presta el servicio.\n"
    );
    assert_eq!(
        message.chat(),
        "🧾 Local 204 · Electricidad · 1–31 oct 2026\n\
         Total: $1,034.40 MXN\n\
         Consumo: 344.8 kWh (17.5 % menos que el periodo anterior)\n\
         Lecturas: 12,345.6 → 12,690.4 kWh · ambas reales"
    );
    let english = invoice(&sample("en-US"), URL).unwrap();
    assert_eq!(
        english.subject,
        "Invoice Local 204 · $1,034.40 MXN · Oct 1–31, 2026"
    );
    assert!(
        english
            .text()
            .contains("Readings: 12,345.6 → 12,690.4 kWh · both actual")
    );
}

#[test]
fn a_minimum_and_a_simulation_are_said() {
    let mut bill = sample("en-US");
    bill.minimum = number("400");
    bill.billed = number("400");
    bill.simulated = true;
    let text = invoice(&bill, URL).unwrap().text();
    for part in [
        "Minimum billed: 400 kWh",
        "simulated",
        "Nothing is to be paid",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// An invoice with seals, a register that was dated afterwards, and a loss.
pub(crate) fn marked(locale: &str) -> Invoice {
    let mut bill = sample(locale);
    bill.segments.for_each_mut(|one| {
        sample::reading(&mut one.opening).link = Some(31);
        let closing = sample::reading(&mut one.closing);
        (closing.link, closing.clock) = (Some(62), ClockTrust::Dated);
    });
    bill.losses = vec![LostReadings {
        from: Some(instant("2026-10-11T18:00:00Z")),
        until: Some(instant("2026-10-11T20:00:00Z")),
        readings: 1_200,
        reason: LossReason::Size,
        certain: true,
    }];
    bill
}

#[test]
fn what_was_lost_or_dated_afterwards_is_said_in_a_line_each() {
    let lines = [
        "Lecturas: 12,345.6 → 12,690.4 kWh · reales, fechadas después",
        "Se perdieron 1,200 lecturas de este periodo. El importe sale de las lecturas de ambos \
         extremos, y no cambia por eso.",
    ];
    let message = invoice(&marked("es-MX"), URL).unwrap();
    for line in lines {
        for form in [message.text(), message.chat()] {
            assert!(form.contains(line), "{line}: {form}");
        }
    }
}

#[test]
fn a_name_is_no_html_and_the_page_says_what_the_text_says() {
    let mut bill = sample("es-MX");
    bill.meter_label = "<img src=x onerror=alert(1)> & {{7*7}}".to_owned();
    let message = invoice(&bill, URL).unwrap();
    let html = message.html().unwrap();
    assert!(!html.contains("<img"), "{html}");
    assert!(
        html.contains("{{7*7}}") && html.contains("lang=\"es\""),
        "{html}"
    );
    for part in [
        "$1,034.40 MXN",
        "344.8 kWh",
        "12,690.4 kWh",
        &message.link.address,
    ] {
        assert!(
            html.contains(part) && message.text().contains(part),
            "{part}"
        );
    }
}

#[test]
fn a_silence_says_since_when_and_what_it_means() {
    let silence = SilenceContent {
        since: instant("2026-11-14T08:00:00Z"),
        until: Some(instant("2026-11-16T20:30:00Z")),
    };
    let until = Some(date(2026, 12, 1));
    let message = silent(&meter("es-MX"), "Plaza Norte", &silence, until, URL);
    assert_eq!(
        message.subject,
        "Sin datos de Local 204 desde 14 nov 2026, 00:00"
    );
    assert!(
        message
            .text()
            .contains("El cierre del periodo es el 30 de noviembre de 2026.")
    );
    assert!(!message.text().contains("corte"));
    assert_eq!(message.points.len(), 3);
    let over = recovered(&meter("en-US"), "Plaza Norte", &silence, URL);
    assert_eq!(over.subject, "Local 204 is recording again");
    assert!(
        over.chat()
            .contains("its latest reading is from Nov 16, 2026, 12:30")
    );
}

#[test]
fn an_invitation_speaks_the_language_of_the_person() {
    let person = Person {
        id: PersonId(1),
        email: "ana@example.com".to_owned(),
        name: "Ana".to_owned(),
        language: Language::Es,
        administrator: false,
        email_verified_at: None,
        telegram_chat: None,
    };
    let message = invitation(&person, "Meridian", "https://e.example.com/password/x");
    assert_eq!(message.subject, "Meridian: su acceso a Enervue");
    let text = message.text();
    assert!(text.starts_with("Meridian: su acceso"), "{text}");
    assert!(
        text.contains("Hola, Ana") && text.contains("/password/x"),
        "{text}"
    );
}

#[test]
fn a_long_message_of_the_bot_is_cut_below_what_a_file_may_carry() {
    let mut bill = sample("es-MX");
    bill.meter_label = "🧾".repeat(600);
    let chat = invoice(&bill, URL).unwrap().chat();
    assert!(chat.ends_with('…') && chat.encode_utf16().count() <= CAPTION_UNITS_MAX + 1);
}

#[test]
fn every_hold_is_a_sentence_in_both_languages() {
    let quantity = |text| Quantity::new(number(text), Unit::KiloWh).unwrap();
    let day = date(2026, 11, 1);
    let holds = [
        Hold::NoFirstReading {
            since: Timestamp::UNIX_EPOCH,
        },
        Hold::NoDevice { date: day },
        Hold::ReadingMissing {
            date: day,
            at: instant("2026-11-01T07:00:00Z"),
        },
        Hold::DeviceChanged {
            from: day,
            until: day,
        },
        Hold::UnitDiffers {
            date: day,
            billed: Unit::KiloWh,
            read: Unit::MegaWh,
        },
        Hold::RegisterFell {
            from: instant("2026-11-01T07:00:00Z"),
            until: instant("2026-11-01T07:05:00Z"),
            before: quantity("12.5"),
            after: quantity("0.1"),
        },
        Hold::RegisterJumped {
            from: instant("2026-11-01T07:00:00Z"),
            until: instant("2026-11-01T07:05:00Z"),
            before: quantity("12.5"),
            after: quantity("99999"),
        },
        Hold::TooManyDigits,
    ];
    let zone = Zone::new("America/Tijuana").unwrap();
    for locale in ["en-US", "es-MX"] {
        let locale = locale.parse().unwrap();
        for hold in &holds {
            let said = hold.sentence(Text::new(locale), Format::new(locale), &zone);
            assert!(
                said.ends_with(['.', '?']) && !said.contains(['{', '$']),
                "{said}"
            );
            assert!(!said.contains("notice-hold"), "{said}");
        }
        let missing = holds[2].sentence(Text::new(locale), Format::new(locale), &zone);
        assert!(missing.contains("1, 2026, 00:00") || missing.contains("1 nov 2026, 00:00"));
    }
}
