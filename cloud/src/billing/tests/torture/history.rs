//! A meter's history: what truly went through, and what was read of it.

use common::id::{DeviceId, Epoch, GatewayId, MeterId};
use common::profile::{Library, Point};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::unit::Unit;
use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::billing::consumption::{Served, Taken};
use crate::billing::invoice::Period;
use crate::billing::period::start_of_day;
use crate::plan::{Cycle, Plan};
use crate::site::{Mounting, Zone};

/// The device that is read first.
pub(super) const DEVICE: DeviceId = DeviceId(1);
/// The one that replaces it.
pub(super) const ANOTHER: DeviceId = DeviceId(2);
/// What nobody can draw more of in an hour, in kWh.
pub(super) const KILOWATTS: i64 = 10;
const EVERY: SignedDuration = SignedDuration::from_mins(15);
const QUARTERS: i64 = 4;

/// How the meter's register counts.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    /// What it shows when the history begins.
    pub(crate) begins_at: Decimal,
    /// Where it truly begins again at zero.
    pub(crate) modulus: Option<Decimal>,
    /// Whether anybody knows that.
    pub(crate) is_modulus_known: bool,
    /// The profile whose point it is: a 32-bit float; else whole hundredths.
    pub(crate) profile: Option<String>,
}

impl Default for Register {
    fn default() -> Self {
        Self {
            begins_at: Decimal::new(1_234_567, 2),
            modulus: None,
            is_modulus_known: false,
            profile: None,
        }
    }
}

/// One month of a meter, with the weeks before it and the days after.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) zone: Zone,
    pub(crate) period: Period,
    pub(crate) register: Register,
    pub(crate) readings: Vec<Taken>,
    /// In the order of time, the first from the beginning.
    pub(crate) mountings: Vec<Mounting>,
    /// Added to what went through, to give what a device shows.
    pub(super) shown_from: Vec<(Timestamp, Decimal)>,
    /// What went through by the beginning of each quarter of an hour, in hundredths.
    through: Vec<i64>,
    point: Option<Point>,
}

impl History {
    /// November 2026 in Tijuana, in which daylight saving time ends; every quarter of an hour
    /// from 1 October to 2 December is read.
    pub(crate) fn new(register: Register) -> Self {
        let zone = Zone::new("America/Tijuana").unwrap();
        let start = |day: Date| start_of_day(day, &zone).unwrap();
        let period = Period {
            from: date(2026, 11, 1),
            until: date(2026, 12, 1),
            starts_at: start(date(2026, 11, 1)),
            ends_at: start(date(2026, 12, 1)),
        };
        let (begins, ends) = (start(date(2026, 10, 1)), start(date(2026, 12, 3)));
        let mut history = Self {
            period,
            readings: Vec::new(),
            mountings: vec![mounting(DEVICE, begins, &register)],
            shown_from: vec![(begins, register.begins_at)],
            through: through(begins, ends),
            point: register.profile.as_deref().map(point),
            register,
            zone,
        };
        let mut at = begins;
        while at <= ends {
            let shown = history.shown_at(at);
            let seq = u64::try_from(history.readings.len()).unwrap() + 1;
            history.readings.push(history.taken(DEVICE, seq, at, shown));
            at += EVERY;
        }
        history
    }

    pub(crate) fn begins(&self) -> Timestamp {
        self.shown_from[0].0
    }

    pub(crate) fn unit(&self) -> Unit {
        Unit::KiloWh
    }

    /// What went through since the history began: more by day than by night and on workdays,
    /// never the same in two quarters of an hour.
    pub(crate) fn through_at(&self, at: Timestamp) -> Decimal {
        let quarters = at.duration_since(self.begins()).as_mins() / EVERY.as_mins();
        let over = usize::try_from(quarters).unwrap();
        Decimal::new(self.through[over], 2)
    }

    /// What went through in the period.
    pub(crate) fn truth(&self) -> Decimal {
        let period = &self.period;
        (self.through_at(period.ends_at) - self.through_at(period.starts_at)).normalize()
    }

    /// What the device that is mounted then shows.
    pub(super) fn shown_at(&self, at: Timestamp) -> Decimal {
        let (since, begun) = self
            .shown_from
            .iter()
            .rev()
            .find(|(from, _)| *from <= at)
            .unwrap();
        let risen = self.through_at(at) - self.through_at(*since);
        let total = begun + risen;
        match self.register.modulus {
            Some(modulus) => total % modulus,
            None => total,
        }
    }

