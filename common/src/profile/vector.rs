//! A profile's test vectors: words, and the value that they are known to mean.

use std::collections::BTreeMap;
use std::ops::Range;

use rust_decimal::Decimal;

use super::format;
use super::{Profile, Registers};
use crate::quantity::Quantity;
use crate::unit::Unit;

/// A complaint and where it belongs.
pub(super) type Complaint = (Range<usize>, String);

/// Decodes every vector; the first that does not come out as it says is the complaint.
/// `places` are those of the points, by id.
pub(super) fn check(
    profile: &Profile,
    tests: &[format::Test],
    places: &BTreeMap<String, Range<usize>>,
) -> Result<(), Complaint> {
    for test in tests {
        if test.source.is_some() == test.computed {
            let reason = "a vector needs either its `source` or `computed = true`";
            return Err((test.point.span(), reason.to_owned()));
        }
        let registers = words(profile, test)?;
        if profile.point(test.point.get_ref()).is_none() {
            let reason = format!("there is no point '{}'", test.point.get_ref());
            return Err((test.point.span(), reason));
        }
        run(profile, test, &registers)?;
    }
    let proved = |id: &str| tests.iter().any(|test| test.point.get_ref() == id);
    match profile.billing_points().find(|point| !proved(&point.id)) {
        Some(point) => Err((
            places.get(&point.id).cloned().unwrap_or_default(),
            format!(
                "billing point '{}' has no [[test]] that proves it",
                point.id
            ),
        )),
        None => Ok(()),
    }
}

fn words(profile: &Profile, test: &format::Test) -> Result<Registers, Complaint> {
    let mut registers = Registers::new();
    for (name, words) in &test.words {
        let Some(register) = profile.registers.get(name.get_ref()) else {
            return Err((
                name.span(),
                format!("there is no register '{}'", name.get_ref()),
            ));
        };
        let span = register.span();
        if words.len() != usize::from(span.count) {
            let (name, count, given) = (name.get_ref(), span.count, words.len());
            let reason = format!("register '{name}' has {count} words, the vector gives {given}");
            return Err((test.point.span(), reason));
        }
        registers.insert(&span, words);
    }
    Ok(registers)
}

fn run(profile: &Profile, test: &format::Test, registers: &Registers) -> Result<(), Complaint> {
    let decoded = profile.decode(test.point.get_ref(), registers).value;
    let fails = |expected: &str| {
        let came = decoded
            .as_ref()
            .map_or_else(|why| format!("'{why}'"), Quantity::to_string);
        format!(
            "vector of '{}' fails: expected {expected}, decoded {came}",
            test.point.get_ref()
        )
    };
    match (&test.value, &test.unit, &test.suspect) {
        (Some(value), Some(unit), None) => {
            let expected = quantity(value, unit)?;
            let passes = decoded == Ok(expected);
            if passes {
                Ok(())
            } else {
                Err((value.span(), fails(&expected.to_string())))
            }
        }
        (None, None, Some(reason)) => {
            let passes = decoded
                .as_ref()
                .is_err_and(|why| why.contains(reason.as_str()));
            let expected = format!("it to be suspect because of '{reason}'");
            if passes {
                Ok(())
            } else {
                Err((test.point.span(), fails(&expected)))
            }
        }
        _ => {
            let reason = "a vector expects either `value` and `unit`, or `suspect`";
            Err((test.point.span(), reason.to_owned()))
        }
    }
}

fn quantity(value: &format::Name, unit: &format::Name) -> Result<Quantity, Complaint> {
    let number = Decimal::from_str_exact(value.get_ref()).map_err(|_| {
        (
            value.span(),
            format!("'{}' is not a decimal", value.get_ref()),
        )
    })?;
    let unit: Unit = unit
        .get_ref()
        .parse()
        .map_err(|error| (unit.span(), format!("{error}")))?;
    Quantity::new(number, unit).map_err(|error| (value.span(), error.to_string()))
}
