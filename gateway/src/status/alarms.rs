//! What is wrong with the gateway itself, each with its next step. Pure.

use common::reading::ClockTrust;
use common::sync::MachineReport;
use jiff::SignedDuration;

use super::{CLOCK_APART_MAX, Status, apart, celsius, size};

/// Less room on the disk is an alarm; a day's log of a chatty machine, or a month of twelve
/// meters.
const DISK_FREE_MIN_BYTES: u64 = 200 * 1024 * 1024;
/// A processor that is warmer is about to slow down, in thousandths of a degree.
const TEMPERATURE_MAX_M_C: i64 = 78_000;

impl Status {
    /// What is wrong with the gateway itself, its lines and devices apart.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        let alarms = [
            self.damage_alarm(),
            self.loss_alarm(),
            self.disk_alarm(),
            self.clock_alarm(),
            self.heat_alarm(),
        ];
        alarms.into_iter().flatten().collect()
    }

    fn damage_alarm(&self) -> Option<String> {
        let path = self.buffer.set_aside.as_ref()?.display();
        Some(format!(
            "the buffer was damaged; it is kept as {path}, what it held may be missing"
        ))
    }

    fn loss_alarm(&self) -> Option<String> {
        (self.lost > 0).then(|| {
            format!(
                "{} readings are lost: the disk took none for too long; make room on it",
                self.lost
            )
        })
    }

    fn disk_alarm(&self) -> Option<String> {
        let MachineReport {
            disk_free_bytes: free,
            disk_bytes,
            ..
        } = self.machine;
        (disk_bytes > 0 && free < DISK_FREE_MIN_BYTES).then(|| {
            format!(
                "the disk is nearly full, {} are free: readings are lost when it is; make room \
                 (sudo journalctl --vacuum-size=50M; df -h shows what takes it)",
                size(free)
            )
        })
    }

    fn clock_alarm(&self) -> Option<String> {
        if self.clock.trust == ClockTrust::Untrusted {
            return Some(
                "the clock is not set: readings wait for it to be dated, and decide no bill \
                 before; check the network and timedatectl"
                    .to_owned(),
            );
        }
        if let Some(problem) = &self.clock_problem {
            return Some(problem.clone());
        }
        let ahead = SignedDuration::from_millis(self.clock.machine_ahead_ms);
        (ahead.abs() >= CLOCK_APART_MAX).then(|| {
            format!(
                "the machine's clock is {} and is not believed: set it (sudo timedatectl \
                 set-ntp true), or look who else sets it",
                apart(ahead)
            )
        })
    }

    fn heat_alarm(&self) -> Option<String> {
        let degrees = self.machine.temperature_m_c?;
        (degrees >= TEMPERATURE_MAX_M_C).then(|| {
            format!(
                "the processor has {}: it slows down at 80 to 85; give the box air, and no sun",
                celsius(degrees)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::tests::status;

    #[test]
    fn each_alarm_says_what_to_do() {
        type Change = fn(&mut Status);
        let table: [(Change, &str, &str); 6] = [
            (|s| s.buffer.set_aside = Some("/x".into()), "damaged", "/x"),
            (|s| s.lost = 12, "12 readings are lost", "make room"),
            (
                |s| (s.machine.disk_bytes, s.machine.disk_free_bytes) = (1 << 34, 5 << 20),
                "5.0 MiB are free",
                "journalctl",
            ),
            (
                |s| s.clock.trust = ClockTrust::Untrusted,
                "not set",
                "timedatectl",
            ),
            (
                |s| s.clock.machine_ahead_ms = -3_600_000,
                "60 min behind",
                "set-ntp",
            ),
            (|s| s.machine.temperature_m_c = Some(81_500), "81 °C", "air"),
        ];
        for (change, what, step) in table {
            let mut status = status();
            change(&mut status);
            let alarms = status.alarms();
            assert_eq!(alarms.len(), 1, "{alarms:?}");
            assert!(alarms[0].contains(what), "{alarms:?}");
            assert!(alarms[0].contains(step), "{alarms:?}");
        }
    }
}
