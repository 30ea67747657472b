//! What can be wrong with settings that read well: each fault says what, why and what to do.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use common::profile::Library;
use jiff::tz::TimeZone;

use super::{
    BusConfig, Config, Mode, PortAddress, default_baud, default_parity, default_stop_bits,
};
use crate::profiles;

const UNIT_IDS: RangeInclusive<u8> = 1..=247;
const BAUDS: RangeInclusive<u32> = 300..=921_600;
const STOP_BITS: RangeInclusive<u8> = 1..=2;
/// Longer, and the closing readings after a restart would come too late.
const LISTEN_FIRST_S: RangeInclusive<u32> = 0..=300;
const REOPEN_MAX_S: RangeInclusive<u32> = 1..=600;
const PERIODS_S: RangeInclusive<u32> = 1..=86_400;
const PERIODS_MS: RangeInclusive<u64> = 100..=3_600_000;
const KEEP_DAYS: RangeInclusive<u32> = 1..=3_650;
/// Less holds no day of a large site, more no SD card.
const MAX_MIB: RangeInclusive<u32> = 4..=65_536;
/// Lines of one gateway; more would not be polled in time.
const BUSES_MAX: usize = 16;
/// Characters of a bus's name; it is shown in tables.
const NAME_CHARACTERS_MAX: usize = 40;

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The line of the file, where one can be named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    pub error: String,
    /// Why it is.
    pub cause: String,
    /// What to do.
    pub remedy: String,
    /// Whether the gateway cannot run at all; a fault of one device stops only that.
    pub stops: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.error),
            None => f.write_str(&self.error),
        }
    }
}

struct Checker<'a> {
    text: &'a str,
    library: &'a Library,
    faults: Vec<Fault>,
}

