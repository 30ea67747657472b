//! Excel: everything of one meter, or everything that somebody may see.
//!
//! A workbook of everything holds [`METERS_MAX`] meters; the list of invoices says so to
//! whoever has more.

use axum::extract::{Path, State};
use axum::response::Response;
use common::closes::Closes;
use common::reading::ClockTrust;
use jiff::Timestamp;
use jiff::civil::Date;

use super::Portal;
use super::error::Failure;
use super::invoices::file;
use super::meters;
use super::session::SignedIn;
use crate::access::Action;
use crate::excel::{self, Closing, Contents, InvoiceRow, MeterReadings};
use crate::format::Format;
use crate::site::{Meter, Zone};
use crate::store::{StoreResult, Transaction};
use crate::text::{Arg, Text};

/// What such files are.
const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Invoices of one meter in a workbook: forty years of them.
const INVOICES_MAX: i64 = 500;
/// Meters in one workbook; each has a row a day.
const METERS_MAX: usize = 500;

/// What is said to somebody who has more meters than a workbook of everything holds.
pub(super) fn cut_sentence(text: Text, meters: usize) -> String {
    if meters <= METERS_MAX {
        return String::new();
    }
    let (most, all) = (METERS_MAX.to_string(), meters.to_string());
    let args = [("most", Arg::from(&most)), ("all", Arg::from(&all))];
    text.with("portal-export-cut", &args)
}

pub(super) async fn meter(
    State(portal): State<Portal>,
    me: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let meter = me.meter(&mut transaction, &id, Action::See).await?;
    let locale = meter.locale;
    let label = meter.label.clone();
    let contents = gather(&portal, &mut transaction, locale, vec![meter]).await?;
    drop(transaction);
    write(contents, &[label]).await
}

pub(super) async fn everything(
    State(portal): State<Portal>,
    me: SignedIn,
) -> Result<Response, Failure> {
    let mut transaction = portal.app.store.read().await?;
    let mut meters = meters::visible(&mut transaction, &me).await?;
    meters.truncate(METERS_MAX);
    let locale = me.person.language.locale();
    let contents = gather(&portal, &mut transaction, locale, meters).await?;
    drop(transaction);
    write(contents, &["Enervue".to_owned()]).await
}

async fn gather(
    portal: &Portal,
    transaction: &mut Transaction,
    locale: common::locale::Locale,
    meters: Vec<Meter>,
) -> Result<Contents, Failure> {
    let now = portal.app.clock.now();
    let utc = Zone::new("UTC").map_err(|error| Failure::Fault(error.into()))?;
    let mut contents = Contents {
        locale,
        zone: meters.first().map_or(utc, |meter| meter.zone.clone()),
        generated_at: now,
        account: String::new(),
        invoices: Vec::new(),
        meters: Vec::new(),
    };
    for meter in &meters {
        if contents.account.is_empty() {
            let account = transaction.account(meter.account).await?;
            contents.account = account.map_or(String::new(), |account| account.name);
        }
        let invoices = transaction
            .invoices_of_meter(meter.account, meter.id, INVOICES_MAX)
            .await?;
        contents
            .invoices
            .extend(invoices.iter().map(InvoiceRow::from));
        contents
            .meters
            .push(readings(transaction, meter, now).await?);
    }
    Ok(contents)
}

/// The closing readings of a meter, one a date: the one taken nearest to the start of it.
async fn readings(
    transaction: &mut Transaction,
    meter: &Meter,
    now: Timestamp,
) -> StoreResult<MeterReadings> {
    let until = meter.zone.rules().to_datetime(now).date();
    let mut closings: Vec<Closing> = Vec::new();
    for mounting in transaction.mountings(meter.account, meter.id).await? {
        let kept = transaction
            .closing_readings(
                meter.account,
                mounting.device,
                &mounting.point,
                Date::MIN,
                until,
            )
            .await?;
        let good = kept
            .into_iter()
            .map(|kept| kept.reading)
            .filter(|one| one.is_good());
        for reading in good {
            let date = reading.closes.and_then(Closes::day);
            let Some((date, register)) = date.zip(reading.quantity) else {
                continue;
            };
            if closings.last().is_some_and(|last| last.date >= date) {
                continue;
            }
            closings.push(Closing {
                date,
                register: register.value(),
                read_at: reading.at,
                simulated: reading.clock == ClockTrust::Simulated,
            });
        }
    }
    let site = transaction.site(meter.account, meter.site).await?;
    Ok(MeterReadings {
        site: site.map_or(String::new(), |site| site.name),
        meter: meter.label.clone(),
        unit: meter.unit,
        zone: meter.zone.clone(),
        closings,
    })
}

async fn write(contents: Contents, about: &[String]) -> Result<Response, Failure> {
    let today = contents
        .zone
        .rules()
        .to_datetime(contents.generated_at)
        .date();
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    let from = contents
        .invoices
        .iter()
        .map(|invoice| invoice.from)
        .min()
        .unwrap_or(today);
    let until = today.tomorrow().unwrap_or(today);
    let name = Format::file_name(&about, from.min(today), until, "xlsx");
    let made = tokio::task::spawn_blocking(move || excel::workbook(&contents)).await;
    let bytes = made
        .map_err(|error| Failure::Fault(error.into()))?
        .map_err(|error| Failure::Fault(error.into()))?;
    Ok(file(MEDIA_TYPE, "attachment", &name, bytes))
}
