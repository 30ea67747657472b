//! Stories of an amount that somebody asks about.

use common::unit::Unit;
use jiff::civil::date;
use rust_decimal::Decimal;

use super::invoices::Story;
use super::*;
use crate::billing::charge::charge;
use crate::billing::explain::Against;
use crate::billing::invoice::Period;
use crate::billing::sample::{self, boundary, number, segment, start_of};
use crate::billing::segment::Segments;
use crate::command::{InvoiceName, invoice_explain};
use crate::plan::tariff::Tariff;

/// A bill of a month: what went through, at a price that counts from the start of its year.
fn of_month(year: i16, month: i8, quantity: &str, price: &str, locale: &str) -> Invoice {
    let from = date(year, month, 1);
    let until = from.checked_add(jiff::Span::new().months(1)).unwrap();
    let (starts_at, ends_at) = (start_of(from), start_of(until));
    let period = Period {
        from,
        until,
        starts_at,
        ends_at,
    };
    let mut invoice = sample::invoice(locale);
    invoice.plans[0].effective_from = date(year, 1, 1);
    invoice.plans[0].tariff = Tariff::flat(number(price));
    let opening = boundary(from, "0", Unit::KiloWh);
    let one = segment(opening, boundary(until, quantity, Unit::KiloWh));
    let segments = Segments::try_from(vec![one]).unwrap();
    let charge = charge(&period, &segments, &invoice.plans, &invoice.extras).unwrap();
    Invoice {
        period,
        segments,
        measured: charge.measured,
        billed: charge.billed,
        lines: charge.lines,
        total: charge.total,
        ..invoice
    }
}

impl Story {
    /// Issues the bills, and gives the address of the last one.
    async fn billed(&self, bills: Vec<Invoice>) -> String {
        let account = self.invoice.account.to_string();
        let meter = self.invoice.meter.to_string();
        let mut path = String::new();
        for bill in bills {
            let id = self.world.issued(&account, &meter, bill).await;
            path = format!("/invoices/{id}");
        }
        path
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_is_explained_against_the_last_bill_and_that_of_a_year_ago() {
    let story = Story::new().await;
    let bills = vec![
        of_month(2025, 10, "400", "2.5", "en-US"),
        of_month(2025, 11, "7", "2.5", "en-US"),
        of_month(2026, 9, "300", "3", "en-US"),
        of_month(2026, 10, "344.8", "3", "en-US"),
    ];
    let path = story.billed(bills).await;
    let page = story.world.get(&story.monitor, &path).await.text();
    let (_, why) = page.split_once("Why this amount").unwrap();
    for words in [
        "Against the last bill, Sep 1–30, 2026",
        "You used 14.9% more<small>344.8 kWh instead of 300 kWh, in 31 days instead of 30</small>",
        "+$134.40 MXN",
        "In all you pay more<small>$1,034.40 MXN instead of $900.00 MXN</small>",
        "Against a year ago, Oct 1–31, 2025",
        "You used 13.8% less<small>344.8 kWh instead of 400 kWh</small>",
        "−$138.00 MXN",
        "The price rose<small>$3.00 MXN/kWh instead of $2.50 MXN/kWh, from Jan 1, 2026</small>",
        "+$172.40 MXN",
        "+$34.40 MXN",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }
    // The operator is told the same, and the figures.
    let invoice = path.rsplit('/').next().unwrap().to_owned();
    let name = InvoiceName {
        invoice,
        account: None,
    };
    let store = &story.world.app.store;
    let explained = invoice_explain(store, &name).await.unwrap();
    let said: Vec<_> = explained
        .compared
        .iter()
        .map(|one| {
            let explanation = one.explanation.as_ref().unwrap();
            let sum: Decimal = explanation.parts.iter().map(|part| part.amount).sum();
            assert_eq!(sum, explanation.difference);
            for row in &one.rows {
                assert!(
                    why.contains(&row.name) && why.contains(&row.amount),
                    "{row:?}"
                );
            }
            (one.against, sum.to_string())
        })
        .collect();
    let expected = [
        (Against::Last, "134.40".to_owned()),
        (Against::YearAgo, "34.40".to_owned()),
    ];
    assert_eq!(said, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_bill_has_nothing_to_be_compared_with_and_another_currency_is_not() {
    let story = Story::new().await;
    let first = story.world.get(&story.monitor, &story.path()).await.text();
    assert!(first.contains("No hay factura anterior"), "{first}");
    let mut before = of_month(2026, 10, "100", "3", "es-MX");
    before.currency = "USD".parse().unwrap();
    story.billed(vec![before]).await;
    let second = story.world.get(&story.monitor, &story.path()).await.text();
    let apart = "Aquella factura está en otra moneda";
    assert!(second.contains(apart), "{second}");
    assert!(!second.contains("Consumió"), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_explains_nothing_and_what_was_taken_back_is_compared_with_nobody() {
    let story = Story::new().await;
    story
        .billed(vec![of_month(2026, 10, "344.8", "3", "es-MX")])
        .await;
    let page = story.world.get(&story.monitor, &story.path()).await.text();
    for words in [
        "Consumió lo mismo<small>344.8 kWh en vez de 344.8 kWh, en 6 días en vez de 31</small>",
        "El precio subió",
        "En total paga más<small>$1,206.80 MXN en vez de $1,034.40 MXN</small>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let mut reader = story.world.app.store.read().await.unwrap();
    let before = reader
        .invoices_before(
            story.invoice.account,
            story.invoice.meter,
            story.invoice.period.from,
            1,
        )
        .await
        .unwrap()
        .remove(0);
    drop(reader);
    let form = [("reason", "Not their meter"), ("cancel", "on")];
    let path = format!("/invoices/{}/correct", before.id);
    let taken = story.world.done(&story.integrator, &path, &form).await;
    let credit = story
        .world
        .get(&story.monitor, taken.location())
        .await
        .text();
    assert!(!credit.contains("Por qué este importe"), "{credit}");
    let page = story.world.get(&story.monitor, &story.path()).await.text();
    assert!(page.contains("No hay factura anterior"), "{page}");
}
