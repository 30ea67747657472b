//! The demo's building as each person sees it: what is theirs, in their language, with the
//! same figures on every page and in the workbook; and as a real browser sees it.

use std::path::PathBuf;

use tests::browser::Browser;
use tests::demo::{ADMINISTRATOR, ANA, BEN, Demo, INTEGRATOR, METERS, PERIODS, Ports};
use tests::portal::{self, PASSWORD};
use tests::process::{PATIENCE, run, wait_for};
use tests::program::workspace;

use crate::access;
use crate::outside::{excel_cells, pdf_text};

async fn sign_in(demo: &Demo, email: &str) -> Browser {
    let browser = Browser::new(demo.cloud.url()).unwrap();
    let page = portal::sign_in(&browser, email, PASSWORD)
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert_ne!(page.url.path(), "/sign-in", "{}", page.text());
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn the_building_as_each_person_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), Ports::default(), |step| println!("{step}"));
    let mut demo = demo.await.unwrap();
    let ana = sign_in(&demo, ANA.email).await;
    let ben = sign_in(&demo, BEN.email).await;

    each_sees_their_meters_in_their_language(&demo, &ana, &ben).await;
    the_switch_decides_who_changes_settings(&demo, &ana, &ben).await;
    the_figures_are_the_same_everywhere(&demo, &ben, folder.path()).await;
    an_amount_is_explained_to_the_operator(&demo, &ben).await;
    every_invoice_went_out(&demo).await;
    access::check(&demo, &ana, &ben).await;
    a_real_browser_finds_no_fault(&demo, folder.path()).await;
    demo.gateway.stop().await.unwrap();
    demo.cloud.stop().await.unwrap();
}

async fn each_sees_their_meters_in_their_language(demo: &Demo, ana: &Browser, ben: &Browser) {
    for (browser, language, mine) in [(ana, "es", "Local 101"), (ben, "en", "Suite 300")] {
        let page = browser.open("/meters").await.unwrap();
        assert!(page.html().contains(&format!("<html lang=\"{language}\"")));
        for meter in METERS {
            let is_mine = meter.label.contains(mine) || (language == "es" && is_anas(meter.label));
            assert_eq!(
                page.text().contains(meter.label),
                is_mine,
                "{}",
                meter.label
            );
        }
    }
    let integrator = demo.integrator.open("/meters").await.unwrap().text();
    assert!(
        METERS.iter().all(|meter| integrator.contains(meter.label)),
        "{integrator}"
    );
}

fn is_anas(label: &str) -> bool {
    label.contains("Local")
}

async fn the_switch_decides_who_changes_settings(demo: &Demo, ana: &Browser, ben: &Browser) {
    let settings = |path: &str| format!("{path}/settings");
    let page = ana.open(&settings(&demo.meters[0])).await.unwrap();
    let form = page.form("cutoff_day").unwrap();
    assert!(
        !form.has("price"),
        "a monitor user may not change the price: {:?}",
        form.names
    );
    let form = form.fill("minimum", "60");
    ana.submit(&page, &form).await.unwrap();
    let page = ana.open(&settings(&demo.meters[0])).await.unwrap();
    let saved = page.form("minimum").unwrap();
    assert_eq!(saved.value("minimum"), Some("60"));

    let refused = ben.fetch(&settings(&demo.meters[3])).await.unwrap();
    let may_look_only = !refused.status.is_success() || refused.form("minimum").is_err();
    assert!(may_look_only, "{}", refused.text());
}

/// One invoice of Ben's as page, PDF, mail and row of the workbook.
async fn the_figures_are_the_same_everywhere(demo: &Demo, ben: &Browser, folder: &std::path::Path) {
    let meter = ben.open(&demo.meters[3]).await.unwrap();
    let links = meter.links_with("/invoices/");
    let page = ben.open(&links[0]).await.unwrap();
    let text = page.text();
    let total = text
        .split_whitespace()
        .find(|word| word.starts_with('$'))
        .unwrap()
        .to_owned();
    assert!(
        meter.text().contains(&total),
        "{total} is not on {}",
        meter.text()
    );
    let sent = async || {
        Ok(demo
            .mailbox
            .to(BEN.email)
            .iter()
            .any(|mail| mail.text.contains(&total)))
    };
    wait_for("the mail of the invoice", PATIENCE, sent)
        .await
        .unwrap();
    let mails = demo.mailbox.to(BEN.email);
    assert!(
        mails.iter().any(|mail| mail.text.contains(&total)),
        "no mail says {total}"
    );
    assert!(
        mails.iter().any(|mail| mail.html.contains(&total)),
        "no HTML mail says {total}"
    );

    let pdf = page.links_with(".pdf");
    let pdf = ben.open(&pdf[0]).await.unwrap();
    assert_eq!(pdf.kind, "application/pdf");
    let pdf = pdf_text(folder, &pdf.bytes).await;
    assert!(pdf.contains(&total), "{total} is not in the PDF: {pdf}");

    let workbook = ben.open("/export.xlsx").await.unwrap();
    let cells = excel_cells(folder, &workbook.bytes).await;
    let amount = total.trim_start_matches('$').replace(',', "");
    let found = cells.iter().find(|cell| {
        let is_number = matches!(cell.kind.as_str(), "float" | "int");
        is_number && same_amount(&cell.value, &amount)
    });
    assert!(found.is_some(), "{amount} is no number in the workbook");
    assert!(
        cells.iter().any(|cell| cell.kind == "datetime"),
        "no real date in the workbook"
    );
    assert!(
        !cells.iter().any(|cell| cell.value.contains("Local 101")),
        "Ana's meter"
    );
}

