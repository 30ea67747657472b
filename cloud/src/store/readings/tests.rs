//! Stories of readings that are looked up again.

use common::id::{AccountId, DeviceId, Epoch, GatewayId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading};
use common::unit::Unit;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::super::gateways::GatewayKey;
use super::super::testing::{on_both_engines, start};
use super::Stream;
use crate::billing::trace::Steady;

const DEVICE: DeviceId = DeviceId(7);
const POINT: &str = "energy_import";
const STREAM: Stream = Stream {
    key: GatewayKey {
        account: AccountId(1),
        gateway: GatewayId(2),
    },
    epoch: Epoch(3),
};

fn reading(seq: u64, closes: Option<Date>) -> Reading {
    let hours = i64::try_from(seq).unwrap();
    Reading {
        since_boot: None,
        seal: None,
        seq,
        at: start() + hours.hours(),
        clock: ClockTrust::Trusted,
        device: DEVICE,
        point: POINT.to_owned(),
        quantity: Some(Quantity::from_count(-hours, 3, Unit::CubicMetre).unwrap()),
        suspect: None,
        raw: "ffff".to_owned(),
        profile: "tuf-2000m@0".to_owned(),
        closes: closes.map(Into::into),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_come_back_as_they_were_by_time_by_date_and_by_page() {
    on_both_engines(async |store| {
        let mut sent: Vec<Reading> = (1..=9).map(|seq| reading(seq, None)).collect();
        sent[1].closes = Some(date(2026, 10, 31).into());
        sent[3].closes = Some(date(2026, 11, 1).into());
        // Another price begins: it lies between the two days.
        sent[4].closes = Some("2026-11-01T18:00".parse().unwrap());
        sent[5].closes = Some(date(2026, 11, 2).into());
        sent[7].point = "flow".to_owned();
        sent[8].quantity = None;
        sent[8].suspect = Some("no number".to_owned());
        let mut t = store.write().await.unwrap();
        let differing = t.keep_readings(STREAM, &sent, start()).await.unwrap();
        assert_eq!(differing, []);
        let account = STREAM.key.account;

        let last = t.last_reading(account, DEVICE, POINT).await.unwrap();
        assert_eq!(last.unwrap().reading, sent[6]);
        let first = t.first_closings(account, DEVICE, POINT, Date::MIN, 1).await;
        assert_eq!(first.unwrap()[0].reading, sent[1]);
        let (from, until) = (date(2026, 11, 1), date(2026, 11, 2));
        let closing = t
            .closing_readings(account, DEVICE, POINT, from, until)
            .await;
        let closing: Vec<Reading> = closing.unwrap().into_iter().map(|k| k.reading).collect();
        assert_eq!(closing, sent[3..=5]);

        let mut pages = Vec::new();
        loop {
            let page = t
                .readings_page(account, DEVICE, POINT, pages.last(), 3)
                .await
                .unwrap();
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        let seqs: Vec<u64> = pages.iter().map(|kept| kept.reading.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 9]);
        assert_eq!(pages[7].reading, sent[8]);
        let foreign = t.last_reading(AccountId(9), DEVICE, POINT).await.unwrap();
        assert_eq!(foreign, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_instant_decides_nothing_and_a_dated_or_simulated_one_does() {
    on_both_engines(async |store| {
        for (epoch, clock) in [(3, ClockTrust::Dated), (4, ClockTrust::Simulated)] {
            let device = DeviceId(epoch);
            let days = [date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 3)];
            let mut sent: Vec<Reading> = (1..=3).map(|seq| reading(seq, None)).collect();
            for (reading, day) in sent.iter_mut().zip(days) {
                (reading.device, reading.closes) = (device, Some(day.into()));
                reading.clock = ClockTrust::Untrusted;
            }
            sent[1].clock = clock;
            let stream = Stream {
                epoch: Epoch(epoch),
                ..STREAM
            };
            let mut t = store.write().await.unwrap();
            t.keep_readings(stream, &sent, start()).await.unwrap();
            let account = STREAM.key.account;
            let steady = Steady {
                fall: Decimal::ZERO,
                rise: Decimal::ZERO,
                rise_per_hour: None,
            };
            let around = t.readings_around(account, device, POINT, sent[1].at).await;
            let span = (sent[0].at, sent[2].at);
            let breaks = t
                .breaks_between(account, device, POINT, span, &steady)
                .await;
            // One good reading alone has no break.
            assert_eq!(breaks.unwrap(), []);
            let closings = t.first_closings(account, device, POINT, days[0], 9).await;
            let last = t.last_reading(account, device, POINT).await;
            let found = [
                around.unwrap(),
                closings.unwrap(),
                last.unwrap().into_iter().collect(),
            ];
            for (query, found) in found.iter().enumerate() {
                let seqs: Vec<u64> = found.iter().map(|kept| kept.reading.seq).collect();
                assert_eq!(seqs, [2], "query {query}, {clock:?}");
            }
            // Everything is told to whoever looks at each: what is good is for them to see.
            let all = t
                .closing_readings(account, device, POINT, days[0], days[2])
                .await;
            let good = all.unwrap().into_iter().map(|kept| kept.reading.is_good());
            assert_eq!(good.collect::<Vec<_>>(), [false, true, false]);
        }
    })
    .await;
}

/// Readings of the point, an instant and a register each, numbered by their order.
fn series(registers: &[(i64, &str)]) -> Vec<Reading> {
    let numbered = registers.iter().zip(1..);
    let readings = numbered.map(|((minutes, register), seq)| Reading {
        seq,
        at: start() + minutes.minutes(),
        quantity: Some(Quantity::new(register.parse().unwrap(), Unit::KiloWh).unwrap()),
        ..reading(1, None)
    });
    readings.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn around_an_instant_are_the_readings_near_it_and_one_on_either_side() {
    on_both_engines(async |store| {
        let minutes = [0, 30, 49, 50, 60, 70, 71, 90];
        let sent = series(&minutes.map(|minutes| (minutes, "1")));
        let mut t = store.write().await.unwrap();
        t.keep_readings(STREAM, &sent, start()).await.unwrap();
        let account = STREAM.key.account;
        for (at, expected) in [
            (60, &[3, 4, 5, 6, 7][..]),
            (20, &[1, 2, 3]),
            (-60, &[1]),
            (200, &[8]),
        ] {
            let at = start() + at.minutes();
            let found = t.readings_around(account, DEVICE, POINT, at).await.unwrap();
            let seqs: Vec<u64> = found.iter().map(|kept| kept.reading.seq).collect();
            assert_eq!(seqs, expected, "{at}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_every_break_are_found_and_nothing_else() {
    on_both_engines(async |store| {
        let mut sent = series(&[
            (0, "1000"),
            (1, "1000.5"),
            (2, "1000.49"),
            (3, "1001"),
            (4, "0"),
            (5, "1001.2"),
            (6, "1001.20"),
            (7, "1002.2"),
            (8, "1002.3"),
            (100, "1052"),
            (101, "1052.1"),
        ]);
        sent[10].quantity = Some(Quantity::new("1052.1".parse().unwrap(), Unit::MegaWh).unwrap());
        let mut t = store.write().await.unwrap();
        t.keep_readings(STREAM, &sent, start()).await.unwrap();
        let account = STREAM.key.account;
        let span = (start(), start() + 200.minutes());
        // Half a unit a minute and a little more; it falls by hundredths without a break.
        let table = [
            ("0.01", Some("36"), &[4, 5, 6, 7, 8, 10, 11][..]),
            ("0", Some("36"), &[2, 3, 4, 5, 6, 7, 8, 10, 11]),
            ("0.01", None, &[4, 5, 10, 11]),
        ];
        for (fall, rise_per_hour, expected) in table {
            let steady = Steady {
                fall: fall.parse().unwrap(),
                rise: "0.1".parse().unwrap(),
                rise_per_hour: rise_per_hour.map(|rate| rate.parse().unwrap()),
            };
            let found = t
                .breaks_between(account, DEVICE, POINT, span, &steady)
                .await;
            let seqs: Vec<u64> = found.unwrap().iter().map(|kept| kept.reading.seq).collect();
            assert_eq!(seqs, expected, "{fall} {rise_per_hour:?}");
        }
    })
    .await;
}
