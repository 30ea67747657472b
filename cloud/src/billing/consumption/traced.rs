//! The register of one mounting at an instant: as it was read, on the line between two
//! readings, by the use of like days, or as somebody read it off its display.

use common::quantity::Quantity;
use common::unit::Unit;
use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{INTERPOLATED_MAX, Instant, Late, Served, TOLERANCE, Taken, evidence, exact_product};
use crate::billing::estimate::estimate;
use crate::billing::hold::Hold;
use crate::billing::segment::{Basis, Boundary, Rollovers, Segment};
use crate::billing::trace::{Believed, Counter, Standing, Step, Trace};
use crate::site::Zone;

/// A register with how often it had begun again at zero since its trace began.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) boundary: Boundary,
    pub(super) rollovers: u32,
}

/// One mounting with the trace of its device.
#[derive(Debug)]
pub(super) struct Traced<'a> {
    pub(super) served: &'a Served,
    pub(super) counter: Counter<'a>,
    pub(super) trace: Trace,
}

impl Traced<'_> {
    pub(super) fn rollovers_at(&self, at: Timestamp) -> u32 {
        let (before, after) = self.around(at);
        before.or(after).map_or(0, |one| one.rollovers)
    }

    /// The last believed reading at or before an instant, and the first after it.
    fn around(&self, at: Timestamp) -> (Option<&Believed>, Option<&Believed>) {
        let believed = &self.trace.believed;
        let after = believed.partition_point(|one| one.taken.reading.at <= at);
        let before = after.checked_sub(1).and_then(|place| believed.get(place));
        (before, believed.get(after))
    }

    /// The register at a stop of the mounting: one of the `instants` that decide, or one of its
    /// own ends.
    pub(super) fn at(
        &self,
        stop: Instant,
        is_opening: bool,
        instants: &[Instant],
        late: Late,
        zone: &Zone,
    ) -> Result<Placed, Hold> {
        let mounting = &self.served.mounting;
        let is_end = match is_opening {
            true => stop.at == mounting.from,
            false => Some(stop.at) == mounting.until,
        };
        if !is_end {
            return self.register_at(stop, late, zone);
        }
        let noted = match is_opening {
            true => mounting.opening,
            false => mounting.closing,
        };
        if let Some(register) = noted {
            return self.noted(stop, register, is_opening);
        }
        if instants.contains(&stop) {
            return self.register_at(stop, late, zone);
        }
        self.nearest(stop).ok_or(Hold::DeviceChanged {
            from: stop.date,
            until: stop.date,
        })
    }

    /// A register that somebody read off, if the device's readings can have come from it or led
    /// to it.
    fn noted(&self, stop: Instant, register: Quantity, is_opening: bool) -> Result<Placed, Hold> {
        let believed = &self.trace.believed;
        let noted = Standing::of(stop.at, register);
        let (nearest, step) = match is_opening {
            true => {
                let first = believed
                    .first()
                    .filter(|first| first.taken.reading.at >= stop.at);
                let step =
                    first.and_then(|first| Some(self.counter.step(noted, first.standing()?)));
                (first, step)
            }
            false => {
                let last = believed
                    .last()
                    .filter(|last| last.taken.reading.at <= stop.at);
                let step = last.and_then(|last| Some(self.counter.step(last.standing()?, noted)));
                (last, step)
            }
        };
        if let Some((nearest, step)) = nearest.zip(step).filter(|(_, step)| !step.is_possible()) {
            return Err(contradicted(
                &nearest.taken,
                (stop.at, register),
                is_opening,
                step,
            ));
        }
        let turned = u32::from(!is_opening && step == Some(Step::RolledOver));
        let device = self.served.mounting.device;
        Ok(Placed {
            boundary: Boundary {
                date: stop.date,
                at: stop.at,
                register,
                basis: Basis::Noted { device },
            },
            rollovers: nearest.map_or(0, |one| one.rollovers) + turned,
        })
    }

    /// The nearest believed reading to one of the mounting's ends.
    fn nearest(&self, stop: Instant) -> Option<Placed> {
        let distance = |one: &&Believed| one.taken.reading.at.duration_since(stop.at).abs();
        let nearest = self.trace.believed.iter().min_by_key(distance)?;
        (distance(&nearest) <= INTERPOLATED_MAX).then(|| read(stop, nearest))?
    }

    fn register_at(&self, instant: Instant, late: Late, zone: &Zone) -> Result<Placed, Hold> {
        if let Some(placed) = self.read_near(instant) {
            return Ok(placed);
        }
        if let Some(hold) = self.doubt_at(instant.at) {
            return Err(hold);
        }
        if let Some(placed) = self.interpolated(instant) {
            return Ok(placed);
        }
        let estimated = match late {
            Late::Estimate => self.estimated(instant, zone),
            Late::Wait => None,
        };
        let Instant { date, at } = instant;
        estimated.ok_or(Hold::ReadingMissing { date, at })
    }

    fn read_near(&self, instant: Instant) -> Option<Placed> {
        let distance = |one: &&Believed| one.taken.reading.at.duration_since(instant.at).abs();
        let believed = &self.trace.believed;
        let first = believed.partition_point(|one| one.taken.reading.at < instant.at - TOLERANCE);
        let near = believed.iter().skip(first).take_while(|one| {
            let at = one.taken.reading.at;
            at <= instant.at + TOLERANCE
        });
        let nearest = near.min_by_key(|one| {
            let reading = &one.taken.reading;
            (
                distance(one),
                reading.closes.is_none(),
                reading.at,
                one.taken.epoch,
                reading.seq,
            )
        });
        read(instant, nearest?)
    }

    /// Why a register cannot be told though something was read there: it broke there, and
    /// nothing says what it means.
    fn doubt_at(&self, at: Timestamp) -> Option<Hold> {
        let broken = self.trace.break_near(at)?;
        let (before, after) = self.around(at);
        // Between two believed readings the register is known to have counted on.
        (before.is_none() || after.is_none()).then(|| broken.hold())
    }

    fn interpolated(&self, instant: Instant) -> Option<Placed> {
        let (Some(before), Some(after)) = self.around(instant.at) else {
            return None;
        };
        let (from, until) = (before.taken.reading.at, after.taken.reading.at);
        if until.duration_since(from) > INTERPOLATED_MAX {
            return None;
        }
        let share = (
            instant.at.duration_since(from).as_millis(),
            until.duration_since(from).as_millis(),
        );
        let rise = self.total(after)?.checked_sub(self.total(before)?)?;
        let part = rise
            .checked_mul(Decimal::from(share.0))?
            .checked_div(Decimal::from(share.1))?;
        let total = self.total(before)?.checked_add(part)?;
        let (register, rollovers) = self.shown(total, before)?;
        let risen = self.shown_total(register, rollovers)? - self.total(before)?;
        let bound = risen.max(rise - risen);
        Some(Placed {
            boundary: Boundary {
                date: instant.date,
                at: instant.at,
                register,
                basis: Basis::Interpolated {
                    before: evidence(&before.taken)?,
                    after: evidence(&after.taken)?,
                    bound,
                },
            },
            rollovers,
        })
    }

    fn estimated(&self, instant: Instant, zone: &Zone) -> Option<Placed> {
        let (before, after) = self.around(instant.at);
        let before = before?;
        let known = |one: &Believed| Some((one.taken.reading.at, self.total(one)?));
        let later = match after {
            Some(after) => Some(known(after)?),
            None => None,
        };
        let history: Vec<(Timestamp, Decimal)> =
            self.trace.believed.iter().filter_map(known).collect();
        let total = estimate(&history, known(before)?, later, instant.at, zone)?;
        let (register, rollovers) = self.shown(total, before)?;
        let after = after.and_then(|after| evidence(&after.taken));
        Some(Placed {
            boundary: Boundary {
                date: instant.date,
                at: instant.at,
                register,
                basis: Basis::Estimated {
                    before: evidence(&before.taken),
                    after,
                },
            },
            rollovers,
        })
    }

    /// What was counted since the trace began, rollovers included.
    pub(super) fn total(&self, one: &Believed) -> Option<Decimal> {
        self.with_rollovers(one.level, one.rollovers)
    }

    fn shown_total(&self, register: Quantity, rollovers: u32) -> Option<Decimal> {
        self.with_rollovers(register.value(), rollovers)
    }

    fn with_rollovers(&self, level: Decimal, rollovers: u32) -> Option<Decimal> {
        let modulus = self.counter.rolls_over_at().unwrap_or_default();
        level.checked_add(modulus.checked_mul(rollovers.into())?)
    }

    /// The register that shows a total, with the decimals of `like`, rounded down as a counter
    /// does.
    fn shown(&self, total: Decimal, like: &Believed) -> Option<(Quantity, u32)> {
        let quantity = like.taken.reading.quantity?;
        let decimals = u32::from(quantity.decimals());
        let (mut level, mut rollovers) = (total, 0);
        if let Some(modulus) = self.counter.rolls_over_at() {
            while level >= modulus && rollovers <= like.rollovers {
                level -= modulus;
                rollovers += 1;
            }
        }
        let mut level = level.round_dp_with_strategy(decimals, RoundingStrategy::ToZero);
        level.rescale(decimals);
        Some((Quantity::new(level, quantity.unit()).ok()?, rollovers))
    }

    /// Lets a register stand where it stood: one that fell by no more than its unrest did not
    /// go back.
    pub(super) fn stand(&self, placed: &mut Placed, before: &Placed) {
        let (stood, read) = (before.boundary.register, placed.boundary.register);
        let fell = stood.value() - read.value();
        let is_unrest = fell > Decimal::ZERO && fell <= self.counter.unrest_at(stood.value());
        if is_unrest && stood.unit() == read.unit() && before.rollovers == placed.rollovers {
            placed.boundary.register = stood;
        }
    }

    pub(super) fn segment(
        &self,
        from: &Placed,
        until: &Placed,
        unit: Unit,
    ) -> Result<Segment, Hold> {
        let (opening, closing) = (&from.boundary, &until.boundary);
        for boundary in [opening, closing] {
            let read = boundary.register.unit();
            if read != unit {
                let date = boundary.date;
                return Err(Hold::UnitDiffers {
                    date,
                    billed: unit,
                    read,
                });
            }
        }
        let times = until.rollovers.saturating_sub(from.rollovers);
        let total = |boundary: &Boundary, rollovers: u32| {
            self.shown_total(boundary.register, rollovers)
                .ok_or(Hold::TooManyDigits)
        };
        let used = total(closing, times)? - total(opening, 0)?;
        // What was billed by a rule is put right by what is read; nothing else goes back.
        if used < Decimal::ZERO && !opening.is_reckoned() {
            return Err(Hold::RegisterFell {
                from: opening.at,
                until: closing.at,
                before: opening.register,
                after: closing.register,
            });
        }
        let multiplier = self.served.mounting.multiplier;
        let rollovers = self.counter.rolls_over_at().filter(|_| times > 0);
        Ok(Segment {
            opening: opening.clone(),
            closing: closing.clone(),
            serial_number: self.served.serial_number.clone(),
            multiplier,
            rollovers: rollovers.map(|at| Rollovers { times, at }),
            quantity: exact_product(used, multiplier).ok_or(Hold::TooManyDigits)?,
        })
    }
}

/// A believed reading that stands for an instant.
fn read(instant: Instant, believed: &Believed) -> Option<Placed> {
    let reading = evidence(&believed.taken)?;
    Some(Placed {
        boundary: Boundary {
            date: instant.date,
            at: instant.at,
            register: reading.register,
            basis: Basis::Read { reading },
        },
        rollovers: believed.rollovers,
    })
}

/// Why a register that somebody read off holds a bill: the device's own readings say otherwise.
fn contradicted(
    taken: &Taken,
    (noted_at, noted): (Timestamp, Quantity),
    is_opening: bool,
    step: Step,
) -> Hold {
    let Some(read) = taken.reading.quantity else {
        return Hold::TooManyDigits;
    };
    let (read, noted) = ((taken.reading.at, read), (noted_at, noted));
    let ((from, before), (until, after)) = match is_opening {
        true => (noted, read),
        false => (read, noted),
    };
    match step {
        Step::Jumped => Hold::RegisterJumped {
            from,
            until,
            before,
            after,
        },
        _ => Hold::RegisterFell {
            from,
            until,
            before,
            after,
        },
    }
}
