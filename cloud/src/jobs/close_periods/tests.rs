//! Stories of periods that end, on both engines.

mod extras;
mod findings;
mod holds;
mod meanwhile;

use common::digest::Signature;
use common::id::{Epoch, PersonId};
use common::profile::Library;
use common::sync::{Loss, LossReason, Weight};
use jiff::civil::date;
use rust_decimal::Decimal;

use super::*;
use crate::account::{Membership, NewPerson, Role};
use crate::billing::invoice::LineKind;
use crate::issuer::tests::key;
use crate::notice::{Channel, NoticeKind};
use crate::plan::{Cycle, Plan};
use crate::site::{Assignment, Delivery, GatewayKind, Zone};
use crate::store::gateways::GatewayKey;
use crate::store::meters::NewMeter;
use crate::store::readings::Stream;
use crate::store::testing::{World, keep_register, new_meter, on_both_engines, start, world};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

async fn registered(store: &Store, change: impl FnOnce(&mut NewMeter)) -> (World, Meter) {
    let mut t = store.write().await.unwrap();
    let world = world(&mut t, GatewayKind::Gateway).await;
    let meter = register(&mut t, &world, 1, change).await;
    t.commit().await.unwrap();
    (world, meter)
}

async fn register(
    t: &mut Transaction,
    world: &World,
    unit_id: u8,
    change: impl FnOnce(&mut NewMeter),
) -> Meter {
    let mut new = new_meter(world, unit_id);
    change(&mut new);
    let account = world.account;
    t.register_meter(account, &new, None, start())
        .await
        .unwrap()
}

async fn keep(store: &Store, world: &World, meter: &Meter, registers: &[(&str, &str)]) {
    let mut t = store.write().await.unwrap();
    for (at, value) in registers {
        keep_register(&mut t, world, meter, at, value).await;
    }
    t.commit().await.unwrap();
}

/// A person of the account whose address is proved.
async fn person(store: &Store, world: &World, email: &str, role: Role) -> PersonId {
    let mut t = store.write().await.unwrap();
    let new = NewPerson::new(email, "Ana", "es".parse().unwrap(), false).unwrap();
    let person = t.add_person(&new, start()).await.unwrap().id;
    t.verify_email(person, start()).await.unwrap();
    let membership = Membership {
        account: world.account,
        person,
        role,
        may_change_settings: false,
    };
    t.set_membership(&membership, start()).await.unwrap();
    t.commit().await.unwrap();
    person
}

async fn invoices(store: &Store, meter: &Meter) -> Vec<Invoice> {
    let mut t = store.read().await.unwrap();
    let mut all = t
        .invoices_of_meter(meter.account, meter.id, 99)
        .await
        .unwrap();
    all.reverse();
    all
}

/// Period, number and total of each invoice.
async fn bills(store: &Store, meter: &Meter) -> Vec<String> {
    let all = invoices(store, meter).await;
    all.iter()
        .map(|invoice| {
            let period = invoice.period;
            format!(
                "{}..{} #{} {}",
                period.from, period.until, invoice.number, invoice.total
            )
        })
        .collect()
}

async fn holds(store: &Store, meter: &Meter) -> Vec<(String, Hold)> {
    let mut t = store.read().await.unwrap();
    let held = t.held_of_meter(meter.account, meter.id).await.unwrap();
    held.iter()
        .map(|held| {
            let hold = Hold::from_json(&held.reason).unwrap();
            (format!("{}..{}", held.from, held.until), hold)
        })
        .collect()
}

async fn next_close(store: &Store, meter: &Meter) -> String {
    let mut t = store.read().await.unwrap();
    let next = t.next_close(meter.account, meter.id).await.unwrap();
    next.unwrap().to_string()
}

const QUARTER: [(&str, &str); 4] = [
    ("2026-10-01T07:00:01Z", "100.5"),
    ("2026-11-01T07:00:01Z", "200.5"),
    // The period before ran through the end of daylight saving time.
    ("2026-12-01T08:00:01Z", "350.5"),
    ("2027-01-01T08:00:01Z", "351.5"),
];

