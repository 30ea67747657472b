//! Anything at all: texts that are nearly profiles, and layouts of every kind. A longer run:
//! `PROPTEST_CASES=20000 cargo test -p common profile::tests`.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::profile::extend::Source;
use crate::profile::{Library, Merge, Profile, Registers, library, vector};

/// So many cases unless the environment says how many.
pub(super) fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if asked { default.cases } else { cases },
        failure_persistence: None,
        ..default
    }
}

static LIBRARY: LazyLock<Library> = LazyLock::new(Library::shipped);

#[derive(Debug, Clone)]
enum Damage {
    Byte(usize, u8),
    DeleteLine(usize),
    DoubleLine(usize),
    MoveLine(usize, usize),
    Borrow(usize, usize, usize),
    Number(usize, &'static str),
    Cut(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let numbers = [
        "0",
        "-1",
        "65535",
        "65536",
        "4294967295",
        "9223372036854775807",
        "99999999999999999999999999",
        "1e308",
        "\"79228162514264337593543950335\"",
        "\"0.000000001\"",
        "nan",
        "[]",
        "{}",
    ];
    let at = any::<usize>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        3 => at().prop_map(Damage::DeleteLine),
        2 => at().prop_map(Damage::DoubleLine),
        2 => (at(), at()).prop_map(|(from, to)| Damage::MoveLine(from, to)),
        2 => (at(), at(), at()).prop_map(|(a, b, c)| Damage::Borrow(a, b, c)),
        4 => (at(), prop::sample::select(numbers.to_vec())).prop_map(|(a, n)| Damage::Number(a, n)),
        1 => at().prop_map(Damage::Cut),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for damage in damages {
        if lines.is_empty() {
            break;
        }
        let count = lines.len();
        match *damage {
            Damage::Byte(at, byte) => {
                let mut bytes = lines.join("\n").into_bytes();
                let length = bytes.len().max(1);
                if let Some(old) = bytes.get_mut(at % length) {
                    *old = byte;
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                lines = text.lines().map(str::to_owned).collect();
            }
            Damage::DeleteLine(at) => drop(lines.remove(at % count)),
            Damage::DoubleLine(at) => lines.insert(at % count, lines[at % count].clone()),
            Damage::MoveLine(from, to) => {
                let line = lines.remove(from % count);
                lines.insert(to % count, line);
            }
            Damage::Borrow(file, from, to) => {
                let texts = library::shipped_texts();
                let other: Vec<&str> = texts[file % texts.len()].1.lines().collect();
                lines.insert(to % count, other[from % other.len()].to_owned());
            }
            Damage::Number(at, number) => {
                let line = &mut lines[at % count];
                if let Some((key, _)) = line.split_once('=') {
                    *line = format!("{key}= {number}");
                }
            }
            Damage::Cut(at) => lines.truncate(at % count),
        }
    }
    lines.join("\n")
}

/// Uses whatever a profile offers, with words from anywhere.
fn exercise(profile: &Profile, words: &[u16]) {
    let mut registers = Registers::new();
    let mut words = words.iter().copied().cycle();
    for register in profile.registers() {
        let span = register.span();
        let own: Vec<u16> = words.by_ref().take(span.count.into()).collect();
        registers.insert(&span, &own);
    }
    let _ = (profile.fits(&registers), profile.serial(&registers));
    let _ = (profile.identity_requests(), profile.serial_requests());
    let _ = profile.raised(&registers).count();
    for point in &profile.points {
        for request in profile.requests(&[&point.id]) {
            assert!(request.count <= profile.limits.max_registers);
        }
        let _ = (profile.runs(&point.id), point.rollover_text());
        if let Ok(quantity) = profile.decode(&point.id, &registers).value {
            assert!(point.step_at(quantity.value()) > rust_decimal::Decimal::ZERO);
            let _ = profile.encode(&point.id, quantity, &mut registers.clone());
        }
    }
    profile.encode_identity(&mut registers);
    profile.encode_serial("12345678", &mut registers);
}

proptest! {
    #![proptest_config(cases(400))]

    /// No damage makes the loader panic; what it lets pass proves itself and can be used.
    #[test]
    fn a_damaged_profile_is_refused_or_whole(
        file in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 1..5),
        words in prop::collection::vec(any::<u16>(), 1..40),
    ) {
        let text = damaged(file.get(library::shipped_texts()).1, &damages);
        let lines = text.lines().count();
        match LIBRARY.parse(&text) {
            Ok(profile) => {
                if profile.extends.is_none() {
                    let source = Source { own: &text, base: None };
                    let tests = source.file().unwrap().test;
                    vector::check(&profile, &tests, &Default::default()).unwrap();
                }
                exercise(&profile, &words);
            }
            Err(error) => prop_assert!(
                error.base.is_some() || (1..=lines.max(1) + 1).contains(&error.line),
                "line {} of {lines}: {error}", error.line
            ),
        }
    }
}

#[test]
fn a_text_that_only_wants_to_be_large_is_refused_soon() {
    let head = crate::profile::tests::refusals::GOOD;
    let mut registers = String::new();
    for number in 0..1_600 {
        registers += &format!("[reg.r{number}]\naddress = {}\n", 10 + 2 * number);
    }
    let crowded = head.replace("[[point]]", &format!("{registers}[[point]]"));
    let error = Profile::parse(&crowded).unwrap_err();
    assert!(error.reason.contains("at most 500"), "{error}");
    for open in ["[", "{a=", "a."] {
        let deep = format!("x = {}", open.repeat(20_000));
        assert!(Profile::parse(&deep).is_err());
        let dotted = format!("{} = 1", vec!["a"; 20_000].join("."));
        assert!(Profile::parse(&dotted).is_err());
    }
}

/// A register of a random layout: the gap before it, its type, its table, whether a group
/// binds it to the next one.
type Cell = (u16, bool, u8, bool);

fn layout(cells: &[Cell], limits: &str) -> String {
    let head = crate::profile::tests::refusals::GOOD;
    let head = head.split("[defaults]").next().unwrap();
    let mut text = format!("{head}limits = {{ {limits} }}\n").replace("[link]", "");
    let link = "unit_id = 1\nbaud = 9600\nparity = \"none\"\nstop_bits = 1\n";
    text = text.replace(link, "");
    text += "link = { unit_id = 1, baud = 9600, parity = \"none\", stop_bits = 1 }\n";
    let (mut address, mut points) = (0, String::new());
    for (index, (gap, input, words, _)) in cells.iter().enumerate() {
        let (kind, count) = [("u16", 1), ("u32", 2), ("u64", 4)][usize::from(words % 3)];
        let table = if *input { "input" } else { "holding" };
        address += gap;
        text += &format!(
            "reg.r{index} = {{ address = {address}, type = \"{kind}\", table = \"{table}\" }}\n"
        );
        address += count;
        points += &format!(
            "[[point]]\nid = \"p{index}\"\nrole = \"gauge\"\nfrom = \"r{index}\"\nunit = \"1\"\n"
        );
    }
    for (index, cell) in cells.iter().enumerate().step_by(2) {
        let next = cells.get(index + 1);
        if cell.3 && next.is_some_and(|next| next.1 == cell.1 && next.0 == 0) {
            points += &format!("[[group]]\natomic = [\"r{index}\", \"r{}\"]\n", index + 1);
        }
    }
    text + &points
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_plan_brings_in_what_is_needed_within_the_limits(
        cells in prop::collection::vec(
            (0..12_u16, any::<bool>(), any::<u8>(), any::<bool>()), 1..40,
        ),
        asked in prop::collection::vec(any::<bool>(), 40),
        max_registers in 8..=125_u16,
        max_gap in 0..10_u16,
        never in any::<bool>(),
    ) {
        let merge = if never { "never" } else { "gaps" };
        let limits =
            format!("max_registers = {max_registers}, max_gap = {max_gap}, merge = \"{merge}\"");
        let text = layout(&cells, &limits);
        let profile = Profile::parse(&text)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let asked: Vec<&str> = profile.points.iter().zip(&asked)
            .filter_map(|(point, asked)| asked.then_some(&*point.id)).collect();
        let requests = profile.requests(&asked);
        let whole = |span: crate::profile::Request| requests.iter().any(|request| {
            request.table == span.table && request.address <= span.address
                && span.address + span.count <= request.address + request.count
        });
        let needed: Vec<_> = profile.points.iter().filter(|p| asked.contains(&&*p.id))
            .flat_map(crate::profile::Point::own_registers).collect();
        for register in &needed {
            prop_assert!(whole(register.span()), "{} of {text}", register.name);
        }
        for group in profile.atomic.iter().filter(|g| g.iter().any(|m| needed.contains(&m))) {
            let (first, last) = (group[0].span(), group[group.len() - 1].span());
            let count = last.address + last.count - first.address;
            let run = crate::profile::Request { count, ..first };
            prop_assert!(whole(run), "{run:?}");
        }
        let declared = |table, address: u16| profile.registers().any(|register| {
            let span = register.span();
            span.table == table && (span.address..span.address + span.count).contains(&address)
        });
        for request in &requests {
            prop_assert!((1..=max_registers).contains(&request.count));
            let addresses = request.address..request.address + request.count;
            let known: Vec<bool> = addresses.map(|a| declared(request.table, a)).collect();
            prop_assert!(known[0] && known[known.len() - 1]);
            let hole = known.split(|known| *known).map(<[bool]>::len).max().unwrap_or(0);
            prop_assert!(hole <= max_gap.into(), "{hole} undeclared in {request:?}");
        }
        for pair in requests.windows(2).filter(|pair| pair[0].table == pair[1].table) {
            let end = pair[0].address + pair[0].count;
            prop_assert!(end <= pair[1].address, "{pair:?} overlap");
            let between = end..pair[1].address;
            let undeclared = between.filter(|a| !declared(pair[0].table, *a)).count();
            let fits = pair[1].address + pair[1].count - pair[0].address <= max_registers;
            let joinable = profile.limits.merge == Merge::Gaps && fits
                && undeclared <= max_gap.into();
            prop_assert!(!joinable, "{pair:?} could be one request");
        }
    }
}
