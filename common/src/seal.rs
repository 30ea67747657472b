//! Seals: what makes a bill's readings checkable by anybody.
//!
//! Each meter has a chain. Its links are the reading with which a device begins to serve the
//! meter, and every closing reading: each holds the digest of the link before and is signed
//! by the gateway's key, so that none can be changed, left out or slipped in afterwards. A
//! chain outlives devices, gateways and keys. It proves that nothing has changed since the
//! gateway, not that the meter is right.

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Signature};
use crate::id::MeterId;
use crate::reading::Reading;

/// The last link of a chain; link 0 with a digest of zeros before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its place in the chain, from 1.
    pub link: u64,
    /// The digest of its text.
    pub digest: Digest,
}

/// The link that a reading is in the chain of its meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The meter.
    pub meter: MeterId,
    /// Its place in the chain, from 1.
    pub link: u64,
    /// The digest of the link before.
    pub previous: Digest,
    /// The gateway's signature of [`Seal::text`].
    pub signature: Signature,
}

/// Why a seal proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key did not sign this reading as this link.
    #[error("its signature is not the gateway's: it was changed, or another key signed it")]
    Signature,
    /// It does not follow the last link.
    #[error("it is link {found} of the chain, and {expected} comes next")]
    Place {
        /// The link it says it is.
        found: u64,
        /// The link that comes next.
        expected: u64,
    },
    /// It follows another link than the last.
    #[error("it follows another link {0} than the chain has")]
    Previous(u64),
}

impl Seal {
    /// Makes `reading` the link after `head` in the chain of `meter`; tells the new head too.
    #[must_use]
    pub fn make(key: &SigningKey, meter: MeterId, head: Head, reading: &Reading) -> (Self, Head) {
        let mut seal = Self {
            meter,
            link: head.link.saturating_add(1),
            previous: head.digest,
            signature: Signature([0; 64]),
        };
        let text = seal.text(reading);
        seal.signature = Signature(key.sign(text.as_bytes()).to_bytes());
        let head = Head {
            link: seal.link,
            digest: Digest::of(text.as_bytes()),
        };
        (seal, head)
    }

    /// What is signed, and digested for the next link: the place in the chain, then
    /// [`Reading::canonical`].
    #[must_use]
    pub fn text(&self, reading: &Reading) -> String {
        format!(
            "enervue-seal 1\nmeter {}\nlink {}\nprevious {}\n{}",
            self.meter,
            self.link,
            self.previous,
            reading.canonical()
        )
    }

    /// The head of a chain that ends with this link.
    #[must_use]
    pub fn head(&self, reading: &Reading) -> Head {
        Head {
            link: self.link,
            digest: Digest::of(self.text(reading).as_bytes()),
        }
    }

    /// Whether `key` signed `reading` as the link after `head`; tells the new head.
    ///
    /// # Errors
    /// When it did not, or the link has another place.
    pub fn check(
        &self,
        key: &VerifyingKey,
        head: Head,
        reading: &Reading,
    ) -> Result<Head, SealError> {
        if !self.signature.is_of(key, &self.text(reading)) {
            return Err(SealError::Signature);
        }
        let expected = head.link.saturating_add(1);
        if self.link != expected {
            let found = self.link;
            return Err(SealError::Place { found, expected });
        }
        if self.previous != head.digest {
            return Err(SealError::Previous(head.link));
        }
        Ok(self.head(reading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{BootId, DeviceId};
    use crate::quantity::Quantity;
    use crate::reading::{ClockTrust, SinceBoot};
    use crate::unit::Unit;

    fn reading() -> Reading {
        Reading {
            seq: 7,
            at: "2026-11-24T08:00:00.250Z".parse().unwrap(),
            clock: ClockTrust::Trusted,
            since_boot: Some(SinceBoot {
                boot: BootId(5),
                elapsed_ms: 86_400_123,
            }),
            device: DeviceId(1),
            point: "energy_import".to_owned(),
            quantity: Some(Quantity::from_count(123_450, 2, Unit::KiloWh).unwrap()),
            suspect: None,
            raw: "449a 5000".to_owned(),
            profile: "eastron-sdm120@1f2e3d4c".to_owned(),
            closes: Some(jiff::civil::date(2026, 11, 24).into()),
            seal: None,
        }
    }

    #[test]
    fn what_is_sealed_reads_as_documented() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let (seal, _) = Seal::make(&key, MeterId(9), Head::default(), &reading());
        let text = "enervue-seal 1\nmeter 0000000000009\nlink 1\nprevious \
                    0000000000000000000000000000000000000000000000000000000000000000\n\
                    at 1795507200250\nclock trusted\nboot 0000000000005 86400123\n\
                    device 0000000000001\npoint energy_import\nvalue 1234.50 kWh\nsuspect -\n\
                    raw 449a 5000\nprofile eastron-sdm120@1f2e3d4c\ncloses 2026-11-24\n";
        assert_eq!(seal.text(&reading()), text);
    }

    #[test]
    fn a_chain_holds_and_every_change_breaks_it() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let public = key.verifying_key();
        let meter = MeterId(9);
        let (first, head) = Seal::make(&key, meter, Head::default(), &reading());
        assert_eq!(first.check(&public, Head::default(), &reading()), Ok(head));
        let (second, after) = Seal::make(&key, meter, head, &reading());
        assert_eq!(second.check(&public, head, &reading()), Ok(after));

        type Change = fn(&mut Reading);
        let changes: [Change; 8] = [
            |r| r.at += jiff::SignedDuration::from_millis(1),
            |r| r.clock = ClockTrust::Simulated,
            |r| r.since_boot = None,
            |r| r.device = DeviceId(2),
            |r| r.point.push('x'),
            |r| r.quantity = Quantity::from_count(123_451, 2, Unit::KiloWh).ok(),
            |r| r.raw.push('0'),
            |r| r.closes = None,
        ];
        for change in changes {
            let mut changed = reading();
            change(&mut changed);
            assert_eq!(
                second.check(&public, head, &changed),
                Err(SealError::Signature)
            );
        }
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key();
        assert_eq!(
            second.check(&other, head, &reading()),
            Err(SealError::Signature)
        );
        let place = SealError::Place {
            found: 2,
            expected: 3,
        };
        assert_eq!(second.check(&public, after, &reading()), Err(place));
        let fork = Head {
            link: 1,
            digest: Digest::of(b"another"),
        };
        assert_eq!(
            second.check(&public, fork, &reading()),
            Err(SealError::Previous(1))
        );
        // Its number is not sealed: another epoch may give it a new one.
        let renumbered = Reading {
            seq: 8,
            ..reading()
        };
        assert_eq!(second.check(&public, head, &renumbered), Ok(after));
    }
}
