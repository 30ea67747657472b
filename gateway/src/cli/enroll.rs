//! `enroll URL --code CODE`: exchanges the code that the portal shows for an identity.

use std::path::Path;

use common::id::GatewayId;
use common::sync::{DeviceList, EnrolRequest, PROTOCOL_VERSION, ProblemCode};
use serde::Serialize;

use super::{Exit, Failure, print};
use crate::buffer::{Buffer, BufferError};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{self, Request};
use crate::devices;
use crate::identity::{Identity, Key};
use crate::uplink::SOFTWARE;
use crate::uplink::client::{Client, UplinkError, check_address};

/// What is typed after `enroll`.
#[derive(Debug, clap::Args)]
pub struct EnrollArgs {
    /// The cloud's address, e.g. `https://cloud.example.com`
    url: String,
    /// The one-use code that the portal shows for this gateway
    #[arg(long)]
    code: String,
    /// Do it although the gateway is enrolled already
    #[arg(long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Joined<'a> {
    gateway: GatewayId,
    gateway_name: &'a str,
    site: &'a str,
    account: &'a str,
    url: &'a str,
    devices: Option<usize>,
    set_aside: Option<&'a Path>,
}

/// Enrols this gateway.
///
/// # Errors
/// When the cloud refuses or cannot be reached, when it would replace an identity without
/// `--yes`, or the disk refuses.
pub async fn run(args: &EnrollArgs, config: &Config, clock: &Clock) -> Result<(), Failure> {
    check_address(&args.url).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    crate::tls::install();
    let old = Identity::load(&config.identity_file())?;
    // Held from here on: no daemon may go on sending as somebody else.
    let buffer = match &old {
        None => None,
        Some(old) if !args.yes => return Err(enrolled_already(old)),
        Some(_) => Some(hold_buffer(config, clock)?),
    };
    let key = match &old {
        Some(old) => old.key.clone(),
        None => Key::generate(),
    };
    let client = Client::new(&args.url, clock)?;
    let request = EnrolRequest {
        protocols: vec![PROTOCOL_VERSION],
        code: args.code.trim().to_owned(),
        public_key: key.public().unwrap_or_default(),
        host: host(),
        software: SOFTWARE.to_owned(),
    };
    let reply = client.enrol(&request).await.map_err(not_enrolled)?;
    if reply.protocol != PROTOCOL_VERSION {
        return Err(other_protocol(&[reply.protocol]));
    }
    let same = old.as_ref().is_some_and(|old| old.gateway == reply.gateway);
    let set_aside = match buffer {
        Some(buffer) if !same => Some(buffer.leave(&config.buffer_file(), clock.now())?),
        _ => None,
    };
    let identity = Identity::new(&args.url, key, reply);
    identity.save(&config.identity_file())?;
    let list = match client.devices(&identity).await {
        Ok(list) => {
            devices::save_copy(&config.data_dir, identity.gateway, &list)?;
            Some(list)
        }
        Err(error) => {
            print::note(&format!("no list of devices yet: {error}"));
            None
        }
    };
    let joined = Joined {
        gateway: identity.gateway,
        gateway_name: &identity.gateway_name,
        site: &identity.site_name,
        account: &identity.account_name,
        url: &identity.url,
        devices: list.as_ref().map(|list| list.devices.len()),
        set_aside: set_aside.as_deref(),
    };
    if args.json {
        return Ok(print::json("enervue.enrolment/1", &joined)?);
    }
    tell(&joined)?;
    print::note(&format!("next: {}", next_step(config, list.as_ref()).await));
    Ok(())
}

fn tell(joined: &Joined<'_>) -> std::io::Result<()> {
    print::line(&format!(
        "Joined site {} (account {}) as {}.",
        joined.site, joined.account, joined.gateway_name
    ))?;
    match joined.devices {
        Some(0) | None => {}
        Some(1) => print::line("1 device to read.")?,
        Some(many) => print::line(&format!("{many} devices to read."))?,
    }
    if let Some(path) = joined.set_aside {
        print::line(&format!("The old readings stay in {}.", path.display()))?;
    }
    Ok(())
}

