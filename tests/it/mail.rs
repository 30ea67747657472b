//! Notices as they arrive: in a real SMTP server with STARTTLS and a sign-in, and in a
//! Telegram chat; with the figures of the page, the PDF and the workbook.

use std::time::Duration;

use tests::mailbox::Mail;
use tests::portal::{self, NewMeter, NewMonitor};
use tests::process::{PATIENCE, wait_for};
use tests::telegram::Fault;
use tests::world::{BUS, World};

use crate::outside::{SmtpServer, excel_cells, pdf_text};

const ANA: NewMonitor<'_> = NewMonitor {
    name: "Ana Torres Núñez",
    email: "ana@cafe.example",
    language: "es",
    may_change_settings: true,
};
const CHAT: i64 = 5_550_123;

const LINE: &str = "
[[line.meter]]
profile = 'eastron-sdm630'
unit_id = 1
since = '2026-01-01T00:00:00Z'
opening = '1000'
per_day = '1234.56'
shape = 'steady'
silent_from = '2026-04-02T00:00:00Z'
silent_until = '2026-04-04T00:00:00Z'
";

fn meter() -> NewMeter<'static> {
    NewMeter {
        label: "Café «El Niño» & Cía",
        counter: "eastron-sdm630/energy_import/kWh".to_owned(),
        unit_id: 1,
        bus: BUS,
        locale: "es-MX",
        zone: "America/Tijuana",
        from: "2026-03-30",
        cutoff_day: 31,
        price: "3.50",
        currency: "MXN",
        minimum: "0",
        send_hour: 7,
        recipients: &[("Ana Torres Núñez", "both")],
    }
}

/// The mails about the meter, not those that invite.
fn notices(server: &SmtpServer) -> Vec<Mail> {
    let mut mails = server.mails();
    mails.retain(|mail| !mail.text.contains("/password/"));
    mails
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_and_a_silence_arrive_with_the_figures_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start(&folder.path().join("smtp")).await;
    let world = World::start_with(Some("2026-03-29T12:00:00Z"), |mut settings| {
        settings.mail = server.settings();
        settings.variables = vec![server.trust()];
        settings
    });
    let world = world.await.unwrap();
    let ana = world.monitor(&ANA).await.unwrap();
    portal::link_telegram(&ana, &world.telegram, CHAT, "Ana")
        .await
        .unwrap();
    let linked = async || Ok(!world.telegram.to(CHAT).is_empty());
    wait_for("the bot to greet", PATIENCE, linked)
        .await
        .unwrap();
    let greetings = world.telegram.to(CHAT).len();
    let added = world.gateway_page("gateway").await.unwrap();
    let path = portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();
    let line = world.line(LINE).await.unwrap();
    let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
    gateway.start().unwrap();

    // Telegram asks to wait a second: the message comes once, and then.
    world.telegram.fail_next(CHAT, Fault::TooManyRequests(1));
    world.cloud.advance("2026-04-01T14:00:00Z").await.unwrap();
    let came =
        async || Ok(notices(&server).len() == 1 && world.telegram.to(CHAT).len() == greetings + 1);
    if let Err(error) = wait_for("mail and message", PATIENCE, came).await {
        let (mails, messages) = (server.mails(), world.telegram.to(CHAT));
        panic!("{error:#}: {mails:?} {messages:?}\n{}", world.cloud.log());
    }

    // Two days of 1,234.56: the register is an f32, so the page says what it held.
    let page = ana.open(&path).await.unwrap();
    let invoice = ana.open(&page.links_with("/invoices/")[0]).await.unwrap();
    let text = invoice.text();
    let total = text
        .split_whitespace()
        .find(|word| word.starts_with("$8,6"))
        .unwrap()
        .to_owned();
    let quantity = text
        .split_whitespace()
        .find(|word| word.starts_with("2,469"))
        .unwrap()
        .to_owned();

    let mail = notices(&server).remove(0);
    let message = world.telegram.to(CHAT).pop().unwrap();
    assert!(
        mail.subject.contains("Café «El Niño» & Cía"),
        "{}",
        mail.subject
    );
    let workbook = ana.open("/export.xlsx").await.unwrap();
    let pdf = ana.open(&invoice.links_with(".pdf")[0]).await.unwrap();
    let pdf = pdf_text(folder.path(), &pdf.bytes).await;
    let places = [
        ("page", text.as_str()),
        ("mail", &mail.text),
        ("HTML mail", &tests::form::text(&mail.html)),
        ("message", &message.text),
        ("PDF", &pdf),
    ];
    for (place, content) in places {
        assert!(content.contains(&total), "{place} lacks {total}: {content}");
        assert!(
            content.contains(&quantity),
            "{place} lacks {quantity}: {content}"
        );
    }
    let cells = excel_cells(folder.path(), &workbook.bytes).await;
    for figure in [&total, &quantity] {
        let figure = figure.trim_start_matches('$').replace(',', "");
        let figure: rust_decimal::Decimal = figure.parse().unwrap();
        let is_it = |value: &str| value.parse::<rust_decimal::Decimal>().ok() == Some(figure);
        let found = cells.iter().find(|cell| is_it(&cell.value));
        let found = found.unwrap_or_else(|| panic!("{figure} is not in the workbook: {cells:?}"));
        assert!(matches!(found.kind.as_str(), "float" | "int"), "{found:?}");
    }

    // Silent from the second of April on: one warning a day later, one word when it is back.
    world.cloud.advance("2026-04-03T08:00:00Z").await.unwrap();
    let warned = async || Ok(notices(&server).len() == 2);
    wait_for("the warning", PATIENCE, warned).await.unwrap();
    world.cloud.advance("2026-04-03T23:59:00Z").await.unwrap();
    assert_eq!(notices(&server).len(), 2, "one warning is enough");
    world.cloud.advance("2026-04-05T08:00:00Z").await.unwrap();
    let recovered = async || Ok(notices(&server).len() == 3);
    wait_for("the word that it is back", PATIENCE, recovered)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(notices(&server).len(), 3);
    gateway.stop().await.unwrap();
}
