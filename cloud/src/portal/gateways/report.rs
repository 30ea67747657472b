//! What a gateway said of itself, in words: facts, what is wrong, and how each device answers.

use common::id::DeviceId;
use common::reading::ClockTrust;
use common::sync::{
    BufferReport, BusReport, ClockReport, ClockSource, DeviceTraffic, GatewayReport, MachineReport,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::super::page::Page;
use super::super::table::{Cell, Table, Tone};
use super::{is_online, kind_word, state};
use crate::format::Format;
use crate::site::{Gateway, Zone};
use crate::store::devices::ServedDevice;
use crate::text::Arg;

/// Room on the disk below which it will soon be full.
const DISK_FREE_LEAST_BYTES: u64 = 200 * 1024 * 1024;
/// At how many thousandths of a degree a Raspberry Pi begins to slow down.
const HOT_M_C: i64 = 80_000;
/// How far a machine's clock may be off before it is said, in milliseconds.
const CLOCK_OFF_MS: u64 = 2_000;

/// What stands in the card at the top.
pub(super) fn facts(page: &Page, gateway: &Gateway, zone: &Zone) -> Vec<(String, Cell)> {
    let mut facts = vec![
        (page.t("portal-state"), state(page, gateway)),
        (
            page.t("portal-kind"),
            Cell::text(kind_word(page.text, gateway.kind)),
        ),
    ];
    let Some(report) = &gateway.report else {
        return facts;
    };
    let software = Cell::text(report.software.clone());
    facts.push((page.t("portal-software"), software));
    if let (Some(machine), Some(at)) = (&report.machine, gateway.seen_at) {
        facts.extend(machine_facts(page, machine, at, zone));
    }
    if let Some(clock) = &report.clock {
        facts.push((page.t("portal-clock"), clock_cell(page, clock)));
    }
    let oldest = report.buffer.and_then(|buffer| buffer.oldest_waiting_at);
    let oldest = oldest.filter(|_| report.waiting > 0).map(|at| {
        let (when, ago) = (page.format.date_time(at, zone), page.ago(at));
        let args = [("when", Arg::from(&when)), ("ago", Arg::from(&ago))];
        page.text.with("portal-waiting-since", &args)
    });
    facts.push((
        page.t("portal-waiting"),
        Cell::two(
            count(page.format, report.waiting),
            oldest.unwrap_or_default(),
        ),
    ));
    if let Some(buffer) = &report.buffer {
        facts.push(buffer_fact(page, buffer));
    }
    facts
}

fn machine_facts(
    page: &Page,
    machine: &MachineReport,
    at: Timestamp,
    zone: &Zone,
) -> Vec<(String, Cell)> {
    let since = |seconds: u64| {
        let age = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let since = at.checked_sub(age).unwrap_or(Timestamp::MIN);
        let ago = page.ago(since);
        Cell::two(page.format.date_time(since, zone), ago)
    };
    let mut facts = vec![
        (page.t("portal-running-since"), since(machine.running_s)),
        (page.t("portal-up-since"), since(machine.up_s)),
    ];
    if machine.disk_bytes > 0 {
        let (free, all) = (
            bytes(page.format, machine.disk_free_bytes),
            bytes(page.format, machine.disk_bytes),
        );
        let args = [("free", Arg::from(&free)), ("all", Arg::from(&all))];
        let words = page.text.with("portal-disk-free", &args);
        facts.push((page.t("portal-disk"), Cell::text(words)));
    }
    if let Some(temperature) = machine.temperature_m_c {
        let words = degrees(page.format, temperature);
        facts.push((page.t("portal-temperature"), Cell::text(words)));
    }
    facts
}

fn clock_cell(page: &Page, clock: &ClockReport) -> Cell {
    let source = page.t(match clock.source {
        ClockSource::None => "portal-clock-none",
        ClockSource::Ntp => "portal-clock-ntp",
        ClockSource::Cloud => "portal-clock-cloud",
        ClockSource::Machine => "portal-clock-machine",
        ClockSource::Test => "portal-clock-test",
    });
    let off = clock.machine_ahead_ms.unsigned_abs();
    let small = if off < CLOCK_OFF_MS {
        source
    } else {
        let seconds = count(page.format, off / 1_000);
        let id = if clock.machine_ahead_ms > 0 {
            "portal-clock-ahead"
        } else {
            "portal-clock-behind"
        };
        let off = page.text.with(id, &[("seconds", Arg::from(&seconds))]);
        format!("{source} · {off}")
    };
    let (tone, word) = match clock.trust {
        ClockTrust::Trusted | ClockTrust::Dated => (Tone::Good, "portal-clock-trusted"),
        ClockTrust::Untrusted => (Tone::Warn, "portal-clock-untrusted"),
        ClockTrust::Simulated => (Tone::Warn, "portal-simulated"),
    };
    Cell::state(tone, page.t(word), small)
}

fn buffer_fact(page: &Page, buffer: &BufferReport) -> (String, Cell) {
    let kept = count(page.format, buffer.kept);
    let (used, most) = (
        bytes(page.format, buffer.bytes),
        bytes(page.format, buffer.bytes_max),
    );
    let args = [("used", Arg::from(&used)), ("most", Arg::from(&most))];
    let size = page.text.with("portal-buffer-size", &args);
    (page.t("portal-buffer"), Cell::two(kept, size))
}

/// How many readings were lost and refused, by what the cloud was told with the batches.
pub(super) fn loss_facts(page: &Page, lost: i64, refused: i64) -> [(String, Cell); 2] {
    let few = |number: i64| match u64::try_from(number) {
        Ok(0) | Err(_) => Cell::state(Tone::Good, page.t("portal-none"), ""),
        Ok(number) => Cell::state(Tone::Bad, count(page.format, number), ""),
    };
    [
        (page.t("portal-lost"), few(lost)),
        (page.t("portal-refused"), few(refused)),
    ]
}

/// What is wrong, in plain words, and what to do about it.
pub(super) fn problems(page: &Page, gateway: &Gateway, zone: &Zone) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(at) = gateway.doubled_at {
        let when = page.format.date_time(at, zone);
        let args = [("when", Arg::from(&when))];
        problems.push(page.text.with("portal-doubled-why", &args));
    }
    if let Some(at) = gateway.seen_at.filter(|_| !is_online(gateway, page.now)) {
        let ago = page.ago(at);
        let args = [("ago", Arg::from(&ago))];
        problems.push(page.text.with("portal-gateway-away-why", &args));
    }
    let Some(report) = &gateway.report else {
        return problems;
    };
    for bus in &report.buses {
        if let Some(error) = &bus.error {
            let args = [("bus", Arg::from(&bus.name)), ("error", Arg::from(error))];
            problems.push(page.text.with("portal-bus-error", &args));
        }
    }
    if report
        .clock
        .is_some_and(|clock| clock.trust == ClockTrust::Untrusted)
    {
        problems.push(page.t("portal-clock-untrusted-why"));
    }
    if let Some(machine) = &report.machine {
        if machine.disk_bytes > 0 && machine.disk_free_bytes < DISK_FREE_LEAST_BYTES {
            let free = bytes(page.format, machine.disk_free_bytes);
            let args = [("free", Arg::from(&free))];
            problems.push(page.text.with("portal-disk-why", &args));
        }
        if let Some(hot) = machine.temperature_m_c.filter(|hot| *hot >= HOT_M_C) {
            let degrees = degrees(page.format, hot);
            let args = [("temperature", Arg::from(&degrees))];
            problems.push(page.text.with("portal-hot-why", &args));
        }
    }
    if report
        .buffer
        .is_some_and(|buffer| buffer.began_after_damage)
    {
        problems.push(page.t("portal-damage-why"));
    }
    problems
}

