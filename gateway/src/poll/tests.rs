//! From the wire to the disk: a poller with a real bus task and a real buffer, and devices
//! that this test lets answer, lie or fall silent. Time is tokio's paused time.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use common::profile::Library;
use common::reading::Reading;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

use super::*;
use crate::buffer::Buffer;
use crate::bus::Timing;

const NOON: &str = "2026-06-10T19:00:00Z";
const MIDNIGHT: &str = "2026-06-11T07:00:00Z";
/// What a poller needs to notice something, less than any time-out.
const TICK_MAX: Duration = Duration::from_millis(300);

/// What the devices of the line do; changed while it runs.
#[derive(Debug, Default)]
struct Line {
    silent: BTreeSet<u8>,
    all_zero: BTreeSet<u8>,
    port_is_away: bool,
    asked: Vec<u8>,
    /// How many more requests are answered; all when it is not said.
    answers_left: Option<u32>,
    /// What the energy register shows at its next readings instead.
    energy: BTreeMap<u8, VecDeque<f32>>,
}

impl Line {
    /// Whether the unit answers the request that was just sent.
    fn answers(&mut self, unit: u8) -> bool {
        let spent = self.answers_left == Some(0);
        self.answers_left = self.answers_left.map(|left| left.saturating_sub(1));
        !spent && !self.silent.contains(&unit)
    }

    fn energy_shown(&mut self, sent: &[u8; 8]) -> Option<f32> {
        const ENERGY: u16 = 0x48;
        let [unit, _, a, b, c, d, ..] = *sent;
        let first = u16::from_be_bytes([a, b]);
        let asked = first..first + u16::from_be_bytes([c, d]);
        let queue = self.energy.get_mut(&unit)?;
        asked.contains(&ENERGY).then(|| queue.pop_front()).flatten()
    }
}

/// A gateway's half: one line, its poller and its buffer.
struct Rig {
    line: Arc<Mutex<Line>>,
    buffer: BufferHandle,
    poller: Poller,
    clock_file: PathBuf,
    _directory: TempDir,
}

impl Rig {
    fn new(units: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock_file = directory.path().join("clock");
        fs::write(&clock_file, NOON).unwrap();
        let clock = Clock::test(&clock_file).unwrap();
        let buffer = Buffer::open(
            &directory.path().join("buffer.db"),
            &crate::config::BufferConfig::default(),
            clock.now(),
            None,
        )
        .unwrap();
        let buffer = BufferHandle::spawn(buffer).unwrap();
        let line = Arc::new(Mutex::new(Line::default()));
        let shared = Arc::clone(&line);
        let bus = Bus::start_with("main", Timing::new(9600, 10), move || {
            if shared.lock().unwrap().port_is_away {
                return Err(std::io::Error::other("/dev/x is not there"));
            }
            let (ours, theirs) = duplex(4096);
            tokio::spawn(answer(theirs, Arc::clone(&shared)));
            Ok(ours)
        });
        let gauges = Duration::from_secs(900);
        let poller = Poller::start(bus, clock, buffer.clone(), gauges, Before::default());
        let rig = Self {
            line,
            buffer,
            poller,
            clock_file,
            _directory: directory,
        };
        rig.poller
            .set_devices(units.iter().map(|unit| polled(*unit)).collect());
        rig
    }

    fn set_clock(&self, instant: &str) {
        let next = self.clock_file.with_extension("next");
        fs::write(&next, instant).unwrap();
        fs::rename(next, &self.clock_file).unwrap();
    }

    async fn readings(&self) -> Vec<Reading> {
        self.buffer.read_after(0, 1_000).await.unwrap()
    }

    /// What became of the energy of a device, in order.
    async fn energy(&self, unit: u8) -> Vec<Reading> {
        let mut readings = self.readings().await;
        readings.retain(|r| r.device == DeviceId(unit.into()) && r.point == "energy_import");
        readings
    }

    /// Lets the energy register show these values, one a reading, and waits until the polls
    /// that read them, and perhaps one more, are on the disk.
    async fn show_energy(&self, unit: u8, values: &[f32]) {
        let queue = values.iter().copied().collect();
        self.line.lock().unwrap().energy.insert(unit, queue);
        until("they are read", || {
            self.line.lock().unwrap().energy[&unit].is_empty()
        })
        .await;
        let answered = self.state(unit).answered;
        until("they are kept", || self.state(unit).answered > answered + 1).await;
    }

