//! Stories of held and issued invoices.

use common::id::{AccountId, DeviceId, Epoch, GatewayId, MeterId};
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::unit::{Medium, Unit};
use jiff::civil::date;
use rust_decimal::Decimal;

use super::super::testing::{World, on_both_engines, start, world};
use super::super::{Store, StoreResult};
use super::Issue;
use crate::billing::invoice::{Boundary, Invoice, Period, SCHEMA};
use crate::site::GatewayKind;

fn period(month: i8) -> Period {
    Period {
        from: date(2026, month, 1),
        until: date(2026, month + 1, 1),
        starts_at: start(),
        ends_at: start(),
    }
}

fn boundary(count: i64) -> Boundary {
    Boundary {
        date: date(2026, 5, 1),
        read_at: start(),
        register: Quantity::from_count(count, 2, Unit::KiloWh).unwrap(),
        raw: "0000".to_owned(),
        profile: "p@00000000".to_owned(),
        clock: ClockTrust::Trusted,
        device: DeviceId(1),
        gateway: GatewayId(2),
        epoch: Epoch(3),
        seq: 4,
        link: None,
    }
}

fn invoice(account: AccountId, meter: MeterId, period: Period, issue: Issue) -> Invoice {
    Invoice {
        schema: SCHEMA.to_owned(),
        id: issue.id,
        number: issue.number,
        account,
        issuer: issue.issuer,
        site: "Plaza".to_owned(),
        meter,
        meter_label: "Local 1".to_owned(),
        medium: Medium::Electric,
        serial_number: String::new(),
        locale: "es-MX".parse().unwrap(),
        zone: "America/Tijuana".to_owned(),
        period,
        unit: Unit::KiloWh,
        currency: "MXN".parse().unwrap(),
        opening: boundary(100),
        closing: boundary(1350),
        switches: Vec::new(),
        measured: Decimal::new(1250, 2),
        minimum: Decimal::ZERO,
        billed: Decimal::new(1250, 2),
        price: Decimal::ONE,
        lines: Vec::new(),
        total: Decimal::new(1250, 2),
        simulated: false,
        losses: Vec::new(),
        issued_at: start(),
        daily: Vec::new(),
        earlier: Vec::new(),
    }
}

const METER: MeterId = MeterId(9);

async fn issue(
    store: &Store,
    world: &World,
    meter: MeterId,
    month: i8,
) -> StoreResult<Option<Invoice>> {
    let mut t = store.write().await?;
    let period = period(month);
    let make = |issue| invoice(world.account, meter, period, issue);
    let issued = t
        .issue_invoice(world.account, meter, &period, start(), make)
        .await?;
    t.commit().await?;
    Ok(issued)
}

async fn new_world(store: &Store) -> World {
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    t.commit().await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_period_becomes_one_invoice_and_never_changes() {
    on_both_engines(async |store| {
        let world = new_world(&store).await;
        let account = world.account;
        let mut t = store.write().await.unwrap();
        let may = period(5);
        for (reason, changed) in [("late", true), ("late", false), ("missing", true)] {
            let held = t.hold_invoice(account, METER, &may, reason, start());
            assert_eq!(held.await.unwrap(), changed, "{reason}");
        }
        let held = t.held_of_meter(account, METER).await.unwrap();
        assert_eq!((held.len(), held[0].reason.as_str()), (1, "missing"));
        assert_eq!(t.held_invoices(None, 9).await.unwrap(), held);
        assert_eq!(t.held_invoices(Some(&held[0]), 9).await.unwrap(), []);
        t.commit().await.unwrap();

        let issued = issue(&store, &world, METER, 5).await.unwrap().unwrap();
        assert_eq!((issued.number, issued.id), (1, held[0].id));
        assert_eq!(issued.issuer, "Meridian");
        assert_eq!(issue(&store, &world, METER, 5).await.unwrap(), None);
        let mut t = store.write().await.unwrap();
        let held = t.hold_invoice(account, METER, &may, "late", start());
        assert!(!held.await.unwrap());
        assert_eq!(t.held_of_meter(account, METER).await.unwrap(), []);
        assert_eq!(
            t.invoice(account, issued.id).await.unwrap(),
            Some(issued.clone())
        );
        let foreign = t.add_account("Other", start()).await.unwrap().id;
        assert_eq!(t.invoice(foreign, issued.id).await.unwrap(), None);
        assert_eq!(
            t.billed_until(account, METER).await.unwrap(),
            Some(date(2026, 6, 1))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_gaps_though_many_issue_at_once_and_some_give_up() {
    on_both_engines(async |store| {
        let world = new_world(&store).await;
        // Twice each, at once: one of the two issues, the other finds it done.
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let (store, world) = (store.clone(), world.clone());
                tokio::spawn(async move { issue(&store, &world, MeterId(n / 2 + 1), 5).await })
            })
            .collect();
        for task in tasks {
            // Whoever lost the race to the row may also be told so.
            let _ = task.await.unwrap();
        }
        let mut given_up = store.write().await.unwrap();
        let lost = period(6);
        let make = |issue| invoice(world.account, METER, lost, issue);
        let number = given_up
            .issue_invoice(world.account, METER, &lost, start(), make)
            .await
            .unwrap()
            .unwrap()
            .number;
        assert_eq!(number, 5);
        drop(given_up);
        assert_eq!(
            issue(&store, &world, METER, 7)
                .await
                .unwrap()
                .unwrap()
                .number,
            5
        );
        let mut t = store.read().await.unwrap();
        let all = t.invoices(world.account, None, 99).await.unwrap();
        let numbers: Vec<u64> = all.iter().map(|invoice| invoice.number).collect();
        assert_eq!(numbers, [5, 4, 3, 2, 1]);
        let page = t.invoices(world.account, Some(3), 1).await.unwrap();
        assert_eq!(page[0].number, 2);
        let latest = t.invoices_of_meter(world.account, METER, 4).await.unwrap();
        assert_eq!(latest.len(), 1);
    })
    .await;
}
