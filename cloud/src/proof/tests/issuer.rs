//! The issuer is not honest: whatever it changes, it signs.

use std::collections::BTreeSet;

use super::*;

/// What the issuer alone says, and nobody can recompute. A place in a list is left out.
const ITS_WORD: [&str; 20] = [
    // Who and where, in whose words, and what is shown beside the bill.
    "invoice.account",
    "invoice.contact",
    "invoice.corrects",
    "invoice.earlier",
    "invoice.findings",
    "invoice.id",
    "invoice.issued_at",
    "invoice.issuer",
    "invoice.locale",
    "invoice.losses",
    "invoice.medium",
    "invoice.meter_label",
    "invoice.number",
    "invoice.site",
    "invoice.segments.serial_number",
    // The use of a day is the difference of two registers, which are checked.
    "invoice.daily.quantity",
    // Terms: those that have a part in the sum must be seen, as below.
    "invoice.plans",
    "invoice.extras",
    // By what a gateway files a reading is not sealed: another buffer may give it anew.
    "evidence.readings.epoch",
    "evidence.readings.reading.seq",
];
/// Terms that have a part in every sum.
const TERMS: [&str; 4] = [
    "invoice.plans[0].minimum.quantity",
    "invoice.plans[0].tariff.rate.price",
    "invoice.plans[1].tariff.rate.price",
    "invoice.plans[1].effective_from",
];

/// A field without the places in its lists.
fn plain(field: &str) -> String {
    let mut inside = false;
    let outside = |letter: &char| {
        inside = (inside || *letter == '[') && *letter != ']';
        !inside && *letter != ']'
    };
    field.chars().filter(outside).collect()
}

#[test]
fn what_an_issuer_can_change_unseen_is_its_word_and_never_the_sum() {
    let honest = honest();
    let honest_report = verdict(&honest);
    assert!(honest_report.is_identical());
    let mut unseen = BTreeSet::new();
    let mut tried = 0;
    for (pointer, field) in leaves(&honest) {
        if !pointer.starts_with("/invoice/") && !pointer.starts_with("/evidence/") {
            continue;
        }
        let mut altered = honest.clone();
        alter(altered.pointer_mut(&pointer).unwrap());
        let (invoice, evidence) = (altered["invoice"].take(), altered["evidence"].take());
        let report = verdict(&issue(&issuer(), invoice, evidence));
        tried += 1;
        if report.is_identical() && report.unsealed == honest_report.unsealed {
            assert!(!TERMS.contains(&field.as_str()), "{field}");
            unseen.insert(plain(&field));
        }
    }
    assert!(tried > 350, "{tried}");
    let beyond: Vec<&String> = unseen
        .iter()
        .filter(|field| !ITS_WORD.iter().any(|word| field.starts_with(word)))
        .collect();
    assert_eq!(beyond, Vec::<&String>::new());
}

