//! Stories of chains under invoices, on both engines.

use common::id::{DeviceId, Epoch, MeterId};
use common::profile::{Library, Registers};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::seal::{Head, Seal};
use common::unit::Unit;
use ed25519_dalek::SigningKey;
use jiff::SignedDuration;
use jiff::civil::{Date, date};

use super::super::testing::{World, on_both_engines, start, world};
use super::super::{Store, Transaction};
use super::*;
use crate::billing::consumption::Taken;
use crate::billing::invoice::Period;
use crate::billing::sample;
use crate::issuer::tests::key;
use crate::proof::check::check;
use crate::proof::report::Report;
use crate::proof::trust::{KeyName, Trusted};
use crate::site::{GatewayKind, Mounting};

const METER: MeterId = MeterId(9);
const DEVICE: DeviceId = DeviceId(4);

/// The gateway's key, and the one that it changes to on the third day.
fn gateway(day: i8) -> SigningKey {
    SigningKey::from_bytes(&[if day < 3 { 7 } else { 8 }; 32])
}

fn days() -> [Date; 5] {
    let october = [1, 2, 3, 4].map(|day| date(2026, 10, day));
    [
        october[0],
        october[1],
        october[2],
        october[3],
        date(2026, 11, 1),
    ]
}

fn closing(day: Date, seq: u64) -> Reading {
    let library = Library::shipped();
    let profile = library.get("eastron-sdm630").unwrap();
    let register = sample::number("1000.5") + rust_decimal::Decimal::from(seq * 10);
    let value = Quantity::new(register, Unit::KiloWh).unwrap();
    let mut registers = Registers::new();
    profile
        .encode("energy_import", value, &mut registers)
        .unwrap();
    let decoded = profile.decode("energy_import", &registers);
    Reading {
        seq,
        at: sample::start_of(day) + SignedDuration::from_secs(2),
        clock: ClockTrust::Trusted,
        since_boot: None,
        device: DEVICE,
        point: "energy_import".to_owned(),
        quantity: decoded.value.ok(),
        suspect: None,
        raw: decoded.raw,
        profile: profile.reference(),
        closes: Some(day.into()),
        seal: None,
    }
}

/// Keeps the readings of some days with their seals. The chain takes those that `is_link`
/// says; the seal of another was not believed when it came.
async fn keep(t: &mut Transaction, world: &World, is_link: impl Fn(Date) -> bool) -> Vec<Taken> {
    let (account, gateway_id) = (world.account, world.gateway);
    let stream = Stream {
        key: GatewayKey {
            account,
            gateway: gateway_id,
        },
        epoch: Epoch(1),
    };
    let mut head = Head::default();
    let mut kept = Vec::new();
    for (day, seq) in days().into_iter().zip(1..) {
        let key = gateway(day.day() + (day.month() - 10) * 31);
        let mut reading = closing(day, seq);
        let (seal, next) = Seal::make(&key, METER, head, &reading);
        reading.seal = Some(seal);
        let one = [reading.clone()];
        t.keep_readings(stream, &one, start()).await.unwrap();
        if is_link(day) {
            head = next;
            let public_key = crate::issuer::public_half(&key);
            t.add_seal(stream, METER, head, seq, &public_key)
                .await
                .unwrap();
        }
        kept.push(Taken {
            gateway: gateway_id,
            epoch: Epoch(1),
            reading,
        });
    }
    kept
}

/// Issues October, and checks it as somebody who believes both keys of the gateway.
async fn issue_and_check(store: &Store, is_link: impl Fn(Date) -> bool) -> (Invoice, Report) {
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    let readings = keep(&mut t, &world, is_link).await;
    let (from, until) = (date(2026, 10, 1), date(2026, 11, 1));
    let period = Period {
        from,
        until,
        starts_at: sample::start_of(from),
        ends_at: sample::start_of(until),
    };
    let mountings = [Mounting {
        meter: METER,
        device: DEVICE,
        point: "energy_import".to_owned(),
        from: sample::start_of(date(2026, 9, 1)),
        until: None,
        opening: None,
        closing: None,
        multiplier: rust_decimal::Decimal::ONE,
        rolls_over_at: None,
        max_rate: None,
    }];
    let template = sample::invoice("es-MX");
    let closed = sample::close(
        &period,
        &template.plans,
        Unit::KiloWh,
        &mountings,
        &readings,
    );
    let (statement, days) = closed.unwrap();
    let make = |issue: super::Issue| Invoice {
        id: issue.id,
        number: issue.number,
        account: world.account,
        meter: METER,
        period,
        segments: statement.segments,
        measured: statement.charge.measured,
        billed: statement.charge.billed,
        lines: statement.charge.lines,
        total: statement.charge.total,
        daily: days,
        ..template
    };
    let key = key();
    let issued = t.issue_invoice(world.account, METER, &period, start(), &key, make);
    let issued = issued.await.unwrap().unwrap();
    let export = t
        .invoice_export(world.account, issued.id)
        .await
        .unwrap()
        .unwrap();
    t.commit().await.unwrap();
    let trusted = Trusted {
        issuer: KeyName::from(&key.verifying_key()),
        gateways: [1, 3]
            .map(|day| KeyName::from(&gateway(day).verifying_key()))
            .to_vec(),
    };
    let text = serde_json::to_string(&export).unwrap();
    (issued, check(&text, &trusted, &Library::shipped()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_has_its_chain_through_a_change_of_the_key() {
    on_both_engines(async |store| {
        let (issued, report) = issue_and_check(&store, |_| true).await;
        assert_eq!(report.differences, []);
        assert_eq!((report.seals, report.gateways.len()), (5, 2));
        let days = "27 of 31 are days without a sealed reading of their own";
        let unsealed: Vec<&str> = report.unsealed.iter().map(|one| one.why.as_str()).collect();
        assert_eq!(unsealed, [days]);
        let links = [issued.opening().link(), issued.closing().link()];
        assert_eq!(links, [Some(1), Some(5)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_that_was_not_believed_is_not_named_and_said_to_be_none() {
    on_both_engines(async |store| {
        let (issued, report) = issue_and_check(&store, |day| day.month() == 10).await;
        assert_eq!(report.differences, []);
        let links = [issued.opening().link(), issued.closing().link()];
        assert_eq!(links, [Some(1), None]);
        let unsealed: Vec<&str> = report
            .unsealed
            .iter()
            .map(|one| one.field.as_str())
            .collect();
        assert!(unsealed.contains(&"invoice.segments[0].closing.basis.reading"));
        assert!(!unsealed.contains(&"invoice.segments[0].opening.basis.reading"));
    })
    .await;
}
