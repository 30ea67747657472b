//! The frames that can be told in a stream of which nothing is known: those of eight bytes,
//! and the replies to a request that was heard. Each must have the right checksum. Pure.

use common::profile::{REQUEST_REGISTERS_MAX, Request, Table};
use modbus_core::rtu::crc16;

/// Bytes of a request for registers: unit, function, address, count, checksum.
pub(super) const REQUEST_BYTES: usize = 8;
/// Bytes of a reply around its registers: unit, function, byte count, checksum.
pub(super) const REPLY_OVERHEAD: usize = 5;
/// Bytes of a refusal: unit, function, code, checksum.
pub(super) const EXCEPTION_BYTES: usize = 5;
pub(super) const EXCEPTION_BIT: u8 = 0x80;
const CRC_BYTES: usize = 2;
/// The most coils that one request reads, and writes (application protocol, 6.1 and 6.11).
const COILS_READ_MAX: u16 = 2000;
const COILS_WRITTEN_MAX: u16 = 1968;
/// The most registers that one request writes (6.12).
const REGISTERS_WRITTEN_MAX: u16 = 123;

/// A frame with a right checksum.
#[derive(Debug)]
pub(super) enum Frame {
    /// Somebody asks for registers.
    Request {
        unit: u8,
        request: Request,
        bytes: [u8; REQUEST_BYTES],
    },
    /// Somebody asks for something else, or it is the reply to that.
    Other {
        unit: u8,
        function: u8,
        bytes: [u8; REQUEST_BYTES],
    },
    /// Registers.
    Reply {
        unit: u8,
        table: Table,
        words: Vec<u16>,
    },
    /// A refusal to give registers.
    Exception { unit: u8, table: Table, code: u8 },
}

/// Whether frames of that function are told.
pub(super) fn is_noticed(function: u8) -> bool {
    matches!(function, 1..=6 | 15 | 16)
}

/// Whether a device replies to that function by repeating the request.
pub(super) fn is_repeated_as_reply(function: u8) -> bool {
    matches!(function, 5 | 6)
}

/// The request that these bytes are.
pub(super) fn request(bytes: &[u8; REQUEST_BYTES]) -> Option<Frame> {
    let [unit, function, a, b, c, d, ..] = *bytes;
    let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let makes_sense = match function {
        1 | 2 => unit > 0 && (1..=COILS_READ_MAX).contains(&second),
        3 | 4 => {
            let end = u32::from(first) + u32::from(second);
            unit > 0 && (1..=REQUEST_REGISTERS_MAX).contains(&second) && end <= 0x1_0000
        }
        5 => matches!(second, 0 | 0xff00),
        6 => true,
        15 => (1..=COILS_WRITTEN_MAX).contains(&second),
        16 => (1..=REGISTERS_WRITTEN_MAX).contains(&second),
        _ => false,
    };
    if !makes_sense || !has_right_crc(bytes) {
        return None;
    }
    let bytes = *bytes;
    Some(match table_of(function) {
        Some(table) => Frame::Request {
            unit,
            request: Request {
                table,
                address: first,
                count: second,
            },
            bytes,
        },
        None => Frame::Other {
            unit,
            function,
            bytes,
        },
    })
}

/// The registers that these bytes are, as many as their length says.
pub(super) fn reply(bytes: &[u8]) -> Option<Frame> {
    if !has_right_crc(bytes) {
        return None;
    }
    let (body, _) = bytes.split_last_chunk::<CRC_BYTES>()?;
    let [unit, function, _, data @ ..] = body else {
        return None;
    };
    let (pairs, _) = data.as_chunks::<2>();
    Some(Frame::Reply {
        unit: *unit,
        table: table_of(*function)?,
        words: pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect(),
    })
}

/// The refusal of `function` that these bytes are.
pub(super) fn exception(bytes: &[u8; EXCEPTION_BYTES], function: u8) -> Option<Frame> {
    let [unit, _, code, ..] = *bytes;
    let table = table_of(function)?;
    has_right_crc(bytes).then_some(Frame::Exception { unit, table, code })
}

fn table_of(function: u8) -> Option<Table> {
    match function {
        3 => Some(Table::Holding),
        4 => Some(Table::Input),
        _ => None,
    }
}

fn has_right_crc(bytes: &[u8]) -> bool {
    let split = bytes.split_last_chunk::<CRC_BYTES>();
    split.is_some_and(|(body, crc)| u16::from_be_bytes(*crc) == crc16(body))
}
