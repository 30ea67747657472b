//! A real invoice from sealed readings, honest and forged.

mod attack;
mod forgery;
mod hours;
mod issuer;

use common::closes::Closes;
use common::id::{AccountId, BootId, DeviceId, Epoch, GatewayId, MeterId};
use common::profile::{Library, Registers};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::seal::{Head, Seal};
use common::unit::Unit;
use ed25519_dalek::SigningKey;
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::LazyLock;

use super::check::check;
use super::report::{Part, Report};
use super::trust::{KeyName, Trusted};
use super::{Evidence, Export, SealKey, sign};
use crate::billing::consumption::Taken;
use crate::billing::invoice::{Invoice, Period};
use crate::billing::sample;
use crate::plan::Plan;
use crate::site::Mounting;

const METER: MeterId = MeterId(5);
const DEVICE: DeviceId = DeviceId(4);
const GATEWAY: GatewayId = GatewayId(3);
const POINT: &str = "energy_import";
const PROFILE: &str = "eastron-sdm630";

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::shipped);

fn issuer() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

fn gateway() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn forger() -> SigningKey {
    SigningKey::from_bytes(&[66; 32])
}

/// What the true keys are believed to be.
fn trusted() -> Trusted {
    Trusted {
        issuer: KeyName::from(&issuer().verifying_key()),
        gateways: vec![KeyName::from(&gateway().verifying_key())],
    }
}

fn verdict(document: &Value) -> Report {
    check(&document.to_string(), &trusted(), &LIBRARY)
}

/// The register that a device shows: the words and the decimal that they mean.
fn words(register: &str) -> (String, Option<Quantity>) {
    let profile = LIBRARY.get(PROFILE).unwrap();
    let value = Quantity::new(sample::number(register), Unit::KiloWh).unwrap();
    let mut registers = Registers::new();
    profile.encode(POINT, value, &mut registers).unwrap();
    let decoded = profile.decode(POINT, &registers);
    (decoded.raw, decoded.value.ok())
}

/// The closing reading of a date, not sealed yet.
fn closing(day: Date, seq: u64, register: &str) -> Reading {
    closing_at(sample::start_of(day), seq, register)
}

/// The closing reading of an instant in Tijuana, not sealed yet.
fn closing_at(at: Timestamp, seq: u64, register: &str) -> Reading {
    let (raw, quantity) = words(register);
    let zone = jiff::tz::TimeZone::get("America/Tijuana").unwrap();
    let closes = Some(Closes::of(at, &zone));
    let at = at + SignedDuration::from_millis(2_345);
    Reading {
        seq,
        at,
        clock: ClockTrust::Trusted,
        since_boot: Some(SinceBoot {
            boot: BootId(9),
            elapsed_ms: 1_000_000 + seq,
        }),
        device: DEVICE,
        point: POINT.to_owned(),
        quantity,
        suspect: None,
        raw,
        profile: LIBRARY.get(PROFILE).unwrap().reference(),
        closes,
        seal: None,
    }
}

/// Seals readings as the links after `head` in the chain of a meter.
fn seal(key: &SigningKey, meter: MeterId, mut head: Head, readings: &mut [Taken]) {
    for taken in readings {
        taken.reading.seal = None;
        let (seal, next) = Seal::make(key, meter, head, &taken.reading);
        taken.reading.seal = Some(seal);
        head = next;
    }
}

/// The link before the first of the month.
fn head() -> Head {
    Head {
        link: 41,
        digest: common::digest::Digest::of(b"the link before"),
    }
}

/// The closing readings of a month from its first day to the day after its last.
fn readings(month: i8) -> Vec<Taken> {
    let first = date(2026, month, 1);
    let days: Vec<Date> = first.series(jiff::Span::new().days(1)).take(32).collect();
    let last = first.last_of_month().tomorrow().unwrap();
    sealed(days.into_iter().filter(|day| *day <= last))
}

/// Those alone on which the bill rests, and two more: each check of it takes a sixth as long.
fn few_readings(month: i8) -> Vec<Taken> {
    let day = |day: i8| date(2026, month, day);
    let last = day(1).last_of_month().tomorrow().unwrap();
    sealed([day(1), day(2), day(16), day(17), last].into_iter())
}

