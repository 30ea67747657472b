//! Orders and changes of key against a cloud of a few lines, over real HTTP on loopback.

use std::sync::{Arc, Mutex as StdMutex};

use common::digest::public_key;
use common::id::{DeviceId, GatewayId};
use common::sync::{
    COMMANDS_PATH, CommandList, DEVICES_PATH, EnrolReply, KEY_PATH, KeyReply, KeyRequest, key_text,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::identity::Key;
use crate::uplink::key;

const REFUSAL: &str = r#"{"error":"no","hint":"none"}"#;

/// A cloud as far as orders and keys go.
#[derive(Debug, Default)]
struct Cloud {
    token: String,
    key: String,
    /// A token and key that count from their first use.
    pending: Option<(String, String)>,
    granted: usize,
    commands: Vec<Command>,
    results: Vec<(CommandId, CommandResult)>,
    /// With which status the next answers are refused.
    refusals: Vec<u16>,
    /// Whether it answers at all.
    is_away: bool,
}

impl Cloud {
    /// As if `new` had been asked for.
    fn grant(&mut self, new: &Identity) {
        let token = new.token.reveal().to_owned();
        self.pending = Some((token, new.key.public().unwrap()));
        self.granted = 1;
    }

    fn answer(&mut self, path: &str, token: &str, body: &[u8]) -> (u16, String) {
        if self.is_away {
            return (503, REFUSAL.to_owned());
        }
        if let Some((_, key)) = self.pending.take_if(|(new, _)| new == token) {
            (self.token, self.key) = (token.to_owned(), key);
        }
        if token != self.token {
            return (401, REFUSAL.to_owned());
        }
        if path == DEVICES_PATH {
            return (200, r#"{"version":"v1","devices":[]}"#.to_owned());
        }
        if path == KEY_PATH {
            let KeyRequest {
                public_key: new,
                signature,
            } = serde_json::from_slice(body).unwrap();
            let old = public_key(&self.key).unwrap();
            if !signature.is_of(&old, &key_text(GatewayId(1), &new)) {
                return (400, REFUSAL.to_owned());
            }
            self.granted += 1;
            let token = format!("token-{}", self.granted);
            self.pending = Some((token.clone(), new));
            return (200, serde_json::to_string(&KeyReply { token }).unwrap());
        }
        if path == format!("{COMMANDS_PATH}?wait_s=25") {
            let commands = self.commands.clone();
            let list = serde_json::to_string(&CommandList { commands }).unwrap();
            return (200, list);
        }
        let Some(id) = path.strip_prefix(&format!("{COMMANDS_PATH}/")) else {
            return (404, REFUSAL.to_owned());
        };
        if let Some(status) = self.refusals.pop() {
            return (status, REFUSAL.to_owned());
        }
        let result = serde_json::from_slice(body).unwrap();
        self.results.push((id.parse().unwrap(), result));
        (204, String::new())
    }
}

async fn serve(listener: TcpListener, cloud: Arc<StdMutex<Cloud>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that goes away in the middle is no fault of the test.
        let _ = serve_one(stream, &cloud).await;
    }
}

async fn serve_one(stream: TcpStream, cloud: &StdMutex<Cloud>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut path, mut token, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = value.trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let (status, body) = cloud.lock().unwrap().answer(&path, &token, &body);
    let length = body.len();
    let reply = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(reply.as_bytes()).await
}

struct World {
    directory: tempfile::TempDir,
    cloud: Arc<StdMutex<Cloud>>,
    client: Client,
    identity: Identity,
    commands: Commands,
    wishes: mpsc::Sender<KeyWish>,
    /// What was carried out.
    done: Arc<StdMutex<Vec<Order>>>,
}

impl World {
    async fn new() -> Self {
        crate::tls::install();
        let directory = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let reply = EnrolReply {
            protocol: 1,
            gateway: GatewayId(1),
            token: "token-0".to_owned(),
            gateway_name: "Cellar".to_owned(),
            site_name: "Plaza Norte".to_owned(),
            account_name: "Medidores SA".to_owned(),
        };
        let identity = Identity::new(&url, Key::generate(), reply);
        let cloud = Arc::new(StdMutex::new(Cloud {
            token: "token-0".to_owned(),
            key: identity.key.public().unwrap(),
            ..Cloud::default()
        }));
        tokio::spawn(serve(listener, Arc::clone(&cloud)));
        let (wishes, wished) = mpsc::channel(1);
        let done = Arc::new(StdMutex::new(Vec::new()));
        let orders = Arc::clone(&done);
        let carry_out: CarryOut = Box::new(move |order| {
            orders.lock().unwrap().push(order.clone());
            Box::pin(async move {
                match order {
                    Order::Read { .. } => Ok(vec![line("energy_import", "1 kWh")]),
                    Order::Diagnose => std::future::pending().await,
                    _ => Err("unknown".to_owned()),
                }
            })
        });
        let world = Self {
            client: Client::new(&url, &Clock::real()).unwrap(),
            commands: Commands::new(Clock::real(), carry_out, wished),
            directory,
            cloud,
            identity,
            wishes,
            done,
        };
        world.identity.save(&world.file()).unwrap();
        world
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("identity.json")
    }

    fn cloud(&self) -> std::sync::MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap()
    }

    fn saved(&self) -> Identity {
        Identity::load(&self.file()).unwrap().unwrap()
    }

    fn ask(&self, id: i64, order: Order) {
        let id = CommandId(id);
        self.cloud().commands.push(Command { id, order });
    }

    /// Follows orders until the cloud has `count` answers.
    async fn until_answered(&self, count: usize) {
        let answered = async {
            while self.cloud().results.len() < count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = self.commands.follow(&self.client, &self.identity) => {}
            () = answered => {}
            () = sleep(2 * ORDER_TIME_MAX) => panic!("{:?}", self.cloud()),
        }
    }

    /// Whether the cloud accepts what the file holds.
    async fn speaks(&self) -> bool {
        self.client.devices(&self.saved()).await.is_ok()
    }
}

