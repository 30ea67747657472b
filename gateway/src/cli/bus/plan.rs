//! `bus plan`: what the devices cost each line, from the settings alone, or from the last
//! list of the cloud; no daemon runs, nothing is sent.

use std::io;

use common::profile::Library;
use serde::Serialize;

use super::super::{Exit, Failure, print};
use crate::bus::Port;
use crate::config::{BusConfig, Config, Mode, PortAddress};
use crate::devices;
use crate::identity::Identity;
use crate::load::{Asked, Load, Wire, load};
use crate::profiles;

/// A line that is busy for longer than there is time, in thousandths.
const OVERFULL_PERMILLE: u64 = 1_000;

/// What is typed after `bus plan`.
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Only this bus
    #[arg(long, value_name = "NAME")]
    bus: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All lines; as JSON the object `enervue.bus_plan/1`.
#[derive(Debug, Serialize)]
struct Plan {
    buses: Vec<BusPlan>,
}

/// One line.
#[derive(Debug, Serialize)]
struct BusPlan {
    bus: String,
    line: String,
    mode: Mode,
    /// Devices of which nothing can be told, each with the reason.
    left_out: Vec<String>,
    #[serde(flatten)]
    load: Load,
}

/// A device as either list names it.
struct Listed {
    label: String,
    bus: String,
    unit_id: u8,
    profile: String,
    poll_period_s: u32,
}

/// Runs `bus plan`.
///
/// # Errors
/// When there is no such bus, a profile cannot be read, or a line cannot carry its devices.
pub(super) fn run(args: &PlanArgs, config: &Config) -> Result<(), Failure> {
    let library = profiles::library(&config.profile_dir)?;
    let listed = listed(config)?;
    let wanted = |bus: &&BusConfig| args.bus.as_ref().is_none_or(|name| *name == bus.name);
    let buses = config.bus.iter().filter(wanted);
    let gauges_s = config.poll.gauge_period_s;
    let plan = Plan {
        buses: buses
            .map(|bus| planned(bus, &listed, &library, gauges_s))
            .collect(),
    };
    if let (Some(name), true) = (&args.bus, plan.buses.is_empty()) {
        let names: Vec<&str> = config.bus.iter().map(|bus| &*bus.name).collect();
        let failure = Failure::new(Exit::Usage, format!("there is no bus '{name}'"));
        return Err(failure.because(format!("this gateway's buses are: {}", names.join(", "))));
    }
    if args.json {
        print::json("enervue.bus_plan/1", &plan)?;
    } else {
        for (number, bus) in plan.buses.iter().enumerate() {
            if number > 0 {
                print::line("")?;
            }
            tell(bus)?;
        }
    }
    let overfull = |bus: &&BusPlan| bus.load.load_permille > OVERFULL_PERMILLE;
    match plan.buses.iter().find(overfull) {
        None => Ok(()),
        Some(bus) => {
            let error = format!("bus {} cannot carry its devices at their periods", bus.bus);
            Err(Failure::new(Exit::Faults, error))
        }
    }
}

/// The devices that a daemon would read: the last list of the cloud, or the file's.
fn listed(config: &Config) -> Result<Vec<Listed>, Failure> {
    let Some(identity) = Identity::load(&config.identity_file())? else {
        return Ok(in_file(config));
    };
    let list = devices::last_known(&config.data_dir, identity.gateway);
    let listed = list.devices.into_iter().map(|device| Listed {
        label: device.label,
        bus: device.bus,
        unit_id: device.unit_id,
        profile: device.profile,
        poll_period_s: device.poll_period_s,
    });
    Ok(listed.collect())
}

fn in_file(config: &Config) -> Vec<Listed> {
    let buses = config.bus.iter();
    let devices = buses.flat_map(|bus| bus.device.iter().map(move |device| (bus, device)));
    let listed = devices.map(|(bus, device)| Listed {
        label: device.label.clone(),
        bus: bus.name.clone(),
        unit_id: device.unit_id,
        profile: device.profile.clone(),
        poll_period_s: config.poll.billing_period_s,
    });
    listed.collect()
}

fn planned(bus: &BusConfig, listed: &[Listed], library: &Library, gauges_s: u32) -> BusPlan {
    let mut left_out = Vec::new();
    let mut asked = Vec::new();
    for device in listed.iter().filter(|device| device.bus == bus.name) {
        match library.get(&device.profile) {
            Some(profile) => asked.push(Asked {
                label: &device.label,
                unit_id: device.unit_id,
                profile,
                period_s: device.poll_period_s,
            }),
            None => left_out.push(format!(
                "{} is left out: there is no profile '{}'",
                device.label, device.profile
            )),
        }
    }
    let port = Port::from(bus);
    BusPlan {
        bus: bus.name.clone(),
        line: port.to_string(),
        mode: bus.mode,
        left_out,
        load: load(wire(&port), &asked, gauges_s),
    }
}

