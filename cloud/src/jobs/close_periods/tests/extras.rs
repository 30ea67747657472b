//! Stories of what comes into bills from outside the meter: a building with a main meter, its
//! utility's bill, what is left over, and what somebody added once.

use std::collections::BTreeMap;

use common::id::{AdjustmentId, MeterId, UtilityBillId};
use common::unit::{Medium, Unit};

use super::*;
use crate::billing::charge::Adjustment;
use crate::billing::finding::Finding;
use crate::billing::reconciliation::{Limits, Policy};
use crate::billing::utility::UtilityBill;
use crate::plan::Missing;
use crate::plan::tariff::{Demand, Rate};
use crate::proof::check::check;
use crate::proof::trust::{KeyName, Trusted};
use crate::store::adjustments::NewAdjustment;
use crate::store::reconciliations::SitePolicy;

const BY: PersonId = PersonId(7);
const SEVENTH_HOUR: &str = "2026-11-01T15:00:00Z";

/// A building: the main meter first, then three shops.
struct Building {
    store: Store,
    world: World,
    meters: Vec<Meter>,
}

impl Building {
    /// Its meters pass on the utility's price.
    async fn new(store: &Store) -> Self {
        let mut t = store.write().await.unwrap();
        let world = world(&mut t, GatewayKind::Gateway).await;
        let mut meters = Vec::new();
        for unit_id in 1..=4 {
            let passing = |new: &mut NewMeter| new.plan.tariff.rate = Rate::PassThrough;
            meters.push(register(&mut t, &world, unit_id, passing).await);
        }
        t.commit().await.unwrap();
        Self {
            store: store.clone(),
            world,
            meters,
        }
    }

    /// Keeps what each meter used in October; of one without a use the end is not read.
    async fn uses(&self, used: [&str; 4]) {
        for (meter, used) in self.meters.iter().zip(used) {
            let end = (decimal("1000") + decimal(used)).to_string();
            let registers = [
                ("2026-10-01T07:00:01Z", "1000"),
                ("2026-11-01T07:00:01Z", end.as_str()),
            ];
            let known = if used == "0" {
                &registers[..1]
            } else {
                &registers
            };
            keep(&self.store, &self.world, meter, known).await;
        }
    }

    async fn says(&self, policy: Policy, limits: Limits) {
        let set = SitePolicy {
            main_meter: Some(self.meters[0].id),
            policy,
            limits,
        };
        self.set(&set).await;
    }

    async fn set(&self, set: &SitePolicy) {
        let mut t = self.store.write().await.unwrap();
        let place = (self.world.site, Medium::Electric);
        t.set_site_policy(self.world.account, place, set, BY, start())
            .await
            .unwrap();
        t.commit().await.unwrap();
    }

    async fn utility_bill(&self, quantity: &str, amount: &str) {
        let bill = UtilityBill {
            id: UtilityBillId(0),
            medium: Medium::Electric,
            from: date(2026, 10, 1),
            until: date(2026, 11, 1),
            quantity: decimal(quantity),
            unit: Unit::KiloWh,
            amount: decimal(amount),
            currency: "MXN".parse().unwrap(),
            note: "recibo-2026-10.pdf".to_owned(),
        };
        let mut t = self.store.write().await.unwrap();
        let (account, site) = (self.world.account, self.world.site);
        t.add_utility_bill(account, site, &bill, BY, start())
            .await
            .unwrap();
        t.commit().await.unwrap();
    }

    async fn closes(&self, now: &str) {
        run(&self.store, &Library::shipped(), &key(), at(now))
            .await
            .unwrap();
    }

    /// The bills of the shops, in their order.
    async fn shops(&self) -> Vec<Invoice> {
        let mut all = Vec::new();
        for meter in &self.meters[1..] {
            all.extend(invoices(&self.store, meter).await);
        }
        all
    }

