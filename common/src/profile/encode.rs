//! From a value to words: the inverse of decoding, for the simulated line.
//!
//! Integer registers take the last full step below a value, as a counter shows it; floats
//! take the nearest. A gateway never sends what is made here to a meter.

use rust_decimal::Decimal;

use super::decode::shift;
use super::point::{Addend, Pow10, UnitRule, Value};
use super::register::Registers;
use super::{Identity, IdentityRule, Point, Profile, Reject};
use crate::quantity::Quantity;
use crate::unit::Unit;

/// The largest number that is tried in a multiplier register.
const MULTIPLIER_MAX: u32 = 9;

/// Why a value has no words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The profile has no such point.
    #[error("the profile has no point '{0}'")]
    NoPoint(String),
    /// The point cannot be in that unit.
    #[error("point '{0}' cannot be in {1}")]
    Unit(String, Unit),
    /// The registers cannot hold the value.
    #[error("the registers of point '{0}' cannot hold {1}")]
    TooLarge(String, Quantity),
}

impl Profile {
    /// Puts the words into `registers` from which [`Profile::decode`] makes the value, or
    /// what the registers can hold of it. A multiplier that is already set is kept.
    ///
    /// # Errors
    /// When the point is unknown, cannot be in that unit or is too small for the value.
    pub fn encode(
        &self,
        point: &str,
        quantity: Quantity,
        registers: &mut Registers,
    ) -> Result<(), EncodeError> {
        let Some(point) = self.point(point) else {
            return Err(EncodeError::NoPoint(point.to_owned()));
        };
        let unit = EncodeError::Unit(point.id.clone(), quantity.unit());
        point.put_unit(quantity.unit(), registers).ok_or(unit)?;
        let too_large = EncodeError::TooLarge(point.id.clone(), quantity);
        point.put_value(quantity, registers).ok_or(too_large)
    }

    /// Puts the words by which a live device of this model is known (see [`Profile::fits`]),
    /// and a status without a flag.
    pub fn encode_identity(&self, registers: &mut Registers) {
        for flag in &self.flags {
            flag.register.put(Decimal::ZERO, registers);
        }
        let middle = |low: Decimal, high: Decimal| (low + high) / Decimal::TWO;
        for reject in &self.rejects {
            let alive = match reject {
                Reject::AllZero(_) => Decimal::ONE,
                Reject::Outside { low, high, .. } => middle(*low, *high),
            };
            for register in reject.registers() {
                register.put(alive, registers);
            }
        }
        for Identity { register, rule } in &self.identity {
            match rule {
                IdentityRule::Between(low, high) => {
                    register.put(middle(*low, *high), registers);
                }
                IdentityRule::OneOf(numbers) => {
                    register.put(numbers.first().copied().unwrap_or_default(), registers);
                }
                IdentityRule::OneOfTexts(texts) => {
                    register.put_text(texts.first().map_or("", String::as_str), registers);
                }
                IdentityRule::StartsWith(start) => {
                    register.put_text(start, registers);
                }
            }
        }
    }

    /// Puts the device's serial number; nothing when the profile knows no register for it or
    /// it does not fit.
    pub fn encode_serial(&self, serial: &str, registers: &mut Registers) {
        if let Some(register) = &self.serial {
            register.put_text(serial, registers);
        }
    }
}

impl Point {
    fn put_unit(&self, unit: Unit, registers: &mut Registers) -> Option<()> {
        match &self.unit {
            UnitRule::Fixed(fixed) => (*fixed == unit).then_some(()),
            UnitRule::Register { register, map } => {
                let (code, _) = map.iter().find(|(_, known)| **known == unit)?;
                register.put(Decimal::from(*code), registers).map(|_| ())
            }
        }
    }

    fn put_value(&self, quantity: Quantity, registers: &mut Registers) -> Option<()> {
        let mut value = quantity.value();
        if let Some(wraps) = &self.wraps {
            let count = value.checked_div(wraps.modulus)?.floor().max(Decimal::ZERO);
            let put = wraps.register.put(count, registers)?;
            value = value.checked_sub(put.checked_mul(wraps.modulus)?)?;
        }
        let ratio = self.put_ratio(registers)?;
        if ratio.scale() > 0 {
            // The value was rounded after the ratio: what it came from may lie just above.
            let half = Decimal::try_new(5, quantity.value().scale() + 1).ok()?;
            value = value.checked_add(half)?;
        }
        let number = value.checked_div(self.scale)?.checked_div(ratio)?;
        match &self.pow10 {
            None => self.value.put(number, registers),
            Some(pow10) => self.put_shifted(number, pow10, registers),
        }
    }

    /// The ratios that are set; those that are not become 1.
    fn put_ratio(&self, registers: &mut Registers) -> Option<Decimal> {
        self.scale_by
            .iter()
            .try_fold(Decimal::ONE, |product, register| {
                let set = register.number(registers).ok();
                let ratio = set.filter(|ratio| *ratio > Decimal::ZERO);
                let ratio = ratio.or_else(|| register.put(Decimal::ONE, registers))?;
                product.checked_mul(ratio)
            })
    }

    fn put_shifted(&self, number: Decimal, pow10: &Pow10, registers: &mut Registers) -> Option<()> {
        let set = pow10.register.number(registers).ok();
        let set = set.filter(|number| pow10.of(*number).is_some());
        let candidates: Vec<Decimal> = match (set, &pow10.map) {
            (Some(set), _) => vec![set],
            (None, Some(map)) => map.keys().map(|code| Decimal::from(*code)).collect(),
            (None, None) => (0..=MULTIPLIER_MAX).map(Decimal::from).collect(),
        };
        candidates.into_iter().find_map(|multiplier| {
            let exponent = pow10.of(multiplier)?;
            let shifted = shift(number, exponent.checked_neg()?)?;
            self.value.put(shifted, registers)?;
            pow10.register.put(multiplier, registers).map(|_| ())
        })
    }
}

impl Value {
    fn put(&self, number: Decimal, registers: &mut Registers) -> Option<()> {
        match self {
            Self::From(register) => register.put(number, registers).map(|_| ()),
            Self::Sum(addends) => put_sum(addends, number, registers),
            Self::Digits { base, low_first } => {
                let mut rest = u64::try_from(number.trunc().mantissa()).ok()?;
                for register in low_first {
                    register.put(Decimal::from(rest % u64::from(*base)), registers)?;
                    rest /= u64::from(*base);
                }
                (rest == 0).then_some(())
            }
        }
    }
}

/// Gives each register as much as it can hold, the heaviest first; to a float it leaves no
/// more than a fraction.
fn put_sum(addends: &[Addend], number: Decimal, registers: &mut Registers) -> Option<()> {
    let mut heaviest_first: Vec<&Addend> = addends.iter().collect();
    heaviest_first.sort_by_key(|addend| std::cmp::Reverse(addend.weight));
    let mut rest = number;
    for (index, Addend { register, weight }) in heaviest_first.iter().enumerate() {
        let mut share = rest.checked_div(*weight)?;
        let next = heaviest_first.get(index + 1);
        if next.is_some_and(|next| !next.register.kind.is_float()) {
            share = register.largest().map_or(share, |most| share.min(most));
        }
        if weight.is_sign_negative() {
            share = Decimal::ZERO;
        }
        let put = register.put(share, registers)?;
        rest = rest.checked_sub(put.checked_mul(*weight)?)?;
    }
    Some(())
}
