//! Every route against everybody whose it is not: the same answer as for what is not there.

use std::collections::BTreeSet;

use super::*;

/// What an address without anybody's id asks of the visitor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Door {
    /// Nobody has to sign in.
    Open,
    /// Whoever is signed in has one of their own.
    Own,
    /// Only an administrator.
    Platform,
    /// Only an integrator.
    Account,
    /// Only who may see that very thing.
    Thing,
}

use Door::{Account, Open, Own, Platform, Thing};

const ROUTES: [(&str, &[Method], Door); 81] = [
    ("/static/{name}", &[Method::GET], Open),
    ("/sign-in", &[Method::GET, Method::POST], Open),
    ("/sign-out", &[Method::POST], Open),
    ("/language", &[Method::POST], Open),
    ("/password/{token}", &[Method::GET, Method::POST], Open),
    ("/", &[Method::GET], Own),
    ("/accounts", &[Method::GET, Method::POST], Platform),
    ("/accounts/new", &[Method::GET], Platform),
    (
        "/accounts/{account}",
        &[Method::GET, Method::POST],
        Platform,
    ),
    ("/accounts/{account}/invite", &[Method::GET], Platform),
    ("/sites", &[Method::GET, Method::POST], Account),
    ("/sites/new", &[Method::GET], Account),
    ("/sites/{site}", &[Method::GET], Thing),
    ("/sites/{site}/edit", &[Method::GET, Method::POST], Thing),
    (
        "/sites/{site}/gateways",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/gateways", &[Method::GET], Account),
    ("/gateways/{gateway}", &[Method::GET], Thing),
    ("/gateways/{gateway}/code", &[Method::POST], Thing),
    ("/gateways/{gateway}/diagnose", &[Method::POST], Thing),
    (
        "/gateways/{gateway}/devices/{device}/read",
        &[Method::POST],
        Thing,
    ),
    (
        "/gateways/{gateway}/key",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/gateways/{gateway}/revoke",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/gateways/{gateway}/meters",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/meters", &[Method::GET], Own),
    ("/meters/{meter}", &[Method::GET], Thing),
    (
        "/meters/{meter}/settings",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/recipients",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/display",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/meters/{meter}/export.xlsx", &[Method::GET], Thing),
    ("/billing", &[Method::GET], Account),
    (
        "/billing/runs/{run}/hold",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/billing/runs/{run}/resume",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/meters/{meter}/preview", &[Method::GET], Thing),
    ("/meters/{meter}/hold", &[Method::GET, Method::POST], Thing),
    (
        "/meters/{meter}/resume",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/meters/{meter}/devices", &[Method::GET], Thing),
    (
        "/meters/{meter}/register",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/exchange",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/multiplier",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/exchange/undo",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/sites/{site}/reconciliation", &[Method::GET], Thing),
    (
        "/sites/{site}/reconciliation/{medium}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/sites/{site}/reconciliation/{medium}/{from}/{until}/release",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/sites/{site}/reconciliation/{medium}/bill",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/sites/{site}/bills/{bill}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/sites/{site}/bills/{bill}/remove",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/meters/{meter}/adjustments", &[Method::GET], Thing),
    (
        "/meters/{meter}/adjustments/{adjustment}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/adjustments/{adjustment}/remove",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/plans", &[Method::GET, Method::POST], Account),
    ("/plans/new", &[Method::GET], Account),
    ("/plans/{plan}", &[Method::GET], Thing),
    ("/plans/{plan}/name", &[Method::GET, Method::POST], Thing),
    (
        "/plans/{plan}/terms/{from}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/plans/{plan}/terms/{from}/remove",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/sites/{site}/terms", &[Method::GET], Thing),
    (
        "/sites/{site}/terms/{from}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/sites/{site}/terms/{from}/remove",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/meters/{meter}/terms", &[Method::GET], Thing),
    (
        "/meters/{meter}/terms/{from}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/meters/{meter}/terms/{from}/remove",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/export.xlsx", &[Method::GET], Own),
    ("/invoices", &[Method::GET], Own),
    ("/invoices/{invoice}", &[Method::GET], Thing),
    ("/invoices/{invoice}/invoice.pdf", &[Method::GET], Thing),
    ("/invoices/{invoice}/invoice.json", &[Method::GET], Thing),
    (
        "/invoices/{invoice}/link",
        &[Method::GET, Method::POST],
        Thing,
    ),
    (
        "/invoices/{invoice}/correct",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/verify/{token}", &[Method::GET], Open),
    ("/people", &[Method::GET, Method::POST], Account),
    ("/people/new", &[Method::GET], Account),
    (
        "/people/{account}/{person}",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/people/{account}/{person}/link", &[Method::POST], Thing),
    (
        "/people/{account}/{person}/remove",
        &[Method::GET, Method::POST],
        Thing,
    ),
    ("/notices", &[Method::GET], Account),
    ("/me", &[Method::GET, Method::POST], Own),
    ("/me/password", &[Method::POST], Own),
    ("/me/telegram", &[Method::POST], Own),
    ("/me/telegram/unlink", &[Method::POST], Own),
    ("/nowhere", &[], Open),
    ("/meters/{meter}/nowhere", &[], Open),
];

/// An id that nobody has.
const NOBODY: &str = "01k9z3v8m5t2q";

/// What stands in an address and is nobody's identity.
const WORDS: [(&str, &str); 4] = [
    ("name", "x.css"),
    ("token", "x"),
    ("medium", "electric"),
    ("until", "2027-02-01"),
];

#[test]
fn no_route_is_missing_from_the_table() {
    let source = include_str!("../../portal.rs");
    let routes: BTreeSet<&str> = source
        .split(".route(")
        .skip(1)
        .map(|rest| rest.split('"').nth(1).unwrap())
        .collect();
    let table: BTreeSet<&str> = ROUTES
        .iter()
        .filter(|(_, methods, _)| !methods.is_empty())
        .map(|(path, ..)| *path)
        .collect();
    assert_eq!(routes, table);
}

/// The address of the things of `ids`, or of nobody's.
fn address(route: &str, ids: &[(&str, String)]) -> (String, String) {
    let (mut theirs, mut nobodys) = (route.to_owned(), route.to_owned());
    for (name, id) in ids {
        theirs = theirs.replace(&format!("{{{name}}}"), id);
        nobodys = nobodys.replace(&format!("{{{name}}}"), NOBODY);
    }
    (theirs, nobodys)
}

/// The account and the identity of the first person that the list links to.
pub(super) fn first_person(people: &str) -> (String, String) {
    let links = people.split("href=\"/people/").skip(1);
    let mut ids = links.filter_map(|link| link.split('"').next()?.split_once('/'));
    let (account, person) = ids.next().unwrap();
    (account.to_owned(), person.to_owned())
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_yours_is_answered_as_if_it_were_not_there() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let rival = world.integrator(&administrator, "Rival").await;
    let (site, gateway) = world.building(&integrator, "gateway").await;
    let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
    let neighbour = world.meter(&integrator, &gateway, "Local 102", "2").await;
    let monitor = world.monitor(&integrator, "Ben", &neighbour, true).await;
    let device = world.enrolled(&gateway, &meter).await;
    let people = world.get(&integrator, "/people").await.text();
    let (account, person) = first_person(&people);
    let mut ids = vec![
        ("site", last(&site)),
        ("gateway", last(&gateway)),
        ("invoice", world.invoice(&account, &last(&meter)).await),
        ("meter", last(&meter)),
        ("account", account),
        ("person", person),
        ("device", device),
    ];
    let plan = world.plan(&integrator, "Shops").await;
    for path in [&plan, &site, &meter] {
        world.says(&integrator, path, "2027-01-01").await;
    }
    ids.extend([("plan", last(&plan)), ("from", "2027-01-01".to_owned())]);
    ids.extend(world.bill_and_adjustment(&integrator, &site, &meter).await);
    // December begins in Tijuana, and it is seven.
    let run: jiff::Timestamp = "2026-12-01T15:00:00Z".parse().unwrap();
    ids.push(("run", run.as_millisecond().to_string()));
    ids.extend(WORDS.map(|(name, word)| (name, word.to_owned())));
    let form = meter_form("Local 9", "9");
    for (route, methods, door) in ROUTES {
        let (theirs, nobodys) = address(route, &ids);
        for method in methods {
            let ask =
                async |who: &Browser, path: &str| world.ask(who, method.clone(), path, &form).await;
            if door != Open {
                let stranger = ask(&Browser::default(), &theirs).await;
                assert_eq!(stranger.status, StatusCode::SEE_OTHER, "{method} {route}");
                assert!(
                    stranger.location().starts_with("/sign-in"),
                    "{method} {route}"
                );
            }
            if door == Thing && *method == Method::GET {
                let found = ask(&integrator, &theirs).await;
                assert_eq!(found.status, StatusCode::OK, "{route} is there");
            }
            let shut: Vec<&Browser> = match door {
                Platform => vec![&monitor, &rival],
                Account => vec![&monitor, &administrator],
                Thing => vec![&monitor, &rival, &administrator],
                Open | Own => vec![],
            };
            for who in shut {
                let (one, other) = (ask(who, &theirs).await, ask(who, &nobodys).await);
                assert_eq!(one.status, StatusCode::NOT_FOUND, "{method} {route}");
                assert_eq!(one.body, other.body, "{method} {route}");
                assert_eq!(
                    one.response.headers, other.response.headers,
                    "{method} {route}"
                );
            }
        }
    }
    let page = world.get(&integrator, &meter).await;
    assert_eq!(page.status, StatusCode::OK, "nobody else's post changed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_strict_headers() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let style = world.get(&administrator, "/sign-in").await;
    assert_eq!(style.location(), "/", "who is signed in goes home");
    let page = world.get(&Browser::default(), "/sign-in").await;
    let style = format!("/static/portal{}", page.after("href=\"/static/portal"));
    let paths = [
        "/sign-in",
        "/accounts",
        "/nowhere",
        "/meters",
        "/password/x",
        "/verify/x",
        &style,
    ];
    for path in paths {
        for who in [&administrator, &Browser::default()] {
            let answer = world.get(who, path).await;
            let policy = answer.header(header::CONTENT_SECURITY_POLICY);
            assert!(
                policy.starts_with("default-src 'self'; script-src 'none'"),
                "{path}"
            );
            assert!(policy.contains("frame-ancestors 'none'"), "{path}");
            assert_eq!(
                answer.header(header::X_CONTENT_TYPE_OPTIONS),
                "nosniff",
                "{path}"
            );
            assert!(!answer.header(header::REFERRER_POLICY).is_empty(), "{path}");
            let kept = answer.header(header::CACHE_CONTROL).contains("immutable");
            assert_eq!(kept, path == style, "{path}");
            let html = String::from_utf8(answer.body).unwrap();
            assert!(
                !html.contains("<script") && !html.contains(" style="),
                "{path}"
            );
        }
    }
}
