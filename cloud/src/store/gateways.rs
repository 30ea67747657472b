//! The gateways: their codes, their tokens, and what they said of themselves.
//! Of codes and tokens only hashes come here.

use common::id::{AccountId, GatewayId, SiteId};
use common::sync::GatewayReport;
use jiff::Timestamp;

use super::{Row, StoreError, StoreResult, Transaction, new_id};
use crate::site::{Gateway, GatewayKind};

macro_rules! gateway_columns {
    () => {
        "account_id, gateway_id, site_id, name, kind, enrolled_ms, seen_ms, report, doubled_ms"
    };
}

fn gateway(row: &Row) -> StoreResult<Gateway> {
    let report = match row.optional_text(7)? {
        Some(_) => Some(row.json(7)?),
        None => None,
    };
    Ok(Gateway {
        account: AccountId(row.int(0)?),
        id: GatewayId(row.int(1)?),
        site: SiteId(row.int(2)?),
        name: row.text(3)?.to_owned(),
        kind: row.coded(4, GatewayKind::from_code)?,
        enrolled_at: row.optional_instant(5)?,
        seen_at: row.optional_instant(6)?,
        report,
        doubled_at: row.optional_instant(8)?,
    })
}

/// Which gateway a secret belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayKey {
    /// Its account.
    pub account: AccountId,
    /// Its identity.
    pub gateway: GatewayId,
}

/// How many gateways of all accounts are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayStates {
    /// Let in, and heard lately.
    pub online: i64,
    /// Let in, and not heard lately.
    pub away: i64,
    /// Not let in.
    pub not_enrolled: i64,
}

fn key(row: &Row) -> StoreResult<GatewayKey> {
    Ok(GatewayKey {
        account: AccountId(row.int(0)?),
        gateway: GatewayId(row.int(1)?),
    })
}

