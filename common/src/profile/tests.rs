//! Profiles against what is known of real meters, and against texts and words from anywhere.

mod frames;
mod fuzz;
mod keys;
mod refusals;
mod roundtrip;
mod variants;

use super::*;
use crate::quantity::Quantity;

fn shipped_text(name: &str) -> (&'static str, &'static str) {
    let mut texts = library::shipped_texts().iter();
    *texts.find(|(file, _)| *file == name).unwrap()
}

#[test]
fn every_shipped_profile_is_one_and_named_as_its_file() {
    let library = Library::shipped();
    for (file, text) in library::shipped_texts() {
        let profile = library
            .parse(text)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(format!("{}.toml", profile.id), *file);
        assert!(
            profile.billing_points().next().is_some(),
            "{file} bills nothing"
        );
        let vectors = profile.worked_vectors + profile.computed_vectors;
        assert!(vectors > 0, "{file} proves nothing");
        let reference = profile.reference();
        let (id, hash) = reference.split_once('@').unwrap();
        assert_eq!((id, hash.len()), (profile.id.as_str(), 8));
    }
    assert_eq!(library.iter().count(), library::shipped_texts().len());
}

#[test]
fn every_profile_in_the_folder_ships() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file != "README.md")
        .collect();
    files.sort();
    let shipped = library::shipped_texts().iter().map(|(file, _)| *file);
    let mut shipped: Vec<&str> = shipped.collect();
    shipped.sort_unstable();
    assert_eq!(files, shipped);
}

#[test]
fn a_local_profile_takes_the_place_of_a_shipped_one() {
    let (file, text) = shipped_text("eastron-sdm120.toml");
    let changed = text.replace("SDM120CT-M", "SDM120CT-MV");
    let shipped = Library::shipped();
    let before = shipped.get("eastron-sdm120").unwrap().reference();
    let local = shipped
        .with_local([(file.to_owned(), changed.clone())])
        .unwrap();
    let after = local.get("eastron-sdm120").unwrap();
    assert!(local.is_local("eastron-sdm120") && after.reference() != before);
    let twice = [
        ("a.toml".to_owned(), changed.clone()),
        ("b.toml".to_owned(), changed),
    ];
    let error = Library::shipped()
        .with_local(twice)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("b.toml") && error.contains("eastron-sdm120"),
        "{error}"
    );
}

#[test]
fn requests_are_as_few_as_the_limits_allow() {
    let library = Library::shipped();
    let request = |table, address, count| Request {
        table,
        address,
        count,
    };
    let table: &[(&str, &[&str], Vec<Request>)] = &[
        (
            "eastron-sdm630",
            &["energy_import"],
            vec![request(Table::Input, 0x46, 4)],
        ),
        (
            "eastron-sdm630",
            &["energy_import", "energy_export", "voltage_l1", "voltage_l2"],
            vec![request(Table::Input, 0, 4), request(Table::Input, 0x46, 6)],
        ),
        (
            "abb-b23",
            &["energy_import"],
            vec![request(Table::Holding, 0x5000, 4)],
        ),
        (
            "tuf-2000m",
            &["volume"],
            vec![
                request(Table::Holding, 8, 4),
                request(Table::Holding, 1437, 2),
            ],
        ),
        (
            "onicon-system-10",
            &["energy_btu", "energy_kwh"],
            vec![request(Table::Holding, 1034, 10)],
        ),
        (
            "onicon-system-10",
            &["energy_kbtu"],
            vec![
                request(Table::Holding, 25, 3),
                request(Table::Holding, 1034, 2),
            ],
        ),
        (
            "pzem-016",
            &["energy_import"],
            vec![request(Table::Input, 5, 3)],
        ),
        ("pzem-016", &["no_such_point"], vec![]),
    ];
    for (profile, points, expected) in table {
        assert_eq!(
            &library.get(profile).unwrap().requests(points),
            expected,
            "{profile}"
        );
    }
}

#[test]
fn a_step_is_what_the_register_can_tell_apart() {
    let library = Library::shipped();
    let table = [
        ("eastron-sdm630", "energy_import", "12345.67", "0.01"),
        ("eastron-sdm630", "energy_import", "1000000.00", "0.07"),
        ("eastron-sdm630", "energy_import", "8388608.00", "1.00"),
        ("onicon-system-10", "energy_btu", "111015500000", "8192"),
        ("abb-b23", "energy_import", "98765432109.87", "0.01"),
        ("pzem-016", "energy_import", "38", "1"),
        ("tuf-2000m", "volume", "2147483648.500", "0.001"),
    ];
    for (profile, point, value, step) in table {
        let point = library.get(profile).unwrap().point(point).unwrap();
        let came = point.step_at(value.parse().unwrap());
        assert_eq!(came, step.parse().unwrap(), "{profile} at {value}");
    }
}

