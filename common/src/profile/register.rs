//! Registers: words in the order in which a device sends them, and what they hold.

mod put;

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

/// One declared register of a profile: one to four words that hold one number, or more that
/// hold a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    pub(super) name: String,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) count: u16,
    pub(super) kind: Kind,
    /// For each byte as it arrives, its significance: 0 is the most significant. For a text
    /// the two bytes of each word.
    pub(super) order: Vec<u8>,
    pub(super) bits: Option<Bits>,
    /// Patterns that the device sends when it has no value.
    pub(super) invalid: Vec<u64>,
    /// Whether each word of a text holds one letter, else two.
    pub(super) one_letter: bool,
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
    /// How many words a number of this kind takes; a text says it itself.
    pub(super) fn words(self) -> Option<u16> {
        match self {
            Self::U16 | Self::I16 | Self::Bcd16 => Some(1),
            Self::U32 | Self::I32 | Self::F32 | Self::Bcd32 => Some(2),
            Self::U48 | Self::Bcd48 => Some(3),
            Self::U64 | Self::I64 | Self::F64 | Self::Bcd64 => Some(4),
            Self::Text => None,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::I16 | Self::I32 | Self::I64)
    }

    /// Whether four bits hold one decimal digit.
    pub(super) fn is_bcd(self) -> bool {
        matches!(self, Self::Bcd16 | Self::Bcd32 | Self::Bcd48 | Self::Bcd64)
    }
}

impl Register {
    /// Its table, first address and number of words.
    #[must_use]
    pub fn span(&self) -> Request {
        Request {
            table: self.table,
            address: self.address,
            count: self.count,
        }
    }

    /// The address behind its last word.
    pub(super) fn end(&self) -> u32 {
        u32::from(self.address) + u32::from(self.count)
    }

    fn addresses(&self) -> impl Iterator<Item = u16> {
        (u32::from(self.address)..self.end()).filter_map(|address| u16::try_from(address).ok())
    }

    /// The table and address of each of its words.
    pub(super) fn places(&self) -> impl Iterator<Item = (Table, u16)> {
        self.addresses().map(|address| (self.table, address))
    }

    /// Its words, `None` where one was not read.
    pub(super) fn words(&self, registers: &Registers) -> Vec<Option<u16>> {
        self.addresses()
            .map(|address| registers.get(self.table, address))
            .collect()
    }

    /// Whether all its words were read.
    pub(super) fn was_read(&self, registers: &Registers) -> bool {
        self.words(registers).iter().all(Option::is_some)
    }

    fn read_words(&self, registers: &Registers) -> Result<Vec<u16>, String> {
        let words: Option<Vec<u16>> = self.words(registers).into_iter().collect();
        words.ok_or_else(|| format!("register '{}' was not read", self.name))
    }

    /// Its bytes as one pattern, the most significant first, before any bit slice.
    pub(super) fn pattern(&self, registers: &Registers) -> Result<u64, String> {
        let words = self.read_words(registers)?;
        let arrived = words.iter().flat_map(|word| word.to_be_bytes());
        let pattern = arrived
            .zip(&self.order)
            .map(|(byte, rank)| u64::from(byte) << self.shift_of(*rank))
            .sum();
        Ok(pattern)
    }

    fn shift_of(&self, rank: u8) -> u32 {
        let last = u32::from(self.count) * 2 - 1;
        8 * last.saturating_sub(u32::from(rank))
    }

    /// The number it holds, or why it holds none.
    pub(super) fn number(&self, registers: &Registers) -> Result<Decimal, String> {
        if self.kind == Kind::Text {
            return Err(format!("register '{}' holds a text", self.name));
        }
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
        if self.kind.is_bcd() {
            let digits = format!("{pattern:x}");
            return digits.parse::<u64>().map(Decimal::from).map_err(|_| {
                let name = &self.name;
                format!("register '{name}' holds {digits}, which are no decimal digits")
            });
        }
        let width = u32::from(self.count) * 16;
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

    /// The text it holds: its letters without what fills them up, or its number's digits.
    pub(super) fn text(&self, registers: &Registers) -> Result<String, String> {
        if self.kind != Kind::Text {
            return self.number(registers).map(|number| number.to_string());
        }
        let words = self.read_words(registers)?;
        let letters = words.into_iter().flat_map(|word| self.letters(word));
        let text: String = letters.map(char::from).collect();
        let text = text.split('\0').next().unwrap_or_default().trim();
        let readable = |letter: char| letter == ' ' || letter.is_ascii_graphic();
        if text.chars().all(readable) {
            Ok(text.to_owned())
        } else {
            Err(format!("register '{}' holds no text", self.name))
        }
    }

    /// The letters of one word: both bytes, or the one that it holds in its low byte.
    fn letters(&self, word: u16) -> Vec<u8> {
        let [first, second] = word.to_be_bytes();
        let swapped = self.order.first() == Some(&1);
        let (high, low) = if swapped {
            (second, first)
        } else {
            (first, second)
        };
        if self.one_letter && high == 0 {
            vec![low]
        } else {
            vec![high, low]
        }
    }
}
