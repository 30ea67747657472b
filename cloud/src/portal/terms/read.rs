//! Terms from what was typed: each wrong field gets its sentence, and rows that are left empty
//! are none.

mod calendar;

use std::collections::BTreeSet;

use common::id::PlanId;
use rust_decimal::Decimal;

use super::super::form::Check;
use super::write::{WEEKDAYS, said};
use crate::format::Format;
use crate::plan::tariff::{
    Demand, FEES_MAX, Fee, INTERVALS_MINUTES, Minimum, NAME_MAX, PERCENT_MAX, Rate, TAXES_MAX,
    TIERS_MAX, Tariff, Tax, Tier,
};
use crate::plan::terms::{Term, Terms};
use crate::plan::{Checks, Cycle, GRACE_DAYS_MAX, Missing, PRICE_DECIMALS_MAX, TERM_MAX};
use crate::store::plans::NamedPlan;
use crate::text::Arg;

/// Reads the terms of a form.
pub(super) struct Reader<'a, 'b> {
    pub(super) check: &'a mut Check<'b>,
    pub(super) format: Format,
    pub(super) plans: &'a [NamedPlan],
}

impl Reader<'_, '_> {
    /// What was said, if all of it is good.
    pub(super) fn terms(&mut self) -> Option<Terms> {
        let is_said = |term: &Term| self.check.input.is_on(&said(*term));
        let said: BTreeSet<Term> = Term::ALL.into_iter().filter(is_said).collect();
        let has = |term| said.contains(&term);
        let terms = Terms {
            plan: has(Term::Plan).then(|| self.plan()).flatten(),
            begins_period: self.check.input.is_on("begins_period"),
            zone: has(Term::Zone).then(|| self.check.zone("zone")).flatten(),
            cycle: has(Term::Cycle).then(|| self.cycle()).flatten(),
            currency: has(Term::Currency)
                .then(|| self.check.currency("currency"))
                .flatten(),
            tariff: has(Term::Tariff).then(|| self.tariff()).flatten(),
            minimum: has(Term::Minimum).then(|| self.minimum()).flatten(),
            fees: has(Term::Fees).then(|| self.fees()),
            taxes: has(Term::Taxes).then(|| self.taxes()),
            send_hour: has(Term::SendHour)
                .then(|| self.whole("send_hour", 0, 23))
                .flatten()
                .and_then(|hour| i8::try_from(hour).ok()),
            missing: has(Term::Missing).then(|| self.missing()).flatten(),
            checks: has(Term::Checks).then(|| self.checks()).flatten(),
        };
        (self.check.errors.is_empty() && terms.said() == said).then_some(terms)
    }

    fn wrong(&mut self, field: &str, id: &str) {
        let sentence = self.check.text.get(id);
        self.check.wrong(field, sentence);
    }

    fn plan(&mut self) -> Option<PlanId> {
        let plans = self.plans;
        let find = |typed: &str| {
            let id: PlanId = typed.parse().ok()?;
            plans.iter().find(|plan| plan.id == id).map(|plan| plan.id)
        };
        self.check.choice("plan", find)
    }

    /// A whole number between two others.
    fn whole(&mut self, field: &str, least: i64, most: i64) -> Option<i64> {
        let typed = self.check.whole(field)?;
        if (least..=most).contains(&typed) {
            return Some(typed);
        }
        let (least, most) = (least.to_string(), most.to_string());
        self.between(field, &typed.to_string(), &least, &most);
        None
    }

    fn between(&mut self, field: &str, typed: &str, least: &str, most: &str) {
        let args = [
            ("typed", Arg::from(typed)),
            ("least", Arg::from(least)),
            ("most", Arg::from(most)),
        ];
        let sentence = self.check.text.with("terms-error-between", &args);
        self.check.wrong(field, sentence);
    }

    /// A number of six decimals at most, between two others.
    fn number(&mut self, field: &str, least: i64, most: i64) -> Option<Decimal> {
        let typed = self.check.decimal(field, self.format)?;
        if typed < Decimal::from(least) || typed > Decimal::from(most) {
            let range = [least, most].map(|one| self.format.decimal(Decimal::from(one)));
            let typed = self.format.decimal(typed);
            self.between(field, &typed, &range[0], &range[1]);
            return None;
        }
        if typed.normalize().scale() > PRICE_DECIMALS_MAX {
            self.wrong(field, "terms-error-decimals");
            return None;
        }
        Some(typed)
    }

    fn price(&mut self, field: &str) -> Option<Decimal> {
        self.number(field, 0, TERM_MAX)
    }

    fn is_empty(&self, field: &str) -> bool {
        self.check.input.get(field).trim().is_empty()
    }

    /// A name that stands on a line of an invoice.
    fn line_name(&mut self, field: &str) -> Option<String> {
        let name = self.check.name(field)?;
        if name.chars().count() > NAME_MAX {
            let most = NAME_MAX.to_string();
            let args = [("most", Arg::from(&most))];
            let sentence = self.check.text.with("portal-error-too-long", &args);
            self.check.wrong(field, sentence);
            return None;
        }
        Some(name)
    }

    fn cycle(&mut self) -> Option<Cycle> {
        if self.check.input.get("cycle") == "week" {
            let day = |typed: &str| {
                let found = WEEKDAYS.iter().find(|(word, _)| *word == typed);
                found.map(|(_, day)| *day)
            };
            let cutoff = self.check.choice("cutoff_weekday", day)?;
            return Some(Cycle::Week { cutoff });
        }
        let small = |number: i64| i8::try_from(number).ok();
        let cutoff_day = self.whole("cutoff_day", 1, 31).and_then(small);
        let months = self.whole("months", 1, 12).and_then(small);
        let ends_in = self.whole("ends_in", 1, 12).and_then(small);
        Some(Cycle::Month {
            cutoff_day: cutoff_day?,
            months: months?,
            ends_in: ends_in?,
        })
    }

