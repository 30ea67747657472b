//! The keys that sign a gateway's seals, and how one takes the place of another.

use jiff::{SignedDuration, Timestamp};

use super::gateways::GatewayKey;
use super::{Row, StoreResult, Transaction};

/// How long a replaced key still vouches for what it sealed, once its successor is in use.
pub const KEY_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// A public key of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey {
    /// The Ed25519 public key, base64.
    pub public_key: String,
    /// Since when it counts.
    pub from: Timestamp,
    /// Until when it counts, if it was replaced.
    pub until: Option<Timestamp>,
}

fn sealing_key(row: &Row) -> StoreResult<SealingKey> {
    Ok(SealingKey {
        public_key: row.text(0)?.to_owned(),
        from: row.instant(1)?,
        until: row.optional_instant(2)?,
    })
}

impl Transaction {
    /// The keys of a gateway, the newest first.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn keys_of_gateway(&mut self, key: GatewayKey) -> StoreResult<Vec<SealingKey>> {
        let rows = self
            .query(
                "SELECT public_key, from_ms, until_ms FROM gateway_key \
                 WHERE account_id = $1 AND gateway_id = $2 ORDER BY from_ms DESC, public_key",
                &[key.account.into(), key.gateway.into()],
            )
            .await?;
        rows.iter().map(sealing_key).collect()
    }

    /// Takes a new key and token of a gateway. Those before count until the new token is
    /// used: the answer that brought it may have been lost.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn change_key(
        &mut self,
        key: GatewayKey,
        public_key: &str,
        token_hash: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let [account, gateway] = [key.account.into(), key.gateway.into()];
        self.execute(
            "UPDATE gateway_token SET replaced_ms = $3 WHERE account_id = $1 \
             AND gateway_id = $2 AND revoked_ms IS NULL AND replaced_ms IS NULL",
            &[account, gateway, now.into()],
        )
        .await?;
        let [account, gateway] = [key.account.into(), key.gateway.into()];
        self.execute(
            "INSERT INTO gateway_token (token_hash, account_id, gateway_id, created_ms) \
             VALUES ($1, $2, $3, $4)",
            &[token_hash.into(), account, gateway, now.into()],
        )
        .await?;
        self.take_key(key, public_key, now).await
    }

    /// Revokes the tokens that this one has replaced, now that it is used; what their keys
    /// have sealed has [`KEY_OVERLAP`] left.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn end_replaced_tokens(
        &mut self,
        key: GatewayKey,
        token_hash: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let ended = self
            .execute(
                "UPDATE gateway_token SET revoked_ms = $4 WHERE account_id = $1 \
                 AND gateway_id = $2 AND token_hash <> $3 AND revoked_ms IS NULL \
                 AND replaced_ms IS NOT NULL AND EXISTS (SELECT 1 FROM gateway_token AS used \
                 WHERE used.token_hash = $3 AND used.replaced_ms IS NULL)",
                &[
                    key.account.into(),
                    key.gateway.into(),
                    token_hash.into(),
                    now.into(),
                ],
            )
            .await?;
        match ended {
            0 => Ok(()),
            _ => self.end_other_keys(key, now + KEY_OVERLAP).await,
        }
    }

    /// Lets every key but the newest count only until `until`.
    pub(super) async fn end_other_keys(
        &mut self,
        key: GatewayKey,
        until: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE gateway_key SET until_ms = $3 WHERE account_id = $1 AND gateway_id = $2 \
             AND until_ms IS NULL AND from_ms < (SELECT MAX(newest.from_ms) \
             FROM gateway_key AS newest WHERE newest.account_id = $1 \
             AND newest.gateway_id = $2)",
            &[key.account.into(), key.gateway.into(), until.into()],
        )
        .await?;
        Ok(())
    }

    /// Makes this key the newest one.
    pub(super) async fn take_key(
        &mut self,
        key: GatewayKey,
        public_key: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.execute(
            "INSERT INTO gateway_key (account_id, gateway_id, public_key, from_ms) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account_id, gateway_id, public_key) \
             DO UPDATE SET until_ms = NULL, from_ms = excluded.from_ms",
            &[
                key.account.into(),
                key.gateway.into(),
                public_key.into(),
                now.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
