//! Findings in sentences, in the language and forms of whoever reads them.

use common::unit::Unit;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Average, Finding};
use crate::format::Format;
use crate::site::Zone;
use crate::text::{Arg, Text};

impl Finding {
    /// The finding in a sentence; `unit` is the bill's, instants are those of `zone`.
    #[must_use]
    pub fn sentence(&self, text: Text, format: Format, unit: Unit, zone: &Zone) -> String {
        let say = Say { text, format, zone };
        match self {
            Self::SetApart {
                from,
                until,
                readings,
            } => say.with(
                "billing-finding-set-apart",
                *readings,
                &[("from", say.at(*from)), ("until", say.at(*until))],
            ),
            Self::Missing { from, until, days } => {
                say.days("billing-finding-missing", *days, *from, *until)
            }
            Self::Duplicate {
                at,
                instants,
                differ,
            } => {
                let id = if *differ {
                    "billing-finding-duplicate-differ"
                } else {
                    "billing-finding-duplicate"
                };
                say.with(id, *instants, &[("when", say.at(*at))])
            }
            Self::Zero { from, until, days } => {
                say.days("billing-finding-zero", *days, *from, last_day(*until))
            }
            Self::High { usual, now } => say.averages("billing-finding-high", usual, now, unit),
            Self::Low { usual, now } => say.averages("billing-finding-low", usual, now, unit),
            Self::LongEstimated { since, periods } => {
                let parts = [("since", format.date(*since))];
                say.with("billing-finding-long-estimated", *periods, &parts)
            }
            figures => figures.of_figures(&say),
        }
    }

    /// The sentences that say figures of a register.
    fn of_figures(&self, say: &Say<'_>) -> String {
        let date = |date: &Date| say.format.date(*date);
        let quantity = |value: &Decimal, unit: &Unit| say.format.quantity(*value, *unit);
        let (id, count, parts) = match self {
            Self::Negative {
                from,
                until,
                quantity: used,
                unit,
            } => {
                let dates = say.format.dates(*from, *until);
                let parts = vec![("dates", dates), ("quantity", quantity(used, unit))];
                ("billing-finding-negative", 0, parts)
            }
            Self::Spike {
                from,
                until,
                highest,
                third,
                unit,
            } => {
                let parts = vec![
                    ("from", say.at(*from)),
                    ("until", say.at(*until)),
                    ("highest", quantity(highest, unit)),
                    ("third", quantity(third, unit)),
                ];
                ("billing-finding-spike", 0, parts)
            }
            Self::Stuck {
                from,
                days,
                register,
                ..
            } => {
                let register = quantity(&register.value(), &register.unit());
                let parts = vec![("from", date(from)), ("register", register)];
                ("billing-finding-stuck", *days, parts)
            }
            Self::SumDiffers {
                parts,
                registers,
                unit,
            } => {
                let parts = vec![
                    ("parts", quantity(parts, unit)),
                    ("registers", quantity(registers, unit)),
                ];
                ("billing-finding-sum", 0, parts)
            }
            Self::Residual { whole, parts, unit } => {
                let parts = vec![
                    ("whole", quantity(whole, unit)),
                    ("parts", quantity(parts, unit)),
                ];
                ("site-finding-residual", 0, parts)
            }
            changes => return changes.of_changes(say),
        };
        say.with(id, count, &parts)
    }

    /// The sentences that say what is another one now.
    fn of_changes(&self, say: &Say<'_>) -> String {
        let (id, date, before, after) = match self {
            Self::UnitChanged {
                date,
                before,
                after,
            } => {
                let (before, after) = (before.symbol().to_owned(), after.symbol().to_owned());
                ("billing-finding-unit", date, before, after)
            }
            Self::MultiplierChanged {
                date,
                before,
                after,
            } => {
                let (before, after) = (say.format.decimal(*before), say.format.decimal(*after));
                ("billing-finding-multiplier", date, before, after)
            }
            _ => return String::new(),
        };
        let date = say.format.date(*date);
        say.with(
            id,
            0,
            &[("date", date), ("before", before), ("after", after)],
        )
    }
}

fn last_day(until: Date) -> Date {
    until.yesterday().unwrap_or(until)
}

/// How sentences are made.
struct Say<'a> {
    text: Text,
    format: Format,
    zone: &'a Zone,
}

impl Say<'_> {
    fn at(&self, instant: Timestamp) -> String {
        self.format.date_time(instant, self.zone)
    }

    /// A text with a count `n` and parts.
    fn with(&self, id: &str, n: u32, parts: &[(&str, String)]) -> String {
        let count = [("n", Arg::Count(n.into()))];
        let parts = parts.iter().map(|(name, part)| (*name, Arg::from(part)));
        let args: Vec<_> = count.into_iter().chain(parts).collect();
        self.text.with(id, &args)
    }

    /// A text of so many days, of which the first and the last are named.
    fn days(&self, id: &str, n: u32, first: Date, last: Date) -> String {
        let (first, last) = (self.format.date(first), self.format.date(last));
        self.with(id, n, &[("first", first), ("last", last)])
    }

    fn averages(&self, id: &str, usual: &Average, now: &Average, unit: Unit) -> String {
        let percent = percent_of(usual, now).map_or(String::new(), |one| self.format.percent(one));
        let parts = [
            ("percent", percent),
            ("dates", self.format.dates(usual.from, usual.until)),
            ("usual", self.format.quantity(usual.quantity, unit)),
        ];
        self.with(id, usual.days, &parts)
    }
}

/// One daily average as a share of another, of a hundred.
fn percent_of(usual: &Average, now: &Average) -> Option<Decimal> {
    let above = now.quantity.checked_mul(usual.days.into())?;
    let below = usual.quantity.checked_mul(now.days.into())?;
    above.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(below)
}
