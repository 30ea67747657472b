//! An invoice in the hands of somebody who believes nobody: a file, and two fingerprints that
//! they have from elsewhere.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::browser::Browser;
use tests::gateway::Gateway;
use tests::portal::{self, NewMeter};
use tests::process::{Finished, run};
use tests::program::Programs;
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

const METER: NewMeter<'_> = NewMeter {
    label: "Local 101",
    counter: String::new(),
    unit_id: 1,
    bus: BUS,
    locale: "es-MX",
    zone: "America/Tijuana",
    from: "2026-02-24",
    cutoff_day: 31,
    price: "3.50",
    currency: "MXN",
    minimum: "0",
    send_hour: 7,
    recipients: &[],
};

/// A cloud whose gateway has closed a period of some days.
struct Story {
    world: World,
    gateway: Gateway,
    gateway_page: String,
}

impl Story {
    async fn new() -> Self {
        let world = World::start(Some("2026-02-23T20:00:00Z")).await.unwrap();
        let added = world.gateway_page("gateway").await.unwrap();
        let counter = "eastron-sdm630/energy_import/kWh".to_owned();
        let meter = NewMeter { counter, ..METER };
        portal::add_meter(&world.integrator, &added.path, &meter)
            .await
            .unwrap();
        let line = world.line(METERS).await.unwrap();
        let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
        gateway.start().unwrap();
        world.cloud.advance("2026-03-01T15:00:00Z").await.unwrap();
        drop(line);
        Self {
            world,
            gateway,
            gateway_page: added.path,
        }
    }

    async fn export(&self, name: &str) -> PathBuf {
        let file = self.world.folder().join(name);
        let path = file.display().to_string();
        let export = ["invoice", "export", "1", "--output", path.as_str()];
        self.world
            .cloud
            .command(&export)
            .await
            .unwrap()
            .ok()
            .unwrap();
        file
    }

    /// The fingerprints that the two programs show.
    async fn fingerprints(&self) -> (String, String) {
        let shown = |text: String| {
            let key: Value = serde_json::from_str(&text).unwrap();
            key["fingerprint"].as_str().unwrap().to_owned()
        };
        let gateway = self.gateway.command(&["key", "show", "--json"]).await;
        let issuer = self
            .world
            .cloud
            .command(&["invoice", "key", "--json"])
            .await;
        (
            shown(gateway.unwrap().ok().unwrap()),
            shown(issuer.unwrap().ok().unwrap()),
        )
    }
}

/// Checks a file with nothing but the program, in a folder that has nothing else.
async fn verify(file: &Path, gateway: &str, issuer: &str) -> (Finished, Value) {
    let empty = tempfile::tempdir().unwrap();
    let copy = empty.path().join("invoice.json");
    std::fs::copy(file, &copy).unwrap();
    let path = copy.display().to_string();
    let arguments = [
        "invoice",
        "verify",
        &path,
        "--gateway",
        gateway,
        "--issuer",
        issuer,
    ];
    let program = &Programs::get().unwrap().cloud;
    let said = run(program, &arguments).await.unwrap();
    let json = run(program, &[&arguments[..], &["--json"]].concat())
        .await
        .unwrap();
    assert_eq!(json.code, said.code);
    let report = serde_json::from_str(&json.stdout).unwrap();
    (said, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_the_real_programs_is_checked_without_them() {
    let mut story = Story::new().await;
    let file = story.export("invoice.json").await;
    let (gateway, issuer) = story.fingerprints().await;
    let page = story
        .world
        .integrator
        .open(&story.gateway_page)
        .await
        .unwrap()
        .text();
    assert!(page.contains(&gateway), "the portal shows it too: {page}");

    let (said, report) = verify(&file, &gateway, &issuer).await;
    assert_eq!(said.code, 0, "{} {}", said.stdout, said.stderr);
    assert_eq!(report["schema"], "enervue.invoice-verification/1");
    assert_eq!(report["identical"], true);
    assert_eq!(report["notes"], serde_json::json!([]), "{report}");
    assert_eq!(report["unsealed"], serde_json::json!([]), "{report}");
    assert_eq!(report["invoice"]["total"], "420.00");
    assert!(
        said.stdout.contains("rests on sealed readings: yes"),
        "{}",
        said.stdout
    );
    // Without spaces is the same.
    let (plain, _) = verify(&file, &gateway.replace(' ', ""), &issuer.replace(' ', "")).await;
    assert_eq!(plain.code, 0, "{}", plain.stdout);

    // Whoever holds the paper sees the same check, without anybody's name.
    let link = format!(
        "/invoices/{}/link",
        report["invoice"]["id"].as_str().unwrap()
    );
    let page = story.world.integrator.open(&link).await.unwrap().text();
    let (_, token) = page.split_once("/verify/").unwrap();
    let token: String = token.chars().take(22).collect();
    let anybody = Browser::new(story.world.cloud.url()).unwrap();
    let page = anybody
        .open(&format!("/verify/{token}"))
        .await
        .unwrap()
        .text();
    for words in [
        "es lo que se emitió",
        "Cada registro se apoya",
        "$420.00",
        &gateway,
        &issuer,
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Local 101"), "{page}");

    // The keys the wrong way round are other keys.
    let (swapped, report) = verify(&file, &issuer, &gateway).await;
    assert_eq!(swapped.code, 1);
    let named = |field: &str| {
        let all = report["differences"].as_array().unwrap();
        all.iter().any(|one| one["field"] == field)
    };
    assert!(named("proof.public_key") && named("evidence.keys[0].public_key"));

    // A cent more.
    let text = std::fs::read_to_string(&file).unwrap();
    let dear = story.world.folder().join("dear.json");
    std::fs::write(&dear, text.replace("420.00", "420.01")).unwrap();
    let (said, _) = verify(&dear, &gateway, &issuer).await;
    assert_eq!(said.code, 1);
    assert!(
        said.stdout.contains("differs: invoice.total: "),
        "{}",
        said.stdout
    );

    // What cannot be looked at is another thing than what differs.
    let program = &Programs::get().unwrap().cloud;
    let keys = ["--gateway", gateway.as_str(), "--issuer", issuer.as_str()];
    let missing = [&["invoice", "verify", "/nowhere"][..], &keys].concat();
    assert_eq!(run(program, &missing).await.unwrap().code, 2);
    let nameless = [
        "invoice",
        "verify",
        "/nowhere",
        "--gateway",
        "x",
        "--issuer",
        "y",
    ];
    assert_eq!(run(program, &nameless).await.unwrap().code, 2);

    // The same file without the server as beside it.
    story.gateway.stop().await.unwrap();
    story.world.cloud.stop().await.unwrap();
    let later = story.export("later.json").await;
    assert_eq!(std::fs::read_to_string(later).unwrap(), text);
}
