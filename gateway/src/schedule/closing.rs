//! When the closing readings of a device are due: by the cloud's list, beyond it at the starts
//! of day of its zone. Pure.

use std::time::Duration;

use common::closes::Closes;
use common::sync::{Closing, Device};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The closings of one device.
#[derive(Debug)]
pub(crate) struct Closings {
    /// By instant.
    listed: Vec<Closing>,
    /// Absent when this machine does not know the zone; then the list alone counts.
    zone: Option<TimeZone>,
}

impl Closings {
    pub(crate) fn of(device: &Device) -> Self {
        let mut listed = device.closings.clone();
        listed.sort_by_key(|closing| closing.at);
        Self {
            listed,
            zone: TimeZone::get(&device.zone).ok(),
        }
    }

    /// The latest closing whose instant came by `wall`, if that is no longer ago than
    /// `tolerance`.
    pub(crate) fn begun_before(&self, wall: Timestamp, tolerance: Duration) -> Option<Closing> {
        let tolerance = SignedDuration::try_from(tolerance).ok()?;
        let begun = |closing: &Closing| wall.duration_since(closing.at) <= tolerance;
        let ahead = self.listed.partition_point(|closing| closing.at <= wall);
        let listed = ahead.checked_sub(1).and_then(|last| self.listed.get(last));
        if let Some(listed) = listed.filter(|closing| begun(closing)) {
            return Some(*listed);
        }
        let covered = ahead > 0 && ahead < self.listed.len();
        if covered {
            return None;
        }
        let computed = self.computed(wall)?;
        let is_listed = self
            .listed
            .iter()
            .any(|listed| listed.closes == computed.closes);
        (!is_listed && begun(&computed)).then_some(computed)
    }

    /// That closing with its instant, when that can be known.
    pub(crate) fn find(&self, closes: Closes) -> Option<Closing> {
        let listed = self.listed.iter().find(|closing| closing.closes == closes);
        listed.copied().or_else(|| {
            let at = closes.at(self.zone.as_ref()?)?;
            Some(Closing { closes, at })
        })
    }

    /// The start of the day that `wall` lies in. Where local midnight does not exist or
    /// exists twice, it is the first instant of the date.
    fn computed(&self, wall: Timestamp) -> Option<Closing> {
        let local = wall.to_zoned_datetime(self.zone.clone()?);
        let start = local.start_of_day().ok()?;
        Some(Closing {
            closes: local.date().into(),
            at: start.timestamp(),
        })
    }
}