/// A forgery by the issuer that is consistent in itself, and the part that finds it.
type Forgery = (&'static str, fn(&mut Invoice, &mut Evidence), Part);

fn check_forgeries(table: &[Forgery]) {
    for (what, forge, part) in table {
        let readings = few_readings(10);
        let (mut invoice, mut evidence) = (invoice_of(10, &readings), evidence_of(&readings));
        forge(&mut invoice, &mut evidence);
        let report = verdict(&export(&invoice, &evidence));
        let found = parts(&report);
        assert!(found.contains(part), "{what}: {:?}", report.differences);
    }
}

#[test]
fn an_issuer_that_forges_readings_is_found() {
    check_forgeries(&[
        (
            "a register is raised, and all that follows",
            raise,
            Part::Boundary,
        ),
        ("its reading too", raise_value, Part::Seal),
        ("its words too", raise_words, Part::Seal),
        ("sealed anew by another key", raise_and_seal, Part::Gateway),
        (
            "a link is left out",
            |_, evidence| drop(evidence.readings.remove(2)),
            Part::Chain,
        ),
        (
            "the chain is",
            |_, evidence| evidence.readings.clear(),
            Part::Boundary,
        ),
        (
            "two links are swapped",
            |_, evidence| evidence.readings.swap(3, 4),
            Part::Chain,
        ),
        (
            "a link is there twice",
            |_, evidence| {
                let twice = evidence.readings[4].clone();
                evidence.readings.push(twice);
            },
            Part::Chain,
        ),
    ]);
}

#[test]
fn an_issuer_that_forges_arithmetic_is_found() {
    check_forgeries(&[
        (
            "a line's price is raised without its plan",
            |invoice, _| {
                let line = &mut invoice.lines[0];
                line.price += sample::number("1");
                line.amount = (line.quantity * line.price).round_dp(2);
                invoice.total = invoice.lines.iter().map(|line| line.amount).sum();
            },
            Part::Charge,
        ),
        (
            "a line is added",
            |invoice, _| {
                let line = invoice.lines[0].clone();
                invoice.total += line.amount;
                invoice.lines.push(line);
            },
            Part::Charge,
        ),
        (
            "the period ends a day later",
            |invoice, _| {
                invoice.period.until = date(2026, 11, 2);
                invoice.period.ends_at = sample::start_of(date(2026, 11, 2));
            },
            Part::Period,
        ),
        (
            "a mark is put on",
            |invoice, _| invoice.simulated = true,
            Part::Mark,
        ),
    ]);
}

fn raise_value(invoice: &mut Invoice, evidence: &mut Evidence) {
    raise(invoice, evidence);
    let reading = &mut evidence.readings.last_mut().unwrap().reading;
    reading.quantity = Some(invoice.closing().register);
}

fn raise_words(invoice: &mut Invoice, evidence: &mut Evidence) {
    raise(invoice, evidence);
    let register = invoice.closing().register.value().to_string();
    let reading = &mut evidence.readings.last_mut().unwrap().reading;
    (reading.raw, reading.quantity) = words(&register);
}

fn raise_and_seal(invoice: &mut Invoice, evidence: &mut Evidence) {
    raise_words(invoice, evidence);
    seal(&forger(), METER, head(), &mut evidence.readings);
    let forged = sign(&forger(), &Value::Null, &Value::Null).unwrap();
    evidence.keys[0].public_key = forged.public_key;
}

/// Ten more on the last register, consistently.
fn raise(invoice: &mut Invoice, _: &mut Evidence) {
    let ten = sample::number("10");
    let last = invoice.segments.later().len();
    let mut place = 0;
    invoice.segments.for_each_mut(|segment| {
        if place == last {
            let register = segment.closing.register;
            let raised = Quantity::new(register.value() + ten, register.unit()).unwrap();
            segment.closing.register = raised;
            sample::reading(&mut segment.closing).register = raised;
            segment.quantity += ten * segment.multiplier;
        }
        place += 1;
    });
    let charged = crate::billing::charge::charge(
        &invoice.period,
        &invoice.segments,
        &invoice.plans,
        &invoice.extras,
    );
    let charged = charged.unwrap();
    invoice.measured = charged.measured;
    invoice.billed = charged.billed;
    invoice.lines = charged.lines;
    invoice.total = charged.total;
}

#[test]
fn a_reading_of_another_meter_or_another_month_does_not_stand_in() {
    let october = few_readings(10);
    let mut foreign = october.clone();
    seal(&gateway(), MeterId(6), head(), &mut foreign);
    let report = verdict(&export(&invoice_of(10, &foreign), &evidence_of(&foreign)));
    assert_eq!(parts(&report), [Part::Chain], "{:?}", report.differences);

    // The register of a month ago, validly sealed, as the one of today.
    let mut replayed = few_readings(9);
    replayed.truncate(1);
    replayed.extend_from_slice(&october[1..]);
    let mut invoice = invoice_of(10, &october);
    invoice.segments.for_each_mut(|segment| {
        if segment.opening.date == date(2026, 10, 1) {
            let old = crate::billing::consumption::evidence(&replayed[0]).unwrap();
            segment.opening.register = old.register;
            *sample::reading(&mut segment.opening) = old;
            segment.quantity = (segment.closing.register.value()
                - segment.opening.register.value())
                * segment.multiplier;
        }
    });
    let charged = crate::billing::charge::charge(
        &invoice.period,
        &invoice.segments,
        &invoice.plans,
        &invoice.extras,
    );
    let charged = charged.unwrap();
    invoice.measured = charged.measured;
    invoice.billed = charged.billed;
    invoice.lines = charged.lines;
    invoice.total = charged.total;
    let report = verdict(&export(&invoice, &evidence_of(&replayed)));
    let found = parts(&report);
    assert_eq!(
        found,
        [Part::Chain, Part::Boundary],
        "{:?}",
        report.differences
    );
}

#[test]
fn what_does_not_rest_on_a_seal_is_said() {
    let mut readings = few_readings(10);
    for taken in &mut readings {
        taken.reading.seal = None;
    }
    let report = verdict(&export(&invoice_of(10, &readings), &evidence_of(&readings)));
    assert_eq!(report.differences, []);
    let fields: Vec<&str> = report
        .unsealed
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    let expected = [
        "invoice.segments[0].opening.basis.reading",
        "invoice.segments[0].closing.basis.reading",
        "invoice.segments[1].opening.basis.reading",
        "invoice.segments[1].closing.basis.reading",
        "invoice.daily",
    ];
    assert_eq!(fields, expected);
}
#[test]
fn a_float_that_fell_by_its_last_digit_stands_where_it_stood() {
    let fell = |by: &str| {
        let mut readings = few_readings(10);
        let opening = readings[0].reading.quantity.unwrap();
        let read = opening.value() - sample::number(by);
        for taken in &mut readings[1..] {
            let (raw, quantity) = words(&read.to_string());
            (taken.reading.raw, taken.reading.quantity) = (raw, quantity);
        }
        seal(&gateway(), METER, head(), &mut readings);
        readings
    };
    let readings = fell("0.01");
    assert!(invoice_of(10, &readings).measured.is_zero());
    assert_eq!(verdict(&issued(&readings)).differences, []);
}
