//! What can be checked of a gateway: its keys, the seals that do not hold, and what it lost.

use common::digest;
use common::sync::LossReason;
use jiff::Timestamp;

use super::super::page::Page;
use super::super::table::{Cell, Table, Tone};
use super::report::count;
use crate::site::Zone;
use crate::store::devices::ServedDevice;
use crate::store::keys::SealingKey;
use crate::store::losses::KeptLoss;
use crate::store::seals::SealFault;

/// Losses that the page shows, the newest.
const LOSSES_SHOWN: usize = 20;

fn table(page: &Page, caption: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Option<Table> {
    (!rows.is_empty()).then(|| Table {
        caption: page.t(caption),
        columns: columns.iter().map(|id| page.t(id)).collect(),
        rows,
        empty: String::new(),
    })
}

/// The keys of a gateway, by the fingerprints that it shows too.
pub(super) fn key_table(page: &Page, keys: &[SealingKey], zone: &Zone) -> Option<Table> {
    let row = |key: &SealingKey| {
        let fingerprint = match digest::public_key(&key.public_key) {
            Ok(public_key) => digest::fingerprint(&public_key),
            Err(_) => key.public_key.clone(),
        };
        let until = match key.until {
            None => Cell::state(Tone::Good, page.t("portal-key-now"), ""),
            Some(until) => Cell::text(page.format.date_time(until, zone)),
        };
        vec![
            Cell::text(fingerprint),
            Cell::text(page.format.date_time(key.from, zone)),
            until,
        ]
    };
    let columns = [
        "portal-key-fingerprint",
        "portal-key-from",
        "portal-key-until",
    ];
    table(
        page,
        "portal-keys",
        &columns,
        keys.iter().map(row).collect(),
    )
}

/// The seals that do not prove what they say.
pub(super) fn fault_table(
    page: &Page,
    faults: &[SealFault],
    served: &[ServedDevice],
    zone: &Zone,
) -> Option<Table> {
    let label = |fault: &SealFault| {
        let mut mountings = served
            .iter()
            .flat_map(|one| one.mountings.iter().map(move |mounting| (one, mounting)));
        let found = mountings.find(|(_, mounting)| mounting.meter == fault.meter);
        found.map_or_else(|| fault.meter.to_string(), |(one, _)| one.label.clone())
    };
    let row = |fault: &SealFault| {
        vec![
            Cell::main(
                format!("/meters/{}", fault.meter),
                label(fault),
                page.format.date_time(fault.received_at, zone),
            ),
            Cell::figure(count(page.format, fault.link)),
            Cell::state(Tone::Bad, page.t("portal-chain-fault"), fault.fault.clone()),
        ]
    };
    let columns = ["portal-meter", "portal-seal-link", "portal-seal-fault"];
    let rows = faults.iter().map(row).collect();
    table(page, "portal-seal-faults", &columns, rows)
}

/// The newest losses.
pub(super) fn loss_table(page: &Page, losses: &[KeptLoss], zone: &Zone) -> Option<Table> {
    let when = |at: Option<Timestamp>| at.map(|at| page.format.date_time(at, zone));
    let row = |kept: &KeptLoss| {
        let loss = &kept.loss;
        let span = match (when(loss.from), when(loss.until)) {
            (Some(from), Some(until)) => format!("{from} – {until}"),
            _ => page.t("portal-losses-unknown"),
        };
        let why = page.t(match loss.reason {
            LossReason::Size => "document-lost-size",
            LossReason::Damage => "document-lost-damage",
            LossReason::Expired => "document-lost-expired",
            LossReason::Other => "document-lost-other",
        });
        let readings = loss.last.saturating_sub(loss.first).saturating_add(1);
        vec![
            Cell::text(span),
            Cell::figure(count(page.format, readings)),
            Cell::text(why),
        ]
    };
    let columns = ["portal-losses-when", "portal-lost", "portal-losses-why"];
    let rows = losses.iter().take(LOSSES_SHOWN).map(row).collect();
    table(page, "portal-losses", &columns, rows)
}
