//! Why an invoice asks for what it asks: which bills it is compared with.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::billing::explain::{Against, ExplainError, Explanation, explain};
use crate::billing::invoice::{DocumentKind, Invoice, Period};
use crate::document::say::{Row, Say};
use crate::store::{StoreResult, Transaction};

/// Bills of a year ago whose lengths differ by more days are another kind of bill.
const SAME_LENGTH_DAYS: i32 = 3;

/// A bill that another was compared with.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    /// Which one it is.
    pub(crate) against: Against,
    /// The bill.
    pub(crate) before: Invoice,
    /// What that says.
    pub(crate) explanation: Result<Explanation, ExplainError>,
}

/// Compares an invoice with the last one before it and with that of the same days a year
/// before, as far as they are there and stand. A credit is compared with nothing.
pub(crate) async fn explained(
    reader: &mut Transaction,
    invoice: &Invoice,
) -> StoreResult<Vec<Compared>> {
    if invoice.kind == DocumentKind::Credit {
        return Ok(Vec::new());
    }
    let (account, meter, period) = (invoice.account, invoice.meter, &invoice.period);
    let last = reader
        .invoices_before(account, meter, period.from, 1)
        .await?;
    let mut found: Vec<(Against, Invoice)> = Vec::new();
    found.extend(last.into_iter().map(|last| (Against::Last, last)));
    if let Some(latest) = year_before(period) {
        let of_year = reader.invoices_before(account, meter, latest, 1).await?;
        let of_year = of_year.into_iter().find(|one| {
            let is_last = found.iter().any(|(_, last)| last.id == one.id);
            !is_last && is_a_year_before(period, &one.period)
        });
        found.extend(of_year.map(|one| (Against::YearAgo, one)));
    }
    let compared = found.into_iter().map(|(against, before)| Compared {
        against,
        explanation: explain(invoice, &before),
        before,
    });
    Ok(compared.collect())
}

/// A comparison in the words of the invoice.
#[derive(Debug)]
pub(crate) struct Told {
    /// Which bill it is compared with.
    pub(crate) heading: String,
    /// The parts of the difference, and the whole of it last.
    pub(crate) rows: Vec<Row>,
    /// Why there are none.
    pub(crate) problem: String,
}

impl Compared {
    /// Says it as the invoice speaks.
    pub(crate) fn told(&self, say: &Say<'_>) -> Told {
        let heading = say.compared_with(self.against, &self.before);
        match &self.explanation {
            Ok(explanation) => Told {
                heading,
                rows: say.explanation(explanation),
                problem: String::new(),
            },
            Err(error) => Told {
                heading,
                rows: Vec::new(),
                problem: say.not_compared(error),
            },
        }
    }
}

fn days(from: Date, until: Date) -> i32 {
    from.until(until).map_or(0, |span| span.get_days())
}

/// The latest day on which the bill of a year before may have ended: half a period late.
fn year_before(period: &Period) -> Option<Date> {
    let half = i64::from(days(period.from, period.until)) / 2;
    let until = period.until.checked_sub(1.year()).ok()?;
    until.checked_add(half.days()).ok()
}

/// Whether a bill is as long, and its middle nearer to that of a year before than to its
/// neighbours'.
fn is_a_year_before(period: &Period, other: &Period) -> bool {
    let Ok(until) = period.until.checked_sub(1.year()) else {
        return false;
    };
    let length = days(period.from, period.until);
    let is_as_long =
        days(other.from, other.until).abs_diff(length) <= SAME_LENGTH_DAYS.unsigned_abs();
    is_as_long && days(other.until, until).unsigned_abs() <= length.unsigned_abs() / 2
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::billing::sample::start_of;

    fn period(from: Date, until: Date) -> Period {
        Period {
            from,
            until,
            starts_at: start_of(from),
            ends_at: start_of(until),
        }
    }

    #[test]
    fn the_bill_of_a_year_before_is_as_long_and_about_the_same_days() {
        let february = period(date(2024, 2, 1), date(2024, 3, 1));
        let table = [
            // Twenty-eight days are as many as twenty-nine.
            (date(2023, 2, 1), date(2023, 3, 1), true),
            (date(2023, 2, 11), date(2023, 3, 11), true),
            (date(2023, 1, 21), date(2023, 2, 21), true),
            (date(2023, 1, 1), date(2023, 2, 1), false),
            (date(2023, 3, 1), date(2023, 4, 1), false),
            // They billed every two months.
            (date(2023, 1, 1), date(2023, 3, 1), false),
            (date(2023, 2, 20), date(2023, 3, 1), false),
        ];
        for (from, until, expected) in table {
            let other = period(from, until);
            assert_eq!(is_a_year_before(&february, &other), expected, "{from}");
            let reached = until <= year_before(&february).unwrap();
            assert!(reached || !expected, "{from}");
        }
    }
}