    /// A reading of that register, as the device writes it.
    pub(super) fn taken(&self, device: DeviceId, seq: u64, at: Timestamp, shown: Decimal) -> Taken {
        let register = match &self.register.profile {
            Some(_) => float(shown),
            None => {
                let mut hundredths = shown;
                hundredths.rescale(2);
                hundredths
            }
        };
        let local = self.zone.rules().to_datetime(at);
        let is_midnight = local.time() == jiff::civil::Time::midnight();
        Taken {
            gateway: GatewayId(1),
            epoch: Epoch(1),
            reading: Reading {
                seq,
                at,
                clock: ClockTrust::Trusted,
                since_boot: None,
                device,
                point: "energy_import".to_owned(),
                quantity: Some(Quantity::new(register, Unit::KiloWh).unwrap()),
                suspect: None,
                raw: "0000".to_owned(),
                profile: "p@1".to_owned(),
                closes: is_midnight.then(|| local.date().into()),
                seal: None,
            },
        }
    }

    /// The instant that a clock on the wall shows.
    pub(super) fn instant(&self, local: DateTime) -> Timestamp {
        self.zone.rules().to_timestamp(local).unwrap()
    }

    pub(crate) fn point(&self) -> Option<Point> {
        self.point.clone()
    }

    pub(crate) fn served(&self) -> Vec<Served> {
        let served = self.mountings.iter().map(|mounting| Served {
            mounting: mounting.clone(),
            point: self.point(),
            serial_number: String::new(),
        });
        served.collect()
    }

    /// One kilowatt-hour costs one peso.
    pub(crate) fn plans(&self) -> [Plan; 1] {
        [Plan::flat(
            date(2026, 1, 1),
            self.zone.clone(),
            Cycle::monthly(31).unwrap(),
            "MXN".parse().unwrap(),
            Decimal::ONE,
        )]
    }

    /// How far a register may stand from what went through: a float has no more digits.
    pub(crate) fn unrest(&self) -> Decimal {
        let highest = self.shown_at(self.period.ends_at);
        let two_ends = Decimal::TWO;
        self.point()
            .map_or(Decimal::ZERO, |point| two_ends * point.unrest_at(highest))
    }
}

pub(super) fn mounting(device: DeviceId, from: Timestamp, register: &Register) -> Mounting {
    Mounting {
        meter: MeterId(1),
        device,
        point: "energy_import".to_owned(),
        from,
        until: None,
        opening: None,
        closing: None,
        multiplier: Decimal::ONE,
        rolls_over_at: register.modulus.filter(|_| register.is_modulus_known),
        max_rate: Some(KILOWATTS.into()),
    }
}

/// The point of a shipped profile, as far as the meter of the history can go.
fn point(profile: &str) -> Point {
    let library = Library::shipped();
    let profile = library.get(profile).unwrap();
    let mut point = profile.point("energy_import").unwrap().clone();
    point.max_rate = Some(KILOWATTS.into());
    point
}

/// What goes through, in hundredths, by the beginning of each quarter and by the end of the last.
fn through(begins: Timestamp, ends: Timestamp) -> Vec<i64> {
    let quarters = ends.duration_since(begins).as_mins() / EVERY.as_mins();
    let mut sums = vec![0];
    let mut sum = 0;
    for quarter in 0..quarters {
        sum += hundredths_of(quarter / (24 * QUARTERS), quarter % (24 * QUARTERS));
        sums.push(sum);
    }
    sums
}

/// The hundredths of one quarter of a day.
fn hundredths_of(day: i64, quarter: i64) -> i64 {
    let is_weekend = matches!(day % 7, 2 | 3);
    let by_day = (32..80).contains(&quarter);
    let most = match (by_day, is_weekend) {
        (true, false) => 60,
        (true, true) => 25,
        (false, _) => 9,
    };
    most + (day * 31 + quarter * 7) % 5
}

/// The nearest 32-bit float, with two decimals.
fn float(shown: Decimal) -> Decimal {
    let nearest: f32 = shown.to_string().parse().unwrap();
    let written = Decimal::from_str_exact(&format!("{:.4}", f64::from(nearest))).unwrap();
    let mut rounded = written.round_dp(2);
    rounded.rescale(2);
    rounded
}
