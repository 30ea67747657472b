//! Stories of what sites do with a difference.

use std::collections::BTreeMap;

use common::id::{AccountId, MeterId, PersonId, SiteId};
use common::unit::Medium;
use jiff::civil::date;
use rust_decimal::Decimal;

use super::super::testing::{on_both_engines, start};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_site_says_for_each_medium_what_it_does_and_may_say_otherwise() {
    on_both_engines(async |store| {
        let (account, site, by) = (AccountId(1), SiteId(3), PersonId(7));
        let mut t = store.write().await.unwrap();
        let shares = BTreeMap::from([(MeterId(5), Decimal::new(405, 1))]);
        let first = SitePolicy {
            main_meter: Some(MeterId(4)),
            ..SitePolicy::default()
        };
        let second = SitePolicy {
            main_meter: None,
            policy: Policy::ByShare { shares },
            limits: Limits {
                warn_percent: Decimal::ZERO,
                block_percent: Decimal::new(125, 1),
            },
        };
        for said in [&first, &second] {
            let place = (site, Medium::Electric);
            let set = t.set_site_policy(account, place, said, by, start());
            set.await.unwrap();
            let found = t.site_policy(account, site, Medium::Electric).await;
            assert_eq!(found.unwrap().as_ref(), Some(said));
        }
        let elsewhere = [
            (AccountId(2), site, Medium::Electric),
            (account, SiteId(4), Medium::Electric),
            (account, site, Medium::Water),
        ];
        for (account, site, medium) in elsewhere {
            let found = t.site_policy(account, site, medium).await.unwrap();
            assert_eq!(found, None);
        }
        t.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_let_go_once_and_no_other_with_it() {
    on_both_engines(async |store| {
        let (account, by) = (AccountId(1), PersonId(7));
        let place = (SiteId(3), Medium::Electric);
        let october = (date(2026, 10, 1), date(2026, 11, 1));
        let november = (date(2026, 11, 1), date(2026, 12, 1));
        let mut t = store.write().await.unwrap();
        for reason in ["The pump house has no meter yet", "Pressed twice"] {
            t.release_residual(account, place, october, (reason, by), start())
                .await
                .unwrap();
        }
        let found = t.residual_release(account, place, october).await.unwrap();
        assert_eq!(found.as_deref(), Some("The pump house has no meter yet"));
        let found = t.residual_release(account, place, november).await.unwrap();
        assert_eq!(found, None);
        t.commit().await.unwrap();
    })
    .await;
}
