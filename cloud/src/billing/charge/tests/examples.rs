//! The worked examples in `examples/*.toml`: a tariff, what was used, and every line and the
//! total to the cent. Each names its source, or says that it was worked by hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::unit::Unit;
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::billing::charge::{Charge, Extras, charge, plans_within};
use crate::billing::decisive_instants;
use crate::billing::invoice::{Line, LineKind, Period};
use crate::billing::period::start_of_day;
use crate::billing::sample;
use crate::billing::segment::{Segment, Segments};
use crate::plan::Plan;
use crate::plan::terms::{Levels, Terms, Version};
use crate::site::Zone;

/// A worked example.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    /// What it shows.
    title: String,
    /// Where its figures are from, and which of them were worked by hand.
    source: String,
    from: Date,
    until: Date,
    /// What the meter says of its plan, by date.
    terms: Vec<Said>,
    #[serde(default)]
    used: Vec<Used>,
    /// What each hour of the day uses, on every day.
    #[serde(default)]
    load: Vec<Decimal>,
    #[serde(default)]
    extras: Option<Extras>,
    measured: Decimal,
    billed: Decimal,
    lines: Vec<Expected>,
    total: String,
}

#[derive(Debug, Deserialize)]
struct Said {
    effective_from: Date,
    #[serde(flatten)]
    terms: Terms,
}

/// A quantity that was used at a local time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Used {
    at: DateTime,
    quantity: Decimal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: LineKind,
    #[serde(default)]
    name: String,
    /// Where it is not the period's.
    #[serde(default)]
    from: Option<Date>,
    #[serde(default)]
    until: Option<Date>,
    quantity: Decimal,
    price: Decimal,
    /// Where it is neither 1 nor, for a tax, 100.
    #[serde(default)]
    per: Option<Decimal>,
    /// Days of days.
    #[serde(default)]
    share: Option<(u32, u32)>,
    amount: String,
}

impl Example {
    fn plans(&self) -> Vec<Plan> {
        let version = |said: &Said| Version {
            effective_from: said.effective_from,
            terms: said.terms.clone(),
        };
        let levels = Levels {
            meter: self.terms.iter().map(version).collect(),
            ..Levels::default()
        };
        let resolved = levels.resolve().unwrap();
        resolved.into_iter().map(|resolved| resolved.plan).collect()
    }

    fn charge(&self) -> Charge {
        let plans = self.plans();
        let zone = plans[0].zone.clone();
        let period = Period {
            from: self.from,
            until: self.until,
            starts_at: start_of_day(self.from, &zone).unwrap(),
            ends_at: start_of_day(self.until, &zone).unwrap(),
        };
        let segments = self.segments(&period, &plans, &zone);
        let extras = self.extras.clone().unwrap_or_default();
        charge(&period, &segments, &plans_within(&period, &plans), &extras).unwrap()
    }

    /// One segment between two decisive instants, with what was used in it.
    fn segments(&self, period: &Period, plans: &[Plan], zone: &Zone) -> Segments {
        let boundaries: Vec<_> = decisive_instants(period, plans)
            .unwrap()
            .iter()
            .map(|start| {
                let mut boundary = sample::boundary(start.date, "0", Unit::KiloWh);
                boundary.at = start.at;
                boundary
            })
            .collect();
        let segments: Vec<Segment> = boundaries
            .windows(2)
            .map(|pair| {
                let mut segment = sample::segment(pair[0].clone(), pair[1].clone());
                segment.quantity = self.used_between(pair[0].at, pair[1].at, zone);
                segment
            })
            .collect();
        Segments::try_from(segments).unwrap()
    }

    fn used_between(&self, from: Timestamp, until: Timestamp, zone: &Zone) -> Decimal {
        let is_within = |used: &&Used| {
            let at = zone.rules().to_timestamp(used.at).unwrap();
            from <= at && at < until
        };
        let used = self.used.iter().filter(is_within);
        let mut sum: Decimal = used.map(|used| used.quantity).sum();
        let mut hour = from;
        while !self.load.is_empty() && hour < until {
            let local = zone.rules().to_datetime(hour).hour();
            sum += self.load[usize::try_from(local).unwrap()];
            hour += SignedDuration::from_hours(1);
        }
        sum
    }

    fn check(&self, name: &str) {
        assert!(!self.title.is_empty(), "{name} has no title");
        let is_sourced = self.source.contains("http") || self.source.contains("by hand");
        assert!(is_sourced, "{name} has no source");
        let found = self.charge();
        let digits = self.plans()[0].currency.digits();
        for line in &found.lines {
            let amount = line.recomputed_amount(digits);
            assert_eq!(amount, Some(line.amount), "{name}: {line:?}");
        }
        let lines: Vec<String> = found.lines.iter().map(written).collect();
        let expected: Vec<String> = self.lines.iter().map(|one| self.expected(one)).collect();
        assert_eq!(lines, expected, "{name}: {}", self.title);
        let sums = (found.measured, found.billed, found.total.to_string());
        let expected = (self.measured, self.billed, self.total.clone());
        assert_eq!(sums, expected, "{name}: {}", self.title);
    }

    fn expected(&self, line: &Expected) -> String {
        let is_tax = line.kind == LineKind::Tax;
        let per = if is_tax { 100 } else { 1 };
        let line = Line {
            kind: line.kind,
            name: line.name.clone(),
            from: line.from.unwrap_or(self.from),
            until: line.until.unwrap_or(self.until),
            quantity: line.quantity,
            price: line.price,
            per: line.per.unwrap_or(Decimal::from(per)),
            share: line
                .share
                .map(|(days, of)| crate::billing::invoice::Share { days, of }),
            amount: sample::number(&line.amount),
            is_detail: line.kind == LineKind::Demand,
        };
        written(&line)
    }
}

/// A line on one line.
fn written(line: &Line) -> String {
    let share = line.share.map_or(String::new(), |share| {
        format!(" × {} ÷ {}", share.days, share.of)
    });
    format!(
        "{:?} '{}' {}–{}: {} × {} ÷ {}{share} = {}{}",
        line.kind,
        line.name,
        line.from,
        line.until,
        line.quantity.normalize(),
        line.price.normalize(),
        line.per.normalize(),
        line.amount,
        if line.is_detail { " (detail)" } else { "" },
    )
}

#[test]
fn every_worked_example_comes_out_to_the_cent() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/billing/charge/examples");
    let mut kinds = BTreeSet::new();
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let example: Example = toml::from_str(&text).unwrap_or_else(|error| {
            panic!("{name}: {error}");
        });
        example.check(&name);
        kinds.extend(example.lines.iter().map(|line| line.kind));
        count += 1;
    }
    assert!(count >= 16, "{count} examples");
    assert_eq!(kinds.len(), 8, "a kind of line has no example: {kinds:?}");
}