#[tokio::test(flavor = "multi_thread")]
async fn three_months_are_three_invoices_however_often_the_job_runs() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        let reader = person(&store, &world, "ana@example.com", Role::Monitor).await;
        person(&store, &world, "ivan@example.com", Role::Integrator).await;
        let mut t = store.write().await.unwrap();
        let assignment = Assignment {
            meter: meter.id,
            person: reader,
            delivery: Delivery::Email,
        };
        t.set_assignment(world.account, &assignment).await.unwrap();
        t.commit().await.unwrap();
        keep(&store, &world, &meter, &QUARTER).await;

        let now = at("2027-01-01T15:00:00Z");
        let runs = (0..4).map(|_| {
            let store = store.clone();
            tokio::spawn(
                async move { run(&store, &Library::shipped(), &key(), now).await.unwrap() },
            )
        });
        for running in runs.collect::<Vec<_>>() {
            running.await.unwrap();
        }
        run(&store, &Library::shipped(), &key(), now).await.unwrap();
        assert_eq!(
            bills(&store, &meter).await,
            [
                "2026-10-01..2026-11-01 #1 350.00",
                "2026-11-01..2026-12-01 #2 525.00",
                "2026-12-01..2027-01-01 #3 3.50",
            ]
        );
        assert_eq!(next_close(&store, &meter).await, "2027-02-01T15:00:00Z");
        let last = invoices(&store, &meter).await.pop().unwrap();
        let before: Vec<_> = last.earlier.iter().map(|period| period.total).collect();
        assert_eq!(before, [decimal("525.00"), decimal("350.00")]);
        let mut t = store.read().await.unwrap();
        let notices = t.notices(world.account, 99).await.unwrap();
        let told: Vec<_> = notices
            .iter()
            .map(|notice| (notice.new.kind, notice.new.person, notice.new.channel))
            .collect();
        assert_eq!(told, [(NoticeKind::Invoice, reader, Channel::Email); 3]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn meters_in_two_zones_are_billed_each_at_its_own_hour() {
    on_both_engines(async |store| {
        let (world, tijuana) = registered(&store, |_| ()).await;
        let mut t = store.write().await.unwrap();
        let cancun = register(&mut t, &world, 2, |new| {
            new.zone = Zone::new("America/Cancun").unwrap();
            new.plan.zone = new.zone.clone();
            new.mounted_at = at("2026-10-01T05:00:00Z");
            new.next_close_at = at("2026-11-01T05:00:00Z");
        })
        .await;
        t.commit().await.unwrap();
        keep(&store, &world, &tijuana, &QUARTER).await;
        let there = [("2026-10-01T05:00:00Z", "1"), ("2026-11-01T05:00:00Z", "3")];
        keep(&store, &world, &cancun, &there).await;
        let story = [
            ("2026-11-01T11:59:59Z", 0, 0),
            ("2026-11-01T12:00:00Z", 0, 1),
            // Seven o'clock on the day with 25 hours.
            ("2026-11-01T14:59:59Z", 0, 1),
            ("2026-11-01T15:00:00Z", 1, 1),
        ];
        for (now, in_tijuana, in_cancun) in story {
            run(&store, &Library::shipped(), &key(), at(now))
                .await
                .unwrap();
            assert_eq!(bills(&store, &tijuana).await.len(), in_tijuana, "{now}");
            assert_eq!(bills(&store, &cancun).await.len(), in_cancun, "{now}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn february_ends_with_its_last_day_and_march_on_the_31st() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |new| {
            new.mounted_at = at("2027-01-20T20:00:00Z");
        })
        .await;
        let registers = [
            ("2027-01-21T08:00:02Z", "0"),
            ("2027-02-01T08:00:02Z", "10"),
            ("2027-03-01T08:00:02Z", "40"),
            // Daylight saving time began on 14 March.
            ("2027-04-01T07:00:02Z", "100"),
        ];
        keep(&store, &world, &meter, &registers).await;
        run(
            &store,
            &Library::shipped(),
            &key(),
            at("2027-04-01T14:00:00Z"),
        )
        .await
        .unwrap();
        assert_eq!(
            bills(&store, &meter).await,
            [
                "2027-01-21..2027-02-01 #1 35.00",
                "2027-02-01..2027-03-01 #2 105.00",
                "2027-03-01..2027-04-01 #3 210.00",
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_price_in_the_middle_makes_two_lines() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        let plan = Plan::flat(
            date(2026, 11, 15),
            meter.zone.clone(),
            Cycle::monthly(31).unwrap(),
            "MXN".parse().unwrap(),
            decimal("4.005"),
        );
        let mut t = store.write().await.unwrap();
        let account = world.account;
        t.set_plan(account, meter.id, &plan, None, start())
            .await
            .unwrap();
        t.commit().await.unwrap();
        keep(&store, &world, &meter, &QUARTER[..3]).await;
        let now = at("2026-12-01T15:00:00Z");
        run(&store, &Library::shipped(), &key(), now).await.unwrap();
        let missing = Hold::ReadingMissing {
            date: date(2026, 11, 15),
            at: at("2026-11-15T08:00:00Z"),
        };
        let expected = [("2026-11-01..2026-12-01".to_owned(), missing)];
        assert_eq!(holds(&store, &meter).await, expected);

        keep(&store, &world, &meter, &[("2026-11-15T08:00:09Z", "301.5")]).await;
        run(&store, &Library::shipped(), &key(), now).await.unwrap();
        let invoice = invoices(&store, &meter).await.pop().unwrap();
        let lines: Vec<_> = invoice
            .lines
            .iter()
            .map(|line| (line.kind, line.quantity, line.price, line.amount))
            .collect();
        let line = |quantity, price, amount| {
            let kind = LineKind::Consumption;
            (kind, decimal(quantity), decimal(price), decimal(amount))
        };
        let expected = [
            line("101.0", "3.50", "353.50"),
            line("49.0", "4.005", "196.25"),
        ];
        assert_eq!(lines, expected);
        assert_eq!(invoice.total, decimal("549.75"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_period_becomes_an_invoice_when_its_reading_comes_late() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        let mut registers = QUARTER.to_vec();
        let late = registers.remove(1);
        keep(&store, &world, &meter, &registers).await;
        let now = at("2027-01-01T15:00:00Z");
        for _ in 0..2 {
            run(&store, &Library::shipped(), &key(), now).await.unwrap();
            let held: Vec<_> = holds(&store, &meter).await;
            let missing = Hold::ReadingMissing {
                date: date(2026, 11, 1),
                at: at("2026-11-01T07:00:00Z"),
            };
            let expected = ["2026-10-01..2026-11-01", "2026-11-01..2026-12-01"]
                .map(|period| (period.to_owned(), missing.clone()));
            assert_eq!(held, expected);
        }
        assert_eq!(
            bills(&store, &meter).await,
            ["2026-12-01..2027-01-01 #1 3.50"]
        );
        assert_eq!(next_close(&store, &meter).await, "2027-02-01T15:00:00Z");

        keep(&store, &world, &meter, &[late]).await;
        run(&store, &Library::shipped(), &key(), now).await.unwrap();
        assert_eq!(
            bills(&store, &meter).await,
            [
                "2026-10-01..2026-11-01 #2 350.00",
                "2026-11-01..2026-12-01 #3 525.00",
                "2026-12-01..2027-01-01 #1 3.50",
            ]
        );
        assert_eq!(holds(&store, &meter).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_begins_with_its_first_closing_reading() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        run(
            &store,
            &Library::shipped(),
            &key(),
            at("2026-11-01T15:00:00Z"),
        )
        .await
        .unwrap();
        let since = start();
        let expected = [(
            "2026-10-01..2026-11-01".to_owned(),
            Hold::NoFirstReading { since },
        )];
        assert_eq!(holds(&store, &meter).await, expected);
        assert_eq!(next_close(&store, &meter).await, "2026-12-01T15:00:00Z");

        let registers = [
            ("2026-10-05T07:00:01Z", "10"),
            ("2026-11-01T07:00:01Z", "12"),
        ];
        keep(&store, &world, &meter, &registers).await;
        run(
            &store,
            &Library::shipped(),
            &key(),
            at("2026-11-02T15:00:00Z"),
        )
        .await
        .unwrap();
        assert_eq!(
            bills(&store, &meter).await,
            ["2026-10-05..2026-11-01 #1 7.00"]
        );
        assert_eq!(holds(&store, &meter).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_between_the_boundaries_is_on_the_invoice_and_changes_nothing() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        keep(&store, &world, &meter, &QUARTER[..2]).await;
        let mut t = store.write().await.unwrap();
        let device = t.device_of_meter(world.account, meter.id).await.unwrap();
        let stream = Stream {
            key: GatewayKey {
                account: world.account,
                gateway: world.gateway,
            },
            epoch: Epoch(1),
        };
        let days = [("2026-09-20", 1), ("2026-10-11", 11), ("2026-11-02", 101)];
        for (day, first) in days {
            let loss = Loss {
                first,
                last: first + 9,
                reason: LossReason::Size,
                gravest: Weight::Billing,
                from: Some(at(&format!("{day}T10:00:00Z"))),
                until: Some(at(&format!("{day}T12:00:00Z"))),
                devices: vec![device.as_ref().unwrap().0.id],
                signature: Signature([0; 64]),
            };
            t.keep_loss(stream, &loss, true, start()).await.unwrap();
        }
        t.commit().await.unwrap();
        run(
            &store,
            &Library::shipped(),
            &key(),
            at("2026-11-01T15:00:00Z"),
        )
        .await
        .unwrap();
        let invoice = invoices(&store, &meter).await.pop().unwrap();
        assert_eq!(invoice.total, decimal("350.00"));
        let lost: Vec<_> = invoice
            .losses
            .iter()
            .map(|lost| (lost.from, lost.readings, lost.certain))
            .collect();
        assert_eq!(lost, [(Some(at("2026-10-11T10:00:00Z")), 10, true)]);
    })
    .await;
}
