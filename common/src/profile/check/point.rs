//! Points: where their number comes from, in which unit, with how many decimals.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::super::format::{self, Name};
use super::super::vector::Complaint;
use super::super::{MustMatch, Point, Pow10, Register, Role, Rollover, UnitRule, Value};
use super::{Declared, find, find_all, identifier, number, one_table};
use crate::quantity::DECIMALS_MAX;
use crate::unit::{Dimension, Unit};

pub(super) fn points(
    declared: &Declared,
    files: Vec<format::Point>,
) -> Result<Vec<Point>, Complaint> {
    let mut points: Vec<Point> = Vec::new();
    let mut confirming = Vec::new();
    for mut file in files {
        identifier(&file.id, '_')?;
        if points.iter().any(|point| point.id == *file.id.get_ref()) {
            let reason = format!("there are two points '{}'", file.id.get_ref());
            return Err((file.id.span(), reason));
        }
        let rule = file.must_match.take();
        let place = file.id.clone();
        points.push(point(declared, file)?);
        confirming.extend(rule.map(|rule| (place, rule)));
    }
    for (id, rule) in confirming {
        let checked = must_match(&points, &id, &rule)?;
        if let Some(point) = points.iter_mut().find(|point| point.id == *id.get_ref()) {
            point.must_match = Some(checked);
        }
    }
    Ok(points)
}

fn point(declared: &Declared, file: format::Point) -> Result<Point, Complaint> {
    let value = value(declared, &file)?;
    let scale = file.scale.as_ref().map_or(Ok(Decimal::ONE), scale)?;
    let pow10 = file.pow10.as_ref().map(|pow10| {
        let register = find(declared, &pow10.reg)?;
        Ok::<_, Complaint>(Pow10 {
            register,
            offset: pow10.offset,
        })
    });
    let decimals = decimals(&file, &value, scale)?;
    Ok(Point {
        monotonic: monotonic(&file)?,
        max_rate: file.max_rate.as_ref().map(positive).transpose()?,
        unit: unit(declared, &file)?,
        rollover: file.rollover.as_ref().map(rollover).transpose()?,
        id: file.id.into_inner(),
        role: file.role,
        rollover_verified: file.rollover_verified,
        value,
        scale,
        pow10: pow10.transpose()?,
        decimals,
        must_match: None,
    })
}

/// Counters rise, gauges do not; only a net counter that is never billed may do both.
fn monotonic(file: &format::Point) -> Result<bool, Complaint> {
    let counts = file.role != Role::Gauge;
    let Some(stated) = &file.monotonic else {
        return Ok(counts);
    };
    let rises = *stated.get_ref();
    let reason = match file.role {
        Role::Billing if !rises => "a billing point must be one that only rises",
        Role::Gauge if rises => "a gauge rises and falls: only a counter is monotonic",
        _ => return Ok(rises),
    };
    Err((stated.span(), reason.to_owned()))
}

fn positive(text: &Name) -> Result<Decimal, Complaint> {
    let parsed = Decimal::from_str_exact(text.get_ref()).ok();
    parsed.filter(|n| *n > Decimal::ZERO).ok_or_else(|| {
        let reason = format!("'{}' is not a positive decimal", text.get_ref());
        (text.span(), reason)
    })
}

