//! What was noticed about the readings of a period. A finding does not change a bill: it
//! stands on it, and on the list of what is ready, so that somebody may look and hold it.

mod say;

use common::quantity::Quantity;
use common::unit::Unit;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How much a finding asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is said, for whoever looks.
    Note,
    /// Somebody should look before the bill goes out.
    Warning,
}

/// A daily average: so much in so many days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Average {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// What went through on those days that count.
    pub quantity: Decimal,
    /// How many days count.
    pub days: u32,
}

/// Something that was noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Readings that cannot be true decide nothing: the register came back to where it was.
    SetApart {
        /// When the first was taken.
        from: Timestamp,
        /// When the last was.
        until: Timestamp,
        /// How many of those that were looked at.
        readings: u32,
    },
    /// Days have no closing reading.
    Missing {
        /// The first of them.
        from: Date,
        /// The last of them.
        until: Date,
        /// How many.
        days: u32,
    },
    /// There is more than one reading of an instant.
    Duplicate {
        /// The first such instant.
        at: Timestamp,
        /// How many such instants.
        instants: u32,
        /// Whether any of them disagree.
        differ: bool,
    },
    /// Less than nothing went through: a credit, or a register that runs backwards.
    Negative {
        /// The first day.
        from: Date,
        /// The day after the last.
        until: Date,
        /// How much.
        quantity: Decimal,
        /// Its unit.
        unit: Unit,
    },
    /// One stretch used far more than the others.
    Spike {
        /// When it began.
        from: Timestamp,
        /// When it ended.
        until: Timestamp,
        /// What it used.
        highest: Decimal,
        /// What the third-highest used.
        third: Decimal,
        /// The unit of both.
        unit: Unit,
    },
    /// The days used far more than they used to.
    High {
        /// What they used to.
        usual: Average,
        /// What they did.
        now: Average,
    },
    /// The days used far less than they used to.
    Low {
        /// What they used to.
        usual: Average,
        /// What they did.
        now: Average,
    },
    /// Nothing went through for days.
    Zero {
        /// The first day.
        from: Date,
        /// The day after the last.
        until: Date,
        /// How many.
        days: u32,
    },
    /// The register stands still up to the end, and used to move every day.
    Stuck {
        /// The first day.
        from: Date,
        /// The day after the last.
        until: Date,
        /// How many.
        days: u32,
        /// Where it stands.
        register: Quantity,
    },
    /// What the parts used is not what the registers say.
    SumDiffers {
        /// The parts together.
        parts: Decimal,
        /// The registers' difference.
        registers: Decimal,
        /// The unit of both.
        unit: Unit,
    },
    /// The register, or the bill, counted in another unit before.
    UnitChanged {
        /// The day on which it was seen.
        date: Date,
        /// The unit before.
        before: Unit,
        /// The unit from then on.
        after: Unit,
    },
    /// The register was multiplied by something else before.
    MultiplierChanged {
        /// The day on which it changed.
        date: Date,
        /// The multiplier before.
        before: Decimal,
        /// The multiplier from then on.
        after: Decimal,
    },
    /// The main meter of the site, or the utility's bill, differs from the other meters.
    Residual {
        /// What it says.
        whole: Decimal,
        /// What the others counted.
        parts: Decimal,
        /// The unit of both.
        unit: Unit,
    },
    /// Period after period ends with an estimate.
    LongEstimated {
        /// The first day of the first of them.
        since: Date,
        /// How many.
        periods: u32,
    },
}

impl Finding {
    /// How much it asks for.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::SetApart { .. }
            | Self::Missing { .. }
            | Self::Duplicate { differ: false, .. }
            | Self::Zero { .. }
            | Self::MultiplierChanged { .. } => Severity::Note,
            Self::Duplicate { differ: true, .. }
            | Self::Negative { .. }
            | Self::Spike { .. }
            | Self::High { .. }
            | Self::Low { .. }
            | Self::Stuck { .. }
            | Self::SumDiffers { .. }
            | Self::Residual { .. }
            | Self::UnitChanged { .. }
            | Self::LongEstimated { .. } => Severity::Warning,
        }
    }
}
