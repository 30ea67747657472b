//! From words to a value, or to the reason why they are none.

use rust_decimal::{Decimal, RoundingStrategy};

use super::point::{MustMatch, Pow10, UnitRule, Value};
use super::{Decoded, Flag, Identity, IdentityRule, Point, Profile, Register, Registers, Reject};
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

    /// What the raw words of a kept reading mean for that point, by its own registers alone:
    /// the rest of the answer was not kept.
    ///
    /// # Errors
    /// When they are not its words, or no value.
    pub fn decode_raw(&self, point: &str, raw: &str) -> Result<Quantity, String> {
        let point = self
            .point(point)
            .ok_or_else(|| format!("profile '{}' has no point '{point}'", self.id))?;
        let own = point.own_registers();
        let places = own.iter().flat_map(|register| register.places());
        let mut registers = Registers::new();
        let mut words = raw.split(' ');
        for (table, address) in places {
            let word = words.next().unwrap_or_default();
            let is_word = word.len() == 4 && word.bytes().all(|digit| digit.is_ascii_hexdigit());
            let value = u16::from_str_radix(word, 16).ok().filter(|_| is_word);
            let value = value.ok_or_else(|| format!("'{raw}' are not the words of the point"))?;
            registers.set(table, address, value);
        }
        match words.next() {
            None => point.quantity(&registers),
            Some(_) => Err(format!("'{raw}' are more words than the point has")),
        }
    }

    /// The status flags that are raised.
    pub fn raised<'a>(&'a self, registers: &'a Registers) -> impl Iterator<Item = &'a Flag> {
        self.flags
            .iter()
            .filter(|flag| flag.is_raised(registers) == Ok(true))
    }

    /// The device's serial number, when the profile knows its register and it was read.
    #[must_use]
    pub fn serial(&self, registers: &Registers) -> Option<String> {
        let text = self.serial.as_ref()?.text(registers).ok()?;
        (!text.is_empty()).then_some(text)
    }

    /// Refuses a whole answer: words that no live device sends, or a flag that says that its
    /// values do not count.
    fn refuse(&self, registers: &Registers) -> Result<(), String> {
        for reject in &self.rejects {
            reject.pass(registers)?;
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
        let number = self.value.number(registers)?;
        let ratio = self.ratio(registers)?;
        let exponent = self
            .pow10
            .as_ref()
            .map_or(Ok(0), |pow10| pow10.exponent(registers))?;
        let wrapped = self.wrapped(registers)?;
        let decimals = self.decimals_at(exponent)?;
        let exact = number
            .checked_mul(self.scale)
            .and_then(|scaled| scaled.checked_mul(ratio))
            .and_then(|scaled| shift(scaled, exponent))
            .and_then(|scaled| scaled.checked_add(wrapped))
            .and_then(|value| fix_decimals(value, decimals))
            .ok_or_else(too_large)?;
        Quantity::new(exact, self.unit_of(registers)?).map_err(|error| error.to_string())
    }

    /// By what the device says that its counts are to be multiplied: transformer ratios.
    fn ratio(&self, registers: &Registers) -> Result<Decimal, String> {
        let mut product = Decimal::ONE;
        for register in &self.scale_by {
            let ratio = register.number(registers)?;
            if ratio <= Decimal::ZERO {
                let name = &register.name;
                return Err(format!(
                    "register '{name}' holds {ratio}, which is no ratio"
                ));
            }
            product = product.checked_mul(ratio).ok_or_else(too_large)?;
        }
        Ok(product)
    }

    /// What was counted before the counter last started again from zero.
    fn wrapped(&self, registers: &Registers) -> Result<Decimal, String> {
        let Some(wraps) = &self.wraps else {
            return Ok(Decimal::ZERO);
        };
        let count = wraps.register.number(registers)?;
        count.checked_mul(wraps.modulus).ok_or_else(too_large)
    }

    /// How many decimals its value has: those the profile says, else those of its scale.
    fn decimals_at(&self, exponent: i64) -> Result<u32, String> {
        if let Some(decimals) = self.decimals {
            return Ok(decimals);
        }
        let fixed = self.scale.scale().saturating_add(self.value.decimals());
        let decimals = (i64::from(fixed) - exponent).max(0);
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
                whole(number)
                    .and_then(|code| map.get(&code))
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

impl Pow10 {
    /// The power of ten that its register asks for.
    pub(super) fn exponent(&self, registers: &Registers) -> Result<i64, String> {
        let number = self.register.number(registers)?;
        self.of(number).ok_or_else(|| {
            let name = &self.register.name;
            format!("register '{name}' holds {number}, which is no multiplier")
        })
    }

    /// The power of ten for which that number stands.
    pub(super) fn of(&self, number: Decimal) -> Option<i64> {
        let number = whole(number)?;
        let exponent = match &self.map {
            Some(map) => *map.get(&number)?,
            None => number,
        };
        let exponent = exponent.checked_add(self.offset)?;
        (exponent.abs() <= POW10_MAX).then_some(exponent)
    }
}

impl Value {
    fn number(&self, registers: &Registers) -> Result<Decimal, String> {
        match self {
            Self::From(register) => register.number(registers),
            Self::Sum(addends) => addends.iter().try_fold(Decimal::ZERO, |sum, addend| {
                let number = addend.register.number(registers)?;
                let weighed = number.checked_mul(addend.weight).ok_or_else(too_large)?;
                sum.checked_add(weighed).ok_or_else(too_large)
            }),
            Self::Digits { base, low_first } => digits(*base, low_first, registers),
        }
    }
}

fn digits(base: u32, low_first: &[Register], registers: &Registers) -> Result<Decimal, String> {
    let base = Decimal::from(base);
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

fn too_large() -> String {
    "the value is too large for any meter".to_owned()
}

/// The number as an integer, if it is one.
fn whole(number: Decimal) -> Option<i64> {
    number.is_integer().then(|| i64::try_from(number).ok())?
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

impl Reject {
    /// Lets the answer pass, or says what no live device sends. What was not read says
    /// nothing: another master may have asked for less.
    fn pass(&self, registers: &Registers) -> Result<(), String> {
        match self {
            Self::AllZero(group) => {
                let read = group.iter().filter(|register| register.was_read(registers));
                let read: Vec<&Register> = read.collect();
                let zero = |register: &&Register| register.pattern(registers) == Ok(0);
                if read.is_empty() || !read.iter().all(zero) {
                    return Ok(());
                }
                let names: Vec<&str> = read.iter().map(|register| &*register.name).collect();
                Err(format!(
                    "the answer is all zeros ({}), as no live device sends it",
                    names.join(", ")
                ))
            }
            Self::Outside {
                register,
                low,
                high,
            } => {
                if !register.was_read(registers) {
                    return Ok(());
                }
                let number = register.number(registers)?;
                if (*low..=*high).contains(&number) {
                    return Ok(());
                }
                let name = &register.name;
                Err(format!(
                    "register '{name}' holds {number}, not {low} to {high} as on a live device"
                ))
            }
        }
    }
}

impl Identity {
    pub(super) fn holds(&self, registers: &Registers) -> bool {
        let number = || self.register.number(registers);
        let text = || self.register.text(registers);
        match &self.rule {
            IdentityRule::Between(low, high) => {
                number().is_ok_and(|number| (*low..=*high).contains(&number))
            }
            IdentityRule::OneOf(numbers) => number().is_ok_and(|n| numbers.contains(&n)),
            IdentityRule::OneOfTexts(texts) => text().is_ok_and(|text| texts.contains(&text)),
            IdentityRule::StartsWith(start) => text().is_ok_and(|text| begins(&text, start)),
        }
    }
}

/// Whether the text begins so, in whichever case: makers change it between versions.
fn begins(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
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
