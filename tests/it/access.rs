//! Nobody sees or changes what is not theirs: for them it does not exist.

use std::collections::BTreeSet;

use tests::browser::{Browser, Page};
use tests::demo::Demo;
use tests::form;
use tests::portal;

/// Every address that a person can reach by links, from their start page on.
pub(crate) async fn reachable(browser: &Browser) -> BTreeSet<String> {
    let mut known = BTreeSet::from(["/".to_owned()]);
    let mut waiting = vec!["/".to_owned()];
    while let Some(path) = waiting.pop() {
        let page = browser.open(&path).await.unwrap();
        if !page.kind.starts_with("text/html") {
            continue;
        }
        for (target, _) in form::links(&page.html()) {
            let target = target.split('#').next().unwrap_or_default().to_owned();
            let ours = target.starts_with('/') && !target.starts_with("//");
            if ours && known.insert(target.clone()) {
                waiting.push(target);
            }
        }
        assert!(known.len() < 2_000, "the portal has no end: {known:?}");
    }
    known
}

/// The address with its last identifier exchanged for one that nobody has.
fn of_nobody(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().rposition(|part| is_identifier(part)).unwrap();
    parts[at] = "01k9z3v8m5t2q";
    parts.join("/")
}

fn is_identifier(part: &str) -> bool {
    part.len() == 13 && part.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Two answers that nobody can tell apart.
fn alike(theirs: &Page, nobodys: &Page) {
    assert_eq!(
        theirs.status.as_u16(),
        404,
        "{} says {}",
        theirs.url,
        theirs.text()
    );
    assert_eq!(nobodys.status.as_u16(), 404, "{}", nobodys.url);
    assert_eq!(
        theirs.html(),
        nobodys.html(),
        "{} and {}",
        theirs.url,
        nobodys.url
    );
}

/// What `owner` can see and change does not exist for `other`, who guesses its address.
async fn does_not_exist_for(owner: &Browser, other: &Browser) {
    let theirs = reachable(other).await;
    let all = reachable(owner).await.into_iter();
    let guessed: Vec<String> = all
        .filter(|path| path.split('/').any(is_identifier) && !theirs.contains(path))
        .collect();
    assert!(
        guessed.iter().any(|path| path.starts_with("/meters/")),
        "{guessed:?}"
    );
    assert!(
        guessed.iter().any(|path| path.starts_with("/invoices/")),
        "{guessed:?}"
    );
    for path in &guessed {
        let page = other.fetch(path).await.unwrap();
        let nothing = other.fetch(&of_nobody(path)).await.unwrap();
        alike(&page, &nothing);
        let page = owner.open(path).await.unwrap();
        if !page.kind.starts_with("text/html") {
            continue;
        }
        let forms = form::forms(&page.html()).into_iter();
        for form in forms.filter(|form| form.is_post && form.action.split('/').any(is_identifier)) {
            let answer = other.send(&page, &form).await.unwrap();
            assert_eq!(answer.status.as_u16(), 404, "{path}: {}", form.action);
        }
    }
}

/// Checks it on the demo's building.
pub(crate) async fn check(demo: &Demo, ana: &Browser, ben: &Browser) {
    does_not_exist_for(ana, ben).await;
    does_not_exist_for(ben, ana).await;

    let administrator = Browser::new(demo.cloud.url()).unwrap();
    portal::sign_in(&administrator, tests::demo::ADMINISTRATOR, portal::PASSWORD)
        .await
        .unwrap()
        .ok()
        .unwrap();
    let email = "otro@instalaciones.example";
    let link = portal::add_account(&administrator, "Otra", "Otro", email, "es")
        .await
        .unwrap();
    let rival = Browser::new(demo.cloud.url()).unwrap();
    portal::set_password(&rival, &link, portal::PASSWORD)
        .await
        .unwrap();
    does_not_exist_for(&demo.integrator, &rival).await;

    // Without a sign-in every address leads to the same door, whether it exists or not.
    let nobody = Browser::new(demo.cloud.url()).unwrap();
    let page = nobody.fetch(&demo.meters[0]).await.unwrap();
    let nothing = nobody.fetch(&of_nobody(&demo.meters[0])).await.unwrap();
    assert_eq!(page.url.path(), "/sign-in");
    assert_eq!(nothing.url.path(), "/sign-in");
}
