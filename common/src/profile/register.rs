//! Registers: words in the order in which a device sends them, and the number they hold.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::format::Kind;
use super::{Request, Table};

/// The words that were read from a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registers {
    words: BTreeMap<(Table, u16), u16>,
}

impl Registers {
    /// No words yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the words of a reply; words beyond the request's count are not kept.
    pub fn insert(&mut self, request: &Request, words: &[u16]) {
        let end = u32::from(request.address) + u32::from(request.count);
        for (address, word) in (u32::from(request.address)..end).zip(words) {
            if let Ok(address) = u16::try_from(address) {
                self.set(request.table, address, *word);
            }
        }
    }

    /// Keeps one word.
    pub fn set(&mut self, table: Table, address: u16, word: u16) {
        self.words.insert((table, address), word);
    }

    /// The word at that address, if it was read.
    #[must_use]
    pub fn get(&self, table: Table, address: u16) -> Option<u16> {
        self.words.get(&(table, address)).copied()
    }
}

/// One declared register of a profile: one to four words that hold one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    pub(super) name: String,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) kind: Kind,
    /// For each byte as it arrives, its significance: 0 is the most significant.
    pub(super) order: Vec<u8>,
    pub(super) bits: Option<Bits>,
    /// Patterns that the device sends when it has no value.
    pub(super) invalid: Vec<u64>,
}

/// A slice of a register's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits {
    pub shift: u32,
    pub width: u32,
}

impl Bits {
    fn mask(self) -> u64 {
        u64::MAX.checked_shr(64 - self.width).unwrap_or(0)
    }
}

impl Kind {
    /// How many words it takes.
    pub(super) fn words(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U48 => 3,
            Self::U64 | Self::I64 | Self::F64 => 4,
        }
    }

    pub(super) fn bytes(self) -> usize {
        usize::from(self.words()) * 2
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::I16 | Self::I32 | Self::I64)
    }
}

impl Register {
    /// Its table, first address and number of words.
    #[must_use]
    pub fn span(&self) -> Request {
        Request {
            table: self.table,
            address: self.address,
            count: self.kind.words(),
        }
    }

    /// The address behind its last word.
    pub(super) fn end(&self) -> u32 {
        u32::from(self.address) + u32::from(self.kind.words())
    }

    fn addresses(&self) -> impl Iterator<Item = u16> {
        (u32::from(self.address)..self.end()).filter_map(|address| u16::try_from(address).ok())
    }

    /// Its words, `None` where one was not read.
    pub(super) fn words(&self, registers: &Registers) -> Vec<Option<u16>> {
        self.addresses()
            .map(|address| registers.get(self.table, address))
            .collect()
    }

    /// Its bytes as one pattern, the most significant first, before any bit slice.
    pub(super) fn pattern(&self, registers: &Registers) -> Result<u64, String> {
        let words: Option<Vec<u16>> = self.words(registers).into_iter().collect();
        let words = words.ok_or_else(|| format!("register '{}' was not read", self.name))?;
        let arrived = words.iter().flat_map(|word| word.to_be_bytes());
        let pattern = arrived
            .zip(&self.order)
            .map(|(byte, rank)| u64::from(byte) << self.shift_of(*rank))
            .sum();
        Ok(pattern)
    }

    fn shift_of(&self, rank: u8) -> u32 {
        let last = u32::from(self.kind.words()) * 2 - 1;
        8 * last.saturating_sub(u32::from(rank))
    }

    /// The number it holds, or why it holds none.
    pub(super) fn number(&self, registers: &Registers) -> Result<Decimal, String> {
        let pattern = self.pattern(registers)?;
        if self.invalid.contains(&pattern) {
            let name = &self.name;
            return Err(format!(
                "register '{name}' holds the device's sign for 'no value'"
            ));
        }
        if let Some(bits) = self.bits {
            return Ok(Decimal::from((pattern >> bits.shift) & bits.mask()));
        }
        if self.kind.is_float() {
            return self.float(pattern);
        }
        let width = u32::from(self.kind.words()) * 16;
        let unsigned = i128::from(pattern);
        let negative = self.kind.is_signed() && pattern >> (width - 1) == 1;
        let number = if negative {
            unsigned - (1_i128 << width)
        } else {
            unsigned
        };
        Ok(Decimal::from_i128_with_scale(number, 0))
    }

    /// The shortest decimal that reads back as the same float.
    fn float(&self, pattern: u64) -> Result<Decimal, String> {
        let name = &self.name;
        let (finite, shortest) = match u32::try_from(pattern) {
            Ok(single) if self.kind == Kind::F32 => {
                let float = f32::from_bits(single);
                (float.is_finite(), float.to_string())
            }
            _ => {
                let float = f64::from_bits(pattern);
                (float.is_finite(), float.to_string())
            }
        };
        if !finite {
            return Err(format!(
                "register '{name}' holds {shortest}, which is not a number"
            ));
        }
        shortest
            .parse()
            .map_err(|_| format!("register '{name}' holds {shortest}, too large for any meter"))
    }

    /// Puts the number that is nearest to `value` (towards zero for integers, as a counter
    /// shows its last full step) into its words, and returns what was put.
    pub(super) fn put(&self, value: Decimal, registers: &mut Registers) -> Option<Decimal> {
        let pattern = match (self.bits, self.kind) {
            (Some(bits), _) => {
                let slice = u64::try_from(value.trunc().mantissa()).ok()?;
                let whole = self.pattern(registers).unwrap_or(0);
                let mask = bits.mask() << bits.shift;
                (slice <= bits.mask()).then_some((whole & !mask) | (slice << bits.shift))?
            }
            (None, Kind::F32) => u64::from(value.to_string().parse::<f32>().ok()?.to_bits()),
            (None, Kind::F64) => value.to_string().parse::<f64>().ok()?.to_bits(),
            (None, _) => self.integer_pattern(value)?,
        };
        let mut arrived = self
            .order
            .iter()
            .map(|rank| u8::try_from((pattern >> self.shift_of(*rank)) & 0xff).unwrap_or(0));
        for address in self.addresses() {
            let bytes = [arrived.next()?, arrived.next()?];
            registers.set(self.table, address, u16::from_be_bytes(bytes));
        }
        self.number(registers).ok()
    }

    fn integer_pattern(&self, value: Decimal) -> Option<u64> {
        let number = value.trunc().mantissa();
        let width = u32::from(self.kind.words()) * 16;
        let whole = 1_i128 << width;
        let (low, high) = if self.kind.is_signed() {
            (-whole / 2, whole / 2)
        } else {
            (0, whole)
        };
        if !(low..high).contains(&number) {
            return None;
        }
        u64::try_from(number.rem_euclid(whole)).ok()
    }
}
