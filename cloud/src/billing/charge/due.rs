//! What is due besides use: demand, fees, adjustments, the minimum amount and taxes.

use rust_decimal::Decimal;

use super::amount::{exact_sum, exact_total};
use super::days::{days_between, share};
use super::{Adjustment, Bill};
use crate::billing::CloseError;
use crate::billing::hold::Hold;
use crate::billing::invoice::{Line, LineKind};
use crate::billing::period::PeriodError;
use crate::plan::Plan;
use crate::plan::tariff::Tax;

/// What a share of a hundred is of.
const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

impl Bill<'_> {
    /// The highest power, by the price that holds when it begins.
    pub(super) fn demand(&mut self) -> Result<(), Hold> {
        if self.plans.iter().all(|plan| plan.tariff.demand.is_none()) {
            return Ok(());
        }
        let within = |from, until| from >= self.period.starts_at && until <= self.period.ends_at;
        let peak = self.extras.peak.as_ref();
        let peak = peak.filter(|peak| within(peak.from, peak.until));
        let peak = peak.ok_or(Hold::PeakMissing)?;
        let begun = self.stretches.partition_point(|one| one.at <= peak.from);
        let holds = self.stretches.get(begun.saturating_sub(1));
        let plan = holds.and_then(|stretch| self.plans.get(stretch.version));
        if let Some(demand) = plan.and_then(|plan| plan.tariff.demand.as_ref()) {
            let mut line = self.line(LineKind::Demand, "", peak.power, demand.price);
            line.is_detail = true;
            self.push(line)?;
        }
        Ok(())
    }

    /// All that comes after the units.
    pub(super) fn dues(&mut self) -> Result<(), CloseError> {
        let plans = self.plans;
        let start = plans.first().ok_or(PeriodError::NoPlan)?;
        self.fees(start)?;
        let reached = self.total()?;
        self.adjustments(|adjustment| adjustment.taxed)?;
        let (minimum, digits) = (&start.minimum, self.digits);
        let least = self.part(minimum.amount, minimum.prorated, digits)?;
        let missing = exact_sum(least, -reached.max(Decimal::ZERO))?;
        if missing > Decimal::ZERO {
            let line = self.line(LineKind::MinimumAmount, "", Decimal::ONE, missing);
            self.push(line)?;
        }
        let untaxed = self.lines.len();
        for tax in &start.taxes {
            let base = self.taxed_by(tax, untaxed)?;
            let mut line = self.line(LineKind::Tax, &tax.name, base, tax.percent);
            line.per = HUNDRED;
            self.push(line)?;
        }
        self.adjustments(|adjustment| !adjustment.taxed)?;
        Ok(())
    }

    /// The fees of the first version that are not prorated, and those of each version that
    /// are, by its days.
    fn fees(&mut self, start: &Plan) -> Result<(), Hold> {
        for fee in start.fees.iter().filter(|fee| !fee.prorated) {
            let line = self.line(LineKind::Fee, &fee.name, Decimal::ONE, fee.amount);
            self.push(line)?;
        }
        let mut prorated: Vec<Line> = Vec::new();
        let plans = self.plans;
        for (place, plan) in plans.iter().enumerate() {
            let from = if place == 0 {
                self.period.from
            } else {
                plan.effective_from
            };
            let next = plans.get(place.saturating_add(1));
            let until = next.map_or(self.period.until, |next| next.effective_from);
            for fee in plan.fees.iter().filter(|fee| fee.prorated) {
                let goes_on = |line: &&mut Line| {
                    line.until == from && line.name == fee.name && line.price == fee.amount
                };
                if let Some(line) = prorated.iter_mut().find(goes_on) {
                    line.until = until;
                    continue;
                }
                let mut line = self.line(LineKind::Fee, &fee.name, Decimal::ONE, fee.amount);
                (line.from, line.until) = (from, until);
                prorated.push(line);
            }
        }
        for mut line in prorated {
            line.share = share(days_between(line.from, line.until), self.full_days);
            self.push(line)?;
        }
        Ok(())
    }

    fn adjustments(&mut self, which: impl Fn(&Adjustment) -> bool) -> Result<(), Hold> {
        for adjustment in self.extras.adjustments.iter().filter(|one| which(one)) {
            let (name, amount) = (&adjustment.name, adjustment.amount);
            let line = self.line(LineKind::Adjustment, name, Decimal::ONE, amount);
            self.push(line)?;
        }
        Ok(())
    }

    /// What a tax is taken of: the lines before the taxes, which are so many, and of a
    /// compound one the taxes before it.
    fn taxed_by(&self, tax: &Tax, untaxed: usize) -> Result<Decimal, Hold> {
        let is_exempt = |line: &Line| line.kind == LineKind::Fee && tax.exempt.contains(&line.name);
        let lines = self.lines.iter().enumerate();
        let taxed = lines.filter(|(place, line)| {
            if *place < untaxed {
                !is_exempt(line)
            } else {
                tax.compound
            }
        });
        exact_total(taxed.map(|(_, line)| line.amount))
    }
}
