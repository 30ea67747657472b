//! Reconciliation: the main meter, or the utility's bill, against the sum of its submeters.
//!
//! Only what was counted between the same two instants is compared; where a meter was counted
//! between others, or is not known, that is said and nothing is invented.
//!
//! **How what is left over is shared.** Shares have at least three decimals, as all quantities
//! that are computed, and sum to what is shared to the last digit: each meter has its part by
//! weight, rounded down, and the units of the last digit that are missing then go one each to
//! those that lost most by that, of equal ones to the first by identity (the largest remainder).
//! A discount is shared as a surplus of the same size, with a minus. A meter without use, or with
//! a credit, weighs nothing where use weighs; where nobody used anything, all weigh the same.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use common::id::MeterId;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::charge::{QUANTITY_DECIMALS, exact_sum, exact_total, rounded};
use super::invoice::opposite;

/// The decimals of a difference as a share of a hundred.
const PERCENT_DECIMALS: u32 = 2;

/// What is done with what the main meter counted and no submeter did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case")]
pub enum Policy {
    /// It is shown, and on no bill.
    #[default]
    Show,
    /// A surplus is a line of every bill, in equal parts; a discount is only shown.
    CommonArea,
    /// A surplus or a discount is a line of every bill, by what the meter counted.
    Proportional,
    /// A surplus or a discount is a line of the bills, by the weight that somebody gave each
    /// meter: square metres, percents. A meter without one has no part.
    ByShare {
        /// The weights.
        shares: BTreeMap<MeterId, Decimal>,
    },
}

impl Policy {
    /// Whether a meter's bill depends on what the others counted.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        *self != Self::Show
    }
}

/// From which difference on somebody should look, of a hundred; zero is never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Above it the bills say so.
    pub warn_percent: Decimal,
    /// Above it they are held.
    pub block_percent: Decimal,
}

impl Default for Limits {
    /// No norm that could be cited gives such figures; these are ours, to be tuned.
    fn default() -> Self {
        Self {
            warn_percent: Decimal::from(3),
            block_percent: Decimal::TEN,
        }
    }
}

/// What was counted between two instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The first.
    pub starts_at: Timestamp,
    /// The second.
    pub ends_at: Timestamp,
    /// How much.
    pub quantity: Decimal,
}

/// A submeter, and what it counted, where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub meter: MeterId,
    /// What it counted.
    pub counted: Option<Counted>,
}

/// How grave a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Within the limits.
    Within,
    /// Somebody should look.
    Warn,
    /// The bills are held.
    Block,
}

/// What was compared, and what is left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// What the main meter counted.
    pub whole: Decimal,
    /// What the submeters did together.
    pub parts: Decimal,
    /// What is left over; below zero where they counted more than it.
    pub residual: Decimal,
    /// That as a share of the whole, of a hundred; nothing where the whole is zero.
    pub percent: Option<Decimal>,
    /// How grave that is.
    pub verdict: Verdict,
    /// Each meter's share of it, by the policy; together they are all of it, or nothing.
    pub shares: BTreeMap<MeterId, Decimal>,
}

/// Why nothing could be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreconciled {
    /// There is nothing to compare with.
    #[error("what the whole building used between these instants is not known")]
    NoWhole,
    /// There is no submeter.
    #[error("there is no submeter")]
    NoParts,
    /// What some of them counted is not known.
    #[error("what {} of the submeters counted is not known", .0.len())]
    Missing(Vec<MeterId>),
    /// Some of them were counted between other instants.
    #[error("{} of the submeters were counted between other instants", .0.len())]
    OtherInstants(Vec<MeterId>),
    /// No submeter has a share.
    #[error("no submeter has a share")]
    NoShares,
    /// A number cannot be computed exactly.
    #[error("a number has too many digits")]
    TooManyDigits,
}

/// Compares what the whole building used with what its submeters counted.
///
/// # Errors
/// With why that cannot be done.
pub fn reconcile(
    whole: Option<&Counted>,
    parts: &[Part],
    policy: &Policy,
    limits: &Limits,
) -> Result<Reconciliation, Unreconciled> {
    let whole = whole.ok_or(Unreconciled::NoWhole)?;
    let counted = same_instants(whole, parts)?;
    let too_long = |_| Unreconciled::TooManyDigits;
    let sum = exact_total(counted.values().copied()).map_err(too_long)?;
    let residual = exact_sum(whole.quantity, opposite(sum)).map_err(too_long)?;
    let shared = match policy {
        Policy::CommonArea => residual.max(Decimal::ZERO),
        _ => residual,
    };
    Ok(Reconciliation {
        whole: whole.quantity,
        parts: sum,
        residual,
        percent: percent(residual, whole.quantity),
        verdict: verdict(residual, whole.quantity, limits)?,
        shares: match weights(policy, &counted)? {
            Some(weights) => share_out(shared, &weights)?,
            None => BTreeMap::new(),
        },
    })
}

/// What each submeter counted, if all are known between the instants of the whole.
fn same_instants(
    whole: &Counted,
    parts: &[Part],
) -> Result<BTreeMap<MeterId, Decimal>, Unreconciled> {
    if parts.is_empty() {
        return Err(Unreconciled::NoParts);
    }
    let ids = |which: &dyn Fn(&Part) -> bool| {
        let chosen = parts.iter().filter(|part| which(part));
        chosen.map(|part| part.meter).collect::<Vec<_>>()
    };
    let bounds = |counted: &Counted| (counted.starts_at, counted.ends_at);
    let is_elsewhere = |counted: &Counted| bounds(counted) != bounds(whole);
    let elsewhere = ids(&|part| part.counted.as_ref().is_some_and(is_elsewhere));
    if !elsewhere.is_empty() {
        return Err(Unreconciled::OtherInstants(elsewhere));
    }
    let missing = ids(&|part| part.counted.is_none());
    if !missing.is_empty() {
        return Err(Unreconciled::Missing(missing));
    }
    let known = parts
        .iter()
        .filter_map(|part| Some((part.meter, part.counted.as_ref()?.quantity)));
    Ok(known.collect())
}

