//! The stories of the cloud alone: a gateway is let in, a period is billed, a notice sent.

use tests::gateway::Gateway;
use tests::oracle;
use tests::portal::{self, NewMeter, NewMonitor};
use tests::process::{PATIENCE, wait_for};
use tests::world::{BUS, World};

use super::{NOTICE, Story, at, dies, points, program, rounds};
use tests::figures::Figure;

const LINE: &str = "[[line.meter]]\nprofile = 'eastron-sdm630'\nunit_id = 1\n\
    since = '2026-01-01T00:00:00Z'\nopening = '1000'\nper_day = '24'\nshape = 'steady'\n";
const ANA: NewMonitor<'_> = NewMonitor {
    name: "Ana Torres",
    email: "ana@cafe.example",
    language: "es",
    may_change_settings: false,
};

/// A month ends; who gets its invoice is said by the story.
fn meter() -> NewMeter<'static> {
    NewMeter {
        label: "Local 101",
        counter: "eastron-sdm630/energy_import/kWh".to_owned(),
        unit_id: 1,
        bus: BUS,
        locale: "es-MX",
        zone: "America/Tijuana",
        from: "2026-01-27",
        cutoff_day: 31,
        price: "3.50",
        currency: "MXN",
        minimum: "0",
        send_hour: 7,
        recipients: &[("Ana Torres", "email")],
    }
}

fn mails(world: &World) -> usize {
    let mails = world.mailbox.to(ANA.email).into_iter();
    mails
        .filter(|mail| !mail.text.contains("/password/"))
        .count()
}

/// The hour after the one at which the invoice of a month goes out.
fn due(months: usize) -> String {
    let (year, month) = (2026 + (months + 1) / 12, (months + 1) % 12 + 1);
    format!("{year}-{month:02}-01T16:00:00Z")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_dies_while_billing_issues_each_invoice_once() {
    let points = points();
    let points = points.get(&Story::Billing).cloned().unwrap_or_default();
    let mut world = World::start(Some("2026-01-26T20:00:00Z")).await.unwrap();
    world.monitor(&ANA).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();
    let line = world.line(LINE).await.unwrap();
    let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
    gateway.start().unwrap();
    world.cloud.use_program(&program("enervue-cloud"));
    let mut months = 0;
    for _ in 0..rounds() {
        for point in &points {
            world.cloud.kill();
            world.cloud.start_with(&at(point)).unwrap();
            let socket = world.cloud.config().with_file_name("control.sock");
            let listens = async || Ok(std::os::unix::net::UnixStream::connect(&socket).is_ok());
            wait_for("the cloud's socket", PATIENCE, listens)
                .await
                .unwrap();
            let advanced = world.cloud.advance(&due(months)).await;
            assert!(advanced.is_err(), "{point} was not reached");
            dies(world.cloud.running().unwrap(), point).await;
            world.cloud.start().await.unwrap();
            world.cloud.advance(&due(months)).await.unwrap();
            months += 1;
            let enough = async || Ok(mails(&world) >= months);
            wait_for("the month's mail", PATIENCE, enough)
                .await
                .unwrap();
        }
    }
    gateway.stop().await.unwrap();
    world.cloud.stop().await.unwrap();
    let (all, numbers) = oracle::invoices(&world.cloud.database()).unwrap();
    // Between handing a mail over and noting it, and nowhere else, it may go twice.
    let twice = points
        .iter()
        .filter(|point| point.starts_with(NOTICE))
        .count();
    let twice = twice * usize::try_from(rounds()).unwrap();
    let figure = Figure {
        fault: "death at each fail point of billing",
        times: months,
        kept: all,
        lost: months - all.min(months),
        doubled: all.saturating_sub(months),
        measured: format!(
            "invoices; mails {}, at most {}",
            mails(&world),
            months + twice
        ),
        ..Figure::default()
    };
    figure.note().unwrap();
    assert!(months > 0, "billing has no fail points");
    assert_eq!(
        (all, numbers),
        (months, (1..=i64::try_from(months).unwrap()).collect())
    );
    assert!(
        (months..=months + twice).contains(&mails(&world)),
        "{figure:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_dies_as_a_day_ends_loses_nothing() {
    let points = points();
    let mut world = World::start(Some("2026-01-26T20:00:00Z")).await.unwrap();
    world.monitor(&ANA).await.unwrap();
    let added = world.gateway_page("gateway").await.unwrap();
    portal::add_meter(&world.integrator, &added.path, &meter())
        .await
        .unwrap();
    let line = world.line(LINE).await.unwrap();
    let mut gateway = world.gateway(line.port(), &added.code).await.unwrap();
    gateway.use_program(&program("enervue-gateway"));
    let mut times = 0;
    for _ in 0..rounds() {
        for point in points.get(&Story::DayEnd).into_iter().flatten() {
            gateway.kill();
            gateway.start_with(&at(point)).unwrap();
            let until = format!(
                "2026-{:02}-{:02}T20:00:00Z",
                2 + times / 9,
                1 + times % 9 * 3
            );
            let advancing = world.cloud.advance(&until);
            let dying = async {
                dies(gateway.running().unwrap(), point).await;
                gateway.start().unwrap();
            };
            let (advanced, ()) = tokio::join!(advancing, dying);
            advanced.unwrap();
            times += 1;
        }
    }
    gateway.acknowledged(0, PATIENCE).await.unwrap();
    gateway.stop().await.unwrap();
    world.cloud.stop().await.unwrap();
    let committed = oracle::gateway_readings(&gateway.buffer()).unwrap();
    let kept = oracle::cloud_readings(&world.cloud.database()).unwrap();
    let difference = oracle::compare(&committed, &kept);
    let figure = Figure {
        fault: "death at each fail point of a day's end",
        times,
        kept: kept.len(),
        lost: difference.missing.len(),
        altered: difference.altered.len() + difference.invented.len(),
        ..Figure::default()
    };
    figure.note().unwrap();
    assert!(times > 0, "no fail points");
    assert_eq!(difference, oracle::Difference::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_gets_in_though_the_cloud_dies_while_it_asks() {
    let points = points();
    let mut world = World::start(None).await.unwrap();
    world.cloud.use_program(&program("enervue-cloud"));
    let mut times = 0;
    for _ in 0..rounds() {
        for point in points.get(&Story::Enrolment).into_iter().flatten() {
            let added = world.gateway_page("gateway").await.unwrap();
            let folder = world.folder().join(format!("gateway-{times}"));
            let bus = tests::gateway::Bus {
                name: BUS,
                port: folder.join("no-port"),
                more: "",
            };
            let gateway = Gateway::new(&folder, "", &[bus], None).unwrap();
            world.cloud.kill();
            world.cloud.start_at(&at(point)).await.unwrap();
            let refused = gateway.enrol(world.cloud.url(), &added.code).await;
            assert!(refused.is_err(), "{point} was not reached");
            dies(world.cloud.running().unwrap(), point).await;
            world.cloud.start().await.unwrap();
            // A code that the cloud took before it died is spent: another is asked for.
            if gateway.enrol(world.cloud.url(), &added.code).await.is_err() {
                let again = world.gateway_page("gateway").await.unwrap();
                gateway.enrol(world.cloud.url(), &again.code).await.unwrap();
            }
            times += 1;
        }
    }
    let figure = Figure {
        fault: "death at each fail point of enrolment",
        times,
        measured: "every gateway got in".to_owned(),
        ..Figure::default()
    };
    figure.note().unwrap();
    assert!(times > 0, "enrolment has no fail points");
}
