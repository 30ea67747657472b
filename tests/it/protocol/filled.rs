//! Every member of every type of the protocol, filled: one that is added does not compile
//! until it stands here, and then its schema lacks it.

use common::digest::{Digest, Signature};
use common::id::{BootId, CommandId, DeviceId, Epoch, GatewayId, MeterId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::seal::{Head, Seal};
use common::sync::{
    Batch, BatchReply, BufferReport, BusReport, ClockReport, ClockSource, Closing, Command,
    CommandList, CommandResult, Device, DeviceList, DeviceMounting, DeviceReport, DeviceTraffic,
    EnrolReply, EnrolRequest, GatewayReport, HeldReading, KeyReply, KeyRequest, Loss, LossReason,
    MachineReport, Order, Problem, ProblemCode, Rejection, RejectionCode, ResultLine, Weight,
};
use common::unit::Unit;

const SIGNATURE: Signature = Signature([7; 64]);

fn at() -> jiff::Timestamp {
    "2026-11-24T08:00:00.25Z".parse().unwrap()
}

fn text() -> String {
    "x".to_owned()
}

pub(super) fn enrol_request() -> EnrolRequest {
    EnrolRequest {
        code: text(),
        public_key: text(),
        host: text(),
        software: text(),
        protocols: vec![1],
    }
}

pub(super) fn enrol_reply() -> EnrolReply {
    EnrolReply {
        gateway: GatewayId(1),
        token: text(),
        gateway_name: text(),
        site_name: text(),
        account_name: text(),
        protocol: 1,
    }
}

pub(super) fn device_list() -> DeviceList {
    let mounting = DeviceMounting {
        meter: MeterId(1),
        point: text(),
        from: at(),
        head: Head::default(),
    };
    let device = Device {
        id: DeviceId(1),
        label: text(),
        profile: text(),
        bus: text(),
        unit_id: 1,
        poll_period_s: 60,
        zone: text(),
        closings: vec![Closing {
            closes: jiff::civil::date(2026, 11, 24).into(),
            at: at(),
        }],
        mountings: vec![mounting],
    };
    DeviceList {
        version: text(),
        devices: vec![device],
    }
}

fn report() -> GatewayReport {
    GatewayReport {
        at: at(),
        software: text(),
        settled_through: at(),
        waiting: 1,
        devices_version: Some(text()),
        buses: vec![BusReport {
            name: text(),
            line: text(),
            error: Some(text()),
        }],
        devices: vec![DeviceReport {
            device: DeviceId(1),
            last_good_at: Some(at()),
            error: Some(text()),
            traffic: Some(DeviceTraffic {
                requests: 1,
                answers: 1,
                timeouts: 1,
                damaged: 1,
                exceptions: 1,
            }),
        }],
        clock: Some(ClockReport {
            trust: ClockTrust::Trusted,
            source: ClockSource::Ntp,
            machine_ahead_ms: 1,
        }),
        machine: Some(MachineReport {
            boot: Some(BootId(1)),
            up_s: 1,
            running_s: 1,
            disk_free_bytes: 1,
            disk_bytes: 1,
            temperature_m_c: Some(1),
        }),
        buffer: Some(BufferReport {
            kept: 1,
            bytes: 1,
            bytes_max: 1,
            lost: 1,
            rejected: 1,
            oldest_waiting_at: Some(at()),
            began_after_damage: true,
        }),
    }
}

pub(super) fn batch() -> Batch {
    let reading = Reading {
        seq: 1,
        at: at(),
        clock: ClockTrust::Trusted,
        since_boot: Some(SinceBoot {
            boot: BootId(1),
            elapsed_ms: 1,
        }),
        device: DeviceId(1),
        point: text(),
        quantity: Quantity::from_count(1, 0, Unit::KiloWh).ok(),
        suspect: Some(text()),
        raw: text(),
        profile: text(),
        closes: Some(jiff::civil::date(2026, 11, 24).into()),
        seal: Some(Seal {
            meter: MeterId(1),
            link: 1,
            previous: Digest::default(),
            signature: SIGNATURE,
        }),
    };
    let loss = Loss {
        first: 2,
        last: 3,
        reason: LossReason::Size,
        gravest: Weight::Gauge,
        from: Some(at()),
        until: Some(at()),
        devices: vec![DeviceId(1)],
        signature: SIGNATURE,
    };
    Batch {
        protocol: 1,
        epoch: Epoch(1),
        readings: vec![reading],
        losses: vec![loss],
        report: report(),
    }
}

pub(super) fn batch_reply() -> BatchReply {
    BatchReply {
        acknowledged_through: 1,
        last_kept: Some(HeldReading {
            seq: 1,
            digest: Digest::default(),
        }),
        rejected: vec![Rejection {
            seq: 1,
            code: RejectionCode::Conflict,
            reason: text(),
        }],
        devices_version: text(),
        now: Some(at()),
    }
}

pub(super) fn commands() -> CommandList {
    let order = Order::Read {
        device: DeviceId(1),
    };
    let id = CommandId(1);
    CommandList {
        commands: vec![Command { id, order }],
    }
}

pub(super) fn command_result() -> CommandResult {
    let line = ResultLine {
        name: text(),
        value: text(),
        error: Some(text()),
    };
    CommandResult {
        at: at(),
        error: Some(text()),
        lines: vec![line],
    }
}

pub(super) fn key_request() -> KeyRequest {
    KeyRequest {
        public_key: text(),
        signature: SIGNATURE,
    }
}

pub(super) fn key_reply() -> KeyReply {
    KeyReply { token: text() }
}

pub(super) fn problem() -> Problem {
    Problem {
        code: ProblemCode::Hole,
        error: text(),
        hint: text(),
        resend_from: Some(1),
        protocols: vec![1],
    }
}
