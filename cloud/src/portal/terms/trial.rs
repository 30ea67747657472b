//! A trial of new terms: the last bill of each meter for which they count, charged anew, or
//! where there is none yet, its running period so far.

use common::profile::Library;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::error::Failure;
use super::super::page::Page;
use super::super::running;
use super::super::table::{Cell, Table};
use super::subject::Subject;
use crate::billing::charge::{Extras, charge};
use crate::billing::invoice::Period;
use crate::billing::period::plan_on;
use crate::billing::segment::Segments;
use crate::format::Format;
use crate::plan::Plan;
use crate::plan::terms::{Resolved, Version};
use crate::site::Meter;
use crate::store::Transaction;
use crate::text::Arg;

/// The most meters of a trial: each asks the store for a bill.
const METERS_MAX: usize = 20;

/// What new terms do.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) lead: String,
    pub(crate) table: Table,
}

/// What was used within a period.
struct Used {
    period: Period,
    segments: Segments,
    extras: Extras,
    measured: Decimal,
    is_bill: bool,
}

async fn used(
    transaction: &mut Transaction,
    profiles: &Library,
    meter: &Meter,
    now: Timestamp,
) -> Result<Option<Used>, Failure> {
    let last = transaction.invoices_before(meter.account, meter.id, Date::MAX, 1);
    if let Some(last) = last.await?.into_iter().next() {
        return Ok(Some(Used {
            period: last.period,
            measured: last.measured,
            segments: last.segments,
            extras: last.extras,
            is_bill: true,
        }));
    }
    let look = running::look(transaction, profiles, meter, now).await?;
    let so_far = look.running.and_then(|running| {
        let (segments, charge) = running.so_far?;
        Some(Used {
            period: running.period,
            measured: charge.measured,
            segments,
            extras: Extras::default(),
            is_bill: false,
        })
    });
    Ok(so_far)
}

/// What is due for it under one plan, as if that had held all along.
fn due(used: &Used, plan: &Plan, format: Format) -> Option<String> {
    let mut plan = plan.clone();
    plan.effective_from = used.period.from;
    let plans = [plan];
    let charge = charge(&used.period, &used.segments, &plans, &used.extras).ok()?;
    let currency = plans.first()?.currency;
    Some(format.money(charge.total, currency))
}

fn plans(resolved: Vec<Resolved>) -> Vec<Plan> {
    resolved.into_iter().map(|one| one.plan).collect()
}

/// Tries `versions` in the place of the subject's own from `date` on.
pub(super) async fn of(
    transaction: &mut Transaction,
    profiles: &Library,
    page: &Page,
    subject: &Subject,
    versions: &[Version],
    date: Date,
) -> Result<Trial, Failure> {
    let mut rows = Vec::new();
    for meter in subject.meters.iter().take(METERS_MAX) {
        let levels = transaction.levels(meter.account, meter.id).await?;
        let old = plans(levels.resolve().unwrap_or_default());
        let new = subject.levels(transaction, meter.id, versions.to_vec());
        let new = plans(new.await?.resolve().unwrap_or_default());
        let used = used(transaction, profiles, meter, page.now).await?;
        rows.push(row(page, meter, used.as_ref(), (&old, &new), date));
    }
    let n = i64::try_from(subject.meters.len()).unwrap_or(i64::MAX);
    let lead = match n {
        0 => String::new(),
        n => page.text.with("terms-trial-lead", &[("n", Arg::Count(n))]),
    };
    Ok(Trial {
        lead,
        table: Table {
            caption: String::new(),
            columns: vec![
                page.t("portal-meter"),
                page.t("portal-consumption"),
                page.t("terms-trial-old"),
                page.t("terms-trial-new"),
            ],
            rows,
            empty: page.t("terms-trial-empty"),
        },
    })
}

fn row(
    page: &Page,
    meter: &Meter,
    used: Option<&Used>,
    (old, new): (&[Plan], &[Plan]),
    date: Date,
) -> Vec<Cell> {
    let format = Format::new(meter.locale);
    let about = match used {
        Some(used) => {
            let dates = page.format.dates(used.period.from, used.period.until);
            let args = [("dates", Arg::from(&dates))];
            match used.is_bill {
                true => page.text.with("terms-trial-bill", &args),
                false => page.text.with("terms-trial-running", &args),
            }
        }
        None => page.t("terms-trial-nothing"),
    };
    let unknown = || page.t("terms-trial-unknown");
    let amount = |plans: &[Plan]| {
        let due = used.and_then(|used| due(used, plan_on(date, plans)?, format));
        due.unwrap_or_else(unknown)
    };
    let measured = used.map(|used| format.quantity(used.measured, meter.unit));
    vec![
        Cell::main(format!("/meters/{}", meter.id), meter.label.clone(), about),
        Cell::figure(measured.unwrap_or_default()),
        Cell::figure(amount(old)),
        Cell::figure(amount(new)),
    ]
}