/// The buses with their faults.
pub(super) fn bus_table(page: &Page, report: &GatewayReport) -> Table {
    let row = |bus: &BusReport| {
        let state = match &bus.error {
            Some(error) => Cell::state(Tone::Bad, page.t("portal-bus-down"), error.clone()),
            None => Cell::state(Tone::Good, page.t("portal-bus-up"), ""),
        };
        vec![Cell::two(bus.name.clone(), bus.line.clone()), state]
    };
    Table {
        caption: page.t("portal-buses"),
        columns: vec![page.t("portal-bus"), page.t("portal-state")],
        rows: report.buses.iter().map(row).collect(),
        empty: page.t("portal-buses-empty"),
    }
}

/// What became of the requests to each device; nothing when the gateway does not count them.
pub(super) fn traffic_table(
    page: &Page,
    report: &GatewayReport,
    served: &[ServedDevice],
) -> Option<Table> {
    let traffic = |id: DeviceId| {
        let found = report.devices.iter().find(|one| one.device == id)?;
        found.traffic
    };
    let row = |served: &ServedDevice| {
        let DeviceTraffic {
            requests,
            answers,
            timeouts,
            damaged,
            exceptions,
        } = traffic(served.device.id)?;
        let meter = meter_path(served);
        let mut row = vec![Cell::main(meter, served.label.clone(), "")];
        let counts = [requests, answers, timeouts, damaged, exceptions];
        row.extend(counts.map(|number| Cell::figure(count(page.format, number))));
        Some(row)
    };
    let rows: Vec<_> = served.iter().filter_map(row).collect();
    let columns = [
        "portal-meter",
        "portal-traffic-requests",
        "portal-traffic-answers",
        "portal-traffic-timeouts",
        "portal-traffic-damaged",
        "portal-traffic-exceptions",
    ];
    (!rows.is_empty()).then(|| Table {
        caption: page.t("portal-traffic"),
        columns: columns.map(|id| page.t(id)).into(),
        rows,
        empty: String::new(),
    })
}