/// The wire of the bus, unless it is a network.
fn wire(port: &Port) -> Option<Wire> {
    let is_wire = !matches!(port.address, PortAddress::ModbusTcp(_));
    is_wire.then(|| Wire {
        baud: port.baud,
        bits: port.character_bits(),
    })
}

fn tell(bus: &BusPlan) -> io::Result<()> {
    let load = &bus.load;
    print::line(&format!("Bus {}, {}", bus.bus, bus.line))?;
    for problem in bus.left_out.iter().chain(&load.advice) {
        print::line(&format!("! {problem}"))?;
    }
    if load.devices.is_empty() {
        return print::line("There is no device on it.");
    }
    print::line("")?;
    print::table(&rows(load))?;
    print::line("")?;
    for sentence in sentences(bus) {
        print::line(&sentence)?;
    }
    Ok(())
}

fn rows(load: &Load) -> Vec<Vec<String>> {
    let header = [
        "Meter",
        "Unit",
        "Profile",
        "Function",
        "First",
        "Registers",
        "Every",
        "Bytes",
        "Time",
        "Points",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for device in &load.devices {
        rows.extend(device.requests.iter().enumerate().map(|(place, request)| {
            let once = |text: &str| {
                if place == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            vec![
                once(&device.label),
                once(&device.unit_id.to_string()),
                once(&device.profile),
                format!("{:02}", request.function),
                request.address.to_string(),
                request.registers.to_string(),
                format!("{} s", request.every_s),
                request.bytes.to_string(),
                tenths(request.microseconds.div_ceil(100), "ms"),
                request.points.join(", "),
            ]
        }));
    }
    rows
}

fn sentences(bus: &BusPlan) -> Vec<String> {
    let load = &bus.load;
    let mut told = Vec::new();
    if bus.mode == Mode::Listen {
        told.push(
            "This bus only listens: a master would send this, the gateway sends none.".into(),
        );
    }
    let turnaround = load.turnaround_ms;
    if !load.wire_is_ours {
        told.push(format!(
            "The wire behind this address is not ours: its speed is set there. The times are \
             an assumed turnaround of {turnaround} ms and the pauses of the profiles alone."
        ));
    }
    told.push(format!(
        "The line is busy for {} of the time, if a device takes {turnaround} ms to answer.",
        tenths(load.load_permille, "%")
    ));
    if let Some(period) = load.period_least_s {
        told.push(format!(
            "The shortest period it can carry is {period} s; {} more such devices fit below 80 %.",
            load.more_devices
        ));
    }
    let dead = &load.dead;
    told.push(format!(
        "A device that does not answer holds it for {} each time it is asked: {} of the first \
         ten minutes, {} from then on.",
        tenths(dead.attempt_ms.div_ceil(100), "s"),
        tenths(dead.first_permille, "%"),
        tenths(dead.lasting_permille, "%")
    ));
    told
}

fn tenths(tenths: u64, unit: &str) -> String {
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(port: &str, baud: u32) -> Config {
        let text = format!(
            "profile_dir = '/nowhere'\n[[bus]]\nname = 'main'\nport = '{port}'\nbaud = {baud}\n\
             [[bus.device]]\nunit_id = 1\nprofile = 'eastron-sdm120'\nlabel = 'Local 101'\n\
             [[bus.device]]\nunit_id = 2\nprofile = 'nobody'\nlabel = 'Local 102'\n"
        );
        Config::parse(&text, []).unwrap()
    }

    fn plan(config: &Config) -> BusPlan {
        planned(&config.bus[0], &in_file(config), &Library::shipped(), 900)
    }

    #[test]
    fn a_plan_tells_requests_load_and_what_is_left_out() {
        let plan = plan(&config("/dev/ttyUSB0", 9_600));
        assert_eq!(plan.line, "/dev/ttyUSB0 9600 8N1");
        assert_eq!(
            plan.left_out,
            ["Local 102 is left out: there is no profile 'nobody'"]
        );
        let rows = rows(&plan.load);
        assert_eq!(rows[1][..3], ["Local 101", "1", "eastron-sdm120"]);
        assert!(rows[2..].iter().all(|row| row[0].is_empty()), "{rows:?}");
        let told = sentences(&plan).join("\n");
        assert!(told.contains("if a device takes 20 ms to answer"), "{told}");
        assert!(told.contains("holds it for 2.1 s each time"), "{told}");
    }

    #[test]
    fn a_wire_that_is_not_ours_is_said_to_be_so() {
        let plan = plan(&config("tcp://10.0.0.7:502", 9_600));
        assert_eq!(plan.line, "tcp 10.0.0.7:502");
        assert!(sentences(&plan)[0].starts_with("The wire behind this address is not ours"));
    }
}
