//! A gateway changes its key, hears the answer or does not, and nobody else can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::sync::{KeyReply, key_text};
use ed25519_dalek::{Signer as _, SigningKey};

use super::*;

const CHANGE: &str = "POST /sync/v1/key";

fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.verifying_key().as_bytes())
}

impl Scene {
    /// Asks to change to `next`, vouched for by `old`.
    async fn change(&self, token: &str, old: &SigningKey, next: &SigningKey) -> (u16, String) {
        let public_key = public(next);
        let text = key_text(self.key.gateway, &public_key);
        let signature = STANDARD.encode(old.sign(text.as_bytes()).to_bytes());
        let request = json!({"public_key": public_key, "signature": signature});
        self.ask(CHANGE, token, &request.to_string()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_by_the_one_before_also_when_the_answer_was_lost() {
    on_both_engines(async |store| {
        let scene = scene(store).await;
        let [first, second, stranger] = [1, 2, 3].map(|byte| SigningKey::from_bytes(&[byte; 32]));
        let request = json!({
            "code": scene.code(15).await, "public_key": public(&first), "host": "pi",
            "software": "test 1",
        });
        let request = request.to_string();
        let (_, body) = scene.ask("POST /sync/v1/enrol", "", &request).await;
        let enrolled: EnrolReply = serde_json::from_str(&body).unwrap();
        let token = enrolled.token;
        let refused = scene.change(&token, &stranger, &second).await;
        assert_eq!(refused.0, 403, "{}", refused.1);
        assert_eq!(scene.change("x", &first, &second).await.0, 401);
        let garbled = json!({"public_key": "AAAA", "signature": "AAAA"}).to_string();
        assert_eq!(scene.ask(CHANGE, &token, &garbled).await.0, 400);

        assert_eq!(scene.change(&token, &first, &second).await.0, 200);
        // The answer was lost: it asks again with what it has.
        let (status, body) = scene.change(&token, &first, &second).await;
        assert_eq!(status, 200, "{body}");
        let reply: KeyReply = serde_json::from_str(&body).unwrap();
        assert_eq!(
            scene.ask("GET /sync/v1/devices", &reply.token, "").await.0,
            200
        );
        let mut t = scene.app.store.read().await.unwrap();
        let keys = t.keys_of_gateway(scene.key).await.unwrap();
        let known: Vec<_> = keys
            .iter()
            .map(|key| (key.public_key.clone(), key.until.is_some()))
            .collect();
        assert_eq!(known.len(), 2);
        // Both count until a batch comes by the new token.
        assert!(known.contains(&(public(&first), false)));
        assert!(known.contains(&(public(&second), false)));
    })
    .await;
}
