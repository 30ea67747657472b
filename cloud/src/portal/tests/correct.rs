//! Stories of an invoice that was wrong.

use super::invoices::Story;
use super::*;
use crate::billing::invoice::{DocumentKind, Invoice};
use crate::proof::check::check;
use crate::proof::trust::{KeyName, Trusted};

impl Story {
    async fn documents(&self) -> Vec<Invoice> {
        let mut transaction = self.world.app.store.read().await.unwrap();
        let found = transaction.invoices(self.invoice.account, None, 99).await;
        found.unwrap()
    }

    /// From the beginning on a unit costs that.
    async fn reprice(&self, price: &str) {
        let mut transaction = self.world.app.store.write().await.unwrap();
        let (account, meter) = (self.invoice.account, self.invoice.meter);
        let mut plan = transaction.plans(account, meter).await.unwrap().remove(0);
        plan.tariff = crate::plan::tariff::Tariff::flat(price.parse().unwrap());
        let now = self.world.app.clock.now();
        let set = transaction.set_plan(account, meter, &plan, None, now).await;
        set.unwrap();
        transaction.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_price_is_put_right_by_a_credit_and_another_invoice_once() {
    let story = Story::new().await;
    let (world, path) = (&story.world, format!("{}/correct", story.path()));
    let same = world.get(&story.integrator, &path).await.text();
    assert!(same.contains("the bill would be the same"), "{same}");
    story.reprice("2").await;
    let other = world.get(&story.integrator, &path).await.text();
    assert!(other.contains("$689.60 MXN"), "{other}");
    assert!(other.contains("−$517.20 MXN"), "{other}");

    let nothing = [("reason", " ")];
    let without = world.ask(&story.integrator, Method::POST, &path, &nothing);
    assert_eq!(without.await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(story.documents().await.len(), 1);
    let form = [("reason", "The price was wrong")];
    let shut = world.ask(&story.monitor, Method::POST, &path, &form).await;
    assert_eq!(shut.status, StatusCode::NOT_FOUND);
    // A double click.
    for _ in 0..2 {
        let taken = world.done(&story.integrator, &path, &form).await;
        assert_eq!(taken.status, StatusCode::SEE_OTHER);
    }
    let documents = story.documents().await;
    let said: Vec<_> = documents
        .iter()
        .map(|one| (one.number, one.kind, one.total.to_string()))
        .collect();
    let expected = [
        (3, DocumentKind::Invoice, "689.60".to_owned()),
        (2, DocumentKind::Credit, "-1206.80".to_owned()),
        (1, DocumentKind::Invoice, "1206.80".to_owned()),
    ];
    assert_eq!(said, expected);
    let before = world.get(&story.monitor, &story.path()).await.text();
    assert!(
        before.contains("Anulada por la nota de crédito 2"),
        "{before}"
    );
    assert!(before.contains("En su lugar está la factura 3"), "{before}");
    let credit = format!("/invoices/{}", documents[1].id);
    let credit = world.get(&story.monitor, &credit).await.text();
    assert!(
        credit.contains("Nota de crédito de la factura 1: The price was wrong"),
        "{credit}"
    );
    assert!(credit.contains("−$1,206.80 MXN"), "{credit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_without_another_is_not_billed_again() {
    let story = Story::new().await;
    let path = format!("{}/correct", story.path());
    let form = [("reason", "Not their meter"), ("cancel", "on")];
    story.world.done(&story.integrator, &path, &form).await;
    let app = &story.world.app;
    let now = app.clock.now();
    crate::jobs::close_periods::run(&app.store, &app.profiles, &app.issuer, now)
        .await
        .unwrap();
    let kinds: Vec<_> = story.documents().await.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [DocumentKind::Credit, DocumentKind::Invoice]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_document_of_a_correction_makes_itself_again() {
    let story = Story::new().await;
    story.reprice("2.5").await;
    let path = format!("{}/correct", story.path());
    let form = [("reason", "The price was wrong")];
    story.world.done(&story.integrator, &path, &form).await;
    let key = &story.world.app.issuer;
    let trusted = Trusted {
        issuer: KeyName::from(&key.verifying_key()),
        gateways: Vec::new(),
    };
    for document in story.documents().await {
        let file = format!("/invoices/{}/invoice.json", document.id);
        let file = story.world.get(&story.monitor, &file).await.text();
        let report = check(&file, &trusted, &story.world.app.profiles);
        assert!(
            report.is_identical(),
            "{}: {:?}",
            document.number,
            report.differences
        );
    }
}
