//! Orders on their way to a gateway, and its answers on their way back.

use common::id::PersonId;
use common::sync::{Command, CommandList, Order};
use tokio::task::JoinHandle;

use super::*;

const WAIT: &str = "GET /sync/v1/commands?wait_s=25";

impl Scene {
    async fn token(&self) -> String {
        let (_, body) = self.enrol(&self.code(15).await).await;
        let enrolled: EnrolReply = serde_json::from_str(&body).unwrap();
        enrolled.token
    }

    async fn order(&self, order: &Order) {
        let mut t = self.app.store.write().await.unwrap();
        let now = self.app.clock.now();
        let asked = t.ask_gateway(self.key, order, PersonId(1), now).await;
        asked.unwrap().unwrap();
        t.commit().await.unwrap();
    }

    async fn commands(&self, what: &str, token: &str) -> Vec<Command> {
        let (status, body) = self.ask(what, token, "").await;
        assert_eq!(status, 200, "{body}");
        let list: CommandList = serde_json::from_str(&body).unwrap();
        list.commands
    }

    /// Waits for orders beside what the test does.
    fn waiting(self: &Arc<Self>, token: &str) -> JoinHandle<(u16, String)> {
        let (scene, token) = (Arc::clone(self), token.to_owned());
        tokio::spawn(async move { scene.ask(WAIT, &token, "").await })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_reaches_the_gateway_that_waits_and_its_answer_is_kept() {
    on_both_engines(async |store| {
        let scene = Arc::new(scene(store).await);
        let token = scene.token().await;
        assert_eq!(scene.commands("GET /sync/v1/commands", &token).await, []);

        let waiting = scene.waiting(&token);
        scene.order(&Order::Diagnose).await;
        scene.app.bell.ring(scene.key.gateway);
        let (status, body) = waiting.await.unwrap();
        assert_eq!(status, 200, "{body}");
        let list: CommandList = serde_json::from_str(&body).unwrap();
        assert_eq!(list.commands[0].order, Order::Diagnose);
        assert_eq!(scene.commands(WAIT, &token).await, list.commands);

        let path = format!("POST /sync/v1/commands/{}", list.commands[0].id);
        let line = json!({"name": "main", "value": "x".repeat(5_000)});
        let result = |lines: usize| {
            json!({"at": "2026-11-24T18:00:00Z", "lines": vec![&line; lines]}).to_string()
        };
        let table = [
            (path.as_str(), result(100), 413),
            (&path, "{}".to_owned(), 400),
            ("POST /sync/v1/commands/zz", result(1), 404),
            ("POST /sync/v1/commands/0000000000001", result(1), 404),
            (&path, result(1), 204),
            (&path, result(2), 204),
        ];
        for (path, body, expected) in table {
            let (status, answer) = scene.ask(path, &token, &body).await;
            assert_eq!(status, expected, "{path}: {answer}");
        }
        let mut t = scene.app.store.read().await.unwrap();
        let latest = t.latest_commands(scene.key, 9).await.unwrap();
        let lines = &latest[0].result.as_ref().unwrap().lines;
        assert_eq!(lines.len(), 1, "the first answer stays");
        assert_eq!(lines[0].value.chars().count(), 401, "it is shortened");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_hears_of_other_nodes_of_its_revocation_and_of_the_end() {
    on_both_engines(async |store| {
        let scene = Arc::new(scene(store).await);
        let token = scene.token().await;
        // Nobody rings: the order was taken by another node.
        let waiting = scene.waiting(&token);
        scene.order(&Order::ChangeKey).await;
        assert_eq!(waiting.await.unwrap().0, 200);

        let other = scene.token().await;
        let (status, _) = scene.ask(WAIT, &token, "").await;
        assert_eq!(status, 401, "the token of before");
        let id = scene.commands(WAIT, &other).await[0].id;
        let path = format!("POST /sync/v1/commands/{id}");
        let result = json!({"at": "2026-11-24T18:00:00Z"}).to_string();
        assert_eq!(scene.ask(&path, &other, &result).await.0, 204);

        let waiting = scene.waiting(&other);
        let mut t = scene.app.store.write().await.unwrap();
        let now = scene.app.clock.now();
        t.revoke_tokens(scene.key, now).await.unwrap();
        t.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap().0, 401);

        let token = scene.token().await;
        let waiting = scene.waiting(&token);
        while !waiting.is_finished() {
            scene.app.bell.close();
            tokio::task::yield_now().await;
        }
        assert_eq!(
            waiting.await.unwrap(),
            (200, r#"{"commands":[]}"#.to_owned())
        );
    })
    .await;
}
