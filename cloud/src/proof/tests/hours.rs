//! A bill by the hour: each of its lines rests on sealed readings at the switches.

use super::*;
use crate::billing::invoice::LineKind;

/// Kilowatt-hours that go through in an hour, whatever it costs.
const EACH_HOUR: u32 = 2;

/// October at one price, and at another from 18:00 to 22:00.
fn hourly() -> Vec<Plan> {
    let mut plan = sample::invoice("es-MX").plans.remove(0);
    plan.tariff.rate = sample::by_hour(&[(0, 0), (18, 1), (22, 0)], ["2", "5"]);
    vec![plan]
}

/// The closing readings of October: at each start of day, and at each switch.
fn readings() -> Vec<Taken> {
    let first = sample::start_of(date(2026, 10, 1));
    let hours = (0..=31 * 24).filter(|hour| matches!(hour % 24, 0 | 18 | 22));
    let taken = hours.map(|hour: u32| {
        let at = first + SignedDuration::from_hours(hour.into());
        let register = format!("{}.5", 10_000 + hour * EACH_HOUR);
        Taken {
            gateway: GATEWAY,
            epoch: Epoch(1),
            reading: closing_at(at, u64::from(hour) + 1, &register),
        }
    });
    let mut taken: Vec<Taken> = taken.collect();
    seal(&gateway(), METER, head(), &mut taken);
    taken
}

#[test]
fn a_bill_by_the_hour_is_identical_and_rests_on_seals_alone() {
    let readings = readings();
    assert_eq!(
        readings[1].reading.closes.unwrap().to_string(),
        "2026-10-01T18:00"
    );
    let invoice = invoice_by(10, &hourly(), &readings);
    // 31 days of 20 and of 4 hours, by transformers of 40.
    let lines = invoice
        .lines
        .iter()
        .filter(|line| line.kind == LineKind::Consumption);
    let lines: Vec<(String, String)> = lines
        .map(|line| {
            (
                line.quantity.normalize().to_string(),
                line.amount.to_string(),
            )
        })
        .collect();
    let expected = [("49600", "99200.00"), ("9920", "49600.00")];
    assert_eq!(
        lines,
        expected.map(|(used, cost)| (used.to_owned(), cost.to_owned()))
    );
    let report = verdict(&export(&invoice, &evidence_of(&readings)));
    assert_eq!(report.differences, []);
    assert_eq!(report.unsealed, [], "also the registers at the switches");
    assert_eq!(report.seals, 31 * 3 + 1);
}

#[test]
fn a_register_moved_at_a_switch_is_found_though_the_total_of_the_month_stays() {
    // Some of the first evening becomes cheap, in the words of one reading and all that follows
    // from them; the issuer itself signs it.
    let mut forged = readings();
    let switch = &mut forged[1].reading;
    let (raw, quantity) = words("10042.5");
    assert_ne!(switch.quantity, quantity);
    (switch.raw, switch.quantity) = (raw, quantity);
    let invoice = invoice_by(10, &hourly(), &forged);
    let report = verdict(&export(&invoice, &evidence_of(&forged)));
    let messages: Vec<&str> = report
        .differences
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(parts(&report), [Part::Seal, Part::Chain], "{messages:?}");
    // Without that reading the chain has a hole.
    let mut without = readings();
    without.remove(1);
    let report = verdict(&export(&invoice, &evidence_of(&without)));
    assert!(
        parts(&report).contains(&Part::Chain),
        "{:?}",
        report.differences.first()
    );
}
