//! Terms in words, short enough for a line.

use rust_decimal::Decimal;

use super::subject::Subject;
use crate::currency::Currency;
use crate::format::Format;
use crate::plan::cycle::Weekday;
use crate::plan::tariff::{Minimum, Rate, Tariff};
use crate::plan::terms::{Term, Terms};
use crate::plan::{Checks, Cycle, Missing, SEND_HOUR_DEFAULT};
use crate::text::{Arg, Text};

/// What a term is called.
pub(crate) fn name(text: Text, term: Term) -> String {
    match term {
        Term::Plan => text.get("terms-plan"),
        Term::Zone => text.get("terms-zone"),
        Term::Cycle => text.get("terms-cycle"),
        Term::Currency => text.get("terms-currency"),
        Term::Tariff => text.get("terms-tariff"),
        Term::Minimum => text.get("terms-minimum"),
        Term::Fees => text.get("terms-fees"),
        Term::Taxes => text.get("terms-taxes"),
        Term::SendHour => text.get("terms-send-hour"),
        Term::Missing => text.get("terms-missing"),
        Term::Checks => text.get("terms-checks"),
    }
}

/// What a month is called, 1 for January.
pub(super) fn month(text: Text, month: i8) -> String {
    match month {
        1 => text.get("terms-month-1"),
        2 => text.get("terms-month-2"),
        3 => text.get("terms-month-3"),
        4 => text.get("terms-month-4"),
        5 => text.get("terms-month-5"),
        6 => text.get("terms-month-6"),
        7 => text.get("terms-month-7"),
        8 => text.get("terms-month-8"),
        9 => text.get("terms-month-9"),
        10 => text.get("terms-month-10"),
        11 => text.get("terms-month-11"),
        _ => text.get("terms-month-12"),
    }
}

/// What a day of the week is called.
pub(super) fn weekday(text: Text, day: Weekday) -> String {
    match day {
        Weekday::Monday => text.get("terms-monday"),
        Weekday::Tuesday => text.get("terms-tuesday"),
        Weekday::Wednesday => text.get("terms-wednesday"),
        Weekday::Thursday => text.get("terms-thursday"),
        Weekday::Friday => text.get("terms-friday"),
        Weekday::Saturday => text.get("terms-saturday"),
        Weekday::Sunday => text.get("terms-sunday"),
    }
}

/// When periods end.
pub(crate) fn cycle(text: Text, cycle: &Cycle) -> String {
    match cycle {
        Cycle::Week { cutoff } => {
            let day = weekday(text, *cutoff);
            text.with("terms-say-weekly", &[("day", Arg::from(&day))])
        }
        Cycle::Month {
            cutoff_day,
            months,
            ends_in,
        } => {
            let day = match cutoff_day {
                31 => text.get("terms-say-last-day"),
                day => text.with("terms-say-day", &[("day", Arg::from(&day.to_string()))]),
            };
            if *months == 1 {
                return text.with("terms-say-monthly", &[("day", Arg::from(&day))]);
            }
            let ends = month(text, *ends_in);
            let args = [
                ("n", Arg::Count(i64::from(*months))),
                ("day", Arg::from(&day)),
                ("month", Arg::from(&ends)),
            ];
            text.with("terms-say-months", &args)
        }
    }
}

/// Says terms in the words of a reader and the figures of whom they are for.
pub(super) struct Say<'a> {
    pub(super) text: Text,
    pub(super) format: Format,
    pub(super) subject: &'a Subject,
    pub(super) currency: Option<Currency>,
}