impl Transaction {
    /// Adds a gateway to a building; it has to be enrolled before it may speak.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_gateway(
        &mut self,
        account: AccountId,
        site: SiteId,
        name: &str,
        kind: GatewayKind,
        now: Timestamp,
    ) -> StoreResult<Gateway> {
        let added = Gateway {
            account,
            id: GatewayId(new_id(now)),
            site,
            name: name.to_owned(),
            kind,
            enrolled_at: None,
            seen_at: None,
            report: None,
            doubled_at: None,
        };
        self.execute(
            "INSERT INTO gateway (account_id, gateway_id, site_id, name, kind, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                account.into(),
                added.id.into(),
                site.into(),
                name.into(),
                kind.code().into(),
                now.into(),
            ],
        )
        .await?;
        Ok(added)
    }

    /// A gateway of an account.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn gateway(
        &mut self,
        account: AccountId,
        id: GatewayId,
    ) -> StoreResult<Option<Gateway>> {
        let sql = concat!(
            "SELECT ",
            gateway_columns!(),
            " FROM gateway WHERE account_id = $1 AND gateway_id = $2"
        );
        let found = self.query_one(sql, &[account.into(), id.into()]).await?;
        found.as_ref().map(gateway).transpose()
    }

    /// The gateways of an account, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn gateways(&mut self, account: AccountId) -> StoreResult<Vec<Gateway>> {
        let sql = concat!(
            "SELECT ",
            gateway_columns!(),
            " FROM gateway WHERE account_id = $1 ORDER BY name, gateway_id"
        );
        let rows = self.query(sql, &[account.into()]).await?;
        rows.iter().map(gateway).collect()
    }

    /// The gateways of a building, by name.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn gateways_of_site(
        &mut self,
        account: AccountId,
        site: SiteId,
    ) -> StoreResult<Vec<Gateway>> {
        let sql = concat!(
            "SELECT ",
            gateway_columns!(),
            " FROM gateway WHERE account_id = $1 AND site_id = $2 ORDER BY name, gateway_id"
        );
        let rows = self.query(sql, &[account.into(), site.into()]).await?;
        rows.iter().map(gateway).collect()
    }

    /// Every enrolled gateway of every account, for the test clock, which waits for them.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn enrolled_gateways(&mut self) -> StoreResult<Vec<Gateway>> {
        let sql = concat!(
            "SELECT ",
            gateway_columns!(),
            " FROM gateway WHERE enrolled_ms IS NOT NULL ORDER BY account_id, gateway_id"
        );
        let rows = self.query(sql, &[]).await?;
        rows.iter().map(gateway).collect()
    }

    /// How many gateways of all accounts are how; those are online that were heard since
    /// `heard_since`.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn gateway_states(&mut self, heard_since: Timestamp) -> StoreResult<GatewayStates> {
        let sql = "SELECT \
             CAST(COALESCE(SUM(CASE WHEN enrolled_ms IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT), \
             CAST(COALESCE(SUM(CASE WHEN enrolled_ms IS NOT NULL AND seen_ms >= $1 \
             THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*) FROM gateway";
        let row = self.query_one(sql, &[heard_since.into()]).await?;
        let row = row.ok_or_else(|| StoreError::Content("a sum is missing".to_owned()))?;
        let (not_enrolled, online) = (row.int(0)?, row.int(1)?);
        Ok(GatewayStates {
            online,
            away: row
                .int(2)?
                .saturating_sub(not_enrolled)
                .saturating_sub(online),
            not_enrolled,
        })
    }

    /// Keeps an enrolment code for a gateway; one that was given before is worth nothing now.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn add_enrolment_code(
        &mut self,
        hash: &str,
        key: GatewayKey,
        expires_at: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "DELETE FROM enrolment_code WHERE account_id = $1 AND gateway_id = $2",
            &[key.account.into(), key.gateway.into()],
        )
        .await?;
        self.execute(
            "INSERT INTO enrolment_code (code_hash, account_id, gateway_id, expires_ms) \
             VALUES ($1, $2, $3, $4)",
            &[
                hash.into(),
                key.account.into(),
                key.gateway.into(),
                expires_at.into(),
            ],
        )
        .await?;
        Ok(())
    }

    /// Uses an enrolment code up: whose it was, the first time and before it expires only.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn use_enrolment_code(
        &mut self,
        hash: &str,
        now: Timestamp,
    ) -> StoreResult<Option<GatewayKey>> {
        let found = self
            .query_one(
                "UPDATE enrolment_code SET used_ms = $2 \
                 WHERE code_hash = $1 AND expires_ms > $2 AND used_ms IS NULL \
                 RETURNING account_id, gateway_id",
                &[hash.into(), now.into()],
            )
            .await?;
        found.as_ref().map(key).transpose()
    }

    /// Lets a gateway in: its new token is the only one that counts, its key will verify
    /// its seals.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn enrol(
        &mut self,
        key: GatewayKey,
        token_hash: &str,
        public_key: &str,
        host: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.revoke_tokens(key, now).await?;
        self.execute(
            "INSERT INTO gateway_token (token_hash, account_id, gateway_id, created_ms) \
             VALUES ($1, $2, $3, $4)",
            &[
                token_hash.into(),
                key.account.into(),
                key.gateway.into(),
                now.into(),
            ],
        )
        .await?;
        self.execute(
            "UPDATE gateway SET enrolled_ms = $3, host = $4, doubled_ms = NULL \
             WHERE account_id = $1 AND gateway_id = $2",
            &[
                key.account.into(),
                key.gateway.into(),
                now.into(),
                host.into(),
            ],
        )
        .await?;
        self.take_key(key, public_key, now).await?;
        self.end_other_keys(key, now).await
    }

    /// Whose token it is, unless it was revoked.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn gateway_of_token(&mut self, token_hash: &str) -> StoreResult<Option<GatewayKey>> {
        let found = self
            .query_one(
                "SELECT account_id, gateway_id FROM gateway_token \
                 WHERE token_hash = $1 AND revoked_ms IS NULL",
                &[token_hash.into()],
            )
            .await?;
        found.as_ref().map(key).transpose()
    }

    /// Revokes every token of a gateway.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn revoke_tokens(&mut self, key: GatewayKey, now: Timestamp) -> StoreResult<()> {
        self.execute(
            "UPDATE gateway_token SET revoked_ms = $3 \
             WHERE account_id = $1 AND gateway_id = $2 AND revoked_ms IS NULL",
            &[key.account.into(), key.gateway.into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// Shuts a gateway out: its tokens and a code that was not used are worth nothing, and
    /// it has to be enrolled again.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn revoke_gateway(&mut self, key: GatewayKey, now: Timestamp) -> StoreResult<()> {
        self.revoke_tokens(key, now).await?;
        let place = [key.account.into(), key.gateway.into()];
        self.execute(
            "DELETE FROM enrolment_code WHERE account_id = $1 AND gateway_id = $2",
            &place,
        )
        .await?;
        self.execute(
            "UPDATE gateway SET enrolled_ms = NULL WHERE account_id = $1 AND gateway_id = $2",
            &place,
        )
        .await?;
        Ok(())
    }

    /// Keeps what a gateway said of itself, and that it spoke.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn save_report(
        &mut self,
        key: GatewayKey,
        report: &GatewayReport,
        now: Timestamp,
    ) -> StoreResult<()> {
        let report = serde_json::to_string(report)
            .map_err(|error| StoreError::Content(format!("a report is no JSON: {error}")))?;
        self.execute(
            "UPDATE gateway SET report = $3, seen_ms = $4 \
             WHERE account_id = $1 AND gateway_id = $2",
            &[
                key.account.into(),
                key.gateway.into(),
                report.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
