//! Stories of held and issued invoices.

use common::id::{AccountId, MeterId};
use ed25519_dalek::SigningKey;
use jiff::civil::date;

use super::super::testing::{World, on_both_engines, start, world};
use super::super::{Store, StoreResult};
use crate::billing::invoice::{Invoice, Period};
use crate::billing::sample;
use crate::site::GatewayKind;
use crate::store::issuing::Issue;

fn period(month: i8) -> Period {
    Period {
        from: date(2026, month, 1),
        until: date(2026, month + 1, 1),
        starts_at: start(),
        ends_at: start(),
    }
}

fn invoice(account: AccountId, meter: MeterId, period: Period, issue: Issue) -> Invoice {
    Invoice {
        id: issue.id,
        number: issue.number,
        account,
        issuer: issue.issuer,
        meter,
        period,
        ..sample::invoice("es-MX")
    }
}

const METER: MeterId = MeterId(9);

fn key() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

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
        .issue_invoice(world.account, meter, &period, start(), &key(), make)
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
            task.await.unwrap().unwrap();
        }
        let mut given_up = store.write().await.unwrap();
        let lost = period(6);
        let make = |issue| invoice(world.account, METER, lost, issue);
        let number = given_up
            .issue_invoice(world.account, METER, &lost, start(), &key(), make)
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

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_document_is_changed_and_deleted_by_nobody() {
    on_both_engines(async |store| {
        let world = new_world(&store).await;
        let issued = issue(&store, &world, METER, 5).await.unwrap().unwrap();
        let statements = [
            "UPDATE invoice SET total = '0' WHERE state = 'issued'",
            "UPDATE invoice SET state = 'held' WHERE state = 'issued'",
            "UPDATE invoice SET evidence = '{}', proof = '{}' WHERE state = 'issued'",
            "DELETE FROM invoice",
        ];
        for statement in statements {
            let mut t = store.write().await.unwrap();
            let refused = t.execute(statement, &[]).await;
            let why = format!("{:?}", refused.expect_err(statement));
            assert!(why.contains("an issued invoice is never"), "{why}");
        }
        let mut t = store.read().await.unwrap();
        let kept = t.invoice(world.account, issued.id).await.unwrap();
        assert_eq!(kept, Some(issued));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_taken_back_once_and_another_stands_in_its_place() {
    on_both_engines(async |store| {
        let world = new_world(&store).await;
        let (account, key) = (world.account, key());
        let first = issue(&store, &world, METER, 5).await.unwrap().unwrap();
        let mut t = store.write().await.unwrap();
        let credit = t.credit_invoice(&first, "wrong price", start(), &key);
        let credit = credit.await.unwrap().unwrap();
        let again = t.credit_invoice(&first, "again", start(), &key);
        assert_eq!(again.await.unwrap(), None);
        let of_credit = t.credit_invoice(&credit, "no", start(), &key);
        assert_eq!(of_credit.await.unwrap(), None);
        assert_eq!(credit.total, -first.total);
        assert_eq!(credit.corrects.as_ref().unwrap().number, first.number);
        // Nothing stands for the period, and the job does not bill it again by itself.
        let before = t.invoices_before(account, METER, date(2026, 9, 1), 9);
        assert_eq!(before.await.unwrap(), []);
        let since = t.issued_since(account, METER, date(2026, 1, 1)).await;
        assert_eq!(since.unwrap(), [date(2026, 5, 1)]);
        let make = |issue| invoice(account, METER, period(5), issue);
        let second = t.replace_invoice(&first, start(), &key, make).await;
        let second = second.unwrap().unwrap();
        let twice = t.replace_invoice(&first, start(), &key, make).await;
        assert_eq!(twice.unwrap(), None);
        t.commit().await.unwrap();

        assert_eq!([first.number, credit.number, second.number], [1, 2, 3]);
        let mut t = store.read().await.unwrap();
        let standing = t.invoices_before(account, METER, date(2026, 9, 1), 9);
        assert_eq!(standing.await.unwrap(), std::slice::from_ref(&second));
        let after = t.invoices_after(account, METER, date(2026, 5, 1), 9);
        assert_eq!(after.await.unwrap(), std::slice::from_ref(&second));
        let corrections = t.corrections_of(&first).await.unwrap();
        assert_eq!(corrections, (Some(credit), Some(second.clone())));
        assert_eq!(t.corrections_of(&second).await.unwrap(), (None, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_take_an_invoice_back_at_once_one_does_and_the_others_find_it_done() {
    on_both_engines(async |store| {
        let world = new_world(&store).await;
        let first = issue(&store, &world, METER, 5).await.unwrap().unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, first) = (store.clone(), first.clone());
                tokio::spawn(async move {
                    let mut t = store.write().await.unwrap();
                    let credit = t.credit_invoice(&first, "twice", start(), &key()).await;
                    let credit = credit.unwrap().map(|credit| credit.number);
                    t.commit().await.unwrap();
                    credit
                })
            })
            .collect();
        let mut credits = Vec::new();
        for task in tasks {
            credits.extend(task.await.unwrap());
        }
        assert_eq!(credits, [2]);
        let next = issue(&store, &world, METER, 6).await.unwrap().unwrap();
        assert_eq!(next.number, 3);
        let mut t = store.read().await.unwrap();
        let counted = t.documents_of_meter(world.account, METER).await;
        assert_eq!(counted.unwrap(), 3);
    })
    .await;
}
