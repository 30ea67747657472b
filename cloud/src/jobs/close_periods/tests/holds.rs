//! Stories of meters whose invoices somebody keeps back.

use super::*;
use crate::store::holds::HeldMeter;

async fn hold(store: &Store, meter: &Meter, reason: &str) {
    let held = HeldMeter {
        meter: meter.id,
        reason: reason.to_owned(),
        by: PersonId(7),
        since: start(),
    };
    let mut t = store.write().await.unwrap();
    assert!(t.hold_meter(meter.account, &held).await.unwrap());
    t.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_holds_is_issued_when_they_let_it_go() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        keep(&store, &world, &meter, &QUARTER).await;
        run(
            &store,
            &Library::shipped(),
            &key(),
            at("2026-11-02T00:00:00Z"),
        )
        .await
        .unwrap();
        hold(&store, &meter, "Ask Ana first").await;
        let now = at("2027-01-01T15:00:00Z");
        for _ in 0..2 {
            run(&store, &Library::shipped(), &key(), now).await.unwrap();
            let by_person = Hold::ByPerson {
                reason: "Ask Ana first".to_owned(),
            };
            let expected = ["2026-11-01..2026-12-01", "2026-12-01..2027-01-01"]
                .map(|period| (period.to_owned(), by_person.clone()));
            assert_eq!(holds(&store, &meter).await, expected);
            assert_eq!(
                bills(&store, &meter).await,
                ["2026-10-01..2026-11-01 #1 350.00"],
                "what was issued before stays"
            );
        }
        let mut t = store.write().await.unwrap();
        assert!(t.resume_meter(meter.account, meter.id).await.unwrap());
        t.commit().await.unwrap();
        for _ in 0..2 {
            run(&store, &Library::shipped(), &key(), now).await.unwrap();
            assert_eq!(
                bills(&store, &meter).await,
                [
                    "2026-10-01..2026-11-01 #1 350.00",
                    "2026-11-01..2026-12-01 #2 525.00",
                    "2026-12-01..2027-01-01 #3 3.50",
                ]
            );
            assert_eq!(holds(&store, &meter).await, []);
        }
    })
    .await;
}
