//! Stories of issued and waiting invoices: the list, the page, the PDF and the workbook.

use super::*;
use crate::billing::invoice::Invoice;
use crate::document;
use crate::format::Format;
use crate::jobs::close_periods;

/// A meter with an invoice, one whose invoice waits, and a monitor of the first.
pub(super) struct Story {
    pub(super) world: World,
    pub(super) integrator: Browser,
    pub(super) monitor: Browser,
    pub(super) rival: Browser,
    pub(super) invoice: Invoice,
    pub(super) meter: String,
}

impl Story {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let integrator = world.integrator(&administrator, "Norte").await;
        let rival = world.integrator(&administrator, "Rival").await;
        let (site, gateway) = world.building(&integrator, "gateway").await;
        let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
        world.meter(&integrator, &gateway, "Local 102", "2").await;
        let monitor = world.monitor(&integrator, "Ana", &meter, false).await;
        let invoice = bill(&world, &site, &gateway, &meter).await;
        Self {
            world,
            integrator,
            monitor,
            rival,
            invoice,
            meter,
        }
    }

    pub(super) fn path(&self) -> String {
        format!("/invoices/{}", self.invoice.id)
    }
}

/// November ends with readings of one meter, and the jobs run, before the sessions end.
pub(super) async fn bill(world: &World, site: &str, gateway: &str, meter: &str) -> Invoice {
    let now = "2026-12-01T16:00:00Z".parse().unwrap();
    world.app.clock.set(now).unwrap();
    let readings = [
        ("2026-11-25T08:00:01Z", "12345.6"),
        ("2026-11-26T08:00:01Z", "12400.1"),
        ("2026-12-01T08:00:01Z", "12690.4"),
    ];
    world.read((site, gateway), meter, &readings).await;
    close_periods::run(
        &world.app.store,
        &world.app.profiles,
        &world.app.issuer,
        now,
    )
    .await
    .unwrap();
    let mut transaction = world.app.store.read().await.unwrap();
    let id = meter.rsplit('/').next().unwrap().parse().unwrap();
    let found = transaction
        .invoices_of_meter(world.account().await, id, 9)
        .await;
    found.unwrap().pop().expect("an invoice")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_what_the_pdf_says_in_the_language_of_the_meter() {
    let story = Story::new().await;
    let (world, invoice) = (&story.world, &story.invoice);
    let page = world.get(&story.monitor, &story.path()).await.text();
    let format = Format::new(invoice.locale);
    let number = |quantity| format.quantity(quantity, invoice.unit);
    for figure in [
        format.money(invoice.total, invoice.currency),
        number(invoice.measured),
        number(invoice.opening().register.value()),
        number(invoice.closing().register.value()),
        format.dates(invoice.period.from, invoice.period.until),
        invoice.id.to_string(),
    ] {
        assert!(page.contains(&figure), "{figure}: {page}");
    }
    assert!(
        page.contains("344.8 kWh") && page.contains("$1,206.80 MXN"),
        "{page}"
    );
    assert!(
        page.contains("lang=\"es\"") && page.contains("<html lang=\"en\""),
        "{page}"
    );
    let pdf = world
        .get(&story.monitor, &format!("{}/invoice.pdf", story.path()))
        .await;
    assert_eq!(pdf.header(header::CONTENT_TYPE), "application/pdf");
    let named = format!("inline; filename=\"{}\"", document::file_name(invoice));
    assert_eq!(pdf.header(header::CONTENT_DISPOSITION), named);
    let mut reader = world.app.store.read().await.unwrap();
    let token = reader.invoice_link(invoice.account, invoice.id).await;
    let check_at = world.app.config.check_address(&token.unwrap().unwrap());
    assert!(pdf.body == document::invoice_pdf(invoice, Some(&check_at)).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_invoice_stands_first_and_a_monitor_sees_only_theirs() {
    let story = Story::new().await;
    let list = story.world.get(&story.integrator, "/invoices").await.text();
    let waiting = list.find("Local 102").expect("the waiting one");
    let issued = list.find(&story.path()).expect("the issued one");
    assert!(waiting < issued, "{list}");
    assert!(
        list.contains("Waiting") && list.contains("$1,206.80 MXN"),
        "{list}"
    );
    let theirs = story.world.get(&story.monitor, "/invoices").await.text();
    assert!(theirs.contains(&story.path()), "{theirs}");
    assert!(!theirs.contains("Local 102"), "{theirs}");
    let none = story.world.get(&story.rival, "/invoices").await.text();
    assert!(!none.contains("Local 10"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_invoice_and_its_files_are_as_absent_as_none() {
    let story = Story::new().await;
    let absent = story
        .world
        .get(&story.rival, "/invoices/0000000000001")
        .await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    for path in [
        story.path(),
        format!("{}/invoice.pdf", story.path()),
        format!("{}/export.xlsx", story.meter),
    ] {
        let foreign = story.world.get(&story.rival, &path).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{path}");
        assert!(foreign.body == absent.body, "{path}");
        let own = story.world.get(&story.integrator, &path).await;
        assert_eq!(own.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_kept_under_a_name_and_notices_say_their_attempts() {
    let story = Story::new().await;
    let path = format!("{}/export.xlsx", story.meter);
    let workbook = story.world.get(&story.monitor, &path).await;
    let named = workbook.header(header::CONTENT_DISPOSITION);
    assert!(named.starts_with("attachment; filename=\""), "{named}");
    assert!(workbook.body.starts_with(b"PK"));
    let notices = story.world.get(&story.integrator, "/notices").await.text();
    assert!(notices.contains("data-label=\"Attempts\""), "{notices}");
    let hidden = story.world.get(&story.monitor, "/notices").await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let me = story.world.get(&story.monitor, "/me").await.text();
    assert!(!me.contains("/me/telegram"), "there is no bot: {me}");
}

#[tokio::test(flavor = "multi_thread")]
async fn losses_and_later_dates_stand_on_the_invoice() {
    let story = Story::new().await;
    let marked = crate::notice::message::tests::marked("en-US");
    let account = story.invoice.account.to_string();
    let meter = story.meter.rsplit('/').next().unwrap();
    let id = story.world.issued(&account, meter, marked.clone()).await;
    let path = format!("/invoices/{id}");
    let page = story.world.get(&story.monitor, &path).await;
    for words in [
        "Between Oct 11, 2026, 11:00 and Oct 11, 2026, 13:00 the gateway lost 1,200 readings",
        "The amount rests on the registers at both ends",
        // The sample names links that no chain has: what is issued does not.
        "Oct 1, 2026, 00:00<",
        "Nov 1, 2026, 00:00 · dated afterwards<",
        "Dated afterwards: the gateway's clock",
    ] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let before = story.world.get(&story.monitor, &story.path()).await.text();
    assert!(!before.contains("Lost readings"), "{before}");
    let pdf = |invoice| document::invoice_pdf(invoice, None).unwrap();
    assert!(pdf(&marked) != pdf(&story.invoice));
}
