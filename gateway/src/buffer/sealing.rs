//! Sealing: which readings are links in the chain of a meter, and the chains' heads.
//!
//! The first good billing reading of a new mounting is a link, and every good closing
//! reading. A link is made in the transaction that stores its reading. A chain goes on from
//! the head that the cloud holds when that is ahead of ours.

use std::collections::BTreeMap;

use common::digest::Digest;
use common::id::{DeviceId, MeterId};
use common::reading::Reading;
use common::seal::{Head, Seal};
use common::sync::{Closing, DeviceList, DeviceMounting};
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{BufferError, number, row, sql, stored};

/// What the buffer seals by.
#[derive(Clone)]
pub struct Sealing {
    /// The gateway's key.
    pub key: SigningKey,
    /// Which points serve which meters.
    pub mountings: Vec<(DeviceId, DeviceMounting)>,
    /// The starts of day of each device, by which readings that are dated afterwards are
    /// found to be closing readings.
    pub closings: BTreeMap<DeviceId, Vec<Closing>>,
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealing")
            .field("mountings", &self.mountings)
            .finish_non_exhaustive()
    }
}

impl Sealing {
    /// By the mountings and starts of day of `list`.
    #[must_use]
    pub fn new(key: SigningKey, list: &DeviceList) -> Self {
        let devices = list.devices.iter();
        let mountings = devices.clone().flat_map(|device| {
            let mountings = device.mountings.iter().cloned();
            mountings.map(|mounting| (device.id, mounting))
        });
        Self {
            key,
            mountings: mountings.collect(),
            closings: devices.map(|d| (d.id, d.closings.clone())).collect(),
        }
    }

    /// The mounting in which `device` served a meter with `point` at that instant.
    pub(super) fn mounting(
        &self,
        device: DeviceId,
        point: &str,
        at: Timestamp,
    ) -> Option<&DeviceMounting> {
        let serving = self.mountings.iter().filter(|(_, m)| m.from <= at);
        let (_, found) = serving
            .clone()
            .filter(|(id, m)| *id == device && m.point == point)
            .max_by_key(|(_, m)| m.from)?;
        let is_replaced = serving
            .filter(|(_, m)| m.meter == found.meter)
            .any(|(_, m)| m.from > found.from);
        (!is_replaced).then_some(found)
    }
}

/// The chain of a meter: its last link, and the mounting that it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) head: Head,
    pub(super) device: DeviceId,
    pub(super) point: String,
    pub(super) mounted_from_ms: i64,
}

pub(super) type Chains = BTreeMap<MeterId, Chain>;

impl Chain {
    pub(super) fn sum(&self, meter: MeterId) -> i64 {
        let Head { link, digest } = self.head;
        let Self { device, point, .. } = self;
        let from = self.mounted_from_ms;
        row::sum_of(format!("{meter} {link} {digest} {device} {from} {point}").as_bytes())
    }

    fn speaks_of(&self, device: DeviceId, mounting: &DeviceMounting) -> bool {
        self.device == device
            && self.point == mounting.point
            && self.mounted_from_ms == mounting.from.as_millisecond()
    }
}

/// Makes `reading` a link if it is to be one; `chains` goes on.
pub(super) fn seal(sealing: &Sealing, chains: &mut Chains, reading: &mut Reading) {
    if reading.seal.is_some() || !reading.is_good() {
        return;
    }
    let (device, at) = (reading.device, reading.at);
    let Some(mounting) = sealing.mounting(device, &reading.point, at) else {
        return;
    };
    let own = chains.get(&mounting.meter);
    let is_new = own.is_none_or(|chain| !chain.speaks_of(device, mounting));
    let is_past = own.is_some_and(|c| c.mounted_from_ms > mounting.from.as_millisecond());
    if is_past || !(is_new || reading.closes.is_some()) {
        return;
    }
    let own = own.map_or(Head::default(), |chain| chain.head);
    let head = match mounting.head.link > own.link {
        true => mounting.head,
        false => own,
    };
    let (seal, head) = Seal::make(&sealing.key, mounting.meter, head, reading);
    reading.seal = Some(seal);
    let chain = Chain {
        head,
        device,
        point: mounting.point.clone(),
        mounted_from_ms: mounting.from.as_millisecond(),
    };
    chains.insert(mounting.meter, chain);
}

/// Keeps the chains that differ from what they were.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    before: &Chains,
    chains: &Chains,
) -> Result<(), rusqlite::Error> {
    for (meter, chain) in chains {
        if before.get(meter) == Some(chain) {
            continue;
        }
        transaction.execute(
            "INSERT OR REPLACE INTO chain
             (meter, link, digest, device, point, mounted_from_ms, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                meter.0,
                stored(chain.head.link),
                chain.head.digest.0,
                chain.device.0,
                chain.point,
                chain.mounted_from_ms,
                chain.sum(*meter),
            ],
        )?;
    }
    Ok(())
}

/// The chains that the database holds; a damaged one is passed over, and goes on from the
/// cloud's head.
pub(super) fn load(connection: &Connection) -> Result<Chains, BufferError> {
    let reading = sql("read the chains of the meters");
    let mut statement = connection
        .prepare("SELECT meter, link, digest, device, point, mounted_from_ms, sum FROM chain")
        .map_err(&reading)?;
    let mut rows = statement.query([]).map_err(&reading)?;
    let mut chains = Chains::new();
    while let Some(row) = rows.next().map_err(&reading)? {
        let read = || -> Result<_, rusqlite::Error> {
            let members = (row.get(0)?, row.get(1)?, row.get(3)?);
            let digest: Vec<u8> = row.get(2)?;
            Ok((members, digest, row.get(4)?, row.get(5)?, row.get(6)?))
        };
        let known = read().ok().and_then(|(members, digest, point, from, sum)| {
            assemble(members, &digest, point, from, sum)
        });
        match known {
            Some((meter, chain)) => drop(chains.insert(meter, chain)),
            None => tracing::error!("the head of a meter's chain of seals is damaged"),
        }
    }
    Ok(chains)
}

/// The chain that the members make; `None` when they are not what was stored.
pub(super) fn assemble(
    (meter, link, device): (i64, i64, i64),
    digest: &[u8],
    point: String,
    mounted_from_ms: i64,
    sum: i64,
) -> Option<(MeterId, Chain)> {
    let digest = Digest(digest.try_into().ok()?);
    let link = number(link);
    let chain = Chain {
        head: Head { link, digest },
        device: DeviceId(device),
        point,
        mounted_from_ms,
    };
    (chain.sum(MeterId(meter)) == sum).then_some((MeterId(meter), chain))
}
