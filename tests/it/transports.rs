//! Lines over TCP: what pymodbus serves as Modbus TCP and as RTU over TCP is what the gateway
//! holds, to the last digit, without a cloud.

use std::collections::BTreeMap;
use std::path::Path;

use tests::process::{PATIENCE, Running, run, wait_for};
use tests::program::{Programs, workspace};

use crate::outside::python;

/// A bus: its scheme, what is served on it, and what must be held, by point and unit.
struct Case {
    scheme: &'static str,
    served: &'static str,
    devices: [(u8, &'static str); 2],
    held: [(&'static str, &'static str, &'static str); 2],
}

const CASES: [Case; 2] = [
    Case {
        scheme: "tcp",
        served: "1 input 72 f32 ABCD 65535.75\n1 input 70 f32 ABCD 60\n\
                 2 holding 20480 u64 ABCD 12345678901234\n",
        devices: [(1, "eastron-sdm120"), (2, "abb-b23")],
        held: [
            ("eastron-sdm120", "65535.75", "kWh"),
            ("abb-b23", "123456789012.34", "kWh"),
        ],
    },
    Case {
        scheme: "rtu+tcp",
        served: "1 input 52 i32 CDAB 2147483646\n\
                 2 holding 10 u32 ABCD 1234567\n2 holding 12 u16 ABCD 2300\n",
        devices: [(1, "carlo-gavazzi-em340"), (2, "hiking-dds238-2")],
        held: [
            ("carlo-gavazzi-em340", "214748364.6", "kWh"),
            ("hiking-dds238-2", "12345.67", "kWh"),
        ],
    },
];

/// Starts a server for `case` and says at which port it listens.
async fn serve(folder: &Path, case: &Case) -> (Running, u16) {
    let values = folder.join(format!("{}-values", case.scheme));
    std::fs::write(&values, case.served).unwrap();
    let script = workspace().join("tests/slaves/pymodbus_slave.py");
    let (script, values) = (script.display().to_string(), values.display().to_string());
    let arguments = [script.as_str(), case.scheme, values.as_str()];
    let log = folder.join(format!("{}.log", case.scheme));
    let mut running = Running::start(&python(), &arguments, &log).unwrap();
    let mut port = 0;
    wait_for("pymodbus", PATIENCE, async || {
        running.still_runs()?;
        let printed = std::fs::read_to_string(&log)?;
        port = printed
            .lines()
            .find_map(|line| line.parse().ok())
            .unwrap_or(0);
        Ok(port > 0)
    })
    .await
    .unwrap();
    (running, port)
}

fn settings(folder: &Path, ports: &[u16]) -> String {
    let folder = folder.display();
    let mut text = format!(
        "data_dir = '{folder}/data'\nsocket = '{folder}/socket'\n\
         profile_dir = '{folder}/profiles'\nzone = 'America/Tijuana'\n\
         [poll]\nbilling_period_s = 1\n"
    );
    for (case, port) in CASES.iter().zip(ports) {
        let scheme = case.scheme;
        text += &format!(
            "[[bus]]\nname = '{scheme}'\nport = '{scheme}://127.0.0.1:{port}'\nlisten_first_s = 0\n"
        );
        for (unit_id, profile) in case.devices {
            text += &format!(
                "[[bus.device]]\nunit_id = {unit_id}\nprofile = '{profile}'\nlabel = '{profile}'\n"
            );
        }
    }
    text
}

/// The good values that are held, by profile; a counter that does not move has one.
fn held(export: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut held = BTreeMap::<String, Vec<_>>::new();
    for line in export.lines() {
        let reading: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| reading[key].as_str().unwrap_or_default().to_owned();
        if text("point") == "energy_import" {
            assert_eq!(text("quality"), "good", "{line}");
            let profile = text("profile");
            let profile = profile.split('@').next().unwrap_or_default().to_owned();
            let values = held.entry(profile).or_default();
            let value = (text("value"), text("unit"));
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_over_tcp_is_what_the_gateway_holds() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut servers, mut ports) = (Vec::new(), Vec::new());
    for case in &CASES {
        let (server, port) = serve(folder, case).await;
        servers.push(server);
        ports.push(port);
    }
    let file = folder.join("gateway.toml");
    std::fs::write(&file, settings(folder, &ports)).unwrap();
    let config = file.display().to_string();
    let program = &Programs::get().unwrap().gateway;
    let log = folder.join("gateway.log");
    let mut gateway = Running::start(program, &["run", "--config", &config], &log).unwrap();

    let expected: BTreeMap<String, Vec<(String, String)>> = CASES
        .iter()
        .flat_map(|case| case.held)
        .map(|(profile, value, unit)| {
            (
                profile.to_owned(),
                vec![(value.to_owned(), unit.to_owned())],
            )
        })
        .collect();
    let mut seen = BTreeMap::new();
    let shown = wait_for("readings of both lines", PATIENCE, async || {
        gateway.still_runs()?;
        let asked = ["buffer", "export", "--json", "--config", &config];
        let export = run(program, &asked).await?;
        seen = held(&export.ok().unwrap_or_default());
        Ok(seen == expected)
    });
    if let Err(error) = shown.await {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        panic!("{error:#}\n{seen:?}\n{log}");
    }
}