    fn state(&self, unit: u8) -> DeviceState {
        let devices = self.poller.progress().devices;
        devices
            .get(&DeviceId(unit.into()))
            .cloned()
            .unwrap_or_default()
    }
}

fn polled(unit: u8) -> Polled {
    let profile = Library::shipped().get("eastron-sdm120").unwrap().clone();
    Polled {
        device: Device {
            id: DeviceId(unit.into()),
            label: format!("Local {unit}"),
            profile: profile.id.clone(),
            bus: "main".to_owned(),
            unit_id: unit,
            poll_period_s: 60,
            zone: "America/Tijuana".to_owned(),
            closings: Vec::new(),
            mountings: Vec::new(),
        },
        profile: Arc::new(profile),
    }
}

/// As the disk works in real time, a day may pass before a test looks.
fn polled_once(unit: u8) -> Polled {
    let mut polled = polled(unit);
    polled.device.poll_period_s = u32::MAX;
    polled
}

/// Every f32 of a device is its unit id and a half, so that a mix-up shows.
async fn answer(mut line: DuplexStream, state: Arc<Mutex<Line>>) {
    let mut sent = [0; 8];
    while line.read_exact(&mut sent).await.is_ok() {
        let unit = sent[0];
        let (silent, zero, away, energy) = {
            let mut state = state.lock().unwrap();
            state.asked.push(unit);
            let energy = state.energy_shown(&sent);
            let (silent, zero) = (!state.answers(unit), state.all_zero.contains(&unit));
            (silent, zero, state.port_is_away, energy)
        };
        if away {
            return;
        }
        if silent {
            continue;
        }
        let shown: f32 = format!("{unit}.5").parse().unwrap();
        let [a, b, c, d] = if zero { [0; 4] } else { shown.to_be_bytes() };
        let words = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
        let mut reply = vec![unit, sent[1], 2 * sent[5]];
        for offset in 0..usize::from(sent[5]) {
            reply.extend(words[offset % 2].to_be_bytes());
        }
        if let Some(energy) = energy {
            let at = 3 + 2 * usize::from(0x48 - u16::from_be_bytes([sent[2], sent[3]]));
            reply[at..at + 4].copy_from_slice(&energy.to_be_bytes());
        }
        reply.extend(modbus_core::rtu::crc16(&reply).to_be_bytes());
        sleep(Duration::from_millis(20)).await;
        line.write_all(&reply).await.unwrap();
    }
}

/// Waits, in the poller's time, until `is_so`; the disk works in real time.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_device_says_is_on_the_disk_with_its_raw_words() {
    let rig = Rig::new(&[7]);
    until("a reading", || rig.state(7).answered > 0).await;
    let readings = rig.readings().await;
    let energy = readings
        .iter()
        .find(|reading| reading.point == "energy_import")
        .unwrap();
    assert_eq!(energy.quantity.unwrap().to_string(), "7.50 kWh");
    assert_eq!(
        (energy.raw.as_str(), energy.device),
        ("40F0 0000", DeviceId(7))
    );
    assert!(energy.profile.starts_with("eastron-sdm120@"));
    assert_eq!(energy.at, NOON.parse().unwrap());
    let points: BTreeSet<&str> = readings
        .iter()
        .map(|reading| reading.point.as_str())
        .collect();
    assert!(
        points.contains("power") && points.contains("voltage_l1"),
        "gauges come too"
    );
    assert_eq!(rig.state(7).last, energy.quantity);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_somebody_wants_is_polled_at_once_with_all_its_points() {
    let rig = Rig::new(&[]);
    rig.poller.set_devices(vec![polled_once(7)]);
    until("its turn", || rig.state(7).answered == 1).await;
    let before = rig.readings().await.len();
    rig.poller.want(DeviceId(7));
    until("it is polled again", || rig.state(7).answered == 2).await;
    assert_eq!(rig.readings().await.len(), 2 * before);
}

