//! The log of faults: what a simulated line did to which request, one JSON object a line, the
//! first of which names the form.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::faults::Happening;
use super::slave::REQUEST_BYTES;

const SCHEMA: &str = "enervue.simulate.faults/1";

/// A file of its own for each line and run.
#[derive(Debug)]
pub(super) struct FaultsLog(File);

impl FaultsLog {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        writeln!(file, "{}", json!({ "schema": SCHEMA }))?;
        Ok(Self(file))
    }

    /// Notes what happened, if it was a fault.
    pub(super) fn tell(
        &mut self,
        at: Timestamp,
        request: &[u8; REQUEST_BYTES],
        happening: &Happening,
    ) {
        let Some(kind) = happening.kind else {
            return;
        };
        let bursts = happening.bursts.iter().map(|burst| {
            let after_ms = u64::try_from(burst.after.as_millis()).unwrap_or(u64::MAX);
            json!({ "after_ms": after_ms, "bytes": hex(&burst.bytes) })
        });
        let bursts: Vec<_> = bursts.collect();
        let line = json!({
            "at": at.to_string(),
            "request": hex(request),
            "fault": kind,
            "bursts": bursts,
        });
        if let Err(error) = writeln!(self.0, "{line}") {
            tracing::warn!(%error, "the log of faults cannot be written");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(" ")
}
