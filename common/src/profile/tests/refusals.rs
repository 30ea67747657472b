//! What is no profile is refused, with the line and the reason.

use proptest::prelude::*;

use crate::profile::{Profile, Registers, Table};

pub(super) const GOOD: &str = r#"schema = 1
id = "x-1"
kind = "electric"
vendor = "X"
models = ["1"]
confidence = "unverified"
sources = ["its manual"]
[link]
unit_id = 1
baud = 9600
parity = "none"
stop_bits = 1
[defaults]
table = "input"
type = "u32"
order = "CDAB"
[reg.a]
address = 0
[reg.b]
address = 2
[[point]]
id = "energy_import"
role = "billing"
from = "a"
scale = "0.01"
unit = "kWh"
[[test]]
point = "energy_import"
words = { a = [0x0102, 0] }
value = "2.58"
unit = "kWh"
computed = true
"#;

/// What is changed in GOOD, into what, and the line and reason of the refusal.
const WRONG: &[(&str, &str, usize, &str)] = &[
    ("stop_bits = 1", "stop_bits = 3", 12, "from 1 to 2, not 3"),
    ("baud = 9600", "baud = 0", 10, "a baud rate is from 110"),
    (
        "[defaults]",
        "[limits]\nretries = 11\n[defaults]",
        13,
        "retries is at most 10",
    ),
    ("[link]", "wake = 99\n[link]", 8, "wake is from 0 to 10"),
    (
        "[link]",
        "refresh = { wait_ms = 0 }\n[link]",
        8,
        "wait_ms is from 1",
    ),
    ("[link]", "ct = \"registers\"\n[link]", 8, "says `scale_by`"),
    (
        "[link]",
        "extends = \"y\"\n[link]",
        8,
        "extends 'y', which is no",
    ),
    (
        "[[test]]",
        "[serial]\nreg = \"z\"\n[[test]]",
        28,
        "no register 'z'",
    ),
    (
        "address = 2",
        "address = 2\ntype = \"text\"",
        19,
        "a text says its `length`",
    ),
    (
        "address = 2",
        "address = 2\nlength = 2",
        21,
        "only a text has a `length`",
    ),
    (
        "address = 2",
        "address = 2\nchars_per_reg = 1",
        21,
        "1 or 2 `chars_per_reg`",
    ),
    (
        "address = 2",
        "address = 2\ntype = \"bcd32\"\nbits = [0, 4]",
        22,
        "within an integer",
    ),
    (
        "address = 2",
        "address = 2\ninvalid = [0x1FFFFFFFF]",
        21,
        "never hold 0x1ffffffff",
    ),
    (
        "from = \"a\"",
        "sum = [\"a\", { reg = \"b\", weight = \"-1\" }]",
        24,
        "weight '-1' is no decimal",
    ),
    (
        "from = \"a\"",
        "sum = [\"a\", \"z\"]",
        24,
        "no register 'z'",
    ),
    (
        "scale = \"0.01\"",
        "scale_by = [\"ct\"]",
        25,
        "no register 'ct'",
    ),
    (
        "scale = \"0.01\"",
        "pow10 = { reg = \"b\", map = { x = 1 } }",
        25,
        "'x' is not a number of 'b'",
    ),
    (
        "scale = \"0.01\"",
        "wraps = { reg = \"b\", modulus = \"0.5\" }",
        25,
        "whole number",
    ),
    (
        "scale = \"0.01\"",
        "must_match = { point = \"energy_import\", tolerance_pct = 1 }",
        25,
        "cannot be the same quantity",
    ),
    ("[[test]]", "[[reject]]\n[[test]]", 27, "[[reject]] needs"),
    (
        "[[test]]",
        "[[reject]]\noutside = { reg = \"a\", between = [2, 1] }\n[[test]]",
        28,
        "the lower first",
    ),
    (
        "[[test]]",
        "[[identify]]\nreg = \"a\"\nequals = \"EM\"\n[[test]]",
        28,
        "'a' holds a number",
    ),
    (
        "address = 2",
        "address = 4\n[reg.c]\naddress = 9\n[[group]]\natomic = [\"b\", \"c\"]",
        24,
        "3 undeclared",
    ),
    (
        "computed = true",
        "computed = true\nsource = \"x\"",
        28,
        "either its `source` or",
    ),
    (
        "computed = true",
        "computed = false",
        28,
        "either its `source` or",
    ),
    ("schema = 1", "schema = 2", 1, "reads schema 1"),
    ("id = \"x-1\"", "id = \"X 1\"", 2, "is not an id"),
    ("kind = \"electric\"", "kind = \"gas\"", 3, "gas"),
    (
        "sources = [\"its manual\"]",
        "sources = []",
        7,
        "where its facts come from",
    ),
    ("unit_id = 1", "unit_id = 248", 9, "end at 247"),
    ("baud = 9600", "baud = \"fast\"", 10, "expected u32"),
    (
        "stop_bits = 1",
        "stop_bits = 1\nmin_poll_s = 60",
        13,
        "unknown field `min_poll_s`",
    ),
    (
        "scale = \"0.01\"",
        "monotonic = false",
        25,
        "one that only rises",
    ),
    (
        "scale = \"0.01\"",
        "max_rate = \"0\"",
        25,
        "not a positive decimal",
    ),
    (
        "[defaults]",
        "[limits]\nmerge = \"always\"\n[defaults]",
        14,
        "always",
    ),
    (
        "order = \"CDAB\"",
        "order = \"CDAA\"",
        16,
        "not an arrangement of 'ABCD'",
    ),
    ("address = 2", "address = 1", 19, "'b' overlaps 'a'"),
    (
        "address = 2",
        "address = 65535",
        20,
        "not within 0 to 65535",
    ),
    (
        "address = 2",
        "address = 2\ntype = \"u64\"",
        19,
        "must say their order",
    ),
    (
        "address = 2",
        "address = 2\nbits = [30, 3]",
        21,
        "within an integer of 32 bits",
    ),
    (
        "address = 2",
        "address = 2\ninvalid = [\"FF\"]",
        21,
        "hexadecimal",
    ),
    ("id = \"energy_import\"", "id = \"\"", 22, "is not an id"),
    ("from = \"a\"", "from = \"c\"", 24, "no register 'c'"),
    (
        "from = \"a\"",
        "from = \"a\"\nsum = [\"b\"]",
        22,
        "exactly one of `from`, `sum`",
    ),
    ("scale = \"0.01\"", "scale = \"0\"", 25, "positive decimal"),
    (
        "scale = \"0.01\"",
        "scale = \"0.0000000001\"",
        25,
        "at most 9 decimals",
    ),
    ("scale = \"0.01\"", "scale = 0.01", 25, "expected a string"),
    (
        "scale = \"0.01\"",
        "scale = \"0.01\"\ndecimals = 1",
        26,
        "round away",
    ),
    (
        "scale = \"0.01\"",
        "scale = \"0.01\"\nrollover = \"-1\"",
        26,
        "positive decimal",
    ),
    (
        "unit = \"kWh\"",
        "unit = \"MBTU\"",
        26,
        "unknown unit 'MBTU'",
    ),
    ("a = [0x0102, 0]", "c = [0x0102, 0]", 29, "no register 'c'"),
    ("a = [0x0102, 0]", "a = [0x0102]", 28, "has 2 words"),
    (
        "value = \"2.58\"",
        "value = \"25.8\"",
        30,
        "expected 25.8 kWh, decoded 2.58 kWh",
    ),
    (
        "value = \"2.58\"",
        "suspect = \"x\"",
        28,
        "either `value` and `unit`, or",
    ),
    ("computed = true", "", 28, "either its `source` or"),
    (
        "[[test]]",
        "[[group]]\natomic = [\"a\", \"z\"]\n[[test]]",
        28,
        "no register 'z'",
    ),
    (
        "[[test]]",
        "[[flag]]\nreg = \"a\"\nbit = 32\ntext = { en = \"\", es = \"\" }\n[[test]]",
        29,
        "no bit 32",
    ),
    (
        "[[test]]",
        "[[identify]]\nreg = \"a\"\nbetween = [2, 1]\n[[test]]",
        28,
        "[[identify]] needs",
    ),
];

