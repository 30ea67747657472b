//! Stories of what others do between the look at a meter and the writing of its bills.

use super::*;
use crate::correction::{Done, Order, carry_out};

/// What a look at a meter finds to do.
async fn look(store: &Store, meter: &Meter, now: Timestamp) -> Work {
    let mut reader = store.read().await.unwrap();
    read_work(&mut reader, &Library::shipped(), meter, now)
        .await
        .unwrap()
}

/// From and until which register the newest bill goes.
async fn newest(store: &Store, meter: &Meter) -> (Decimal, Decimal) {
    let newest = invoices(store, meter).await.pop().unwrap();
    let register = |boundary: &crate::billing::segment::Boundary| boundary.register.value();
    (register(newest.opening()), register(newest.closing()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_begins_where_the_one_before_it_ends_though_that_is_corrected_meanwhile() {
    on_both_engines(async |store| {
        // Neither end of October was read on the hour: it ends between two readings.
        let (world, meter) = registered(&store, |_| ()).await;
        let around = [
            ("2026-10-01T07:00:01Z", "100.5"),
            ("2026-11-01T06:30:00Z", "199.5"),
            ("2026-11-01T07:30:00Z", "201.5"),
            ("2026-12-01T08:00:01Z", "350.5"),
        ];
        keep(&store, &world, &meter, &around).await;
        let (profiles, key) = (Library::shipped(), key());
        let november = at("2026-11-01T15:00:00Z");
        run(&store, &profiles, &key, november).await.unwrap();
        let (_, before) = newest(&store, &meter).await;
        let december = at("2026-12-01T16:00:00Z");
        let stale = look(&store, &meter, december).await;
        assert_eq!(stale.outcomes.len(), 1);

        // The reading of the hour itself comes late, and October is corrected.
        let late = [("2026-11-01T07:00:01Z", "200.75")];
        keep(&store, &world, &meter, &late).await;
        let october = invoices(&store, &meter).await.remove(0);
        let mut writer = store.write().await.unwrap();
        let order = Order {
            reason: "Read late",
            is_replaced: true,
        };
        let keys = (&profiles, &key);
        let done = carry_out(&mut writer, keys, &october, order, december).await;
        assert!(matches!(
            done.unwrap(),
            Done::Credited {
                replacement: Some(_),
                ..
            }
        ));
        writer.commit().await.unwrap();
        let (_, corrected) = newest(&store, &meter).await;
        assert_ne!(corrected, before, "or there is nothing to see here");

        write(&store, &key, &meter, &stale, december).await.unwrap();
        assert_eq!(invoices(&store, &meter).await.len(), 3, "nothing of it");
        run(&store, &profiles, &key, december).await.unwrap();
        assert_eq!(newest(&store, &meter).await, (corrected, decimal("350.5")));
        let numbers: Vec<_> = invoices(&store, &meter)
            .await
            .iter()
            .map(|one| one.number)
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_issued_meanwhile_is_not_issued_again() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        keep(&store, &world, &meter, &QUARTER).await;
        let now = at("2027-01-01T15:00:00Z");
        let stale = look(&store, &meter, now).await;
        run(&store, &Library::shipped(), &key(), now).await.unwrap();
        write(&store, &key(), &meter, &stale, now).await.unwrap();
        let numbers: Vec<_> = invoices(&store, &meter)
            .await
            .iter()
            .map(|one| one.number)
            .collect();
        assert_eq!(numbers, [1, 2, 3]);
    })
    .await;
}
