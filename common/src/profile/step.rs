//! How finely a point counts at some value: what a float has lost there, no counter shows.
//! And how fast it can.

use rust_decimal::{Decimal, RoundingStrategy};

use super::format::Kind;
use super::{Point, Register, Rollover};
use crate::unit::Unit;

/// Bits of the significand behind the leading one.
const F32_FRACTION_BITS: i64 = 23;
const F64_FRACTION_BITS: i64 = 52;
/// Below this exponent of two a step has no digit that a quantity could show.
const EXPONENT_MIN: i64 = -40;

/// An f32 that stands still may show its neighbour, and the neighbour's; no fall.
const UNREST_STEPS: u32 = 2;
/// The most energy a submeter can count in an hour where its profile says nothing: twice
/// what the largest usual transformer of a building (2.5 MVA) gives.
const KILOWATTS_MAX: u32 = 5_000;
/// The same for volume: a pipe of 400 mm at 4 m/s carries 1,810 m³ in an hour.
const CUBIC_METRES_PER_HOUR_MAX: u32 = 2_000;

/// The most that any submeter can count in an hour, in `unit`; nothing for a unit that counts
/// neither energy nor volume.
#[must_use]
pub fn usual_rate(unit: Unit) -> Option<Decimal> {
    let most = [
        (Unit::KiloWh, KILOWATTS_MAX),
        (Unit::CubicMetre, CUBIC_METRES_PER_HOUR_MAX),
    ];
    most.into_iter().find_map(|(of, most)| {
        let factor = of.factor_to(unit)?;
        factor.checked_mul(Decimal::from(most))
    })
}

impl Point {
    /// The most that it can count in an hour, in `unit`.
    #[must_use]
    pub fn rate_in(&self, unit: Unit) -> Option<Decimal> {
        self.max_rate.or_else(|| usual_rate(unit))
    }

    /// By how much its register may fall without having fallen.
    #[must_use]
    pub fn unrest_at(&self, value: Decimal) -> Decimal {
        self.step_at(value) * Decimal::from(UNREST_STEPS)
    }

    /// The register's resolution at this value, in the point's unit: one count, or for a
    /// float the distance to its next value there; never finer than the point's decimals.
    /// Where the device itself sets a ratio or a multiplier, the float's relative resolution.
    #[must_use]
    pub fn step_at(&self, value: Decimal) -> Decimal {
        let decimals = self.decimals.unwrap_or(value.scale());
        let count = Decimal::try_new(1, decimals).unwrap_or(self.scale);
        let registers = self.value.registers();
        let floats: Vec<&&Register> = registers.iter().filter(|r| r.kind.is_float()).collect();
        let set_by_device = self.pow10.is_some() || !self.scale_by.is_empty();
        let Some(float) = floats.first() else {
            return if set_by_device || self.value.decimals() > 0 {
                count
            } else {
                count.max(self.scale)
            };
        };
        let scale = if set_by_device {
            Decimal::ONE
        } else {
            self.scale
        };
        // Beside an integer register the float holds the fraction of one count.
        let held = if floats.len() < registers.len() {
            Some(Decimal::ONE)
        } else {
            value.checked_div(scale)
        };
        let step = held
            .and_then(|held| spacing(float.kind, held.abs()))
            .and_then(|spacing| spacing.checked_mul(scale))
            .unwrap_or(count);
        let up = RoundingStrategy::AwayFromZero;
        step.round_dp_with_strategy(decimals, up).max(count)
    }

    /// Where its counter starts again from zero, in its unit, if that was seen on a meter. A
    /// multiplier that the device holds may move it, so then nobody knows.
    #[must_use]
    pub fn rollover_value(&self) -> Option<Decimal> {
        let is_fixed = self.pow10.is_none() && self.scale_by.is_empty();
        match self.rollover()? {
            Rollover::Value(value) => Some(value),
            Rollover::Raw(count) => count.checked_mul(self.scale).filter(|_| is_fixed),
        }
    }
}

/// The distance from a float that holds `value` to the next one; `None` if it is too large
/// or too small to matter.
fn spacing(kind: Kind, value: Decimal) -> Option<Decimal> {
    let (exponent, fraction_bits) = match kind {
        Kind::F32 => {
            let bits = value.to_string().parse::<f32>().ok()?.to_bits();
            (i64::from((bits >> 23) & 0xff) - 127, F32_FRACTION_BITS)
        }
        _ => {
            let bits = value.to_string().parse::<f64>().ok()?.to_bits();
            let exponent = i64::try_from((bits >> 52) & 0x7ff).ok()?;
            (exponent - 1023, F64_FRACTION_BITS)
        }
    };
    let power = exponent - fraction_bits;
    let doublings = u32::try_from(power.abs()).ok()?;
    if power >= 0 {
        return Decimal::try_from_i128_with_scale(1_i128.checked_shl(doublings)?, 0).ok();
    }
    let divisor = 1_i128.checked_shl(doublings)?;
    let divisor = Decimal::try_from_i128_with_scale(divisor, 0).ok()?;
    (power > EXPONENT_MIN).then(|| Decimal::ONE / divisor)
}
