//! Stories of what is flagged on an invoice, which is issued all the same.

use super::*;
use crate::billing::finding::{Average, Finding};

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_issued_with_what_was_noticed_about_it() {
    on_both_engines(async |store| {
        let (world, meter) = registered(&store, |_| ()).await;
        keep(&store, &world, &meter, &QUARTER).await;
        for now in ["2026-11-01T15:00:00Z", "2026-12-01T16:00:00Z"] {
            run(&store, &Library::shipped(), &key(), at(now))
                .await
                .unwrap();
        }
        run(
            &store,
            &Library::shipped(),
            &key(),
            at("2027-01-01T16:00:00Z"),
        )
        .await
        .unwrap();
        let invoices = invoices(&store, &meter).await;
        let last = invoices
            .iter()
            .find(|one| one.period.from == date(2026, 12, 1));
        let missing = Finding::Missing {
            from: date(2026, 12, 2),
            until: date(2026, 12, 31),
            days: 30,
        };
        let average = |from, until, quantity, days| Average {
            from,
            until,
            quantity: decimal(quantity),
            days,
        };
        let low = Finding::Low {
            usual: average(date(2026, 10, 1), date(2026, 12, 1), "250.0", 61),
            now: average(date(2026, 12, 1), date(2027, 1, 1), "1.0", 31),
        };
        assert_eq!(last.unwrap().findings, [missing, low]);
    })
    .await;
}