#[tokio::test(start_paused = true)]
async fn a_silent_device_yields_nothing_and_costs_the_others_nothing() {
    let rig = Rig::new(&[1, 2]);
    rig.line.lock().unwrap().silent.insert(1);
    until("five cycles of the other", || rig.state(2).answered >= 5).await;
    let state = rig.state(1);
    assert!(state.failed >= 2 && state.answered == 0, "{state:?}");
    let traffic = state.traffic;
    assert!(traffic.requests >= 2 && traffic.answers == 0, "{traffic:?}");
    assert_eq!(traffic.timeouts, traffic.requests);
    let error = state.error.unwrap();
    assert!(
        error.starts_with("unit 1 on bus main did not answer within 1000 ms"),
        "{error}"
    );
    let readings = rig.readings().await;
    assert!(readings.iter().all(|reading| reading.device == DeviceId(2)));

    rig.line.lock().unwrap().silent.clear();
    until("it is read again", || rig.state(1).answered >= 1).await;
    assert_eq!(rig.state(1).error, None);
}

#[tokio::test(start_paused = true)]
async fn words_that_are_no_value_are_kept_as_such_and_are_no_good_reading() {
    let rig = Rig::new(&[3]);
    rig.line.lock().unwrap().all_zero.insert(3);
    until("a cycle", || rig.state(3).answered >= 1).await;
    let readings = rig.readings().await;
    let energy = readings
        .iter()
        .find(|reading| reading.point == "energy_import")
        .unwrap();
    assert_eq!((energy.quantity, energy.raw.as_str()), (None, "0000 0000"));
    assert!(energy.suspect.is_some());
    let state = rig.state(3);
    assert_eq!(state.last_good_at, None);
    assert!(state.error.unwrap().contains("energy_import is no value"));
}

