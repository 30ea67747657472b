//! Stories of a site's main meter, the bills of the utility, and charges and credits.

use super::*;
use crate::jobs::close_periods;

/// A bill of the utility for the last days of November.
const BILL: [(&str, &str); 7] = [
    ("from", "2026-11-26"),
    ("last", "2026-11-30"),
    ("quantity", "1,000.5"),
    ("unit", "kWh"),
    ("amount", "2500"),
    ("currency", "MXN"),
    ("note", "CFE 4711"),
];

const CREDIT: [(&str, &str); 6] = [
    ("name", "Leak"),
    ("day", "2026-11-28"),
    ("kind", "credit"),
    ("amount", "50.25"),
    ("taxed", ""),
    ("note", "as agreed by telephone"),
];

/// A form with another value in one field.
fn with<'a>(
    form: &[(&'a str, &'a str)],
    field: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let others = form.iter().copied().filter(|(name, _)| *name != field);
    others.chain([(field, value)]).collect()
}

/// The first identity in an address that begins so.
fn identity(page: &str, before: &str) -> String {
    let mark = format!("href=\"{before}");
    let rest = page.split(&mark).skip(1);
    let mut ids = rest.filter_map(|rest| rest.split(['"', '/', '?']).next());
    ids.find(|id| *id != "new").unwrap().to_owned()
}

impl World {
    /// A utility's bill of a site and a credit of a meter: how an address names each, and its
    /// identity.
    pub(super) async fn bill_and_adjustment(
        &self,
        integrator: &Browser,
        site: &str,
        meter: &str,
    ) -> [(&'static str, String); 2] {
        let here = format!("{site}/reconciliation");
        self.done(integrator, &format!("{here}/electric/bill"), &BILL)
            .await;
        let page = self.get(integrator, &here).await.text();
        let bill = identity(&page, &format!("{site}/bills/"));
        // A day that no bill of any story has.
        let credit = with(&CREDIT, "day", "2027-06-01");
        let here = format!("{meter}/adjustments");
        self.done(integrator, &format!("{here}/new"), &credit).await;
        let page = self.get(integrator, &here).await.text();
        [
            ("bill", bill),
            ("adjustment", identity(&page, &format!("{here}/"))),
        ]
    }
}

/// A building with a main meter and two others, and what each counted from the 26th of November
/// to the first of December.
struct Building {
    world: World,
    integrator: Browser,
    site: String,
    gateway: String,
    meters: Vec<String>,
}

impl Building {
    async fn new() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let integrator = world.integrator(&administrator, "Norte").await;
        let (site, gateway) = world.building(&integrator, "gateway").await;
        let mut meters = Vec::new();
        for (label, unit_id) in [("Main", "1"), ("Local 101", "2"), ("Local 102", "3")] {
            meters.push(world.meter(&integrator, &gateway, label, unit_id).await);
        }
        Self {
            world,
            integrator,
            site,
            gateway,
            meters,
        }
    }

    fn page(&self) -> String {
        format!("{}/reconciliation", self.site)
    }

    async fn see(&self, path: &str) -> String {
        self.world.get(&self.integrator, path).await.text()
    }

    /// Asks, and says what is wrong.
    async fn refused(&self, path: &str, form: &[(&str, &str)]) -> String {
        let answer = self
            .world
            .ask(&self.integrator, Method::POST, path, form)
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        answer.text()
    }

    async fn count(&self, used: [&str; 3]) {
        let place = (self.site.as_str(), self.gateway.as_str());
        for (meter, used) in self.meters.iter().zip(used) {
            let readings = [
                ("2026-11-26T08:00:01Z", "0"),
                ("2026-12-01T08:00:01Z", used),
            ];
            self.world.read(place, meter, &readings).await;
        }
    }

    async fn close(&self) {
        let now = "2026-12-01T16:00:00Z".parse().unwrap();
        self.world.app.clock.set(now).unwrap();
        let app = &self.world.app;
        close_periods::run(&app.store, &app.profiles, &app.issuer, now)
            .await
            .unwrap();
    }

