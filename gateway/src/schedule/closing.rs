//! When the days of a meter start: by the cloud's list, beyond it by the zone. Pure.

use std::time::Duration;

use common::sync::{Closing, Device};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The starts of day of one device.
#[derive(Debug)]
pub(crate) struct Days {
    /// By instant.
    listed: Vec<Closing>,
    /// Absent when this machine does not know the zone; then the list alone counts.
    zone: Option<TimeZone>,
}

impl Days {
    pub(crate) fn of(device: &Device) -> Self {
        let mut listed = device.closings.clone();
        listed.sort_by_key(|closing| closing.at);
        Self {
            listed,
            zone: TimeZone::get(&device.zone).ok(),
        }
    }

    /// The latest day that has started at `wall`, if that is no longer ago than `tolerance`.
    pub(crate) fn started_before(&self, wall: Timestamp, tolerance: Duration) -> Option<Closing> {
        let tolerance = SignedDuration::try_from(tolerance).ok()?;
        let started = |closing: &Closing| wall.duration_since(closing.at) <= tolerance;
        let ahead = self.listed.partition_point(|closing| closing.at <= wall);
        let listed = ahead.checked_sub(1).and_then(|last| self.listed.get(last));
        if let Some(listed) = listed.filter(|closing| started(closing)) {
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
            .any(|listed| listed.date == computed.date);
        (!is_listed && started(&computed)).then_some(computed)
    }

    /// The start of that date, when it can be known.
    pub(crate) fn start_of(&self, date: Date) -> Option<Closing> {
        let listed = self.listed.iter().find(|closing| closing.date == date);
        listed.copied().or_else(|| {
            let start = date.to_zoned_datetime(self.zone.clone()?).ok()?;
            let at = start.start_of_day().ok()?.timestamp();
            Some(Closing { date, at })
        })
    }

    /// The start of the day that `wall` lies in. Where local midnight does not exist or
    /// exists twice, it is the first instant of the date.
    fn computed(&self, wall: Timestamp) -> Option<Closing> {
        let local = wall.to_zoned_datetime(self.zone.clone()?);
        let start = local.start_of_day().ok()?;
        Some(Closing {
            date: local.date(),
            at: start.timestamp(),
        })
    }
}
