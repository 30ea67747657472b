//! From words to a value, or to the reason why they are none.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    Decoded, Flag, Identity, IdentityRule, MustMatch, Point, Profile, Registers, UnitRule, Value,
};
use crate::quantity::{DECIMALS_MAX, Quantity};
use crate::unit::Unit;

/// The largest power of ten, up or down, that a multiplier register may ask for.
const POW10_MAX: i64 = 18;

impl Profile {
    /// What the words mean for that point.
    #[must_use]
    pub fn decode(&self, point: &str, registers: &Registers) -> Decoded {
        let Some(point) = self.point(point) else {
            let value = Err(format!("profile '{}' has no point '{point}'", self.id));
            return Decoded {
                value,
                raw: String::new(),
            };
        };
        let value = self
            .refuse(registers)
            .and_then(|()| point.quantity(registers))
            .and_then(|quantity| self.confirm(point, quantity, registers));
        Decoded {
            value,
            raw: point.raw(registers),
        }
    }

    /// The status flags that are raised.
    pub fn raised<'a>(&'a self, registers: &'a Registers) -> impl Iterator<Item = &'a Flag> {
        self.flags
            .iter()
            .filter(|flag| flag.is_raised(registers) == Ok(true))
    }

    /// Refuses a whole answer: all zeros where a live device has none, or a flag that says
    /// that its values do not count.
    fn refuse(&self, registers: &Registers) -> Result<(), String> {
        for group in &self.all_zero {
            let zero = |pattern: Result<u64, String>| pattern == Ok(0);
            if group
                .iter()
                .all(|register| zero(register.pattern(registers)))
            {
                let names: Vec<&str> = group.iter().map(|register| &*register.name).collect();
                return Err(format!(
                    "the answer is all zeros ({}), as no live device sends it",
                    names.join(", ")
                ));
            }
        }
        for flag in self.flags.iter().filter(|flag| flag.invalidates) {
            if flag.is_raised(registers)? {
                return Err(flag.en.clone());
            }
        }
        Ok(())
    }

    fn confirm(
        &self,
        point: &Point,
        quantity: Quantity,
        registers: &Registers,
    ) -> Result<Quantity, String> {
        let Some(rule) = &point.must_match else {
            return Ok(quantity);
        };
        let other = self
            .point(&rule.point)
            .ok_or_else(|| format!("profile '{}' has no point '{}'", self.id, rule.point))?
            .quantity(registers)?;
        if rule.holds(quantity, other) == Some(true) {
            Ok(quantity)
        } else {
            Err(format!(
                "{quantity} does not match {other} of '{}'",
                rule.point
            ))
        }
    }
}

impl Point {
    /// The value of its registers, without the checks that concern the whole answer.
    pub(super) fn quantity(&self, registers: &Registers) -> Result<Quantity, String> {
        let too_large = || "the value is too large for any meter".to_owned();
        let number = self.value.number(registers)?;
        let exponent = self.exponent(registers)?;
        let scaled = number.checked_mul(self.scale).ok_or_else(too_large)?;
        let scaled = shift(scaled, exponent).ok_or_else(too_large)?;
        let exact = fix_decimals(scaled, self.decimals_at(exponent)?).ok_or_else(too_large)?;
        Quantity::new(exact, self.unit_of(registers)?).map_err(|error| error.to_string())
    }

    /// The power of ten that its multiplier register asks for.
    fn exponent(&self, registers: &Registers) -> Result<i64, String> {
        let Some(pow10) = &self.pow10 else {
            return Ok(0);
        };
        let number = pow10.register.number(registers)?;
        let exponent = i64::try_from(number)
            .ok()
            .and_then(|n| n.checked_add(pow10.offset));
        exponent
            .filter(|exponent| exponent.abs() <= POW10_MAX)
            .ok_or_else(|| {
                format!(
                    "register '{}' holds {number}, which is no multiplier",
                    pow10.register.name
                )
            })
    }

    /// How many decimals its value has: those the profile says, else those of its scale.
    fn decimals_at(&self, exponent: i64) -> Result<u32, String> {
        if let Some(decimals) = self.decimals {
            return Ok(decimals);
        }
        let decimals = (i64::from(self.scale.scale()) - exponent).max(0);
        u32::try_from(decimals)
            .ok()
            .filter(|decimals| *decimals <= DECIMALS_MAX)
            .ok_or_else(|| format!("the multiplier asks for {decimals} decimals"))
    }

