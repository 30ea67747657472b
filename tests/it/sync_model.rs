//! Generated batch sequences against the real cloud over real HTTP, beside a small model of
//! what has to become of them: after each sequence the rows in the cloud's database are those
//! of the model, and every answer on the way was the model's.
//!
//! `ENERVUE_TEST_SEQUENCES` (300) says how many, `ENERVUE_TEST_SEED` (1) which; a deviation
//! names the seed of its sequence.

mod model;
mod readings;
mod rows;
mod wire;

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::id::{Epoch, GatewayId};
use common::sync::{DEVICES_PATH, DeviceList, ENROL_PATH, EnrolReply, EnrolRequest, ProblemCode};
use ed25519_dalek::SigningKey;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tests::browser::{Browser, client};
use tests::portal::{self, NewMeter};
use tests::world::{BUS, World};

use self::model::{Answer, Item, Stream};
use self::readings::Source;
use self::rows::Rows;
use self::wire::{Body, Wire, batch};

/// Gateways at work at once.
const GATEWAYS: u64 = 8;
/// The most steps of a sequence before it is brought to its end.
const STEPS_MAX: u32 = 14;
/// The most readings of a batch.
const BATCH_ITEMS_MAX: u64 = 12;
/// More than the head of an answer and its body have.
const ANSWER_BYTES: usize = 1_200;

/// What was done.
#[derive(Debug, Default)]
struct Figures {
    sequences: u64,
    requests: u64,
    readings: u64,
    cut: u64,
    refused: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.requests += other.requests;
        self.readings += other.readings;
        self.cut += other.cut;
        self.refused += other.refused;
    }
}

/// A gateway that is enrolled.
struct Player {
    gateway: GatewayId,
    source: Source,
    wire: Wire,
    /// Whether a double of it is at work at times.
    has_double: bool,
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_in_any_order_and_shape_leave_what_the_model_says() {
    let sequences = number("ENERVUE_TEST_SEQUENCES", 300);
    let seed = number("ENERVUE_TEST_SEED", 1);
    let world = World::start(None).await.unwrap();
    let players = players(&world).await;
    let database = world.cloud.database();
    let mut running = tokio::task::JoinSet::new();
    for (place, player) in (0..).zip(players) {
        let rows = Rows::open(&database);
        running.spawn(async move {
            let mut figures = Figures::default();
            for sequence in (place..sequences).step_by(GATEWAYS as usize) {
                let seed = seed + sequence;
                figures += play(&player, &rows, seed).await;
            }
            figures
        });
    }
    let mut figures = Figures::default();
    while let Some(played) = running.join_next().await {
        figures += played.unwrap();
    }
    assert_eq!(figures.sequences, sequences);
    assert!(
        !world.cloud.log().contains("panicked"),
        "{}",
        world.cloud.log()
    );
    println!("{figures:?}, 0 deviations");
}

async fn players(world: &World) -> Vec<Player> {
    let other = world
        .other_account("Instalaciones del Sur", "sur@instalaciones.example")
        .await
        .unwrap();
    let foreign = player(world, &other, 0, common::id::DeviceId(0)).await;
    let mut players = Vec::new();
    for place in 1..=GATEWAYS {
        players.push(player(world, &world.integrator, place, foreign.source.device).await);
    }
    players
}

/// A gateway with one meter, enrolled from an address of its own, as tries are counted.
async fn player(
    world: &World,
    integrator: &Browser,
    place: u64,
    foreign: common::id::DeviceId,
) -> Player {
    let zone = "America/Tijuana";
    let name = format!("Plaza {place}");
    let site = portal::add_site(integrator, &name, zone, "es-MX");
    let site = site.await.unwrap();
    let added = portal::add_gateway(integrator, &site, "Sótano", "gateway");
    let added = added.await.unwrap();
    let meter = NewMeter {
        label: "Local 101",
        counter: "eastron-sdm120/energy_import/kWh".to_owned(),
        unit_id: 1,
        bus: BUS,
        locale: "en-US",
        zone,
        from: "2026-11-01",
        cutoff_day: 31,
        price: "3.50",
        currency: "MXN",
        minimum: "0",
        send_hour: 7,
        recipients: &[],
    };
    portal::add_meter(integrator, &added.path, &meter)
        .await
        .unwrap();
    let mut secret = [0; 32];
    StdRng::seed_from_u64(place).fill(&mut secret);
    let key = SigningKey::from_bytes(&secret);
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 1, u8::try_from(place).unwrap()));
    let client = client().unwrap().local_address(address).build().unwrap();
    let request = EnrolRequest {
        code: added.code,
        public_key: BASE64.encode(key.verifying_key().as_bytes()),
        host: "model".to_owned(),
        software: "model 1".to_owned(),
        protocols: vec![1],
    };
    let base = world.cloud.url().to_owned();
    let reply = client.post(format!("{base}{ENROL_PATH}")).json(&request);
    let reply: EnrolReply = reply.send().await.unwrap().json().await.unwrap();
    let list = client.get(format!("{base}{DEVICES_PATH}"));
    let list = list.bearer_auth(&reply.token).send().await.unwrap();
    let list: DeviceList = list.json().await.unwrap();
    let device = &list.devices[0];
    let source = Source {
        key,
        device: device.id,
        meter: device.mountings[0].meter,
        foreign,
        now: jiff::Timestamp::from_second(now_s()).unwrap(),
    };
    let token = reply.token;
    Player {
        gateway: reply.gateway,
        source,
        wire: Wire {
            client,
            base,
            token,
        },
        has_double: place.is_multiple_of(2),
    }
}

