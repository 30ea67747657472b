//! From the file's shapes to a [`Profile`]: every name resolved, every number in its range.

use std::collections::BTreeMap;
use std::ops::Range;

use rust_decimal::Decimal;

use super::format::{self, Name};
use super::register::Bits;
use super::vector::{self, Complaint};
use super::{
    Flag, Identity, IdentityRule, Limits, Link, LinkSetting, PROFILE_BYTES_MAX, Profile,
    ProfileError, REQUEST_REGISTERS_MAX, Register, Table,
};

mod point;

/// The version of the format that this code reads.
const SCHEMA: u32 = 1;
/// The highest unit id that Modbus gives to a device.
const UNIT_ID_MAX: u8 = 247;

/// Registers by name, each with the place of its declaration.
type Declared = BTreeMap<String, (Register, Range<usize>)>;

pub(super) fn profile(text: &str) -> Result<Profile, ProfileError> {
    if text.len() > PROFILE_BYTES_MAX {
        let reason = format!("a profile has at most {PROFILE_BYTES_MAX} bytes");
        return Err(ProfileError { line: 1, reason });
    }
    let file: format::File = toml::from_str(text).map_err(|error| ProfileError {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    build(text, file).map_err(|(span, reason)| ProfileError {
        line: line_of(text, span.start),
        reason,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

fn build(text: &str, file: format::File) -> Result<Profile, Complaint> {
    if *file.schema.get_ref() != SCHEMA {
        return Err((
            file.schema.span(),
            format!("this program reads schema {SCHEMA}"),
        ));
    }
    identifier(&file.id, '-')?;
    if file.sources.get_ref().is_empty() {
        return Err((
            file.sources.span(),
            "a profile says where its facts come from".to_owned(),
        ));
    }
    let declared = registers(&file)?;
    refuse_overlap(&declared)?;
    let limits = limits(file.limits)?;
    let mut atomic = Vec::new();
    for group in &file.group {
        atomic.push(group_of(&declared, group)?);
    }
    let mut all_zero = Vec::new();
    for reject in &file.reject {
        all_zero.push(find_all(&declared, &reject.all_zero)?);
    }
    let profile = Profile {
        reference: super::reference(file.id.get_ref(), text),
        id: file.id.into_inner(),
        medium: file.kind,
        vendor: file.vendor,
        models: file.models,
        confidence: file.confidence,
        sources: file.sources.into_inner(),
        setup: file.setup,
        link: link(file.link)?,
        limits,
        refresh: file.refresh,
        wake: file.wake,
        points: point::points(&declared, file.point)?,
        vectors: file.test.len(),
        atomic,
        all_zero,
        flags: flags(&declared, file.flag)?,
        identity: identity(&declared, file.identify)?,
        registers: declared
            .into_iter()
            .map(|(name, (register, _))| (name, register))
            .collect(),
    };
    let longest = profile.longest_run();
    if longest > limits.max_registers.into() {
        let most = limits.max_registers;
        let reason = format!("{longest} registers must come in one reply, but the limit is {most}");
        return Err((0..0, reason));
    }
    vector::check(&profile, &file.test)?;
    Ok(profile)
}

/// Ids are lower-case words, digits and one separator: they stand in file names, on command
/// lines and in the database.
fn identifier(name: &Name, separator: char) -> Result<(), Complaint> {
    let plain = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == separator
    };
    let text = name.get_ref();
    if (1..=40).contains(&text.len()) && text.chars().all(plain) {
        return Ok(());
    }
    let reason = format!("'{text}' is not an id: 1 to 40 of a-z, 0-9 and '{separator}'");
    Err((name.span(), reason))
}

fn link(file: format::Link) -> Result<Link, Complaint> {
    if *file.unit_id.get_ref() > UNIT_ID_MAX {
        return Err((
            file.unit_id.span(),
            format!("unit ids end at {UNIT_ID_MAX}"),
        ));
    }
    let alternatives = file.alternatives.into_iter().map(|other| LinkSetting {
        baud: other.baud.unwrap_or(file.baud),
        parity: other.parity.unwrap_or(file.parity),
        stop_bits: other.stop_bits.unwrap_or(file.stop_bits),
    });
    Ok(Link {
        unit_id: file.unit_id.into_inner(),
        baud: file.baud,
        parity: file.parity,
        stop_bits: file.stop_bits,
        alternatives: alternatives.collect(),
    })
}

fn limits(file: Option<toml::Spanned<Limits>>) -> Result<Limits, Complaint> {
    let Some(limits) = file else {
        return Ok(Limits::default());
    };
    if (1..=REQUEST_REGISTERS_MAX).contains(&limits.get_ref().max_registers) {
        return Ok(limits.into_inner());
    }
    let reason = format!("max_registers is from 1 to {REQUEST_REGISTERS_MAX}");
    Err((limits.span(), reason))
}

fn registers(file: &format::File) -> Result<Declared, Complaint> {
    let mut declared = Declared::new();
    for (name, register) in &file.reg {
        identifier(name, '_')?;
        let checked = checked_register(name, register, &file.defaults)?;
        declared.insert(name.get_ref().clone(), (checked, name.span()));
    }
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
    let address = wire_address(&file.address, defaults.address_base, kind)?;
    let bits = file
        .bits
        .as_ref()
        .map(|bits| checked_bits(bits, kind))
        .transpose()?;
    let mut invalid = Vec::new();
    for pattern in &file.invalid {
        invalid.push(checked_pattern(pattern)?);
    }
    let order = byte_order(name, file.order.as_ref(), defaults.order.as_ref(), kind)?;
    Ok(Register {
        name: name.get_ref().clone(),
        table,
        address,
        kind,
        order,
        bits,
        invalid,
    })
}

fn wire_address(
    documented: &toml::Spanned<u32>,
    base: u32,
    kind: format::Kind,
) -> Result<u16, Complaint> {
    let wire = documented
        .get_ref()
        .checked_sub(base)
        .and_then(|wire| u16::try_from(wire).ok());
    wire.filter(|wire| wire.checked_add(kind.words() - 1).is_some())
        .ok_or_else(|| {
            let number = documented.get_ref();
            let reason = format!("address {number} less the base {base} is not within 0 to 65535");
            (documented.span(), reason)
        })
}

fn checked_bits(bits: &toml::Spanned<[u32; 2]>, kind: format::Kind) -> Result<Bits, Complaint> {
    let [shift, width] = *bits.get_ref();
    let available = u32::from(kind.words()) * 16;
    let fits = width >= 1 && shift.checked_add(width).is_some_and(|end| end <= available);
    if fits && !kind.is_float() {
        return Ok(Bits { shift, width });
    }
    let reason = format!("bits = [shift, width] must lie within an integer of {available} bits");
    Err((bits.span(), reason))
}

fn checked_pattern(pattern: &toml::Spanned<format::Pattern>) -> Result<u64, Complaint> {
    let parsed = match pattern.get_ref() {
        format::Pattern::Number(number) => Some(*number),
        format::Pattern::Text(text) => text
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(&digits.replace('_', ""), 16).ok()),
    };
    parsed.ok_or_else(|| {
        let reason = "a pattern is a number, or hexadecimal text such as \"0xFFFFFFFF\"";
        (pattern.span(), reason.to_owned())
    })
}

/// The significance of each byte as it arrives. The profile's default order is for registers
/// of its own length; a single word is AB unless it says otherwise.
fn byte_order(
    register: &Name,
    own: Option<&Name>,
    default: Option<&Name>,
    kind: format::Kind,
) -> Result<Vec<u8>, Complaint> {
    let alphabetical: String = (b'A'..).take(kind.bytes()).map(char::from).collect();
    let is_plain = |order: &Name| order.get_ref().bytes().is_sorted();
    let (letters, place) = match (own, default) {
        (Some(own), _) => (own.get_ref(), own),
        (None, Some(default)) if default.get_ref().len() == kind.bytes() => {
            (default.get_ref(), default)
        }
        (None, Some(default)) if kind.bytes() > 2 && !is_plain(default) => {
            let (name, count) = (register.get_ref(), kind.bytes());
            let reason = format!("register '{name}' has {count} bytes and must say their order");
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

fn find(declared: &Declared, name: &Name) -> Result<Register, Complaint> {
    declared
        .get(name.get_ref())
        .map(|(register, _)| register.clone())
        .ok_or_else(|| {
            (
                name.span(),
                format!(
                    "there is no register '{}': [reg.NAME] declares it",
                    name.get_ref()
                ),
            )
        })
}

fn find_all(declared: &Declared, names: &[Name]) -> Result<Vec<Register>, Complaint> {
    names.iter().map(|name| find(declared, name)).collect()
}

fn group_of(declared: &Declared, group: &format::Group) -> Result<Vec<Register>, Complaint> {
    let members = find_all(declared, group.atomic.get_ref())?;
    one_table(&members).map_err(|reason| (group.atomic.span(), reason))?;
    Ok(members)
}

fn one_table(registers: &[Register]) -> Result<(), String> {
    let tables: Vec<Table> = registers.iter().map(|register| register.table).collect();
    if tables.windows(2).all(|pair| pair.first() == pair.last()) {
        return Ok(());
    }
    Err("registers that must come in one reply must be in one table".to_owned())
}

fn flags(declared: &Declared, files: Vec<format::Flag>) -> Result<Vec<Flag>, Complaint> {
    let mut flags = Vec::new();
    for file in files {
        let register = find(declared, &file.reg)?;
        let bit = *file.bit.get_ref();
        if bit >= u32::from(register.kind.words()) * 16 {
            let name = file.reg.get_ref();
            return Err((
                file.bit.span(),
                format!("register '{name}' has no bit {bit}"),
            ));
        }
        let format::Text { en, es } = file.text;
        flags.push(Flag {
            en,
            es,
            invalidates: file.invalidates,
            register,
            bit,
        });
    }
    Ok(flags)
}

fn identity(declared: &Declared, files: Vec<format::Identify>) -> Result<Vec<Identity>, Complaint> {
    let mut identity = Vec::new();
    for file in files {
        let register = find(declared, &file.reg)?;
        let rule = match (file.between, file.one_of, file.equals) {
            (Some([low, high]), None, None) => number(&low)
                .zip(number(&high))
                .filter(|(low, high)| low <= high)
                .map(|(low, high)| IdentityRule::Between(low, high)),
            (None, Some(numbers), None) if !numbers.is_empty() => Some(IdentityRule::OneOf(
                numbers.into_iter().map(Decimal::from).collect(),
            )),
            (None, None, Some(number)) => Some(IdentityRule::OneOf(vec![number.into()])),
            _ => None,
        };
        let rule = rule.ok_or_else(|| {
            let reason = "[[identify]] needs one of `between = [low, high]`, `one_of`, `equals`";
            (file.reg.span(), reason.to_owned())
        })?;
        identity.push(Identity { register, rule });
    }
    Ok(identity)
}

/// A TOML number as the decimal that it writes.
fn number(value: &toml::Value) -> Option<Decimal> {
    match value {
        toml::Value::Integer(number) => Some(Decimal::from(*number)),
        toml::Value::Float(number) => number.to_string().parse().ok(),
        _ => None,
    }
}
