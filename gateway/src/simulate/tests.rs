//! The simulated line against a master that we did not write, and its history.

mod history;
mod library;
mod line;
mod ordeal;

use common::profile::Library;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::*;

const LINE: &str = include_str!("tests/line.toml");

/// That line, at `path`.
fn config(path: &std::path::Path) -> SimulationConfig {
    let text = LINE.replace("/nowhere/main", &path.display().to_string());
    SimulationConfig::parse(&text).unwrap()
}

fn meters() -> Vec<SimulatedMeter> {
    let config = SimulationConfig::parse(LINE).unwrap();
    config.line[0].meters(&Library::shipped()).unwrap()
}

fn shown(meter: &SimulatedMeter, point: &str, at: &str) -> String {
    let registers = meter.registers(at.parse().unwrap()).unwrap();
    meter
        .profile
        .decode(point, &registers)
        .value
        .unwrap()
        .to_string()
}

#[test]
fn a_register_is_a_rising_function_of_the_instant() {
    let table = [
        (0, "energy_import", "2026-01-01T00:00:00Z", "12345.67 kWh"),
        (0, "energy_import", "2026-06-01T07:00:00Z", "12345.67 kWh"),
        // A week on, whatever its shape: 7 × 24.5 kWh.
        (0, "energy_import", "2026-06-08T07:00:00Z", "12517.17 kWh"),
        (1, "energy_import", "2026-06-01T10:00:00Z", "1235567 Wh"),
        (2, "volume", "2026-06-01T00:30:00Z", "128.500 gal_us"),
        (2, "volume_reverse", "2026-06-01T00:30:00Z", "0.000 gal_us"),
        (1, "power", "2026-06-01T10:00:00Z", "100.0 W"),
        (1, "frequency", "2026-06-01T10:00:00Z", "50.0 Hz"),
    ];
    let meters = meters();
    for (index, point, at, expected) in table {
        assert_eq!(shown(&meters[index], point, at), expected, "{point} {at}");
    }
    // Night of a Monday in Tijuana, noon, and noon of a Saturday.
    let power = |at| {
        let text = shown(&meters[0], "power", at);
        text.trim_end_matches(" W").parse::<Decimal>().unwrap()
    };
    let (night, noon) = (power("2026-06-01T09:00:00Z"), power("2026-06-01T19:00:00Z"));
    let saturday = power("2026-06-06T19:00:00Z");
    assert!(
        Decimal::ZERO < night && night * Decimal::from(4) < noon,
        "{night} {noon}"
    );
    assert!(
        (saturday - noon * Decimal::new(3, 1)).abs() < Decimal::ONE,
        "{saturday} {noon}"
    );

    let mut last = Decimal::ZERO;
    let start: Timestamp = "2026-05-31T00:00:00Z".parse().unwrap();
    for quarter in 0..1500_i64 {
        let at = start
            .checked_add(jiff::SignedDuration::from_mins(15 * quarter))
            .unwrap();
        let registers = meters[0].registers(at).unwrap();
        let value = meters[0]
            .profile
            .decode("energy_import", &registers)
            .value
            .unwrap()
            .value();
        assert!(value >= last, "{at}: {value} after {last}");
        last = value;
    }
}

#[test]
fn every_shipped_profile_can_be_simulated() {
    let library = Library::shipped();
    for profile in library.iter() {
        let text = format!(
            "[[line]]\npath = '/x'\n[[line.meter]]\nprofile = '{}'\nunit_id = 1\n\
             opening = '100'\nsince = '2026-01-01T00:00:00Z'\nper_day = '40'\n",
            profile.id
        );
        let config = SimulationConfig::parse(&text).unwrap();
        let meter = &config.line[0].meters(&library).unwrap()[0];
        let registers = meter
            .registers("2026-01-02T12:00:00Z".parse().unwrap())
            .unwrap();
        for point in &profile.points {
            let decoded = profile.decode(&point.id, &registers);
            assert!(
                decoded.value.is_ok(),
                "{} {}: {decoded:?}",
                profile.id,
                point.id
            );
        }
        let billing = profile.billing_points().next().unwrap();
        let value = profile
            .decode(&billing.id, &registers)
            .value
            .unwrap()
            .value();
        // In tens, since some meters count no finer.
        assert_eq!(value, Decimal::from(160), "{}", profile.id);
    }
}

#[test]
fn a_file_that_describes_no_line_is_refused_with_its_reason() {
    let table = [
        ("path = \"/nowhere/main\"", "", "path"),
        (
            "profile = \"pzem-016\"",
            "profile = \"pzem\"",
            "no profile 'pzem'",
        ),
        ("unit_id = 2", "unit_id = 1", "two meters with unit id 1"),
        ("unit_id = 2", "unit_id = 0", "unit id 0 is not"),
        (
            "unit = \"kWh\"",
            "unit = \"m3\"",
            "counts nothing that is in m3",
        ),
        ("weekend = \"0.3\"", "weekend = \"-1\"", "weekend is from 0"),
        ("America/Tijuana", "America/Springfield", "no time zone"),
        (
            "opening = \"1234.567\"",
            "opening = \"5000000\"",
            "cannot hold",
        ),
        (
            "shape = \"shop\"",
            "shape = \"mall\"",
            "unknown variant `mall`",
        ),
        ("seed = 3", "sed = 3", "unknown field `sed`"),
    ];
    for (right, wrong, reason) in table {
        assert!(LINE.contains(right), "{right}");
        let error = SimulationConfig::parse(&LINE.replacen(right, wrong, 1))
            .and_then(|config| config.line[0].meters(&Library::shipped()))
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{wrong}: {error}");
    }
}
