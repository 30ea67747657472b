//! A simulated meter: what all its registers hold at an instant, by its profile.

use common::profile::{EncodeError, Library, Point, Profile, Registers, Role};
use common::quantity::Quantity;
use common::unit::{Dimension, Unit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::config::MeterConfig;
use super::consumption::Consumption;
use super::faults::Lie;

/// Billionths in one of the unit.
const BILLION: i64 = 1_000_000_000;
/// The most that a meter may count a day, so that its integral stays exact.
const PER_DAY_MAX: i64 = BILLION;
/// A weekend's consumption, in thousandths of a working day's.
const WEEKEND_MAX: u32 = 100_000;
/// By how much a counter jumps that lies: an SDM630 did so on a 40 A feed.
const SPIKE: i64 = 9_113;
/// Volts of the simulated mains.
const MAINS_VOLTAGE: i64 = 230;

/// Why a meter cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    /// There is no such profile.
    #[error("there is no profile '{0}': see `enervue-gateway profile list`")]
    NoProfile(String),
    /// Modbus gives no such unit id to a meter.
    #[error("unit id {0} is not one of a meter, which are 1 to 247")]
    UnitId(u8),
    /// The profile counts something else.
    #[error("profile '{profile}' counts nothing that is in {unit}")]
    Unit {
        /// Which profile.
        profile: String,
        /// Which unit.
        unit: Unit,
    },
    /// A figure is out of its range.
    #[error("{0}")]
    Figure(&'static str),
    /// The zone is unknown.
    #[error("there is no time zone '{0}': write one such as America/Tijuana")]
    Zone(String),
    /// A register cannot hold what it should.
    #[error("{0}")]
    Encode(#[from] EncodeError),
}

/// A meter on a simulated line.
#[derive(Debug, Clone)]
pub struct SimulatedMeter {
    unit_id: u8,
    pub(super) profile: Profile,
    pub(super) delay_ms: u64,
    unit: Unit,
    consumption: Consumption,
    silent_from: Option<Timestamp>,
    silent_until: Option<Timestamp>,
}

impl SimulatedMeter {
    /// The meter that `config` describes.
    ///
    /// # Errors
    /// When a figure is out of its range, or the registers cannot hold the opening value.
    pub fn new(config: &MeterConfig, library: &Library) -> Result<Self, MeterError> {
        if !(1..=247).contains(&config.unit_id) {
            return Err(MeterError::UnitId(config.unit_id));
        }
        let profile = library
            .get(&config.profile)
            .ok_or_else(|| MeterError::NoProfile(config.profile.clone()))?;
        let billed: Vec<Unit> = profile.billing_points().flat_map(Point::units).collect();
        let unit = config.unit.or(billed.first().copied()).unwrap_or(Unit::One);
        if !billed.iter().any(|known| unit.factor_to(*known).is_some()) {
            return Err(MeterError::Unit {
                profile: profile.id.clone(),
                unit,
            });
        }
        let meter = Self {
            unit_id: config.unit_id,
            profile: profile.clone(),
            delay_ms: config.delay_ms,
            unit,
            consumption: consumption(config)?,
            silent_from: config.silent_from,
            silent_until: config.silent_until,
        };
        meter.registers(config.since)?;
        Ok(meter)
    }

    /// Its unit id.
    #[must_use]
    pub fn unit_id(&self) -> u8 {
        self.unit_id
    }

    /// Whether it answers at all.
    pub(super) fn answers(&self, at: Timestamp) -> bool {
        let begun = self.silent_from.is_some_and(|from| from <= at);
        let over = self.silent_until.is_some_and(|until| until <= at);
        !begun || over
    }

    /// All its registers at an instant.
    ///
    /// # Errors
    /// When one cannot hold what the meter has counted.
    pub fn registers(&self, at: Timestamp) -> Result<Registers, MeterError> {
        self.registers_at(self.consumption.register(at), at)
    }

    /// All its registers at an instant, wrong in this way if they can hold that.
    pub(super) fn lying_registers(&self, at: Timestamp, lie: Lie) -> Result<Registers, MeterError> {
        let counted = self.consumption.register(at);
        let shown = match lie {
            Lie::None => Some(counted),
            Lie::AllZero => return Ok(Registers::new()),
            Lie::CounterZero => Some(Decimal::ZERO),
            Lie::Spike => counted.checked_add(Decimal::from(SPIKE)),
            Lie::DecimalShift => counted.checked_mul(Decimal::TEN),
        };
        let registers = shown.and_then(|shown| self.registers_at(shown, at).ok());
        registers.map_or_else(|| self.registers_at(counted, at), Ok)
    }

    /// All its registers when it has counted so much.
    fn registers_at(&self, counted: Decimal, at: Timestamp) -> Result<Registers, MeterError> {
        let mut registers = Registers::new();
        self.profile.encode_identity(&mut registers);
        for point in &self.profile.points {
            let unit = self.unit_of(point);
            let value = match point.role {
                Role::Billing | Role::Check => counted
                    .checked_mul(self.unit.factor_to(unit).unwrap_or(Decimal::ZERO))
                    .unwrap_or(Decimal::MAX),
                Role::Counter => Decimal::ZERO,
                Role::Gauge => self.gauge(point, unit, at),
            };
            self.profile
                .encode(&point.id, quantity(value, unit)?, &mut registers)?;
        }
        Ok(registers)
    }

    /// The unit in which the point stands: the meter's own where its unit register allows.
    fn unit_of(&self, point: &Point) -> Unit {
        let units = point.units();
        if units.contains(&self.unit) {
            return self.unit;
        }
        units.first().copied().unwrap_or(self.unit)
    }

    /// A plausible value of the moment; power and flow are the counter's derivative.
    fn gauge(&self, point: &Point, unit: Unit, at: Timestamp) -> Decimal {
        match unit {
            Unit::Watt => self.hourly(Unit::Wh, at),
            Unit::KiloWatt => self.hourly(Unit::KiloWh, at),
            Unit::VoltAmpere => self.hourly(Unit::Wh, at),
            Unit::BtuPerHour => self.hourly(Unit::Btu, at),
            Unit::CubicMetrePerHour => self.hourly(Unit::CubicMetre, at),
            Unit::LitrePerHour => self.hourly(Unit::Litre, at),
            Unit::GallonUsPerMinute => self.hourly(Unit::GallonUs, at) / Decimal::from(60),
            Unit::Ampere => {
                let phases = self.profile.points.iter();
                let phases = phases
                    .filter(|point| point.units() == [Unit::Ampere])
                    .count();
                let volts = Decimal::from(MAINS_VOLTAGE) * Decimal::from(phases.max(1));
                self.hourly(Unit::Wh, at) / volts
            }
            // Up to a volt around the nominal, another each minute and phase.
            Unit::Volt => {
                let minute = at.as_second().div_euclid(60);
                let phase: i64 = point.id.bytes().map(i64::from).sum();
                let tenths = (minute * 7 + phase * 5).rem_euclid(21) - 10;
                Decimal::from(MAINS_VOLTAGE) + Decimal::new(tenths, 1)
            }
            Unit::Hertz => Decimal::from(50),
            Unit::Percent => Decimal::from(85),
            Unit::Celsius => Decimal::from(45),
            Unit::Fahrenheit => Decimal::from(113),
            Unit::One => Decimal::ONE,
            _ => Decimal::ZERO,
        }
    }

    /// What would be counted in an hour, in `unit`; zero if the meter counts something else.
    fn hourly(&self, unit: Unit, at: Timestamp) -> Decimal {
        let rate = self.consumption.hourly_rate(at);
        let factor = self.unit.factor_to(unit).unwrap_or(Decimal::ZERO);
        rate.checked_mul(factor).unwrap_or(Decimal::ZERO)
    }
}

fn consumption(config: &MeterConfig) -> Result<Consumption, MeterError> {
    let per_day = config
        .per_day
        .checked_mul(Decimal::from(BILLION))
        .and_then(|billionths| i64::try_from(billionths.trunc()).ok())
        .filter(|billionths| (0..=PER_DAY_MAX.saturating_mul(BILLION)).contains(billionths))
        .ok_or(MeterError::Figure("per_day is from 0 to 1,000,000,000"))?;
    let weekend = config
        .weekend
        .checked_mul(Decimal::ONE_THOUSAND)
        .and_then(|share| u32::try_from(share.trunc()).ok())
        .filter(|share| *share <= WEEKEND_MAX)
        .ok_or(MeterError::Figure("weekend is from 0 to 100, e.g. 0.3"))?;
    if config.opening.is_sign_negative() {
        return Err(MeterError::Figure("opening is not below zero"));
    }
    let zone = TimeZone::get(&config.zone).map_err(|_| MeterError::Zone(config.zone.clone()))?;
    Ok(Consumption {
        opening: config.opening,
        since: config.since,
        per_day,
        shape: config.shape,
        weekend,
        offset: zone.to_offset(config.since),
    })
}

/// The value as a quantity, with as many decimals as fit into one.
fn quantity(value: Decimal, unit: Unit) -> Result<Quantity, MeterError> {
    debug_assert!(unit.dimension() != Dimension::Gauge || !value.is_sign_negative());
    let fitting = [9, 6, 3, 0]
        .into_iter()
        .find_map(|decimals| Quantity::new(value.trunc_with_scale(decimals), unit).ok());
    fitting.ok_or(MeterError::Figure(
        "the register has grown too large for any meter",
    ))
}
