//! The rules by which four other projects make use of a register, for comparison: models of the
//! rule, restated from their sources, not their code.
//!
//! - `MyEMS` (myems-normalization/meter.py, 0ba0aec6): hours; the sum of the rises within an hour
//!   since the last reading before it; nothing where that reading was 0.1 or less, and nothing
//!   where the sum is above the meter's hourly limit; an hour without readings is 0. An hour is
//!   never looked at again.
//! - emoncms (process_processlist.php, `kwh_accumulator`, 00266dfc): the rise since the last
//!   reading, unless it is none or makes more than 60 kW since then.
//! - volkszaehler (CounterInterpreter.php, 13907929): the differences, whatever they are.
//! - Home Assistant (sensor/recorder.py, `reset_detected`): the differences; a register below
//!   nine tenths of the one before begins a new cycle at zero.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::History;
use super::history::KILOWATTS;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const SECONDS_PER_HOUR: i64 = 3_600;
const EMONCMS_KILOWATTS: i64 = 60;

/// What each makes of a period's readings, in the order of the table.
pub(super) fn all(history: &History) -> [Decimal; 4] {
    let mut series: Vec<(Timestamp, Decimal)> = history
        .readings
        .iter()
        .map(|taken| {
            let reading = &taken.reading;
            (reading.at, reading.quantity.unwrap().value())
        })
        .collect();
    series.sort_by_key(|(at, _)| *at);
    let (from, until) = (history.period.starts_at, history.period.ends_at);
    series.retain(|(at, _)| (from..=until).contains(at));
    let figures = [
        myems(&series, from),
        emoncms(&series),
        volkszaehler(&series),
        home_assistant(&series),
    ];
    figures.map(|figure| figure.normalize())
}

fn myems(series: &[(Timestamp, Decimal)], from: Timestamp) -> Decimal {
    let mut total = Decimal::ZERO;
    let mut last = series
        .first()
        .map_or(Decimal::ZERO, |(_, register)| *register);
    let mut rest = series.get(1..).unwrap_or_default();
    let mut ends = from + HOUR;
    while !rest.is_empty() {
        let inside = rest.partition_point(|(at, _)| *at <= ends);
        let (slot, later) = rest.split_at(inside);
        let before = last;
        let mut risen = Decimal::ZERO;
        for (_, register) in slot {
            risen += (*register - last).max(Decimal::ZERO);
            last = *register;
        }
        let is_dropped = before <= Decimal::new(1, 1) || risen > KILOWATTS.into();
        total += if is_dropped { Decimal::ZERO } else { risen };
        (rest, ends) = (later, ends + HOUR);
    }
    total
}

fn emoncms(series: &[(Timestamp, Decimal)]) -> Decimal {
    let pairs = series.iter().zip(series.iter().skip(1));
    let steps = pairs.filter_map(|((before, from), (after, to))| {
        let seconds = after.duration_since(*before).as_secs();
        let rise = *to - *from;
        let most = Decimal::from(EMONCMS_KILOWATTS * seconds) / Decimal::from(SECONDS_PER_HOUR);
        (seconds > 0 && rise > Decimal::ZERO && rise < most).then_some(rise)
    });
    steps.sum()
}

fn volkszaehler(series: &[(Timestamp, Decimal)]) -> Decimal {
    let first = series
        .first()
        .map_or(Decimal::ZERO, |(_, register)| *register);
    let last = series
        .last()
        .map_or(Decimal::ZERO, |(_, register)| *register);
    last - first
}

fn home_assistant(series: &[(Timestamp, Decimal)]) -> Decimal {
    let mut sum = Decimal::ZERO;
    let mut registers = series.iter().map(|(_, register)| *register);
    let Some(mut begun) = registers.next() else {
        return sum;
    };
    let mut last = begun;
    for register in registers {
        if register < Decimal::new(9, 1) * last {
            sum += last - begun;
            begun = Decimal::ZERO;
        }
        last = register;
    }
    sum + last - begun
}
