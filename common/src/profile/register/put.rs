//! The inverse of reading a register: from a number or a text to its words.

use rust_decimal::Decimal;

use super::{Register, Registers};
use crate::profile::format::Kind;

impl Register {
    /// Puts the number that is nearest to `value` (towards zero for integers, as a counter
    /// shows its last full step) into its words, and returns what was put.
    pub(in crate::profile) fn put(
        &self,
        value: Decimal,
        registers: &mut Registers,
    ) -> Option<Decimal> {
        let pattern = match (self.bits, self.kind) {
            (Some(bits), _) => {
                let slice = u64::try_from(value.trunc().mantissa()).ok()?;
                let whole = self.pattern(registers).unwrap_or(0);
                let mask = bits.mask() << bits.shift;
                (slice <= bits.mask()).then_some((whole & !mask) | (slice << bits.shift))?
            }
            (None, Kind::F32) => u64::from(value.to_string().parse::<f32>().ok()?.to_bits()),
            (None, Kind::F64) => value.to_string().parse::<f64>().ok()?.to_bits(),
            (None, Kind::Text) => return None,
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
        if number > self.largest()?.mantissa() {
            return None;
        }
        if self.kind.is_bcd() {
            let digits = u64::try_from(number).ok()?.to_string();
            return u64::from_str_radix(&digits, 16).ok();
        }
        let whole = 1_i128 << (u32::from(self.count) * 16);
        let low = if self.kind.is_signed() { -whole / 2 } else { 0 };
        if number < low {
            return None;
        }
        u64::try_from(number.rem_euclid(whole)).ok()
    }

    /// The largest number it can hold; `None` for floats, which hold what any meter counts.
    pub(in crate::profile) fn largest(&self) -> Option<Decimal> {
        let words = u32::from(self.count);
        let values = match (self.bits, self.kind) {
            (Some(bits), _) => i128::from(bits.mask()) + 1,
            (None, Kind::F32 | Kind::F64 | Kind::Text) => return None,
            (None, kind) if kind.is_bcd() => 10_i128.checked_pow(words * 4)?,
            (None, kind) if kind.is_signed() => 1_i128 << (words * 16 - 1),
            (None, _) => 1_i128 << (words * 16),
        };
        Some(Decimal::from_i128_with_scale(values - 1, 0))
    }

    /// Puts a text, filled up with zeros, or the number that it writes; `None` if it does
    /// not fit.
    pub(in crate::profile) fn put_text(&self, text: &str, registers: &mut Registers) -> Option<()> {
        if self.kind != Kind::Text {
            return self.put(text.parse().ok()?, registers).map(|_| ());
        }
        let mut letters = text.bytes();
        for address in self.addresses() {
            let first = letters.next().unwrap_or(0);
            let bytes = match (self.one_letter, self.order.first()) {
                (true, Some(1)) => [first, 0],
                (true, _) => [0, first],
                (false, Some(1)) => [letters.next().unwrap_or(0), first],
                (false, _) => [first, letters.next().unwrap_or(0)],
            };
            registers.set(self.table, address, u16::from_be_bytes(bytes));
        }
        letters.next().is_none().then_some(())
    }
}
