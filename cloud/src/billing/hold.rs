//! Why a period that has ended cannot be billed. Kept as JSON beside the held period, so
//! that every page and message can say it in its own language.

use common::quantity::Quantity;
use common::unit::Unit;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// What stands between a period and its invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hold", rename_all = "snake_case")]
pub enum Hold {
    /// There is no closing reading since the device was mounted, so nothing to start from.
    NoFirstReading {
        /// When it was mounted.
        since: Timestamp,
    },
    /// No device served the meter at one of the boundaries.
    NoDevice {
        /// The date that starts there.
        date: Date,
    },
    /// There is no good reading near enough to one of the boundaries.
    ReadingMissing {
        /// The date that starts there.
        date: Date,
        /// The instant at which it does.
        at: Timestamp,
    },
    /// The device was exchanged within the period.
    DeviceChanged {
        /// The last boundary that was read from the old one.
        from: Date,
        /// The first that was read from the new one.
        until: Date,
    },
    /// The register counts in another unit than the meter is billed in.
    UnitDiffers {
        /// The boundary at which it did.
        date: Date,
        /// The unit of the bill.
        billed: Unit,
        /// The unit of the register.
        read: Unit,
    },
    /// The register fell: it was reset, rolled over, or belongs to another device.
    RegisterFell {
        /// When it was last read before.
        from: Timestamp,
        /// When it was first read after.
        until: Timestamp,
        /// What it held before.
        before: Quantity,
        /// What it held after.
        after: Quantity,
    },
    /// The register rose faster than it can: it was set, its decimal point moved, or it belongs
    /// to another device.
    RegisterJumped {
        /// When it was last read before.
        from: Timestamp,
        /// When it was first read after.
        until: Timestamp,
        /// What it held before.
        before: Quantity,
        /// What it held after.
        after: Quantity,
    },
    /// The price is what the utility charged, and nobody wrote its bill down.
    UtilityBillMissing {
        /// The first day of which there is no bill.
        from: Date,
        /// The day after the last.
        until: Date,
    },
    /// The share of what is left over at the site is not known: of so many of its meters it is
    /// not known what they counted between the ends of this period.
    SiteIncomplete {
        /// How many meters.
        meters: u32,
    },
    /// What is left over at the site is to be shared, and no meter has a share.
    NoShares,
    /// The utility's bill, by which the site is compared, covers other days than this period.
    OtherDays {
        /// Its first day.
        from: Date,
        /// The day after its last.
        until: Date,
    },
    /// The main meter and the others differ by more than the site allows.
    ResidualTooHigh {
        /// What the main meter counted, or the utility billed.
        whole: Decimal,
        /// What the others counted.
        parts: Decimal,
        /// The unit of both.
        unit: Unit,
    },
    /// The plan charges the highest power, and it is not known.
    PeakMissing,
    /// A quantity or an amount has more digits than can be computed exactly.
    TooManyDigits,
    /// Somebody wants to look at it first.
    ByPerson {
        /// Why, in their words.
        reason: String,
    },
}

impl Hold {
    /// The stable text that the store keeps.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Dates, instants, decimals and unit codes are always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The reason that [`Self::to_json`] wrote.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The reason in a sentence; instants are those of `zone`.
    #[must_use]
    pub fn sentence(&self, text: Text, format: Format, zone: &Zone) -> String {
        let say = |id: &str, parts: &[(&str, String)]| {
            let args: Vec<_> = parts
                .iter()
                .map(|(name, part)| (*name, Arg::from(part)))
                .collect();
            text.with(id, &args)
        };
        let date = |date: &Date| format.date(*date);
        match self {
            Self::NoFirstReading { since } => {
                let when = format.date_time(*since, zone);
                say("notice-hold-no-first-reading", &[("when", when)])
            }
            Self::NoDevice { date: day } => say("notice-hold-no-device", &[("date", date(day))]),
            Self::ReadingMissing { at, .. } => {
                let when = format.date_time(*at, zone);
                say("notice-hold-reading-missing", &[("when", when)])
            }
            Self::DeviceChanged { from, until } => {
                let parts = [("from", date(from)), ("until", date(until))];
                say("notice-hold-device-changed", &parts)
            }
            Self::UnitDiffers {
                date: day,
                billed,
                read,
            } => {
                let parts = [
                    ("date", date(day)),
                    ("billed", billed.symbol().to_owned()),
                    ("read", read.symbol().to_owned()),
                ];
                say("notice-hold-unit-differs", &parts)
            }
            Self::RegisterFell { .. } | Self::RegisterJumped { .. } => {
                self.register_sentence(text, format, zone)
            }
            Self::UtilityBillMissing { .. }
            | Self::SiteIncomplete { .. }
            | Self::NoShares
            | Self::OtherDays { .. }
            | Self::ResidualTooHigh { .. } => self.site_sentence(text, format),
            Self::PeakMissing => say("notice-hold-peak-missing", &[]),
            Self::TooManyDigits => say("notice-hold-too-many-digits", &[]),
            // Their words are for those who hold the account.
            Self::ByPerson { .. } => say("notice-hold-by-person", &[]),
        }
    }

    /// The registers that do not follow each other.
    fn register_sentence(&self, text: Text, format: Format, zone: &Zone) -> String {
        let (Self::RegisterFell {
            from,
            until,
            before,
            after,
        }
        | Self::RegisterJumped {
            from,
            until,
            before,
            after,
        }) = self
        else {
            return String::new();
        };
        let quantity = |one: &Quantity| format.quantity(one.value(), one.unit());
        let (from, until) = (
            format.date_time(*from, zone),
            format.date_time(*until, zone),
        );
        let (before, after) = (quantity(before), quantity(after));
        let args = [
            ("from", Arg::from(&from)),
            ("until", Arg::from(&until)),
            ("before", Arg::from(&before)),
            ("after", Arg::from(&after)),
        ];
        match self {
            Self::RegisterFell { .. } => text.with("notice-hold-register-fell", &args),
            _ => text.with("notice-hold-register-jumped", &args),
        }
    }

    /// Whether it lies at the site, not at the meter.
    #[must_use]
    pub fn is_of_site(&self) -> bool {
        matches!(
            self,
            Self::UtilityBillMissing { .. }
                | Self::SiteIncomplete { .. }
                | Self::NoShares
                | Self::OtherDays { .. }
                | Self::ResidualTooHigh { .. }
        )
    }

    /// The reasons that lie at the site, not at the meter.
    fn site_sentence(&self, text: Text, format: Format) -> String {
        match self {
            Self::UtilityBillMissing { from, until } => {
                let dates = format.dates(*from, *until);
                text.with("site-hold-utility-bill", &[("dates", Arg::from(&dates))])
            }
            Self::SiteIncomplete { meters } => {
                let n = Arg::Count((*meters).into());
                text.with("site-hold-incomplete", &[("n", n)])
            }
            Self::OtherDays { from, until } => {
                let dates = format.dates(*from, *until);
                text.with("site-hold-other-days", &[("dates", Arg::from(&dates))])
            }
            Self::ResidualTooHigh { whole, parts, unit } => {
                let (whole, parts) = (
                    format.quantity(*whole, *unit),
                    format.quantity(*parts, *unit),
                );
                let args = [("whole", Arg::from(&whole)), ("parts", Arg::from(&parts))];
                text.with("site-hold-residual", &args)
            }
            _ => text.get("site-hold-no-shares"),
        }
    }
}
