//! Batches as gateways send them, good ones and others, on both engines.

mod proofs;

use std::io::Write;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use common::id::Epoch;
use common::profile::Library;
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::sync::{BATCH_BYTES_MAX, BATCH_READINGS_MAX, BatchReply, GatewayReport, Loss};
use common::unit::Unit;
use jiff::ToSpan;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::body::{Sent, read};
use super::{settle, take};
use crate::api::error::Refusal;
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_FILE};
use crate::run::App;
use crate::secret;
use crate::site::{Device, GatewayKind, Meter};
use crate::store::Store;
use crate::store::gateways::GatewayKey;
use crate::store::readings::Stream;
use crate::store::testing::{World, new_meter, on_both_engines, start, world};

struct Scene {
    store: Store,
    key: GatewayKey,
    world: World,
    meter: Meter,
    device: Device,
    profiles: Library,
}

async fn scene(store: Store) -> Scene {
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    let new = new_meter(&world, 1);
    let meter = t.register_meter(world.account, &new, None, start());
    let meter = meter.await.unwrap();
    let device = t.device_of_meter(world.account, meter.id).await.unwrap();
    t.commit().await.unwrap();
    Scene {
        key: GatewayKey {
            account: world.account,
            gateway: world.gateway,
        },
        device: device.unwrap().0,
        profiles: Library::shipped(),
        store,
        world,
        meter,
    }
}

impl Scene {
    fn reading(&self, seq: u64) -> Reading {
        let minutes = i64::try_from(seq).unwrap();
        Reading {
            since_boot: None,
            seal: None,
            seq,
            // Finer than the store keeps: coming again, it is still the same.
            at: start() + minutes.minutes() + 123_456_789.nanoseconds(),
            clock: ClockTrust::Trusted,
            device: self.device.id,
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::from_count(minutes * 10, 2, Unit::KiloWh).unwrap()),
            suspect: None,
            raw: "4145 70a4".to_owned(),
            profile: "eastron-sdm120@00000000".to_owned(),
            closes: None,
        }
    }

    async fn send(&self, epoch: i64, readings: Vec<Reading>) -> Result<BatchReply, Refusal> {
        self.send_all(epoch, readings, Vec::new()).await
    }

    async fn send_all(
        &self,
        epoch: i64,
        readings: Vec<Reading>,
        losses: Vec<Loss>,
    ) -> Result<BatchReply, Refusal> {
        let sent = Sent {
            epoch: Epoch(epoch),
            readings,
            unread: Vec::new(),
            losses,
            report: report(),
        };
        let mut t = self.store.write().await?;
        let now = start() + 6.hours();
        let reply = take(&mut t, self.key, sent, &self.profiles, now).await?;
        t.commit().await?;
        Ok(reply)
    }

    async fn kept(&self, epoch: i64) -> Vec<(u64, Option<Quantity>)> {
        let stream = Stream {
            key: self.key,
            epoch: Epoch(epoch),
        };
        let mut t = self.store.read().await.unwrap();
        let kept = t.readings_numbered(stream, 1, 1_000).await.unwrap();
        kept.into_iter()
            .map(|kept| (kept.reading.seq, kept.reading.quantity))
            .collect()
    }
}