/// The operator reads the words of the page, and figures that add up.
async fn an_amount_is_explained_to_the_operator(demo: &Demo, ben: &Browser) {
    let meter = ben.open(&demo.meters[3]).await.unwrap();
    let invoice = meter.links_with("/invoices/").remove(0);
    let page = ben.open(&invoice).await.unwrap().text();
    let id = invoice.rsplit('/').next().unwrap();
    let asked = ["invoice", "explain", id];
    let said = demo.cloud.command(&asked).await.unwrap().ok().unwrap();
    let json = [&asked[..], &["--json"]].concat();
    let json = demo.cloud.command(&json).await.unwrap().ok().unwrap();
    let explained: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(explained["schema"], "enervue.invoice-explanation/1");
    let last = &explained["compared"][0];
    assert_eq!(last["against"], "last", "{json}");
    let decimal = |value: &serde_json::Value| -> rust_decimal::Decimal {
        value.as_str().unwrap().parse().unwrap()
    };
    let parts = last["explanation"]["parts"].as_array().unwrap();
    let sum: rust_decimal::Decimal = parts.iter().map(|part| decimal(&part["amount"])).sum();
    assert_eq!(sum, decimal(&last["explanation"]["difference"]), "{json}");
    let rows = last["rows"].as_array().unwrap();
    let words = rows.iter().flat_map(|row| [&row["name"], &row["amount"]]);
    for words in words.map(|words| words.as_str().unwrap()) {
        assert!(said.contains(words), "{words}: {said}");
        assert!(page.contains(words), "{words}: {page}");
    }
}

fn same_amount(one: &str, other: &str) -> bool {
    let parse = |text: &str| {
        text.parse::<rust_decimal::Decimal>()
            .ok()
            .map(|d| d.normalize())
    };
    parse(one).is_some() && parse(one) == parse(other)
}

async fn every_invoice_went_out(demo: &Demo) {
    let expected = usize::try_from(PERIODS).unwrap() * 2;
    let arrived = async || Ok(demo.telegram.messages().len() >= expected);
    wait_for("Ana's messages", PATIENCE, arrived).await.unwrap();
    let mails = demo.mailbox.mails();
    assert!(
        mails
            .iter()
            .all(|mail| !mail.subject.is_empty() && !mail.text.is_empty())
    );
}

async fn a_real_browser_finds_no_fault(demo: &Demo, folder: &std::path::Path) {
    let person = |name: &str, email: &str| serde_json::json!({ "name": name, "email": email, "password": PASSWORD });
    let world = serde_json::json!({
        "base": demo.cloud.url(),
        "people": [
            person("administrator", ADMINISTRATOR),
            person("integrator", INTEGRATOR.1),
            person("monitor-es", ANA.email),
            person("monitor-en", BEN.email),
        ],
    });
    let file = folder.join("world.json");
    std::fs::write(&file, world.to_string()).unwrap();
    let pictures = std::env::var_os("ENERVUE_TEST_SCREENSHOTS").map(PathBuf::from);
    let pictures = pictures.unwrap_or_else(|| workspace().join("target/screenshots"));
    let script = workspace()
        .join("tests/browser/check.mjs")
        .display()
        .to_string();
    let arguments = [
        script.as_str(),
        &file.display().to_string(),
        &pictures.display().to_string(),
    ];
    let looked = run(std::path::Path::new("node"), &arguments).await.unwrap();
    assert_eq!(looked.code, 0, "{}{}", looked.stdout, looked.stderr);
}
