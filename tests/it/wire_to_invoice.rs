//! From the wire to the invoice in somebody's hand, through two months of two zones.
//!
//! Both meters count one unit an hour, whatever the clocks on the wall do: what a period
//! holds is the number of its hours.

use tests::browser::Browser;
use tests::portal::{self, NewMeter, NewMonitor, PASSWORD};
use tests::world::{BUS, World};

const METERS: &str = "
[[line.meter]]
profile = 'eastron-sdm630'
unit_id = 1
since = '2026-01-01T00:00:00Z'
opening = '1000'
per_day = '24'
shape = 'steady'
[[line.meter]]
profile = 'carlo-gavazzi-em340'
unit_id = 2
since = '2026-01-01T00:00:00Z'
opening = '500'
per_day = '24'
shape = 'steady'
";

const ANA: NewMonitor<'_> = NewMonitor {
    name: "Ana Torres",
    email: "ana@cafe.example",
    language: "es",
    may_change_settings: false,
};
const BEN: NewMonitor<'_> = NewMonitor {
    name: "Ben Carter",
    email: "ben@studio.example",
    language: "en",
    may_change_settings: false,
};

/// Periods end on the last day of the month; the clocks go forward on 8 March.
fn in_tijuana() -> NewMeter<'static> {
    NewMeter {
        label: "Local 101",
        counter: "eastron-sdm630/energy_import/kWh".to_owned(),
        unit_id: 1,
        bus: BUS,
        locale: "es-MX",
        zone: "America/Tijuana",
        from: "2026-02-27",
        cutoff_day: 31,
        price: "3.50",
        currency: "MXN",
        minimum: "0",
        send_hour: 7,
        recipients: &[("Ana Torres", "email")],
    }
}

/// Periods end on the 15th; its day begins nine hours before Tijuana's.
fn in_madrid() -> NewMeter<'static> {
    NewMeter {
        label: "Suite 300",
        counter: "carlo-gavazzi-em340/energy_import/kWh".to_owned(),
        unit_id: 2,
        locale: "en-GB",
        zone: "Europe/Madrid",
        cutoff_day: 15,
        price: "0.21",
        currency: "EUR",
        send_hour: 9,
        recipients: &[("Ben Carter", "email")],
        ..in_tijuana()
    }
}

/// The mails about an invoice to one address.
fn invoices(world: &World, email: &str) -> Vec<String> {
    let mails = world.mailbox.to(email).into_iter();
    mails
        .filter(|mail| !mail.text.contains("/password/"))
        .map(|mail| format!("{}\n{}", mail.subject, mail.text))
        .collect()
}

/// Weeks pass between two looks: each is a sign-in of its own.
async fn newest_invoice(world: &World, person: &NewMonitor<'_>, meter: &str) -> String {
    let browser = Browser::new(world.cloud.url()).unwrap();
    portal::sign_in(&browser, person.email, PASSWORD)
        .await
        .unwrap()
        .ok()
        .unwrap();
    let page = browser.open(meter).await.unwrap();
    let links = page.links_with("/invoices/");
    let link = links
        .first()
        .unwrap_or_else(|| panic!("no invoice: {}", page.text()));
    browser.open(link).await.unwrap().text()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_meters_in_two_zones_are_billed_each_by_its_own_days() {
    let world = World::start(Some("2026-02-26T20:00:00Z")).await.unwrap();
    world.monitor(&ANA).await.unwrap();
    world.monitor(&BEN).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    let tijuana = portal::add_meter(&world.integrator, &added.path, &in_tijuana())
        .await
        .unwrap();
    let madrid = portal::add_meter(&world.integrator, &added.path, &in_madrid())
        .await
        .unwrap();
    let line = world.line(METERS).await.unwrap();
    let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
    gateway.start().unwrap();

    // A period that ends on 28 February because the month has no 31st: two days.
    world.cloud.advance("2026-03-01T14:59:59Z").await.unwrap();
    assert_eq!(invoices(&world, ANA.email), Vec::<String>::new());
    world.cloud.advance("2026-03-01T15:00:00Z").await.unwrap();
    let mails = invoices(&world, ANA.email);
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(
        mails[0].contains("48") && mails[0].contains("$168.00"),
        "{}",
        mails[0]
    );
    assert_eq!(invoices(&world, BEN.email), Vec::<String>::new());
    let page = newest_invoice(&world, &ANA, &tijuana).await;
    assert!(page.contains("$168.00"), "{page}");

    // Seventeen days in Madrid; the mail goes at nine there, which is one in the night here.
    world.cloud.advance("2026-03-16T07:59:59Z").await.unwrap();
    assert_eq!(invoices(&world, BEN.email), Vec::<String>::new());
    world.cloud.advance("2026-03-16T08:00:00Z").await.unwrap();
    let mails = invoices(&world, BEN.email);
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(
        mails[0].contains("408") && mails[0].contains("€85.68"),
        "{}",
        mails[0]
    );
    assert_eq!(invoices(&world, ANA.email).len(), 1);
    assert!(
        newest_invoice(&world, &BEN, &madrid)
            .await
            .contains("€85.68")
    );

    // March in Tijuana has 31 days less an hour: 743 of them.
    world.cloud.advance("2026-04-01T14:00:00Z").await.unwrap();
    let mails = invoices(&world, ANA.email);
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(
        mails[1].contains("743") && mails[1].contains("$2,600.50"),
        "{}",
        mails[1]
    );
    assert!(
        newest_invoice(&world, &ANA, &tijuana)
            .await
            .contains("$2,600.50")
    );
    assert_eq!(invoices(&world, BEN.email).len(), 1);

    // Running it all again changes nothing.
    world.cloud.advance("2026-04-01T14:00:01Z").await.unwrap();
    assert_eq!(invoices(&world, ANA.email).len(), 2);
    gateway.stop().await.unwrap();
}
