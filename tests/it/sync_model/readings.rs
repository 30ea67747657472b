//! Readings as they come: good ones of every shape, and poison.

use common::digest::Signature;
use common::id::{BootId, DeviceId, Epoch, MeterId};
use common::quantity::Quantity;
use common::reading::{ClockTrust, Reading, SinceBoot};
use common::seal::{Head, Seal};
use common::sync::{Loss, LossReason, Weight};
use common::unit::Unit;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::{Timestamp, ToSpan as _};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::model::Item;

/// A text that is too long for a reading, and not for a batch.
const LONG_TEXT_BYTES: usize = 1_000_000;

/// Whose readings.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) key: SigningKey,
    pub(super) device: DeviceId,
    pub(super) meter: MeterId,
    /// A device of another account.
    pub(super) foreign: DeviceId,
    pub(super) now: Timestamp,
}

impl Source {
    /// What a gateway numbers from 1 to about `count`.
    pub(super) fn life(&self, random: &mut StdRng, epoch: Epoch, count: u64) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut head = Head::default();
        let mut next = 1;
        while next <= count {
            let item = match random.random_range(0..100) {
                0..70 => self.good(random, next, &mut head),
                70..88 => self.poison(random, next),
                _ => {
                    let last = next + random.random_range(0..5);
                    Item::Lost(self.loss(random, epoch, next, last))
                }
            };
            next = item.numbers().1 + 1;
            items.push(item);
        }
        items
    }

    fn plain(&self, random: &mut StdRng, seq: u64) -> Reading {
        let at = self.now - random.random_range(0..40 * 86_400_000_i64).milliseconds();
        let count = random.random_range(0..1_000_000_000);
        Reading {
            seq,
            at: Timestamp::from_millisecond(at.as_millisecond()).unwrap(),
            clock: ClockTrust::Trusted,
            since_boot: None,
            device: self.device,
            point: "energy_import".to_owned(),
            quantity: Quantity::from_count(count, 2, Unit::KiloWh).ok(),
            suspect: None,
            raw: "449a 5000".to_owned(),
            profile: "eastron-sdm120@1f2e3d4c".to_owned(),
            closes: None,
            seal: None,
        }
    }

    /// A reading that is kept, often an odd one.
    fn good(&self, random: &mut StdRng, seq: u64, head: &mut Head) -> Item {
        let mut reading = self.plain(random, seq);
        let quantity = |count, decimals, unit| Quantity::from_count(count, decimals, unit).ok();
        match random.random_range(0..12) {
            0 => reading.clock = ClockTrust::Untrusted,
            1 => reading.clock = ClockTrust::Dated,
            2 => reading.quantity = quantity(i64::MAX, 9, Unit::KiloWh),
            3 => reading.quantity = quantity(i64::MIN, 0, Unit::KiloWh),
            4 => {
                reading.quantity = None;
                reading.suspect = Some("not a number · кВт·ч ☃".to_owned());
            }
            5 => {
                reading.point = "voltage_l1".to_owned();
                reading.quantity = quantity(2301, 1, Unit::Volt);
            }
            6 => reading.at = Timestamp::UNIX_EPOCH,
            7 => {
                let (boot, elapsed_ms) = (BootId(i64::MAX), 1 << 62);
                reading.since_boot = Some(SinceBoot { boot, elapsed_ms });
            }
            8 => reading.raw = "ffff ".repeat(124) + "ffff",
            9 => {
                reading.closes = Some(jiff::civil::date(2026, 11, 1).into());
                let (seal, next) = Seal::make(&self.key, self.meter, *head, &reading);
                reading.seal = Some(seal);
                *head = next;
            }
            _ => {}
        }
        let mut value = serde_json::to_value(&reading).unwrap();
        if random.random_bool(0.1) {
            let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
            value["of a version to come"] = deep;
        }
        Item::Good(Box::new(reading), value)
    }

    /// Another content under the same number, as a double of the gateway would send it.
    pub(super) fn double(&self, random: &mut StdRng, item: &Item) -> Item {
        let Item::Good(reading, _) = item else {
            return item.clone();
        };
        let other = Reading {
            raw: format!("{:04x}", random.random::<u16>()),
            ..(**reading).clone()
        };
        let value = serde_json::to_value(&other).unwrap();
        Item::Good(Box::new(other), value)
    }

    /// A reading that must be set apart, alone.
    fn poison(&self, random: &mut StdRng, seq: u64) -> Item {
        let mut value = serde_json::to_value(self.plain(random, seq)).unwrap();
        let damages = self.damages();
        // The long ones are costly, and so are rare.
        let (path, damage) = match random.random_range(0..400) {
            0 => ("/raw", json!("0".repeat(LONG_TEXT_BYTES))),
            1 => ("/quantity/value", json!("9".repeat(LONG_TEXT_BYTES))),
            _ => damages[random.random_range(0..damages.len())].clone(),
        };
        let (parent, member) = path.rsplit_once('/').unwrap();
        let parent = value.pointer_mut(parent).unwrap();
        parent[member] = damage;
        Item::Poison(seq, value)
    }

    fn damages(&self) -> Vec<(&'static str, Value)> {
        let tomorrow = (self.now + 49.hours()).to_string();
        let mut damages = vec![
            ("/at", json!(tomorrow)),
            ("/at", json!("9999-12-30T23:59:59Z")),
            ("/at", json!("yesterday")),
            ("/at", json!(1_795_507_200_250_i64)),
            ("/at", Value::Null),
            ("/clock", json!("sundial")),
            ("/device", json!(DeviceId(77))),
            ("/device", json!(self.foreign)),
            ("/device", json!("../../etc/passwd")),
            ("/point", json!("no_such_point")),
            ("/point", json!("energy_import\u{0}")),
            ("/point", json!({"deep": [[[[1]]]]})),
            ("/raw", json!("449a\n5000")),
            ("/raw", json!("\u{1b}[2J")),
            ("/raw", Value::Null),
            ("/suspect", json!("both a value and a doubt")),
            ("/quantity", Value::Null),
            ("/quantity", json!({"value": "1.0", "unit": "MBTU"})),
            ("/quantity", json!({"value": "1.0", "unit": "L"})),
            ("/quantity/unit", json!("kWh'; DROP TABLE reading; --")),
            ("/profile", json!("eastron-sdm630@1f2e3d4c")),
            ("/profile", json!("")),
            ("/closes", json!("2026-02-30")),
            ("/since_boot", json!({"boot": "u", "elapsed_ms": 1})),
            (
                "/since_boot",
                json!({"boot": "0000000000001", "elapsed_ms": -1}),
            ),
            ("/seal", json!({"meter": "0000000000001", "link": 1})),
            ("/seal", json!("sealed")),
        ];
        let values = [
            "NaN",
            "inf",
            "-Infinity",
            "1e400",
            "",
            " 1",
            "0x10",
            "1,5",
            "9223372036854775808",
            "79228162514264337593543950336",
            "1.0000000001",
            "١٢",
            "1\u{0}",
        ];
        damages.extend(values.map(|value| ("/quantity/value", json!(value))));
        damages
    }

    fn loss(&self, random: &mut StdRng, epoch: Epoch, first: u64, last: u64) -> Loss {
        let reasons = [LossReason::Size, LossReason::Damage, LossReason::Expired];
        let weights = [
            Weight::Gauge,
            Weight::Counter,
            Weight::Billing,
            Weight::Closing,
        ];
        let known = random.random_bool(0.7);
        let mut loss = Loss {
            first,
            last,
            reason: reasons[random.random_range(0..reasons.len())],
            gravest: weights[random.random_range(0..weights.len())],
            from: known.then(|| self.now - 3.hours()),
            until: known.then(|| self.now - 2.hours()),
            devices: known.then_some(self.device).into_iter().collect(),
            signature: Signature([0; 64]),
        };
        let signature = self.key.sign(loss.text(epoch).as_bytes());
        loss.signature = Signature(signature.to_bytes());
        loss
    }
}
