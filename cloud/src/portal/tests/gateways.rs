//! Stories of a gateway's page: what it said of itself, what it is asked, and its revocation.

use common::digest::Signature;
use common::id::{Epoch, MeterId};
use common::sync::{CommandResult, GatewayReport, Loss, LossReason, ResultLine, Weight};

use super::*;
use crate::store::commands::Answered;
use crate::store::readings::Stream;
use crate::store::seals::SealFault;

/// A gateway that is let in, with one meter.
struct Story {
    world: World,
    integrator: Browser,
    gateway: String,
    device: String,
    meter: String,
    key: GatewayKey,
}

impl Story {
    async fn new() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let integrator = world.integrator(&administrator, "Norte").await;
        let (_, gateway) = world.building(&integrator, "gateway").await;
        let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
        let device = world.enrolled(&gateway, &meter).await;
        let mut t = world.app.store.read().await.unwrap();
        let key = t.gateway_of_token(&secret::hash("token")).await;
        let key = key.unwrap();
        Self {
            integrator,
            gateway,
            device,
            meter,
            key: key.unwrap(),
            world,
        }
    }

    async fn page(&self) -> String {
        self.world.get(&self.integrator, &self.gateway).await.text()
    }

    async fn press(&self, what: &str) -> Answer {
        let path = format!("{}/{what}", self.gateway);
        self.world.done(&self.integrator, &path, &[]).await
    }

    async fn waiting(&self) -> Vec<common::sync::Command> {
        let mut t = self.world.app.store.read().await.unwrap();
        let now = self.world.app.clock.now();
        t.waiting_commands(self.key, now).await.unwrap()
    }

    async fn report(&self, change: serde_json::Value) {
        let mut report = serde_json::json!({
            "at": "2026-11-24T17:59:00Z", "software": "enervue-gateway 0.1.0",
            "settled_through": "2026-11-24T17:59:00Z", "waiting": 0,
        });
        let members = change.as_object().unwrap().clone();
        report.as_object_mut().unwrap().extend(members);
        let report: GatewayReport = serde_json::from_value(report).unwrap();
        let mut t = self.world.app.store.write().await.unwrap();
        let now = self.world.app.clock.now();
        t.save_report(self.key, &report, now).await.unwrap();
        t.commit().await.unwrap();
    }
}