    fn tariff(&mut self) -> Option<Tariff> {
        let per = self.number("per", 0, TERM_MAX);
        if per == Some(Decimal::ZERO) {
            self.wrong("per", "terms-error-per");
        }
        let rate = match self.check.input.get("rate") {
            "tiers" => self.tiers(),
            "hours" => self.hours(),
            "pass" => Some(Rate::PassThrough),
            _ => self.price("price").map(|price| Rate::Flat { price }),
        };
        let demand = self.demand();
        Some(Tariff {
            rate: rate?,
            per: per?,
            demand,
        })
    }

    fn demand(&mut self) -> Option<Demand> {
        if self.is_empty("demand_price") {
            return None;
        }
        let price = self.price("demand_price");
        let minutes = |typed: &str| {
            let typed: u16 = typed.parse().ok()?;
            INTERVALS_MINUTES.contains(&typed).then_some(typed)
        };
        let interval_minutes = self.check.choice("demand_minutes", minutes);
        Some(Demand {
            interval_minutes: interval_minutes?,
            price: price?,
        })
    }

    fn tiers(&mut self) -> Option<Rate> {
        let rows: Vec<String> = (0..self.check.input.rows("tier", TIERS_MAX))
            .map(|place| format!("tier-{place}"))
            .filter(|row| {
                !self.is_empty(&format!("{row}-up_to")) || !self.is_empty(&format!("{row}-price"))
            })
            .collect();
        let mut tiers = Vec::new();
        let mut from = Decimal::ZERO;
        for (number, row) in rows.iter().enumerate() {
            let (end, price) = (format!("{row}-up_to"), format!("{row}-price"));
            let is_last = number + 1 == rows.len();
            let up_to = if self.is_empty(&end) {
                if !is_last {
                    self.wrong(&end, "terms-error-tier-open");
                }
                None
            } else if is_last {
                self.wrong(&end, "terms-error-tier-last");
                None
            } else {
                self.price(&end)
            };
            if up_to.is_some_and(|up_to| up_to <= from) {
                self.wrong(&end, "terms-error-tier-order");
            }
            from = up_to.unwrap_or(from);
            if let Some(price) = self.price(&price) {
                tiers.push(Tier { up_to, price });
            }
        }
        if rows.is_empty() {
            self.wrong("tier-0-price", "portal-error-empty");
        }
        Some(Rate::Tiers {
            tiers,
            prorated: self.check.input.is_on("tiers_prorated"),
        })
    }

    fn minimum(&mut self) -> Option<Minimum> {
        let quantity = self.price("minimum_quantity");
        let amount = self.price("minimum_amount");
        Some(Minimum {
            quantity: quantity?,
            amount: amount?,
            prorated: self.check.input.is_on("minimum_prorated"),
        })
    }

    fn fees(&mut self) -> Vec<Fee> {
        let mut fees: Vec<Fee> = Vec::new();
        for place in 0..self.check.input.rows("fee", FEES_MAX) {
            let field = |name| format!("fee-{place}-{name}");
            if self.is_empty(&field("name")) && self.is_empty(&field("amount")) {
                continue;
            }
            let name = self.line_name(&field("name"));
            let amount = self.price(&field("amount"));
            let (Some(name), Some(amount)) = (name, amount) else {
                continue;
            };
            if fees.iter().any(|fee| fee.name == name) {
                self.wrong(&field("name"), "terms-error-twice");
            }
            let prorated = self.check.input.is_on(&field("prorated"));
            fees.push(Fee {
                name,
                amount,
                prorated,
            });
        }
        fees
    }

    fn taxes(&mut self) -> Vec<Tax> {
        let mut taxes = Vec::new();
        for place in 0..self.check.input.rows("tax", TAXES_MAX) {
            let field = |name| format!("tax-{place}-{name}");
            if self.is_empty(&field("name")) && self.is_empty(&field("percent")) {
                continue;
            }
            let name = self.line_name(&field("name"));
            let percent = self.number(&field("percent"), -100, PERCENT_MAX);
            let exempt = self.check.input.get(&field("exempt")).split(';');
            let exempt = exempt.map(str::trim).filter(|name| !name.is_empty());
            let exempt = exempt.take(FEES_MAX).map(str::to_owned).collect();
            let (Some(name), Some(percent)) = (name, percent) else {
                continue;
            };
            taxes.push(Tax {
                name,
                percent,
                compound: self.check.input.is_on(&field("compound")),
                exempt,
            });
        }
        taxes
    }

    fn missing(&mut self) -> Option<Missing> {
        let grace_days = self.whole("grace_days", 0, GRACE_DAYS_MAX)?;
        Some(Missing {
            grace_days: u8::try_from(grace_days).ok()?,
            estimate: self.check.input.is_on("estimate"),
        })
    }

    fn checks(&mut self) -> Option<Checks> {
        let [low, high, spike, sum] = [
            "low_percent",
            "high_percent",
            "spike_percent",
            "sum_percent",
        ]
        .map(|field| self.number(field, 0, 100_000));
        let [zero, stuck, missing, estimated] = [
            "zero_days",
            "stuck_days",
            "missing_days",
            "estimated_periods",
        ]
        .map(|field| {
            self.whole(field, 0, 366)
                .and_then(|n| u16::try_from(n).ok())
        });
        Some(Checks {
            low_percent: low?,
            high_percent: high?,
            spike_percent: spike?,
            sum_percent: sum?,
            zero_days: zero?,
            stuck_days: stuck?,
            missing_days: missing?,
            estimated_periods: estimated?,
        })
    }
}
