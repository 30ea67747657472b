//! Lines that were computed by hand.

use common::profile::Library;

use super::*;

const SLOW: Wire = Wire {
    baud: 9_600,
    bits: 10,
};

fn profile(id: &str) -> Profile {
    Library::shipped().get(id).unwrap().clone()
}

fn asked(profile: &Profile, count: u8, period_s: u32) -> Vec<Asked<'_>> {
    let device = |unit_id| Asked {
        label: "Local",
        unit_id,
        profile,
        period_s,
    };
    (1..=count).map(device).collect()
}

#[test]
fn a_request_takes_what_the_formula_says() {
    let two = Request {
        table: common::profile::Table::Input,
        address: 0x48,
        count: 2,
    };
    let took = |baud, bits, gap| {
        let timing = Some(Timing::new(baud, bits));
        microseconds(duration(&two, timing, Duration::from_millis(gap)))
    };
    // 17 characters of 1.0417 ms, 20 ms of turnaround, 3.5 characters.
    assert_eq!(took(9_600, 10, 0), 41_354);
    assert_eq!(took(9_600, 10, 60), 97_708);
    assert_eq!(took(38_400, 11, 0), 26_619);
    // At 1200 baud the silence is longer than the turnaround.
    assert_eq!(took(1_200, 10, 0), 199_999);
}

#[test]
fn a_line_is_as_busy_as_its_requests_take() {
    let meter = profile("eastron-sdm120");
    let told = load(Some(SLOW), &asked(&meter, 6, 60), 900);
    let first = &told.devices[0];
    let energy = first
        .requests
        .iter()
        .find(|r| r.points.contains(&"energy_import".to_owned()));
    let energy = energy.unwrap();
    assert_eq!((energy.function, energy.every_s), (4, 60));
    assert_eq!(energy.bytes, 13 + 2 * usize::from(energy.registers));
    let busy: u64 = told
        .devices
        .iter()
        .flat_map(|device| &device.requests)
        .map(|r| r.microseconds * 1_000 / (r.every_s * 1_000))
        .sum();
    assert_eq!(told.load_permille, busy.div_ceil(1_000), "{told:?}");
    assert_eq!(told.advice, [""; 0]);
    assert!(told.more_devices > 100 && told.more_devices <= 241);

    // At the least period the line is full, a second below it is not enough.
    let least = u32::try_from(told.period_least_s.unwrap()).unwrap();
    assert!(load(Some(SLOW), &asked(&meter, 6, least), 900).load_permille <= 1_000);
    let beyond = load(Some(SLOW), &asked(&meter, 200, 10), 900);
    assert!(beyond.load_permille > 1_000 && beyond.more_devices == 0);
    let least = u32::try_from(beyond.period_least_s.unwrap()).unwrap();
    assert!(load(Some(SLOW), &asked(&meter, 200, least), 900).load_permille <= 1_000);
    assert!(load(Some(SLOW), &asked(&meter, 200, least - 1), 900).load_permille > 1_000);
}

#[test]
fn a_line_that_is_too_busy_is_told_what_helps() {
    let meter = profile("eastron-sdm120");
    let told = load(Some(SLOW), &asked(&meter, 60, 5), 900);
    let [advice] = &told.advice[..] else {
        panic!("{:?}", told.advice);
    };
    assert!(advice.contains("raise the period to "), "{advice}");
    let period = advice.split("period to ").nth(1).unwrap();
    let period = period.split(' ').next().unwrap().parse().unwrap();
    assert!(
        load(Some(SLOW), &asked(&meter, 60, period), 900)
            .advice
            .is_empty()
    );
    assert!(
        !load(Some(SLOW), &asked(&meter, 60, period - 1), 900)
            .advice
            .is_empty()
    );
}

#[test]
fn what_a_battery_allows_is_kept_and_said() {
    let mut meter = profile("eastron-sdm120");
    meter.limits.min_poll_s = 600;
    let told = load(Some(SLOW), &asked(&meter, 1, 60), 900);
    assert_eq!(told.devices[0].requests[0].every_s, 600);
    assert_eq!(
        told.advice,
        ["Local is read every 600 s and not every 60 s: its profile allows no less"]
    );
}

#[test]
fn a_dead_device_costs_two_cycles_and_then_a_probe_now_and_then() {
    let meter = profile("eastron-sdm120");
    let told = load(Some(SLOW), &asked(&meter, 6, 10), 900);
    // 8 characters and twice the time-out; 2 cycles of 3 attempts, 3 probes in ten minutes.
    assert_eq!(told.dead.attempt_ms, 2_008);
    assert_eq!(told.dead.first_permille, 9 * 2_008 / 600);
    assert_eq!(told.dead.lasting_permille, 3);
}

#[test]
fn a_wire_that_is_not_ours_has_requests_and_no_times() {
    let meter = profile("eastron-sdm120");
    let told = load(None, &asked(&meter, 60, 5), 900);
    assert!(!told.wire_is_ours && told.advice.is_empty());
    assert!(!told.devices[0].requests.is_empty());
}
