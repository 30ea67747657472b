//! `status`: how the running daemon is, on one screen.

use jiff::Timestamp;
use serde_json::Value;

use super::{Exit, Failure, print};
use crate::config::Config;
use crate::control::{self, Request};
use crate::status::{BusStatus, DeviceStatus, Status, span};
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
    verdict(&status)
}

/// The gravest of what is wrong decides on the exit code.
fn verdict(status: &Status) -> Result<(), Failure> {
    let buses = |is_ill: fn(&BusStatus) -> bool| {
        let ill = status.buses.iter().filter(|bus| is_ill(bus));
        let names: Vec<&str> = ill.map(|bus| &*bus.name).collect();
        (!names.is_empty()).then(|| format!("bus {}", names.join(", ")))
    };
    if let Some(buses) = buses(|bus| !bus.usable) {
        return Err(Failure::new(Exit::Port, format!("cannot be used: {buses}")));
    }
    let silent = status.devices.iter().filter(|d| d.error.is_some()).count();
    let (exit, error) = match (silent, buses(|bus| bus.error.is_some())) {
        (0, None) => return Ok(()),
        (0, Some(buses)) => (Exit::Faults, format!("not in order: {buses}")),
        (1, _) => (Exit::Silent, "1 meter does not report".to_owned()),
        (many, _) => (Exit::Silent, format!("{many} meters do not report")),
    };
    Err(Failure::new(exit, error))
}

fn tell(status: &Status) -> std::io::Result<()> {
    print::line(&headline(status))?;
    print::line(&subline(status))?;
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
        "Polls",
        "Failed",
        "Requests",
        "Unanswered",
        "Damaged",
        "Refused",
        "",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(status.devices.iter().map(|device| row(device, status)));
    print::table(&rows)?;
    let reporting = status.devices.iter().filter(|d| status.reports(d)).count();
    let meters = match status.devices.len() {
        1 => "1 meter".to_owned(),
        many => format!("{many} meters"),
    };
    print::line(&format!("{meters}, {reporting} reporting."))?;
    let is_early = status.devices.iter().all(|d| d.answered + d.failed == 0);
    if is_early && status.problems.is_empty() {
        print::line(
            "No meter has answered yet: a line is heard for some seconds (listen_first_s) before \
             anybody is asked.",
        )?;
    }
    Ok(())
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
        "● Running {}   {cloud}{site}   Buffer {}",
        span(status.machine.running_s),
        status.buffer_words()
    )
}

fn subline(status: &Status) -> String {
    format!(
        "  Clock {}   Disk {}   Machine {}",
        status.clock_words(),
        status.disk_words(),
        status.machine_words()
    )
}

fn row(device: &DeviceStatus, status: &Status) -> Vec<String> {
    let (now, traffic) = (status.now, device.traffic);
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
        (device.answered + device.failed).to_string(),
        device.failed.to_string(),
        traffic.requests.to_string(),
        traffic.timeouts.to_string(),
        traffic.damaged.to_string(),
        traffic.exceptions.to_string(),
        remark(device, status),
    ]
}

/// Whether the device is ill, and that it is asked only now and then. The word "breaker" is
/// not used: an electrician would look for one in the panel.
fn remark(device: &DeviceStatus, status: &Status) -> String {
    match &device.breaker {
        _ if !status.is_asked(device) => format!("! not asked, see bus {}", device.bus),
        Some(breaker) => format!(
            "! asked seldom since {} ago, next in {}",
            age(breaker.open_since, status.now),
            age(status.now, breaker.next_probe_at)
        ),
        None if device.error.is_some() => "!".to_owned(),
        None => String::new(),
    }
}

fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    span(seconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::BreakerState;

    fn status() -> Status {
        let status = serde_json::json!({
            "software": "", "now": "2026-11-24T08:26:00Z",
            "clock": { "trust": "trusted", "source": "ntp", "machine_ahead_ms": 0 },
            "clock_problem": null,
            "machine": { "up_s": 86_400, "running_s": 90 },
            "problems": [], "cloud": UplinkStatus::default(), "lost": 0,
            "buffer": {
                "epoch": "0000000000001", "last_seq": 0, "acknowledged_through": 0,
                "waiting": 0, "kept": 0, "rejected": 0, "oldest_at": null, "set_aside": null,
            },
            "buses": [{ "name": "main", "line": "", "usable": true, "error": null,
                "counts": {
                    "answers": 40, "faults": 3, "unsolicited_bytes": 0, "stray_bytes": 0,
                    "echoes": 0, "strangers": 0, "late": 0, "probes": 0,
                },
            }],
            "devices": [{
                "id": "0000000000001", "label": "Local 101", "bus": "main", "unit_id": 1,
                "profile": "eastron-sdm120", "last_good_at": null, "last": null,
                "answered": 40, "failed": 3, "error": null, "breaker": null,
                "traffic": { "requests": 50, "timeouts": 7, "answers": 43 },
            }],
        });
        serde_json::from_value(status).unwrap()
    }

    #[test]
    fn a_device_that_is_not_asked_as_often_as_it_should_be_says_so() {
        let mut status = status();
        let tail = |status: &Status| row(&status.devices[0], status).split_off(6).join("|");
        assert_eq!(tail(&status), "43|3|50|7|0|0|");
        status.devices[0].error = Some("it did not answer".to_owned());
        assert_eq!(tail(&status), "43|3|50|7|0|0|!");
        status.devices[0].breaker = Some(BreakerState {
            open_since: "2026-11-24T08:00:00Z".parse().unwrap(),
            next_probe_at: "2026-11-24T08:26:40Z".parse().unwrap(),
        });
        let told = "43|3|50|7|0|0|! asked seldom since 26 min ago, next in 40 s";
        assert_eq!(tail(&status), told);
        status.buses[0].usable = false;
        assert_eq!(tail(&status), "43|3|50|7|0|0|! not asked, see bus main");
    }

    #[test]
    fn the_exit_code_is_that_of_the_gravest_fault() {
        let mut status = status();
        let mut verdict_is = |change: fn(&mut Status), exit: Exit, error: &str| {
            change(&mut status);
            let failure = verdict(&status).unwrap_err();
            assert_eq!((failure.exit, &*failure.error), (exit, error));
        };
        verdict_is(
            |status| status.buses[0].error = Some("stray bytes".to_owned()),
            Exit::Faults,
            "not in order: bus main",
        );
        verdict_is(
            |status| status.devices[0].error = Some("no reply".to_owned()),
            Exit::Silent,
            "1 meter does not report",
        );
        verdict_is(
            |status| status.buses[0].usable = false,
            Exit::Port,
            "cannot be used: bus main",
        );
    }

    #[test]
    fn an_age_is_told_in_the_unit_that_fits() {
        let (early, late) = ("2026-11-24T08:00:00Z", "2026-11-24T08:26:00Z");
        let (early, late) = (early.parse().unwrap(), late.parse().unwrap());
        assert_eq!(age(early, late), "26 min");
        assert_eq!(age(late, early), "0 s", "a clock that was set back");
    }
}
