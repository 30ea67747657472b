//! The machine beneath: how long it runs, the room on its disk, how warm it is. Which start
//! of it this is, the clock knows. The only reader of `/proc` and `/sys` for these.
//!
//! Promises: what cannot be known is left out, never guessed, and never an error. Asking
//! costs a few small reads and no waiting.

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::id::BootId;
use common::sync::MachineReport;

/// Seconds since the machine started, sleep included.
const UPTIME: &str = "/proc/uptime";
/// Where Linux shows thermometers.
const THERMAL: &str = "/sys/class/thermal";
/// The names of the processor's own thermometer, on a Pi and on a PC.
const PROCESSOR: [&str; 3] = ["cpu-thermal", "cpu_thermal", "x86_pkg_temp"];

/// How the machine is in this start of it. `directory` is on the disk in question.
#[must_use]
pub fn report(boot: Option<BootId>, directory: &Path, running: Duration) -> MachineReport {
    let (disk_free_bytes, disk_bytes) = disk(directory).unwrap_or_default();
    MachineReport {
        boot,
        up_s: uptime_s().unwrap_or(0),
        running_s: running.as_secs(),
        disk_free_bytes,
        disk_bytes,
        temperature_m_c: temperature_m_c(Path::new(THERMAL)),
    }
}

fn uptime_s() -> Option<u64> {
    let text = fs::read_to_string(UPTIME).ok()?;
    text.split('.').next()?.parse().ok()
}

/// The bytes free to us, and all the bytes, of the disk that holds `directory`.
fn disk(directory: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(directory).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Some((bytes(disk.f_bavail), bytes(disk.f_blocks)))
}

/// The processor's temperature in thousandths of a degree; the warmest of all thermometers
/// when none is known to be the processor's.
fn temperature_m_c(thermal: &Path) -> Option<i64> {
    let zones = fs::read_dir(thermal).ok()?.flatten();
    let read = zones.filter_map(|zone| {
        let text = |name: &str| fs::read_to_string(zone.path().join(name)).ok();
        let degrees: i64 = text("temp")?.trim().parse().ok()?;
        let is_processors = PROCESSOR.contains(&text("type")?.trim());
        Some((is_processors, degrees))
    });
    read.max().map(|(_, degrees)| degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_asked_before_other_thermometers() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(temperature_m_c(directory.path()), None);
        let mut zone = 0;
        let mut add = |kind: &str, degrees: &str| {
            let path = directory.path().join(format!("thermal_zone{zone}"));
            zone += 1;
            fs::create_dir(&path).unwrap();
            fs::write(path.join("type"), format!("{kind}\n")).unwrap();
            fs::write(path.join("temp"), format!("{degrees}\n")).unwrap();
            temperature_m_c(directory.path())
        };
        assert_eq!(add("acpitz", "27800"), Some(27_800));
        assert_eq!(add("broken", "?"), Some(27_800));
        assert_eq!(add("battery", "31000"), Some(31_000));
        assert_eq!(add("cpu-thermal", "-5125"), Some(-5_125));
    }

    #[test]
    fn the_disk_is_the_one_that_holds_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let here = report(None, directory.path(), Duration::from_secs(7));
        assert!(here.disk_free_bytes > 0 && here.disk_free_bytes <= here.disk_bytes);
        assert!(here.up_s > 0);
        assert_eq!(here.running_s, 7);
        let nowhere = report(None, &directory.path().join("gone"), Duration::ZERO);
        assert_eq!((nowhere.disk_free_bytes, nowhere.disk_bytes), (0, 0));
    }
}
