//! Words to values and back, over every shipped profile.

use std::sync::LazyLock;

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::profile::{EncodeError, Library, Profile, Registers};
use crate::quantity::Quantity;
use crate::unit::Unit;

/// Parsed once: every case goes through all of them.
static SHIPPED: LazyLock<Library> = LazyLock::new(Library::shipped);

fn quantity(text: &str, unit: Unit) -> Quantity {
    Quantity::new(Decimal::from_str_exact(text).unwrap(), unit).unwrap()
}

fn words_of(profile: &Profile, words: &[u16]) -> Registers {
    let mut registers = Registers::new();
    let mut words = words.iter().copied().cycle();
    for register in profile.registers() {
        let span = register.span();
        let own: Vec<u16> = words.by_ref().take(span.count.into()).collect();
        registers.insert(&span, &own);
    }
    registers
}

#[test]
fn a_value_becomes_the_words_that_mean_it() {
    let table = [
        (
            "eastron-sdm630",
            "energy_import",
            "12345.67",
            Unit::KiloWh,
            "4640 E6AE",
        ),
        (
            "abb-b23",
            "energy_import",
            "123456.78",
            Unit::KiloWh,
            "0000 0000 00BC 614E",
        ),
        ("abb-b23", "power", "-23.45", Unit::Watt, "FFFF F6D7"),
        (
            "carlo-gavazzi-em340",
            "energy_import",
            "123456.7",
            Unit::KiloWh,
            "D687 0012",
        ),
        (
            "pzem-016",
            "energy_import",
            "1234567",
            Unit::Wh,
            "D687 0012",
        ),
        (
            "onicon-system-10",
            "energy_btu",
            "111015500000",
            Unit::Btu,
            "51CE C851",
        ),
        (
            "tuf-2000m",
            "volume",
            "123.456",
            Unit::GallonUs,
            "E240 0001 0000 0000 0000 0002",
        ),
        (
            "tuf-2000m",
            "volume",
            "4000000.5",
            Unit::CubicMetre,
            "8432 17D7 0000 0000 0001 0000",
        ),
    ];
    let library = Library::shipped();
    for (profile, point, value, unit, raw) in table {
        let profile = library.get(profile).unwrap();
        let mut registers = Registers::new();
        let value = quantity(value, unit);
        profile.encode(point, value, &mut registers).unwrap();
        let decoded = profile.decode(point, &registers);
        assert_eq!(decoded.raw, raw, "{} {point}", profile.id);
        let back = decoded.value.unwrap();
        assert_eq!((back.value(), back.unit()), (value.value(), unit));
    }
}

#[test]
fn words_that_are_not_the_points_own_are_no_value() {
    let profile = SHIPPED.get("eastron-sdm630").unwrap();
    let value = profile.decode_raw("energy_import", "4640 E6AE");
    assert_eq!(value, Ok(quantity("12345.67", Unit::KiloWh)));
    for raw in [
        "",
        "4640",
        "4640 E6A",
        "4640 E6AE 0000",
        "4640 ----",
        "4640  E6AE",
        "4640 +6AE",
    ] {
        assert!(profile.decode_raw("energy_import", raw).is_err(), "{raw}");
    }
    assert!(profile.decode_raw("energy", "4640 E6AE").is_err());
}

#[test]
fn a_counter_shows_its_last_full_step_and_its_limits() {
    let library = Library::shipped();
    let pzem = library.get("pzem-016").unwrap();
    let mut registers = Registers::new();
    registers.set(crate::profile::Table::Input, 7, 500);
    pzem.encode(
        "energy_import",
        quantity("38.999", Unit::Wh),
        &mut registers,
    )
    .unwrap();
    let shown = pzem.decode("energy_import", &registers).value;
    assert_eq!(shown, Ok(quantity("38", Unit::Wh)));
    let refused = [
        ("energy_import", quantity("4294967296", Unit::Wh)),
        ("energy_import", quantity("-1", Unit::Wh)),
        ("energy_import", quantity("1", Unit::KiloWh)),
        ("energy", quantity("1", Unit::Wh)),
    ];
    for (point, value) in refused {
        assert!(
            pzem.encode(point, value, &mut registers).is_err(),
            "{point} {value}"
        );
    }
}

proptest! {
    #![proptest_config(super::fuzz::cases(64))]

    #[test]
    fn no_words_make_decoding_panic(words in prop::collection::vec(any::<u16>(), 1..64)) {
        for profile in SHIPPED.iter() {
            let registers = words_of(profile, &words);
            for point in &profile.points {
                let decoded = profile.decode(&point.id, &registers);
                prop_assert!(!decoded.raw.is_empty());
                // Whoever has nothing but the kept words comes to the same value.
                if let Ok(value) = decoded.value {
                    prop_assert_eq!(profile.decode_raw(&point.id, &decoded.raw), Ok(value));
                }
            }
            let _ = profile.fits(&registers);
            let _ = profile.raised(&registers).count();
        }
    }

    /// What decoded from some words encodes to words that decode to the same.
    #[test]
    fn encoding_is_the_inverse_of_decoding(words in prop::collection::vec(any::<u16>(), 1..64)) {
        for profile in SHIPPED.iter() {
            let registers = words_of(profile, &words);
            for point in &profile.points {
                let Ok(value) = profile.decode(&point.id, &registers).value else { continue };
                let mut again = registers.clone();
                if let Err(error) = profile.encode(&point.id, value, &mut again) {
                    // The first addend of a sum takes it all, which may be too much for it.
                    let too_large = matches!(error, EncodeError::TooLarge(..));
                    prop_assert!(too_large, "{}: {error}", profile.id);
                    continue;
                }
                let back = profile.decode(&point.id, &again).value;
                // A nothing that was not spelt with zeros may become an answer of all zeros.
                let silent = value.value().is_zero() && back.is_err();
                prop_assert!(silent || back == Ok(value), "{}: {:?}", profile.id, back);
            }
        }
    }

    /// Counts that every register of the field holds exactly; some count in tens.
    #[test]
    fn small_counts_survive_every_profile(tens in 0..800_i64) {
        for profile in SHIPPED.iter() {
            for point in profile.billing_points() {
                for unit in point.units() {
                    let mut registers = Registers::new();
                    profile.encode_identity(&mut registers);
                    let whole = quantity(&(tens * 10).to_string(), unit);
                    profile.encode(&point.id, whole, &mut registers).unwrap();
                    let back = profile.decode(&point.id, &registers).value.unwrap();
                    prop_assert_eq!((back.value(), back.unit()), (whole.value(), unit));
                }
            }
        }
    }
}
