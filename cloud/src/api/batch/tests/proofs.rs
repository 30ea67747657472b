//! What a batch proves: losses that are signed, chains that hold, one buffer to a key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::digest::Signature;
use common::id::DeviceId;
use common::seal::{Head, Seal};
use common::sync::{LossReason, RejectionCode, Weight};
use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::site::Mounting;

const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];

fn public(secret: [u8; 32]) -> String {
    BASE64.encode(SigningKey::from_bytes(&secret).verifying_key().as_bytes())
}

impl Scene {
    async fn enrolled(store: Store) -> Self {
        let scene = scene(store).await;
        let mut t = scene.store.write().await.unwrap();
        t.enrol(scene.key, "token", &public(FIRST), "pi", start())
            .await
            .unwrap();
        t.commit().await.unwrap();
        scene
    }

    fn loss(&self, epoch: i64, first: u64, last: u64) -> Loss {
        let mut loss = Loss {
            first,
            last,
            reason: LossReason::Size,
            gravest: Weight::Billing,
            from: Some(start()),
            until: Some(start() + 1.hour()),
            devices: vec![self.device.id],
            signature: Signature([0; 64]),
        };
        let key = SigningKey::from_bytes(&FIRST);
        let text = loss.text(Epoch(epoch));
        loss.signature = Signature(key.sign(text.as_bytes()).to_bytes());
        loss
    }

    /// A closing reading, sealed with that key after `head`.
    fn sealed(&self, secret: [u8; 32], head: Head, seq: u64) -> (Reading, Head) {
        let mut reading = self.reading(seq);
        // As a gateway keeps it, to the millisecond.
        let ms = reading.at.as_millisecond();
        reading.at = jiff::Timestamp::from_millisecond(ms).unwrap();
        reading.closes = Some(jiff::civil::date(2026, 10, 1).into());
        let key = SigningKey::from_bytes(&secret);
        let (seal, head) = Seal::make(&key, self.meter.id, head, &reading);
        reading.seal = Some(seal);
        (reading, head)
    }

    /// A reading that closes nothing, sealed because its device begins to serve the meter.
    fn link(&self, device: DeviceId, head: Head, seq: u64) -> (Reading, Head) {
        let (mut reading, _) = self.sealed(FIRST, head, seq);
        (reading.device, reading.closes, reading.seal) = (device, None, None);
        let key = SigningKey::from_bytes(&FIRST);
        let (seal, head) = Seal::make(&key, self.meter.id, head, &reading);
        reading.seal = Some(seal);
        (reading, head)
    }

    async fn head(&self) -> Head {
        let mut t = self.store.read().await.unwrap();
        t.meter_head(self.key.account, self.meter.id).await.unwrap()
    }

    async fn faults(&self) -> Vec<(u64, String)> {
        let mut t = self.store.read().await.unwrap();
        let faults = t.seal_faults(self.key, 9).await.unwrap();
        faults.into_iter().map(|f| (f.seq, f.fault)).collect()
    }

