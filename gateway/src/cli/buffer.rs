//! `buffer status|check|export`: what this gateway holds, with or without a cloud. The running
//! daemon is asked, since it alone has the buffer open; without one the file is read here.

mod excel;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::closes::Closes;
use common::id::{DeviceId, Epoch};
use common::reading::{ClockTrust, Reading};
use jiff::Timestamp;
use serde::Serialize;

use super::{Exit, Failure, print};
use crate::buffer::{Buffer, BufferCheck, BufferStatus, Lost};
use crate::config::Config;
use crate::control::{self, Request};
use crate::devices;
use crate::run::{ReadingsArguments, ReadingsPage};
use crate::status::{Status, size};

/// Readings taken from the disk at once.
const PAGE: usize = 1_000;

/// What is typed after `buffer`.
#[derive(Debug, clap::Subcommand)]
pub enum BufferCommand {
    /// How many readings are held, waiting, and refused by the cloud
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Look whether all that is held is as it was stored
    Check {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print every reading that is held
    Export {
        /// Print one JSON object a line; else comma-separated values
        #[arg(long, conflicts_with = "xlsx")]
        json: bool,
        /// Write an Excel file instead
        #[arg(long, value_name = "FILE")]
        xlsx: Option<PathBuf>,
    },
}

type Labels = BTreeMap<DeviceId, String>;

/// A reading as it is exported.
#[derive(Debug, Serialize)]
struct Line<'a> {
    epoch: Epoch,
    seq: u64,
    at: Timestamp,
    clock: ClockTrust,
    device: DeviceId,
    label: Option<&'a str>,
    point: &'a str,
    value: Option<String>,
    unit: Option<&'static str>,
    quality: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    raw: &'a str,
    profile: &'a str,
    closes: Option<Closes>,
}

impl<'a> Line<'a> {
    fn new(epoch: Epoch, reading: &'a Reading, labels: &'a Labels) -> Self {
        Self {
            epoch,
            seq: reading.seq,
            at: reading.at,
            clock: reading.clock,
            device: reading.device,
            label: labels.get(&reading.device).map(String::as_str),
            point: &reading.point,
            value: reading.quantity.map(|q| q.value().to_string()),
            unit: reading.quantity.map(|q| q.unit().code()),
            quality: if reading.quantity.is_some() {
                "good"
            } else {
                "suspect"
            },
            reason: reading.suspect.as_deref(),
            raw: &reading.raw,
            profile: &reading.profile,
            closes: reading.closes,
        }
    }

    const HEADER: &'static str =
        "epoch,seq,at,clock,device,label,point,value,unit,quality,reason,raw,profile,closes";

