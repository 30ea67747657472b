//! The sync protocol over HTTP, from the code to the acknowledgement.

mod commands;
mod key;

use std::net::SocketAddr;
use std::sync::Arc;

use common::sync::{BATCH_BYTES_MAX, EnrolReply, Problem};
use jiff::ToSpan;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::Clock;
use crate::config::{Config, DEFAULT_FILE};
use crate::run::{App, router};
use crate::secret;
use crate::site::GatewayKind;
use crate::store::Store;
use crate::store::gateways::GatewayKey;
use crate::store::testing::{new_meter, on_both_engines, world};

struct Scene {
    app: App,
    key: GatewayKey,
    address: SocketAddr,
}

async fn scene(store: Store) -> Scene {
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    let new = new_meter(&world, 1);
    let now = Clock::real().now();
    let meter = t.register_meter(world.account, &new, None, now).await;
    meter.unwrap();
    t.commit().await.unwrap();
    let config = Config::read(DEFAULT_FILE, "", []).unwrap();
    let app = App::new(store, Clock::real(), config, crate::issuer::tests::key()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    Scene {
        app,
        key: GatewayKey {
            account: world.account,
            gateway: world.gateway,
        },
        address,
    }
}

impl Scene {
    async fn code(&self, minutes: i64) -> String {
        let code = secret::enrolment_code();
        let hash = secret::enrolment_code_hash(&code);
        let until = self.app.clock.now() + minutes.minutes();
        let mut t = self.app.store.write().await.unwrap();
        t.add_enrolment_code(&hash, self.key, until).await.unwrap();
        t.commit().await.unwrap();
        code
    }

    async fn enrol(&self, code: &str) -> (u16, String) {
        let request = json!({
            "code": code, "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "host": "pi", "software": "test 1",
        });
        self.ask("POST /sync/v1/enrol", "", &request.to_string())
            .await
    }

    /// One request over a connection of its own: status and body.
    async fn ask(&self, what: &str, token: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let head = format!(
            "{what} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough need not take the rest.
        let _ = stream.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

fn batch(readings: &Value) -> String {
    json!({
        "protocol": 1,
        "epoch": "0000000000001",
        "readings": readings,
        "report": {
            "at": "2026-11-01T00:00:00Z", "software": "test 1",
            "settled_through": "2026-11-01T00:00:00Z", "waiting": 1,
        },
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_enrols_learns_its_devices_and_is_acknowledged() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let code = scene.code(15).await;
        let (status, body) = scene.enrol(&code.to_lowercase()).await;
        assert_eq!(status, 200, "{body}");
        let enrolled: EnrolReply = serde_json::from_str(&body).unwrap();
        assert_eq!(enrolled.gateway, scene.key.gateway);
        assert_eq!(enrolled.site_name, "Plaza Norte");
        let (status, body) = scene.enrol(&code).await;
        assert_eq!(status, 403, "a code works once");
        let problem: Problem = serde_json::from_str(&body).unwrap();
        assert!(problem.hint.contains("new code"), "{body}");

        let token = enrolled.token;
        let (status, body) = scene.ask("GET /sync/v1/devices", &token, "").await;
        assert_eq!(status, 200, "{body}");
        let list: Value = serde_json::from_str(&body).unwrap();
        let device = &list["devices"][0];
        assert_eq!(
            (&device["label"], &device["unit_id"]),
            (&json!("Local 1"), &json!(1))
        );
        assert_eq!(device["closings"].as_array().unwrap().len(), 7 + 400);

        let reading = json!([{
            "seq": 1, "at": "2026-11-01T00:00:00Z", "clock": "trusted",
            "device": device["id"], "point": "energy_import", "raw": "0001",
            "quantity": {"value": "1.00", "unit": "kWh"}, "profile": "eastron-sdm120@0",
        }]);
        for _ in 0..2 {
            let sent = scene
                .ask("POST /sync/v1/batch", &token, &batch(&reading))
                .await;
            assert_eq!(sent.0, 200, "{}", sent.1);
            let reply: Value = serde_json::from_str(&sent.1).unwrap();
            assert_eq!(reply["acknowledged_through"], 1);
            assert_eq!(reply["devices_version"], list["version"]);
        }
        let contact = scene.app.contacts.of(scene.key.gateway).unwrap();
        assert_eq!(contact.waiting, 0, "what came along waits no more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_learns_nothing_and_stops_nothing() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let (status, _) = scene.enrol(&scene.code(-1).await).await;
        assert_eq!(status, 403, "an old code");
        let (_, body) = scene.enrol(&scene.code(15).await).await;
        let first: EnrolReply = serde_json::from_str(&body).unwrap();
        let (_, body) = scene.enrol(&scene.code(15).await).await;
        let second: EnrolReply = serde_json::from_str(&body).unwrap();
        let empty = batch(&json!([]));
        let hole = batch(&json!([{"seq": 3}]));
        let large = " ".repeat(BATCH_BYTES_MAX + 1);
        let table = [
            ("no token", "", empty.as_str(), 401),
            ("an unknown token", "x", &empty, 401),
            ("a token of before", first.token.as_str(), &empty, 401),
            ("no JSON", &second.token, "{", 400),
            ("a hole", &second.token, &hole, 409),
            ("too large", &second.token, &large, 413),
            ("a heartbeat", &second.token, &empty, 200),
        ];
        for (what, token, body, expected) in table {
            let (status, answer) = scene.ask("POST /sync/v1/batch", token, body).await;
            assert_eq!(status, expected, "{what}: {answer}");
            if expected != 200 {
                let problem: Problem = serde_json::from_str(&answer).unwrap();
                assert!(!problem.error.is_empty() && !problem.hint.is_empty());
            }
        }
        for _ in 0..10 {
            scene.enrol("0000-0000").await;
        }
        let (status, answer) = scene.enrol(&scene.code(15).await).await;
        assert_eq!(status, 429, "{answer}");
        assert_eq!(scene.ask("GET /healthz", "", "").await.0, 200);
    })
    .await;
}
