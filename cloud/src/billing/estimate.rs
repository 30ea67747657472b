//! What a register held at an instant that nothing was read near to: by the use of like days.
//!
//! A day is taken to use what the last like day used that is known: a Monday the Monday before,
//! or the one before that; a Tuesday, Wednesday or Thursday itself, its neighbours of the same
//! week or of the week before; another day the same day one to four weeks before (the order of
//! Itron's automatic estimation, as of the Western Australian metering code, method 14). Days
//! for which there is none use the mean of those that are known. Where a later reading exists
//! the days are scaled so that together they use what the register shows: the estimate never
//! leaves the two readings. Where nothing is known of any day, use is even.
//!
//! An estimate is marked on the bill and stays; the next bill begins where this one ended, so
//! the next reading puts it right by itself.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};
use rust_decimal::Decimal;

use super::period::start_of_day;
use crate::site::Zone;

/// How far a reading may be from midnight for a day's use to be known by it.
const MIDNIGHT_TOLERANCE: SignedDuration = SignedDuration::from_mins(10);
/// The longest that is estimated, in days: a year has a season.
const DAYS_MAX: usize = 370;

/// Days that are like a day, in the order in which they are asked, counted back from it.
fn like_days(day: Weekday) -> &'static [i64] {
    match day {
        Weekday::Monday => &[7, 14, 21, 28],
        Weekday::Tuesday => &[7, 6, 5, 14, 21],
        Weekday::Wednesday => &[7, 1, 6, 14, 21],
        Weekday::Thursday => &[7, 1, 2, 14, 21],
        Weekday::Friday | Weekday::Saturday | Weekday::Sunday => &[7, 14, 21, 28],
    }
}

/// The use of every day of `zone` that is known from what was counted by when.
fn known_days(history: &[(Timestamp, Decimal)], zone: &Zone) -> BTreeMap<Date, Decimal> {
    let mut midnights: BTreeMap<Date, (SignedDuration, Decimal)> = BTreeMap::new();
    for (at, total) in history {
        let near = zone.rules().to_datetime(*at + MIDNIGHT_TOLERANCE).date();
        let Ok(start) = start_of_day(near, zone) else {
            continue;
        };
        let distance = at.duration_since(start).abs();
        let is_nearer = midnights
            .get(&near)
            .is_none_or(|(before, _)| distance < *before);
        if distance <= MIDNIGHT_TOLERANCE && is_nearer {
            midnights.insert(near, (distance, *total));
        }
    }
    let pairs = midnights.iter().zip(midnights.iter().skip(1));
    pairs
        .filter(|((day, _), (next, _))| day.tomorrow().ok() == Some(**next))
        .map(|((day, (_, before)), (_, (_, after)))| (*day, *after - *before))
        .collect()
}

/// What was counted by `at`, between what was counted by `before` and, if that is known, by
/// `later`; `history` is all that is known of earlier and later instants.
#[must_use]
pub fn estimate(
    history: &[(Timestamp, Decimal)],
    before: (Timestamp, Decimal),
    later: Option<(Timestamp, Decimal)>,
    at: Timestamp,
    zone: &Zone,
) -> Option<Decimal> {
    let known = known_days(history, zone);
    let until = later.map_or(at, |later| later.0);
    let expected = Expected::between(before.0, until, zone, &known)?;
    let (till_at, whole) = (expected.by(at)?, expected.by(until)?);
    let Some((later_at, later_total)) = later else {
        return before.1.checked_add(till_at);
    };
    let rise = later_total.checked_sub(before.1)?;
    let (part, of) = match whole.is_zero() {
        false => (till_at, whole),
        true => (
            Decimal::from(at.duration_since(before.0).as_millis()),
            Decimal::from(later_at.duration_since(before.0).as_millis()),
        ),
    };
    before
        .1
        .checked_add(rise.checked_mul(part)?.checked_div(of)?)
}

/// What days are taken to use, from an instant on.
struct Expected {
    /// From when to when, and how much.
    days: Vec<(Timestamp, Timestamp, Decimal)>,
}