    async fn set(&self, policy: &str, main: &str) {
        let main = main.rsplit('/').next().unwrap();
        let form = [
            ("main_meter", main),
            ("policy", policy),
            ("warn_percent", "3"),
            ("block_percent", "10"),
        ];
        let path = format!("{}/electric", self.page());
        self.world.done(&self.integrator, &path, &form).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_over_is_shown_and_bills_beyond_the_limit_wait_until_somebody_lets_them_go() {
    let building = Building::new().await;
    let empty = building.see(&building.page()).await;
    assert!(
        empty.contains("No period of these meters has ended yet"),
        "{empty}"
    );
    building.set("proportional", &building.meters[0]).await;
    building.count(["1000", "600", "200"]).await;
    building.close().await;
    let page = building.see(&building.page()).await;
    for words in [
        "1,000 kWh",
        "800 kWh",
        "200 kWh",
        "Bills are held",
        "by the main meter Main",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let board = building.see("/billing").await;
    assert!(
        board.contains(&format!("href=\"{}\"", building.page())),
        "{board}"
    );
    let release = format!("{}/electric/2026-11-26/2026-12-01/release", building.page());
    assert!(page.contains(&release), "{page}");
    building.refused(&release, &[("reason", " ")]).await;
    for _ in 0..2 {
        // A double click keeps the first reason.
        let form = [("reason", "the pump is not metered")];
        building
            .world
            .done(&building.integrator, &release, &form)
            .await;
    }
    building.close().await;
    let page = building.see(&building.page()).await;
    assert!(
        page.contains("the pump is not metered") && !page.contains(&release),
        "{page}"
    );
    // 200 are shared by 600 and 200.
    assert!(
        page.contains("150 kWh") && page.contains("50 kWh"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_bills_that_are_issued_none_is_said_to_be_held() {
    let building = Building::new().await;
    building.count(["1000", "600", "200"]).await;
    building.close().await;
    let page = building.see(&building.page()).await;
    assert!(
        page.contains("Choose a main meter, or add the utility bill"),
        "{page}"
    );
    building.set("show", &building.meters[0]).await;
    let page = building.see(&building.page()).await;
    assert!(
        page.contains("Does not add up") && page.contains("20.0%"),
        "{page}"
    );
    assert!(
        !page.contains("Bills are held") && !page.contains("/release"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_rule_is_refused_at_its_field() {
    let building = Building::new().await;
    let path = format!("{}/electric", building.page());
    let local = building.meters[1].rsplit('/').next().unwrap();
    let weight = format!("weight-{local}");
    let main = building.meters[0].rsplit('/').next().unwrap();
    let main_weight = format!("weight-{main}");
    let right = [
        ("main_meter", main),
        ("policy", "by-share"),
        ("warn_percent", "3"),
        ("block_percent", "10"),
        (weight.as_str(), "12.5"),
    ];
    let no_weight = with(&right, &weight, "");
    for (form, words) in [
        (with(&right, "policy", "theft"), "is not one of the choices"),
        (
            with(&right, "main_meter", "01k9z3v8m5t2q"),
            "is not one of the choices",
        ),
        (with(&right, "warn_percent", "-1"), "A percentage from 0"),
        (with(&right, "block_percent", "a"), "is not a number"),
        (with(&right, &weight, "-1"), "A weight is a number"),
        (
            with(&no_weight, &main_weight, "5"),
            "at least one meter besides the main meter",
        ),
    ] {
        let page = building.refused(&path, &form).await;
        assert!(page.contains(words), "{words}: {page}");
    }
    building
        .world
        .done(&building.integrator, &path, &right)
        .await;
    let page = building.see(&path).await;
    assert!(
        page.contains("value=\"12.5\"") && page.contains("selected"),
        "{page}"
    );
    let rival = building
        .page()
        .replace("reconciliation", "reconciliation/steam");
    let answer = building.world.get(&building.integrator, &rival).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_utility_bill_has_its_days_alone_and_says_its_price() {
    let building = Building::new().await;
    let (world, me) = (&building.world, &building.integrator);
    let add = format!("{}/electric/bill", building.page());
    let first = building.see(&add).await;
    assert!(
        first.contains("value=\"kWh\" selected"),
        "of the meters: {first}"
    );
    for (form, words) in [
        (with(&BILL, "last", "2026-11-25"), "comes before the first"),
        (with(&BILL, "quantity", "0"), "A number above 0"),
        (with(&BILL, "amount", "-5"), "A number above 0"),
        (with(&BILL, "unit", "m3"), "is not one of the choices"),
        (with(&BILL, "currency", "ZZZ"), "There is no currency"),
    ] {
        let page = building.refused(&add, &form).await;
        assert!(page.contains(words), "{words}: {page}");
    }
    world.done(me, &add, &BILL).await;
    let again = building.refused(&add, &BILL).await;
    assert!(again.contains("has some of these days already"), "{again}");
    let page = building.see(&building.page()).await;
    assert!(
        page.contains("$2,500.00 MXN") && page.contains("$2.498751 MXN / kWh"),
        "{page}"
    );
    let bill = format!("{}/bills/", building.site);
    let bill = format!("{bill}{}", identity(&page, &bill));
    // The next one goes on where it ends, in the unit of the meters; itself it does not overlap.
    assert!(building.see(&add).await.contains("value=\"2026-12-01\""));
    world.done(me, &bill, &with(&BILL, "amount", "2600")).await;
    assert!(
        building
            .see(&building.page())
            .await
            .contains("$2,600.00 MXN")
    );
    world.done(me, &format!("{bill}/remove"), &[]).await;
    assert!(building.see(&building.page()).await.contains("None yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_is_on_the_bill_of_its_day_and_changed_until_that_is_issued() {
    let building = Building::new().await;
    let (world, me) = (&building.world, &building.integrator);
    let list = format!("{}/adjustments", building.meters[1]);
    let new = format!("{list}/new");
    for (form, words) in [
        (with(&CREDIT, "name", ""), "Nothing is typed here"),
        (with(&CREDIT, "amount", "0"), "A number above 0"),
        (with(&CREDIT, "amount", "1.005"), "MXN has 2 decimals"),
        (with(&CREDIT, "kind", "gift"), "is not one of the choices"),
    ] {
        let page = building.refused(&new, &form).await;
        assert!(page.contains(words), "{words}: {page}");
    }
    world.done(me, &new, &CREDIT).await;
    let page = building.see(&list).await;
    assert!(
        page.contains("On the next bill") && page.contains("50.25"),
        "{page}"
    );
    let own = format!("{list}/{}", identity(&page, &format!("{list}/")));
    world.done(me, &own, &with(&CREDIT, "amount", "60")).await;
    building.count(["1000", "600", "200"]).await;
    building.close().await;
    let page = building.see(&list).await;
    assert!(
        page.contains("On a bill") && !page.contains(&format!("{own}/remove")),
        "{page}"
    );
    for (path, form) in [(&own, &CREDIT[..]), (&new, &CREDIT[..])] {
        let page = building.refused(path, form).await;
        assert!(page.contains("is issued already"), "{page}");
    }
    let late = format!("{own}/remove");
    let answer = building.refused(&late, &[]).await;
    assert!(answer.contains("is issued already"), "{answer}");
    // 600 at 3.50, less 60.
    assert!(
        building
            .see(&building.meters[1])
            .await
            .contains("$2,040.00 MXN")
    );
}