fn value(declared: &Declared, file: &format::Point) -> Result<Value, Complaint> {
    let value = match (&file.from, &file.sum, &file.digits) {
        (Some(name), None, None) => Value::From(find(declared, name)?),
        (None, Some(names), None) if !names.is_empty() => Value::Sum(find_all(declared, names)?),
        (None, None, Some(digits)) => self::digits(declared, &file.id, digits)?,
        _ => {
            let reason = "a point needs exactly one of `from`, `sum`, `digits`";
            return Err((file.id.span(), reason.to_owned()));
        }
    };
    one_table(value.registers()).map_err(|reason| (file.id.span(), reason))?;
    Ok(value)
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

fn decimals(file: &format::Point, value: &Value, scale: Decimal) -> Result<Option<u32>, Complaint> {
    let Some(decimals) = &file.decimals else {
        let float = value
            .registers()
            .iter()
            .any(|register| register.kind.is_float());
        return if float {
            let reason = "a point on a float register must say its `decimals`: those displayed";
            Err((file.id.span(), reason.to_owned()))
        } else {
            Ok(None)
        };
    };
    let count = *decimals.get_ref();
    if count > DECIMALS_MAX {
        return Err((
            decimals.span(),
            format!("a quantity has at most {DECIMALS_MAX} decimals"),
        ));
    }
    let exact = value
        .registers()
        .iter()
        .all(|register| !register.kind.is_float());
    if exact && file.pow10.is_none() && count < scale.scale() {
        let reason = format!("{count} decimals would round away what scale {scale} counts");
        return Err((decimals.span(), reason));
    }
    Ok(Some(count))
}

fn unit(declared: &Declared, file: &format::Point) -> Result<UnitRule, Complaint> {
    match (&file.unit, &file.unit_from) {
        (Some(name), None) => Ok(UnitRule::Fixed(known_unit(name)?)),
        (None, Some(rule)) => {
            let register = find(declared, &rule.reg)?;
            Ok(UnitRule::Register {
                map: unit_map(&register, &rule.map)?,
                register,
            })
        }
        _ => {
            let reason = "a point needs exactly one of `unit`, `unit_from`";
            Err((file.id.span(), reason.to_owned()))
        }
    }
}

fn unit_map(
    register: &Register,
    file: &BTreeMap<Name, Name>,
) -> Result<BTreeMap<i64, Unit>, Complaint> {
    let mut map = BTreeMap::new();
    for (code, unit) in file {
        let number = code.get_ref().parse().map_err(|_| {
            let reason = format!(
                "'{}' is not a number that '{}' holds",
                code.get_ref(),
                register.name
            );
            (code.span(), reason)
        })?;
        map.insert(number, known_unit(unit)?);
    }
    Ok(map)
}

fn known_unit(name: &Name) -> Result<Unit, Complaint> {
    name.get_ref()
        .parse()
        .map_err(|error: crate::unit::UnitError| {
            let known: Vec<&str> = Unit::ALL.iter().map(|unit| unit.code()).collect();
            (
                name.span(),
                format!("{error}; there are {}", known.join(", ")),
            )
        })
}

fn rollover(file: &toml::Spanned<format::Rollover>) -> Result<Rollover, Complaint> {
    let parse = |text: &str| {
        Decimal::from_str_exact(text)
            .ok()
            .filter(|n| *n > Decimal::ZERO)
    };
    let parsed = match file.get_ref() {
        format::Rollover::Value(text) => parse(text).map(Rollover::Value),
        format::Rollover::Raw { raw } => parse(raw).map(Rollover::Raw),
    };
    parsed.ok_or_else(|| {
        (
            file.span(),
            "a rollover is a positive decimal in quotes".to_owned(),
        )
    })
}

fn must_match(
    points: &[Point],
    id: &Name,
    rule: &format::MustMatch,
) -> Result<MustMatch, Complaint> {
    let name = rule.point.get_ref();
    let units = |id: &str| points.iter().find(|point| point.id == id).map(Point::units);
    let billed = |units: &[Unit]| units.first().map(|unit| unit.dimension());
    let own = units(id.get_ref()).and_then(|units| billed(&units));
    let other = units(name).and_then(|units| billed(&units));
    if name == id.get_ref() || own != other || matches!(own, None | Some(Dimension::Gauge)) {
        let reason = format!(
            "'{}' and '{name}' cannot be the same quantity",
            id.get_ref()
        );
        return Err((rule.point.span(), reason));
    }
    let tolerance = number(rule.tolerance_pct.get_ref());
    let tolerance_pct = tolerance.filter(|pct| *pct >= Decimal::ZERO && *pct <= Decimal::TEN);
    let tolerance_pct = tolerance_pct.ok_or_else(|| {
        (
            rule.tolerance_pct.span(),
            "tolerance_pct is a number from 0 to 10".to_owned(),
        )
    })?;
    Ok(MustMatch {
        point: name.clone(),
        tolerance_pct,
    })
}