#[tokio::test(start_paused = true)]
async fn midnight_is_settled_once_its_closing_reading_is_on_the_disk() {
    let rig = Rig::new(&[1, 2]);
    until("both are read", || {
        rig.state(1).answered * rig.state(2).answered > 0
    })
    .await;
    let midnight: Timestamp = MIDNIGHT.parse().unwrap();
    rig.set_clock(MIDNIGHT);
    until("midnight is settled", || {
        rig.poller.progress().settled_through >= midnight
    })
    .await;
    let readings = rig.readings().await;
    let closing = readings.iter().filter(|reading| reading.closes.is_some());
    let closed: Vec<(i64, &str, Timestamp)> = closing
        .map(|reading| (reading.device.0, reading.point.as_str(), reading.at))
        .collect();
    assert_eq!(
        closed,
        [
            (1, "energy_import", midnight),
            (2, "energy_import", midnight)
        ]
    );

    // A dead device does not hold the test clock up for ever.
    rig.line.lock().unwrap().silent.insert(1);
    let next = "2026-06-12T07:00:00Z";
    rig.set_clock(next);
    until("the next is given up", || {
        rig.poller.progress().settled_through >= next.parse().unwrap()
    })
    .await;
    // The disk works in real time, so that the patience may end before the last attempt.
    until("it is said", || rig.state(1).error.is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn a_port_that_is_away_is_not_the_devices_fault() {
    let rig = Rig::new(&[1]);
    until("a reading", || rig.state(1).answered > 0).await;
    rig.line.lock().unwrap().port_is_away = true;
    until("the bus says so", || {
        rig.poller.bus().state().error.is_some()
    })
    .await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!((rig.state(1).failed, rig.state(1).error), (0, None));
    {
        let mut line = rig.line.lock().unwrap();
        line.port_is_away = false;
        line.asked.clear();
    }
    // Until it is asked, not until that is on the disk, which works in real time.
    let before = Instant::now();
    until("it is asked again", || {
        !rig.line.lock().unwrap().asked.is_empty()
    })
    .await;
    assert!(
        before.elapsed() < Duration::from_secs(35),
        "{:?}",
        before.elapsed()
    );
    let answered = rig.state(1).answered;
    until("it is read again", || rig.state(1).answered > answered).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_rest_of_its_sweep_is_kept_when_the_gateway_stops() {
    let rig = Rig::new(&[]);
    rig.line.lock().unwrap().silent.insert(2);
    rig.poller.set_devices(vec![polled(1), polled(2)]);
    let is_asked = || rig.line.lock().unwrap().asked.contains(&2);
    until("the second is asked", is_asked).await;
    rig.poller.stop().await;
    assert_eq!(rig.energy(1).await.len(), 1);
    let asked = rig.line.lock().unwrap().asked.len();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(rig.line.lock().unwrap().asked.len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_device_is_read_once_for_whoever_asks_and_nothing_is_kept() {
    let rig = Rig::new(&[]);
    let profile = polled(9).profile;
    let shown = once::read(rig.poller.bus(), &profile, 9).await.unwrap();
    assert_eq!(shown.points.len(), profile.points.len());
    let energy = &shown.points[0];
    assert_eq!(
        (energy.value.as_deref(), energy.unit.map(|unit| unit.code())),
        (Some("9.50"), Some("kWh"))
    );
    assert_eq!(rig.readings().await, []);
    rig.line.lock().unwrap().silent.insert(9);
    let error = once::read(rig.poller.bus(), &profile, 9).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Silence { .. }));
}

/// Values as they were kept, `None` where they are suspect.
fn values(readings: &[Reading]) -> Vec<Option<String>> {
    let value = |reading: &Reading| Some(reading.quantity?.value().to_string());
    readings.iter().map(value).collect()
}

fn some(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_is_kept_as_suspect_and_asked_for_again_at_once() {
    let rig = Rig::new(&[3]);
    until("a reading", || rig.state(3).answered > 0).await;
    rig.show_energy(3, &[9_116.5]).await;
    let mut energy = rig.energy(3).await;
    let place = energy.iter().position(|r| r.suspect.is_some()).unwrap();
    let told = [some("3.50"), None, some("3.50")];
    assert_eq!(values(&energy[place - 1..place + 2]), told);
    let wrong = energy.remove(place);
    let why = wrong.suspect.unwrap();
    assert!(
        why.starts_with("it rose from 3.50 kWh to 9116.50 kWh"),
        "{why}"
    );
    assert_eq!(
        (wrong.raw.as_str(), wrong.at),
        ("460E 7200", energy[place].at)
    );

    // What both say is a matter for the next polls.
    let before = rig.energy(3).await.len();
    rig.show_energy(3, &[0.0, 0.0]).await;
    let mut energy = rig.energy(3).await.split_off(before);
    energy.retain(|reading| reading.suspect.is_some());
    assert_eq!(energy.len(), 2);
    let why = energy[1].suspect.as_deref().unwrap();
    assert!(
        why.starts_with("it fell from 3.50 kWh to 0.00 kWh"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_closing_reading_that_is_suspect_is_taken_again() {
    let rig = Rig::new(&[]);
    rig.poller.set_devices(vec![polled_once(3)]);
    until("a reading", || rig.state(3).answered > 0).await;
    let wrong = VecDeque::from([35.5e5, 35.5e5]);
    rig.line.lock().unwrap().energy.insert(3, wrong);
    rig.set_clock(MIDNIGHT);
    let midnight: Timestamp = MIDNIGHT.parse().unwrap();
    until("midnight is settled", || {
        rig.poller.progress().settled_through >= midnight
    })
    .await;
    let mut energy = rig.energy(3).await;
    energy.retain(|reading| reading.closes.is_some());
    assert_eq!(values(&energy), [None, None, some("3.50")]);
}

#[tokio::test(start_paused = true)]
async fn between_the_attempts_of_a_silent_device_the_others_are_asked() {
    let rig = Rig::new(&[]);
    rig.line.lock().unwrap().silent.insert(1);
    rig.poller.set_devices([1, 2, 3].map(polled).to_vec());
    until("it is given up once", || rig.state(1).failed > 0).await;
    let mut asked = rig.line.lock().unwrap().asked.clone();
    asked.dedup();
    assert_eq!(asked[..4], [1, 2, 3, 1]);
    until("it is rarely asked", || rig.state(1).breaker.is_some()).await;
    let breaker = rig.state(1).breaker.unwrap();
    assert!(breaker.next_probe_at > breaker.open_since);
    assert!(rig.state(1).failed >= 2);
}

#[tokio::test(start_paused = true)]
async fn devices_that_are_due_together_reach_the_disk_together() {
    let rig = Rig::new(&[1, 2, 3]);
    until("a reading", || rig.state(1).answered > 0).await;
    let answered = |unit| rig.state(unit).answered;
    assert_eq!([answered(2), answered(3)], [answered(1), answered(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_sleeps_is_woken_and_one_that_renews_its_values_is_given_time() {
    let rig = Rig::new(&[]);
    let mut slow = polled_once(5);
    let mut profile = slow.profile.as_ref().clone();
    profile.wake = 2;
    profile.refresh = Some(common::profile::Refresh { wait_ms: 6_000 });
    slow.profile = Arc::new(profile);
    let old = VecDeque::from([1.25]);
    rig.line.lock().unwrap().energy.insert(5, old);
    rig.poller.set_devices(vec![slow, polled_once(6)]);
    until("both are read", || {
        rig.state(5).answered * rig.state(6).answered > 0
    })
    .await;
    let asked = rig.line.lock().unwrap().asked.clone();
    let renewing = Requests::of(&polled(5).profile).billing.len();
    let pause = asked.iter().position(|unit| *unit == 6).unwrap();
    assert_eq!(
        pause,
        2 + renewing,
        "two to wake it, the others to renew its values"
    );
    let back = asked.iter().rposition(|unit| *unit == 6).unwrap() + 1;
    assert!(asked[pause..back].iter().all(|unit| *unit == 6));
    assert!(
        asked[back..].len() >= 2 + renewing,
        "woken again before it counts"
    );
    // What it knew long ago was not kept.
    assert_eq!(values(&rig.energy(5).await), [some("5.50")]);
}

#[tokio::test(start_paused = true)]
async fn while_the_disk_takes_nothing_polls_go_on_and_nothing_is_settled() {
    let rig = Rig::new(&[1]);
    until("a reading", || rig.state(1).answered > 0).await;
    rig.buffer.close().await;
    let answered = rig.state(1).answered;
    until("three more", || rig.state(1).answered > answered + 2).await;
    let error = rig.poller.progress().error.unwrap();
    assert!(
        error.starts_with("readings cannot be kept: the buffer is closed"),
        "{error}"
    );
    rig.set_clock(MIDNIGHT);
    let asked = rig.line.lock().unwrap().asked.len();
    until("it is asked", || {
        rig.line.lock().unwrap().asked.len() > asked + 10
    })
    .await;
    let midnight: Timestamp = MIDNIGHT.parse().unwrap();
    assert!(rig.poller.progress().settled_through < midnight);
    assert_eq!(rig.state(1).error, None);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_on_the_disk_when_the_poller_has_stopped() {
    let rig = Rig::new(&[]);
    rig.line.lock().unwrap().silent.insert(2);
    rig.poller.set_devices([1, 2].map(polled).to_vec());
    // The first has been read, and waits for the second.
    until("both are asked", || {
        rig.line.lock().unwrap().asked.contains(&2)
    })
    .await;
    let stopped = rig.poller.stop();
    // Who comes too late with a new list starts nothing again.
    rig.poller.set_devices(vec![polled(3)]);
    stopped.await;
    assert_eq!(values(&rig.energy(1).await), [some("1.50")]);
}

#[tokio::test(start_paused = true)]
async fn what_a_poll_has_read_already_outlives_a_new_list_of_devices() {
    let rig = Rig::new(&[]);
    rig.line.lock().unwrap().answers_left = Some(1);
    rig.poller.set_devices(vec![polled_once(4)]);
    until("the gauges are asked in vain", || {
        rig.line.lock().unwrap().asked.len() > 1
    })
    .await;
    rig.poller.set_devices(vec![polled_once(4)]);
    sleep(TICK_MAX).await;
    rig.line.lock().unwrap().answers_left = None;
    until("it is read", || rig.state(4).answered > 0).await;
    assert_eq!(values(&rig.energy(4).await), [some("4.50"), some("4.50")]);
}

#[tokio::test(start_paused = true)]
async fn what_the_disk_refuses_is_not_settled() {
    let rig = Rig::new(&[1]);
    until("a reading", || rig.state(1).answered > 0).await;
    rig.buffer.close().await;
    until("it is said", || rig.poller.progress().error.is_some()).await;
    rig.set_clock("2026-06-10T20:00:00Z");
    let answered = rig.state(1).answered;
    until("two more", || rig.state(1).answered > answered + 1).await;
    let refused: Timestamp = NOON.parse().unwrap();
    assert!(rig.poller.progress().settled_through < refused);
}