/// Where the meter is that a device serves.
pub(super) fn meter_path(served: &ServedDevice) -> String {
    let mounting = served.mountings.first();
    mounting.map_or_else(String::new, |one| format!("/meters/{}", one.meter))
}

/// How a device answers.
pub(super) fn device_state(page: &Page, report: Option<&GatewayReport>, device: DeviceId) -> Cell {
    let devices = report
        .map(|report| report.devices.as_slice())
        .unwrap_or_default();
    let Some(found) = devices.iter().find(|one| one.device == device) else {
        return Cell::state(Tone::Quiet, page.t("portal-device-unknown"), "");
    };
    let age = found.last_good_at.map_or(String::new(), |at| page.ago(at));
    match &found.error {
        Some(error) => Cell::state(Tone::Bad, page.t("portal-device-silent"), error.clone()),
        None => Cell::state(Tone::Good, page.t("portal-device-answers"), age),
    }
}

/// A count with its digits grouped.
pub(super) fn count(format: Format, number: u64) -> String {
    format.decimal(Decimal::from(number))
}

/// A size in the unit that says it, to a tenth.
fn bytes(format: Format, bytes: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let step = STEPS.iter().find(|(size, _)| bytes >= *size);
    let (size, unit) = step.copied().unwrap_or((1, "B"));
    let tenths = u128::from(bytes) * 10 / u128::from(size);
    let tenths = Decimal::new(i64::try_from(tenths).unwrap_or(i64::MAX), 1).normalize();
    format!("{} {unit}", format.decimal(tenths))
}

fn degrees(format: Format, m_c: i64) -> String {
    format!("{} °C", format.decimal(Decimal::new(m_c / 100, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_in_the_unit_that_says_them() {
        let table = [
            (0, "0 B"),
            (1_023, "1,023 B"),
            (1_536, "1.5 KiB"),
            (268_435_456, "256 MiB"),
            (31_000_000_000, "28.8 GiB"),
            (u64::MAX, "17,179,869,183.9 GiB"),
        ];
        let format = Format::new("en-US".parse().unwrap());
        for (size, expected) in table {
            assert_eq!(bytes(format, size), expected);
        }
        assert_eq!(degrees(format, 48_312), "48.3 °C");
    }
}