pub(super) fn check(config: &Config, text: &str, library: &Library) -> Vec<Fault> {
    let mut checker = Checker {
        text,
        library,
        faults: Vec::new(),
    };
    checker.figures(config);
    checker.zone(config);
    checker.metrics(config);
    if config.bus.is_empty() || config.bus.len() > BUSES_MAX {
        checker.fault(
            None,
            format!("there are {} [[bus]] tables", config.bus.len()),
            format!("a gateway reads the meters of 1 to {BUSES_MAX} lines"),
            "write one [[bus]] with name and port for each RS-485 line",
        );
    }
    let (mut names, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for (number, bus) in config.bus.iter().enumerate() {
        let line = line_of(text, number, None);
        checker.bus(line, bus);
        if !names.insert(&bus.name) {
            checker.fault(
                line,
                format!("two buses are named '{}'", bus.name),
                "the portal refers to a bus by its name",
                "give each bus a name of its own",
            );
        }
        if !ports.insert(&bus.port) {
            checker.fault(
                line,
                format!("two buses use the port {}", bus.port),
                "one task owns a line; two would talk into each other's requests",
                "make it one bus with all the devices, or correct the port",
            );
        }
        checker.devices(number, bus);
    }
    checker.faults
}

/// The first line that begins with `word`.
fn line_with(text: &str, word: &str) -> Option<usize> {
    let mut lines = text.lines();
    let index = lines.position(|line| line.trim_start().starts_with(word))?;
    Some(index + 1)
}

impl Checker<'_> {
    fn fault(
        &mut self,
        line: Option<usize>,
        error: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.faults.push(Fault {
            line,
            error: error.into(),
            cause: cause.into(),
            remedy: remedy.into(),
            stops: true,
        });
    }

    fn range<T: PartialOrd + fmt::Display>(
        &mut self,
        line: Option<usize>,
        key: &str,
        value: T,
        range: &RangeInclusive<T>,
    ) {
        if !range.contains(&value) {
            let (first, last) = (range.start(), range.end());
            self.fault(
                line,
                format!("{key} is {value}"),
                format!("it must be {first} to {last}"),
                format!("write {key} = a number from {first} to {last}"),
            );
        }
    }

    fn figures(&mut self, config: &Config) {
        let Config {
            poll, sync, buffer, ..
        } = config;
        self.range(
            None,
            "poll.billing_period_s",
            poll.billing_period_s,
            &PERIODS_S,
        );
        self.range(None, "poll.gauge_period_s", poll.gauge_period_s, &PERIODS_S);
        self.range(None, "sync.period_ms", sync.period_ms, &PERIODS_MS);
        self.range(None, "sync.heartbeat_ms", sync.heartbeat_ms, &PERIODS_MS);
        self.range(None, "buffer.keep_days", buffer.keep_days, &KEEP_DAYS);
        self.range(None, "buffer.max_mib", buffer.max_mib, &MAX_MIB);
    }

    fn metrics(&mut self, config: &Config) {
        let Some(file) = &config.metrics.file else {
            return;
        };
        if file.is_absolute() && file.extension().is_some_and(|end| end == "prom") {
            return;
        }
        self.fault(
            line_with(self.text, "file"),
            format!("metrics.file is '{}'", file.display()),
            "node_exporter's textfile collector takes files that end in .prom, in its own \
             directory",
            "write e.g. file = \"/var/lib/prometheus/node-exporter/enervue-gateway.prom\"",
        );
    }

    fn zone(&mut self, config: &Config) {
        let line = line_with(self.text, "zone");
        match &config.zone {
            Some(zone) if TimeZone::get(zone).is_err() => self.fault(
                line,
                format!("there is no time zone '{zone}'"),
                "zones have IANA names, which this machine's tzdata must know",
                "write e.g. zone = \"America/Tijuana\"; `timedatectl list-timezones` lists them",
            ),
            None if config.lists_devices() => self.fault(
                None,
                "zone is missing",
                "the file lists devices, whose days close at the midnights of a zone",
                "write e.g. zone = \"America/Tijuana\" above the first table",
            ),
            _ => {}
        }
    }

    fn bus(&mut self, line: Option<usize>, bus: &BusConfig) {
        if bus.name.trim().is_empty() || bus.name.chars().count() > NAME_CHARACTERS_MAX {
            self.fault(
                line,
                format!("'{}' cannot name a bus", bus.name),
                format!("a name has 1 to {NAME_CHARACTERS_MAX} characters"),
                "write e.g. name = \"main\"",
            );
        }
        self.range(line, "baud", bus.baud, &BAUDS);
        self.range(line, "stop_bits", bus.stop_bits, &STOP_BITS);
        self.range(line, "listen_first_s", bus.listen_first_s, &LISTEN_FIRST_S);
        self.range(line, "reopen_max_s", bus.reopen_max_s, &REOPEN_MAX_S);
        if bus.mode == Mode::Listen && matches!(bus.port, PortAddress::ModbusTcp(_)) {
            self.fault(
                line,
                format!("nothing can be heard on bus '{}'", bus.name),
                "Modbus TCP is a connection of our own, on which no other master speaks",
                "write mode = \"poll\": a device on TCP answers several masters",
            );
        }
        self.serial_settings(line, bus);
    }

    /// Settings of a serial line where there is none are harmless, and a misunderstanding.
    fn serial_settings(&mut self, line: Option<usize>, bus: &BusConfig) {
        let as_by_default = (bus.baud, bus.parity, bus.stop_bits)
            == (default_baud(), default_parity(), default_stop_bits());
        if as_by_default || !matches!(bus.port, PortAddress::ModbusTcp(_)) {
            return;
        }
        self.faults.push(Fault {
            line,
            error: format!("bus '{}' has settings of a serial line", bus.name),
            cause: "baud, parity and stop_bits mean nothing on the way to a Modbus TCP server, \
                    which has those of its own line"
                .to_owned(),
            remedy: "delete them here; for a serial server write port = \"rtu+tcp://…\"".to_owned(),
            stops: false,
        });
    }

    fn devices(&mut self, bus_number: usize, bus: &BusConfig) {
        let before = self.faults.len();
        let mut unit_ids = BTreeSet::new();
        for (number, device) in bus.device.iter().enumerate() {
            let line = line_of(self.text, bus_number, Some(number));
            self.range(line, "unit_id", device.unit_id, &UNIT_IDS);
            if !unit_ids.insert(device.unit_id) {
                self.fault(
                    line,
                    format!(
                        "two devices on bus '{}' have unit id {}",
                        bus.name, device.unit_id
                    ),
                    "both would answer at once and garble each other",
                    "give one of the meters another unit id, on the meter and here",
                );
            }
            if self.library.get(&device.profile).is_none() {
                self.fault(
                    line,
                    format!("there is no profile '{}'", device.profile),
                    "it is neither among those shipped nor in profile_dir",
                    profiles::advice(self.library, &device.profile),
                );
            }
            if device.label.trim().is_empty() {
                self.fault(
                    line,
                    format!("the device with unit id {} has no label", device.unit_id),
                    "people tell meters apart by it",
                    "write e.g. label = \"Local 101\"",
                );
            }
        }
        for fault in self.faults.iter_mut().skip(before) {
            fault.stops = false;
        }
    }
}

