//! Pages of a database as bytes: the rows on them, without an engine and without trust.
//!
//! A page that is no leaf of a table, and a cell that does not fit on it, hold no rows; what
//! a row means is for others to verify. Pure over bytes. Lacks: pages of another size than
//! the buffer's.

/// Bytes of a page.
pub(super) const PAGE_BYTES: usize = 512;
/// Where page 1 begins after the file's header.
const FIRST_PAGE_START: usize = 100;
/// The mark of a leaf of a table.
const TABLE_LEAF: u8 = 13;
const LEAF_HEADER_BYTES: usize = 8;
/// The most bytes of a row that lie on its leaf: the page but 35.
const LOCAL_BYTES_MAX: usize = PAGE_BYTES - 35;
/// The fewest that do when the row goes on elsewhere, by the file format.
const LOCAL_BYTES_MIN: usize = (PAGE_BYTES - 12) * 32 / 255 - 23;
/// The most bytes of a row that is believed; no reading has as many.
const ROW_BYTES_MAX: usize = 64 * 1024;

pub(super) type Page = [u8; PAGE_BYTES];

/// A column's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// One row: its number in its table, and its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) id: i64,
    pub(super) columns: Vec<Value>,
}

/// A number of one to nine bytes, and how many; `None` where the bytes end.
fn varint(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut value: u64 = 0;
    for (place, byte) in bytes.iter().take(8).enumerate() {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value.cast_signed(), place + 1));
        }
    }
    let value = (value << 8) | u64::from(*bytes.get(8)?);
    Some((value.cast_signed(), 9))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(pair)))
}

/// How many cells the page says it has; 0 when it is no leaf of a table.
pub(super) fn cell_count(page: &Page, number: u32) -> usize {
    let start = start_of(number);
    match page.get(start) {
        Some(&TABLE_LEAF) => word(page, start + 3).unwrap_or(0).min(PAGE_BYTES / 4),
        _ => 0,
    }
}

fn start_of(number: u32) -> usize {
    match number {
        1 => FIRST_PAGE_START,
        _ => 0,
    }
}

/// The row in a cell of a page; `follow` tells the pages on which a long one goes on.
pub(super) fn cell(
    page: &Page,
    number: u32,
    index: usize,
    follow: &dyn Fn(u32) -> Option<Page>,
) -> Option<Cell> {
    let pointers = start_of(number) + LEAF_HEADER_BYTES;
    let bytes = page.get(word(page, pointers + 2 * index)?..)?;
    let (size, used) = varint(bytes)?;
    let (id, more) = varint(bytes.get(used..)?)?;
    let size = usize::try_from(size).ok()?;
    let bytes = bytes.get(used + more..)?;
    if size <= LOCAL_BYTES_MAX {
        return Some(Cell {
            id,
            columns: columns(bytes.get(..size)?)?,
        });
    }
    let payload = long_payload(bytes, size, follow)?;
    let columns = columns(&payload)?;
    Some(Cell { id, columns })
}

fn long_payload(
    bytes: &[u8],
    size: usize,
    follow: &dyn Fn(u32) -> Option<Page>,
) -> Option<Vec<u8>> {
    if size > ROW_BYTES_MAX {
        return None;
    }
    let local = LOCAL_BYTES_MIN + (size - LOCAL_BYTES_MIN) % (PAGE_BYTES - 4);
    let local = if local <= LOCAL_BYTES_MAX {
        local
    } else {
        LOCAL_BYTES_MIN
    };
    let mut payload = bytes.get(..local)?.to_vec();
    let mut next = bytes.get(local..local + 4)?.try_into().ok()?;
    while payload.len() < size {
        let page = follow(u32::from_be_bytes(next))?;
        let part = (size - payload.len()).min(PAGE_BYTES - 4);
        payload.extend_from_slice(page.get(4..4 + part)?);
        next = page.get(..4)?.try_into().ok()?;
    }
    Some(payload)
}

fn columns(payload: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(payload)?;
    let header = usize::try_from(header).ok()?;
    let mut body = payload.get(header..)?;
    let mut columns = Vec::new();
    while at < header {
        let (kind, used) = varint(payload.get(at..header)?)?;
        at += used;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 => 8,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
            _ => return None,
        };
        let (bytes, rest) = body.split_at_checked(size)?;
        body = rest;
        columns.push(value(kind, bytes)?);
    }
    Some(columns)
}

fn value(kind: i64, bytes: &[u8]) -> Option<Value> {
    Some(match kind {
        0 => Value::Null,
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        1..=6 => {
            let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
            let start = if is_negative { -1_i64 } else { 0 };
            let shift = |value: i64, byte: &u8| (value << 8) | i64::from(*byte);
            Value::Integer(bytes.iter().fold(start, shift))
        }
        _ if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
        _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
    })
}
