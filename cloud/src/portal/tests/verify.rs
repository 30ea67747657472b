//! Stories of the page behind the QR code, and of the file.

use super::invoices::Story;
use super::*;
use crate::proof::check::check;
use crate::proof::trust::{KeyName, Trusted};

impl Story {
    async fn token(&self) -> String {
        let mut transaction = self.world.app.store.read().await.unwrap();
        let (account, id) = (self.invoice.account, self.invoice.id);
        let token = transaction.invoice_link(account, id).await.unwrap();
        token.unwrap()
    }

    /// What somebody sees who holds the paper and is nobody here.
    async fn scan(&self, token: &str) -> Answer {
        let path = format!("/verify/{token}");
        self.world.get(&Browser::default(), &path).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_behind_the_code_shows_the_bill_and_names_nobody() {
    let story = Story::new().await;
    let answer = story.scan(&story.token().await).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.response.headers["x-robots-tag"], "noindex, nofollow");
    let (page, invoice) = (answer.text(), &story.invoice);
    let format = crate::format::Format::new(invoice.locale);
    let key = common::digest::fingerprint(&story.world.app.issuer.verifying_key());
    for figure in [
        format.money(invoice.total, invoice.currency),
        format.quantity(invoice.measured, invoice.unit),
        format.dates(invoice.period.from, invoice.period.until),
        key,
        "Revisado ahora mismo: es lo que se emitió".to_owned(),
    ] {
        assert!(page.contains(&figure), "{figure}: {page}");
    }
    // These registers came without seals, and the page says so.
    assert!(
        page.contains("invoice.segments[0].opening.basis.reading"),
        "{page}"
    );
    for name in [&invoice.meter_label, &invoice.site, &invoice.issuer, "Ana"] {
        assert!(!name.is_empty() && !page.contains(name), "{name}: {page}");
    }
    let wrong = "A".repeat(22);
    for token in ["x", wrong.as_str(), &story.invoice.id.to_string()] {
        assert_eq!(
            story.scan(token).await.status,
            StatusCode::NOT_FOUND,
            "{token}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_an_adjustment_are_for_those_whom_they_concern() {
    let story = Story::new().await;
    let mut sample = crate::notice::message::tests::sample("en-US");
    sample.lines[0].kind = crate::billing::invoice::LineKind::Adjustment;
    sample.lines[0].name = "Rebate for Ana Torres".to_owned();
    let account = story.invoice.account.to_string();
    let meter = story.invoice.meter.to_string();
    let id = story.world.issued(&account, &meter, sample).await;
    let mut transaction = story.world.app.store.read().await.unwrap();
    let id = id.parse().unwrap();
    let token = transaction.invoice_link(story.invoice.account, id).await;
    let page = story.scan(&token.unwrap().unwrap()).await.text();
    assert!(
        page.contains("Adjustment") && !page.contains("Ana Torres"),
        "{page}"
    );
    // The sample's arithmetic is not that of its terms.
    assert!(page.contains("It is NOT what was issued"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_the_database_is_found_by_the_page() {
    let story = Story::new().await;
    let mut transaction = story.world.app.store.write().await.unwrap();
    // Whoever owns the database can do away with what guards it.
    let guard = "DROP TRIGGER invoice_is_not_changed";
    transaction.execute(guard, &[]).await.unwrap();
    let total = format!("\"total\":\"{}\"", story.invoice.total);
    let changed = transaction
        .execute(
            "UPDATE invoice SET snapshot = REPLACE(snapshot, $1, '\"total\":\"1.00\"') \
             WHERE state = 'issued'",
            &[total.as_str().into()],
        )
        .await;
    assert_eq!(changed.unwrap(), 1);
    transaction.commit().await.unwrap();
    let page = story.scan(&story.token().await).await.text();
    assert!(page.contains("NO es lo que se emitió"), "{page}");
    assert!(page.contains("invoice.total"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_page_is_gone_and_only_an_integrator_revokes_it() {
    let story = Story::new().await;
    let (world, token) = (&story.world, story.token().await);
    let link = format!("{}/link", story.path());
    let invoice = world.get(&story.monitor, &story.path()).await.text();
    assert!(!invoice.contains(&link), "{invoice}");
    let shut = world.ask(&story.monitor, Method::POST, &link, &[]).await;
    assert_eq!(shut.status, StatusCode::NOT_FOUND);
    let page = world.get(&story.integrator, &link).await.text();
    assert!(page.contains(&format!("/verify/{token}")), "{page}");
    assert_eq!(story.scan(&token).await.status, StatusCode::OK);

    let done = world.ask(&story.integrator, Method::POST, &link, &[]).await;
    let invoice = world.get(&story.integrator, done.location()).await.text();
    assert!(invoice.contains("The public page is revoked."), "{invoice}");
    assert_eq!(story.scan(&token).await.status, StatusCode::NOT_FOUND);
    let page = world.get(&story.integrator, &link).await.text();
    assert!(page.contains("leads nowhere"), "{page}");
    // Again is no trouble.
    world.ask(&story.integrator, Method::POST, &link, &[]).await;
    assert_eq!(story.scan(&token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_for_whoever_sees_the_invoice_and_is_what_was_issued() {
    let story = Story::new().await;
    let path = format!("{}/invoice.json", story.path());
    let page = story.world.get(&story.monitor, &story.path()).await.text();
    assert!(page.contains(&path), "{page}");
    let file = story.world.get(&story.monitor, &path).await;
    let named = file.header(header::CONTENT_DISPOSITION);
    assert!(
        named.starts_with("attachment") && named.ends_with(".json\""),
        "{named}"
    );
    let trusted = Trusted {
        issuer: KeyName::from(&story.world.app.issuer.verifying_key()),
        gateways: Vec::new(),
    };
    let text = String::from_utf8(file.body).unwrap();
    let report = check(&text, &trusted, &story.world.app.profiles);
    assert_eq!(report.differences, []);
    assert_eq!(report.invoice.unwrap().id, story.invoice.id);
}