/// The closing readings of those days, as a chain: 11 kWh and more a day.
fn sealed(days: impl Iterator<Item = Date>) -> Vec<Taken> {
    let taken = days.map(|day| {
        let number = u32::try_from(day.day_of_year()).unwrap();
        Taken {
            gateway: GATEWAY,
            epoch: Epoch(1),
            reading: closing(day, number.into(), &format!("{}.25", 10_000 + number * 11)),
        }
    });
    let mut taken: Vec<Taken> = taken.collect();
    seal(&gateway(), METER, head(), &mut taken);
    taken
}

/// From the 16th on another price.
fn plans(month: i8) -> Vec<Plan> {
    let mut first = sample::invoice("es-MX").plans.remove(0);
    first.minimum.quantity = sample::number("400");
    let mut second = Plan {
        effective_from: date(2026, month, 16),
        ..first.clone()
    };
    second.tariff = crate::plan::tariff::Tariff::flat(sample::number("3.25"));
    vec![first, second]
}

/// The invoice that the engine makes of the readings.
fn invoice_of(month: i8, readings: &[Taken]) -> Invoice {
    invoice_by(month, &plans(month), readings)
}

/// The invoice that it makes of them by those plans.
fn invoice_by(month: i8, plans: &[Plan], readings: &[Taken]) -> Invoice {
    let (from, until) = (date(2026, month, 1), date(2026, month, 1).last_of_month());
    let until = until.tomorrow().unwrap();
    let period = Period {
        from,
        until,
        starts_at: sample::start_of(from),
        ends_at: sample::start_of(until),
    };
    let mountings = [mounting()];
    let unit = Unit::KiloWh;
    let closed = sample::close(&period, plans, unit, &mountings, readings);
    let (statement, daily) = closed.unwrap();
    let mut invoice = Invoice {
        account: AccountId(1),
        meter: METER,
        period,
        plans: statement.plans,
        segments: statement.segments,
        measured: statement.charge.measured,
        minimum: statement.charge.minimum,
        billed: statement.charge.billed,
        lines: statement.charge.lines,
        total: statement.charge.total,
        simulated: statement.simulated,
        daily,
        ..sample::invoice("es-MX")
    };
    invoice
        .segments
        .for_each_mut(|segment| segment.serial_number = "21034567".to_owned());
    invoice
}

fn evidence_of(readings: &[Taken]) -> Evidence {
    Evidence {
        readings: readings.to_vec(),
        keys: vec![SealKey {
            gateway: GATEWAY,
            public_key: super::sign(&gateway(), &Value::Null, &Value::Null)
                .unwrap()
                .public_key,
        }],
    }
}

/// The document that the holder of `key` issues.
fn issue(key: &SigningKey, invoice: Value, evidence: Value) -> Value {
    let proof = sign(key, &invoice, &evidence).unwrap();
    let export = Export::new(invoice, evidence, proof).unwrap();
    serde_json::to_value(export).unwrap()
}

fn export(invoice: &Invoice, evidence: &Evidence) -> Value {
    let invoice = serde_json::to_value(invoice).unwrap();
    issue(&issuer(), invoice, serde_json::to_value(evidence).unwrap())
}

fn issued(readings: &[Taken]) -> Value {
    export(&invoice_of(10, readings), &evidence_of(readings))
}

/// October, as it was.
fn honest() -> Value {
    issued(&few_readings(10))
}

