//! An axis from zero up to a round number, with two to four round numbers on it.

use rust_decimal::Decimal;

/// The most steps above zero.
const STEPS_MAX: i64 = 3;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    step: Decimal,
    steps: i64,
}

impl Axis {
    /// The axis on which `most` has room, with the finest steps there are not too many of.
    pub(super) fn up_to(most: Decimal) -> Self {
        if most <= Decimal::ZERO {
            return Self {
                step: Decimal::ONE,
                steps: 1,
            };
        }
        let mut power = Decimal::new(1, 9);
        while let Some(next) = power.checked_mul(Decimal::TEN)
            && next < most
        {
            power = next;
        }
        // `power` is below `most` by at most a factor of ten, so one of these reaches it.
        let factors = [(2, 1), (25, 2), (5, 1), (1, 0), (2, 0), (25, 1), (5, 0)];
        for (mantissa, scale) in factors {
            let Some(step) = power.checked_mul(Decimal::new(mantissa, scale)) else {
                break;
            };
            let steps = most.checked_div(step).unwrap_or_default().ceil();
            if steps <= Decimal::from(STEPS_MAX) {
                let steps = i64::try_from(steps).unwrap_or(STEPS_MAX).max(1);
                return Self {
                    step: step.normalize(),
                    steps,
                };
            }
        }
        Self {
            step: most,
            steps: 1,
        }
    }

    /// The number at its upper end.
    pub(super) fn top(self) -> Decimal {
        self.step.saturating_mul(Decimal::from(self.steps))
    }

    /// The numbers on it, with equally many decimals.
    pub(super) fn marks(self) -> impl Iterator<Item = Decimal> {
        (0..=self.steps).map(move |index| {
            if index == 0 {
                return Decimal::ZERO;
            }
            self.step.saturating_mul(Decimal::from(index))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_few_and_reach_the_highest_value() {
        let table = [
            ("0", "0 1"),
            ("0.004", "0 0.002 0.004"),
            ("0.5", "0 0.2 0.4 0.6"),
            ("1", "0 0.5 1.0"),
            ("7", "0 2.5 5.0 7.5"),
            ("12.9", "0 5 10 15"),
            ("31", "0 20 40"),
            ("344.8", "0 200 400"),
            ("1000", "0 500 1000"),
            ("98765432", "0 50000000 100000000"),
        ];
        for (most, marks) in table {
            let axis = Axis::up_to(Decimal::from_str_exact(most).unwrap());
            let texts: Vec<String> = axis.marks().map(|mark| mark.to_string()).collect();
            assert_eq!(texts.join(" "), marks, "{most}");
        }
        assert!(Axis::up_to(Decimal::MAX).top() >= Decimal::MAX);
    }
}
