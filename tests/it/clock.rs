//! A machine without a battery for its clock, and one whose clock is set to and fro: every
//! reading has the right instant all the same.
//!
//! The meter counts one kWh a second, so that each value tells when it was read, whatever any
//! clock shows.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tests::gateway::{Gateway, Line};
use tests::oracle;
use tests::portal::{self, NewMeter};
use tests::process::{PATIENCE, wait_for};
use tests::set_clock::SetClock;
use tests::test_clock::real_now;
use tests::world::{BUS, World};

/// Jumps of the machine's clock; ENERVUE_TEST_JUMPS makes more.
const JUMPS: u32 = 10;
/// Readings between two jumps.
const BETWEEN: u64 = 2;
const SINCE: &str = "2026-11-20T00:00:00Z";
const HOUR: i64 = 3_600;
const FIVE_YEARS: i64 = 5 * 365 * 24 * HOUR;
/// How far an instant may be from the truth.
const ERROR_MAX: SignedDuration = SignedDuration::from_secs(1);
const ZONE: &str = "America/Tijuana";

/// A gateway beside a real cloud, enrolled, with its list of devices, that does not run yet.
struct Scene {
    world: World,
    gateway: Gateway,
    clock: SetClock,
    _line: Line,
}

/// A billing reading as the cloud keeps it.
#[derive(Debug)]
struct Kept {
    at: Timestamp,
    clock: String,
    /// When the meter showed that value.
    served: Timestamp,
    closes: Option<String>,
}

impl Scene {
    async fn set() -> Self {
        let world = World::start(None).await.unwrap();
        let added = world.gateway_page("gateway").await.unwrap();
        let meter = NewMeter {
            label: "Local",
            counter: "carlo-gavazzi-em340/energy_import/kWh".to_owned(),
            unit_id: 1,
            bus: BUS,
            locale: "en-US",
            zone: ZONE,
            from: "2026-11-01",
            cutoff_day: 31,
            price: "0.2",
            currency: "USD",
            minimum: "0",
            send_hour: 7,
            recipients: &[],
        };
        portal::add_meter(&world.integrator, &added.path, &meter)
            .await
            .unwrap();
        let meter = format!(
            "[[line.meter]]\nprofile = 'carlo-gavazzi-em340'\nunit_id = 1\n\
             since = '{SINCE}'\nopening = '0'\nper_day = '86400'\n"
        );
        let line = world.line(&meter).await.unwrap();
        let gateway = world.gateway(line.port(), &added.code).await.unwrap();
        gateway.poll_every_second().unwrap();
        let clock = SetClock::new(world.folder()).unwrap();
        Self {
            world,
            gateway,
            clock,
            _line: line,
        }
    }

    fn start_gateway(&mut self) {
        self.gateway.start_with(&self.clock.variables()).unwrap();
    }

    /// The newest number in the buffer, and how far the cloud has acknowledged.
    async fn cursor(&self) -> (u64, u64) {
        let mut told = None;
        let tells = async || {
            let finished = self
                .gateway
                .command(&["buffer", "status", "--json"])
                .await?;
            told = serde_json::from_str::<serde_json::Value>(&finished.stdout).ok();
            Ok(told.is_some())
        };
        wait_for("the buffer's status", PATIENCE, tells)
            .await
            .unwrap();
        let status = told.unwrap();
        let number = |member: &str| status[member].as_u64().unwrap();
        (number("last_seq"), number("acknowledged_through"))
    }

    /// Waits until `many` more readings are on the gateway's disk.
    async fn read_on(&self, many: u64) {
        let (before, _) = self.cursor().await;
        let more = async || Ok(self.cursor().await.0 >= before + many);
        wait_for("more readings", PATIENCE, more).await.unwrap();
    }

    /// Waits until everything that is on the gateway's disk now is in the cloud.
    async fn arrive(&self) {
        let (last, _) = self.cursor().await;
        let there = async || Ok(self.cursor().await.1 >= last);
        wait_for("the readings in the cloud", PATIENCE, there)
            .await
            .unwrap();
    }

    /// How far each reading that the gateway holds can be believed, in order.
    async fn trust(&self) -> Vec<String> {
        let exported = self.gateway.command(&["buffer", "export", "--json"]).await;
        let exported = exported.unwrap().ok().unwrap();
        let lines = exported.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["clock"].as_str().map(str::to_owned)
        });
        lines.flatten().collect()
    }

    /// The billing readings that the cloud keeps, in order; it must have refused none.
    fn kept(&self) -> Vec<Kept> {
        let database = self.world.cloud.database();
        assert_eq!(oracle::rejected(&database).unwrap(), []);
        let connection = oracle::open(&database).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT at_ms, clock, count, decimals, closes FROM reading
                 WHERE point = 'energy_import' ORDER BY epoch, seq",
            )
            .unwrap();
        let since: Timestamp = SINCE.parse().unwrap();
        let rows = statement.query_map([], |row| {
            let (count, decimals): (Option<i64>, Option<u32>) = (row.get(2)?, row.get(3)?);
            let per_second = 10_i64.pow(decimals.expect("every value is one"));
            let milliseconds = count.expect("every value is one") * 1_000 / per_second;
            Ok(Kept {
                at: Timestamp::from_millisecond(row.get(0)?).unwrap(),
                clock: row.get(1)?,
                served: since + SignedDuration::from_millis(milliseconds),
                closes: row.get(4)?,
            })
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }
}