#[test]
fn errors_name_the_line_and_what_would_be_right() {
    Profile::parse(GOOD).unwrap();
    for (good, bad, line, reason) in WRONG {
        assert!(GOOD.contains(*good), "{good}");
        let error = Profile::parse(&GOOD.replacen(good, bad, 1)).unwrap_err();
        assert!(error.reason.contains(reason), "{bad}: {error}");
        assert_eq!(error.line, *line, "{bad}: {error}");
    }
}

#[test]
fn what_is_said_twice_or_left_unproved_is_refused() {
    let point = GOOD.split("[[point]]").nth(1).unwrap();
    let point = format!("[[point]]{}", point.split("[[test]]").next().unwrap());
    let twice = GOOD.replace("[[test]]", &format!("{point}[[test]]"));
    assert!(
        Profile::parse(&twice)
            .unwrap_err()
            .reason
            .contains("two points 'energy_import'")
    );
    let register = GOOD.replace("[reg.b]", "[reg.a]");
    assert_eq!(Profile::parse(&register).unwrap_err().line, 19);
    let unproved = Profile::parse(GOOD.split("[[test]]").next().unwrap()).unwrap_err();
    assert!(unproved.line == 22 && unproved.reason.contains("no [[test]]"));
    // Two points that each must match the other prove nothing.
    let rule = |id: &str| format!("must_match = {{ point = \"{id}\", tolerance_pct = 1 }}\n");
    let first = GOOD.replace("[[test]]", &(rule("other") + "[[test]]"));
    let second = point
        .replace("energy_import", "other")
        .replace("\"billing\"", "\"check\"");
    let circle = first.replace("[[test]]", &(second + &rule("energy_import") + "[[test]]"));
    let circle = Profile::parse(&circle).unwrap_err();
    assert!(
        circle.line == 27 && circle.reason.contains("itself"),
        "{circle}"
    );
    let float = GOOD.replace("type = \"u32\"", "type = \"f32\"");
    assert!(
        Profile::parse(&float)
            .unwrap_err()
            .reason
            .contains("must say its `decimals`")
    );
    let wide = GOOD.replace("[defaults]", "[limits]\nmax_registers = 1\n[defaults]");
    assert!(
        Profile::parse(&wide)
            .unwrap_err()
            .reason
            .contains("2 registers must come")
    );
    let long = format!("{GOOD}#{}", "x".repeat(crate::profile::PROFILE_BYTES_MAX));
    assert!(
        Profile::parse(&long)
            .unwrap_err()
            .reason
            .contains("at most 65536 bytes")
    );
}

