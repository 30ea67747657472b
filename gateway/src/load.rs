//! What its devices cost a line, before it is switched on. Pure.
//!
//! A request of n registers takes T = (13 + 2n) characters, then the device's turnaround or
//! 3.5 characters, whichever is longer, then the pause before the next request: 3.5
//! characters, or what the profile wants. Lacks: faults, which take their time-outs, and the
//! turnaround of the real devices, for which [`TURNAROUND`] is assumed.

use std::time::Duration;

use common::profile::{Profile, Request};
use serde::{Deserialize, Serialize};

use crate::bus::Timing;
use crate::poll::Requests;
use crate::schedule::{FAILURES_MAX, PROBE_MAX, PROBE_MIN};

/// How long a device is assumed to think before it answers; meters take 20 to 500 ms.
pub const TURNAROUND: Duration = Duration::from_millis(20);
/// How full a line may be: beyond it every fault makes somebody late.
const FULL_PERMILLE: u64 = 800;
/// The baud rates to which a busy line can be raised.
const BAUDS: [u32; 6] = [2_400, 4_800, 9_600, 19_200, 38_400, 115_200];
/// The most devices that have addresses of their own.
const DEVICES_MAX: u64 = 247;
/// Bytes of a request and of its reply beside the registers.
const REQUEST_BYTES: usize = 8;
const REPLY_BYTES: usize = 5;
/// The time over which the cost of a device that has just died is told.
const DEATH: Duration = Duration::from_secs(600);

/// The wire of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// Bits a second.
    pub baud: u32,
    /// Bits of a character.
    pub bits: u32,
}

/// A device and how often it shall be read.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What people call it.
    pub label: &'a str,
    /// Its unit id.
    pub unit_id: u8,
    /// What decodes it.
    pub profile: &'a Profile,
    /// Seconds between two readings of its billing points.
    pub period_s: u32,
}

/// What a line has to carry; as JSON a member of `enervue.bus_plan/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Whether the times are those of a wire that is ours.
    pub wire_is_ours: bool,
    /// The turnaround that is assumed.
    pub turnaround_ms: u64,
    /// Its devices.
    pub devices: Vec<DeviceLoad>,
    /// How much of the time the line is busy, in thousandths.
    pub load_permille: u64,
    /// The shortest common period at which it could carry them, in seconds; `None` when it
    /// cannot at any.
    pub period_least_s: Option<u64>,
    /// How many more devices like these it could carry and stay below 80 %.
    pub more_devices: u64,
    /// What one device costs that does not answer.
    pub dead: DeadLoad,
    /// What to do, in sentences.
    pub advice: Vec<String>,
}

/// What one device costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLoad {
    /// What people call it.
    pub label: String,
    /// Its unit id.
    pub unit_id: u8,
    /// Its profile.
    pub profile: String,
    /// What is asked of it.
    pub requests: Vec<RequestLoad>,
    /// How much of the time the line is busy with it, in thousandths.
    pub load_permille: u64,
}

/// What one request costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLoad {
    /// The Modbus function.
    pub function: u8,
    /// The first register, as in the PDU.
    pub address: u16,
    /// How many.
    pub registers: u16,
    /// The points that need it.
    pub points: Vec<String>,
    /// Seconds between two of them.
    pub every_s: u64,
    /// Bytes both ways.
    pub bytes: usize,
    /// The time that it takes, with the pause before it.
    pub microseconds: u64,
}

/// What a device costs that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLoad {
    /// How long one attempt holds the line: the time-out, and the silence after it.
    pub attempt_ms: u64,
    /// What it takes of the first ten minutes, in thousandths.
    pub first_permille: u64,
    /// What it takes of the time from then on, in thousandths.
    pub lasting_permille: u64,
}

