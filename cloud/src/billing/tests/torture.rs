//! The counter torture: a meter whose true use is known, read through faults, and billed.
//!
//! `tests/torture/counter.toml` is the published table: each row says what happened to the
//! readings, what truly went through, and what is billed of it. The same faults, drawn at
//! random, must never make a bill that is wrong and does not say so.

mod fault;
mod history;
mod peers;
mod random;
mod table;

pub(crate) use self::history::History;

use rust_decimal::Decimal;

use crate::billing::consumption::{Late, Registers};
use crate::billing::segment::{Basis, Boundary};
use crate::billing::{CloseError, Statement, Subject, close_period};

/// What became of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Both ends were read.
    Read(Decimal),
    /// An end lies on the line between two readings; the bill is off by no more than `bound`.
    Interpolated { billed: Decimal, bound: Decimal },
    /// An end was estimated and is marked so.
    Estimated(Decimal),
    /// It is held, by the name of its reason.
    Held(String),
}

impl Outcome {
    /// Bills a history's period.
    pub(crate) fn of(history: &History, late: Late) -> Self {
        match close(history, &[], late) {
            Ok(statement) => Self::said_by(&statement),
            Err(CloseError::Hold(hold)) => {
                let said: serde_json::Value = serde_json::from_str(&hold.to_json()).unwrap();
                Self::Held(said["hold"].as_str().unwrap().to_owned())
            }
            Err(CloseError::Period(error)) => panic!("{error}"),
        }
    }

    fn said_by(statement: &Statement) -> Self {
        let billed = statement.charge.measured.normalize();
        let mut bound = Decimal::ZERO;
        let mut is_interpolated = false;
        for boundary in statement.segments.boundaries() {
            match &boundary.basis {
                Basis::Estimated { .. } => return Self::Estimated(billed),
                Basis::Interpolated { bound: by, .. } => {
                    is_interpolated = true;
                    bound += by;
                }
                Basis::Read { .. } | Basis::Noted { .. } => {}
            }
        }
        match is_interpolated {
            true => Self::Interpolated { billed, bound },
            false => Self::Read(billed),
        }
    }

    /// Whether nobody is billed what did not go through without being told.
    pub(crate) fn is_honest(&self, truth: Decimal, unrest: Decimal) -> bool {
        match self {
            Self::Read(billed) => (billed - truth).abs() <= unrest,
            Self::Interpolated { billed, bound } => (billed - truth).abs() <= bound + unrest,
            Self::Estimated(_) | Self::Held(_) => true,
        }
    }
}

/// Closes a history's period beside bills that ended or began with those registers.
pub(crate) fn close(
    history: &History,
    billed: &[Boundary],
    late: Late,
) -> Result<Statement, CloseError> {
    let served = history.served();
    let plans = history.plans();
    let zone = &history.zone;
    let registers = Registers::new(&served, &history.readings, history.unit(), zone);
    let subject = Subject {
        registers: &registers,
        billed,
        late,
        extras: Ok(crate::billing::charge::Extras::default()),
    };
    close_period(&history.period, &plans, &subject)
}
