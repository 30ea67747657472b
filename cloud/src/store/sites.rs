//! The buildings.

use common::id::{AccountId, SiteId};
use common::locale::Locale;
use jiff::Timestamp;

use super::{Row, StoreResult, Transaction, new_id};
use crate::site::{Site, Zone};

pub(super) fn zone(row: &Row, column: usize) -> StoreResult<Zone> {
    row.coded(column, |name| Zone::new(name).ok())
}

fn site(row: &Row) -> StoreResult<Site> {
    Ok(Site {
        account: AccountId(row.int(0)?),
        id: SiteId(row.int(1)?),
        name: row.text(2)?.to_owned(),
        zone: zone(row, 3)?,
        locale: row.parsed(4)?,
    })
}

impl Transaction {
    /// Adds a building to an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_site(
        &mut self,
        account: AccountId,
        name: &str,
        zone: &Zone,
        locale: Locale,
        now: Timestamp,
    ) -> StoreResult<Site> {
        let added = Site {
            account,
            id: SiteId(new_id(now)),
            name: name.to_owned(),
            zone: zone.clone(),
            locale,
        };
        self.execute(
            "INSERT INTO site (account_id, site_id, name, zone, locale, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                account.into(),
                added.id.into(),
                name.into(),
                zone.name().into(),
                locale.to_string().into(),
                now.into(),
            ],
        )
        .await?;
        Ok(added)
    }

    /// The buildings of an account, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn sites(&mut self, account: AccountId) -> StoreResult<Vec<Site>> {
        let rows = self
            .query(
                "SELECT account_id, site_id, name, zone, locale FROM site \
                 WHERE account_id = $1 ORDER BY name, site_id",
                &[account.into()],
            )
            .await?;
        rows.iter().map(site).collect()
    }

    /// A building of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn site(&mut self, account: AccountId, id: SiteId) -> StoreResult<Option<Site>> {
        let found = self
            .query_one(
                "SELECT account_id, site_id, name, zone, locale FROM site \
                 WHERE account_id = $1 AND site_id = $2",
                &[account.into(), id.into()],
            )
            .await?;
        found.as_ref().map(site).transpose()
    }

    /// Gives a building the name, zone and locale that `changed` has; its meters keep theirs.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_site(&mut self, changed: &Site) -> StoreResult<()> {
        self.execute(
            "UPDATE site SET name = $3, zone = $4, locale = $5 \
             WHERE account_id = $1 AND site_id = $2",
            &[
                changed.account.into(),
                changed.id.into(),
                changed.name.as_str().into(),
                changed.zone.name().into(),
                changed.locale.to_string().into(),
            ],
        )
        .await?;
        Ok(())
    }
}
