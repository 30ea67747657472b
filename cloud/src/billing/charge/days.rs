//! Days: of how many a period that is shorter than a full one has some.

use jiff::ToSpan;
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
    let full = match cycle {
        Cycle::Week { .. } => 7,
        Cycle::Month {
            cutoff_day,
            months,
            ends_in,
        } => full_months(period.from, cutoff_day, months.max(1), ends_in).unwrap_or(own),
    };
    full.max(own)
}

fn full_months(from: Date, cutoff_day: i8, months: i8, ends_in: i8) -> Option<u32> {
    let ends_here = |month: Date| {
        let number = i32::from(month.year()) * 12 + i32::from(month.month());
        (number - i32::from(ends_in)).rem_euclid(i32::from(months)) == 0
    };
    let mut month = from.first_of_month();
    month = month.checked_sub(i64::from(months).months()).ok()?;
    let mut before = None;
    // The end before, the end after, and a month for a cutoff on the last day.
    for _ in 0..=i32::from(months) * 2 + 1 {
        if ends_here(month) {
            let last = month.last_of_month();
            let cutoff = month.with().day(cutoff_day.min(last.day())).build().ok()?;
            let end = cutoff.tomorrow().ok()?;
            if end > from {
                return Some(days_between(before?, end));
            }
            before = Some(end);
        }
        month = month.checked_add(1.months()).ok()?;
    }
    None
}

/// The part of a full period that some days are; nothing where they are all of it.
pub(super) fn share(days: u32, of: u32) -> Option<Share> {
    (days != of).then_some(Share { days, of })
}
