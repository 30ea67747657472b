//! Profiles that say only what differs from another.

use super::shipped_text;
use crate::profile::{Library, Profile, Registers};

const VARIANT: &str = r#"schema = 1
id = "pzem-x"
extends = "pzem-016"
models = ["X"]
confidence = "one-source"
sources = ["its manual"]
"#;

fn refused(text: &str) -> String {
    Library::shipped().parse(text).unwrap_err().to_string()
}

#[test]
fn a_variant_says_only_what_differs() {
    let library = Library::shipped();
    let base = library.get("pzem-016").unwrap();
    let same = library.parse(VARIANT).unwrap();
    assert_eq!(same.points, base.points);
    assert_eq!(same.vendor, base.vendor);
    assert_eq!(same.extends.as_deref(), Some("pzem-016"));
    assert_eq!(same.worked_vectors, base.worked_vectors);
    let other = VARIANT.replace("its manual", "its label");
    assert_ne!(library.parse(&other).unwrap().reference(), same.reference());

    let moved = format!("{VARIANT}[limits]\nrequest_gap_ms = 77\n[reg.p]\naddress = 0x0010\n");
    let moved = library.parse(&moved).unwrap();
    assert_eq!(moved.limits.request_gap_ms, 77);
    assert_eq!(moved.limits.max_registers, base.limits.max_registers);
    let addresses = |profile: &Profile| {
        let requests = profile.requests(&["power"]);
        requests.iter().map(|r| r.address).collect::<Vec<_>>()
    };
    assert!(!addresses(base).contains(&0x10) && addresses(&moved).contains(&0x10));
    assert_eq!(moved.points.len(), base.points.len());
    // Vectors of the point that moved prove nothing of it any more; the others still do.
    let all = |profile: &Profile| profile.worked_vectors + profile.computed_vectors;
    assert!(all(&moved) < all(base), "{} < {}", all(&moved), all(base));
    assert!(all(&moved) > 0);
}

#[test]
fn a_billing_point_that_changes_must_be_proved_anew() {
    let finer =
        format!("{VARIANT}[[point]]\nid = \"energy_import\"\nscale = \"0.001\"\nunit = \"kWh\"\n");
    let error = refused(&finer);
    assert!(
        error.contains("line 8: billing point 'energy_import' has no [[test]]"),
        "{error}"
    );
    let proved = format!(
        "{finer}[[test]]\npoint = \"energy_import\"\n\
         words = {{ energy = [38, 0] }}\nvalue = \"0.038\"\nunit = \"kWh\"\ncomputed = true\n"
    );
    let text = shipped_text("pzem-016.toml").1;
    let register = text
        .split("from = \"")
        .find(|part| part.starts_with("energy"));
    let register = register.unwrap().split('"').next().unwrap();
    let proved = proved.replace("energy = [", &format!("{register} = ["));
    let profile = match Library::shipped().parse(&proved) {
        Ok(profile) => profile,
        Err(error) => panic!("{error} in {proved}"),
    };
    let point = profile.point("energy_import").unwrap();
    assert_eq!(point.units().len(), 1);
    let raw = profile.decode("energy_import", &Registers::new()).raw;
    assert_eq!(raw, "---- ----");
}

#[test]
fn one_value_takes_the_place_of_another_way_to_say_it() {
    let library = Library::shipped();
    let base = library.get("tuf-2000m").unwrap();
    assert_eq!(base.point("volume").unwrap().units().len(), 8);
    let fixed = VARIANT.replace("pzem-016", "tuf-2000m")
        + "[[point]]\nid = \"volume\"\nunit = \"m3\"\n\
           [[test]]\npoint = \"volume\"\n\
           words = { positive = [1, 0], positive_fraction = [0, 0], multiplier = [3] }\n\
           value = \"1.000\"\nunit = \"m3\"\ncomputed = true\n";
    let profile = library
        .parse(&fixed)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(profile.point("volume").unwrap().units().len(), 1);
}

#[test]
fn a_wrong_variant_is_refused_at_the_line_that_shows_it() {
    let base = shipped_text("pzem-016.toml").1;
    let line = base
        .lines()
        .position(|line| line.starts_with("[[point]]"))
        .unwrap()
        + 2;
    let table = [
        (
            VARIANT.replace("pzem-016", "none"),
            "line 3: it extends 'none'".to_owned(),
        ),
        (
            VARIANT.replace("models = [\"X\"]\n", ""),
            "line 3: what extends another must still say its own `models`".to_owned(),
        ),
        (
            format!("{VARIANT}[limits]\nmax_gaps = 1\n"),
            "line 8: unknown field `max_gaps`".to_owned(),
        ),
        (
            format!("{VARIANT}[limits]\nmax_registers = 1\n"),
            format!("line {line} of 'pzem-016', which it extends: "),
        ),
    ];
    for (text, reason) in table {
        let error = refused(&text);
        assert!(error.contains(&reason), "{error}: {reason}");
    }
    let alone = Profile::parse(VARIANT).unwrap_err();
    assert_eq!(alone.line, 3);
    // One level, and no further.
    let files = [
        ("a.toml".to_owned(), VARIANT.to_owned()),
        (
            "b.toml".to_owned(),
            VARIANT
                .replace("pzem-016", "pzem-x")
                .replacen("pzem-x", "pzem-y", 1),
        ),
    ];
    let error = Library::shipped().with_local(files).unwrap_err();
    assert_eq!(error.file, "b.toml");
    assert!(
        error
            .to_string()
            .contains("'pzem-x', which is no complete profile"),
        "{error}"
    );
}

#[test]
fn a_local_file_may_correct_the_shipped_one_of_its_name() {
    let own = VARIANT.replace("pzem-x", "pzem-016") + "[limits]\nretries = 5\n";
    let library = Library::shipped();
    let before = library.get("pzem-016").unwrap().reference();
    let library = library.with_local([("mine.toml".to_owned(), own)]).unwrap();
    let profile = library.get("pzem-016").unwrap();
    assert!(library.is_local("pzem-016") && profile.reference() != before);
    assert_eq!(profile.limits.retries, 5);
}

#[test]
fn the_examples_of_the_page_about_the_format_are_true() {
    let page = include_str!("../../../profiles/README.md");
    let examples = page.split("```toml\n").skip(1);
    let examples: Vec<&str> = examples
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [whole, variant] = examples[..] else {
        panic!("two examples, not {}", examples.len());
    };
    let whole = ("a.toml".to_owned(), whole.to_owned());
    let variant = ("b.toml".to_owned(), variant.to_owned());
    let library = Library::shipped().with_local([variant, whole]).unwrap();
    let whole = library.get("example-heat").unwrap();
    assert_eq!((whole.worked_vectors, whole.computed_vectors), (1, 1));
    let variant = library.get("example-heat-2").unwrap();
    assert_eq!(variant.limits.request_gap_ms, 200);
    assert_ne!(variant.requests(&["flow"]), whole.requests(&["flow"]));
}
