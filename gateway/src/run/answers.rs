//! What the daemon answers on its control socket, and what it tells the cloud about itself:
//! the same facts, gathered in one place.

use std::path::PathBuf;
use std::sync::Arc;

use common::id::Epoch;
use common::profile::Library;
use common::reading::Reading;
use common::sync::{BusReport, DeviceReport, GatewayReport, MachineReport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::listing::Listing;
use crate::buffer::BufferHandle;
use crate::clock::Clock;
use crate::config::Mode;
use crate::control::Request;
use crate::failure::{Exit, Failure};
use crate::listen::heard::{self, HeardReport};
use crate::machine;
use crate::poll::once::{self, Shown};
use crate::poll::{DeviceState, Poller};
use crate::profiles;
use crate::status::{BusStatus, DeviceStatus, Status};
use crate::uplink::commands::KeyWish;
use crate::uplink::{SOFTWARE, UplinkStatus};

/// The most readings of one answer: some 300 bytes each, far from a reply's limit.
const READINGS_MAX: usize = 1_000;

/// A bus that is polled.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) poller: Poller,
    /// Its port and link, e.g. `/dev/ttyUSB0 9600 8N1`.
    pub(super) port: String,
    /// Whether this gateway is its master.
    pub(super) mode: Mode,
}

/// Which device shall be read once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadArguments {
    /// The bus it is on.
    pub bus: String,
    /// Its unit id.
    pub unit_id: u8,
    /// The profile that decodes it.
    pub profile: String,
}

/// Readings of the buffer, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingsPage {
    /// The epoch that numbers them.
    pub epoch: Epoch,
    /// The readings.
    pub readings: Vec<Reading>,
}

/// Which readings are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingsArguments {
    /// Those after this number.
    pub after: u64,
    /// At most so many.
    pub max: usize,
}

/// Everything that can be asked about the running gateway.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) started: Instant,
    pub(super) clock: Clock,
    pub(super) buffer: BufferHandle,
    pub(super) library: Arc<Library>,
    pub(super) lines: Arc<[Line]>,
    pub(super) listing: watch::Receiver<Listing>,
    pub(super) uplink: watch::Receiver<UplinkStatus>,
    /// Where the buffer is, whose disk is reported.
    pub(super) directory: PathBuf,
    /// Takes wishes for another key to the uplink.
    pub(super) wishes: mpsc::Sender<KeyWish>,
}

impl Facts {
    /// Answers a request of the command line.
    pub(super) async fn answer(&self, request: Request) -> Result<Value, Failure> {
        match request.command.as_str() {
            "status" => Ok(serde_json::to_value(self.status().await?)?),
            "heard" => Ok(serde_json::to_value(self.heard())?),
            "read" => {
                let asked = serde_json::from_value(request.arguments)?;
                Ok(serde_json::to_value(self.read(asked).await?)?)
            }
            "key change" => Ok(serde_json::to_value(self.change_key().await?)?),
            "buffer status" => Ok(serde_json::to_value(self.buffer.status().await?)?),
            "buffer readings" => {
                let asked: ReadingsArguments = serde_json::from_value(request.arguments)?;
                let max = asked.max.min(READINGS_MAX);
                let readings = self.buffer.read_after(asked.after, max).await?;
                let epoch = self.buffer.epoch();
                Ok(serde_json::to_value(ReadingsPage { epoch, readings })?)
            }
            other => Err(
                Failure::new(Exit::Usage, format!("the daemon knows no '{other}'"))
                    .because("it is of another version than this command")
                    .remedy("sudo systemctl restart enervue-gateway"),
            ),
        }
    }

    /// What the cloud is told. What it says is settled is in the buffer already.
    pub(super) fn report(&self) -> GatewayReport {
        let settled = self
            .lines
            .iter()
            .map(|line| line.poller.progress().settled_through);
        let settled_through = settled.min().unwrap_or(Timestamp::MIN);
        GatewayReport {
            settled_through,
            at: self.clock.now(),
            software: SOFTWARE.to_owned(),
            waiting: 0,
            devices_version: None,
            buses: self.buses(),
            devices: self.devices(),
            clock: Some(self.clock.report()),
            machine: Some(self.machine()),
            buffer: None,
        }
    }

