//! Terms as a form holds them: the names of its fields, and what is typed in them.

use jiff::civil::Time;
use rust_decimal::Decimal;

use super::super::form::{Input, written};
use crate::format::Format;
use crate::plan::Cycle;
use crate::plan::cycle::Weekday;
use crate::plan::tariff::{Rate, Season, Switch, Tariff};
use crate::plan::terms::{Term, Terms};

/// The days of the week, by the words a form sends.
pub(super) const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];
/// The kinds of days that a season tells apart, by their words.
pub(super) const DAYS: [&str; 3] = ["workday", "saturday", "sunday"];

/// The word for a term, of which the names of its buttons and switches are made.
pub(super) fn word(term: Term) -> &'static str {
    match term {
        Term::Plan => "plan",
        Term::Zone => "zone",
        Term::Cycle => "cycle",
        Term::Currency => "currency",
        Term::Tariff => "tariff",
        Term::Minimum => "minimum",
        Term::Fees => "fees",
        Term::Taxes => "taxes",
        Term::SendHour => "send_hour",
        Term::Missing => "missing",
        Term::Checks => "checks",
    }
}

/// The field that says that a term is said here.
pub(super) fn said(term: Term) -> String {
    format!("said-{}", word(term))
}

/// The switches of one kind of day.
pub(super) fn switches<'a>(season: &'a Season, day: &str) -> &'a [Switch] {
    match day {
        "workday" => &season.workday,
        "saturday" => &season.saturday,
        _ => &season.sunday,
    }
}

/// Collects fields.
struct Pen {
    format: Format,
    fields: Vec<(String, String)>,
}

impl Pen {
    fn put(&mut self, name: impl Into<String>, value: impl ToString) {
        self.fields.push((name.into(), value.to_string()));
    }

    fn number(&mut self, name: impl Into<String>, value: Decimal) {
        let value = written(value, self.format);
        self.put(name, value);
    }

    fn switch(&mut self, name: impl Into<String>, is_on: bool) {
        if is_on {
            self.put(name, "on");
        }
    }

    fn cycle(&mut self, cycle: &Cycle) {
        match cycle {
            Cycle::Month {
                cutoff_day,
                months,
                ends_in,
            } => {
                self.put("cycle", "month");
                self.put("cutoff_day", cutoff_day);
                self.put("months", months);
                self.put("ends_in", ends_in);
            }
            Cycle::Week { cutoff } => {
                self.put("cycle", "week");
                let day = WEEKDAYS.iter().find(|(_, day)| day == cutoff);
                self.put("cutoff_weekday", day.map_or("sunday", |(word, _)| word));
            }
        }
    }

    fn tariff(&mut self, tariff: &Tariff) {
        self.number("per", tariff.per);
        match &tariff.rate {
            Rate::Flat { price } => {
                self.put("rate", "flat");
                self.number("price", *price);
            }
            Rate::Tiers { tiers, prorated } => {
                self.put("rate", "tiers");
                for (place, tier) in tiers.iter().enumerate() {
                    let up_to = tier.up_to.map(|up_to| written(up_to, self.format));
                    self.put(format!("tier-{place}-up_to"), up_to.unwrap_or_default());
                    self.number(format!("tier-{place}-price"), tier.price);
                }
                self.switch("tiers_prorated", *prorated);
            }
            Rate::TimeOfUse { bands, calendar } => {
                self.put("rate", "hours");
                for (place, band) in bands.iter().enumerate() {
                    self.put(format!("band-{place}-name"), &band.name);
                    self.number(format!("band-{place}-price"), band.price);
                }
                for (place, season) in calendar.seasons.iter().enumerate() {
                    self.season(place, season);
                }
                let holidays: Vec<String> =
                    calendar.holidays.iter().map(ToString::to_string).collect();
                self.put("holidays", holidays.join(" "));
            }
            Rate::PassThrough => self.put("rate", "pass"),
        }
        if let Some(demand) = &tariff.demand {
            self.number("demand_price", demand.price);
            self.put("demand_minutes", demand.interval_minutes);
        }
    }

    fn season(&mut self, place: usize, season: &Season) {
        self.put(format!("season-{place}-month"), season.month);
        self.put(format!("season-{place}-day"), season.day);
        for day in DAYS {
            for (row, switch) in switches(season, day).iter().enumerate() {
                let name = format!("season-{place}-{day}-{row}");
                self.put(format!("{name}-at"), clock(switch.at));
                self.put(format!("{name}-band"), switch.band);
            }
        }
    }

    fn dues(&mut self, terms: &Terms) {
        for (place, fee) in terms.fees.iter().flatten().enumerate() {
            self.put(format!("fee-{place}-name"), &fee.name);
            self.number(format!("fee-{place}-amount"), fee.amount);
            self.switch(format!("fee-{place}-prorated"), fee.prorated);
        }
        for (place, tax) in terms.taxes.iter().flatten().enumerate() {
            self.put(format!("tax-{place}-name"), &tax.name);
            self.number(format!("tax-{place}-percent"), tax.percent);
            self.switch(format!("tax-{place}-compound"), tax.compound);
            self.put(format!("tax-{place}-exempt"), tax.exempt.join("; "));
        }
    }

    fn checks(&mut self, terms: &Terms) {
        let Some(checks) = &terms.checks else { return };
        self.number("low_percent", checks.low_percent);
        self.number("high_percent", checks.high_percent);
        self.number("spike_percent", checks.spike_percent);
        self.number("sum_percent", checks.sum_percent);
        self.put("zero_days", checks.zero_days);
        self.put("stuck_days", checks.stuck_days);
        self.put("missing_days", checks.missing_days);
        self.put("estimated_periods", checks.estimated_periods);
    }
}

/// A time of day as its field holds it.
pub(super) fn clock(at: Time) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// The fields of the terms, those that are said marked so.
pub(super) fn fields(terms: &Terms, format: Format) -> Input {
    let mut pen = Pen {
        format,
        fields: Vec::new(),
    };
    for term in terms.said() {
        pen.put(said(term), "on");
    }
    if let Some(plan) = terms.plan {
        pen.put("plan", plan);
    }
    if let Some(zone) = &terms.zone {
        pen.put("zone", zone.name());
    }
    if let Some(cycle) = &terms.cycle {
        pen.cycle(cycle);
    }
    if let Some(currency) = terms.currency {
        pen.put("currency", currency.code());
    }
    if let Some(tariff) = &terms.tariff {
        pen.tariff(tariff);
    }
    if let Some(minimum) = &terms.minimum {
        pen.number("minimum_quantity", minimum.quantity);
        pen.number("minimum_amount", minimum.amount);
        pen.switch("minimum_prorated", minimum.prorated);
    }
    pen.dues(terms);
    if let Some(hour) = terms.send_hour {
        pen.put("send_hour", hour);
    }
    if let Some(missing) = terms.missing {
        pen.put("grace_days", missing.grace_days);
        pen.switch("estimate", missing.estimate);
    }
    pen.checks(terms);
    let fields: Vec<(&str, &str)> = pen
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Input::of(&fields)
}
