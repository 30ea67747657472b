//! Beside other people's masters: what the gateway records in listen mode is what a perfect
//! observer would, and not a byte of it is written to the line; as a master it stops when it
//! hears another, and says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::gateway::{Bus, Gateway};
use tests::party_line::PartyLine;
use tests::process::{self, PATIENCE, Running, wait_for};
use tests::program::workspace;

use crate::outside::{libmodbus_program, libmodbus_slave, pymodbus_slave, python};

/// Every second, whoever asks.
const PERIODS: &str =
    "zone = 'America/Tijuana'\n[poll]\nbilling_period_s = 1\ngauge_period_s = 1\n";
const DEVICES: &str = "
[[bus.device]]
unit_id = 1
profile = 'eastron-sdm120'
label = 'Local 1'
[[bus.device]]
unit_id = 2
profile = 'tuf-2000m'
label = 'Local 2'
[[bus.device]]
unit_id = 3
profile = 'abb-b23'
label = 'Local 3'
";
/// What the meters hold.
const VALUES: &str = "1 input 70 f32 ABCD 60\n1 input 72 f32 ABCD 65535.75\n\
    2 holding 8 i32 CDAB 12345678\n2 holding 10 f32 CDAB 0.625\n\
    2 holding 1437 u16 ABCD 2\n2 holding 1438 u16 ABCD 3\n\
    3 holding 20480 u64 ABCD 98765432109876\n";
/// What another master asks of them.
const PLAN: &str = "1 input 70 4\n2 holding 8 4\n2 holding 1437 2\n3 holding 20480 4\n";
/// What comes of it: each billing point, its value and its words.
const READ: [(&str, &str, &str); 3] = [
    ("energy_import", "65535.75", "477F FFC0"),
    ("volume", "12345678.625", "614E 00BC 0000 3F20 0003 0002"),
    ("energy_import", "987654321098.76", "0000 59D3 9E7F 3B34"),
];
const ROUNDS: &str = "6";

/// A line with a gateway on it that only listens, and the trace of what that writes.
struct Beside {
    line: PartyLine,
    gateway: Gateway,
    trace: PathBuf,
    _strace: Running,
    folder: tempfile::TempDir,
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("enervue-listen-").tempdir();
    folder.unwrap()
}

fn gateway_on(folder: &Path, line: &PartyLine, more: &str) -> Gateway {
    let more = format!("{more}\n{DEVICES}");
    let bus = Bus {
        name: "main",
        port: line.port("gateway"),
        more: &more,
    };
    Gateway::new(&folder.join("gateway"), PERIODS, &[bus], None).unwrap()
}

impl Beside {
    async fn start() -> Self {
        let folder = folder();
        let ends = ["gateway", "master", "slave"];
        let line = PartyLine::start(&folder.path().join("line"), &ends).unwrap();
        let mut gateway = gateway_on(folder.path(), &line, "mode = 'listen'");
        let trace = folder.path().join("trace");
        let strace = gateway.start_traced(&trace).await.unwrap();
        let beside = Self {
            line,
            gateway,
            trace,
            _strace: strace,
            folder,
        };
        beside.line.opened("gateway").await.unwrap();
        let answers = async || {
            let heard = beside.gateway.command(&["bus", "heard", "--json"]).await?;
            Ok(heard.code == 0)
        };
        wait_for("the gateway", PATIENCE, answers).await.unwrap();
        beside
    }

    fn plan(&self, plan: &str) -> String {
        let file = self.folder.path().join("plan");
        std::fs::write(&file, plan).unwrap();
        file.display().to_string()
    }

    fn port(&self) -> String {
        self.line.port("master").display().to_string()
    }

    /// The requests that were heard and the replies to them, by unit and first register.
    async fn heard(&self) -> BTreeMap<(u64, u64), (u64, u64)> {
        let heard = self.gateway.command(&["bus", "heard", "--json"]).await;
        let heard: Value = serde_json::from_str(&heard.unwrap().ok().unwrap()).unwrap();
        assert_eq!(heard["schema"], "enervue.bus_heard/1");
        let requests = heard["buses"][0]["requests"].as_array().unwrap();
        let number = |value: &Value| value.as_u64().unwrap();
        let requests = requests.iter().map(|request| {
            let key = (number(&request["unit_id"]), number(&request["address"]));
            (
                key,
                (number(&request["requests"]), number(&request["replies"])),
            )
        });
        requests.collect()
    }

