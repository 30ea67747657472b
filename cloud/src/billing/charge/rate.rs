//! Prices: what the units of a version of the tariff cost.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::amount::{PRICE_DECIMALS, QUANTITY_DECIMALS, exact_sum, rounded};
use super::days::days_between;
use super::{Bill, UtilityPrice};
use crate::billing::hold::Hold;
use crate::billing::invoice::Share;
use crate::billing::segment::Segment;
use crate::plan::Plan;
use crate::plan::tariff::{Rate, Tier};

/// Units with one price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Units {
    pub(super) name: String,
    pub(super) quantity: Decimal,
    pub(super) price: Decimal,
}

/// What was used while one version of the tariff held.
#[derive(Debug, Clone)]
pub(super) struct Version<'a> {
    /// Its place among the plans.
    pub(super) place: usize,
    pub(super) plan: &'a Plan,
    pub(super) from: Date,
    pub(super) until: Date,
    pub(super) quantity: Decimal,
    /// The quantity of each band.
    bands: BTreeMap<usize, Decimal>,
    /// The band that holds at its end.
    last_band: usize,
}

impl<'a> Version<'a> {
    pub(super) fn new(place: usize, plan: &'a Plan, from: Date) -> Self {
        Self {
            place,
            plan,
            from,
            until: from,
            quantity: Decimal::ZERO,
            bands: BTreeMap::new(),
            last_band: 0,
        }
    }

    /// Counts what a device counted.
    pub(super) fn add(&mut self, segment: &Segment, band: Option<usize>) -> Result<(), Hold> {
        self.until = segment.closing.date;
        self.quantity = exact_sum(self.quantity, segment.quantity)?;
        self.last_band = band.unwrap_or(0);
        let of_band = self.bands.entry(self.last_band).or_default();
        *of_band = exact_sum(*of_band, segment.quantity)?;
        Ok(())
    }

    /// What was used, at its prices.
    pub(super) fn consumption(&self, bill: &Bill<'_>) -> Result<Vec<Units>, Hold> {
        match &self.plan.tariff.rate {
            Rate::TimeOfUse { .. } => {
                let bands = self.bands.iter();
                Ok(bands
                    .filter_map(|(band, used)| self.of_band(*band, *used))
                    .collect())
            }
            _ => self.next(bill, Decimal::ZERO, self.quantity),
        }
    }

    /// The price of units that come after those that are already counted.
    pub(super) fn next(
        &self,
        bill: &Bill<'_>,
        counted: Decimal,
        quantity: Decimal,
    ) -> Result<Vec<Units>, Hold> {
        let at = |price| {
            let name = String::new();
            vec![Units {
                name,
                quantity,
                price,
            }]
        };
        match &self.plan.tariff.rate {
            Rate::Flat { price } => Ok(at(*price)),
            Rate::PassThrough => {
                let utility = bill.extras.utility.as_ref();
                let price = utility_price(utility, self.plan.tariff.per)?;
                let (from, until) = (bill.period.from, bill.period.until);
                Ok(at(price.ok_or(Hold::UtilityBillMissing { from, until })?))
            }
            Rate::TimeOfUse { .. } => {
                Ok(self.of_band(self.last_band, quantity).into_iter().collect())
            }
            Rate::Tiers { tiers, prorated } => {
                let ends = self.ends(bill, tiers, *prorated)?;
                blocks(&ends, counted, quantity)
            }
        }
    }

    fn of_band(&self, band: usize, quantity: Decimal) -> Option<Units> {
        let Rate::TimeOfUse { bands, .. } = &self.plan.tariff.rate else {
            return None;
        };
        let band = bands.get(band)?;
        Some(Units {
            name: band.name.clone(),
            quantity,
            price: band.price,
        })
    }

    /// Where the tiers of this version end, with their prices.
    fn ends(
        &self,
        bill: &Bill<'_>,
        tiers: &[Tier],
        is_prorated: bool,
    ) -> Result<Vec<(Option<Decimal>, Decimal)>, Hold> {
        let days = days_between(self.from, self.until).min(bill.days);
        let of = if is_prorated {
            bill.full_days
        } else {
            bill.days
        };
        let end = |up_to: Decimal| {
            if days == of {
                return Ok(up_to);
            }
            let (one, share) = (Decimal::ONE, Some(Share { days, of }));
            rounded(up_to, one, one, share, QUANTITY_DECIMALS).ok_or(Hold::TooManyDigits)
        };
        let ends = tiers
            .iter()
            .map(|tier| Ok((tier.up_to.map(end).transpose()?, tier.price)));
        ends.collect()
    }
}

/// The price of `per` units: what the utility charged, by what the main meter measured.
fn utility_price(utility: Option<&UtilityPrice>, per: Decimal) -> Result<Option<Decimal>, Hold> {
    let Some(utility) = utility.filter(|utility| utility.quantity > Decimal::ZERO) else {
        return Ok(None);
    };
    let (amount, quantity) = (utility.amount, utility.quantity);
    let price = rounded(amount, per, quantity, None, PRICE_DECIMALS);
    price.map(Some).ok_or(Hold::TooManyDigits)
}

/// Units that come after those already counted, by the tiers in which they land.
fn blocks(
    ends: &[(Option<Decimal>, Decimal)],
    counted: Decimal,
    quantity: Decimal,
) -> Result<Vec<Units>, Hold> {
    let units = |quantity, price| Units {
        name: String::new(),
        quantity,
        price,
    };
    let begin = counted.max(Decimal::ZERO);
    if quantity <= Decimal::ZERO {
        let mut holds = ends
            .iter()
            .filter(|(end, _)| end.is_none_or(|end| end >= begin));
        return Ok(holds
            .next()
            .map(|(_, price)| units(quantity, *price))
            .into_iter()
            .collect());
    }
    let finish = exact_sum(begin, quantity)?;
    let mut from = begin;
    let mut blocks = Vec::new();
    for (end, price) in ends {
        let until = end.map_or(finish, |end| end.min(finish));
        if until > from {
            blocks.push(units(exact_sum(until, -from)?, *price));
            from = until;
        }
    }
    Ok(blocks)
}
