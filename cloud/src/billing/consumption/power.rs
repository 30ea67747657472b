//! The highest power of a period, from all believed readings of its devices.

use common::unit::Unit;
use jiff::Timestamp;

use super::Registers;
use super::traced::Traced;
use crate::billing::charge::{Peak, Register, highest};

/// The decimals of an energy that was converted: finer than any register counts.
const ENERGY_DECIMALS: u32 = 9;

impl Registers<'_> {
    /// The interval of so many minutes with the highest mean power between two instants, the
    /// first of those; nothing where no interval has a reading at both ends, or where the
    /// register counts no energy. No interval lies across an exchange.
    #[must_use]
    pub fn peak(&self, from: Timestamp, until: Timestamp, interval_minutes: u16) -> Option<Peak> {
        let peaks = self
            .traced
            .iter()
            .filter_map(|traced| highest(&traced.energy()?, from, until, interval_minutes));
        peaks.reduce(|most, next| match next.power > most.power {
            true => next,
            false => most,
        })
    }
}

impl Traced<'_> {
    /// Its registers in kilowatt-hours while it was mounted, by time; nothing when one is not of
    /// energy, or has too many digits.
    fn energy(&self) -> Option<Vec<Register>> {
        let mounting = &self.served.mounting;
        let serves =
            |at: Timestamp| at >= mounting.from && mounting.until.is_none_or(|until| at <= until);
        let believed = self.trace.believed.iter();
        let mounted = believed.filter(|one| serves(one.taken.reading.at));
        let register = mounted.map(|one| {
            let unit = one.taken.reading.quantity?.unit();
            let energy = self.total(one)?.checked_mul(mounting.multiplier)?;
            let energy = energy.checked_mul(unit.factor_to(Unit::KiloWh)?)?;
            Some(Register {
                at: one.taken.reading.at,
                energy: energy.round_dp(ENERGY_DECIMALS),
            })
        });
        register.collect()
    }
}
