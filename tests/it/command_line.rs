//! What both programs say on the command line: help, settings, and how they fail.

use std::path::Path;

use tests::process::{Finished, run};
use tests::program::Programs;

fn programs() -> [(&'static str, &'static Path); 2] {
    let programs = Programs::get().unwrap();
    [
        ("enervue-gateway", programs.gateway.as_path()),
        ("enervue-cloud", programs.cloud.as_path()),
    ]
}

async fn say(program: &Path, arguments: &[&str]) -> Finished {
    run(program, arguments).await.unwrap()
}

#[tokio::test]
async fn help_names_the_commands_and_goes_to_stdout() {
    for (name, program) in programs() {
        for arguments in [["--help"].as_slice(), &["help"]] {
            let help = say(program, arguments).await;
            assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{name}");
            assert!(
                help.stdout.contains(&format!("Usage: {name}")),
                "{}",
                help.stdout
            );
            assert!(help.stdout.contains("config"), "{}", help.stdout);
        }
        let version = say(program, &["--version"]).await;
        assert!(
            version.stdout.starts_with(&format!("{name} 0.1")),
            "{}",
            version.stdout
        );
    }
    let [(_, gateway), (_, cloud)] = programs();
    let commands = [
        (
            gateway,
            [
                "run", "enroll", "status", "read", "bus", "buffer", "profile", "simulate",
            ]
            .as_slice(),
        ),
        (cloud, &["serve", "user", "clock", "invoice"]),
    ];
    for (program, names) in commands {
        for name in names {
            let help = say(program, &[name, "--help"]).await;
            assert_eq!(help.code, 0, "{name}: {}", help.stderr);
        }
    }
}

#[tokio::test]
async fn what_nobody_understands_is_code_2_and_goes_to_stderr() {
    for (name, program) in programs() {
        for arguments in [["--nonsense"].as_slice(), &["nonsense"], &[]] {
            let refused = say(program, arguments).await;
            assert_eq!(
                (refused.code, refused.stdout.as_str()),
                (2, ""),
                "{name} {arguments:?}"
            );
            assert!(refused.stderr.contains("Usage:"), "{}", refused.stderr);
        }
    }
}

#[tokio::test]
async fn the_default_settings_are_documented_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml").display().to_string();
    for (name, program) in programs() {
        let default = say(program, &["config", "default"]).await.ok().unwrap();
        let comments = default
            .lines()
            .filter(|line| line.trim_start().starts_with('#'));
        assert!(comments.count() > 10, "{name}: {default}");
        std::fs::write(&file, &default).unwrap();
        let check = say(program, &["config", "check", "--config", &file]).await;
        assert_eq!(check.code, 0, "{name}: {}{}", check.stdout, check.stderr);

        std::fs::write(&file, format!("no_such_key = 1\n{default}")).unwrap();
        let check = say(program, &["config", "check", "--config", &file]).await;
        assert_ne!(check.code, 0, "{name}");
        assert!(
            check.stderr.contains("no_such_key"),
            "{name}: {}",
            check.stderr
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named_with_what_to_do() {
    let [(_, gateway), (_, cloud)] = programs();
    for (program, command) in [(gateway, "run"), (cloud, "serve")] {
        let refused = say(program, &[command, "--config", "/nowhere/settings.toml"]).await;
        assert_ne!(refused.code, 0);
        assert!(
            refused.stderr.contains("/nowhere/settings.toml"),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("config default"),
            "{}",
            refused.stderr
        );
    }
}

#[tokio::test]
async fn a_meter_is_found_by_its_names_and_a_wrong_id_brings_the_right_one() {
    let [(_, gateway), _] = programs();
    let listed = say(gateway, &["profile", "list", "water", "badger", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed.ok().unwrap()).unwrap();
    assert_eq!(listed["schema"], "enervue.profiles/1");
    let profiles = listed["profiles"].as_array().unwrap();
    assert!(!profiles.is_empty());
    for profile in profiles {
        assert_eq!(profile["medium"], "water", "{profile}");
    }
    let nothing = say(gateway, &["profile", "list", "moon"]).await;
    assert_eq!((nothing.code, nothing.stdout.as_str()), (2, ""));
    let unknown = say(gateway, &["profile", "show", "sdm120"]).await;
    assert_eq!(unknown.code, 2);
    let meant = "did you mean eastron-sdm120?";
    assert!(unknown.stderr.contains(meant), "{}", unknown.stderr);
}

#[tokio::test]
async fn a_check_for_a_program_says_in_json_that_settings_do_not_read() {
    let [(_, gateway), _] = programs();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml").display().to_string();
    let check = ["config", "check", "--json", "--config", &file];
    let devices = "zone = 'UTC'\n[[bus]]\nname = 'main'\nport = '/dev/ttyUSB0'\n\
                   [[bus.device]]\nunit_id = 1\nprofile = 'sdm120'\nlabel = 'A'\n";
    for (text, code, told) in [
        (
            "[[bus]]\nname = 'main'\nport = 'ttyUSB0'\n",
            8,
            "/dev/serial/by-id/",
        ),
        (devices, 8, "did you mean eastron-sdm120?"),
        (
            &devices.replace("'sdm120'", "'eastron-sdm120'"),
            0,
            "\"faults\":[]",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let checked = say(gateway, &check).await;
        assert_eq!(checked.code, code, "{text}: {}", checked.stderr);
        assert!(checked.stdout.contains(told), "{text}: {}", checked.stdout);
        let verdict: serde_json::Value = serde_json::from_str(&checked.stdout).unwrap();
        assert_eq!(verdict["schema"], "enervue.config_check/1");
        assert_eq!(verdict["ok"], code == 0);
    }
}
