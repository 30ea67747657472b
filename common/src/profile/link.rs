//! How a device is reached: its line, its unit id, and what may be asked of it how fast.

use serde::{Deserialize, Serialize};

use super::REQUEST_REGISTERS_MAX;

/// The parity of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    /// No parity bit.
    None,
    /// Even parity.
    Even,
    /// Odd parity.
    Odd,
}

/// The serial link of a device as it leaves the factory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The unit id.
    pub unit_id: u8,
    /// Bits a second.
    pub baud: u32,
    /// The parity.
    pub parity: Parity,
    /// One or two.
    pub stop_bits: u8,
    /// Other links that the model is known to be set to.
    pub alternatives: Vec<LinkSetting>,
}

/// Baud rate, parity and stop bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkSetting {
    /// Bits a second.
    pub baud: u32,
    /// The parity.
    pub parity: Parity,
    /// One or two.
    pub stop_bits: u8,
}

/// What may be asked of a device at once, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most registers in one request.
    pub max_registers: u16,
    /// How many undeclared registers a request may read across.
    pub max_gap: u16,
    /// Whether registers that are close to each other may come in one request.
    pub merge: Merge,
    /// The pause before the next request to this device, in milliseconds.
    pub request_gap_ms: u64,
    /// The pause before a request when another unit was asked before, in milliseconds.
    pub unit_change_gap_ms: u64,
    /// How long its reply may take to begin, in milliseconds.
    pub response_timeout_ms: u64,
    /// How often a failed request is repeated.
    pub retries: u32,
    /// The shortest period at which it may be read, in seconds; it runs on a battery, say.
    pub min_poll_s: u32,
    /// Whether it never sends an exception: its silence may be a wrong address.
    pub no_exceptions: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_registers: REQUEST_REGISTERS_MAX,
            max_gap: 0,
            merge: Merge::Gaps,
            request_gap_ms: 0,
            unit_change_gap_ms: 0,
            response_timeout_ms: 1000,
            retries: 2,
            min_poll_s: 0,
            no_exceptions: false,
        }
    }
}

/// Whether registers that are close to each other may come in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Merge {
    /// Yes, across at most `max_gap` undeclared registers.
    Gaps,
    /// No: each register, and each run that must come in one reply, has a request of its own.
    Never,
}

/// Ask, wait, and ask again: the first reply may be what the device knew long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// How long until it has renewed its values, in milliseconds.
    pub wait_ms: u64,
}

/// Where a device's unit id is found when it is not the factory's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitIdHint {
    /// In English.
    pub en: String,
    /// In Spanish.
    pub es: String,
    /// How it follows from a number on the name plate, if it does.
    pub formula: Option<UnitIdFormula>,
}

/// How a unit id follows from a number on the name plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitIdFormula {
    /// The last two digits of the serial number plus one, read as hexadecimal: 23 is 0x24.
    Dzg,
    /// The last three digits of the customer number, or two where three exceed 247.
    Last3,
}

impl UnitIdFormula {
    /// The unit id of the device with that number; `None` when it yields none.
    #[must_use]
    pub fn unit_id(self, number: &str) -> Option<u8> {
        let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
        let last = |count: usize| -> Option<u16> {
            let start = digits.len().checked_sub(count)?;
            digits.get(start..)?.iter().collect::<String>().parse().ok()
        };
        let id = match self {
            Self::Dzg => u16::from_str_radix(&last(2)?.checked_add(1)?.to_string(), 16).ok(),
            Self::Last3 => last(3).filter(|id| *id <= 247).or_else(|| last(2)),
        };
        id.and_then(|id| u8::try_from(id).ok())
            .filter(|id| (1..=247).contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_id_follows_from_the_name_plate() {
        let table = [
            (UnitIdFormula::Dzg, "12345623", Some(0x24)),
            (UnitIdFormula::Dzg, "1DZG0012345609", Some(0x10)),
            (UnitIdFormula::Dzg, "99", None),
            (UnitIdFormula::Last3, "6 543 123", Some(123)),
            (UnitIdFormula::Last3, "65432248", Some(48)),
            (UnitIdFormula::Last3, "65432000", None),
            (UnitIdFormula::Last3, "7", None),
        ];
        for (formula, number, expected) in table {
            assert_eq!(formula.unit_id(number), expected, "{formula:?} {number}");
        }
    }
}
