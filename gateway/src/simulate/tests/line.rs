//! The simulated line, with another master than ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::profile::{Library, Registers, Request, Table};
use tokio_modbus::client::{Context, Reader, rtu};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_serial::SerialStream;

use super::*;
use crate::clock::Clock;

const AT: &str = "2026-06-01T10:00:00Z";
/// Serves the line of [`config`] at a standing instant until the guard is dropped.
fn serve(directory: &Path) -> (tokio::task::JoinHandle<()>, PathBuf) {
    serve_with(directory, |_| {})
}

fn serve_with(
    directory: &Path,
    change: impl FnOnce(&mut LineConfig),
) -> (tokio::task::JoinHandle<()>, PathBuf) {
    let clock_file = directory.join("clock");
    std::fs::write(&clock_file, AT).unwrap();
    let clock = Clock::test(&clock_file).unwrap();
    let path = directory.join("main");
    let mut config = config(&path).line.remove(0);
    change(&mut config);
    let mut line = SimulatedLine::open(&config, &Library::shipped()).unwrap();
    assert_eq!(
        (line.bus(), line.path(), line.meter_count()),
        ("main", path.as_path(), 3)
    );
    (tokio::spawn(async move { line.serve(&clock).await }), path)
}

fn master(path: &Path) -> Context {
    let builder = tokio_serial::new(path.to_string_lossy(), 9600);
    rtu::attach_slave(SerialStream::open(&builder).unwrap(), Slave(1))
}

async fn read(master: &mut Context, unit_id: u8, request: &Request) -> Vec<u16> {
    master.set_slave(Slave(unit_id));
    let words = match request.table {
        Table::Holding => {
            master
                .read_holding_registers(request.address, request.count)
                .await
        }
        Table::Input => {
            master
                .read_input_registers(request.address, request.count)
                .await
        }
    };
    words.unwrap().unwrap()
}

#[tokio::test]
async fn another_master_reads_what_the_meters_hold() {
    let directory = tempfile::tempdir().unwrap();
    let (serving, path) = serve(directory.path());
    let mut master = master(&path);
    let library = Library::shipped();
    let table = [
        (1, "eastron-sdm630", "energy_import"),
        (1, "eastron-sdm630", "power"),
        (2, "pzem-016", "energy_import"),
        (3, "tuf-2000m", "volume"),
    ];
    for (unit_id, profile, point) in table {
        let profile = library.get(profile).unwrap();
        let mut registers = Registers::new();
        for request in profile.requests(&[point]) {
            let words = read(&mut master, unit_id, &request).await;
            registers.insert(&request, &words);
        }
        let read = profile.decode(point, &registers).value.unwrap();
        let meter = &meters()[usize::from(unit_id) - 1];
        assert_eq!(
            read.to_string(),
            shown(meter, point, AT),
            "{point} of unit {unit_id}"
        );
    }
    // The words themselves, by hand: f32 ABCD and u32 CDAB.
    let words = read(&mut master, 1, &request(Table::Input, 0x46, 4)).await;
    let bits = u32::from(words[2]) << 16 | u32::from(words[3]);
    assert_eq!(words[..2], [0x4248, 0]);
    let float = format!("{:.2} kWh", f32::from_bits(bits));
    assert_eq!(float, shown(&meters()[0], "energy_import", AT));
    let words = read(&mut master, 2, &request(Table::Input, 5, 2)).await;
    assert_eq!(words, [0xDA6F, 0x0012], "1,235,567 Wh, low word first");
    serving.abort();
}

fn request(table: Table, address: u16, count: u16) -> Request {
    Request {
        table,
        address,
        count,
    }
}

#[tokio::test]
async fn what_is_not_there_is_an_exception_and_nobody_is_silence() {
    let directory = tempfile::tempdir().unwrap();
    let (serving, path) = serve(directory.path());
    let mut master = master(&path);
    let exception = |outcome: tokio_modbus::Result<Vec<u16>>| outcome.unwrap().unwrap_err();
    assert_eq!(
        exception(master.read_input_registers(0x4C, 2).await),
        tokio_modbus::ExceptionCode::IllegalDataAddress
    );
    assert_eq!(
        exception(master.read_input_registers(0, 81).await),
        tokio_modbus::ExceptionCode::IllegalDataValue
    );
    assert_eq!(
        exception(master.read_holding_registers(0, 2).await),
        tokio_modbus::ExceptionCode::IllegalFunction
    );
    assert_eq!(
        read(&mut master, 1, &request(Table::Input, 0x36, 2)).await,
        [0, 0]
    );
    // Unit 9 is nobody; unit 3 is silent for half a day.
    master.set_slave(Slave(9));
    let waited = tokio::time::timeout(Duration::from_millis(50), master.read_input_registers(0, 1));
    assert!(waited.await.is_err());
    let silent = |at: &str| !meters()[2].answers(at.parse().unwrap());
    assert!(silent("2026-06-03T00:00:00Z") && silent("2026-06-03T11:59:59Z"));
    assert!(!silent("2026-06-02T23:59:59Z") && !silent("2026-06-03T12:00:00Z"));
    serving.abort();
}

