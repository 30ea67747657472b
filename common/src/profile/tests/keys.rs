//! Every key of the format by which words become a value, there and back.

use rust_decimal::Decimal;

use crate::profile::{CurrentTransformers, Profile, Registers, Table};
use crate::quantity::Quantity;
use crate::unit::Unit;

const HEAD: &str = r#"schema = 1
id = "x-1"
kind = "electric"
vendor = "X"
models = ["1"]
confidence = "unverified"
sources = ["its manual"]
link = { unit_id = 1, baud = 9600, parity = "none", stop_bits = 1 }
defaults = { table = "holding", type = "u16", address_base = 40001 }
"#;

/// A profile whose only point is `x`, as `keys` say; registers lie from wire address 0 on.
fn profile(keys: &str) -> Profile {
    let (registers, point) = keys.split_once("--").unwrap();
    let text = format!("{HEAD}{registers}\n[[point]]\nid = \"x\"\nrole = \"counter\"\n{point}");
    Profile::parse(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn registers(words: &[u16]) -> Registers {
    let mut registers = Registers::new();
    for (address, word) in (0..).zip(words) {
        registers.set(Table::Holding, address, *word);
    }
    registers
}

/// Registers and point, words, value: each decodes, and encodes to the same words.
const VALUES: &[(&str, &[u16], &str)] = &[
    (
        "reg.a = { address = 40001, type = \"bcd16\" } -- from = \"a\"",
        &[0x1234],
        "1234",
    ),
    (
        "reg.a = { address = 40001, type = \"bcd32\", order = \"CDAB\" } -- from = \"a\"",
        &[0x5678, 0x1234],
        "12345678",
    ),
    (
        "reg.a = { address = 40001, type = \"bcd48\" } -- from = \"a\"\nscale = \"0.001\"",
        &[0x0012, 0x3456, 0x7890],
        "1234567.890",
    ),
    (
        "reg.a = { address = 40001, type = \"bcd64\" } -- from = \"a\"",
        &[0, 0, 0x9999, 0x9999],
        "99999999",
    ),
    (
        "reg.a = { address = 40001, type = \"u48\", order = \"EFCDAB\" } -- from = \"a\"",
        &[0x0001, 0x0000, 0x0100],
        "1099511627777",
    ),
    (
        "reg.a = { address = 40001, type = \"f64\", order = \"HGFEDCBA\" } -- from = \"a\"\n\
         decimals = 1",
        &[0, 0, 0x004A, 0x9340],
        "1234.5",
    ),
    (
        "reg.a = { address = 40001, bits = [4, 8] } -- from = \"a\"",
        &[0x0AB0],
        "171",
    ),
    (
        "reg.a.address = 40001\nreg.b.address = 40002\n-- \
         sum = [{ reg = \"a\", weight = \"1000\" }, \"b\"]",
        &[12, 345],
        "12345",
    ),
    (
        "reg.a.address = 40001\nreg.b.address = 40002\n-- \
         sum = [{ reg = \"b\", weight = \"0.001\" }, \"a\"]\nscale = \"0.1\"",
        &[12, 345],
        "1.2345",
    ),
    (
        "reg.a.address = 40001\nreg.ct.address = 40002\nreg.pt.address = 40003\n-- \
         from = \"a\"\nscale = \"0.01\"\nscale_by = [\"ct\", \"pt\"]",
        &[1000, 40, 3],
        "1200.00",
    ),
    (
        "reg.a.address = 40001\nreg.n = { address = 40002, type = \"i16\" }\n-- \
         from = \"a\"\npow10 = { reg = \"n\", offset = 1 }",
        &[1234, 0xFFFD],
        "12.34",
    ),
    (
        "reg.a.address = 40001\nreg.n.address = 40002\n-- from = \"a\"\n\
         pow10 = { reg = \"n\", map = { 1 = -1, 2 = 0, 8 = 6 } }",
        &[1234, 1],
        "123.4",
    ),
    (
        "reg.a = { address = 40001, type = \"f32\", order = \"ABCD\" }\nreg.n.address = 40003\n\
         -- from = \"a\"\ndecimals = 2\nwraps = { reg = \"n\", modulus = \"100000\" }",
        &[0x4640, 0xE6B8, 3],
        "312345.68",
    ),
];

#[test]
fn every_key_means_what_it_says_there_and_back() {
    for (keys, words, value) in VALUES {
        let profile = profile(&format!("{keys}\nunit = \"kWh\""));
        let given = registers(words);
        let number = Decimal::from_str_exact(value).unwrap();
        let expected = Quantity::new(number, Unit::KiloWh).unwrap();
        assert_eq!(profile.decode("x", &given).value, Ok(expected), "{keys}");
        // What says how to count is kept; the count itself is put anew.
        let mut again = given.clone();
        again.set(Table::Holding, 0, 0);
        profile.encode("x", expected, &mut again).unwrap();
        assert_eq!(again, given, "{keys}");
    }
}

#[test]
fn words_that_no_such_device_sends_are_suspect() {
    let ratio = "reg.a.address = 40001\nreg.ct.address = 40002\n-- from = \"a\"\n\
                 scale_by = [\"ct\"]";
    let map = VALUES[11].0;
    let table: &[(&str, &[u16], &str)] = &[
        (VALUES[0].0, &[0x12A4], "holds 12a4, which are no decimal"),
        (ratio, &[5, 0], "'ct' holds 0, which is no ratio"),
        (map, &[5, 3], "'n' holds 3, which is no multiplier"),
        (
            VALUES[10].0,
            &[5, 99],
            "'n' holds 99, which is no multiplier",
        ),
    ];
    for (keys, words, reason) in table {
        let profile = profile(&format!("{keys}\nunit = \"kWh\""));
        let why = profile.decode("x", &registers(words)).value.unwrap_err();
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn a_sum_spills_into_the_next_register_when_one_is_full() {
    let keys = "reg.a.address = 40001\nreg.b.address = 40002\n-- sum = [\"a\", \"b\"]\n\
                unit = \"kWh\"";
    let profile = profile(keys);
    let encode = |value: i64| {
        let mut registers = Registers::new();
        let value = Quantity::new(value.into(), Unit::KiloWh).unwrap();
        profile.encode("x", value, &mut registers)?;
        Ok::<_, crate::profile::EncodeError>(profile.decode("x", &registers).raw)
    };
    assert_eq!(encode(65_540).unwrap(), "FFFF 0005");
    assert!(encode(131_071).is_err());
}

const TEXTS: &str = "reg.two = { address = 40001, type = \"text\", length = 3 }
reg.one = { address = 40011, type = \"text\", length = 4, chars_per_reg = 1 }
reg.swapped = { address = 40021, type = \"text\", length = 2, order = \"BA\" }
reg.number = { address = 40031, type = \"bcd32\", order = \"ABCD\" }
reg.a.address = 40041
-- from = \"a\"\nunit = \"kWh\"\n";

#[test]
fn texts_identify_a_device_and_tell_its_serial_number() {
    let identify = "[[identify]]\nreg = \"two\"\nstarts_with = \"EM\"\n\
                    [[identify]]\nreg = \"one\"\nequals = \"SOCO\"\n\
                    [[identify]]\nreg = \"swapped\"\none_of = [\"AL\", \"ABCD\"]\n";
    let numbered = profile(&format!("{TEXTS}{identify}[serial]\nreg = \"number\"\n"));
    let mut registers = Registers::new();
    assert!(!numbered.fits(&registers) && numbered.serial(&registers).is_none());
    let words: &[(u16, &[u16])] = &[
        (0, &[0x454D, 0x3131, 0x3020]),
        (10, &[0x53, 0x4F, 0x43, 0x4F]),
        (20, &[0x4241, 0x4443]),
        (30, &[0x0012, 0x3456]),
    ];
    for (start, words) in words {
        for (address, word) in (*start..).zip(*words) {
            registers.set(Table::Holding, address, *word);
        }
    }
    assert!(numbered.fits(&registers));
    assert_eq!(numbered.serial(&registers).as_deref(), Some("123456"));
    let request = &numbered.serial_requests()[..];
    assert_eq!(
        (request[0].address, request[0].count, request.len()),
        (30, 2, 1)
    );

    let mut own = Registers::new();
    numbered.encode_identity(&mut own);
    numbered.encode_serial("90807060", &mut own);
    assert!(numbered.fits(&own));
    assert_eq!(numbered.serial(&own).as_deref(), Some("90807060"));
    registers.set(Table::Holding, 10, 0x41);
    assert!(!numbered.fits(&registers));

    let lettered = profile(&format!("{TEXTS}[serial]\nreg = \"two\"\n"));
    assert_eq!(lettered.serial(&registers).as_deref(), Some("EM110"));
    for (word, serial) in [(0x4100, Some("A")), (0, None), (0x41FF, None)] {
        registers.set(Table::Holding, 0, word);
        assert_eq!(lettered.serial(&registers).as_deref(), serial, "{word:#x}");
    }
}

#[test]
fn an_answer_outside_of_what_is_plausible_is_refused() {
    let keys = "reg.a.address = 40001\nreg.hz = { address = 40002 }\nreg.v.address = 40003\n-- \
                from = \"a\"\nunit = \"kWh\"\n\
                [[reject]]\noutside = { reg = \"hz\", between = [450, 650] }\n\
                [[reject]]\nall_zero = [\"a\", \"v\"]\n";
    let profile = profile(keys);
    let good = |words: &[u16]| profile.decode("x", &registers(words)).value.is_ok();
    assert!(good(&[7, 500, 230]) && good(&[0, 500, 230]) && good(&[7, 500, 0]));
    assert!(!good(&[7, 449, 230]) && !good(&[7, 651, 230]) && !good(&[0, 500, 0]));
    // Another master may not have asked for them; a lone zero is then no value either.
    assert!(good(&[7]) && !good(&[0]));
    let asked = profile.requests(&["x"]);
    assert_eq!((asked[0].address, asked[0].count), (0, 3));
    let mut live = Registers::new();
    profile.encode_identity(&mut live);
    let zero = Quantity::new(Decimal::ZERO, Unit::KiloWh).unwrap();
    profile.encode("x", zero, &mut live).unwrap();
    assert_eq!(profile.decode("x", &live).value, Ok(zero));
}

#[test]
fn what_a_document_says_of_a_rollover_is_never_for_arithmetic() {
    let point = |verified: bool| {
        let keys = format!(
            "reg.a.address = 40001\n-- from = \"a\"\nunit = \"kWh\"\nmax_rate = \"12.5\"\n\
             rollover = \"1000000\"\nrollover_verified = {verified}"
        );
        profile(&keys).points.remove(0)
    };
    let stated = point(false);
    assert_eq!(stated.rollover(), None);
    let text = stated.rollover_text().unwrap();
    assert_eq!(text, "1000000 (not seen on a meter)");
    assert!(point(true).rollover().is_some());
    assert_eq!(stated.max_rate, Some("12.5".parse().unwrap()));
    assert!(stated.monotonic);
    for profile in crate::profile::Library::shipped().iter() {
        for point in profile.billing_points() {
            assert!(point.monotonic, "{} {}", profile.id, point.id);
            assert!(point.rollover().is_none() || point.rollover_verified);
        }
    }
}

#[test]
fn what_a_device_needs_beside_its_registers_is_kept() {
    let keys = "wake = 1\nrefresh = { wait_ms = 6000 }\nct = \"registers\"\n\
                limits = { unit_change_gap_ms = 200, min_poll_s = 600, no_exceptions = true }\n\
                unit_id_hint = { en = \"a\", es = \"b\", formula = \"dzg\" }\n\
                reg.a.address = 40001\nreg.ct.address = 40002\n-- from = \"a\"\nunit = \"kWh\"\n\
                scale_by = [\"ct\"]\nmonotonic = false";
    let profile = profile(keys);
    assert_eq!((profile.wake, profile.refresh.unwrap().wait_ms), (1, 6000));
    assert_eq!(profile.ct, Some(CurrentTransformers::Registers));
    let limits = profile.limits;
    assert_eq!((limits.unit_change_gap_ms, limits.min_poll_s), (200, 600));
    assert!(limits.no_exceptions && !profile.points[0].monotonic);
    assert_eq!(
        profile.unit_id_hint.unwrap().formula.unwrap().unit_id("23"),
        Some(0x24)
    );
}