    /// Every billing reading that is kept: point, value, words.
    async fn billed(&self) -> Vec<(String, String, String)> {
        let export = self.gateway.command(&["buffer", "export", "--json"]).await;
        let export = export.unwrap().ok().unwrap();
        let lines = export.lines().skip(1);
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |line: &Value, member: &str| line[member].as_str().unwrap().to_owned();
        lines
            .map(|line| {
                (
                    word(&line, "point"),
                    word(&line, "value"),
                    word(&line, "raw"),
                )
            })
            .filter(|(point, ..)| READ.iter().any(|(billed, ..)| point == billed))
            .collect()
    }

    /// Ends it, and proves that nothing was written to the line.
    async fn end(mut self) {
        let port = std::fs::canonicalize(self.line.port("gateway")).unwrap();
        self.gateway.stop().await.unwrap();
        let trace = std::fs::read_to_string(&self.trace).unwrap();
        assert!(trace.contains("buffer.db"), "nothing was traced:\n{trace}");
        let port = port.display().to_string();
        let written: Vec<&str> = trace.lines().filter(|call| call.contains(&port)).collect();
        assert!(written.is_empty(), "{written:?}");
        assert_eq!(self.line.bytes_from("gateway"), 0);
    }
}

/// Judges what was heard and kept by what the master says that it read.
async fn is_what_the_master_read(beside: &Beside, read: &str) {
    let mut expected: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    for line in read.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let key = (words[0].parse().unwrap(), words[2].parse().unwrap());
        let (requests, replies) = expected.entry(key).or_default();
        *requests += 1;
        *replies += u64::from(words.len() > 3);
    }
    assert_eq!(expected.len(), PLAN.lines().count(), "{read}");
    assert!(expected.values().all(|(_, replies)| *replies > 0), "{read}");
    assert_eq!(beside.heard().await, expected);
    let is_kept = async || {
        let billed = beside.billed().await;
        let has = |(_, value, _): &(&str, &str, &str)| billed.iter().any(|(_, v, _)| v == value);
        Ok(READ.iter().all(has))
    };
    wait_for("the readings", PATIENCE, is_kept).await.unwrap();
    for (point, value, raw) in beside.billed().await {
        let known = READ.iter().any(|known| *known == (&point, &value, &raw));
        assert!(known, "{point} {value} {raw} was never on the line");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_pymodbus_master_everything_is_heard_and_nothing_written() {
    let beside = Beside::start().await;
    let _slave = pymodbus_slave(&beside.line.port("slave"), VALUES);
    beside.line.opened("slave").await.unwrap();
    let script = workspace().join("tests/slaves/pymodbus_reader.py");
    let script = script.display().to_string();
    let (port, plan) = (beside.port(), beside.plan(PLAN));
    let arguments = [&script, &port, &plan, ROUNDS, "300"];
    let read = process::run(&python(), &arguments)
        .await
        .unwrap()
        .ok()
        .unwrap();
    is_what_the_master_read(&beside, &read).await;
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_libmodbus_master_everything_is_heard_and_nothing_written() {
    let beside = Beside::start().await;
    let _slave = pymodbus_slave(&beside.line.port("slave"), VALUES);
    beside.line.opened("slave").await.unwrap();
    let master = libmodbus_program(beside.folder.path(), "libmodbus_reader");
    let (port, plan) = (beside.port(), beside.plan(PLAN));
    let arguments = [port.as_str(), &plan, ROUNDS, "300"];
    let read = process::run(&master, &arguments)
        .await
        .unwrap()
        .ok()
        .unwrap();
    is_what_the_master_read(&beside, &read).await;
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_mbpoll_a_libmodbus_slave_is_heard() {
    let beside = Beside::start().await;
    let values = VALUES.lines().find(|line| line.starts_with('3')).unwrap();
    let slave = beside.line.port("slave");
    let _slave = libmodbus_slave(beside.folder.path(), &slave, values);
    beside.line.opened("slave").await.unwrap();
    let port = beside.port();
    let arguments = "-m rtu -b 9600 -P none -1 -0 -o 2 -a 3 -t 4:hex -r 20480 -c 4";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.push(&port);
    let mut read = String::new();
    for _ in 0..5 {
        read = process::run(Path::new("mbpoll"), &arguments)
            .await
            .unwrap()
            .ok()
            .unwrap();
    }
    for word in ["0x0000", "0x59D3", "0x9E7F", "0x3B34"] {
        assert!(read.contains(word), "{read}");
    }
    assert_eq!(beside.heard().await, BTreeMap::from([((3, 20480), (5, 5))]));
    let is_kept = async || Ok(!beside.billed().await.is_empty());
    wait_for("a reading", PATIENCE, is_kept).await.unwrap();
    for (_, value, raw) in beside.billed().await {
        assert_eq!((value.as_str(), raw.as_str()), (READ[2].1, READ[2].2));
    }
    let shown = beside
        .gateway
        .command(&["bus", "heard"])
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert!(shown.contains("holding 20480–20483"), "{shown}");
    assert!(shown.contains("this gateway only listens"), "{shown}");
    beside.end().await;
}

/// A master that asks on and on.
fn foreign_master(folder: &Path, port: &Path) -> Running {
    let program = libmodbus_program(folder, "libmodbus_reader");
    let plan = folder.join("plan");
    std::fs::write(&plan, "1 input 70 4\n").unwrap();
    let (port, plan) = (port.display().to_string(), plan.display().to_string());
    let arguments = [port.as_str(), &plan, "100000", "100"];
    Running::start(&program, &arguments, &folder.join("master.log")).unwrap()
}

async fn rounds(master: &Running, more: usize) {
    let before = master.log().lines().count();
    let goes_on = async || Ok(master.log().lines().count() >= before + more);
    wait_for("the other master", PATIENCE, goes_on)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_polls_stops_when_it_hears_another_master() {
    let folder = folder();
    let line_folder = folder.path().join("line");
    let line = PartyLine::start(&line_folder, &["gateway", "master", "slave"]).unwrap();
    let _slave = pymodbus_slave(&line.port("slave"), VALUES);
    let mut gateway = gateway_on(folder.path(), &line, "");
    let trace = folder.path().join("trace");
    let _strace = gateway.start_traced(&trace).await.unwrap();
    let polls = async || Ok(line.bytes_from("gateway") > 100);
    wait_for("polls", PATIENCE, polls).await.unwrap();

    let master = foreign_master(folder.path(), &line.port("master"));
    let says_so = async || {
        let status = gateway.command(&["status", "--json"]).await?;
        let status: Value = serde_json::from_str(&status.stdout)?;
        let error = status["buses"][0]["error"].as_str().unwrap_or_default();
        Ok(error.contains("another master asks unit 1 for 4 input registers from 70"))
    };
    wait_for("a word about it", PATIENCE, says_so)
        .await
        .unwrap();
    let said = line.bytes_from("gateway");
    let refused = gateway.command(&["read", "--profile", "abb-b23", "--unit-id", "3"]);
    let refused = refused.await.unwrap();
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(
        refused.stderr.contains("set mode = \"listen\""),
        "{refused:?}"
    );
    rounds(&master, 20).await;
    assert_eq!(line.bytes_from("gateway"), said, "it went on");
    let heard = gateway
        .command(&["bus", "heard"])
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert!(heard.contains("input 70–73"), "{heard}");
    gateway.stop().await.unwrap();
    // The trace that proves silence elsewhere does show what is written to a port.
    let port = std::fs::canonicalize(line.port("gateway")).unwrap();
    let trace = std::fs::read_to_string(&trace).unwrap();
    assert!(trace.contains(&port.display().to_string()), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_comes_second_does_not_say_a_word() {
    let folder = folder();
    let line_folder = folder.path().join("line");
    let line = PartyLine::start(&line_folder, &["gateway", "master", "slave"]).unwrap();
    let _slave = pymodbus_slave(&line.port("slave"), VALUES);
    let master = foreign_master(folder.path(), &line.port("master"));
    rounds(&master, 2).await;
    let mut gateway = gateway_on(folder.path(), &line, "listen_first_s = 5");
    gateway.start().unwrap();
    let says_so = async || Ok(gateway.log().contains("another master asks unit 1"));
    wait_for("a word about it", PATIENCE, says_so)
        .await
        .unwrap();
    rounds(&master, 60).await;
    assert_eq!(line.bytes_from("gateway"), 0);
    gateway.stop().await.unwrap();
}
