//! Readings that are lost: counted on the bill of every meter whose readings may be among
//! them. They do not change the amount, which rests on the registers at both ends.

use common::id::DeviceId;
use common::sync::{Loss, LossReason, Weight};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::format::Format;
use crate::site::Zone;
use crate::text::{Arg, Text};

/// The most losses that are listed one by one; the others are told together.
const LISTED_MAX: usize = 20;

/// Readings that a gateway lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostReadings {
    /// When the first was taken, as far as it is known.
    pub from: Option<Timestamp>,
    /// When the last was.
    pub until: Option<Timestamp>,
    /// How many, of all devices of the gateway.
    pub readings: u64,
    /// Why.
    pub reason: LossReason,
    /// Whether the meter's own are among them for certain; else they may be.
    pub certain: bool,
}

/// Of what a gateway lost, what concerns the meter that `devices` serve: it weighs as much
/// as a billing counter, and is not known to be of other devices only. Past a bound the
/// rest becomes one.
#[must_use]
pub fn lost_of_meter(losses: &[Loss], devices: &[DeviceId]) -> Vec<LostReadings> {
    let mut lost: Vec<LostReadings> = Vec::new();
    for loss in losses {
        let named = loss.devices.iter().any(|device| devices.contains(device));
        let concerns = loss.devices.is_empty() || named;
        if loss.gravest < Weight::Billing || !concerns {
            continue;
        }
        let one = LostReadings {
            from: loss.from,
            until: loss.until,
            readings: loss.last.saturating_sub(loss.first).saturating_add(1),
            reason: loss.reason,
            certain: named,
        };
        let is_full = lost.len() >= LISTED_MAX;
        match lost.last_mut() {
            Some(last) if is_full => last.join(&one),
            _ => lost.push(one),
        }
    }
    lost
}

/// How many readings that is together.
#[must_use]
pub fn count(lost: &[LostReadings]) -> u64 {
    lost.iter()
        .fold(0, |sum: u64, one| sum.saturating_add(one.readings))
}

impl LostReadings {
    fn join(&mut self, other: &Self) {
        self.from = self.from.zip(other.from).map(|(a, b)| a.min(b));
        self.until = self.until.zip(other.until).map(|(a, b)| a.max(b));
        self.readings = self.readings.saturating_add(other.readings);
        self.certain |= other.certain;
        if self.reason != other.reason {
            self.reason = LossReason::Other;
        }
    }

    /// What was lost, in one sentence.
    #[must_use]
    pub fn sentence(&self, text: Text, format: Format, zone: &Zone) -> String {
        let why = text.get(match self.reason {
            LossReason::Size => "document-lost-size",
            LossReason::Damage => "document-lost-damage",
            LossReason::Expired => "document-lost-expired",
            LossReason::Other => "document-lost-other",
        });
        let readings = i64::try_from(self.readings).unwrap_or(i64::MAX);
        let written = format.decimal(Decimal::from(self.readings));
        let counted = [
            ("n", Arg::Count(readings)),
            ("count", Arg::from(&written)),
            ("why", Arg::from(&why)),
        ];
        let (Some(from), Some(until)) = (self.from, self.until) else {
            return text.with("document-lost-undated", &counted);
        };
        let (from, until) = (format.date_time(from, zone), format.date_time(until, zone));
        let mut args = vec![("from", Arg::from(&from)), ("until", Arg::from(&until))];
        args.extend(counted);
        let id = if self.certain {
            "document-lost-among"
        } else {
            "document-lost-maybe"
        };
        text.with(id, &args)
    }
}

#[cfg(test)]
mod tests {
    use common::digest::Signature;

    use super::*;

    fn loss(first: u64, gravest: Weight, devices: &[i64]) -> Loss {
        Loss {
            first,
            last: first + 9,
            reason: LossReason::Size,
            gravest,
            from: "2026-11-03T18:00:00Z".parse().ok(),
            until: "2026-11-03T20:00:00Z".parse().ok(),
            devices: devices.iter().map(|id| DeviceId(*id)).collect(),
            signature: Signature([0; 64]),
        }
    }

    #[test]
    fn a_loss_concerns_the_meters_whose_counters_may_be_in_it() {
        let table: [(Loss, &[bool]); 5] = [
            (loss(1, Weight::Counter, &[7]), &[]),
            (loss(1, Weight::Billing, &[8, 9]), &[]),
            (loss(1, Weight::Billing, &[8, 7]), &[true]),
            (loss(1, Weight::Closing, &[]), &[false]),
            (loss(1, Weight::Closing, &[7]), &[true]),
        ];
        for (loss, certain) in table {
            let lost = lost_of_meter(std::slice::from_ref(&loss), &[DeviceId(7)]);
            let found: Vec<bool> = lost.iter().map(|one| one.certain).collect();
            assert_eq!(found, certain, "{loss:?}");
        }
    }

    #[test]
    fn many_losses_are_told_together_and_none_is_left_out() {
        let losses: Vec<Loss> = (0..50)
            .map(|at| loss(1 + at * 10, Weight::Billing, &[7]))
            .collect();
        let lost = lost_of_meter(&losses, &[DeviceId(7)]);
        assert_eq!((lost.len(), count(&lost)), (LISTED_MAX, 500));
    }

    #[test]
    fn a_loss_is_said_with_its_reason_in_both_languages() {
        let zone = Zone::new("America/Tijuana").unwrap();
        let lost = lost_of_meter(&[loss(1, Weight::Billing, &[7])], &[DeviceId(7)]);
        let say = |locale: &str| {
            let locale = locale.parse().unwrap();
            lost[0].sentence(Text::new(locale), Format::new(locale), &zone)
        };
        assert_eq!(
            say("en-US"),
            "Between Nov 3, 2026, 10:00 and Nov 3, 2026, 12:00 the gateway lost 10 readings, \
             this meter's among them: its buffer was full."
        );
        assert_eq!(
            say("es-MX"),
            "Entre el 3 nov 2026, 10:00 y el 3 nov 2026, 12:00 el gateway perdió 10 lecturas, \
             entre ellas de este medidor: su memoria estaba llena."
        );
    }
}