#[test]
fn runs_are_what_a_listener_must_hear_within_one_reply() {
    let library = Library::shipped();
    let run = |address, count| (address, count);
    let table = [
        // Whoever else polls it need not ask for the frequency that our group adds.
        ("eastron-sdm630", "energy_import", vec![run(0x48, 2)]),
        (
            "tuf-2000m",
            "volume",
            vec![run(8, 4), run(1437, 1), run(1438, 1)],
        ),
        (
            "onicon-system-10",
            "energy_kbtu",
            vec![run(25, 3), run(1034, 2)],
        ),
        ("pzem-016", "energy", vec![]),
    ];
    for (profile, point, expected) in table {
        let runs = library.get(profile).unwrap().runs(point);
        let runs: Vec<_> = runs.iter().map(|r| (r.address, r.count)).collect();
        assert_eq!(runs, expected, "{profile} {point}");
    }
}

#[test]
fn a_profile_may_forbid_that_reads_are_merged() {
    let (_, text) = shipped_text("eastron-sdm630.toml");
    let text = text.replace("max_registers = 80", "merge = \"never\"");
    let text = text.replace("[[group]]\natomic = [\"hz\", \"imp\"]", "");
    let profile = Profile::parse(&text).unwrap();
    let requests = profile.requests(&["energy_import", "voltage_l1", "voltage_l2"]);
    let places: Vec<_> = requests.iter().map(|r| (r.address, r.count)).collect();
    assert_eq!(places, [(0, 2), (2, 2), (0x46, 2), (0x48, 2)]);
}

#[test]
fn a_model_is_known_by_its_identity_registers() {
    let library = Library::shipped();
    let abb = library.get("abb-b23").unwrap();
    let mut registers = Registers::new();
    assert!(!abb.fits(&registers));
    let [request] = abb.identity_requests()[..] else {
        panic!("one request")
    };
    registers.insert(&request, &[0x4232, 0x3320]);
    assert!(abb.fits(&registers));
    registers.insert(&request, &[0x4234, 0x3320]);
    assert!(!abb.fits(&registers));
    for profile in library.iter() {
        let mut own = Registers::new();
        profile.encode_identity(&mut own);
        let identifies = !profile.identity_requests().is_empty();
        assert_eq!(profile.fits(&own), identifies, "{}", profile.id);
    }
}

#[test]
fn a_device_of_zeros_is_known_as_nothing() {
    let mut registers = Registers::new();
    for address in 0..=u16::MAX {
        registers.set(Table::Input, address, 0);
        registers.set(Table::Holding, address, 0);
    }
    for profile in Library::shipped().iter() {
        assert!(!profile.fits(&registers), "{}", profile.id);
    }
}

#[test]
fn a_model_is_known_by_its_name_in_whichever_case() {
    let library = Library::shipped();
    let mut registers = Registers::new();
    let mut say = |address: u16, words: &[u16]| {
        for (address, word) in (address..).zip(words) {
            registers.set(Table::Holding, address, *word);
        }
        let fitting = library.iter().filter(|profile| profile.fits(&registers));
        fitting.map(|p| p.id.clone()).collect::<Vec<_>>()
    };
    let nothing = say(0xC350, &[0x53, 0x4F, 0x43, 0x4F]);
    assert!(nothing.is_empty());
    let a10 = [0x4469, 0x7269, 0x7320, 0x4131, 0x3000, 0, 0, 0];
    assert_eq!(say(0xC38A, &a10), ["socomec-diris-a10"]);
    let a14 = [0x4449, 0x5249, 0x5320, 0x4131, 0x3420, 0x2020, 0, 0];
    assert_eq!(say(0xC38A, &a14), ["socomec-diris-a14"]);
    let short = [0x4449, 0x5249, 0x5320, 0, 0, 0, 0, 0];
    assert!(say(0xC38A, &short).is_empty());
}

#[test]
fn status_flags_are_told_and_void_only_what_they_say() {
    let library = Library::shipped();
    let tuf = library.get("tuf-2000m").unwrap();
    let mut registers = Registers::new();
    registers.set(Table::Holding, 71, 0b1001);
    let raised: Vec<&str> = tuf
        .raised(&registers)
        .map(|flag| flag.es.as_str())
        .collect();
    assert_eq!(raised, ["sin señal recibida", "tubería vacía"]);
    let volume = Quantity::new("12.345".parse().unwrap(), crate::unit::Unit::CubicMetre).unwrap();
    tuf.encode("volume", volume, &mut registers).unwrap();
    assert_eq!(tuf.decode("volume", &registers).value, Ok(volume));

    let (_, text) = shipped_text("tuf-2000m.toml");
    let voiding = text.replace("bit = 0\n", "bit = 0\ninvalidates = true\n");
    // Its vectors do not give the status register, so now they are suspect, and say so.
    let error = Profile::parse(&voiding).unwrap_err();
    assert!(error.reason.contains("'errors' was not read"), "{error}");
}