#[tokio::test]
async fn a_reply_takes_as_long_as_wire_and_device_need() {
    let directory = tempfile::tempdir().unwrap();
    let (serving, path) = serve_with(directory.path(), |config| {
        config.wire_time = true;
        config.meter[0].delay_ms = 30;
    });
    let mut master = master(&path);
    let begun = std::time::Instant::now();
    read(&mut master, 1, &request(Table::Input, 0x48, 2)).await;
    // 8 bytes and 9 bytes at 9600 8N1 take 17.7 ms; the silence falls into the thinking.
    assert!(begun.elapsed() >= Duration::from_micros(47_700));
    serving.abort();
}

#[tokio::test]
async fn faults_come_by_their_seed_and_are_told_in_the_log() {
    let table = [(3, "every third"), (3, "again"), (4, "others")];
    let mut runs = Vec::new();
    for (seed, what) in table {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("faults");
        let (serving, path) = serve_with(directory.path(), |config| {
            config.faults_log = Some(log.clone());
            config.meter[1].faults = Some(FaultsConfig {
                rate: Decimal::new(5, 1),
                seed,
                kinds: Some(vec![FaultKind::Crc]),
            });
        });
        let mut master = master(&path);
        master.set_slave(Slave(2));
        let mut bad = Vec::new();
        for number in 0..8 {
            let read = master.read_input_registers(0, 1);
            let outcome = tokio::time::timeout(Duration::from_millis(60), read).await;
            if !matches!(outcome, Ok(Ok(Ok(_)))) {
                bad.push(number);
            }
        }
        serving.abort();
        let told = std::fs::read_to_string(&log).unwrap();
        let lines: Vec<serde_json::Value> = told
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["schema"], "enervue.simulate.faults/1", "{what}");
        assert_eq!(lines.len(), 1 + bad.len(), "{what}: {told}");
        assert_eq!(lines[1]["fault"], "crc");
        assert!(
            lines[1]["request"]
                .as_str()
                .unwrap()
                .starts_with("02 04 00 00 00 01")
        );
        runs.push(bad);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn a_foreign_master_and_the_replies_to_it_are_heard() {
    use tokio::io::AsyncReadExt as _;
    let directory = tempfile::tempdir().unwrap();
    let (serving, path) = serve_with(directory.path(), |config| {
        config.foreign_master = Some(ForeignMasterConfig {
            period_ms: 10,
            after_ms: 0,
            unit_ids: Some(vec![2]),
        });
    });
    let builder = tokio_serial::new(path.to_string_lossy(), 9600);
    let mut port = SerialStream::open(&builder).unwrap();
    let mut heard = vec![0; 16];
    port.read_exact(&mut heard).await.unwrap();
    // Each of its requests is followed by the meter's reply.
    let request = slave::take_request(&mut heard.clone()).unwrap();
    assert_eq!(request[..2], [2, 4]);
    assert_eq!(heard[8..11], [2, 4, 2 * request[5]]);
    serving.abort();
}

#[tokio::test]
async fn the_port_can_be_opened_again_and_goes_with_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let (serving, path) = serve(directory.path());
    for _ in 0..5 {
        let mut master = master(&path);
        let words = read(&mut master, 1, &request(Table::Input, 0x46, 2)).await;
        assert_eq!(words, [0x4248, 0]);
    }
    assert!(path.is_symlink());
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(!path.is_symlink(), "the link is gone");

    std::fs::write(&path, "mine").unwrap();
    let refused = SimulatedLine::open(&config(&path).line[0], &Library::shipped()).unwrap_err();
    assert!(
        refused.to_string().contains("choose another path"),
        "{refused}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}
