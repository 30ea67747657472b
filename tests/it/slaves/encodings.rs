//! Every type and every order of words and bytes that a profile can name, against libraries
//! that we did not write: as slaves, pymodbus and libmodbus serve values and our gateway
//! records exactly these; as masters, pymodbus, libmodbus and mbpoll read from our simulated
//! line what it was told to hold. mbpoll has no slave's side, and of the types knows 16 and
//! 32 bits alone, the low or the high word first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use tests::gateway::{Bus, Gateway};
use tests::process::{PATIENCE, Running, run, wait_for};
use tests::program::{Programs, workspace};

use super::{libmodbus, served_by_libmodbus, served_by_pymodbus, wire};
use crate::outside::python;

const BYTE_SWAPS: [&str; 2] = ["AB", "BA"];
const ORDERS_OF_2: [&str; 4] = ["ABCD", "CDAB", "BADC", "DCBA"];
const ORDERS_OF_3: [&str; 4] = ["ABCDEF", "EFCDAB", "BADCFE", "FEDCBA"];
const ORDERS_OF_4: [&str; 4] = ["ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"];

/// Each type with its orders and with values that hold it exactly, no two bytes alike, so that
/// any other order or type shows. The first value is one that a counter can have.
const TYPES: [(&str, &[&str], &[&str]); 9] = [
    ("u16", &BYTE_SWAPS, &["65244"]),
    ("i16", &BYTE_SWAPS, &["4660", "-292"]),
    ("u32", &ORDERS_OF_2, &["4275878552"]),
    ("i32", &ORDERS_OF_2, &["305419896", "-19088744"]),
    ("u48", &ORDERS_OF_3, &["280223976814164"]),
    ("u64", &ORDERS_OF_4, &["81985529216486895"]),
    (
        "i64",
        &ORDERS_OF_4,
        &["1311768467463790320", "-72623859790382856"],
    ),
    ("f32", &ORDERS_OF_2, &["4660.5", "-12345.678"]),
    ("f64", &ORDERS_OF_4, &["9876543.210123", "-1234567.890625"]),
];
/// Registers from one value to the next.
const SPACING: usize = 8;
const UNIT_ID: u8 = 1;

struct Encoding {
    kind: &'static str,
    order: &'static str,
    value: &'static str,
}

impl Encoding {
    /// As many zero words as it takes.
    fn zeros(&self) -> String {
        let bits: usize = self.kind[1..].parse().unwrap();
        vec!["0"; bits / 16].join(", ")
    }

    fn decimals(&self) -> usize {
        self.value
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len())
    }
}

/// The encodings of every value, or of the counters' alone.
fn encodings(values_each: usize) -> Vec<Encoding> {
    let mut all = Vec::new();
    for (kind, orders, values) in TYPES {
        for order in orders {
            let some = values.iter().take(values_each);
            all.extend(some.map(|value| Encoding { kind, order, value }));
        }
    }
    all
}

/// A profile whose billing points are these encodings, `SPACING` registers apart.
fn profile(id: &str, encodings: &[Encoding]) -> String {
    let mut text = format!(
        "schema = 1\nid = '{id}'\nkind = 'electric'\nvendor = 'Nobody'\nmodels = ['All']\n\
         confidence = 'one-source'\nsources = ['this test']\n\
         [link]\nunit_id = 1\nbaud = 9600\nparity = 'none'\nstop_bits = 1\n\
         [defaults]\ntable = 'holding'\n"
    );
    for (at, encoding) in encodings.iter().enumerate() {
        let (kind, order, decimals) = (encoding.kind, encoding.order, encoding.decimals());
        let address = at * SPACING;
        write!(
            text,
            "[reg.r{at}]\naddress = {address}\ntype = '{kind}'\norder = '{order}'\n\
             [[point]]\nid = 'p{at}'\nrole = 'billing'\nfrom = 'r{at}'\nunit = 'kWh'\n\
             decimals = {decimals}\n\
             [[test]]\npoint = 'p{at}'\nwords = {{ r{at} = [{}] }}\nvalue = '{:.decimals$}'\n\
             unit = 'kWh'\ncomputed = true\n",
            encoding.zeros(),
            0.0
        )
        .unwrap();
    }
    text
}

