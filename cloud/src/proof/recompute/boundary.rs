//! Registers: against the readings that they rest on, and the words of the devices.

use common::id::DeviceId;
use common::profile::Library;
use common::quantity::Quantity;
use rust_decimal::Decimal;

use super::super::Evidence as Readings;
use super::super::report::{Part, Report};
use super::Readings as Kept;
use crate::billing::consumption::{TOLERANCE, Taken, evidence};
use crate::billing::exact_product;
use crate::billing::invoice::{DailyUse, Invoice};
use crate::billing::segment::{Basis, Boundary, Evidence, Segment, Segments};

/// Decodes the words of every reading by the profile that it names, if this program has it.
pub(super) fn check_words(readings: &Readings, library: &Library, report: &mut Report) {
    for (number, taken) in readings.readings.iter().enumerate() {
        let reading = &taken.reading;
        let Some(quantity) = reading.quantity else {
            continue;
        };
        let id = reading.profile.split('@').next().unwrap_or_default();
        let profile = library.get(id);
        let Some(profile) = profile.filter(|one| one.reference() == reading.profile) else {
            report.note(format!(
                "the words of readings by the profile {} were not decoded: this program does \
                 not ship with that version",
                reading.profile
            ));
            continue;
        };
        let field = format!("evidence.readings[{number}].reading.raw");
        match profile.decode_raw(&reading.point, &reading.raw) {
            Ok(decoded) if decoded == quantity => {}
            Ok(decoded) => {
                let message = format!("the words mean {decoded}, not {quantity}");
                report.differs(Part::Decoding, field, message);
            }
            Err(why) => report.differs(Part::Decoding, field, why),
        }
    }
}

/// The segments as their readings say them.
pub(super) fn segments(invoice: &Invoice, kept: &Kept<'_>, report: &mut Report) -> Segments {
    let mut again: Vec<Segment> = Vec::new();
    for (number, issued) in invoice.segments.iter().enumerate() {
        let field = format!("invoice.segments[{number}]");
        let mut segment = issued.clone();
        let before = again.last().map(|before| before.opening.register);
        let (opening, closing) = (&mut segment.opening, &mut segment.closing);
        restore(opening, before, &format!("{field}.opening"), kept, report);
        let stood = Some(opening.register);
        restore(closing, stood, &format!("{field}.closing"), kept, report);
        check_one_device(&segment, &field, kept, report);
        if let Some(before) = again.last() {
            check_adjoining(before, &mut segment, &field, report);
        }
        if let Some(quantity) = quantity_of(&segment, invoice) {
            segment.quantity = quantity;
        } else {
            let message = "no quantity can be made of its registers".to_owned();
            report.differs(Part::Quantity, format!("{field}.quantity"), message);
        }
        again.push(segment);
    }
    Segments::try_from(again).unwrap_or_else(|_| invoice.segments.clone())
}

/// Puts in what the readings of the evidence say, and says what does not rest on a seal. `stood`
/// is the register from which it may not have gone back, where that is known.
fn restore(
    boundary: &mut Boundary,
    stood: Option<Quantity>,
    field: &str,
    kept: &Kept<'_>,
    report: &mut Report,
) {
    let at = boundary.at;
    match &mut boundary.basis {
        Basis::Read { reading } => {
            let field = format!("{field}.basis.reading");
            let distance = reading.read_at.duration_since(at).abs();
            restore_reading(reading, &field, kept, report);
            let stands = stood.is_none_or(|stood| stood == boundary.register)
                && stands_above(boundary.register, reading, kept);
            if !stands {
                boundary.register = reading.register;
            }
            if distance > TOLERANCE {
                let message = format!("it was taken {distance:#} from the instant");
                report.differs(Part::Boundary, format!("{field}.read_at"), message);
            }
        }
        Basis::Interpolated { before, after, .. } => {
            restore_reading(before, &format!("{field}.basis.before"), kept, report);
            restore_reading(after, &format!("{field}.basis.after"), kept, report);
            let (low, high) = (before.register.value(), after.register.value());
            let is_between = (low..=high).contains(&boundary.register.value());
            if !is_between || before.read_at > at || after.read_at < at {
                let message = "it is not between the readings around it".to_owned();
                report.differs(Part::Boundary, format!("{field}.register"), message);
            }
            let why = "interpolated between two readings";
            report.is_unsealed(field.to_owned(), why);
        }
        Basis::Estimated { before, after } => {
            for (name, reading) in [("before", before), ("after", after)] {
                if let Some(reading) = reading {
                    restore_reading(reading, &format!("{field}.basis.{name}"), kept, report);
                }
            }
            report.is_unsealed(field.to_owned(), "estimated from the use of like days");
        }
        Basis::Noted { .. } => {
            let why = "read off the display by somebody";
            report.is_unsealed(field.to_owned(), why);
        }
    }
}

/// Whether a register stands where it stood before its reading fell by no more than a float at
/// rest may: a counter does not go back.
fn stands_above(register: Quantity, reading: &Evidence, kept: &Kept<'_>) -> bool {
    let place = (reading.gateway, reading.epoch, reading.seq);
    let id = reading.profile.split('@').next().unwrap_or_default();
    let profile = kept.library.get(id);
    let profile = profile.filter(|one| one.reference() == reading.profile);
    let point = kept
        .by_place
        .get(&place)
        .and_then(|taken| profile?.point(&taken.reading.point));
    let fell = register.value() - reading.register.value();
    let unrest = point.map(|point| point.unrest_at(register.value()));
    register.unit() == reading.register.unit()
        && fell > Decimal::ZERO
        && unrest.is_some_and(|unrest| fell <= unrest)
}