    async fn is_doubled(&self) -> bool {
        let mut t = self.store.read().await.unwrap();
        let gateway = t.gateway(self.key.account, self.key.gateway).await;
        gateway.unwrap().unwrap().doubled_at.is_some()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_closes_the_gap_and_is_counted_once() {
    on_both_engines(async |store| {
        let scene = Scene::enrolled(store).await;
        let read = |seqs: [u64; 2]| seqs.map(|seq| scene.reading(seq)).to_vec();
        let refused = scene.send(1, read([1, 5])).await;
        assert!(matches!(refused, Err(Refusal::Garbled(_))), "{refused:?}");
        let losses = vec![scene.loss(1, 2, 4)];
        for _ in 0..2 {
            let reply = scene.send_all(1, read([1, 5]), losses.clone()).await;
            let reply = reply.unwrap();
            assert_eq!(reply.acknowledged_through, 5);
            let last = reply.last_kept.unwrap();
            assert_eq!((last.seq, last.digest), (5, scene.reading(5).digest()));
        }
        // What was settled before is not lost again, and a wrong signature blocks nothing.
        let mut wrong = scene.loss(1, 4, 9);
        wrong.signature = Signature([7; 64]);
        let reply = scene.send_all(1, Vec::new(), vec![wrong]).await.unwrap();
        assert_eq!(reply.acknowledged_through, 9);
        let mut t = scene.store.read().await.unwrap();
        assert_eq!(t.readings_lost(scene.key).await.unwrap(), 3 + 4);
        let kept = t.gateway_losses(scene.key).await.unwrap();
        let mut told: Vec<_> = kept
            .iter()
            .map(|kept| (kept.loss.first, kept.loss.last, kept.signed))
            .collect();
        told.sort_unstable();
        assert_eq!(told, [(2, 4, true), (6, 9, false)]);
        let devices = [scene.device.id];
        let hours = [(0, 2, 2), (2, 3, 0)];
        for (from, until, expected) in hours {
            let found = t
                .losses_between(
                    scene.key.account,
                    &devices,
                    start() + from.hours(),
                    start() + until.hours(),
                )
                .await;
            assert_eq!(found.unwrap().len(), expected, "{from} to {until}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_grows_by_good_seals_and_says_what_is_wrong_with_others() {
    on_both_engines(async |store| {
        let scene = Scene::enrolled(store).await;
        let (first, head) = scene.sealed(FIRST, Head::default(), 1);
        let (second, after) = scene.sealed(FIRST, head, 2);
        for _ in 0..2 {
            let sent = scene.send(1, vec![first.clone(), second.clone()]).await;
            assert_eq!(sent.unwrap().rejected, []);
        }
        assert_eq!((scene.head().await, scene.faults().await), (after, vec![]));

        let (forged, _) = scene.sealed(SECOND, after, 3);
        let (fork, _) = scene.sealed(FIRST, head, 4);
        let missed = Head { link: 3, ..after };
        let (astray, after_hole) = scene.sealed(FIRST, missed, 5);
        let (next, last) = scene.sealed(FIRST, after_hole, 6);
        let (mut foreign, _) = scene.sealed(FIRST, last, 7);
        foreign.seal.as_mut().unwrap().meter = common::id::MeterId(4);
        let sent = vec![forged, fork, astray, next, foreign];
        let reply = scene.send(1, sent).await.unwrap();
        assert_eq!((reply.acknowledged_through, reply.rejected.len()), (7, 0));
        assert_eq!(scene.head().await, last, "one hole is one fault");
        let faults = scene.faults().await;
        let expected = [
            (7, "never served that meter"),
            (5, "link 4 of the chain, and 3 comes next"),
            (4, "another reading already"),
            (3, "signature is not the gateway's"),
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for ((seq, fault), (expected_seq, words)) in faults.iter().zip(expected) {
            assert!(*seq == expected_seq && fault.contains(words), "{faults:?}");
        }
        // The readings themselves are all kept.
        assert_eq!(scene.kept(1).await.len(), 7);
        let mut t = scene.store.read().await.unwrap();
        let served = t.served_devices(scene.key.account, scene.key.gateway).await;
        assert_eq!(served.unwrap()[0].mountings[0].head, last);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_tells_a_loss_behind_thousands_that_concern_none() {
    on_both_engines(async |store| {
        let scene = Scene::enrolled(store).await;
        let mut losses: Vec<_> = (1..=1_100).map(|seq| scene.loss(1, seq, seq)).collect();
        for loss in &mut losses {
            (loss.gravest, loss.devices) = (Weight::Gauge, Vec::new());
        }
        losses.push(scene.loss(1, 1_101, 1_101));
        scene.send_all(1, Vec::new(), losses).await.unwrap();
        let mut t = scene.store.read().await.unwrap();
        let devices = [scene.device.id];
        let until = start() + 1.hour();
        let told = t.losses_between(scene.key.account, &devices, start(), until);
        let told: Vec<_> = told.await.unwrap().iter().map(|loss| loss.first).collect();
        assert_eq!(told, [1_101]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_key_goes_on_with_the_chain() {
    on_both_engines(async |store| {
        let scene = Scene::enrolled(store).await;
        let (first, head) = scene.sealed(FIRST, Head::default(), 1);
        scene.send(1, vec![first]).await.unwrap();
        let now = start() + 1.hour();
        let mut t = scene.store.write().await.unwrap();
        t.change_key(scene.key, &public(SECOND), "new token", now)
            .await
            .unwrap();
        for token in ["token", "new token"] {
            assert!(t.gateway_of_token(token).await.unwrap().is_some());
        }
        // Using the old one ends nothing, using the new one ends the old.
        t.end_replaced_tokens(scene.key, "token", now)
            .await
            .unwrap();
        assert!(t.gateway_of_token("new token").await.unwrap().is_some());
        t.end_replaced_tokens(scene.key, "new token", now)
            .await
            .unwrap();
        assert_eq!(t.gateway_of_token("token").await.unwrap(), None);
        t.commit().await.unwrap();

        // What was sealed by the old key before is still on its way.
        let (second, head) = scene.sealed(FIRST, head, 2);
        let (third, head) = scene.sealed(SECOND, head, 3);
        scene.send(1, vec![second, third]).await.unwrap();
        assert_eq!((scene.head().await, scene.faults().await), (head, vec![]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_buffers_with_one_key_are_found_out() {
    on_both_engines(async |store| {
        let scene = Scene::enrolled(store).await;
        scene.send(1, vec![scene.reading(1)]).await.unwrap();
        scene.send(2, vec![scene.reading(1)]).await.unwrap();
        assert!(!scene.is_doubled().await, "a new epoch is no double");
        scene.send(1, Vec::new()).await.unwrap();
        assert!(scene.is_doubled().await, "an epoch that had ended speaks");

        let mut t = scene.store.write().await.unwrap();
        t.enrol(scene.key, "t2", &public(FIRST), "pi", start())
            .await
            .unwrap();
        t.commit().await.unwrap();
        assert!(!scene.is_doubled().await, "it is enrolled anew");
        let mut other = scene.reading(1);
        other.raw = "0000 0001".to_owned();
        let reply = scene.send(2, vec![other]).await.unwrap();
        assert_eq!(reply.rejected[0].code, RejectionCode::Conflict);
        assert!(scene.is_doubled().await, "one number, two readings");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_device_goes_on_with_the_chain_of_its_meter() {
    on_both_engines(async |store| {
        let scene = Scene::enrolled(store).await;
        let (mounted, head) = scene.link(scene.device.id, Head::default(), 1);
        let (closing, head) = scene.sealed(FIRST, head, 2);
        scene.send(1, vec![mounted, closing]).await.unwrap();
        assert_eq!((scene.head().await, scene.faults().await), (head, vec![]));

        let (account, replaced_at) = (scene.key.account, start() + 150.seconds());
        let mut t = scene.store.write().await.unwrap();
        let new = new_meter(&scene.world, 2);
        let other = t
            .register_meter(account, &new, None, start())
            .await
            .unwrap();
        let successor = t.device_of_meter(account, other.id).await.unwrap();
        let (successor, served) = successor.unwrap();
        let successor = successor.id;
        let mounting = Mounting {
            meter: scene.meter.id,
            from: replaced_at,
            ..served
        };
        t.remove_device(account, scene.device.id, replaced_at)
            .await
            .unwrap();
        t.mount(account, &mounting).await.unwrap();
        let served = t.served_devices(account, scene.key.gateway).await.unwrap();
        let mut mountings = served.iter().flat_map(|served| &served.mountings);
        let told = mountings.find(|mounting| mounting.meter == scene.meter.id);
        assert_eq!(told.unwrap().head, head, "the gateway goes on from there");
        t.commit().await.unwrap();

        let (first, head) = scene.link(successor, head, 3);
        let (second, head) = scene.link(successor, head, 4);
        scene.send(1, vec![first, second]).await.unwrap();
        assert_eq!((scene.head().await, scene.faults().await), (head, vec![]));
    })
    .await;
}
