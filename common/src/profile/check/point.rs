//! Points: what they are for, in which unit, and which confirms which.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::super::format::{self, Name};
use super::super::point::{MustMatch, UnitRule};
use super::super::vector::Complaint;
use super::super::{Point, Register, Role, Rollover};
use super::value::{self, positive};
use super::{Declared, find, identifier, number};
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
    let ids: Vec<&str> = confirming
        .iter()
        .map(|(id, _)| id.get_ref().as_str())
        .collect();
    for (id, rule) in &confirming {
        let checked = must_match(&points, id, rule, &ids)?;
        if let Some(point) = points.iter_mut().find(|point| point.id == *id.get_ref()) {
            point.must_match = Some(checked);
        }
    }
    Ok(points)
}

fn point(declared: &Declared, file: format::Point) -> Result<Point, Complaint> {
    let unit = unit(declared, &file)?;
    let value = value::checked(declared, &file)?;
    Ok(Point {
        max_rate: max_rate(&file, &unit)?,
        monotonic: monotonic(&file)?,
        unit,
        stated_rollover: file.rollover.as_ref().map(rollover).transpose()?,
        id: file.id.into_inner(),
        role: file.role,
        rollover_verified: file.rollover_verified,
        value: value.value,
        scale: value.scale,
        scale_by: value.scale_by,
        pow10: value.pow10,
        wraps: value.wraps,
        decimals: value.decimals,
        must_match: None,
    })
}

/// A rate is in the point's unit, so there must be one.
fn max_rate(file: &format::Point, unit: &UnitRule) -> Result<Option<Decimal>, Complaint> {
    let Some(text) = &file.max_rate else {
        return Ok(None);
    };
    if matches!(unit, UnitRule::Fixed(_)) && file.role != Role::Gauge {
        return positive(text).map(Some);
    }
    let reason = "max_rate is of a counter with one `unit`, in that unit per hour";
    Err((text.span(), reason.to_owned()))
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
    confirming: &[&str],
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
    if confirming.contains(&name.as_str()) {
        let reason = format!("'{name}' must match another point itself: that proves nothing");
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
