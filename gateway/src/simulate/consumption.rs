//! What a simulated meter has counted at an instant: the exact integral of a weekly curve.

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use serde::Deserialize;

const MILLISECONDS_AN_HOUR: i64 = 60 * 60 * 1000;
const MILLISECONDS_A_DAY: i64 = 24 * MILLISECONDS_AN_HOUR;
/// 1970-01-05, the first Monday, in milliseconds of local time.
const FIRST_MONDAY: i64 = 4 * MILLISECONDS_A_DAY;
const WORKING_DAYS: i64 = 5;
/// Consumption is counted in billionths of the unit.
const DECIMALS: u32 = 9;

/// How consumption spreads over the 24 hours of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Open from nine to nine.
    Shop,
    /// Eight to six.
    Office,
    /// Morning and evening.
    Flat,
    /// A flat's with more in the middle of the day and a standby at night.
    House,
    /// The same in every hour.
    #[default]
    Steady,
}

impl Shape {
    /// The weight of each local hour.
    fn hours(self) -> [u32; 24] {
        match self {
            Self::Shop => [
                2, 2, 2, 2, 2, 2, 2, 3, 5, 9, 10, 10, 10, 10, 10, 10, 10, 11, 11, 10, 9, 5, 3, 2,
            ],
            Self::Office => [
                1, 1, 1, 1, 1, 1, 2, 4, 9, 12, 12, 12, 10, 11, 12, 12, 11, 8, 4, 2, 1, 1, 1, 1,
            ],
            Self::Flat => [
                2, 1, 1, 1, 1, 2, 6, 9, 7, 4, 3, 3, 4, 4, 3, 3, 4, 6, 9, 12, 12, 10, 7, 4,
            ],
            Self::House => [
                3, 3, 2, 2, 2, 3, 5, 7, 7, 6, 6, 6, 7, 7, 6, 6, 6, 8, 10, 11, 11, 9, 6, 4,
            ],
            Self::Steady => [1; 24],
        }
    }
}

/// What is counted from an instant on.
#[derive(Debug, Clone)]
pub(super) struct Consumption {
    /// The register at `since`.
    pub opening: Decimal,
    pub since: Timestamp,
    /// Billionths of the unit a day, on the average of a week.
    pub per_day: i64,
    pub shape: Shape,
    /// A weekend day's weight, in thousandths of a working day's.
    pub weekend: u32,
    pub offset: Offset,
}

impl Consumption {
    /// The register at `at`: exact, never falling, `opening` up to `since`.
    pub(super) fn register(&self, at: Timestamp) -> Decimal {
        let weights = self.weight_until(at.max(self.since)) - self.weight_until(self.since);
        let counted = i128::from(self.per_day) * 7 * weights / self.weight_of_week();
        let counted = Decimal::try_from_i128_with_scale(counted, DECIMALS).unwrap_or(Decimal::MAX);
        self.opening.checked_add(counted).unwrap_or(Decimal::MAX)
    }

    /// What would be counted in an hour at the rate of this moment.
    pub(super) fn hourly_rate(&self, at: Timestamp) -> Decimal {
        if at < self.since {
            return Decimal::ZERO;
        }
        let local = self.local_milliseconds(at);
        let day = local.div_euclid(MILLISECONDS_A_DAY);
        let hour = local.rem_euclid(MILLISECONDS_A_DAY) / MILLISECONDS_AN_HOUR;
        let hour_weight = usize::try_from(hour).ok();
        let weight = hour_weight.and_then(|hour| self.shape.hours().get(hour).copied());
        let weight = i128::from(weight.unwrap_or(0)) * i128::from(self.weight_of_day(day));
        let hourly = i128::from(self.per_day) * 7 * weight * i128::from(MILLISECONDS_AN_HOUR)
            / self.weight_of_week();
        Decimal::try_from_i128_with_scale(hourly, DECIMALS).unwrap_or(Decimal::ZERO)
    }

    /// Milliseconds since the first Monday, at the fixed offset.
    fn local_milliseconds(&self, at: Timestamp) -> i64 {
        at.as_millisecond() + i64::from(self.offset.seconds()) * 1000 - FIRST_MONDAY
    }

    fn weight_of_day(&self, days_since_monday: i64) -> i64 {
        if days_since_monday.rem_euclid(7) < WORKING_DAYS {
            1000
        } else {
            self.weekend.into()
        }
    }

    /// Weight times milliseconds of a whole week.
    fn weight_of_week(&self) -> i128 {
        let hours: i64 = self.shape.hours().iter().copied().map(i64::from).sum();
        let days: i64 = (0..7).map(|day| self.weight_of_day(day)).sum();
        i128::from(hours * MILLISECONDS_AN_HOUR) * i128::from(days)
    }

    /// Weight times milliseconds from the first Monday up to `at`.
    fn weight_until(&self, at: Timestamp) -> i128 {
        let local = self.local_milliseconds(at);
        let day = local.div_euclid(MILLISECONDS_A_DAY);
        let within = local.rem_euclid(MILLISECONDS_A_DAY);
        let weeks = i128::from(day.div_euclid(7)) * self.weight_of_week();
        let hours = self.shape.hours();
        let whole_day: i64 = hours.iter().copied().map(i64::from).sum::<i64>();
        let days: i64 = (0..day.rem_euclid(7))
            .map(|earlier| self.weight_of_day(earlier))
            .sum();
        let today: i64 = (0_i64..)
            .zip(hours)
            .map(|(hour, weight)| {
                let in_hour = within - hour * MILLISECONDS_AN_HOUR;
                in_hour.clamp(0, MILLISECONDS_AN_HOUR) * i64::from(weight)
            })
            .sum();
        weeks
            + i128::from(whole_day * MILLISECONDS_AN_HOUR) * i128::from(days)
            + i128::from(today) * i128::from(self.weight_of_day(day))
    }
}
