//! Terms at a site, in a plan, at a meter: what each says, where it comes from, what is kept.

use super::*;

/// The meter's monthly price and nothing else, from a day on.
const TIERS: [(&str, &str); 12] = [
    ("from", "2027-01-01"),
    ("said-tariff", "on"),
    ("rate", "tiers"),
    ("per", "1"),
    ("tier-0-up_to", "100"),
    ("tier-0-price", "1,50"),
    ("tier-1-up_to", ""),
    ("tier-1-price", "2,25"),
    ("tier-2-up_to", ""),
    ("tier-2-price", ""),
    ("demand_price", ""),
    ("do", "save"),
];

/// All that a meter must have, and a tax.
const WHOLE: [(&str, &str); 13] = [
    ("said-cycle", "on"),
    ("cutoff_day", "31"),
    ("months", "1"),
    ("ends_in", "1"),
    ("said-currency", "on"),
    ("currency", "MXN"),
    ("said-zone", "on"),
    ("zone", "America/Tijuana"),
    ("said-tariff", "on"),
    ("price", "1"),
    ("per", "1"),
    ("demand_price", ""),
    ("do", "save"),
];

impl World {
    /// Says all that must be said at `path` from `date` on.
    pub(super) async fn says(&self, integrator: &Browser, path: &str, date: &str) {
        let path = format!("{path}/terms/new");
        self.done(integrator, &path, &with(&WHOLE, "from", date))
            .await;
    }
}

async fn meter_of_norte(world: &World) -> (Browser, String, String) {
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (site, gateway) = world.building(&integrator, "gateway").await;
    let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
    (integrator, site, meter)
}

