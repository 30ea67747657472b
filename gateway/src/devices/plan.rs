//! Whether a list of the cloud's can be put into force. Pure.
//!
//! What is wrong with one device alone is told of that device (see [`super::sort_out`]); a
//! plan that would close days at wrong instants, or a list without measure, is refused whole,
//! and the last good one stays: the meters are read and the days closed by that.

use std::collections::BTreeSet;

use common::sync::{CLOSINGS_MAX, Closing, Device, DeviceList};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// The most devices of a list: several full lines of 247 meters.
const DEVICES_MAX: usize = 4_000;
/// How far a closing may be from what this machine's zone says. The cloud's list is there
/// because it may know of a law that this machine does not: laws move clocks by hours, never
/// by days.
const APART_MAX: SignedDuration = SignedDuration::from_hours(3);

/// Tells what is wrong with `list`, in one sentence, when it must not be put into force.
///
/// # Errors
/// When there is something wrong.
pub fn check(list: &DeviceList) -> Result<(), String> {
    if list.devices.len() > DEVICES_MAX {
        let count = list.devices.len();
        return Err(format!("it has {count} devices, more than {DEVICES_MAX}"));
    }
    let mut ids = BTreeSet::new();
    for device in &list.devices {
        let Device { id, label, .. } = device;
        if !ids.insert(*id) {
            return Err(format!("it names device {id} ({label}) twice"));
        }
        fault_of(device).map_err(|fault| format!("device {id} ({label}): {fault}"))?;
    }
    Ok(())
}

fn fault_of(device: &Device) -> Result<(), String> {
    let closings = &device.closings;
    if closings.len() > CLOSINGS_MAX {
        let count = closings.len();
        return Err(format!("{count} closings, more than {CLOSINGS_MAX}"));
    }
    for (before, after) in closings.iter().zip(closings.iter().skip(1)) {
        if after.closes <= before.closes || after.at <= before.at {
            return Err(format!(
                "the closing of {} does not come after that of {}",
                after.closes, before.closes
            ));
        }
    }
    // A zone that this machine does not know is told of the device.
    let Ok(zone) = TimeZone::get(&device.zone) else {
        return Ok(());
    };
    for Closing { closes, at } in closings {
        let here = closes.at(&zone);
        let is_near = here.is_some_and(|here| at.duration_since(here).abs() <= APART_MAX);
        if !is_near {
            return Err(format!(
                "{closes} is not {at} in {}: correct the zone, or update tzdata here",
                device.zone
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::id::DeviceId;

    use super::*;

    fn device(id: i64, closings: &[(&str, &str)]) -> Device {
        Device {
            id: DeviceId(id),
            label: "Local 101".to_owned(),
            profile: "eastron-sdm120".to_owned(),
            bus: "main".to_owned(),
            unit_id: 1,
            poll_period_s: 60,
            zone: "America/Tijuana".to_owned(),
            closings: closings
                .iter()
                .map(|(closes, at)| Closing {
                    closes: closes.parse().unwrap(),
                    at: at.parse().unwrap(),
                })
                .collect(),
            mountings: Vec::new(),
        }
    }

    fn checked(devices: Vec<Device>) -> Result<(), String> {
        let version = "1".to_owned();
        check(&DeviceList { version, devices })
    }

    #[test]
    fn a_list_that_would_close_days_wrongly_is_refused_whole() {
        const FIRST: (&str, &str) = ("2026-11-24", "2026-11-24T08:00:00Z");
        const SECOND: (&str, &str) = ("2026-11-25", "2026-11-25T08:00:00Z");
        let good: [&[_]; 5] = [
            &[],
            &[FIRST, SECOND],
            &[FIRST, ("2026-11-30", "2026-11-30T08:00:00Z")],
            // A price begins at six in the evening.
            &[FIRST, ("2026-11-24T18:00", "2026-11-25T02:00:00Z"), SECOND],
            // A law that this machine does not know.
            &[("2026-11-24", "2026-11-24T07:00:00Z")],
        ];
        for closings in good {
            assert_eq!(checked(vec![device(1, closings)]), Ok(()), "{closings:?}");
        }
        let bad: [(&str, &[_]); 6] = [
            ("does not come after", &[SECOND, FIRST]),
            ("does not come after", &[FIRST, FIRST]),
            (
                "does not come after",
                &[FIRST, ("2026-11-24", "2026-11-24T09:00:00Z")],
            ),
            ("is not", &[("2026-11-24", "2026-11-25T08:00:00Z")]),
            ("is not", &[("2026-11-24", "1970-01-01T00:00:00Z")]),
            (
                "is not",
                &[FIRST, ("2026-11-24T18:00", "2026-11-24T18:00:00Z")],
            ),
        ];
        for (why, closings) in bad {
            let fault = checked(vec![device(1, &[]), device(2, closings)]).unwrap_err();
            assert!(
                fault.contains(why) && fault.contains("0002 (Local 101)"),
                "{fault}"
            );
        }
    }

    #[test]
    fn a_list_has_its_measure_and_names_each_device_once() {
        let twice = checked(vec![device(1, &[]), device(1, &[])]).unwrap_err();
        assert!(twice.contains("twice"), "{twice}");
        let devices = |count: i64| (1..=count).map(|id| device(id, &[])).collect();
        assert_eq!(checked(devices(4_000)), Ok(()));
        assert!(checked(devices(4_001)).unwrap_err().contains("4001"));
        let mut full = device(1, &[]);
        let date = jiff::civil::date(2026, 11, 24);
        let start = "2026-11-24T08:00:00Z".parse::<jiff::Timestamp>().unwrap();
        full.closings = (0..=800)
            .map(|day| Closing {
                closes: (date + SignedDuration::from_hours(24 * day)).into(),
                at: start + SignedDuration::from_hours(24 * day),
            })
            .collect();
        assert!(checked(vec![full.clone()]).unwrap_err().contains("801"));
        full.closings.pop();
        assert_eq!(checked(vec![full]), Ok(()));
    }
}
