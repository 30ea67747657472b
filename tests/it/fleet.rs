//! A gateway that is looked after from afar: what the portal asks of it is done on the spot
//! and kept, and what it tells of itself is the same wherever one looks.

use serde_json::Value;
use tests::gateway::Gateway;
use tests::portal::{self, NewMeter};
use tests::process::{PATIENCE, wait_for};
use tests::world::{BUS, World};

const METERS: &str = "
[[line.meter]]
profile = 'eastron-sdm630'
unit_id = 1
since = '2026-01-01T00:00:00Z'
opening = '1000'
per_day = '24'
shape = 'steady'
";

fn meter() -> NewMeter<'static> {
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
        recipients: &[],
    }
}

async fn status(gateway: &Gateway) -> Value {
    let told = gateway.command(&["status", "--json"]).await.unwrap();
    serde_json::from_str(&told.stdout).unwrap_or_default()
}

/// Presses the button that leads to `end`, and waits for the answer.
async fn ask(world: &World, path: &str, end: &str) -> String {
    let page = world.integrator.open(path).await.unwrap();
    let form = page.form_to(end).unwrap();
    world.integrator.submit(&page, &form).await.unwrap();
    let mut text = String::new();
    wait_for("the answer of the gateway", PATIENCE, async || {
        text = world.integrator.open(path).await?.text();
        Ok(!text.contains("Waiting for the answer"))
    })
    .await
    .unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_a_gateway_is_done_on_the_spot_and_kept() {
    let world = World::start(Some("2026-02-27T20:00:00Z")).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();
    let line = world.line(METERS).await.unwrap();
    let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
    gateway.start().unwrap();
    wait_for("the first reading", PATIENCE, async || {
        let status = status(&gateway).await;
        Ok(status["devices"][0]["last_good_at"].is_string())
    })
    .await
    .unwrap();

    let polls = |status: &Value| status["devices"][0]["answered"].as_u64().unwrap();
    let before = polls(&status(&gateway).await);
    let text = ask(&world, &added.path, "/read").await;
    assert!(text.contains("Answered"), "{text}");
    // Twenty-four a day since New Year, in the meter's own digits.
    assert!(
        text.contains("energy_import") && text.contains("2388"),
        "{text}"
    );
    wait_for("a reading that is kept", PATIENCE, async || {
        Ok(polls(&status(&gateway).await) > before)
    })
    .await
    .unwrap();

    let text = ask(&world, &added.path, "/diagnose").await;
    for words in [
        "unit 1 on bus main, answered after",
        "free of",
        "a test clock",
    ] {
        assert!(text.contains(words), "no '{words}' in {text}");
    }

    let status = status(&gateway).await;
    let requests = &status["devices"][0]["traffic"]["requests"];
    let metrics = gateway.command(&["metrics"]).await.unwrap().ok().unwrap();
    let name = "enervue_gateway_device_requests_total{";
    let told = metrics.lines().find(|line| line.starts_with(name)).unwrap();
    let told: u64 = told.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(told >= requests.as_u64().unwrap() && told > 0, "{metrics}");
    let key = gateway.command(&["key", "show"]).await.unwrap();
    let key = key.ok().unwrap();
    assert!(
        key.contains("Public key") && key.contains("Fingerprint"),
        "{key}"
    );
    gateway.stop().await.unwrap();
}
