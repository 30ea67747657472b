//! Values that slaves of other people serve: what the cloud shows equals what the slave
//! served, to the last digit, for every encoding that the shipped profiles have; and every
//! encoding that a profile can name, with slaves and masters of other people.

mod encodings;

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::gateway::Bus;
use tests::portal::{self, NewMeter};
use tests::process::{PATIENCE, Running, wait_for};
use tests::program::workspace;
use tests::world::World;

use crate::outside::python;

/// A pair of ports that are wired to each other.
struct Wire {
    slave: PathBuf,
    master: PathBuf,
    _socat: Running,
}

async fn wire(folder: &Path, name: &str) -> Wire {
    let end = |side: &str| folder.join(format!("{name}-{side}"));
    let (slave, master) = (end("slave"), end("master"));
    let port = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
    let arguments = [port(&slave), port(&master)];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let log = folder.join(format!("{name}.log"));
    let socat = Running::start(Path::new("socat"), &arguments, &log).unwrap();
    wait_for("socat", PATIENCE, async || {
        Ok(slave.exists() && master.exists())
    })
    .await
    .unwrap();
    Wire {
        slave,
        master,
        _socat: socat,
    }
}

fn served_by_pymodbus(folder: &Path, wire: &Wire, values: &str) -> Running {
    let file = folder.join("pymodbus-values");
    std::fs::write(&file, values).unwrap();
    let script = workspace().join("tests/slaves/pymodbus_slave.py");
    let arguments = [&script, &wire.slave, &file].map(|path| path.display().to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Running::start(&python(), &arguments, &folder.join("pymodbus.log")).unwrap()
}

/// Builds `tests/slaves/NAME.c`.
fn libmodbus(folder: &Path, name: &str) -> PathBuf {
    let program = folder.join(name);
    let flags = Command::new("pkg-config")
        .args(["--cflags", "--libs", "libmodbus"])
        .output();
    let flags = String::from_utf8(flags.unwrap().stdout).unwrap();
    let built = Command::new("gcc")
        .arg("-o")
        .arg(&program)
        .arg(workspace().join(format!("tests/slaves/{name}.c")))
        .args(flags.split_whitespace())
        .status();
    assert!(
        built.unwrap().success(),
        "gcc cannot build against libmodbus"
    );
    program
}

fn served_by_libmodbus(program: &Path, wire: &Wire, parity: &str, values: &str) -> Running {
    let file = wire.slave.with_extension("values");
    std::fs::write(&file, values).unwrap();
    let (port, file) = (wire.slave.display().to_string(), file.display().to_string());
    let log = wire.slave.with_extension("log");
    Running::start(program, &[&port, parity, &file], &log).unwrap()
}

/// One meter: where it is, what is served, what the page must show.
struct Case {
    bus: &'static str,
    unit_id: u8,
    counter: &'static str,
    label: &'static str,
    served: &'static str,
    shown: &'static str,
}

/// Values that the type holds exactly, large enough that another word order, another type
/// or a rounding on the way shows.
const CASES: [Case; 8] = [
    Case {
        bus: "pymodbus",
        unit_id: 2,
        counter: "onicon-system-10/energy_btu/BTU",
        label: "f32 ABCD",
        served: "2 holding 1034 f32 ABCD 16777215\n\
                 2 holding 25 u16 ABCD 777\n2 holding 26 u16 ABCD 16\n",
        shown: "16,777,215 BTU",
    },
    Case {
        bus: "pymodbus",
        unit_id: 3,
        counter: "pzem-016/energy_import/Wh",
        label: "u32 CDAB",
        served: "3 input 5 u32 CDAB 4294967295\n3 input 7 u16 ABCD 600\n",
        shown: "4,294,967,295 Wh",
    },
    Case {
        bus: "pymodbus",
        unit_id: 4,
        counter: "carlo-gavazzi-em340/energy_import/kWh",
        label: "i32 CDAB",
        served: "4 input 52 i32 CDAB 2147483646\n",
        shown: "214,748,364.6 kWh",
    },
    Case {
        bus: "pymodbus",
        unit_id: 5,
        counter: "tuf-2000m/volume/gal_us",
        label: "i32 and f32 CDAB, unit and multiplier",
        served: "5 holding 8 i32 CDAB 12345678\n5 holding 10 f32 CDAB 0.625\n\
                 5 holding 1437 u16 ABCD 2\n5 holding 1438 u16 ABCD 3\n",
        shown: "12,345,678.625 gal",
    },
    Case {
        bus: "pymodbus",
        unit_id: 6,
        counter: "abb-b23/energy_import/kWh",
        label: "u64",
        served: "6 holding 20480 u64 ABCD 12345678901234\n",
        shown: "123,456,789,012.34 kWh",
    },
    Case {
        bus: "pymodbus",
        unit_id: 7,
        counter: "hiking-dds238-2/energy_import/kWh",
        label: "u32 ABCD",
        served: "7 holding 10 u32 ABCD 1234567\n7 holding 12 u16 ABCD 2300\n",
        shown: "12,345.67 kWh",
    },
    Case {
        bus: "libmodbus-none",
        unit_id: 1,
        counter: "eastron-sdm120/energy_import/kWh",
        label: "f32 ABCD of another library",
        served: "1 input 72 f32 ABCD 65535.75\n1 input 70 f32 ABCD 60\n",
        shown: "65,535.75 kWh",
    },
    Case {
        bus: "libmodbus-even",
        unit_id: 1,
        counter: "abb-b23/energy_import/kWh",
        label: "u64 of another library, 8E1",
        served: "1 holding 20480 u64 ABCD 98765432109876\n",
        shown: "987,654,321,098.76 kWh",
    },
];

fn values_of(bus: &str) -> String {
    let served = CASES.iter().filter(|case| case.bus == bus);
    served.map(|case| case.served).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_shows_what_the_slave_served() {
    let world = World::start(None).await.unwrap();
    let folder = world.folder();
    let added = world.gateway_page("gateway").await.unwrap();
    let mut meters = Vec::new();
    for case in &CASES {
        let meter = NewMeter {
            label: case.label,
            counter: case.counter.to_owned(),
            unit_id: case.unit_id,
            bus: case.bus,
            locale: "en-US",
            zone: "America/Tijuana",
            from: "2026-11-01",
            cutoff_day: 31,
            price: "1",
            currency: "USD",
            minimum: "0",
            send_hour: 7,
            recipients: &[],
        };
        meters.push(
            portal::add_meter(&world.integrator, &added.path, &meter)
                .await
                .unwrap(),
        );
    }

    let names = ["pymodbus", "libmodbus-none", "libmodbus-even"];
    let mut wires = Vec::new();
    for name in names {
        wires.push(wire(folder, name).await);
    }
    let program = libmodbus(folder, "libmodbus_slave");
    let _slaves = [
        served_by_pymodbus(folder, &wires[0], &values_of(names[0])),
        served_by_libmodbus(&program, &wires[1], "N", &values_of(names[1])),
        served_by_libmodbus(&program, &wires[2], "E", &values_of(names[2])),
    ];
    let more = ["", "", "parity = 'even'"];
    let buses: Vec<Bus<'_>> = (0..names.len())
        .map(|at| Bus {
            name: names[at],
            port: wires[at].master.clone(),
            more: more[at],
        })
        .collect();
    let mut gateway = world.gateway_on("", &buses, &added.code).await.unwrap();
    gateway.start().unwrap();

    for (case, path) in CASES.iter().zip(&meters) {
        let mut seen = String::new();
        let shown = wait_for(case.label, PATIENCE, async || {
            gateway.running().unwrap().still_runs()?;
            seen = world.integrator.open(path).await?.text();
            Ok(seen.contains(case.shown))
        });
        if let Err(error) = shown.await {
            panic!(
                "{error:#}\n{} is not on {seen}\n{}",
                case.shown,
                gateway.log()
            );
        }
    }
    gateway.stop().await.unwrap();
}
