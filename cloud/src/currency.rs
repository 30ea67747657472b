//! Currencies: the closed list in which invoices can be written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not the code of a currency of this product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency '{0}': use one of {list}", list = Currency::codes())]
pub struct CurrencyError(String);

/// A currency: its ISO 4217 code, the symbol people write, and its decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(&'static Entry);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Entry {
    code: &'static str,
    symbol: &'static str,
    digits: u32,
}

const fn entry(code: &'static str, symbol: &'static str, digits: u32) -> Entry {
    Entry {
        code,
        symbol,
        digits,
    }
}

// Decimals by ISO 4217.
static TABLE: [Entry; 14] = [
    entry("MXN", "$", 2),
    entry("USD", "$", 2),
    entry("EUR", "€", 2),
    entry("ARS", "$", 2),
    entry("BOB", "Bs", 2),
    entry("CAD", "$", 2),
    entry("CLP", "$", 0),
    entry("COP", "$", 2),
    entry("CRC", "₡", 2),
    entry("DOP", "RD$", 2),
    entry("GBP", "£", 2),
    entry("GTQ", "Q", 2),
    entry("PEN", "S/", 2),
    entry("UYU", "$", 2),
];

impl Currency {
    /// Every currency, the most used first.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    fn codes() -> String {
        TABLE
            .iter()
            .map(|entry| entry.code)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// The symbol people write.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        self.0.symbol
    }

    /// How many decimals an amount has.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.0.digits
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let known = Self::all().find(|currency| currency.code() == text);
        known.ok_or_else(|| CurrencyError(text.chars().take(40).collect()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
