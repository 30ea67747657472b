//! The slave's side of Modbus RTU, read-only: bytes in, replies out, no IO.

use common::profile::{Profile, REQUEST_REGISTERS_MAX, Registers, Request, Table};
use modbus_core::rtu::crc16;

/// A read request: unit id, function, address, count, CRC.
pub(super) const REQUEST_BYTES: usize = 8;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;
/// Set in the function code of a reply that is an exception.
const EXCEPTION: u8 = 0x80;

/// What a master asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub unit_id: u8,
    pub function: u8,
    pub address: u16,
    pub count: u16,
}

impl Asked {
    /// What `request` asks.
    pub(super) fn by(request: &[u8; REQUEST_BYTES]) -> Self {
        let [unit_id, function, a, b, c, d, ..] = *request;
        Self {
            unit_id,
            function,
            address: u16::from_be_bytes([a, b]),
            count: u16::from_be_bytes([c, d]),
        }
    }
}

/// The request of another master.
pub(super) fn request(unit_id: u8, request: &Request) -> [u8; REQUEST_BYTES] {
    let [address_high, address_low] = request.address.to_be_bytes();
    let [count_high, count_low] = request.count.to_be_bytes();
    let function = request.table.function();
    let body = [
        unit_id,
        function,
        address_high,
        address_low,
        count_high,
        count_low,
    ];
    let [crc_first, crc_second] = crc16(&body).to_be_bytes();
    let [a, b, c, d, e, f] = body;
    [a, b, c, d, e, f, crc_first, crc_second]
}

/// Takes the next request with a right CRC off the front of what came in, passing over
/// bytes that begin none.
pub(super) fn take_request(bytes: &mut Vec<u8>) -> Option<[u8; REQUEST_BYTES]> {
    while let Some((frame, _)) = bytes.split_first_chunk::<REQUEST_BYTES>() {
        let frame = *frame;
        if has_right_crc(&frame) {
            bytes.drain(..REQUEST_BYTES);
            return Some(frame);
        }
        bytes.remove(0);
    }
    None
}

fn has_right_crc(frame: &[u8]) -> bool {
    frame
        .split_last_chunk::<2>()
        .is_some_and(|(body, crc)| crc16(body) == u16::from_be_bytes(*crc))
}

/// The reply of a device with these registers. Registers within the declared ones that no
/// point uses read 0, as on most meters.
pub(super) fn reply(asked: Asked, profile: &Profile, registers: &Registers) -> Vec<u8> {
    let body = match words(asked, profile, registers) {
        Ok(words) => {
            let bytes = u8::try_from(words.len() * 2).unwrap_or(u8::MAX);
            let data = words.iter().flat_map(|word| word.to_be_bytes());
            [asked.unit_id, asked.function, bytes]
                .into_iter()
                .chain(data)
                .collect()
        }
        Err(code) => vec![asked.unit_id, asked.function | EXCEPTION, code],
    };
    with_crc(body)
}

/// The frame with the CRC that belongs to it.
pub(super) fn with_crc(mut frame: Vec<u8>) -> Vec<u8> {
    let crc = crc16(&frame).to_be_bytes();
    frame.extend(crc);
    frame
}

fn words(asked: Asked, profile: &Profile, registers: &Registers) -> Result<Vec<u16>, u8> {
    let table = match asked.function {
        3 => Table::Holding,
        4 => Table::Input,
        _ => return Err(ILLEGAL_FUNCTION),
    };
    let spans = profile.registers().map(|register| register.span());
    let spans: Vec<_> = spans.filter(|span| span.table == table).collect();
    if spans.is_empty() {
        return Err(ILLEGAL_FUNCTION);
    }
    let most = profile.limits.max_registers.min(REQUEST_REGISTERS_MAX);
    if asked.count == 0 || asked.count > most {
        return Err(ILLEGAL_VALUE);
    }
    let first = spans.iter().map(|span| span.address).min().unwrap_or(0);
    let end = |address: u16, count: u16| u32::from(address) + u32::from(count);
    let last = spans
        .iter()
        .map(|span| end(span.address, span.count))
        .max()
        .unwrap_or(0);
    let asked_end = end(asked.address, asked.count);
    if asked.address < first || asked_end > last {
        return Err(ILLEGAL_ADDRESS);
    }
    let addresses = (u32::from(asked.address)..asked_end).filter_map(|a| u16::try_from(a).ok());
    Ok(addresses
        .map(|address| registers.get(table, address).unwrap_or(0))
        .collect())
}
