//! The figures of the gateway in Prometheus' text format, made of its [`Status`]. Pure.
//!
//! Promises: base units; counters count from a start, that of the daemon, of the epoch or of
//! the port, as their help says; what is not known is not there. The gateway opens no port
//! for it: `enervue-gateway metrics` prints it, and `[metrics] file` has it written for the
//! textfile collector of node_exporter.

use common::reading::ClockTrust;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::status::{BusStatus, DeviceStatus, Status};
use crate::uplink::Standing;

type Float = Gauge<f64, std::sync::atomic::AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BusLabels {
    bus: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeviceLabels {
    device: String,
    label: String,
    bus: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Software {
    software: String,
}

/// Everything, as text.
#[must_use]
pub fn exposition(status: &Status) -> String {
    let mut registry = Registry::with_prefix("enervue_gateway");
    let software = Software {
        software: status.software.clone(),
    };
    let build: Family<Software, Gauge> = Family::default();
    build.get_or_create(&software).set(1);
    registry.register("build_info", "Which program this is", build);
    machine(&mut registry, status);
    clock(&mut registry, status);
    buffer(&mut registry, status);
    cloud(&mut registry, status);
    for bus in BUS {
        bus.register(&mut registry, &status.buses);
    }
    for device in DEVICE {
        device.register(&mut registry, &status.devices);
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge: Gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(name, help, gauge);
}

fn thousandths(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Float::default();
    gauge.set(seconds(value));
    registry.register(name, help, gauge);
}

/// Thousandths as a number of wholes.
fn seconds(thousandths: i64) -> f64 {
    Decimal::new(thousandths, 3).to_f64().unwrap_or(f64::NAN)
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let counter: Counter = Counter::default();
    counter.inc_by(value);
    registry.register(name, help, counter);
}

fn machine(registry: &mut Registry, status: &Status) {
    let machine = &status.machine;
    gauge(
        registry,
        "uptime_seconds",
        "Time since the daemon started",
        machine.running_s,
    );
    gauge(
        registry,
        "machine_uptime_seconds",
        "Time since the machine started",
        machine.up_s,
    );
    if machine.disk_bytes > 0 {
        let free = machine.disk_free_bytes;
        gauge(
            registry,
            "disk_free_bytes",
            "Room left on the disk that holds the buffer",
            free,
        );
        gauge(
            registry,
            "disk_size_bytes",
            "All the room on the disk that holds the buffer",
            machine.disk_bytes,
        );
    }
    if let Some(degrees) = machine.temperature_m_c {
        let help = "Temperature of the processor";
        thousandths(registry, "temperature_celsius", help, degrees);
    }
    let problems = u64::try_from(status.problems.len()).unwrap_or(u64::MAX);
    let help = "Things wrong now, as `enervue-gateway status` lists them";
    gauge(registry, "problems", help, problems);
}

fn clock(registry: &mut Registry, status: &Status) {
    let clock = &status.clock;
    gauge(
        registry,
        "clock_trusted",
        "1 when readings are dated by a clock that can be believed, else 0",
        u64::from(clock.trust != ClockTrust::Untrusted),
    );
    thousandths(
        registry,
        "clock_machine_ahead_seconds",
        "How far the machine's clock is ahead of the time that is believed",
        clock.machine_ahead_ms,
    );
}

fn buffer(registry: &mut Registry, status: &Status) {
    let buffer = &status.buffer;
    gauge(
        registry,
        "buffer_waiting_readings",
        "Readings that the cloud has not acknowledged",
        buffer.waiting,
    );
    gauge(
        registry,
        "buffer_kept_readings",
        "Readings held, acknowledged ones included",
        buffer.kept,
    );
    gauge(
        registry,
        "buffer_size_bytes",
        "What the readings take on the disk",
        buffer.bytes,
    );
    gauge(
        registry,
        "buffer_limit_bytes",
        "The most the readings may take on the disk",
        buffer.bytes_max,
    );
    counter(
        registry,
        "buffer_lost_readings",
        "Readings lost in this epoch before the cloud had them",
        buffer.lost,
    );
    counter(
        registry,
        "buffer_damaged_rows",
        "Rows of the buffer found damaged since the daemon started",
        buffer.damaged,
    );
    counter(
        registry,
        "buffer_readings",
        "Readings numbered in this epoch",
        buffer.last_seq,
    );
    counter(
        registry,
        "buffer_rejected_readings",
        "Readings that the cloud refused for good",
        buffer.rejected,
    );
    counter(
        registry,
        "memory_lost_readings",
        "Readings since the daemon started that the disk did not take for too long",
        status.lost,
    );
}

fn cloud(registry: &mut Registry, status: &Status) {
    let connected = status.cloud.standing == Standing::Connected;
    gauge(
        registry,
        "cloud_connected",
        "1 when the cloud took the last batch, else 0",
        u64::from(connected),
    );
    if let Some(at) = status.cloud.last_sync_at {
        thousandths(
            registry,
            "cloud_last_sync_timestamp_seconds",
            "When the cloud last took a batch",
            at.as_millisecond(),
        );
    }
}

/// What is told of each of several.
struct Told<T> {
    name: &'static str,
    help: &'static str,
    value: Value<T>,
}

enum Value<T> {
    Count(fn(&T) -> u64),
    Bool(fn(&T) -> bool),
    Instant(fn(&T) -> Option<jiff::Timestamp>),
}

/// What is labelled.
trait Labelled {
    type Labels: EncodeLabelSet + Clone + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync;
    fn labels(&self) -> Self::Labels;
}

impl Labelled for BusStatus {
    type Labels = BusLabels;
    fn labels(&self) -> BusLabels {
        BusLabels {
            bus: self.name.clone(),
        }
    }
}

impl Labelled for DeviceStatus {
    type Labels = DeviceLabels;
    fn labels(&self) -> DeviceLabels {
        DeviceLabels {
            device: self.id.to_string(),
            label: self.label.clone(),
            bus: self.bus.clone(),
        }
    }
}

impl<T: Labelled> Told<T>
where
    T::Labels: 'static,
{
    fn register(&self, registry: &mut Registry, all: &[T]) {
        match self.value {
            Value::Count(count) => {
                let family: Family<T::Labels, Counter> = Family::default();
                for one in all {
                    family.get_or_create(&one.labels()).inc_by(count(one));
                }
                registry.register(self.name, self.help, family);
            }
            Value::Bool(is_so) => {
                let family: Family<T::Labels, Gauge> = Family::default();
                for one in all {
                    let value = i64::from(is_so(one));
                    family.get_or_create(&one.labels()).set(value);
                }
                registry.register(self.name, self.help, family);
            }
            Value::Instant(at) => {
                let family: Family<T::Labels, Float> = Family::default();
                for one in all {
                    if let Some(at) = at(one) {
                        let value = seconds(at.as_millisecond());
                        family.get_or_create(&one.labels()).set(value);
                    }
                }
                registry.register(self.name, self.help, family);
            }
        }
    }
}

const BUS: [Told<BusStatus>; 7] = [
    Told {
        name: "bus_usable",
        help: "1 when the port is there and no other master speaks on it, else 0",
        value: Value::Bool(|bus| bus.usable),
    },
    Told {
        name: "bus_answers",
        help: "Requests that were answered since the port was opened",
        value: Value::Count(|bus| bus.counts.answers),
    },
    Told {
        name: "bus_faults",
        help: "Requests that were not answered well since the port was opened",
        value: Value::Count(|bus| bus.counts.faults),
    },
    Told {
        name: "bus_late_replies",
        help: "Replies that came after their request was given up since the port was opened",
        value: Value::Count(|bus| bus.counts.late),
    },
    Told {
        name: "bus_stranger_frames",
        help: "Frames of another unit than the one asked since the port was opened",
        value: Value::Count(|bus| bus.counts.strangers),
    },
    Told {
        name: "bus_stray_bytes",
        help: "Bytes of 00 or FF around answers since the port was opened",
        value: Value::Count(|bus| bus.counts.stray_bytes),
    },
    Told {
        name: "bus_unsolicited_bytes",
        help: "Bytes that nobody had asked for since the port was opened",
        value: Value::Count(|bus| bus.counts.unsolicited_bytes),
    },
];

const DEVICE: [Told<DeviceStatus>; 9] = [
    Told {
        name: "device_up",
        help: "1 when the device gave a good billing reading the last time, else 0",
        value: Value::Bool(|device| device.error.is_none() && device.last_good_at.is_some()),
    },
    Told {
        name: "device_last_good_timestamp_seconds",
        help: "When the device last gave a good billing reading",
        value: Value::Instant(|device| device.last_good_at),
    },
    Told {
        name: "device_requests",
        help: "Requests sent to the device since the daemon started",
        value: Value::Count(|device| device.traffic.requests),
    },
    Told {
        name: "device_answers",
        help: "Good answers of the device since the daemon started",
        value: Value::Count(|device| device.traffic.answers),
    },
    Told {
        name: "device_timeouts",
        help: "Requests to the device without an answer in time since the daemon started",
        value: Value::Count(|device| device.traffic.timeouts),
    },
    Told {
        name: "device_damaged_answers",
        help: "Damaged answers of the device since the daemon started",
        value: Value::Count(|device| device.traffic.damaged),
    },
    Told {
        name: "device_exceptions",
        help: "Answers by which the device refused since the daemon started",
        value: Value::Count(|device| device.traffic.exceptions),
    },
    Told {
        name: "device_polls",
        help: "Polls of the device that were answered since the daemon started",
        value: Value::Count(|device| device.answered),
    },
    Told {
        name: "device_failed_polls",
        help: "Polls of the device that came to nothing since the daemon started",
        value: Value::Count(|device| device.failed),
    },
];

#[cfg(test)]
mod tests;
