//! Stories of the portal over its real router and a real store: what each person can do,
//! what does not exist for them, and what a wrong form says.

mod billing;
mod correct;
mod devices;
mod display;
mod explain;
mod forms;
mod gateways;
mod invoices;
mod matrix;
mod parity;
mod read;
mod reconciliation;
mod terms;
mod verify;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt as _;

use crate::account::{LinkPurpose, NewPerson};
use crate::billing::invoice::Invoice;
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_FILE};
use crate::run::App;
use crate::secret;
use crate::store::Store;
use crate::store::gateways::GatewayKey;

const PASSWORD: &str = "correct horse battery";

/// An answer of the portal.
struct Answer {
    status: StatusCode,
    response: axum::http::response::Parts,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 4 << 20).await.unwrap();
        Self {
            status: parts.status,
            response: parts,
            body: body.to_vec(),
        }
    }

    fn header(&self, name: header::HeaderName) -> &str {
        let value = self.response.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    fn location(&self) -> &str {
        self.header(header::LOCATION)
    }

    fn text(&self) -> String {
        let html = String::from_utf8(self.body.clone()).unwrap();
        html.replace("&#38;", "&")
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
    }

    /// What follows `before` up to the quote or tag that ends it.
    fn after(&self, before: &str) -> String {
        let text = self.text();
        let (_, rest) = text
            .split_once(before)
            .unwrap_or_else(|| panic!("{before}: {text}"));
        rest.split(['"', '<', '?']).next().unwrap().to_owned()
    }
}

/// The portal on a store of its own.
struct World {
    router: Router,
    app: App,
    _folder: tempfile::TempDir,
}

/// Somebody with a browser.
#[derive(Clone, Default)]
struct Browser {
    session: Option<String>,
}

impl World {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enervue.db");
        let store = Store::open(path.to_str().unwrap()).await.unwrap();
        let clock = folder.path().join("clock");
        std::fs::write(&clock, "2026-11-24T18:00:00Z\n").unwrap();
        let variables = settings
            .iter()
            .map(|(key, value)| (format!("ENERVUE_CLOUD__{key}"), (*value).to_owned()));
        let config = Config::read(DEFAULT_FILE, "", variables).unwrap();
        let app = App::new(
            store,
            Clock::test(&clock).unwrap(),
            config,
            crate::issuer::tests::key(),
        )
        .unwrap();
        Self {
            router: super::router(app.clone()),
            app,
            _folder: folder,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn ask(
        &self,
        browser: &Browser,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let pairs: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT_LANGUAGE, "en");
        if let Some(session) = &browser.session {
            request = request.header(header::COOKIE, format!("session={session}"));
        }
        self.send(request.body(Body::from(pairs.join("&"))).unwrap())
            .await
    }

    async fn get(&self, browser: &Browser, path: &str) -> Answer {
        self.ask(browser, Method::GET, path, &[]).await
    }

    /// Posts a form that must be taken.
    async fn done(&self, browser: &Browser, path: &str, form: &[(&str, &str)]) -> Answer {
        let answer = self.ask(browser, Method::POST, path, form).await;
        let taken = answer.status == StatusCode::OK || answer.status == StatusCode::SEE_OTHER;
        assert!(taken, "{path}: {} {}", answer.status, answer.text());
        answer
    }

    /// Opens the link and sets a password; that signs in.
    async fn join(&self, link: &str) -> Browser {
        let path = link.strip_prefix(&self.app.config.public_url).unwrap();
        let opened = self.get(&Browser::default(), path).await;
        assert_eq!(opened.status, StatusCode::OK);
        let answer = self
            .done(&Browser::default(), path, &[("password", PASSWORD)])
            .await;
        signed_in(&answer)
    }

    async fn administrator(&self) -> Browser {
        let now = self.app.clock.now();
        let mut transaction = self.app.store.write().await.unwrap();
        let language = "en".parse().unwrap();
        let new = NewPerson::new("root@enervue.example", "Root", language, true).unwrap();
        let person = transaction.add_person(&new, now).await.unwrap();
        let token = secret::new();
        let purpose = LinkPurpose::Password;
        transaction
            .add_link(&secret::hash(&token), purpose, person.id, now)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        self.join(&format!("{}/password/{token}", self.app.config.public_url))
            .await
    }

