//! Registers: their place on the wire, their length, the order of their bytes.

use std::ops::Range;

use toml::Spanned;

use super::super::format::{self, Kind, Name};
use super::super::register::Bits;
use super::super::vector::Complaint;
use super::super::{REQUEST_REGISTERS_MAX, Register};
use super::{Declared, identifier};

pub(super) fn registers(file: &format::File) -> Result<Declared, Complaint> {
    let mut declared = Declared::new();
    for (name, register) in &file.reg {
        identifier(name, '_')?;
        let checked = checked_register(name, register, &file.defaults)?;
        declared.insert(name.get_ref().clone(), (checked, name.span()));
    }
    refuse_overlap(&declared)?;
    Ok(declared)
}

fn checked_register(
    name: &Name,
    file: &format::Register,
    defaults: &format::Defaults,
) -> Result<Register, Complaint> {
    let lacks = |key: &str| {
        let reason = format!(
            "register '{}' has no {key}, and [defaults] neither",
            name.get_ref()
        );
        (name.span(), reason)
    };
    let kind = file.kind.or(defaults.kind).ok_or_else(|| lacks("type"))?;
    let table = file
        .table
        .or(defaults.table)
        .ok_or_else(|| lacks("table"))?;
    let count = word_count(name, file, kind)?;
    let address = wire_address(&file.address, defaults.address_base, count)?;
    let bits = file
        .bits
        .as_ref()
        .map(|bits| checked_bits(bits, kind, count))
        .transpose()?;
    let mut invalid = Vec::new();
    for pattern in &file.invalid {
        invalid.push(checked_pattern(pattern, kind, count)?);
    }
    let bytes = match kind {
        Kind::Text => 2,
        _ => usize::from(count) * 2,
    };
    let order = byte_order(name, file.order.as_ref(), defaults.order.as_ref(), bytes)?;
    Ok(Register {
        name: name.get_ref().clone(),
        table,
        address,
        count,
        kind,
        order,
        bits,
        invalid,
        one_letter: one_letter(file, kind)?,
    })
}

/// How many words it takes: as its type says, or for a text its `length`.
fn word_count(name: &Name, file: &format::Register, kind: Kind) -> Result<u16, Complaint> {
    match (kind.words(), &file.length) {
        (Some(count), None) => Ok(count),
        (None, Some(length)) if (1..=REQUEST_REGISTERS_MAX).contains(length.get_ref()) => {
            Ok(*length.get_ref())
        }
        (Some(_), Some(length)) => {
            let reason = "only a text has a `length`: a number is as long as its type says";
            Err((length.span(), reason.to_owned()))
        }
        (None, length) => {
            let place = length.as_ref().map_or_else(|| name.span(), Spanned::span);
            let reason =
                format!("a text says its `length`: from 1 to {REQUEST_REGISTERS_MAX} registers");
            Err((place, reason))
        }
    }
}

fn one_letter(file: &format::Register, kind: Kind) -> Result<bool, Complaint> {
    let Some(count) = &file.chars_per_reg else {
        return Ok(false);
    };
    match (kind, count.get_ref()) {
        (Kind::Text, 1) => Ok(true),
        (Kind::Text, 2) => Ok(false),
        _ => {
            let reason = "a text, and nothing else, has 1 or 2 `chars_per_reg`";
            Err((count.span(), reason.to_owned()))
        }
    }
}

fn wire_address(documented: &Spanned<u32>, base: u32, count: u16) -> Result<u16, Complaint> {
    let wire = documented
        .get_ref()
        .checked_sub(base)
        .and_then(|wire| u16::try_from(wire).ok());
    wire.filter(|wire| wire.checked_add(count - 1).is_some())
        .ok_or_else(|| {
            let number = documented.get_ref();
            let reason = format!("address {number} less the base {base} is not within 0 to 65535");
            (documented.span(), reason)
        })
}

fn checked_bits(bits: &Spanned<[u32; 2]>, kind: Kind, count: u16) -> Result<Bits, Complaint> {
    let [shift, width] = *bits.get_ref();
    let available = u32::from(count) * 16;
    let fits = width >= 1 && shift.checked_add(width).is_some_and(|end| end <= available);
    let integer = !kind.is_float() && !kind.is_bcd() && kind != Kind::Text;
    if fits && integer {
        return Ok(Bits { shift, width });
    }
    let reason = format!("bits = [shift, width] must lie within an integer of {available} bits");
    Err((bits.span(), reason))
}

fn checked_pattern(
    pattern: &Spanned<format::Pattern>,
    kind: Kind,
    count: u16,
) -> Result<u64, Complaint> {
    let parsed = match pattern.get_ref() {
        format::Pattern::Number(number) => Some(*number),
        format::Pattern::Text(text) => text
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(&digits.replace('_', ""), 16).ok()),
    };
    let parsed = parsed.ok_or_else(|| {
        let reason = "a pattern is a number, or hexadecimal text such as \"0xFFFFFFFF\"";
        (pattern.span(), reason.to_owned())
    })?;
    let bits = u32::from(count) * 16;
    if kind == Kind::Text || parsed.checked_shr(bits).is_some_and(|rest| rest > 0) {
        let reason = format!("its registers never hold {parsed:#x}: compare the number of digits");
        return Err((pattern.span(), reason));
    }
    Ok(parsed)
}

/// The significance of each byte as it arrives. The profile's default order is for registers
/// of its own length; a single word is AB unless it says otherwise.
fn byte_order(
    register: &Name,
    own: Option<&Name>,
    default: Option<&Name>,
    bytes: usize,
) -> Result<Vec<u8>, Complaint> {
    let alphabetical: String = (b'A'..).take(bytes).map(char::from).collect();
    let is_plain = |order: &Name| order.get_ref().bytes().is_sorted();
    let (letters, place) = match (own, default) {
        (Some(own), _) => (own.get_ref(), own),
        (None, Some(default)) if default.get_ref().len() == bytes => (default.get_ref(), default),
        (None, Some(default)) if bytes > 2 && !is_plain(default) => {
            let name = register.get_ref();
            let reason = format!("register '{name}' has {bytes} bytes and must say their order");
            return Err((register.span(), reason));
        }
        _ => (&alphabetical, register),
    };
    let mut sorted: Vec<u8> = letters.bytes().collect();
    sorted.sort_unstable();
    if sorted != alphabetical.as_bytes() {
        let reason = format!("order '{letters}' is not an arrangement of '{alphabetical}'");
        return Err((place.span(), reason));
    }
    Ok(letters.bytes().map(|letter| letter - b'A').collect())
}

/// Two registers may share words only as bit slices of the same integer.
fn refuse_overlap(declared: &Declared) -> Result<(), Complaint> {
    let mut by_address: Vec<&(Register, Range<usize>)> = declared.values().collect();
    by_address.sort_by_key(|(register, _)| (register.table, register.address));
    for (index, (first, _)) in by_address.iter().enumerate() {
        let behind = by_address.iter().skip(index + 1);
        let overlapping = behind.take_while(|(second, _)| {
            second.table == first.table && u32::from(second.address) < first.end()
        });
        for (second, place) in overlapping {
            let slices = first.bits.is_some() && second.bits.is_some();
            if slices && first.span() == second.span() && first.order == second.order {
                continue;
            }
            let reason = format!("register '{}' overlaps '{}'", second.name, first.name);
            return Err((place.clone(), reason));
        }
    }
    Ok(())
}
