//! Bad input: each gets an error that says what, why and what to do; nothing else stops.

use std::io::Read;

use tests::browser::client;
use tests::gateway::{Bus, Gateway};
use tests::portal::{self, NewMeter};
use tests::process::{PATIENCE, wait_for};
use tests::world::{BUS, World};

fn meter() -> NewMeter<'static> {
    NewMeter {
        label: "Local 101",
        counter: "eastron-sdm630/energy_import/kWh".to_owned(),
        unit_id: 1,
        bus: BUS,
        locale: "en-US",
        zone: "America/Tijuana",
        from: "2026-11-01",
        cutoff_day: 31,
        price: "3.50",
        currency: "MXN",
        minimum: "0",
        send_hour: 7,
        recipients: &[],
    }
}

const LINE: &str = "
[[line.meter]]
profile = 'eastron-sdm630'
unit_id = 1
since = '2026-01-01T00:00:00Z'
opening = '1000'
per_day = '24'
";

/// What is typed, and what the answer must say: what is wrong and what would be right.
const FORMS: [(&str, &str, &[&str]); 8] = [
    ("counter", "acme-9000/energy/kWh", &["acme-9000"]),
    ("price", "-1", &["-1", "0"]),
    ("price", "cheap", &["cheap"]),
    ("cutoff_day", "32", &["32", "1", "31"]),
    (
        "zone",
        "America/Tijuanna",
        &["America/Tijuanna", "America/Tijuana"],
    ),
    ("minimum", "-5", &["-5"]),
    ("unit_id", "300", &["300", "247"]),
    ("from", "2026-02-30", &["2026"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_and_nothing_else_stops() {
    let mut world = World::start(None).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    let path = portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();
    let line = world.line(LINE).await.unwrap();
    let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
    gateway.start().unwrap();

    forms(&world, &added.path).await;
    sync(&world).await;
    command_lines(&world, line.port()).await;
    a_card_reads_six(&world).await;

    gateway.running().unwrap().still_runs().unwrap();
    world.cloud.running().unwrap().still_runs().unwrap();
    let shows = async || Ok(world.integrator.open(&path).await?.text().contains("kWh"));
    wait_for("the meter's reading", PATIENCE, shows)
        .await
        .unwrap();
    assert!(
        !world.cloud.log().contains("panicked"),
        "{}",
        world.cloud.log()
    );
}

async fn forms(world: &World, gateway: &str) {
    let other = NewMeter {
        label: "Local 102",
        unit_id: 2,
        ..meter()
    };
    for (field, typed, says) in FORMS {
        let (page, form) = portal::meter_form(&world.integrator, gateway, &other)
            .await
            .unwrap();
        let answer = world
            .integrator
            .send(&page, &form.force(field, typed))
            .await
            .unwrap();
        assert_eq!(
            answer.status.as_u16(),
            422,
            "{field} = {typed}: {}",
            answer.text()
        );
        let html = answer.html();
        let (_, error) = html
            .split_once("class=\"error\"")
            .unwrap_or_else(|| panic!("{field} = {typed}: no error on {}", answer.text()));
        let error = tests::form::text(&format!("<p{}", error.split("</p>").next().unwrap()));
        for word in says {
            assert!(
                error.contains(word),
                "{field} = {typed}: '{error}' lacks '{word}'"
            );
        }
        let form = answer.form("counter").unwrap();
        assert_eq!(
            form.value("label"),
            Some("Local 102"),
            "what was typed is lost"
        );
    }
    let meters = world.integrator.open("/meters").await.unwrap().text();
    assert!(!meters.contains("Local 102"), "{meters}");
}

async fn sync(world: &World) {
    let client = client().unwrap().build().unwrap();
    let url = format!("{}{}", world.cloud.url(), common::sync::BATCH_PATH);
    let wrong_key = client
        .post(&url)
        .bearer_auth("0123456789abcdef")
        .json(&1)
        .send();
    let devices = format!("{}{}", world.cloud.url(), common::sync::DEVICES_PATH);
    let no_key = client.get(&devices).send();
    for (what, answer, status) in [
        ("a wrong key", wrong_key.await.unwrap(), 401),
        ("no key", no_key.await.unwrap(), 401),
    ] {
        assert_eq!(answer.status().as_u16(), status, "{what}");
        problem(what, &answer.text().await.unwrap());
    }

    let added = world.gateway_page("gateway").await.unwrap();
    let request = common::sync::EnrolRequest {
        protocols: vec![1],
        code: added.code.clone(),
        public_key: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".to_owned(),
        host: "test".to_owned(),
        software: "test 1".to_owned(),
    };
    let enrol = format!("{}{}", world.cloud.url(), common::sync::ENROL_PATH);
    let reply = client.post(&enrol).json(&request).send().await.unwrap();
    let reply = reply.text().await.unwrap();
    let reply: common::sync::EnrolReply =
        serde_json::from_str(&reply).unwrap_or_else(|_| panic!("{reply}"));
    let again = client.post(&enrol).json(&request).send().await.unwrap();
    assert!(again.status().is_client_error(), "a code is good once");
    problem("a spent code", &again.text().await.unwrap());

    for (what, kind, body) in [
        ("no JSON", "application/json", b"{{{".to_vec()),
        (
            "another JSON",
            "application/json",
            b"{\"protocol\":1}".to_vec(),
        ),
        ("noise", "application/octet-stream", vec![0xff; 4_000]),
    ] {
        let request = client.post(&url).bearer_auth(&reply.token);
        let answer = request
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        assert!(status.is_client_error(), "{what}: {status}");
        problem(what, &answer.text().await.unwrap());
    }
    let bomb = zstd::encode_all(std::io::repeat(0).take(64 << 20), 3).unwrap();
    let request = client
        .post(&url)
        .bearer_auth(&reply.token)
        .header("content-encoding", "zstd");
    let answer = request
        .header("content-type", "application/json")
        .body(bomb)
        .send()
        .await;
    assert_eq!(answer.unwrap().status().as_u16(), 413, "a bomb of zeros");
}

fn problem(what: &str, body: &str) {
    let problem: common::sync::Problem =
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{what}: {body}"));
    assert!(
        !problem.error.is_empty() && !problem.hint.is_empty(),
        "{what}: {body}"
    );
}

async fn command_lines(world: &World, port: &std::path::Path) {
    let bus = |more| Bus {
        name: BUS,
        port: port.to_owned(),
        more,
    };
    let unknown = "[[bus.device]]\nunit_id = 1\nprofile = 'acme-9000'\nlabel = 'Local 101'\n";
    let folder = world.folder().join("wrong");
    let zone = "zone = 'America/Tijuana'";
    let gateway = Gateway::new(&folder, zone, &[bus(unknown)], None).unwrap();
    let check = gateway.command(&["config", "check"]).await.unwrap();
    let said = format!("{}{}", check.stdout, check.stderr);
    assert_eq!(check.code, 8, "{said}");
    assert!(
        said.contains("acme-9000") && said.contains("profile list"),
        "{said}"
    );

    let zone = "zone = 'America/Tijuanna'";
    let known = unknown.replace("acme-9000", "eastron-sdm630");
    let gateway = Gateway::new(&folder, zone, &[bus(&known)], None).unwrap();
    let check = gateway.command(&["config", "check"]).await.unwrap();
    let said = format!("{}{}", check.stdout, check.stderr);
    assert!(
        check.code != 0 && said.contains("America/Tijuanna"),
        "{said}"
    );

    let arguments = ["enroll", world.cloud.url(), "--code", "AAAA-AAAA"];
    let refused = gateway.command(&arguments).await.unwrap();
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    for word in ["error:", "cause:", "try:"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
}

/// The vendor's card is held to six meters.
async fn a_card_reads_six(world: &World) {
    let card = world.gateway_page("connektor").await.unwrap();
    for unit_id in 1..=6 {
        let meter = NewMeter { unit_id, ..meter() };
        portal::add_meter(&world.integrator, &card.path, &meter)
            .await
            .unwrap();
    }
    let seventh = NewMeter {
        unit_id: 7,
        ..meter()
    };
    let (page, form) = portal::meter_form(&world.integrator, &card.path, &seventh)
        .await
        .unwrap();
    let answer = world.integrator.send(&page, &form).await.unwrap();
    assert!(answer.status.is_client_error(), "{}", answer.text());
    assert!(answer.text().contains('6'), "{}", answer.text());
}
