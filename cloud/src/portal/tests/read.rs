//! What the meters of a story were read.

use common::id::{AccountId, MeterId};

use super::*;
use crate::store::testing::{World as Kept, keep_register};

/// The last part of a path.
fn identity<T: std::str::FromStr<Err: std::fmt::Debug>>(path: &str) -> T {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

impl World {
    /// The account that the integrator Norte holds.
    pub(super) async fn account(&self) -> AccountId {
        let mut reader = self.app.store.read().await.unwrap();
        let person = reader.person_by_email("norte@integrators.example").await;
        let person = person.unwrap().unwrap().id;
        reader.memberships(person).await.unwrap()[0].account
    }

    /// Keeps the readings of one of Norte's meters, of that site and gateway.
    pub(super) async fn read(
        &self,
        (site, gateway): (&str, &str),
        meter: &str,
        readings: &[(&str, &str)],
    ) {
        let account = self.account().await;
        let kept = Kept {
            account,
            site: identity(site),
            gateway: identity(gateway),
        };
        let mut t = self.app.store.write().await.unwrap();
        let meter: MeterId = identity(meter);
        let meter = t.meter(account, meter).await.unwrap().unwrap();
        for (at, value) in readings {
            keep_register(&mut t, &kept, &meter, at, value).await;
        }
        t.commit().await.unwrap();
    }
}
