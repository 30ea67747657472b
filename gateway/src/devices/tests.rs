//! The list of devices, from the cloud and from the file.

use super::*;

fn device(id: i64, unit_id: u8) -> Device {
    Device {
        id: DeviceId(id),
        label: format!("Local {id}"),
        profile: "eastron-sdm120".to_owned(),
        bus: "main".to_owned(),
        unit_id,
        poll_period_s: 60,
        zone: "America/Tijuana".to_owned(),
        closings: Vec::new(),
        mountings: Vec::new(),
    }
}

fn list(devices: Vec<Device>) -> DeviceList {
    DeviceList {
        version: "7".to_owned(),
        devices,
    }
}

#[test]
fn one_bad_device_does_not_stop_the_others() {
    let bad: [(&str, Device); 7] = [
        (
            "no bus 'roof'",
            Device {
                bus: "roof".to_owned(),
                ..device(9, 9)
            },
        ),
        (
            "profile 'acme'",
            Device {
                profile: "acme".to_owned(),
                ..device(9, 9)
            },
        ),
        ("unit id 0", device(9, 0)),
        (
            "0 seconds",
            Device {
                poll_period_s: 0,
                ..device(9, 9)
            },
        ),
        (
            "Mars/Olympus",
            Device {
                zone: "Mars/Olympus".to_owned(),
                ..device(9, 9)
            },
        ),
        ("twice", device(1, 9)),
        ("unit id 1 on bus 'main'", device(9, 1)),
    ];
    let buses = BTreeSet::from(["main".to_owned()]);
    for (why, bad) in bad {
        let refused = bad.id;
        let all = list(vec![device(1, 1), bad, device(2, 2)]);
        let sorted = sort_out(&all, &buses, &|profile| profile == "eastron-sdm120");
        assert_eq!(sorted.usable, [device(1, 1), device(2, 2)], "{why}");
        assert_eq!(sorted.refused.len(), 1, "{why}");
        assert_eq!(sorted.refused[0].device, refused);
        let error = sorted.refused[0].error.as_deref().unwrap();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn the_last_list_is_that_of_the_same_gateway() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path();
    assert_eq!(load_copy(data_dir, GatewayId(1)), None);
    let given = list(vec![device(1, 1)]);
    save_copy(data_dir, GatewayId(1), &given).unwrap();
    assert_eq!(load_copy(data_dir, GatewayId(1)), Some(given));
    assert_eq!(load_copy(data_dir, GatewayId(2)), None);
    std::fs::write(data_dir.join("devices.json"), "{").unwrap();
    assert_eq!(load_copy(data_dir, GatewayId(1)), None);
}

#[test]
fn a_device_of_the_file_keeps_its_id() {
    let directory = tempfile::tempdir().unwrap();
    let now = "2026-11-24T08:00:00Z".parse().unwrap();
    let read = |text: &str| {
        let mut config = Config::parse(text, []).unwrap();
        config.data_dir = directory.path().to_owned();
        let devices = from_config(&config, now).unwrap().devices;
        let labels = devices.iter().map(|d| (d.id, d.label.clone()));
        assert_eq!(super::labels(&config), labels.collect());
        devices
    };
    let start = "zone = 'America/Tijuana'\n[[bus]]\nname = 'main'\nport = '/dev/ttyUSB0'\n";
    let one = "[[bus.device]]\nunit_id = 1\nprofile = 'eastron-sdm120'\nlabel = 'Local 1'\n";
    let two = "[[bus.device]]\nunit_id = 2\nprofile = 'eastron-sdm120'\nlabel = 'Local 2'\n";
    let first = read(&format!("{start}{one}"));
    assert_eq!(first[0].zone, "America/Tijuana");
    let relabelled = one.replace("Local 1", "Kiosk");
    let second = read(&format!("{start}{two}{relabelled}"));
    assert_eq!(second[1].id, first[0].id);
    assert_eq!(second[1].label, "Kiosk");
    assert_ne!(second[0].id, first[0].id);
    assert_eq!(read(&format!("{start}{one}"))[0].id, first[0].id);
    // Another instrument at the same address is another device.
    let replaced = one.replace("sdm120", "sdm630");
    assert_ne!(read(&format!("{start}{replaced}"))[0].id, first[0].id);
}