fn report() -> GatewayReport {
    GatewayReport {
        at: start(),
        software: "test 1".to_owned(),
        settled_through: start(),
        waiting: 0,
        devices_version: None,
        buses: Vec::new(),
        devices: Vec::new(),
        ..GatewayReport::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_keeps_its_readings_and_what_the_gateway_says() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let readings = (1..=3).map(|seq| scene.reading(seq)).collect();
        let reply = scene.send(1, readings).await.unwrap();
        assert_eq!((reply.acknowledged_through, reply.rejected.len()), (3, 0));
        assert_eq!(scene.kept(1).await.len(), 3);
        let mut t = scene.store.read().await.unwrap();
        let meter = t.meter(scene.key.account, scene.meter.id).await.unwrap();
        let newest = t
            .last_reading(scene.key.account, scene.device.id, "energy_import")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(newest.reading.seq, 3);
        assert_eq!(meter.unwrap().last_good_at, newest.reading.at);
        let gateway = t.gateway(scene.key.account, scene.key.gateway).await;
        let gateway = gateway.unwrap().unwrap();
        assert_eq!(gateway.report, Some(report()));
        assert_eq!(gateway.seen_at, Some(start() + 6.hours()));
        drop(t);
        // A heartbeat tells how far the cloud has come; another epoch begins anew.
        assert_eq!(
            scene
                .send(1, Vec::new())
                .await
                .unwrap()
                .acknowledged_through,
            3
        );
        assert_eq!(
            scene
                .send(2, Vec::new())
                .await
                .unwrap()
                .acknowledged_through,
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_in_any_order_and_any_number_keep_every_reading_once() {
    const READINGS: u64 = 40;
    on_both_engines(async |store| {
        let scene = scene(store).await;
        for epoch in 1..=20_i64 {
            let mut random = StdRng::seed_from_u64(u64::try_from(epoch).unwrap());
            let mut cuts: Vec<(u64, u64)> = (0..30)
                .map(|_| {
                    let first = random.random_range(1..=READINGS);
                    (first, random.random_range(first..=READINGS))
                })
                .collect();
            cuts.shuffle(&mut random);
            let mut through = 0;
            for (first, last) in cuts {
                let readings = (first..=last).map(|seq| scene.reading(seq)).collect();
                match scene.send(epoch, readings).await {
                    Ok(reply) => {
                        assert!(first <= through + 1, "a hole was acknowledged");
                        through = through.max(last);
                        assert_eq!(reply.acknowledged_through, through);
                        assert_eq!(reply.rejected, []);
                    }
                    Err(Refusal::Hole { expected, .. }) => {
                        assert!(first > through + 1);
                        assert_eq!(expected, through + 1);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            let expected: Vec<_> = (1..=through)
                .map(|seq| (seq, scene.reading(seq).quantity))
                .collect();
            assert_eq!(scene.kept(epoch).await, expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_reading_is_set_apart_and_the_batch_goes_on() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let foreign = {
            let mut t = scene.store.write().await.unwrap();
            let mut other = world(&mut t, GatewayKind::Gateway).await;
            other.gateway = t
                .add_gateway(
                    scene.world.account,
                    scene.world.site,
                    "2",
                    GatewayKind::Gateway,
                    start(),
                )
                .await
                .unwrap()
                .id;
            let new = new_meter(&other, 1);
            let meter = t.register_meter(scene.world.account, &new, None, start());
            let meter = meter.await.unwrap();
            let device = t.device_of_meter(scene.world.account, meter.id).await;
            t.commit().await.unwrap();
            device.unwrap().unwrap().0.id
        };
        let mut readings: Vec<Reading> = (1..=4).map(|seq| scene.reading(seq)).collect();
        readings[1].device = foreign;
        readings[2].at += 48.hours();
        for _ in 0..2 {
            let reply = scene.send(1, readings.clone()).await.unwrap();
            assert_eq!(reply.acknowledged_through, 4);
            let seqs: Vec<u64> = reply.rejected.iter().map(|r| r.seq).collect();
            assert_eq!(seqs, [2, 3]);
            assert!(reply.rejected[0].reason.contains("none of this gateway's"));
            let seqs: Vec<u64> = scene.kept(1).await.iter().map(|(seq, _)| *seq).collect();
            assert_eq!(seqs, [1, 4]);
        }
        let mut t = scene.store.read().await.unwrap();
        assert_eq!(t.readings_set_apart(scene.key).await.unwrap(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_comes_again_with_other_content_changes_nothing() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let readings: Vec<Reading> = (1..=3).map(|seq| scene.reading(seq)).collect();
        scene.send(1, readings.clone()).await.unwrap();
        let before = scene.kept(1).await;
        let mut forged = readings;
        forged[1].quantity = Some(Quantity::from_count(9_999, 2, Unit::KiloWh).unwrap());
        forged.push(scene.reading(4));
        let reply = scene.send(1, forged).await.unwrap();
        assert_eq!(reply.acknowledged_through, 4);
        assert_eq!(reply.rejected.len(), 1);
        assert_eq!(reply.rejected[0].seq, 2);
        assert!(reply.rejected[0].reason.contains("another reading"));
        assert_eq!(scene.kept(1).await[..3], before[..]);
    })
    .await;
}

fn headers(content_type: &str, encoding: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    headers.insert("content-type", value(content_type));
    if !encoding.is_empty() {
        headers.insert("content-encoding", value(encoding));
    }
    headers
}

fn batch_json(readings: &Value) -> Value {
    json!({
        "protocol": 1,
        "epoch": "0000000000001",
        "readings": readings,
        "report": serde_json::to_value(report()).unwrap(),
        "a member of the future": true,
    })
}

fn reading_json(seq: u64) -> Value {
    json!({
        "seq": seq, "at": "2026-10-01T07:00:00Z", "clock": "trusted", "device": "0000000000007",
        "point": "energy_import", "quantity": {"value": "1.0", "unit": "kWh"}, "raw": "0001",
        "profile": "eastron-sdm120@0",
    })
}

#[test]
fn packed_and_plain_batches_read_alike() {
    let plain = batch_json(&json!([reading_json(1)])).to_string();
    let packed = zstd::encode_all(plain.as_bytes(), 3).unwrap();
    let one = read(&headers("application/json", ""), plain.as_bytes()).unwrap();
    let other = read(&headers("application/json", "zstd"), &packed).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.numbers().unwrap(), Some((1, 1)));
}

#[test]
fn a_reading_that_cannot_be_read_does_not_take_the_others_with_it() {
    let mut wrong = reading_json(2);
    wrong["quantity"]["value"] = json!("NaN\u{0}");
    let batch = batch_json(&json!([reading_json(1), wrong, reading_json(3)])).to_string();
    let sent = read(&headers("application/json", ""), batch.as_bytes()).unwrap();
    assert_eq!(sent.readings.len(), 2);
    assert_eq!(sent.unread[0].rejection.seq, 2);
    assert!(!sent.unread[0].rejection.reason.contains('\0'));
    assert!(!sent.unread[0].content.contains('\0'));
    assert_eq!(sent.numbers().unwrap(), Some((1, 3)));
}

#[test]
fn what_is_no_batch_is_refused_with_where_and_what_to_do() {
    let good = batch_json(&json!([])).to_string();
    let table = [
        ("text/plain", "", good.clone(), 415, "application/json"),
        (
            "application/json",
            "gzip",
            good.clone(),
            415,
            "packed by 'gzip'",
        ),
        ("application/json", "zstd", good.clone(), 400, "zstd"),
        (
            "application/json",
            "",
            "{\n\"protocol\": 1,\n?".to_owned(),
            400,
            "line 3",
        ),
        (
            "application/json",
            "",
            good.replace(":1,", ":9,"),
            400,
            "protocol 9",
        ),
        (
            "application/json",
            "",
            good.replace("epoch", "epic"),
            400,
            "epoch",
        ),
        ("application/json", "", "[".repeat(100_000), 400, "line 1"),
        (
            "application/json",
            "",
            batch_json(&json!([{"at": 1}])).to_string(),
            400,
            "no number",
        ),
    ];
    for (content_type, encoding, body, status, message) in table {
        let refusal = read(&headers(content_type, encoding), body.as_bytes()).unwrap_err();
        let shown = refusal.to_string();
        assert!(shown.contains(message), "'{shown}' is not '{message}'");
        let response = refusal.into_response();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
    }
    for numbers in [[1, 3], [2, 2], [0, 1]] {
        let readings = numbers.map(reading_json);
        let batch = batch_json(&json!(readings)).to_string();
        let sent = read(&headers("application/json", ""), batch.as_bytes()).unwrap();
        assert!(
            matches!(sent.numbers(), Err(Refusal::Garbled(_))),
            "{numbers:?}"
        );
    }
}

#[test]
fn a_bomb_is_refused_before_it_fills_the_memory() {
    // A gigabyte of zeros in some 32 KB.
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..1024 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < BATCH_BYTES_MAX);
    let refusal = read(&headers("application/json", "zstd"), &bomb).unwrap_err();
    assert!(matches!(refusal, Refusal::TooLarge));
    let many: Vec<Value> = (1..=BATCH_READINGS_MAX as u64 + 1)
        .map(reading_json)
        .collect();
    let many = batch_json(&json!(many)).to_string();
    let refusal = read(&headers("application/json", ""), many.as_bytes()).unwrap_err();
    assert!(matches!(refusal, Refusal::TooLarge));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_while_its_batch_is_read_keeps_nothing() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let now = Clock::real().now();
        let mut t = scene.store.write().await.unwrap();
        let (token, key) = (secret::hash("token"), scene.key);
        t.enrol(key, &token, "", "pi", now).await.unwrap();
        t.commit().await.unwrap();
        let config = Config::read(DEFAULT_FILE, "", []).unwrap();
        let app = App::new(
            scene.store.clone(),
            Clock::real(),
            config,
            crate::issuer::tests::key(),
        )
        .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer token"));
        let sent = |seq| Sent {
            epoch: Epoch(1),
            readings: vec![scene.reading(seq)],
            unread: Vec::new(),
            losses: Vec::new(),
            report: report(),
        };
        let reply = settle(&app, &headers, sent(1)).await.unwrap();
        assert_eq!(reply.acknowledged_through, 1);
        let mut t = scene.store.write().await.unwrap();
        t.revoke_gateway(key, now).await.unwrap();
        t.commit().await.unwrap();
        let refused = settle(&app, &headers, sent(2)).await;
        assert!(matches!(refused, Err(Refusal::UnknownToken)), "{refused:?}");
        assert_eq!(scene.kept(1).await.len(), 1);
    })
    .await;
}