fn restore_reading(reading: &mut Evidence, field: &str, kept: &Kept<'_>, report: &mut Report) {
    let place = (reading.gateway, reading.epoch, reading.seq);
    let Some(taken) = kept.by_place.get(&place) else {
        let message = "the evidence has no such reading".to_owned();
        report.differs(Part::Boundary, field, message);
        return;
    };
    match evidence(taken) {
        Some(said) => *reading = said,
        None => {
            let message = "the reading holds no value".to_owned();
            report.differs(Part::Boundary, field, message);
        }
    }
    if !taken.reading.is_good() {
        let message = "a reading whose instant cannot be believed decides nothing".to_owned();
        report.differs(Part::Boundary, format!("{field}.clock"), message);
    }
    if !kept.sealed.contains(&place) {
        report.is_unsealed(field.to_owned(), "a reading without a seal that holds");
    }
}

/// The device of a boundary, where it is known.
fn device_of(boundary: &Boundary) -> Option<DeviceId> {
    match &boundary.basis {
        Basis::Noted { device } => Some(*device),
        basis => basis.readings().first().map(|reading| reading.device),
    }
}

/// Both ends of a segment are of one register, and time goes forward in it.
fn check_one_device(segment: &Segment, field: &str, kept: &Kept<'_>, report: &mut Report) {
    let (opening, closing) = (&segment.opening, &segment.closing);
    let is_one = match (device_of(opening), device_of(closing)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let point = |boundary: &Boundary| {
        let reading = boundary.basis.readings().first().copied()?;
        let place = (reading.gateway, reading.epoch, reading.seq);
        let taken: &Taken = kept.by_place.get(&place)?;
        Some(taken.reading.point.as_str())
    };
    let is_one_point = match (point(opening), point(closing)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    if !is_one || !is_one_point {
        let message = "its ends are of two registers".to_owned();
        report.differs(Part::Boundary, format!("{field}.closing"), message);
    }
    if closing.at < opening.at {
        let message = "it ends before it begins".to_owned();
        report.differs(Part::Boundary, format!("{field}.closing.at"), message);
    }
}

/// A segment begins where the one before ended: at the same instant and, on the same device,
/// at the same register.
fn check_adjoining(before: &Segment, segment: &mut Segment, field: &str, report: &mut Report) {
    let (closing, opening) = (&before.closing, &mut segment.opening);
    opening.date = closing.date;
    opening.at = closing.at;
    let is_same_device = device_of(closing) == device_of(opening);
    if is_same_device && closing.register != opening.register {
        let message = "it does not begin with the register at which the one before ended";
        let field = format!("{field}.opening.register");
        report.differs(Part::Boundary, field, message.to_owned());
    }
}

/// (closing − opening + rollovers) × multiplier, in the invoice's unit.
fn quantity_of(segment: &Segment, invoice: &Invoice) -> Option<Decimal> {
    let is_unit = |register: Quantity| register.unit() == invoice.unit;
    let (opening, closing) = (segment.opening.register, segment.closing.register);
    if !is_unit(opening) || !is_unit(closing) {
        return None;
    }
    let turned = match segment.rollovers {
        Some(rollovers) => exact_product(Decimal::from(rollovers.times), rollovers.at)?,
        None => Decimal::ZERO,
    };
    let used = closing.value().checked_sub(opening.value())?;
    exact_product(used.checked_add(turned)?, segment.multiplier)
}

/// A day is reckoned whose use is shown though one of its two registers was not read.
fn mark_reckoned(daily: &mut [DailyUse], invoice: &Invoice) {
    let mut is_next_read = invoice.closing().reading().is_some();
    for day in daily.iter_mut().rev() {
        let is_read = day.read_at.is_some();
        day.is_reckoned = day.quantity.is_some() && !(is_read && is_next_read);
        is_next_read = is_read;
    }
}

/// The registers of the chart that stand on sealed readings.
pub(super) fn check_daily(
    invoice: &Invoice,
    kept: &Kept<'_>,
    again: &mut Invoice,
    report: &mut Report,
) {
    let sealed = |at| {
        let mut found = kept
            .sealed
            .iter()
            .filter_map(|place| kept.by_place.get(place));
        found.find(|taken| taken.reading.at == at)
    };
    let mut others = 0_u32;
    let mut date = invoice.period.from;
    for day in &mut again.daily {
        day.date = date;
        date = date.tomorrow().unwrap_or(date);
        let Some(read_at) = day.read_at else {
            others = others.saturating_add(1);
            continue;
        };
        match sealed(read_at) {
            Some(taken) => day.register = taken.reading.quantity,
            None => others = others.saturating_add(1),
        }
    }
    mark_reckoned(&mut again.daily, invoice);
    if date != invoice.period.until {
        let message = "it has not the days of the period".to_owned();
        report.differs(Part::Boundary, "invoice.daily", message);
    }
    if others > 0 {
        let (days, why) = (
            invoice.daily.len(),
            "days without a sealed reading of their own",
        );
        report.is_unsealed(
            "invoice.daily".to_owned(),
            &format!("{others} of {days} are {why}"),
        );
    }
}
