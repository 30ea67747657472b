//! Periods are closed and invoices taken back by several processes at once, which are killed at
//! moments that `ENERVUE_TEST_SEED` draws: in the end every period of every meter has one
//! invoice that stands, the numbers have no gap, each bill begins with the register with which
//! the one before it ended, and every number's document is what was issued.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tests::browser::Browser;
use tests::building::{Building, Plan};
use tests::cloud::{Cloud, CloudSettings};
use tests::figures::{Figure, wanted};
use tests::portal::{self, PASSWORD};
use tests::postgres;
use tests::process::{PATIENCE, run, wait_for};
use tests::program::Programs;
use tests::world::INTEGRATOR;

/// What the gateway has read: a year, and the days by which its end is known.
const HISTORY: (&str, &str, u32) = ("2025-11-01", "2026-11-03", 3_600);
const METERS: usize = 6;
const INVOICES: usize = METERS * 12;
/// More than the periods of a meter, which are closed in one transaction: some kills come before
/// the end of one, some after it.
const SOME: usize = 20;
/// Longer than a server needs from its start to the next invoice, if there is one to issue.
const NOTHING_LEFT: Duration = Duration::from_secs(3);
/// Invoices that two people take back at once.
const CORRECTED: usize = 4;
/// More documents than there are.
const ALL: &str = "500";

/// A building with a year to bill, and as many servers as its database bears.
struct Ledger {
    building: Building,
    other: Option<Cloud>,
}

impl Ledger {
    /// Everything was read and sent; nothing was billed, for a person holds all meters.
    async fn new(database: Option<String>) -> Self {
        let plan = Plan {
            database: database.clone(),
            history: Some(HISTORY),
            ..Plan::default()
        };
        let mut building = Building::new(plan).await.unwrap();
        let settings = CloudSettings {
            database: database.clone(),
            ..CloudSettings::default()
        };
        let folder = building.world.folder().join("other");
        let other = Cloud::new(&folder, &settings).unwrap();
        // All servers on one database share one key.
        let key = building.world.folder().join("cloud/issuer.key");
        std::fs::copy(key, folder.join("issuer.key")).unwrap();
        let other = database.map(|_| other);
        for meter in Self::meters(&building).await {
            let form = Self::form(&building.world.integrator, &format!("{meter}/hold")).await;
            let form = (form.0, form.1.fill("reason", "Not yet"));
            let held = building.world.integrator.submit(&form.0, &form.1).await;
            held.unwrap();
        }
        building.gateway.start().unwrap();
        building
            .gateway
            .acknowledged(100, PATIENCE * 3)
            .await
            .unwrap();
        building.gateway.stop().await.unwrap();
        Self { building, other }
    }

    async fn meters(building: &Building) -> Vec<String> {
        let page = building.world.integrator.open(&building.page).await;
        let links = page.unwrap().links_with("/meters/");
        let mut meters: Vec<String> = links
            .into_iter()
            .filter(|link| link.matches('/').count() == 2)
            .collect();
        meters.sort();
        meters.dedup();
        assert_eq!(meters.len(), METERS, "{meters:?}");
        meters
    }

    async fn form(browser: &Browser, path: &str) -> (tests::browser::Page, tests::form::Form) {
        let page = browser.open(path).await.unwrap();
        let form = page.form_to(path).unwrap();
        (page, form)
    }

    /// Lets all meters go, and kills the server that was told so.
    async fn let_go(&mut self) {
        for meter in Self::meters(&self.building).await {
            let integrator = &self.building.world.integrator;
            let (page, form) = Self::form(integrator, &format!("{meter}/resume")).await;
            integrator.submit(&page, &form).await.unwrap();
        }
        self.building.world.cloud.kill();
    }

    /// How often a server said to have issued a document. What was not committed when it died
    /// is said again.
    fn said(&self) -> usize {
        let servers = [Some(&self.building.world.cloud), self.other.as_ref()];
        let logs = servers.into_iter().flatten().map(Cloud::log);
        logs.map(|log| log.matches("invoice issued").count()).sum()
    }

