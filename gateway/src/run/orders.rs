//! What the cloud may have done here: a device read now, or everything looked at afresh.
//!
//! Promises: all of it is reading, between two of the pollers' requests; nothing is written to
//! a meter. What is found is told in the words that the command line uses.

use std::time::Duration;

use common::id::DeviceId;
use common::sync::{Device, Order, ResultLine};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::answers::{Facts, Line, ReadArguments};
use crate::config::Mode;
use crate::failure::{Exit, Failure};
use crate::identity::ShownKey;
use crate::poll::once::{self, ShownPoint};
use crate::status::Status;
use crate::uplink::Standing;

/// How long the devices of a line are asked for a diagnosis; a line has 247 at most, and a
/// silent one costs a second.
const PROBES_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a change of the key may take: three requests to a slow cloud.
const KEY_TIME_MAX: Duration = Duration::from_secs(100);

impl Facts {
    /// Does what the cloud asks; tells what was found, or in one sentence what went wrong.
    pub(super) async fn obey(&self, order: Order) -> Result<Vec<ResultLine>, String> {
        match order {
            Order::Read { device } => self.read_now(device).await,
            Order::Diagnose => {
                let status = self.status().await.map_err(|failure| sentence(&failure))?;
                let mut lines = about_gateway(&status);
                lines.extend(self.probe_all(&status).await);
                Ok(lines)
            }
            Order::ChangeKey => Err("the key is changed by the uplink".to_owned()),
            Order::Unknown => Err(
                "this gateway does not know the order: it is older than the cloud; update it"
                    .to_owned(),
            ),
        }
    }

    /// Reads all points of a device, shows them, and has the poller keep a reading of them.
    async fn read_now(&self, id: DeviceId) -> Result<Vec<ResultLine>, String> {
        let listing = self.listing.borrow().clone();
        let refused = listing
            .sorted
            .refused
            .iter()
            .find(|report| report.device == id);
        if let Some(error) = refused.and_then(|report| report.error.clone()) {
            return Err(error);
        }
        let device = listing.sorted.usable.iter().find(|device| device.id == id);
        let Some(device) = device else {
            return Err(
                "this gateway has no such device yet: it takes a new list with its next batch"
                    .to_owned(),
            );
        };
        let asked = ReadArguments {
            bus: device.bus.clone(),
            unit_id: device.unit_id,
            profile: device.profile.clone(),
        };
        let shown = self
            .read(asked)
            .await
            .map_err(|failure| sentence(&failure))?;
        let lines = self.lines.iter();
        for line in lines.filter(|line| line.poller.bus().name() == device.bus) {
            line.poller.want(id);
        }
        Ok(shown.points.into_iter().map(point_line).collect())
    }

    /// Asks every device once, all lines at the same time.
    async fn probe_all(&self, status: &Status) -> Vec<ResultLine> {
        let mut probing = JoinSet::new();
        for line in self.lines.iter() {
            let facts = self.clone();
            let bus = line.poller.bus().name().to_owned();
            probing.spawn(async move { facts.probe_line(&bus).await });
        }
        let mut lines = Vec::new();
        while let Some(probed) = probing.join_next().await {
            lines.extend(probed.unwrap_or_default());
        }
        let place = |id: DeviceId| status.devices.iter().position(|device| device.id == id);
        lines.sort_by_key(|(id, _)| place(*id));
        let refused = status
            .devices
            .iter()
            .filter(|device| lines.iter().all(|(id, _)| *id != device.id));
        let refused: Vec<_> = refused
            .map(|device| ResultLine {
                name: device.label.clone(),
                value: "not read".to_owned(),
                error: device.error.clone(),
            })
            .collect();
        lines
            .into_iter()
            .map(|(_, line)| line)
            .chain(refused)
            .collect()
    }

