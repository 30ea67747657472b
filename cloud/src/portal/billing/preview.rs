//! The draft of a meter's bill: what it would say now, and what stands in its way. A dry
//! run: nothing is kept, nothing is sent, and it has no number.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::super::Portal;
use super::super::error::Failure;
use super::super::page::{Page, Place, show as show_page};
use super::super::session::SignedIn;
use super::super::table::{Button, Cell, Tone};
use super::coming::{Around, Coming, of_meter};
use super::{fix, state_word, tone};
use crate::access::Action;
use crate::billing::period::plan_on;
use crate::document::say::{Calculation, Row};
use crate::format::Format;
use crate::text::Arg;

/// One period of the meter.
#[derive(Debug)]
struct Draft {
    heading: String,
    sends: String,
    state: Cell,
    reasons: Vec<String>,
    fix: Option<(String, String)>,
    rows: Vec<Row>,
    help: String,
}

#[derive(Template)]
#[template(path = "portal/preview.html")]
struct PreviewPage {
    page: Page,
    above: (String, String),
    drafts: Vec<Draft>,
    buttons: Vec<Button>,
}

pub(in super::super) async fn show(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let now = portal.app.clock.now();
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::Manage).await?;
    let around = Around::read(&mut transaction, &portal.app.profiles, meter.account).await?;
    let bills = of_meter(&mut transaction, &around, &meter, now).await?;
    drop(transaction);
    let page = Page::new(&me, Place::Billing, meter.label.clone(), now);
    let path = format!("/meters/{}", meter.id);
    let is_held = bills.iter().any(|bill| bill.is_held);
    let hold = if is_held {
        Button::main(format!("{path}/resume"), page.t("billing-resume"))
    } else {
        Button::plain(format!("{path}/hold"), page.t("billing-hold"))
    };
    let drafts = bills.iter().map(|bill| draft(&page, bill)).collect();
    show_page(&PreviewPage {
        above: ("/billing".to_owned(), page.t("billing-nav")),
        drafts,
        buttons: vec![hold, Button::plain(path, page.t("billing-fix-meter"))],
        page,
    })
}

fn draft(page: &Page, bill: &Coming) -> Draft {
    let format = Format::new(bill.meter.locale);
    let heading = bill.period.map_or_else(
        || page.t("billing-no-period"),
        |period| page.format.dates(period.from, period.until),
    );
    let sends = bill.sends_at.map_or_else(String::new, |at| {
        let when = page.format.date_time(at, &bill.zone);
        let args = [
            ("when", Arg::from(&when)),
            ("zone", Arg::from(bill.zone.name())),
        ];
        page.text.with("billing-sends", &args)
    });
    let state = bill.outlook.state;
    let tone = match tone(state) {
        Tone::Good if bill.wants_a_look() => Tone::Warn,
        tone => tone,
    };
    let rows = rows(page, format, bill);
    Draft {
        heading,
        sends,
        state: Cell::state(tone, state_word(page.text, state), ""),
        reasons: bill.reasons(page.text, page.format),
        // What lets it go is a button of the page.
        fix: fix(page.text, bill).filter(|_| !bill.is_held),
        help: if rows.is_empty() {
            String::new()
        } else {
            page.t("billing-draft-help")
        },
        rows,
    }
}

/// From the two registers to what it costs so far, in the forms of the invoice.
fn rows(page: &Page, format: Format, bill: &Coming) -> Vec<Row> {
    let text = page.text;
    let so_far = bill
        .running
        .as_ref()
        .and_then(|running| running.so_far.as_ref());
    let plan = bill
        .period
        .and_then(|period| plan_on(period.from, &bill.plans));
    let (Some((segments, charge)), Some(plan)) = (so_far, plan) else {
        return Vec::new();
    };
    let calculation = Calculation {
        text,
        format,
        zone: &bill.zone,
        unit: bill.meter.unit,
        currency: plan.currency,
    };
    let mut rows = vec![
        calculation.register("billing-newest-reading", &segments.last().closing),
        calculation.register("document-opening", &segments.first().opening),
        calculation.consumption(String::new(), charge.measured),
    ];
    rows.extend(charge.lines.iter().map(|line| calculation.line(line)));
    rows.push(calculation.total("billing-total-so-far", charge.total));
    rows
}