fn served(encodings: &[Encoding]) -> String {
    let line = |(at, one): (usize, &Encoding)| {
        let (kind, order, value) = (one.kind, one.order, one.value);
        format!(
            "{UNIT_ID} holding {} {kind} {order} {value}\n",
            at * SPACING
        )
    };
    encodings.iter().enumerate().map(line).collect()
}

/// What the gateway holds: for each device, point and value, or why it is none.
async fn recorded(gateway: &Gateway) -> BTreeMap<(String, String), String> {
    let exported = gateway.command(&["buffer", "export", "--json"]).await;
    let text = exported.unwrap().stdout;
    let text_of =
        |line: &serde_json::Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    text.lines()
        .skip(1)
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let value = text_of(&line, "value") + &text_of(&line, "reason");
            ((text_of(&line, "device"), text_of(&line, "point")), value)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_records_what_slaves_of_other_libraries_serve() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let encodings = encodings(usize::MAX);
    let wires = [
        wire(folder, "pymodbus").await,
        wire(folder, "libmodbus").await,
    ];
    let values = served(&encodings);
    let program = libmodbus(folder, "libmodbus_slave");
    let _slaves = [
        served_by_pymodbus(folder, &wires[0], &values),
        served_by_libmodbus(&program, &wires[1], "N", &values),
    ];
    let device = format!(
        "listen_first_s = 0\n[[bus.device]]\nunit_id = {UNIT_ID}\nprofile = 'all'\nlabel = 'All'\n"
    );
    let buses = ["pymodbus", "libmodbus"].iter().zip(&wires);
    let buses: Vec<Bus<'_>> = buses
        .map(|(name, wire)| Bus {
            name,
            port: wire.master.clone(),
            more: &device,
        })
        .collect();
    let home = folder.join("gateway");
    let mut gateway = Gateway::new(&home, "zone = 'UTC'", &buses, None).unwrap();
    std::fs::write(home.join("profiles/all.toml"), profile("all", &encodings)).unwrap();
    gateway.start().unwrap();

    let mut held = BTreeMap::new();
    let is_all = wait_for("both slaves to be read", PATIENCE, async || {
        gateway.running().unwrap().still_runs()?;
        held = recorded(&gateway).await;
        Ok(held.len() == 2 * encodings.len())
    });
    if let Err(error) = is_all.await {
        panic!("{error:#}: {} held\n{}", held.len(), gateway.log());
    }
    gateway.stop().await.unwrap();
    for ((_, point), value) in held {
        let one = &encodings[point[1..].parse::<usize>().unwrap()];
        assert_eq!(value, one.value, "{} {}", one.kind, one.order);
    }
}

/// A simulated meter for each encoding, unit ids from 1, each with a register of its own.
async fn simulated(folder: &Path, encodings: &[Encoding]) -> (Running, std::path::PathBuf) {
    let gateway = Gateway::new(&folder.join("gateway"), "", &[], None).unwrap();
    let port = folder.join("line");
    let mut line = format!("[[line]]\npath = '{}'\n", port.display());
    for (at, encoding) in encodings.iter().enumerate() {
        let (unit_id, value) = (at + 1, encoding.value);
        let id = format!("encoding-{unit_id}");
        let text = profile(&id, std::slice::from_ref(encoding));
        std::fs::write(folder.join(format!("gateway/profiles/{id}.toml")), text).unwrap();
        write!(
            line,
            "[[line.meter]]\nprofile = '{id}'\nunit_id = {unit_id}\nopening = '{value}'\n\
             per_day = '0'\nsince = '2026-11-01T00:00:00Z'\n"
        )
        .unwrap();
    }
    let file = folder.join("line.toml");
    std::fs::write(&file, line).unwrap();
    let [file, settings] = [file, gateway.config()].map(|path| path.display().to_string());
    let arguments = ["simulate", "--config", &file, "--gateway-config", &settings];
    let program = &Programs::get().unwrap().gateway;
    let mut running = Running::start(program, &arguments, &folder.join("line.log")).unwrap();
    let is_there = async || {
        running.still_runs()?;
        Ok(port.exists())
    };
    wait_for("the simulated line", PATIENCE, is_there)
        .await
        .unwrap();
    (running, port)
}