    /// Starts all servers and kills them when they have issued some, again and again for as long
    /// as there is something to issue. Returns how often.
    async fn kill(&mut self, seed: u64, kills: usize) -> usize {
        let mut chance = StdRng::seed_from_u64(seed);
        for times in 0..kills {
            let enough = self.said() + chance.random_range(1..SOME);
            let since = Instant::now();
            self.building.world.cloud.start_with(&[]).unwrap();
            if let Some(other) = &mut self.other {
                other.start_with(&[]).unwrap();
            }
            while self.said() < enough && since.elapsed() < NOTHING_LEFT {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let is_done = self.said() < enough;
            self.building.world.cloud.kill();
            if let Some(other) = &mut self.other {
                other.kill();
            }
            if is_done {
                return times;
            }
        }
        kills
    }

    async fn start(&mut self) {
        self.building.world.cloud.start().await.unwrap();
        if let Some(other) = &mut self.other {
            other.start().await.unwrap();
        }
    }

    /// The identity of every document by its number.
    async fn numbers(&self) -> Vec<(u64, String)> {
        let list = ["invoice", "list", "--limit", ALL, "--json"];
        let list = self.building.world.cloud.command(&list).await.unwrap();
        let list: Value = serde_json::from_str(&list.ok().unwrap()).unwrap();
        let all = list["invoices"].as_array().unwrap().iter();
        let mut numbers: Vec<_> = all
            .map(|one| {
                let id = one["id"].as_str().map(str::to_owned);
                let id = id.unwrap_or_else(|| one["id"].to_string());
                (one["number"].as_u64().unwrap(), id)
            })
            .collect();
        numbers.sort();
        numbers
    }

    /// Until that many documents are issued.
    async fn issued(&self, documents: usize) {
        let enough = async || Ok(self.numbers().await.len() >= documents);
        wait_for("the invoices of the year", PATIENCE * 3, enough)
            .await
            .unwrap();
    }

    /// A browser at each server, or two at the only one.
    async fn browsers(&self) -> [Browser; 2] {
        let cloud = &self.building.world.cloud;
        let other = self.other.as_ref().unwrap_or(cloud);
        let mut browsers = Vec::new();
        for url in [cloud.url(), other.url()] {
            let browser = Browser::new(url).unwrap();
            let signed = portal::sign_in(&browser, INTEGRATOR, PASSWORD).await;
            signed.unwrap().ok().unwrap();
            browsers.push(browser);
        }
        browsers.try_into().unwrap()
    }

    /// Two people take the same invoices back at once; one of them clicks twice.
    async fn correct(&self) {
        let [one, two] = self.browsers().await;
        let numbers = self.numbers().await;
        for (_, id) in numbers.iter().rev().take(CORRECTED) {
            let path = format!("/invoices/{id}/correct");
            let mine = Self::form(&one, &path).await;
            let theirs = Self::form(&two, &path).await;
            let mine = (mine.0, mine.1.fill("reason", "The tenant asked"));
            let theirs = (theirs.0, theirs.1.fill("reason", "Seen it too"));
            let (first, second, third) = tokio::join!(
                one.send(&mine.0, &mine.1),
                one.send(&mine.0, &mine.1),
                two.send(&theirs.0, &theirs.1)
            );
            for answer in [first, second, third] {
                answer.unwrap().ok().unwrap();
            }
        }
    }

    /// Every document, by its number, after each was verified from its file alone.
    async fn documents(&self) -> BTreeMap<u64, Value> {
        let shown = |text: String| {
            let key: Value = serde_json::from_str(&text).unwrap();
            key["fingerprint"].as_str().unwrap().to_owned()
        };
        let key = ["key", "show", "--json"];
        let gateway = self.building.gateway.command(&key).await.unwrap();
        let key = ["invoice", "key", "--json"];
        let issuer = self.building.world.cloud.command(&key).await.unwrap();
        let (gateway, issuer) = (shown(gateway.ok().unwrap()), shown(issuer.ok().unwrap()));
        let mut documents = BTreeMap::new();
        for (number, id) in self.numbers().await {
            let file = self.building.world.folder().join(format!("{number}.json"));
            let path = file.display().to_string();
            let export = ["invoice", "export", &id, "--output", &path];
            let exported = self.building.world.cloud.command(&export).await.unwrap();
            exported.ok().unwrap();
            verify(&file, &gateway, &issuer).await;
            let text = std::fs::read_to_string(&file).unwrap();
            let export: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(export["invoice"]["number"], number);
            assert!(
                documents
                    .insert(number, export["invoice"].clone())
                    .is_none()
            );
        }
        documents
    }
}

async fn verify(file: &Path, gateway: &str, issuer: &str) {
    let path = file.display().to_string();
    let arguments = ["invoice", "verify", &path];
    let keys = ["--gateway", gateway, "--issuer", issuer];
    let program = &Programs::get().unwrap().cloud;
    let said = run(program, &[&arguments[..], &keys[..]].concat()).await;
    let said = said.unwrap();
    assert_eq!(said.code, 0, "{path}: {} {}", said.stdout, said.stderr);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The invoices that stand, by meter and first day; there is one of each.
fn standing(documents: &BTreeMap<u64, Value>) -> BTreeMap<(String, String), &Value> {
    let taken_back: Vec<_> = documents
        .values()
        .filter(|one| one["kind"] == "credit")
        .map(|one| one["corrects"]["number"].clone())
        .collect();
    let mut standing = BTreeMap::new();
    for one in documents.values() {
        if one["kind"] == "invoice" && !taken_back.contains(&one["number"]) {
            let period = (
                one["meter"].to_string(),
                text(&one["period"]["from"]).into(),
            );
            let other = standing.insert(period, one);
            assert!(other.is_none(), "two stand: {one} {other:?}");
        }
    }
    standing
}

/// Of each meter the bills follow one another, register to register.
fn follow_one_another(standing: &BTreeMap<(String, String), &Value>) {
    let all: Vec<_> = standing.iter().collect();
    for pair in all.windows(2) {
        let [((meter, _), before), ((next_meter, from), after)] = pair else {
            continue;
        };
        if meter == next_meter {
            assert_eq!(text(&before["period"]["until"]), from);
            let segments = before["segments"].as_array().unwrap();
            let closing = &segments.last().unwrap()["closing"];
            assert_eq!(*closing, after["segments"][0]["opening"], "{from}");
        }
    }
}

async fn one_invoice_each(engine: &str, database: Option<String>, seed: u64) {
    let kills = usize::try_from(wanted("ENERVUE_TEST_KILLS", 10)).unwrap();
    let mut ledger = Ledger::new(database).await;
    ledger.let_go().await;
    let times = ledger.kill(seed, kills).await;
    ledger.start().await;
    ledger.issued(INVOICES).await;
    let undone = ledger.said() - INVOICES;
    assert!(undone > 0, "no kill came before the end of a transaction");
    ledger.correct().await;
    assert_eq!(ledger.kill(seed, 1).await, 0, "there was more to issue");
    ledger.start().await;

    let documents = ledger.documents().await;
    let numbers: Vec<u64> = documents.keys().copied().collect();
    let expected = INVOICES + 2 * CORRECTED;
    let figure = Figure {
        fault: &format!("kill -9 while periods are closed, {engine}"),
        times,
        kept: documents.len(),
        lost: expected.saturating_sub(documents.len()),
        doubled: documents.len().saturating_sub(expected),
        measured: format!("seed {seed}; documents, each verified; {undone} undone by the kills"),
        ..Figure::default()
    };
    figure.note().unwrap();
    let last = u64::try_from(expected).unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{figure:?}");
    let standing = standing(&documents);
    assert_eq!(standing.len(), INVOICES);
    follow_one_another(&standing);
    // Everybody was answered; nobody by an error.
    for log in [
        ledger.building.world.cloud.log(),
        ledger.other.as_ref().map(Cloud::log).unwrap_or_default(),
    ] {
        assert!(!log.contains("periods not closed"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_two_servers_close_and_nobody_ends_has_one_invoice() {
    let seed = wanted("ENERVUE_TEST_SEED", 1);
    let database = postgres::shared().await.unwrap();
    one_invoice_each("two servers on PostgreSQL", Some(database), seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_sqlite_whose_file_takes_one_server() {
    let seed = wanted("ENERVUE_TEST_SEED", 1) + 100;
    one_invoice_each("SQLite", None, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_file_does_not_start() {
    let world = tests::world::World::start(None).await.unwrap();
    let settings = CloudSettings {
        database: Some(world.cloud.database().display().to_string()),
        ..CloudSettings::default()
    };
    let folder = world.folder().join("other");
    let mut second = Cloud::new(&folder, &settings).unwrap();
    std::fs::copy(
        world.folder().join("cloud/issuer.key"),
        folder.join("issuer.key"),
    )
    .unwrap();
    second.start_with(&[]).unwrap();
    let running = second.running().unwrap();
    let ended = async || running.has_ended();
    wait_for("the second server to give up", PATIENCE, ended)
        .await
        .unwrap();
    assert!(second.log().contains("in use"), "{}", second.log());
    // The first goes on.
    world.integrator.open("/invoices").await.unwrap();
}
