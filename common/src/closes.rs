//! What a closing reading closes.

use std::fmt;
use std::str::FromStr;

use crate::written::written;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// The local instant that a counter was asked for: the start of a day, which ends the one
/// before, or the minute of a day at which another price begins. As text `2026-11-24` or
/// `2026-11-24T18:00`; texts sort as instants do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closes {
    date: Date,
    /// Absent at the start of the day, which is not midnight everywhere.
    minute: Option<Time>,
}

/// The text names neither a day nor a minute of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what a closing reading closes is a date, 2026-11-24, or a minute, 2026-11-24T18:00")]
pub struct ClosesError;

impl Closes {
    /// What an instant is in a zone; seconds are cut off.
    #[must_use]
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let local = at.to_zoned_datetime(zone.clone());
        let is_start = local.start_of_day().is_ok_and(|start| start == local);
        let (date, hour, minute) = (local.date(), local.hour(), local.minute());
        Self {
            date,
            minute: (!is_start).then(|| Time::constant(hour, minute, 0, 0)),
        }
    }

    /// The day that starts, if one does.
    #[must_use]
    pub fn day(self) -> Option<Date> {
        self.minute.is_none().then_some(self.date)
    }

    /// When that is in a zone; a minute that the clock has twice is the first of them, one that
    /// it skips the one as long after. Nothing beyond the calendar.
    #[must_use]
    pub fn at(self, zone: &TimeZone) -> Option<Timestamp> {
        let local = match self.minute {
            Some(minute) => self
                .date
                .to_datetime(minute)
                .to_zoned_datetime(zone.clone())
                .ok()?,
            None => self
                .date
                .to_zoned_datetime(zone.clone())
                .ok()?
                .start_of_day()
                .ok()?,
        };
        Some(local.timestamp())
    }
}

impl From<Date> for Closes {
    fn from(date: Date) -> Self {
        Self { date, minute: None }
    }
}

impl fmt::Display for Closes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        match self.minute {
            Some(minute) => write!(f, "T{:02}:{:02}", minute.hour(), minute.minute()),
            None => Ok(()),
        }
    }
}

impl FromStr for Closes {
    type Err = ClosesError;

    fn from_str(text: &str) -> Result<Self, ClosesError> {
        let (date, minute) = match text.split_once('T') {
            Some((date, minute)) => (date, Some(minute)),
            None => (text, None),
        };
        let minute = minute
            .map(|minute| Time::strptime("%H:%M", minute))
            .transpose();
        let closes = Self {
            date: date.parse().map_err(|_| ClosesError)?,
            minute: minute.map_err(|_| ClosesError)?,
        };
        // One text for one value: seals are made of it.
        (closes.to_string() == text)
            .then_some(closes)
            .ok_or(ClosesError)
    }
}

written!(Closes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_or_a_minute_is_the_instant_it_came_from() {
        // The clocks go forward at midnight in Beirut, and back at 2:00 in Tijuana.
        for (zone, at, text) in [
            ("America/Tijuana", "2026-11-24T08:00:00Z", "2026-11-24"),
            (
                "America/Tijuana",
                "2026-11-25T02:00:00Z",
                "2026-11-24T18:00",
            ),
            (
                "America/Tijuana",
                "2026-11-01T08:30:00Z",
                "2026-11-01T01:30",
            ),
            ("Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-29"),
            ("Asia/Beirut", "2026-03-28T23:30:00Z", "2026-03-29T02:30"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let at: Timestamp = at.parse().unwrap();
            let closes = Closes::of(at, &zone);
            assert_eq!(closes.to_string(), text);
            assert_eq!(text.parse(), Ok(closes));
            assert_eq!(closes.at(&zone), Some(at), "{text}");
            assert_eq!(closes.day().is_some(), text.len() == 10);
        }
    }

    #[test]
    fn texts_sort_as_instants_and_nothing_else_is_one() {
        let sorted = [
            "2026-11-23T22:00",
            "2026-11-24",
            "2026-11-24T06:00",
            "2026-11-25",
        ];
        let closes = sorted.map(|text| text.parse::<Closes>().unwrap());
        assert!(closes.is_sorted() && sorted.is_sorted());
        for text in [
            "",
            "2026-02-30",
            "2026-11-24T",
            "2026-11-24T6:00",
            "2026-11-24T24:00",
            "2026-11-24T18:00:00",
            "2026-11-24 18:00",
            "2026-11-24T18:00Z",
            "20261124",
        ] {
            assert_eq!(text.parse::<Closes>(), Err(ClosesError), "{text}");
        }
    }
}
