//! What is said of whole answers: groups, what refuses them, status flags, identification.

use super::super::format::{self, Expected, Kind};
use super::super::vector::Complaint;
use super::super::{Flag, Identity, IdentityRule, Register, Reject};
use super::{Declared, find, find_all, find_any, one_table, range};

pub(super) fn groups(
    declared: &Declared,
    files: &[format::Group],
) -> Result<Vec<Vec<Register>>, Complaint> {
    let mut groups = Vec::new();
    for file in files {
        let members = find_all(declared, file.atomic.get_ref())?;
        one_table(&members.iter().collect::<Vec<_>>())
            .map_err(|reason| (file.atomic.span(), reason))?;
        groups.push(members);
    }
    Ok(groups)
}

pub(super) fn rejects(
    declared: &Declared,
    files: Vec<toml::Spanned<format::Reject>>,
) -> Result<Vec<Reject>, Complaint> {
    let mut rejects = Vec::new();
    for file in files {
        let place = file.span();
        let reject = match file.into_inner() {
            format::Reject {
                all_zero: Some(names),
                outside: None,
            } if !names.is_empty() => Reject::AllZero(find_all(declared, &names)?),
            format::Reject {
                all_zero: None,
                outside: Some(outside),
            } => outside_of(declared, &outside)?,
            _ => {
                let reason = "[[reject]] needs either `all_zero = [names]` or \
                              `outside = { reg, between = [low, high] }`";
                return Err((place, reason.to_owned()));
            }
        };
        rejects.push(reject);
    }
    Ok(rejects)
}

fn outside_of(declared: &Declared, file: &format::Outside) -> Result<Reject, Complaint> {
    let register = find(declared, &file.reg)?;
    let Some((low, high)) = range(&file.between) else {
        let reason = "between = [low, high] are two numbers, the lower first";
        return Err((file.reg.span(), reason.to_owned()));
    };
    Ok(Reject::Outside {
        register,
        low,
        high,
    })
}

pub(super) fn flags(declared: &Declared, files: Vec<format::Flag>) -> Result<Vec<Flag>, Complaint> {
    let mut flags = Vec::new();
    for file in files {
        let register = find(declared, &file.reg)?;
        let bit = *file.bit.get_ref();
        if bit >= u32::from(register.count) * 16 {
            let name = file.reg.get_ref();
            return Err((
                file.bit.span(),
                format!("register '{name}' has no bit {bit}"),
            ));
        }
        let format::Text { en, es } = file.text;
        flags.push(Flag {
            en,
            es,
            invalidates: file.invalidates,
            register,
            bit,
        });
    }
    Ok(flags)
}

pub(super) fn identity(
    declared: &Declared,
    files: Vec<format::Identify>,
) -> Result<Vec<Identity>, Complaint> {
    let mut identity = Vec::new();
    for file in files {
        let register = find_any(declared, &file.reg)?;
        let place = file.reg.span();
        let Some(rule) = rule(file) else {
            let reason = "[[identify]] needs one of `between = [low, high]`, `one_of = [..]`, \
                          `equals`, `starts_with`";
            return Err((place, reason.to_owned()));
        };
        let is_text = register.kind == Kind::Text;
        let asks_text = matches!(
            rule,
            IdentityRule::OneOfTexts(_) | IdentityRule::StartsWith(_)
        );
        if is_text != asks_text {
            let holds = if is_text { "a text" } else { "a number" };
            let reason = format!("register '{}' holds {holds}", register.name);
            return Err((place, reason));
        }
        identity.push(Identity { register, rule });
    }
    Ok(identity)
}

fn rule(file: format::Identify) -> Option<IdentityRule> {
    let format::Identify {
        reg: _,
        between,
        one_of,
        equals,
        starts_with,
    } = file;
    match (between, one_of, equals, starts_with) {
        (Some(between), None, None, None) => {
            let (low, high) = range(&between)?;
            Some(IdentityRule::Between(low, high))
        }
        (None, Some(expected), None, None) => one_of_rule(&expected),
        (None, None, Some(expected), None) => one_of_rule(&[expected]),
        (None, None, None, Some(start)) => {
            (!start.is_empty()).then_some(IdentityRule::StartsWith(start))
        }
        _ => None,
    }
}

/// All numbers, or all texts.
fn one_of_rule(expected: &[Expected]) -> Option<IdentityRule> {
    if expected.is_empty() {
        return None;
    }
    let number = |one: &Expected| match one {
        Expected::Number(number) => Some((*number).into()),
        Expected::Text(_) => None,
    };
    let text = |one: &Expected| match one {
        Expected::Text(text) => Some(text.trim().to_owned()),
        Expected::Number(_) => None,
    };
    let numbers: Option<Vec<_>> = expected.iter().map(number).collect();
    let texts: Option<Vec<_>> = expected.iter().map(text).collect();
    numbers
        .map(IdentityRule::OneOf)
        .or(texts.map(IdentityRule::OneOfTexts))
}