    /// An account whose first integrator has set a password.
    async fn integrator(&self, administrator: &Browser, name: &str) -> Browser {
        let email = format!("{}@integrators.example", name.to_lowercase());
        let form = [
            ("account", name),
            ("name", name),
            ("email", &email),
            ("language", "en"),
        ];
        let invited = self.done(administrator, "/accounts", &form).await;
        self.join(&link(&invited)).await
    }

    /// A site with a gateway; their paths.
    async fn building(&self, integrator: &Browser, kind: &str) -> (String, String) {
        let form = [
            ("name", "Plaza"),
            ("zone", "America/Tijuana"),
            ("locale", "es-MX"),
        ];
        let made = self.done(integrator, "/sites", &form).await;
        let site = made.location().split('?').next().unwrap().to_owned();
        let form = [("name", "Basement"), ("kind", kind)];
        let coded = self
            .done(integrator, &format!("{site}/gateways"), &form)
            .await;
        assert!(
            coded
                .text()
                .contains("enervue-gateway enroll http://127.0.0.1:8080 --code ")
        );
        let gateway = coded.after("button main\" href=\"");
        (site, gateway)
    }

    /// A meter at a unit id; its path.
    async fn meter(
        &self,
        integrator: &Browser,
        gateway: &str,
        label: &str,
        unit_id: &str,
    ) -> String {
        let form = meter_form(label, unit_id);
        let made = self
            .done(integrator, &format!("{gateway}/meters"), &form)
            .await;
        made.location().split('?').next().unwrap().to_owned()
    }

    /// A named plan that says nothing yet; its path.
    async fn plan(&self, integrator: &Browser, name: &str) -> String {
        let made = self.done(integrator, "/plans", &[("name", name)]).await;
        let path = made.location().strip_suffix("/terms/new").unwrap();
        path.to_owned()
    }

    /// A monitor user of one meter, who has set a password.
    async fn monitor(
        &self,
        integrator: &Browser,
        name: &str,
        meter: &str,
        may_change: bool,
    ) -> Browser {
        let email = format!("{}@tenants.example", name.to_lowercase());
        let field = format!("meter-{}", meter.rsplit('/').next().unwrap());
        let mut form = vec![
            ("name", name),
            ("email", email.as_str()),
            ("language", "en"),
            (field.as_str(), "email"),
        ];
        if may_change {
            form.push(("may_change", "on"));
        }
        let invited = self.done(integrator, "/people", &form).await;
        self.join(&link(&invited)).await
    }
}

impl World {
    /// Lets a gateway in; the device of one of its meters.
    async fn enrolled(&self, gateway: &str, meter: &str) -> String {
        let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let (gateway, meter) = (id(gateway).parse().unwrap(), id(meter).parse().unwrap());
        let now = self.app.clock.now();
        let account = self.account().await;
        let mut t = self.app.store.write().await.unwrap();
        let key = GatewayKey { account, gateway };
        let hash = secret::hash("token");
        t.enrol(key, &hash, "AAAA", "pi", now).await.unwrap();
        let (device, _) = t.device_of_meter(account, meter).await.unwrap().unwrap();
        t.commit().await.unwrap();
        device.id.to_string()
    }

    /// An invoice of that meter; its identity.
    async fn invoice(&self, account: &str, meter: &str) -> String {
        let sample = crate::notice::message::tests::sample("es-MX");
        self.issued(account, meter, sample).await
    }

    /// An invoice of that meter like `sample`; its identity.
    async fn issued(&self, account: &str, meter: &str, sample: Invoice) -> String {
        let (account, meter) = (account.parse().unwrap(), meter.parse().unwrap());
        let period = sample.period;
        let mut transaction = self.app.store.write().await.unwrap();
        let make = |issue: crate::store::issuing::Issue| Invoice {
            id: issue.id,
            number: issue.number,
            account,
            meter,
            ..sample
        };
        let now = self.app.clock.now();
        let issued = transaction
            .issue_invoice(account, meter, &period, now, &self.app.issuer, make)
            .await;
        let id = issued.unwrap().unwrap().id.to_string();
        transaction.commit().await.unwrap();
        id
    }
}