async fn next_step(config: &Config, list: Option<&DeviceList>) -> String {
    let request = Request {
        command: "status".to_owned(),
        arguments: serde_json::Value::Null,
    };
    if control::ask(&config.socket, &request).await.is_err() {
        return "sudo systemctl start enervue-gateway".to_owned();
    }
    if list.is_none_or(|list| list.devices.is_empty()) {
        let buses: Vec<&str> = config.bus.iter().map(|bus| bus.name.as_str()).collect();
        let buses = buses.join(", ");
        return format!("register the meters in the portal; this gateway's buses are: {buses}");
    }
    "enervue-gateway status".to_owned()
}

fn enrolled_already(old: &Identity) -> Failure {
    let error = format!(
        "this gateway is enrolled already, at site {} (account {})",
        old.site_name, old.account_name
    );
    Failure::new(Exit::Refused, error)
        .because(
            "a code for another gateway begins a new log of readings: what the old account \
             has not got stays behind, set aside on this disk",
        )
        .remedy("stop the daemon, then repeat the command with --yes")
}

/// The buffer, so that no daemon runs meanwhile.
pub(super) fn hold_buffer(config: &Config, clock: &Clock) -> Result<Buffer, Failure> {
    let path = config.buffer_file();
    Buffer::open(&path, &config.buffer, clock.now(), None).map_err(|error| {
        let failure = Failure::from(&error);
        match error {
            BufferError::InUse(_) => failure.remedy("sudo systemctl stop enervue-gateway"),
            _ => failure,
        }
    })
}

fn not_enrolled(error: UplinkError) -> Failure {
    let failure = Failure::new(Exit::Cloud, "the gateway was not enrolled");
    match error {
        UplinkError::Refused { problem, .. } if problem.code == ProblemCode::Protocol => {
            other_protocol(&problem.protocols)
        }
        UplinkError::Refused { problem, .. } => failure.because(problem.error).remedy(problem.hint),
        UplinkError::Unreachable(_) => failure
            .because(error.to_string())
            .remedy("check the address and the internet connection, then repeat the command"),
        _ => failure
            .because(error.to_string())
            .remedy("check that the address is the cloud's own"),
    }
}

/// The two programs share no version of the protocol.
fn other_protocol(theirs: &[u32]) -> Failure {
    let spoken: Vec<_> = theirs.iter().map(u32::to_string).collect();
    let spoken = match spoken.is_empty() {
        true => "others".to_owned(),
        false => spoken.join(", "),
    };
    let failure = Failure::new(Exit::Cloud, "the gateway was not enrolled").because(format!(
        "this gateway speaks version {PROTOCOL_VERSION} of the sync protocol, the cloud {spoken}"
    ));
    match theirs.iter().all(|theirs| *theirs < PROTOCOL_VERSION) && !theirs.is_empty() {
        true => failure.remedy("have the cloud upgraded, then repeat the command"),
        false => failure.remedy("upgrade enervue-gateway, then repeat the command"),
    }
}

/// The machine's name, which the portal shows.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use common::sync::Problem;

    use super::*;

    #[test]
    fn two_programs_without_a_common_protocol_say_which_is_to_be_upgraded() {
        for (theirs, who) in [
            (&[2, 3][..], "upgrade enervue-gateway"),
            (&[0], "have the cloud upgraded"),
            (&[], "upgrade enervue-gateway"),
        ] {
            let problem = Problem {
                code: ProblemCode::Protocol,
                protocols: theirs.to_vec(),
                ..Problem::default()
            };
            let refused = UplinkError::Refused {
                status: 400,
                problem,
            };
            let failure = not_enrolled(refused);
            assert_eq!(failure.exit, Exit::Cloud);
            let remedy = failure.remedy.unwrap();
            assert!(remedy.contains(who), "{theirs:?}: {remedy}");
        }
    }
}
