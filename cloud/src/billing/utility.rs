//! The bills of the utility: which of them a period's price is made of.

use common::id::UtilityBillId;
use common::unit::{Medium, Unit};
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::hold::Hold;
use crate::currency::Currency;

/// What the utility charged a building for a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UtilityBill {
    /// Its identity.
    pub id: UtilityBillId,
    /// What it charges for.
    pub medium: Medium,
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub until: Date,
    /// How much it charges for, by the utility's own meter.
    pub quantity: Decimal,
    /// The unit of that.
    pub unit: Unit,
    /// What it comes to.
    pub amount: Decimal,
    /// In what.
    pub currency: Currency,
    /// Where it is kept, or what else is to be known; may be empty.
    pub note: String,
}

impl UtilityBill {
    /// Whether it and another charge a day twice.
    #[must_use]
    pub fn overlaps(&self, from: Date, until: Date) -> bool {
        self.from < until && from < self.until
    }
}

/// The bills in a currency that have a day between two dates, in the order of their days: no
/// day in between is without one. Where they reach beyond, the price of the days within is that
/// of their whole: a utility charges its bill, not its days.
///
/// # Errors
/// With the first stretch of which there is no bill.
pub fn covering(
    bills: &[UtilityBill],
    from: Date,
    until: Date,
    currency: Currency,
) -> Result<Vec<&UtilityBill>, Hold> {
    let of_currency = bills.iter().filter(|bill| bill.currency == currency);
    let mut within: Vec<&UtilityBill> = of_currency
        .filter(|bill| bill.overlaps(from, until))
        .collect();
    within.sort_by_key(|bill| bill.from);
    let mut reached = from;
    for bill in &within {
        if bill.from > reached {
            let (from, until) = (reached, bill.from);
            return Err(Hold::UtilityBillMissing { from, until });
        }
        reached = reached.max(bill.until);
    }
    match reached < until {
        true => Err(Hold::UtilityBillMissing {
            from: reached,
            until,
        }),
        false => Ok(within),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn bill(from: Date, until: Date, currency: &str) -> UtilityBill {
        UtilityBill {
            id: UtilityBillId(1),
            medium: Medium::Electric,
            from,
            until,
            quantity: Decimal::TEN,
            unit: Unit::KiloWh,
            amount: Decimal::ONE,
            currency: currency.parse().unwrap(),
            note: String::new(),
        }
    }

    #[test]
    fn a_period_has_a_price_when_bills_cover_all_its_days() {
        let mxn: Currency = "MXN".parse().unwrap();
        let month = |month| date(2026, month, 1);
        let missing = |from, until| Err(Hold::UtilityBillMissing { from, until });
        let october = [bill(month(10), month(11), "MXN")];
        let abroad = [bill(month(10), month(11), "USD")];
        let both = [
            bill(date(2026, 10, 15), date(2026, 11, 15), "MXN"),
            bill(date(2026, 9, 15), date(2026, 10, 15), "MXN"),
        ];
        let apart = [
            bill(month(9), month(10), "MXN"),
            bill(month(11), month(12), "MXN"),
        ];
        let quarter = [bill(month(9), month(12), "MXN")];
        let found = |days: &[Date]| Ok::<_, Hold>(days.to_vec());
        let table = [
            ("its own", &october[..], 10, 11, found(&[month(10)])),
            ("none", &[], 10, 11, missing(month(10), month(11))),
            (
                "of another currency",
                &abroad,
                10,
                11,
                missing(month(10), month(11)),
            ),
            (
                "two that reach beyond",
                &both,
                10,
                11,
                found(&[both[1].from, both[0].from]),
            ),
            ("a longer one", &quarter, 10, 11, found(&[month(9)])),
            ("a gap", &apart, 9, 12, missing(month(10), month(11))),
            (
                "the end is missing",
                &october,
                10,
                12,
                missing(month(11), month(12)),
            ),
        ];
        for (name, bills, from, until, expected) in table {
            let found = covering(bills, month(from), month(until), mxn);
            let found = found.map(|bills| bills.iter().map(|bill| bill.from).collect());
            assert_eq!(found, expected, "{name}");
        }
    }
}
