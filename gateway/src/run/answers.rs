//! What the daemon answers on its control socket, and what it tells the cloud about itself:
//! the same facts, gathered in one place.

use common::sync::{BusReport, DeviceReport, GatewayReport};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::listing::Listing;
use crate::buffer::BufferHandle;
use crate::clock::Clock;
use crate::control::Request;
use crate::failure::{Exit, Failure};
use crate::poll::Poller;
use crate::status::{DeviceStatus, Status};
use crate::uplink::{SOFTWARE, UplinkStatus};

/// Everything that can be asked about the running gateway.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) started: Instant,
    pub(super) clock: Clock,
    pub(super) buffer: BufferHandle,
    pub(super) poller: Poller,
    pub(super) listing: watch::Receiver<Listing>,
    pub(super) uplink: watch::Receiver<UplinkStatus>,
}

impl Facts {
    /// Answers a request of the command line.
    pub(super) async fn answer(&self, request: Request) -> Result<Value, Failure> {
        match request.command.as_str() {
            "status" => Ok(serde_json::to_value(self.status().await?)?),
            "read" => {
                let arguments = serde_json::from_value(request.arguments)?;
                let read = crate::read::by_daemon(&self.poller, arguments).await?;
                Ok(serde_json::to_value(read)?)
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
        GatewayReport {
            settled_through: self.poller.settled_through(),
            at: self.clock.now(),
            software: SOFTWARE.to_owned(),
            waiting: 0,
            devices_version: None,
            buses: self.buses(),
            devices: self.devices(),
        }
    }

    async fn status(&self) -> Result<Status, Failure> {
        let buffer = self.buffer.status().await?;
        let reports = self.devices();
        let listing = self.listing.borrow();
        let devices = listing.devices.iter().map(|device| {
            let report = reports.iter().find(|report| report.device == device.id);
            DeviceStatus {
                id: device.id,
                label: device.label.clone(),
                bus: device.bus.clone(),
                unit_id: device.unit_id,
                profile: device.profile.clone(),
                last_good_at: report.and_then(|report| report.last_good_at),
                last: self.poller.last_value(device.id),
                error: report.and_then(|report| report.error.clone()),
            }
        });
        let mut status = Status {
            software: SOFTWARE.to_owned(),
            now: self.clock.now(),
            clock: self.clock.trust(),
            running_s: self.started.elapsed().as_secs(),
            problems: Vec::new(),
            cloud: self.uplink.borrow().clone(),
            buffer,
            buses: self.buses(),
            devices: devices.collect(),
        };
        status.problems = status.find_problems();
        Ok(status)
    }

    fn buses(&self) -> Vec<BusReport> {
        self.poller.bus_reports()
    }

    fn devices(&self) -> Vec<DeviceReport> {
        let mut reports = self.poller.device_reports();
        reports.extend(self.listing.borrow().sorted.refused.iter().cloned());
        reports
    }
}