/// The parts of the check that found something, each once, in their order.
fn parts(report: &Report) -> Vec<Part> {
    let mut parts: Vec<Part> = report.differences.iter().map(|one| one.part).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

#[test]
fn an_honest_invoice_is_identical_and_rests_on_seals_alone() {
    let report = verdict(&issued(&readings(10)));
    assert_eq!(report.differences, []);
    assert_eq!(report.unsealed, []);
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!(report.seals, 32);
    assert_eq!(
        report.issuer,
        common::digest::fingerprint(&issuer().verifying_key())
    );
    assert_eq!(report.invoice.unwrap().number, 12);
}

#[test]
fn what_is_signed_reads_as_documented() {
    let invoice = serde_json::json!({"total": "12.50", "lines": [{"days": 3}], "none": null});
    let evidence = serde_json::json!({"readings": [], "sealed": true});
    let text = super::listing::Listing::of(&invoice, &evidence)
        .unwrap()
        .text();
    let names: Vec<&str> = text
        .lines()
        .map(|line| line.split_at(65.min(line.len())).1)
        .collect();
    let expected = [
        "",
        "evidence.readings",
        "evidence.sealed",
        "invoice.lines[0].days",
        "invoice.none",
        "invoice.total",
    ];
    assert_eq!(names, expected);
    assert!(text.starts_with("enervue-invoice 1\n"));
    // By sha256sum of "invoice.total\ntext 12.50".
    let digest = "539678b33e7478d4b82a76f31b68bff98026a80ca0f5cd9e7b33b300f508b08e";
    assert!(
        text.ends_with(&format!("{digest} invoice.total\n")),
        "{text}"
    );
}

#[test]
fn a_document_that_two_readers_could_read_differently_is_refused() {
    let honest = honest().to_string();
    let table = [
        (
            honest.replacen("\"total\":", "\"total\":\"1\",\"total\":", 1),
            "stands twice",
        ),
        (
            honest.replacen("\"number\":12", "\"number\":12.0", 1),
            "no integer",
        ),
        (
            honest.replacen("\"number\":12", "\"number\":1e1", 1),
            "no integer",
        ),
        (
            honest.replacen("\"number\":12", "\"num ber\":12", 1),
            "other characters",
        ),
        (format!("{honest} {{}}"), "no JSON"),
        (honest[1..].to_owned(), "no JSON"),
        ("[]".to_owned(), "no JSON object"),
        (String::new(), "no JSON"),
        ("[".repeat(100_000), "no JSON"),
    ];
    for (text, why) in table {
        let report = check(&text, &trusted(), &LIBRARY);
        let found = report
            .differences
            .iter()
            .any(|one| one.message.contains(why));
        assert!(found, "{why}: {:?}", report.differences.first());
    }
}

#[test]
fn a_key_is_named_by_its_fingerprint_however_it_is_typed_or_whole() {
    let key = issuer().verifying_key();
    let name = common::digest::fingerprint(&key);
    let whole = sign(&issuer(), &Value::Null, &Value::Null)
        .unwrap()
        .public_key;
    for text in [
        name.clone(),
        name.replace(' ', ""),
        name.to_uppercase(),
        format!(" {name} "),
        whole,
    ] {
        let named: KeyName = text.parse().unwrap();
        assert!(named.names(&key), "{text}");
        assert!(!named.names(&forger().verifying_key()), "{text}");
    }
    for text in ["", "21fe 31df a154 a261", &name[..38], "issuer"] {
        assert!(text.parse::<KeyName>().is_err(), "{text}");
    }
}

/// The leaves of a document: where each is, and the field that a check names for it.
fn leaves(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(document, String::new(), String::new(), &mut found);
    found
}

fn collect(value: &Value, pointer: String, path: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                let path = format!("{path}[{place}]");
                collect(item, format!("{pointer}/{place}"), path, found);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                // A digest's name is the field that it is of.
                let path = match path.as_str() {
                    "" | "digests" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                collect(member, format!("{pointer}/{name}"), path, found);
            }
        }
        _ => found.push((pointer, path)),
    }
}

/// Changes one digit of a leaf, or one letter where it has none.
fn alter(leaf: &mut Value) {
    *leaf = match leaf.take() {
        Value::Null => Value::from("0"),
        Value::Bool(truth) => Value::Bool(!truth),
        Value::Number(number) => {
            Value::from(other_digit(&number.to_string()).parse::<u64>().unwrap())
        }
        Value::String(text) => Value::from(other_digit(&text)),
        Value::Array(_) => serde_json::json!([0]),
        Value::Object(_) => serde_json::json!({"a": 0}),
    };
}

/// The text with its last digit changed, or its first letter.
fn other_digit(text: &str) -> String {
    let place = text
        .rfind(|letter: char| letter.is_ascii_digit())
        .unwrap_or(0);
    let Some(letter) = text[place..].chars().next() else {
        return "0".to_owned();
    };
    let other = match letter {
        '0'..='8' => char::from(letter as u8 + 1),
        '9' => '0',
        'x' => 'y',
        _ => 'x',
    };
    format!(
        "{}{other}{}",
        &text[..place],
        &text[place + letter.len_utf8()..]
    )
}

fn mounting() -> Mounting {
    Mounting {
        meter: METER,
        device: DEVICE,
        point: POINT.to_owned(),
        from: sample::start_of(date(2026, 1, 1)),
        until: None,
        opening: None,
        closing: None,
        multiplier: sample::number("40"),
        rolls_over_at: None,
        max_rate: None,
    }
}
