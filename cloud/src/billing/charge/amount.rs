//! The arithmetic of lines: exact until the one rounding.

use rust_decimal::Decimal;

use crate::billing::hold::Hold;
use crate::billing::invoice::{Line, Share};

/// The decimals of a price that is computed: a utility's bill by what the main meter measured.
pub const PRICE_DECIMALS: u32 = 6;
/// The decimals of a quantity that is computed: a prorated minimum, the prorated end of a tier.
pub const QUANTITY_DECIMALS: u32 = 3;

/// quantity × price ÷ per × days ÷ of, rounded once to so many decimals, halves away from
/// zero. Nothing is rounded before; nothing comes out when a number has too many digits, or
/// when there is nothing to divide by.
#[must_use]
pub fn rounded(
    quantity: Decimal,
    price: Decimal,
    per: Decimal,
    share: Option<Share>,
    decimals: u32,
) -> Option<Decimal> {
    let (quantity, price, per) = (quantity.normalize(), price.normalize(), per.normalize());
    let (days, of) = share.map_or((1, 1), |share| (share.days, share.of));
    let mut over = quantity.mantissa().checked_mul(price.mantissa())?;
    over = over.checked_mul(i128::from(days))?;
    let mut under = per.mantissa().checked_mul(i128::from(of))?;
    // What the four scales come to together: a power of ten above or below the line.
    let above = decimals.checked_add(per.scale())?;
    let below = quantity.scale().checked_add(price.scale())?;
    if above >= below {
        over = over.checked_mul(power_of_ten(above.checked_sub(below)?)?)?;
    } else {
        under = under.checked_mul(power_of_ten(below.checked_sub(above)?)?)?;
    }
    let whole = over.checked_div(under)?;
    let rest = over.checked_rem(under)?.unsigned_abs();
    let is_half_or_more = rest >= under.unsigned_abs().checked_sub(rest)?;
    let away = if (over < 0) == (under < 0) { 1 } else { -1 };
    let whole = if rest > 0 && is_half_or_more {
        whole.checked_add(away)?
    } else {
        whole
    };
    Decimal::try_from_i128_with_scale(whole, decimals).ok()
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

impl Line {
    /// What the line comes to by its own figures, for whoever checks it.
    #[must_use]
    pub fn recomputed_amount(&self, currency_digits: u32) -> Option<Decimal> {
        let (quantity, price, per) = (self.quantity, self.price, self.per);
        rounded(quantity, price, per, self.share, currency_digits)
    }
}

/// A product without a digit lost; nothing when it has too many.
pub(crate) fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let product = a.checked_mul(b)?;
    // A product that does not fit loses digits.
    let is_whole = product.is_zero() || product.scale() >= a.scale().saturating_add(b.scale());
    is_whole.then_some(product)
}

/// A sum without a digit lost.
pub(crate) fn exact_sum(a: Decimal, b: Decimal) -> Result<Decimal, Hold> {
    let sum = a.checked_add(b).ok_or(Hold::TooManyDigits)?;
    // Zeros at the end may go, digits may not.
    if sum.scale() < a.normalize().scale().max(b.normalize().scale()) {
        return Err(Hold::TooManyDigits);
    }
    Ok(sum)
}

/// The sum of many, without a digit lost.
pub(crate) fn exact_total(amounts: impl IntoIterator<Item = Decimal>) -> Result<Decimal, Hold> {
    amounts.into_iter().try_fold(Decimal::ZERO, exact_sum)
}
