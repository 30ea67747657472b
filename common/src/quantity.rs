//! A quantity: an exact count of 10⁻ᵈ of a unit.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::unit::Unit;

/// The most decimals a quantity carries; more would not survive as an `i64` count.
pub const DECIMALS_MAX: u32 = 9;

/// The most characters that are shown of a text that is no quantity.
const FORM_CHARACTERS_MAX: usize = 40;

/// Why a decimal could not become a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// More decimals than [`DECIMALS_MAX`].
    #[error("{0} has more than {DECIMALS_MAX} decimals")]
    TooFine(Decimal),
    /// The count does not fit into 64 bits.
    #[error("{0} is too large for a register")]
    TooLarge(Decimal),
    /// The text is no decimal, or not the one way to write it.
    #[error("'{0}' is no quantity: write it like 1234.50, with a minus before it if need be")]
    Form(String),
    /// Two quantities of different units met where one unit is required.
    #[error("{0} and {1} are different units")]
    UnitsDiffer(Unit, Unit),
}

/// An exact amount with its unit: `count` × 10^−`decimals`. On the wire it is a decimal
/// string, whose written decimals are kept: `12.50` stays `12.50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Quantity {
    count: i64,
    decimals: u8,
    unit: Unit,
}

#[derive(Serialize, Deserialize)]
struct Written {
    value: String,
    unit: Unit,
}

impl TryFrom<Written> for Quantity {
    type Error = QuantityError;
    /// Two ways to write one value would have two digests, so there is only one.
    fn try_from(written: Written) -> Result<Self, QuantityError> {
        let form =
            || QuantityError::Form(written.value.chars().take(FORM_CHARACTERS_MAX).collect());
        let value = Decimal::from_str_exact(&written.value).map_err(|_| form())?;
        let quantity = Self::new(value, written.unit)?;
        match quantity.value().to_string() == written.value {
            true => Ok(quantity),
            false => Err(form()),
        }
    }
}

impl From<Quantity> for Written {
    fn from(quantity: Quantity) -> Self {
        Self {
            value: quantity.value().to_string(),
            unit: quantity.unit,
        }
    }
}

impl Quantity {
    /// The quantity that `value` writes, with as many decimals as it is written with.
    ///
    /// # Errors
    /// When the value has too many decimals or does not fit.
    pub fn new(value: Decimal, unit: Unit) -> Result<Self, QuantityError> {
        if value.scale() > DECIMALS_MAX {
            return Err(QuantityError::TooFine(value));
        }
        let count = i64::try_from(value.mantissa()).map_err(|_| QuantityError::TooLarge(value))?;
        let decimals = u8::try_from(value.scale()).map_err(|_| QuantityError::TooFine(value))?;
        Ok(Self {
            count,
            decimals,
            unit,
        })
    }

    /// The quantity of `count` × 10^−`decimals`, as the databases store it.
    ///
    /// # Errors
    /// When `decimals` is above [`DECIMALS_MAX`].
    pub fn from_count(count: i64, decimals: u8, unit: Unit) -> Result<Self, QuantityError> {
        let value = Decimal::try_from_i128_with_scale(i128::from(count), u32::from(decimals))
            .map_err(|_| QuantityError::TooFine(Decimal::from(count)))?;
        Self::new(value, unit)
    }

    /// The exact decimal value.
    #[must_use]
    pub fn value(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.count), u32::from(self.decimals))
    }

    /// The integer count of 10^−[`Self::decimals`].
    #[must_use]
    pub fn count(self) -> i64 {
        self.count
    }

    /// How many decimals the count carries.
    #[must_use]
    pub fn decimals(self) -> u8 {
        self.decimals
    }

    /// The unit.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// This minus `earlier`, exact; negative when the register fell.
    ///
    /// # Errors
    /// When the units differ or the difference does not fit.
    pub fn since(self, earlier: Self) -> Result<Self, QuantityError> {
        if self.unit != earlier.unit {
            return Err(QuantityError::UnitsDiffer(self.unit, earlier.unit));
        }
        Self::new(self.value() - earlier.value(), self.unit)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value(), self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kwh(text: &str) -> Quantity {
        Quantity::new(Decimal::from_str_exact(text).unwrap(), Unit::KiloWh).unwrap()
    }

    #[test]
    fn a_quantity_keeps_the_decimals_it_was_written_with() {
        for text in ["0", "12.50", "-0.001", "9223372036.854775807"] {
            let json = serde_json::to_string(&kwh(text)).unwrap();
            assert_eq!(json, format!(r#"{{"value":"{text}","unit":"kWh"}}"#));
            assert_eq!(serde_json::from_str::<Quantity>(&json).unwrap(), kwh(text));
        }
    }

    #[test]
    fn there_is_one_way_to_write_a_quantity() {
        let texts = [
            "+1", "-0", "-0.00", "007", ".5", "5.", "1_000", "1e3", " 1", "1 ", "", "-", "NaN",
            "0x10", "1,5",
        ];
        for text in texts {
            let json = format!(r#"{{"value":"{text}","unit":"kWh"}}"#);
            assert!(serde_json::from_str::<Quantity>(&json).is_err(), "{text}");
        }
        for value in ["1", "1.5", "null", "[\"1\"]"] {
            let json = format!(r#"{{"value":{value},"unit":"kWh"}}"#);
            assert!(serde_json::from_str::<Quantity>(&json).is_err(), "{value}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let fine = Decimal::from_str_exact("0.0000000001").unwrap();
        assert_eq!(
            Quantity::new(fine, Unit::Litre),
            Err(QuantityError::TooFine(fine))
        );
        let large = Decimal::from_str_exact("9223372036854775808").unwrap();
        assert_eq!(
            Quantity::new(large, Unit::Wh),
            Err(QuantityError::TooLarge(large))
        );
        assert!(Quantity::from_count(1, 10, Unit::Wh).is_err());
        assert!(Quantity::from_count(i64::MIN, 9, Unit::Wh).is_ok());
    }

    #[test]
    fn a_difference_is_exact_and_of_one_unit() {
        assert_eq!(
            kwh("100.10")
                .since(kwh("99.9"))
                .unwrap()
                .value()
                .to_string(),
            "0.20"
        );
        let litres = Quantity::new(Decimal::ONE, Unit::Litre).unwrap();
        assert!(kwh("1").since(litres).is_err());
    }
}
