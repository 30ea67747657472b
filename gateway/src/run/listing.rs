//! Which list of devices is in force: the cloud's once the gateway is enrolled, else the
//! settings' own. What the list holds that cannot be read is kept apart, with its reason.

use std::collections::BTreeSet;
use std::sync::Arc;

use common::profile::Library;
use common::sync::{Device, DeviceList};
use tokio::sync::watch;

use crate::devices::{Sorted, sort_out};

/// The list in force, sorted out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Listing {
    /// Every device of it.
    pub(super) devices: Vec<Device>,
    /// What can be read, and what cannot.
    pub(super) sorted: Sorted,
}

/// What a list is judged by.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) buses: BTreeSet<String>,
    pub(super) library: Arc<Library>,
    /// The devices of the settings.
    pub(super) local: DeviceList,
}

impl Judge {
    /// The listing in force, given what the cloud says; `None` without one.
    pub(super) fn judge(&self, cloud: Option<&DeviceList>) -> Listing {
        let list = cloud.unwrap_or(&self.local);
        let known = |id: &str| self.library.get(id).is_some();
        let sorted = sort_out(list, &self.buses, &known);
        for report in &sorted.refused {
            let label = list.devices.iter().find(|d| d.id == report.device);
            let label = label.map_or("", |device| device.label.as_str());
            let error = report.error.as_deref().unwrap_or_default();
            tracing::warn!("meter {label} is not read: {error}");
        }
        Listing {
            devices: list.devices.clone(),
            sorted,
        }
    }

    /// Puts every new list of the cloud into force, for ever.
    pub(super) async fn follow(
        self,
        mut cloud: watch::Receiver<Option<DeviceList>>,
        listing: watch::Sender<Listing>,
    ) {
        while cloud.changed().await.is_ok() {
            let next = self.judge(cloud.borrow_and_update().as_ref());
            listing.send_if_modified(|now| {
                let changed = *now != next;
                *now = next;
                changed
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::id::DeviceId;

    fn device(id: i64, bus: &str) -> Device {
        Device {
            id: DeviceId(id),
            label: format!("Local {id}"),
            profile: "eastron-sdm120".to_owned(),
            bus: bus.to_owned(),
            unit_id: 1,
            poll_period_s: 60,
            zone: "UTC".to_owned(),
            closings: Vec::new(),
            mountings: Vec::new(),
        }
    }

    fn list(devices: Vec<Device>) -> DeviceList {
        DeviceList {
            version: String::new(),
            devices,
        }
    }

    #[tokio::test]
    async fn the_clouds_list_takes_the_place_of_the_settings_own() {
        let judge = Judge {
            buses: ["main".to_owned()].into(),
            library: Arc::new(Library::shipped()),
            local: list(vec![device(1, "main")]),
        };
        let (cloud, cloud_seen) = watch::channel(None);
        let (listing, mut seen) = watch::channel(judge.judge(None));
        assert_eq!(seen.borrow().sorted.usable, [device(1, "main")]);
        tokio::spawn(judge.follow(cloud_seen, listing));

        cloud.send_replace(Some(list(vec![device(2, "main"), device(3, "roof")])));
        let new = seen
            .wait_for(|l| l.devices.len() == 2)
            .await
            .unwrap()
            .clone();
        assert_eq!(new.sorted.usable, [device(2, "main")]);
        assert_eq!(new.sorted.refused[0].device, DeviceId(3));
        // Enrolled, and the portal has none: then none is read.
        cloud.send_replace(Some(list(Vec::new())));
        let emptied = seen.wait_for(|l| l.devices.is_empty()).await;
        assert!(emptied.is_ok());
    }
}