fn meter_form<'a>(label: &'a str, unit_id: &'a str) -> [(&'a str, &'a str); 13] {
    [
        ("label", label),
        ("counter", "eastron-sdm630/energy_import/kWh"),
        ("serial", ""),
        ("bus", "main"),
        ("unit_id", unit_id),
        ("zone", "America/Tijuana"),
        ("locale", "es-MX"),
        ("from", "2026-11-01"),
        ("cutoff_day", "31"),
        ("price", "3,50"),
        ("currency", "MXN"),
        ("minimum", "0"),
        ("send_hour", "7"),
    ]
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn link(invited: &Answer) -> String {
    invited.after("<code class=\"secret\">")
}

fn signed_in(answer: &Answer) -> Browser {
    let cookies = answer.response.headers.get_all(header::SET_COOKIE).iter();
    let cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let session = cookies
        .filter_map(|cookie| cookie.strip_prefix("session="))
        .next();
    let session = session.unwrap_or_else(|| panic!("no session: {}", answer.text()));
    Browser {
        session: Some(session.split(';').next().unwrap().to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_account_to_a_monitor_who_sees_only_theirs() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let home = world.get(&integrator, "/").await.text();
    assert!(home.contains("First steps"), "{home}");
    let (site, gateway) = world.building(&integrator, "gateway").await;
    let mine = world.meter(&integrator, &gateway, "Local <101>", "1").await;
    let other = world.meter(&integrator, &gateway, "Local 102", "2").await;
    let monitor = world.monitor(&integrator, "Ana", &mine, false).await;

    let home = world.get(&monitor, "/").await.text();
    assert!(
        home.contains("Local &#60;101&#62;") && !home.contains("Local 102"),
        "{home}"
    );
    let page = world.get(&monitor, &mine).await.text();
    assert!(
        page.contains("$3.50 MXN/kWh"),
        "the comma was a decimal one: {page}"
    );
    let settings = world
        .get(&monitor, &format!("{mine}/settings"))
        .await
        .text();
    assert!(settings.contains("Managed by Norte"), "{settings}");
    for path in [&other, &site, &gateway] {
        assert_eq!(
            world.get(&monitor, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for file in [format!("{mine}/export.xlsx"), "/export.xlsx".to_owned()] {
        let workbook = world.get(&monitor, &file).await;
        assert!(
            workbook.body.starts_with(b"PK"),
            "{file}: {}",
            workbook.status
        );
    }
    let notices = world.get(&integrator, "/notices").await.text();
    assert!(notices.contains("Invitation") && notices.contains("ana@tenants.example"));
    let accounts = world.get(&administrator, "/accounts").await.text();
    assert!(accounts.contains("Norte"), "{accounts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_a_page_and_a_pdf_for_whoever_has_its_meter() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (_, gateway) = world.building(&integrator, "gateway").await;
    let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
    let monitor = world.monitor(&integrator, "Ana", &meter, false).await;
    let people = world.get(&integrator, "/people").await;
    let (account, _) = matrix::first_person(&people.text());
    let invoice = world
        .invoice(&account, meter.rsplit('/').next().unwrap())
        .await;
    let path = format!("/invoices/{invoice}");
    assert!(
        world.get(&monitor, &meter).await.text().contains(&path),
        "{meter}"
    );
    let page = world.get(&monitor, &path).await.text();
    let calculation = page.find("Cómo se calculó").unwrap();
    assert!(
        page.find("$1,034.40 MXN")
            .is_some_and(|total| total < calculation),
        "{page}"
    );
    assert!(
        page.contains("lang=\"es\"") && page.contains("Lectura anterior"),
        "{page}"
    );
    let pdf = world.get(&monitor, &format!("{path}/invoice.pdf")).await;
    assert!(pdf.body.starts_with(b"%PDF"), "{}", pdf.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_opens_cutoff_minimum_and_delivery_and_nothing_else() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (_, gateway) = world.building(&integrator, "gateway").await;
    let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
    let setter = world.monitor(&integrator, "Ana", &meter, true).await;
    let sent = [
        ("price", "0.01"),
        ("label", "Mine"),
        ("cutoff_day", "15"),
        ("minimum", "20"),
        ("from", "2026-01-01"),
    ];
    world
        .done(&setter, &format!("{meter}/settings"), &sent)
        .await;
    let page = world.get(&integrator, &meter).await.text();
    for expected in [
        "$3.50 MXN/kWh",
        "closes on day 15",
        "20 kWh",
        "<h1>Local 101</h1>",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    let recipients = world
        .get(&setter, &format!("{meter}/recipients"))
        .await
        .text();
    assert!(
        recipients.contains("Ana") && !recipients.contains("norte@"),
        "{recipients}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_sets_a_password_once_and_a_password_ends_every_session() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let form = [
        ("account", "Sur"),
        ("name", "Sara"),
        ("email", "sara@sur.example"),
        ("language", "es"),
    ];
    let link = link(&world.done(&administrator, "/accounts", &form).await);
    let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
    let nobody = Browser::default();
    let short = world
        .ask(&nobody, Method::POST, path, &[("password", "too short")])
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let first = world.join(&link).await;
    for method in [Method::GET, Method::POST] {
        let again = world
            .ask(&nobody, method, path, &[("password", PASSWORD)])
            .await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
    let change = [("current", PASSWORD), ("new", "another horse battery")];
    let changed = world.done(&first, "/me/password", &change).await;
    assert!(
        world
            .get(&first, "/me")
            .await
            .location()
            .starts_with("/sign-in"),
        "still signed in"
    );
    let second = signed_in(&changed);
    assert_eq!(world.get(&second, "/me").await.status, StatusCode::OK);
    world.done(&second, "/sign-out", &[]).await;
    assert!(
        world
            .get(&second, "/me")
            .await
            .location()
            .starts_with("/sign-in"),
        "replayed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_does_not_show_the_link_of_somebody_elses_person() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let norte = world.integrator(&administrator, "Norte").await;
    let rival = world.integrator(&administrator, "Rival").await;
    let form = [
        ("name", "Ana"),
        ("email", "ana@tenants.example"),
        ("language", "en"),
    ];
    let invited = world.done(&norte, "/people", &form).await;
    assert!(
        invited.text().contains("/password/"),
        "theirs alone: the link is shown"
    );
    let taken = world.done(&rival, "/people", &form).await.text();
    assert!(!taken.contains("/password/"), "{taken}");
    let again = world.ask(&norte, Method::POST, "/people", &form).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_person_and_a_wrong_password_look_alike_and_tries_run_out() {
    let world = World::new().await;
    world.administrator().await;
    let nobody = Browser::default();
    let say = async |email: &str| {
        let form = [("email", email), ("password", "wrong horse battery")];
        let answer = world.ask(&nobody, Method::POST, "/sign-in", &form).await;
        (answer.status, answer.text().replace(email, "EMAIL"))
    };
    let (unknown, wrong) = (
        say("nobody@enervue.example").await,
        say("root@enervue.example").await,
    );
    assert_eq!(unknown, wrong);
    assert_eq!(wrong.0, StatusCode::UNPROCESSABLE_ENTITY);
    let mut last = wrong.0;
    for _ in 0..10 {
        last = say("root@enervue.example").await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_on_https_are_bound_to_it_and_a_foreign_page_cannot_post() {
    let world = World::with(&[("PUBLIC_URL", "https://enervue.example.com")]).await;
    let nobody = Browser::default();
    let page = world.get(&nobody, "/sign-in").await;
    assert!(
        page.header(header::STRICT_TRANSPORT_SECURITY)
            .contains("max-age")
    );
    let foreign = Request::builder()
        .method(Method::POST)
        .uri("/sign-out")
        .header(header::HOST, "enervue.example.com")
        .header(header::ORIGIN, "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    let refused = world.send(foreign.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.text().contains("did not come from our own page"),
        "{}",
        refused.text()
    );
    let left = world.done(&nobody, "/sign-out", &[]).await;
    let cookie = left.header(header::SET_COOKIE);
    assert!(
        cookie.starts_with("__Host-session=;") && cookie.contains("Secure"),
        "{cookie}"
    );
}