fn equal(read: &str, expected: &str) -> bool {
    let number = |text: &str| -> Option<f64> { text.trim().parse().ok() };
    match expected.contains('.') {
        // Shown with more digits than the register has.
        true => number(read)
            .zip(number(expected))
            .is_some_and(|(a, b)| (a - b).abs() < 1e-7),
        false => read.trim() == expected,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_of_other_libraries_read_what_the_simulated_line_holds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let encodings = encodings(1);
    let (_line, port) = simulated(folder, &encodings).await;
    let port = port.display().to_string();

    let asked = folder.join("asked").display().to_string();
    let ask = |(at, one): (usize, &Encoding)| format!("{} 0 {} {}\n", at + 1, one.kind, one.order);
    let text: String = encodings.iter().enumerate().map(ask).collect();
    std::fs::write(&asked, text).unwrap();
    let script = workspace().join("tests/slaves/pymodbus_master.py");
    let script = script.display().to_string();
    let program = libmodbus(folder, "libmodbus_master");
    let pymodbus = run(&python(), &[&script, &port, &asked]).await.unwrap();
    let libmodbus = run(&program, &[&port, &asked]).await.unwrap();
    for (name, finished) in [("pymodbus", pymodbus), ("libmodbus", libmodbus)] {
        let read = finished.ok().unwrap();
        assert_eq!(read.lines().count(), encodings.len(), "{name}: {read}");
        for (one, value) in encodings.iter().zip(read.lines()) {
            let what = format!("{name}, {} {}: {value}", one.kind, one.order);
            assert!(equal(value, one.value), "{what}, not {}", one.value);
        }
    }
    for (at, one) in encodings.iter().enumerate() {
        if let Some(value) = by_mbpoll(&port, &(at + 1).to_string(), 0, one).await {
            assert!(
                equal(&value, one.value),
                "mbpoll, {} {}: {value}",
                one.kind,
                one.order
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mbpoll_reads_from_libmodbus_what_the_gateway_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let encodings = encodings(1);
    let wire = wire(folder, "libmodbus").await;
    let program = libmodbus(folder, "libmodbus_slave");
    let _slave = served_by_libmodbus(&program, &wire, "N", &served(&encodings));
    let port = wire.master.display().to_string();
    let mut compared = 0;
    for (at, one) in encodings.iter().enumerate() {
        let unit_id = UNIT_ID.to_string();
        if let Some(value) = by_mbpoll(&port, &unit_id, at * SPACING, one).await {
            assert!(
                equal(&value, one.value),
                "mbpoll, {} {}: {value}",
                one.kind,
                one.order
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 6, "16 bits, and 32 in two orders of the words");
}

/// The register as mbpoll decodes it, where it can.
async fn by_mbpoll(port: &str, unit_id: &str, address: usize, one: &Encoding) -> Option<String> {
    let table = match (one.kind, one.order) {
        ("u16" | "i16", "AB") => "4",
        ("i32", "ABCD" | "CDAB") => "4:int",
        ("f32", "ABCD" | "CDAB") => "4:float",
        _ => return None,
    };
    let address = address.to_string();
    let mut arguments = vec![
        "-m", "rtu", "-b", "9600", "-P", "none", "-0", "-1", "-q", "-o", "3",
    ];
    arguments.extend(["-a", unit_id, "-r", &address, "-t", table]);
    if one.order == "ABCD" {
        arguments.push("-B");
    }
    arguments.push(port);
    let printed = run(Path::new("mbpoll"), &arguments)
        .await
        .unwrap()
        .ok()
        .unwrap();
    let line = printed.lines().find(|line| line.starts_with('[')).unwrap();
    let value = line.split_once(':').unwrap().1;
    // A 16-bit number is shown as signed too, behind it.
    Some(value.split_whitespace().next().unwrap().to_owned())
}
