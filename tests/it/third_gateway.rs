//! A gateway that somebody else wrote from the protocol's page, in another language: from its
//! enrolment to the invoice, through a cut connection and a repeated batch.

use std::path::Path;

use serde_json::{Value, json};
use tests::browser::Browser;
use tests::portal::{self, NewMeter, NewMonitor, PASSWORD};
use tests::process::run;
use tests::program::workspace;
use tests::world::World;

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

/// Every midnight from 1 March to 1 April, 12.34 kWh apart, with two polls of a day between
/// and, on the 10th, a run of gauges that are no more. Ends at 1000.00 + 31 × 12.34.
fn march(file: &Path) -> usize {
    let mut lines = Vec::new();
    for day in 0..32_u32 {
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
            lines.push(json!({"lost": 5, "reason": "size", "gravest": "gauge"}).to_string());
        }
    }
    std::fs::write(file, lines.join("\n")).unwrap();
    // The loss stands for five numbers.
    lines.len() + 4
}

/// Presses the button that asks the gateway to read, without waiting for the answer.
async fn order(integrator: &Browser, gateway: &str, end: &str) {
    let page = integrator.open(gateway).await.unwrap();
    let form = page.form_to(end).unwrap();
    integrator.submit(&page, &form).await.unwrap();
}

async fn signed_in(world: &World, email: &str) -> Browser {
    let browser = Browser::new(world.cloud.url()).unwrap();
    let signed = portal::sign_in(&browser, email, PASSWORD).await.unwrap();
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

    let file = world.folder().join("march.jsonl");
    let numbers = march(&file);
    world.cloud.advance("2026-04-01T07:30:00Z").await.unwrap();
    let file = file.display().to_string();
    let sending = [
        "--readings",
        &file,
        "--size",
        "30",
        "--cut",
        "2",
        "--repeat",
        "3",
    ];
    let said = third(
        &world,
        &added.code,
        &[&sending[..], &["--wait", "0"]].concat(),
    )
    .await;
    assert_eq!(said["acknowledged"], numbers, "{said}");
    assert_eq!(said["rejected"], json!([]), "{said}");
    assert_eq!(
        (&said["interrupted"], &said["waiting"]),
        (&json!(2), &json!(0)),
        "{said}"
    );
    let heads = said["heads"].as_object().unwrap();
    assert!(
        heads.values().all(|head| head["link"] == 32) && heads.len() == 1,
        "{said}"
    );

    let integrator = signed_in(&world, tests::world::INTEGRATOR).await;
    let page = integrator.open(&path).await.unwrap().text();
    assert!(page.contains("link 32"), "{page}");

    order(&integrator, &added.path, "/read").await;
    let said = third(&world, &added.code, &[]).await;
    assert_eq!(said["commands"], json!(["read"]), "{said}");
    let page = integrator.open(&added.path).await.unwrap().text();
    assert!(page.contains("1382.54"), "{page}");

    world.cloud.advance("2026-04-01T13:59:59Z").await.unwrap();
    let invoices = || {
        let mails = world.mailbox.to(ANA.email).into_iter();
        mails
            .filter(|mail| !mail.text.contains("/password/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(invoices().len(), 0);
    world.cloud.advance("2026-04-01T14:00:00Z").await.unwrap();
    let mails = invoices();
    assert_eq!(mails.len(), 1);
    let page = integrator.open(&path).await.unwrap();
    let invoice = integrator
        .open(&page.links_with("/invoices/")[0])
        .await
        .unwrap()
        .text();

    for text in [&invoice, &mails[0].text] {
        assert!(text.contains("382.54") && text.contains("$95.64"), "{text}");
    }
}
