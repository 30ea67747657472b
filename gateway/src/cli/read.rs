//! `read`: one device, every point, once. The running daemon is asked, since it owns the
//! bus; without one the port is opened here, under its lock.

use common::profile::Library;

use super::{Exit, Failure, config, print};
use crate::bus::Port;
use crate::config::{BusConfig, Config, Mode};
use crate::control::{self, Request};
use crate::poll::once::{self, Shown, ShownPoint};
use crate::profiles;
use crate::run::ReadArguments;

/// What is typed after `read`.
#[derive(Debug, clap::Args)]
pub struct ReadArgs {
    /// The profile that decodes it (see: profile list)
    #[arg(long, value_name = "ID")]
    profile: String,
    /// Its Modbus unit id, as set on the device
    #[arg(long, value_name = "1-247", value_parser = clap::value_parser!(u8).range(1..=247))]
    unit_id: u8,
    /// The bus it is on; not needed when there is only one
    #[arg(long, value_name = "NAME")]
    bus: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `read`.
///
/// # Errors
/// When bus or profile are unknown, the port cannot be used, the device is silent, or some
/// of its points have no value.
pub async fn run(args: &ReadArgs, settings: &Config) -> Result<(), Failure> {
    let bus = choose(settings, args.bus.as_deref())?;
    let request = Request {
        command: "read".to_owned(),
        arguments: serde_json::to_value(ReadArguments {
            bus: bus.name.clone(),
            unit_id: args.unit_id,
            profile: args.profile.clone(),
        })?,
    };
    let shown: Shown = match control::ask(&settings.socket, &request).await {
        Ok(shown) => serde_json::from_value(shown)?,
        Err(failure) if failure.exit == Exit::NoDaemon => {
            let library = config::library(settings)?;
            read_here(bus, &args.profile, args.unit_id, &library).await?
        }
        Err(failure) => return Err(failure),
    };
    if args.json {
        print::json("enervue.read/1", &shown)?;
    } else {
        tell(&shown)?;
    }
    let failed = shown.points.iter().filter(|p| p.error.is_some()).count();
    match failed {
        0 => Ok(()),
        _ => Err(Failure::new(
            Exit::Partial,
            format!("{failed} of {} points have no value", shown.points.len()),
        )),
    }
}

fn choose<'a>(settings: &'a Config, name: Option<&str>) -> Result<&'a BusConfig, Failure> {
    let names = settings.bus.iter().map(|bus| bus.name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    let chosen = match (name, settings.bus.as_slice()) {
        (Some(name), buses) => buses.iter().find(|bus| bus.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    chosen.ok_or_else(|| {
        let error = match name {
            Some(name) => format!("there is no bus '{name}'"),
            None => "which bus is the device on?".to_owned(),
        };
        Failure::new(Exit::Usage, error)
            .because(format!("the settings list: {names}"))
            .remedy("--bus NAME, with one of them")
    })
}

async fn read_here(
    bus: &BusConfig,
    profile: &str,
    unit_id: u8,
    library: &Library,
) -> Result<Shown, Failure> {
    let profile = library.get(profile).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no profile '{profile}'"))
            .remedy(profiles::advice(library, profile))
    })?;
    let port = Port::from(bus);
    if bus.mode == Mode::Listen {
        let error = format!("bus {} is only listened on", bus.name);
        return Err(Failure::new(Exit::Port, error)
            .because("its settings say mode = \"listen\": another master asks on it")
            .remedy("enervue-gateway bus heard, while the daemon runs"));
    }
    print::note(&format!("no daemon runs: opening {port} for this"));
    let manner = bus.manner();
    let seconds = manner.listen_first.as_secs();
    if seconds > 0 {
        print::note(&format!(
            "listening for {seconds} s first, for another master"
        ));
    }
    let shown = once::read_at(&bus.name, port, manner, profile, unit_id).await;
    shown.map_err(|error| {
        let exit = if error.is_of_the_port() {
            Exit::Port
        } else {
            Exit::Silent
        };
        Failure::from(error).with(exit)
    })
}

fn tell(shown: &Shown) -> std::io::Result<()> {
    print::line(&format!(
        "Unit {} on bus {}, by {}",
        shown.unit_id, shown.bus, shown.profile
    ))?;
    let header = ["Point", "", "Value", "Unit", "Words"].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    rows.extend(shown.points.iter().map(row));
    print::table(&rows)?;
    for (error, points) in faults(&shown.points) {
        print::line(&format!("! {}: {error}", points.join(", ")))?;
    }
    Ok(())
}

/// What is wrong, each once, with the points that have no value because of it.
fn faults(points: &[ShownPoint]) -> Vec<(&str, Vec<&str>)> {
    let mut faults: Vec<(&str, Vec<&str>)> = Vec::new();
    for point in points {
        let Some(error) = &point.error else { continue };
        match faults.iter_mut().find(|(known, _)| known == error) {
            Some((_, points)) => points.push(&point.point),
            None => faults.push((error, vec![&point.point])),
        }
    }
    faults
}

fn row(point: &ShownPoint) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    vec![
        point.point.clone(),
        point.role.code().to_owned(),
        or_dash(&point.value),
        point
            .unit
            .map_or_else(String::new, |unit| unit.symbol().to_owned()),
        point.raw.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::profile::Role;
    use common::unit::Unit;

    #[test]
    fn a_fault_of_several_points_is_told_once() {
        let point = |name: &str, error: Option<&str>| ShownPoint {
            point: name.to_owned(),
            role: Role::Gauge,
            value: None,
            unit: Some(Unit::CubicMetrePerHour),
            raw: None,
            error: error.map(str::to_owned),
        };
        let points = [
            point("flow", None),
            point("power", Some("exception 2")),
            point("current", Some("not a number")),
            point("voltage", Some("exception 2")),
        ];
        let told = [
            ("exception 2", vec!["power", "voltage"]),
            ("not a number", vec!["current"]),
        ];
        assert_eq!(faults(&points), told);
        assert_eq!(row(&points[0]), ["flow", "gauge", "–", "m³/h", ""]);
        let json = serde_json::to_value(&points[0]).unwrap();
        assert_eq!(json["unit"], "m3/h");
    }
}