/// Every instant is right, every reading is there once, and each day is closed at its start
/// or not at all.
fn judge(kept: &[Kept]) {
    let mut closed = BTreeSet::new();
    for reading in kept {
        let off = reading.at.duration_since(reading.served).abs();
        assert!(off <= ERROR_MAX, "{off:?}: {reading:?}");
        let Some(closes) = &reading.closes else {
            continue;
        };
        let date: jiff::civil::Date = closes.parse().unwrap();
        let start = date.in_tz(ZONE).unwrap().timestamp();
        let late = reading.served.duration_since(start);
        assert!(late.abs() <= SignedDuration::from_mins(10), "{reading:?}");
        assert!(closed.insert(date), "closed twice: {reading:?}");
    }
}

/// How far ahead a clock is that shows 1970, five minutes after the start of the machine.
fn to_1970() -> i64 {
    300 - real_now().as_second()
}

/// How far ahead a clock is that shows the next start of day in the meter's zone.
fn to_midnight() -> i64 {
    let now = real_now().in_tz(ZONE).unwrap();
    let next = now.tomorrow().unwrap().start_of_day().unwrap();
    next.timestamp().duration_since(now.timestamp()).as_secs() + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_anybody_knew_the_time_is_dated_and_sent_then() {
    let mut scene = Scene::set().await;
    scene.world.cloud.stop().await.unwrap();
    scene.clock.set(to_1970()).unwrap();
    scene.start_gateway();
    scene.read_on(5).await;
    assert!(scene.trust().await.iter().all(|trust| trust == "untrusted"));
    // The same start of the machine, another of the program: one anchor dates both.
    scene.gateway.kill();
    scene.start_gateway();
    scene.read_on(5).await;
    assert!(scene.trust().await.iter().all(|trust| trust == "untrusted"));

    scene.world.cloud.start().await.unwrap();
    scene.arrive().await;
    scene.read_on(3).await;
    scene.arrive().await;
    let kept = scene.kept();
    judge(&kept);
    let dated = kept.iter().filter(|reading| reading.clock == "dated");
    let trusted = kept.iter().filter(|reading| reading.clock == "trusted");
    assert!(dated.count() >= 4 && trusted.count() >= 2, "{kept:?}");

    // What the gateway knows it knows after a restart without a cloud.
    scene.world.cloud.stop().await.unwrap();
    scene.gateway.stop().await.unwrap();
    let (before, _) = scene.cursor().await;
    scene.clock.set(FIVE_YEARS).unwrap();
    scene.start_gateway();
    scene.read_on(5).await;
    let since = usize::try_from(before).unwrap();
    let new = scene.trust().await.split_off(since);
    assert!(new.iter().all(|trust| trust == "trusted"), "{new:?}");
    scene.world.cloud.start().await.unwrap();
    scene.arrive().await;
    judge(&scene.kept());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_to_and_fro_changes_no_instant_and_no_period() {
    let jumps = std::env::var("ENERVUE_TEST_JUMPS");
    let jumps = jumps.map_or(JUMPS, |text| text.parse().expect("a number"));
    let mut scene = Scene::set().await;
    scene.start_gateway();
    scene.read_on(3).await;
    scene.arrive().await;
    for jump in 0..jumps {
        let ahead = match jump % 5 {
            0 => FIVE_YEARS,
            1 => -HOUR,
            2 => to_midnight(),
            3 => to_1970(),
            _ => 0,
        };
        scene.clock.set(ahead).unwrap();
        scene.read_on(BETWEEN).await;
    }
    scene.arrive().await;
    let kept = scene.kept();
    judge(&kept);
    let polled: Vec<_> = kept
        .iter()
        .filter(|reading| reading.closes.is_none())
        .collect();
    let (first, last) = (polled[0].served, polled[polled.len() - 1].served);
    let seconds = Duration::try_from(last.duration_since(first))
        .unwrap()
        .as_secs();
    assert!(
        polled.len() as u64 <= seconds + 2,
        "{} in {seconds} s",
        polled.len()
    );
    let errors = kept
        .iter()
        .map(|reading| reading.at.duration_since(reading.served).abs());
    let worst = errors.max().unwrap();
    println!(
        "{jumps} jumps, {} readings, at most {worst:?} off",
        kept.len()
    );
}