impl Expected {
    fn between(
        from: Timestamp,
        until: Timestamp,
        zone: &Zone,
        known: &BTreeMap<Date, Decimal>,
    ) -> Option<Self> {
        let count = Decimal::from(known.len().max(1));
        let mean = known.values().sum::<Decimal>().checked_div(count)?;
        let mut days = Vec::new();
        let mut day = zone.rules().to_datetime(from).date();
        let mut start = start_of_day(day, zone).ok()?;
        while start < until {
            if days.len() > DAYS_MAX {
                return None;
            }
            let next = day.tomorrow().ok()?;
            let end = start_of_day(next, zone).ok()?;
            let like = like_days(day.weekday()).iter().find_map(|back| {
                let like = day.checked_sub(back.days()).ok()?;
                known.get(&like).copied()
            });
            let used = like.unwrap_or(mean);
            let length = Decimal::from(end.duration_since(start).as_millis());
            let (begins, ends) = (start.max(from), end.min(until));
            let part = Decimal::from(ends.duration_since(begins).as_millis());
            days.push((begins, ends, used.checked_mul(part)?.checked_div(length)?));
            (day, start) = (next, end);
        }
        Some(Self { days })
    }

    /// How much is used by `at`.
    fn by(&self, at: Timestamp) -> Option<Decimal> {
        let mut sum = Decimal::ZERO;
        for (from, until, used) in &self.days {
            if at >= *until {
                sum = sum.checked_add(*used)?;
                continue;
            }
            if at > *from {
                let part = Decimal::from(at.duration_since(*from).as_millis());
                let of = Decimal::from(until.duration_since(*from).as_millis());
                sum = sum.checked_add(used.checked_mul(part)?.checked_div(of)?)?;
            }
            break;
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn zone() -> Zone {
        Zone::new("America/Tijuana").unwrap()
    }

    fn midnight(month: i8, day: i8) -> Timestamp {
        start_of_day(date(2026, month, day), &zone()).unwrap()
    }

    /// Two weeks from Monday, 5 October on: 10 on a workday, 4 on Saturday, 1 on Sunday.
    fn history() -> Vec<(Timestamp, Decimal)> {
        let mut total = Decimal::from(1_000);
        let mut known = vec![(midnight(10, 5), total)];
        for day in 5..19 {
            let used = match date(2026, 10, day).weekday() {
                Weekday::Saturday => 4,
                Weekday::Sunday => 1,
                _ => 10,
            };
            total += Decimal::from(used);
            known.push((midnight(10, day + 1), total));
        }
        known
    }

    #[test]
    fn a_weekend_is_estimated_like_a_weekend_and_not_like_the_mean_of_all_days() {
        let history = history();
        let before = *history.last().unwrap();
        assert_eq!(before, (midnight(10, 19), Decimal::from(1_110)));
        let at = |day| estimate(&history, before, None, midnight(10, day), &zone()).unwrap();
        assert_eq!(at(24), Decimal::from(1_160));
        assert_eq!(at(25), Decimal::from(1_164));
        assert_eq!(at(26), Decimal::from(1_165));
        let noon = midnight(10, 19) + SignedDuration::from_hours(12);
        let half = estimate(&history, before, None, noon, &zone()).unwrap();
        assert_eq!(half, Decimal::from(1_115));
    }

    #[test]
    fn with_a_later_reading_the_days_share_what_the_register_shows() {
        let history = history();
        let before = *history.last().unwrap();
        // A week of 55 by like days; the register shows twice that.
        let later = Some((midnight(10, 26), Decimal::from(1_220)));
        let at = |day| estimate(&history, before, later, midnight(10, day), &zone()).unwrap();
        assert_eq!(at(20), Decimal::from(1_130));
        assert_eq!(at(25), Decimal::from(1_218));
        assert_eq!(at(26), Decimal::from(1_220));
    }

    #[test]
    fn what_nothing_is_known_of_is_even() {
        let before = (midnight(10, 1), Decimal::ZERO);
        let later = Some((midnight(10, 11), Decimal::from(100)));
        let at = estimate(&[], before, later, midnight(10, 4), &zone());
        assert_eq!(at, Some(Decimal::from(30)));
        assert_eq!(
            estimate(&[], before, None, midnight(10, 4), &zone()),
            Some(Decimal::ZERO)
        );
    }
}
