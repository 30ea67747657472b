//! The seals of a batch against the chains of the meters.
//!
//! A seal that does not prove what it says takes nothing away: its reading is kept, the fault
//! is noted and shown. A link whose signature is good becomes the new head even where it does
//! not follow the last one, so that one hole is one fault.

use std::collections::BTreeMap;

use common::digest::public_key;
use common::id::MeterId;
use common::reading::Reading;
use common::seal::{Head, Seal, SealError};
use ed25519_dalek::VerifyingKey;
use jiff::Timestamp;

use crate::site::Mounting;
use crate::store::readings::Stream;
use crate::store::seals::SealFault;
use crate::store::{StoreResult, Transaction};

/// A key of the gateway, and until when it signs.
struct Key {
    written: String,
    key: VerifyingKey,
    until: Option<Timestamp>,
}

/// What becomes of a seal.
enum Verdict {
    /// It is there already.
    Known,
    /// It is the next link, signed by this key.
    Next(Head, String),
    /// It is a link out of place, signed by this key.
    Astray(Head, String, String),
    /// It proves nothing.
    Broken(String),
}

/// Checks the seals of readings that were kept, in the order of their numbers.
pub(super) async fn check(
    transaction: &mut Transaction,
    stream: Stream,
    readings: &[Reading],
    mountings: &[Mounting],
    now: Timestamp,
) -> StoreResult<()> {
    let sealed = readings.iter().filter_map(|reading| {
        let seal = reading.seal.as_ref()?;
        Some((reading, seal))
    });
    let sealed: Vec<_> = sealed.collect();
    if sealed.is_empty() {
        return Ok(());
    }
    let keys = keys(transaction, stream).await?;
    let mut heads: BTreeMap<MeterId, Head> = BTreeMap::new();
    for (reading, seal) in sealed {
        let account = stream.key.account;
        let head = match heads.get(&seal.meter) {
            Some(head) => *head,
            None => transaction.meter_head(account, seal.meter).await?,
        };
        let verdict = if is_mounted(reading, seal, mountings) {
            judge(transaction, stream, reading, head, &keys).await?
        } else {
            Verdict::Broken("its device never served that meter".to_owned())
        };
        let (link, fault) = match verdict {
            Verdict::Known => continue,
            Verdict::Next(head, key) => (Some((head, key)), None),
            Verdict::Astray(head, key, fault) => (Some((head, key)), Some(fault)),
            Verdict::Broken(fault) => (None, Some(fault)),
        };
        if let Some((head, key)) = link {
            transaction
                .add_seal(stream, seal.meter, head, reading.seq, &key)
                .await?;
            heads.insert(seal.meter, head);
        }
        if let Some(fault) = fault {
            note(transaction, stream, reading, seal, fault, now).await?;
        }
    }
    Ok(())
}

async fn keys(transaction: &mut Transaction, stream: Stream) -> StoreResult<Vec<Key>> {
    let known = transaction.keys_of_gateway(stream.key).await?;
    let keys = known.into_iter().filter_map(|known| {
        Some(Key {
            key: public_key(&known.public_key).ok()?,
            written: known.public_key,
            until: known.until,
        })
    });
    Ok(keys.collect())
}

/// Whether the reading's point ever served the meter: a seal may be made before the cloud's
/// mounting by the difference of two clocks.
fn is_mounted(reading: &Reading, seal: &Seal, mountings: &[Mounting]) -> bool {
    mountings.iter().any(|mounting| {
        mounting.meter == seal.meter
            && mounting.device == reading.device
            && mounting.point == reading.point
    })
}

async fn judge(
    transaction: &mut Transaction,
    stream: Stream,
    reading: &Reading,
    head: Head,
    keys: &[Key],
) -> StoreResult<Verdict> {
    let Some(seal) = &reading.seal else {
        return Ok(Verdict::Known);
    };
    let own = seal.head(reading);
    if seal.link <= head.link {
        let account = stream.key.account;
        let there = transaction.digest_of_link(account, seal.meter, seal.link);
        return Ok(match there.await? == Some(own.digest) {
            true => Verdict::Known,
            false => Verdict::Broken(format!(
                "link {} of the chain is another reading already",
                seal.link
            )),
        });
    }
    let valid = keys
        .iter()
        .filter(|key| key.until.is_none_or(|until| reading.at < until));
    for key in valid {
        match seal.check(&key.key, head, reading) {
            Ok(head) => return Ok(Verdict::Next(head, key.written.clone())),
            Err(SealError::Signature) => {}
            Err(astray) => {
                return Ok(Verdict::Astray(
                    own,
                    key.written.clone(),
                    astray.to_string(),
                ));
            }
        }
    }
    Ok(Verdict::Broken(SealError::Signature.to_string()))
}

async fn note(
    transaction: &mut Transaction,
    stream: Stream,
    reading: &Reading,
    seal: &Seal,
    fault: String,
    now: Timestamp,
) -> StoreResult<()> {
    tracing::warn!(
        gateway.id = %stream.key.gateway, meter.id = %seal.meter, link = seal.link,
        reading.seq = reading.seq, "a seal proves nothing: {fault}"
    );
    let fault = SealFault {
        meter: seal.meter,
        link: seal.link,
        epoch: stream.epoch,
        seq: reading.seq,
        fault,
        received_at: now,
    };
    transaction.note_seal_fault(stream, &fault).await
}
