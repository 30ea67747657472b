//! Why a bill differs from another one, a row each, in words that need no knowledge of bills.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::calculation::{Row, row};
use super::{Say, days};
use crate::billing::explain::{
    Against, Cause, ExplainError, Explanation, Part, PriceChange, Prices,
};
use crate::billing::invoice::Invoice;
use crate::text::Arg;

impl Say<'_> {
    /// Which bill it is compared with.
    pub(crate) fn compared_with(&self, against: Against, before: &Invoice) -> String {
        let dates = self.format.dates(before.period.from, before.period.until);
        let id = match against {
            Against::Last => "explain-against-last",
            Against::YearAgo => "explain-against-year",
        };
        self.text.with(id, &[("dates", Arg::from(&dates))])
    }

    /// Why it cannot be compared with that; a credit has no words for it, as none is shown.
    pub(crate) fn not_compared(&self, error: &ExplainError) -> String {
        match error {
            ExplainError::Credit => String::new(),
            ExplainError::Unit => self.text.get("explain-apart-unit"),
            ExplainError::Currency => self.text.get("explain-apart-currency"),
            ExplainError::TooManyDigits => self.text.get("explain-apart-digits"),
        }
    }

    /// Its difference from another bill, part by part, and the whole of it last.
    pub(crate) fn explanation(&self, explanation: &Explanation) -> Vec<Row> {
        let parts = explanation.parts.iter();
        let mut rows: Vec<Row> = parts.map(|part| self.part(*part, explanation)).collect();
        let difference = explanation.difference;
        let name = if difference.is_zero() {
            "explain-same"
        } else if difference.is_sign_negative() {
            "explain-less"
        } else {
            "explain-more"
        };
        let now = self.money(self.invoice.total);
        let before = self.money(explanation.before_total);
        rows.push(Row {
            strong: true,
            ruled: true,
            ..row(
                self.text.get(name),
                self.instead("explain-instead", &now, &before),
                self.signed(difference),
            )
        });
        rows
    }

    /// An amount with its sign.
    fn signed(&self, amount: Decimal) -> String {
        let plus = if amount > Decimal::ZERO { "+" } else { "" };
        format!("{plus}{}", self.money(amount))
    }

    fn instead(&self, id: &str, now: &str, before: &str) -> String {
        let args = [("now", Arg::from(now)), ("before", Arg::from(before))];
        self.text.with(id, &args)
    }

    fn part(&self, part: Part, explanation: &Explanation) -> Row {
        let rose = !part.amount.is_sign_negative();
        let nothing = String::new;
        let (name, how) = match part.cause {
            Cause::Use => (self.use_words(explanation), self.use_how(explanation)),
            Cause::Price => {
                let name = match rose {
                    true => self.text.get("explain-price-rose"),
                    false => self.text.get("explain-price-fell"),
                };
                (name, self.price_how(&explanation.price_changes))
            }
            Cause::UseAndPrice => {
                let why = self.text.get("explain-use-and-price-how");
                let how = format!("{} · {why}", self.use_how(explanation));
                (self.text.get("explain-use-and-price"), how)
            }
            Cause::Minimum => {
                let name = match rose {
                    true => self.text.get("explain-minimum-more"),
                    false => self.text.get("explain-minimum-less"),
                };
                (name, nothing())
            }
            Cause::Demand => (self.text.get("document-demand"), nothing()),
            Cause::CommonArea => (self.text.get("document-common-area"), nothing()),
            Cause::Fees => (self.text.get("explain-fees"), nothing()),
            Cause::Adjustments => (self.text.get("explain-adjustments"), nothing()),
            Cause::Taxes => (self.text.get("explain-taxes"), nothing()),
        };
        row(name, how, self.signed(part.amount))
    }

    /// How much more or less went through, in a sentence.
    fn use_words(&self, explanation: &Explanation) -> String {
        let (now, before) = (self.invoice.measured, explanation.before_measured);
        if now == before {
            return self.text.get("explain-use-same");
        }
        let Some(percent) = percent_more(now, before) else {
            let now = self.quantity(now);
            let args = [("now", Arg::from(&now))];
            return self.text.with("explain-use-other", &args);
        };
        let share = self.format.percent(percent.abs());
        let args = [("percent", Arg::from(&share))];
        if percent.round_dp(1).is_zero() {
            self.text.get("explain-use-same")
        } else if percent.is_sign_negative() {
            self.text.with("explain-use-less", &args)
        } else {
            self.text.with("explain-use-more", &args)
        }
    }

    /// Both uses, and both lengths where they differ.
    fn use_how(&self, explanation: &Explanation) -> String {
        let now = self.quantity(self.invoice.measured);
        let before = self.quantity(explanation.before_measured);
        let mut how = self.instead("explain-use-how", &now, &before);
        let period = &self.invoice.period;
        let long = days(period.from, period.until);
        let before = days(explanation.before_from, explanation.before_until);
        if long != before {
            let before = before.to_string();
            let args = [
                ("n", Arg::Count(i64::from(long))),
                ("before", Arg::from(&before)),
            ];
            how = format!("{how}, {}", self.text.with("explain-days", &args));
        }
        how
    }

    fn price_how(&self, changes: &[PriceChange]) -> String {
        let is_passed_on = self.invoice.extras.utility.is_some();
        let said = changes.iter().map(|change| match change.prices {
            None if is_passed_on => self.text.get("explain-price-utility"),
            prices => self.price_change(prices, change.on),
        });
        said.collect::<Vec<_>>().join("; ")
    }

    fn price_change(&self, prices: Option<Prices>, on: Option<Date>) -> String {
        let date = on.map(|date| self.format.date_short(date));
        let written = prices.map(|prices| {
            let price = |price| self.price_of(price, prices.per);
            (price(prices.now), price(prices.before))
        });
        match (&written, &date) {
            (Some((now, before)), Some(date)) => {
                let args = [
                    ("now", Arg::from(now)),
                    ("before", Arg::from(before)),
                    ("date", Arg::from(date)),
                ];
                self.text.with("explain-price-on", &args)
            }
            (Some((now, before)), None) => self.instead("explain-price-to", now, before),
            (None, Some(date)) => {
                let args = [("date", Arg::from(date))];
                self.text.with("explain-price-since", &args)
            }
            (None, None) => self.text.get("explain-price-other"),
        }
    }

    fn price_of(&self, price: Decimal, per: Decimal) -> String {
        let (currency, unit) = (self.invoice.currency, self.invoice.unit);
        if per == Decimal::ONE {
            return self.format.price(price, currency, unit);
        }
        format!("{} / {}", self.money(price), self.quantity(per))
    }
}

/// By how many of a hundred; nothing where there was no use to compare with.
fn percent_more(now: Decimal, before: Decimal) -> Option<Decimal> {
    if before <= Decimal::ZERO || now < Decimal::ZERO {
        return None;
    }
    let share = now.checked_sub(before)?.checked_div(before)?;
    share.checked_mul(Decimal::ONE_HUNDRED)
}
