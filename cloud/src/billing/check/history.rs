//! Checks of a period against the ones before it.

use common::unit::Unit;
use jiff::civil::Date;
use jiff::{Span, Unit as Step};
use rust_decimal::Decimal;

use super::{Subject, exceeds, is_on};
use crate::billing::finding::{Average, Finding};
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::billing::segment::{Basis, Boundary};

/// Fewer days say too little to be compared: a week has each kind of day once.
const DAYS_MIN: i32 = 7;
/// How far the period of last year may begin from a year before.
const YEAR_TOLERANCE_DAYS: i32 = 15;

/// What the checks need of a period that was billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// The unit of its quantity.
    pub unit: Unit,
    /// What went through the meter.
    pub measured: Decimal,
    /// What its last register was multiplied by.
    pub multiplier: Decimal,
    /// Whether its last register was estimated.
    pub is_estimated: bool,
}

impl Past {
    /// What an invoice says; nothing for a credit, which bills no period.
    #[must_use]
    pub fn of(invoice: &Invoice) -> Option<Self> {
        (invoice.kind == DocumentKind::Invoice).then(|| Self {
            from: invoice.period.from,
            until: invoice.period.until,
            unit: invoice.unit,
            measured: invoice.measured,
            multiplier: invoice.segments.last().multiplier,
            is_estimated: is_estimated(invoice.closing()),
        })
    }

    fn days(&self) -> i32 {
        days_between(self.from, self.until)
    }
}

fn is_estimated(boundary: &Boundary) -> bool {
    matches!(boundary.basis, Basis::Estimated { .. })
}

/// The days from one date to another, none when they are the wrong way round.
pub(super) fn days_between(from: Date, until: Date) -> i32 {
    let span = from.until((Step::Day, until));
    span.map_or(0, |span| span.get_days()).max(0)
}

impl Subject<'_> {
    /// The daily average against that of as many days before, and of the last year.
    pub(super) fn high_or_low(&self) -> Vec<Finding> {
        let Some(now) = self.now().filter(|now| now.days >= DAYS_MIN.unsigned_abs()) else {
            return Vec::new();
        };
        let before = self.before(&now);
        let last_year = self.last_year().filter(|one| Some(one) != before.as_ref());
        let usual = before.into_iter().chain(last_year);
        usual
            .filter(|usual| usual.days >= DAYS_MIN.unsigned_abs())
            .filter_map(|usual| self.compare(usual, &now))
            .collect()
    }

    /// What the registers say, over the whole period or so far.
    fn now(&self) -> Option<Average> {
        let mut quantity = Decimal::ZERO;
        for segment in self.segments.iter() {
            quantity = quantity.checked_add(segment.quantity)?;
        }
        let end = self.segments.last().closing.at;
        let until = self.zone.rules().to_datetime(end).date();
        let until = if self.is_over() {
            self.period.until
        } else {
            until
        };
        Some(Average {
            from: self.period.from,
            until,
            quantity,
            days: days_between(self.period.from, until).unsigned_abs(),
        })
    }

    /// The newest periods that together are as long as this one, or all there are.
    fn before(&self, now: &Average) -> Option<Average> {
        let mut usual: Option<Average> = None;
        for past in self.past.iter().filter(|past| past.unit == self.unit) {
            let days = past.days().unsigned_abs();
            let so_far = usual
                .as_ref()
                .map_or((past.until, Decimal::ZERO, 0), |one| {
                    (one.until, one.quantity, one.days)
                });
            let (until, quantity, counted) = so_far;
            usual = Some(Average {
                from: past.from,
                until,
                quantity: quantity.checked_add(past.measured)?,
                days: counted + days,
            });
            if counted + days >= now.days {
                break;
            }
        }
        usual
    }

    fn last_year(&self) -> Option<Average> {
        let year_ago = self.period.from.checked_sub(Span::new().years(1)).ok()?;
        let apart =
            |past: &&Past| days_between(past.from, year_ago).max(days_between(year_ago, past.from));
        let same_unit = self.past.iter().filter(|past| past.unit == self.unit);
        let past = same_unit.min_by_key(apart)?;
        (apart(&past) <= YEAR_TOLERANCE_DAYS).then(|| Average {
            from: past.from,
            until: past.until,
            quantity: past.measured,
            days: past.days().unsigned_abs(),
        })
    }

    /// Nothing is unusual against a history of nothing.
    fn compare(&self, usual: Average, now: &Average) -> Option<Finding> {
        if usual.quantity <= Decimal::ZERO {
            return None;
        }
        // a ÷ days of a against b ÷ days of b, without dividing.
        let used = now.quantity.checked_mul(usual.days.into())?;
        let used_before = usual.quantity.checked_mul(now.days.into())?;
        let (high, low) = (self.checks.high_percent, self.checks.low_percent);
        let now = now.clone();
        if is_on(high) && exceeds(used, used_before, high)? {
            return Some(Finding::High { usual, now });
        }
        let is_low = used.checked_mul(Decimal::ONE_HUNDRED)? < used_before.checked_mul(low)?;
        (is_on(low) && is_low).then_some(Finding::Low { usual, now })
    }

    /// Whether this period and those before it all end with an estimate.
    pub(super) fn long_estimated(&self) -> Option<Finding> {
        if !is_estimated(&self.segments.last().closing) {
            return None;
        }
        let before = self.past.iter().take_while(|past| past.is_estimated);
        let (since, periods) = before.fold((self.period.from, 1_u32), |(_, periods), past| {
            (past.from, periods + 1)
        });
        let most = u32::from(self.checks.estimated_periods);
        (most > 0 && periods > most).then_some(Finding::LongEstimated { since, periods })
    }
}