fn with<'a>(form: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let kept = form.iter().filter(|(field, _)| *field != name).copied();
    kept.chain([(name, value)]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_term_of_the_site_holds_until_the_meter_says_another() {
    let world = World::new().await;
    let (integrator, site, meter) = meter_of_norte(&world).await;
    let form = [
        ("from", "2026-11-24"),
        ("said-fees", "on"),
        ("fee-0-name", "Maintenance"),
        ("fee-0-amount", "150"),
        ("fee-0-prorated", "on"),
        ("fee-1-name", ""),
        ("fee-1-amount", ""),
        ("do", "save"),
    ];
    let path = format!("{site}/terms/new");
    world.done(&integrator, &path, &form).await;
    let page = world
        .get(&integrator, &format!("{site}/terms"))
        .await
        .text();
    assert!(page.contains("Maintenance: 150"), "{page}");
    let path = format!("{meter}/terms/new");
    let page = world.done(
        &integrator,
        &path,
        &[("do", "shut:fees"), ("from", "2026-11-24")],
    );
    let page = page.await.text();
    assert!(
        page.contains("Maintenance: $150.00 MXN") || page.contains("Maintenance: 150"),
        "{page}"
    );
    assert!(page.contains("from site Plaza"), "{page}");
    let page = world.done(
        &integrator,
        &path,
        &[("do", "open:fees"), ("from", "2026-11-24")],
    );
    let page = page.await.text();
    assert!(
        page.contains("value=\"Maintenance\""),
        "opened with what holds: {page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_are_kept_with_their_date_and_taken_back() {
    let world = World::new().await;
    let (integrator, _, meter) = meter_of_norte(&world).await;
    let terms = format!("{meter}/terms");
    let new = format!("{terms}/new");
    // A version is the whole of what a level says: one that leaves out the cutoff leaves it open.
    let open = world.ask(&integrator, Method::POST, &new, &TIERS).await;
    assert_eq!(open.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        open.text().contains("Local 101 would be without this term"),
        "{}",
        open.text()
    );
    let whole = [
        ("said-cycle", "on"),
        ("cycle", "month"),
        ("cutoff_day", "15"),
        ("months", "2"),
        ("ends_in", "2"),
        ("said-currency", "on"),
        ("currency", "MXN"),
        ("said-zone", "on"),
        ("zone", "America/Tijuana"),
    ];
    let form: Vec<_> = TIERS.iter().chain(&whole).copied().collect();
    let tried = world
        .done(&integrator, &new, &with(&form, "do", "try"))
        .await
        .text();
    assert!(tried.contains("What it changes"), "{tried}");
    let page = world.get(&integrator, &terms).await.text();
    assert!(
        !page.contains("Every 2 months"),
        "a trial is not kept: {page}"
    );
    world.done(&integrator, &new, &form).await;
    let page = world.get(&integrator, &terms).await.text();
    assert!(
        page.contains("1 Jan 2027") || page.contains("Jan 1, 2027"),
        "{page}"
    );
    assert!(page.contains("To come"), "{page}");
    let again = world.ask(&integrator, Method::POST, &new, &form).await;
    assert!(
        again.text().contains("a version from that day already"),
        "{}",
        again.text()
    );
    let version = format!("{terms}/2027-01-01");
    let page = world.get(&integrator, &version).await.text();
    assert!(page.contains("value=\"2.25\""), "{page}");
    world
        .done(&integrator, &format!("{version}/remove"), &[])
        .await;
    assert_eq!(
        world.get(&integrator, &version).await.status,
        StatusCode::NOT_FOUND
    );
    let path = format!("{terms}/2026-11-01/remove");
    let first = world.ask(&integrator, Method::POST, &path, &[]);
    assert!(first.await.text().contains("the meter's only version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_billed_stays() {
    let world = World::new().await;
    let (integrator, _, meter) = meter_of_norte(&world).await;
    let people = world.get(&integrator, "/people").await.text();
    let (account, _) = matrix::first_person(&people);
    let id = meter.rsplit('/').next().unwrap();
    world.invoice(&account, id).await;
    let page = world
        .get(&integrator, &format!("{meter}/terms"))
        .await
        .text();
    let until = page.split("has invoices until ").nth(1).unwrap_or_default();
    let until = until.split('.').next().unwrap().to_owned();
    assert!(!until.is_empty() || !page.contains("Billed"), "{page}");
    let early = [
        ("from", "2026-09-15"),
        ("said-currency", "on"),
        ("currency", "MXN"),
        ("do", "save"),
    ];
    let path = format!("{meter}/terms/new");
    let refused = world.ask(&integrator, Method::POST, &path, &early);
    let refused = refused.await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text().contains("Local 101 is billed until"),
        "{}",
        refused.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_and_wrong_input_gets_a_sentence_at_its_field() {
    let world = World::new().await;
    let (integrator, _, meter) = meter_of_norte(&world).await;
    let new = format!("{meter}/terms/new");
    let table = [
        ("tier-0-up_to", "", "Only the last tier has no end"),
        ("tier-1-up_to", "50", "The last tier must not end"),
        ("tier-0-price", "-1", "−1 is out of bounds"),
        ("tier-0-price", "1e9", "“1e9” is not a number"),
        ("tier-0-price", "0,1234567", "more than 6 decimals"),
        (
            "tier-0-price",
            "<script>alert(1)</script>",
            "is not a number",
        ),
        ("per", "0", "A price for no units"),
        ("demand_price", "x", "“x” is not a number"),
        ("from", "2026-02-30", "“2026-02-30” is not a date"),
        ("from", "9999-12-31", "The first day is too far away"),
    ];
    for (field, typed, says) in table {
        let form = with(&TIERS, field, typed);
        let answer = world.ask(&integrator, Method::POST, &new, &form).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field} = {typed}"
        );
        let page = answer.text();
        assert!(page.contains(says), "{field} = {typed}: {page}");
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{field} = {typed}"
        );
        assert!(!page.contains("<script"), "{field} = {typed}");
    }
    for button in [
        "add:tier-99",
        "cut:tier:18446744073709551616",
        "rate:",
        "open:nothing",
        "x",
    ] {
        let form = with(&TIERS, "do", button);
        let answer = world.ask(&integrator, Method::POST, &new, &form).await;
        assert!(answer.status.is_success() || answer.status == StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_term_is_held_to_its_bounds_at_its_field() {
    let world = World::new().await;
    let (integrator, _, meter) = meter_of_norte(&world).await;
    let new = format!("{meter}/terms/new");
    let long = "x".repeat(61);
    let dues = [
        ("fee-0-name", long.as_str(), "This is too long"),
        ("fee-0-amount", "-5", "−5 is out of bounds"),
        ("fee-1-name", "Care", "one with that name already"),
        ("tax-0-percent", "-101", "out of bounds"),
        ("send_hour", "24", "24 is out of bounds"),
        ("grace_days", "61", "61 is out of bounds"),
        ("cutoff_day", "32", "32 is out of bounds"),
        ("months", "13", "13 is out of bounds"),
        ("zone", "Mars/Olympus", "There is no time zone"),
        ("zero_days", "367", "367 is out of bounds"),
        ("plan", "1", "“1”"),
    ];
    let more = [
        ("from", "2027-01-01"),
        ("said-fees", "on"),
        ("fee-0-name", "Care"),
        ("fee-0-amount", "1"),
        ("fee-1-name", "Water"),
        ("fee-1-amount", "1"),
        ("said-taxes", "on"),
        ("tax-0-name", "IVA"),
        ("tax-0-percent", "16"),
        ("said-send_hour", "on"),
        ("send_hour", "7"),
        ("said-missing", "on"),
        ("grace_days", "3"),
        ("said-plan", "on"),
        ("said-checks", "on"),
        ("zero_days", "7"),
    ];
    let form: Vec<_> = WHOLE.iter().chain(&more).copied().collect();
    world.plan(&integrator, "Shops").await;
    for (field, typed, says) in dues {
        let form = with(&form, field, typed);
        let answer = world.ask(&integrator, Method::POST, &new, &form);
        let page = answer.await.text();
        assert!(page.contains(says), "{field} = {typed}: {page}");
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{field} = {typed}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_are_built_with_buttons_and_drawn_as_a_week() {
    let world = World::new().await;
    let (integrator, _, _) = meter_of_norte(&world).await;
    let plan = world.plan(&integrator, "By the hour").await;
    let new = format!("{plan}/terms/new");
    let page = world
        .done(&integrator, &new, &[("do", "open:tariff")])
        .await
        .text();
    assert!(page.contains("name=\"price\""), "{page}");
    let page = world
        .done(
            &integrator,
            &new,
            &[("said-tariff", "on"), ("do", "rate:hours")],
        )
        .await
        .text();
    assert!(page.contains("name=\"season-0-sunday-0-band\""), "{page}");
    let form = [
        ("from", "2026-11-24"),
        ("said-tariff", "on"),
        ("rate", "hours"),
        ("per", "1"),
        ("band-0-name", "Base"),
        ("band-0-price", "1"),
        ("band-1-name", "Peak <b>"),
        ("band-1-price", "3"),
        ("season-0-month", "1"),
        ("season-0-day", "1"),
        ("season-0-workday-0-at", ""),
        ("season-0-workday-0-band", "0"),
        ("season-0-workday-1-at", "18:00"),
        ("season-0-workday-1-band", "1"),
        ("season-0-workday-2-at", "22:00"),
        ("season-0-workday-2-band", "0"),
        ("season-0-saturday-0-band", "0"),
        ("season-0-sunday-0-band", "0"),
        ("holidays", "2027-01-01, 2027-12-25"),
        ("do", "save"),
    ];
    let tried = world
        .done(&integrator, &new, &with(&form, "do", "try"))
        .await
        .text();
    assert!(tried.contains("<svg class=\"week\""), "{tried}");
    assert!(!tried.contains("Peak <b>"), "the legend is escaped");
    for (field, typed, says) in [
        ("season-0-workday-2-at", "17:00", "The hours of a day rise"),
        ("season-0-workday-2-at", "25:00", "“25:00”"),
        ("season-0-workday-1-band", "7", "“7”"),
        ("season-0-day", "31", ""),
        ("season-0-month", "2", ""),
        ("holidays", "2027-13-01", "“2027-13-01” is not a date"),
    ] {
        let form = with(&with(&form, "do", "try"), field, typed);
        let answer = world.ask(&integrator, Method::POST, &new, &form);
        assert!(answer.await.text().contains(says), "{field} = {typed}");
    }
    world.done(&integrator, &new, &form).await;
    let page = world.get(&integrator, &plan).await.text();
    assert!(page.contains("Base: 1/unit"), "{page}");
    let page = world
        .get(&integrator, &format!("{plan}/terms/2026-11-24"))
        .await
        .text();
    assert!(page.contains("value=\"18:00\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_meter_says_only_what_its_site_does_not() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let integrator = world.integrator(&administrator, "Norte").await;
    let (site, gateway) = world.building(&integrator, "gateway").await;
    let mut form = with(&with(&WHOLE, "price", "3.50"), "from", "2026-11-01");
    form.extend([
        ("said-fees", "on"),
        ("fee-0-name", "Care"),
        ("fee-0-amount", "20"),
    ]);
    let form = with(&with(&form, "months", "2"), "do", "save");
    let path = format!("{site}/terms/new");
    world.done(&integrator, &path, &form).await;
    let form = world.get(&integrator, &format!("{gateway}/meters")).await;
    assert!(
        form.text().contains("value=\"3.50\""),
        "the site's price is there"
    );
    let meter = world.meter(&integrator, &gateway, "Local 101", "1").await;
    let page = world.get(&integrator, &format!("{meter}/terms")).await;
    let page = page.text();
    assert!(page.contains("Nothing of its own"), "{page}");
    for expected in ["Every 2 months", "Care: $20.00 MXN"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(
        page.contains("$3.50 MXN/kWh") && page.contains("from site Plaza"),
        "{page}"
    );
    // The simple settings say of the meter what was typed otherwise, and nothing else.
    let form = [
        ("from", "2026-12-01"),
        ("price", "4"),
        ("cutoff_day", "31"),
        ("minimum", "0"),
        ("label", "Local 101"),
        ("locale", "es-MX"),
    ];
    let path = format!("{meter}/settings");
    world.done(&integrator, &path, &form).await;
    let version = world
        .get(&integrator, &format!("{meter}/terms/2026-12-01"))
        .await;
    let version = version.text();
    assert!(version.contains("name=\"said-tariff\""), "{version}");
    assert!(!version.contains("name=\"said-cycle\""), "{version}");
}