fn now_s() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// One sequence: two lives of a gateway's buffer, sent in every wrong way, then to the end.
async fn play(player: &Player, rows: &Rows, seed: u64) -> Figures {
    let mut random = StdRng::seed_from_u64(seed);
    let mut game = Game {
        player,
        lives: Vec::new(),
        figures: Figures::default(),
        seed,
    };
    for _ in 0..2 {
        let epoch = Epoch(random.random_range(1..i64::MAX));
        let count = random.random_range(1..=40);
        let items = player.source.life(&mut random, epoch, count);
        let stream = Stream::new(epoch);
        game.lives.push((items, stream));
    }
    let steps = random.random_range(4..=STEPS_MAX);
    for step in 0..steps {
        // Only a double speaks again in an epoch that is over.
        let life = match player.has_double {
            true => random.random_range(0..2),
            false => usize::from(step > steps / 2),
        };
        game.step(&mut random, life).await;
    }
    let lives = if player.has_double { 0..2 } else { 1..2 };
    for life in lives {
        game.finish(&mut random, life).await;
    }
    for (_, stream) in &game.lives {
        if let Some(difference) = rows.differ(player.gateway, stream) {
            panic!("sequence {seed}: {difference}");
        }
        let nothing = stream.acknowledged_for_nothing();
        assert_eq!(nothing, None, "sequence {seed}");
    }
    game.figures.sequences = 1;
    game.figures
}

struct Game<'a> {
    player: &'a Player,
    lives: Vec<(Vec<Item>, Stream)>,
    figures: Figures,
    seed: u64,
}

