//! A gateway that somebody else wrote from the protocol's page, in another language: from its
//! enrolment to the invoice, through a cut connection and a repeated batch.

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};
use tests::browser::Browser;
use tests::portal::{self, NewMeter, NewMonitor, PASSWORD};
use tests::process::run;
use tests::program::workspace;
use tests::world::{INTEGRATOR, World};

use crate::outside::python;

const PROFILE: &str = "eastron-sdm120@fw000012";

const ANA: NewMonitor<'_> = NewMonitor {
    name: "Ana Torres",
    email: "ana@cafe.example",
    language: "en",
    may_change_settings: false,
};

/// March, in a zone whose clocks go forward on the 8th.
fn meter() -> NewMeter<'static> {
    NewMeter {
        label: "Local 204",
        counter: "eastron-sdm120/energy_import/kWh".to_owned(),
        unit_id: 4,
        bus: "card",
        locale: "en-US",
        zone: "America/Tijuana",
        from: "2026-03-01",
        cutoff_day: 31,
        price: "0.25",
        currency: "USD",
        minimum: "0",
        send_hour: 7,
        recipients: &[("Ana Torres", "email")],
    }
}

/// Starts the program; gives back the object that it prints.
async fn third(world: &World, code: &str, more: &[&str]) -> Value {
    let script = workspace().join("tests/outside/third_gateway.py");
    let script = script.display().to_string();
    let state = world.folder().join("third.sqlite3").display().to_string();
    let mut arguments = vec!["-B", &script, world.cloud.url(), code, "--state", &state];
    arguments.extend(["--bus", "card"]);
    arguments.extend(more);
    let printed = run(&python(), &arguments).await.unwrap().ok().unwrap();
    let said: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(said["error"], Value::Null, "{said}");
    said
}

/// A line of the file; its counter is in hundredths.
fn reading(at: &str, hundredths: u32, closes: Option<&str>) -> String {
    let value = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let raw = value.parse::<f32>().unwrap().to_be_bytes();
    let raw = format!("{:02x}{:02x} {:02x}{:02x}", raw[0], raw[1], raw[2], raw[3]);
    json!({
        "unit_id": 4, "point": "energy_import", "at": at, "value": value, "unit": "kWh",
        "raw": raw, "profile": PROFILE, "closes": closes,
    })
    .to_string()
}

/// The midnights of these days from 1 March on, 12.34 kWh apart, with two polls of a day
/// between and, on the 10th, a run of gauges that are no more: the file, and how many numbers
/// it takes. Day 31 is at 1000.00 + 31 × 12.34.
fn march(folder: &Path, days: Range<u32>) -> (String, usize) {
    let mut lines = Vec::new();
    let file = folder.join(format!("march-{}.jsonl", days.start));
    let lost = if days.contains(&9) { 5 } else { 0 };
    for day in days {
        let date = match day {
            31 => "2026-04-01".to_owned(),
            day => format!("2026-03-{:02}", day + 1),
        };
        let midnight = if day < 8 { 8 } else { 7 };
        let counter = 100_000 + 1234 * day;
        let at = format!("{date}T{midnight:02}:00:01.900Z");
        lines.push(reading(&at, counter, Some(&date)));
        if day < 31 {
            lines.push(reading(&format!("{date}T14:00:00Z"), counter + 300, None));
            lines.push(reading(&format!("{date}T20:00:00Z"), counter + 700, None));
        }
        if day == 9 {
            lines.push(json!({"lost": lost, "reason": "size", "gravest": "gauge"}).to_string());
        }
    }
    write(&file, &lines);
    let numbers = lines.len() + if lost == 0 { 0 } else { lost - 1 };
    (file.display().to_string(), numbers)
}

fn write(file: &Path, lines: &[String]) {
    std::fs::write(file, lines.join("\n")).unwrap();
}

/// Presses the button that leads to `end`, without waiting for the answer.
async fn order(integrator: &Browser, page: &str, end: &str) {
    let page = integrator.open(page).await.unwrap();
    let form = page.form_to(end).unwrap();
    integrator.submit(&page, &form).await.unwrap();
}