    fn unit_of(&self, registers: &Registers) -> Result<Unit, String> {
        match &self.unit {
            UnitRule::Fixed(unit) => Ok(*unit),
            UnitRule::Register { register, map } => {
                let number = register.number(registers)?;
                let code = i64::try_from(number).ok();
                code.and_then(|code| map.get(&code))
                    .copied()
                    .ok_or_else(|| {
                        format!(
                            "register '{}' holds {number}, which is no unit code",
                            register.name
                        )
                    })
            }
        }
    }

    fn raw(&self, registers: &Registers) -> String {
        let own = self.own_registers();
        let words = own.iter().flat_map(|register| register.words(registers));
        let hexadecimal: Vec<String> = words
            .map(|word| word.map_or_else(|| "----".to_owned(), |word| format!("{word:04X}")))
            .collect();
        hexadecimal.join(" ")
    }
}

impl Value {
    fn number(&self, registers: &Registers) -> Result<Decimal, String> {
        let too_large = || "the value is too large for any meter".to_owned();
        match self {
            Self::From(register) => register.number(registers),
            Self::Sum(addends) => addends.iter().try_fold(Decimal::ZERO, |sum, register| {
                sum.checked_add(register.number(registers)?)
                    .ok_or_else(too_large)
            }),
            Self::Digits { base, low_first } => {
                let base = Decimal::from(*base);
                low_first
                    .iter()
                    .rev()
                    .try_fold(Decimal::ZERO, |higher, register| {
                        let digit = register.number(registers)?;
                        if digit.is_sign_negative() || digit >= base {
                            let name = &register.name;
                            return Err(format!(
                                "register '{name}' holds {digit}, no digit of {base}"
                            ));
                        }
                        let shifted = higher.checked_mul(base).ok_or_else(too_large)?;
                        shifted.checked_add(digit).ok_or_else(too_large)
                    })
            }
        }
    }
}

impl MustMatch {
    /// Whether two values agree within the tolerance and one step of each.
    fn holds(&self, quantity: Quantity, other: Quantity) -> Option<bool> {
        let factor = other.unit().factor_to(quantity.unit())?;
        let expected = other.value().checked_mul(factor)?;
        let step = Decimal::new(1, quantity.decimals().into());
        let other_step = Decimal::new(1, other.decimals().into()).checked_mul(factor)?;
        let share = expected
            .abs()
            .checked_mul(self.tolerance_pct)?
            .checked_div(100.into())?;
        let allowed = share.checked_add(step)?.checked_add(other_step)?;
        Some(quantity.value().checked_sub(expected)?.abs() <= allowed)
    }
}

impl Flag {
    fn is_raised(&self, registers: &Registers) -> Result<bool, String> {
        Ok(self.register.pattern(registers)? >> self.bit & 1 == 1)
    }
}

impl Identity {
    pub(super) fn holds(&self, registers: &Registers) -> bool {
        let Ok(number) = self.register.number(registers) else {
            return false;
        };
        match &self.rule {
            IdentityRule::Between(low, high) => (*low..=*high).contains(&number),
            IdentityRule::OneOf(numbers) => numbers.contains(&number),
        }
    }
}

/// The number times ten to the power of `exponent`.
pub(super) fn shift(number: Decimal, exponent: i64) -> Option<Decimal> {
    let digits = u32::try_from(exponent.unsigned_abs()).ok()?;
    let (mantissa, scale) = if exponent < 0 {
        (1, digits)
    } else {
        (10_i128.checked_pow(digits)?, 0)
    };
    number.checked_mul(Decimal::try_from_i128_with_scale(mantissa, scale).ok()?)
}

/// The number with exactly so many decimals, halves rounded away from zero.
fn fix_decimals(number: Decimal, decimals: u32) -> Option<Decimal> {
    let mut fixed = number.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    fixed.rescale(decimals);
    if fixed.is_zero() {
        fixed.set_sign_positive(true);
    }
    (fixed.scale() == decimals).then_some(fixed)
}
