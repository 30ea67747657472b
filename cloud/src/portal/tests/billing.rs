//! Stories of the board: what comes, what needs somebody, and what is held.

use super::*;
use crate::jobs::close_periods;

/// Local 101 is read each day, Local 102 fell silent, Local 103 was never read.
struct Story {
    world: World,
    integrator: Browser,
    monitor: Browser,
    meters: [String; 3],
}

/// The run of the first of December.
const RUN: &str = "/billing/runs/1796137200000";

impl Story {
    async fn new() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let integrator = world.integrator(&administrator, "Norte").await;
        let (site, gateway) = world.building(&integrator, "gateway").await;
        let mut meters = Vec::new();
        for (label, unit_id) in [("Local 101", "1"), ("Local 102", "2"), ("Local 103", "3")] {
            meters.push(world.meter(&integrator, &gateway, label, unit_id).await);
        }
        let monitor = world.monitor(&integrator, "Ana", &meters[0], true).await;
        let story = Self {
            world,
            integrator,
            monitor,
            meters: meters.try_into().unwrap(),
        };
        let days = [
            ("2026-11-25T08:00:01Z", "100"),
            ("2026-11-26T08:00:01Z", "110"),
            ("2026-11-27T08:00:01Z", "120"),
        ];
        let (place, [first, second, _]) = ((site.as_str(), gateway.as_str()), &story.meters);
        story.world.read(place, first, &days).await;
        story.world.read(place, second, &days[..1]).await;
        story.comes("2026-11-27T18:00:00Z");
        story
    }

    fn comes(&self, now: &str) {
        self.world.app.clock.set(now.parse().unwrap()).unwrap();
    }

    async fn board(&self) -> String {
        self.world.get(&self.integrator, "/billing").await.text()
    }

    /// What the board says of a meter: its row.
    async fn row(&self, label: &str) -> String {
        let board = self.board().await;
        let (_, rest) = board.split_once(&format!(">{label}</a>")).unwrap();
        rest.split("</tr>").next().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_says_days_before_what_will_become_of_each_bill() {
    let story = Story::new().await;
    let board = story.board().await;
    for part in [
        "Goes out Dec 1, 2026, 07:00 (America/Tijuana)",
        "3 bills · $70.00 MXN so far",
        "Ready 1",
        "Will wait 2",
    ] {
        assert!(board.contains(part), "{part}: {board}");
    }
    let rows = [
        ("Local 101", "Ready", "2 of 2", "$70.00 MXN", "Ana"),
        (
            "Local 102",
            "recorded nothing since Nov 25, 2026, 00:00",
            "1 of 2",
            "$0.00 MXN",
            "Norte",
        ),
        (
            "Local 103",
            "Will wait",
            "recorded nothing",
            "Look at the meter",
            "Norte",
        ),
    ];
    for (label, one, two, three, who) in rows {
        let row = story.row(label).await;
        for part in [one, two, three, who] {
            assert!(row.contains(part), "{label}, {part}: {row}");
        }
    }
    let attention = story
        .world
        .get(&story.integrator, "/billing?show=person")
        .await;
    let attention = attention.text();
    assert!(!attention.contains("Local 101") && attention.contains("Local 102"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_is_held_with_a_reason_and_let_go() {
    let story = Story::new().await;
    let (world, integrator) = (&story.world, &story.integrator);
    let meter = &story.meters[0];
    let (hold, resume) = (format!("{meter}/hold"), format!("{meter}/resume"));
    let unsaid = world
        .ask(integrator, Method::POST, &hold, &[("reason", " ")])
        .await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unsaid.text().contains("id=\"reason-error\""));
    assert!(story.row("Local 101").await.contains("Ready"));
    for reason in ["Ask Ana first", "Pressed twice"] {
        let held = world.done(integrator, &hold, &[("reason", reason)]).await;
        assert_eq!(held.location(), format!("{meter}/preview?done=held"));
        let row = story.row("Local 101").await;
        assert!(
            row.contains("Blocked") && row.contains("Somebody holds it: Ask Ana first"),
            "{row}"
        );
    }
    // A visit, so that the session is alive on the day.
    world.get(&story.monitor, "/").await;
    story.comes("2026-12-01T16:00:00Z");
    let now = world.app.clock.now();
    close_periods::run(
        &world.app.store,
        &world.app.profiles,
        &world.app.issuer,
        now,
    )
    .await
    .unwrap();
    let waits = world.get(&story.monitor, "/invoices").await.text();
    assert!(
        waits.contains("looks at it first") && !waits.contains("Ask Ana"),
        "the reason is the integrator's: {waits}"
    );
    for _ in 0..2 {
        let gone = world.done(integrator, &resume, &[]).await;
        assert_eq!(gone.location(), format!("{meter}/preview?done=resumed"));
        assert!(!story.board().await.contains("Ask Ana first"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_held_and_let_go_as_one() {
    let story = Story::new().await;
    let (world, integrator) = (&story.world, &story.integrator);
    assert!(story.board().await.contains(&format!("{RUN}/hold")));
    let form = [("reason", "New prices to check")];
    let held = world.done(integrator, &format!("{RUN}/hold"), &form).await;
    assert_eq!(held.location(), "/billing?done=held");
    let board = story.board().await;
    assert!(board.contains("Blocked 3"), "{board}");
    assert!(!board.contains(&format!("{RUN}/hold")), "all are held");
    world.done(integrator, &format!("{RUN}/resume"), &[]).await;
    assert!(story.board().await.contains("Will wait 2"));
    let none = world
        .get(integrator, "/billing/runs/1796137200001/hold")
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_shows_registers_lines_and_what_was_noticed() {
    let story = Story::new().await;
    let path = format!("{}/preview", story.meters[0]);
    let page = story.world.get(&story.integrator, &path).await.text();
    for part in [
        "Draft: no invoice",
        "Nov 25–30, 2026",
        "Goes out Dec 1, 2026, 07:00 (America/Tijuana)",
        "120 kWh",
        "100 kWh",
        "20 kWh × $3.50 MXN",
        "$70.00 MXN",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let shut = story.world.get(&story.monitor, &path).await;
    assert_eq!(shut.status, StatusCode::NOT_FOUND, "not for monitor users");
    let shut = story.world.get(&story.monitor, "/billing").await;
    assert_eq!(shut.status, StatusCode::NOT_FOUND);
}
