//! From a value to words: the inverse of decoding, for the simulated line.
//!
//! Integer registers take the last full step below a value, as a counter shows it; floats
//! take the nearest. A gateway never sends what is made here to a meter.

use rust_decimal::Decimal;

use super::decode::shift;
use super::register::Registers;
use super::{Identity, IdentityRule, Point, Pow10, Profile, UnitRule, Value};
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
        let scaled = quantity
            .value()
            .checked_div(point.scale)
            .ok_or(too_large.clone())?;
        point.put_number(scaled, registers).ok_or(too_large)
    }

    /// Puts the words by which a device of this model is known (see [`Profile::fits`]), and a
    /// status without a flag.
    pub fn encode_identity(&self, registers: &mut Registers) {
        for flag in &self.flags {
            flag.register.put(Decimal::ZERO, registers);
        }
        for Identity { register, rule } in &self.identity {
            let number = match rule {
                IdentityRule::Between(low, high) => (*low + *high) / Decimal::TWO,
                IdentityRule::OneOf(numbers) => numbers.first().copied().unwrap_or_default(),
            };
            register.put(number, registers);
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

    fn put_number(&self, scaled: Decimal, registers: &mut Registers) -> Option<()> {
        let Some(Pow10 { register, offset }) = &self.pow10 else {
            return self.value.put(scaled, registers);
        };
        let set = register
            .number(registers)
            .ok()
            .and_then(|number| u32::try_from(number).ok());
        let candidates = set.map_or(0..=MULTIPLIER_MAX, |multiplier| multiplier..=multiplier);
        candidates.into_iter().find_map(|multiplier| {
            let exponent = i64::from(multiplier).checked_add(*offset)?;
            self.value
                .put(shift(scaled, exponent.checked_neg()?)?, registers)?;
            register
                .put(Decimal::from(multiplier), registers)
                .map(|_| ())
        })
    }
}

impl Value {
    fn put(&self, number: Decimal, registers: &mut Registers) -> Option<()> {
        match self {
            Self::From(register) => register.put(number, registers).map(|_| ()),
            Self::Sum(addends) => {
                addends.iter().try_fold(number, |rest, addend| {
                    rest.checked_sub(addend.put(rest, registers)?)
                })?;
                Some(())
            }
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