#[test]
fn words_that_hold_no_value_are_suspect() {
    let check = |keys: &str, words: &[u16], reason: &str| {
        let text = GOOD.replace("address = 0", &format!("address = 0\n{keys}"));
        let text = text.replace(
            "scale = \"0.01\"\nunit = \"kWh\"",
            "decimals = 3\nunit = \"kWh\"",
        );
        // The vector of GOOD is for another type, so it is exchanged for one that fits all.
        let vector = "words = { a = WORDS }\nsuspect = \"\"";
        let count = words.len();
        let given = format!("[{}]", vec!["0xFFFF"; count].join(", "));
        let start = text.split("words = ").next().unwrap();
        let text = format!(
            "{start}{}\ncomputed = true\n",
            vector.replace("WORDS", &given)
        );
        let profile = Profile::parse(&text.replace("[reg.b]\naddress = 2", "[reg.b]\naddress = 9"));
        let profile = profile.unwrap_or_else(|error| panic!("{keys}: {error}"));
        let mut registers = Registers::new();
        for (address, word) in (0..).zip(words) {
            registers.set(Table::Input, address, *word);
        }
        let decoded = profile
            .decode("energy_import", &registers)
            .value
            .unwrap_err();
        assert!(decoded.contains(reason), "{decoded}");
    };
    let f32_abcd = "type = \"f32\"\norder = \"ABCD\"";
    check(f32_abcd, &[0x7FC0, 0], "not a number");
    check(f32_abcd, &[0xFF80, 0], "-inf");
    check(f32_abcd, &[0x7F00, 0], "too large");
    check(f32_abcd, &[0x6000, 0], "too large");
    let f64_hgfe = "type = \"f64\"\norder = \"HGFEDCBA\"";
    check(f64_hgfe, &[0, 0, 0, 0xF07F], "inf");
    check(
        "invalid = [0xFFFFFFFF, 0x80000000]",
        &[0, 0x8000],
        "no value",
    );
}

proptest! {
    #![proptest_config(super::fuzz::cases(256))]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*", at in 0..GOOD.len(), cut in 0..40_usize) {
        let _ = Profile::parse(&text);
        let end = (at + cut).min(GOOD.len());
        let _ = Profile::parse(&format!("{}{text}{}", &GOOD[..at], &GOOD[end..]));
    }
}
