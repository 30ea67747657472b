//! What a meter's readings can be trusted by: its chain of seals, and what was lost.

use super::super::page::Page;
use super::super::running::Look;
use super::super::table::{Cell, Tone};
use crate::billing::loss::lost_of_meter;
use crate::format::Format;
use crate::site::Meter;
use crate::store::{StoreResult, Transaction};
use crate::text::Arg;

/// How far the chain of a meter goes, or what is wrong with it.
pub(super) async fn chain(
    transaction: &mut Transaction,
    page: &Page,
    meter: &Meter,
) -> StoreResult<Cell> {
    let (account, id) = (meter.account, meter.id);
    let faults = transaction.seal_faults_of_meter(account, id, 1).await?;
    if let Some(fault) = faults.first() {
        let link = fault.link.to_string();
        let args = [
            ("link", Arg::from(&link)),
            ("fault", Arg::from(&fault.fault)),
        ];
        let sentence = page.text.with("portal-chain-broken", &args);
        return Ok(Cell::state(
            Tone::Bad,
            page.t("portal-chain-fault"),
            sentence,
        ));
    }
    let Some((link, at)) = transaction.last_seal(account, id).await? else {
        return Ok(Cell::text(page.t("portal-chain-none")));
    };
    let date = meter.zone.rules().to_datetime(at).date();
    let (date, link) = (Format::new(meter.locale).day(date), link.to_string());
    let args = [("date", Arg::from(&date)), ("link", Arg::from(&link))];
    Ok(Cell::text(page.text.with("portal-chain-sealed", &args)))
}

/// What was lost of the meter in its running period, a sentence each.
pub(super) async fn losses(
    transaction: &mut Transaction,
    page: &Page,
    meter: &Meter,
    look: &Look,
) -> StoreResult<Vec<String>> {
    let Some(running) = &look.running else {
        return Ok(Vec::new());
    };
    let mountings = transaction.mountings(meter.account, meter.id).await?;
    let devices: Vec<_> = mountings.iter().map(|one| one.device).collect();
    let (from, until) = (running.period.starts_at, running.period.ends_at);
    let losses = transaction
        .losses_between(meter.account, &devices, from, until)
        .await?;
    let lost = lost_of_meter(&losses, &devices);
    let format = Format::new(meter.locale);
    let sentences = lost
        .iter()
        .map(|lost| lost.sentence(page.text, format, &meter.zone));
    Ok(sentences.collect())
}
