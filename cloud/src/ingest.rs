//! Which readings of a batch are kept, and which are set apart because no bill could ever
//! rest on them. One bad reading never stops the others.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use common::id::{DeviceId, MeterId};
use common::profile::Library;
use common::reading::Reading;
use common::sync::{Rejection, RejectionCode};
use jiff::{SignedDuration, Timestamp};

use crate::site::{Device, Mounting};

/// How far ahead of the cloud's clock a reading may be. More is a clock gone wrong, and one
/// such reading would hide a silence.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(24);
/// The most characters of each text of a reading; the raw words of 125 registers have 624.
pub const TEXT_CHARACTERS_MAX: usize = 1_000;

/// What the cloud knows of a gateway when it looks at a batch.
#[derive(Debug)]
pub struct Known<'a> {
    /// Every device the gateway ever had.
    pub devices: BTreeMap<DeviceId, Device>,
    /// The profiles the cloud has.
    pub profiles: &'a Library,
    /// The cloud's clock.
    pub now: Timestamp,
}

/// A batch, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// What can be kept, in order.
    pub good: Vec<Reading>,
    /// What is set apart, with the reason.
    pub refused: Vec<(Reading, Rejection)>,
}

impl Known<'_> {
    /// Sorts readings into those that can be kept and those that cannot.
    #[must_use]
    pub fn sort(&self, readings: Vec<Reading>) -> Sorted {
        let mut sorted = Sorted::default();
        for reading in readings {
            match self.fault(&reading) {
                None => sorted.good.push(reading),
                Some(reason) => {
                    let seq = reading.seq;
                    let code = RejectionCode::Unacceptable;
                    sorted
                        .refused
                        .push((reading, Rejection { seq, code, reason }));
                }
            }
        }
        sorted
    }

    fn fault(&self, reading: &Reading) -> Option<String> {
        let texts = [&reading.point, &reading.raw, &reading.profile];
        let suspect = reading.suspect.iter();
        if texts.into_iter().chain(suspect).any(|text| !is_plain(text)) {
            return Some("a text is too long or has control characters".to_owned());
        }
        if reading.quantity.is_some() == reading.suspect.is_some() {
            return Some("it has both a value and a doubt, or neither".to_owned());
        }
        let Some(device) = self.devices.get(&reading.device) else {
            let id = reading.device;
            return Some(format!("device {id} is none of this gateway's devices"));
        };
        if reading.at.duration_since(self.now) > AHEAD_MAX {
            let (at, now) = (reading.at, self.now);
            return Some(format!("it is dated {at}, and now is {now}"));
        }
        self.foreign_to_profile(reading, device)
    }

    /// A profile that the cloud has not got is an installer's own: the gateway's word counts.
    fn foreign_to_profile(&self, reading: &Reading, device: &Device) -> Option<String> {
        let id = reading.profile.split('@').next().unwrap_or_default();
        if id != device.profile {
            let expected = &device.profile;
            return Some(format!(
                "it was decoded by profile '{id}', and the device has '{expected}'"
            ));
        }
        let profile = self.profiles.get(id)?;
        let Some(point) = profile.point(&reading.point) else {
            let point = &reading.point;
            return Some(format!("profile '{id}' has no point '{point}'"));
        };
        let unit = reading.quantity?.unit();
        if point.units().contains(&unit) {
            return None;
        }
        Some(format!("point '{}' does not count in {unit}", point.id))
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().count() <= TEXT_CHARACTERS_MAX && !text.chars().any(char::is_control)
}

/// For each meter that one of the readings counts for, the instant of its newest good
/// billing reading among them.
#[must_use]
pub fn newest_good(readings: &[Reading], mountings: &[Mounting]) -> BTreeMap<MeterId, Timestamp> {
    let mut by_point: BTreeMap<(DeviceId, &str), Vec<&Mounting>> = BTreeMap::new();
    for mounting in mountings {
        by_point
            .entry((mounting.device, &mounting.point))
            .or_default()
            .push(mounting);
    }
    let mut newest: BTreeMap<MeterId, Timestamp> = BTreeMap::new();
    for reading in readings.iter().filter(|reading| reading.is_good()) {
        let served = by_point.get(&(reading.device, reading.point.as_str()));
        for mounting in served.into_iter().flatten() {
            let from = mounting.from <= reading.at;
            if from && mounting.until.is_none_or(|until| reading.at < until) {
                let at = newest.entry(mounting.meter).or_insert(reading.at);
                *at = reading.at.max(*at);
            }
        }
    }
    newest
}