    fn comma_separated(&self) -> String {
        let fields = [
            self.epoch.to_string(),
            self.seq.to_string(),
            self.at.to_string(),
            self.clock.code().to_owned(),
            self.device.to_string(),
            self.label.unwrap_or_default().to_owned(),
            self.point.to_owned(),
            self.value.clone().unwrap_or_default(),
            self.unit.unwrap_or_default().to_owned(),
            self.quality.to_owned(),
            self.reason.unwrap_or_default().to_owned(),
            self.raw.to_owned(),
            self.profile.to_owned(),
            self.closes
                .map(|closes| closes.to_string())
                .unwrap_or_default(),
        ];
        fields.map(|field| quoted(&field)).join(",")
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Runs `buffer …`.
///
/// # Errors
/// When there is no buffer, it cannot be read, or stdout is closed.
pub async fn run(command: &BufferCommand, config: &Config) -> Result<(), Failure> {
    match command {
        BufferCommand::Status { json } => {
            let status = status(config).await?;
            match json {
                true => Ok(print::json("enervue.buffer/1", &status)?),
                false => tell(&status),
            }
        }
        BufferCommand::Check { json } => check(config, *json).await,
        BufferCommand::Export {
            xlsx: Some(file), ..
        } => export_excel(config, file).await,
        BufferCommand::Export { json, .. } => export(config, *json).await,
    }
}

async fn status(config: &Config) -> Result<BufferStatus, Failure> {
    match ask(config, "buffer status", serde_json::Value::Null).await? {
        Some(status) => Ok(serde_json::from_value(status)?),
        None => Ok(open(config)?.status()?),
    }
}

async fn check(config: &Config, json: bool) -> Result<(), Failure> {
    let check: BufferCheck = match ask(config, "buffer check", serde_json::Value::Null).await? {
        Some(check) => serde_json::from_value(check)?,
        None => open(config)?.check()?,
    };
    let BufferCheck { good, links, .. } = &check;
    match json {
        true => print::json("enervue.check/1", &check)?,
        false => {
            for fault in &check.told {
                print::line(fault)?;
            }
            print::line(&format!(
                "{good} readings and {links} seals are as they were stored"
            ))?;
        }
    }
    if check.faults == 0 {
        return Ok(());
    }
    let what = format!("the buffer has {} faults", check.faults);
    Err(Failure::new(Exit::Faults, what)
        .because("the disk or SD card gives back something else than was written")
        .remedy("export what is held; replace the card, the daemon takes what is intact along"))
}

/// What people call the devices that are read now, as far as it can be known: the running
/// daemon is asked, else its files are.
async fn labels(config: &Config) -> Labels {
    match ask(config, "status", serde_json::Value::Null).await {
        Ok(Some(status)) => {
            let status: Option<Status> = serde_json::from_value(status).ok();
            let devices = status.into_iter().flat_map(|status| status.devices);
            devices.map(|device| (device.id, device.label)).collect()
        }
        _ => devices::labels(config),
    }
}

/// The readings after number `after`, from the daemon or from the file.
async fn page(config: &Config, after: u64) -> Result<ReadingsPage, Failure> {
    let arguments = serde_json::to_value(ReadingsArguments { after, max: PAGE })?;
    if let Some(page) = ask(config, "buffer readings", arguments).await? {
        return Ok(serde_json::from_value(page)?);
    }
    let mut buffer = open(config)?;
    Ok(ReadingsPage {
        epoch: buffer.epoch(),
        readings: buffer.read_after(after, PAGE)?,
    })
}

/// What the daemon says, or `None` when none runs.
async fn ask(
    config: &Config,
    command: &str,
    arguments: serde_json::Value,
) -> Result<Option<serde_json::Value>, Failure> {
    let request = Request {
        command: command.to_owned(),
        arguments,
    };
    match control::ask(&config.socket, &request).await {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.exit == Exit::NoDaemon => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn open(config: &Config) -> Result<Buffer, Failure> {
    let path = config.buffer_file();
    Buffer::open_to_read(&path).map_err(|error| {
        let what = format!("there is no buffer to read at {}", path.display());
        Failure::new(Exit::Unexpected, what)
            .because(error.to_string())
            .remedy("start the daemon, which makes it; use sudo when the file is another user's")
    })
}

fn tell(status: &BufferStatus) -> Result<(), Failure> {
    let oldest = status.oldest_at.map_or("-".to_owned(), |at| at.to_string());
    let mut rows = vec![
        ("epoch", status.epoch.to_string()),
        (
            "since",
            format!("{}, {}", status.began_at, status.origin.told()),
        ),
        ("last number", status.last_seq.to_string()),
        ("acknowledged", status.acknowledged_through.to_string()),
        ("waiting", status.waiting.to_string()),
        ("held", status.kept.to_string()),
        ("refused by the cloud", status.rejected.to_string()),
        ("lost", status.lost.to_string()),
        ("oldest held", oldest),
        (
            "size",
            format!("{} of {}", size(status.bytes), size(status.bytes_max)),
        ),
    ];
    if status.salvaged > 0 {
        rows.push(("taken over", status.salvaged.to_string()));
    }
    if status.damaged > 0 {
        rows.push(("found damaged", status.damaged.to_string()));
    }
    if let Some(path) = &status.set_aside {
        rows.push(("the old one", path.display().to_string()));
    }
    if status.disk_full {
        rows.push(("disk", "full".to_owned()));
    }
    let rows = rows.into_iter();
    let rows: Vec<_> = rows
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    Ok(print::table(&rows)?)
}

/// What is missing between the readings that are exported.
#[derive(Debug, Default)]
struct Gaps {
    next: Option<u64>,
    missing: u64,
}

impl Gaps {
    fn pass(&mut self, reading: &Reading) {
        let seq = reading.seq;
        self.missing += seq - self.next.unwrap_or(seq).min(seq);
        self.next = Some(seq + 1);
    }

    fn tell(&self) {
        let missing = self.missing;
        if missing > 0 {
            print::note(&format!(
                "{missing} readings between them are lost or damaged: enervue-gateway buffer \
                 check, and the losses of buffer export --xlsx, tell which"
            ));
        }
    }
}

/// The losses, from the daemon or from the file.
async fn losses(config: &Config) -> Result<Vec<Lost>, Failure> {
    let mut all: Vec<Lost> = Vec::new();
    loop {
        let after = all.last().map_or(0, |lost| lost.last);
        let arguments = serde_json::to_value(ReadingsArguments { after, max: PAGE })?;
        let page: Vec<Lost> = match ask(config, "buffer losses", arguments).await? {
            Some(page) => serde_json::from_value(page)?,
            None => open(config)?.losses_after(after, PAGE)?,
        };
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn export_excel(config: &Config, file: &Path) -> Result<(), Failure> {
    let failed = |error: excel::ExcelError| {
        let what = format!("cannot write {}", file.display());
        Failure::new(Exit::Unexpected, what)
            .because(error.to_string())
            .remedy("name a file in a directory of yours with room")
    };
    let (labels, status) = (labels(config).await, status(config).await?);
    let mut book = excel::Book::begin(status.epoch).map_err(failed)?;
    let (mut after, mut gaps) = (0, Gaps::default());
    loop {
        let page = page(config, after).await?;
        let Some(last) = page.readings.last() else {
            break;
        };
        after = last.seq;
        for reading in &page.readings {
            gaps.pass(reading);
            book.reading(reading, &labels).map_err(failed)?;
        }
    }
    gaps.tell();
    book.finish(&losses(config).await?, &status, file)
        .map_err(failed)
}

async fn export(config: &Config, json: bool) -> Result<(), Failure> {
    if json {
        print::json("enervue.readings/1", &serde_json::json!({}))?;
    } else {
        print::line(Line::HEADER)?;
    }
    let labels = labels(config).await;
    let (mut after, mut gaps) = (0, Gaps::default());
    loop {
        let page = page(config, after).await?;
        let Some(last) = page.readings.last() else {
            gaps.tell();
            return Ok(());
        };
        after = last.seq;
        for reading in &page.readings {
            gaps.pass(reading);
            let line = Line::new(page.epoch, reading, &labels);
            let text = match json {
                true => serde_json::to_string(&line)?,
                false => line.comma_separated(),
            };
            print::line(&text)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::quantity::Quantity;
    use common::unit::Unit;

    #[test]
    fn a_reading_is_exported_with_every_figure_as_it_was_read() {
        let mut reading = Reading {
            since_boot: None,
            seal: None,
            seq: 5,
            at: "2026-11-24T08:00:00.25Z".parse().unwrap(),
            clock: ClockTrust::Trusted,
            device: DeviceId(7),
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::from_count(1_250, 2, Unit::KiloWh).unwrap()),
            suspect: None,
            raw: "4148 0000".to_owned(),
            profile: "eastron-sdm120@1f2e3d4c".to_owned(),
            closes: Some("2026-11-24".parse().unwrap()),
        };
        let labels = BTreeMap::from([(DeviceId(7), "Local 101, rear".to_owned())]);
        let json = serde_json::to_value(Line::new(Epoch(1), &reading, &labels)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "epoch": "0000000000001", "seq": 5, "at": "2026-11-24T08:00:00.25Z",
                "clock": "trusted", "device": "0000000000007",
                "label": "Local 101, rear", "point": "energy_import",
                "value": "12.50", "unit": "kWh", "quality": "good", "raw": "4148 0000",
                "profile": "eastron-sdm120@1f2e3d4c", "closes": "2026-11-24",
            })
        );
        reading.quantity = None;
        reading.suspect = Some("0, \"all\" of it".to_owned());
        let text = Line::new(Epoch(1), &reading, &labels).comma_separated();
        assert!(
            text.contains(r#",,,suspect,"0, ""all"" of it",4148"#),
            "{text}"
        );
        assert!(
            text.contains(r#",0000000000007,"Local 101, rear","#),
            "{text}"
        );
        assert_eq!(Line::HEADER.split(',').count(), 14);
    }
}
