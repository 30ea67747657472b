//! Checks of registers that stand still: nothing used, or a counter that stuck.

use common::quantity::Quantity;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Subject;
use super::history::days_between;
use crate::billing::finding::Finding;

/// Fewer days before it say nothing of how a register used to move; then the last period does.
const KNOWN_DAYS_MIN: i32 = 7;
/// A register that moved on so many of a hundred days moves every day.
const MOVES_PERCENT: i32 = 90;

/// A stretch of days over which a register stood still, or moved.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Date,
    until: Date,
    stands: bool,
    /// Where it was at the end.
    register: Quantity,
}

impl Stretch {
    fn days(&self) -> i32 {
        days_between(self.from, self.until)
    }
}

impl Subject<'_> {
    /// What stood still for too long: at most one stretch as a stuck counter, the others as
    /// days without use.
    pub(super) fn still(&self) -> Vec<Finding> {
        let stretches = self.stretches();
        let mut found = Vec::new();
        for (place, stretch) in stretches.iter().enumerate() {
            if !stretch.stands {
                continue;
            }
            let is_last = place + 1 == stretches.len();
            let before = stretches.get(..place).unwrap_or_default();
            let (from, until) = (stretch.from, stretch.until);
            let days = stretch.days().unsigned_abs();
            let at_least = |threshold: u16| threshold > 0 && days >= u32::from(threshold);
            if is_last && at_least(self.checks.stuck_days) && self.used_to_move(before) {
                let register = stretch.register;
                found.push(Finding::Stuck {
                    from,
                    until,
                    days,
                    register,
                });
            } else if at_least(self.checks.zero_days) {
                found.push(Finding::Zero { from, until, days });
            }
        }
        found
    }

    /// The stretches between the known registers, those that stand still joined. Days
    /// between two equal registers stood still, also where none was read in between.
    fn stretches(&self) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut before: Option<(Date, Quantity)> = None;
        let mut known_use: Option<Decimal> = None;
        let starts = self
            .daily
            .iter()
            .map(|day| (day.date, day.register, day.quantity));
        let closing = &self.segments.last().closing;
        let end = self
            .is_over()
            .then_some((self.period.until, Some(closing.register), None));
        for (date, register, quantity) in starts.chain(end) {
            let Some(register) = register else { continue };
            if let Some((from, was)) = before {
                let until = date;
                let stands = was == register && known_use.is_none_or(|used| used.is_zero());
                match stretches.last_mut() {
                    Some(last) if last.stands && stands => last.until = until,
                    _ => stretches.push(Stretch {
                        from,
                        until,
                        stands,
                        register,
                    }),
                }
            }
            (before, known_use) = (Some((date, register)), quantity);
        }
        stretches
    }

    /// Whether the register moved on nearly every day before; where there are too few, in
    /// the last period.
    fn used_to_move(&self, before: &[Stretch]) -> bool {
        let days = |of: &dyn Fn(&Stretch) -> bool| -> i32 {
            let found = before.iter().filter(|stretch| of(stretch));
            found.map(Stretch::days).sum()
        };
        let (known, moved) = (days(&|_| true), days(&|stretch| !stretch.stands));
        if known >= KNOWN_DAYS_MIN {
            return moved * 100 >= known * MOVES_PERCENT;
        }
        let last = self.past.first();
        last.is_some_and(|past| past.measured > Decimal::ZERO)
    }
}
