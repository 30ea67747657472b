//! Units: the closed list of what a meter of this field counts in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::written::written;
use rust_decimal::Decimal;

/// What a meter measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// Electric energy.
    Electric,
    /// Water volume.
    Water,
    /// Heat or cold.
    Thermal,
}

impl Medium {
    /// Every medium, in the order in which lists show them.
    pub const ALL: [Self; 3] = [Self::Electric, Self::Water, Self::Thermal];

    /// The word used in profiles, JSON and the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Electric => "electric",
            Self::Water => "water",
            Self::Thermal => "thermal",
        }
    }
}

impl FromStr for Medium {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let known = Self::ALL.into_iter().find(|medium| medium.code() == text);
        known.ok_or_else(|| UnitError(text.to_owned()))
    }
}

/// What can be counted; units of one dimension convert into each other exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Energy; the base is the joule.
    Energy,
    /// Volume; the base is the litre.
    Volume,
    /// Everything that is not billed: power, flow, voltage, temperature and the like.
    Gauge,
}

/// The text is not the code of a unit or medium of this product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown unit '{0}'")]
pub struct UnitError(pub String);

macro_rules! units {
    ($($name:ident $code:literal $symbol:literal $dimension:ident $factor:literal),+ $(,)?) => {
        /// A unit. Its code stands in profiles, on the wire and in the database.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the table beside each name says it")]
        pub enum Unit { $($name),+ }

        impl Unit {
            /// Every unit.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code, e.g. `gal_us`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What people read, e.g. `gal`.
            #[must_use]
            pub fn symbol(self) -> &'static str {
                match self { $(Self::$name => $symbol),+ }
            }

            /// What it counts.
            #[must_use]
            pub fn dimension(self) -> Dimension {
                match self { $(Self::$name => Dimension::$dimension),+ }
            }

            fn factor(self) -> &'static str {
                match self { $(Self::$name => $factor),+ }
            }
        }
    };
}

// Factors to the base unit of the dimension (joule, litre), exact by definition:
// the thermal units follow the International Table BTU (1055.05585262 J) and calorie
// (4.1868 J), the volumes NIST SP 811, appendix B.
units!(
    Wh "Wh" "Wh" Energy "3600",
    KiloWh "kWh" "kWh" Energy "3600000",
    MegaWh "MWh" "MWh" Energy "3600000000",
    GigaWh "GWh" "GWh" Energy "3600000000000",
    Joule "J" "J" Energy "1",
    MegaJoule "MJ" "MJ" Energy "1000000",
    GigaJoule "GJ" "GJ" Energy "1000000000",
    Btu "BTU" "BTU" Energy "1055.05585262",
    KiloBtu "kBTU" "kBTU" Energy "1055055.85262",
    MillionBtu "MMBTU" "MMBTU" Energy "1055055852.62",
    TonHour "ton_h" "ton·h" Energy "12660670.23144",
    KiloCalorie "kcal" "kcal" Energy "4186.8",
    MegaCalorie "Mcal" "Mcal" Energy "4186800",
    GigaCalorie "Gcal" "Gcal" Energy "4186800000",
    CubicMetre "m3" "m³" Volume "1000",
    Litre "L" "L" Volume "1",
    GallonUs "gal_us" "gal" Volume "3.785411784",
    GallonUk "gal_uk" "gal (UK)" Volume "4.54609",
    MegaGallonUs "Mgal_us" "Mgal" Volume "3785411.784",
    CubicFoot "ft3" "ft³" Volume "28.316846592",
    BarrelOil "bbl_oil" "bbl" Volume "158.987294928",
    BarrelImperial "bbl_imp" "bbl (imp)" Volume "163.65924",
    Watt "W" "W" Gauge "1",
    KiloWatt "kW" "kW" Gauge "1",
    VoltAmpere "VA" "VA" Gauge "1",
    VoltAmpereReactive "var" "var" Gauge "1",
    KiloVarHour "kvarh" "kvarh" Gauge "1",
    Volt "V" "V" Gauge "1",
    Ampere "A" "A" Gauge "1",
    Hertz "Hz" "Hz" Gauge "1",
    CubicMetrePerHour "m3/h" "m³/h" Gauge "1",
    CubicMetrePerSecond "m3/s" "m³/s" Gauge "1",
    LitrePerHour "L/h" "L/h" Gauge "1",
    LitrePerMinute "L/min" "L/min" Gauge "1",
    LitrePerSecond "L/s" "L/s" Gauge "1",
    GallonUkPerMinute "gal_uk/min" "gal (UK)/min" Gauge "1",
    GallonUsPerMinute "gal_us/min" "gal/min" Gauge "1",
    BtuPerHour "BTU/h" "BTU/h" Gauge "1",
    Celsius "degC" "°C" Gauge "1",
    Fahrenheit "degF" "°F" Gauge "1",
    Percent "%" "%" Gauge "1",
    One "1" "" Gauge "1",
);

impl Unit {
    /// How many of `other` make one of this unit, exact to 28 digits; `None` between
    /// different dimensions, and for gauges, which are never converted.
    #[must_use]
    pub fn factor_to(self, other: Self) -> Option<Decimal> {
        let dimension = self.dimension();
        if dimension != other.dimension() || dimension == Dimension::Gauge {
            return None;
        }
        let from = Decimal::from_str_exact(self.factor()).ok()?;
        let to = Decimal::from_str_exact(other.factor()).ok()?;
        from.checked_div(to)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Unit {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let known = Self::ALL.iter().copied().find(|unit| unit.code() == text);
        known.ok_or_else(|| UnitError(text.chars().take(40).collect()))
    }
}

written!(Unit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for unit in Unit::ALL {
            assert_eq!(unit.code().parse(), Ok(*unit));
        }
    }

    #[test]
    fn factors_are_those_of_the_definitions() {
        let table = [
            (Unit::KiloWh, Unit::Wh, "1000"),
            (Unit::CubicMetre, Unit::Litre, "1000"),
            (Unit::MillionBtu, Unit::KiloBtu, "1000"),
            (Unit::TonHour, Unit::Btu, "12000"),
            (Unit::GallonUs, Unit::Litre, "3.785411784"),
            (Unit::GigaCalorie, Unit::MegaCalorie, "1000"),
        ];
        for (from, to, factor) in table {
            let exact = Decimal::from_str_exact(factor).unwrap();
            assert_eq!(from.factor_to(to), Some(exact), "{from} in {to}");
        }
        assert_eq!(Unit::KiloWh.factor_to(Unit::Litre), None);
        assert_ne!(
            Unit::GallonUs.factor_to(Unit::Litre),
            Unit::GallonUk.factor_to(Unit::Litre)
        );
    }
}
