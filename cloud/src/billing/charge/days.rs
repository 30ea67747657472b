//! Days: of how many a period that is shorter than a full one has some.

use jiff::civil::Date;

use crate::billing::invoice::{Period, Share};
use crate::plan::Cycle;

/// The days from a date to another; none when that is not later.
pub(super) fn days_between(from: Date, until: Date) -> u32 {
    let hours = until.duration_since(from).as_hours();
    u32::try_from(hours / 24).unwrap_or(0)
}

/// The days of the full period in which `period` begins, and never fewer than it has itself.
pub(super) fn full_days(period: &Period, cycle: Cycle) -> u32 {
    let own = days_between(period.from, period.until).max(1);
    let begins = cycle.boundary_until(period.from);
    let ends = cycle.boundary_after(period.from);
    let full = begins
        .zip(ends)
        .map(|(begins, ends)| days_between(begins, ends));
    full.map_or(own, |full| full.max(own))
}

/// The part of a full period that some days are; nothing where they are all of it.
pub(super) fn share(days: u32, of: u32) -> Option<Share> {
    (days != of).then_some(Share { days, of })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::plan::cycle::Weekday;

    fn period(from: Date, until: Date) -> Period {
        let instant = jiff::Timestamp::UNIX_EPOCH;
        Period {
            from,
            until,
            starts_at: instant,
            ends_at: instant,
        }
    }

    /// A period from a boundary of its cycle to the next is a full one, whatever the cycle.
    #[test]
    fn a_full_period_has_the_days_from_one_boundary_of_its_cycle_to_the_next() {
        let mut cycles = vec![Cycle::Week {
            cutoff: Weekday::Thursday,
        }];
        for months in 1..=12 {
            for ends_in in [1, 2, 12] {
                for cutoff_day in [1, 15, 30, 31] {
                    cycles.push(Cycle::Month {
                        cutoff_day,
                        months,
                        ends_in,
                    });
                }
            }
        }
        for cycle in cycles {
            let mut from = cycle.boundary_after(date(2025, 1, 1)).unwrap();
            for _ in 0..8 {
                let until = cycle.boundary_after(from).unwrap();
                let days = days_between(from, until);
                // A meter that moves in on the last day pays for one day of all of them.
                let last_day = until.yesterday().unwrap();
                assert_eq!(
                    full_days(&period(last_day, until), cycle),
                    days,
                    "{cycle:?} {from}"
                );
                assert_eq!(
                    full_days(&period(from, until), cycle),
                    days,
                    "{cycle:?} {from}"
                );
                from = until;
            }
        }
    }
}
