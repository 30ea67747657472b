//! Where a point's number comes from: registers, their weights, ratios and powers of ten.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use toml::Spanned;

use super::super::format::{self, Addend as Written, Name};
use super::super::point::{Addend, Pow10, Value, Wraps};
use super::super::vector::Complaint;
use super::super::{Register, Role};
use super::{Declared, find, find_all, one_table};
use crate::quantity::DECIMALS_MAX;

/// The parts of a point that make its number.
pub(super) struct Checked {
    pub value: Value,
    pub scale: Decimal,
    pub scale_by: Vec<Register>,
    pub pow10: Option<Pow10>,
    pub wraps: Option<Wraps>,
    pub decimals: Option<u32>,
}

pub(super) fn checked(declared: &Declared, file: &format::Point) -> Result<Checked, Complaint> {
    let value = value(declared, file)?;
    let scale = file.scale.as_ref().map_or(Ok(Decimal::ONE), scale)?;
    let scale_by = file.scale_by.as_deref().unwrap_or_default();
    let mut checked = Checked {
        value,
        scale,
        scale_by: find_all(declared, scale_by)?,
        pow10: file
            .pow10
            .as_ref()
            .map(|pow10| self::pow10(declared, pow10))
            .transpose()?,
        wraps: file
            .wraps
            .as_ref()
            .map(|wraps| self::wraps(declared, wraps))
            .transpose()?,
        decimals: None,
    };
    let mut together = checked.value.registers();
    together.extend(checked.wraps.as_ref().map(|wraps| &wraps.register));
    one_table(&together).map_err(|reason| (file.id.span(), reason))?;
    checked.decimals = decimals(file, &checked)?;
    Ok(checked)
}

fn value(declared: &Declared, file: &format::Point) -> Result<Value, Complaint> {
    match (&file.from, &file.sum, &file.digits) {
        (Some(name), None, None) => Ok(Value::From(find(declared, name)?)),
        (None, Some(addends), None) if !addends.is_empty() => sum(declared, file.role, addends),
        (None, None, Some(digits)) => self::digits(declared, &file.id, digits),
        _ => {
            let reason = "a point needs exactly one of `from`, `sum`, `digits`";
            Err((file.id.span(), reason.to_owned()))
        }
    }
}

fn sum(declared: &Declared, role: Role, files: &[Spanned<Written>]) -> Result<Value, Complaint> {
    let mut addends = Vec::new();
    for file in files {
        let (reg, weight) = match file.get_ref() {
            Written::Plain(reg) => (reg, Decimal::ONE),
            Written::Weighed(weighed) => {
                let weight = Decimal::from_str_exact(&weighed.weight).ok();
                let fits = |weight: &Decimal| {
                    !weight.is_zero()
                        && weight.scale() <= DECIMALS_MAX
                        && (role != Role::Billing || weight.is_sign_positive())
                };
                let weight = weight.filter(fits).ok_or_else(|| {
                    let reason = format!(
                        "weight '{}' is no decimal by which a register can count; that of a \
                         billing point is positive",
                        weighed.weight
                    );
                    (file.span(), reason)
                })?;
                (&weighed.reg, weight)
            }
        };
        let register = find(declared, &Name::new(file.span(), reg.clone()))?;
        addends.push(Addend { register, weight });
    }
    Ok(Value::Sum(addends))
}

fn digits(declared: &Declared, id: &Name, file: &format::Digits) -> Result<Value, Complaint> {
    let base = *file.base.get_ref();
    if !(2..=100_000_000).contains(&base) {
        return Err((file.base.span(), format!("{base} is no base of digits")));
    }
    let low_first = match (&file.low_first, &file.high_first) {
        (Some(names), None) => find_all(declared, names)?,
        (None, Some(names)) => find_all(declared, names)?.into_iter().rev().collect(),
        _ => Vec::new(),
    };
    if low_first.is_empty() || low_first.iter().any(|register| register.kind.is_float()) {
        let reason = "digits are integer registers, either `low_first` or `high_first`";
        return Err((id.span(), reason.to_owned()));
    }
    Ok(Value::Digits { base, low_first })
}

fn scale(text: &Name) -> Result<Decimal, Complaint> {
    let parsed = Decimal::from_str_exact(text.get_ref()).ok();
    parsed
        .filter(|scale| *scale > Decimal::ZERO && scale.scale() <= DECIMALS_MAX)
        .ok_or_else(|| {
            let text = text.get_ref();
            format!("scale '{text}' is not a positive decimal with at most {DECIMALS_MAX} decimals")
        })
        .map_err(|reason| (text.span(), reason))
}

/// The decimal that the text writes, if it is above zero.
pub(super) fn positive(text: &Name) -> Result<Decimal, Complaint> {
    let parsed = Decimal::from_str_exact(text.get_ref()).ok();
    parsed.filter(|n| *n > Decimal::ZERO).ok_or_else(|| {
        let reason = format!("'{}' is not a positive decimal", text.get_ref());
        (text.span(), reason)
    })
}

fn pow10(declared: &Declared, file: &format::Pow10) -> Result<Pow10, Complaint> {
    let register = find(declared, &file.reg)?;
    let Some(written) = &file.map else {
        return Ok(Pow10 {
            register,
            map: None,
            offset: file.offset,
        });
    };
    let mut map = BTreeMap::new();
    for (code, exponent) in written {
        let number = code.get_ref().parse().map_err(|_| {
            let reason = format!(
                "'{}' is not a number of '{}'",
                code.get_ref(),
                register.name
            );
            (code.span(), reason)
        })?;
        map.insert(number, *exponent);
    }
    Ok(Pow10 {
        register,
        map: Some(map),
        offset: file.offset,
    })
}

fn wraps(declared: &Declared, file: &format::Wraps) -> Result<Wraps, Complaint> {
    let modulus = positive(&file.modulus)?;
    if !modulus.is_integer() {
        let reason = "a counter starts again at a whole number of its unit";
        return Err((file.modulus.span(), reason.to_owned()));
    }
    Ok(Wraps {
        register: find(declared, &file.reg)?,
        modulus,
    })
}

/// Floats must say how many decimals are displayed; integers may not hide what they count.
fn decimals(file: &format::Point, checked: &Checked) -> Result<Option<u32>, Complaint> {
    let mut registers = checked.value.registers();
    registers.extend(&checked.scale_by);
    let exact = !registers.iter().any(|register| register.kind.is_float());
    let Some(decimals) = &file.decimals else {
        return if exact {
            Ok(None)
        } else {
            let reason = "a point on a float register must say its `decimals`: those displayed";
            Err((file.id.span(), reason.to_owned()))
        };
    };
    let count = *decimals.get_ref();
    if count > DECIMALS_MAX {
        return Err((
            decimals.span(),
            format!("a quantity has at most {DECIMALS_MAX} decimals"),
        ));
    }
    let finest = checked
        .scale
        .scale()
        .saturating_add(checked.value.decimals());
    if exact && file.pow10.is_none() && count < finest {
        let scale = checked.scale;
        let reason = format!("{count} decimals would round away what scale {scale} counts");
        return Err((decimals.span(), reason));
    }
    Ok(Some(count))
}