fn line(name: &str, value: &str) -> ResultLine {
    ResultLine {
        name: name.to_owned(),
        value: value.to_owned(),
        error: None,
    }
}

fn read() -> Order {
    Order::Read {
        device: DeviceId(7),
    }
}

#[tokio::test(start_paused = true)]
async fn each_order_is_done_once_and_answered() {
    let world = World::new().await;
    world.ask(1, read());
    world.ask(2, Order::Unknown);
    world.until_answered(2).await;
    // The cloud has them still, as one restored from a copy would.
    world.ask(3, read());
    world.until_answered(3).await;
    let results = world.cloud().results.clone();
    let ids: Vec<_> = results.iter().map(|(id, _)| id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(results[0].1.lines, [line("energy_import", "1 kWh")]);
    assert_eq!(results[1].1.error.as_deref(), Some("unknown"));
    let done = world.done.lock().unwrap().clone();
    assert_eq!(done, [read(), Order::Unknown, read()]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_get_through_is_told_again_and_the_order_not_done_again() {
    let world = World::new().await;
    world.ask(1, read());
    world.cloud().refusals = vec![503, 500];
    world.until_answered(1).await;
    // What the cloud will never take is told once.
    world.ask(2, read());
    world.ask(3, read());
    world.cloud().refusals = vec![404];
    world.until_answered(2).await;
    let ids: Vec<_> = world.cloud().results.iter().map(|(id, _)| id.0).collect();
    assert_eq!(ids, [1, 3]);
    assert_eq!(world.done.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_order_that_takes_too_long_is_given_up_and_one_that_is_broken_off_says_so() {
    let world = World::new().await;
    world.ask(1, Order::Diagnose);
    let begun = async {
        while world.done.lock().unwrap().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = world.commands.follow(&world.client, &world.identity) => {}
        () = begun => {}
    }
    world.until_answered(1).await;
    let error = world.cloud().results[0].1.error.clone();
    assert_eq!(error.as_deref(), Some("it was broken off"));
    world.ask(2, Order::Diagnose);
    world.until_answered(2).await;
    let error = world.cloud().results[1].1.error.clone();
    assert_eq!(error.as_deref(), Some("it was not done within 90 s"));
}

#[tokio::test]
async fn a_changed_key_is_told_to_whoever_asked() {
    let world = World::new().await;
    world.ask(1, Order::ChangeKey);
    let asker = world.commands.follow(&world.client, &world.identity).await;
    assert!(matches!(asker, Asker::Cloud(CommandId(1))), "{asker:?}");
    let changed = key::change(world.identity.clone(), &world.client, &world.file()).await;
    let changed = changed.unwrap();
    world.commands.key_changed(asker, Ok(changed.clone())).await;
    let world = World {
        identity: changed,
        ..world
    };
    world.until_answered(1).await;
    let shown = world.identity.key.shown().unwrap();
    let lines = world.cloud().results[0].1.lines.clone();
    assert_eq!(lines, [line("new key", &shown.fingerprint)]);

    let (wish, granted) = oneshot::channel();
    world.wishes.try_send(wish).unwrap();
    let asker = world.commands.follow(&world.client, &world.identity).await;
    world
        .commands
        .key_changed(asker, Err(KeyError::TakenBack))
        .await;
    assert!(
        granted
            .await
            .unwrap()
            .unwrap_err()
            .contains("the old one stays")
    );
}

#[tokio::test]
async fn a_change_of_key_leaves_one_key_that_the_cloud_knows() {
    let world = World::new().await;
    let changed = key::change(world.identity.clone(), &world.client, &world.file()).await;
    let changed = changed.unwrap();
    assert_ne!(changed.key, world.identity.key);
    assert_eq!((&changed, None), (&world.saved(), changed.previous.clone()));
    assert_eq!(Some(world.cloud().key.clone()), changed.key.public());
    assert_eq!(world.cloud().token, "token-1");
    assert!(world.speaks().await);
}

/// Where a change of key can break off: the power goes at each of its fail points, or the
/// cloud loses what it granted. What the file then holds is accepted, and the key can be
/// changed anew.
#[tokio::test]
async fn wherever_a_change_breaks_off_the_gateway_can_speak() {
    type BreakOff = fn(&mut Cloud, &Identity, &Identity) -> (Identity, bool);
    let table: [(&str, BreakOff); 5] = [
        ("key-change-before-request", |_, old, _| {
            (old.clone(), false)
        }),
        ("key-change-before-save", |cloud, old, new| {
            cloud.grant(new);
            (old.clone(), false)
        }),
        ("key-change-before-proof", |cloud, _, new| {
            cloud.grant(new);
            (new.clone(), true)
        }),
        ("key-change-before-settled", |cloud, _, new| {
            cloud.grant(new);
            let (token, key) = cloud.pending.take().unwrap();
            (cloud.token, cloud.key) = (token, key);
            (new.clone(), true)
        }),
        ("the cloud restored", |_, _, new| (new.clone(), false)),
    ];
    for (point, break_off) in table {
        let world = World::new().await;
        let reply = KeyReply {
            token: "token-1".to_owned(),
        };
        let new = world.identity.clone().with_key(Key::generate(), reply);
        let (held, is_new) = break_off(&mut world.cloud(), &world.identity, &new);
        held.save(&world.file()).unwrap();

        let settled = key::settle(world.saved(), &world.client, &world.file()).await;
        let settled = settled.unwrap();
        assert_eq!(settled.key == new.key, is_new, "{point}");
        assert_eq!((settled.previous.clone(), &settled), (None, &world.saved()));
        assert!(world.speaks().await, "{point}");
        let again = key::change(settled, &world.client, &world.file()).await;
        assert!(again.is_ok() && world.speaks().await, "{point}: {again:?}");
    }
}

#[tokio::test]
async fn while_the_cloud_is_away_both_keys_are_kept() {
    let world = World::new().await;
    let reply = KeyReply {
        token: "token-1".to_owned(),
    };
    let new = world.identity.clone().with_key(Key::generate(), reply);
    world.cloud().grant(&new);
    new.save(&world.file()).unwrap();
    world.cloud().is_away = true;
    let error = key::settle(new.clone(), &world.client, &world.file()).await;
    assert!(matches!(error, Err(KeyError::Unproven(_))), "{error:?}");
    assert_eq!(world.saved(), new);
    world.cloud().is_away = false;
    let settled = key::settle(new, &world.client, &world.file()).await;
    assert_eq!(settled.unwrap().previous, None);
    assert!(world.speaks().await);
}
