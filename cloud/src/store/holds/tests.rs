//! Stories of meters that are held.

use common::id::{AccountId, MeterId, PersonId};
use jiff::SignedDuration;

use super::super::testing::{on_both_engines, start};
use super::HeldMeter;

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_its_first_reason_and_ends_once() {
    on_both_engines(async |store| {
        let (account, other) = (AccountId(1), AccountId(2));
        let held = HeldMeter {
            meter: MeterId(9),
            reason: "Ask Ana first".to_owned(),
            by: PersonId(7),
            since: start(),
        };
        let again = HeldMeter {
            reason: "All of the run".to_owned(),
            since: start() + SignedDuration::from_hours(1),
            ..held.clone()
        };
        let mut t = store.write().await.unwrap();
        assert!(t.hold_meter(account, &held).await.unwrap());
        assert!(!t.hold_meter(account, &again).await.unwrap());
        let found = t.held_meter(account, held.meter).await.unwrap();
        assert_eq!(found, Some(held.clone()));
        assert_eq!(t.held_meter(other, held.meter).await.unwrap(), None);
        assert!(!t.resume_meter(other, held.meter).await.unwrap());
        assert!(t.resume_meter(account, held.meter).await.unwrap());
        assert!(!t.resume_meter(account, held.meter).await.unwrap());
        assert_eq!(t.held_meter(account, held.meter).await.unwrap(), None);
        t.commit().await.unwrap();
    })
    .await;
}
