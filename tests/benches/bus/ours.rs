//! Our side of the bus bench: reads registers of six units in turn through a `Bus`, as the
//! daemon does, on one thread, and prints what it took.
//!
//! `bench-bus PORT BAUD REGISTERS TRANSACTIONS`; at 0 baud the wire takes no time and no
//! silence is kept.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::profile::{Parity, Request, Table};
use gateway::bus::{Ask, Bus, Pace, Port, Timing};
use gateway::config::PortAddress;
use serde_json::json;

const UNITS: u64 = 6;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, baud, registers, transactions] = arguments.as_slice() else {
        bail!("usage: bench-bus PORT BAUD REGISTERS TRANSACTIONS");
    };
    let (baud, registers): (u32, u16) = (baud.parse()?, registers.parse()?);
    let transactions: u64 = transactions.parse()?;
    let port = Port {
        address: PortAddress::try_from(path.clone())?,
        baud: if baud == 0 { 115_200 } else { baud },
        parity: Parity::None,
        stop_bits: 1,
    };
    let timing = if baud == 0 {
        Timing::UNPACED
    } else {
        port.timing()
    };
    let mut line = Some(port.open().await?);
    let bus = Bus::start_with("bench", timing, move || {
        line.take()
            .ok_or_else(|| std::io::Error::other("it was lost"))
    });

    // The first request waits until the line has been silent for a time-out.
    bus.read(ask(0, registers)).await?;
    let (began, cpu_before_us) = (Instant::now(), cpu_us()?);
    let mut failed = 0;
    for number in 0..transactions {
        failed += u64::from(bus.read(ask(number, registers)).await.is_err());
    }
    let (took, cpu_after_us) = (began.elapsed(), cpu_us()?);
    let report = json!({
        "transactions": transactions,
        "failed": failed,
        "seconds": took.as_secs_f64(),
        "cpu_us": cpu_after_us - cpu_before_us,
    });
    println!("{report}");
    Ok(())
}

fn ask(number: u64, registers: u16) -> Ask {
    Ask {
        unit: u8::try_from(number % UNITS + 1).unwrap_or(1),
        request: Request {
            table: Table::Holding,
            address: 0,
            count: registers,
        },
        pace: Pace {
            gap: Duration::ZERO,
            unit_change_gap: Duration::ZERO,
            timeout: Duration::from_secs(1),
        },
    }
}

/// Microseconds for which this thread has run, in the kernel's own count.
fn cpu_us() -> anyhow::Result<u64> {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = schedule.split(' ').next().context("schedstat is empty")?;
    Ok(nanoseconds.parse::<u64>()? / 1_000)
}
