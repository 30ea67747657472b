//! Stories of the utility's bills.

use common::unit::Unit;
use jiff::civil::date;
use rust_decimal::Decimal;

use super::super::testing::{on_both_engines, start};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_entered_changed_and_taken_away_at_its_own_site_alone() {
    on_both_engines(async |store| {
        let (account, site, other, by) = (AccountId(1), SiteId(3), SiteId(4), PersonId(7));
        let mut bill = UtilityBill {
            id: UtilityBillId(0),
            medium: Medium::Electric,
            from: date(2026, 10, 1),
            until: date(2026, 11, 1),
            quantity: Decimal::new(45_678, 1),
            unit: Unit::KiloWh,
            amount: Decimal::new(1_234_567, 2),
            currency: "MXN".parse().unwrap(),
            note: "recibo-2026-10.pdf".to_owned(),
        };
        let mut t = store.write().await.unwrap();
        let added = t.add_utility_bill(account, site, &bill, by, start()).await;
        bill.id = added.unwrap();
        let mut water = bill.clone();
        (water.medium, water.unit) = (Medium::Water, Unit::CubicMetre);
        let added = t.add_utility_bill(account, site, &water, by, start()).await;
        water.id = added.unwrap();
        let of = async |t: &mut Transaction, site, medium| {
            t.utility_bills_of(account, site, medium).await.unwrap()
        };
        assert_eq!(of(&mut t, site, Medium::Electric).await, [bill.clone()]);
        bill.amount = Decimal::new(1_300_000, 2);
        bill.until = date(2026, 11, 2);
        for place in [other, site] {
            let changed = t.change_utility_bill(account, place, &bill, by, start());
            changed.await.unwrap();
        }
        assert_eq!(of(&mut t, site, Medium::Electric).await, [bill.clone()]);
        assert!(
            !t.remove_utility_bill(account, other, bill.id)
                .await
                .unwrap()
        );
        assert!(t.remove_utility_bill(account, site, bill.id).await.unwrap());
        assert!(!t.remove_utility_bill(account, site, bill.id).await.unwrap());
        assert_eq!(t.utility_bills(account, site).await.unwrap(), [water]);
        t.commit().await.unwrap();
    })
    .await;
}