    /// Asks every device of a bus once.
    async fn probe_line(&self, bus: &str) -> Vec<(DeviceId, ResultLine)> {
        let Some(line) = self
            .lines
            .iter()
            .find(|line| line.poller.bus().name() == bus)
        else {
            return Vec::new();
        };
        let devices = self.listing.borrow().sorted.usable.clone();
        let until = Instant::now() + PROBES_TIME_MAX;
        let mut lines = Vec::new();
        for device in devices.iter().filter(|device| device.bus == bus) {
            let told = match Instant::now() < until {
                true => self.probe(line, device).await,
                false => Err("not asked: those before it took all the time".to_owned()),
            };
            let place = format!("unit {} on bus {bus}", device.unit_id);
            let (value, error) = match told {
                Ok(told) => (format!("{place}, {told}"), None),
                Err(error) => (place, Some(error)),
            };
            let name = device.label.clone();
            lines.push((device.id, ResultLine { name, value, error }));
        }
        lines
    }

    async fn probe(&self, line: &Line, device: &Device) -> Result<String, String> {
        let progress = line.poller.progress();
        let state = progress
            .devices
            .get(&device.id)
            .cloned()
            .unwrap_or_default();
        if line.mode == Mode::Listen {
            return match state.error {
                Some(error) => Err(error),
                None => Ok("heard when the other master asks it".to_owned()),
            };
        }
        let Some(profile) = self.library.get(&device.profile) else {
            return Err(format!("there is no profile '{}'", device.profile));
        };
        let took = once::probe(line.poller.bus(), profile, device.unit_id).await;
        let took = took.map_err(|error| error.to_string())?;
        Ok(format!(
            "answered after {} ms; of {} requests {} had no answer, {} a damaged one",
            took.as_millis(),
            state.traffic.requests,
            state.traffic.timeouts,
            state.traffic.damaged,
        ))
    }

    /// Changes the key for a person at this machine; tells the public half of the new one.
    pub(super) async fn change_key(&self) -> Result<ShownKey, Failure> {
        match self.uplink.borrow().standing {
            Standing::NotEnrolled => {
                return Err(Failure::new(Exit::Cloud, "this gateway is not enrolled")
                    .remedy("enervue-gateway enroll URL --code CODE"));
            }
            Standing::Revoked => {
                return Err(
                    Failure::new(Exit::Cloud, "the cloud does not accept this gateway")
                        .remedy("enrol it again with a new code"),
                );
            }
            _ => {}
        }
        let (wish, granted) = oneshot::channel();
        let busy = || {
            Failure::new(
                Exit::Cloud,
                "the key is being changed, or the cloud is away",
            )
        };
        self.wishes.try_send(wish).map_err(|_| busy())?;
        let outcome = timeout(KEY_TIME_MAX, granted).await;
        match outcome {
            Ok(Ok(Ok(shown))) => Ok(shown),
            Ok(Ok(Err(error))) => Err(Failure::new(Exit::Cloud, error)
                .remedy("enervue-gateway status; repeat the command when the cloud is connected")),
            _ => Err(busy()),
        }
    }
}

fn point_line(point: ShownPoint) -> ResultLine {
    let unit = point.unit.map(|unit| unit.symbol()).unwrap_or_default();
    let value = point.value.unwrap_or_else(|| "–".to_owned());
    ResultLine {
        name: point.point,
        value: format!("{value} {unit}").trim_end().to_owned(),
        error: point.error,
    }
}

/// How the gateway and its lines are.
fn about_gateway(status: &Status) -> Vec<ResultLine> {
    let line = |name: &str, value: String| ResultLine {
        name: name.to_owned(),
        value,
        error: None,
    };
    let mut lines = vec![
        line("gateway", status.software.clone()),
        line("machine", status.machine_words()),
        line("disk", status.disk_words()),
        line("clock", status.clock_words()),
        line("buffer", status.buffer_words()),
    ];
    let alarms = status.alarms().into_iter().map(|problem| ResultLine {
        name: "alarm".to_owned(),
        value: String::new(),
        error: Some(problem),
    });
    lines.extend(alarms);
    lines.extend(status.buses.iter().map(|bus| ResultLine {
        name: format!("bus {}", bus.name),
        value: format!("{}: {}", bus.line, bus.counts_words()),
        error: bus.error.clone(),
    }));
    lines
}

/// A failure as one sentence.
fn sentence(failure: &Failure) -> String {
    let more = [&failure.cause, &failure.remedy].into_iter().flatten();
    let more: String = more.map(|text| format!("; {text}")).collect();
    format!("{}{more}", failure.error)
}
