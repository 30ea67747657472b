//! The link and its limits: figures that a line can have.

use toml::Spanned;

use super::super::vector::Complaint;
use super::super::{Limits, Link, LinkSetting, REQUEST_REGISTERS_MAX, Refresh, format};

/// The highest unit id that Modbus gives to a device.
const UNIT_ID_MAX: u8 = 247;
/// What a UART of this field can be set to.
const BAUD_MIN: u32 = 110;
const BAUD_MAX: u32 = 1_000_000;
/// No device needs longer for anything; more would starve the others on its line.
const PAUSE_MS_MAX: u64 = 60_000;
const RETRIES_MAX: u32 = 10;
const WAKE_MAX: u32 = 10;
const POLL_S_MAX: u32 = 86_400;

pub(super) fn link(file: format::Link) -> Result<Link, Complaint> {
    if *file.unit_id.get_ref() > UNIT_ID_MAX {
        return Err((
            file.unit_id.span(),
            format!("unit ids end at {UNIT_ID_MAX}"),
        ));
    }
    let factory = LinkSetting {
        baud: baud(&file.baud)?,
        parity: file.parity,
        stop_bits: stop_bits(&file.stop_bits)?,
    };
    let mut alternatives = Vec::new();
    for other in file.alternatives {
        alternatives.push(LinkSetting {
            baud: other.baud.as_ref().map_or(Ok(factory.baud), baud)?,
            parity: other.parity.unwrap_or(factory.parity),
            stop_bits: other
                .stop_bits
                .as_ref()
                .map_or(Ok(factory.stop_bits), stop_bits)?,
        });
    }
    Ok(Link {
        unit_id: file.unit_id.into_inner(),
        baud: factory.baud,
        parity: factory.parity,
        stop_bits: factory.stop_bits,
        alternatives,
    })
}

fn baud(file: &Spanned<u32>) -> Result<u32, Complaint> {
    within(file, BAUD_MIN, BAUD_MAX, "a baud rate")
}

fn stop_bits(file: &Spanned<u8>) -> Result<u8, Complaint> {
    within(file, 1, 2, "the number of stop bits")
}

fn within<T>(file: &Spanned<T>, low: T, high: T, what: &str) -> Result<T, Complaint>
where
    T: Copy + PartialOrd + std::fmt::Display,
{
    let value = *file.get_ref();
    if low <= value && value <= high {
        return Ok(value);
    }
    let reason = format!("{what} is from {low} to {high}, not {value}");
    Err((file.span(), reason))
}

pub(super) fn limits(file: Option<Spanned<Limits>>) -> Result<Limits, Complaint> {
    let Some(file) = file else {
        return Ok(Limits::default());
    };
    let limits = *file.get_ref();
    let checks = [
        (
            (1..=REQUEST_REGISTERS_MAX).contains(&limits.max_registers),
            format!("max_registers is from 1 to {REQUEST_REGISTERS_MAX}"),
        ),
        (
            limits.request_gap_ms.max(limits.unit_change_gap_ms) <= PAUSE_MS_MAX,
            format!("a pause is at most {PAUSE_MS_MAX} ms"),
        ),
        (
            (1..=PAUSE_MS_MAX).contains(&limits.response_timeout_ms),
            format!("response_timeout_ms is from 1 to {PAUSE_MS_MAX}"),
        ),
        (
            limits.retries <= RETRIES_MAX,
            format!("retries is at most {RETRIES_MAX}"),
        ),
        (
            limits.min_poll_s <= POLL_S_MAX,
            format!("min_poll_s is at most {POLL_S_MAX}, a day"),
        ),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, reason)) => Err((file.span(), reason)),
        None => Ok(limits),
    }
}

pub(super) fn refresh(file: Option<Spanned<Refresh>>) -> Result<Option<Refresh>, Complaint> {
    let Some(file) = file else {
        return Ok(None);
    };
    if (1..=PAUSE_MS_MAX).contains(&file.get_ref().wait_ms) {
        return Ok(Some(file.into_inner()));
    }
    Err((file.span(), format!("wait_ms is from 1 to {PAUSE_MS_MAX}")))
}

pub(super) fn wake(file: Option<Spanned<u32>>) -> Result<u32, Complaint> {
    file.as_ref()
        .map_or(Ok(0), |file| within(file, 0, WAKE_MAX, "wake"))
}
