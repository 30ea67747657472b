//! Period, lines and total, from the terms that the invoice states.

use jiff::{SignedDuration, Timestamp};

use common::reading::ClockTrust;

use super::super::report::{Part, Report};
use crate::billing::charge::charge;
use crate::billing::decisive_instants;
use crate::billing::invoice::{DocumentKind, Invoice, Line, Period, opposite};
use crate::billing::period::{period_after, plan_of, start_of_day};

/// The farthest that the starts of one date are apart in two zones.
const ZONES_APART: SignedDuration = SignedDuration::from_hours(26);

/// Puts in what the terms make of the segments.
pub(super) fn apply(issued: &Invoice, again: &mut Invoice, report: &mut Report) {
    again.simulated = again.segments.rest_on(ClockTrust::Simulated);
    if let Some(plan) = issued.plans.first() {
        again.currency = plan.currency;
    } else {
        let message = "it states no terms".to_owned();
        report.differs(Part::Charge, "invoice.plans", message);
        return;
    }
    for (number, plan) in issued.plans.iter().enumerate() {
        if let Err(error) = plan.check() {
            let field = format!("invoice.plans[{number}]");
            report.differs(Part::Charge, field, error.to_string());
        }
    }
    apply_period(issued, again, report);
    apply_charge(issued, again, report);
    for (number, line) in issued.lines.iter().enumerate() {
        if line.is_detail {
            let field = format!("invoice.lines[{number}].quantity");
            report.is_unsealed(field, "hours or powers within the period");
        }
    }
}

/// The period ends where the terms say it does after it began, and its boundaries are those
/// of the segments.
fn apply_period(issued: &Invoice, again: &mut Invoice, report: &mut Report) {
    let period = &issued.period;
    let before = Period {
        from: period.from,
        until: period.from,
        starts_at: period.starts_at,
        ends_at: period.starts_at,
    };
    match period_after(&before, &issued.plans) {
        Ok(wanted) if period.ends_at < wanted.ends_at => report.note(format!(
            "the period ends on {}, before the terms would end it on {}",
            period.until, wanted.until
        )),
        Ok(wanted) => again.period = wanted,
        Err(error) => report.differs(Part::Period, "invoice.period", error.to_string()),
    }
    match plan_of(period, &issued.plans) {
        Ok(plan) => {
            plan.zone.name().clone_into(&mut again.zone);
            let start = start_of_day(period.from, &plan.zone);
            check_start(period.starts_at, start.ok(), report);
        }
        Err(error) => report.differs(Part::Period, "invoice.plans", error.to_string()),
    }
    check_ends(issued, report);
    match decisive_instants(period, &issued.plans) {
        Ok(instants) => {
            for instant in instants {
                let mut boundaries = issued.segments.boundaries();
                if !boundaries.any(|boundary| boundary.at == instant.at) {
                    let message = format!("there is no register at {}", instant.at);
                    report.differs(Part::Period, "invoice.segments", message);
                }
            }
        }
        Err(error) => report.differs(Part::Period, "invoice.period", error.to_string()),
    }
}

/// The first and the last register are those of the period's ends.
fn check_ends(issued: &Invoice, report: &mut Report) {
    let period = &issued.period;
    let last = issued.segments.later().len();
    let ends = [
        (
            "invoice.segments[0].opening".to_owned(),
            issued.opening(),
            period.from,
            period.starts_at,
        ),
        (
            format!("invoice.segments[{last}].closing"),
            issued.closing(),
            period.until,
            period.ends_at,
        ),
    ];
    for (field, boundary, date, at) in ends {
        if boundary.date != date {
            let message = format!("it is not the period's {date}");
            report.differs(Part::Period, format!("{field}.date"), message);
        }
        if boundary.at != at {
            let message = format!("it is not the period's {at}");
            report.differs(Part::Period, format!("{field}.at"), message);
        }
    }
}

/// A period begins at the start of its first day, but for one after a change of the zone: it
/// begins where the one before ended.
fn check_start(starts_at: Timestamp, start: Option<Timestamp>, report: &mut Report) {
    let field = "invoice.period.starts_at";
    match start {
        Some(start) if start == starts_at => {}
        Some(start) if start.duration_since(starts_at).abs() <= ZONES_APART => {
            report.note(format!(
                "{field}: it is not the start of the day in the zone, as after a change of it"
            ));
        }
        _ => {
            let message = "it is not the start of the period's first day".to_owned();
            report.differs(Part::Period, field, message);
        }
    }
}

fn apply_charge(issued: &Invoice, again: &mut Invoice, report: &mut Report) {
    let charged = charge(
        &issued.period,
        &again.segments,
        &issued.plans,
        &issued.extras,
    );
    match charged {
        Ok(charged) => {
            again.measured = charged.measured;
            again.minimum = charged.minimum;
            again.billed = charged.billed;
            again.lines = charged.lines;
            again.total = charged.total;
        }
        Err(hold) => {
            let message = format!("the terms cannot be applied: {hold:?}");
            report.differs(Part::Charge, "invoice.lines", message);
        }
    }
    // A credit gives back what its readings and terms make.
    if issued.kind == DocumentKind::Credit {
        again.lines = again.lines.iter().map(Line::negated).collect();
        again.total = opposite(again.total);
    }
}
