//! A thousand random alterations, and forgeries by somebody without the issuer's key.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::*;

/// Signs what is there, as well as somebody can who has a key of their own.
fn sign_anew(document: &Value, key: &SigningKey, with_key: bool, with_digests: bool) -> Value {
    let (invoice, evidence) = (document["invoice"].clone(), document["evidence"].clone());
    let Ok(proof) = sign(key, &invoice, &evidence) else {
        return document.clone();
    };
    let mut anew = document.clone();
    if with_digests {
        let made = Export::new(invoice, evidence, proof.clone()).unwrap();
        anew["digests"] = serde_json::to_value(made.digests).unwrap();
    }
    anew["proof"]["signature"] = serde_json::to_value(proof.signature).unwrap();
    if with_key {
        anew["proof"]["public_key"] = Value::from(proof.public_key);
    }
    anew
}

/// One random change somewhere in the document.
fn change(document: &mut Value, random: &mut StdRng) {
    let leaves = leaves(document);
    let any = |random: &mut StdRng| leaves[random.random_range(0..leaves.len())].0.clone();
    let (here, there) = (any(random), any(random));
    let (parent, name) = here.rsplit_once('/').unwrap();
    match random.random_range(0..6) {
        0 => alter(document.pointer_mut(&here).unwrap()),
        1 => {
            let (one, other) = (document.pointer(&here), document.pointer(&there));
            let (one, other) = (one.unwrap().clone(), other.unwrap().clone());
            *document.pointer_mut(&here).unwrap() = other;
            *document.pointer_mut(&there).unwrap() = one;
        }
        2 => match document.pointer_mut(parent).unwrap() {
            Value::Object(members) => drop(members.remove(name)),
            Value::Array(items) => drop(items.pop()),
            _ => unreachable!(),
        },
        3 => match document.pointer_mut(parent).unwrap() {
            Value::Object(members) => drop(members.insert(format!("{name}_"), json!(1))),
            Value::Array(items) => items.push(json!("1")),
            _ => unreachable!(),
        },
        4 => {
            let lists = [
                "/evidence/readings",
                "/invoice/lines",
                "/invoice/segments",
                "/invoice/daily",
            ];
            let list = lists[random.random_range(0..lists.len())];
            if let Some(items) = document.pointer_mut(list).and_then(Value::as_array_mut) {
                let place = random.random_range(0..items.len());
                let other = random.random_range(0..items.len());
                match random.random_range(0..3) {
                    0 => drop(items.remove(place)),
                    1 => items.insert(other, items[place].clone()),
                    _ => items.swap(place, other),
                }
            }
        }
        _ => {
            // Every place at which a number stands.
            let leaf = document.pointer(&here).unwrap().clone();
            let mut other = leaf.clone();
            alter(&mut other);
            for (pointer, _) in &leaves {
                if document.pointer(pointer) == Some(&leaf) {
                    *document.pointer_mut(pointer).unwrap() = other.clone();
                }
            }
        }
    }
}

#[test]
fn of_a_thousand_random_alterations_none_passes() {
    let honest = honest();
    let mut random = StdRng::seed_from_u64(5);
    let mut tried = 0;
    while tried < 1_000 {
        let mut altered = honest.clone();
        for _ in 0..random.random_range(1..4) {
            change(&mut altered, &mut random);
        }
        // Two of the same may have been swapped.
        if altered == honest {
            continue;
        }
        tried += 1;
        let forged = match random.random_range(0..4) {
            0 => altered,
            1 => sign_anew(&altered, &forger(), false, true),
            2 => sign_anew(&altered, &forger(), true, true),
            _ => sign_anew(&altered, &forger(), true, false),
        };
        assert!(!verdict(&forged).is_identical(), "{tried}: {forged}");
    }
}

#[test]
fn a_forger_without_the_issuers_key_gets_no_further_with_any_consistency() {
    let readings = few_readings(10);
    let mut dear = invoice_of(10, &readings);
    for plan in &mut dear.plans {
        plan.tariff = crate::plan::tariff::Tariff::flat(sample::number("9"));
    }
    let charged =
        crate::billing::charge::charge(&dear.period, &dear.segments, &dear.plans, &dear.extras)
            .unwrap();
    (dear.lines, dear.total) = (charged.lines, charged.total);
    let dear = serde_json::to_value(&dear).unwrap();
    let honest = honest();
    let evidence = honest["evidence"].clone();

    // Price and total together: with the old digests, with digests made anew, with a
    // signature of its own under the issuer's name, and with its own key in the file.
    let mut forged = honest.clone();
    forged["invoice"] = dear.clone();
    let report = verdict(&forged);
    assert_eq!(parts(&report), [Part::Digest]);
    let named = |field: &str| report.differences.iter().any(|one| one.field == field);
    assert!(named("invoice.total") && named("invoice.lines[0].price"));
    forged["digests"] = issue(&forger(), dear.clone(), evidence.clone())["digests"].clone();
    assert_eq!(parts(&verdict(&forged)), [Part::Signature]);
    let named = sign_anew(&forged, &forger(), false, true);
    assert_eq!(parts(&verdict(&named)), [Part::Signature]);
    let swapped = sign_anew(&forged, &forger(), true, true);
    assert_eq!(parts(&verdict(&swapped)), [Part::Issuer]);
    // Whoever believes the key in the file is told that it is right: keys come from outside.
    let gullible = Trusted {
        issuer: KeyName::from(&forger().verifying_key()),
        ..trusted()
    };
    assert!(check(&swapped.to_string(), &gullible, &LIBRARY).is_identical());
}

#[test]
fn parts_of_two_validly_signed_invoices_do_not_make_a_third() {
    let september = few_readings(9);
    let mut other = invoice_of(9, &september);
    other.number = 11;
    let other = export(&other, &evidence_of(&september));
    assert!(verdict(&other).is_identical());
    let honest = honest();
    let parts_of = ["invoice", "evidence", "digests", "proof"];
    for mixed in 1..(1 << parts_of.len()) - 1_u32 {
        let mut document = honest.clone();
        for (place, part) in parts_of.iter().enumerate() {
            if mixed & (1 << place) != 0 {
                document[*part] = other[*part].clone();
            }
        }
        assert!(!verdict(&document).is_identical(), "{mixed:b}");
    }
    for field in honest["invoice"].as_object().unwrap().keys() {
        if honest["invoice"][field] == other["invoice"][field] {
            continue;
        }
        let mut document = honest.clone();
        document["invoice"][field] = other["invoice"][field].clone();
        let report = verdict(&document);
        let path = format!("invoice.{field}");
        let named = report
            .differences
            .iter()
            .any(|one| one.field.starts_with(&path));
        assert!(named, "{field}: {:?}", report.differences);
    }
}
