//! Identifiers: 63 random-looking bits, made by whoever creates the thing, written as
//! thirteen characters of Crockford's base 32 so that they survive JSON, URLs and a telephone.

use std::fmt;
use std::str::FromStr;

use crate::written::written;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 13;

/// The text is not thirteen characters of Crockford's base 32 below 2^63.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an identifier: expected 13 characters such as 01k9z3v8m5t2q")]
pub struct IdError(String);

fn encode(value: i64) -> String {
    (0..LENGTH)
        .rev()
        .map(|position| {
            let digit = (value >> (5 * position)) & 31;
            let letter = usize::try_from(digit)
                .ok()
                .and_then(|digit| ALPHABET.get(digit));
            char::from(letter.copied().unwrap_or(b'0'))
        })
        .collect()
}

fn decode(text: &str) -> Result<i64, IdError> {
    let wrong = || IdError(text.chars().take(40).collect());
    if text.len() != LENGTH {
        return Err(wrong());
    }
    let mut value: i64 = 0;
    for letter in text.bytes() {
        let lower = letter.to_ascii_lowercase();
        let digit = ALPHABET
            .iter()
            .position(|known| *known == lower)
            .ok_or_else(wrong)?;
        let digit = i64::try_from(digit).map_err(|_| wrong())?;
        value = value
            .checked_mul(32)
            .and_then(|v| v.checked_add(digit))
            .ok_or_else(wrong)?;
    }
    Ok(value)
}

/// An identifier from the time it was made and randomness: 41 bits of milliseconds since
/// 2020, then 22 random bits, so that rows made together lie together in an index.
#[must_use]
pub fn from_parts(made_at: jiff::Timestamp, random: u32) -> i64 {
    const MILLISECONDS_AT_2020: i64 = 1_577_836_800_000;
    let milliseconds = (made_at.as_millisecond() - MILLISECONDS_AT_2020).max(0) & 0x1ff_ffff_ffff;
    (milliseconds << 22) | i64::from(random & 0x3f_ffff)
}

macro_rules! identifier {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encode(self.0))
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                decode(text).map(Self)
            }
        }
        written!($name);
    )+};
}

identifier!(
    /// An integrator's account.
    AccountId,
    /// A building.
    SiteId,
    /// Whatever speaks the sync protocol with a key of its own.
    GatewayId,
    /// The instrument on the bus.
    DeviceId,
    /// The metering point that is billed.
    MeterId,
    /// A person, global by e-mail.
    PersonId,
    /// A named plan: billing terms that several meters follow.
    PlanId,
    /// The bill of one meter for one period.
    InvoiceId,
    /// What the utility charged a building for a medium.
    UtilityBillId,
    /// An amount that somebody adds to a bill, or takes off it.
    AdjustmentId,
    /// A message that is due to somebody.
    NoticeId,
    /// One life of a gateway's buffer; a new database is a new epoch.
    Epoch,
    /// One start of the machine that a gateway runs on.
    BootId,
    /// Something that the cloud asks of a gateway.
    CommandId,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_back_as_it_was_written() {
        for value in [0, 1, 31, 32, 1_234_567_890_123_456_789, i64::MAX] {
            let written = MeterId(value).to_string();
            assert_eq!(written.len(), 13);
            assert_eq!(written.parse(), Ok(MeterId(value)));
            assert_eq!(written.to_uppercase().parse(), Ok(MeterId(value)));
        }
    }

    #[test]
    fn what_is_not_an_identifier_is_refused() {
        for text in [
            "",
            "1",
            "zzzzzzzzzzzzz",
            "01k9z3v8m5t2u",
            "01k9z3v8m5t2q0",
            "../../etc/pass",
        ] {
            assert!(text.parse::<MeterId>().is_err(), "{text}");
        }
    }

    #[test]
    fn later_identifiers_sort_after_earlier_ones() {
        let early = from_parts("2026-01-01T00:00:00Z".parse().unwrap(), u32::MAX);
        let late = from_parts("2026-01-01T00:00:00.001Z".parse().unwrap(), 0);
        assert!(0 < early && early < late);
    }
}
