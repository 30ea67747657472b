//! `status`: how the running daemon is, on one screen.

use jiff::Timestamp;
use serde_json::Value;

use super::{Exit, Failure, print};
use crate::config::Config;
use crate::control::{self, Request};
use crate::status::{DeviceStatus, Status};
use crate::uplink::{Standing, UplinkStatus};

/// What is typed after `status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `status`.
///
/// # Errors
/// When no daemon runs, a bus cannot be used, or a meter does not report.
pub async fn run(args: &StatusArgs, config: &Config) -> Result<(), Failure> {
    let request = Request {
        command: "status".to_owned(),
        arguments: Value::Null,
    };
    let status = control::ask(&config.socket, &request).await?;
    let status: Status = serde_json::from_value(status)?;
    if args.json {
        print::json("enervue.status/1", &status)?;
    } else {
        tell(&status)?;
    }
    if let Some(bus) = status.buses.iter().find(|bus| bus.error.is_some()) {
        let error = format!("bus {} cannot be used", bus.name);
        return Err(Failure::new(Exit::Port, error));
    }
    let silent = status.devices.iter().filter(|d| d.error.is_some()).count();
    match silent {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Silent, "1 meter does not report")),
        many => Err(Failure::new(
            Exit::Silent,
            format!("{many} meters do not report"),
        )),
    }
}

fn tell(status: &Status) -> std::io::Result<()> {
    print::line(&headline(status))?;
    for problem in &status.problems {
        print::line(&format!("! {problem}"))?;
    }
    if status.devices.is_empty() {
        return Ok(());
    }
    print::line("")?;
    let header = [
        "Meter",
        "Bus",
        "Unit",
        "Profile",
        "Last reading",
        "Age",
        "Answered",
        "Failed",
        "",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(status.devices.iter().map(|device| row(device, status.now)));
    print::table(&rows)?;
    let reporting = status.devices.iter().filter(|d| d.reports()).count();
    let meters = match status.devices.len() {
        1 => "1 meter".to_owned(),
        many => format!("{many} meters"),
    };
    print::line(&format!("{meters}, {reporting} reporting."))
}

fn headline(status: &Status) -> String {
    let cloud = match (status.cloud.standing, status.cloud.last_sync_at) {
        (Standing::Connected, Some(at)) => {
            format!("Cloud connected ({} ago)", age(at, status.now))
        }
        (Standing::NotEnrolled, _) => "No cloud (not enrolled)".to_owned(),
        (Standing::Revoked, _) => "Cloud: enrolment revoked".to_owned(),
        (Standing::Failing, Some(at)) => {
            format!("Cloud away for {}", age(at, status.now))
        }
        _ => "Cloud not reached yet".to_owned(),
    };
    let site = match &status.cloud {
        UplinkStatus {
            site: Some(site), ..
        } => format!("   Site {site}"),
        _ => String::new(),
    };
    format!(
        "● Running {}   {cloud}{site}   Buffer {} waiting / {} held",
        duration(status.running_s),
        status.buffer.waiting,
        status.buffer.kept
    )
}

fn row(device: &DeviceStatus, now: Timestamp) -> Vec<String> {
    let dash = || "–".to_owned();
    vec![
        device.label.clone(),
        device.bus.clone(),
        device.unit_id.to_string(),
        device.profile.clone(),
        device.last.map_or_else(dash, |quantity| {
            format!("{} {}", quantity.value(), quantity.unit().symbol())
        }),
        device.last_good_at.map_or_else(dash, |at| age(at, now)),
        device.answered.to_string(),
        device.failed.to_string(),
        remark(device, now),
    ]
}

/// Whether the device is ill, and that it is asked only now and then.
fn remark(device: &DeviceStatus, now: Timestamp) -> String {
    match &device.breaker {
        Some(breaker) => format!(
            "! breaker open for {}, next probe in {}",
            age(breaker.open_since, now),
            age(now, breaker.next_probe_at)
        ),
        None if device.error.is_some() => "!".to_owned(),
        None => String::new(),
    }
}

fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    duration(seconds.unsigned_abs())
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::BreakerState;
    use common::id::DeviceId;

    #[test]
    fn a_device_that_is_asked_only_now_and_then_says_so() {
        let now: Timestamp = "2026-11-24T08:26:00Z".parse().unwrap();
        let mut device = DeviceStatus {
            id: DeviceId(1),
            label: "Local 101".to_owned(),
            bus: "main".to_owned(),
            unit_id: 1,
            profile: "eastron-sdm120".to_owned(),
            last_good_at: None,
            last: None,
            answered: 40,
            failed: 3,
            error: None,
            breaker: None,
        };
        let tail = |device: &DeviceStatus| row(device, now).split_off(6).join("|");
        assert_eq!(tail(&device), "40|3|");
        device.error = Some("it did not answer".to_owned());
        assert_eq!(tail(&device), "40|3|!");
        device.breaker = Some(BreakerState {
            open_since: "2026-11-24T08:00:00Z".parse().unwrap(),
            next_probe_at: "2026-11-24T08:26:40Z".parse().unwrap(),
        });
        let told = "40|3|! breaker open for 26 min, next probe in 40 s";
        assert_eq!(tail(&device), told);
    }

    #[test]
    fn a_span_of_time_is_told_in_the_unit_that_fits() {
        let table = [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_200, "2 h"),
            (172_800, "2 d"),
        ];
        for (seconds, text) in table {
            assert_eq!(duration(seconds), text);
        }
        let (early, late) = ("2026-11-24T08:00:00Z", "2026-11-24T08:26:00Z");
        let (early, late) = (early.parse().unwrap(), late.parse().unwrap());
        assert_eq!(age(early, late), "26 min");
        assert_eq!(age(late, early), "0 s", "a clock that was set back");
    }
}