fn percent(residual: Decimal, whole: Decimal) -> Option<Decimal> {
    let hundred = Decimal::ONE_HUNDRED;
    rounded(residual, hundred, whole, None, PERCENT_DECIMALS).filter(|_| !whole.is_zero())
}

/// Nothing is rounded before it is compared.
fn verdict(residual: Decimal, whole: Decimal, limits: &Limits) -> Result<Verdict, Unreconciled> {
    let hundredfold = residual.abs().checked_mul(Decimal::ONE_HUNDRED);
    let hundredfold = hundredfold.ok_or(Unreconciled::TooManyDigits)?;
    let exceeds = |limit: Decimal| {
        let most = whole.abs().checked_mul(limit);
        most.map(|most| limit > Decimal::ZERO && hundredfold > most)
            .ok_or(Unreconciled::TooManyDigits)
    };
    Ok(if exceeds(limits.block_percent)? {
        Verdict::Block
    } else if exceeds(limits.warn_percent)? {
        Verdict::Warn
    } else {
        Verdict::Within
    })
}

/// How much each meter weighs; nothing where nothing is shared.
fn weights(
    policy: &Policy,
    counted: &BTreeMap<MeterId, Decimal>,
) -> Result<Option<BTreeMap<MeterId, Decimal>>, Unreconciled> {
    let equal = || counted.keys().map(|meter| (*meter, Decimal::ONE)).collect();
    let weights: BTreeMap<MeterId, Decimal> = match policy {
        Policy::Show => return Ok(None),
        Policy::CommonArea => equal(),
        Policy::Proportional => counted
            .iter()
            .map(|(meter, used)| (*meter, (*used).max(Decimal::ZERO)))
            .collect(),
        Policy::ByShare { shares } => counted
            .keys()
            .map(|meter| (*meter, shares.get(meter).copied().unwrap_or_default()))
            .collect(),
    };
    let weighs_nothing = weights.values().all(|weight| *weight <= Decimal::ZERO);
    match policy {
        Policy::ByShare { .. } if weighs_nothing => Err(Unreconciled::NoShares),
        _ if weighs_nothing => Ok(Some(equal())),
        _ => Ok(Some(weights)),
    }
}

/// Shares a quantity out by weights, none of which is negative and not all of which are zero;
/// the shares sum to it to the last digit.
fn share_out(
    quantity: Decimal,
    weights: &BTreeMap<MeterId, Decimal>,
) -> Result<BTreeMap<MeterId, Decimal>, Unreconciled> {
    let decimals = quantity.normalize().scale().max(QUANTITY_DECIMALS);
    let shared = shared_units(quantity.abs(), weights, decimals);
    let shared = shared.ok_or(Unreconciled::TooManyDigits)?;
    let signed = |units: i128| {
        let share = Decimal::try_from_i128_with_scale(units, decimals).ok()?;
        Some(match quantity < Decimal::ZERO {
            true => opposite(share),
            false => share,
        })
    };
    let shares = shared
        .into_iter()
        .map(|(meter, units)| Some((meter, signed(units)?)));
    let shares: Option<_> = shares.collect();
    shares.ok_or(Unreconciled::TooManyDigits)
}

/// Shares in units of the last digit, by the largest remainder.
fn shared_units(
    quantity: Decimal,
    weights: &BTreeMap<MeterId, Decimal>,
    decimals: u32,
) -> Option<BTreeMap<MeterId, i128>> {
    let all = units(quantity, decimals)?;
    let most = weights.values().map(|weight| weight.normalize().scale());
    let fine = most.max()?;
    let weights = weights
        .iter()
        .map(|(meter, weight)| Some((*meter, units((*weight).max(Decimal::ZERO), fine)?)));
    let weights: Vec<(MeterId, i128)> = weights.collect::<Option<_>>()?;
    let together = weights
        .iter()
        .try_fold(0_i128, |sum, (_, weight)| sum.checked_add(*weight))?;
    let (mut shares, mut lost) = (BTreeMap::new(), Vec::new());
    let mut left = all;
    for (meter, weight) in weights {
        let part = all.checked_mul(weight)?;
        let whole = part.checked_div(together)?;
        lost.push((part.checked_rem(together)?, meter));
        left = left.checked_sub(whole)?;
        shares.insert(meter, whole);
    }
    lost.sort_by_key(|(remainder, meter)| (std::cmp::Reverse(*remainder), *meter));
    // Fewer are left than there are meters that lost something.
    for (_, meter) in lost.into_iter().take(usize::try_from(left).ok()?) {
        let share = shares.get_mut(&meter)?;
        *share = share.checked_add(1)?;
    }
    Some(shares)
}

/// A number in units of its last digit of so many decimals.
fn units(number: Decimal, decimals: u32) -> Option<i128> {
    let number = number.normalize();
    let finer = decimals.checked_sub(number.scale())?;
    number.mantissa().checked_mul(10_i128.checked_pow(finer)?)
}