    fn machine(&self) -> MachineReport {
        machine::report(self.clock.boot(), &self.directory, self.started.elapsed())
    }

    /// Reads one device once, between two of the poller's requests.
    pub(super) async fn read(&self, asked: ReadArguments) -> Result<Shown, Failure> {
        let known = |line: &&Line| line.poller.bus().name() == asked.bus;
        let Some(line) = self.lines.iter().find(known) else {
            let names = self.lines.iter().map(|line| line.poller.bus().name());
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(
                Failure::new(Exit::Usage, format!("there is no bus '{}'", asked.bus))
                    .because(format!("this gateway's buses are: {names}")),
            );
        };
        let Some(profile) = self.library.get(&asked.profile) else {
            let error = format!("there is no profile '{}'", asked.profile);
            return Err(Failure::new(Exit::Usage, error)
                .because("the daemon knows those that were there when it started")
                .remedy(profiles::advice(&self.library, &asked.profile)));
        };
        let shown = once::read(line.poller.bus(), profile, asked.unit_id).await;
        shown.map_err(|error| {
            let exit = match error.is_of_the_port() {
                true => Exit::Port,
                false => Exit::Silent,
            };
            Failure::new(exit, error.to_string())
        })
    }

    /// What other masters ask on the lines.
    fn heard(&self) -> HeardReport {
        let now = self.clock.now();
        let bus = |line: &Line| heard::of(&line.poller, &line.port, line.mode, now);
        HeardReport {
            now,
            buses: self.lines.iter().map(bus).collect(),
        }
    }

    pub(super) async fn status(&self) -> Result<Status, Failure> {
        let buffer = self.buffer.status().await?;
        let reports = self.devices();
        let listing = self.listing.borrow();
        let progress: Vec<_> = self
            .lines
            .iter()
            .map(|line| line.poller.progress())
            .collect();
        let devices = listing.devices.iter().map(|device| {
            let report = reports.iter().find(|report| report.device == device.id);
            let state: Option<&DeviceState> = progress
                .iter()
                .find_map(|progress| progress.devices.get(&device.id));
            DeviceStatus {
                id: device.id,
                label: device.label.clone(),
                bus: device.bus.clone(),
                unit_id: device.unit_id,
                profile: device.profile.clone(),
                last_good_at: state.and_then(|state| state.last_good_at),
                last: state.and_then(|state| state.last),
                answered: state.map_or(0, |state| state.answered),
                failed: state.map_or(0, |state| state.failed),
                error: report.and_then(|report| report.error.clone()),
                breaker: state.and_then(|state| state.breaker),
                traffic: state.map(|state| state.traffic).unwrap_or_default(),
            }
        });
        let mut status = Status {
            software: SOFTWARE.to_owned(),
            now: self.clock.now(),
            clock: self.clock.report(),
            clock_problem: self.clock.problem(),
            machine: self.machine(),
            problems: Vec::new(),
            cloud: self.uplink.borrow().clone(),
            buffer,
            lost: progress.iter().map(|progress| progress.lost).sum(),
            buses: self.lines.iter().map(bus_status).collect(),
            devices: devices.collect(),
        };
        status.problems = status.find_problems();
        Ok(status)
    }

    fn buses(&self) -> Vec<BusReport> {
        let buses = self.lines.iter().map(bus_status).map(|bus| BusReport {
            name: bus.name,
            line: bus.line,
            error: bus.error,
        });
        buses.collect()
    }

    fn devices(&self) -> Vec<DeviceReport> {
        let polled = self.lines.iter().flat_map(|line| line.poller.reports());
        let refused = self.listing.borrow().sorted.refused.clone();
        polled.chain(refused).collect()
    }
}

/// How a line is: what keeps it from being used first, then what is wrong all the same.
fn bus_status(line: &Line) -> BusStatus {
    let state = line.poller.bus().state();
    let unusable = state.error.or(state.foreign);
    let advice = state.counts.advice();
    BusStatus {
        name: line.poller.bus().name().to_owned(),
        line: line.port.clone(),
        usable: unusable.is_none(),
        error: unusable.or(line.poller.progress().error).or(advice),
        counts: state.counts,
    }
}