fn has(page: &str, words: &[&str]) {
    for words in words {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_is_asked_for_and_its_result_comes_by_itself() {
    let story = Story::new().await;
    let refreshes = async || {
        let page = story.world.get(&story.integrator, &story.gateway).await;
        page.header(header::REFRESH) == "3"
    };
    assert!(!refreshes().await);
    let read = format!("devices/{}/read", story.device);
    let meter = story.world.get(&story.integrator, &story.meter).await;
    let action = format!("action=\"{}/{read}\"", story.gateway);
    has(&meter.text(), &[&action, "Read now"]);
    let monitor = story
        .world
        .monitor(&story.integrator, "Ana", &story.meter, true)
        .await;
    let theirs = story.world.get(&monitor, &story.meter).await;
    assert_eq!(theirs.status, StatusCode::OK);
    assert!(!theirs.text().contains("Read now"), "monitors ask nothing");
    for _ in 0..2 {
        let asked = story.press(&read).await;
        assert!(asked.location().ends_with("?done=asked#orders"));
    }
    has(
        &story.page().await,
        &["Read Local 101 now", "Waiting for the answer"],
    );
    assert!(refreshes().await);
    let waiting = story.waiting().await;
    assert_eq!(waiting.len(), 1, "it is asked once");

    let result = CommandResult {
        at: story.world.app.clock.now(),
        error: None,
        lines: vec![ResultLine {
            name: "energy_import".to_owned(),
            value: "<1234.5> kWh".to_owned(),
            error: None,
        }],
    };
    let mut t = story.world.app.store.write().await.unwrap();
    let answered = t
        .answer_command(story.key, waiting[0].id, &result, result.at)
        .await;
    assert_eq!(answered.unwrap(), Answered::Kept);
    t.commit().await.unwrap();
    let page = story.page().await;
    has(&page, &["Answered", "&#60;1234.5&#62; kWh", "Norte"]);
    assert!(!refreshes().await, "nothing is waited for any more");

    // What is asked later stands above.
    let later = "2026-11-24T18:00:01Z".parse().unwrap();
    story.world.app.clock.set(later).unwrap();
    story.press("diagnose").await;
    assert!(refreshes().await);
    let still = format!("{}?still=1", story.gateway);
    let still = story.world.get(&story.integrator, &still).await;
    assert_eq!(
        still.header(header::REFRESH),
        "",
        "whoever wants to can read"
    );
    has(&still.text(), &["Diagnose", "Show the answer"]);
    let later = "2026-11-24T18:10:01Z".parse().unwrap();
    story.world.app.clock.set(later).unwrap();
    let page = story.page().await;
    has(&page, &["Not done", "did not answer within 10 minutes"]);
    assert!(!refreshes().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_and_a_gateway_shut_out_after_a_question() {
    let story = Story::new().await;
    let ask = async |what: &str| {
        let path = format!("{}/{what}", story.gateway);
        story.world.get(&story.integrator, &path).await.text()
    };
    has(
        &ask("key").await,
        &["Basement makes a new key", "Yes, change the key"],
    );
    assert_eq!(story.waiting().await, []);
    story.press("key").await;
    assert_eq!(story.waiting().await.len(), 1);

    let question = ask("revoke").await;
    has(
        &question,
        &["keeps what it reads on its disk", "make a new code"],
    );
    story.press("code").await;
    let revoked = story.press("revoke").await;
    assert!(revoked.location().ends_with("?done=revoked"));
    let mut t = story.world.app.store.read().await.unwrap();
    let token = t.gateway_of_token(&secret::hash("token")).await;
    assert_eq!(token.unwrap(), None, "nothing of it is taken any more");
    let page = story.page().await;
    has(&page, &["Not enrolled", "New code"]);
    assert!(!page.contains("/revoke\""), "it is shut out already");
    let again = format!("{}/revoke", story.gateway);
    let again = story
        .world
        .ask(&story.integrator, Method::POST, &again, &[])
        .await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_says_how_it_is_and_what_is_to_be_done() {
    let story = Story::new().await;
    story
        .report(serde_json::json!({
            "waiting": 4_321,
            "clock": {"trust": "trusted", "source": "ntp", "machine_ahead_ms": -3_600_000},
            "machine": {
                "up_s": 86_400, "running_s": 3_600, "temperature_m_c": 48_312,
                "disk_free_bytes": 12_000_000_000_u64, "disk_bytes": 31_000_000_000_u64,
            },
            "buffer": {
                "kept": 250_000, "bytes": 20_000_000, "bytes_max": 268_435_456,
                "oldest_waiting_at": "2026-11-23T18:00:00Z", "lost": 7, "rejected": 0,
            },
            "devices": [{"device": story.device, "traffic": {
                "requests": 1_000, "answers": 900, "timeouts": 60, "damaged": 30,
                "exceptions": 10,
            }}],
        }))
        .await;
    let page = story.page().await;
    let said = [
        "4,321",
        "oldest from Nov 23, 2026, 10:00 · 1 day ago",
        "kept by a time server · the machine's own is 3,600 s behind",
        "11.1 GiB free of 28.8 GiB",
        "48.3 °C",
        "250,000",
        "19 MiB of 256 MiB",
        ">900<",
    ];
    has(&page, &said);
    assert!(!page.contains("class=\"problem\""), "{page}");
    story
        .report(serde_json::json!({
            "clock": {"trust": "untrusted", "source": "none", "machine_ahead_ms": 0},
            "machine": {"temperature_m_c": 81_000, "disk_free_bytes": 1, "disk_bytes": 9},
            "buffer": {"began_after_damage": true},
        }))
        .await;
    let problems = [
        "does not know what time it is",
        "disk is almost full",
        "is at 81.0 °C",
        "Replace the card",
    ];
    has(&story.page().await, &problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_lost_readings_and_seals_that_do_not_hold_are_shown() {
    let story = Story::new().await;
    let before = story.page().await;
    has(&before, &["Counts now", "AAAA"]);
    assert!(!before.contains("Seals that do not hold"), "{before}");
    let (now, device) = (story.world.app.clock.now(), story.device.parse().unwrap());
    let stream = Stream {
        key: story.key,
        epoch: Epoch(1),
    };
    let loss = Loss {
        first: 5,
        last: 1_204,
        reason: LossReason::Size,
        gravest: Weight::Billing,
        from: "2026-11-20T18:00:00Z".parse().ok(),
        until: "2026-11-20T20:00:00Z".parse().ok(),
        devices: vec![device],
        signature: Signature([0; 64]),
    };
    let meter: MeterId = story.meter.rsplit('/').next().unwrap().parse().unwrap();
    let fault = SealFault {
        meter,
        link: 31,
        epoch: Epoch(1),
        seq: 9,
        fault: "another key made it".to_owned(),
        received_at: now,
    };
    let mut t = story.world.app.store.write().await.unwrap();
    t.note_doubled(story.key, now).await.unwrap();
    t.keep_loss(stream, &loss, true, now).await.unwrap();
    t.note_seal_fault(stream, &fault).await.unwrap();
    t.commit().await.unwrap();
    let said = [
        "Find the second and switch it off",
        "Nov 20, 2026, 10:00 – Nov 20, 2026, 12:00",
        "its buffer was full",
        "1,200",
        "Seals that do not hold",
        "another key made it",
    ];
    has(&story.page().await, &said);
    let meter = story
        .world
        .get(&story.integrator, &story.meter)
        .await
        .text();
    has(&meter, &["Link 31 does not hold: another key made it."]);
}