impl Say<'_> {
    fn money(&self, amount: Decimal) -> String {
        match self.currency {
            Some(currency) => self.format.money(amount, currency),
            None => self.format.decimal(amount),
        }
    }

    fn unit(&self) -> String {
        let symbol = self.subject.unit.map(|unit| unit.symbol().to_owned());
        symbol.unwrap_or_else(|| self.text.get("terms-unit"))
    }

    fn price(&self, price: Decimal, per: Decimal) -> String {
        let unit = self.unit();
        let per = match per == Decimal::ONE {
            true => unit,
            false => format!("{} {unit}", self.format.decimal(per)),
        };
        format!("{}/{per}", self.money(price))
    }

    /// A term in words; nothing where it is open.
    pub(super) fn term(&self, term: Term, terms: &Terms) -> Option<String> {
        let text = self.text;
        Some(match term {
            Term::Plan => self.subject.plan_name(terms.plan?),
            Term::Zone => terms.zone.as_ref()?.name().to_owned(),
            Term::Cycle => cycle(text, terms.cycle.as_ref()?),
            Term::Currency => terms.currency?.code().to_owned(),
            Term::Tariff => self.tariff(terms.tariff.as_ref()?),
            Term::Minimum => self.minimum(terms.minimum.as_ref()?),
            Term::Fees => {
                let fees = terms.fees.as_ref()?.iter();
                let fees = fees.map(|fee| format!("{}: {}", fee.name, self.money(fee.amount)));
                self.list(fees.collect())
            }
            Term::Taxes => {
                let taxes = terms.taxes.as_ref()?.iter();
                let percent = |percent: Decimal| self.format.decimal(percent.normalize());
                let taxes = taxes.map(|tax| format!("{}: {} %", tax.name, percent(tax.percent)));
                self.list(taxes.collect())
            }
            Term::SendHour => hour(text, terms.send_hour?),
            Term::Missing => missing(text, terms.missing?),
            Term::Checks => self.checks(terms.checks.as_ref()?),
        })
    }

    /// What holds when nobody says a term; nothing where somebody must.
    pub(super) fn unsaid(&self, term: Term) -> Option<String> {
        let default = Terms {
            minimum: Some(Minimum::default()),
            fees: Some(Vec::new()),
            taxes: Some(Vec::new()),
            send_hour: Some(SEND_HOUR_DEFAULT),
            missing: Some(Missing::default()),
            checks: Some(Checks::default()),
            ..Terms::default()
        };
        self.term(term, &default)
    }

    fn list(&self, all: Vec<String>) -> String {
        match all.is_empty() {
            true => self.text.get("terms-say-none"),
            false => all.join(" · "),
        }
    }

    fn tariff(&self, tariff: &Tariff) -> String {
        let price = |price: Decimal| self.price(price, tariff.per);
        let mut parts = match &tariff.rate {
            Rate::Flat { price: one } => vec![price(*one)],
            Rate::PassThrough => vec![self.text.get("terms-rate-pass")],
            Rate::Tiers { tiers, .. } => tiers
                .iter()
                .map(|tier| {
                    let (price, unit) = (price(tier.price), self.unit());
                    let Some(up_to) = tier.up_to else {
                        return self
                            .text
                            .with("terms-say-tier-last", &[("price", Arg::from(&price))]);
                    };
                    let up_to = format!("{} {unit}", self.format.decimal(up_to));
                    let args = [("up_to", Arg::from(&up_to)), ("price", Arg::from(&price))];
                    self.text.with("terms-say-tier", &args)
                })
                .collect(),
            Rate::TimeOfUse { bands, .. } => bands
                .iter()
                .map(|band| format!("{}: {}", band.name, price(band.price)))
                .collect(),
        };
        if let Some(demand) = &tariff.demand {
            let price = self.money(demand.price);
            let args = [("price", Arg::from(&price))];
            parts.push(self.text.with("terms-say-demand", &args));
        }
        parts.join(" · ")
    }

    fn minimum(&self, minimum: &Minimum) -> String {
        let mut parts = Vec::new();
        if !minimum.quantity.is_zero() {
            let quantity = self.format.decimal(minimum.quantity);
            parts.push(format!("{quantity} {}", self.unit()));
        }
        if !minimum.amount.is_zero() {
            parts.push(self.money(minimum.amount));
        }
        if minimum.prorated && !parts.is_empty() {
            parts.push(self.text.get("terms-say-prorated"));
        }
        self.list(parts)
    }

    fn checks(&self, checks: &Checks) -> String {
        if *checks == Checks::default() {
            return self.text.get("terms-say-checks-default");
        }
        let (low, high) = (checks.low_percent, checks.high_percent);
        let (low, high) = (
            self.format.decimal(low.normalize()),
            self.format.decimal(high.normalize()),
        );
        let (zero, stuck) = (checks.zero_days.to_string(), checks.stuck_days.to_string());
        let args = [
            ("low", Arg::from(&low)),
            ("high", Arg::from(&high)),
            ("zero", Arg::from(&zero)),
            ("stuck", Arg::from(&stuck)),
        ];
        self.text.with("terms-say-checks", &args)
    }
}

fn hour(text: Text, hour: i8) -> String {
    let hour = format!("{hour:02}:00");
    text.with("terms-say-hour", &[("hour", Arg::from(&hour))])
}

fn missing(text: Text, missing: Missing) -> String {
    let n = Arg::Count(i64::from(missing.grace_days));
    match missing.estimate {
        true => text.with("terms-say-estimate", &[("n", n)]),
        false => text.with("terms-say-hold", &[("n", n)]),
    }
}
