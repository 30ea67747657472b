//! `bus`: what can be known about a line: what another master asks on it, and what this
//! gateway would ask.

mod plan;

use jiff::Timestamp;
use serde_json::Value;

use super::{Exit, Failure, print};
use crate::config::{Config, Mode};
use crate::control::{self, Request};
use crate::listen::heard::{HeardBus, HeardReport, HeardRequest};

/// What is typed after `bus`.
#[derive(Debug, clap::Subcommand)]
pub enum BusCommand {
    /// What another master asks on the line, how often, and what comes back
    Heard(HeardArgs),
    /// What the devices cost the line: requests, wire time and load, before it is switched on
    Plan(plan::PlanArgs),
}

/// What is typed after `bus heard`.
#[derive(Debug, clap::Args)]
pub struct HeardArgs {
    /// Only this bus
    #[arg(long, value_name = "NAME")]
    bus: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `bus`.
///
/// # Errors
/// When no daemon runs or there is no such bus.
pub async fn run(command: &BusCommand, config: &Config) -> Result<(), Failure> {
    match command {
        BusCommand::Heard(args) => heard(args, config).await,
        BusCommand::Plan(args) => plan::run(args, config),
    }
}

async fn heard(args: &HeardArgs, config: &Config) -> Result<(), Failure> {
    let request = Request {
        command: "heard".to_owned(),
        arguments: Value::Null,
    };
    let report = control::ask(&config.socket, &request).await?;
    let mut report: HeardReport = serde_json::from_value(report)?;
    if let Some(name) = &args.bus {
        let names: Vec<&str> = report.buses.iter().map(|bus| &*bus.name).collect();
        let names = names.join(", ");
        report.buses.retain(|bus| bus.name == *name);
        if report.buses.is_empty() {
            let error = format!("there is no bus '{name}'");
            let failure = Failure::new(Exit::Usage, error);
            return Err(failure.because(format!("this gateway's buses are: {names}")));
        }
    }
    if args.json {
        print::json("enervue.bus_heard/1", &report)?;
        return Ok(());
    }
    for bus in &report.buses {
        tell(bus, report.now)?;
    }
    Ok(())
}

fn tell(bus: &HeardBus, now: Timestamp) -> std::io::Result<()> {
    let mode = match bus.mode {
        Mode::Poll => "this gateway is the master",
        Mode::Listen => "this gateway only listens",
    };
    print::line(&format!("Bus {}, {}: {mode}", bus.name, bus.line))?;
    for problem in bus.error.iter().chain(&bus.foreign).chain(&bus.lacking) {
        print::line(&format!("! {problem}"))?;
    }
    if bus.requests.is_empty() {
        return print::line("No request of another master has been heard.");
    }
    let header = [
        "Unit",
        "Asked for",
        "Every",
        "Requests",
        "Replies",
        "Refused",
        "Unanswered",
        "Last",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(bus.requests.iter().map(|request| row(request, now)));
    print::table(&rows)?;
    if bus.unlisted > 0 {
        print::line(&format!(
            "{} requests of further kinds are not listed.",
            bus.unlisted
        ))?;
    }
    Ok(())
}

fn row(request: &HeardRequest, now: Timestamp) -> Vec<String> {
    let seconds = now.duration_since(request.last_heard_at).as_secs().max(0);
    vec![
        request.unit_id.to_string(),
        asked_for(request),
        request.period_ms.map_or_else(|| "–".to_owned(), period),
        request.requests.to_string(),
        request.replies.to_string(),
        request.exceptions.to_string(),
        request.unanswered.to_string(),
        format!("{seconds} s ago"),
    ]
}

fn asked_for(request: &HeardRequest) -> String {
    match (request.table, request.address, request.count) {
        (Some(table), Some(address), Some(count)) => {
            let table = match table {
                common::profile::Table::Holding => "holding",
                common::profile::Table::Input => "input",
            };
            let last = u32::from(address) + u32::from(count.max(1)) - 1;
            match count {
                1 => format!("{table} {address}"),
                _ => format!("{table} {address}–{last}"),
            }
        }
        _ => format!("function {}", request.function),
    }
}

fn period(milliseconds: u64) -> String {
    match milliseconds {
        0..=9_999 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        10_000..=119_999 => format!("{} s", milliseconds / 1000),
        _ => format!("{} min", milliseconds / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::profile::Table;

    #[test]
    fn a_request_is_told_by_its_registers_and_its_period() {
        let mut request = HeardRequest {
            unit_id: 3,
            function: 4,
            table: Some(Table::Input),
            address: Some(72),
            count: Some(2),
            requests: 4,
            replies: 3,
            exceptions: 0,
            unanswered: 1,
            period_ms: Some(2_540),
            last_heard_at: "2026-11-24T08:00:00Z".parse().unwrap(),
        };
        let now = "2026-11-24T08:00:07Z".parse().unwrap();
        let shown = ["3", "input 72–73", "2.5 s", "4", "3", "0", "1", "7 s ago"];
        assert_eq!(row(&request, now), shown);
        request.count = Some(1);
        assert_eq!(asked_for(&request), "input 72");
        (request.function, request.table) = (16, None);
        assert_eq!(asked_for(&request), "function 16");
        let table = [(60_000, "60 s"), (900_000, "15 min"), (20, "0.0 s")];
        for (milliseconds, text) in table {
            assert_eq!(period(milliseconds), text);
        }
    }
}