    /// Why each shop is held.
    async fn held(&self) -> Vec<Hold> {
        let mut all = Vec::new();
        for meter in &self.meters[1..] {
            let held = holds(&self.store, meter).await;
            all.extend(held.into_iter().map(|(_, hold)| hold));
        }
        all
    }
}

fn off() -> Limits {
    Limits {
        warn_percent: Decimal::ZERO,
        block_percent: Decimal::ZERO,
    }
}

/// What an invoice exports, checked by who trusts the issuer.
async fn verified(store: &Store, invoice: &Invoice) -> crate::proof::report::Report {
    let mut t = store.read().await.unwrap();
    let export = t.invoice_export(invoice.account, invoice.id).await.unwrap();
    let export = serde_json::to_string(&export.unwrap()).unwrap();
    let trusted = Trusted {
        issuer: KeyName::from(&key().verifying_key()),
        gateways: Vec::new(),
    };
    check(&export, &trusted, &Library::shipped())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bills_of_a_building_sum_to_the_utilitys_and_each_can_be_checked() {
    on_both_engines(async |store| {
        let building = Building::new(&store).await;
        building.uses(["1234.5", "301.2", "433.3", "399.8"]).await;
        building.says(Policy::CommonArea, off()).await;
        // Nobody wrote the utility's bill down yet.
        building.closes(SEVENTH_HOUR).await;
        let missing = Hold::UtilityBillMissing {
            from: date(2026, 10, 1),
            until: date(2026, 11, 1),
        };
        assert_eq!(
            building.held().await,
            [missing.clone(), missing.clone(), missing]
        );

        building.utility_bill("1240", "4321.29").await;
        building.closes(SEVENTH_HOUR).await;
        let bills = building.shops().await;
        let said: Vec<_> = bills
            .iter()
            .map(|bill| {
                let lines = bill.lines.iter();
                let lines = lines.map(|line| format!("{} × {}", line.quantity, line.price));
                format!("{} = {}", lines.collect::<Vec<_>>().join(" + "), bill.total)
            })
            .collect();
        // 4,321.29 ÷ 1,234.5 of the main meter; 100.2 kWh are left over.
        assert_eq!(
            said,
            [
                "301.2 × 3.500437 + 33.400 × 3.500437 = 1171.24",
                "433.3 × 3.500437 + 33.400 × 3.500437 = 1633.65",
                "399.8 × 3.500437 + 33.400 × 3.500437 = 1516.38",
            ]
        );
        let total: Decimal = bills.iter().map(|bill| bill.total).sum();
        let utility = decimal("4321.29");
        // The price is off by at most half of its sixth decimal, each of six lines by half a
        // cent: 0.0006 + 0.03 at most.
        assert!((total - utility).abs() <= decimal("0.0306"), "{total}");
        assert_eq!(total, decimal("4321.27"), "two cents are rounding");
        for bill in &bills {
            let report = verified(&store, bill).await;
            assert!(report.is_identical(), "{report:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_is_shared_too_and_a_missing_reading_holds_all_who_share() {
    on_both_engines(async |store| {
        let building = Building::new(&store).await;
        building.utility_bill("1000", "3500").await;
        building.says(Policy::Proportional, off()).await;
        building.uses(["1000", "600", "410", "0"]).await;
        building.closes(SEVENTH_HOUR).await;
        let incomplete = Hold::SiteIncomplete { meters: 1 };
        let unread = Hold::ReadingMissing {
            date: date(2026, 11, 1),
            at: at("2026-11-01T07:00:00Z"),
        };
        // What lies at the meter itself is said first.
        assert_eq!(
            building.held().await,
            [incomplete.clone(), incomplete, unread]
        );
        assert_eq!(building.shops().await.len(), 0);

        let late = [("2026-11-01T07:00:03Z", "1000")];
        keep(&store, &building.world, &building.meters[3], &late).await;
        building.closes(SEVENTH_HOUR).await;
        let bills = building.shops().await;
        let shares: Vec<_> = bills.iter().map(|bill| bill.extras.common_area).collect();
        let share = |text| Some(decimal(text));
        // 10 kWh more were counted than the main meter did; who used nothing has no part.
        assert_eq!(shares, [share("-5.941"), share("-4.059"), None]);
        let total: Decimal = bills.iter().map(|bill| bill.total).sum();
        assert_eq!(total, decimal("3500.00"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_said_and_beyond_the_limit_holds_until_somebody_lets_it_go() {
    on_both_engines(async |store| {
        let building = Building::new(&store).await;
        building.utility_bill("1000", "3500").await;
        building.says(Policy::Show, Limits::default()).await;
        building.uses(["1000", "300", "300", "280"]).await;
        building.closes(SEVENTH_HOUR).await;
        let (whole, parts) = (decimal("1000.0"), decimal("880.0"));
        let unit = Unit::KiloWh;
        let held = building.held().await;
        assert_eq!(held.len(), 3);
        for hold in held {
            assert_eq!(hold, Hold::ResidualTooHigh { whole, parts, unit });
        }
        // The main meter's own bill does not wait for the others.
        assert_eq!(bills(&store, &building.meters[0]).await.len(), 1);

        let mut t = store.write().await.unwrap();
        let place = (building.world.site, Medium::Electric);
        let october = (date(2026, 10, 1), date(2026, 11, 1));
        let account = building.world.account;
        t.release_residual(account, place, october, ("The pump", BY), start())
            .await
            .unwrap();
        t.commit().await.unwrap();
        building.closes(SEVENTH_HOUR).await;
        let shops = building.shops().await;
        assert_eq!(shops.len(), 3);
        for bill in shops {
            let said = Finding::Residual { whole, parts, unit };
            assert!(bill.findings.contains(&said), "{:?}", bill.findings);
            assert_eq!(bill.extras.common_area, None);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_main_meter_the_utilitys_bill_is_the_whole_of_its_own_days_alone() {
    on_both_engines(async |store| {
        let building = Building::new(&store).await;
        building.uses(["300", "300", "200", "100"]).await;
        let shares = building.meters.iter().map(|meter| meter.id);
        let weights = ["1", "0", "0", "0"];
        let shares: BTreeMap<MeterId, Decimal> = shares
            .zip(weights)
            .map(|(id, weight)| (id, decimal(weight)))
            .collect();
        let set = SitePolicy {
            main_meter: None,
            policy: Policy::ByShare { shares },
            limits: off(),
        };
        building.set(&set).await;
        building.utility_bill("1000", "2000").await;
        // The last meter is billed by other dates.
        let plan = Plan {
            cycle: Cycle::monthly(15).unwrap(),
            ..new_meter(&building.world, 4).plan
        };
        let mut t = store.write().await.unwrap();
        let (account, last) = (building.world.account, &building.meters[3]);
        t.set_plan(account, last.id, &plan, None, start())
            .await
            .unwrap();
        t.commit().await.unwrap();
        let middle = [("2026-10-16T07:00:01Z", "1040")];
        keep(&store, &building.world, last, &middle).await;
        building.closes(SEVENTH_HOUR).await;
        let first = invoices(&store, &building.meters[0]).await.pop().unwrap();
        // All that is left over is the first one's: 300 + 100, at 2,000 ÷ 1,000.
        assert_eq!(first.extras.common_area, Some(decimal("100.0")));
        assert_eq!(first.total, decimal("800.00"));
        let other = Hold::OtherDays {
            from: date(2026, 10, 1),
            until: date(2026, 11, 1),
        };
        let expected = [("2026-10-01..2026-10-16".to_owned(), other)];
        assert_eq!(holds(&store, last).await, expected);
    })
    .await;
}

fn credit(day: i8, name: &str, amount: &str) -> NewAdjustment {
    NewAdjustment {
        day: date(2026, 10, day),
        adjustment: Adjustment {
            name: name.to_owned(),
            amount: decimal(amount),
            taxed: false,
        },
        note: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adjustment_is_on_the_bill_of_its_day_and_fixed_once_that_is_issued() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        keep(&store, &world, &meter, &QUARTER[..2]).await;
        let (account, id) = (world.account, meter.id);
        let wrong = credit(31, "Leak", "-500");
        let mut t = store.write().await.unwrap();
        let added = t
            .add_adjustment(account, id, &wrong, BY, start())
            .await
            .unwrap();
        let added = added.unwrap();
        let right = credit(31, "Leak", "-50");
        let place = (id, added);
        assert!(
            t.change_adjustment(account, place, &right, BY, start())
                .await
                .unwrap()
        );
        let twice = t
            .add_adjustment(account, id, &wrong, BY, start())
            .await
            .unwrap();
        let other = MeterId(id.0 + 1);
        assert!(
            !t.remove_adjustment(account, other, twice.unwrap())
                .await
                .unwrap()
        );
        assert!(
            t.remove_adjustment(account, id, twice.unwrap())
                .await
                .unwrap()
        );
        t.commit().await.unwrap();

        run(&store, &Library::shipped(), &key(), at(SEVENTH_HOUR))
            .await
            .unwrap();
        let bill = invoices(&store, &meter).await.pop().unwrap();
        assert_eq!(bill.total, decimal("300.00"));
        let line = bill.lines.last().unwrap();
        assert_eq!(
            (line.name.as_str(), line.amount),
            ("Leak", decimal("-50.00"))
        );

        let mut t = store.write().await.unwrap();
        let kept = t.adjustments(account, id).await.unwrap();
        assert_eq!((kept.len(), kept[0].is_billed), (1, true));
        drop(t);
        assert_billed(&store, &meter, added).await;
    })
    .await;
}

/// Nothing of a billed period changes: not the adjustment, and none is added; what comes in the
/// next one is.
async fn assert_billed(store: &Store, meter: &Meter, billed: AdjustmentId) {
    let (account, id) = (meter.account, meter.id);
    let october = credit(31, "Leak", "-50");
    let november = NewAdjustment {
        day: date(2026, 11, 1),
        ..october.clone()
    };
    let mut t = store.write().await.unwrap();
    for new in [&october, &november] {
        let changed = t.change_adjustment(account, (id, billed), new, BY, start());
        assert!(!changed.await.unwrap());
    }
    assert!(!t.remove_adjustment(account, id, billed).await.unwrap());
    let late = t.add_adjustment(account, id, &october, BY, start());
    assert_eq!(late.await.unwrap(), None);
    let next = t.add_adjustment(account, id, &november, BY, start());
    assert!(next.await.unwrap().is_some());
    t.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_power_is_charged_from_what_was_read_between() {
    on_both_engines(async |store| {
        let demanding = |new: &mut NewMeter| {
            new.plan.tariff.demand = Some(Demand {
                interval_minutes: 15,
                price: decimal("100"),
            });
            new.plan.missing = Missing::default();
        };
        let (world, meter) = registered(&store, demanding).await;
        keep(&store, &world, &meter, &QUARTER[..2]).await;
        run(&store, &Library::shipped(), &key(), at(SEVENTH_HOUR))
            .await
            .unwrap();
        let held = [("2026-10-01..2026-11-01".to_owned(), Hold::PeakMissing)];
        assert_eq!(holds(&store, &meter).await, held);
        let between = [
            ("2026-10-12T18:00:00Z", "150.0"),
            ("2026-10-12T18:15:00Z", "151.0"),
            ("2026-10-12T18:30:00Z", "153.5"),
        ];
        keep(&store, &world, &meter, &between).await;
        run(&store, &Library::shipped(), &key(), at(SEVENTH_HOUR))
            .await
            .unwrap();
        let bill = invoices(&store, &meter).await.pop().unwrap();
        let line = bill.lines.iter().find(|line| line.kind == LineKind::Demand);
        let line = line.unwrap();
        assert_eq!((line.quantity, line.is_detail), (decimal("10.000"), true));
        assert_eq!(bill.total, decimal("1350.00"));
    })
    .await;
}
