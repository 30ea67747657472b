//! An ordinary invoice, for the tests of everything that shows, sends or keeps one.

use common::id::{AccountId, DeviceId, Epoch, GatewayId, InvoiceId, MeterId};
use common::profile::Library;
use common::quantity::Quantity;
use common::reading::ClockTrust;
use common::unit::{Medium, Unit};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::charge::Extras;
use super::consumption::{Late, Registers, Served, Taken};
use super::invoice::{
    DailyUse, DocumentKind, EarlierPeriod, Invoice, Line, LineKind, Period, SCHEMA,
};
use super::period::plan_of;
use super::segment::{Basis, Boundary, Evidence, Segment, Segments};
use super::{CloseError, Statement, Subject, close_period};
use crate::plan::tariff::{Band, Calendar, Rate, Season, Switch};
use crate::plan::{Cycle, Plan};
use crate::site::{Mounting, Zone};

/// The decimal that `text` writes.
pub(crate) fn number(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

/// The start of a day in the sample's zone.
pub(crate) fn start_of(day: Date) -> Timestamp {
    let zone = Zone::new("America/Tijuana").unwrap();
    let start = day.to_zoned_datetime(zone.rules().clone()).unwrap();
    start.timestamp()
}

/// Mountings of devices of one profile.
pub(crate) fn served(mountings: &[Mounting]) -> Vec<Served> {
    let library = Library::shipped();
    let profile = library.get("eastron-sdm630").unwrap();
    let served = mountings.iter().map(|mounting| Served {
        mounting: mounting.clone(),
        point: profile.point(&mounting.point).cloned(),
        serial_number: "21034567".to_owned(),
    });
    served.collect()
}

/// Closes a period for which a missing reading is waited for, with the use of its days.
pub(crate) fn close(
    period: &Period,
    plans: &[Plan],
    unit: Unit,
    mountings: &[Mounting],
    readings: &[Taken],
) -> Result<(Statement, Vec<DailyUse>), CloseError> {
    let served = served(mountings);
    let zone = &plan_of(period, plans)?.zone;
    let registers = Registers::new(&served, readings, unit, zone);
    let subject = Subject {
        registers: &registers,
        billed: &[],
        late: Late::Wait,
        extras: Ok(Extras::default()),
    };
    let statement = close_period(period, plans, &subject)?;
    Ok((statement, registers.daily(period)?))
}

/// A register that was read two seconds after the start of a day.
pub(crate) fn boundary(day: Date, register: &str, unit: Unit) -> Boundary {
    let at = start_of(day);
    let register = Quantity::new(number(register), unit).unwrap();
    let reading = Evidence {
        read_at: at + jiff::SignedDuration::from_secs(2),
        register,
        raw: "4641 3666".to_owned(),
        profile: "eastron-sdm120@1f2e3d4c".to_owned(),
        clock: ClockTrust::Trusted,
        device: DeviceId(4),
        gateway: GatewayId(3),
        epoch: Epoch(1),
        seq: 77,
        link: None,
    };
    Boundary {
        date: day,
        at,
        register,
        basis: Basis::Read { reading },
    }
}

/// The reading on which a boundary rests, to be changed.
pub(crate) fn reading(boundary: &mut Boundary) -> &mut Evidence {
    match &mut boundary.basis {
        Basis::Read { reading } => reading,
        other => panic!("{other:?}"),
    }
}

/// A segment of one device between two registers.
pub(crate) fn segment(opening: Boundary, closing: Boundary) -> Segment {
    let quantity = closing.register.value() - opening.register.value();
    Segment {
        opening,
        closing,
        serial_number: "21034567".to_owned(),
        multiplier: Decimal::ONE,
        rollovers: None,
        quantity,
    }
}

/// What a quantity costs at a price.
pub(crate) fn line(kind: LineKind, period: &Period, quantity: &str, price: &str) -> Line {
    let (quantity, price) = (number(quantity), number(price));
    let mut amount = (quantity * price).round_dp(2);
    amount.rescale(2);
    Line {
        kind,
        name: String::new(),
        from: period.from,
        until: period.until,
        quantity,
        price,
        per: Decimal::ONE,
        share: None,
        amount,
        is_detail: false,
    }
}

/// October at $3.00 a kilowatt-hour: 344.8 kWh.
pub(crate) fn invoice(locale: &str) -> Invoice {
    let (from, until) = (date(2026, 10, 1), date(2026, 11, 1));
    let period = Period {
        from,
        until,
        starts_at: start_of(from),
        ends_at: start_of(until),
    };
    let unit = Unit::KiloWh;
    let currency = "MXN".parse().unwrap();
    let plan = Plan::flat(
        date(2026, 1, 1),
        Zone::new("America/Tijuana").unwrap(),
        Cycle::monthly(31).unwrap(),
        currency,
        number("3"),
    );
    let segments = vec![segment(
        boundary(from, "12345.6", unit),
        boundary(until, "12690.4", unit),
    )];
    let line = line(LineKind::Consumption, &period, "344.8", "3");
    Invoice {
        schema: SCHEMA.to_owned(),
        id: InvoiceId(1_234_567_890_123_456_789),
        number: 12,
        kind: DocumentKind::Invoice,
        corrects: None,
        account: AccountId(1),
        issuer: "Administración Plaza Norte".to_owned(),
        contact: String::new(),
        site: "Plaza Norte".to_owned(),
        meter: MeterId(5),
        meter_label: "Local 204".to_owned(),
        medium: Medium::Electric,
        locale: locale.parse().unwrap(),
        zone: "America/Tijuana".to_owned(),
        period,
        unit,
        currency,
        plans: vec![plan],
        segments: Segments::try_from(segments).unwrap(),
        extras: Extras::default(),
        measured: number("344.8"),
        minimum: Decimal::ZERO,
        billed: number("344.8"),
        total: line.amount,
        lines: vec![line],
        simulated: false,
        losses: Vec::new(),
        findings: Vec::new(),
        issued_at: "2026-11-01T15:00:00Z".parse().unwrap(),
        daily: daily(from),
        earlier: earlier(),
    }
}

/// A use of its own for each day of October.
fn daily(from: Date) -> Vec<DailyUse> {
    let mut register = number("12345.6");
    let days = (0..31).map(|day: i64| {
        let date = from.checked_add(jiff::Span::new().days(day)).unwrap();
        let quantity = Decimal::new(80 + (day * 37) % 71, 1);
        let started = register;
        register += quantity;
        DailyUse {
            date,
            quantity: Some(quantity),
            is_reckoned: false,
            register: Quantity::new(started, Unit::KiloWh).ok(),
            read_at: Some(start_of(date)),
        }
    });
    days.collect()
}

fn earlier() -> Vec<EarlierPeriod> {
    let months = [(9, "418"), (8, "371"), (7, "418.25"), (6, "0")];
    let periods = months.map(|(month, measured)| {
        let measured = number(measured);
        EarlierPeriod {
            from: date(2026, month, 1),
            until: date(2026, month + 1, 1),
            measured,
            total: (measured * Decimal::from(3)).round_dp(2),
        }
    });
    periods.to_vec()
}

/// Two prices, each day from those hours on; bands are named by their prices.
pub(crate) fn by_hour(switches: &[(i8, usize)], prices: [&str; 2]) -> Rate {
    let switch = |(hour, band): &(i8, usize)| Switch {
        at: jiff::civil::time(*hour, 0, 0, 0),
        band: *band,
    };
    let day: Vec<Switch> = switches.iter().map(switch).collect();
    let season = Season {
        month: 1,
        day: 1,
        workday: day.clone(),
        saturday: day.clone(),
        sunday: day,
    };
    let band = |price: &str| Band {
        name: format!("at {price}"),
        price: number(price),
    };
    Rate::TimeOfUse {
        bands: prices.map(band).to_vec(),
        calendar: Calendar {
            seasons: vec![season],
            holidays: Vec::new(),
        },
    }
}