/// What the devices cost the line. Without a wire of ours only requests are told, and the
/// turnaround as their time.
#[must_use]
pub fn load(wire: Option<Wire>, devices: &[Asked<'_>], gauge_period_s: u32) -> Load {
    let timing = wire.map(|wire| Timing::new(wire.baud, wire.bits));
    let costs: Vec<Cost> = devices
        .iter()
        .map(|device| Cost::of(device, timing, gauge_period_s, devices.len() > 1))
        .collect();
    let load = costs.iter().map(Cost::ppm).sum::<u64>();
    let advice = match wire {
        Some(wire) => advice(wire, devices, gauge_period_s, &costs),
        None => Vec::new(),
    };
    Load {
        wire_is_ours: wire.is_some(),
        turnaround_ms: milliseconds(TURNAROUND),
        load_permille: permille(load),
        period_least_s: period_for(1_000, &costs),
        more_devices: more(load, devices.len()),
        dead: dead(devices, timing),
        advice,
        devices: costs.into_iter().map(|cost| cost.load).collect(),
    }
}

/// What one device costs, in microseconds a poll.
struct Cost {
    load: DeviceLoad,
    billing: u64,
    billing_period: u64,
    others: u64,
    others_period: u64,
}

impl Cost {
    fn of(asked: &Asked<'_>, timing: Option<Timing>, gauges_s: u32, has_others: bool) -> Self {
        let profile = asked.profile;
        let period_s = asked.period_s.max(profile.limits.min_poll_s).max(1);
        let Requests { billing, others } = Requests::of(profile);
        let change = Duration::from_millis(profile.limits.unit_change_gap_ms);
        let change = if has_others { change } else { Duration::ZERO };
        let told = |requests: Vec<Request>, every_s: u32, before_first: Duration| {
            let mut pause = before_first;
            let requests = requests.into_iter().map(|request| {
                let gap = Duration::from_millis(profile.limits.request_gap_ms);
                let took = duration(&request, timing, gap.max(std::mem::take(&mut pause)));
                RequestLoad {
                    function: request.table.function(),
                    address: request.address,
                    registers: request.count,
                    points: points(profile, &request),
                    every_s: every_s.into(),
                    bytes: REQUEST_BYTES + REPLY_BYTES + 2 * usize::from(request.count),
                    microseconds: microseconds(took),
                }
            });
            requests.collect::<Vec<_>>()
        };
        let gauges_s = gauges_s.max(period_s);
        let billing = told(billing, period_s, change);
        let others = told(others, gauges_s, Duration::ZERO);
        let sum = |requests: &[RequestLoad]| requests.iter().map(|r| r.microseconds).sum::<u64>();
        // A device that is woken leaves those requests unanswered; one that renews its values
        // is asked twice.
        let unanswered = microseconds(attempt(profile, timing)) * u64::from(profile.wake);
        let renewing = profile.refresh.map_or(0, |_| sum(&billing));
        let mut cost = Self {
            billing: sum(&billing) + unanswered + renewing,
            billing_period: u64::from(period_s) * 1_000_000,
            others: sum(&others),
            others_period: u64::from(gauges_s) * 1_000_000,
            load: DeviceLoad {
                label: asked.label.to_owned(),
                unit_id: asked.unit_id,
                profile: profile.id.clone(),
                requests: billing.into_iter().chain(others).collect(),
                load_permille: 0,
            },
        };
        cost.load.load_permille = permille(cost.ppm());
        cost
    }

    /// The share of the time that it takes, in millionths.
    fn ppm(&self) -> u64 {
        self.billing * 1_000_000 / self.billing_period + self.others_ppm()
    }

    fn others_ppm(&self) -> u64 {
        self.others * 1_000_000 / self.others_period
    }
}

/// How long a request takes with its reply and the pause before it.
fn duration(request: &Request, timing: Option<Timing>, gap: Duration) -> Duration {
    let Some(timing) = timing else {
        return TURNAROUND + gap;
    };
    let bytes = REQUEST_BYTES + REPLY_BYTES + 2 * usize::from(request.count);
    timing.of(bytes) + TURNAROUND.max(timing.silence()) + timing.silence().max(gap)
}

/// How long a request without an answer holds the line.
fn attempt(profile: &Profile, timing: Option<Timing>) -> Duration {
    let timeout = Duration::from_millis(profile.limits.response_timeout_ms);
    let request = timing.map_or(Duration::ZERO, |timing| timing.of(REQUEST_BYTES));
    request + timeout * 2
}

fn points(profile: &Profile, request: &Request) -> Vec<String> {
    let end = |request: &Request| u32::from(request.address) + u32::from(request.count);
    let touches = |run: &Request| {
        run.table == request.table
            && u32::from(run.address) < end(request)
            && u32::from(request.address) < end(run)
    };
    let needed = profile.points.iter();
    let needed = needed.filter(|point| profile.runs(&point.id).iter().any(touches));
    needed.map(|point| point.id.clone()).collect()
}

/// The shortest common period, in seconds, at which the line is busy for so many
/// thousandths.
fn period_for(permille: u64, costs: &[Cost]) -> Option<u64> {
    let polls: u64 = costs.iter().map(|cost| cost.billing).sum();
    let others: u64 = costs.iter().map(Cost::others_ppm).sum();
    let free = (permille * 1_000)
        .checked_sub(others)
        .filter(|ppm| *ppm > 0)?;
    Some((polls.div_ceil(free)).max(1))
}

fn more(load_ppm: u64, devices: usize) -> u64 {
    let devices = u64::try_from(devices).unwrap_or(DEVICES_MAX);
    let free = (FULL_PERMILLE * 1_000).saturating_sub(load_ppm);
    let by_load = (free * devices).checked_div(load_ppm).unwrap_or(0);
    by_load.min(DEVICES_MAX.saturating_sub(devices))
}

fn dead(devices: &[Asked<'_>], timing: Option<Timing>) -> DeadLoad {
    let of = |asked: &Asked<'_>| {
        let attempts = 1 + asked.profile.limits.retries;
        (attempt(asked.profile, timing), attempts)
    };
    let (attempt, attempts) = devices.iter().map(of).max().unwrap_or_default();
    let (mut probes, mut pause, mut at) = (0, PROBE_MIN, PROBE_MIN);
    while at < DEATH {
        probes += 1;
        pause = (pause * 2).min(PROBE_MAX);
        at += pause;
    }
    let first = attempt * (FAILURES_MAX * attempts + probes);
    DeadLoad {
        attempt_ms: milliseconds(attempt),
        first_permille: milliseconds(first) * 1_000 / milliseconds(DEATH),
        lasting_permille: milliseconds(attempt) * 1_000 / milliseconds(PROBE_MAX),
    }
}

fn advice(wire: Wire, devices: &[Asked<'_>], gauges_s: u32, costs: &[Cost]) -> Vec<String> {
    let mut advice = Vec::new();
    let load: u64 = costs.iter().map(Cost::ppm).sum();
    for device in devices {
        let least = device.profile.limits.min_poll_s;
        if device.period_s < least {
            advice.push(format!(
                "{} is read every {least} s and not every {} s: its profile allows no less",
                device.label, device.period_s
            ));
        }
    }
    if permille(load) <= FULL_PERMILLE {
        return advice;
    }
    let mut ways = Vec::new();
    if let Some(period) = period_for(FULL_PERMILLE, costs) {
        ways.push(format!("raise the period to {period} s"));
    }
    let carries = |baud: &u32| {
        let timing = Some(Timing::new(*baud, wire.bits));
        let has_others = devices.len() > 1;
        let cost = |device| Cost::of(device, timing, gauges_s, has_others).ppm();
        permille(devices.iter().map(cost).sum()) <= FULL_PERMILLE
    };
    let faster = BAUDS
        .into_iter()
        .filter(|baud| *baud > wire.baud)
        .find(carries);
    if let Some(baud) = faster {
        ways.push(format!("raise the baud rate to {baud} on every device"));
    }
    if ways.is_empty() {
        ways.push("put some of the devices on a second line".to_owned());
    }
    advice.push(format!(
        "the line would be busy for {}.{} % of the time, and more than {} % leaves no room for \
         faults: {}",
        permille(load) / 10,
        permille(load) % 10,
        FULL_PERMILLE / 10,
        ways.join(" or ")
    ));
    advice
}

fn permille(ppm: u64) -> u64 {
    ppm.div_ceil(1_000)
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