impl Game<'_> {
    async fn step(&mut self, random: &mut StdRng, life: usize) {
        let (items, stream) = &self.lives[life];
        let through = stream.through;
        let settled = items
            .iter()
            .filter(|item| item.numbers().1 <= through)
            .count();
        let window = |random: &mut StdRng, first: usize| {
            let last = first + random.random_range(1..=BATCH_ITEMS_MAX as usize);
            items[first.min(items.len())..last.min(items.len())].to_vec()
        };
        match random.random_range(0..100) {
            // What comes next, or a part of what is there and some of what comes.
            0..55 => {
                let first = random.random_range(0..=settled);
                let chosen = window(random, first);
                self.send(random, life, chosen).await;
            }
            55..65 => {
                let first = random.random_range(0..=items.len());
                let chosen = window(random, first);
                self.send(random, life, chosen).await;
            }
            65..72 => self.send(random, life, Vec::new()).await,
            72..82 => {
                let first = random.random_range(0..=settled);
                let chosen = window(random, first);
                self.cut(random, life, chosen).await;
            }
            82..90 if self.player.has_double => {
                let first = random.random_range(0..=settled);
                let chosen = window(random, first);
                let double = &self.player.source;
                let chosen = chosen
                    .iter()
                    .map(|item| double.double(random, item))
                    .collect();
                self.send(random, life, chosen).await;
            }
            _ => {
                let chosen = window(random, settled);
                self.broken(random, life, &chosen).await;
            }
        }
    }

    fn body(&self, random: &mut StdRng, life: usize, items: &[Item]) -> Body {
        let (_, stream) = &self.lives[life];
        let body = Body::json(batch(stream.epoch, items).to_string());
        match random.random_bool(0.5) {
            true => body.pack(),
            false => body,
        }
    }

    async fn send(&mut self, random: &mut StdRng, life: usize, items: Vec<Item>) {
        let body = self.body(random, life, &items);
        if body.bytes.len() > common::sync::BATCH_BYTES_MAX {
            return;
        }
        let answer = self.player.wire.send(&body).await;
        let expected = self.lives[life].1.take(&items);
        assert_eq!(answer, expected, "sequence {}", self.seed);
        self.figures.requests += 1;
        self.figures.readings += items.len() as u64;
    }

    /// The answer is lost; whoever is in doubt sends again.
    async fn cut(&mut self, random: &mut StdRng, life: usize, items: Vec<Item>) {
        let body = self.body(random, life, &items);
        let bytes = random.random_range(0..ANSWER_BYTES);
        self.player.wire.send_and_hang_up(&body, bytes).await;
        self.figures.cut += 1;
        self.figures.requests += 1;
        self.lives[life].1.take(&items);
        self.send(random, life, items).await;
    }

    /// What is no batch changes nothing, and says what is wrong.
    async fn broken(&mut self, random: &mut StdRng, life: usize, items: &[Item]) {
        let (_, stream) = &self.lives[life];
        let whole = batch(stream.epoch, items);
        let text = whole.to_string();
        let garbled = (400, ProblemCode::Garbled);
        let mut other = whole.clone();
        let (body, (status, code)) = match random.random_range(0..13) {
            0 => (Body::json(&text[..text.len() / 2]), garbled),
            1 => (Body::json(Vec::new()), garbled),
            2 => {
                let mut bytes = text.into_bytes();
                let middle = bytes.len() / 2;
                bytes[middle..middle + 2].copy_from_slice(&[0xc3, 0x28]);
                (Body::json(bytes), garbled)
            }
            3 => (Body::json("[".repeat(100_000)), garbled),
            4 => {
                other["epoch"] = json!("zzzzzzzzzzzzz");
                (Body::json(other.to_string()), garbled)
            }
            5 => {
                other["protocol"] = json!(random.random_range(2..100));
                (Body::json(other.to_string()), (400, ProblemCode::Protocol))
            }
            6 => {
                let mut packed = Body::json(text).pack();
                let length = packed.bytes.len();
                packed.bytes.truncate(length / 2);
                (packed, garbled)
            }
            7 => {
                let packed = "gzip";
                let body = Body {
                    packed,
                    ..Body::json(text)
                };
                (body, (415, ProblemCode::Garbled))
            }
            8 => {
                let kind = "text/plain";
                let body = Body {
                    kind,
                    ..Body::json(text)
                };
                (body, (415, ProblemCode::Garbled))
            }
            9 => {
                other["x"] = json!("x".repeat(common::sync::BATCH_BYTES_MAX));
                let body = Body::json(other.to_string());
                (body.pack(), (413, ProblemCode::TooLarge))
            }
            10 => {
                let seqs = [
                    json!(0),
                    json!(-1),
                    json!("1"),
                    json!(1_u64 << 63),
                    json!(1.5),
                ];
                let seq = &seqs[random.random_range(0..seqs.len())];
                other["readings"] = json!([{"seq": seq}]);
                (Body::json(other.to_string()), garbled)
            }
            11 => {
                let reading = json!({"seq": stream.through + 1});
                other["readings"] = json!([reading, reading]);
                other["losses"] = json!([]);
                (Body::json(other.to_string()), garbled)
            }
            _ => {
                let body = Body::json(text);
                let answer = self.player.wire.send_as("0123456789abcdef", &body).await;
                let expected = Answer::Refused(401, ProblemCode::Token, None);
                assert_eq!(answer, expected, "sequence {}", self.seed);
                self.figures.refused += 1;
                return;
            }
        };
        let answer = self.player.wire.send(&body).await;
        let expected = Answer::Refused(status, code, None);
        let shown = String::from_utf8_lossy(&body.bytes[..body.bytes.len().min(300)]);
        assert_eq!(answer, expected, "sequence {}: {shown}", self.seed);
        self.figures.requests += 1;
        self.figures.refused += 1;
    }

    /// What an honest gateway does in the end: it sends what is not settled.
    async fn finish(&mut self, random: &mut StdRng, life: usize) {
        loop {
            let (items, stream) = &self.lives[life];
            let through = stream.through;
            let waiting = items.iter().filter(|item| item.numbers().1 > through);
            let chosen: Vec<Item> = waiting.take(BATCH_ITEMS_MAX as usize).cloned().collect();
            if chosen.is_empty() {
                return;
            }
            self.send(random, life, chosen).await;
        }
    }
}