/// Weeks pass between two looks: each is a sign-in of its own.
async fn integrator(world: &World) -> Browser {
    let browser = Browser::new(world.cloud.url()).unwrap();
    let signed = portal::sign_in(&browser, INTEGRATOR, PASSWORD)
        .await
        .unwrap();
    signed.ok().unwrap();
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_wrote_from_the_page_is_billed_to_the_last_digit() {
    let world = World::start(Some("2026-02-27T20:00:00Z")).await.unwrap();
    world.monitor(&ANA).await.unwrap();
    let added = world.gateway_page("connektor").await.unwrap();
    let said = third(&world, &added.code, &["--wait", "0"]).await;
    assert_eq!(said["acknowledged"], 0, "{said}");
    let path = portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();

    // Half of the month; one batch is broken off twice, another sent twice. Then a new key.
    world.cloud.advance("2026-03-16T10:00:00Z").await.unwrap();
    let (file, first) = march(world.folder(), 0..16);
    let faults = ["--size", "15", "--cut", "2", "--repeat", "3"];
    let sending = [&faults[..], &["--wait", "0", "--readings", &file]].concat();
    let said = third(&world, &added.code, &sending).await;
    let counts = (
        &said["acknowledged"],
        &said["waiting"],
        &said["interrupted"],
    );
    assert_eq!(counts, (&json!(first), &json!(0), &json!(2)), "{said}");
    let key_page = format!("{}/key", added.path);
    order(&integrator(&world).await, &key_page, "/key").await;
    let said = third(&world, &added.code, &[]).await;
    assert_eq!(said["commands"], json!(["change_key"]), "{said}");

    world.cloud.advance("2026-04-01T07:30:00Z").await.unwrap();
    let (file, second) = march(world.folder(), 16..32);
    let said = third(&world, &added.code, &["--wait", "0", "--readings", &file]).await;
    assert_eq!(said["acknowledged"], first + second, "{said}");
    assert_eq!(said["rejected"], json!([]), "{said}");
    let heads: Vec<_> = said["heads"].as_object().unwrap().values().collect();
    assert!(heads.len() == 1 && heads[0]["link"] == 32, "{said}");

    let integrator = integrator(&world).await;
    let page = integrator.open(&path).await.unwrap();
    let page_text = page.text();
    assert!(
        page_text.contains("sealed through Apr 1, link 32"),
        "{page_text}"
    );
    order(&integrator, &added.path, "/read").await;
    let said = third(&world, &added.code, &[]).await;
    assert_eq!(said["commands"], json!(["read"]), "{said}");
    let text = integrator.open(&added.path).await.unwrap().text();
    for words in [
        "Answered What Value energy_import 1382.54 kWh",
        "5 its buffer was full",
    ] {
        assert!(text.contains(words), "no '{words}' in {text}");
    }
    assert!(!text.contains("Seals that do not hold"), "{text}");

    world.cloud.advance("2026-04-01T13:59:59Z").await.unwrap();
    let invoices = || {
        let mails = world.mailbox.to(ANA.email).into_iter();
        let invoices = mails.filter(|mail| !mail.text.contains("/password/"));
        invoices.map(|mail| mail.text).collect::<Vec<_>>()
    };
    assert_eq!(invoices(), Vec::<String>::new());
    world.cloud.advance("2026-04-01T14:00:00Z").await.unwrap();
    let mails = invoices();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let page = integrator.open(&path).await.unwrap();
    let invoice = &page.links_with("/invoices/")[0];
    let invoice = integrator.open(invoice).await.unwrap().text();
    for text in [&invoice, &mails[0]] {
        // 382.54 × 0.25 = 95.635.
        assert!(
            text.contains("382.54 kWh") && text.contains("$95.64"),
            "{text}"
        );
    }
    for words in ["seal 1 1,000.00 kWh", "seal 32 1,382.54 kWh", "31 of 31"] {
        assert!(invoice.contains(words), "no '{words}' in {invoice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_old_copy_goes_on_in_a_new_epoch_and_bad_readings_stop_nothing() {
    let world = World::start(Some("2026-03-20T20:00:00Z")).await.unwrap();
    let folder = world.folder();
    let added = world.gateway_page("connektor").await.unwrap();
    third(&world, &added.code, &["--wait", "0"]).await;
    let meter = NewMeter {
        from: "2026-03-21",
        recipients: &[],
        ..meter()
    };
    let path = portal::add_meter(&world.integrator, &added.path, &meter)
        .await
        .unwrap();
    world.cloud.advance("2026-03-27T08:00:00Z").await.unwrap();
    let send =
        async |file: &str| third(&world, &added.code, &["--wait", "0", "--readings", file]).await;
    let before = send(&march(folder, 20..22).0).await;
    let state = folder.join("third.sqlite3");
    let copy = folder.join("third.copy");
    std::fs::copy(&state, &copy).unwrap();
    let after = send(&march(folder, 22..24).0).await;
    assert_eq!(
        (&before["acknowledged"], &after["acknowledged"]),
        (&json!(6), &json!(12))
    );
    assert_eq!(before["epoch"], after["epoch"]);

    // The old copy is put in. One reading is no reading, another fits into no batch.
    std::fs::copy(&copy, &state).unwrap();
    let file = march(folder, 24..26).0;
    let lines = std::fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    lines.insert(
        1,
        reading("2026-03-25T10:00:00Z", 1, None).replace("0.01", "0,01"),
    );
    let mut large: Value = serde_json::from_str(&lines[0]).unwrap();
    large["raw"] = "0000 ".repeat(500_000).into();
    large["closes"] = Value::Null;
    lines.insert(4, large.to_string());
    write(Path::new(&file), &lines);
    let said = send(&file).await;
    assert_ne!(said["epoch"], before["epoch"], "{said}");
    assert_eq!(
        (&said["acknowledged"], &said["waiting"]),
        (&json!(8), &json!(0)),
        "{said}"
    );
    let apart: Vec<_> = said["rejected"].as_array().unwrap().iter().collect();
    let apart: Vec<_> = apart
        .iter()
        .map(|one| (&one["seq"], &one["code"]))
        .collect();
    let expected = (json!(5), Value::Null, json!(2), json!("unacceptable"));
    let (large, garbled) = ((&expected.0, &expected.1), (&expected.2, &expected.3));
    assert!(
        apart.len() == 2 && apart.contains(&large) && apart.contains(&garbled),
        "{apart:?}"
    );

    let browser = integrator(&world).await;
    let text = browser.open(&added.path).await.unwrap().text();
    assert!(!text.contains("Seals that do not hold"), "{text}");
    let text = browser.open(&path).await.unwrap().text();
    assert!(text.contains("link 6"), "{text}");
}