/// The line, counted from 1, on which a `[[bus]]` or one of its devices begins.
fn line_of(text: &str, bus: usize, device: Option<usize>) -> Option<usize> {
    let starts = |header: &'static str| {
        let lines = text.lines().enumerate();
        lines
            .filter(move |(_, line)| line.trim_start().starts_with(header))
            .map(|(index, _)| index + 1)
    };
    let bus_line = starts("[[bus]]").nth(bus)?;
    match device {
        None => Some(bus_line),
        Some(number) => starts("[[bus.device]]")
            .filter(|line| *line > bus_line)
            .nth(number),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::config::DEFAULT_FILE;

    static LIBRARY: LazyLock<Library> = LazyLock::new(Library::shipped);

    fn faults(text: &str) -> Vec<Fault> {
        let config = Config::parse(text, []).unwrap();
        config.check(text, &LIBRARY)
    }

    #[test]
    fn the_default_file_documents_the_defaults() {
        let config = Config::parse(DEFAULT_FILE, []).unwrap();
        assert_eq!(faults(DEFAULT_FILE), []);
        assert_eq!(config.bus.len(), 1);
        let expected = Config {
            bus: config.bus.clone(),
            ..Config::default()
        };
        assert_eq!(config, expected);
        // What it shows as a comment is right as well.
        let uncommented: String = DEFAULT_FILE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.contains(" = ") || rest.starts_with("[[") => rest,
                _ => line,
            })
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(faults(&uncommented), []);
        assert!(Config::parse(&uncommented, []).unwrap().lists_devices());
    }

    #[test]
    fn figures_go_where_the_collector_looks() {
        let bus = "[[bus]]\nname = 'a'\nport = '/dev/ttyUSB0'\n";
        let with = |file: &str| faults(&format!("[metrics]\nfile = '{file}'\n{bus}"));
        assert_eq!(with("/var/lib/x/gateway.prom"), []);
        for file in ["/var/lib/x/gateway.txt", "gateway.prom"] {
            let found = with(file);
            assert_eq!((found.len(), found[0].line), (1, Some(2)), "{found:?}");
        }
    }

    #[test]
    fn each_fault_is_found_with_its_line_and_a_remedy() {
        let bus = "[[bus]]\nname = 'a'\nport = '/dev/ttyUSB0'\n";
        let device = "[[bus.device]]\nunit_id = 1\nprofile = 'eastron-sdm120'\nlabel = 'x'\n";
        let zone = "zone = 'America/Tijuana'\n";
        let second = "[[bus]]\nname = 'b'\nport = '/dev/ttyUSB1'\n";
        assert_eq!(faults(&format!("{bus}{second}")), []);
        let table = [
            (String::new(), None, "[[bus]]"),
            (
                format!("{bus}{}", second.replace("'b'", "'a'")),
                Some(4),
                "named 'a'",
            ),
            (
                format!("{bus}{}", bus.replace("'a'", "'b'")),
                Some(4),
                "use the port",
            ),
            (bus.replace("'a'", "' '"), Some(1), "cannot name"),
            (format!("{bus}baud = 5\n"), Some(1), "baud is 5"),
            (format!("{bus}stop_bits = 3\n"), Some(1), "stop_bits is 3"),
            (
                format!("{bus}[poll]\nbilling_period_s = 0\n"),
                None,
                "billing_period_s is 0",
            ),
            (
                format!("{bus}[sync]\nperiod_ms = 1\n"),
                None,
                "period_ms is 1",
            ),
            (
                format!("{bus}[buffer]\nkeep_days = 0\n"),
                None,
                "keep_days is 0",
            ),
            (
                format!("zone = 'Mars/Olympus'\n{bus}"),
                Some(1),
                "Mars/Olympus",
            ),
            (format!("{bus}{device}"), None, "zone is missing"),
            (format!("{zone}{bus}{device}{device}"), Some(9), "unit id 1"),
            (
                format!("{zone}{bus}{}", device.replace("= 1", "= 248")),
                Some(5),
                "unit_id is 248",
            ),
            (
                format!("{zone}{bus}{}", device.replace("120", "999")),
                Some(5),
                "no profile",
            ),
            (
                format!("{zone}{bus}{}", device.replace("'x'", "''")),
                Some(5),
                "no label",
            ),
        ];
        for (text, line, what) in table {
            let found = faults(&text);
            assert_eq!(found.len(), 1, "{text}\n{found:?}");
            assert!(found[0].error.contains(what), "{text}\n{found:?}");
            assert_eq!(found[0].line, line, "{text}");
            let of_device = text.contains("[[bus.device]]") && text.contains("zone");
            assert_eq!(found[0].stops, !of_device, "{text}");
        }
    }

    #[test]
    fn on_a_connection_of_our_own_nobody_else_is_heard() {
        let text = "[[bus]]\nname = 'a'\nport = 'tcp://10.0.0.5:502'\nmode = 'listen'\n";
        let found = faults(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].error.contains("nothing can be heard"));
        let line = text.replace("tcp://", "rtu+tcp://");
        assert_eq!(faults(&line), []);
        let manner = |text: &str| Config::parse(text, []).unwrap().bus[0].manner();
        assert_eq!(manner(text).listen_first.as_secs(), 0);
        assert_eq!(manner(&line).listen_first.as_secs(), 10);
    }

    #[test]
    fn a_line_is_heard_and_looked_for_within_limits() {
        for (key, value) in [("listen_first_s", 301), ("reopen_max_s", 0)] {
            let text = format!("[[bus]]\nname = 'a'\nport = '/d'\n{key} = {value}\n");
            let found = faults(&text);
            assert_eq!(found.len(), 1, "{text}\n{found:?}");
            assert_eq!(found[0].error, format!("{key} is {value}"));
        }
    }

    #[test]
    fn settings_of_a_serial_line_are_noted_where_they_mean_nothing() {
        let bus = |port: &str| format!("[[bus]]\nname = 'a'\nport = '{port}'\nbaud = 19200\n");
        let found = faults(&bus("tcp://10.0.0.5:502"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].cause.contains("mean nothing") && !found[0].stops);
        assert_eq!(faults(&bus("rtu+tcp://10.0.0.5:4001")), []);
        let without = bus("tcp://10.0.0.5:502").replace("baud = 19200\n", "");
        assert_eq!(faults(&without), []);
    }

    #[test]
    fn what_does_not_read_is_refused_by_name() {
        for (text, what) in [
            ("[[bus]]\nname = 'a'\nport = 'ttyUSB0'\n", "by-id"),
            ("[[bus]]\nname = 'a'\nport = 'tcp://x'\n", "10.0.0.5:502"),
            (
                "[[bus]]\nname = 'a'\nport = '/d'\nparity = 'mark'\n",
                "mark",
            ),
            ("[[bus]]\nname = 'a'\nport = '/d'\nmode = 'hear'\n", "hear"),
            (
                "[[bus]]\nname = 'a'\nport = '/d'\n[[bus.device]]\nunit_id = 300\n",
                "300",
            ),
            ("dat_dir = '/x'\n", "dat_dir"),
        ] {
            let error = Config::parse(text, []).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
